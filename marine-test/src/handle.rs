//! A running copy of a service, and the calls of generated code.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use marine_manifest::LogLevel;
use marine_runtime::{CallError, CallOptions, CallParameters, LogRecord, Service, Val};

use crate::dirs::Places;
use crate::grants::ExtraGrants;
use crate::start::{Source, StartFailure, link, prepare};
use crate::value::Value;

/// A running copy of a service. Clones are the same copy; it ends with the last of them, and what it logged is printed then if the test
/// is failing.
#[derive(Clone)]
pub struct Handle(Arc<Running>);

struct Running {
    service: Service,
    records: Arc<Mutex<Vec<LogRecord>>>,
    /// Removed when the copy ends.
    _places: Places,
}

impl Handle {
    /// Starts a fresh copy of the service of `source`, with `grants` beyond those of its manifest.
    ///
    /// # Errors
    /// See [`StartFailure`].
    pub fn start(source: &Source, grants: &ExtraGrants) -> Result<Handle, StartFailure> {
        let prepared = prepare(source)?;
        let places = Places::new()?;
        let mut spec = prepared.spec.clone();
        grants.add_to(&mut spec)?;
        if !source.real_dirs {
            places.divert(&mut spec)?;
        }
        let plan = link(&prepared, spec)?;
        let records = Arc::new(Mutex::new(Vec::new()));
        let sink = records.clone();
        let service = Service::builder(plan)
            .id(format!("{}-under-test", prepared.name))
            .volumes(places.volumes())
            .logs(move |record| sink.lock().unwrap_or_else(PoisonError::into_inner).push(record))
            .build()?;
        Ok(Handle(Arc::new(Running { service, records, _places: places })))
    }

    /// Calls `function` of `module`, both in kebab-case.
    ///
    /// # Errors
    /// See [`CallError`]; what the function itself returns as its error is part of `R`.
    pub fn call<R: Value>(
        &self,
        module: &str,
        function: &str,
        args: Vec<Val>,
        params: Option<CallParameters>,
    ) -> Result<R, CallError> {
        let options = CallOptions { params, ..CallOptions::default() };
        let result = self.0.service.call_module_values(module, function, &args, options)?;
        R::from_payload(result.map(Box::new)).map_err(|cause| CallError::Types {
            module: module.to_owned(),
            function: function.to_owned(),
            cause: cause.to_string(),
        })
    }

    /// What its modules logged so far, oldest first.
    pub fn logs(&self) -> Vec<LogRecord> {
        self.0.records.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The service itself.
    pub fn service(&self) -> &Service {
        &self.0.service
    }

    /// Prints what was logged; the test harness shows it with the failing test.
    pub fn print_logs(&self) {
        self.0.print_logs();
    }
}

impl fmt::Debug for Handle {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0.service, to)
    }
}

impl Running {
    #[expect(clippy::print_stderr, reason = "the harness captures it and shows it with the test that failed")]
    fn print_logs(&self) {
        let records = self.records.lock().unwrap_or_else(PoisonError::into_inner);
        if records.is_empty() {
            return;
        }
        eprintln!("---- what `{}` logged ----", self.service.name());
        for LogRecord { module, level, target, message, .. } in &*records {
            let captured = matches!(target.as_str(), "stdout" | "stderr");
            match (captured, *level) {
                (true, LogLevel::Off) => eprintln!("[{module}] {message}"),
                (true, _) => eprintln!("[{module} {target}] {message}"),
                (false, level) => eprintln!("[{module} {}] {message}", level.as_str()),
            }
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.print_logs();
        }
    }
}

/// The answer of a call that is expected to have one.
///
/// # Panics
/// If it has none, with everything that is known about why.
#[track_caller]
pub fn answered<R>(result: Result<R, CallError>) -> R {
    match result {
        Ok(value) => value,
        Err(error) => panic!("error[{}]: {error}{}", error.code(), details(&error)),
    }
}

/// A service that is expected to start.
///
/// # Panics
/// If it does not, with the reason.
#[track_caller]
pub fn started<S>(result: Result<S, StartFailure>) -> S {
    match result {
        Ok(service) => service,
        Err(failure) => panic!("the service under test does not start: {failure}"),
    }
}

/// The call stack of a trap.
fn details(error: &CallError) -> String {
    let CallError::Trap(trap) = error else { return String::new() };
    let mut text = String::new();
    for frame in &trap.frames {
        let module = frame.module.as_deref().unwrap_or("?");
        text.push_str(&format!("\n    at {module}: {}", frame.function.as_deref().unwrap_or("?")));
        if let Some((file, line)) = &frame.source {
            text.push_str(&format!("\n       {file}:{line}"));
        }
    }
    text
}

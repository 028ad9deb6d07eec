//! Why a service does not start or a call does not answer. Codes `M5xx` are never reused.

use std::sync::Arc;
use std::time::Duration;

use crate::host::HostError;
use crate::link::Request;
use crate::names;
use crate::value::ValueError;

/// Why a call has no result.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum CallError {
    /// The service has no such module.
    #[error("the service has no module `{module}`{}", hint(nearest.as_deref()))]
    NoSuchModule {
        /// What was asked for.
        module: String,
        /// The nearest name there is.
        nearest: Option<String>,
    },
    /// The module has no such function.
    #[error("`{module}` has no function `{function}`{}", hint(nearest.as_deref()))]
    NoSuchFunction {
        /// The module.
        module: String,
        /// What was asked for.
        function: String,
        /// The nearest name there is.
        nearest: Option<String>,
    },
    /// The function uses a type that has no form outside (a resource, stream, ..).
    #[error("`{function}` of `{module}` cannot be called from outside: its signature has a {what}")]
    NotCallable {
        /// The module.
        module: String,
        /// The function.
        function: String,
        /// The kind of type.
        what: &'static str,
    },
    /// The arguments do not fit the parameters.
    #[error("{0}")]
    Arguments(Box<ValueError>),
    /// The result has no JSON form.
    #[error("{0}")]
    Result(Box<ValueError>),
    /// The function ran and returned its error case; the value is what it returned.
    #[error("the service answered with an error: {0}")]
    Service(serde_json::Value),
    /// Rust types of the typed path that differ from the function's types.
    #[error("`{function}` of `{module}` has other types than the caller: {cause}")]
    Types {
        /// The module.
        module: String,
        /// The function.
        function: String,
        /// The difference.
        cause: String,
    },
    /// The guest trapped.
    #[error("{0}")]
    Trap(Box<Trap>),
    /// The call did not end in time.
    #[error("`{function}` of `{module}` did not end within {} ms", limit.as_millis())]
    Timeout {
        /// The module that was called.
        module: String,
        /// The function that was called.
        function: String,
        /// The time it had.
        limit: Duration,
    },
    /// The guest asked for more memory than it may have and then gave up.
    #[error("`{module}` ran out of memory in `{function}`: it asked for {asked} bytes, the limit is {limit} bytes")]
    OutOfMemory {
        /// The module that trapped.
        module: String,
        /// The function that was called.
        function: String,
        /// Bytes of memory it wanted to have.
        asked: u64,
        /// The bound that was in the way, in bytes.
        limit: u64,
    },
    /// A function of the host's embedder, called by the guest, could not answer.
    #[error("`{function}` of `{interface}`, called in `{called}`, failed: {cause}")]
    Host {
        /// The function that was called from outside.
        called: String,
        /// The embedder's interface.
        interface: String,
        /// Its function.
        function: String,
        /// What it answered.
        cause: HostError,
    },
    /// The result is larger than allowed.
    #[error("the result of `{function}` of `{module}` is larger than {limit} bytes of JSON")]
    OutputTooLarge {
        /// The module that was called.
        module: String,
        /// The function that was called.
        function: String,
        /// The bound in bytes.
        limit: u64,
    },
    /// The instance could not be started.
    #[error("{0}")]
    Start(StartError),
    /// Too many calls are waiting.
    #[error("the service is busy: {waiting} calls are waiting, which is the limit")]
    Busy {
        /// How many calls wait.
        waiting: usize,
    },
    /// The caller cancelled the call.
    #[error("`{function}` of `{module}` was cancelled")]
    Cancelled {
        /// The module that was called.
        module: String,
        /// The function that was called.
        function: String,
    },
    /// The service was closed.
    #[error("the service is closed")]
    Closed,
}

impl CallError {
    /// The stable code.
    pub fn code(&self) -> &'static str {
        match self {
            CallError::NoSuchModule { .. } => "M501",
            CallError::NoSuchFunction { .. } => "M502",
            CallError::Arguments(_) => "M503",
            CallError::Result(_) => "M504",
            CallError::Service(_) => "M505",
            CallError::Trap(_) => "M506",
            CallError::Timeout { .. } => "M507",
            CallError::OutOfMemory { .. } => "M508",
            CallError::OutputTooLarge { .. } => "M509",
            CallError::Start(_) => "M510",
            CallError::Busy { .. } => "M511",
            CallError::Closed => "M512",
            CallError::NotCallable { .. } => "M513",
            CallError::Types { .. } => "M514",
            CallError::Cancelled { .. } => "M515",
            CallError::Host { .. } => "M516",
        }
    }
}

/// A guest that broke down.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trap {
    /// Module and function that were called from outside.
    pub called: (String, String),
    /// The module that trapped.
    pub module: String,
    /// The function of that module in which it happened, as far as known.
    pub function: String,
    /// What happened, in the engine's words.
    pub cause: String,
    /// The guest's panic message, if it wrote one.
    pub panic: Option<String>,
    /// The last lines that the guest wrote to stderr during the call.
    pub stderr: String,
    /// The call stack, innermost first; at most 32 frames.
    pub frames: Vec<Frame>,
}

/// One level of a guest's call stack.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frame {
    /// The module, if known.
    pub module: Option<String>,
    /// The function, if the component has names.
    pub function: Option<String>,
    /// Source file and line, if the component has debug information.
    pub source: Option<(String, u32)>,
}

impl std::fmt::Display for Trap {
    fn fmt(&self, to: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (module, function) = &self.called;
        write!(to, "`{}` trapped in `{}`: {}", self.module, self.function, self.cause)?;
        if (module, function) != (&self.module, &self.function) {
            write!(to, " (called: `{function}` of `{module}`)")?;
        }
        match (&self.panic, self.stderr.trim()) {
            (Some(panic), _) => write!(to, "; {panic}"),
            (None, "") => Ok(()),
            (None, stderr) => write!(to, "; stderr: {stderr}"),
        }
    }
}

/// Why a service has no running instance.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// Modules ask for what was not granted.
    #[error("not granted: {}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))]
    NotGranted(Vec<Request>),
    /// A grant names a module or request that there is not.
    #[error("a grant for `{module}`, which does not ask for {what:?}")]
    NoSuchRequest {
        /// The module.
        module: String,
        /// What was granted.
        what: String,
    },
    /// Linked modules that could not be made into code.
    #[error("cannot compile `{service}`: {cause}")]
    Compile {
        /// The service.
        service: String,
        /// Why.
        cause: String,
    },
    /// A directory that was granted cannot be opened.
    #[error("`{module}` cannot have {guest}: {path}: {cause}")]
    Dir {
        /// The module.
        module: String,
        /// Where the module would see it.
        guest: String,
        /// Where it lies, or what kind of directory it is.
        path: String,
        /// Why.
        cause: Arc<str>,
    },
    /// A volume is granted, but the service has no place for volumes.
    #[error("`{module}` has the volume `{volume}`, but no directory for volumes was given")]
    NoVolumes {
        /// The module.
        module: String,
        /// The volume.
        volume: String,
    },
    /// A program that was granted cannot be run.
    #[error("`{module}` cannot have the program `{name}`: {cause}")]
    Binary {
        /// The module.
        module: String,
        /// What the module calls it.
        name: String,
        /// Why.
        cause: String,
    },
    /// A granted variable of the host is not set, or not text.
    #[error("`{module}` gets the host's variable {variable}, which is not set (or not UTF-8)")]
    NoVariable {
        /// The module.
        module: String,
        /// The host's name for it.
        variable: String,
    },
    /// Start-up code failed.
    #[error("start-up of `{service}` failed: {trap}")]
    Trap {
        /// The service.
        service: String,
        /// What happened.
        trap: Box<Trap>,
    },
    /// Start-up code did not end in time.
    #[error("start-up of `{service}` did not end within {} ms", limit.as_millis())]
    Timeout {
        /// The service.
        service: String,
        /// The time it had.
        limit: Duration,
    },
    /// The instance needs more memory, tables or instances than allowed.
    #[error("start-up of `{service}` was refused: {cause}")]
    Refused {
        /// The service.
        service: String,
        /// Why.
        cause: String,
    },
    /// Starts failed too often; the next one is tried later.
    #[error("five starts within a minute failed, the next is tried in {} ms; the last cause: {cause}", wait.as_millis())]
    BackOff {
        /// Time until the next try.
        wait: Duration,
        /// Why the last start failed.
        cause: Box<StartError>,
    },
}

fn hint(nearest: Option<&str>) -> String {
    nearest.map_or(String::new(), |name| format!("; did you mean `{}`?", names::outside(name)))
}

//! Logging: the `log` crate's records go to the host.
//!
//! The logger is installed before start-up code runs, so services just write `log::info!("..")`. Which records are
//! wanted is said by the variable `WASM_LOG`, else by the host (that is, by the manifest); they are filtered here before
//! a message is formatted, and once more by the host.

mod filter;

use std::collections::HashMap;
use std::sync::RwLock;

use log::{Level, LevelFilter, Log, Metadata, Record, SetLoggerError};

use filter::Filter;

/// Variable with the directives `[target=]level,..`.
pub const LOG_VARIABLE: &str = "WASM_LOG";

/// Bits per target, by which the manifest's `log.mask` selects records: one passes if its bits are 0 or meet the mask.
pub type TargetMap = HashMap<&'static str, i32>;

/// The installed logger. Its settings can be changed; the `log` crate takes a logger only once.
static LOGGER: Logger = Logger { settings: RwLock::new(None) };

struct Logger {
    settings: RwLock<Option<Settings>>,
}

struct Settings {
    filter: Filter,
    /// A list, not a map: hashing would ask the host for randomness at every start.
    bits: Vec<(&'static str, i32)>,
}

/// Changes what the installed logger does.
///
/// ```
/// use marine_sdk::{TargetMap, WasmLoggerBuilder};
///
/// WasmLoggerBuilder::new()
///     .with_log_level(log::Level::Warn)
///     .filter("shop::prices", log::LevelFilter::Trace)
///     .with_target_map(TargetMap::from([("audit", 1 << 1)]))
///     .build()
///     .unwrap();
/// ```
#[derive(Debug)]
pub struct WasmLoggerBuilder {
    filter: Filter,
    bits: Vec<(&'static str, i32)>,
}

impl WasmLoggerBuilder {
    /// Starts from what `WASM_LOG` or the host says.
    pub fn new() -> Self {
        Self { filter: given_filter().0, bits: Vec::new() }
    }

    /// Lets records of `level` and more severe ones pass, whatever their target.
    pub fn with_log_level(mut self, level: Level) -> Self {
        self.filter.set_default(level.to_level_filter());
        self
    }

    /// Classes records by their target.
    pub fn with_target_map(mut self, targets: TargetMap) -> Self {
        self.bits = targets.into_iter().collect();
        self
    }

    /// Sets the level of a target and of those below it.
    pub fn filter(mut self, target: impl Into<String>, level: LevelFilter) -> Self {
        self.filter.set(target.into(), level);
        self
    }

    /// Changes the installed logger, or installs it: on native targets, where it writes to stderr.
    ///
    /// # Errors
    /// If another logger was installed through the `log` crate; not if this one was.
    pub fn build(self) -> Result<(), SetLoggerError> {
        LOGGER.change(Settings { filter: self.filter, bits: self.bits })
    }
}

impl Default for WasmLoggerBuilder {
    fn default() -> Self {
        Self::new()
    }
}

/// Installs the logger with the settings that `WASM_LOG` or the host gives.
#[cfg(target_arch = "wasm32")]
pub(crate) fn install() {
    let (filter, wrong) = given_filter();
    // Nothing else had a chance to install a logger; and if a constructor did, that one is wanted.
    let _ = LOGGER.change(Settings { filter, bits: Vec::new() });
    for directive in wrong {
        log::warn!(
            "no log directive: `{directive}`; write `level` or `target=level`, level one of off, error, warn, info, debug, trace"
        );
    }
}

/// The filter that was asked for from outside, and directives that make no sense.
fn given_filter() -> (Filter, Vec<String>) {
    let directives = std::env::var(LOG_VARIABLE).unwrap_or_else(|_| host_filter());
    let (filter, wrong) = Filter::parse(&directives);
    (filter, wrong.into_iter().map(str::to_owned).collect())
}

#[cfg(target_arch = "wasm32")]
fn host_filter() -> String {
    crate::host::log::filter()
}

#[cfg(not(target_arch = "wasm32"))]
fn host_filter() -> String {
    String::new()
}

impl Logger {
    fn change(&'static self, settings: Settings) -> Result<(), SetLoggerError> {
        let max_level = settings.filter.max_level();
        let first = self.settings.write().unwrap_or_else(|poisoned| poisoned.into_inner()).replace(settings).is_none();
        if first {
            log::set_logger(self)?;
        }
        log::set_max_level(max_level);
        Ok(())
    }

    /// The bits of a record that passes, `None` for one that does not.
    fn bits(&self, metadata: &Metadata<'_>) -> Option<i32> {
        let settings = self.settings.read().unwrap_or_else(|poisoned| poisoned.into_inner());
        let settings = settings.as_ref()?;
        if !settings.filter.allows(metadata) {
            return None;
        }
        let bits = settings.bits.iter().find(|(target, _)| *target == metadata.target());
        Some(bits.map_or(0, |(_, bits)| *bits))
    }
}

impl Log for Logger {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        self.bits(metadata).is_some()
    }

    fn log(&self, record: &Record<'_>) {
        let Some(bits) = self.bits(record.metadata()) else { return };
        match record.args().as_str() {
            Some(message) => write(record.level(), record.target(), bits, message),
            None => write(record.level(), record.target(), bits, &record.args().to_string()),
        }
    }

    fn flush(&self) {}
}

#[cfg(target_arch = "wasm32")]
fn write(level: Level, target: &str, bits: i32, message: &str) {
    use crate::host::log as host;

    let level = match level {
        Level::Error => host::Level::Error,
        Level::Warn => host::Level::Warn,
        Level::Info => host::Level::Info,
        Level::Debug => host::Level::Debug,
        Level::Trace => host::Level::Trace,
    };
    host::write(level, target, bits.cast_unsigned(), message);
}

#[cfg(not(target_arch = "wasm32"))]
#[expect(clippy::print_stderr, reason = "native tests have no host to log to")]
fn write(level: Level, target: &str, _bits: i32, message: &str) {
    eprintln!("{level} {target}: {message}");
}

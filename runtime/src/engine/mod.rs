//! The compiler and what services share: compiled code, in memory and on disk, and the clock that bounds calls.

mod cache;
mod deserialize;
mod ticker;

use std::collections::VecDeque;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use wasmtime::component::Component;

pub(crate) use self::cache::{CodeCache, Key};
pub(crate) use self::ticker::{TICK, Ticker};
use crate::host::{HostInterface, HostInterfaceError, HostInterfaces, Trust};
use crate::service::Code;

/// Bytes of stack a guest may use.
const DEFAULT_STACK: usize = 1024 * 1024;
/// The most bytes of stack that can be configured: guests run on the calling thread, whose stack must hold them.
const MAX_STACK: usize = 1536 * 1024;
/// How many compiled services stay in memory though nobody uses them.
const KEPT_IN_MEMORY: usize = 16;

/// Settings of an [`Engine`].
#[derive(Clone, Debug)]
pub struct EngineConfig {
    /// Where compiled code is kept between runs.
    pub cache: CodeCacheConfig,
    /// Bytes of WebAssembly stack of a call, at most 1.5 MiB; a thread that calls needs half a MiB more.
    pub stack: usize,
    /// Units of fuel that a call, or a start, may use: about one per WebAssembly instruction, counted the same on every machine. `None`
    /// meters nothing, which is faster; time is bounded anyway.
    pub fuel: Option<u64>,
    /// Certificates (DER) of the authorities that services' HTTPS connections trust; those of Mozilla if there are none.
    pub trusted_roots: Vec<Vec<u8>>,
    /// Interfaces that modules may import beside those of WASI and `marine:host`, if they are granted them.
    pub interfaces: Vec<HostInterface>,
}

/// Where compiled code is kept between runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CodeCacheConfig {
    /// Nowhere.
    Off,
    /// In the user's cache directory (`~/.cache/marine/code` on Linux); nowhere, if that cannot be used.
    User,
    /// In this directory, which belongs to the user alone.
    Dir(PathBuf),
}

/// Why an engine cannot be made.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EngineError {
    /// A setting is out of range.
    #[error("the stack setting is {0} bytes; it must lie between 64 KiB and 1.5 MiB")]
    Stack(usize),
    /// The compiler does not work on this machine.
    #[error("cannot set up the compiler: {0}")]
    Compiler(String),
    /// The code cache cannot be used.
    #[error("cannot use the code cache at {path}: {cause}", path = path.display())]
    Cache {
        /// Its directory.
        path: PathBuf,
        /// Why.
        cause: std::io::Error,
    },
    /// An interface of the embedder's own that cannot be offered.
    #[error(transparent)]
    Interface(#[from] HostInterfaceError),
    /// No thread for the clock.
    #[error("cannot start the clock thread: {0}")]
    Clock(std::io::Error),
}

/// Compiles services and remembers what it compiled. One per process; cheap to clone.
#[derive(Clone)]
pub struct Engine(Arc<Inner>);

struct Inner {
    wasmtime: wasmtime::Engine,
    fuel: Option<u64>,
    trust: Trust,
    interfaces: HostInterfaces,
    ticker: Ticker,
    cache: Option<CodeCache>,
    recent: Mutex<VecDeque<(Key, Arc<Code>)>>,
    compiling: Mutex<()>,
}

impl Default for EngineConfig {
    fn default() -> Self {
        let (trusted_roots, interfaces) = (Vec::new(), Vec::new());
        EngineConfig { cache: CodeCacheConfig::User, stack: DEFAULT_STACK, fuel: None, trusted_roots, interfaces }
    }
}

impl Engine {
    /// Sets up the compiler.
    ///
    /// # Errors
    /// Settings out of range, interfaces that cannot be offered, or a machine that the compiler or the cache cannot work on.
    pub fn new(config: EngineConfig) -> Result<Engine, EngineError> {
        if !(64 * 1024..=MAX_STACK).contains(&config.stack) {
            return Err(EngineError::Stack(config.stack));
        }
        let wasmtime = wasmtime::Engine::new(&compiler_config(config.stack, config.fuel.is_some()))
            .map_err(|cause| EngineError::Compiler(format!("{cause:#}")))?;
        let interfaces = HostInterfaces::new(config.interfaces, &wasmtime)?;
        let cache = open_cache(config.cache)?;
        let (fuel, trust) = (config.fuel, Trust::new(&config.trusted_roots));
        let ticker = Ticker::start(&wasmtime).map_err(EngineError::Clock)?;
        let (recent, compiling) = (Mutex::default(), Mutex::default());
        Ok(Engine(Arc::new(Inner { wasmtime, fuel, trust, interfaces, ticker, cache, recent, compiling })))
    }

    pub(crate) fn wasmtime(&self) -> &wasmtime::Engine {
        &self.0.wasmtime
    }

    pub(crate) fn fuel(&self) -> Option<u64> {
        self.0.fuel
    }

    pub(crate) fn trust(&self) -> &Trust {
        &self.0.trust
    }

    pub(crate) fn interfaces(&self) -> &HostInterfaces {
        &self.0.interfaces
    }

    pub(crate) fn ticker(&self) -> &Ticker {
        &self.0.ticker
    }

    /// The code called `key` from memory, or what `build` makes of the component that comes from the disk or from `compose`.
    pub(crate) fn code<E>(
        &self,
        key: &Key,
        compose: impl FnOnce() -> Result<Vec<u8>, E>,
        refused: impl FnOnce(wasmtime::Error) -> E,
        build: impl FnOnce(Component) -> Result<Code, E>,
    ) -> Result<Arc<Code>, E> {
        if let Some(code) = self.remembered(key) {
            return Ok(code);
        }
        // One compilation at a time: it uses all cores by itself, and the next caller may want the same code.
        let _turn = lock(&self.0.compiling);
        if let Some(code) = self.remembered(key) {
            return Ok(code);
        }
        let component = match self.stored(key) {
            Some(component) => component,
            None => self.compile(key, &compose()?).map_err(refused)?,
        };
        let code = Arc::new(build(component)?);
        let mut recent = lock(&self.0.recent);
        recent.push_front((key.clone(), code.clone()));
        if recent.len() > KEPT_IN_MEMORY {
            // What a service still uses stays known however long ago it was asked for.
            let unused = recent.iter().rposition(|(_, code)| Arc::strong_count(code) == 1);
            unused.map(|index| recent.remove(index));
        }
        Ok(code)
    }

    fn remembered(&self, key: &Key) -> Option<Arc<Code>> {
        let mut recent = lock(&self.0.recent);
        let index = recent.iter().position(|(known, _)| known == key)?;
        let entry = recent.remove(index)?;
        let code = entry.1.clone();
        recent.push_front(entry);
        Some(code)
    }

    fn stored(&self, key: &Key) -> Option<Component> {
        let code = self.0.cache.as_ref()?.load(key)?;
        match deserialize::component(&self.0.wasmtime, &code) {
            Ok(component) => Some(component),
            Err(cause) => {
                tracing::warn!(%cause, "cached code is not usable, compiling again");
                None
            }
        }
    }

    fn compile(&self, key: &Key, bytes: &[u8]) -> wasmtime::Result<Component> {
        let component = Component::from_binary(&self.0.wasmtime, bytes)?;
        if let Some(cache) = &self.0.cache {
            let stored = component.serialize().map_err(std::io::Error::other).and_then(|code| cache.store(key, &code));
            if let Err(cause) = stored {
                tracing::warn!(%cause, "compiled code could not be cached");
            }
        }
        Ok(component)
    }
}

fn compiler_config(stack: usize, metered: bool) -> wasmtime::Config {
    let mut config = wasmtime::Config::new();
    config.wasm_component_model(true);
    // Asynchronous components are not offered, and their bookkeeping makes every call of a host function four times slower.
    config.concurrency_support(false);
    config.epoch_interruption(true);
    config.consume_fuel(metered);
    config.max_wasm_stack(stack);
    config.parallel_compilation(true);
    // Source lines in traps, where a module has debug information.
    config.wasm_backtrace_details(wasmtime::WasmBacktraceDetails::Enable);
    config
}

fn open_cache(config: CodeCacheConfig) -> Result<Option<CodeCache>, EngineError> {
    use etcetera::BaseStrategy;
    match config {
        CodeCacheConfig::Off => Ok(None),
        CodeCacheConfig::Dir(path) => {
            CodeCache::open(&path).map(Some).map_err(|cause| EngineError::Cache { path, cause })
        }
        CodeCacheConfig::User => {
            let Ok(user) = etcetera::choose_base_strategy() else { return Ok(None) };
            let path = user.cache_dir().join("marine").join("code");
            let opened = CodeCache::open(&path);
            if let Err(cause) = &opened {
                tracing::warn!(path = %path.display(), %cause, "compiled code is not kept between runs");
            }
            Ok(opened.ok())
        }
    }
}

/// The lock, also after a panic of another holder: what these locks guard is whole after every statement.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl std::fmt::Debug for Engine {
    fn fmt(&self, to: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        to.debug_struct("Engine").field("cache", &self.0.cache).finish_non_exhaustive()
    }
}

//! What runs when a module is instantiated: constructors, the logger, then the function marked `#[marine(init)]`.
//!
//! The component encoder runs the exported `_initialize` at instantiation. For a crate with `fn main`, `marine build`
//! makes it call `main` last.

use std::sync::OnceLock;

/// Start-up code of the module, set by a constructor that `#[marine(init)]` generates.
static INIT: OnceLock<fn()> = OnceLock::new();

/// Remembers the module's start-up code. Called by a constructor, that is before anything else.
pub fn register_init(init: fn()) {
    INIT.get_or_init(|| init);
}

/// What start-up code may return.
#[diagnostic::on_unimplemented(
    message = "[M141] start-up code returns nothing or `Result<(), E>`, not `{Self}`",
    label = "not a result of start-up code",
    note = "help: return `()`, or `Result<(), E>` where `E` can be displayed"
)]
pub trait InitOutcome {
    /// Ends the instantiation if this is an error.
    fn check(self);
}

impl InitOutcome for () {
    fn check(self) {}
}

impl<E: std::fmt::Display> InitOutcome for Result<(), E> {
    fn check(self) {
        if let Err(error) = self {
            panic!("start-up failed: {error}");
        }
    }
}

/// Start-up of the module.
///
/// Calling `__wasm_call_ctors` here also keeps the linker from wrapping *every* export in calls of constructors and
/// destructors, which it does for modules that never call it.
#[cfg(target_arch = "wasm32")]
#[unsafe(export_name = "_initialize")]
extern "C" fn initialize() {
    unsafe extern "C" {
        fn __wasm_call_ctors();
    }
    // SAFETY: called once, by the host, before anything else.
    unsafe { __wasm_call_ctors() }
    #[cfg(feature = "logger")]
    crate::logger::install();
    if let Some(init) = INIT.get() {
        init();
    }
}

//! Ctrl-C while a command runs: it ends the call, not the session.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use marine_runtime::CancelToken;

use crate::exit::{Exit, Outcome};
use crate::signals::Interrupts;

/// What Ctrl-C ends. Clones are the same.
#[derive(Clone, Default)]
pub(super) struct Interrupt(Arc<Shared>);

#[derive(Default)]
struct Shared {
    running: Mutex<Option<CancelToken>>,
    /// Ctrl-C was pressed since somebody last looked.
    pressed: AtomicBool,
}

impl Interrupt {
    /// From now on Ctrl-C is listened to. In a script it ends everything, unless a call runs: then the call, and with it the script.
    pub(super) fn listen(interactive: bool) -> Outcome<Self> {
        let this = Self::default();
        let heard = this.clone();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let mut interrupts = {
            // Signals are taken over before anything starts that one could interrupt.
            let _inside = runtime.enter();
            Interrupts::listen()?
        };
        std::thread::spawn(move || {
            loop {
                runtime.block_on(interrupts.next());
                let ended = heard.press();
                if !ended && !interactive {
                    std::process::exit(i32::from(Exit::Interrupted.number()));
                }
            }
        });
        Ok(this)
    }

    /// Runs `work`, which Ctrl-C ends through the token that it is given.
    pub(super) fn during<T>(&self, work: impl FnOnce(CancelToken) -> T) -> T {
        let token = CancelToken::new();
        self.set(Some(token.clone()));
        let result = work(token);
        self.set(None);
        result
    }

    /// Whether Ctrl-C was pressed since the last look.
    pub(super) fn was_pressed(&self) -> bool {
        self.0.pressed.swap(false, Ordering::AcqRel)
    }

    /// Returns whether there was a call to end.
    fn press(&self) -> bool {
        self.0.pressed.store(true, Ordering::Release);
        let running = self.0.running.lock().unwrap_or_else(PoisonError::into_inner);
        running.iter().for_each(CancelToken::cancel);
        running.is_some()
    }

    fn set(&self, token: Option<CancelToken>) {
        *self.0.running.lock().unwrap_or_else(PoisonError::into_inner) = token;
    }
}

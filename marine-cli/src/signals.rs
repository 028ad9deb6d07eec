//! Ctrl-C and SIGTERM, as events.

use crate::exit::Outcome;

/// Requests to stop, from the terminal or from a supervisor.
pub(crate) struct Stop {
    #[cfg(unix)]
    interrupt: tokio::signal::unix::Signal,
    #[cfg(unix)]
    terminate: tokio::signal::unix::Signal,
}

#[cfg(unix)]
impl Stop {
    /// From now on signals are events and no longer end the process.
    pub(crate) fn listen() -> Outcome<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Self { interrupt: signal(SignalKind::interrupt())?, terminate: signal(SignalKind::terminate())? })
    }

    /// Waits for the next request.
    pub(crate) async fn requested(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }
}

/// Ctrl-C alone: what a supervisor asks for is still done at once.
pub(crate) struct Interrupts {
    #[cfg(unix)]
    interrupt: tokio::signal::unix::Signal,
}

impl Interrupts {
    /// From now on Ctrl-C is an event and no longer ends the process.
    pub(crate) fn listen() -> Outcome<Self> {
        #[cfg(unix)]
        let this = Self { interrupt: tokio::signal::unix::signal(tokio::signal::unix::SignalKind::interrupt())? };
        #[cfg(not(unix))]
        let this = Self {};
        Ok(this)
    }

    /// Waits for the next one.
    pub(crate) async fn next(&mut self) {
        #[cfg(unix)]
        self.interrupt.recv().await;
        #[cfg(not(unix))]
        if tokio::signal::ctrl_c().await.is_err() {
            // Without signals nothing ever interrupts.
            std::future::pending::<()>().await;
        }
    }
}

#[cfg(not(unix))]
impl Stop {
    /// From now on Ctrl-C is an event and no longer ends the process.
    pub(crate) fn listen() -> Outcome<Self> {
        Ok(Self {})
    }

    /// Waits for the next request.
    pub(crate) async fn requested(&mut self) {
        if tokio::signal::ctrl_c().await.is_err() {
            // Without signals only the end of the work ends the process.
            std::future::pending::<()>().await;
        }
    }
}

//! Ending a call from outside.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::sync::Notify;

/// Ends calls before their deadline: hand clones to [`CallOptions::cancel`](crate::CallOptions::cancel) and call
/// [`CancelToken::cancel`] from any thread. A cancelled call answers
/// [`CallError::Cancelled`](crate::CallError::Cancelled), and its instance is gone. A token stays cancelled.
///
/// Two tokens are equal if they are clones of one.
#[derive(Clone, Debug, Default)]
pub struct CancelToken(Arc<Inner>);

#[derive(Debug, Default)]
struct Inner {
    parent: Option<CancelToken>,
    cancelled: AtomicBool,
    changed: Notify,
}

impl CancelToken {
    /// A token that is not cancelled.
    pub fn new() -> CancelToken {
        CancelToken::default()
    }

    /// A token that is cancelled with this one, or by itself alone.
    #[must_use]
    pub fn child(&self) -> CancelToken {
        CancelToken(Arc::new(Inner { parent: Some(self.clone()), ..Inner::default() }))
    }

    /// Ends the calls that have this token, now and later.
    pub fn cancel(&self) {
        self.0.cancelled.store(true, Ordering::SeqCst);
        self.0.changed.notify_waiters();
    }

    /// Whether it was cancelled.
    pub fn is_cancelled(&self) -> bool {
        self.0.cancelled.load(Ordering::SeqCst) || self.0.parent.as_ref().is_some_and(CancelToken::is_cancelled)
    }

    /// Returns when it is cancelled.
    pub(crate) async fn cancelled(&self) {
        let parent = async {
            match &self.0.parent {
                Some(parent) => Box::pin(parent.cancelled()).await,
                None => std::future::pending().await,
            }
        };
        // Registered before the flag is read, so that no call of `cancel` falls in between.
        let changed = self.0.changed.notified();
        let mut changed = std::pin::pin!(changed);
        changed.as_mut().enable();
        if !self.is_cancelled() {
            tokio::select! {
                () = changed => {}
                () = parent => {}
            }
        }
    }
}

impl PartialEq for CancelToken {
    fn eq(&self, other: &CancelToken) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl Eq for CancelToken {}

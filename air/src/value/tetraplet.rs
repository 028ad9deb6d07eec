//! [`Tetraplet`]: where a value comes from.

use std::sync::Arc;

/// The origin of a value: the peer, service and function that made it, and the lens by which it was taken from the result.
///
/// The same on every peer; a service may decide by it whose data it works on.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Tetraplet {
    /// The peer, in base58.
    pub peer_pk: Arc<str>,
    /// The service; empty for literals and the like, which come from the initial peer.
    pub service_id: Arc<str>,
    /// The function.
    pub function_name: Arc<str>,
    /// The printed lens, or empty.
    pub lens: Arc<str>,
}

impl Tetraplet {
    /// The origin of what the script itself says.
    pub(crate) fn literal(init: &Arc<str>) -> Self {
        Self { peer_pk: init.clone(), ..Self::default() }
    }

    /// The origin of a part, which the printed `lens` leads to.
    pub(crate) fn with_lens(&self, lens: &str) -> Self {
        Self { lens: format!("{}{lens}", self.lens).into(), ..self.clone() }
    }
}

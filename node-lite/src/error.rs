//! Why a node or a client could not start, and what went wrong in its store.

use std::path::PathBuf;

use libp2p::Multiaddr;

/// Something in the configuration does not fit.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// The network's name has other characters or another length than allowed.
    #[error("network name `{name}` does not fit: use 1 to 32 of a-z, 0-9 and `-`")]
    Network {
        /// The name as given.
        name: String,
    },
    /// Development mode with an address that others can reach.
    #[error(
        "development mode lets everybody deploy, so `{address}` must be a loopback address (or leave development mode: no `--dev`)"
    )]
    DevAddress {
        /// The address as given.
        address: Multiaddr,
    },
    /// The address of a peer does not say which peer.
    #[error("address `{address}` does not end in `/p2p/<peer id>`, so nobody could tell who answers there")]
    NoPeerInAddress {
        /// The address as given.
        address: Multiaddr,
    },
}

/// A node could not be started or stopped properly.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum NodeError {
    /// See [`ConfigError`].
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// See [`StoreError`].
    #[error(transparent)]
    Store(#[from] StoreError),
    /// An address cannot be listened on.
    #[error("cannot listen on `{address}`: {reason}")]
    Listen {
        /// The address as given.
        address: Multiaddr,
        /// What the system or the transport says.
        reason: String,
    },
    /// The network stack refused to start.
    #[error("cannot set up the network: {reason}")]
    Network {
        /// What libp2p says.
        reason: String,
    },
    /// The engine that runs services refused to start.
    #[error("cannot set up the engine for services: {reason}")]
    Engine {
        /// What the runtime says.
        reason: String,
    },
}

/// The store could not be opened, read or written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// Another node uses the directory.
    #[error("data directory `{}` is in use by {holder}: stop it, or give this node another directory", dir.display())]
    InUse {
        /// The directory.
        dir: PathBuf,
        /// Who holds the lock, as far as it is known.
        holder: String,
    },
    /// The directory or a file in it cannot be read or written.
    #[error("cannot {action} `{}`: {source}", path.display())]
    Io {
        /// What was tried.
        action: &'static str,
        /// On which file.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// The database file is damaged or not one of ours.
    #[error("store `{}` is damaged: {reason}; restore a backup, or move it away to start empty", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What does not fit.
        reason: String,
    },
    /// One row does not decode.
    #[error("table `{table}` of the store has a damaged row {key}: {reason}")]
    Row {
        /// The table.
        table: &'static str,
        /// The row's key.
        key: String,
        /// What does not fit.
        reason: String,
    },
    /// Written by a newer version.
    #[error("store `{}` has format {found}, this version knows {known}: use a newer version", path.display())]
    Newer {
        /// The file.
        path: PathBuf,
        /// Its format.
        found: u64,
        /// The newest format known here.
        known: u64,
    },
    /// A commit failed.
    #[error("cannot write to the store: {reason}")]
    Write {
        /// What the database says.
        reason: String,
    },
    /// The store was closed before.
    #[error("the store is closed")]
    Closed,
}

impl StoreError {
    /// An I/O error with what was tried on which file.
    pub(crate) fn io(action: &'static str, path: impl Into<PathBuf>) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.into();
        move |source| Self::Io { action, path, source }
    }
}

//! A light libp2p node that hosts services and executes particles, and the client library that speaks to it.
//!
//! A [`Node`] takes particles from neighbours, executes its part of their scripts, calls the services it hosts and sends on
//! what other peers lack. A [`Client`] starts particles and gives their results. Both are the same machine: a network task, an
//! actor per live particle, lanes to neighbours, and a store that makes every step durable before anything rests on it.
//!
//! What is invented here is one protocol, `/marine/particle/1.0.0`, whose frames are in [`frame`]; the rest is libp2p. This
//! crate knows nothing of the command line, and scripts and their data are the business of `marine-air`.

#![forbid(unsafe_code)]
#![cfg_attr(test, allow(clippy::unwrap_used, reason = "a test fails by panicking"))]

mod actor;
mod admission;
mod client;
mod clock;
mod config;
mod core;
mod dag_json;
mod error;
pub mod frame;
mod host;
pub mod keyfile;
mod live;
mod net;
mod node;
mod rates;
mod store;

pub use crate::{
    client::{
        BlueprintInfo, CallFailure, Client, ClientConfig, ClientError, Functions, ModuleInfo, RunError, RunOutcome,
        ServiceInfo,
    },
    config::{DeployRight, NodeConfig, NodeLimits, Policy, Rate},
    error::{ConfigError, NodeError, StoreError},
    host::builtins::builtin,
    node::Node,
};
pub use libp2p::Multiaddr;
pub use marine_manifest::{HostDir, Mode};
pub use marine_particle::{Keypair, PeerId};

//! Links modules into services and runs them on Wasmtime.
//!
//! A [`Module`] is one WebAssembly component, untrusted. [`Plan::link`] checks that the modules of a [`ServiceSpec`] fit together and
//! reports every reason why they do not; nothing has run by then. A [`Service`] is a plan with its grants: it owns one instance,
//! calls its functions with JSON ([`Service::call`]) or typed values ([`Service::call_typed`]), bounds time, memory and output, and
//! replaces the instance after a trap.
//!
//! ```no_run
//! use marine_runtime::{CallOptions, Engine, EngineConfig, Module, ModuleSpec, Plan, Service, ServiceSpec};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let engine = Engine::new(EngineConfig::default())?;
//! let module = Module::from_file("greeting", "greeting.wasm")?;
//! let plan = Plan::link(&engine, ServiceSpec::new("greeting", vec![ModuleSpec::new(module)]))?;
//! let service = Service::builder(plan).id("greeting-1").build()?;
//! let answer = service.call("greet", serde_json::json!(["world"]), CallOptions::default())?;
//! # Ok(()) }
//! ```
//!
//! Calls block, and the guest runs on the calling thread: from asynchronous code use a thread that may block (for Tokio
//! `spawn_blocking`), never an executor's worker. This crate knows nothing of the network.

#![deny(unsafe_code)]
#![cfg_attr(test, allow(clippy::unwrap_used, reason = "a test fails by panicking"))]

mod cancel;
mod engine;
mod host;
mod interface;
mod link;
mod logs;
mod metadata;
mod module;
mod names;
mod params;
mod service;
mod spec;
mod value;

pub use crate::cancel::CancelToken;
pub use crate::engine::{CodeCacheConfig, Engine, EngineConfig, EngineError};
pub use crate::interface::{Case, Change, Field, Function, Interface, Param, Type, TypeDef};
pub use crate::link::{Access, LinkError, LinkErrors, LinkWarning, Permission, PermissionSource, Plan, Request};
pub use crate::logs::{LogRecord, LogSink};
pub use crate::metadata::Metadata;
pub use crate::module::{MAX_MODULE_BYTES, Module, ModuleError};
pub use crate::params::{CallParameters, ParticleParameters, SecurityTetraplet};
pub use crate::service::{
    CallError, CallOptions, Directory, DirectoryKind, Frame, FunctionStats, Grants, ModuleStats, Service,
    ServiceBuilder, ServiceStats, StartError, Trap,
};
pub use crate::spec::{ModuleSpec, ServiceSpec};
pub use crate::value::{Dialect, ValueError};
/// What the typed path ([`Service::call_typed`], [`Service::call_values`]) speaks.
pub use wasmtime::component::{ComponentNamedList, ComponentType, Lift, Lower, Val};

//! Links modules into services and runs them on Wasmtime.
//!
//! A [`Module`] is one WebAssembly component, untrusted. [`Plan::link`] checks that the modules of a [`ServiceSpec`] fit together and
//! reports every reason why they do not; nothing has run by then. A [`Service`] is a plan with its grants: it owns one instance or
//! several, calls functions with JSON ([`Service::call`]) or typed values ([`Service::call_typed`]), bounds time, memory and output,
//! and replaces an instance after a trap.
//!
//! ```
//! use marine_runtime::{CallOptions, CodeCacheConfig, Engine, EngineConfig, Module, ModuleSpec, Plan, Service, ServiceSpec};
//! use serde_json::json;
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let component = wat::parse_str(r#"(component
//! #   (core module $m (func (export "inc") (param i32) (result i32) (i32.add (local.get 0) (i32.const 1))))
//! #   (core instance $i (instantiate $m))
//! #   (func $inc (param "n" u32) (result u32) (canon lift (core func $i "inc")))
//! #   (instance $api (export "inc" (func $inc)))
//! #   (export "marine:stock/api" (instance $api)))"#)?;
//! // One per process: compiler, compiled code, clock.
//! let engine = Engine::new(EngineConfig { cache: CodeCacheConfig::Off, ..EngineConfig::default() })?;
//! let stock = Module::from_bytes("stock", component)?;
//! assert_eq!(stock.interface().function("inc").map(|function| function.outside()).as_deref(), Some("inc(n: u32) -> u32"));
//!
//! let plan = Plan::link(&engine, ServiceSpec::new("shop", vec![ModuleSpec::new(stock)]))?;
//! assert!(plan.requests().is_empty(), "it asks for nothing that would have to be granted");
//! let service = Service::builder(plan).id("shop-1").build()?;
//! assert_eq!(service.call("inc", json!([41]), CallOptions::default())?, json!(42));
//!
//! // Typed values skip JSON; mistakes say where they are.
//! assert_eq!(service.call_typed::<(u32,), (u32,)>("inc", (1,), CallOptions::default())?, (2,));
//! let wrong = service.call("inc", json!({"n": -1}), CallOptions::default()).unwrap_err();
//! assert_eq!(wrong.to_string(), "args.n: expected u32 (0..=4294967295), got -1");
//! assert_eq!(service.stats().calls, 3);
//! # Ok(()) }
//! ```
//!
//! What a module may touch is in its [`ModuleSpec::grants`]. A service from a blueprint asks instead ([`Plan::requests`]), and
//! whoever runs it answers with [`Grants`]; it starts only if every request is granted. [`Plan::permissions`] lists what the modules
//! may do and why, [`Plan::warnings`] what is of no use.
//!
//! An embedder may offer interfaces of its own beside WASI and `marine:host`: see [`HostInterface`], and the example `embed` of this
//! crate, which does the whole of it.
//!
//! Calls block, and the guest runs on the calling thread, which needs half a MiB of stack beside that of the guest (1 MiB). From
//! asynchronous code use [`Service::call_async`], or a thread that may block; never an executor's worker. Calls of different services
//! share nothing but the compiler and the clock, so they scale over cores. This crate knows nothing of the network that services
//! are called over.

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
mod quota;
mod service;
mod spec;
mod tree;
mod value;
mod vault;

pub use crate::cancel::CancelToken;
pub use crate::engine::{CodeCacheConfig, Engine, EngineConfig, EngineError};
pub use crate::host::{HostCall, HostError, HostInterface, HostInterfaceError};
pub use crate::interface::{
    AquaFunction, AquaInterface, Case, Change, Field, Function, Interface, Param, Type, TypeDef,
};
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
pub use crate::tree::{TempTree, remove_tree};
pub use crate::value::{Dialect, ValueError};
pub use crate::vault::{Vault, VaultError, Vaults};
/// What the typed path ([`Service::call_typed`], [`Service::call_values`]) speaks.
pub use wasmtime::component::{ComponentNamedList, ComponentType, Lift, Lower, Val};

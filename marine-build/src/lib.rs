//! From Rust source to WebAssembly components: toolchain, cargo, interface, encoding, blueprint.
//!
//! [`build`] does everything for a `Marine.toml` or a Cargo package; [`componentize`] is its heart, a pure function from a core
//! module to a component; [`toolchain`] finds or provides the compiler's WebAssembly target. Nothing is printed: progress arrives
//! as [`BuildEvent`]s.
//!
//! ```no_run
//! # fn main() -> Result<(), marine_build::BuildError> {
//! use marine_build::{BuildEvent, BuildRequest, build};
//!
//! let request = BuildRequest::new("shop/Marine.toml")?;
//! let output = build(&request, &mut |event| {
//!     if let BuildEvent::Cargo(line) = event {
//!         eprintln!("{line}");
//!     }
//! })?;
//! for module in &output.modules {
//!     println!("{} {} ({} bytes)", module.name, module.wasm.display(), module.size);
//! }
//! # Ok(())
//! # }
//! ```

mod build;
mod cargo;
mod command;
mod component_wit;
pub mod encode;
mod error;
mod event;
mod foreign;
mod inputs;
mod made;
mod output;
mod project;
mod provenance;
mod stamp;
pub mod toolchain;

pub use crate::build::{BuildOutput, BuildRequest, BuiltModule, BuiltService, Profile, build};
pub use crate::component_wit::component_wit;
pub use crate::encode::{EncodeError, Encoded, ModuleMeta, componentize};
pub use crate::error::{BuildError, ErrorKind};
pub use crate::event::{BuildEvent, Diagnostic};
pub use crate::inputs::inputs;
pub use crate::output::write_if_changed;

//! Builds services for tests and writes typed Rust bindings for them: what the macro `#[marine_test]` is made of, and its form for build
//! scripts ([`Script`]).
//!
//! [`TestService::build`] has the modules of a manifest built by `marine-build`, in a target directory of its own, and reads their
//! interfaces out of the components; [`bindings`] turns services into the module `marine_test_env`. Nothing here runs a guest: that is
//! what the crate `marine-test`, which the bindings call, does when the test runs.

mod error;
mod generate;
mod interface;
mod names;
mod script;
mod service;
mod types;

pub use crate::error::TestBuildError;
pub use crate::generate::bindings;
pub use crate::names::{ident as identifier, service_ident};
pub use crate::script::Script;
pub use crate::service::{TestModule, TestRequest, TestService, is_nested};

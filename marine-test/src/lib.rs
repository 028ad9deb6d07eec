//! Tests of Marine services, on the machine that compiles them: [`marine_test`] builds the modules of a manifest, writes typed bindings
//! for their interfaces and gives each test fresh services.
//!
//! ```ignore
//! use marine_test::marine_test;
//!
//! /// The service of the nearest `Marine.toml`, called `shop` there.
//! #[marine_test]
//! fn adds_up(shop: marine_test_env::shop::ServiceInterface) {
//!     assert_eq!(shop.total(vec![], None), Ok(0));
//!     let error = shop.try_refund(7).unwrap_err();
//!     assert_eq!(error.code(), "M506");
//! }
//!
//! /// Several services, and ordinary tests that start them.
//! #[marine_test(shop(manifest = "../shop"), bank(manifest = "../bank"))]
//! mod together {
//!     #[test]
//!     fn pays() {
//!         let (shop, bank) = (
//!             marine_test_env::shop::ServiceInterface::new(),
//!             marine_test_env::bank::ServiceInterface::new(),
//!         );
//!         bank.deposit("shop".to_owned(), shop.total(vec![], None).unwrap());
//!     }
//! }
//! ```
//!
//! Per function `f` there are `f` (panics with the full error), `try_f` (the error as a value), and `f_cp` and `try_f_cp`, which take
//! [`CallParameters`] last. A service gets the grants of its manifest and of its `[test.<module>]` tables. Volumes and stores start
//! empty, writable directories of the host are private copies (`dirs = "real"` switches that off); when a test fails, what its
//! services logged is printed.
//!
//! Nothing has to be built by hand: the macro builds the modules when it is expanded, again whenever a source of theirs changed.
//! `MARINE_TEST_BUILD=never`, for editors, takes what was built last. [`Source`], [`Value`] and the functions at the end of this page
//! are what generated code consists of.

#![cfg(not(target_family = "wasm"))]

mod convert;
mod dirs;
mod grants;
mod handle;
mod start;
mod value;

pub use marine_runtime::{
    CallError, CallParameters, LogRecord, ParticleParameters, SecurityTetraplet, Service, Trap, Val,
};
pub use marine_test_macro::marine_test;
#[doc(hidden)]
pub use serde;

pub use crate::convert::{Fields, case_of, flags_of};
pub use crate::grants::ExtraGrants;
pub use crate::handle::{Handle, answered, started};
pub use crate::start::{ModuleSource, Source, StartFailure};
pub use crate::value::{Mismatch, Value};

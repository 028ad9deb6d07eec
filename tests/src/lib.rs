//! Acceptance tests across rooms, and what tests of several rooms share.

pub mod tools;

//! What the fuzz targets check. The tests of `air` and `aqua` include them and run them over the inputs that are kept in `seeds/`, so
//! whatever a fuzzer once found stays found on every machine.

pub mod air;
#[cfg(feature = "aqua")]
pub mod aqua;
pub mod edits;
pub mod merge;

//! What the fuzz targets check. The tests of `air` include [`air`] and run it over the inputs that are kept in `seeds/`, so
//! whatever a fuzzer once found stays found on every machine.

pub mod air;
pub mod edits;
pub mod merge;

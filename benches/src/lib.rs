//! Benchmarks against limits measured in the same run.

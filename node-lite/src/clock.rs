//! The wall clock, in the units of particles.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Milliseconds since 1970; 0 if the clock stands before that.
pub(crate) fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_millis() as u64)
}

/// The time left until `end`, in milliseconds since 1970.
pub(crate) fn until(end: u64) -> Duration {
    Duration::from_millis(end.saturating_sub(now()))
}

//! Bounds on what one service may use, with their defaults.

use std::time::Duration;

use serde::{Deserialize, Serialize};

const KIB: u64 = 1024;
const MIB: u64 = 1024 * KIB;

/// Bounds on a service; [`Default`] holds the documented defaults. In a blueprint durations are whole milliseconds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Limits {
    /// Bytes of all linear memories of the service together.
    pub memory: u64,
    /// Elements of all tables together.
    pub table: u32,
    /// Time of one outside call with everything it calls.
    #[serde(with = "millis")]
    pub timeout: Duration,
    /// Time of one instantiation, start-up code included.
    #[serde(with = "millis")]
    pub startup: Duration,
    /// Bytes of the JSON text of a call's arguments.
    pub args: u64,
    /// Bytes of the JSON text of a call's result.
    pub result: u64,
    /// Bytes of log records per second; four seconds' worth may come as a burst.
    pub log: u64,
    /// Calls that may wait for the service.
    pub queue: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Limits {
            memory: 256 * MIB,
            table: 100_000,
            timeout: Duration::from_secs(30),
            startup: Duration::from_secs(10),
            args: 16 * MIB,
            result: 16 * MIB,
            log: 256 * KIB,
            queue: 256,
        }
    }
}

impl Limits {
    /// The longest time a limit may name. Beyond a day a limit protects nobody.
    pub const MAX_TIME: Duration = Duration::from_secs(24 * 60 * 60);
    /// The most memory a service may ask for: what a 32-bit module can address.
    pub const MAX_MEMORY: u64 = 4096 * MIB;

    /// The most table elements, or waiting calls, that a service may ask for.
    pub const MAX_NUMBER: u32 = 10_000_000;

    /// Bytes of log records that may come at once.
    pub fn log_burst(&self) -> u64 {
        self.log.saturating_mul(4)
    }

    /// The first limit that is zero or beyond its bound, as a message.
    pub(crate) fn check(&self) -> Result<(), String> {
        let sizes = [("memory", self.memory), ("args", self.args), ("result", self.result)];
        for (key, bytes) in sizes {
            if bytes == 0 || bytes > Limits::MAX_MEMORY {
                return Err(format!("`{key}` must lie between 1 byte and 4 GiB, got {bytes} bytes"));
            }
        }
        for (key, number) in [("table", self.table), ("queue", self.queue)] {
            if number == 0 || number > Limits::MAX_NUMBER {
                return Err(format!("`{key}` must lie between 1 and {}, got {number}", Limits::MAX_NUMBER));
            }
        }
        for (key, time) in [("timeout", self.timeout), ("startup", self.startup)] {
            if time.is_zero() || time > Limits::MAX_TIME {
                return Err(format!("`{key}` must lie between 1 ms and 24 h, got {} ms", time.as_millis()));
            }
        }
        Ok(())
    }
}

/// Durations as whole milliseconds, the unit of blueprints.
mod millis {
    use std::time::Duration;

    use serde::{Deserialize, Deserializer, Serializer};

    pub(super) fn serialize<S: Serializer>(time: &Duration, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_u64(u64::try_from(time.as_millis()).unwrap_or(u64::MAX))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Duration, D::Error> {
        u64::deserialize(from).map(Duration::from_millis)
    }
}

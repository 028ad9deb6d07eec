//! Log records of guests and how much of them is let through.

use std::sync::Arc;
use std::time::{Instant, SystemTime};

use marine_manifest::LogLevel;

/// The longest message of a record, in bytes; what is longer is cut.
pub(crate) const MAX_MESSAGE: usize = 16 * 1024;

/// One record of a guest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogRecord {
    /// When it was written, by the host's clock.
    pub time: SystemTime,
    /// Id of the service.
    pub service: Arc<str>,
    /// The module that wrote it.
    pub module: Arc<str>,
    /// Its severity; never [`LogLevel::Off`].
    pub level: LogLevel,
    /// What part of the module wrote it; `stdout` and `stderr` for captured lines.
    pub target: String,
    /// The text, at most 16 KiB.
    pub message: String,
}

/// Where records go. It is called on the thread that runs the guest, so it should be quick and must not call the service.
pub type LogSink = Arc<dyn Fn(LogRecord) + Send + Sync>;

/// Lets records through up to a rate in bytes per second with a burst; what is beyond is dropped and counted.
#[derive(Debug)]
pub(crate) struct LogBudget {
    rate: f64,
    burst: f64,
    left: f64,
    filled: Instant,
    dropped: u64,
}

impl LogBudget {
    pub(crate) fn new(rate: u64, burst: u64, now: Instant) -> LogBudget {
        LogBudget { rate: rate as f64, burst: burst as f64, left: burst as f64, filled: now, dropped: 0 }
    }

    /// Whether a record of `bytes` may pass at `now`.
    pub(crate) fn take(&mut self, bytes: usize, now: Instant) -> bool {
        let since = now.saturating_duration_since(self.filled).as_secs_f64();
        self.filled = now;
        self.left = (self.left + since * self.rate).min(self.burst);
        let cost = bytes as f64;
        if cost <= self.left {
            self.left -= cost;
            return true;
        }
        self.dropped += 1;
        false
    }

    /// How many records were dropped so far.
    pub(crate) fn dropped(&self) -> u64 {
        self.dropped
    }
}

/// `text` cut to [`MAX_MESSAGE`] bytes at a character's end.
pub(crate) fn cut(mut text: String) -> String {
    if text.len() > MAX_MESSAGE {
        text.truncate(text.floor_char_boundary(MAX_MESSAGE));
    }
    text
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn budget_refills_with_time_and_counts_what_it_drops() {
        let start = Instant::now();
        let mut budget = LogBudget::new(100, 400, start);
        assert!(budget.take(400, start));
        assert!(!budget.take(1, start));
        assert!(budget.take(100, start + Duration::from_secs(1)));
        assert!(!budget.take(401, start + Duration::from_secs(100)));
        assert_eq!(budget.dropped(), 2);
    }
}

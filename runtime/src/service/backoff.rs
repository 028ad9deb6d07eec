//! When a service that does not start may be tried again.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use super::error::StartError;

/// How many failures within [`WINDOW`] make a service wait.
const FAILURES: usize = 5;
const WINDOW: Duration = Duration::from_secs(60);
const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(60);

/// The record of failed starts.
#[derive(Debug, Default)]
pub(crate) struct BackOff {
    failed: VecDeque<Instant>,
    pause: Option<Pause>,
}

#[derive(Debug)]
struct Pause {
    until: Instant,
    length: Duration,
    cause: StartError,
}

impl BackOff {
    /// Whether a start may be tried at `now`; else how long to wait, and why.
    pub(crate) fn check(&self, now: Instant) -> Result<(), StartError> {
        match &self.pause {
            Some(pause) if now < pause.until => {
                Err(StartError::BackOff { wait: pause.until - now, cause: Box::new(pause.cause.clone()) })
            }
            _ => Ok(()),
        }
    }

    /// A start failed at `now`.
    pub(crate) fn failed(&mut self, cause: &StartError, now: Instant) {
        self.failed.push_back(now);
        while self.failed.len() > FAILURES {
            self.failed.pop_front();
        }
        let length = match &self.pause {
            Some(pause) => (pause.length * 2).min(LONGEST_PAUSE),
            None => FIRST_PAUSE,
        };
        let often = self.failed.len() == FAILURES
            && self.failed.front().is_some_and(|first| now.saturating_duration_since(*first) <= WINDOW);
        if often || self.pause.is_some() {
            self.pause = Some(Pause { until: now + length, length, cause: cause.clone() });
        }
    }

    /// A start succeeded: the past is forgotten.
    pub(crate) fn succeeded(&mut self) {
        *self = BackOff::default();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn five_failures_in_a_minute_lead_to_growing_pauses() {
        let cause = StartError::Compile { service: "s".into(), cause: "c".into() };
        let start = Instant::now();
        let at = |seconds: u64| start + Duration::from_secs(seconds);
        let mut back_off = BackOff::default();
        (0..4).for_each(|second| back_off.failed(&cause, at(second)));
        assert_eq!(back_off.check(at(4)), Ok(()));
        back_off.failed(&cause, at(4));
        let waits = |wait| Err(StartError::BackOff { wait: Duration::from_secs(wait), cause: Box::new(cause.clone()) });
        assert_eq!(back_off.check(at(4)), waits(1));
        assert_eq!(back_off.check(at(5)), Ok(()));
        for (now, wait) in [(5, 2), (7, 4), (11, 8), (19, 16), (35, 32), (67, 60), (127, 60)] {
            back_off.failed(&cause, at(now));
            assert_eq!(back_off.check(at(now)), waits(wait));
        }
        back_off.succeeded();
        assert_eq!(back_off.check(at(127)), Ok(()));
    }

    #[test]
    fn rare_failures_do_not_count() {
        let cause = StartError::Compile { service: "s".into(), cause: "c".into() };
        let (start, mut back_off) = (Instant::now(), BackOff::default());
        for number in 0..20 {
            let now = start + Duration::from_secs(16 * number);
            back_off.failed(&cause, now);
            assert_eq!(back_off.check(now), Ok(()));
        }
    }
}

//! Token buckets by peer, for a bounded number of peers.

use std::{collections::HashMap, time::Instant};

use marine_particle::PeerId;

use crate::config::Rate;

/// Peers that are remembered. Beyond that, those whose bucket is full again are forgotten.
const PEERS: usize = 16_384;

/// One bucket per peer, all alike.
pub(crate) struct Rates {
    rate: Rate,
    buckets: HashMap<PeerId, (f64, Instant)>,
}

impl Rates {
    pub(crate) fn new(rate: Rate) -> Self {
        Self { rate, buckets: HashMap::new() }
    }

    /// Takes a token of `peer`.
    ///
    /// # Errors
    /// Milliseconds until there is one.
    pub(crate) fn take(&mut self, peer: PeerId, now: Instant) -> Result<(), u64> {
        if self.buckets.len() >= PEERS && !self.buckets.contains_key(&peer) {
            let rate = self.rate;
            self.buckets.retain(|_, (tokens, since)| refilled(rate, *tokens, *since, now) < rate.burst);
            if self.buckets.len() >= PEERS {
                return Err(1000);
            }
        }
        let (tokens, since) = self.buckets.entry(peer).or_insert((self.rate.burst, now));
        *tokens = refilled(self.rate, *tokens, *since, now);
        *since = now;
        if *tokens < 1.0 {
            let wait = (1.0 - *tokens) / self.rate.per_second.max(f64::MIN_POSITIVE) * 1000.0;
            return Err((wait.ceil() as u64).clamp(1, 60_000));
        }
        *tokens -= 1.0;
        Ok(())
    }
}

fn refilled(rate: Rate, tokens: f64, since: Instant, now: Instant) -> f64 {
    (tokens + now.saturating_duration_since(since).as_secs_f64() * rate.per_second).min(rate.burst)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn bursts_then_the_rate() {
        let peer = PeerId::random();
        let mut rates = Rates::new(Rate { per_second: 10.0, burst: 2.0 });
        let start = Instant::now();
        assert_eq!(rates.take(peer, start), Ok(()));
        assert_eq!(rates.take(peer, start), Ok(()));
        assert_eq!(rates.take(peer, start), Err(100));
        assert_eq!(rates.take(PeerId::random(), start), Ok(()), "others are not affected");
        assert_eq!(rates.take(peer, start + Duration::from_millis(100)), Ok(()));
        assert_eq!(rates.take(peer, start + Duration::from_millis(100)), Err(100));
    }
}

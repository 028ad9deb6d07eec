//! Checks before anything of a message is kept, each cheap against the next.

use std::sync::Arc;

use cid::Cid;
use marine_particle::{DecodeError, Particle, PeerId, SignatureError, TimeError, TimePolicy};

use crate::{
    clock,
    config::NodeLimits,
    core::Core,
    frame::{Code, Refusal},
    live::Live,
};

/// The right to hand over data of a particle.
pub(crate) enum Ticket {
    /// The particle is here already.
    Live(Arc<Live>),
    /// The envelope passed all checks.
    New(Box<Particle>),
}

impl Core {
    /// Decides whether a particle that `from` sends may enter.
    pub(crate) fn admit(&self, from: &PeerId, cid: Cid, env: Option<Vec<u8>>) -> Result<Ticket, Refusal> {
        if let Some(live) = self.live(&cid) {
            return Ok(Ticket::Live(live));
        }
        if self.is_draining() {
            return Err(Refusal::new(Code::ShuttingDown, "this node is about to end").retry(5000));
        }
        let Some(env) = env else {
            return Err(Refusal::new(Code::UnknownParticle, "the envelope is not known here"));
        };
        let now = clock::now();
        let unverified = Particle::decode_unverified(&env).map_err(refuse_envelope)?;
        check_limits(unverified.peek(), now, self.birth, &self.limits)?;
        let bad_signature = |e: SignatureError| Refusal::new(Code::BadSignature, e.to_string());
        let particle = unverified.verify().map_err(bad_signature)?;
        if particle.cid() != cid {
            return Err(Refusal::new(Code::Malformed, "the envelope has another CID than its frame says"));
        }
        let limited = |retry: u64| Refusal::new(Code::RateLimited, "too many particles").retry(retry);
        self.rates().take(*from, particle.init()).map_err(limited)?;
        if self.live_count() >= self.limits.particles {
            return Err(Refusal::new(Code::Overloaded, "too many live particles").retry(1000));
        }
        Ok(Ticket::New(Box::new(particle)))
    }
}

/// Everything about an envelope that needs no signature check.
fn check_limits(particle: &Particle, now: u64, birth: u64, limits: &NodeLimits) -> Result<(), Refusal> {
    let script = particle.script().len();
    if script > limits.script {
        let text = format!("script of {script} bytes is over the limit of {}", limits.script);
        return Err(Refusal::new(Code::ScriptTooLarge, text));
    }
    let policy = TimePolicy {
        max_skew: limits.skew.as_millis() as u64,
        max_ttl: u32::try_from(limits.ttl.as_millis()).unwrap_or(u32::MAX),
    };
    particle.check_time(now, &policy).map_err(refuse_time)?;
    // Whoever lost its store may have written to this particle before, and would contradict itself.
    if particle.timestamp() < birth {
        let text = format!("started at {}, before this node's store was made at {birth}", particle.timestamp());
        return Err(Refusal::new(Code::Expired, text));
    }
    Ok(())
}

fn refuse_time(error: TimeError) -> Refusal {
    let code = match error {
        TimeError::Expired { .. } => Code::Expired,
        TimeError::Ahead { .. } => Code::Future,
        TimeError::Ttl { .. } => Code::TtlTooLong,
    };
    Refusal::new(code, error.to_string())
}

fn refuse_envelope(error: DecodeError) -> Refusal {
    let code = match error {
        DecodeError::Signature(_) => Code::BadSignature,
        DecodeError::Ttl(_) => Code::TtlTooLong,
        DecodeError::ScriptLength(_) => Code::ScriptTooLarge,
        DecodeError::Length(_) => Code::TooLarge,
        _ => Code::Malformed,
    };
    Refusal::new(code, error.to_string())
}

#[cfg(test)]
mod tests {
    use marine_particle::Keypair;

    use super::*;

    #[test]
    fn order_and_codes() {
        let key = Keypair::from_seed(&[1; 32]);
        let limits = NodeLimits::default();
        let now = 1_000_000_000;
        let particle = |ts, ttl, script: &str| Particle::sign_new(&key, "x", ts, ttl, script).unwrap();
        let long = "x".repeat(limits.script + 1);
        let cases = [
            ("script", particle(now, 1000, &long), Some(Code::ScriptTooLarge)),
            ("expired", particle(now - 1000, 1000, "(null)"), Some(Code::Expired)),
            ("overflow", particle(u64::MAX, 1000, "(null)"), Some(Code::Expired)),
            ("ttl", particle(now, 3_600_001, "(null)"), Some(Code::TtlTooLong)),
            ("future", particle(now + 60_001, 1000, "(null)"), Some(Code::Future)),
            ("older than the store", particle(now - 501, 10_000, "(null)"), Some(Code::Expired)),
            ("good", particle(now + 60_000, 3_600_000, "(null)"), None),
        ];
        for (name, particle, code) in cases {
            let result = check_limits(&particle, now, now - 500, &limits);
            assert_eq!(result.err().map(|refusal| refusal.code), code, "{name}");
        }
    }
}

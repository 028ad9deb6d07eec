//! [`Texts`]: literals of the script as values, those that come again and again shared.

use std::sync::Arc;

/// Scripts name the same few peers, services and functions in many calls. This remembers the last literals, each at a place that
/// its end and its length give.
#[derive(Debug, Default)]
pub(super) struct Texts {
    recent: Vec<Option<Arc<str>>>,
}

const PLACES: usize = 64;

/// Longer ones are hardly names.
const LONGEST: usize = 128;

impl Texts {
    pub(super) fn shared(&mut self, text: &str) -> Arc<str> {
        if text.len() > LONGEST {
            return text.into();
        }
        if self.recent.is_empty() {
            self.recent.resize(PLACES, None);
        }
        let end = text.bytes().rev().take(4).fold(text.len(), |hash, byte| hash.wrapping_mul(31) + usize::from(byte));
        match &mut self.recent[end % PLACES] {
            Some(known) if **known == *text => known.clone(),
            place => place.insert(text.into()).clone(),
        }
    }
}

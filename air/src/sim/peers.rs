//! [`Peers`]: the simulated peers by name, with keys that follow from the names.
//!
//! Scenarios speak of `@shop`; scripts and values that peers exchange hold real peer ids. Both ways of translation are here.

use std::collections::BTreeMap;

use marine_particle::{Keypair, PeerId};

use super::SimError;
use crate::syntax::{TokenKind, Tokens};
use crate::value::{Repr, Value};

/// Names, keys and ids of the peers of a simulation.
#[derive(Clone, Debug, Default)]
pub struct Peers {
    keys: BTreeMap<String, Keypair>,
    names: BTreeMap<PeerId, String>,
}

impl Peers {
    /// The peers with these names. Equal names have equal keys, in every simulation.
    pub fn new<N: Into<String>>(names: impl IntoIterator<Item = N>) -> Self {
        let mut peers = Self::default();
        for name in names {
            let name = name.into();
            let key = Keypair::from_seed(&blake3::derive_key("marine-simulated-peer-1", name.as_bytes()));
            peers.names.insert(key.peer_id(), name.clone());
            peers.keys.insert(name, key);
        }
        peers
    }

    /// The key of a peer.
    ///
    /// # Errors
    /// [`SimError::UnknownPeer`].
    pub fn key(&self, name: &str) -> Result<&Keypair, SimError> {
        self.keys.get(name).ok_or_else(|| SimError::UnknownPeer { name: name.to_owned() })
    }

    /// The id of a peer.
    ///
    /// # Errors
    /// [`SimError::UnknownPeer`].
    pub fn id(&self, name: &str) -> Result<PeerId, SimError> {
        Ok(self.key(name)?.peer_id())
    }

    /// The name of a peer, if it is simulated.
    #[must_use]
    pub fn name(&self, id: &PeerId) -> Option<&str> {
        self.names.get(id).map(String::as_str)
    }

    /// The name of a peer; its id if it is not simulated.
    #[must_use]
    pub fn display(&self, id: &PeerId) -> String {
        self.name(id).map_or_else(|| id.to_base58(), str::to_owned)
    }

    /// All peers, by name.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Keypair)> {
        self.keys.iter().map(|(name, key)| (name.as_str(), key))
    }

    /// Puts the ids for the names into a script: every string literal that is exactly `@name`.
    ///
    /// # Errors
    /// [`SimError::UnknownPeer`] for a literal with a name that no peer has.
    pub fn script(&self, script: &str) -> Result<String, SimError> {
        let mut out = String::with_capacity(script.len());
        let mut copied = 0;
        let mut tokens = Tokens::new(script);
        loop {
            let token = tokens.next_token();
            match token.kind {
                TokenKind::End => break,
                TokenKind::String => {}
                _ => continue,
            }
            let range = token.span.range();
            let content = range.start + 1..range.end - 1;
            if let Some(name) = script[content.clone()].strip_prefix('@') {
                out.push_str(&script[copied..content.start]);
                out.push_str(&self.id(name)?.to_base58());
                copied = content.end;
            }
        }
        out.push_str(&script[copied..]);
        Ok(out)
    }

    /// Puts the ids for the names into a value: every text that is `@name` of a peer, at any depth.
    #[must_use]
    pub fn with_ids(&self, value: &Value) -> Value {
        map_texts(value, &|text| {
            let key = self.keys.get(text.strip_prefix('@')?)?;
            Some(key.peer_id().to_base58())
        })
    }

    /// The opposite of [`Peers::with_ids`], for output.
    #[must_use]
    pub fn with_names(&self, value: &Value) -> Value {
        map_texts(value, &|text| self.name_of_text(text))
    }

    /// A text with `@name` for every id of a simulated peer in base58, wherever it stands.
    #[must_use]
    pub fn with_names_in(&self, text: &str) -> String {
        self.names.iter().fold(text.to_owned(), |text, (id, name)| text.replace(&id.to_base58(), &format!("@{name}")))
    }

    /// `@name` for the id of a simulated peer in base58.
    pub(super) fn name_of_text(&self, id: &str) -> Option<String> {
        let id: PeerId = id.parse().ok()?;
        self.name(&id).map(|name| format!("@{name}"))
    }
}

/// The value with some of its texts replaced. Recursion is bounded by the limit on the nesting of values.
fn map_texts(value: &Value, map: &dyn Fn(&str) -> Option<String>) -> Value {
    match &value.0 {
        Repr::Text(text) => map(text).map_or_else(|| value.clone(), Value::from),
        Repr::Array(items) => Value::array(items.iter().map(|item| map_texts(item, map))),
        Repr::Object(fields) => Value::object(fields.iter().map(|(name, field)| (name.clone(), map_texts(field, map)))),
        _ => value.clone(),
    }
}

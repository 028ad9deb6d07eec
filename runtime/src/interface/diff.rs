//! What changed between two versions of an interface, as callers see it.

use std::fmt;

use super::{Function, Interface, Type};

/// One difference between two interfaces. Docs and the names of types do not count.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Change {
    /// A function that is new: its signature.
    Added(String),
    /// A function that is gone: its signature.
    Removed(String),
    /// A function with other parameters or another result.
    Function {
        /// Its signature before.
        before: String,
        /// Its signature now.
        after: String,
    },
    /// A type of another structure, which changes every function that uses it.
    Type {
        /// Its name.
        name: String,
        /// What it was made of.
        before: String,
        /// What it is made of now.
        after: String,
    },
}

impl Change {
    /// Whether callers made for the old interface may fail with the new one.
    pub fn breaks_callers(&self) -> bool {
        !matches!(self, Change::Added(_))
    }
}

impl fmt::Display for Change {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Change::Added(function) => write!(to, "+ {function}"),
            Change::Removed(function) => write!(to, "- {function}"),
            Change::Function { before, after } => write!(to, "- {before}\n+ {after}"),
            Change::Type { name, before, after } => write!(to, "- {name}: {before}\n+ {name}: {after}"),
        }
    }
}

/// The changes from `before` to `after`, functions in the order of `before`, then what is new.
pub(super) fn diff(before: &Interface, after: &Interface) -> Vec<Change> {
    let mut changes = Vec::new();
    for old in &before.functions {
        match after.functions.iter().find(|new| new.name == old.name) {
            None => changes.push(Change::Removed(old.outside())),
            Some(new) => changes.extend(function(old, new)),
        }
    }
    let is_new = |new: &&Function| !before.functions.iter().any(|old| old.name == new.name);
    changes.extend(after.functions.iter().filter(is_new).map(|new| Change::Added(new.outside())));
    for (name, old) in &before.types {
        let Some(new) = after.types.get(name).filter(|new| !old.same_shape(new)) else { continue };
        changes.push(Change::Type { name: name.clone(), before: made_of(old), after: made_of(new) });
    }
    changes
}

/// A change that the signatures show; one inside a named type is reported with that type.
fn function(old: &Function, new: &Function) -> Option<Change> {
    let (before, after) = (old.outside(), new.outside());
    (before != after).then_some(Change::Function { before, after })
}

fn made_of(ty: &Type) -> String {
    match ty {
        Type::Named { def, .. } => def.to_string(),
        other => other.to_string(),
    }
}

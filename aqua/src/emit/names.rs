//! Names of variables in the script: those of the source, made unique.

use std::collections::{HashMap, HashSet};

use crate::ir::{Var, VarKind, Vars};

/// Words that AIR takes for itself.
const RESERVED: &[&str] = &[
    "call", "canon", "ap", "seq", "par", "fail", "fold", "xor", "never", "new", "next", "null", "match", "mismatch",
    "true", "false",
];

/// Gives names to variables as they are asked for.
pub(super) struct Names<'a> {
    vars: &'a Vars,
    relay: Option<Var>,
    given: HashMap<Var, String>,
    taken: HashSet<String>,
    /// By stem, the number to try next.
    counts: HashMap<String, u32>,
}

impl<'a> Names<'a> {
    pub(super) fn new(vars: &'a Vars, relay: Option<Var>) -> Self {
        Self { vars, relay, given: HashMap::new(), taken: HashSet::new(), counts: HashMap::new() }
    }

    /// The name of a variable with its sigil.
    pub(super) fn get(&mut self, var: Var) -> &str {
        if !self.given.contains_key(&var) {
            let name = self.make(var);
            self.given.insert(var, name);
        }
        &self.given[&var]
    }

    fn make(&mut self, var: Var) -> String {
        let info = self.vars.info(var);
        if Some(var) == self.relay {
            return info.hint.to_string();
        }
        let sigil = match info.kind {
            VarKind::Scalar => "",
            VarKind::Stream => "$",
            VarKind::Map => "%",
            VarKind::Canon => "#",
            VarKind::CanonMap => "#%",
        };
        let is_canon = matches!(info.kind, VarKind::Canon | VarKind::CanonMap);
        let mut stem = info.hint.replace('.', "_");
        // The predecessor takes a lens only on canons of two letters at least.
        if is_canon && stem.len() < 2 {
            stem = format!("{stem}{stem}");
        }
        let is_reserved = sigil.is_empty() && RESERVED.contains(&stem.as_str());
        let stem = format!("{sigil}{stem}");
        if !is_reserved && self.taken.insert(stem.clone()) {
            return stem;
        }
        let count = self.counts.entry(stem.clone()).or_insert(0);
        loop {
            *count += 1;
            let name = format!("{stem}_{count}");
            if self.taken.insert(name.clone()) {
                return name;
            }
        }
    }
}

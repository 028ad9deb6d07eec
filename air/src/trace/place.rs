//! One position of a trace in full: operands, what it waits for, and the entries of all peers about it.

use std::fmt::Write as _;

use super::Trace;
use super::rows::{Row, Says, Statement};
use super::text::{Values, frame, shown};

impl Trace {
    /// Everything about the instruction at a line and column of the script, each of its instances by itself. `None` if the
    /// trace has none there.
    #[must_use]
    pub fn place(&self, line: usize, column: usize, values: Values) -> Option<String> {
        let rows: Vec<&Row> = self.rows.iter().filter(|row| (row.line, row.column) == (line, column)).collect();
        let texts: Vec<String> = rows.into_iter().map(|row| self.instance(row, values)).collect();
        (!texts.is_empty()).then(|| texts.join("\n\n"))
    }

    /// The places that [`Trace::place`] has something about, in the order of the script.
    #[must_use]
    pub fn places(&self) -> Vec<(usize, usize)> {
        let mut places: Vec<(usize, usize)> = self.rows.iter().map(|row| (row.line, row.column)).collect();
        places.sort_unstable();
        places.dedup();
        places
    }

    fn instance(&self, row: &Row, values: Values) -> String {
        let mut out = format!("{}:{}  {}", row.line, row.column, super::text::flat(row.instruction.trim_end()));
        let mut add = |name: &str, text: &str| {
            // Writing into a string does not fail.
            let _ = write!(out, "\n  {name:<10} {text}");
        };
        let unknown = || "not known".to_owned();
        row.frames.iter().for_each(|of| add("iteration", &frame(of, values)));
        add("peer", &row.peer.as_deref().map_or_else(unknown, |peer| self.peer(peer)));
        if row.canon.is_none() {
            add("call", &self.call(row, Values::Short));
        }
        for (index, arg) in row.args.iter().enumerate() {
            let arg = arg.as_ref().map_or_else(unknown, |arg| shown(arg, values));
            add("argument", &format!("{index}: {arg}"));
        }
        add("state", &self.state(&row.state, values));
        row.statements.iter().for_each(|statement| add("entry", &self.statement(statement)));
        out
    }

    /// `shop 2/5: ok`
    fn statement(&self, statement: &Statement) -> String {
        let Statement { by, entry, length, says } = statement;
        let says = match says {
            Says::Ok => "it returned".to_owned(),
            Says::Err => "it failed".to_owned(),
            Says::Canon => "it saw these elements".to_owned(),
            Says::Sent { to, .. } if to == by => "it is at work on it".to_owned(),
            Says::Sent { to, missing } => {
                let missing: Vec<String> = missing.iter().map(u32::to_string).collect();
                let without =
                    if missing.is_empty() { String::new() } else { format!(", without {}", missing.join(", ")) };
                format!("sent to {}{without}", self.peer(to))
            }
        };
        format!("{} {entry}/{length}: {says}", self.peer(by))
    }
}

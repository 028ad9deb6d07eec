//! The text of a [`Trace`]: a line for the particle, one per row in columns, and a summary.

use std::fmt::{self, Write as _};

use serde_json::Value as Json;

use super::rows::{Row, RowFrame, RowState};
use super::time::utc;
use super::{Trace, TraceOutcome};
use crate::value::Value;

/// The longest value, in characters.
const VALUE_WIDTH: usize = 40;
/// Columns are padded up to this; what is longer pushes the rest of its line.
const COLUMN_WIDTH: usize = 48;

impl fmt::Display for Trace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let short: String = self.particle.chars().take(12).collect();
        let (init, start) = (self.peer(&self.init), utc(self.timestamp));
        let ttl = f64::from(self.ttl) / 1000.0;
        writeln!(f, "particle {short}…  init {init}  {start}  ttl {ttl} s  signature ok")?;
        let table: Vec<[String; 6]> = self.rows.iter().map(|row| self.columns(row)).collect();
        let width = |column: usize| {
            let lengths = table.iter().map(|row| row[column].chars().count());
            lengths.filter(|length| *length <= COLUMN_WIDTH).max().unwrap_or(0)
        };
        let widths: [usize; 6] = std::array::from_fn(width);
        for row in &table {
            let mut line = String::new();
            for (text, width) in row.iter().zip(widths).filter(|(_, width)| *width > 0) {
                write!(line, "  {text:<width$}")?;
            }
            writeln!(f, "{}", line.trim_end())?;
        }
        let logs = self.logs.iter().map(|(peer, length)| format!("{} {length}", self.peer(peer)));
        let logs = logs.collect::<Vec<_>>().join(", ");
        let Self { verified, void, unreached, outcome, .. } = self;
        write!(
            f,
            "outcome: {outcome}   entries: {verified} verified, {void} void, {unreached} unreached   logs: {logs}"
        )
    }
}

impl fmt::Display for TraceOutcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Running => f.write_str("running"),
            Self::Complete => f.write_str("complete"),
            Self::Failed { code, message, .. } => write!(f, "failed {code} {}", flat(message)),
        }
    }
}

impl Trace {
    fn columns(&self, row: &Row) -> [String; 6] {
        let frames = row.frames.iter().map(frame).collect::<Vec<_>>().join(" ");
        let peer = row.peer.as_deref().map_or_else(|| "?".to_owned(), |peer| self.peer(peer));
        let signed = row.signed.as_ref().map_or_else(String::new, |signed| {
            let other =
                if row.peer.as_deref() == Some(&signed.by) { "" } else { &format!(" by {}", self.peer(&signed.by)) };
            format!("signed {}/{}{other}", signed.entry, signed.length)
        });
        [format!("{}:{}", row.line, row.column), frames, peer, call(row), self.state(&row.state), signed]
    }

    fn state(&self, state: &RowState) -> String {
        match state {
            RowState::Ok { value: Some(value), .. } => format!("ok {}", short(value)),
            RowState::Ok { cid, value: None } => format!("ok {}…", cid.chars().take(12).collect::<String>()),
            RowState::Seen { elements } => format!("saw {}", short(&Json::from(elements.clone()))),
            RowState::Failed { code, message, .. } => format!("failed {code} {}", line(message)),
            RowState::Waiting { names, sent_by } => {
                let mut text = "waiting".to_owned();
                if !names.is_empty() {
                    text += &format!(" for {}", names.join(", "));
                }
                if !sent_by.is_empty() {
                    let peers: Vec<String> = sent_by.iter().map(|peer| self.peer(peer)).collect();
                    text += &format!(", sent by {}", peers.join(", "));
                }
                text
            }
            RowState::Void { field, expected, found } => {
                format!("void: {field} is {}, should be {}", line(found), line(expected))
            }
            RowState::Unreached => "unreached".to_owned(),
        }
    }

    /// The alias of a peer, or the end of its id, where ids differ most.
    fn peer(&self, id: &str) -> String {
        if let Some(alias) = self.aliases.get(id) {
            return alias.clone();
        }
        match id.char_indices().rev().nth(7) {
            Some((start, _)) if start > 0 => format!("…{}", flat(&id[start..])),
            _ => flat(id),
        }
    }
}

fn frame(frame: &RowFrame) -> String {
    match (&frame.value, frame.index) {
        (Some(value), _) => format!("{} = {}", frame.iterator, short(value)),
        (None, Some(index)) => format!("{} [{index}]", frame.iterator),
        (None, None) => format!("{} ?", frame.iterator),
    }
}

/// `service.function(arguments)`, or `canon $stream #canon`.
fn call(row: &Row) -> String {
    if let Some(canon) = &row.canon {
        return format!("canon {canon}");
    }
    let name = |part: &Option<String>| part.as_deref().map_or_else(|| "?".to_owned(), line);
    let arg = |arg: &Option<Json>| arg.as_ref().map_or_else(|| "?".to_owned(), short);
    let args: Vec<String> = row.args.iter().map(arg).collect();
    format!("{}.{}({})", name(&row.service), name(&row.function), args.join(", "))
}

/// JSON, cut to a length that fits a column.
fn short(value: &Json) -> String {
    line(&Value::from(value.clone()).to_string())
}

/// One line of text, cut to a length that fits a column.
fn line(text: &str) -> String {
    let text = flat(text);
    match text.char_indices().nth(VALUE_WIDTH) {
        None => text,
        Some(_) => text.chars().take(VALUE_WIDTH - 1).chain(['…']).collect(),
    }
}

/// Text without line breaks, tabs and what terminals take for commands.
fn flat(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

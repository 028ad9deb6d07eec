//! A trace as text: a line for the particle, one per row in columns, and a summary.

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

/// How values are shown.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Values {
    /// Cut to what fits a column.
    #[default]
    Short,
    /// Whole.
    Full,
    /// By their content identifiers.
    Cid,
}

/// A [`Trace`] as text, made by [`Trace::text`].
#[derive(Clone, Copy, Debug)]
pub struct Text<'t> {
    trace: &'t Trace,
    values: Values,
}

impl Trace {
    /// The trace as text.
    #[must_use]
    pub fn text(&self, values: Values) -> Text<'_> {
        Text { trace: self, values }
    }
}

/// With short values.
impl fmt::Display for Trace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.text(Values::Short).fmt(f)
    }
}

impl fmt::Display for Text<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { trace, values } = self;
        writeln!(f, "{}", trace.title())?;
        let table: Vec<[String; 6]> = trace.rows.iter().map(|row| trace.columns(row, *values)).collect();
        let width = |column: usize| {
            let lengths = table.iter().map(|row| row[column].chars().count());
            lengths.filter(|length| *length <= COLUMN_WIDTH).max().unwrap_or(0)
        };
        let widths: [usize; 6] = std::array::from_fn(width);
        for row in &table {
            let mut line = String::new();
            for (text, width) in row.iter().zip(widths).filter(|(text, width)| *width > 0 || !text.is_empty()) {
                write!(line, "  {text:<width$}")?;
            }
            writeln!(f, "{}", line.trim_end())?;
        }
        f.write_str(&trace.summary())
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
    /// What particle it is about.
    pub(super) fn title(&self) -> String {
        let short: String = self.particle.chars().take(12).collect();
        let (init, start) = (self.peer(&self.init), utc(self.timestamp));
        let ttl = f64::from(self.ttl) / 1000.0;
        format!("particle {short}…  init {init}  {start}  ttl {ttl} s  signature ok")
    }

    fn summary(&self) -> String {
        let logs = self.logs.iter().map(|(peer, length)| format!("{} {length}", self.peer(peer)));
        let logs = logs.collect::<Vec<_>>().join(", ");
        let Self { verified, void, unreached, outcome, .. } = self;
        format!("outcome: {outcome}   entries: {verified} verified, {void} void, {unreached} unreached   logs: {logs}")
    }

    fn columns(&self, row: &Row, values: Values) -> [String; 6] {
        let frames = row.frames.iter().map(|of| frame(of, values)).collect::<Vec<_>>().join(" ");
        let peer = row.peer.as_deref().map_or_else(|| "?".to_owned(), |peer| self.peer(peer));
        let signed = row.signed.as_ref().map_or_else(String::new, |signed| {
            let other =
                if row.peer.as_deref() == Some(&signed.by) { "" } else { &format!(" by {}", self.peer(&signed.by)) };
            format!("signed {}/{}{other}", signed.entry, signed.length)
        });
        let (call, state) = (self.call(row, values), self.state(&row.state, values));
        let place = row.source.clone().unwrap_or_else(|| format!("{}:{}", row.line, row.column));
        [place, frames, peer, call, state, signed]
    }

    pub(super) fn state(&self, state: &RowState, values: Values) -> String {
        let text = |text: &str| if values == Values::Full { flat(text) } else { line(text) };
        match state {
            RowState::Ok { value: Some(value), cid } => match values {
                Values::Cid => format!("ok {cid}"),
                _ => format!("ok {}", shown(value, values)),
            },
            RowState::Ok { cid, value: None } => match values {
                Values::Short => format!("ok {}…", cid.chars().take(12).collect::<String>()),
                _ => format!("ok {cid}"),
            },
            RowState::Seen { elements } => format!("saw {}", shown(&Json::from(elements.clone()), values)),
            RowState::Failed { code, message, .. } => format!("failed {code} {}", text(message)),
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
                format!("void: {field} is {}, should be {}", text(found), text(expected))
            }
            RowState::Unreached => "unreached".to_owned(),
        }
    }

    /// `service.function(arguments)`, or `canon $stream #canon`.
    pub(super) fn call(&self, row: &Row, values: Values) -> String {
        if let Some(canon) = &row.canon {
            return format!("canon {canon}");
        }
        let name = |part: &Option<String>| part.as_deref().map_or_else(|| "?".to_owned(), line);
        let arg = |arg: &Option<Json>| arg.as_ref().map_or_else(|| "?".to_owned(), |arg| shown(arg, values));
        let args: Vec<String> = row.args.iter().map(arg).collect();
        format!("{}.{}({})", name(&row.service), name(&row.function), args.join(", "))
    }

    /// The alias of a peer, or the end of its id, where ids differ most.
    pub(super) fn peer(&self, id: &str) -> String {
        if let Some(alias) = self.aliases.get(id) {
            return alias.clone();
        }
        match id.char_indices().rev().nth(7) {
            Some((start, _)) if start > 0 => format!("…{}", flat(&id[start..])),
            _ => flat(id),
        }
    }
}

/// `iterator = value`
pub(super) fn frame(frame: &RowFrame, values: Values) -> String {
    match (&frame.value, frame.index) {
        (Some(value), _) => format!("{} = {}", frame.iterator, shown(value, values)),
        (None, Some(index)) => format!("{} [{index}]", frame.iterator),
        (None, None) => format!("{} ?", frame.iterator),
    }
}

/// A value as JSON, or as its identifier.
pub(super) fn shown(value: &Json, values: Values) -> String {
    let value = Value::from(value.clone());
    match values {
        Values::Short => line(&value.to_string()),
        Values::Full => flat(&value.to_string()),
        Values::Cid => value.content_id().to_string(),
    }
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
pub(super) fn flat(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

//! `set`: what holds for the calls that follow.

use std::time::Duration;

use marine_manifest::LogLevel;
use marine_runtime::Dialect;

use super::command::Command;
use super::records::Records;
use crate::exit::Outcome;

/// Settings of a session.
#[derive(Debug, Clone)]
pub(super) struct Settings {
    /// The time that a call may take, if less than the service's limit.
    pub(super) timeout: Option<Duration>,
    pub(super) dialect: Dialect,
    /// Whether the time of each call is shown.
    pub(super) time: bool,
}

impl Settings {
    pub(super) fn new(time: bool) -> Self {
        Self { timeout: None, dialect: Dialect::Plain, time }
    }

    /// Carries out `set KEY VALUE`.
    pub(super) fn set(&mut self, command: &Command, text: &str, records: &Records) -> Outcome<()> {
        let (key, value) = text.split_once(char::is_whitespace).map_or((text, ""), |(key, value)| (key, value.trim()));
        let wrong = |expected: &str| command.misused(format!("`{key}` is set to {expected}, not to `{value}`"));
        match (key, value) {
            ("timeout", "off") => self.timeout = None,
            ("timeout", value) => {
                self.timeout = Some(duration(value).ok_or_else(|| wrong("a time such as `5s` or to `off`"))?)
            }
            ("log", value) => {
                let level = LogLevel::ALL.into_iter().find(|level| level.as_str() == value);
                records.show(level.ok_or_else(|| wrong("off, error, warn, info, debug or trace"))?);
            }
            ("values", "plain") => self.dialect = Dialect::Plain,
            ("values", "air") => self.dialect = Dialect::Air,
            ("values", _) => return Err(wrong("`plain` or `air`")),
            ("time", "on") => self.time = true,
            ("time", "off") => self.time = false,
            ("time", _) => return Err(wrong("`on` or `off`")),
            _ => return Err(command.misused(format!("there is no setting `{key}`"))),
        }
        Ok(())
    }

    /// All settings, a line each.
    pub(super) fn text(&self, records: &Records) -> String {
        let timeout = self.timeout.map_or("off".to_owned(), |time| format!("{}ms", time.as_millis()));
        let values = if self.dialect == Dialect::Air { "air" } else { "plain" };
        let time = if self.time { "on" } else { "off" };
        format!("timeout  {timeout}\nlog      {}\nvalues   {values}\ntime     {time}", records.shown().as_str())
    }
}

/// A time with a unit: `500ms`, `5s`, `2min`.
fn duration(text: &str) -> Option<Duration> {
    let digits = text.len() - text.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    let number: u64 = text[..digits].parse().ok()?;
    let time = match text[digits..].trim() {
        "ms" => Duration::from_millis(number),
        "s" => Duration::from_secs(number),
        "min" => Duration::from_secs(number.checked_mul(60)?),
        _ => return None,
    };
    (!time.is_zero()).then_some(time)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_have_units() {
        let cases = [
            ("5s", Some(5_000)),
            ("500ms", Some(500)),
            ("2 min", Some(120_000)),
            ("5", None),
            ("0s", None),
            ("soon", None),
        ];
        for (text, millis) in cases {
            assert_eq!(duration(text), millis.map(Duration::from_millis), "{text}");
        }
    }
}

//! Which log records of a module are kept.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// The least severe log records that are kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogLevel {
    /// None at all.
    Off,
    /// Errors.
    Error,
    /// And warnings.
    Warn,
    /// And what is worth knowing.
    #[default]
    Info,
    /// And details.
    Debug,
    /// Everything.
    Trace,
}

impl LogLevel {
    /// Every level, from silent to everything.
    pub const ALL: [LogLevel; 6] =
        [LogLevel::Off, LogLevel::Error, LogLevel::Warn, LogLevel::Info, LogLevel::Debug, LogLevel::Trace];

    /// How manifests spell it.
    pub fn as_str(self) -> &'static str {
        match self {
            LogLevel::Off => "off",
            LogLevel::Error => "error",
            LogLevel::Warn => "warn",
            LogLevel::Info => "info",
            LogLevel::Debug => "debug",
            LogLevel::Trace => "trace",
        }
    }
}

/// Which records are kept, by what part of the module wrote them: `info,my_crate::noisy=error`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LogFilter {
    /// For records that no target below covers.
    pub level: LogLevel,
    /// Target to level; a target covers itself and what lies below it (`a` covers `a::b`), and the longest that covers counts.
    pub targets: BTreeMap<String, LogLevel>,
}

impl LogFilter {
    /// The least severe records of `target` that are kept.
    pub fn of(&self, target: &str) -> LogLevel {
        let covers =
            |known: &str| target.strip_prefix(known).is_some_and(|rest| rest.is_empty() || rest.starts_with("::"));
        let longest = self.targets.iter().filter(|(known, _)| covers(known)).max_by_key(|(known, _)| known.len());
        longest.map_or(self.level, |(_, level)| *level)
    }
}

impl From<LogLevel> for LogFilter {
    fn from(level: LogLevel) -> LogFilter {
        LogFilter { level, targets: BTreeMap::new() }
    }
}

impl FromStr for LogFilter {
    type Err = String;

    /// Reads directives `[target=]level` separated by commas; among equals the last counts.
    fn from_str(text: &str) -> Result<LogFilter, String> {
        let mut filter = LogFilter::default();
        for directive in text.split(',').map(str::trim).filter(|directive| !directive.is_empty()) {
            match directive.rsplit_once('=') {
                None => filter.level = level(directive)?,
                Some(("", _)) => return Err(format!("`{directive}` has no target before `=`")),
                Some((target, word)) => drop(filter.targets.insert(target.trim().to_owned(), level(word.trim())?)),
            }
        }
        Ok(filter)
    }
}

fn level(word: &str) -> Result<LogLevel, String> {
    let known = LogLevel::ALL.into_iter().find(|level| level.as_str().eq_ignore_ascii_case(word));
    known.ok_or_else(|| {
        format!("`{word}` is no level: expected one of {}", LogLevel::ALL.map(LogLevel::as_str).join(", "))
    })
}

impl fmt::Display for LogFilter {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        to.write_str(self.level.as_str())?;
        self.targets.iter().try_for_each(|(target, level)| write!(to, ",{target}={level}"))
    }
}

impl fmt::Display for LogLevel {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        to.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_target_counts() {
        let filter: LogFilter = "warn, shop=info,shop::till=trace, Shop2=off".parse().expect("it is a filter");
        let cases = [
            ("other", LogLevel::Warn),
            ("shop", LogLevel::Info),
            ("shopping", LogLevel::Warn),
            ("shop::stock", LogLevel::Info),
            ("shop::till::drawer", LogLevel::Trace),
            ("Shop2", LogLevel::Off),
        ];
        for (target, level) in cases {
            assert_eq!(filter.of(target), level, "{target}");
        }
        assert_eq!(filter.to_string().parse(), Ok(filter));
        assert!("shop=loud".parse::<LogFilter>().is_err() && "=info".parse::<LogFilter>().is_err());
    }
}

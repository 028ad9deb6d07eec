//! The key `log`: a level, or a table of level, filter and mask.

use std::collections::BTreeMap;

use crate::error::Code;
use crate::log::{LogFilter, LogLevel};
use crate::table::Entry;

/// What the key says.
pub(super) struct LogKeys {
    pub(super) level: LogLevel,
    pub(super) filter: BTreeMap<String, LogLevel>,
    pub(super) mask: u32,
}

impl Default for LogKeys {
    fn default() -> LogKeys {
        LogKeys { level: LogLevel::default(), filter: BTreeMap::new(), mask: u32::MAX }
    }
}

pub(super) fn read_log(entry: Entry<'_, '_>) -> LogKeys {
    let mut keys = LogKeys::default();
    if entry.is_text() {
        keys.level = read_level(&entry).unwrap_or_default();
        return keys;
    }
    let Some(mut table) = entry.table("a level or `{ level = \"info\", filter = \"noisy=error\", mask = 1 }`") else {
        return keys;
    };
    keys.level = table.take("level").and_then(|entry| read_level(&entry)).unwrap_or_default();
    if let Some(entry) = table.take("filter") {
        keys.filter = entry.parsed("directives such as \"noisy=error,mine=debug\"", read_filter).unwrap_or_default();
    }
    if let Some(entry) = table.take("mask") {
        let bits = entry.number(0..u64::from(u32::MAX) + 1).and_then(|bits| u32::try_from(bits).ok());
        keys.mask = bits.unwrap_or(u32::MAX);
    }
    table.finish(&[("targets", "name targets in `filter = \"target=level\"`, bits are theirs in the source")]);
    keys
}

fn read_filter(text: &str) -> Result<BTreeMap<String, LogLevel>, String> {
    if text.split(',').any(|directive| !directive.contains('=') && !directive.trim().is_empty()) {
        return Err("expected `target=level`; the level of all others is the key `level`".to_owned());
    }
    Ok(text.parse::<LogFilter>()?.targets)
}

fn read_level(entry: &Entry<'_, '_>) -> Option<LogLevel> {
    let text = entry.text("a level")?;
    let level = LogLevel::ALL.into_iter().find(|level| level.as_str() == text);
    if level.is_none() {
        let levels = LogLevel::ALL.map(LogLevel::as_str).join(", ");
        let message = format!("`{}` is {}: expected one of {levels}", entry.key, crate::table::excerpt(&text));
        entry.wrong(Code::BadValue, message, None);
    }
    level
}

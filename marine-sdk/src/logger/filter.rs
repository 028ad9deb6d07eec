//! Which records are wanted: directives `[target=]level,..`.

use std::cmp::Reverse;

use log::{LevelFilter, Metadata};

/// A level for everything, and other levels for some targets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Filter {
    default: LevelFilter,
    /// Longest target first, so the first that fits is the most special one.
    targets: Vec<(String, LevelFilter)>,
}

impl Filter {
    /// `default` for everything.
    pub(super) fn new(default: LevelFilter) -> Self {
        Self { default, targets: Vec::new() }
    }

    /// The directives in `text`, and those that are none. Without a directive for everything that is `info`, or `off`
    /// if targets are named: who asks for `a=debug` wants that and nothing else.
    pub(super) fn parse(text: &str) -> (Self, Vec<&str>) {
        let mut filter = Self::new(LevelFilter::Info);
        let mut default = None;
        let mut wrong = Vec::new();
        for directive in text.split(',').map(str::trim).filter(|directive| !directive.is_empty()) {
            let (target, level) = match directive.split_once('=') {
                Some((target, level)) => (Some(target.trim()), level.trim()),
                None => (None, directive),
            };
            match (target, level.parse()) {
                (Some(target), Ok(level)) => filter.set(target.to_owned(), level),
                (None, Ok(level)) => default = Some(level),
                (_, Err(_)) => wrong.push(directive),
            }
        }
        if let Some(level) = default {
            filter.default = level;
        } else if !filter.targets.is_empty() {
            filter.default = LevelFilter::Off;
        }
        (filter, wrong)
    }

    /// Sets the level of what no other directive covers.
    pub(super) fn set_default(&mut self, level: LevelFilter) {
        self.default = level;
    }

    /// Sets the level of `target` and the targets below it.
    pub(super) fn set(&mut self, target: String, level: LevelFilter) {
        self.targets.retain(|(known, _)| *known != target);
        self.targets.push((target, level));
        self.targets.sort_by_key(|(target, _)| Reverse(target.len()));
    }

    /// The most verbose level that any record can pass with.
    pub(super) fn max_level(&self) -> LevelFilter {
        self.targets.iter().map(|(_, level)| *level).fold(self.default, Ord::max)
    }

    /// Whether such a record passes.
    pub(super) fn allows(&self, metadata: &Metadata<'_>) -> bool {
        let level = self.targets.iter().find(|(target, _)| covers(target, metadata.target()));
        metadata.level() <= level.map_or(self.default, |(_, level)| *level)
    }
}

/// Whether `target` is `prefix` or lies below it: `a` covers `a` and `a::b`, not `ab`.
fn covers(prefix: &str, target: &str) -> bool {
    target.strip_prefix(prefix).is_some_and(|rest| rest.is_empty() || rest.starts_with("::"))
}

#[cfg(test)]
mod tests {
    use log::{Level, LevelFilter, Metadata};

    use super::Filter;

    fn allows(directives: &str, target: &str, level: Level) -> bool {
        Filter::parse(directives).0.allows(&Metadata::builder().target(target).level(level).build())
    }

    #[test]
    fn the_longest_target_that_fits_counts() {
        let cases = [
            ("", "a", Level::Info, true),
            ("", "a", Level::Debug, false),
            ("debug", "a", Level::Debug, true),
            ("off", "a", Level::Error, false),
            ("warn,a=trace", "a::b", Level::Trace, true),
            ("warn,a=trace", "ab", Level::Info, false),
            ("a=trace,a::b=warn", "a::b::c", Level::Info, false),
            ("a=debug", "b", Level::Error, false),
            ("INFO, a = Debug", "a", Level::Debug, true),
        ];
        for (directives, target, level, expected) in cases {
            assert_eq!(allows(directives, target, level), expected, "`{directives}` for {level} of `{target}`");
        }
    }

    #[test]
    fn what_is_no_directive_is_returned() {
        let (filter, wrong) = Filter::parse("a=loud,debug,b");
        assert_eq!(filter, Filter::new(LevelFilter::Debug));
        assert_eq!(wrong, ["a=loud", "b"]);
    }

    #[test]
    fn the_most_verbose_level_is_the_bound() {
        assert_eq!(Filter::parse("warn,a=trace").0.max_level(), LevelFilter::Trace);
    }
}

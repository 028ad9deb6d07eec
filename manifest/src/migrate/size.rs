//! Sizes as the predecessor spelled them (`"1 GiB"`, `"500Mb"`, `1024`), and as manifests do.

use crate::limits::Limits;

/// Bytes of one page of a linear memory.
pub(super) const PAGE: u64 = 64 * 1024;

const UNITS: &[(&str, u64)] = &[
    ("", 1),
    ("b", 1),
    ("k", 1_000),
    ("kb", 1_000),
    ("m", 1_000_000),
    ("mb", 1_000_000),
    ("g", 1_000_000_000),
    ("gb", 1_000_000_000),
    ("t", 1_000_000_000_000),
    ("tb", 1_000_000_000_000),
    ("ki", 1 << 10),
    ("kib", 1 << 10),
    ("mi", 1 << 20),
    ("mib", 1 << 20),
    ("gi", 1 << 30),
    ("gib", 1 << 30),
    ("ti", 1 << 40),
    ("tib", 1 << 40),
];

/// Bytes of a number with an optional unit, decimal or binary, in any case.
pub(super) fn old(text: &str) -> Option<u64> {
    let text = text.trim();
    let digits = text.len() - text.trim_start_matches(|c: char| c.is_ascii_digit() || c == '.').len();
    let (number, unit) = text.split_at(digits);
    let unit = unit.trim().to_ascii_lowercase();
    let factor = UNITS.iter().find(|(name, _)| *name == unit).map(|(_, factor)| *factor)?;
    let bytes = number.parse::<f64>().ok().filter(|number| *number >= 0.0)? * factor as f64;
    // Beyond this an `f64` no longer holds every whole number, and nothing could have so much memory.
    (bytes < (1u64 << 53) as f64).then_some(bytes as u64)
}

/// `bytes` in the largest unit that needs no fraction; never more than a manifest allows.
pub(super) fn new(bytes: u64) -> String {
    let bytes = bytes.min(Limits::MAX_MEMORY);
    let units = [("GiB", 1u64 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10)];
    match units.iter().find(|(_, factor)| bytes >= *factor && bytes.is_multiple_of(*factor)) {
        Some((unit, factor)) => format!("{} {unit}", bytes / factor),
        None => format!("{bytes} B"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_keep_their_meaning() {
        let cases = [
            ("1 GiB", Some("1 GiB")),
            ("500Mb", Some("500000000 B")),
            ("0.5 mib", Some("512 KiB")),
            ("1024", Some("1 KiB")),
            ("64kib", Some("64 KiB")),
            ("900 GiB", Some("4 GiB")),
            ("Infinity", None),
            ("-1", None),
            ("1 furlong", None),
            ("1.2.3", None),
        ];
        for (text, expected) in cases {
            assert_eq!(old(text).map(new).as_deref(), expected, "{text}");
        }
    }
}

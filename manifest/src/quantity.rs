//! Sizes and durations as manifests spell them: `"64 MiB"`, `"500ms"`.

use std::time::Duration;

const SIZE_UNITS: [(&str, u64); 4] = [("B", 1), ("KiB", 1 << 10), ("MiB", 1 << 20), ("GiB", 1 << 30)];
const TIME_UNITS: [(&str, u64); 4] = [("ms", 1), ("s", 1000), ("min", 60_000), ("h", 3_600_000)];

/// Bytes of a text such as `"64 MiB"` or `"32MiB"`. Only binary units: that `MB` means a million is too easily forgotten.
pub(crate) fn size(text: &str) -> Result<u64, String> {
    quantity(text, &SIZE_UNITS, "a size such as \"64 MiB\" (units: B, KiB, MiB, GiB)")
}

/// The duration of a text such as `"5s"` or `"500 ms"`.
pub(crate) fn duration(text: &str) -> Result<Duration, String> {
    quantity(text, &TIME_UNITS, "a duration such as \"5s\" (units: ms, s, min, h)").map(Duration::from_millis)
}

fn quantity(text: &str, units: &[(&str, u64)], expected: &str) -> Result<u64, String> {
    let text = text.trim();
    let digits = text.len() - text.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    let (number, unit) = text.split_at(digits);
    let factor = units.iter().find(|(name, _)| *name == unit.trim_start()).map(|(_, factor)| *factor);
    let value = number.parse::<u64>().ok().zip(factor).and_then(|(number, factor)| number.checked_mul(factor));
    value.ok_or_else(|| format!("expected {expected}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes() {
        let cases = [
            ("64 MiB", Some(64 << 20)),
            ("32MiB", Some(32 << 20)),
            ("1 B", Some(1)),
            ("0 KiB", Some(0)),
            (" 2 GiB ", Some(2 << 30)),
            ("64", None),
            ("64 MB", None),
            ("64 mib", None),
            ("-1 KiB", None),
            ("1.5 GiB", None),
            ("MiB", None),
            ("", None),
            ("99999999999999999999 B", None),
            ("17179869184 GiB", None),
        ];
        for (text, expected) in cases {
            assert_eq!(size(text).ok(), expected, "{text:?}");
        }
    }

    #[test]
    fn durations() {
        let cases = [
            ("5s", Some(5000)),
            ("500ms", Some(500)),
            ("2 min", Some(120_000)),
            ("1h", Some(3_600_000)),
            ("5", None),
            ("5 sec", None),
            ("5m", None),
        ];
        for (text, expected) in cases {
            assert_eq!(duration(text).ok(), expected.map(Duration::from_millis), "{text:?}");
        }
    }
}

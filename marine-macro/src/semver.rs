//! Versions and what is required of them, as far as a macro can check them: without a library, which every service
//! would compile.

/// Whether `text` is a version as of semver.org: `MAJOR.MINOR.PATCH[-PRE][+BUILD]`.
pub(crate) fn is_version(text: &str) -> bool {
    let (text, build) = text.split_once('+').map_or((text, None), |(text, build)| (text, Some(build)));
    let (core, pre) = text.split_once('-').map_or((text, None), |(core, pre)| (core, Some(pre)));
    let is_number = |part: &str| {
        !part.is_empty() && part.chars().all(|c| c.is_ascii_digit()) && (part == "0" || !part.starts_with('0'))
    };
    let is_word = |part: &str| !part.is_empty() && part.chars().all(|c| c.is_ascii_alphanumeric() || c == '-');
    let is_pre = |part: &str| is_word(part) && (is_number(part) || part.contains(|c: char| !c.is_ascii_digit()));
    core.split('.').count() == 3
        && core.split('.').all(is_number)
        && pre.is_none_or(|pre| pre.split('.').all(is_pre))
        && build.is_none_or(|build| build.split('.').all(is_word))
}

/// Whether `text` requires something of a version, as in Cargo: comparators such as `^1.2`, separated by commas.
pub(crate) fn is_requirement(text: &str) -> bool {
    text.split(',').all(|comparator| is_comparator(comparator.trim()))
}

fn is_comparator(text: &str) -> bool {
    let operators = [">=", "<=", ">", "<", "=", "^", "~"];
    let version = operators.iter().find_map(|operator| text.strip_prefix(operator)).unwrap_or(text).trim_start();
    if version == "*" {
        return text == "*";
    }
    if is_version(version) {
        return true;
    }
    let parts: Vec<&str> = version.split('.').collect();
    let is_number = |part: &&str| !part.is_empty() && part.chars().all(|c| c.is_ascii_digit());
    let wild = parts.iter().position(|part| *part == "*").unwrap_or(parts.len());
    (1..=3).contains(&parts.len())
        && wild > 0
        && parts[..wild].iter().all(is_number)
        && parts[wild..].iter().all(|part| *part == "*")
}

#[cfg(test)]
mod tests {
    use super::{is_requirement, is_version};

    #[test]
    fn versions() {
        for text in ["0.1.0", "1.20.3", "1.0.0-beta.1", "1.0.0-0a+build.5", "1.0.0+001"] {
            assert!(is_version(text), "{text}");
        }
        for text in ["", "1", "1.0", "1.0.0.0", "01.0.0", "1.0.x", "1.0.0-", "1.0.0-01", "v1.0.0"] {
            assert!(!is_version(text), "{text}");
        }
    }

    #[test]
    fn requirements() {
        for text in ["1", "1.2", "^1.2", ">= 1.2, <1.5", "=1.0.0-beta.1", "*", "1.*", "~0.3.1"] {
            assert!(is_requirement(text), "{text}");
        }
        for text in ["", "^", "new", "1.2.3.4", "1.2,", "*.1", "^*", ">=v1"] {
            assert!(!is_requirement(text), "{text}");
        }
    }
}

//! What modules, services, volumes and guest paths may be called.

use thiserror::Error;

/// The longest name, in bytes.
pub(crate) const MAX_NAME: usize = 64;
/// What [`check_name`] accepts, its length apart, as a regular expression.
pub(crate) const PATTERN: &str = "^[a-z][a-z0-9]*(-[a-z0-9]+)*$";
/// The longest guest path, in bytes.
const MAX_GUEST_PATH: usize = 256;

/// Why a name cannot be used; the text says what to do.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{0}")]
pub struct NameError(pub(crate) String);

/// Checks that `name` is kebab-case as WIT knows it: words of lower-case ASCII letters and digits, joined by single dashes, the
/// first starting with a letter; at most 64 bytes.
///
/// # Errors
/// What is wrong with it, with a name that would do where one is near.
pub fn check_name(name: &str) -> Result<(), NameError> {
    if is_kebab(name) && name.len() <= MAX_NAME {
        return Ok(());
    }
    let near = kebab_of(name);
    let rule = "names are words of a-z and 0-9 joined by single dashes, starting with a letter, 64 bytes at most";
    Err(NameError(if near != name && is_kebab(&near) && near.len() <= MAX_NAME {
        format!("{rule}; write `{near}`")
    } else {
        rule.to_owned()
    }))
}

fn is_kebab(name: &str) -> bool {
    name.starts_with(|first: char| first.is_ascii_lowercase())
        && name
            .split('-')
            .all(|word| !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit()))
}

/// The kebab-case name nearest to `name`; it may still be none.
pub(crate) fn kebab_of(name: &str) -> String {
    let lower: String =
        name.chars().map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' }).collect();
    lower.split('-').filter(|word| !word.is_empty()).collect::<Vec<_>>().join("-")
}

/// Checks that `path` is absolute and normal (no `.`, `..`, empty part, trailing slash or NUL).
pub(crate) fn check_guest_path(path: &str) -> Result<(), NameError> {
    let Some(rest) = path.strip_prefix('/') else {
        return Err(NameError(format!("a guest path starts with `/`: write `/{}`", path.trim_start_matches("./"))));
    };
    if path.len() > MAX_GUEST_PATH {
        return Err(NameError(format!("a guest path has at most {MAX_GUEST_PATH} bytes")));
    }
    if rest.split('/').any(|part| part.is_empty() || part == "." || part == "..") || path.contains(['\0', '\\', ':']) {
        return Err(NameError(
            "a guest path names one directory below `/`, without empty parts, `.`, `..`, `\\` or `:`".to_owned(),
        ));
    }
    Ok(())
}

/// Whether one guest path is the other or lies inside it.
pub(crate) fn paths_overlap(a: &str, b: &str) -> bool {
    is_within(a, b) || is_within(b, a)
}

/// Whether `inner` is `outer` or lies inside it.
pub(crate) fn is_within(inner: &str, outer: &str) -> bool {
    inner.strip_prefix(outer).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// Checks the name of an environment variable.
pub(crate) fn check_variable(name: &str) -> Result<(), NameError> {
    if name.is_empty() || name.len() > MAX_GUEST_PATH || name.contains(['=', '\0']) {
        return Err(NameError("a variable's name is not empty, has at most 256 bytes and no `=` or NUL".to_owned()));
    }
    Ok(())
}

//! How names look inside (kebab-case, as WIT has them) and outside (snake_case, as JSON and Aqua show them).

/// `kebab-case` as shown outside.
pub(crate) fn outside(name: &str) -> String {
    name.replace('-', "_")
}

/// Whether `given` names `kebab`, in either spelling.
pub(crate) fn same(given: &str, kebab: &str) -> bool {
    given.len() == kebab.len()
        && given.bytes().zip(kebab.bytes()).all(|(a, b)| a == b || (a == b'_' && b == b'-') || (a == b'-' && b == b'_'))
}

/// An interface's id without its version.
pub(crate) fn unversioned(id: &str) -> &str {
    id.split_once('@').map_or(id, |(path, _)| path)
}

/// The one of `names` nearest to `given`, if one is near enough to be meant.
pub(crate) fn nearest<'a>(given: &str, names: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    names
        .into_iter()
        .map(|name| (strsim::damerau_levenshtein(given, name), name))
        .filter(|(distance, name)| *distance <= (given.len().max(name.len()) / 3).max(1))
        .min()
        .map(|(_, name)| name)
}

/// `names` in backticks, separated by commas; at most a dozen.
pub(crate) fn list<'a>(names: impl IntoIterator<Item = &'a str>) -> String {
    const SHOWN: usize = 12;
    let names: Vec<&str> = names.into_iter().collect();
    let mut text = names.iter().take(SHOWN).map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
    if names.len() > SHOWN {
        text.push_str(&format!(" and {} more", names.len() - SHOWN));
    }
    if names.is_empty() { "none".to_owned() } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spellings_and_neighbours() {
        assert!(same("line_2", "line-2") && same("line-2", "line-2") && !same("line2", "line-2"));
        assert_eq!(nearest("tiems", ["text", "times"]), Some("times"));
        assert_eq!(nearest("zebra", ["text", "times"]), None);
        assert_eq!(list([]), "none");
    }
}

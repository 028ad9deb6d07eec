//! Changing a manifest as an author would: what is not concerned keeps its place, comments and layout.

use toml::Spanned;
use toml::de::{DeTable, DeValue};
use toml_edit::{Array, DocumentMut, Item, TomlError, Value};

use crate::names::check_name;

/// Where a new module comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NewSource {
    /// A Cargo package: its directory, relative to the manifest, or its name.
    Crate(String),
    /// A component file, relative to the manifest.
    Wasm(String),
}

/// Why a manifest cannot be changed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EditError {
    /// The text is not TOML.
    #[error("the manifest is not TOML: {0}")]
    Syntax(String),
    /// There is a module of that name.
    #[error("the manifest has a module `{0}` already")]
    Exists(String),
    /// The name cannot be used.
    #[error("{0}")]
    Name(String),
    /// The modules are written in a form that cannot be added to.
    #[error("the modules are not written as `[[module]]` tables; add the new one by hand")]
    Form,
    /// The manifest describes a service, not a project.
    #[error("the manifest describes a service, so no other service can be added to it")]
    NoProject,
}

/// `text`, a manifest, with the module `name` added. It comes before the last module, which is the facade unless the manifest says
/// otherwise, or (with `as_facade`, or if it is the only one) at the end.
///
/// # Errors
/// See [`EditError`].
pub fn add_module(text: &str, name: &str, source: &NewSource, as_facade: bool) -> Result<String, EditError> {
    check_name(name).map_err(|why| EditError::Name(format!("`{name}` cannot name a module: {why}")))?;
    let (names, last) = modules(text)?;
    if names.iter().any(|known| known == name) {
        return Err(EditError::Exists(name.to_owned()));
    }
    let (key, from) = match source {
        NewSource::Crate(path) => ("crate", path),
        NewSource::Wasm(path) => ("wasm", path),
    };
    let entry = format!("[[module]]\nname = {}\n{key} = {}\n", Value::from(name), Value::from(from.as_str()));
    match last.filter(|_| !as_facade) {
        Some(header) => {
            // Comments right above a table belong to it.
            let at = start_of_comments(text, header);
            Ok(format!("{}{entry}\n{}", &text[..at], &text[at..]))
        }
        None => {
            let gap = if text.trim().is_empty() { "" } else { "\n" };
            let end = if text.is_empty() || text.ends_with('\n') { "" } else { "\n" };
            Ok(format!("{text}{end}{gap}{entry}"))
        }
    }
}

/// `text`, a manifest with `[project]`, with `member` (a directory) added to its members. Members that a pattern covers already are
/// left to the pattern.
///
/// # Errors
/// See [`EditError`].
pub fn add_member(text: &str, member: &str) -> Result<String, EditError> {
    let mut document: DocumentMut =
        text.parse().map_err(|error: TomlError| EditError::Syntax(error.message().to_owned()))?;
    let project = document.get_mut("project").and_then(Item::as_table_like_mut).ok_or(EditError::NoProject)?;
    let members = project.entry("members").or_insert(Item::Value(Value::Array(Array::new())));
    let list = members.as_array_mut().ok_or(EditError::NoProject)?;
    if list.iter().filter_map(Value::as_str).any(|pattern| crate::project::covers(pattern, member)) {
        return Ok(text.to_owned());
    }
    list.push(member);
    Ok(document.to_string())
}

/// The names of the modules, and where the header of the last one starts.
fn modules(text: &str) -> Result<(Vec<String>, Option<usize>), EditError> {
    let table = DeTable::parse(text).map_err(|error| EditError::Syntax(error.message().to_owned()))?;
    let Some(entry) = table.get_ref().get("module") else { return Ok((Vec::new(), None)) };
    let DeValue::Array(array) = entry.get_ref() else { return Err(EditError::Form) };
    let name =
        |module: &Spanned<DeValue<'_>>| Some(module.get_ref().as_table()?.get("name")?.get_ref().as_str()?.to_owned());
    let names = array.iter().filter_map(name).collect();
    match array.last().map(Spanned::span) {
        None => Ok((names, None)),
        Some(span) if text[span.start..].starts_with("[[") => Ok((names, Some(span.start))),
        Some(_) => Err(EditError::Form),
    }
}

/// The start of the comment lines that end right above the line of `at`.
fn start_of_comments(text: &str, at: usize) -> usize {
    let mut start = text[..at].rfind('\n').map_or(0, |newline| newline + 1);
    while start > 0 {
        let above = text[..start - 1].rfind('\n').map_or(0, |newline| newline + 1);
        if !text[above..start].trim_start().starts_with('#') {
            break;
        }
        start = above;
    }
    start
}

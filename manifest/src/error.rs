//! Mistakes in a manifest: each with code, place, cause and remedy, all of a file together.

use std::fmt;
use std::path::{Path, PathBuf};

/// What kind of mistake it is; codes are never reused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Code {
    /// `M301`: the file cannot be read.
    Unreadable,
    /// `M302`: the text is not TOML.
    Syntax,
    /// `M303`: a key that manifests do not have.
    UnknownKey,
    /// `M304`: a value of another type.
    WrongType,
    /// `M305`: a value outside what its key allows.
    BadValue,
    /// `M306`: a required key is missing.
    MissingKey,
    /// `M307`: a key of the format that this version does not carry out.
    Unsupported,
    /// `M308`: one name or path given twice.
    Duplicate,
    /// `M309`: a name that imports cannot use.
    BadName,
    /// `M310`: a guest path that cannot be granted.
    GuestPath,
    /// `M311`: not exactly one source for a module.
    Source,
    /// `M312`: a name that no module of the manifest has.
    NoSuchModule,
    /// `M313`: a manifest for a newer version.
    NewerFormat,
}

impl Code {
    /// Every code, in order.
    pub const ALL: [Code; 13] = [
        Code::Unreadable,
        Code::Syntax,
        Code::UnknownKey,
        Code::WrongType,
        Code::BadValue,
        Code::MissingKey,
        Code::Unsupported,
        Code::Duplicate,
        Code::BadName,
        Code::GuestPath,
        Code::Source,
        Code::NoSuchModule,
        Code::NewerFormat,
    ];

    /// The code as messages print it, such as `M303`.
    pub fn as_str(self) -> &'static str {
        self.entry().0
    }

    /// What it means, in a few words.
    pub fn title(self) -> &'static str {
        self.entry().1
    }

    fn entry(self) -> (&'static str, &'static str) {
        match self {
            Code::Unreadable => ("M301", "the manifest cannot be read"),
            Code::Syntax => ("M302", "the manifest is not TOML"),
            Code::UnknownKey => ("M303", "a key that manifests do not have"),
            Code::WrongType => ("M304", "a value of another type"),
            Code::BadValue => ("M305", "a value outside what its key allows"),
            Code::MissingKey => ("M306", "a required key is missing"),
            Code::Unsupported => ("M307", "a key that this version does not support"),
            Code::Duplicate => ("M308", "a name or path given twice"),
            Code::BadName => ("M309", "a name that imports cannot use"),
            Code::GuestPath => ("M310", "a guest path that cannot be granted"),
            Code::Source => ("M311", "a module needs exactly one source"),
            Code::NoSuchModule => ("M312", "a name that no module of the manifest has"),
            Code::NewerFormat => ("M313", "a manifest for a newer version"),
        }
    }
}

impl fmt::Display for Code {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        to.write_str(self.as_str())
    }
}

/// One mistake.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ManifestError {
    /// What kind of mistake.
    pub code: Code,
    /// What is wrong, a lower-case fragment.
    pub message: String,
    /// The path of keys to it, such as `module[1].dirs`; empty for the file as a whole.
    pub key: String,
    /// Line of the text, from 1; 0 if it concerns no place in the text.
    pub line: usize,
    /// Column in characters, from 1.
    pub column: usize,
    /// How many characters from there on are meant.
    pub width: usize,
    /// That line of the text.
    pub excerpt: String,
    /// What to do about it.
    pub help: Option<String>,
}

/// All mistakes of one manifest, in the order of the text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ManifestErrors {
    /// The file that was read, or where it would lie.
    pub path: PathBuf,
    /// At least one.
    pub errors: Vec<ManifestError>,
}

impl std::error::Error for ManifestErrors {}

impl ManifestErrors {
    pub(crate) fn unreadable(path: &Path, cause: &std::io::Error) -> ManifestErrors {
        let error = ManifestError {
            code: Code::Unreadable,
            message: format!("cannot read `{}`: {cause}", path.display()),
            key: String::new(),
            line: 0,
            column: 0,
            width: 0,
            excerpt: String::new(),
            help: Some(format!("a service is described by a file called `{}`", crate::manifest::FILE_NAME)),
        };
        ManifestErrors { path: path.to_path_buf(), errors: vec![error] }
    }
}

impl fmt::Display for ManifestErrors {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, error) in self.errors.iter().enumerate() {
            if index > 0 {
                to.write_str("\n\n")?;
            }
            write_error(error, &self.path, to)?;
        }
        Ok(())
    }
}

fn write_error(error: &ManifestError, path: &Path, to: &mut fmt::Formatter<'_>) -> fmt::Result {
    write!(to, "error[{}]: {}", error.code, error.message)?;
    if error.line > 0 {
        let margin = error.line.to_string().len();
        write!(to, "\n{:margin$}--> {}:{}:{}", "", path.display(), error.line, error.column)?;
        let (excerpt, before, width) = around(error);
        write!(to, "\n{} | {excerpt}", error.line)?;
        write!(to, "\n{:margin$} | {}{}", "", " ".repeat(before), "^".repeat(width))?;
    }
    if let Some(help) = &error.help {
        write!(to, "\nhelp: {help}")?;
    }
    Ok(())
}

/// The most characters of a line that are shown; a file may be one line of megabytes.
const SHOWN: usize = 160;

/// The part of the line around the mistake, how many characters of it stand before the mistake, and how many to underline.
fn around(error: &ManifestError) -> (String, usize, usize) {
    let column = error.column.saturating_sub(1);
    let start = if column < SHOWN { 0 } else { column - SHOWN / 2 };
    let excerpt: String = error.excerpt.chars().skip(start).take(SHOWN).collect();
    let before = column - start;
    (excerpt, before, error.width.clamp(1, SHOWN - before))
}

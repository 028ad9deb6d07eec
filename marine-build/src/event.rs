//! What a build reports while it runs.

use crate::build::{BuiltModule, BuiltService};

/// One step of a build, for a terminal or a log.
#[derive(Debug)]
#[non_exhaustive]
pub enum BuildEvent<'a> {
    /// The toolchain is about to be changed or was found: what is done, and why.
    Toolchain(&'a str),
    /// One line that cargo or the compiler wrote to its standard error, unchanged and without its line end.
    Cargo(&'a str),
    /// What the compiler found; its text follows as [`BuildEvent::Cargo`].
    Diagnostic(&'a Diagnostic),
    /// A module of another language is about to be made by its command; what the command writes follows as [`BuildEvent::Cargo`].
    Command {
        /// The module.
        module: &'a str,
        /// The command.
        command: &'a str,
    },
    /// A module of another language is older than something beside the manifest, and its command was not to be run.
    Outdated {
        /// The module.
        module: &'a str,
    },
    /// A module was encoded, or was found to be up to date.
    Module(&'a BuiltModule),
    /// A blueprint was written, or was found to be up to date.
    Service(&'a BuiltService),
}

/// An error or a warning of the compiler.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Diagnostic {
    /// `error`, `warning`, ..: the compiler's own word.
    pub level: String,
    /// The compiler's code or the name of the lint (`E0308`, `dead_code`), if it has one.
    pub code: Option<String>,
    /// What is wrong, in a line.
    pub message: String,
    /// Where: file, relative to the workspace, line and column, both from 1.
    pub place: Option<(String, usize, usize)>,
    /// The whole text, as the compiler shows it to people.
    pub rendered: String,
}

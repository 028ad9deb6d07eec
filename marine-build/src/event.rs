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
    /// A module of another language is about to be made by its command; what the command writes follows as [`BuildEvent::Cargo`].
    Command {
        /// The module.
        module: &'a str,
        /// The command.
        command: &'a str,
    },
    /// A module was encoded, or was found to be up to date.
    Module(&'a BuiltModule),
    /// A blueprint was written, or was found to be up to date.
    Service(&'a BuiltService),
}

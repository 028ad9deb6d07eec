//! What the Aqua commands share: files on disk, and what is shown of a check.

mod disk;
mod interface;
mod report;

pub(crate) use disk::{Disk, entries};
pub(crate) use report::Report;

use clap::Args;
use marine_aqua::{ImportRule, Options};

/// Where a program's parts come from, on the command line.
#[derive(Debug, Args)]
pub(crate) struct Program {
    /// Also look for imported files here
    #[arg(long, value_name = "DIR")]
    import: Vec<String>,
    /// Set a constant that a file declares with `?=`
    #[arg(long = "const", value_name = "NAME=LITERAL", value_parser = constant)]
    constants: Vec<(String, String)>,
}

impl Program {
    /// These options for the compiler.
    pub(crate) fn options(&self) -> Options {
        let imports = match self.import.is_empty() {
            true => Vec::new(),
            false => vec![ImportRule { folders: self.import.clone(), ..ImportRule::default() }],
        };
        Options { imports, constants: self.constants.clone(), ..Options::default() }
    }
}

fn constant(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or("write it as NAME=LITERAL; strings in double quotes")?;
    Ok((name.trim().to_string(), value.trim().to_string()))
}

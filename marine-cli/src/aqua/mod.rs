//! What the Aqua commands share: files on disk, and what is shown of a check.

mod argument;
mod call;
mod deployed;
mod disk;
mod interface;
mod report;
mod wrapper;

pub(crate) use call::{Bound, Data, Prepared, prepare};
pub(crate) use deployed::{Nodes, describe, service_of};
pub(crate) use disk::{Disk, Entry, WithService, entries};
pub(crate) use interface::mark;
pub(crate) use report::Report;
pub(crate) use wrapper::Wrapper;

use std::path::{Path, PathBuf};

use clap::Args;
use marine_aqua::{ImportRule, Options};
use marine_manifest::{AquaImport, Manifest};

use crate::exit::{Exit, Fail, Outcome};

/// Where a program's parts come from, on the command line.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct Program {
    /// Also look for imported files here
    #[arg(long, value_name = "DIR")]
    import: Vec<String>,
    /// Set a constant that a file declares with `?=`
    #[arg(long = "const", value_name = "NAME=LITERAL", value_parser = constant)]
    constants: Vec<(String, String)>,
    /// Also warn of results of calls that nobody takes (A1901)
    #[arg(long)]
    warn_dropped: bool,
}

impl Program {
    /// These options for the compiler, with `[aqua.imports]` of the nearest `Marine.toml`.
    pub(crate) fn options(&self) -> Outcome<Options> {
        let here = std::env::current_dir()?;
        let mut imports = Vec::new();
        if let Some(manifest) = Manifest::find(&here) {
            let rules = AquaImport::read(&manifest).or_exit(Exit::Manifest)?;
            let dir = manifest.parent().unwrap_or(&here);
            imports.extend(rules.iter().map(|rule| configured(rule, dir, &here)));
        }
        for folder in &self.import {
            // Every configured rule may be the one that fits best; the folder is looked at after each.
            imports.iter_mut().for_each(|rule| rule.folders.push(folder.clone()));
            imports.push(ImportRule::everywhere(folder.as_str()));
        }
        let folder = slashes(&here);
        let (constants, warn_dropped_results) = (self.constants.clone(), self.warn_dropped);
        Ok(Options { imports, folder, constants, warn_dropped_results, ..Options::default() })
    }
}

/// A rule of the manifest in `dir` for somebody who is `here`.
fn configured(rule: &AquaImport, dir: &Path, here: &Path) -> ImportRule {
    let folder = |folder: &PathBuf| slashes(folder.strip_prefix(here).unwrap_or(folder));
    ImportRule {
        from: format!("{}/{}", slashes(dir), rule.from),
        import: rule.import.clone(),
        folders: rule.folders.iter().map(folder).collect(),
    }
}

/// A path as the compiler writes paths.
fn slashes(path: &Path) -> String {
    path.to_string_lossy().replace(std::path::MAIN_SEPARATOR, "/")
}

fn constant(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or("write it as NAME=LITERAL; strings in double quotes")?;
    Ok((name.trim().to_string(), value.trim().to_string()))
}

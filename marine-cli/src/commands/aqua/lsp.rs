//! `marine aqua lsp`: the language server.

use clap::Args;

use crate::aqua::{Disk, Program};
use crate::exit::{Exit, Fail, Outcome};

/// Serve an editor over standard input and output.
///
/// Serves an editor over standard input and output, by the Language Server Protocol: diagnostics as typed, definitions, hover, completion,
/// references, rename, symbols, formatting and quick fixes. Started by the editor, for files that end in .aqua.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  marine aqua lsp --import node_modules

Neovim:
  vim.lsp.config('aqua', { cmd = { 'marine', 'aqua', 'lsp' }, filetypes = { 'aqua' } })")]
pub(crate) struct Lsp {
    #[command(flatten)]
    program: Program,
}

impl Lsp {
    pub(crate) fn run(self) -> Outcome {
        let mut options = self.program.options()?;
        // Editors name files by absolute paths.
        for folder in options.imports.iter_mut().flat_map(|rule| &mut rule.folders) {
            *folder = std::path::absolute(&*folder)?.to_string_lossy().into_owned();
        }
        marine_aqua_lsp::serve_stdio(&Disk, &options).or_fail(Exit::Unexpected, "the language server stopped")?;
        Ok(Exit::Done)
    }
}

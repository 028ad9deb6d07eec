//! `marine wit`: the interface of a component, as WIT.

use std::path::PathBuf;

use clap::Args;
use serde_json::json;

use crate::exit::{Exit, Failure, Outcome};
use crate::project;
use crate::ui::Ui;

/// Print the interface of a component.
///
/// Prints the interface that a module offers, with its documentation, as WIT. With `--full` also what it imports, as other tools see
/// the component.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  marine wit target/marine/dev/stock.wasm
  marine wit vendor/stock.wasm --full > stock.wit")]
pub(crate) struct Wit {
    /// The component
    file: PathBuf,
    /// Print everything: packages, imports, exports
    #[arg(long)]
    full: bool,
}

impl Wit {
    pub(crate) fn run(self, ui: Ui) -> Outcome {
        let module = project::component(&self.file)?;
        let text = if self.full {
            marine_build::component_wit(module.bytes())
                .map_err(|why| Failure::new(Exit::Manifest, format!("`{}`: {why}", self.file.display())))?
        } else {
            let interface = module.interface();
            let package = interface.id.as_deref().and_then(package).map(|package| format!("package {package};\n\n"));
            package.unwrap_or_default() + &interface.to_wit()
        };
        ui.result(text.trim_end());
        ui.document("wit", json!({ "path": self.file, "wit": text }));
        Ok(Exit::Done)
    }
}

/// `acme:store@1.0.0` of `acme:store/api@1.0.0`.
fn package(id: &str) -> Option<String> {
    let (package, rest) = id.split_once('/')?;
    Some(rest.split_once('@').map_or(package.to_owned(), |(_, version)| format!("{package}@{version}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packages_keep_their_version() {
        assert_eq!(package("acme:store/api@1.0.0").as_deref(), Some("acme:store@1.0.0"));
        assert_eq!(package("marine:shop/api").as_deref(), Some("marine:shop"));
        assert_eq!(package("bare"), None);
    }
}

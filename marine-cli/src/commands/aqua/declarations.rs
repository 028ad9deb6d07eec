//! The declarations with which an Aqua program calls a module.

use std::path::PathBuf;

use clap::Args;
use serde_json::json;

use crate::exit::{Exit, Failure, Outcome};
use crate::project;
use crate::repl;
use crate::ui::Ui;

#[derive(Debug, Args)]
pub(crate) struct Declarations {
    /// The component
    file: Option<PathBuf>,
    /// Name of the service; the module's own in CamelCase unless given
    #[arg(short, long, value_name = "NAME", value_parser = service_name)]
    service: Option<String>,
    /// Id or alias that the service is bound to
    #[arg(short, long, value_name = "ID")]
    id: Option<String>,
}

impl Declarations {
    pub(crate) fn run(self, ui: Ui) -> Outcome {
        let Some(file) = self.file else {
            return Err(Failure::new(Exit::Usage, "which component?")
                .help("give a file (.wasm), or one of the commands that `marine aqua --help` lists"));
        };
        let module = project::component(&file)?;
        if self.id.as_deref().is_some_and(|id| id.contains(['"', '\\', '\n'])) {
            return Err(Failure::new(Exit::Usage, "an id holds no quotes, backslashes or line ends"));
        }
        let name = self.service.unwrap_or_else(|| repl::camel(module.name()));
        let text = module.interface().to_aqua(&name, self.id.as_deref());
        ui.result(text.trim_end());
        ui.document("aqua", json!({ "path": file, "service": name, "id": self.id, "aqua": text }));
        Ok(Exit::Done)
    }
}

/// What Aqua accepts as the name of a service.
fn service_name(text: &str) -> Result<String, String> {
    let fits = text.starts_with(|c: char| c.is_ascii_uppercase())
        && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    if fits { Ok(text.to_owned()) } else { Err("services of Aqua are called in CamelCase: `PriceList`".to_owned()) }
}

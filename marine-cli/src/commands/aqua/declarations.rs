//! The declarations with which an Aqua program calls a service.

use std::path::{Path, PathBuf};

use clap::Args;
use marine_node::Multiaddr;
use serde_json::json;

use crate::aqua::{describe, mark, service_of};
use crate::exit::{Exit, Failure, Outcome};
use crate::network;
use crate::project;
use crate::repl;
use crate::ui::Ui;

#[derive(Debug, Args)]
pub(crate) struct Declarations {
    /// The component, the Marine.toml of a service that was built, or with --relay the id or alias of a service on a node
    file: Option<PathBuf>,
    /// Name of the service; the module's own in CamelCase unless given
    #[arg(short, long, value_name = "NAME", value_parser = service_name)]
    service: Option<String>,
    /// Id or alias that the service is bound to
    #[arg(short, long, value_name = "ID")]
    id: Option<String>,
    /// Ask this node, or with PEER/ before the service one behind it; ends in /p2p/PEER
    #[arg(long, value_name = "ADDR", value_parser = network::address)]
    relay: Vec<Multiaddr>,
    /// Your key, by name or path
    #[arg(long, value_name = "KEY", requires = "relay")]
    key: Option<String>,
}

impl Declarations {
    pub(crate) fn run(self, ui: Ui) -> Outcome {
        let Some(file) = &self.file else {
            return Err(Failure::new(Exit::Usage, "which component?")
                .help("give a file (.wasm or Marine.toml), or one of the commands that `marine aqua --help` lists"));
        };
        if self.id.as_deref().is_some_and(|id| id.contains(['"', '\\', '\n'])) {
            return Err(Failure::new(Exit::Usage, "an id holds no quotes, backslashes or line ends"));
        }
        let (name, text) = match self.relay.is_empty() {
            true => self.of_file(file)?,
            false => self.of_node(&file.to_string_lossy())?,
        };
        ui.result(text.trim_end());
        ui.document("aqua", json!({ "path": file, "service": name, "id": self.id, "aqua": text }));
        Ok(Exit::Done)
    }

    /// The name of the service and its declarations.
    fn of_file(&self, file: &Path) -> Outcome<(String, String)> {
        let module = match file.extension().is_some_and(|ending| ending == "toml") {
            true => project::component(&project::last_facade(file)?)?,
            false => project::component(file)?,
        };
        let name = self.service.clone().unwrap_or_else(|| repl::camel(module.name()));
        let text = mark(file, &module) + &module.interface().to_aqua(&name, self.id.as_deref());
        Ok((name, text))
    }

    /// The same of a service on a node.
    fn of_node(&self, service: &str) -> Outcome<(String, String)> {
        let described = describe(self.relay.clone(), self.key.as_deref(), service)?;
        let alias = service_of(service);
        let name = self.service.clone().unwrap_or_else(|| repl::camel(alias));
        if service_name(&name).is_err() {
            return Err(Failure::new(Exit::Usage, format!("`{alias}` makes no name of a service"))
                .help("give one in CamelCase: `-s Shop`"));
        }
        let text = described.mark(service) + &described.aqua(&name, self.id.as_deref().unwrap_or(alias));
        Ok((name, text))
    }
}

/// What Aqua accepts as the name of a service.
fn service_name(text: &str) -> Result<String, String> {
    let fits = text.starts_with(|c: char| c.is_ascii_uppercase())
        && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    if fits { Ok(text.to_owned()) } else { Err("services of Aqua are called in CamelCase: `PriceList`".to_owned()) }
}

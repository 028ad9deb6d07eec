//! The declarations with which an Aqua program calls a service.

use std::fmt::Write;
use std::path::{Path, PathBuf};

use clap::Args;
use marine_node::{Multiaddr, PeerId};
use marine_runtime::Module;
use serde::Deserialize;
use serde_json::json;

use crate::aqua::hash;
use crate::exit::{Exit, Fail, Failure, Outcome};
use crate::identity;
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

/// What a node says about a service.
#[derive(Debug, Deserialize)]
struct Described {
    function_signatures: Vec<Function>,
    record_types: Vec<Record>,
}

#[derive(Debug, Deserialize)]
struct Function {
    name: String,
    arguments: Vec<(String, String)>,
    output_types: Vec<String>,
}

#[derive(Debug, Deserialize)]
struct Record {
    name: String,
    fields: Vec<(String, String)>,
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
        let text = self.mark(file, &module) + &module.interface().to_aqua(&name, self.id.as_deref());
        Ok((name, text))
    }

    /// The line by which the compiler knows what the declarations have to agree with.
    fn mark(&self, file: &Path, module: &Module) -> String {
        format!("-- interface of {}: {}\n", file.display(), hash(module.interface()))
    }

    /// The same of a service on a node.
    fn of_node(&self, service: &str) -> Outcome<(String, String)> {
        let (peer, service) = match service.split_once('/') {
            Some((peer, service)) => {
                (Some(network::peer(peer).map_err(|why| Failure::new(Exit::Usage, why))?), service)
            }
            None => (None, service),
        };
        let key = identity::signer(self.key.as_deref())?;
        let described = network::block_on(async {
            let client = network::connect_any(key, self.relay.clone()).await?;
            let peer: PeerId = peer.unwrap_or_else(|| client.relay());
            let answer = client.call(peer, "srv", "get_interface", vec![json!(service)]).await;
            client.close().await;
            answer.map_err(network::answer_failure)
        })?;
        let described: Described =
            serde_json::from_value(described).or_fail(Exit::Unexpected, "the node describes no interface")?;
        let name = self.service.clone().unwrap_or_else(|| repl::camel(service));
        if service_name(&name).is_err() {
            return Err(Failure::new(Exit::Usage, format!("`{service}` makes no name of a service"))
                .help("give one in CamelCase: `-s Shop`"));
        }
        let id = self.id.as_deref().unwrap_or(service);
        let text = described.aqua(&name, id);
        Ok((name, text))
    }
}

impl Described {
    fn aqua(&self, name: &str, id: &str) -> String {
        let list = |pairs: &[(String, String)], between: &str| {
            pairs.iter().map(|(name, ty)| format!("{name}: {ty}")).collect::<Vec<_>>().join(between)
        };
        let mut text = format!("aqua {name} declares *\n");
        for record in &self.record_types {
            let _ = writeln!(text, "\ndata {}:\n  {}", record.name, list(&record.fields, "\n  "));
        }
        if !self.function_signatures.is_empty() {
            let _ = writeln!(text, "\nservice {name}(\"{id}\"):");
        }
        for Function { name, arguments, output_types } in &self.function_signatures {
            let result = output_types.first().map(|ty| format!(" -> {ty}")).unwrap_or_default();
            let _ = writeln!(text, "  {name}({}){result}", list(arguments, ", "));
        }
        text
    }
}

/// What Aqua accepts as the name of a service.
fn service_name(text: &str) -> Result<String, String> {
    let fits = text.starts_with(|c: char| c.is_ascii_uppercase())
        && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    if fits { Ok(text.to_owned()) } else { Err("services of Aqua are called in CamelCase: `PriceList`".to_owned()) }
}

//! `marine deploy`: puts a service on nodes.

use std::path::PathBuf;

use clap::Args;
use marine_build::Profile;
use marine_node::Multiaddr;
use serde_json::json;

use crate::exit::{Exit, Failure, Outcome};
use crate::identity;
use crate::network::{self, Deployed, Package};
use crate::project;
use crate::ui::{Ui, count};

/// Put a service on nodes.
///
/// Builds the service if needed, sends each node the modules that it lacks and the blueprint, creates the service, and points the
/// alias to it. A node where the alias already stands for the very same blueprint is left alone.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  marine deploy --to /ip4/127.0.0.1/tcp/7777/p2p/12D3Koo..
  marine deploy shop/Marine.toml --to ADDR --to ADDR --alias shop
  marine deploy --to ADDR --key deployer")]
pub(crate) struct Deploy {
    /// The manifest, instead of the nearest one
    manifest: Option<PathBuf>,
    /// Node to deploy to, ending in /p2p/PEER; may be given several times
    #[arg(long, value_name = "ADDR", required = true, value_parser = network::address)]
    to: Vec<Multiaddr>,
    /// Name under which the service is called; the service's own unless given
    #[arg(long, value_parser = alias)]
    alias: Option<String>,
    /// Your key, by name or path
    #[arg(long, value_name = "KEY")]
    key: Option<String>,
}

impl Deploy {
    pub(crate) fn run(self, ui: Ui) -> Outcome {
        crate::logging::start("warn", ui.verbose);
        let progress = ui.progress("Building");
        let built = project::build_service(self.manifest.as_deref(), Profile::Dev, &progress, ui)?;
        built.link()?;
        drop(progress);
        let package = Package::load(&built)?;
        let alias = self.alias.unwrap_or_else(|| built.name().to_string());
        let key = identity::signer(self.key.as_deref())?;
        network::block_on(async {
            let mut last = Err(Failure::new(Exit::Usage, "no node was named"));
            let mut done = Vec::new();
            for address in &self.to {
                let progress = ui.progress(format_args!("Deploying `{alias}` to {address}"));
                last = deploy(&package, &alias, key.clone(), address).await;
                drop(progress);
                match &last {
                    Ok(deployed) => report(ui, address, &alias, deployed),
                    // The others still get their chance; the first failure is what the command ends with.
                    Err(failure) if self.to.len() > 1 => ui.failure(failure),
                    Err(_) => {}
                }
                done.push(last.as_ref().map(|deployed| deployed.changed).map_err(|failure| failure.exit));
            }
            match done.into_iter().collect::<Result<Vec<_>, _>>() {
                Ok(changed) if changed.contains(&true) => Ok(Exit::Done),
                Ok(_) => Ok(Exit::Nothing),
                Err(_) if self.to.len() == 1 => last.map(|_| Exit::Done),
                Err(exit) => Ok(exit),
            }
        })
    }
}

/// What a node would refuse as an alias is refused before anything is created there.
fn alias(text: &str) -> Result<String, String> {
    let fits = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b"_.-".contains(&b);
    match (1..=64).contains(&text.len()) && text.bytes().all(fits) {
        true => Ok(text.to_string()),
        false => Err("use 1 to 64 of a-z, 0-9, `_`, `.` and `-`".to_string()),
    }
}

async fn deploy(
    package: &Package,
    alias: &str,
    key: marine_particle::Keypair,
    address: &Multiaddr,
) -> Outcome<Deployed> {
    let client = network::connect(key, address).await?;
    let deployed = network::deploy(&client, client.relay(), package, Some(alias)).await;
    client.close().await;
    deployed
}

fn report(ui: Ui, address: &Multiaddr, alias: &str, deployed: &Deployed) {
    match deployed.changed {
        true => ui.status(
            "Deployed",
            format_args!("`{alias}` to {address} ({})", count(deployed.modules_sent, "new module")),
        ),
        false => ui.status("Unchanged", format_args!("`{alias}` on {address}")),
    }
    ui.result(format_args!("{} {}", deployed.service_id, alias));
    ui.document(
        "deployed",
        json!({ "address": address.to_string(), "service_id": deployed.service_id, "blueprint": deployed.blueprint, "alias": alias, "changed": deployed.changed }),
    );
}

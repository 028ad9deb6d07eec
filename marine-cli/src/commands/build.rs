//! `marine build`: modules to components, the service linked and described by a blueprint.

use std::path::PathBuf;

use clap::Args;
use marine_build::{BuildOutput, Profile};
use serde_json::json;

use crate::exit::{Exit, Failure, Outcome};
use crate::project::{self, Built};
use crate::ui::{Ui, count, seconds, size};

/// Build modules and link the service.
///
/// Builds the modules of the nearest Marine.toml (or Cargo package), checks that they fit together, and writes the service's
/// blueprint. Outputs lie in target/marine/PROFILE.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  marine build
  marine build --release
  marine build shop/Marine.toml -- --features cards")]
pub(crate) struct Build {
    /// A Marine.toml, a Cargo.toml or a directory
    #[arg(default_value = ".")]
    path: PathBuf,
    /// Optimise for speed and size
    #[arg(short, long)]
    release: bool,
    /// Where outputs go
    #[arg(long, value_name = "DIR")]
    out_dir: Option<PathBuf>,
    /// Do not check that the modules fit together
    #[arg(long)]
    no_link: bool,
    /// Arguments for cargo
    #[arg(last = true, value_name = "CARGO-ARGS")]
    cargo: Vec<String>,
}

impl Build {
    pub(crate) fn run(self, ui: Ui) -> Outcome {
        if !self.path.exists() {
            return Err(Failure::new(Exit::Usage, format!("there is no `{}`", self.path.display()))
                .help("give a Marine.toml, a Cargo.toml or a directory"));
        }
        let mut request = project::request(&self.path, if self.release { Profile::Release } else { Profile::Dev })?;
        request.out_dir = self.out_dir;
        request.cargo_args = self.cargo;
        let progress = ui.progress("Building");
        let output = project::build(&request, &progress, ui)?;
        let time = progress.elapsed();
        // Results must not share a line with the spinner.
        drop(progress);
        report_modules(ui, &output);
        if output.service.is_some() {
            let built = Built::of(output)?;
            if !self.no_link {
                let linking = ui.progress("Linking");
                built.link()?;
                drop(linking);
                ui.status(
                    "Linked",
                    format_args!("{} ({})", built.name(), count(built.manifest.modules.len(), "module")),
                );
            }
            report_service(ui, &built);
        }
        ui.status("Finished", format_args!("in {}", seconds(time)));
        ui.document("build.finished", json!({ "micros": time.as_micros() as u64 }));
        Ok(Exit::Done)
    }
}

fn report_modules(ui: Ui, output: &BuildOutput) {
    for module in &output.modules {
        ui.result(format_args!("{}  {}  {}", module.wasm.display(), size(module.size), module.cid));
        ui.document(
            "build.module",
            json!({
                "name": module.name, "path": module.wasm, "wit": module.wit, "cid": module.cid.to_string(),
                "size": module.size, "functions": module.functions, "interface": module.interface, "cached": module.cached,
            }),
        );
    }
}

fn report_service(ui: Ui, built: &Built) {
    let service = &built.service;
    ui.result(format_args!("{}  {}", service.path.display(), service.cid));
    ui.document(
        "build.service",
        json!({ "name": service.name, "path": service.path, "cid": service.cid.to_string(), "cached": service.cached }),
    );
}

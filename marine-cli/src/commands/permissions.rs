//! `marine permissions`: what a service can do, and why.

use std::path::PathBuf;

use clap::Args;
use marine_build::Profile;
use marine_runtime::{PermissionSource, Plan};
use serde_json::{Value, json};

use crate::exit::{Exit, Outcome};
use crate::project;
use crate::ui::Ui;

/// Show what a service can do, and why.
///
/// Builds and links the service, and lists for every module what its manifest lets it touch, with the key that grants it. A module that
/// is not listed with anything can compute, log, and ask for time and randomness; nothing else.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  marine permissions
  marine permissions shop/Marine.toml
  marine permissions --module till --json")]
pub(crate) struct Permissions {
    /// The manifest, instead of the nearest one
    manifest: Option<PathBuf>,
    /// This module only
    #[arg(long, value_name = "NAME")]
    module: Option<String>,
}

impl Permissions {
    pub(crate) fn run(self, ui: Ui) -> Outcome {
        let path = match self.manifest {
            Some(path) => path,
            None => project::nearest()?,
        };
        for path in project::members(&path)? {
            let progress = ui.progress("Building");
            let built = project::build_service(Some(&path), Profile::Dev, &progress, ui)?;
            let plan = built.link()?;
            drop(progress);
            let wanted = self.module.as_deref().map(|name| crate::repl::known_module(&plan, name)).transpose()?;
            let (text, permissions) = listed(&plan, wanted.as_deref());
            ui.result(text);
            ui.document("permissions", json!({ "service": plan.name(), "permissions": permissions }));
        }
        Ok(Exit::Done)
    }
}

/// What the modules of a plan (or one of them) may touch, for people and for programs.
pub(crate) fn listed(plan: &Plan, wanted: Option<&str>) -> (String, Value) {
    let permissions = plan.permissions();
    let (mut text, mut documents) = (String::new(), Vec::new());
    for module in
        plan.modules().map(marine_runtime::Module::name).filter(|name| wanted.is_none_or(|wanted| wanted == *name))
    {
        text += module;
        text.push('\n');
        let own: Vec<_> = permissions.iter().filter(|permission| permission.module == module).collect();
        if own.iter().all(|permission| permission.source == PermissionSource::Always) {
            text += "  nothing of the host\n";
        }
        for permission in own {
            let why = match permission.source {
                PermissionSource::Manifest => format!("`{}` in the manifest", permission.access.key()),
                PermissionSource::Asked => "asked for; whoever runs it decides".to_owned(),
                PermissionSource::Always => "every module may".to_owned(),
            };
            let idle = if permission.used { "" } else { "; it imports nothing that could" };
            text += &format!("  {:<44} {why}{idle}\n", permission.access.to_string());
            documents.push(json!({
                "module": module, "access": permission.access.to_string(), "key": permission.access.key(), "why": why,
                "used": permission.used,
            }));
        }
    }
    (text.trim_end().to_owned(), documents.into())
}

//! `marine new`: a project from a template.

use std::path::PathBuf;

use clap::Args;
use serde_json::json;

use crate::exit::{Exit, Failure, Outcome};
use crate::template::{self, TEMPLATES, Template};
use crate::ui::Ui;

/// Start a service from a template.
///
/// Writes a new directory NAME with a service that builds, runs and is tested.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  marine new shop
  marine new shop -t two-modules
  marine new --list")]
pub(crate) struct New {
    /// Name of the service and of the directory made for it
    #[arg(required_unless_present = "list")]
    name: Option<String>,
    /// What to start from; see --list
    #[arg(short, long, default_value = TEMPLATES[0].name)]
    template: String,
    /// List the templates
    #[arg(long)]
    list: bool,
}

impl New {
    pub(crate) fn run(self, ui: Ui) -> Outcome {
        let Some(name) = self.name.filter(|_| !self.list) else { return list(ui) };
        template::check_name(&name)?;
        let template = Template::find(&self.template)?;
        let dir = PathBuf::from(&name);
        if dir.exists() {
            return Err(Failure::new(Exit::Usage, format!("`{name}` is there already"))
                .help("choose another name, or remove it first"));
        }
        let files = template.write(&name, &dir)?;
        ui.status(
            "Created",
            format_args!("service `{name}` from template `{}` ({} files)", template.name, files.len()),
        );
        ui.note(format_args!("\nNext:\n  cd {name}\n  marine build\n  marine repl"));
        ui.document("new", json!({ "name": name, "template": template.name, "directory": dir, "files": files }));
        Ok(Exit::Done)
    }
}

fn list(ui: Ui) -> Outcome {
    let width = TEMPLATES.iter().map(|template| template.name.len()).max().unwrap_or_default();
    for Template { name, about } in TEMPLATES {
        ui.result(format_args!("{name:<width$}  {about}"));
        ui.document("template", json!({ "name": name, "about": about }));
    }
    Ok(Exit::Done)
}

//! `marine config`: the settings of this user and machine, and where each comes from.

use clap::{Args, Subcommand};
use serde_json::json;

use crate::exit::{Exit, Outcome};
use crate::paths;
use crate::ui::Ui;

/// Show the settings that hold here.
///
/// Flags come first, then variables called MARINE_*, then defaults. What a service is made of stands in its Marine.toml instead.
#[derive(Debug, Args)]
#[command(
    disable_help_subcommand = true,
    after_help = "\
Examples:
  marine config show
  marine config show --origin"
)]
pub(crate) struct Config {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Print every setting with its value
    Show {
        /// Say where each value comes from
        #[arg(long)]
        origin: bool,
    },
}

/// One setting.
struct Setting {
    name: &'static str,
    variable: &'static str,
    default: String,
}

impl Config {
    pub(crate) fn run(self, ui: Ui) -> Outcome {
        let Action::Show { origin } = self.action;
        for setting in settings()? {
            let given = std::env::var_os(setting.variable).filter(|value| !value.is_empty());
            let from = given.as_ref().map_or("default", |_| setting.variable);
            let value = given.map_or(setting.default, |value| value.to_string_lossy().into_owned());
            let shown = if origin { format!("  ({from})") } else { String::new() };
            ui.result(format_args!("{:<10} {value}{shown}", setting.name));
            ui.document("config.setting", json!({ "name": setting.name, "value": value, "origin": from }));
        }
        Ok(Exit::Done)
    }
}

fn settings() -> Outcome<[Setting; 5]> {
    let setting = |name, variable, default: String| Setting { name, variable, default };
    Ok([
        setting("cache-dir", "MARINE_CACHE_DIR", paths::cache()?.display().to_string()),
        setting("data-dir", "MARINE_DATA_DIR", paths::data()?.display().to_string()),
        setting("toolchain", "MARINE_TOOLCHAIN", "auto".to_owned()),
        setting("provision", "MARINE_PROVISION", "auto".to_owned()),
        setting("log", "MARINE_LOG", "warn".to_owned()),
    ])
}

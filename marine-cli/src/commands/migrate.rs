//! `marine migrate`: from the predecessor's configuration to a manifest.

use std::path::{Path, PathBuf};

use clap::Args;
use marine_manifest::{Dependency, FILE_NAME, Manifest, OLD_FILE_NAME, Source, migrate, rename_dependencies};
use serde_json::json;

use crate::exit::{Exit, Fail, Failure, Outcome};
use crate::template;
use crate::ui::{Ui, count};

/// Make a Marine.toml from a Config.toml.
///
/// Translates a configuration of the predecessor, keeps the order of its modules, and lists what cannot be carried over. Where the
/// sources of a module lie beside the configuration, its Cargo package is named instead of the component file.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  marine migrate                          Config.toml here to Marine.toml beside it
  marine migrate --dry-run                show the result, write nothing
  marine migrate old/Config.toml -o shop/Marine.toml
  marine migrate --cargo                  point the Cargo packages of the modules at marine-sdk as well")]
pub(crate) struct Migrate {
    /// The configuration
    #[arg(default_value = OLD_FILE_NAME)]
    config: PathBuf,
    /// Where the manifest goes; beside the configuration unless given
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Print the manifest and write nothing
    #[arg(long)]
    dry_run: bool,
    /// Rename dependencies in the modules' Cargo.toml, so that sources stay as they are
    #[arg(long)]
    cargo: bool,
}

impl Migrate {
    pub(crate) fn run(self, ui: Ui) -> Outcome {
        let text = std::fs::read_to_string(&self.config)
            .or_fail(Exit::Usage, format!("cannot read `{}`", self.config.display()))?;
        let migration = migrate(&text, &self.config).or_exit(Exit::Manifest)?;
        for note in &migration.notes {
            match note.line {
                0 => ui.warn(&note.text),
                line => ui.warn(format_args!("{}:{line}: {}", self.config.display(), note.text)),
            }
        }
        let dir = self.config.parent().unwrap_or(Path::new("")).to_path_buf();
        let output = self.output.clone().unwrap_or_else(|| dir.join(FILE_NAME));
        if self.dry_run {
            ui.result(migration.text.trim_end());
        } else {
            if output.exists() {
                return Err(Failure::new(Exit::Usage, format!("`{}` is there already", output.display()))
                    .help("`-o FILE` writes elsewhere, `--dry-run` only shows it"));
            }
            std::fs::write(&output, &migration.text)
                .or_fail(Exit::Usage, format!("cannot write `{}`", output.display()))?;
            ui.status("Migrated", format_args!("{} to {}", self.config.display(), output.display()));
        }
        let notes: Vec<_> =
            migration.notes.iter().map(|note| json!({ "line": note.line, "text": note.text })).collect();
        let written = (!self.dry_run).then_some(&output);
        ui.document("migrate", json!({ "manifest": migration.text, "written": written, "notes": notes }));
        if self.cargo {
            self.rename(ui, &migration.text, &dir)?;
        }
        Ok(Exit::Done)
    }

    /// Renames in the packages of the modules, and in the workspace that may hold their dependencies.
    fn rename(&self, ui: Ui, manifest: &str, dir: &Path) -> Outcome<()> {
        let manifest = Manifest::parse(manifest, dir).or_exit(Exit::Manifest)?;
        let mut files = vec![dir.join("Cargo.toml")];
        for module in &manifest.modules {
            match &module.source {
                Source::Crate(path) => files.push(dir.join(path).join("Cargo.toml")),
                _ => ui.warn(format_args!("`{}` has no Cargo package here, so nothing is renamed for it", module.name)),
            }
        }
        files.sort();
        files.dedup();
        for path in files.iter().filter(|path| path.is_file()) {
            let text =
                std::fs::read_to_string(path).or_fail(Exit::Usage, format!("cannot read `{}`", path.display()))?;
            let renamed = rename_dependencies(&text, dependency)
                .map_err(|error| Failure::new(Exit::Usage, format!("`{}` is not TOML: {error}", path.display())))?;
            if renamed.changed.is_empty() {
                continue;
            }
            if !self.dry_run {
                std::fs::write(path, &renamed.text)
                    .or_fail(Exit::Usage, format!("cannot write `{}`", path.display()))?;
            }
            let (changed, shown) = (count(renamed.changed.len(), "dependency"), path.display());
            ui.status("Renamed", format_args!("{} in {shown}", changed.replace("dependencys", "dependencies")));
            ui.document("migrate.cargo", json!({ "path": path, "changed": renamed.changed, "written": !self.dry_run }));
        }
        Ok(())
    }
}

/// Where our packages come from: the checkout that this command was built from, else the registry.
fn dependency(package: &str) -> Dependency {
    match template::checkout(package) {
        Some(path) => Dependency::Path(path),
        None => Dependency::Version(env!("CARGO_PKG_VERSION").to_owned()),
    }
}

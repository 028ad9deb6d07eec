//! `marine add`: a module for a service, a service for a project.

use std::fs;
use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use marine_manifest::{FILE_NAME, Manifest, NewSource, Project, add_member, add_module};
use serde_json::json;
use toml_edit::{Array, DocumentMut, Item, Value};

use crate::exit::{Exit, Fail, Failure, Outcome};
use crate::project;
use crate::template::{self, TEMPLATES};
use crate::ui::Ui;

/// Add a module to the service, or a service to the project.
///
/// Changes the nearest Marine.toml and keeps its layout and comments.
#[derive(Debug, Args)]
#[command(
    disable_help_subcommand = true,
    after_help = "\
Examples:
  marine add module prices                       a new Cargo package in prices/
  marine add module prices --path crates/prices
  marine add module stock --wasm vendor/stock.wasm
  marine add service bank                        services/bank, in a project of several services"
)]
pub(crate) struct Add {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Add a module to the nearest service
    Module(NewModule),
    /// Add a service to the nearest project; without one, begin a project here
    Service(NewService),
}

#[derive(Debug, Args)]
struct NewModule {
    /// What imports will call it
    name: String,
    /// Directory of its Cargo package, relative to the manifest; NAME unless given
    #[arg(long, value_name = "DIR", conflicts_with = "wasm")]
    path: Option<String>,
    /// Take this component instead of making a Cargo package
    #[arg(long, value_name = "FILE")]
    wasm: Option<String>,
    /// Make it the last module, whose functions the service offers
    #[arg(long)]
    facade: bool,
}

#[derive(Debug, Args)]
struct NewService {
    /// Name of the service
    name: String,
    /// Directory, relative to the project; services/NAME unless given
    #[arg(long, value_name = "DIR")]
    path: Option<String>,
    /// What to start from; `marine new --list` shows the templates
    #[arg(short, long, default_value = TEMPLATES[0].name)]
    template: String,
}

impl Add {
    pub(crate) fn run(self, ui: Ui) -> Outcome {
        match self.what {
            What::Module(module) => module.add(ui),
            What::Service(service) => service.add(ui),
        }
    }
}

impl NewModule {
    fn add(self, ui: Ui) -> Outcome {
        template::check_name(&self.name)?;
        let manifest = project::nearest()?;
        let text = read(&manifest)?;
        let dir = manifest.parent().unwrap_or(Path::new(".")).to_path_buf();
        let source = match &self.wasm {
            Some(file) => NewSource::Wasm(file.clone()),
            None => NewSource::Crate(self.path.clone().unwrap_or_else(|| self.name.clone())),
        };
        let changed = add_module(&text, &self.name, &source, self.facade).or_exit(Exit::Manifest)?;
        let mut files = Vec::new();
        if let NewSource::Crate(package) = &source {
            let package_dir = dir.join(package);
            if !package_dir.join("Cargo.toml").exists() {
                files = write_package(&package_dir, &self.name)?;
                join_workspace(&dir, package, ui)?;
            }
        }
        write(&manifest, &changed)?;
        // Whatever else was wrong with the manifest is said now, with the change in place.
        Manifest::read(&manifest).or_exit(Exit::Manifest)?;
        ui.status("Added", format_args!("module `{}` to {}", self.name, manifest.display()));
        ui.document("add.module", json!({ "name": self.name, "manifest": manifest, "files": files }));
        Ok(Exit::Done)
    }
}

impl NewService {
    fn add(self, ui: Ui) -> Outcome {
        template::check_name(&self.name)?;
        let template = template::Template::find(&self.template)?;
        let here = std::env::current_dir()?;
        let path = Manifest::find(&here).unwrap_or_else(|| here.join(FILE_NAME));
        let text = if path.exists() { read(&path)? } else { "[project]\nmembers = []\n".to_owned() };
        let member = self.path.clone().unwrap_or_else(|| format!("services/{}", self.name));
        let changed = add_member(&text, &member).map_err(|error| {
            Failure::new(Exit::Manifest, format!("{error} (`{}`)", path.display()))
                .help("put the service into a directory of its own, and `[project] members = [..]` into the one above")
        })?;
        let dir = path.parent().unwrap_or(Path::new(".")).join(&member);
        if dir.exists() {
            return Err(Failure::new(Exit::Usage, format!("`{}` is there already", dir.display()))
                .help("choose another name or `--path`"));
        }
        let files = template.write(&self.name, &dir)?;
        write(&path, &changed)?;
        Project::read(&path).or_exit(Exit::Manifest)?;
        ui.status("Added", format_args!("service `{}` in {} ({} files)", self.name, member, files.len()));
        ui.document("add.service", json!({ "name": self.name, "project": path, "directory": dir, "files": files }));
        Ok(Exit::Done)
    }
}

/// A package with one function, so that the service builds at once.
fn write_package(dir: &Path, name: &str) -> Outcome<Vec<PathBuf>> {
    let cargo = format!(
        "[package]\nname = \"{name}\"\nversion = \"0.1.0\"\nedition = \"2024\"\n\n[lib]\ncrate-type = [\"cdylib\", \"rlib\"]\n\n[dependencies]\nmarine-sdk = {}\n",
        template::sdk_dependency()
    );
    let source = format!(
        "//! The module `{name}`.\n\nuse marine_sdk::{{marine, module_manifest}};\n\nmodule_manifest!();\n\n/// Says which module answers.\n#[marine]\npub fn about() -> String {{\n    \"this is {name}\".to_string()\n}}\n\n#[cfg(test)]\nmod tests {{\n    #[test]\n    fn it_knows_its_name() {{\n        assert_eq!(super::about(), \"this is {name}\");\n    }}\n}}\n"
    );
    let files = [("Cargo.toml", cargo), ("src/lib.rs", source)];
    let mut written = Vec::new();
    for (file, content) in files {
        let path = dir.join(file);
        fs::create_dir_all(path.parent().unwrap_or(dir))
            .or_fail(Exit::Usage, format!("cannot create `{}`", dir.display()))?;
        write(&path, &content)?;
        written.push(path);
    }
    Ok(written)
}

/// Makes the package in `member` part of the workspace in `dir`, which a package there becomes: modules of one workspace are built by
/// one call of cargo.
fn join_workspace(dir: &Path, member: &str, ui: Ui) -> Outcome<()> {
    let path = dir.join("Cargo.toml");
    if !path.is_file() {
        return Ok(());
    }
    let mut document: DocumentMut = read(&path)?
        .parse()
        .map_err(|error| Failure::new(Exit::Usage, format!("`{}` is not TOML: {error}", path.display())))?;
    let workspace = document.entry("workspace").or_insert(toml_edit::table());
    let members = workspace
        .as_table_like_mut()
        .map(|table| table.entry("members").or_insert(Item::Value(Value::Array(Array::new()))));
    let Some(list) = members.and_then(|members| members.as_array_mut()) else {
        ui.warn(format_args!("add `{member}` to the workspace members of {} by hand", path.display()));
        return Ok(());
    };
    // A pattern covers it, or it is there.
    let parent = member.rsplit_once('/').map_or("*".to_owned(), |(parent, _)| format!("{parent}/*"));
    if list.iter().filter_map(Value::as_str).any(|known| known == member || known == parent) {
        return Ok(());
    }
    list.push(member);
    write(&path, &document.to_string())
}

fn read(path: &Path) -> Outcome<String> {
    fs::read_to_string(path).or_fail(Exit::Usage, format!("cannot read `{}`", path.display()))
}

fn write(path: &Path, text: &str) -> Outcome<()> {
    fs::write(path, text).or_fail(Exit::Usage, format!("cannot write `{}`", path.display()))
}

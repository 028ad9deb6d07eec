//! `marine info`: what a component or blueprint says of itself.

use std::path::{Path, PathBuf};

use clap::Args;
use marine_manifest::Blueprint;
use marine_runtime::{Change, Metadata, Module};
use serde_json::{Value, json};

use crate::exit::{Exit, Fail, Failure, Outcome};
use crate::project;
use crate::ui::{Ui, size};

/// The largest file that is taken for a blueprint, in bytes.
const MAX_BLUEPRINT: u64 = marine_manifest::MAX_BLUEPRINT_BYTES as u64;

/// Show what a component or blueprint says of itself.
///
/// Shows metadata, interface, imports, wanted programs, size and content id of a component; or name, limits and modules of a
/// blueprint. `--diff` compares the interfaces of two components, and ends with code 3 if callers of the first may fail with the
/// second.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  marine info target/marine/dev/stock.wasm
  marine info target/marine/dev/shop.blueprint
  marine info old/stock.wasm --diff new/stock.wasm
  marine info vendor/stock.wasm --json")]
pub(crate) struct Info {
    /// A component (.wasm) or a blueprint
    file: PathBuf,
    /// Compare with the interface of this component, the newer one
    #[arg(long, value_name = "OTHER")]
    diff: Option<PathBuf>,
}

impl Info {
    pub(crate) fn run(self, ui: Ui) -> Outcome {
        if let Some(other) = &self.diff {
            return diff(ui, &project::component(&self.file)?, &project::component(other)?);
        }
        match blueprint(&self.file)? {
            Some(blueprint) => show_blueprint(ui, &blueprint, &self.file)?,
            None => show_module(ui, &project::component(&self.file)?),
        }
        Ok(Exit::Done)
    }
}

fn diff(ui: Ui, before: &Module, after: &Module) -> Outcome {
    let changes = before.interface().diff(after.interface());
    for change in &changes {
        ui.result(change);
    }
    let breaking = changes.iter().filter(|change| change.breaks_callers()).count();
    ui.document(
        "info.diff",
        json!({
            "before": before.cid().to_string(), "after": after.cid().to_string(), "breaking": breaking,
            "changes": changes.iter().map(change_document).collect::<Vec<_>>(),
        }),
    );
    ui.note(match (changes.len(), breaking) {
        (0, _) => "the interfaces are equal",
        (_, 0) => "callers of the old one can call the new one",
        _ => "callers of the old one may fail with the new one",
    });
    Ok(if breaking == 0 { Exit::Done } else { Exit::Findings })
}

/// A change for programs.
pub(crate) fn change_document(change: &Change) -> Value {
    match change {
        Change::Added(function) => json!({ "change": "added", "function": function }),
        Change::Removed(function) => json!({ "change": "removed", "function": function }),
        Change::Function { before, after } => json!({ "change": "function", "before": before, "after": after }),
        Change::Type { name, before, after } => {
            json!({ "change": "type", "name": name, "before": before, "after": after })
        }
        other => json!({ "change": "other", "text": other.to_string() }),
    }
}

/// The blueprint in `path`; `None` if the file is a component.
fn blueprint(path: &Path) -> Outcome<Option<Blueprint>> {
    let unreadable = || format!("cannot read `{}`", path.display());
    let length = std::fs::metadata(path).or_fail(Exit::Usage, unreadable())?.len();
    if length > MAX_BLUEPRINT {
        return Ok(None);
    }
    let bytes = std::fs::read(path).or_fail(Exit::Usage, unreadable())?;
    if bytes.starts_with(b"\0asm") || path.extension().is_some_and(|extension| extension == "wasm") {
        return Ok(None);
    }
    let decoded = Blueprint::decode(&bytes);
    decoded.map(Some).map_err(|error| {
        Failure { exit: Exit::Manifest, error: error.into(), help: None }
            .context(format!("`{}` is neither a component nor a blueprint", path.display()))
    })
}

fn show_blueprint(ui: Ui, blueprint: &Blueprint, path: &Path) -> Outcome<()> {
    let cid = blueprint.cid().or_exit(Exit::Manifest)?;
    let mut rows = vec![("blueprint", blueprint.name.clone()), ("cid", cid.to_string())];
    rows.extend(blueprint.version.clone().map(|version| ("version", version)));
    rows.extend(blueprint.description.clone().map(|description| ("description", description)));
    rows.push(("facade", blueprint.facade.clone()));
    for module in &blueprint.modules {
        rows.push(("module", format!("{}  {}", module.name, module.cid)));
    }
    print(ui, &rows);
    let modules: Vec<_> = blueprint
        .modules
        .iter()
        .map(|module| {
            json!({ "name": module.name, "cid": module.cid.to_string(), "interface": module.interface, "grants": module.grants })
        })
        .collect();
    ui.document(
        "info.blueprint",
        json!({
            "path": path, "name": blueprint.name, "cid": cid.to_string(), "version": blueprint.version,
            "description": blueprint.description, "facade": blueprint.facade, "limits": blueprint.limits, "modules": modules,
        }),
    );
    Ok(())
}

fn show_module(ui: Ui, module: &Module) {
    let metadata = module.metadata();
    let (bytes, interface) = (module.bytes().len() as u64, module.interface());
    let imports: Vec<_> = module.imports().collect();
    let mut rows = described(&metadata);
    rows.insert(0, ("module", metadata.name.clone().unwrap_or_else(|| module.name().to_owned())));
    rows.push(("cid", module.cid().to_string()));
    rows.push(("size", size(bytes)));
    rows.extend(imports.iter().map(|import| ("imports", (*import).to_owned())));
    rows.extend(metadata.wanted_binaries().into_iter().map(|name| ("wants", format!("the program `{name}`"))));
    rows.push(("exports", interface.id.clone().unwrap_or_else(|| "functions without an interface".to_owned())));
    print(ui, &rows);
    for function in &interface.functions {
        for line in function.docs.iter().flat_map(|docs| docs.lines()) {
            ui.result(format!("             /// {line}").trim_end());
        }
        ui.result(format_args!("             {}", function.outside()));
    }
    ui.document(
        "info.module",
        json!({
            "name": metadata.name, "version": metadata.version, "authors": metadata.authors,
            "description": metadata.description, "licenses": metadata.licenses, "source": metadata.source,
            "producers": metadata.producers, "manifest": metadata.manifest, "wanted_binaries": metadata.wanted_binaries(),
            "cid": module.cid().to_string(), "size": bytes, "imports": imports, "interface": interface.id,
            "functions": interface.functions.iter().map(|function| function.outside()).collect::<Vec<_>>(),
            "wit": interface.to_wit(),
        }),
    );
}

/// What authors and tools wrote down, as far as they did.
fn described(metadata: &Metadata) -> Vec<(&'static str, String)> {
    let noted = |key: &str| {
        let text = metadata.manifest.as_ref()?.get(key)?.as_str()?;
        Some(text.to_owned()).filter(|text| !text.is_empty())
    };
    let made = [("rustc", None), ("sdk", Some("marine-sdk")), ("tool", Some("marine")), ("profile", Some("profile"))];
    let made = made.into_iter().filter_map(|(key, label)| {
        let text = noted(key)?;
        Some(label.map_or(text.clone(), |label| format!("{label} {text}")))
    });
    let made: Vec<String> = made.collect();
    let producers = || {
        let all = metadata.producers.values().flatten();
        all.map(|(name, version)| format!("{name} {version}").trim_end().to_owned()).collect::<Vec<_>>()
    };
    let made = if made.is_empty() { producers() } else { made };
    let git = metadata.manifest.as_ref().and_then(|manifest| manifest.get("git")).and_then(|git| {
        let dirty = git.get("dirty").and_then(Value::as_bool).unwrap_or(false);
        Some(format!("{}{}", git.get("commit")?.as_str()?, if dirty { " (with local changes)" } else { "" }))
    });
    let rows = [
        ("version", metadata.version.clone()),
        ("description", metadata.description.clone()),
        ("authors", metadata.authors.clone()),
        ("licenses", metadata.licenses.clone()),
        ("source", metadata.source.clone()),
        ("made by", (!made.is_empty()).then(|| made.join(", "))),
        ("made at", noted("build_time")),
        ("commit", git),
    ];
    rows.into_iter().filter_map(|(label, text)| Some((label, text?))).collect()
}

fn print(ui: Ui, rows: &[(&str, String)]) {
    let mut before = "";
    for (label, text) in rows {
        let shown = if *label == before { "" } else { label };
        ui.result(format_args!("{shown:<12} {text}"));
        before = label;
    }
}

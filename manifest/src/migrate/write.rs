//! Writing what a configuration said as a manifest.

use toml_edit::{ArrayOfTables, DocumentMut, InlineTable, Item, Table, Value, value};

use super::crates::Crates;
use super::read::{Config, OldModule};
use super::{Note, size};
use crate::limits::Limits;
use crate::names::{check_guest_path, check_variable, kebab_of};

/// The text of the manifest.
pub(super) fn manifest(config: &Config, crates: &Crates, notes: &mut Vec<Note>) -> String {
    let mut document = DocumentMut::new();
    if let Some(bytes) = config.memory {
        capped(bytes, 0, notes);
        let mut limits = Table::new();
        limits["memory"] = value(size::new(bytes));
        document["limits"] = Item::Table(limits);
    }
    let mut modules = ArrayOfTables::new();
    for module in &config.modules {
        modules.push(table(module, config.modules_dir.as_deref(), crates, notes));
    }
    document["module"] = Item::ArrayOfTables(modules);
    document.to_string().trim_start().to_owned()
}

fn table(module: &OldModule, modules_dir: Option<&str>, crates: &Crates, notes: &mut Vec<Note>) -> Table {
    let mut table = Table::new();
    let name = kebab_of(&module.name);
    if name != module.name && name.replace('-', "_") != module.name {
        note(notes, module.line, format!("module {:?} becomes `{name}`: names are lower-case words", module.name));
    }
    table["name"] = value(&name);
    match crates.find(&module.name) {
        Some(found) => {
            table["crate"] = value(&found.path);
            if let Some(target) = &found.target {
                table["target"] = value(target);
            }
        }
        None => {
            table["wasm"] = value(component(module, modules_dir));
            let text = format!("`{name}` has to be built again: components of the predecessor are of another kind");
            note(notes, module.line, text);
        }
    }
    if let Some(bytes) = module.memory {
        capped(bytes, module.line, notes);
        table["memory"] = value(size::new(bytes));
    }
    match (module.logs, module.mask) {
        (Some(false), _) => table["log"] = value("off"),
        (_, Some(mask)) if mask != u32::MAX => {
            let mut log = InlineTable::new();
            log.insert("level", Value::from("info"));
            log.insert("mask", Value::from(i64::from(mask)));
            table["log"] = value(log);
        }
        _ => {}
    }
    insert(&mut table, "dirs", dirs(module, notes));
    insert(&mut table, "env", variables(module, notes));
    insert(&mut table, "binaries", module.binaries.iter().map(|(name, path)| (name.clone(), path.into())).collect());
    table
}

/// Where the predecessor looked for the component.
fn component(module: &OldModule, modules_dir: Option<&str>) -> String {
    let file = module.file_name.clone().unwrap_or_else(|| format!("{}.wasm", module.name));
    match (&module.load_from, modules_dir) {
        (Some(path), _) if path.ends_with(".wasm") => path.clone(),
        (Some(path), _) => format!("{}/{file}", path.trim_end_matches('/')),
        (None, Some(dir)) => format!("{}/{file}", dir.trim_end_matches('/')),
        (None, None) => file,
    }
}

fn dirs(module: &OldModule, notes: &mut Vec<Note>) -> Vec<(String, Value)> {
    let mut dirs: Vec<(String, Value)> = Vec::new();
    for (guest, host) in &module.dirs {
        let plain = guest.trim_start_matches("./").trim_matches('/');
        let path = format!("/{plain}");
        if let Err(why) = check_guest_path(&path) {
            note(notes, module.line, format!("{guest:?} of `{}` cannot be granted: {why}", module.name));
            continue;
        }
        if dirs.iter().any(|(known, _)| *known == path) {
            continue;
        }
        if *guest != path && *guest != plain {
            note(notes, module.line, format!("`{}` sees {guest:?} as {path}: guest paths are absolute", module.name));
        }
        let mut dir = InlineTable::new();
        dir.insert("host", Value::from(host.as_str()));
        dir.insert("mode", Value::from("rw"));
        // The predecessor made directories that were missing.
        dir.insert("create", Value::from(true));
        dirs.push((path, dir.into()));
    }
    dirs
}

fn variables(module: &OldModule, notes: &mut Vec<Note>) -> Vec<(String, Value)> {
    let mut variables: Vec<(String, Value)> = Vec::new();
    for (name, text) in &module.env {
        match check_variable(name) {
            Ok(()) if variables.iter().any(|(known, _)| known == name) => {}
            Ok(()) => variables.push((name.clone(), text.into())),
            Err(why) => note(notes, module.line, format!("variable {name:?} of `{}` is left out: {why}", module.name)),
        }
    }
    variables
}

fn insert(table: &mut Table, key: &str, entries: Vec<(String, Value)>) {
    if entries.is_empty() {
        return;
    }
    let mut inner = InlineTable::new();
    inner.extend(entries);
    table[key] = value(inner);
}

fn capped(bytes: u64, line: usize, notes: &mut Vec<Note>) {
    if bytes > Limits::MAX_MEMORY {
        note(notes, line, "memory is cut to 4 GiB, all that a module can address".to_owned());
    }
}

fn note(notes: &mut Vec<Note>, line: usize, text: String) {
    notes.push(Note { line, text });
}

//! Reading a `Config.toml` leniently: what is wrong or unknown becomes a note.

use std::path::Path;

use toml::de::DeTable;

use super::{Note, size};
use crate::error::{Code, ManifestErrors};
use crate::table::{Entry, Report, Table};

/// What a configuration says.
#[derive(Debug, Default)]
pub(super) struct Config {
    pub(super) modules_dir: Option<String>,
    /// Bytes of all modules together.
    pub(super) memory: Option<u64>,
    pub(super) modules: Vec<OldModule>,
}

/// One module of it.
#[derive(Debug, Default)]
pub(super) struct OldModule {
    /// Where it stands.
    pub(super) line: usize,
    pub(super) name: String,
    pub(super) file_name: Option<String>,
    pub(super) load_from: Option<String>,
    /// Bytes of its memory.
    pub(super) memory: Option<u64>,
    pub(super) logs: Option<bool>,
    pub(super) mask: Option<u32>,
    /// Guest path to host path.
    pub(super) dirs: Vec<(String, String)>,
    pub(super) env: Vec<(String, String)>,
    pub(super) binaries: Vec<(String, String)>,
}

/// Reads the text of the file at `path`.
pub(super) fn config(text: &str, path: &Path) -> Result<(Config, Vec<Note>), ManifestErrors> {
    let report = Report::new(text);
    let (table, errors) = DeTable::parse_recoverable(text);
    if let [first, ..] = errors.as_slice() {
        let message = first.message().lines().collect::<Vec<_>>().join(", ");
        report.add(Code::Syntax, "", first.span().unwrap_or(0..0), message, None);
        return report.finish(path.to_path_buf(), None);
    }
    let config = read(Table::new(&report, String::new(), table));
    let notes = match report.finish(path.to_path_buf(), Some(())) {
        Ok(()) => Vec::new(),
        Err(errors) => errors.errors.into_iter().map(|error| Note { line: error.line, text: error.message }).collect(),
    };
    Ok((config, notes))
}

fn read(mut top: Table<'_, '_>) -> Config {
    let mut config = Config {
        modules_dir: top.take("modules_dir").and_then(|entry| entry.text("a path")),
        memory: top.take("total_memory_limit").and_then(|entry| bytes(&entry)),
        ..Config::default()
    };
    if let Some(entry) = top.take("default") {
        let text = "`[default]` is left out: it had no effect on modules that are listed".to_owned();
        entry.wrong_key(Code::Unsupported, text, None);
    }
    for table in top.take("module").map(|entry| entry.tables("tables `[[module]]`")).into_iter().flatten() {
        config.modules.push(module(table));
    }
    leave_out(top);
    config
}

fn module(mut table: Table<'_, '_>) -> OldModule {
    let text = |entry: Entry<'_, '_>| entry.text("a text");
    let mut module = OldModule {
        line: table.line(),
        name: table.take("name").and_then(text).unwrap_or_default(),
        file_name: table.take("file_name").and_then(text),
        load_from: table.take("load_from").and_then(text),
        logs: table.take("logger_enabled").and_then(|entry| entry.boolean()),
        mask: table.take("logging_mask").and_then(|entry| mask(&entry)),
        ..OldModule::default()
    };
    let pages = table.take("mem_pages_count").and_then(|entry| entry.number(0..65_537));
    let heap = table.take("max_heap_size").and_then(|entry| bytes(&entry));
    module.memory = heap.or(pages.map(|pages| pages * size::PAGE));
    if let Some(mut wasi) = table.take("wasi").and_then(|entry| entry.table("a table")) {
        places(&mut wasi, &mut module);
        leave_out(wasi);
    }
    // Some configurations give these beside `wasi` instead of inside it, where they had no effect.
    places(&mut table, &mut module);
    if let Some(list) = table.take("mounted_binaries").and_then(|entry| entry.table("a table")) {
        module.binaries = texts(list);
    }
    leave_out(table);
    module
}

fn places(table: &mut Table<'_, '_>, module: &mut OldModule) {
    if let Some(list) = table.take("envs").and_then(|entry| entry.table("a table")) {
        module.env.extend(texts(list));
    }
    if let Some(list) = table.take("mapped_dirs").and_then(|entry| entry.table("a table")) {
        module.dirs.extend(texts(list));
    }
    if let Some(entry) = table.take("preopened_files") {
        let paths = entry.items("an array of paths");
        let paths = paths.iter().filter_map(|path| path.text("a path"));
        module.dirs.extend(paths.map(|path| (path.clone(), path)));
    }
}

fn texts(table: Table<'_, '_>) -> Vec<(String, String)> {
    let entries = table.take_all().into_iter();
    entries.filter_map(|entry| Some((entry.name.clone(), entry.scalar("a text")?))).collect()
}

/// Bytes of a text with a unit, or of a number; `Infinity` is no bound.
fn bytes(entry: &Entry<'_, '_>) -> Option<u64> {
    let text = entry.scalar("a size")?;
    if text.eq_ignore_ascii_case("infinity") {
        return None;
    }
    let bytes = size::old(&text);
    if bytes.is_none() {
        entry.wrong(Code::BadValue, format!("`{}` is no size: {text:?}; it is left out", entry.key), None);
    }
    bytes
}

/// The mask was a signed number; its bits are what counts.
fn mask(entry: &Entry<'_, '_>) -> Option<u32> {
    let text = entry.scalar("a number")?;
    let bits = text.parse::<i64>().ok().filter(|number| (i64::from(i32::MIN)..=i64::from(u32::MAX)).contains(number));
    if bits.is_none() {
        entry.wrong(Code::BadValue, format!("`{}` is no mask of 32 bits: {text}; it is left out", entry.key), None);
    }
    bits.map(|bits| (bits & i64::from(u32::MAX)) as u32)
}

/// Whatever nobody asked for.
fn leave_out(table: Table<'_, '_>) {
    for entry in table.take_all() {
        let text = format!("`{}` is left out: the predecessor ignored it", entry.key);
        entry.wrong_key(Code::UnknownKey, text, None);
    }
}

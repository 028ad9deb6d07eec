//! From the text of a `Marine.toml` to a [`Manifest`], or to all its mistakes.

mod grants;
mod log;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use toml::Spanned;
use toml::de::DeTable;

use self::grants::{Places, read_extra, read_grants};
use self::log::read_log;
use crate::cid::{Cid, is_module_cid};
use crate::error::{Code, ManifestErrors};
use crate::limits::Limits;
use crate::manifest::{MAX_INSTANCES, MAX_MODULES, Manifest, ModuleEntry, ServiceSection, Source};
use crate::names::{check_name, kebab_of};
use crate::quantity::{duration, size};
use crate::table::{Entry, Later, Report, Table, excerpt, nearest};

/// Keys of the format that come with later versions; none is ignored silently.
const LATER_TOP: &[Later] = &[("project", "this file lists services; name the directory of one of them")];
/// Keys of the predecessor's configuration, with what they are called here.
const OLD_MODULE: &[Later] = &[
    ("mem_pages_count", "write `memory = \"64 MiB\"`"),
    ("max_heap_size", "write `memory = \"64 MiB\"`"),
    ("load_from", "write `wasm = \"path/to/module.wasm\"`"),
    ("file_name", "write `wasm = \"path/to/module.wasm\"`"),
    ("mapped_dirs", "write `dirs = { \"/guest\" = { host = \"path\", mode = \"rw\" } }`"),
    ("preopened_files", "write `dirs = { \"/guest\" = { host = \"path\", mode = \"rw\" } }`"),
    ("envs", "write `env = { NAME = \"value\" }`"),
    ("mounted_binaries", "write `binaries = { curl = \"/usr/bin/curl\" }`"),
    ("logger_enabled", "write `log = \"info\"` or `log = \"off\"`"),
    ("logging_mask", "write `log = { mask = 5 }`"),
];
const BUILD: &str = "write `build = [\"componentize-py\", \"..\"]`; no shell reads it";
const SOURCES: &str =
    "give one of `crate = \"path\"`, `wasm = \"file.wasm\"` or `cid = \"bafk..\"`; `cid` beside `wasm` pins the file";

/// Reads `text`, whose relative paths start from `dir`.
pub(crate) fn manifest(text: &str, path: PathBuf, dir: PathBuf) -> Result<Manifest, ManifestErrors> {
    let report = Report::new(text);
    let (table, errors) = DeTable::parse_recoverable(text);
    if errors.is_empty() {
        let value = read_manifest(&report, table, path.clone(), dir);
        return report.finish(path, value);
    }
    for error in errors {
        report.add(Code::Syntax, "", error.span().unwrap_or(0..0), one_line(error.message()), None);
    }
    report.finish(path, None)
}

fn one_line(message: &str) -> String {
    message.lines().collect::<Vec<_>>().join(", ")
}

fn read_manifest(report: &Report<'_>, table: Spanned<DeTable<'_>>, path: PathBuf, dir: PathBuf) -> Option<Manifest> {
    let mut top = Table::new(report, String::new(), table);
    if let Some(format) = top.take("manifest") {
        read_format(&format);
    }
    let service = top.take("service").and_then(|entry| entry.table("a table `[service]`"));
    let service_facade = service.map(|table| read_service(table, &dir));
    let limits = top.take("limits").and_then(|entry| entry.table("a table `[limits]`")).map(read_limits);
    let modules = match top.take("module") {
        Some(entry) => read_modules(entry, &dir),
        None => {
            top.missing("module", "add a module: `[[module]]` with `name = \"..\"` and `crate = \"..\"`");
            Vec::new()
        }
    };
    let extra = ["test", "repl"].map(|key| top.take(key));
    if let Some(aqua) = top.take("aqua") {
        // Of no use to a service; whoever compiles Aqua reads it again.
        crate::aqua::rules(aqua, &dir);
    }
    top.finish(LATER_TOP);

    let names: BTreeSet<&str> = modules.iter().map(|module| module.entry.name.as_str()).collect();
    for module in &modules {
        for need in &module.needs {
            check_reference(need, &names);
        }
    }
    let [test, repl] = extra.map(|entry| entry.map(|entry| read_extra(entry, &dir, &names)).unwrap_or_default());
    let service = match service_facade {
        Some((service, facade)) => {
            if let Some(entry) = &facade {
                check_reference(entry, &names);
            }
            service
        }
        None => ServiceSection::named(default_name(&dir)),
    };
    let modules: Vec<ModuleEntry> = modules.into_iter().map(|module| module.entry).collect();
    let limits = limits.unwrap_or_default();
    (!modules.is_empty()).then_some(Manifest { path, dir, service, limits, modules, test, repl })
}

fn read_format(entry: &Entry<'_, '_>) {
    if let Some(format) = entry.number(1..u64::from(u32::MAX)).filter(|format| *format > 1) {
        let message = format!("the manifest has format {format}, this version reads format 1");
        entry.wrong(Code::NewerFormat, message, Some("use a newer marine".to_owned()));
    }
}

/// Records a mistake unless the text of `entry` names a module.
fn check_reference(entry: &Entry<'_, '_>, names: &BTreeSet<&str>) {
    let Some(name) = entry.text("the name of a module") else { return };
    if !names.contains(name.as_str()) {
        let message = format!("`{}` is {}, which is no module of this manifest", entry.key, excerpt(&name));
        entry.wrong(Code::NoSuchModule, message, Some(known_modules(&name, names)));
    }
}

fn known_modules(name: &str, names: &BTreeSet<&str>) -> String {
    match nearest(name, names.iter().copied()) {
        Some(near) => format!("did you mean `{near}`?"),
        None => format!("modules: {}", names.iter().copied().collect::<Vec<_>>().join(", ")),
    }
}

/// Returns the section and, for the check against the modules, where the facade is named.
fn read_service<'r, 't>(mut table: Table<'r, 't>, dir: &Path) -> (ServiceSection, Option<Entry<'r, 't>>) {
    let name = match table.take("name") {
        Some(entry) => read_name(&entry),
        None => None,
    };
    let facade = table.take("facade");
    let mut section = ServiceSection::named(name.unwrap_or_else(|| default_name(dir)));
    section.version = table.take("version").and_then(|entry| entry.parsed("a version", semver_text));
    section.description = table.take("description").and_then(|entry| entry.text("a text"));
    section.authors = table.take("authors").map(|entry| entry.texts("a list of texts")).unwrap_or_default();
    section.repository = table.take("repository").and_then(|entry| entry.text("a text"));
    section.facade = facade.as_ref().filter(|entry| entry.is_text()).and_then(|entry| entry.text("a module"));
    section.stateless = table.take("stateless").and_then(|entry| entry.boolean()).unwrap_or(false);
    section.eager = table.take("eager").and_then(|entry| entry.boolean()).unwrap_or(false);
    if let Some(entry) = table.take("instances") {
        let instances = entry.number(1..u64::from(MAX_INSTANCES) + 1).and_then(|number| u32::try_from(number).ok());
        section.instances = instances.unwrap_or(1);
        if section.instances > 1 && !section.stateless {
            let help = "add `stateless = true` if no call depends on what another left in memory".to_owned();
            let message = format!("`{}` is {}, and the service is not stateless", entry.key, section.instances);
            entry.wrong(Code::BadValue, message, Some(help));
        }
    }
    table.finish(&[]);
    (section, facade)
}

fn semver_text(text: &str) -> Result<String, String> {
    match semver::Version::parse(text) {
        Ok(_) => Ok(text.to_owned()),
        Err(why) => Err(format!("expected a semantic version such as \"1.2.0\" ({why})")),
    }
}

/// The service is called like its directory if nothing says otherwise.
fn default_name(dir: &Path) -> String {
    let full = dir.canonicalize().unwrap_or_else(|_| dir.to_path_buf());
    let name = full.file_name().map(|name| kebab_of(&name.to_string_lossy())).unwrap_or_default();
    if check_name(&name).is_ok() { name } else { "service".to_owned() }
}

fn read_name(entry: &Entry<'_, '_>) -> Option<String> {
    let name = entry.text("a name")?;
    if let Err(why) = check_name(&name) {
        entry.wrong(Code::BadName, format!("`{}` is {}", entry.key, excerpt(&name)), Some(why.to_string()));
    }
    Some(name)
}

fn read_limits(mut table: Table<'_, '_>) -> Limits {
    let mut limits = Limits::default();
    for (key, place) in [("memory", &mut limits.memory), ("args", &mut limits.args), ("result", &mut limits.result)] {
        if let Some(bytes) = table.take(key).and_then(|entry| read_size(&entry)) {
            *place = bytes;
        }
    }
    for (key, place) in [("timeout", &mut limits.timeout), ("startup", &mut limits.startup)] {
        if let Some(entry) = table.take(key) {
            *place = entry.parsed("a duration such as \"5s\"", checked_duration).unwrap_or(*place);
        }
    }
    for (key, place) in [("table", &mut limits.table), ("queue", &mut limits.queue)] {
        let number = table.take(key).and_then(|entry| entry.number(1..u64::from(Limits::MAX_NUMBER) + 1));
        if let Some(number) = number.and_then(|number| u32::try_from(number).ok()) {
            *place = number;
        }
    }
    if let Some(entry) = table.take("log") {
        let rate = |text: &str| size(text.strip_suffix("/s").unwrap_or(text));
        limits.log = entry.parsed("a rate such as \"256 KiB/s\"", rate).unwrap_or(limits.log);
    }
    table.finish(&[]);
    limits
}

fn checked_duration(text: &str) -> Result<std::time::Duration, String> {
    let time = duration(text)?;
    if time.is_zero() || time > Limits::MAX_TIME {
        return Err("expected a duration from 1 ms to 24 h".to_owned());
    }
    Ok(time)
}

fn read_size(entry: &Entry<'_, '_>) -> Option<u64> {
    entry.parsed("a size such as \"64 MiB\"", |text| match size(text)? {
        bytes if bytes == 0 || bytes > Limits::MAX_MEMORY => Err("expected a size from 1 B to 4 GiB".to_owned()),
        bytes => Ok(bytes),
    })
}

/// A module and the places where it names others.
struct ReadModule<'r, 't> {
    entry: ModuleEntry,
    needs: Vec<Entry<'r, 't>>,
}

fn read_modules<'r, 't>(entry: Entry<'r, 't>, dir: &Path) -> Vec<ReadModule<'r, 't>> {
    let key = entry.key.clone();
    let mut tables = entry.tables("tables `[[module]]`");
    if let Some(first) = tables.first().filter(|_| tables.len() > MAX_MODULES) {
        first.wrong(Code::BadValue, format!("`{key}` lists {} modules, at most {MAX_MODULES} fit", tables.len()));
        tables.truncate(MAX_MODULES);
    }
    let mut names = BTreeSet::new();
    tables.into_iter().map(|table| read_module(table, dir, &mut names)).collect()
}

fn read_module<'r, 't>(mut table: Table<'r, 't>, dir: &Path, names: &mut BTreeSet<String>) -> ReadModule<'r, 't> {
    let name = match table.take("name") {
        Some(entry) => {
            let name = read_name(&entry).unwrap_or_default();
            if !name.is_empty() && !names.insert(name.clone()) {
                let message = format!("two modules are called `{name}`");
                entry.wrong(Code::Duplicate, message, Some("imports tell modules apart by name".to_owned()));
            }
            name
        }
        None => {
            table.missing("name", "imports call the module by it: `name = \"my-module\"`");
            String::new()
        }
    };
    let (source, pin) = read_source(&mut table, dir).unzip();
    let pin = pin.flatten();
    let target = table.take("target");
    if let (Some(entry), Some(Source::Wasm(_) | Source::Cid(_))) = (&target, &source) {
        let message = format!("`{}` chooses a binary of a Cargo package, and this module has none", entry.key);
        entry.wrong_key(Code::BadValue, message, Some("remove the line".to_owned()));
    }
    let needs = table.take("needs").and_then(|entry| entry.table("a table of imports")).map(Table::take_all);
    let needs = needs.unwrap_or_default();
    let grants = read_grants(&mut table, dir, Places::Own);
    let log = table.take("log").map(read_log).unwrap_or_default();
    let build = read_build(&mut table, source.as_ref());
    let entry = ModuleEntry {
        name,
        source: source.unwrap_or_else(|| Source::Crate(String::new())),
        pin,
        target: target.and_then(|entry| entry.text("the name of a binary")),
        needs: needs.iter().filter(|need| need.is_text()).filter_map(read_need).collect(),
        grants,
        memory: table.take("memory").and_then(|entry| read_size(&entry)),
        build,
        version: table.take("version").and_then(|entry| entry.parsed("a requirement on versions", read_requirement)),
        interface: table.take("interface").and_then(|entry| entry.parsed("the id of an interface", not_empty)),
        log: log.level,
        log_filter: log.filter,
        log_mask: log.mask,
    };
    table.finish(OLD_MODULE);
    ReadModule { entry, needs }
}

fn read_requirement(text: &str) -> Result<semver::VersionReq, String> {
    text.parse().map_err(|why| format!("expected a requirement on versions such as \"^1.2\" ({why})"))
}

/// The command that makes the component file of a module in another language.
fn read_build(table: &mut Table<'_, '_>, source: Option<&Source>) -> Vec<String> {
    let Some(entry) = table.take("build") else { return Vec::new() };
    let words = entry.texts("a list of words, the program first");
    if words.first().is_none_or(String::is_empty) {
        entry.wrong(Code::BadValue, format!("`{}` names no program", entry.key), Some(BUILD.to_owned()));
    } else if !matches!(source, None | Some(Source::Wasm(_))) {
        let message = format!("`{}` makes the file of `wasm`, and this module has none", entry.key);
        entry.wrong_key(Code::BadValue, message, Some("give `wasm = \"file.wasm\"`, or remove the line".to_owned()));
    }
    words
}

fn read_need(need: &Entry<'_, '_>) -> Option<(String, String)> {
    Some((need.name.clone(), need.text("the name of a module")?))
}

/// The source of a module, and what its file has to be.
fn read_source(table: &mut Table<'_, '_>, dir: &Path) -> Option<(Source, Option<Cid>)> {
    let given: Vec<Entry<'_, '_>> = ["crate", "wasm", "cid"].into_iter().filter_map(|key| table.take(key)).collect();
    let (entry, pin) = match given.as_slice() {
        [entry] => (entry, None),
        [wasm, cid] if (wasm.name.as_str(), cid.name.as_str()) == ("wasm", "cid") => (wasm, Some(cid)),
        [] => {
            table.wrong_with(Code::Source, format!("`{}` has no source", table.key), SOURCES);
            return None;
        }
        [_, second, ..] => {
            let keys = given.iter().map(|entry| format!("`{}`", entry.name)).collect::<Vec<_>>().join(" and ");
            let message = format!("`{}` has {keys}: a module has exactly one source", table.key);
            second.wrong_key(Code::Source, message, Some(SOURCES.to_owned()));
            return None;
        }
    };
    let expected = "a text";
    let pin = pin.and_then(|pin| pin.parsed(expected, read_cid));
    let source = match entry.name.as_str() {
        "crate" => entry.parsed(expected, not_empty).map(Source::Crate),
        "wasm" => entry.parsed(expected, not_empty).map(|file| Source::Wasm(dir.join(file))),
        _ => entry.parsed(expected, read_cid).map(Source::Cid),
    };
    Some((source?, pin))
}

fn not_empty(text: &str) -> Result<String, String> {
    if text.is_empty() || text.contains('\0') {
        return Err("expected a name or path".to_owned());
    }
    Ok(text.to_owned())
}

fn read_cid(text: &str) -> Result<Cid, String> {
    match Cid::try_from(text) {
        Ok(cid) if is_module_cid(&cid) => Ok(cid),
        _ => Err("expected the id of a module (CIDv1, raw, blake3-256), as `marine build` prints it".to_owned()),
    }
}

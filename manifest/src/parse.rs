//! From the text of a `Marine.toml` to a [`Manifest`], or to all its mistakes.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use toml::Spanned;
use toml::de::DeTable;

use crate::cid::{Cid, is_module_cid};
use crate::error::{Code, ManifestErrors};
use crate::limits::Limits;
use crate::manifest::{
    Dir, EnvValue, Grants, LogLevel, MAX_MODULES, Manifest, Mode, ModuleEntry, ServiceSection, Source,
};
use crate::names::{check_guest_path, check_name, check_variable, kebab_of, paths_overlap};
use crate::quantity::{duration, size};
use crate::table::{Entry, Later, Report, Table, excerpt, nearest};

/// Keys of the format that come with later versions; none is ignored silently.
const LATER_TOP: &[Later] = &[
    ("project", "write one Marine.toml per service"),
    ("test", "grants for tests come with a later version"),
    ("repl", "grants for the REPL come with a later version"),
];
const LATER_SERVICE: &[Later] = &[
    ("authors", "give authors in the Cargo packages"),
    ("repository", "give the repository in the Cargo packages"),
    ("stateless", "every service runs as one instance"),
    ("instances", "every service runs as one instance"),
    ("eager", "services are instantiated when they are started"),
];
const LATER_MODULE: &[Later] = &[
    ("build", "build the component first and list it with `wasm`"),
    ("version", "requirements on versions come with a later version"),
    ("interface", "a module has to export one interface"),
    ("binaries", "mounted binaries come with a later version"),
    ("hosts", "outbound HTTP comes with a later version"),
    ("kv", "key-value stores come with a later version; a volume in `dirs` keeps files"),
    ("vault", "the particle's vault comes with a later version"),
];
/// Keys of the predecessor's configuration, with what they are called here.
const OLD_MODULE: &[Later] = &[
    ("mem_pages_count", "write `memory = \"64 MiB\"`"),
    ("max_heap_size", "write `memory = \"64 MiB\"`"),
    ("load_from", "write `wasm = \"path/to/module.wasm\"`"),
    ("file_name", "write `wasm = \"path/to/module.wasm\"`"),
    ("mapped_dirs", "write `dirs = { \"/guest\" = { host = \"path\", mode = \"rw\" } }`"),
    ("preopened_files", "write `dirs = { \"/guest\" = { host = \"path\", mode = \"rw\" } }`"),
    ("envs", "write `env = { NAME = \"value\" }`"),
    ("mounted_binaries", "mounted binaries come with a later version"),
    ("logger_enabled", "write `log = \"info\"` or `log = \"off\"`"),
    ("logging_mask", "masks of log targets come with a later version"),
];
const SOURCES: &str = "give one of `crate = \"path\"`, `wasm = \"file.wasm\"` or `cid = \"bafk..\"`";

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
    top.finish(LATER_TOP);

    let names: BTreeSet<&str> = modules.iter().map(|module| module.entry.name.as_str()).collect();
    for module in &modules {
        for need in &module.needs {
            check_reference(need, &names);
        }
    }
    let service = match service_facade {
        Some((service, facade)) => {
            if let Some(entry) = &facade {
                check_reference(entry, &names);
            }
            service
        }
        None => ServiceSection { name: default_name(&dir), version: None, description: None, facade: None },
    };
    let modules: Vec<ModuleEntry> = modules.into_iter().map(|module| module.entry).collect();
    (!modules.is_empty()).then(|| Manifest { path, dir, service, limits: limits.unwrap_or_default(), modules })
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
        let help = match nearest(&name, names.iter().copied()) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("modules: {}", names.iter().copied().collect::<Vec<_>>().join(", ")),
        };
        let message = format!("`{}` is {}, which is no module of this manifest", entry.key, excerpt(&name));
        entry.wrong(Code::NoSuchModule, message, Some(help));
    }
}

/// Returns the section and, for the check against the modules, where the facade is named.
fn read_service<'r, 't>(mut table: Table<'r, 't>, dir: &Path) -> (ServiceSection, Option<Entry<'r, 't>>) {
    let name = match table.take("name") {
        Some(entry) => read_name(&entry),
        None => None,
    };
    let facade = table.take("facade");
    let section = ServiceSection {
        name: name.unwrap_or_else(|| default_name(dir)),
        version: table.take("version").and_then(|entry| entry.parsed("a version", semver_text)),
        description: table.take("description").and_then(|entry| entry.text("a text")),
        facade: facade.as_ref().filter(|entry| entry.is_text()).and_then(|entry| entry.text("a module")),
    };
    table.finish(LATER_SERVICE);
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
    let source = read_source(&mut table, dir);
    let target = table.take("target");
    if let (Some(entry), Some(Source::Wasm(_) | Source::Cid(_))) = (&target, &source) {
        let message = format!("`{}` chooses a binary of a Cargo package, and this module has none", entry.key);
        entry.wrong_key(Code::BadValue, message, Some("remove the line".to_owned()));
    }
    let needs = table.take("needs").and_then(|entry| entry.table("a table of imports")).map(Table::take_all);
    let needs = needs.unwrap_or_default();
    let grants = Grants {
        dirs: table
            .take("dirs")
            .and_then(|entry| entry.table("a table of directories"))
            .map_or_else(BTreeMap::new, |dirs| read_dirs(dirs, dir)),
        env: table
            .take("env")
            .and_then(|entry| entry.table("a table of variables"))
            .map_or_else(BTreeMap::new, read_env),
    };
    let entry = ModuleEntry {
        name,
        source: source.unwrap_or_else(|| Source::Crate(String::new())),
        target: target.and_then(|entry| entry.text("the name of a binary")),
        needs: needs.iter().filter(|need| need.is_text()).filter_map(read_need).collect(),
        grants,
        memory: table.take("memory").and_then(|entry| read_size(&entry)),
        log: table.take("log").and_then(|entry| read_log(&entry)).unwrap_or_default(),
    };
    let later: Vec<Later> = LATER_MODULE.iter().chain(OLD_MODULE).copied().collect();
    table.finish(&later);
    ReadModule { entry, needs }
}

fn read_need(need: &Entry<'_, '_>) -> Option<(String, String)> {
    Some((need.name.clone(), need.text("the name of a module")?))
}

fn read_source(table: &mut Table<'_, '_>, dir: &Path) -> Option<Source> {
    let given: Vec<Entry<'_, '_>> = ["crate", "wasm", "cid"].into_iter().filter_map(|key| table.take(key)).collect();
    let [entry] = given.as_slice() else {
        match given.get(1) {
            Some(second) => {
                let keys = given.iter().map(|entry| format!("`{}`", entry.name)).collect::<Vec<_>>().join(" and ");
                let message = format!("`{}` has {keys}: a module has exactly one source", table.key);
                second.wrong_key(Code::Source, message, Some(SOURCES.to_owned()));
            }
            None => table.wrong_with(Code::Source, format!("`{}` has no source", table.key), SOURCES),
        }
        return None;
    };
    let expected = "a text";
    match entry.name.as_str() {
        "crate" => entry.parsed(expected, not_empty).map(Source::Crate),
        "wasm" => entry.parsed(expected, not_empty).map(|file| Source::Wasm(dir.join(file))),
        _ => entry.parsed(expected, read_cid).map(Source::Cid),
    }
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

fn read_log(entry: &Entry<'_, '_>) -> Option<LogLevel> {
    if !entry.is_text() {
        let help = "filters and masks come with a later version; write `log = \"info\"`";
        entry.wrong(
            Code::Unsupported,
            format!("`{}` can only be a level in this version", entry.key),
            Some(help.into()),
        );
        return None;
    }
    let levels = LogLevel::ALL.map(LogLevel::as_str).join(", ");
    entry.parsed("a level", |text| {
        LogLevel::ALL.into_iter().find(|level| level.as_str() == text).ok_or(format!("expected one of {levels}"))
    })
}

fn read_env(table: Table<'_, '_>) -> BTreeMap<String, EnvValue> {
    let mut env = BTreeMap::new();
    for entry in table.take_all() {
        let name = entry.name.clone();
        if let Err(why) = check_variable(&name) {
            entry.wrong_key(
                Code::BadName,
                format!("{} is no name of a variable", excerpt(&name)),
                Some(why.to_string()),
            );
            continue;
        }
        let value = if entry.is_text() {
            entry.parsed("a text", no_nul).map(EnvValue::Text)
        } else {
            entry.table("a text or `{ from = \"HOST_VARIABLE\" }`").and_then(read_from)
        };
        env.extend(value.map(|value| (name, value)));
    }
    env
}

fn no_nul(text: &str) -> Result<String, String> {
    if text.contains('\0') { Err("a value cannot hold NUL".to_owned()) } else { Ok(text.to_owned()) }
}

fn read_from(mut table: Table<'_, '_>) -> Option<EnvValue> {
    let from = table.take("from");
    if from.is_none() {
        table.missing("from", "name the host's variable: `{ from = \"HOST_VARIABLE\" }`");
    }
    table.finish(&[]);
    from?.parsed("the name of a host variable", |text| match check_variable(text) {
        Ok(()) => Ok(EnvValue::From(text.to_owned())),
        Err(why) => Err(why.to_string()),
    })
}

fn read_dirs(table: Table<'_, '_>, manifest_dir: &Path) -> BTreeMap<String, Dir> {
    let mut dirs: BTreeMap<String, Dir> = BTreeMap::new();
    let mut guests: Vec<String> = Vec::new();
    for entry in table.take_all() {
        let guest = entry.name.clone();
        if let Err(why) = check_guest_path(&guest) {
            entry.wrong_key(Code::GuestPath, format!("{} cannot be granted", excerpt(&guest)), Some(why.to_string()));
        } else if let Some(other) = guests.iter().find(|other| paths_overlap(&guest, other)) {
            let help = "grant the outer directory alone, or directories beside each other".to_owned();
            entry.wrong_key(Code::GuestPath, format!("{guest:?} and {other:?} lie inside each other"), Some(help));
        }
        guests.push(guest.clone());
        dirs.extend(read_dir(entry, manifest_dir).map(|dir| (guest, dir)));
    }
    dirs
}

fn read_dir(entry: Entry<'_, '_>, manifest_dir: &Path) -> Option<Dir> {
    if entry.is_text() {
        let path = entry.parsed("a path", not_empty)?;
        return Some(Dir::Host { path: manifest_dir.join(path), mode: Mode::ReadOnly, create: false });
    }
    let mut table = entry.table("a path, `{ host = \"path\" }`, `{ volume = \"name\" }` or `{ temp = true }`")?;
    let [host, volume, temp] = ["host", "volume", "temp"].map(|key| table.take(key));
    let dir = match (host, volume, temp) {
        (Some(host), None, None) => host.parsed("a path", not_empty).map(|path| Dir::Host {
            path: manifest_dir.join(path),
            mode: read_mode(&mut table, Mode::ReadOnly),
            create: table.take("create").and_then(|entry| entry.boolean()).unwrap_or(false),
        }),
        (None, Some(volume), None) => {
            read_name(&volume).map(|name| Dir::Volume { name, mode: read_mode(&mut table, Mode::ReadWrite) })
        }
        (None, None, Some(temp)) => {
            if temp.boolean() == Some(false) {
                temp.wrong(Code::BadValue, format!("`{}` can only be true", temp.key), None);
            }
            Some(Dir::Temp)
        }
        _ => {
            let message = format!("`{}` is not exactly one of host directory, volume and scratch", table.key);
            table.wrong_with(
                Code::BadValue,
                message,
                "give one of `host = \"path\"`, `volume = \"name\"`, `temp = true`",
            );
            None
        }
    };
    table.finish(&[("quota", "quotas of volumes come with a later version")]);
    dir
}

fn read_mode(table: &mut Table<'_, '_>, default: Mode) -> Mode {
    let Some(entry) = table.take("mode") else { return default };
    let read = |text: &str| match text {
        "ro" => Ok(Mode::ReadOnly),
        "rw" => Ok(Mode::ReadWrite),
        _ => Err("expected \"ro\" (reading) or \"rw\" (reading and writing)".to_owned()),
    };
    entry.parsed("\"ro\" or \"rw\"", read).unwrap_or(default)
}

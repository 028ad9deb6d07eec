//! What a service is and does, as text for people and as JSON for programs.

use std::path::Path;

use marine_manifest::{EnvValue, LogLevel};
use marine_runtime::{DirectoryKind, Function, Interface, LogRecord, Module, Plan, Service};
use serde_json::{Value, json};

use super::command::Command;
use super::composition::Made;
use super::{records, snake};
use crate::exit::{Exit, Failure, Outcome};
use crate::ui::{count, micros, size};

/// The most entries of a directory that are listed.
const MAX_ENTRIES: usize = 500;

/// Text and JSON.
type View = (String, Value);

/// `interface [MODULE|FN] [--wit|--aqua]`.
pub(super) fn interface(service: &Service, command: &Command, rest: &str) -> Outcome<View> {
    let (mut what, mut form) = (None, None);
    for word in rest.split_whitespace() {
        match word {
            "--wit" | "--aqua" if form.is_none() => form = Some(word),
            word if what.is_none() && !word.starts_with('-') => what = Some(word),
            word => return Err(command.misused(format!("`{word}` is not expected here"))),
        }
    }
    let plan = service.plan();
    let (name, interface, function) = match what {
        None => (plan.facade().name(), service.interface(), None),
        Some(word) => match (module(service, word), service.interface().function(word)) {
            (Ok(module), _) => (module.name(), module.interface(), None),
            (Err(_), Some(function)) => (plan.facade().name(), service.interface(), Some(function)),
            (Err(failure), None) => return Err(failure),
        },
    };
    let text = match (form, function) {
        (None, None) => signatures(&interface.functions),
        (None, Some(function)) => signatures(std::slice::from_ref(function)),
        (Some("--wit"), None) => interface.to_wit(),
        (Some("--wit"), Some(function)) => format!("{}: {}", function.name, function.signature()),
        _ => interface.to_aqua(&camel(name), None),
    };
    let functions: Vec<_> = interface.functions.iter().map(Function::outside).collect();
    let result = json!({ "module": name, "id": interface.id, "functions": functions, "wit": interface.to_wit() });
    Ok((text.trim_end().to_owned(), result))
}

fn signatures(functions: &[Function]) -> String {
    let mut text = String::new();
    for function in functions {
        for line in function.docs.iter().flat_map(|docs| docs.lines()) {
            text += format!("/// {line}").trim_end();
            text.push('\n');
        }
        text += &function.outside();
        text.push('\n');
    }
    if text.is_empty() { "no functions".to_owned() } else { text }
}

/// `CamelCase` of a kebab-case name.
pub(crate) fn camel(name: &str) -> String {
    let upper = |word: &str| {
        let mut chars = word.chars();
        chars.next().map(|first| first.to_uppercase().chain(chars).collect::<String>()).unwrap_or_default()
    };
    name.split(['-', '_']).map(upper).collect()
}

/// The module called `name`.
pub(super) fn module<'s>(service: &'s Service, name: &str) -> Outcome<&'s Module> {
    find(service.plan(), name)
}

/// The full name of the module that the user calls `name`.
pub(crate) fn known_module(plan: &Plan, name: &str) -> Outcome<String> {
    find(plan, name).map(|module| module.name().to_owned())
}

fn find<'p>(plan: &'p Plan, name: &str) -> Outcome<&'p Module> {
    let known = || plan.modules();
    known().find(|module| snake(module.name()) == snake(name)).ok_or_else(|| {
        let names: Vec<_> = known().map(Module::name).collect();
        Failure::new(Exit::Call, format!("error[M501]: there is no module `{name}`"))
            .help(format!("the service has {}", names.join(", ")))
    })
}

/// `stats`.
pub(super) fn stats(service: &Service) -> View {
    let stats = service.stats();
    let mut text = format!(
        "{} ({} failed), {} ({} lost), memory {} (peak {})",
        count(stats.calls as usize, "call"),
        stats.failures,
        count(stats.instances as usize, "instance"),
        stats.restarts,
        size(stats.memory),
        size(stats.memory_peak)
    );
    let mut modules = Vec::new();
    for module in &stats.modules {
        text += &format!("\n  {:<24} memory {} (peak {})", module.name, size(module.memory), size(module.memory_peak));
        let mut functions = Vec::new();
        for function in &module.functions {
            let name = format!("{}.{}", module.name, function.name);
            let (calls, failures) = (count(function.calls as usize, "call"), function.failures);
            let (last, longest) = (micros(function.last), micros(function.longest));
            text += &format!("\n  {name:<24} {calls} ({failures} failed), last {last}, longest {longest}");
            functions.push(json!({
                "function": function.name, "calls": function.calls, "failures": failures,
                "total_micros": function.total.as_micros() as u64, "last_micros": function.last.as_micros() as u64,
                "longest_micros": function.longest.as_micros() as u64,
            }));
        }
        modules.push(json!({
            "module": module.name, "memory": module.memory, "memory_peak": module.memory_peak, "functions": functions,
        }));
    }
    let result = json!({
        "calls": stats.calls, "failures": stats.failures, "instances": stats.instances, "restarts": stats.restarts,
        "memory": stats.memory, "memory_peak": stats.memory_peak, "dropped_records": stats.dropped_records, "modules": modules,
    });
    (text, result)
}

/// `envs [MODULE]`.
pub(super) fn variables(made: &Made, wanted: Option<&str>) -> Outcome<View> {
    let (mut text, mut result) = (String::new(), serde_json::Map::new());
    for module in made.service.modules().filter(|name| wanted.is_none_or(|wanted| wanted == *name)) {
        let granted =
            made.manifest.as_ref().and_then(|manifest| manifest.module(module)).map(|entry| &entry.grants.env);
        text += &format!("{module}\n  service_id = {}\n", made.service.id());
        let mut variables = serde_json::Map::from_iter([("service_id".to_owned(), json!(made.service.id()))]);
        for (name, value) in granted.into_iter().flatten() {
            let (shown, value) = match value {
                EnvValue::Text(value) => (value.clone(), json!(value)),
                EnvValue::From(host) => (format!("*** (from {host})"), json!({ "from": host })),
            };
            text += &format!("  {name} = {shown}\n");
            variables.insert(name.clone(), value);
        }
        result.insert(module.to_owned(), variables.into());
    }
    Ok((text.trim_end().to_owned(), result.into()))
}

/// `fs [MODULE] [PATH]`.
pub(super) fn files(made: &Made, rest: &str) -> Outcome<View> {
    let (name, path) = match rest.split_once(char::is_whitespace) {
        Some((name, path)) => (name, path.trim()),
        None if rest.starts_with('/') => ("", rest),
        None => (rest, ""),
    };
    let wanted = if name.is_empty() { None } else { Some(module(&made.service, name)?.name()) };
    let (mut text, mut result) = (String::new(), serde_json::Map::new());
    for module in made.service.modules().filter(|name| wanted.is_none_or(|wanted| wanted == *name)) {
        let mut places = Vec::new();
        let mut lines = String::new();
        for place in made.service.directories(module).unwrap_or_default() {
            if !path.is_empty() && !below(path, &place.guest) {
                continue;
            }
            let kind = match &place.kind {
                DirectoryKind::Host => "directory of the host".to_owned(),
                DirectoryKind::Volume(name) => format!("volume `{name}`"),
                DirectoryKind::Vault => "vault of the particle that calls".to_owned(),
                DirectoryKind::Scratch => "scratch, empty at each instantiation".to_owned(),
            };
            lines += &format!("  {} ({}, {kind})\n", place.guest, place.mode);
            let entries = match (path.is_empty(), &place.path) {
                (false, Some(host)) => entries(host, path.trim_start_matches(&place.guest).trim_matches('/'))?,
                _ => Vec::new(),
            };
            for (name, bytes) in &entries {
                lines += &match bytes {
                    Some(bytes) => format!("    {name}  {}\n", size(*bytes)),
                    None => format!("    {name}/\n"),
                };
            }
            places.push(json!({ "guest": place.guest, "mode": place.mode.as_str(), "kind": kind, "entries": entries }));
        }
        if lines.is_empty() && path.is_empty() {
            lines = "  no directories\n".to_owned();
        }
        if !lines.is_empty() {
            text += &format!("{module}\n{lines}");
        }
        result.insert(module.to_owned(), places.into());
    }
    if text.is_empty() {
        return Err(Failure::new(Exit::Call, format!("error[M606]: no module sees `{path}`"))
            .help("`fs` lists what modules see"));
    }
    Ok((text.trim_end().to_owned(), result.into()))
}

/// Whether the guest path `path` is `dir` or lies in it.
fn below(path: &str, dir: &str) -> bool {
    let path = path.trim_end_matches('/');
    path == dir || path.strip_prefix(dir).is_some_and(|rest| rest.starts_with('/'))
}

/// Names and sizes (`None` for directories) in `inner` below `root`. As for the guest, nothing outside of `root` can be reached.
fn entries(root: &Path, inner: &str) -> Outcome<Vec<(String, Option<u64>)>> {
    let refused = |why: &dyn std::fmt::Display| {
        Failure::new(Exit::Call, format!("error[M606]: `{inner}` cannot be listed: {why}"))
    };
    let dir = root.join(inner).canonicalize().map_err(|error| refused(&error))?;
    let root = root.canonicalize().map_err(|error| refused(&error))?;
    if !dir.starts_with(&root) {
        return Err(refused(&"it leads out of the directory that was granted"));
    }
    if dir.is_file() {
        let bytes = dir.metadata().map_or(0, |about| about.len());
        return Ok(vec![(dir.file_name().unwrap_or_default().to_string_lossy().into_owned(), Some(bytes))]);
    }
    let listed = std::fs::read_dir(&dir).map_err(|error| refused(&error))?;
    let mut entries: Vec<_> = listed
        .flatten()
        .take(MAX_ENTRIES)
        .map(|entry| {
            let about = entry.metadata().ok().filter(|about| !about.is_dir());
            (entry.file_name().to_string_lossy().into_owned(), about.map(|about| about.len()))
        })
        .collect();
    entries.sort();
    Ok(entries)
}

/// `grants [MODULE]`.
pub(super) fn grants(made: &Made, wanted: Option<&str>) -> Outcome<View> {
    Ok(crate::commands::permissions::listed(made.service.plan(), wanted))
}

/// The records of `logs`.
pub(super) fn records(records: &[LogRecord]) -> View {
    let text: Vec<_> = records.iter().map(records::line).collect();
    let result = records.iter().map(|record| {
        json!({ "module": &*record.module, "level": record.level.as_str(), "target": record.target, "message": record.message })
    });
    (text.join("\n"), result.collect())
}

/// The level that a word names; everything if there is none.
pub(super) fn level(command: &Command, word: &str) -> Outcome<LogLevel> {
    if word.is_empty() {
        return Ok(LogLevel::Trace);
    }
    let level = LogLevel::ALL.into_iter().find(|level| level.as_str() == word);
    level.ok_or_else(|| command.misused(format!("`{word}` is no level; levels are error, warn, info, debug, trace")))
}

/// What differs between two versions of a service's interfaces.
pub(super) fn changes(before: &[(String, Interface)], after: &[(String, Interface)]) -> String {
    let mut text = String::new();
    for (name, old) in before {
        match after.iter().find(|(known, _)| known == name) {
            None => text += &format!("- module {name}\n"),
            Some((_, new)) => {
                let changes = old.diff(new);
                if !changes.is_empty() {
                    text += &format!("{name}\n");
                }
                for line in
                    changes.iter().flat_map(|change| change.to_string().lines().map(str::to_owned).collect::<Vec<_>>())
                {
                    text += &format!("  {line}\n");
                }
            }
        }
    }
    for (name, _) in after.iter().filter(|(name, _)| !before.iter().any(|(known, _)| known == name)) {
        text += &format!("+ module {name}\n");
    }
    let first = if text.is_empty() { "the interfaces are as before" } else { "interfaces changed:" };
    format!("{first}; what modules kept in memory is lost\n{text}").trim_end().to_owned()
}

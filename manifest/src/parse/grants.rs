//! The keys that grant: `dirs`, `env`, `binaries`, `hosts`, `kv`, `vault`.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use super::{checked_duration, known_modules, not_empty, read_name, read_size};
use crate::binary::{ArgPolicy, BinaryGrant};
use crate::error::Code;
use crate::grants::{Dir, EnvValue, Grants, KvGrant, Mode};
use crate::host::HostGrant;
use crate::names::{check_guest_path, check_name, check_variable, is_within, paths_overlap};
use crate::table::{Entry, Table, excerpt};

/// The longest name of a program as modules call it, in bytes.
const MAX_BINARY_NAME: usize = 64;

/// Which directories the arguments of programs may name.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Places {
    /// Those granted in the same table.
    Own,
    /// Others too: the table adds to grants that are not known here.
    Added,
}

/// `[test.MODULE]`, `[repl.MODULE]`: grants that are added to those of modules.
pub(super) fn read_extra(entry: Entry<'_, '_>, dir: &Path, names: &BTreeSet<&str>) -> BTreeMap<String, Grants> {
    let entries = entry.table("a table of modules").map(Table::take_all).unwrap_or_default();
    let mut extra = BTreeMap::new();
    for entry in entries {
        let name = entry.name.clone();
        if !names.contains(name.as_str()) {
            let message = format!("`{}` is for {}, which is no module of this manifest", entry.key, excerpt(&name));
            entry.wrong_key(Code::NoSuchModule, message, Some(known_modules(&name, names)));
        }
        if let Some(mut table) = entry.table("a table of grants") {
            extra.insert(name, read_grants(&mut table, dir, Places::Added));
            table.finish(&[]);
        }
    }
    extra
}

pub(super) fn read_grants(table: &mut Table<'_, '_>, dir: &Path, places: Places) -> Grants {
    let dirs = table.take("dirs").and_then(|entry| entry.table("a table of directories"));
    let mut dirs = dirs.map_or_else(BTreeMap::new, |dirs| read_dirs(dirs, dir));
    if let Some(entry) = table.take("vault") {
        read_vault(&entry, &mut dirs);
    }
    let env = table.take("env").and_then(|entry| entry.table("a table of variables"));
    let binaries = table.take("binaries").and_then(|entry| entry.table("a table of programs")).map(Table::take_all);
    let known = |guest: &str| places == Places::Added || dirs.contains_key(guest);
    let binaries = binaries.into_iter().flatten().filter_map(|entry| read_binary(entry, &known)).collect();
    let hosts = table.take("hosts").map(|entry| entry.items("a list of hosts such as \"https://example.com\""));
    let hosts = hosts.into_iter().flatten().filter_map(|entry| read_host(&entry)).collect();
    let kv = table.take("kv").map(read_stores).unwrap_or_default();
    Grants { env: env.map_or_else(BTreeMap::new, read_env), dirs, binaries, hosts, kv }
}

fn read_host(entry: &Entry<'_, '_>) -> Option<HostGrant> {
    entry.parsed("a host such as \"https://example.com\"", |text| {
        text.parse().map_err(|why: crate::names::NameError| why.to_string())
    })
}

fn read_stores(entry: Entry<'_, '_>) -> BTreeMap<String, KvGrant> {
    const EXPECTED: &str = "a list of names, or a table `{ name = { mode = \"rw\", quota = \"10 MiB\" } }`";
    let mut stores = BTreeMap::new();
    if entry.is_array() {
        for item in entry.items(EXPECTED) {
            if let Some(name) = read_name(&item)
                && stores.insert(name.clone(), KvGrant::default()).is_some()
            {
                item.wrong(Code::Duplicate, format!("`{}` lists `{name}` again", item.key), None);
            }
        }
        return stores;
    }
    for entry in entry.table(EXPECTED).map(Table::take_all).unwrap_or_default() {
        let name = entry.name.clone();
        if let Err(why) = check_name(&name) {
            entry.wrong_key(Code::BadName, format!("{} is no name of a store", excerpt(&name)), Some(why.to_string()));
        }
        let Some(mut table) = entry.table("a table `{ mode = \"rw\", quota = \"10 MiB\" }`") else { continue };
        let default = KvGrant::default();
        let mode = read_mode(&mut table, default.mode);
        let quota = table.take("quota").and_then(|entry| read_size(&entry)).unwrap_or(default.quota);
        table.finish(&[]);
        stores.insert(name, KvGrant { mode, quota });
    }
    stores
}

fn read_binary(entry: Entry<'_, '_>, known: &dyn Fn(&str) -> bool) -> Option<(String, BinaryGrant)> {
    let name = entry.name.clone();
    if name.is_empty() || name.len() > MAX_BINARY_NAME || name.contains(['\0', '/']) {
        let help = format!("modules call it by this name: 1 to {MAX_BINARY_NAME} bytes, no `/`");
        entry.wrong_key(Code::BadName, format!("{} is no name of a program", excerpt(&name)), Some(help));
    }
    if entry.is_text() {
        let path = entry.parsed("a program", read_program)?;
        return Some((name, BinaryGrant::new(path)));
    }
    let mut table = entry.table("a path, or `{ path = \"..\", args = [[..]] }`")?;
    let Some(path) = table.take("path") else {
        table.missing("path", "say which program: `path = \"/usr/bin/tool\"`, or a bare name that is looked up");
        return None;
    };
    let mut grant = BinaryGrant::new(path.parsed("a program", read_program).unwrap_or_default());
    if let Some(entry) = table.take("args") {
        grant.args = read_policy(entry, known);
    }
    if let Some(env) = table.take("env").and_then(|entry| entry.table("a table of variables")) {
        grant.env = read_env(env);
    }
    if let Some(entry) = table.take("cwd") {
        grant.cwd = entry.text("a directory of the module").inspect(|guest| check_granted(&entry, guest, known));
    }
    if let Some(entry) = table.take("timeout") {
        grant.timeout = entry.parsed("a duration such as \"5s\"", checked_duration).unwrap_or(grant.timeout);
    }
    for (key, place) in [("max_output", &mut grant.max_output), ("memory", &mut grant.memory)] {
        if let Some(bytes) = table.take(key).and_then(|entry| read_size(&entry)) {
            *place = bytes;
        }
    }
    grant.blake3 = table.take("blake3").and_then(|entry| entry.parsed("a hash in hex", read_hash));
    table.finish(&[]);
    Some((name, grant))
}

fn read_program(text: &str) -> Result<String, String> {
    if text.is_empty() || text.contains('\0') || (text.contains('/') && !text.starts_with('/')) {
        return Err("expected an absolute path, or a bare name that is looked up in PATH".to_owned());
    }
    Ok(text.to_owned())
}

fn read_hash(text: &str) -> Result<String, String> {
    let is_hash = text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    if is_hash {
        Ok(text.to_ascii_lowercase())
    } else {
        Err("expected 64 hex digits, as `b3sum FILE` prints".to_owned())
    }
}

fn read_policy(entry: Entry<'_, '_>, known: &dyn Fn(&str) -> bool) -> ArgPolicy {
    const EXPECTED: &str = "\"any\", or a list of templates such as [[\"-v\", \"<path:/in>\"]]";
    if entry.is_text() {
        let any = |text: &str| if text == "any" { Ok(ArgPolicy::Any) } else { Err(format!("expected {EXPECTED}")) };
        return entry.parsed(EXPECTED, any).unwrap_or(ArgPolicy::Any);
    }
    let mut templates = Vec::new();
    for item in entry.items(EXPECTED) {
        let tokens = item.texts("a template: a list of tokens such as [\"-v\", \"<any>\"]");
        match ArgPolicy::templates(&[tokens]) {
            Ok(policy) => {
                policy.paths().for_each(|guest| check_granted(&item, guest, known));
                templates.extend(match policy {
                    ArgPolicy::Templates(one) => one,
                    ArgPolicy::Any => Vec::new(),
                });
            }
            Err(why) => item.wrong(Code::BadValue, format!("`{}`: {why}", item.key), None),
        }
    }
    ArgPolicy::Templates(templates)
}

fn check_granted(entry: &Entry<'_, '_>, guest: &str, known: &dyn Fn(&str) -> bool) {
    if !known(guest) {
        let help = format!("add it: `dirs = {{ {guest:?} = \"path\" }}`");
        entry.wrong(Code::BadValue, format!("`{}` uses {guest:?}, which is not granted here", entry.key), Some(help));
    }
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

fn read_vault(entry: &Entry<'_, '_>, dirs: &mut BTreeMap<String, Dir>) {
    if entry.boolean() != Some(true) {
        return;
    }
    match dirs.keys().find(|guest| is_within(guest, Dir::VAULT)) {
        Some(guest) => {
            let help = "grant the directory elsewhere, or leave `vault` out".to_owned();
            entry.wrong_key(
                Code::GuestPath,
                format!("the vault is seen at {}, and so is {guest:?}", Dir::VAULT),
                Some(help),
            );
        }
        None => drop(dirs.insert(Dir::VAULT.to_owned(), Dir::Vault)),
    }
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
            let quota = table.take("quota").and_then(|entry| read_size(&entry)).unwrap_or(Dir::VOLUME_QUOTA);
            read_name(&volume).map(|name| Dir::Volume { name, mode: read_mode(&mut table, Mode::ReadWrite), quota })
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
    table.finish(&[("quota", "only volumes have a quota")]);
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

//! What a service may do and why, and what in its manifest is of no use.

use std::fmt;

use marine_manifest::{ArgPolicy, ArgToken, BinaryGrant, Dir, EnvValue, HostGrant, KvGrant, Mode};

use super::check::{Wire, Wiring};
use crate::spec::{ModuleSpec, ServiceSpec};

/// One thing that a module may do.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Permission {
    /// The module.
    pub module: String,
    /// What it may do.
    pub access: Access,
    /// Who says so.
    pub source: PermissionSource,
    /// Whether the module imports an interface through which it can do that.
    pub used: bool,
}

/// What a module may do.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Access {
    /// See a directory.
    Dir {
        /// Where it sees it.
        guest: String,
        /// What it is.
        dir: Dir,
    },
    /// See a directory that it asks for by name.
    AskedDir {
        /// Where it sees it.
        guest: String,
        /// The name it asks with.
        ask: String,
        /// Whether it may write.
        mode: Mode,
    },
    /// Read a variable.
    Env {
        /// Its name for it.
        name: String,
        /// The host's variable; `None` if the value is fixed.
        from: Option<String>,
    },
    /// Run a program.
    Binary {
        /// Its name for it.
        name: String,
        /// Which, and how.
        grant: BinaryGrant,
    },
    /// Send HTTP requests.
    Host(HostGrant),
    /// Use a key-value store.
    Store {
        /// Its name.
        name: String,
        /// How, and how much.
        grant: KvGrant,
    },
    /// Call an interface of the host's embedder.
    Interface(String),
    /// Read clocks.
    Clocks,
    /// Get random numbers.
    Randomness,
}

/// Who lets a module do something.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum PermissionSource {
    /// Its entry in the manifest.
    Manifest,
    /// Nobody yet: it asks, and whoever runs the service decides.
    Asked,
    /// Every module may.
    Always,
}

/// Something in a service that works but is hardly meant like that.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct LinkWarning {
    /// The stable code.
    pub code: &'static str,
    /// The module.
    pub module: String,
    /// What is odd.
    pub message: String,
    /// What to do about it.
    pub help: String,
}

/// Interfaces by which grants of each kind are used; a trailing slash stands for a whole package.
const FILES: &[&str] = &["wasi:filesystem/"];
const VARIABLES: &[&str] = &["wasi:cli/environment"];
const PROGRAMS: &[&str] = &["marine:host/binaries"];
const WEB: &[&str] = &["marine:host/http", "wasi:http/"];
const STORES: &[&str] = &["marine:host/keyvalue"];

pub(super) fn permissions(spec: &ServiceSpec, wiring: &Wiring) -> Vec<Permission> {
    let of = |(module, wires): (_, &Vec<Wire>)| {
        let mut all = of_module(module);
        all.extend(wires.iter().filter_map(|wire| interface(module, wire)));
        all
    };
    spec.modules.iter().zip(&wiring.modules).flat_map(of).collect()
}

/// That the module may call what it imports of the embedder.
fn interface(spec: &ModuleSpec, wire: &Wire) -> Option<Permission> {
    let Wire::Embedder(import) = wire else { return None };
    let (module, access) = (spec.module.name().to_owned(), Access::Interface(import.clone()));
    Some(Permission { module, access, source: PermissionSource::Asked, used: true })
}

fn of_module(spec: &ModuleSpec) -> Vec<Permission> {
    use PermissionSource::{Always, Asked, Manifest};
    let name = spec.module.name();
    let mut all = Vec::new();
    let mut add = |access: Access, source, interfaces: &[&str]| {
        let used = imports(spec, interfaces) || runs_with(spec, &access);
        all.push(Permission { module: name.to_owned(), access, source, used });
    };
    for (guest, dir) in &spec.grants.dirs {
        add(Access::Dir { guest: guest.clone(), dir: dir.clone() }, Manifest, FILES);
    }
    for (guest, asked) in &spec.asked_dirs {
        add(Access::AskedDir { guest: guest.clone(), ask: asked.ask.clone(), mode: asked.mode }, Asked, FILES);
    }
    for (name, value) in &spec.grants.env {
        let from = match value {
            EnvValue::Text(_) => None,
            EnvValue::From(variable) => Some(variable.clone()),
        };
        add(Access::Env { name: name.clone(), from }, Manifest, VARIABLES);
    }
    for (name, variable) in &spec.asked_env {
        add(Access::Env { name: name.clone(), from: Some(variable.clone()) }, Asked, VARIABLES);
    }
    for (source, programs) in [(Manifest, &spec.grants.binaries), (Asked, &spec.asked_binaries)] {
        for (name, grant) in programs {
            add(Access::Binary { name: name.clone(), grant: grant.clone() }, source, PROGRAMS);
        }
    }
    for (source, hosts) in [(Manifest, &spec.grants.hosts), (Asked, &spec.asked_hosts)] {
        hosts.iter().for_each(|host| add(Access::Host(host.clone()), source, WEB));
    }
    for (name, grant) in &spec.grants.kv {
        add(Access::Store { name: name.clone(), grant: *grant }, Manifest, STORES);
    }
    add(Access::Clocks, Always, &["wasi:clocks/"]);
    add(Access::Randomness, Always, &["wasi:random/"]);
    all
}

fn imports(spec: &ModuleSpec, interfaces: &[&str]) -> bool {
    spec.module.imports().any(|import| {
        interfaces.iter().any(|interface| match interface.strip_suffix('/') {
            Some(package) => import.split('/').next() == Some(package),
            None => import.split('@').next() == Some(interface),
        })
    })
}

/// Whether a granted program works with a directory or host.
fn runs_with(spec: &ModuleSpec, access: &Access) -> bool {
    let mut programs = spec.grants.binaries.values().chain(spec.asked_binaries.values());
    let names_hosts = |grant: &BinaryGrant| match &grant.args {
        ArgPolicy::Any => false,
        ArgPolicy::Templates(templates) => templates.iter().flatten().any(|token| *token == ArgToken::Host),
    };
    match access {
        Access::Dir { guest, .. } | Access::AskedDir { guest, .. } => {
            programs.any(|grant| grant.args.paths().chain(grant.cwd.as_deref()).any(|path| path == guest))
        }
        Access::Host(_) => programs.any(names_hosts),
        _ => false,
    }
}

pub(super) fn warnings(spec: &ServiceSpec, wiring: &Wiring) -> Vec<LinkWarning> {
    let mut all = Vec::new();
    for (index, module) in spec.modules.iter().enumerate() {
        useless(module, &mut all);
        ungranted(module, &mut all);
        if index != wiring.facade && !is_imported(index, wiring) {
            all.push(LinkWarning {
                code: "M431",
                module: module.module.name().to_owned(),
                message: format!("no module imports `{}`, and it is not the facade", module.module.name()),
                help: "remove it, or make it the facade with `service.facade`".to_owned(),
            });
        }
    }
    all
}

fn is_imported(index: usize, wiring: &Wiring) -> bool {
    let wires = || wiring.modules.iter().flatten();
    wires().any(|wire| matches!(wire, Wire::Module { provider, .. } if *provider == index))
}

/// Grants that the module cannot use, and arguments that nobody bounds.
fn useless(spec: &ModuleSpec, all: &mut Vec<LinkWarning>) {
    let module = spec.module.name();
    for permission in of_module(spec).iter().filter(|one| !one.used && one.source != PermissionSource::Always) {
        let message = format!("`{module}` may {}, but imports nothing that could use it", permission.access);
        let help = "remove the grant: what a module cannot do it need not be trusted with".to_owned();
        all.push(LinkWarning { code: "M430", module: module.to_owned(), message, help });
    }
    let unbounded = spec.grants.binaries.iter().filter(|(_, grant)| grant.args == ArgPolicy::Any);
    for (name, _) in unbounded {
        let message = format!("`{module}` may run `{name}` with any arguments");
        let help = "list the arguments that are meant: `args = [[\"-v\", \"<path:/dir>\"]]`, or write `args = \"any\"` knowingly";
        all.push(LinkWarning { code: "M433", module: module.to_owned(), message, help: help.to_owned() });
    }
}

/// Interfaces of the host that are imported while nothing is granted for them.
fn ungranted(spec: &ModuleSpec, all: &mut Vec<LinkWarning>) {
    let module = spec.module.name();
    let grants = &spec.grants;
    let kinds: [(&[&str], bool, &str); 3] = [
        (WEB, grants.hosts.is_empty() && spec.asked_hosts.is_empty(), "hosts = [\"https://example.com\"]"),
        (PROGRAMS, grants.binaries.is_empty() && spec.asked_binaries.is_empty(), "binaries = { name = \"path\" }"),
        (STORES, grants.kv.is_empty(), "kv = [\"name\"]"),
    ];
    for (interfaces, nothing, line) in kinds {
        let import =
            spec.module.imports().find(|import| interfaces.contains(&import.split('@').next().unwrap_or(import)));
        if let (Some(import), true) = (import, nothing) {
            let message = format!("`{module}` imports `{import}`, but nothing is granted for it: each use is refused");
            let help = format!("add to the module `{module}` of Marine.toml: {line}");
            all.push(LinkWarning { code: "M432", module: module.to_owned(), message, help });
        }
    }
}

impl LinkWarning {
    /// Code, message and help, as shown to a user.
    pub fn report(&self) -> String {
        format!("warning[{}]: {}\nhelp: {}", self.code, self.message, self.help)
    }
}

impl fmt::Display for Permission {
    /// One line: `till may read /in (data/in): dirs in Marine.toml`.
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(to, "{} may {}", self.module, self.access)?;
        match self.source {
            PermissionSource::Manifest => write!(to, ": granted by `{}` in the manifest", self.access.key())?,
            PermissionSource::Asked => to.write_str(": asked for, to be granted where it runs")?,
            PermissionSource::Always => to.write_str(": every module may")?,
        }
        if self.used { Ok(()) } else { to.write_str(" (it imports nothing that could)") }
    }
}

impl Access {
    /// The key of a module's entry that grants it; `always` where there is none.
    pub fn key(&self) -> &'static str {
        match self {
            Access::Dir { dir: Dir::Vault, .. } => "vault",
            Access::Dir { .. } | Access::AskedDir { .. } => "dirs",
            Access::Env { .. } => "env",
            Access::Binary { .. } => "binaries",
            Access::Host(_) => "hosts",
            Access::Store { .. } => "kv",
            Access::Interface(_) => "interfaces",
            Access::Clocks | Access::Randomness => "always",
        }
    }
}

impl fmt::Display for Access {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        let verb = |mode: Mode| if mode == Mode::ReadWrite { "read and write" } else { "read" };
        match self {
            Access::Dir { guest, dir: Dir::Host { path, mode, .. } } => {
                write!(to, "{} {guest} ({})", verb(*mode), path.display())
            }
            Access::Dir { guest, dir: Dir::Volume { name, mode, quota } } => {
                write!(to, "{} {guest} (volume `{name}`, up to {} MiB)", verb(*mode), quota.div_ceil(1 << 20))
            }
            Access::Dir { guest, dir: Dir::Vault } => {
                write!(to, "read and write {guest} (of the particle)")
            }
            Access::Dir { guest, dir: Dir::Temp } => write!(to, "read and write {guest} (scratch)"),
            Access::AskedDir { guest, ask, mode } => write!(to, "{} {guest} ({ask:?} of the host)", verb(*mode)),
            Access::Env { name, from: None } => write!(to, "see the variable {name}"),
            Access::Env { name, from: Some(from) } => write!(to, "see the variable {name} (the host's {from})"),
            Access::Binary { name, grant } => write!(to, "run `{name}` ({}) with {}", grant.path, grant.args),
            Access::Host(host) => write!(to, "reach {host}"),
            Access::Store { name, grant } => {
                write!(to, "{} the store `{name}` (up to {} KiB)", verb(grant.mode), grant.quota.div_ceil(1024))
            }
            Access::Interface(interface) => write!(to, "use `{interface}` of the host"),
            Access::Clocks => to.write_str("read clocks"),
            Access::Randomness => to.write_str("get random numbers"),
        }
    }
}

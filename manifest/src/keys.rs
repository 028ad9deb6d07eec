//! Every key of a `Marine.toml` as a table, from which the JSON schema is made and against which parser and book are tested.

/// One key.
#[derive(Clone, Copy, Debug)]
pub struct Key {
    /// Its name.
    pub name: &'static str,
    /// What its value may be.
    pub kind: Kind,
    /// What holds if it is not given; `required` if it has to be.
    pub default: &'static str,
    /// What it means, a sentence.
    pub about: &'static str,
}

/// What a value may be.
#[derive(Clone, Copy, Debug)]
pub enum Kind {
    /// Any text.
    Text,
    /// A kebab-case name.
    Name,
    /// A number with a unit: `"64 MiB"`.
    Size,
    /// Bytes per second: `"256 KiB/s"`.
    Rate,
    /// A number with a unit: `"5s"`.
    Duration,
    /// `true` or `false`.
    Bool,
    /// A whole number from the first to the second.
    Number(u64, u64),
    /// One of these texts.
    OneOf(&'static [&'static str]),
    /// A list.
    List(&'static Kind),
    /// A table with keys of the author's.
    Map(&'static Kind),
    /// A table with these keys.
    Table(&'static [Key]),
    /// Any of these.
    Either(&'static [Kind]),
}

const LEVELS: Kind = Kind::OneOf(&["off", "error", "warn", "info", "debug", "trace"]);
const MODES: Kind = Kind::OneOf(&["ro", "rw"]);

const fn key(name: &'static str, kind: Kind, default: &'static str, about: &'static str) -> Key {
    Key { name, kind, default, about }
}

/// The keys of a manifest.
pub const MANIFEST: &[Key] = &[
    key("manifest", Kind::Number(1, 1), "1", "Version of the format."),
    key("service", Kind::Table(SERVICE), "none", "What the service is called and offers."),
    key("limits", Kind::Table(LIMITS), "the defaults", "Bounds on the whole service."),
    key("module", Kind::List(&Kind::Table(MODULE)), "required", "The modules; the last one is the facade."),
    key("test", Kind::Map(&Kind::Table(GRANTS)), "none", "Per module: extra grants in tests."),
    key("repl", Kind::Map(&Kind::Table(GRANTS)), "none", "Per module: extra grants in the REPL."),
    key("project", Kind::Table(PROJECT), "none", "Instead of a service: several that belong together."),
    key("aqua", Kind::Table(AQUA), "none", "For programs in Aqua."),
];

/// The keys of `[aqua]`.
pub const AQUA: &[Key] = &[key(
    "imports",
    Kind::Map(&Kind::Map(&Kind::List(&Kind::Text))),
    "none",
    "Prefix of an importing file's path, to prefix of an imported path, to directories where it is looked for.",
)];

/// The keys of `[project]`.
pub const PROJECT: &[Key] = &[key(
    "members",
    Kind::List(&Kind::Text),
    "required",
    "Directories of services, each with a Marine.toml; a * at the end stands for any one directory.",
)];

/// The keys of `[service]`.
pub const SERVICE: &[Key] = &[
    key("name", Kind::Name, "the directory's name", "Kebab-case; also the alias under which it is deployed."),
    key("version", Kind::Text, "none", "Semantic version, part of the blueprint."),
    key("description", Kind::Text, "none", "One line, part of the blueprint."),
    key("authors", Kind::List(&Kind::Text), "none", "Who wrote it."),
    key("repository", Kind::Text, "none", "Where its sources are."),
    key("facade", Kind::Name, "the last module", "The module whose functions the service offers."),
    key("stateless", Kind::Bool, "false", "No call depends on another, so instances may be several."),
    key("instances", Kind::Number(1, 64), "1", "How many instances may run at once; more than 1 if stateless."),
    key("eager", Kind::Bool, "false", "Instantiate at start, not at the first call."),
];

/// The keys of `[limits]`.
pub const LIMITS: &[Key] = &[
    key("memory", Kind::Size, "256 MiB", "All linear memories of the service together."),
    key("table", Kind::Number(1, 10_000_000), "100000", "Elements of all tables."),
    key("timeout", Kind::Duration, "30s", "One call from outside with everything it calls."),
    key("startup", Kind::Duration, "10s", "One instantiation, start-up code included."),
    key("args", Kind::Size, "16 MiB", "JSON text of a call's arguments."),
    key("result", Kind::Size, "16 MiB", "JSON text of a call's result."),
    key("log", Kind::Rate, "256 KiB/s", "Log records; what is beyond is dropped and counted."),
    key("queue", Kind::Number(1, 10_000_000), "256", "Calls that wait for the service."),
];

/// The keys of `[[module]]`.
pub const MODULE: &[Key] = &[
    key("name", Kind::Name, "required", "What imports call it; unique."),
    key("crate", Kind::Text, "one source", "Cargo package: its directory, or its name."),
    key("wasm", Kind::Text, "one source", "Component file."),
    key("cid", Kind::Text, "one source", "Content id of a component; beside wasm: what that file has to be."),
    key("target", Kind::Text, "the only one", "Which binary of the package."),
    key("build", Kind::List(&Kind::Text), "none", "Command, without a shell, that makes `wasm`; run by builds alone."),
    key("version", Kind::Text, "any", "Requirement on the module's version, such as ^1.2."),
    key("interface", Kind::Text, "the only one", "Which exported interface is the module's."),
    key("needs", Kind::Map(&Kind::Text), "by name", "Wiring by hand: import to module."),
    key("memory", Kind::Size, "none", "Cap of the module's linear memory."),
    key(
        "log",
        Kind::Either(&[LEVELS, Kind::Table(LOG)]),
        "info",
        "The least severe records that are kept; or level, filter and mask.",
    ),
    key("dirs", DIRS, "none", "Guest path to directory."),
    key("env", ENV, "none", "Variable to value."),
    key("binaries", BINARIES, "none", "Name to program of the host."),
    key("hosts", Kind::List(&Kind::Text), "none", "Hosts for outbound HTTP: [scheme://]host[:port]."),
    key("kv", KV, "none", "Key-value stores."),
    key("vault", Kind::Bool, "false", "See the vault of the calling particle at /tmp/vault."),
];

/// The keys of `[test.MODULE]` and `[repl.MODULE]`.
pub const GRANTS: &[Key] = &[
    key("dirs", DIRS, "none", "Guest path to directory."),
    key("env", ENV, "none", "Variable to value."),
    key("binaries", BINARIES, "none", "Name to program of the host."),
    key("hosts", Kind::List(&Kind::Text), "none", "Hosts for outbound HTTP: [scheme://]host[:port]."),
    key("kv", KV, "none", "Key-value stores."),
    key("vault", Kind::Bool, "false", "See the vault of the calling particle at /tmp/vault."),
];

/// The keys of `log` as a table.
pub const LOG: &[Key] = &[
    key("level", LEVELS, "info", "The least severe records that are kept."),
    key("filter", Kind::Text, "none", "Levels of targets: noisy=error,mine=debug."),
    key("mask", Kind::Number(0, u32::MAX as u64), "all", "Classes of records that are kept, as bits."),
];

/// The keys of a directory.
pub const DIR: &[Key] = &[
    key("host", Kind::Text, "one of three", "Directory of the host, relative to the manifest."),
    key("volume", Kind::Name, "one of three", "Private directory that the runtime keeps."),
    key("temp", Kind::Bool, "one of three", "Scratch space, empty at each instantiation."),
    key("mode", MODES, "ro, rw for volumes", "Reading, or reading and writing."),
    key("quota", Kind::Size, "1 GiB", "Bytes that a volume may hold."),
    key("create", Kind::Bool, "false", "Make the directory of the host if it is missing."),
];

/// The keys of a variable that comes from the host.
pub const FROM: &[Key] = &[key("from", Kind::Text, "required", "Variable of the host, read at start.")];

/// The keys of a program.
pub const BINARY: &[Key] = &[
    key("path", Kind::Text, "required", "Absolute, or a bare name that is looked up once."),
    key(
        "args",
        Kind::Either(&[Kind::OneOf(&["any"]), Kind::List(&Kind::List(&Kind::Text))]),
        "any",
        "Templates of arguments; tokens: text, <any>, <int>, <rest>, <host>, <path:/dir>.",
    ),
    key("env", ENV, "none", "Its variables; nothing is inherited."),
    key("cwd", Kind::Text, "a private one", "Directory granted to the module."),
    key("timeout", Kind::Duration, "10s", "Longest run."),
    key("max_output", Kind::Size, "16 MiB", "Most output of either kind."),
    key("memory", Kind::Size, "1 GiB", "Address space."),
    key("blake3", Kind::Text, "none", "Hash that the file has to have."),
];

/// The keys of a store.
pub const STORE: &[Key] =
    &[key("mode", MODES, "rw", "Reading, or reading and writing."), key("quota", Kind::Size, "10 MiB", "Most bytes.")];

const DIRS: Kind = Kind::Map(&Kind::Either(&[Kind::Text, Kind::Table(DIR)]));
const ENV: Kind = Kind::Map(&Kind::Either(&[Kind::Text, Kind::Table(FROM)]));
const BINARIES: Kind = Kind::Map(&Kind::Either(&[Kind::Text, Kind::Table(BINARY)]));
const KV: Kind = Kind::Either(&[Kind::List(&Kind::Name), Kind::Map(&Kind::Table(STORE))]);

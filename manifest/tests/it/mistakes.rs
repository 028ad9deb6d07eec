//! What a wrong manifest is told.

use marine_manifest::{Code, Manifest};
use proptest::prelude::*;

fn errors(text: &str) -> String {
    match Manifest::parse(text, "/shop") {
        Ok(manifest) => panic!("no mistake found: {manifest:?}"),
        Err(errors) => errors.to_string(),
    }
}

#[test]
fn all_mistakes_of_a_file_are_reported_at_once() {
    let text = r#"
[service]
nmae = "shop"
facade = "tell"

[[module]]
name = "till"
crate = "till"
memory = 64
dris = { "/in" = "in" }
hosts = ["ftp://example.com"]

[[module]]
name = "till"
"#;
    insta::assert_snapshot!(errors(text), @r#"
    error[M303]: `service` has no key `nmae`
     --> /shop/Marine.toml:3:1
    3 | nmae = "shop"
      | ^^^^
    help: did you mean `name`?

    error[M312]: `service.facade` is "tell", which is no module of this manifest
     --> /shop/Marine.toml:4:10
    4 | facade = "tell"
      |          ^^^^^^
    help: did you mean `till`?

    error[M304]: `module[0].memory` is a number: expected a size such as "64 MiB"
     --> /shop/Marine.toml:9:10
    9 | memory = 64
      |          ^^

    error[M303]: `module[0]` has no key `dris`
      --> /shop/Marine.toml:10:1
    10 | dris = { "/in" = "in" }
       | ^^^^
    help: did you mean `dirs`?

    error[M305]: `module[0].hosts[0]` is "ftp://example.com": the scheme is `http` or `https`, not `ftp`
      --> /shop/Marine.toml:11:10
    11 | hosts = ["ftp://example.com"]
       |          ^^^^^^^^^^^^^^^^^^^

    error[M311]: `module[1]` has no source
      --> /shop/Marine.toml:13:1
    13 | [[module]]
       | ^^^^^^^^^^
    help: give one of `crate = "path"`, `wasm = "file.wasm"` or `cid = "bafk.."`; `cid` beside `wasm` pins the file

    error[M308]: two modules are called `till`
      --> /shop/Marine.toml:14:8
    14 | name = "till"
       |        ^^^^^^
    help: imports tell modules apart by name
    "#);
}

#[test]
fn each_kind_of_mistake_has_its_words() {
    let module = |more: &str| format!("[[module]]\nname = \"m\"\nwasm = \"m.wasm\"\n{more}");
    let cases = [
        (String::new(), Code::MissingKey),
        ("manifest = 2\n".to_owned() + &module(""), Code::NewerFormat),
        ("[project]\nmembers = []\n".to_owned() + &module(""), Code::Unsupported),
        ("module = 7\n".to_owned(), Code::WrongType),
        ("[[module]]\nname = \"m\"\n".to_owned(), Code::Source),
        (module("crate = \"m\""), Code::Source),
        (module("load_from = \"x\""), Code::Unsupported),
        (module("log = \"loud\""), Code::BadValue),
        (module("log = { level = 1 }"), Code::WrongType),
        (module("log = { filter = \"warn\" }"), Code::BadValue),
        (module("vault = \"yes\""), Code::WrongType),
        (module("cid = \"bafk\""), Code::BadValue),
        (module("dirs = { \"/tmp/vault/mine\" = { temp = true } }\nvault = true"), Code::GuestPath),
        (module("version = \"latest\""), Code::BadValue),
        (module("build = \"make\""), Code::WrongType),
        (module("hosts = \"example.com\""), Code::WrongType),
        (module("hosts = [\"*.*\"]"), Code::BadValue),
        (module("kv = [\"a\", \"a\"]"), Code::Duplicate),
        (module("kv = { a = { quota = \"9 GiB\" } }"), Code::BadValue),
        (module("binaries = { a = \"tools/a\" }"), Code::BadValue),
        (module("binaries = { a = { args = \"any\" } }"), Code::MissingKey),
        (module("binaries = { a = { path = \"a\", args = [[\"<path:/in>\"]] } }"), Code::BadValue),
        (module("binaries = { a = { path = \"a\", args = [[\"<rest>\", \"x\"]] } }"), Code::BadValue),
        (module("binaries = { a = { path = \"a\", args = [[\"<path>\"]] } }"), Code::BadValue),
        (module("binaries = { a = { path = \"a\", blake3 = \"00\" } }"), Code::BadValue),
        (module("[service]\ninstances = 2"), Code::BadValue),
        (module("[test.mm]\nkv = [\"a\"]"), Code::NoSuchModule),
        (module("[repl.m]\nmemory = \"1 MiB\""), Code::UnknownKey),
        (module("memory = \"5 GiB\""), Code::BadValue),
        (module("needs = { x = \"mm\" }"), Code::NoSuchModule),
        (module("target = \"t\""), Code::BadValue),
        (module("dirs = { \"data\" = \"d\" }"), Code::GuestPath),
        (module("dirs = { \"/a/../b\" = \"d\" }"), Code::GuestPath),
        (module("dirs = { \"/\" = \"d\" }"), Code::GuestPath),
        (module("dirs = { \"/a\" = \"d\", \"/a/b\" = \"d\" }"), Code::GuestPath),
        (module("dirs = { \"/a\" = { host = \"d\", volume = \"v\" } }"), Code::BadValue),
        (module("dirs = { \"/a\" = { host = \"d\", mode = \"w\" } }"), Code::BadValue),
        (module("dirs = { \"/a\" = { volume = \"V\" } }"), Code::BadName),
        (module("dirs = { \"/a\" = { temp = false } }"), Code::BadValue),
        (module("env = { A = 1 }"), Code::WrongType),
        (module("env = { A = { form = \"B\" } }"), Code::MissingKey),
        (module("[limits]\ntimeout = \"0s\""), Code::BadValue),
        (module("[limits]\nqueue = 0"), Code::BadValue),
        (module("[limits]\ntable = -1"), Code::BadValue),
        (module("[service]\nversion = \"1\""), Code::BadValue),
        ("[[module]]\nname = \"My_Mod\"\nwasm = \"m.wasm\"\n".to_owned(), Code::BadName),
        ("[[module]]\nname = \"m\"\ncid = \"bafkqaaa\"\n".to_owned(), Code::BadValue),
        ("a = = 1\nb = [\n".to_owned(), Code::Syntax),
        (module("name = \"again\""), Code::Syntax),
    ];
    let mut all = String::new();
    for (text, code) in cases {
        let errors = Manifest::parse(&text, "/shop").expect_err(&text);
        let first = &errors.errors[0];
        assert_eq!(first.code, code, "{text}\n{errors}");
        all.push_str(&format!("{} at {}:{} {}\n", first.code, first.line, first.column, first.message));
    }
    insta::assert_snapshot!(all, @r#"
    M306 at 1:1 the manifest has no `module`
    M313 at 1:12 the manifest has format 2, this version reads format 1
    M307 at 1:2 `project` in the manifest is not supported by this version
    M304 at 1:10 `module` is a number: expected tables `[[module]]`
    M311 at 1:1 `module[0]` has no source
    M311 at 3:1 `module[0]` has `crate` and `wasm`: a module has exactly one source
    M307 at 4:1 `load_from` in `module[0]` is not supported by this version
    M305 at 4:7 `module[0].log` is "loud": expected one of off, error, warn, info, debug, trace
    M304 at 4:17 `module[0].log.level` is a number: expected a level
    M305 at 4:18 `module[0].log.filter` is "warn": expected `target=level`; the level of all others is the key `level`
    M304 at 4:9 `module[0].vault` is a text: expected true or false
    M305 at 4:7 `module[0].cid` is "bafk": expected the id of a module (CIDv1, raw, blake3-256), as `marine build` prints it
    M310 at 5:1 the vault is seen at /tmp/vault, and so is "/tmp/vault/mine"
    M305 at 4:11 `module[0].version` is "latest": expected a requirement on versions such as "^1.2" (unexpected character 'l' while parsing major version number)
    M304 at 4:9 `module[0].build` is a text: expected a list of words, the program first
    M304 at 4:9 `module[0].hosts` is a text: expected a list of hosts such as "https://example.com"
    M305 at 4:10 `module[0].hosts[0]` is "*.*": expected a host such as `example.com`, `*.example.com`, `*` or `[::1]`
    M308 at 4:12 `module[0].kv[1]` lists `a` again
    M305 at 4:22 `module[0].kv.a.quota` is "9 GiB": expected a size from 1 B to 4 GiB
    M305 at 4:18 `module[0].binaries.a` is "tools/a": expected an absolute path, or a bare name that is looked up in PATH
    M306 at 4:18 `module[0].binaries.a` has no `path`
    M305 at 4:40 `module[0].binaries.a.args[0]` uses "/in", which is not granted here
    M305 at 4:40 `module[0].binaries.a.args[0]`: `<rest>` stands at the end
    M305 at 4:40 `module[0].binaries.a.args[0]`: `<path>` is no token: expected `<any>`, `<int>`, `<rest>`, `<host>`, `<path:/dir>` or a literal
    M305 at 4:41 `module[0].binaries.a.blake3` is "00": expected 64 hex digits, as `b3sum FILE` prints
    M305 at 5:13 `service.instances` is 2, and the service is not stateless
    M312 at 4:7 `test.mm` is for "mm", which is no module of this manifest
    M303 at 5:1 `repl.m` has no key `memory`
    M305 at 4:10 `module[0].memory` is "5 GiB": expected a size from 1 B to 4 GiB
    M312 at 4:15 `module[0].needs.x` is "mm", which is no module of this manifest
    M305 at 4:1 `module[0].target` chooses a binary of a Cargo package, and this module has none
    M310 at 4:10 "data" cannot be granted
    M310 at 4:10 "/a/../b" cannot be granted
    M310 at 4:10 "/" cannot be granted
    M310 at 4:22 "/a/b" and "/a" lie inside each other
    M305 at 4:17 `module[0].dirs."/a"` is not exactly one of host directory, volume and scratch
    M305 at 4:38 `module[0].dirs."/a".mode` is "w": expected "ro" (reading) or "rw" (reading and writing)
    M309 at 4:28 `module[0].dirs."/a".volume` is "V"
    M305 at 4:26 `module[0].dirs."/a".temp` can only be true
    M304 at 4:13 `module[0].env.A` is a number: expected a text or `{ from = "HOST_VARIABLE" }`
    M306 at 4:13 `module[0].env.A` has no `from`
    M305 at 5:11 `limits.timeout` is "0s": expected a duration from 1 ms to 24 h
    M305 at 5:9 `limits.queue` is 0: expected a whole number from 1 to 10000000
    M305 at 5:9 `limits.table` is -1: expected a whole number from 1 to 10000000
    M305 at 5:11 `service.version` is "1": expected a semantic version such as "1.2.0" (unexpected end of input while parsing major version number)
    M309 at 2:8 `module[0].name` is "My_Mod"
    M305 at 3:7 `module[0].cid` is "bafkqaaa": expected the id of a module (CIDv1, raw, blake3-256), as `marine build` prints it
    M302 at 1:5 extra `=`, expected nothing
    M302 at 4:1 duplicate key
    "#);
}

#[test]
fn codes_are_distinct_and_in_order() {
    let codes: Vec<_> = Code::ALL.iter().map(|code| code.as_str()).collect();
    let expected: Vec<_> = (301..301 + codes.len()).map(|number| format!("M{number}")).collect();
    assert_eq!(codes, expected);
}

#[test]
fn a_file_that_cannot_be_read_is_an_error_like_others() {
    let errors = Manifest::read("/nowhere/Marine.toml").unwrap_err();
    assert_eq!((errors.errors[0].code, errors.errors[0].line), (Code::Unreadable, 0));
    assert!(errors.to_string().contains("/nowhere/Marine.toml"), "{errors}");
}

proptest! {
    #[test]
    fn any_text_is_read_or_refused(text in "(?s).{0,300}") {
        let _ = Manifest::parse(&text, "/shop").map_err(|errors| errors.to_string());
    }

    #[test]
    fn any_damage_is_read_or_refused(at in any::<prop::sample::Index>(), with in "\\PC{0,3}") {
        let good = "[service]\nname = \"größe\"\n[[module]]\nname = \"m\"\nwasm = \"m\"\ndirs = { \"/a\" = { temp = true } }\n";
        let places: Vec<usize> = good.char_indices().map(|(place, _)| place).collect();
        let place = places[at.index(places.len())];
        let next = place + good[place..].chars().next().map_or(0, char::len_utf8);
        let text = format!("{}{with}{}", &good[..place], &good[next..]);
        let _ = Manifest::parse(&text, "/shop").map_err(|errors| errors.to_string());
    }
}

/// A width of a format string has 16 bits; a mistake beyond that column panicked.
#[test]
fn a_mistake_far_to_the_right_is_shown_with_what_is_around_it() {
    let text = format!("[service]\nname = \"{}\" nonsense\n", "a".repeat(100_000));
    let errors = Manifest::parse(&text, "/shop").unwrap_err().to_string();
    assert!(errors.contains("nonsense") && errors.contains('^'), "{}", errors.len());
    assert!(errors.len() < 1_000, "{}", errors.len());
}

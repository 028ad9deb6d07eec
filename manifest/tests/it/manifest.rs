//! What a good manifest means.

use std::path::{Path, PathBuf};
use std::time::Duration;

use marine_manifest::{
    ArgPolicy, BinaryGrant, Dir, EnvValue, KvGrant, Limits, LogLevel, Manifest, Mode, Source, check_name, module_cid,
};

fn read(text: &str) -> Manifest {
    Manifest::parse(text, "/shop").unwrap_or_else(|errors| panic!("{errors}"))
}

#[test]
fn the_least_manifest_has_the_documented_defaults() {
    let manifest = read("[[module]]\nname = \"till\"\ncrate = \"till\"\n");
    assert_eq!((manifest.service.name.as_str(), manifest.facade()), ("shop", "till"));
    assert_eq!(manifest.limits, Limits::default());
    let module = &manifest.modules[0];
    assert_eq!(module.source, Source::Crate("till".into()));
    assert_eq!((module.memory, module.log), (None, LogLevel::Info));
    assert!(module.grants.dirs.is_empty() && module.grants.env.is_empty() && module.needs.is_empty());
    let Limits { memory, table, timeout, startup, args, result, log, queue } = manifest.limits;
    assert_eq!((memory, table, queue), (256 << 20, 100_000, 256));
    assert_eq!((timeout, startup), (Duration::from_secs(30), Duration::from_secs(10)));
    assert_eq!((args, result, log, manifest.limits.log_burst()), (16 << 20, 16 << 20, 256 << 10, 1 << 20));
}

#[test]
fn every_key_is_read() {
    let cid = module_cid(b"component");
    let hash = "AB".repeat(32);
    let manifest = read(&format!(
        r#"
        manifest = 1
        [service]
        name = "my-shop"
        version = "1.2.0"
        description = "Sells things."
        facade = "till"
        authors = ["Ann"]
        repository = "https://example.com/shop"
        stateless = true
        instances = 4
        eager = true
        [limits]
        memory = "64 MiB"
        table = 1_000
        timeout = "500ms"
        startup = "2 min"
        args = "1KiB"
        result = "2 KiB"
        log = "8 KiB/s"
        queue = 0x10
        [[module]]
        name = "till"
        crate = "crates/till"
        target = "till-bin"
        needs = {{ "acme:store/api" = "stock" }}
        memory = "32MiB"
        log = "off"
        version = "^1.2"
        interface = "acme:till/api"
        hosts = ["rates.example.com", "http://[::1]:8080", "*.example.org"]
        kv = ["seen", "users"]
        [module.binaries]
        date = "date"
        [module.binaries.pdftotext]
        path = "/usr/bin/pdftotext"
        args = [["-layout", "<path:/in>", "-"], ["-v", "<rest>"]]
        timeout = "5s"
        max_output = "1 MiB"
        memory = "64 MiB"
        env = {{ A = "b" }}
        cwd = "/tmp"
        blake3 = "{hash}"
        [module.dirs]
        "/in" = "data/in"
        "/out" = {{ host = "/srv/out", mode = "rw", create = true }}
        "/keep" = {{ volume = "data", quota = "5 MiB" }}
        "/keep2" = {{ volume = "data", mode = "ro" }}
        "/tmp" = {{ temp = true }}
        [module.env]
        GREETING = "hello"
        TOKEN = {{ from = "SHOP_TOKEN" }}
        [[module]]
        name = "stock"
        wasm = "vendor/stock.wasm"
        build = ["componentize-py", "-o", "vendor/stock.wasm"]
        cid = "{cid}"
        log = {{ level = "debug", filter = "stock::noisy=off", mask = 5 }}
        kv = {{ seen = {{ mode = "ro", quota = "1 KiB" }}, own = {{}} }}
        [[module]]
        name = "bank"
        cid = "{cid}"
        [test.stock]
        hosts = ["http://localhost:9"]
        [repl.till]
        dirs = {{ "/in" = "repl" }}
        "#
    ));
    assert_eq!((manifest.service.name.as_str(), manifest.facade()), ("my-shop", "till"));
    assert_eq!(manifest.service.version.as_deref(), Some("1.2.0"));
    assert_eq!(
        manifest.limits,
        Limits {
            memory: 64 << 20,
            table: 1000,
            timeout: Duration::from_millis(500),
            startup: Duration::from_secs(120),
            args: 1024,
            result: 2048,
            log: 8192,
            queue: 16,
        }
    );
    let till = manifest.module("till").unwrap();
    assert_eq!((till.memory, till.log, till.target.as_deref()), (Some(32 << 20), LogLevel::Off, Some("till-bin")));
    assert_eq!(till.needs["acme:store/api"], "stock");
    let dirs: Vec<_> = till.grants.dirs.values().cloned().collect();
    let (ro, rw) = (Mode::ReadOnly, Mode::ReadWrite);
    assert_eq!(
        dirs,
        [
            Dir::Host { path: "/shop/data/in".into(), mode: ro, create: false },
            Dir::Volume { name: "data".into(), mode: rw, quota: 5 << 20 },
            Dir::volume("data", ro),
            Dir::Host { path: "/srv/out".into(), mode: rw, create: true },
            Dir::Temp,
        ]
    );
    assert_eq!(till.grants.env["GREETING"], EnvValue::Text("hello".into()));
    assert_eq!(till.grants.env["TOKEN"], EnvValue::From("SHOP_TOKEN".into()));
    assert_eq!(manifest.modules[1].source, Source::Wasm("/shop/vendor/stock.wasm".into()));
    assert_eq!(manifest.modules[2].source, Source::Cid(cid));
    let pins = manifest.modules.iter().map(|module| module.pin).collect::<Vec<_>>();
    assert_eq!(pins, [None, Some(cid), None]);

    let service = &manifest.service;
    assert_eq!((service.stateless, service.instances, service.eager), (true, 4, true));
    assert_eq!((service.authors.as_slice(), service.repository.is_some()), (["Ann".to_owned()].as_slice(), true));
    assert_eq!((till.interface.as_deref(), till.log_mask), (Some("acme:till/api"), u32::MAX));
    assert!(till.version.as_ref().unwrap().matches(&"1.3.0".parse().unwrap()));
    let hosts: Vec<String> = till.grants.hosts.iter().map(ToString::to_string).collect();
    assert_eq!(hosts, ["http://[::1]:8080", "https://*.example.org", "https://rates.example.com"]);
    assert_eq!(till.grants.binaries["date"], BinaryGrant::new("date"));
    let program = &till.grants.binaries["pdftotext"];
    assert_eq!((program.timeout, program.max_output, program.memory), (Duration::from_secs(5), 1 << 20, 64 << 20));
    assert_eq!((program.cwd.as_deref(), program.blake3.as_deref()), (Some("/tmp"), Some("ab".repeat(32).as_str())));
    let templates = [vec!["-layout", "<path:/in>", "-"], vec!["-v", "<rest>"]];
    assert_eq!(program.args, ArgPolicy::templates(&templates).unwrap());
    assert_eq!(till.grants.kv["seen"], KvGrant { mode: rw, quota: 10 << 20 });
    let stock = manifest.module("stock").unwrap();
    assert_eq!(stock.build.len(), 3);
    assert_eq!((stock.log, stock.log_filter["stock::noisy"], stock.log_mask), (LogLevel::Debug, LogLevel::Off, 5));
    assert_eq!(stock.grants.kv["seen"], KvGrant { mode: ro, quota: 1024 });
    assert_eq!(manifest.with_extra(&manifest.test).modules[1].grants.hosts.len(), 1);
    let in_repl = manifest.with_extra(&manifest.repl);
    assert_eq!(in_repl.modules[0].grants.dirs["/in"], Dir::Host { path: "/shop/repl".into(), mode: ro, create: false });
}

#[test]
fn a_manifest_is_found_from_below() {
    let dir = std::env::temp_dir().join(format!("marine-manifest-{}", std::process::id()));
    let below = dir.join("crates/till/src");
    std::fs::create_dir_all(&below).unwrap();
    let file = dir.join("Marine.toml");
    std::fs::write(&file, "[[module]]\nname = \"a\"\nwasm = \"a.wasm\"\n").unwrap();
    assert_eq!(Manifest::find(&below), Some(file.clone()));
    let manifest = Manifest::read(&file).unwrap();
    assert_eq!((manifest.path, manifest.dir), (file, dir.clone()));
    std::fs::remove_dir_all(&dir).unwrap();
    assert_eq!(Manifest::find(Path::new("/nowhere/at/all")), None::<PathBuf>);
}

#[test]
fn names() {
    for name in ["a", "till", "url-downloader", "line-2", "a1-b2"] {
        assert_eq!(check_name(name), Ok(()), "{name}");
    }
    let cases = [
        ("", None),
        ("Till", Some("`till`")),
        ("url_downloader", Some("`url-downloader`")),
        ("-a", Some("`a`")),
        ("a--b", Some("`a-b`")),
        ("2a", None),
        ("größe", None),
        ("a.b", Some("`a-b`")),
    ];
    for (name, near) in cases {
        let text = check_name(name).unwrap_err().to_string();
        assert_eq!(near.is_some_and(|near| text.contains(near)), near.is_some(), "{name}: {text}");
    }
    assert!(check_name(&"a".repeat(65)).is_err());
}

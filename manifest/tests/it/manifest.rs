//! What a good manifest means.

use std::path::{Path, PathBuf};
use std::time::Duration;

use marine_manifest::{Dir, EnvValue, Limits, LogLevel, Manifest, Mode, Source, check_name, module_cid};

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
    let manifest = read(&format!(
        r#"
        manifest = 1
        [service]
        name = "my-shop"
        version = "1.2.0"
        description = "Sells things."
        facade = "till"
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
        [module.dirs]
        "/in" = "data/in"
        "/out" = {{ host = "/srv/out", mode = "rw", create = true }}
        "/keep" = {{ volume = "data" }}
        "/keep2" = {{ volume = "data", mode = "ro" }}
        "/tmp" = {{ temp = true }}
        [module.env]
        GREETING = "hello"
        TOKEN = {{ from = "SHOP_TOKEN" }}
        [[module]]
        name = "stock"
        wasm = "vendor/stock.wasm"
        [[module]]
        name = "bank"
        cid = "{cid}"
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
            Dir::Volume { name: "data".into(), mode: rw },
            Dir::Volume { name: "data".into(), mode: ro },
            Dir::Host { path: "/srv/out".into(), mode: rw, create: true },
            Dir::Temp,
        ]
    );
    assert_eq!(till.grants.env["GREETING"], EnvValue::Text("hello".into()));
    assert_eq!(till.grants.env["TOKEN"], EnvValue::From("SHOP_TOKEN".into()));
    assert_eq!(manifest.modules[1].source, Source::Wasm("/shop/vendor/stock.wasm".into()));
    assert_eq!(manifest.modules[2].source, Source::Cid(cid));
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

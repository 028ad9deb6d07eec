//! Blueprints: equal content has equal bytes, and nothing else is accepted.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use marine_manifest::{
    ArgPolicy, AskedDir, BinaryGrant, Blueprint, BlueprintError, BlueprintModule, Cid, Dir, DirRequest, EnvRequest,
    EnvValue, GrantPolicy, GrantRequests, HostDir, Limits, LogLevel, MAX_BLUEPRINT_BYTES, Manifest, MissingGrant, Mode,
    ModuleContent, module_cid,
};
use proptest::prelude::*;

fn shop() -> Manifest {
    let text = r#"
        [service]
        name = "shop"
        version = "1.0.0"
        [[module]]
        name = "stock"
        wasm = "stock.wasm"
        memory = "1 MiB"
        [[module]]
        name = "till"
        crate = "till"
        needs = { "acme:store/api" = "stock" }
        dirs = { "/in" = "data/in", "/out" = { volume = "out" }, "/tmp" = { temp = true } }
        env = { A = "a", B = { from = "SECRET" } }
    "#;
    Manifest::parse(text, "/home/ann/shop").unwrap()
}

fn blueprint() -> Blueprint {
    Blueprint::from_manifest::<BlueprintError>(&shop(), |entry| {
        Ok(ModuleContent {
            cid: module_cid(entry.name.as_bytes()),
            interface: format!("package marine:{};", entry.name),
        })
    })
    .unwrap()
}

#[test]
fn a_blueprint_names_host_directories_without_locating_them() {
    let blueprint = blueprint();
    let bytes = blueprint.encode().unwrap();
    assert!(!String::from_utf8_lossy(&bytes).contains("/home/ann"));
    assert_eq!(Blueprint::decode(&bytes).unwrap(), blueprint);
    let till = blueprint.module("till").unwrap();
    let asked = AskedDir { ask: "data/in".into(), mode: Mode::ReadOnly };
    assert_eq!(till.grants.dirs["/in"], DirRequest::Ask(asked));
    // The id is part of the format: a change of it orphans every published blueprint.
    insta::assert_snapshot!(blueprint.cid().unwrap(), @r"
    bafyr4ie4baabwcxgya7c22hxwjaqisq57z7hmqbjhdytse7tkynvs7qllm
    ");
}

#[test]
fn grants_follow_the_policy() {
    let requests = &blueprint().module("till").unwrap().grants.clone();
    let asked = AskedDir { ask: "data/in".into(), mode: Mode::ReadOnly };
    let none = requests.resolve(&GrantPolicy::default()).unwrap_err();
    assert_eq!(none, [MissingGrant::Dir(asked), MissingGrant::Env("SECRET".into())]);
    let host = HostDir { path: "/srv/in".into(), mode: Mode::ReadWrite };
    let dirs = BTreeMap::from([("data/in".to_owned(), host)]);
    let policy = GrantPolicy { dirs, variables: BTreeSet::from(["SECRET".to_owned()]), ..GrantPolicy::default() };
    let granted = requests.resolve(&policy).unwrap();
    // Granted is what was asked for, not all that the policy would allow.
    assert_eq!(granted.dirs["/in"], Dir::Host { path: "/srv/in".into(), mode: Mode::ReadOnly, create: false });
    assert_eq!((&granted.dirs["/tmp"], granted.dirs.len()), (&Dir::Temp, 3));
    assert_eq!(granted.env["B"], EnvValue::From("SECRET".into()));
}

#[test]
fn a_narrower_policy_does_not_cover_a_wider_wish() {
    let asked = AskedDir { ask: "d".into(), mode: Mode::ReadWrite };
    let requests =
        GrantRequests { dirs: BTreeMap::from([("/d".into(), DirRequest::Ask(asked.clone()))]), ..Default::default() };
    let dirs = BTreeMap::from([("d".to_owned(), HostDir { path: "/d".into(), mode: Mode::ReadOnly })]);
    let policy = GrantPolicy { dirs, ..GrantPolicy::default() };
    assert_eq!(requests.resolve(&policy), Err(vec![MissingGrant::Dir(asked)]));
}

#[test]
fn hosts_programs_and_stores_travel_and_follow_the_policy() {
    let text = r#"
        [[module]]
        name = "wrap"
        wasm = "wrap.wasm"
        dirs = { "/in" = { temp = true }, "/tmp" = { volume = "tmp" } }
        vault = true
        hosts = ["rates.example.com", "http://127.0.0.1:8080"]
        kv = { seen = { mode = "ro", quota = "1 MiB" } }
        log = { level = "warn", filter = "wrap::noisy=off", mask = 5 }
        [module.binaries]
        cat = { path = "cat", args = [["-n", "<path:/in>"], ["<path:/tmp/vault>"]], timeout = "2s" }
        [test.wrap]
        hosts = ["http://localhost:9000"]
    "#;
    let manifest = Manifest::parse(text, "/shop").unwrap();
    let tested = manifest.with_extra(&manifest.test);
    assert_eq!((manifest.modules[0].grants.hosts.len(), tested.modules[0].grants.hosts.len()), (2, 3));
    let content =
        |_: &marine_manifest::ModuleEntry| Ok(ModuleContent { cid: module_cid(b"wrap"), interface: String::new() });
    let blueprint = Blueprint::from_manifest::<BlueprintError>(&manifest, content).unwrap();
    let decoded = Blueprint::decode(&blueprint.encode().unwrap()).unwrap();
    assert_eq!(decoded, blueprint);
    let requests = &decoded.modules[0].grants;
    let missing = requests.resolve(&GrantPolicy::default()).unwrap_err();
    assert_eq!(
        missing.iter().map(ToString::to_string).collect::<Vec<_>>(),
        [
            r#"hosts: "http://127.0.0.1:8080""#,
            r#"hosts: "https://rates.example.com""#,
            r#"binaries: "cat", with the arguments that are asked for"#,
        ]
    );
    let cat = |args| BinaryGrant { args, timeout: Duration::from_secs(1), ..BinaryGrant::new("/usr/bin/cat") };
    let mut policy = GrantPolicy {
        hosts: ["*", "http://127.0.0.1:8080"].map(|host| host.parse().unwrap()).into(),
        binaries: BTreeMap::from([("cat".to_owned(), cat(ArgPolicy::Any))]),
        ..GrantPolicy::default()
    };
    let granted = requests.resolve(&policy).unwrap();
    let program = &granted.binaries["cat"];
    assert_eq!((program.path.as_str(), program.timeout), ("/usr/bin/cat", Duration::from_secs(1)));
    assert_eq!(program.args.to_string(), "`-n <path:/in>` or `<path:/tmp/vault>`");
    assert_eq!((&granted.dirs["/tmp/vault"], &granted.kv), (&Dir::Vault, &manifest.modules[0].grants.kv));
    let narrower = ArgPolicy::templates(&[vec!["-e", "<path:/in>"]]).unwrap();
    policy.binaries.insert("cat".to_owned(), cat(narrower));
    assert_eq!(requests.resolve(&policy), Err(vec![MissingGrant::Binary("cat".to_owned())]));
}

#[test]
fn invalid_blueprints_are_refused() {
    let with = |change: &dyn Fn(&mut Blueprint)| {
        let mut blueprint = blueprint();
        change(&mut blueprint);
        match blueprint.encode() {
            Err(BlueprintError::Invalid(why)) => why,
            other => panic!("{other:?}"),
        }
    };
    let dir = |guest: &str| {
        let guest = guest.to_owned();
        with(&move |blueprint| {
            blueprint.modules[1].grants.dirs.insert(guest.clone(), DirRequest::Temp { temp: true });
        })
    };
    let messages = [
        with(&|blueprint| blueprint.name = "Shop".into()),
        with(&|blueprint| blueprint.facade = "none".into()),
        with(&|blueprint| blueprint.modules.clear()),
        with(&|blueprint| blueprint.modules[0].name = "till".into()),
        with(&|blueprint| blueprint.modules[0].cid = Cid::default()),
        with(&|blueprint| drop(blueprint.modules[0].needs.insert("x".into(), "y".into()))),
        with(&|blueprint| blueprint.modules[0].grants.memory = Some(0)),
        with(&|blueprint| blueprint.limits.timeout = Duration::ZERO),
        with(&|blueprint| blueprint.limits.table = u32::MAX),
        with(&|blueprint| blueprint.limits.queue = 0),
        with(&|blueprint| blueprint.instances = 2),
        with(&|blueprint| blueprint.modules[0].interface = "x".repeat(2 << 20)),
        dir("relative"),
        dir("/in/side"),
    ];
    insta::assert_snapshot!(messages.join("\n"), @r#"
    the service is called "Shop": names are words of a-z and 0-9 joined by single dashes, starting with a letter, 64 bytes at most; write `shop`
    the facade "none" is none of the modules
    a service has 1 to 64 modules, this one 0
    two modules are called "till"
    module "stock": baeaaaaa is not the id of a module (CIDv1, raw, blake3-256)
    module "stock" needs "y", which is none of the modules
    module "stock": its memory must lie between 1 byte and 4 GiB
    `timeout` must lie between 1 ms and 24 h, got 0 ms
    `table` must lie between 1 and 10000000, got 4294967295
    `queue` must lie between 1 and 10000000, got 0
    a service has 1 to 1 instances (64 if stateless), this one 2
    module "stock": its interface has more than 1048576 bytes
    module "till": directory "relative": a guest path starts with `/`: write `/relative`
    module "till": directory "/in/side" overlaps "/in"
    "#);
}

#[test]
fn only_the_canonical_encoding_is_a_blueprint() {
    let bytes = blueprint().encode().unwrap();
    let mut longer = bytes.clone();
    longer.push(0);
    assert!(Blueprint::decode(&longer).is_err());
    assert!(matches!(Blueprint::decode(&vec![0; MAX_BLUEPRINT_BYTES + 1]), Err(BlueprintError::TooLarge(_))));
    // `vN` for the key `v`: an unknown key; then a value of another version.
    let key = bytes.windows(3).position(|window| window == [0x61, b'v', 1]).unwrap();
    let mut unknown = bytes.clone();
    unknown[key + 1] = b'w';
    assert!(matches!(Blueprint::decode(&unknown), Err(BlueprintError::Malformed(_))));
    let mut newer = bytes;
    newer[key + 2] = 2;
    assert!(matches!(Blueprint::decode(&newer), Err(BlueprintError::Invalid(_))));
}

fn any_name() -> impl Strategy<Value = String> {
    "[a-z][a-z0-9]{0,8}(-[a-z0-9]{1,4}){0,2}"
}

fn any_mode() -> impl Strategy<Value = Mode> {
    prop_oneof![Just(Mode::ReadOnly), Just(Mode::ReadWrite)]
}

fn any_dir() -> impl Strategy<Value = DirRequest> {
    prop_oneof![
        ("[a-z/.]{1,12}", any_mode()).prop_map(|(ask, mode)| DirRequest::Ask(AskedDir { ask, mode })),
        (any_name(), any_mode(), proptest::option::of(any::<u64>()))
            .prop_map(|(volume, mode, quota)| DirRequest::Volume { volume, mode, quota }),
        Just(DirRequest::Temp { temp: true }),
    ]
}

fn any_env() -> impl Strategy<Value = EnvRequest> {
    prop_oneof!["[^\0]{0,12}".prop_map(EnvRequest::Text), "[A-Z_]{1,8}".prop_map(|from| EnvRequest::From { from }),]
}

fn any_module() -> impl Strategy<Value = BlueprintModule> {
    let dirs = (proptest::collection::btree_map("/[a-z]{3}", any_dir(), 0..4), any::<bool>());
    let dirs = dirs.prop_map(|(mut dirs, vault)| {
        dirs.extend(vault.then(|| (Dir::VAULT.to_owned(), DirRequest::Vault { vault })));
        dirs
    });
    let env = proptest::collection::btree_map("[A-Z]{1,8}", any_env(), 0..4);
    let log = proptest::sample::select(LogLevel::ALL.to_vec());
    let memory = proptest::option::of(1..Limits::MAX_MEMORY);
    (any_name(), any::<[u8; 4]>(), "\\PC{0,20}", dirs, env, log, memory).prop_map(
        |(name, content, interface, dirs, env, log, memory)| BlueprintModule {
            name,
            cid: module_cid(&content),
            interface,
            needs: BTreeMap::new(),
            grants: GrantRequests { dirs, env, log, memory, ..GrantRequests::default() },
        },
    )
}

fn any_blueprint() -> impl Strategy<Value = Blueprint> {
    let modules = proptest::collection::vec(any_module(), 1..5);
    (any_name(), modules, proptest::option::of("[^\0]{0,12}"), 1u64..100_000).prop_map(
        |(name, mut modules, description, timeout)| {
            modules.sort_by(|a, b| a.name.cmp(&b.name));
            modules.dedup_by(|a, b| a.name == b.name);
            let facade = modules[0].name.clone();
            let limits = Limits { timeout: Duration::from_millis(timeout), ..Limits::default() };
            let mut blueprint = Blueprint::new(name, facade, limits, modules);
            blueprint.description = description;
            blueprint
        },
    )
}

proptest! {
    #[test]
    fn what_is_encoded_is_decoded(blueprint in any_blueprint()) {
        let bytes = blueprint.encode().unwrap();
        prop_assert_eq!(Blueprint::decode(&bytes).unwrap(), blueprint);
    }

    #[test]
    fn what_is_decoded_has_one_encoding(at in any::<prop::sample::Index>(), byte in any::<u8>()) {
        let mut bytes = blueprint().encode().unwrap();
        let at = at.index(bytes.len());
        bytes[at] = byte;
        if let Ok(blueprint) = Blueprint::decode(&bytes) {
            prop_assert_eq!(blueprint.encode().unwrap(), bytes);
        }
    }

    #[test]
    fn garbage_is_refused(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        prop_assert!(Blueprint::decode(&bytes).is_err());
    }
}

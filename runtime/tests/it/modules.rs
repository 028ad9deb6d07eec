//! What a manifest can say of modules: chains and diamonds, versions, chosen interfaces, programs; permissions and warnings.

use marine_manifest::{BinaryGrant, Cid, Dir, EnvValue, KvGrant, Mode, module_cid};
use marine_runtime::{CallOptions, ModuleSpec, Plan, Service, ServiceSpec};
use serde_json::json;

use crate::guests::{engine, importer, module, shelf, shell, web};

/// Module `name`: `f(n) = n + 1` by way of all of `imports`, in order.
fn step(name: &str, imports: &[&str]) -> String {
    let each = |write: &dyn Fn(usize, &str) -> String| {
        imports.iter().enumerate().map(|(index, import)| write(index, import)).collect::<Vec<_>>().join("\n  ")
    };
    let imported = each(&|index, import| {
        format!(
            "(import \"marine:{import}/api\" (instance $i{index} (export \"f\" (func (param \"n\" u32) (result u32)))))"
        )
    });
    let lowered = each(&|index, _| format!("(core func $f{index} (canon lower (func $i{index} \"f\")))"));
    let declared = each(&|index, _| format!("(import \"\" \"f{index}\" (func $f{index} (param i32) (result i32)))"));
    let given = each(&|index, _| format!("(export \"f{index}\" (func $f{index}))"));
    let nested =
        (0..imports.len()).fold("(local.get 0)".to_owned(), |inner, index| format!("(call $f{index} {inner})"));
    format!(
        r#"(component {imported}
  {lowered}
  (core module $m {declared}
    (func (export "f") (param i32) (result i32) (i32.add (i32.const 1) {nested})))
  (core instance $c (instantiate $m (with "" (instance {given}))))
  (func $f (param "n" u32) (result u32) (canon lift (core func $c "f")))
  (instance $api (export "f" (func $f)))
  (export "marine:{name}/api" (instance $api)))"#
    )
}

fn spec(modules: &[(&str, String)]) -> ServiceSpec {
    ServiceSpec::new("test", modules.iter().map(|(name, wat)| ModuleSpec::new(module(name, wat))).collect())
}

fn errors(spec: ServiceSpec) -> String {
    Plan::link(engine(), spec).unwrap_err().to_string()
}

#[test]
fn chains_and_diamonds_of_five_modules() {
    let chain = ["a", "b", "c", "d", "e"].windows(2).map(|pair| (pair[1], step(pair[1], &pair[..1])));
    let chain: Vec<_> = [("a", step("a", &[]))].into_iter().chain(chain).collect();
    let diamond = vec![
        ("a", step("a", &[])),
        ("b", step("b", &["a"])),
        ("c", step("c", &["a"])),
        ("d", step("d", &["b", "c", "a"])),
        ("e", step("e", &["d", "a"])),
    ];
    for (modules, expected) in [(chain, 5), (diamond, 8)] {
        for reversed in [false, true] {
            let mut modules = modules.clone();
            if reversed {
                modules.reverse();
            }
            let mut spec = spec(&modules);
            spec.facade = Some("e".to_owned());
            let service = Service::builder(Plan::link(engine(), spec).unwrap()).build().unwrap();
            assert_eq!(service.call("f", json!([0]), CallOptions::default()), Ok(json!(expected)));
        }
    }
}

fn versioned(name: &str, version: &str, imports: &[&str], requires: &str) -> String {
    let custom = format!(r#"(@custom "marine:manifest" "{{\"version\":\"{version}\",\"requires\":{requires}}}")"#);
    step(name, imports).replacen("(component", &format!("(component {custom}"), 1)
}

#[test]
fn versions_are_requirements() {
    let link = |entry: &str, requires: &str| {
        let requires = requires.replace('"', "\\\"");
        let mut spec =
            spec(&[("a", versioned("a", "1.2.3", &[], "{}")), ("b", versioned("b", "1.0.0", &["a"], &requires))]);
        spec.modules[0].version = Some(entry.parse().unwrap());
        Plan::link(engine(), spec).map(|_| ()).map_err(|errors| errors.to_string())
    };
    for met in ["{}", r#"{"a":"^1.2"}"#, r#"{"marine:a/api":"=1.2.3"}"#] {
        assert_eq!(link("^1", met), Ok(()), "{met}");
    }
    let unversioned = {
        let mut spec = spec(&[("a", step("a", &[]))]);
        spec.modules[0].version = Some("^1".parse().unwrap());
        errors(spec)
    };
    let texts = [link("^2", "{}").unwrap_err(), link("^1", r#"{"a":"^1.3"}"#).unwrap_err(), unversioned];
    insta::assert_snapshot!(texts.join("\n"), @r"
    error[M418]: the manifest wants `a` ^2, but it is 1.2.3
    help: use another version of the module, or change the requirement
    error[M418]: `b` wants `a` ^1.3, but it is 1.2.3
    help: use another version of the module, or change the requirement
    error[M418]: the manifest wants `a` ^1, but it does not say its version
    help: use another version of the module, or change the requirement
    ");
}

#[test]
fn a_pinned_component_is_no_other() {
    let link = |pin: Option<Cid>| {
        let mut spec = spec(&[("a", step("a", &[]))]);
        let own = *spec.modules[0].module.cid();
        spec.modules[0].pin = Some(pin.unwrap_or(own));
        spec
    };
    assert!(Plan::link(engine(), link(None)).is_ok());
    let other = module_cid(b"other");
    let text = errors(link(Some(other)));
    assert!(
        text.starts_with("error[M421]: `a` is baf") && text.contains(&format!(", and {other} is pinned")),
        "{text}"
    );
}

#[test]
fn one_of_several_interfaces_can_be_chosen() {
    let twice = step("a", &[]).replace(
        r#"(export "marine:a/api" (instance $api))"#,
        r#"(export "acme:one/x@1.0.0" (instance $api)) (export "acme:two/y" (instance $api))"#,
    );
    let link = |interface: Option<&str>| {
        let mut spec = spec(&[("a", twice.clone()), ("b", step("b", &["a"]))]);
        spec.modules[0].interface = interface.map(str::to_owned);
        Plan::link(engine(), spec)
    };
    for chosen in ["acme:one/x@1.0.0", "acme:one/x", "acme:two/y"] {
        let service = Service::builder(link(Some(chosen)).unwrap()).build().unwrap();
        assert_eq!(service.call("f", json!([0]), CallOptions::default()), Ok(json!(2)), "{chosen}");
    }
    insta::assert_snapshot!(format!("{}\n{}", link(None).unwrap_err(), link(Some("acme:three/z")).unwrap_err()), @r#"
    error[M413]: `a` exports several interfaces, and none is called `marine:a/api`: `acme:one/x@1.0.0`, `acme:two/y`
    help: choose one: `interface = ".."` in the module `a`
    error[M402]: `a` has no function `f`, which `b` imports
    help: `a` offers none
    error[M417]: `a` exports no interface `acme:three/z`; it exports `acme:one/x@1.0.0`, `acme:two/y`
    help: name one of those in `interface`
    error[M413]: `a` exports several interfaces, and none is called `marine:a/api`: `acme:one/x@1.0.0`, `acme:two/y`
    help: choose one: `interface = ".."` in the module `a`
    error[M402]: `a` has no function `f`, which `b` imports
    help: `a` offers none
    "#);
}

#[test]
fn declared_programs_need_a_grant() {
    let custom = r#"(component (@custom "marine:manifest" "{\"binaries\":[\"pdftotext\"]}")"#;
    let wrap = shell("wrap").replacen("(component", custom, 1);
    insta::assert_snapshot!(errors(spec(&[("wrap", wrap.clone())])), @r#"
    error[M419]: `wrap` runs the program `pdftotext`, which it is not granted
    help: add to the module `wrap` of Marine.toml: binaries = { pdftotext = { path = "pdftotext", args = [["<any>"]] } }
    "#);
    let mut granted = spec(&[("wrap", wrap)]);
    granted.modules[0].grants.binaries.insert("pdftotext".to_owned(), BinaryGrant::new("sh"));
    assert!(Plan::link(engine(), granted).is_ok());
}

#[test]
fn permissions_say_what_and_why() {
    let mut spec = spec(&[("wrap", shell("wrap")), ("net", web("net")), ("shelf", shelf("shelf"))]);
    let grants = &mut spec.modules[0].grants;
    grants.dirs.insert("/in".to_owned(), Dir::Host { path: "/srv/in".into(), mode: Mode::ReadOnly, create: false });
    grants.env.insert("TOKEN".to_owned(), EnvValue::From("SHOP_TOKEN".to_owned()));
    grants.binaries.insert("sh".to_owned(), BinaryGrant::new("sh"));
    spec.modules[1].asked_hosts.insert("https://example.com".parse().unwrap());
    spec.modules[2].grants.kv.insert("seen".to_owned(), KvGrant { mode: Mode::ReadOnly, quota: 2048 });
    let plan = Plan::link(engine(), spec).unwrap();
    let lines: Vec<String> = plan.permissions().iter().map(ToString::to_string).collect();
    let lines: Vec<&String> = lines.iter().filter(|line| !line.contains("every module may")).collect();
    insta::assert_snapshot!(lines.iter().map(|line| line.as_str()).collect::<Vec<_>>().join("\n"), @r"
    wrap may read /in (/srv/in): granted by `dirs` in the manifest (it imports nothing that could)
    wrap may see the variable TOKEN (the host's SHOP_TOKEN): granted by `env` in the manifest (it imports nothing that could)
    wrap may run `sh` (sh) with any arguments: granted by `binaries` in the manifest
    net may reach https://example.com: asked for, to be granted where it runs
    shelf may read the store `seen` (up to 2 KiB): granted by `kv` in the manifest
    ");
    let warnings: Vec<String> = plan.warnings().iter().map(|warning| warning.report()).collect();
    insta::assert_snapshot!(warnings.join("\n"), @r#"
    warning[M430]: `wrap` may read /in (/srv/in), but imports nothing that could use it
    help: remove the grant: what a module cannot do it need not be trusted with
    warning[M430]: `wrap` may see the variable TOKEN (the host's SHOP_TOKEN), but imports nothing that could use it
    help: remove the grant: what a module cannot do it need not be trusted with
    warning[M433]: `wrap` may run `sh` with any arguments
    help: list the arguments that are meant: `args = [["-v", "<path:/dir>"]]`, or write `args = "any"` knowingly
    warning[M431]: no module imports `wrap`, and it is not the facade
    help: remove it, or make it the facade with `service.facade`
    warning[M431]: no module imports `net`, and it is not the facade
    help: remove it, or make it the facade with `service.facade`
    "#);
    let bare = Plan::link(engine(), crate::guests::spec(&[("net", &web("net"))])).unwrap();
    insta::assert_snapshot!(bare.warnings()[0].report(), @r#"
    warning[M432]: `net` imports `marine:host/http@1.0.0`, but nothing is granted for it: each use is refused
    help: add to the module `net` of Marine.toml: hosts = ["https://example.com"]
    "#);
    assert!(Plan::link(engine(), crate::guests::spec(&[("m", &importer("m", ""))])).unwrap().warnings().is_empty());
}

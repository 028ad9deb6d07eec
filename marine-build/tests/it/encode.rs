//! From core modules written by hand to components.

use marine_build::encode::{
    Case, EncodeError, Field, Git, Items, MANIFEST_SECTION, ModuleInfo, ModuleManifest, Requirement, SECTION, Type,
    wit_text,
};
use marine_build::{Encoded, ModuleMeta, componentize};
use proptest::prelude::*;
use wasmparser::{Parser, Payload, Validator, WasmFeatures};
use wit_component::{StringEncoding, embed_component_metadata};
use wit_parser::Resolve;

use crate::section::{encode, export, import, record};

/// A module with one function, its post-return, and room for what a case adds.
fn module(items: &Items, more: &str) -> Vec<u8> {
    let text = format!(
        r#"(module
          (import "wasi_snapshot_preview1" "random_get" (func $random (param i32 i32) (result i32)))
          {more}
          (memory (export "memory") 1)
          (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) unreachable)
          (func (export "_initialize") (drop (call $random (i32.const 0) (i32.const 4))))
          (func (export "marine#inc") (param i32) (result i32) (i32.add (local.get 0) (i32.const 1)))
          (func (export "cabi_post_marine#inc") (param i32)))"#
    );
    with_section(wat::parse_str(text).unwrap(), items)
}

fn with_section(mut core: Vec<u8>, items: &Items) -> Vec<u8> {
    let data = encode(items);
    core.push(0);
    leb(&mut core, 1 + SECTION.len() + data.len());
    core.push(SECTION.len() as u8);
    core.extend(SECTION.as_bytes());
    core.extend(data);
    core
}

/// As the bindings of the SDK do: what the module imports of the host is described in a section.
fn with_host(mut core: Vec<u8>) -> Vec<u8> {
    let wit = "package marine:host@1.0.0;
        interface binaries { run: func(name: string) -> u32; }
        world guest { import binaries; }";
    let mut resolve = Resolve::default();
    let package = resolve.push_str("host.wit", wit).unwrap();
    let world = resolve.select_world(&[package], Some("guest")).unwrap();
    embed_component_metadata(&mut core, &resolve, world, StringEncoding::UTF8).unwrap();
    core
}

fn leb(to: &mut Vec<u8>, mut number: usize) {
    while number > 127 {
        to.push(number as u8 | 128);
        number >>= 7;
    }
    to.push(number as u8);
}

fn meta() -> ModuleMeta {
    ModuleMeta {
        name: "counter".into(),
        package: ModuleInfo { version: "0.3.0".into(), authors: "Ann".into(), ..Default::default() },
        license: "MIT".into(),
        profile: "dev".into(),
        rustc: "rustc 1.95.0".into(),
        build_time: Some(951_782_400),
        git: Some(Git { commit: "c0ffee".into(), dirty: true }),
        debug_info: false,
    }
}

fn inc() -> Items {
    Items { exports: vec![export("inc", &[("x", Type::U32)], Type::U32)], ..Default::default() }
}

/// The component of `core`, after a check that both ways of editing agree: with debug information code stays in its place.
fn encoded(core: &[u8]) -> Encoded {
    let encode = |debug_info| {
        let encoded = componentize(core, &ModuleMeta { debug_info, ..meta() }).unwrap();
        Validator::new_with_features(WasmFeatures::all()).validate_all(&encoded.component).unwrap();
        encoded
    };
    let (plain, debug) = (encode(false), encode(true));
    assert_eq!((&plain.wit, core_names(&plain.component)), (&debug.wit, core_names(&debug.component)));
    plain
}

/// Names of exports (and of imports, with `-> `) of the first core module inside a component.
fn core_names(component: &[u8]) -> Vec<String> {
    let mut names = Vec::new();
    let mut modules = 0;
    for payload in Parser::new(0).parse_all(component) {
        match payload.unwrap() {
            Payload::ModuleSection { .. } => modules += 1,
            Payload::ExportSection(section) if modules == 1 => {
                names.extend(section.into_iter().map(|export| export.unwrap().name.to_owned()));
            }
            _ => {}
        }
    }
    names
}

#[test]
fn exports_get_the_names_of_the_interface() {
    let encoded = encoded(&module(&inc(), ""));
    let names = core_names(&encoded.component);
    // The post-return of a plain number has nothing to free and is gone.
    assert_eq!(names, ["memory", "cabi_realloc", "_initialize", "marine:counter/api#inc"]);
    assert_eq!(encoded.functions, 1);
    insta::assert_snapshot!(encoded.wit, @r"
    package marine:counter;

    interface api {
      inc: func(x: u32) -> u32;
    }

    world module {
      export api;
    }
    ");
    assert_eq!(componentize(&module(&inc(), ""), &meta()).unwrap().component, encoded.component);
}

#[test]
fn a_component_describes_itself() {
    let shape = record("HTTPShape", &[("getUrl", Type::Fixed(3, Box::new(Type::U8)))]);
    let requirement = |source: &str, version: &str| Requirement { source: source.into(), version: version.into() };
    let items = Items {
        exports: vec![export("inc", &[("x", Type::U32)], Type::U32), export("draw", &[], shape)],
        imports: vec![import("stock", "reserve", &[], Type::Unit)],
        info: Some(ModuleInfo { description: "Counts.".into(), sdk: "0.1.0".into(), ..Default::default() }),
        binaries: vec!["pdftotext".into(), "curl".into(), "curl".into()],
        requirements: vec![requirement("stock", "^1.2"), requirement("unused", "1"), requirement("stock", "<1.9")],
    };
    let core = module(
        &items,
        r#"(import "marine-import:stock" "reserve" (func))
           (import "marine:host/binaries@1.0.0" "run" (func (param i32 i32) (result i32)))
           (func (export "marine#draw") (result i32) unreachable)
           (func (export "cabi_post_marine#draw") (param i32))"#,
    );
    let encoded = encoded(&with_host(core));
    let mut manifest = None;
    let mut standard = Vec::new();
    for payload in Parser::new(0).parse_all(&encoded.component) {
        if let Payload::CustomSection(section) = payload.unwrap() {
            match section.name() {
                MANIFEST_SECTION => manifest = Some(serde_json::from_slice::<ModuleManifest>(section.data()).unwrap()),
                name @ ("version" | "authors" | "licenses" | "description" | "source") => {
                    standard.push(format!("{name}={}", String::from_utf8_lossy(section.data())));
                }
                _ => {}
            }
        }
    }
    assert_eq!(standard, ["version=0.3.0", "authors=Ann", "description=Counts.", "licenses=MIT"]);
    let manifest = manifest.unwrap();
    assert_eq!((manifest.schema, manifest.name.as_str(), manifest.sdk.as_str()), (1, "counter", "0.1.0"));
    assert_eq!(manifest.build_time.as_deref(), Some("2000-02-29T00:00:00Z"));
    assert_eq!(manifest.git, Some(Git { commit: "c0ffee".into(), dirty: true }));
    assert_eq!(manifest.binaries, ["curl", "pdftotext"]);
    assert_eq!(Vec::from_iter(manifest.requires), [("stock".into(), "^1.2, <1.9".into())]);
    assert_eq!(Vec::from_iter(manifest.fixed), [("draw().get_url".into(), 3)]);
    let lost = [("http-shape", "HTTPShape"), ("http-shape.get-url", "getUrl")];
    assert_eq!(Vec::from_iter(manifest.names), lost.map(|(wit, rust)| (wit.to_owned(), rust.to_owned())));
}

#[test]
fn versions_have_to_be_versions() {
    let info = ModuleInfo { version: "1.0".into(), ..Default::default() };
    let error = componentize(&module(&Items { info: Some(info), ..inc() }, ""), &meta()).unwrap_err();
    assert_eq!(error.code(), "M140");
    let items = Items {
        imports: vec![import("stock", "reserve", &[], Type::Unit)],
        requirements: vec![Requirement { source: "stock".into(), version: "new".into() }],
        ..inc()
    };
    let core = module(&items, r#"(import "marine-import:stock" "reserve" (func))"#);
    assert_eq!(componentize(&core, &meta()).unwrap_err().code(), "M120");
}

#[test]
fn doc_comments_are_in_the_component() {
    let mut items = inc();
    items.exports[0].docs = " Adds one.".into();
    let component = encoded(&module(&items, "")).component;
    let docs = Parser::new(0).parse_all(&component).find_map(|payload| match payload.unwrap() {
        Payload::CustomSection(section) if section.name() == "marine:docs" => Some(section.data().to_vec()),
        _ => None,
    });
    let docs = docs.unwrap();
    assert!(wit_component::decode(&component).is_ok(), "other tools read the component");
    assert!(docs[0] <= 1, "the version of the section");
    let docs: serde_json::Value = serde_json::from_slice(&docs[1..]).unwrap();
    assert_eq!(docs["interfaces"]["api"]["funcs"]["inc"]["docs"], "Adds one.", "{docs}");
}

#[test]
fn imports_that_are_used_get_the_names_of_their_interface() {
    let used = import("stock_2", "reserve_all", &[], Type::Unit);
    let unused = import("bank", "pay", &[], Type::Unit);
    let by_id = import("acme:store/api@1.2.0", "get", &[], Type::Bool);
    let items = Items { imports: vec![used, unused, by_id], ..inc() };
    let more = r#"(import "marine-import:stock_2" "reserve_all" (func $reserve))
        (import "marine-import:acme:store/api@1.2.0" "get" (func $get (result i32)))
        (func (export "__main_void") (result i32) call $reserve call $get)"#;
    let encoded = encoded(&module(&items, more));
    insta::assert_snapshot!(encoded.wit, @r"
    package marine:counter;

    interface api {
      inc: func(x: u32) -> u32;
    }

    world module {
      import acme:store/api@1.2.0;
      import marine:stock-2/api;
      export api;
    }

    package acme:store@1.2.0 {
      interface api {
        get: func() -> bool;
      }
    }

    package marine:stock-2 {
      interface api {
        reserve-all: func();
      }
    }
    ");
}

#[test]
fn functions_of_c_and_javascript_are_named() {
    let more = r#"(import "env" "gethostname" (func $host (param i32 i32) (result i32)))
        (func (export "__main_void") (result i32) (call $host (i32.const 0) (i32.const 0)))"#;
    let error = componentize(&module(&inc(), more), &meta()).unwrap_err();
    insta::assert_snapshot!(error, @r"
    it needs functions that no component can provide: `gethostname` of `env`
    help: a dependency expects a C library or a JavaScript host; use one that supports wasm32-wasip1
    ");
}

#[test]
fn wit_of_every_kind_of_type() {
    let docs = "One line of a bill.\n\nWith a second paragraph.";
    let field = |name: &str, docs: &str, ty| Field { name: name.into(), docs: docs.into(), ty };
    let line = Type::Record(
        "Line".into(),
        docs.into(),
        vec![field("item", "What.", Type::String), field("type", "", Type::U8), field("line_2", "", Type::S64)],
    );
    let case = |name: &str, ty| Case { name: name.into(), docs: String::new(), ty };
    let shape =
        Type::Variant("Shape".into(), String::new(), vec![case("Dot", Type::Unit), case("BigLine", line.clone())]);
    let color = Type::Enum("total".into(), "Named like a function.".into(), vec![case("DeepRed", Type::Unit)]);
    let list = |ty| Type::List(Box::new(ty));
    let mut total = export("total", &[("lines", list(line)), ("_from", Type::Option(Box::new(color)))], Type::Unit);
    total.docs = " Adds up.\n */ not the end".into();
    let unit = || Box::new(Type::Unit);
    let items = Items {
        exports: vec![
            total,
            export("stream", &[("x", Type::Fixed(4, Box::new(Type::F32)))], Type::Result(unit(), unit())),
            export(
                "b",
                &[("t", Type::Tuple(vec![Type::Char, Type::U16]))],
                Type::Result(unit(), Box::new(Type::String)),
            ),
            export("a", &[], Type::Result(Box::new(list(shape)), unit())),
        ],
        ..Default::default()
    };
    let wit = wit_text("bill", &items).unwrap();
    wit_parser::Resolve::default().push_str("bill.wit", &wit).unwrap();
    insta::assert_snapshot!(wit, @r"
    package marine:bill;

    interface api {
      /// One line of a bill.
      ///
      /// With a second paragraph.
      record line {
        /// What.
        item: string,
        %type: u8,
        line-2: s64,
      }

      variant shape {
        dot,
        big-line(line),
      }

      /// Named like a function.
      enum total-type {
        deep-red,
      }

      a: func() -> result<list<shape>>;

      b: func(t: tuple<char, u16>) -> result<_, string>;

      %stream: func(x: list<f32>) -> result;

      /// Adds up.
      /// */ not the end
      total: func(lines: list<line>, %from: option<total-type>);
    }

    world module {
      export api;
    }
    ");
}

#[test]
fn collisions_show_both_sides() {
    let export_of = |ty: Type| export("f", &[("x", ty)], Type::Unit);
    let two_types = record(
        "Pair",
        &[("left", record("Item", &[("id", Type::U8)])), ("right", record("item", &[("id", Type::U16)]))],
    );
    let cases = [
        Items { exports: vec![export_of(two_types)], ..Default::default() },
        Items { exports: vec![export("a_b", &[], Type::U8), export("a-b", &[], Type::U8)], ..Default::default() },
        Items { exports: vec![export("f", &[("_x", Type::U8), ("x", Type::U8)], Type::Unit)], ..Default::default() },
        Items {
            imports: vec![import("m", "g", &[], Type::U8), import("m", "g", &[], Type::U16)],
            ..Default::default()
        },
        Items { imports: vec![import("bill", "g", &[], Type::U8)], ..Default::default() },
    ];
    let messages: Vec<_> = cases.iter().map(|items| wit_text("bill", items).unwrap_err().to_string()).collect();
    insta::assert_snapshot!(messages.join("\n\n"), @r#"
    two types are called `item` in WIT
      one is    struct Item { id: u8 }
      other is  struct item { id: u16 }
    help: rename one with #[marine(name = "..")]

    two functions are called `a-b` in WIT
      one is    fn a_b() -> u8
      other is  fn a-b() -> u8
    help: rename one with #[marine(name = "..")]

    two parameters of `f` are called `x` in WIT
      one is    _x
      other is  x
    help: rename one with #[marine(name = "..")]

    `g` is imported from `m` with two signatures
      one is    fn g() -> u8
      other is  fn g() -> u16
    help: make the import blocks agree

    module `bill` imports from itself
    help: call the function directly, or rename one of the two modules
    "#);
}

#[test]
fn bad_modules_are_refused() {
    let missing = Items { exports: vec![export("dec", &[], Type::Unit)], ..Default::default() };
    let unnamed = Items { exports: vec![export("größe", &[], Type::Unit)], ..Default::default() };
    assert!(matches!(componentize(b"no wasm", &meta()), Err(EncodeError::Items(_))));
    assert!(matches!(componentize(&module(&Items::default(), ""), &meta()), Err(EncodeError::NoExports)));
    assert!(matches!(componentize(&module(&missing, ""), &meta()), Err(EncodeError::Inconsistent(_))));
    assert!(matches!(componentize(&module(&unnamed, ""), &meta()), Err(EncodeError::Name(_))));
    let bad_name = ModuleMeta { name: "Counter".into(), ..meta() };
    assert!(matches!(componentize(&module(&inc(), ""), &bad_name), Err(EncodeError::Name(_))));
    // The description promises a result that the code does not give.
    let lying = Items { exports: vec![export("inc", &[("x", Type::String)], Type::U64)], ..Default::default() };
    assert!(matches!(componentize(&module(&lying, ""), &meta()), Err(EncodeError::Encoder(..))));
}

/// A custom section as the compiler writes debug information: which places it speaks of shows whether code moved.
#[test]
fn debug_information_stays_as_long_as_it_is_true() {
    let mut core = module(&inc(), "(func (export \"__main_void\") (result i32) i32.const 0)");
    let section = b"\x0b.debug_line01234567";
    core.extend([0, section.len() as u8]);
    core.extend(section);
    let lines = |debug_info| {
        let component = componentize(&core, &ModuleMeta { debug_info, ..meta() }).unwrap().component;
        component.windows(section.len()).any(|window| window == section)
    };
    assert_eq!((lines(true), lines(false)), (true, false));

    // All code of the module, start-up included, is still there in one piece.
    let code = |bytes: &[u8]| {
        let sections = Parser::new(0).parse_all(bytes).filter_map(|payload| match payload.unwrap() {
            Payload::CodeSectionStart { range, .. } => Some(bytes[range].to_vec()),
            _ => None,
        });
        sections.collect::<Vec<_>>().swap_remove(0)
    };
    let component = componentize(&core, &ModuleMeta { debug_info: true, ..meta() }).unwrap().component;
    let (before, after) = (code(&core), code(&component));
    // One function more: the count that leads the section, and the end.
    assert_eq!((after[0], &after[1..before.len()]), (before[0] + 1, &before[1..]));
}

#[test]
fn a_failing_main_fails_the_start() {
    let core = module(&inc(), "(func (export \"__main_void\") (result i32) i32.const 1)");
    for debug_info in [true, false] {
        let component = componentize(&core, &ModuleMeta { debug_info, ..meta() }).unwrap().component;
        let text = operators(&component);
        assert!(text.contains("call call if unreachable"), "{text}");
    }
    let no_start = wat::parse_str(r#"(module (func (export "__main_void") (result i32) i32.const 1))"#).unwrap();
    let error = componentize(&with_section(no_start, &inc()), &meta()).unwrap_err();
    assert!(matches!(error, EncodeError::Inconsistent(_)), "{error}");
}

/// The operators of the first core module, by name.
fn operators(component: &[u8]) -> String {
    let mut names = Vec::new();
    let mut modules = 0;
    for payload in Parser::new(0).parse_all(component) {
        match payload.unwrap() {
            Payload::ModuleSection { .. } => modules += 1,
            Payload::CodeSectionEntry(body) if modules == 1 => {
                for operator in body.get_operators_reader().unwrap() {
                    let name = format!("{:?}", operator.unwrap());
                    names.push(name.split([' ', '{']).next().unwrap_or_default().to_lowercase());
                }
            }
            _ => {}
        }
    }
    names.join(" ")
}

proptest! {
    #[test]
    fn a_damaged_module_is_refused_or_encoded(at in any::<prop::sample::Index>(), byte: u8, debug_info: bool) {
        let items = Items { imports: vec![import("stock", "reserve", &[], Type::Unit)], ..inc() };
        let more = r#"(import "marine-import:stock" "reserve" (func $reserve))
            (table 3 funcref) (global (mut i32) (i32.const 1)) (elem (i32.const 0) $reserve)
            (func (export "__main_void") (result i32) call $reserve i32.const 0)
            (data (i32.const 8) "data")"#;
        let mut core = module(&items, more);
        let at = at.index(core.len());
        core[at] = byte;
        if let Ok(encoded) = componentize(&core, &ModuleMeta { debug_info, ..meta() }) {
            prop_assert!(Validator::new_with_features(WasmFeatures::all()).validate_all(&encoded.component).is_ok());
        }
    }
}

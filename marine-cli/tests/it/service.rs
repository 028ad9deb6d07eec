//! Services as users meet them: built, called, tried in the REPL.

use std::fs;

use crate::support::{User, project};

#[test]
fn the_greeting_template_builds_and_answers() {
    let (user, dir) = (User::new(), project("greeting"));
    let run = user.marine(&dir, &["call", r#"greeting("Ada")"#]).expect(0);
    assert_eq!(run.stdout, "\"Hello, Ada!\"\n");
    for file in ["greeting.wasm", "greeting.wit", "greeting.blueprint"] {
        assert!(dir.join("target/marine/dev").join(file).is_file(), "{file} was not built");
    }
}

#[test]
fn the_two_module_template_builds_and_remembers() {
    let (user, dir) = (User::new(), project("two-modules"));
    let _ = fs::remove_dir_all(dir.join("target/marine/volumes"));
    let run = user.marine(&dir, &["call", r#"greet("Ada")"#]).expect(0);
    assert!(run.stdout.contains("You are the first to come by."), "{run:?}");
    let script = "greet(name: \"Bob\")\n\ncall guestbook names\nguestbook.names()\n";
    fs::write(user.path("visit.repl"), script).expect("written");
    let path = user.path("visit.repl");
    let run = user.marine(&dir, &["repl", "--script", path.to_str().expect("text"), "--json"]).expect(0);
    let results: Vec<_> = run.documents().iter().map(|document| document["result"].clone()).collect();
    assert_eq!(results[0]["visits"], 2, "{results:?}");
    assert_eq!(results[1], serde_json::json!(["Ada", "Bob"]), "{results:?}");
    assert_eq!(results[1], results[2]);
}

#[test]
fn errors_of_calls_have_their_exit_codes() {
    let (user, dir) = (User::new(), project("two-modules"));
    let service_error = user.marine(&dir, &["call", r#"greet("")"#]).expect(13);
    assert!(service_error.stderr.contains("a visitor needs a name"), "{service_error:?}");
    let bad_argument = user.marine(&dir, &["call", "greet(1)"]).expect(14);
    assert!(bad_argument.stderr.contains("error[M503]: args[0]: expected string, got 1"), "{bad_argument:?}");
    let unknown = user.marine(&dir, &["call", "gret()"]).expect(14);
    assert!(unknown.stderr.contains("did you mean `greet`?"), "{unknown:?}");
    let unreadable = user.marine(&dir, &["call", "greet("]).expect(14);
    assert!(unreadable.stderr.contains("greet(\n"), "{unreadable:?}");
}

#[test]
fn a_component_alone_is_granted_nothing() {
    let (user, dir) = (User::new(), project("two-modules"));
    let component = dir.join("target/marine/dev/guestbook.wasm");
    let run =
        user.marine(&user.path(""), &["call", r#"sign("Ada")"#, "-m", component.to_str().expect("text")]).expect(13);
    assert!(run.stderr.contains("/data/visitors.txt"), "{run:?}");
}

#[test]
fn compiled_code_is_kept_where_the_cache_was_moved_to() {
    let (user, dir) = (User::new(), project("greeting"));
    let cache = user.path("cache");
    let mut call = user.command(&dir, &["call", r#"greeting("Ada")"#, "-m", "target/marine/dev/greeting.wasm"]);
    assert!(call.env("MARINE_CACHE_DIR", &cache).status().expect("marine runs").success());
    let kept = fs::read_dir(cache.join("code")).expect("a directory").count();
    assert!(kept > 0, "nothing is kept");
}

#[test]
fn garbage_is_refused_with_a_reason() {
    let user = User::new();
    let dir = user.path("garbage");
    fs::create_dir_all(&dir).expect("created");
    let write = |name: &str, content: &[u8]| fs::write(dir.join(name), content).expect("written");
    write("Marine.toml", b"[servise]\nname = 1\n\x00");
    write("bad.wasm", b"\0asm garbage");
    write("not.wasm", b"MZ");
    write("bad.air", b"(call \"x");
    write("good.air", b"(null)");
    write("bad.bundle", &[0x82, 0xff, 0x00]);
    write("list.json", b"[1]");
    let relay = "/ip4/127.0.0.1/tcp/1/p2p/12D3KooWK99VoVxNE7XzyBwXEzW7xhK7Gpv85r9F3V3fyKSUKPH5";
    let cases: &[(&[&str], i32, &str)] = &[
        (&["build"], 12, "error[M30"),
        (&["call", "f()"], 12, "error[M30"),
        (&["call", "f()", "-m", "bad.wasm"], 12, "bad"),
        (&["call", "f()", "-m", "not.wasm"], 12, "not WebAssembly"),
        (&["call", "f()", "-m", "missing.wasm"], 12, "missing"),
        (&["air", "check", "bad.air"], 3, "checked: "),
        (&["run", "missing.air", "--relay", relay], 2, "missing.air"),
        (&["run", "bad.air", "--relay", relay], 3, "error[A0"),
        (&["run", "good.air", "--relay", relay, "--data", "@list.json"], 2, "not a JSON object"),
        (&["run", "good.air", "--relay", "nowhere"], 2, "nowhere"),
        (&["run", "good.air", "--relay", relay], 20, "127.0.0.1/tcp/1"),
        (&["deploy", "--to", relay], 12, "error[M30"),
        (&["particle", "show", "bad.bundle"], 24, "bad.bundle"),
        (&["particle", "verify", "missing.bundle"], 2, "missing.bundle"),
        (&["key", "show", "./Marine.toml"], 2, "Marine.toml"),
        (&["key", "show", "."], 2, "is a directory"),
        (&["key", "new", ""], 2, "is empty"),
        (&["key", "show", "nobody"], 2, "`marine key new nobody` makes it"),
        (&["build", "missing"], 2, "there is no `missing`"),
        (&["deploy", "--to", relay, "--alias", "Bad_Name"], 2, "use 1 to 64 of a-z"),
        (&["node", "--listen", "nowhere"], 2, "write /ip4/127.0.0.1/tcp/7777"),
        (&["node", "--deploy", "somebody"], 2, "no peer id"),
        (&["particle", "show", "bad.bundle", "--alias", "host=somebody"], 2, "no peer id"),
    ];
    for (arguments, code, said) in cases {
        let run = user.marine(&dir, arguments);
        assert_eq!(run.code, *code, "marine {arguments:?}: {run:#?}");
        assert!(run.stderr.contains(said), "marine {arguments:?} does not say `{said}`: {run:#?}");
        assert!(!run.stderr.contains("panicked"), "marine {arguments:?}: {run:#?}");
    }
}

//! Scripts, transcripts and conversations with the REPL, without a terminal.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::process::Stdio;

use serde_json::{Value, json};

use crate::support::{Run, User, project};

#[test]
fn a_recorded_session_replays_and_a_difference_is_shown() {
    let (user, dir) = (User::new(), project("two-modules"));
    let path = user.path("visit.repl");
    let file = path.to_str().expect("text");
    let components = ["guestbook", "greeter"].map(|name| dir.join("target/marine/dev").join(format!("{name}.wasm")));
    let components = components.each_ref().map(|path| path.to_str().expect("text"));
    let repl = |arguments: &[&str]| user.marine(&dir, &[&["repl", components[0], components[1]], arguments].concat());
    repl(&[
        "--record",
        file,
        "--keep-going",
        "-c",
        "interface",
        "-c",
        "greet(1)",
        "-c",
        "greet({\"a\":\n1})",
        "-c",
        "stats",
    ])
    .expect(14);
    let recorded = fs::read_to_string(&path).expect("the transcript");
    assert!(recorded.starts_with("> interface\n"), "{recorded}");
    assert!(
        recorded.contains("> greet(1)\nerror[M503]: args[0]: expected string, got 1\n  greet(1)\n        ^\n"),
        "{recorded}"
    );
    assert!(recorded.contains("> greet({\"a\":\n. 1})\n") && recorded.ends_with("> stats\n...\n"), "{recorded}");
    let replayed = repl(&["--script", file]).expect(0);
    assert!(replayed.stdout.is_empty(), "{replayed:?}");

    fs::write(&path, recorded.replace("got 1\n", "got 2\n")).expect("written");
    let differs = repl(&["--script", file]).expect(3);
    assert!(differs.stdout.contains("- error[M503]: args[0]: expected string, got 2"), "{differs:?}");
    assert!(differs.stdout.contains("+ error[M503]: args[0]: expected string, got 1"), "{differs:?}");
    repl(&["--script", file, "--update"]).expect(0);
    assert_eq!(fs::read_to_string(&path).expect("the transcript"), recorded);
}

#[test]
fn scripts_end_at_the_first_failure_unless_told_otherwise() {
    let (user, dir) = (User::new(), project("two-modules"));
    fs::write(user.path("three.repl"), "greet(\"\")\n# a comment\n\ngreet(1)\nhelp quit\n").expect("written");
    let path = user.path("three.repl");
    let file = path.to_str().expect("text");
    let first = user.marine(&dir, &["repl", "--script", file]).expect(13);
    assert!(!first.stdout.contains("quit"), "{first:?}");
    let all = user.marine(&dir, &["repl", "--script", file, "--keep-going"]).expect(13);
    assert!(all.stdout.contains("leave; Ctrl-D does as well") && all.stderr.contains("M503"), "{all:?}");
}

#[test]
fn a_program_can_hold_a_conversation() {
    let (user, dir) = (User::new(), project("two-modules"));
    let mut child = user
        .command(&dir, &["repl", "--json", "--keep-going"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("marine runs");
    let mut input = child.stdin.take().expect("piped");
    let mut output = BufReader::new(child.stdout.take().expect("piped")).lines();
    let mut ask = |line: &str| -> Value {
        writeln!(input, "{line}").expect("it listens");
        serde_json::from_str(&output.next().expect("an answer").expect("text")).expect("JSON")
    };
    let answer = ask("greet(name: \"Grace\")");
    assert_eq!((&answer["$type"], &answer["command"]), (&json!("repl"), &json!("greet(name: \"Grace\")")));
    assert!(answer["result"]["visits"].is_u64() && answer["micros"].is_u64(), "{answer}");
    let refused = ask("greet(nmae: \"Grace\")");
    assert_eq!((&refused["error"]["code"], &refused["error"]["exit"]), (&json!("M503"), &json!(14)), "{refused}");
    let failed = ask("call greet [\"\"]");
    assert_eq!(failed["error"]["code"], "M505", "{failed}");
    assert!(failed["error"]["value"].is_string(), "{failed}");
    let unknown = ask("intreface");
    assert_eq!(unknown["error"]["help"], "did you mean `interface`?", "{unknown}");
    let shown = ask("interface guestbook");
    assert_eq!(shown["result"]["module"], "guestbook", "{shown}");
    drop(input);
    assert_eq!(child.wait().expect("it ends").code(), Some(14));
}

/// What `commands` print, one after the other, failures included.
fn session(user: &User, dir: &std::path::Path, sources: &[&str], commands: &[&str]) -> Run {
    let commands: Vec<&str> = commands.iter().flat_map(|command| ["-c", *command]).collect();
    user.marine(dir, &[&["repl", "--keep-going"], sources, &commands].concat())
}

#[test]
fn modules_are_loaded_and_unloaded() {
    let (user, dir) = (User::new(), project("two-modules"));
    let outputs = dir.join("target/marine/dev");
    let run = session(
        &user,
        &outputs,
        &["--empty"],
        &[
            "names()",
            "load greeter greeter.wasm",
            "load guestbook guestbook.wasm",
            "load greeter greeter.wasm",
            "unload guestbook",
            "unload greeter",
            "interface greeter",
            "greter",
            "new nowhere.toml",
            "guestbook.names(1)",
        ],
    )
    .expect(14);
    for said in [
        "M603",
        "M401",
        "`guestbook` stays",
        "M501",
        "M601",
        "there is no manifest `nowhere.toml`",
        "takes 0 arguments",
    ] {
        assert!(run.stderr.contains(said), "{said}: {run:#?}");
    }
    for said in ["loaded `guestbook`", "loaded `greeter`", "unloaded `greeter`"] {
        assert!(run.stdout.contains(said), "{said}: {run:#?}");
    }
}

#[test]
fn views_tell_the_truth() {
    let (user, dir) = (User::new(), project("two-modules"));
    let commands = [
        "greet(\"Ada\")",
        "stats",
        "grants",
        "fs guestbook /data",
        "fs",
        "envs",
        "logs",
        "set",
        "set values air",
        "set timeout 1ms",
        "set",
        "params {\"service_id\": \"x\"}",
        "params {\"servise\": 1}",
        "reset",
        "reload",
        "interface greet --wit",
        "help call",
        "watch now",
        "set volume 11",
        "fs /elsewhere",
    ];
    let run = session(&user, &dir, &[], &commands).expect(14);
    for said in [
        "1 call (0 failed)",
        "visitors.txt",
        "volume `",
        "no directories",
        "service_id = local",
        "values   air",
        "timeout  1ms",
        "\"service_id\": \"x\"",
        "the interfaces are as before; what modules kept in memory is lost",
        "func(name: string)",
        "-nr",
    ] {
        assert!(run.stdout.contains(said), "{said}: {run:#?}");
    }
    for said in ["M605", "M602", "M606"] {
        assert!(run.stderr.contains(said), "{said}: {run:#?}");
    }
}

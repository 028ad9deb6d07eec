//! The demo, as a newcomer runs it.

use std::process::{Command, Stdio};

use serde_json::Value;

use crate::support::{Run, User};

fn find<'a>(documents: &'a [Value], kind: &str) -> &'a Value {
    documents
        .iter()
        .find(|document| document["$type"] == kind)
        .unwrap_or_else(|| panic!("no `{kind}` in {documents:#?}"))
}

#[test]
fn the_demo_shows_an_answer_and_its_proof() {
    let user = User::new();
    let run = user.marine(&user.path(""), &["demo", "--json", "--name", "Grace"]).expect(0);
    let documents = run.documents();
    let answer = &find(&documents, "demo.answer")["answer"];
    assert_eq!(answer["text"], "Hello, Grace! You are the first to come by.");
    let calls: Vec<_> = documents.iter().filter(|document| document["$type"] == "trace.call").collect();
    let greet = calls.iter().find(|call| call["function"] == "greet").expect("the call of the service");
    assert_eq!(greet["value"], *answer, "{greet:#}");
    assert!(
        calls.len() >= 7
            && calls.iter().all(
                |call| ["ok", "seen"].contains(&call["state"].as_str().unwrap_or("")) && call["signed"].is_object()
            ),
        "{calls:#?}"
    );
    let signers: std::collections::BTreeSet<_> = calls.iter().map(|call| call["signed"]["by"].as_str()).collect();
    assert_eq!(signers.len(), 4, "client, relay, host and the third: {calls:#?}");

    let hello = calls.iter().find(|call| call["function"] == "hello").expect("the call of the Aqua program");
    let client = calls.iter().find(|call| call["function"] == "-relay-").expect("what is asked for first");
    let said = format!("Hello, {}!", client["peer"].as_str().expect("an id"));
    assert_eq!(find(&documents, "demo.hello")["answer"], said.as_str(), "{hello:#}");
    let place = hello["source"].as_str().expect("a place in the program");
    assert!(place.starts_with("hello.aqua:"), "{place}");
    assert!(find(&documents, "demo.finished")["seconds"].is_number());
    assert!(run.stderr.contains("[10/10]"), "{}", run.stderr);
}

#[test]
fn a_step_that_fails_says_which_why_and_what_to_do() {
    let user = User::new();
    let mut demo = user.command(&user.path(""), &["demo"]);
    let empty = user.path("cache");
    let run =
        Run::of(demo.env("MARINE_CACHE_DIR", empty).env("MARINE_TOOLCHAIN", "cached").output().expect("marine runs"));
    let run = run.expect(11);
    for said in ["[1/10] Find or make the WebAssembly target\n      failed\n", "error[M202]", "help: "] {
        assert!(run.stderr.contains(said), "{run:#?}");
    }
}

#[test]
fn nodes_that_are_kept_can_be_used_and_stopped() {
    let user = User::new();
    let run = user.marine(&user.path(""), &["demo", "--json", "--keep"]).expect(0);
    let documents = run.documents();
    let kept = find(&documents, "demo.kept");
    let processes: Vec<String> =
        kept["processes"].as_array().expect("a list").iter().map(ToString::to_string).collect();
    let command = kept["run"].as_str().expect("a command").to_string();
    let again = Command::new("sh").args(["-c", &command]).output().map(Run::of).expect("sh runs");
    let command = kept["hello"].as_str().expect("a command").to_string();
    let hello = Command::new("sh").args(["-c", &command]).output().map(Run::of).expect("sh runs");
    let stopped = Command::new("kill").args(&processes).status().expect("kill runs");
    assert!(stopped.success());
    assert!(again.expect(0).stdout.contains("\"visits\": 2"));
    assert!(hello.expect(0).stdout.starts_with("Hello, 12D3"));
    wait_until_gone(&processes);
    let key = std::path::Path::new(kept["key"].as_str().expect("a path"));
    std::fs::remove_dir_all(key.parent().expect("the directory of this performance")).expect("removed");
}

#[test]
#[cfg(target_os = "linux")]
fn an_interrupted_demo_leaves_no_node_behind() {
    interrupt(&["demo"]);
    interrupt(&["demo", "--keep"]);
}

#[cfg(target_os = "linux")]
fn interrupt(arguments: &[&str]) {
    use std::io::{BufRead, BufReader};
    let user = User::new();
    let mut demo = user
        .command(&user.path(""), arguments)
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .expect("marine runs");
    let mut nodes = Vec::new();
    for line in BufReader::new(demo.stderr.take().expect("piped")).lines().map_while(Result::ok) {
        // Each node is announced as `process 1234, /ip4/..`.
        nodes.extend(line.trim().strip_prefix("process ").and_then(|rest| rest.split(',').next()).map(str::to_string));
        if nodes.len() == 3 {
            break;
        }
    }
    assert_eq!(nodes.len(), 3, "three nodes are announced");
    assert!(Command::new("kill").args(["-INT", &demo.id().to_string()]).status().expect("kill runs").success());
    assert_eq!(demo.wait().expect("it ends").code(), Some(130));
    wait_until_gone(&nodes);
}

/// Processes that were asked to end do so within a moment; `/proc` tells.
fn wait_until_gone(processes: &[String]) {
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(20);
    let alive = |process: &&String| {
        let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).unwrap_or_default();
        !stat.is_empty() && !stat.contains(") Z ")
    };
    while let Some(process) = processes.iter().find(alive) {
        assert!(std::time::Instant::now() < deadline, "process {process} is still there");
        // They are not our children, so nothing tells when they end.
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
}

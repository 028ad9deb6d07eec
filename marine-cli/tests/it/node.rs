//! Nodes as processes: deploying, running workflows, being killed, coming back.

use serde_json::json;

use crate::support::{Node, Run, User, project};

/// Runs the template's workflow over `node`, which is relay and host at once.
fn hello(user: &User, node: &Node, name: &str, more: &[&str]) -> Run {
    let data = json!({ "host": node.peer, "service": "two-modules", "name": name }).to_string();
    let arguments = [&["run", "hello.air", "--relay", &node.address, "--data", &data], more].concat();
    user.marine(&project("two-modules"), &arguments)
}

fn deploy(user: &User, node: &Node) -> Run {
    user.marine(&project("two-modules"), &["deploy", "--to", &node.address])
}

#[test]
fn what_a_node_acknowledged_survives_a_kill() {
    let user = User::new();
    let node = Node::start(&user, &user.path("node"));
    deploy(&user, &node).expect(0);
    deploy(&user, &node).expect(4);
    let first = hello(&user, &node, "Ada", &[]).expect(0);
    assert!(first.stdout.contains("\"visits\": 1"), "{first:?}");

    let second_node = user
        .marine(&user.path(""), &["node", "--dev", "--listen", "/ip4/127.0.0.1/tcp/0", "--data", "node"])
        .expect(25);
    assert!(second_node.stderr.contains("in use"), "{second_node:?}");
    let (peer, _) = (node.peer.clone(), node.kill());

    let node = Node::start(&user, &user.path("node"));
    assert_eq!(node.peer, peer, "the node kept its key");
    let second = hello(&user, &node, "Bob", &[]).expect(0);
    assert!(second.stdout.contains("\"visits\": 2"), "service, alias and volume are there again: {second:?}");
    assert_eq!(node.stop(), 0);
}

#[test]
fn a_finished_particle_proves_what_happened() {
    let user = User::new();
    let node = Node::start(&user, &user.path("node"));
    deploy(&user, &node).expect(0);
    let (bundle, broken) = (user.path("finished.particle"), user.path("broken.particle"));
    let file = bundle.to_str().expect("text");
    let run = hello(&user, &node, "Ada", &["--bundle", file, "--trace"]).expect(0);
    assert!(run.stderr.contains("two-modules.greet(\"Ada\")"), "{run:?}");

    let shown = user.marine(&user.path(""), &["particle", "show", file]).expect(0);
    assert!(shown.stdout.contains("two-modules.greet(\"Ada\")"), "{shown:?}");
    user.marine(&user.path(""), &["particle", "verify", file]).expect(0);

    let mut bytes = std::fs::read(&bundle).expect("the bundle");
    let middle = bytes.len() * 3 / 4;
    bytes[middle] ^= 1;
    std::fs::write(&broken, bytes).expect("written");
    user.marine(&user.path(""), &["particle", "verify", broken.to_str().expect("text")]).expect(24);
    assert_eq!(node.stop(), 0);
}

#[test]
fn errors_of_workflows_have_their_exit_codes() {
    let user = User::new();
    let node = Node::start(&user, &user.path("node"));
    let unknown_service = hello(&user, &node, "Ada", &[]).expect(23);
    assert!(unknown_service.stderr.contains("two-modules"), "{unknown_service:?}");

    let write = |name: &str, script: &str| {
        std::fs::write(user.path(name), script).expect("written");
        user.path(name).to_str().expect("text").to_string()
    };
    let broken = write("broken.air", "(call \"x\" (\"op\" \"noop\") [y])");
    let run = user.marine(&user.path(""), &["run", &broken, "--relay", &node.address]).expect(3);
    assert!(run.stderr.contains("A020"), "{run:?}");
    let silent = write(
        "silent.air",
        "(seq (call %init_peer_id% (\"getDataSrv\" \"-relay-\") [] r) (seq (call r (\"op\" \"noop\") []) (never)))",
    );
    user.marine(&user.path(""), &["run", &silent, "--relay", &node.address, "--ttl", "700ms"]).expect(21);
    assert_eq!(node.stop(), 0);
}

#[test]
fn a_service_on_a_node_is_called_in_one_line() {
    let user = User::new();
    let node = Node::start(&user, &user.path("node"));
    deploy(&user, &node).expect(0);
    let call = |text: &str| user.marine(&user.path(""), &["call", text, "--relay", &node.address]);
    let answer = call("two-modules.greet(\"Ada\")").expect(0);
    assert!(answer.stdout.contains("\"visits\": 1"), "{answer:?}");
    let behind = call(&format!("{}/two-modules.greet(\"Bob\")", node.peer)).expect(0);
    assert!(behind.stdout.contains("\"visits\": 2"), "{behind:?}");
    let refused = call("two-modules.greet(\"\")").expect(13);
    assert!(refused.stderr.contains("a visitor needs a name"), "{refused:?}");
    call("two-modules.gret(\"Ada\")").expect(14);
    call("greet(\"Ada\")").expect(2);
    call("two-modules.greet(name: \"Ada\")").expect(2);
    call("nobody/two-modules.greet(\"Ada\")").expect(2);
    let absent = "12D3KooWEXNUbCXooUwHrHBbrmjsrpHXoEphPwbjQXEGyzbqKnE9/two-modules.greet(\"Ada\")";
    user.marine(&user.path(""), &["call", absent, "--relay", &node.address, "--ttl", "700ms"]).expect(21);
    assert_eq!(node.stop(), 0);
}

#[test]
fn nobody_may_deploy_unless_told() {
    let user = User::new();
    let mut node = user.command(
        &user.path(""),
        &["node", "--json", "--listen", "/ip4/127.0.0.1/tcp/0", "--data", "node", "--until-eof"],
    );
    let node = Node::from_command(&mut node);
    let refused = deploy(&user, &node).expect(22);
    assert!(refused.stderr.contains("deploy"), "{refused:?}");
    #[cfg(unix)]
    assert_eq!(node.terminate(), 0);
}

/// A component whose only function never ends.
#[cfg(unix)]
const ENDLESS: &str = r#"(component
  (core module $m (func (export "spin") (loop (br 0))))
  (core instance $i (instantiate $m))
  (func $spin (canon lift (core func $i "spin")))
  (instance $api (export "spin" (func $spin)))
  (export "marine:probe/api" (instance $api)))"#;

/// Answers once the host has begun with `probe.spin`: it executes both calls in one step.
#[cfg(unix)]
const BEGIN: &str = r#"
(seq (call %init_peer_id% ("getDataSrv" "-relay-") [] host)
  (par (call host ("probe" "spin") [])
    (seq (call host ("op" "noop") [])
      (call %init_peer_id% ("callbackSrv" "response") ["begun"]))))"#;

#[test]
#[cfg(unix)]
fn a_second_signal_ends_a_node_that_drains_at_once() {
    use std::io::{BufRead, BufReader};
    let user = User::new();
    let dir = user.path("probe");
    std::fs::create_dir(&dir).expect("created");
    let put = |name: &str, content: &[u8]| std::fs::write(dir.join(name), content).expect("written");
    put("probe.wasm", &wat::parse_str(ENDLESS).expect("a component"));
    put("begin.air", BEGIN.as_bytes());
    // Longer than any patience of this test.
    put("Marine.toml", b"[limits]\ntimeout = \"10min\"\n[[module]]\nname = \"probe\"\nwasm = \"probe.wasm\"\n");
    let mut node = Node::start(&user, &user.path("node"));
    user.marine(&dir, &["deploy", "--to", &node.address]).expect(0);
    let begun = user.marine(&dir, &["run", "begin.air", "--relay", &node.address, "--ttl", "10m"]).expect(0);
    assert_eq!(begun.stdout, "begun\n");

    node.signal("TERM");
    let said = BufReader::new(node.stderr()).lines().map_while(Result::ok).find(|line| line.contains("Draining"));
    assert!(said.is_some(), "it drains: a call still runs");
    node.signal("TERM");
    assert_eq!(node.wait(), 130);

    // What it had acknowledged is there again.
    let node = Node::start(&user, &user.path("node"));
    user.marine(&dir, &["deploy", "--to", &node.address]).expect(4);
    node.kill();
}

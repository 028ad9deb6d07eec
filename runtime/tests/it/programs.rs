//! Programs of the host: what runs, what is refused, and what becomes of a program that does not end.
#![cfg(unix)]

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use marine_manifest::{ArgPolicy, BinaryGrant, Dir, EnvValue, Mode};
use marine_runtime::{CallError, CallOptions, CancelToken, LinkError, ModuleSpec, Plan, Service, ServiceSpec};
use serde_json::{Value, json};

use crate::guests::{engine, module, shell};

fn grant(path: &str, templates: &[&[&str]]) -> BinaryGrant {
    let templates: Vec<Vec<&str>> = templates.iter().map(|template| template.to_vec()).collect();
    BinaryGrant { args: ArgPolicy::templates(&templates).unwrap(), ..BinaryGrant::new(path) }
}

fn spec(programs: &[(&str, BinaryGrant)]) -> ServiceSpec {
    let mut spec = ServiceSpec::new("wrap", vec![ModuleSpec::new(module("wrap", &shell("wrap")))]);
    spec.modules[0].grants.binaries =
        programs.iter().map(|(name, grant)| ((*name).to_owned(), grant.clone())).collect();
    spec
}

fn service(spec: ServiceSpec) -> Service {
    Service::builder(Plan::link(engine(), spec).unwrap_or_else(|errors| panic!("{errors}"))).build().unwrap()
}

/// Code, error, standard output and error of one run.
fn run(service: &Service, name: &str, args: &[&str]) -> (i64, String, String, String) {
    let answer = service.call("run", json!([name, args]), CallOptions::default()).unwrap();
    let bytes = |field: &str| -> Vec<u8> { serde_json::from_value(answer[field].clone()).unwrap() };
    let text = |field: &str| String::from_utf8(bytes(field)).unwrap();
    (answer["ret_code"].as_i64().unwrap(), answer["error"].as_str().unwrap().to_owned(), text("stdout"), text("stderr"))
}

#[test]
fn programs_run_without_a_shell_in_an_empty_world() {
    let mut printing = grant("/bin/sh", &[&["-c", "<any>", "<rest>"]]);
    printing.env = BTreeMap::from([("GREETING".to_owned(), EnvValue::Text("hi".to_owned()))]);
    let wrap = service(spec(&[("echo", grant("echo", &[&["<rest>"]])), ("sh", printing)]));
    assert_eq!(
        run(&wrap, "echo", &["$HOME", "; ls", "*"]),
        (0, String::new(), "$HOME ; ls *\n".to_owned(), String::new())
    );
    let (code, _, stdout, stderr) = run(&wrap, "sh", &["-c", "echo oops >&2; env; pwd; ls -A; cat; exit 3"]);
    let mut lines: Vec<&str> =
        stdout.lines().filter(|line| !line.starts_with("MARINE_RUN=") && !line.starts_with("_=")).collect();
    lines.sort_unstable();
    let (home, names): (Vec<&str>, Vec<&str>) = lines.iter().partition(|line| line.contains("marine-run-"));
    assert_eq!((code, stderr.as_str(), names), (3, "oops\n", vec!["GREETING=hi", "LANG=C.UTF-8", "TZ=UTC"]));
    let home = home.into_iter().find_map(|line| line.strip_prefix("HOME=")).unwrap();
    assert!(stdout.contains(&format!("PWD={home}")) && !Path::new(home).exists(), "{stdout}");
}

#[test]
fn what_is_not_granted_is_refused_and_named() {
    let records: Arc<Mutex<Vec<String>>> = Arc::default();
    let sink = records.clone();
    let plan = Plan::link(engine(), spec(&[("echo", grant("echo", &[&["-n", "<int>"]]))])).unwrap();
    let log = move |record: marine_runtime::LogRecord| sink.lock().unwrap().push(record.message);
    let wrap = Service::builder(plan).logs(log).build().unwrap();
    let refusals = [run(&wrap, "rm", &["-rf", "/"]), run(&wrap, "echo", &["-n", "one"])];
    insta::assert_snapshot!(refusals.map(|(code, error, ..)| format!("{code} {error}")).join("\n"), @r#"
    100010 `wrap` is not granted the program "rm"; to grant it add to the module `wrap` of Marine.toml: binaries = { "rm" = "rm" }
    100010 the arguments do not fit `-n <int>`: "one" is not `<int>`
    "#);
    assert_eq!(wrap.stats().denials, 2);
    assert_eq!(run(&wrap, "echo", &["-n", "1"]).2, "1");
    let records = records.lock().unwrap();
    let last = records.last().unwrap();
    assert!(last.starts_with("echo -n 1: code 0, ") && last.ends_with("ms, 1 + 0 bytes"), "{last}");
}

#[test]
fn files_are_those_of_the_module() {
    let place = tempfile::tempdir().unwrap();
    for name in ["in", "out"] {
        std::fs::create_dir(place.path().join(name)).unwrap();
    }
    std::fs::write(place.path().join("in/note"), "hello").unwrap();
    std::fs::write(place.path().join("secret"), "no").unwrap();
    let dir = |name: &str, mode| Dir::Host { path: place.path().join(name), mode, create: false };
    let mut cwd = grant("/bin/sh", &[&["-c", "<any>"]]);
    cwd.cwd = Some("/out".to_owned());
    let mut spec = spec(&[("cat", grant("cat", &[&["<path:/in>"]])), ("sh", cwd)]);
    spec.modules[0].grants.dirs =
        [("/in".to_owned(), dir("in", Mode::ReadOnly)), ("/out".to_owned(), dir("out", Mode::ReadWrite))].into();
    let wrap = service(spec);
    assert_eq!(run(&wrap, "cat", &["/in/note"]).2, "hello");
    assert_eq!(run(&wrap, "cat", &["/in/../secret"]).0, 100_010);
    assert_eq!(run(&wrap, "sh", &["-c", "echo made > file"]).0, 0);
    assert_eq!(std::fs::read_to_string(place.path().join("out/file")).unwrap(), "made\n");
    // Where the kernel confines: a program that was let in sees nothing beside.
    let host = place.path().display();
    let beyond = format!("cat {host}/secret; echo x > {host}/in/new; ls /root /home; cat {host}/in/note");
    let (_, _, stdout, stderr) = run(&wrap, "sh", &["-c", &beyond]);
    if !stderr.is_empty() {
        assert_eq!(stdout, "hello", "{stderr}");
        assert!(!place.path().join("in/new").exists());
    }
}

#[test]
fn a_pinned_file_has_its_hash() {
    let dir = tempfile::tempdir().unwrap();
    let tool = dir.path().join("tool");
    std::fs::copy("/bin/echo", &tool).unwrap();
    let mut pinned = grant(tool.to_str().unwrap(), &[&["<rest>"]]);
    pinned.blake3 = Some(blake3_of(&tool));
    let wrap = service(spec(&[("tool", pinned)]));
    assert_eq!(run(&wrap, "tool", &["a"]).2, "a\n");
    std::fs::copy("/bin/cat", &tool).unwrap();
    let (code, error, ..) = run(&wrap, "tool", &["a"]);
    assert!(code == 100_010 && error.contains("has the hash"), "{code} {error}");
}

fn blake3_of(path: &Path) -> String {
    blake3::hash(&std::fs::read(path).unwrap()).to_hex().to_string()
}

#[test]
fn programs_end_at_their_bounds() {
    let sh = |change: &dyn Fn(&mut BinaryGrant)| {
        let mut sh = grant("/bin/sh", &[&["-c", "<any>"]]);
        change(&mut sh);
        sh
    };
    let wrap = service(spec(&[
        ("slow", sh(&|sh| sh.timeout = Duration::from_millis(200))),
        ("loud", sh(&|sh| sh.max_output = 1000)),
        ("fat", sh(&|sh| sh.memory = 64 << 20)),
        ("sh", sh(&|_| {})),
    ]));
    let begun = Instant::now();
    let (code, error, stdout, _) = run(&wrap, "slow", &["-c", "echo begun; exec sleep 60"]);
    assert_eq!((code, error.as_str(), stdout.as_str()), (100_011, "killed: it did not end in time", "begun\n"));
    assert!(begun.elapsed() < Duration::from_secs(20));
    let (code, _, stdout, _) = run(&wrap, "loud", &["-c", "while :; do echo 0123456789; done"]);
    assert_eq!((code, stdout.len()), (100_012, 1000));
    let (code, error, ..) = run(&wrap, "sh", &["-c", "kill -SEGV $$"]);
    assert_eq!((code, error.as_str()), (100_000, "ended by signal 11 (segmentation fault)"));
    let (code, ..) = run(&wrap, "fat", &["-c", "head -c 200m /dev/zero | tail -c 150m >/dev/null"]);
    assert_ne!(code, 0, "an address space of 64 MiB does not hold 150 MiB");
    let (code, _, _, stderr) =
        run(&wrap, "sh", &["-c", "ulimit -c; ulimit -n; [ $(ulimit -c) = 0 ] && [ $(ulimit -n) = 256 ]"]);
    assert_eq!((code, stderr), (0, String::new()));
}

/// Processes whose command line has this word.
fn running(word: &str) -> usize {
    let processes = std::fs::read_dir("/proc").unwrap().flatten();
    let lines = processes.filter_map(|process| std::fs::read(process.path().join("cmdline")).ok());
    lines.filter(|line| line.split(|byte| *byte == 0).any(|given| given == word.as_bytes())).count()
}

#[test]
#[cfg(target_os = "linux")]
fn a_fork_bomb_leaves_nothing_behind() {
    let wrap = service(spec(&[("sh", grant("/bin/sh", &[&["-c", "<any>"]]))]));
    // Some stay in the session, some leave it, some are orphans; the program itself ends at once.
    let word = "86399.125";
    let script = format!(
        "for n in 1 2 3 4 5; do sleep {word} & (setsid sleep {word} &) ; setsid sh -c 'sleep {word} & sleep {word}' & done"
    );
    let (code, error, ..) = run(&wrap, "sh", &["-c", &script]);
    assert_eq!((code, error.as_str(), running(word)), (0, "", 0));
    // More than 64 at once are killed while they multiply.
    let word = "86399.25";
    let script = format!("n=0; while [ $n -lt 200 ]; do setsid sleep {word} & n=$((n+1)); done; wait");
    let (code, error, ..) = run(&wrap, "sh", &["-c", &script]);
    assert_eq!((code, error.as_str(), running(word)), (100_000, "killed: it made too many processes", 0));
    assert_eq!(run(&wrap, "sh", &["-c", "echo fine"]).2, "fine\n");
}

#[test]
fn a_call_ends_its_programs() {
    let wrap = service(spec(&[("sleep", grant("sleep", &[&["<any>"]]))]));
    let word = "86398.5";
    let options = CallOptions { deadline: Some(Duration::from_millis(150)), ..CallOptions::default() };
    let late = wrap.call("run", json!(["sleep", [word]]), options);
    // The program ends with the call's time; if there is any left, the guest sees how.
    assert!(matches!(late, Err(CallError::Timeout { .. })) || late.unwrap()["ret_code"] == json!(100_011));
    let cancel = CancelToken::new();
    let options = CallOptions { cancel: Some(cancel.clone()), ..CallOptions::default() };
    std::thread::scope(|scope| {
        let (service, args) = (wrap.clone(), json!(["sleep", [word]]));
        let call = scope.spawn(move || service.call("run", args, options));
        while running(word) == 0 && !call.is_finished() {
            std::thread::yield_now();
        }
        cancel.cancel();
        let answer = call.join().unwrap();
        assert!(matches!(answer, Err(CallError::Cancelled { .. })) || answer.unwrap()["ret_code"] == json!(100_000));
    });
    assert_eq!(running(word), 0);
    assert_eq!(run(&wrap, "sleep", &["0"]).0, 0, "the next call is served");
}

#[test]
fn programs_that_are_missing_do_not_link() {
    let errors = |path: &str| Plan::link(engine(), spec(&[("tool", BinaryGrant::new(path))])).unwrap_err();
    let first = |path: &str| errors(path).iter().next().unwrap().clone();
    assert!(matches!(first("no-such-program-anywhere"), LinkError::Program { .. }));
    insta::assert_snapshot!(errors("/etc/passwd"), @r"
    error[M420]: `wrap` is granted the program `tool`, but /etc/passwd: it is not executable
    help: install the program, or correct `path`
    ");
    assert_eq!(Value::from(first("/etc").code()), json!("M420"));
}

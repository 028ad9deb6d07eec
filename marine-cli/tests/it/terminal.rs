//! The REPL at a terminal: editing, completion, several lines, Ctrl-C. A pseudo terminal stands for the terminal.

use std::io::{Read, Write};
use std::path::Path;
use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, Instant};

use rexpect::process::{PtyProcess, WaitStatus};

use crate::support::{User, project};

/// How long something may take to appear. The machine may be busy; nothing waits that long when all is well.
const PATIENCE: Duration = Duration::from_secs(240);

/// How long a key may take to show an effect before it is pressed again.
const AGAIN: Duration = Duration::from_millis(200);
const CTRL_C: &str = "\x03";

/// A component whose only function never ends.
const ENDLESS: &str = r#"(component
  (core module $m (func (export "spin") (loop (br 0))))
  (core instance $i (instantiate $m))
  (func $spin (canon lift (core func $i "spin")))
  (instance $api (export "spin" (func $spin)))
  (export "marine:probe/api" (instance $api)))"#;

/// A terminal with `marine` in it.
struct Terminal {
    process: PtyProcess,
    keyboard: std::fs::File,
    screen: Arc<(Mutex<String>, Condvar)>,
}

impl Terminal {
    fn start(user: &User, dir: &Path, arguments: &[&str]) -> Self {
        let mut command = user.command(dir, arguments);
        command.env("TERM", "xterm-256color").env_remove("CI");
        let process = PtyProcess::new(command).expect("a pseudo terminal");
        let keyboard = process.get_file_handle().expect("its other side");
        let mut output = process.get_file_handle().expect("its other side");
        let mut answers = process.get_file_handle().expect("its other side");
        let screen = Arc::new((Mutex::new(String::new()), Condvar::new()));
        let seen = screen.clone();
        std::thread::spawn(move || {
            let mut bytes = [0; 4096];
            while let Ok(length @ 1..) = output.read(&mut bytes) {
                let text = String::from_utf8_lossy(&bytes[..length]).into_owned();
                // The editor asks where the cursor is; a terminal answers.
                for _ in 0..text.matches("\x1b[6n").count() {
                    let _ = answers.write_all(b"\x1b[1;1R");
                }
                seen.0.lock().expect("nobody panics while adding").push_str(&text);
                seen.1.notify_all();
            }
        });
        Self { process, keyboard, screen }
    }

    /// Types without pressing Enter.
    fn press(&mut self, keys: &str) {
        self.keyboard.write_all(keys.as_bytes()).expect("the terminal takes keys");
    }

    /// Waits until `text` appears, and forgets everything up to it.
    fn see(&self, text: &str) {
        let end = Instant::now() + PATIENCE;
        let mut screen = self.screen.0.lock().expect("nobody panics while adding");
        loop {
            let shown = plain(&screen);
            if let Some(at) = shown.find(text) {
                *screen = shown[at + text.len()..].to_string();
                return;
            }
            let left = end.saturating_duration_since(Instant::now());
            assert!(!left.is_zero(), "`{text}` does not appear on\n{shown}");
            screen = self.screen.1.wait_timeout(screen, left).expect("nobody panics while adding").0;
        }
    }

    /// Presses a key again and again until `text` appears, and waits until all of these have had their effect. Between two prompts it is the
    /// terminal itself that takes keys, and a program does not see them as they were pressed.
    fn press_until(&mut self, key: &str, text: &str) {
        let end = Instant::now() + PATIENCE;
        while !self.shows_within(text, AGAIN) {
            assert!(Instant::now() < end, "`{text}` does not appear");
            self.press(key);
        }
        self.see(text);
        while self.paints_within(AGAIN) {}
    }

    fn shows_within(&self, text: &str, time: Duration) -> bool {
        let screen = self.screen.0.lock().expect("nobody panics while adding");
        let shown = self.screen.1.wait_timeout_while(screen, time, |screen| !plain(screen).contains(text));
        !shown.expect("nobody panics while adding").1.timed_out()
    }

    fn paints_within(&self, time: Duration) -> bool {
        let screen = self.screen.0.lock().expect("nobody panics while adding");
        let before = screen.len();
        let shown = self.screen.1.wait_timeout_while(screen, time, |screen| screen.len() == before);
        !shown.expect("nobody panics while adding").1.timed_out()
    }

    /// Ctrl-D at the prompt, again and again: see [`Terminal::press_until`].
    fn end(mut self, prompt: &str) {
        self.see(prompt);
        let end = Instant::now() + PATIENCE;
        while self.process.status() == Some(WaitStatus::StillAlive) {
            assert!(Instant::now() < end, "Ctrl-D does not end it");
            // Who ended meanwhile takes no keys.
            let _ = self.keyboard.write_all(b"\x04");
            while self.paints_within(AGAIN) {}
        }
    }
}

/// The screen without what moves the cursor and colours it.
fn plain(screen: &str) -> String {
    let mut text = String::new();
    let mut chars = screen.chars();
    while let Some(c) = chars.next() {
        match c {
            '\x1b' => match chars.next() {
                Some('[') => drop(chars.find(|c| c.is_ascii_alphabetic())),
                Some(']') => drop(chars.find(|c| *c == '\x07')),
                _ => {}
            },
            c => text.push(c),
        }
    }
    text
}

#[test]
fn lines_are_completed_and_go_on_while_brackets_are_open() {
    let (user, dir) = (User::new(), project("two-modules"));
    let mut terminal = Terminal::start(&user, &dir, &["repl"]);
    terminal.see("two-modules> ");
    // A function of the facade, then one of another module; Tab alone is enough where there is one way to go on.
    terminal.press("gree\t");
    terminal.see("greet(");
    terminal.press("\n  \"Tab\"");
    terminal.press(")\r");
    terminal.see("Hello, Tab!");
    terminal.see("two-modules> ");
    terminal.press("guestbook.na\t)\r");
    terminal.see("\"Tab\"");
    terminal.press("interf\t guest\t\r");
    terminal.see("names()");
    terminal.end("two-modules> ");
}

#[test]
fn the_history_is_kept_and_searched() {
    let (user, dir) = (User::new(), project("two-modules"));
    let mut terminal = Terminal::start(&user, &dir, &["repl"]);
    terminal.see("two-modules> ");
    terminal.press("greet(\"Once\")\r");
    terminal.see("Hello, Once!");
    terminal.end("two-modules> ");
    let mut terminal = Terminal::start(&user, &dir, &["repl"]);
    terminal.see("two-modules> ");
    terminal.press("\x12Onc");
    terminal.see("greet(\"Once\")");
    terminal.press("\r\r");
    terminal.see("Hello, Once!");
    terminal.end("two-modules> ");
}

#[test]
fn ctrl_c_ends_the_call_and_not_the_session() {
    let user = User::new();
    std::fs::write(user.path("probe.wasm"), wat::parse_str(ENDLESS).expect("a component")).expect("written");
    let mut terminal = Terminal::start(&user, &user.path(""), &["repl", "probe.wasm"]);
    terminal.see("probe> ");
    terminal.press("spin()\r");
    // Until the call runs the editor takes the key; from then on the terminal makes a signal of it.
    terminal.press_until(CTRL_C, "error[M515]");
    terminal.see("probe> ");
    terminal.press("stats\r");
    terminal.see("1 failed");
    terminal.end("probe> ");
}

/// A component whose only function logs a line.
const TALKATIVE: &str = r#"(component
  (import "marine:host/log@1.0.0" (instance $log
    (type $l (enum "error" "warn" "info" "debug" "trace"))
    (export "level" (type $level (eq $l)))
    (export "write" (func (param "level" $level) (param "target" string) (param "bits" u32) (param "message" string)))))
  (core module $memory (memory (export "memory") 1) (data (i32.const 0) "the kettle boils"))
  (core instance $m (instantiate $memory))
  (core func $write (canon lower (func $log "write") (memory $m "memory")))
  (core module $code
    (import "log" "write" (func $write (param i32 i32 i32 i32 i32 i32)))
    (func (export "say")
      (call $write (i32.const 1) (i32.const 4) (i32.const 6) (i32.const 0) (i32.const 0) (i32.const 16))))
  (core instance $i (instantiate $code (with "log" (instance (export "write" (func $write))))))
  (func $say (canon lift (core func $i "say")))
  (instance $api (export "say" (func $say)))
  (export "marine:probe/api" (instance $api)))"#;

#[test]
fn records_are_followed_until_ctrl_c() {
    let user = User::new();
    std::fs::write(user.path("probe.wasm"), wat::parse_str(TALKATIVE).expect("a component")).expect("written");
    let mut terminal = Terminal::start(&user, &user.path(""), &["repl", "probe.wasm"]);
    terminal.see("probe> ");
    // The prompt is painted again with every key: what the call prints tells that it is over.
    terminal.press("say()\r");
    terminal.see("null");
    terminal.see("probe> ");
    terminal.press("logs -f\r");
    terminal.see("the kettle boils");
    terminal.see("(Ctrl-C ends)");
    terminal.press_until(CTRL_C, "probe> ");
    terminal.press("say()\r");
    terminal.see("null");
    terminal.end("probe> ");
}

#[test]
fn a_change_of_the_source_is_built_and_taken() {
    let user = User::new();
    user.marine(&user.path(""), &["new", "tea", "-t", "greeting"]).expect(0);
    let dir = user.path("tea");
    // Compiled once for all runs; only what changes is new.
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).join("projects/watched");
    std::fs::create_dir_all(dir.join(".cargo")).expect("created");
    let config = format!("[build]\ntarget-dir = {:?}\n", target.to_str().expect("text"));
    std::fs::write(dir.join(".cargo/config.toml"), config).expect("written");
    user.marine(&dir, &["build"]).expect(0);

    let mut terminal = Terminal::start(&user, &dir, &["repl"]);
    terminal.see("tea> ");
    terminal.press("watch\r");
    terminal.see("a change is built at once");
    let source = dir.join("src/lib.rs");
    let text = std::fs::read_to_string(&source).expect("the source");
    std::fs::write(&source, text.replace("Hello, ", "Welcome, ")).expect("written");
    terminal.see("rebuilt: the interfaces are as before");
    terminal.see("tea> ");
    terminal.press("greeting(\"Ada\")\r");
    terminal.see("Welcome, Ada!");
    terminal.end("tea> ");
}

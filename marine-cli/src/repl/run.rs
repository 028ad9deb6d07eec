//! Where lines come from and where answers go: scripts, transcripts, options, the terminal.

use std::io::{BufRead, IsTerminal};
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::transcript::{Script, Step, Transcript, difference, fits, is_open};
use super::{Next, Reply, Session, editor};
use crate::exit::{Exit, Fail, Failure, Outcome};
use crate::ui::{Ui, count, failure_text, micros};

/// Commands whose answer differs from run to run; transcripts hold `...` for it.
const CHANGING: &[&str] = &["stats", "logs", "reload", "watch", "fs", "source", "save", "new"];

/// Where lines come from.
#[derive(Debug)]
pub(crate) enum Input {
    /// These lines.
    Lines(Vec<String>),
    /// A file of commands, or a transcript; `-` is standard input.
    Script(PathBuf),
    /// The terminal, or whatever standard input is.
    Standard,
}

/// How a script runs.
#[derive(Debug, Clone, Default)]
pub(crate) struct Options {
    /// Go on after a failed command or a difference.
    pub(crate) keep_going: bool,
    /// Rewrite a transcript with what is printed now.
    pub(crate) update: bool,
    /// Write the session as a transcript.
    pub(crate) record: Option<PathBuf>,
}

/// Runs lines to their end. The exit code is that of the first command that failed.
pub(crate) fn run(session: &mut Session, input: Input, options: &Options) -> Outcome {
    let exit = match input {
        Input::Lines(lines) => commands_one_by_one(session, lines.into_iter().map(Ok), options)?,
        Input::Script(path) if path.as_os_str() == "-" => from_input(session, options)?,
        Input::Script(path) => {
            let text = std::fs::read_to_string(&path)
                .or_fail(Exit::Usage, format!("cannot read the script `{}`", path.display()))?;
            match Script::parse(&text) {
                Script::Commands(lines) => commands_one_by_one(session, lines.into_iter().map(Ok), options)?,
                Script::Transcript(transcript) => replay(session, transcript, Some(&path), options)?,
            }
        }
        Input::Standard if std::io::stdin().is_terminal() => editor::interact(session)?,
        Input::Standard => from_input(session, options)?,
    };
    if let Some(path) = &options.record {
        let text = recorded(&session.exchanges);
        std::fs::write(path, text).or_fail(Exit::Usage, format!("cannot write `{}`", path.display()))?;
        session
            .ui
            .status("Recorded", format_args!("{} in {}", count(session.exchanges.len(), "command"), path.display()));
    }
    Ok(exit)
}

/// One line, its answer shown and kept. `Err` holds the exit code of a failure that was shown.
pub(super) fn one(session: &mut Session, line: &str) -> Result<Next, Exit> {
    let outcome = session.execute(line);
    match &outcome {
        Ok(Next::Reply(reply)) => show(session, line, reply),
        Ok(Next::Quit) => {}
        Err(failure) => {
            if !session.ui.json {
                session.ui.failure(failure);
            }
            session.ui.document("repl", json!({ "command": line.trim(), "error": error_document(failure) }));
        }
    }
    let output = printed(line, &outcome);
    if !matches!(outcome, Ok(Next::Quit)) {
        session.keep(line, output);
    }
    outcome.map_err(|failure| failure.exit)
}

fn show(session: &Session, line: &str, reply: &Reply) {
    if !reply.text.is_empty() {
        session.ui.result(&reply.text);
    }
    if line.trim().is_empty() || line.trim().starts_with('#') {
        return;
    }
    let time = reply.time.map(|time| time.as_micros() as u64);
    session.ui.document("repl", json!({ "command": line.trim(), "result": reply.result, "micros": time }));
    if let Some(time) = reply.time.filter(|_| session.settings.time && !session.ui.json) {
        session.ui.note(format_args!("({})", micros(time)));
    }
}

/// An error for programs, with the path to the value where it has one.
fn error_document(failure: &Failure) -> Value {
    let mut document = failure.document();
    let path = failure.error.chain().find_map(|cause| match cause.downcast_ref::<marine_runtime::CallError>()? {
        marine_runtime::CallError::Arguments(error) | marine_runtime::CallError::Result(error) => {
            Some(error.path.clone())
        }
        _ => None,
    });
    document["path"] = path.into();
    let value = failure.error.chain().find_map(|cause| match cause.downcast_ref::<marine_runtime::CallError>()? {
        marine_runtime::CallError::Service(value) => Some(value.clone()),
        _ => None,
    });
    document["value"] = value.unwrap_or(Value::Null);
    document
}

/// What a line printed, as transcripts have it.
fn printed(line: &str, outcome: &Outcome<Next>) -> String {
    let word = line.split_whitespace().next().unwrap_or_default();
    let text = match outcome {
        Ok(Next::Reply(reply)) if CHANGING.contains(&word) && !reply.text.is_empty() => return "...".to_owned(),
        Ok(Next::Reply(reply)) => reply.text.clone(),
        Ok(Next::Quit) => String::new(),
        Err(failure) => plain(failure),
    };
    // A line that looks like an input would be read as one.
    let lines = text.lines().map(|line| line.strip_prefix('>').map_or(line.to_owned(), |rest| format!("...{rest}")));
    lines.collect::<Vec<_>>().join("\n")
}

fn plain(failure: &Failure) -> String {
    anstream::adapter::strip_str(&failure_text(failure)).to_string()
}

/// Runs lines until one fails or asks to quit.
fn commands_one_by_one(
    session: &mut Session,
    lines: impl Iterator<Item = std::io::Result<String>>,
    options: &Options,
) -> Outcome {
    let mut exit = Exit::Done;
    for line in lines {
        let line = line.or_fail(Exit::Usage, "cannot read the next command")?;
        match one(session, &line) {
            Ok(Next::Reply(_)) => {}
            Ok(Next::Quit) => break,
            Err(failed) if options.keep_going => exit = if exit == Exit::Done { failed } else { exit },
            Err(failed) => return Ok(failed),
        }
    }
    Ok(exit)
}

/// Standard input that is no terminal: line by line, so that a program can hold a conversation; or a transcript as a whole.
fn from_input(session: &mut Session, options: &Options) -> Outcome {
    let mut input = std::io::stdin().lock();
    let mut head = String::new();
    loop {
        let start = head.len();
        let length = input.read_line(&mut head).or_fail(Exit::Usage, "cannot read the next command")?;
        let line = head[start..].trim_end().to_owned();
        if line == ">" || line.starts_with("> ") {
            std::io::Read::read_to_string(&mut input, &mut head).or_fail(Exit::Usage, "cannot read standard input")?;
            if let Script::Transcript(transcript) = Script::parse(&head) {
                return replay(session, transcript, None, options);
            }
        }
        if length == 0 || !(line.is_empty() || line.starts_with('#')) {
            break;
        }
    }
    // All lines before the last one are blank or comments.
    let mut pending = head.lines().last().map(str::to_owned);
    let lines = std::iter::from_fn(move || {
        let mut whole = match pending.take() {
            Some(line) => line,
            None => match read_line(&mut input)? {
                Ok(line) => line,
                Err(error) => return Some(Err(error)),
            },
        };
        while is_open(&whole) {
            match read_line(&mut input) {
                Some(Ok(line)) => whole = format!("{whole}\n{line}"),
                Some(Err(error)) => return Some(Err(error)),
                None => break,
            }
        }
        Some(Ok(whole))
    });
    commands_one_by_one(session, lines, options)
}

fn read_line(input: &mut impl BufRead) -> Option<std::io::Result<String>> {
    let mut line = String::new();
    match input.read_line(&mut line) {
        Ok(0) => None,
        Ok(_) => Some(Ok(line.trim_end_matches(['\n', '\r']).to_owned())),
        Err(error) => Some(Err(error)),
    }
}

/// Runs a transcript and compares.
fn replay(session: &mut Session, transcript: Transcript, path: Option<&Path>, options: &Options) -> Outcome {
    let name = path.map_or("standard input".to_owned(), |path| path.display().to_string());
    let mut updated = Transcript { head: transcript.head.clone(), steps: Vec::new() };
    let mut differences = 0;
    let steps = transcript.steps.len();
    for mut step in transcript.steps {
        let outcome = session.execute(&step.input);
        let output = printed(&step.input, &outcome);
        session.keep(&step.input, output.clone());
        if !fits(&step.output, &output) {
            differences += 1;
            if !options.update {
                report(session.ui, &name, &step, &output);
            }
            if !options.update && !options.keep_going {
                return Ok(Exit::Findings);
            }
            step.output = output;
        }
        updated.steps.push(step);
        if matches!(outcome, Ok(Next::Quit)) {
            break;
        }
    }
    if options.update {
        if let Some(path) = path.filter(|_| differences > 0) {
            std::fs::write(path, updated.to_text()).or_fail(Exit::Usage, format!("cannot write `{name}`"))?;
        }
        session.ui.status("Updated", format_args!("{name} ({} changed)", count(differences, "answer")));
        return Ok(Exit::Done);
    }
    session.ui.document("repl.transcript", json!({ "file": name, "commands": steps, "differences": differences }));
    if differences == 0 {
        session.ui.status("Passed", format_args!("{name} ({})", count(steps, "command")));
    }
    Ok(if differences == 0 { Exit::Done } else { Exit::Findings })
}

fn report(ui: Ui, name: &str, step: &Step, output: &str) {
    ui.document(
        "repl.difference",
        json!({ "file": name, "line": step.line, "command": step.input, "expected": step.output, "output": output, "code": "M607" }),
    );
    ui.result(format_args!("error[M607]: {name}:{}: `{}` printed something else", step.line, step.input));
    ui.result(difference(&step.output, output).trim_end());
}

/// A session as a transcript.
pub(super) fn recorded(exchanges: &[(String, String)]) -> String {
    let steps = exchanges.iter().map(|(input, output)| {
        // Blank lines at the end of an answer would be taken for what follows it.
        Step { line: 0, input: input.clone(), output: output.trim_end().to_owned(), tail: String::new() }
    });
    Transcript { head: String::new(), steps: steps.collect() }.to_text()
}

/// Runs the text of a file inside a session, and returns everything that it printed.
pub(super) fn sourced(session: &mut Session, text: &str) -> Outcome<String> {
    let (steps, compare) = match Script::parse(text) {
        Script::Commands(lines) => (lines.into_iter().map(|input| Step { input, ..Step::default() }).collect(), false),
        Script::Transcript(transcript) => (transcript.steps, true),
    };
    let mut all = String::new();
    for step in steps {
        let outcome = session.execute(&step.input);
        let output = printed(&step.input, &outcome);
        if compare && !fits(&step.output, &output) {
            let difference = difference(&step.output, &output);
            let what =
                format!("error[M607]: line {}: `{}` printed something else\n{difference}", step.line, step.input);
            return Err(Failure::new(Exit::Findings, what.trim_end()));
        }
        match outcome {
            Ok(Next::Quit) => break,
            Ok(Next::Reply(reply)) if !reply.text.is_empty() => {
                all += &reply.text;
                all.push('\n');
            }
            Ok(Next::Reply(_)) => {}
            Err(failure) if !compare => return Err(failure.context(format!("`{}` failed", step.input.trim()))),
            Err(_) => {}
        }
    }
    Ok(all.trim_end().to_owned())
}

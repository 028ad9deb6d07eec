//! `marine repl`: a service under your hands.

use std::borrow::Cow;
use std::io::{BufRead, IsTerminal};
use std::path::PathBuf;

use clap::Args;
use reedline::{
    ColumnarMenu, DefaultCompleter, Emacs, FileBackedHistory, KeyCode, KeyModifiers, MenuBuilder, Prompt,
    PromptEditMode, PromptHistorySearch, Reedline, ReedlineEvent, ReedlineMenu, Signal, ValidationResult, Validator,
    default_emacs_keybindings,
};

use crate::exit::{Exit, Fail, Outcome};
use crate::paths;
use crate::project;
use crate::session::{Next, Session};
use crate::ui::Ui;

/// Lines kept in the history.
const HISTORY: usize = 10_000;

/// Try a service by hand.
///
/// Builds the nearest service and lets you call it line by line; or takes a manifest, or components to try without one.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  marine repl
  marine repl shop/Marine.toml
  marine repl vendor/stock.wasm -c 'count(\"pears\")'
  marine repl --script checks.repl")]
pub(crate) struct Repl {
    /// A manifest, or components (the last one is the facade)
    sources: Vec<PathBuf>,
    /// Run the commands in this file (- is standard input) and end at the first one that fails
    #[arg(long, value_name = "FILE", conflicts_with = "command")]
    script: Option<PathBuf>,
    /// Run this command and end; may be given several times
    #[arg(short, long, value_name = "COMMAND")]
    command: Vec<String>,
}

impl Repl {
    pub(crate) fn run(self, ui: Ui) -> Outcome {
        let service = project::local_service(&self.sources, ui)?;
        let name = service.plan().name().to_string();
        let mut session = Session::new(service, ui);
        if !self.command.is_empty() {
            return run_lines(&mut session, self.command.into_iter().map(Ok));
        }
        match self.script {
            Some(path) if path.as_os_str() == "-" => run_lines(&mut session, complete(std::io::stdin().lock())),
            Some(path) => {
                let text = std::fs::read(&path)
                    .or_fail(Exit::Usage, format!("cannot read the script `{}`", path.display()))?;
                run_lines(&mut session, complete(text.as_slice()))
            }
            None if std::io::stdin().is_terminal() => interact(&mut session, &name, ui),
            None => run_lines(&mut session, complete(std::io::stdin().lock())),
        }
    }
}

/// Runs lines until one fails or asks to quit.
fn run_lines(session: &mut Session, lines: impl Iterator<Item = std::io::Result<String>>) -> Outcome {
    for line in lines {
        let line = line.or_fail(Exit::Usage, "cannot read the next command")?;
        if session.execute(&line)? == Next::Quit {
            break;
        }
    }
    Ok(Exit::Done)
}

/// Lines of `input`, joined while brackets are open.
fn complete(input: impl BufRead) -> impl Iterator<Item = std::io::Result<String>> {
    let mut lines = input.lines();
    std::iter::from_fn(move || {
        let mut whole = match lines.next()? {
            Ok(line) => line,
            Err(error) => return Some(Err(error)),
        };
        while is_open(&whole) {
            match lines.next() {
                Some(Ok(line)) => whole = format!("{whole}\n{line}"),
                Some(Err(error)) => return Some(Err(error)),
                None => break,
            }
        }
        Some(Ok(whole))
    })
}

fn interact(session: &mut Session, name: &str, ui: Ui) -> Outcome {
    let mut editor = editor(session)?;
    let prompt = ServicePrompt(name.to_string());
    ui.note("`help` lists the commands, Ctrl-D leaves.");
    loop {
        match editor.read_line(&prompt)? {
            Signal::Success(line) => match session.execute(&line) {
                Ok(Next::Continue) => {}
                Ok(Next::Quit) => return Ok(Exit::Done),
                Err(failure) => ui.failure(&failure),
            },
            Signal::CtrlC => {}
            _ => return Ok(Exit::Done),
        }
    }
}

fn editor(session: &Session) -> Outcome<Reedline> {
    let path = paths::data()?.join("history.txt");
    let history = FileBackedHistory::with_file(HISTORY, path.clone())
        .or_fail(Exit::Unexpected, format!("cannot use the history file `{}`", path.display()))?;
    let mut completer = DefaultCompleter::with_inclusions(&['_', '-', '.', '(']).set_min_word_len(1);
    completer.insert(session.words());
    let mut keys = default_emacs_keybindings();
    let complete =
        ReedlineEvent::UntilFound(vec![ReedlineEvent::Menu("completion".to_string()), ReedlineEvent::MenuNext]);
    keys.add_binding(KeyModifiers::NONE, KeyCode::Tab, complete);
    Ok(Reedline::create()
        .with_history(Box::new(history))
        .with_validator(Box::new(OpenBrackets))
        .with_completer(Box::new(completer))
        .with_menu(ReedlineMenu::EngineCompleter(Box::new(ColumnarMenu::default().with_name("completion"))))
        .with_edit_mode(Box::new(Emacs::new(keys))))
}

/// A line with open brackets goes on in the next one.
struct OpenBrackets;

impl Validator for OpenBrackets {
    fn validate(&self, line: &str) -> ValidationResult {
        if is_open(line) { ValidationResult::Incomplete } else { ValidationResult::Complete }
    }
}

/// Whether more brackets are opened than closed, strings apart.
fn is_open(text: &str) -> bool {
    let (mut depth, mut in_string, mut escaped) = (0i64, false, false);
    for c in text.chars() {
        match c {
            _ if escaped => escaped = false,
            '\\' if in_string => escaped = true,
            '"' => in_string = !in_string,
            '(' | '[' | '{' if !in_string => depth += 1,
            ')' | ']' | '}' if !in_string => depth -= 1,
            _ => {}
        }
    }
    depth > 0
}

struct ServicePrompt(String);

impl Prompt for ServicePrompt {
    fn render_prompt_left(&self) -> Cow<'_, str> {
        Cow::Borrowed(&self.0)
    }

    fn render_prompt_right(&self) -> Cow<'_, str> {
        Cow::Borrowed("")
    }

    fn render_prompt_indicator(&self, _mode: PromptEditMode) -> Cow<'_, str> {
        Cow::Borrowed("> ")
    }

    fn render_prompt_multiline_indicator(&self) -> Cow<'_, str> {
        Cow::Borrowed(". ")
    }

    fn render_prompt_history_search_indicator(&self, search: PromptHistorySearch) -> Cow<'_, str> {
        Cow::Owned(format!("search `{}`: ", search.term))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_go_on_while_brackets_are_open() {
        let lines: Vec<_> = complete("f(1,\n 2)\n\ng(\"(\")\nh(".as_bytes()).map(|line| line.expect("text")).collect();
        assert_eq!(lines, ["f(1,\n 2)", "", "g(\"(\")", "h("]);
    }
}

//! Editing lines at the terminal: history, search, completion, several lines while brackets are open.

use std::borrow::Cow;
use std::sync::{Arc, Mutex, PoisonError};

use reedline::{
    ColumnarMenu, Completer, CompletionResult, Emacs, ExternalPrinter, FileBackedHistory, KeyCode, KeyModifiers,
    MenuBuilder, Prompt, PromptEditMode, PromptHistorySearch, Reedline, ReedlineEvent, ReedlineMenu, Signal, Span,
    Suggestion, ValidationResult, Validator, default_emacs_keybindings,
};

use super::complete::{Catalog, complete};
use super::transcript::is_open;
use super::{Next, Session, run};
use crate::exit::{Exit, Fail, Outcome};
use crate::paths;

/// Lines kept in the history.
const HISTORY: usize = 10_000;
/// Messages from the background that may wait for the editor.
const MESSAGES: usize = 64;

/// Reads lines from the terminal until the user is done.
pub(super) fn interact(session: &mut Session) -> Outcome {
    let printer = ExternalPrinter::<String>::new(MESSAGES);
    let messages = printer.sender();
    let mut editor = editor(session.catalog.clone())?.with_external_printer(printer);
    session.ui.note("`help` lists the commands, Ctrl-D leaves.");
    loop {
        session.rebuilder.iter().for_each(|rebuilder| rebuilder.print_through(&messages));
        let prompt = ServicePrompt(session.name());
        match editor.read_line(&prompt)? {
            // A failure was shown; at the terminal the user goes on.
            Signal::Success(line) => match run::one(session, &line) {
                Ok(Next::Quit) => return Ok(Exit::Done),
                Ok(Next::Reply(_)) | Err(_) => {}
            },
            Signal::CtrlC => {}
            _ => return Ok(Exit::Done),
        }
    }
}

fn editor(catalog: Arc<Mutex<Catalog>>) -> Outcome<Reedline> {
    let path = paths::data()?.join("history.txt");
    let history = FileBackedHistory::with_file(HISTORY, path.clone())
        .or_fail(Exit::Unexpected, format!("cannot use the history file `{}`", path.display()))?;
    let mut keys = default_emacs_keybindings();
    let next = ReedlineEvent::UntilFound(vec![ReedlineEvent::Menu("completion".to_string()), ReedlineEvent::MenuNext]);
    keys.add_binding(KeyModifiers::NONE, KeyCode::Tab, next);
    keys.add_binding(KeyModifiers::SHIFT, KeyCode::BackTab, ReedlineEvent::MenuPrevious);
    Ok(Reedline::create()
        .with_history(Box::new(history))
        .with_validator(Box::new(OpenBrackets))
        .with_completer(Box::new(Completions(catalog)))
        .with_quick_completions(true)
        .with_partial_completions(true)
        .with_menu(ReedlineMenu::EngineCompleter(Box::new(ColumnarMenu::default().with_name("completion"))))
        .with_edit_mode(Box::new(Emacs::new(keys))))
}

/// What the service offers, drawn by the editor.
struct Completions(Arc<Mutex<Catalog>>);

impl Completer for Completions {
    fn complete(&mut self, line: &str, at: usize) -> CompletionResult {
        let catalog = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let found = complete(line, at, &catalog).into_iter().map(|candidate| Suggestion {
            value: candidate.text,
            description: candidate.about,
            span: Span::new(candidate.span.start, candidate.span.end),
            append_whitespace: candidate.space,
            ..Suggestion::default()
        });
        CompletionResult::fresh(found.collect::<Vec<_>>())
    }
}

/// A line with open brackets goes on in the next one.
struct OpenBrackets;

impl Validator for OpenBrackets {
    fn validate(&self, line: &str) -> ValidationResult {
        if is_open(line) { ValidationResult::Incomplete } else { ValidationResult::Complete }
    }
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

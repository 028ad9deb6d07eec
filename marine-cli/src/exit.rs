//! Exit codes of `marine`, and the error type that carries one.
//!
//! This is the only place where codes are given; a number is never reused for another meaning. The table printed by
//! `marine explain exit-codes` and the page in the book are made from [`Exit::ALL`].

use std::fmt;

use marine_manifest::{ManifestError, ManifestErrors};
use serde_json::{Value, json};

/// How a run of `marine` ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Exit {
    /// Done.
    Done = 0,
    /// Something that should not happen.
    Unexpected = 1,
    /// The command line makes no sense.
    Usage = 2,
    /// A check found something.
    Findings = 3,
    /// There was nothing to do.
    Nothing = 4,
    /// A build failed.
    Build = 10,
    /// A tool or the Wasm target is missing.
    Tool = 11,
    /// The manifest is wrong, or the modules do not link.
    Manifest = 12,
    /// A called service answered with its own error.
    Service = 13,
    /// A call trapped, hit a limit, or had bad arguments.
    Call = 14,
    /// A peer or node cannot be reached.
    Unreachable = 20,
    /// No answer came in time.
    NoAnswer = 21,
    /// A peer refused: rights, grants, limits.
    Refused = 22,
    /// A workflow ended with an error.
    Workflow = 23,
    /// Something did not verify.
    Unverified = 24,
    /// The node's data directory is in use, or of a newer version.
    DataDirectory = 25,
    /// The node cannot listen where it should.
    Listen = 26,
    /// Interrupted by the user.
    Interrupted = 130,
}

impl Exit {
    /// Every code, in ascending order.
    pub(crate) const ALL: &[Exit] = &[
        Exit::Done,
        Exit::Unexpected,
        Exit::Usage,
        Exit::Findings,
        Exit::Nothing,
        Exit::Build,
        Exit::Tool,
        Exit::Manifest,
        Exit::Service,
        Exit::Call,
        Exit::Unreachable,
        Exit::NoAnswer,
        Exit::Refused,
        Exit::Workflow,
        Exit::Unverified,
        Exit::DataDirectory,
        Exit::Listen,
        Exit::Interrupted,
    ];

    /// The number handed to the operating system.
    pub(crate) fn number(self) -> u8 {
        self as u8
    }

    /// What the code says, in a few words.
    pub(crate) fn meaning(self) -> &'static str {
        match self {
            Exit::Done => "done",
            Exit::Unexpected => "unexpected, please report",
            Exit::Usage => "usage: the command line makes no sense",
            Exit::Findings => "findings: check, test, transcript, doctor",
            Exit::Nothing => "nothing to do",
            Exit::Build => "build failed",
            Exit::Tool => "tool or Wasm target missing",
            Exit::Manifest => "manifest or link error",
            Exit::Service => "call: the service answered with an error",
            Exit::Call => "call: trap, limit or bad arguments",
            Exit::Unreachable => "peer or node not reachable",
            Exit::NoAnswer => "no answer in time",
            Exit::Refused => "refused by the peer: rights, grants, limits",
            Exit::Workflow => "workflow ended with an error",
            Exit::Unverified => "verification failed",
            Exit::DataDirectory => "node: data directory in use or newer",
            Exit::Listen => "node: cannot listen",
            Exit::Interrupted => "interrupted",
        }
    }
}

/// Why a command failed: the exit code, the chain of causes, and what to do about it.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) exit: Exit,
    pub(crate) error: anyhow::Error,
    pub(crate) help: Option<String>,
}

/// What commands return.
pub(crate) type Outcome<T = Exit> = Result<T, Failure>;

impl Failure {
    /// A failure that a message describes completely.
    pub(crate) fn new(exit: Exit, message: impl fmt::Display) -> Self {
        Self { exit, error: anyhow::anyhow!("{message}"), help: None }
    }

    /// Says what to do about it.
    pub(crate) fn help(mut self, help: impl fmt::Display) -> Self {
        self.help = Some(help.to_string());
        self
    }

    /// Says first what was being done.
    pub(crate) fn context(mut self, context: impl fmt::Display) -> Self {
        self.error = self.error.context(context.to_string());
        self
    }

    /// The code in its text, such as `M403`, if it has one.
    pub(crate) fn code(&self) -> Option<String> {
        let text = self.error.to_string();
        let code = text.strip_prefix("error[")?.split(']').next()?;
        Some(code.to_string())
    }

    /// It for programs.
    pub(crate) fn document(&self) -> Value {
        let message = self.error.to_string();
        let causes: Vec<String> = self.error.chain().skip(1).map(ToString::to_string).collect();
        let mut document = json!({
            "exit": self.exit.number(), "code": self.code(), "message": message, "causes": causes, "help": self.help,
        });
        if let Some(errors) = self.error.chain().find_map(|cause| cause.downcast_ref::<ManifestErrors>()) {
            document["errors"] = errors.errors.iter().map(|error| mistake(errors, error)).collect();
        }
        document
    }
}

/// One mistake in a manifest.
fn mistake(all: &ManifestErrors, error: &ManifestError) -> Value {
    json!({
        "code": error.code.as_str(), "message": error.message, "file": all.path, "key": error.key, "line": error.line,
        "column": error.column, "help": error.help,
    })
}

/// An error nobody mapped to a code is unexpected by definition.
impl<E: std::error::Error + Send + Sync + 'static> From<E> for Failure {
    fn from(error: E) -> Self {
        Self { exit: Exit::Unexpected, error: error.into(), help: None }
    }
}

/// Gives results an exit code, context and advice on their way out.
pub(crate) trait Fail<T> {
    /// Ends with `exit` if this is an error.
    fn or_exit(self, exit: Exit) -> Outcome<T>;
    /// Ends with `exit`, saying first what was being done.
    fn or_fail(self, exit: Exit, context: impl fmt::Display) -> Outcome<T>;
}

impl<T, E: Into<anyhow::Error>> Fail<T> for Result<T, E> {
    fn or_exit(self, exit: Exit) -> Outcome<T> {
        self.map_err(|error| Failure { exit, error: error.into(), help: None })
    }

    fn or_fail(self, exit: Exit, context: impl fmt::Display) -> Outcome<T> {
        self.map_err(|error| Failure { exit, error: error.into().context(context.to_string()), help: None })
    }
}

/// Advice on results that already are failures.
pub(crate) trait Advise<T> {
    /// Says what to do, unless something below already did.
    fn advise(self, help: impl FnOnce() -> String) -> Outcome<T>;
}

impl<T> Advise<T> for Outcome<T> {
    fn advise(self, help: impl FnOnce() -> String) -> Outcome<T> {
        self.map_err(|mut failure| {
            failure.help.get_or_insert_with(help);
            failure
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_ascend_and_are_never_shared() {
        let numbers: Vec<_> = Exit::ALL.iter().map(|exit| exit.number()).collect();
        assert!(numbers.windows(2).all(|pair| pair[0] < pair[1]), "{numbers:?}");
    }

    #[test]
    fn the_book_lists_every_code() {
        let page = include_str!("../../docs/exit-codes.md");
        for exit in Exit::ALL {
            let row = format!("| {} | {} |", exit.number(), exit.meaning());
            assert!(page.contains(&row), "docs/exit-codes.md lacks the row `{row}`");
        }
    }
}

//! What the user sees: results on standard output, everything else on standard error.
//!
//! Colours follow `--color`, `NO_COLOR` and whether the stream is a terminal (anstream decides); progress is drawn only on
//! terminals and becomes plain lines elsewhere.

use std::fmt::Display;
use std::io::{IsTerminal, Write};
use std::time::{Duration, Instant};

use anstyle::{AnsiColor, Style};
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::Value;

use crate::exit::Failure;

const GOOD: Style = AnsiColor::Green.on_default().bold();
const BAD: Style = AnsiColor::Red.on_default().bold();
const WARN: Style = AnsiColor::Yellow.on_default().bold();
const HELP: Style = AnsiColor::Cyan.on_default().bold();
const DIM: Style = Style::new().dimmed();

/// Width of the verb column, as cargo has it.
const VERB: usize = 12;

/// How this run talks to its user.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Ui {
    pub(crate) json: bool,
    pub(crate) quiet: bool,
    pub(crate) verbose: u8,
}

impl Ui {
    /// Prints a result for people. With `--json` nothing: [`Ui::document`] speaks then.
    pub(crate) fn result(&self, text: impl Display) {
        if !self.json {
            print_line(text);
        }
    }

    /// Prints a result for programs, one JSON document per line; `kind` becomes its `$type`.
    pub(crate) fn document(&self, kind: &str, mut value: Value) {
        if !self.json {
            return;
        }
        if let Value::Object(fields) = &mut value {
            fields.insert("$type".to_string(), kind.into());
        }
        print_line(value);
    }

    /// Says what is being done or was done: `    Building shop`.
    pub(crate) fn status(&self, verb: &str, text: impl Display) {
        if !self.quiet {
            say(format_args!("{GOOD}{verb:>VERB$}{GOOD:#} {text}"));
        }
    }

    /// Something worth knowing that is no result.
    pub(crate) fn note(&self, text: impl Display) {
        if !self.quiet {
            say(text);
        }
    }

    /// Something that works but probably should not be so.
    pub(crate) fn warn(&self, text: impl Display) {
        say(format_args!("{WARN}warning{WARN:#}: {text}"));
    }

    /// Shows why a command failed: what, the chain of causes, what to do. With `--json` a document says the same to programs.
    pub(crate) fn failure(&self, failure: &Failure) {
        self.document("error", failure.document());
        say(failure_text(failure));
    }

    /// Starts showing that something takes its time.
    pub(crate) fn progress(&self, text: impl Display) -> Progress {
        let bar = (!self.quiet && std::io::stderr().is_terminal()).then(|| spinner(text.to_string()));
        Progress { bar, started: Instant::now() }
    }

    /// Starts step `number` of `of`, numbered for the user; [`Step::done`] ends it.
    pub(crate) fn step(&self, number: usize, of: usize, title: &str) -> Step {
        let label = format!("[{number}/{of}] {title}");
        if !self.quiet && !std::io::stderr().is_terminal() {
            say(&label);
        }
        Step { progress: self.progress(&label), label, ui: *self, ended: false }
    }
}

/// A spinner on terminals, nothing elsewhere. Gone when dropped.
#[derive(Debug)]
pub(crate) struct Progress {
    bar: Option<ProgressBar>,
    started: Instant,
}

impl Progress {
    /// Says what is happening at the moment, behind the text of the spinner.
    pub(crate) fn detail(&self, text: impl Display) {
        if let Some(bar) = &self.bar {
            bar.set_prefix(text.to_string());
        }
    }

    /// [`Ui::status`], above the spinner.
    pub(crate) fn status(&self, ui: Ui, verb: &str, text: impl Display) {
        match &self.bar {
            Some(bar) => bar.suspend(|| ui.status(verb, text)),
            None => ui.status(verb, text),
        }
    }

    /// Prints a line that stays, above the spinner.
    pub(crate) fn line(&self, text: impl Display) {
        match &self.bar {
            Some(bar) => bar.suspend(|| say(text)),
            None => say(text),
        }
    }

    /// Prints a result while the spinner is not there.
    pub(crate) fn pause(&self, print: impl FnOnce()) {
        match &self.bar {
            Some(bar) => bar.suspend(print),
            None => print(),
        }
    }

    /// Time since it began.
    pub(crate) fn elapsed(&self) -> Duration {
        self.started.elapsed()
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

/// One numbered step of a longer story.
#[derive(Debug)]
pub(crate) struct Step {
    progress: Progress,
    label: String,
    ui: Ui,
    ended: bool,
}

impl Step {
    /// What runs below the title right now.
    pub(crate) fn progress(&self) -> &Progress {
        &self.progress
    }

    /// Ends the step, saying what came of it.
    pub(crate) fn done(mut self, what: impl Display) {
        let time = seconds(self.progress.elapsed());
        self.end(
            format_args!("{GOOD}ok{GOOD:#} {DIM}{time}{DIM:#}\n      {what}"),
            format_args!("      {what} ({time})"),
        );
    }

    /// Replaces the spinner by a line that begins with the label; where there is no terminal, the label stands already.
    fn end(&mut self, beside: impl Display, below: impl Display) {
        self.ended = true;
        let spinner = self.progress.bar.take();
        match &spinner {
            _ if self.ui.quiet => {}
            Some(bar) => {
                bar.finish_and_clear();
                say(format_args!("{}  {beside}", self.label));
            }
            None => say(below),
        }
    }
}

impl Drop for Step {
    /// A step that did not get done has failed; why is told by the error that ends the command.
    fn drop(&mut self) {
        if !self.ended {
            self.end(format_args!("{BAD}failed{BAD:#}"), "      failed");
        }
    }
}

/// Why something failed, as people read it: what, the chain of causes, what to do. Styled.
pub(crate) fn failure_text(failure: &Failure) -> String {
    let mut shown = failure.error.to_string();
    let mut text = match shown.starts_with("error[") {
        // Reports with codes are complete as they are.
        true => shown.clone(),
        false => format!("{BAD}error{BAD:#}: {shown}"),
    };
    for cause in failure.error.chain().skip(1) {
        let cause = cause.to_string();
        // Many errors already print their source; saying it twice helps nobody.
        if !shown.contains(&cause) {
            text += &format!("\n  because: {cause}");
            shown = cause;
        }
    }
    if let Some(help) = &failure.help {
        text += &format!("\n{HELP}help{HELP:#}: {help}");
    }
    text
}

/// A duration as people say it: `0.3 s`, `1 min 12 s`.
pub(crate) fn seconds(time: Duration) -> String {
    match time.as_secs() {
        0..60 => format!("{:.1} s", time.as_secs_f64()),
        whole => format!("{} min {} s", whole / 60, whole % 60),
    }
}

/// A short duration: `12 us`, `3.4 ms`, `1.2 s`.
pub(crate) fn micros(time: Duration) -> String {
    match time.as_micros() {
        micros @ 0..1000 => format!("{micros} us"),
        micros @ 1000..1_000_000 => format!("{:.1} ms", micros as f64 / 1000.0),
        _ => seconds(time),
    }
}

/// A number of things: `1 script`, `2 scripts`.
pub(crate) fn count(number: usize, what: &str) -> String {
    if number == 1 { format!("1 {what}") } else { format!("{number} {what}s") }
}

/// A size as people say it: `41 KiB`.
pub(crate) fn size(bytes: u64) -> String {
    match bytes {
        0..1024 => format!("{bytes} B"),
        1024..1_048_576 => format!("{} KiB", bytes / 1024),
        _ => format!("{:.1} MiB", bytes as f64 / 1_048_576.0),
    }
}

fn spinner(text: String) -> ProgressBar {
    let style = ProgressStyle::with_template("{spinner} {msg} {elapsed:.dim}  {prefix:.dim}")
        .unwrap_or_else(|_| ProgressStyle::default_spinner());
    let bar = ProgressBar::new_spinner().with_style(style).with_message(text);
    bar.enable_steady_tick(Duration::from_millis(100));
    bar
}

/// A reader that went away (`marine .. | head`) is no error of ours.
fn print_line(text: impl Display) {
    let _ = writeln!(anstream::stdout(), "{text}");
}

/// Nobody is left to tell if standard error is closed.
fn say(text: impl Display) {
    let _ = writeln!(anstream::stderr(), "{text}");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_and_times_read_well() {
        assert_eq!([count(0, "error"), count(1, "error")], ["0 errors", "1 error"]);
        assert_eq!([size(12), size(41 * 1024 + 5), size(3 << 20)], ["12 B", "41 KiB", "3.0 MiB"]);
        assert_eq!([seconds(Duration::from_millis(320)), seconds(Duration::from_secs(72))], ["0.3 s", "1 min 12 s"]);
    }
}

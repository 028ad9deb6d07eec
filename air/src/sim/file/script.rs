//! The script of a scenario: in the file, or in one of its own; checked where the author wrote it.

use super::table::{Entry, Report, Table, nearest};
use super::{Finding, NO_SCRIPT, Source, UNKNOWN_PEER};
use crate::syntax::{Diagnostic, Severity, Span, Token, TokenKind, Tokens};
use crate::{Limits, Script};

/// A peer literal that is no peer id.
const NO_PEER_ID: u16 = 59;

/// The text of a script and what is wrong with it.
pub(super) struct ReadScript {
    pub(super) text: String,
    pub(super) findings: Vec<Finding>,
    /// Path and text, if places in the script are not places in the scenario file.
    pub(super) own_text: Option<(String, String)>,
}

/// Where a script is written.
enum Written {
    /// At this offset of the scenario file, character by character.
    At(u32),
    /// In a text of its own.
    Apart(String),
}

/// Takes the script out of the top table.
pub(super) fn take(
    file: &str,
    top: &mut Table<'_, '_>,
    peers: &[String],
    load: impl FnOnce(&str) -> Result<String, String>,
) -> Option<ReadScript> {
    let (text, written) = match (top.take("air"), top.take("script")) {
        (Some(_), Some(path)) => {
            path.wrong_key("`script` stands beside `air`", "give the script once: its text, or its path");
            return None;
        }
        (Some(air), None) => {
            let text = air.text()?;
            let written = verbatim(file, air.span(), &text);
            (text, written)
        }
        (None, Some(path)) => loaded(&path, load)?,
        (None, None) => {
            top.missing("air", "give the script: `air = '''(null)'''`, or `script = \"path.air\"`");
            return None;
        }
    };
    let findings = findings(&text, peers);
    let (source, offset) = match &written {
        Written::At(offset) => (Source::Scenario, *offset),
        Written::Apart(_) => (Source::Script, 0),
    };
    let moved = |diagnostic| Finding { source, diagnostic: shifted(diagnostic, offset) };
    let findings = findings.into_iter().map(moved).collect();
    let own_text = match written {
        Written::At(_) => None,
        Written::Apart(path) => Some((path, text.clone())),
    };
    Some(ReadScript { text, findings, own_text })
}

fn loaded(path: &Entry<'_, '_>, load: impl FnOnce(&str) -> Result<String, String>) -> Option<(String, Written)> {
    let name = path.text()?;
    match load(&name) {
        Ok(text) => Some((text, Written::Apart(name))),
        Err(why) => {
            let message = format!("the script cannot be read: {why}");
            let help = "the path starts from the directory of the scenario file";
            path.report.add(Diagnostic::error(NO_SCRIPT, path.span(), message).help(help));
            None
        }
    }
}

/// Where the content of a string in a TOML file begins, if nothing in it is escaped.
fn verbatim(file: &str, place: Span, text: &str) -> Written {
    let inside = file.get(place.range()).and_then(|quoted| Some((quoted.find(text)?, quoted.len())));
    match inside {
        // The string has one to three quotes at its ends, and maybe a line break after the first ones.
        Some((start, len)) if len - text.len() <= 8 && start <= 5 => Written::At(place.start + start as u32),
        _ => Written::Apart("air".to_owned()),
    }
}

/// Of the script as it is written, with names of peers.
fn findings(text: &str, peers: &[String]) -> Vec<Diagnostic> {
    let parsed = Script::parse(text, &Limits::default());
    let named = names(text);
    let is_name = |place: Span| named.iter().any(|(name, _)| *name == place);
    // `@shop` is no peer id, but one will be put there.
    let is_moot = |finding: &&Diagnostic| finding.id.0 == NO_PEER_ID && is_name(finding.primary.span);
    let mut findings: Vec<Diagnostic> =
        parsed.diagnostics().iter().filter(|finding| !is_moot(finding)).cloned().collect();
    for (place, name) in named {
        findings.extend(unknown_peer(place, &name, peers, Severity::Error));
    }
    findings
}

/// A finding if no peer has the name.
pub(super) fn unknown_peer(place: Span, name: &str, peers: &[String], severity: Severity) -> Option<Diagnostic> {
    if peers.iter().any(|peer| peer == name) {
        return None;
    }
    let near = nearest(name, peers.iter().map(String::as_str));
    let message = format!("no peer has the name `{name}`");
    let diagnostic = match severity {
        Severity::Error => Diagnostic::error(UNKNOWN_PEER, place, message),
        // In values most likely a text that only looks like a name.
        Severity::Warning => near.map(|_| Diagnostic::warning(UNKNOWN_PEER, place, message))?,
    };
    Some(diagnostic.help(match near {
        Some(near) => format!("did you mean `{near}`?"),
        None => format!("add it to `peers = [\"{}\"]`", peers.join("\", \"")),
    }))
}

/// The string literals that are `@name`, quotes included, and the names.
fn names(text: &str) -> Vec<(Span, String)> {
    let strings = Tokens::new(text).filter(|token| token.kind == TokenKind::String);
    let name = |token: Token| {
        let name = text.get(token.span.range())?.strip_prefix("\"@")?.strip_suffix('"')?;
        Some((token.span, name.to_owned()))
    };
    strings.filter_map(name).collect()
}

fn shifted(mut diagnostic: Diagnostic, offset: u32) -> Diagnostic {
    let labels = std::iter::once(&mut diagnostic.primary).chain(&mut diagnostic.secondary);
    for label in labels {
        label.span = Span { start: label.span.start + offset, end: label.span.end + offset };
    }
    diagnostic
}

/// A report on names in a part of the file that has no script.
pub(super) fn check_peer(report: &Report, place: Span, name: &str, peers: &[String]) -> bool {
    let unknown = unknown_peer(place, name, peers, Severity::Error);
    let is_known = unknown.is_none();
    unknown.into_iter().for_each(|diagnostic| report.add(diagnostic));
    is_known
}

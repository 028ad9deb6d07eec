//! Diagnostics as text, the way rustc shows them.

use annotate_snippets::{AnnotationKind, Element, Level, Renderer, Snippet};

use super::{Diagnostic, FileId, Severity};

/// Draws a diagnostic with colours (ANSI escapes). `source` gives a file's path and text.
#[must_use]
pub fn render<'a>(diagnostic: &Diagnostic, source: &dyn Fn(FileId) -> (&'a str, &'a str)) -> String {
    draw(diagnostic, source, &Renderer::styled())
}

/// Draws a diagnostic without colours.
#[must_use]
pub fn render_plain<'a>(diagnostic: &Diagnostic, source: &dyn Fn(FileId) -> (&'a str, &'a str)) -> String {
    draw(diagnostic, source, &Renderer::plain())
}

fn draw<'a>(diagnostic: &Diagnostic, source: &dyn Fn(FileId) -> (&'a str, &'a str), renderer: &Renderer) -> String {
    let level = match diagnostic.severity {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
    };
    let primary = &diagnostic.primary;
    let mut group =
        level.primary_title(diagnostic.message.as_str()).id(diagnostic.code.to_string()).elements(None::<Element<'_>>);
    let mut files = vec![primary.span.file];
    for label in &diagnostic.secondary {
        if !files.contains(&label.span.file) {
            files.push(label.span.file);
        }
    }
    for file in files {
        let (path, text) = source(file);
        let mut snippet = Snippet::source(text).path(path);
        if file == primary.span.file {
            let place = clamp(primary.span.range(), text);
            snippet = snippet.annotation(AnnotationKind::Primary.span(place).label(caption(&primary.text)));
        }
        for label in diagnostic.secondary.iter().filter(|label| label.span.file == file) {
            let place = clamp(label.span.range(), text);
            snippet = snippet.annotation(AnnotationKind::Context.span(place).label(caption(&label.text)));
        }
        group = group.element(snippet);
    }
    if let Some(help) = &diagnostic.help {
        group = group.element(Level::HELP.message(help.as_str()));
    }
    renderer.render(&[group])
}

fn caption(text: &str) -> Option<&str> {
    (!text.is_empty()).then_some(text)
}

/// Spans come from a tree of the same text, but a caller may pair them with a newer one: a wrong underline is better than a panic.
fn clamp(range: std::ops::Range<usize>, text: &str) -> std::ops::Range<usize> {
    let floor = |mut at: usize| {
        at = at.min(text.len());
        while !text.is_char_boundary(at) {
            at -= 1;
        }
        at
    };
    let (start, end) = (floor(range.start), floor(range.end));
    start..end.max(start)
}

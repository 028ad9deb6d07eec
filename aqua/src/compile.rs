//! [`compile`]: from a file to scripts.

use std::sync::Arc;

use crate::check::{Checked, check};
use crate::diagnostic::{Code, Diagnostic, Severity};
use crate::hir::{ExportItem, Program};
use crate::options::Options;
use crate::output::{Script, TooLarge, script};
use crate::sources::Sources;

/// What a compilation gives.
#[derive(Clone, Debug)]
pub struct Output {
    /// Program, files and names.
    pub checked: Checked,
    /// One script for each exported function, in the order of the exports; none if there are errors.
    pub scripts: Vec<Script>,
    /// All findings, those of the checker first.
    pub diagnostics: Vec<Diagnostic>,
}

impl Output {
    /// Whether anything stops the program.
    #[must_use]
    pub fn has_errors(&self) -> bool {
        self.diagnostics.iter().any(|diagnostic| diagnostic.severity == Severity::Error)
    }

    /// The script of the function with this exported name.
    #[must_use]
    pub fn script(&self, name: &str) -> Option<&Script> {
        self.scripts.iter().find(|script| &*script.name == name)
    }
}

/// Compiles the file `entry` with all that it imports. Never fails: what is wrong is in the diagnostics.
///
/// ```
/// use std::sync::Arc;
///
/// struct One;
///
/// impl marine_aqua::Sources for One {
///     fn text(&self, path: &str) -> Option<Result<Arc<str>, marine_aqua::SourceError>> {
///         let text = "aqua Hello\nexport hello\nfunc hello(name: string) -> string:\n  <- name\n";
///         (path == "hello.aqua").then(|| Ok(Arc::from(text)))
///     }
/// }
///
/// let output = marine_aqua::compile("hello.aqua", &One, &marine_aqua::Options::default());
/// assert!(output.script("hello").is_some_and(|script| script.air.starts_with("(xor ")));
/// ```
#[must_use]
pub fn compile(entry: &str, sources: &dyn Sources, options: &Options) -> Output {
    let mut checked = check(entry, sources, options);
    let mut diagnostics = std::mem::take(&mut checked.diagnostics);
    let mut scripts = Vec::new();
    if let Some(program) = &checked.program {
        for export in &program.exports {
            let ExportItem::Function(function) = export.item else { continue };
            match script(program, &export.name, function, options) {
                Ok(script) => {
                    diagnostics.extend(script.warnings.iter().cloned());
                    scripts.push(script);
                }
                Err(error) => diagnostics.push(too_large(program, &export.name, &error, export.span, options)),
            }
        }
    }
    let mut output = Output { checked, scripts, diagnostics };
    if output.has_errors() {
        output.scripts.clear();
    }
    // A function that several exports reach is placed for each of them.
    let mut seen = std::collections::HashSet::new();
    output
        .diagnostics
        .retain(|diagnostic| seen.insert((diagnostic.code, diagnostic.primary.span, diagnostic.message.clone())));
    output
}

fn too_large(
    program: &Program,
    name: &Arc<str>,
    error: &TooLarge,
    span: crate::hir::Span,
    options: &Options,
) -> Diagnostic {
    let reason = match error.is_depth {
        true => "is nested too deeply".to_owned(),
        false => format!("is over the limit of {} bytes", options.max_air),
    };
    let mut diagnostic = Diagnostic::new(Code::OUTPUT_SIZE, span, format!("the script of `{name}` {reason}"));
    if !error.chain.is_empty() {
        // The ends of a long chain tell enough.
        let names: Vec<&str> = error.chain.iter().map(|(function, _)| &*program.function(*function).name).collect();
        let shown = match names.len() {
            0..=8 => names.join(" -> "),
            count => format!("{} -> .. -> {}", names[..4].join(" -> "), names[count - 4..].join(" -> ")),
        };
        diagnostic = diagnostic.at(format!("calls are expanded where they stand: {shown}"));
    }
    diagnostic.help("call less often, share results by variables, or raise `--max-air`")
}

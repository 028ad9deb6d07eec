//! `marine aqua build`: scripts of programs.

use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use marine_air::{Limits, syntax};
use marine_aqua::{ImportRule, Options, Output, compile, descriptor, source_map};
use serde_json::json;

use crate::aqua::{Entry, Nodes, Program, Report, Wrapper, entries};
use crate::exit::{Exit, Fail, Outcome};
use crate::ui::{Ui, count};
use crate::watch::Watcher;

/// Compile programs to AIR.
///
/// Writes two files for each exported function: the script, FILE.FUNCTION.air, and its descriptor for client libraries, FILE.FUNCTION.json.
/// What is wrong is shown as by `marine aqua check`; a file with errors gives no scripts.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  marine aqua build hello.aqua                      hello.sayHello.air and hello.sayHello.json
  marine aqua build src -o target/air --map
  marine aqua build hello.aqua --air pretty --dry   only shows what it would write
  marine aqua build src -o target/air --watch")]
pub(crate) struct Build {
    /// Files, or folders with all .aqua files below them [default: .]
    paths: Vec<PathBuf>,
    /// Where to write; folders stay below it [default: beside each file]
    #[arg(short, long, value_name = "DIR")]
    output: Option<PathBuf>,
    #[command(flatten)]
    program: Program,
    #[command(flatten)]
    nodes: Nodes,
    /// Also write FILE.FUNCTION.map.json: which part of the script comes from which line
    #[arg(long)]
    map: bool,
    /// How scripts are written; source maps are for compact ones
    #[arg(long, value_name = "FORM", default_value = "compact", conflicts_with = "map")]
    air: Form,
    /// Write nothing, only show the paths
    #[arg(long)]
    dry: bool,
    /// Build again whenever a source changes, until Ctrl-C
    #[arg(short, long)]
    watch: bool,
    #[command(flatten)]
    wrapper: Wrapper,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Form {
    /// Without line breaks
    Compact,
    /// As `marine air fmt` writes it
    Pretty,
}

impl Build {
    pub(crate) fn run(self, ui: Ui) -> Outcome {
        if self.watch { self.watch(ui) } else { self.build(ui) }
    }

    fn build(&self, ui: Ui) -> Outcome {
        let entries = entries(&self.paths)?;
        if entries.is_empty() {
            ui.note("no .aqua files here");
            return Ok(Exit::Nothing);
        }
        let options = self.wrapper.apply(self.program.options()?);
        let sources = self.nodes.sources();
        let (mut report, mut scripts) = (Report::default(), 0);
        for entry in &entries {
            let output = compile(&entry.path, &sources, &options);
            report.show(ui, &output.checked, &output.diagnostics);
            self.write(ui, entry, &output, &options)?;
            scripts += output.scripts.len();
        }
        let (files, scripts) = (count(entries.len(), "file"), count(scripts, "script"));
        ui.note(format_args!("{files} compiled to {scripts}: {}", report.summary()));
        Ok(if report.errors > 0 { Exit::Findings } else { Exit::Done })
    }

    /// Builds again and again; what fails is shown and waits for the next change.
    fn watch(&self, ui: Ui) -> Outcome {
        loop {
            // Watching starts before the build: what changes meanwhile must not be missed.
            let mut watcher = Watcher::new(self.roots()?, is_source)?;
            if let Err(failure) = self.build(ui) {
                ui.failure(&failure);
            }
            ui.status("Watching", "for changes; Ctrl-C ends");
            if let Some(path) = watcher.wait(None)? {
                let here = std::env::current_dir().ok();
                let shown = here.as_ref().and_then(|here| path.strip_prefix(here).ok()).unwrap_or(&path);
                ui.status("Changed", shown.display());
            }
        }
    }

    /// The folders of sources.
    fn roots(&self) -> Outcome<Vec<PathBuf>> {
        let given = if self.paths.is_empty() { vec![PathBuf::from(".")] } else { self.paths.clone() };
        let imports = self.program.options()?.imports;
        let imported = imports.iter().flat_map(|ImportRule { folders, .. }| folders).map(PathBuf::from);
        let folder = |path: PathBuf| {
            let path = path.canonicalize().ok()?;
            if path.is_dir() { Some(path) } else { path.parent().map(Path::to_path_buf) }
        };
        Ok(given.into_iter().chain(imported).filter_map(folder).collect())
    }

    /// Writes all scripts of a file, and what belongs to them.
    fn write(&self, ui: Ui, entry: &Entry, output: &Output, options: &Options) -> Outcome<()> {
        let Some(program) = &output.checked.program else { return Ok(()) };
        let folder = match &self.output {
            Some(folder) => folder.join(&entry.below),
            None => Path::new(&entry.path).parent().unwrap_or(Path::new("")).to_path_buf(),
        };
        let stem = Path::new(&entry.path).file_stem().unwrap_or_default().to_string_lossy();
        for script in &output.scripts {
            let name = &script.name;
            let put = |ending: &str, text: &str| self.put(ui, &folder.join(format!("{stem}.{name}.{ending}")), text);
            match self.air {
                Form::Compact => put("air", &script.air)?,
                Form::Pretty => put("air", &syntax::format(&syntax::parse(&script.air, &Limits::default()).0))?,
            }
            put("json", &descriptor(program, name, script.function, options))?;
            if self.map {
                put("map.json", &source_map(program, &script.map))?;
            }
        }
        Ok(())
    }

    /// Writes a file, unless it is there already: what is built from it need not be built again then.
    fn put(&self, ui: Ui, path: &Path, text: &str) -> Outcome<()> {
        let is_there = std::fs::read(path).is_ok_and(|present| present == text.as_bytes());
        if !self.dry && !is_there {
            if let Some(folder) = path.parent() {
                std::fs::create_dir_all(folder)
                    .or_fail(Exit::Usage, format_args!("cannot make `{}`", folder.display()))?;
            }
            std::fs::write(path, text).or_fail(Exit::Usage, format_args!("cannot write `{}`", path.display()))?;
        }
        ui.result(path.display());
        ui.document("aqua.file", json!({ "path": path, "bytes": text.len() }));
        Ok(())
    }
}

/// What a compilation reads.
fn is_source(path: &Path) -> bool {
    path.is_dir()
        || path.extension().is_some_and(|ending| ["aqua", "wasm", "toml"].iter().any(|known| ending == *known))
}

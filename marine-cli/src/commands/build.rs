//! `marine build`: modules to components, the service linked and described by a blueprint.

use std::path::{Path, PathBuf};

use clap::Args;
use marine_build::{BuildEvent, BuildOutput, Profile, write_if_changed};
use serde_json::json;

use crate::aqua::mark;
use crate::exit::{Exit, Fail, Outcome};
use crate::project::{self, Built};
use crate::repl;
use crate::selection::Selection;
use crate::ui::{Ui, count, seconds, size};
use crate::watch::Watcher;

/// Build modules and link the service.
///
/// Builds the modules of the nearest Marine.toml (or Cargo package), checks that they fit together, and writes the service's
/// blueprint and its Aqua declarations. Outputs lie in target/marine/PROFILE. In a project all services are built.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  marine build
  marine build --release
  marine build --watch                    again whenever a source changes
  marine build -p till                    only this module
  marine build shop/Marine.toml -- --features cards")]
pub(crate) struct Build {
    /// A Marine.toml, a Cargo.toml or a directory
    #[arg(default_value = ".")]
    path: PathBuf,
    /// Optimise for speed and size
    #[arg(short, long)]
    release: bool,
    /// Where outputs go
    #[arg(long, value_name = "DIR")]
    out_dir: Option<PathBuf>,
    /// Do not check that the modules fit together
    #[arg(long)]
    no_link: bool,
    /// Build again whenever a source changes, until Ctrl-C
    #[arg(short, long)]
    watch: bool,
    #[command(flatten)]
    selection: Selection,
}

impl Build {
    pub(crate) fn run(self, ui: Ui) -> Outcome {
        if self.watch {
            return self.watch(ui);
        }
        for path in self.selection.members(&self.path)? {
            project::tell_of_migration(&path, ui);
            self.build(&path, ui)?;
        }
        Ok(Exit::Done)
    }

    fn build(&self, path: &Path, ui: Ui) -> Outcome<()> {
        let mut request = project::request(path, if self.release { Profile::Release } else { Profile::Dev })?;
        request.out_dir = self.out_dir.clone();
        request.run_commands = true;
        self.selection.apply(&mut request);
        let progress = ui.progress("Building");
        let output = project::build_heard(&request, &progress, ui, &mut |event| progress.pause(|| report(ui, event)))?;
        let time = progress.elapsed();
        // Results must not share a line with the spinner.
        drop(progress);
        report_modules(ui, &output);
        if output.service.is_some() {
            let built = Built::of(output)?;
            if !self.no_link {
                let linking = ui.progress("Linking");
                let plan = built.link()?;
                drop(linking);
                project::show_warnings(&plan, ui);
                ui.status(
                    "Linked",
                    format_args!("{} ({})", built.name(), count(built.manifest.modules.len(), "module")),
                );
            }
            report_service(ui, &built)?;
        }
        ui.status("Finished", format_args!("in {}", seconds(time)));
        ui.document("build.finished", json!({ "micros": time.as_micros() as u64 }));
        Ok(())
    }

    /// Builds again and again; what fails is shown and waits for the next change.
    fn watch(&self, ui: Ui) -> Outcome {
        loop {
            let members = self.selection.members(&self.path);
            // Watching starts before the build: what changes meanwhile must not be missed.
            let mut watcher = self.watcher(members.as_deref().unwrap_or_default())?;
            let built = members.and_then(|members| members.iter().try_for_each(|path| self.build(path, ui)));
            if let Err(failure) = built {
                ui.failure(&failure);
            }
            ui.status("Watching", "for changes; Ctrl-C ends");
            if let Some(path) = watcher.wait(None)? {
                let here = std::env::current_dir().ok();
                let shown = here.as_ref().and_then(|here| path.strip_prefix(here).ok()).unwrap_or(&path);
                ui.status("Changed", shown.display());
                ui.document("build.changed", json!({ "path": path }));
            }
        }
    }

    fn watcher(&self, members: &[PathBuf]) -> Outcome<Watcher> {
        let dir = |path: &PathBuf| {
            let path = path.canonicalize().unwrap_or_else(|_| path.clone());
            if path.is_dir() { path } else { path.parent().map_or(path.clone(), Path::to_path_buf) }
        };
        let mut roots: Vec<PathBuf> = members.iter().map(dir).collect();
        for path in members {
            // Packages that lie elsewhere count as well; what keeps them from being found is told by the build.
            let inputs =
                project::request(path, Profile::Dev).ok().and_then(|request| marine_build::inputs(&request).ok());
            roots.extend(inputs.iter().flatten().map(dir));
        }
        roots.push(dir(&self.path));
        let made: Vec<PathBuf> = members.iter().flat_map(|path| project::made_files(path)).collect();
        Watcher::new(roots, move |path| !made.iter().any(|made| made == path))
    }
}

fn report_modules(ui: Ui, output: &BuildOutput) {
    for module in &output.modules {
        ui.result(format_args!("{}  {}  {}", module.wasm.display(), size(module.size), module.cid));
        ui.document(
            "build.module",
            json!({
                "name": module.name, "version": module.version, "path": module.wasm, "wit": module.wit,
                "cid": module.cid.to_string(), "size": module.size, "functions": module.functions,
                "interface": module.interface, "cached": module.cached,
            }),
        );
    }
}

fn report_service(ui: Ui, built: &Built) -> Outcome<()> {
    let service = built.service()?;
    let aqua = declare(built, &service.path)?;
    ui.result(format_args!("{}  {}", service.path.display(), service.cid));
    ui.result(aqua.display());
    ui.document(
        "build.service",
        json!({
            "name": service.name, "path": service.path, "aqua": aqua, "cid": service.cid.to_string(),
            "cached": service.cached,
        }),
    );
    Ok(())
}

/// Writes what an Aqua program imports to call the service by its name, beside its blueprint.
fn declare(built: &Built, blueprint: &Path) -> Outcome<PathBuf> {
    let facade = built.facade()?;
    // The compiler looks for the component from where the declarations lie; prebuilt ones lie elsewhere.
    let file = std::path::absolute(built.wasm(built.manifest.facade())?)?;
    let folder = std::path::absolute(blueprint)?;
    let near = folder.parent().and_then(|folder| file.strip_prefix(folder).ok()).unwrap_or(&file);
    let text = mark(near, &facade) + &facade.interface().to_aqua(&repl::camel(built.name()), Some(built.name()));
    let path = blueprint.with_extension("aqua");
    write_if_changed(&path, text.as_bytes()).or_fail(Exit::Build, format!("cannot write `{}`", path.display()))?;
    Ok(path)
}

/// What happens on the way, for programs.
fn report(ui: Ui, event: &BuildEvent<'_>) {
    match event {
        BuildEvent::Cargo(line) => ui.document("build.cargo", json!({ "line": line })),
        BuildEvent::Diagnostic(found) => {
            let (file, line, column) = found
                .place
                .clone()
                .map_or((None, None, None), |(file, line, column)| (Some(file), Some(line), Some(column)));
            ui.document(
                "build.diagnostic",
                json!({
                    "level": found.level, "code": found.code, "message": found.message, "file": file, "line": line,
                    "column": column, "rendered": found.rendered,
                }),
            );
        }
        _ => {}
    }
}

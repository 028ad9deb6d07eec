//! Edits of the core module: names of the interface for exports and imports, the start function, nothing that is not needed.
//!
//! What has to change is planned first. A release build carries it out with walrus, which removes dead code; with debug
//! information the code stays where it is (see [`super::in_place`]), because its line tables speak of places in the code.

use std::collections::BTreeMap;

use walrus::{ExportItem, FunctionBuilder, ImportKind, Module, ModuleConfig};

use super::in_place;
use super::items::{Import, Items, SECTION};
use super::names::kebab_case;
use super::survey::{INITIALIZE, MAIN, Start, Survey};
use super::wit::InterfaceId;
use super::{EncodeError, ModuleMeta};

/// How exports begin that free what a call returned.
const POST: &str = "cabi_post_";
/// Where host programs are run.
const BINARIES: &str = "marine:host/binaries@";
/// The import module that the adapter provides.
const WASI: &str = "wasi_snapshot_preview1";
/// Custom sections that speak of the core module as the linker left it.
pub(super) const STALE_SECTIONS: [&str; 2] = [SECTION, "target_features"];

/// The edited module.
pub(super) struct Edited {
    pub(super) bytes: Vec<u8>,
    /// The imports that the code really uses.
    pub(super) imports: Vec<Import>,
    /// Whether the code can run host programs.
    pub(super) runs_binaries: bool,
}

/// What has to change.
pub(super) struct Plan {
    /// Exported functions that stay, with their new names; others are dropped.
    pub(super) exports: BTreeMap<String, String>,
    /// Imported functions that get new names, by module and name.
    pub(super) imports: BTreeMap<(String, String), (String, String)>,
    /// How start-up ends with `main`.
    pub(super) start: Option<Start>,
}

/// Edits `core` so that wit-component finds in it what the WIT text will say.
pub(super) fn edit(core: &[u8], items: &Items, meta: &ModuleMeta) -> Result<Edited, EncodeError> {
    let survey = Survey::of(core)?;
    let (plan, imports) = plan(&survey, items, &meta.name)?;
    let kept_in_place = if meta.debug_info { in_place::edit(core, &plan)? } else { None };
    let bytes = match kept_in_place {
        Some(bytes) => bytes,
        None => rewrite(core, &plan)?,
    };
    let runs_binaries = survey.imports.iter().any(|import| import.module.starts_with(BINARIES));
    Ok(Edited { bytes, imports, runs_binaries })
}

fn plan(survey: &Survey, items: &Items, name: &str) -> Result<(Plan, Vec<Import>), EncodeError> {
    let mut plan = Plan { exports: BTreeMap::new(), imports: BTreeMap::new(), start: survey.start()? };
    // What the component's machinery calls keeps its name.
    let machinery = survey.exports.keys().filter(|name| *name == INITIALIZE || is_cabi(name));
    plan.exports.extend(machinery.map(|name| (name.clone(), name.clone())));
    for export in &items.exports {
        let renamed = format!("marine:{name}/api#{}", kebab_case(&export.name)?);
        if !survey.exports.contains_key(&export.core) {
            return Err(EncodeError::Inconsistent(format!("there is no export `{}`", export.core)));
        }
        if export.result.has_heap() {
            plan.exports.insert(format!("{POST}{}", export.core), format!("{POST}{renamed}"));
        }
        plan.exports.insert(export.core.clone(), renamed);
    }
    let mut used = Vec::new();
    for import in &items.imports {
        let emitted = (import.core_module.clone(), import.core.clone());
        let is_used = survey
            .imports
            .iter()
            .any(|found| found.is_function && (&found.module, &found.name) == (&emitted.0, &emitted.1));
        if is_used {
            let renamed = (InterfaceId::of_source(&import.source)?.core_name(), kebab_case(&import.name)?);
            plan.imports.insert(emitted, renamed);
            used.push(import.clone());
        }
    }
    refuse_unprovided(survey, &plan)?;
    Ok((plan, used))
}

fn is_cabi(name: &str) -> bool {
    name.starts_with("cabi_") && !name.starts_with(POST)
}

/// Only interfaces can be provided; a bare module such as `env` is what C and JavaScript toolchains expect.
fn refuse_unprovided(survey: &Survey, plan: &Plan) -> Result<(), EncodeError> {
    let unprovided: Vec<String> = survey
        .imports
        .iter()
        .filter(|import| import.module != WASI && !import.module.contains(':'))
        .filter(|import| !plan.imports.contains_key(&(import.module.clone(), import.name.clone())))
        .take(20)
        .map(|import| format!("`{}` of `{}`", import.name, import.module))
        .collect();
    if unprovided.is_empty() { Ok(()) } else { Err(EncodeError::Unprovided(unprovided)) }
}

/// Carries out the plan and removes dead code. Line tables would not survive it.
fn rewrite(core: &[u8], plan: &Plan) -> Result<Vec<u8>, EncodeError> {
    let mut config = ModuleConfig::new();
    config.generate_name_section(true).generate_dwarf(false).generate_producers_section(true);
    let mut module = config.parse(core).map_err(|cause| EncodeError::NotCore(format!("{cause:#}")))?;
    if plan.start.is_some() {
        call_main(&mut module)?;
    }
    let mut unwanted = Vec::new();
    for export in module.exports.iter_mut().filter(|export| matches!(export.item, ExportItem::Function(_))) {
        match plan.exports.get(&export.name) {
            Some(renamed) => export.name.clone_from(renamed),
            None => unwanted.push(export.id()),
        }
    }
    for id in unwanted {
        module.exports.delete(id);
    }
    for import in module.imports.iter_mut().filter(|import| matches!(import.kind, ImportKind::Function(_))) {
        if let Some((new_module, new_name)) = plan.imports.get(&(import.module.clone(), import.name.clone())) {
            import.module.clone_from(new_module);
            import.name.clone_from(new_name);
        }
    }
    for section in STALE_SECTIONS {
        module.customs.remove_raw(section);
    }
    walrus::passes::gc::run(&mut module);
    Ok(module.emit_wasm())
}

/// Lets start-up of a binary end with its `main`; a failing `main` fails the instantiation.
fn call_main(module: &mut Module) -> Result<(), EncodeError> {
    let function = |name| module.exports.get_func(name).map_err(|cause| EncodeError::Inconsistent(cause.to_string()));
    let (main, initialize) = (function(MAIN)?, function(INITIALIZE)?);
    let mut builder = FunctionBuilder::new(&mut module.types, &[], &[]);
    builder.name(INITIALIZE.to_owned()).func_body().call(initialize).call(main).if_else(
        None,
        |failed| {
            failed.unreachable();
        },
        |_| {},
    );
    let both = builder.finish(vec![], &mut module.funcs);
    for export in module.exports.iter_mut().filter(|export| export.name == INITIALIZE) {
        export.item = ExportItem::Function(both);
    }
    Ok(())
}

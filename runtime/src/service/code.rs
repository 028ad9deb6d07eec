//! Compiled, pre-linked services: what all instances of equal modules share.

use std::collections::HashMap;
use std::sync::Arc;

use wasmtime::component::{Component, ComponentExportIndex, InstancePre, Linker};

use super::error::StartError;
use crate::engine::Key;
use crate::host::{self, State};
use crate::link::{Plan, Wire, compose, export_of};
use crate::module::Module;
use crate::names;
use crate::value::Signature;

/// Code that is ready to be instantiated.
pub(crate) struct Code {
    pub(crate) pre: InstancePre<State>,
    pub(crate) modules: Vec<CodeModule>,
}

/// One module of composed code.
pub(crate) struct CodeModule {
    pub(crate) name: Arc<str>,
    /// Its functions, in the order of its interface.
    pub(crate) functions: Vec<CodeFunction>,
    /// Kebab- and snake_case names to functions.
    by_name: HashMap<String, usize>,
}

/// One function of composed code.
pub(crate) struct CodeFunction {
    /// Its name outside, in snake_case.
    pub(crate) name: String,
    pub(crate) index: ComponentExportIndex,
    /// How to convert its values; else the kind of type that has no form outside.
    pub(crate) signature: Result<Signature, &'static str>,
}

impl Code {
    /// The code of `plan`: from memory, from the disk, or newly compiled.
    pub(crate) fn of(plan: &Plan) -> Result<Arc<Code>, StartError> {
        let failed = |cause: String| StartError::Compile { service: plan.name().to_owned(), cause };
        plan.engine().code(
            &key(plan),
            || compose(plan.spec(), plan.wiring(), plan.memories()).map_err(|cause| failed(cause.to_string())),
            |cause| failed(format!("{cause:#}")),
            |component| Code::new(plan, &component).map_err(|cause| failed(format!("{cause:#}"))),
        )
    }

    fn new(plan: &Plan, component: &Component) -> wasmtime::Result<Code> {
        let mut linker = Linker::new(plan.engine().wasmtime());
        host::define(&mut linker, component, plan.engine().interfaces())?;
        let pre = linker.instantiate_pre(component)?;
        let modules = plan.modules().enumerate().map(|(index, module)| CodeModule::new(component, index, module));
        Ok(Code { pre, modules: modules.collect::<Result<_, _>>()? })
    }
}

impl CodeModule {
    /// The function called `name`.
    pub(crate) fn find(&self, name: &str) -> Option<usize> {
        self.by_name.get(name).copied()
    }

    fn new(component: &Component, index: usize, module: &Module) -> wasmtime::Result<CodeModule> {
        let interface = module.interface();
        let missing =
            |name: &str| wasmtime::Error::msg(format!("the composed component lacks `{name}` of `{}`", module.name()));
        let export = |parent: Option<&ComponentExportIndex>, name: &str| {
            component.get_export_index(parent, name).ok_or_else(|| missing(name))
        };
        let mut parent = export(None, &export_of(index))?;
        if let Some(id) = &interface.id {
            parent = export(Some(&parent), id)?;
        }
        let (mut functions, mut by_name) = (Vec::new(), HashMap::new());
        for (position, function) in interface.functions.iter().enumerate() {
            let name = names::outside(&function.name);
            by_name.insert(function.name.clone(), position);
            by_name.insert(name.clone(), position);
            let index = export(Some(&parent), &function.name)?;
            functions.push(CodeFunction { name, index, signature: Signature::new(function, module.fixed_lengths()) });
        }
        Ok(CodeModule { name: module.shared_name(), functions, by_name })
    }
}

/// Everything that the composed component is made from.
fn key(plan: &Plan) -> Key {
    let mut key = Key::builder(plan.engine().wasmtime());
    for (spec, wires) in plan.spec().modules.iter().zip(&plan.wiring().modules) {
        let memory = spec.memory.unwrap_or(u64::MAX).to_le_bytes();
        key = key.part(spec.module.name().as_bytes()).part(&spec.module.cid().to_bytes()).part(&memory);
        for wire in wires {
            if let Wire::Module { import, provider, .. } = wire {
                key = key.part(import.as_bytes()).part(&provider.to_le_bytes());
            }
        }
        key = key.part(b"");
    }
    key.finish()
}

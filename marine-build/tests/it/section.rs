//! Writes the section that the SDK's macro writes, for tests that need no compiler.

use marine_build::encode::{Case, Export, Field, Import, Items, ModuleInfo, Param, Requirement, Type};

/// The bytes of a section with `items`.
pub(crate) fn encode(items: &Items) -> Vec<u8> {
    let mut section = Vec::new();
    for Export { name, docs, core, params, result } in &items.exports {
        push(&mut section, 0, |entry| {
            texts(entry, &[name, docs, core]);
            signature(entry, params, result);
        });
    }
    for Import { source, name, docs, core_module, core, params, result } in &items.imports {
        push(&mut section, 1, |entry| {
            texts(entry, &[source, name, docs, core_module, core]);
            signature(entry, params, result);
        });
    }
    if let Some(ModuleInfo { name, version, authors, description, repository, sdk }) = &items.info {
        push(&mut section, 2, |entry| texts(entry, &[name, version, authors, description, repository, sdk]));
    }
    for name in &items.binaries {
        push(&mut section, 3, |entry| texts(entry, &[name]));
    }
    for Requirement { source, version } in &items.requirements {
        push(&mut section, 4, |entry| texts(entry, &[source, version]));
    }
    section
}

fn push(section: &mut Vec<u8>, kind: u8, body: impl FnOnce(&mut Vec<u8>)) {
    let mut entry = vec![1, kind];
    body(&mut entry);
    section.extend((entry.len() as u32).to_le_bytes());
    section.extend(entry);
}

fn texts(to: &mut Vec<u8>, texts: &[&String]) {
    for text in texts {
        to.extend((text.len() as u32).to_le_bytes());
        to.extend(text.as_bytes());
    }
}

fn signature(to: &mut Vec<u8>, params: &[Param], result: &Type) {
    to.push(params.len() as u8);
    for Param { name, ty: of } in params {
        texts(to, &[name]);
        ty(to, of);
    }
    ty(to, result);
}

fn ty(to: &mut Vec<u8>, of: &Type) {
    const SCALARS: [Type; 14] = [
        Type::Unit,
        Type::Bool,
        Type::U8,
        Type::S8,
        Type::U16,
        Type::S16,
        Type::U32,
        Type::S32,
        Type::U64,
        Type::S64,
        Type::F32,
        Type::F64,
        Type::Char,
        Type::String,
    ];
    match of {
        Type::List(inner) => {
            to.push(14);
            ty(to, inner);
        }
        Type::Option(inner) => {
            to.push(15);
            ty(to, inner);
        }
        Type::Result(ok, err) => {
            to.push(16);
            ty(to, ok);
            ty(to, err);
        }
        Type::Tuple(types) => {
            to.extend([17, types.len() as u8]);
            types.iter().for_each(|of| ty(to, of));
        }
        Type::Record(name, docs, fields) => {
            to.push(18);
            texts(to, &[name, docs]);
            to.push(fields.len() as u8);
            for Field { name, docs, ty: of } in fields {
                texts(to, &[name, docs]);
                ty(to, of);
            }
        }
        Type::Enum(name, docs, cases) => {
            to.push(19);
            texts(to, &[name, docs]);
            to.push(cases.len() as u8);
            cases.iter().for_each(|Case { name, docs, .. }| texts(to, &[name, docs]));
        }
        Type::Variant(name, docs, cases) => {
            to.push(20);
            texts(to, &[name, docs]);
            to.push(cases.len() as u8);
            for Case { name, docs, ty: of } in cases {
                texts(to, &[name, docs]);
                ty(to, of);
            }
        }
        Type::Fixed(length, inner) => {
            to.push(21);
            to.extend(length.to_le_bytes());
            ty(to, inner);
        }
        scalar => {
            let tag = SCALARS.iter().position(|known| known == scalar).expect("every other type is matched above");
            to.push(tag as u8);
        }
    }
}

/// A function without documentation.
pub(crate) fn export(name: &str, params: &[(&str, Type)], result: Type) -> Export {
    let core = format!("marine#{name}");
    Export { name: name.into(), docs: String::new(), core, params: parameters(params), result }
}

/// An imported function without documentation, as the SDK emits it.
pub(crate) fn import(source: &str, name: &str, params: &[(&str, Type)], result: Type) -> Import {
    Import {
        source: source.into(),
        name: name.into(),
        docs: String::new(),
        core_module: format!("marine-import:{source}"),
        core: name.into(),
        params: parameters(params),
        result,
    }
}

fn parameters(params: &[(&str, Type)]) -> Vec<Param> {
    params.iter().map(|(name, ty)| Param { name: (*name).into(), ty: ty.clone() }).collect()
}

/// A record without documentation.
pub(crate) fn record(name: &str, fields: &[(&str, Type)]) -> Type {
    let field = |(name, ty): &(&str, Type)| Field { name: (*name).into(), docs: String::new(), ty: ty.clone() };
    Type::Record(name.into(), String::new(), fields.iter().map(field).collect())
}

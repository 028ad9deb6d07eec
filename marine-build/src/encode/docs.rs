//! Doc comments inside the component: the section `package-docs` that WIT tools read.
//!
//! The encoder keeps documentation only in the core module's WIT, which is gone from the finished component. The section has the
//! form that wit-parser writes for packages: a version byte, then JSON.

use std::collections::BTreeMap;

use serde::Serialize;

use super::items::Items;
use super::names::kebab_case;

/// The name of the section.
pub(super) const SECTION: &str = "package-docs";

/// Version 1 writes each function as an object.
const VERSION: u8 = 1;

#[derive(Serialize)]
struct Package {
    interfaces: BTreeMap<&'static str, Interface>,
}

#[derive(Serialize)]
struct Interface {
    funcs: BTreeMap<String, Function>,
}

#[derive(Serialize)]
struct Function {
    docs: String,
}

/// The section's content; nothing if no function is documented.
pub(super) fn section(items: &Items) -> Result<Option<Vec<u8>>, serde_json::Error> {
    let documented = items.exports.iter().filter(|export| !export.docs.trim().is_empty());
    let funcs: BTreeMap<String, Function> = documented
        // A name that WIT cannot express has been refused before.
        .filter_map(|export| Some((kebab_case(&export.name).ok()?, Function { docs: export.docs.trim().to_owned() })))
        .collect();
    if funcs.is_empty() {
        return Ok(None);
    }
    let mut section = vec![VERSION];
    serde_json::to_writer(&mut section, &Package { interfaces: BTreeMap::from([("api", Interface { funcs })]) })?;
    Ok(Some(section))
}

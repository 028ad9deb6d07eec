//! What the host offers to modules: which interfaces, and their implementation, bound to one module each.

mod binaries;
mod embedded;
mod files;
mod http;
mod keyvalue;
mod marine;
mod output;
mod poll;
mod reach;
mod seat;
mod state;
mod streams;
mod wasi;

use wasmtime::component::{Component, Linker};

pub use self::embedded::{HostCall, HostError, HostInterface, HostInterfaceError};
pub(crate) use self::embedded::{HostFailure, HostInterfaces};
pub(crate) use self::files::Quotas;
pub(crate) use self::http::{Trust, WasiRequests};
pub(crate) use self::keyvalue::Stores;
pub(crate) use self::output::Capture;
pub(crate) use self::poll::{Cancelled, TimedOut};
pub(crate) use self::reach::{Place, Program, Reach, find_program};
pub(crate) use self::seat::Seat;
pub(crate) use self::state::{
    CallContext, Denials, HostShared, Limiter, Memory, ModuleLog, ModuleState, Refusal, State,
};
use crate::link::split_import;
use crate::names;

/// Types generated from the WIT of package `marine:host`; the functions are closures, which know their module.
mod bindings {
    wasmtime::component::bindgen!({ path: "../wit/marine-host.wit", world: "marine:host/guest" });
}

/// What the host says to an import.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Support {
    /// It offers it.
    Offered,
    /// It is the host's to offer, but it does not; why.
    Refused(String),
    /// It is nothing of the host.
    Unknown,
}

/// The version of package `marine:host` that is offered.
const MARINE_HOST: (u64, u64) = (1, 0);

/// Whether the host offers `import` (`wasi:io/streams@0.2.6`).
pub(crate) fn support(import: &str) -> Support {
    let (interface, version) = import.split_once('@').unwrap_or((import, ""));
    if let Some(wasi) = interface.strip_prefix("wasi:") {
        return match version.strip_prefix("0.2.").map(str::parse::<u32>) {
            Some(Ok(_)) if wasi::INTERFACES.contains(&wasi) => Support::Offered,
            Some(Ok(_)) => Support::Refused("this host does not offer that WASI interface".to_owned()),
            _ => Support::Refused("this host offers WASI 0.2".to_owned()),
        };
    }
    let Some(own) = interface.strip_prefix("marine:host/").filter(|own| *own != "api") else { return Support::Unknown };
    let (major, minor) = MARINE_HOST;
    let mut numbers = version.split('.').map(str::parse::<u64>);
    match (numbers.next(), numbers.next()) {
        (Some(Ok(asked)), Some(Ok(least))) if asked == major && least <= minor => {}
        _ => return Support::Refused(format!("this host offers `marine:host` {major}.{minor}")),
    }
    if marine::INTERFACES.contains(&own) {
        Support::Offered
    } else {
        Support::Refused("this host does not offer that interface".to_owned())
    }
}

/// Defines every import of a composed component, each for the module that it was renamed for.
pub(crate) fn define(
    linker: &mut Linker<State>,
    component: &Component,
    interfaces: &HostInterfaces,
) -> wasmtime::Result<()> {
    let engine = linker.engine().clone();
    for (name, _) in component.component_type().imports(&engine) {
        let Some((module, import)) = split_import(name) else { continue };
        let interface = names::unversioned(import);
        let mut instance = linker.instance(name)?;
        if let Some(wasi) = interface.strip_prefix("wasi:") {
            wasi::define(&mut instance, module, wasi)?;
        } else if let Some(own) = interface.strip_prefix("marine:host/") {
            marine::define(&mut instance, module, own)?;
        } else {
            interfaces.define(&mut instance, module, import)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn support_is_decided_by_name_and_version() {
        let offered = [
            "wasi:io/streams@0.2.0",
            "wasi:cli/stdout@0.2.12",
            "wasi:sockets/tcp@0.2.0",
            "marine:host/log@1.0.0",
            "marine:host/log@1.0.7",
        ];
        offered.iter().for_each(|import| assert_eq!(support(import), Support::Offered, "{import}"));
        let unknown = ["marine:stock/api", "marine:host/api", "acme:store/api@1.2.0", "host"];
        unknown.iter().for_each(|import| assert_eq!(support(import), Support::Unknown, "{import}"));
        let refused = [
            "wasi:io/streams@0.3.0",
            "wasi:io/streams",
            "wasi:nn/tensor@0.2.0",
            "marine:host/log@1.1.0",
            "marine:host/log@2.0.0",
            "marine:host/log",
            "marine:host/moon@1.0.0",
        ];
        refused.iter().for_each(|import| assert!(matches!(support(import), Support::Refused(_)), "{import}"));
    }
}

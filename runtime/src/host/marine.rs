//! Package `marine:host`: call parameters and logging, bound to one module.

use marine_manifest::LogLevel;
use wasmtime::StoreContextMut;
use wasmtime::component::LinkerInstance;

use super::bindings::marine::host::call_parameters as wit;
use super::bindings::marine::host::log::Level;
use super::state::State;
use super::{binaries, http, keyvalue};
use crate::params::{CallParameters, ParticleParameters, SecurityTetraplet};

/// The interfaces that are offered.
pub(super) const INTERFACES: &[&str] = &["binaries", "call-parameters", "http", "keyvalue", "log"];

/// Defines `interface` (one of [`INTERFACES`]) in `instance` for the module at `index`.
pub(super) fn define(to: &mut LinkerInstance<'_, State>, index: usize, interface: &str) -> wasmtime::Result<()> {
    match interface {
        "binaries" => binaries::define(to, index),
        "http" => http::define(to, index),
        "keyvalue" => keyvalue::define(to, index),
        "call-parameters" => {
            to.func_wrap("get", |store: StoreContextMut<'_, State>, ()| Ok((parameters(&store.data().call.params),)))?;
            to.func_wrap("call-id", |store: StoreContextMut<'_, State>, ()| Ok((store.data().call.id.to_string(),)))
        }
        "log" => {
            to.func_wrap("filter", move |store: StoreContextMut<'_, State>, ()| {
                Ok((store.data().modules[index].log.filter.to_string(),))
            })?;
            to.func_wrap(
                "write",
                move |store: StoreContextMut<'_, State>,
                      (level, target, bits, message): (Level, String, u32, String)| {
                    store.data().modules[index].log.write(severity(level), &target, bits, message);
                    Ok(())
                },
            )
        }
        other => Err(wasmtime::Error::msg(format!("no interface marine:host/{other}"))),
    }
}

fn severity(level: Level) -> LogLevel {
    match level {
        Level::Error => LogLevel::Error,
        Level::Warn => LogLevel::Warn,
        Level::Info => LogLevel::Info,
        Level::Debug => LogLevel::Debug,
        Level::Trace => LogLevel::Trace,
    }
}

fn parameters(call: &CallParameters) -> wit::CallParameters {
    let tetraplets = call.tetraplets.iter().map(|of_argument| of_argument.iter().map(tetraplet).collect());
    wit::CallParameters {
        particle: particle(&call.particle),
        service_id: call.service_id.clone(),
        service_creator_peer_id: call.service_creator_peer_id.clone(),
        host_id: call.host_id.clone(),
        worker_id: call.worker_id.clone(),
        tetraplets: tetraplets.collect(),
    }
}

fn particle(particle: &ParticleParameters) -> wit::ParticleParameters {
    wit::ParticleParameters {
        id: particle.id.clone(),
        init_peer_id: particle.init_peer_id.clone(),
        timestamp: particle.timestamp,
        ttl: particle.ttl,
        script: particle.script.clone(),
        signature: particle.signature.clone(),
        token: particle.token.clone(),
    }
}

fn tetraplet(tetraplet: &SecurityTetraplet) -> wit::SecurityTetraplet {
    wit::SecurityTetraplet {
        peer_pk: tetraplet.peer_pk.clone(),
        service_id: tetraplet.service_id.clone(),
        function_name: tetraplet.function_name.clone(),
        lens: tetraplet.lens.clone(),
    }
}

//! WASI 0.2, bound to the context of one module.
//!
//! The bindings take a plain function that finds the context in the store's data, so the module's index has to be part of its type:
//! [`define`] picks the copy for an index from a table.
//!
//! Sockets are there because interpreters import them whether they need them or not; every attempt to use one is refused with
//! `access-denied` (see the context in `service/grants.rs`). HTTP is offered under grants, see `http/wasi.rs`.

use wasmtime::component::{HasData, LinkerInstance, ResourceTable};
use wasmtime_wasi::cli::{WasiCli, WasiCliCtxView};
use wasmtime_wasi::clocks::{WasiClocks, WasiClocksCtxView};
use wasmtime_wasi::filesystem::WasiFilesystemCtxView;
use wasmtime_wasi::p2::bindings::{cli, clocks, filesystem, io, random, sockets, sync};
use wasmtime_wasi::random::{WasiRandom, WasiRandomCtx};
use wasmtime_wasi::sockets::{WasiSockets, WasiSocketsCtxView};
use wasmtime_wasi_http::p2::bindings::sync::http::{outgoing_handler, types as http_types};
use wasmtime_wasi_http::{WasiHttp, WasiHttpCtxView};

use super::files::{Files, FilesView};
use super::poll::{Poll, PollView};
use super::state::{ModuleState, State};
use super::streams::{StreamView, Streams};

/// The interfaces that are offered.
pub(super) const INTERFACES: &[&str] = &[
    "cli/environment",
    "cli/exit",
    "cli/stderr",
    "cli/stdin",
    "cli/stdout",
    "cli/terminal-input",
    "cli/terminal-output",
    "cli/terminal-stderr",
    "cli/terminal-stdin",
    "cli/terminal-stdout",
    "clocks/monotonic-clock",
    "clocks/wall-clock",
    "filesystem/preopens",
    "filesystem/types",
    "http/outgoing-handler",
    "http/types",
    "io/error",
    "io/poll",
    "io/streams",
    "random/insecure",
    "random/insecure-seed",
    "random/random",
    "sockets/instance-network",
    "sockets/ip-name-lookup",
    "sockets/network",
    "sockets/tcp",
    "sockets/tcp-create-socket",
    "sockets/udp",
    "sockets/udp-create-socket",
];

type Define = fn(&mut LinkerInstance<'_, State>, &str) -> wasmtime::Result<()>;

/// Defines `interface` (one of [`INTERFACES`]) in `instance` for the module at `index`.
pub(super) fn define(instance: &mut LinkerInstance<'_, State>, index: usize, interface: &str) -> wasmtime::Result<()> {
    match DEFINE.get(index) {
        Some(define) => define(instance, interface),
        None => Err(wasmtime::Error::msg(format!("no module has the index {index}"))),
    }
}

macro_rules! for_modules {
    ($($index:literal)*) => { [$(define_for::<$index>),*] };
}

/// [`define_for`] of each possible module.
static DEFINE: [Define; crate::link::MAX_MODULES] = for_modules!(
     0  1  2  3  4  5  6  7  8  9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25 26 27 28 29 30 31
    32 33 34 35 36 37 38 39 40 41 42 43 44 45 46 47 48 49 50 51 52 53 54 55 56 57 58 59 60 61 62 63
);

fn define_for<const I: usize>(to: &mut LinkerInstance<'_, State>, interface: &str) -> wasmtime::Result<()> {
    match interface {
        "io/error" => io::error::add_to_linker_instance::<State, Table>(to, table::<I>),
        "io/poll" => sync::io::poll::add_to_linker_instance::<State, Poll>(to, poll::<I>),
        "io/streams" => sync::io::streams::add_to_linker_instance::<State, Streams>(to, streams::<I>),
        "cli/environment" => cli::environment::add_to_linker_instance::<State, WasiCli>(to, command::<I>),
        "cli/exit" => cli::exit::add_to_linker_instance::<State, WasiCli>(to, command::<I>),
        "cli/stdin" => cli::stdin::add_to_linker_instance::<State, WasiCli>(to, command::<I>),
        "cli/stdout" => cli::stdout::add_to_linker_instance::<State, WasiCli>(to, command::<I>),
        "cli/stderr" => cli::stderr::add_to_linker_instance::<State, WasiCli>(to, command::<I>),
        "cli/terminal-input" => cli::terminal_input::add_to_linker_instance::<State, WasiCli>(to, command::<I>),
        "cli/terminal-output" => cli::terminal_output::add_to_linker_instance::<State, WasiCli>(to, command::<I>),
        "cli/terminal-stdin" => cli::terminal_stdin::add_to_linker_instance::<State, WasiCli>(to, command::<I>),
        "cli/terminal-stdout" => cli::terminal_stdout::add_to_linker_instance::<State, WasiCli>(to, command::<I>),
        "cli/terminal-stderr" => cli::terminal_stderr::add_to_linker_instance::<State, WasiCli>(to, command::<I>),
        "clocks/wall-clock" => clocks::wall_clock::add_to_linker_instance::<State, WasiClocks>(to, clock::<I>),
        "clocks/monotonic-clock" => {
            clocks::monotonic_clock::add_to_linker_instance::<State, WasiClocks>(to, clock::<I>)
        }
        "filesystem/types" => sync::filesystem::types::add_to_linker_instance::<State, Files>(to, files::<I>),
        "filesystem/preopens" => filesystem::preopens::add_to_linker_instance::<State, Files>(to, files::<I>),
        "http/outgoing-handler" => outgoing_handler::add_to_linker_instance::<State, WasiHttp>(to, requests::<I>),
        "http/types" => {
            let options = http_types::LinkOptions::default();
            http_types::add_to_linker_instance::<State, WasiHttp>(to, &options, requests::<I>)
        }
        "random/random" => random::random::add_to_linker_instance::<State, WasiRandom>(to, dice::<I>),
        "random/insecure" => random::insecure::add_to_linker_instance::<State, WasiRandom>(to, dice::<I>),
        "random/insecure-seed" => random::insecure_seed::add_to_linker_instance::<State, WasiRandom>(to, dice::<I>),
        "sockets/instance-network" => {
            sockets::instance_network::add_to_linker_instance::<State, WasiSockets>(to, no_sockets::<I>)
        }
        "sockets/ip-name-lookup" => {
            sockets::ip_name_lookup::add_to_linker_instance::<State, WasiSockets>(to, no_sockets::<I>)
        }
        "sockets/network" => {
            let options = sockets::network::LinkOptions::default();
            sockets::network::add_to_linker_instance::<State, WasiSockets>(to, &options, no_sockets::<I>)
        }
        "sockets/tcp" => sync::sockets::tcp::add_to_linker_instance::<State, WasiSockets>(to, no_sockets::<I>),
        "sockets/tcp-create-socket" => {
            sockets::tcp_create_socket::add_to_linker_instance::<State, WasiSockets>(to, no_sockets::<I>)
        }
        "sockets/udp" => sync::sockets::udp::add_to_linker_instance::<State, WasiSockets>(to, no_sockets::<I>),
        "sockets/udp-create-socket" => {
            sync::sockets::udp_create_socket::add_to_linker_instance::<State, WasiSockets>(to, no_sockets::<I>)
        }
        other => Err(wasmtime::Error::msg(format!("no WASI interface {other}"))),
    }
}

struct Table;

impl HasData for Table {
    type Data<'a> = &'a mut ResourceTable;
}

fn module<const I: usize>(state: &mut State) -> &mut ModuleState {
    &mut state.modules[I]
}

fn table<const I: usize>(state: &mut State) -> &mut ResourceTable {
    &mut module::<I>(state).table
}

fn poll<const I: usize>(state: &mut State) -> PollView<'_> {
    let ends = state.call.ends();
    PollView { table: table::<I>(state), ends }
}

fn streams<const I: usize>(state: &mut State) -> StreamView<'_> {
    let ends = state.call.ends();
    StreamView { table: table::<I>(state), ends }
}

fn command<const I: usize>(state: &mut State) -> WasiCliCtxView<'_> {
    let ModuleState { wasi, table, .. } = module::<I>(state);
    WasiCliCtxView { ctx: wasi.cli(), table }
}

fn clock<const I: usize>(state: &mut State) -> WasiClocksCtxView<'_> {
    let ModuleState { wasi, table, .. } = module::<I>(state);
    WasiClocksCtxView { ctx: wasi.clocks(), table }
}

fn files<const I: usize>(state: &mut State) -> FilesView<'_> {
    let ModuleState { wasi, table, quotas, seat, .. } = module::<I>(state);
    FilesView { files: WasiFilesystemCtxView { ctx: wasi.filesystem(), table }, quotas, seat: seat.as_mut() }
}

fn requests<const I: usize>(state: &mut State) -> WasiHttpCtxView<'_> {
    let deadline = state.call.deadline;
    let ModuleState { http, table, .. } = module::<I>(state);
    http.view(table, deadline)
}

fn dice<const I: usize>(state: &mut State) -> &mut WasiRandomCtx {
    module::<I>(state).wasi.random()
}

/// A context that refuses every use of a socket.
fn no_sockets<const I: usize>(state: &mut State) -> WasiSocketsCtxView<'_> {
    let ModuleState { wasi, table, .. } = module::<I>(state);
    WasiSocketsCtxView { ctx: wasi.sockets(), table }
}

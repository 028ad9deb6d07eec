//! What went wrong in a guest, from the engine's error.

use std::sync::Arc;

use wasmtime::{Trap as WasmTrap, WasmBacktrace};
use wasmtime_wasi::I32Exit;

use super::error::{Frame, Trap};
use crate::host::{Cancelled, HostError, HostFailure, Refusal, TimedOut};
use crate::names;

/// The most frames that a trap reports.
const MAX_FRAMES: usize = 32;
/// The longest text of stderr that a trap reports, in bytes.
const MAX_STDERR: usize = 4 * 1024;

/// Why a guest did not return.
pub(crate) enum Failure {
    /// Its time was up.
    Timeout,
    /// Its caller gave up.
    Cancelled,
    /// It broke down after memory was refused.
    OutOfMemory { module: String, refusal: Refusal },
    /// What it returned is too large to be taken over.
    TooLarge,
    /// A function of the embedder gave it no answer.
    Host { interface: Arc<str>, function: Arc<str>, cause: HostError },
    /// Anything else.
    Trap(Trap),
}

/// What is known about a call that failed.
pub(crate) struct Circumstances {
    /// Module and function that were called from outside.
    pub(crate) called: (String, String),
    /// Per module, what it wrote to stderr.
    pub(crate) stderr: Vec<(Arc<str>, String)>,
    /// Memory that was refused during the call.
    pub(crate) refusal: Option<Refusal>,
    /// The module that asked for it, if that is known.
    pub(crate) asking: Option<Arc<str>>,
}

impl Failure {
    pub(crate) fn new(error: &wasmtime::Error, circumstances: Circumstances) -> Failure {
        let trap = error.downcast_ref::<WasmTrap>();
        if error.is::<TimedOut>() || trap == Some(&WasmTrap::Interrupt) {
            return Failure::Timeout;
        }
        if error.is::<Cancelled>() {
            return Failure::Cancelled;
        }
        if let Some(HostFailure { interface, function, cause }) = error.downcast_ref() {
            let (interface, function, cause) = (interface.clone(), function.clone(), cause.clone());
            return Failure::Host { interface, function, cause };
        }
        let frames = error.downcast_ref::<WasmBacktrace>().map(frames).unwrap_or_default();
        if frames.is_empty() && trap.is_none() && is_exhausted(error) {
            return Failure::TooLarge;
        }
        let Circumstances { called, stderr, refusal, asking } = circumstances;
        let module = frames.iter().find_map(|frame| frame.module.clone()).unwrap_or_else(|| called.0.clone());
        if let (Some(refusal), true) = (refusal, trap.is_some()) {
            let module = asking.map_or(module, |asking| asking.to_string());
            return Failure::OutOfMemory { module, refusal };
        }
        let cause = match (trap, error.downcast_ref::<I32Exit>()) {
            (Some(trap), _) => trap.to_string(),
            (None, Some(I32Exit(code))) => format!("it called exit with code {code}"),
            (None, None) => error.root_cause().to_string(),
        };
        let function = function(&called, &module, &frames);
        let (panic, stderr) = explanation(&module, stderr);
        Failure::Trap(Trap { called, module, function, cause, panic, stderr, frames })
    }
}

/// Whether more data was to be taken over than the store allows.
fn is_exhausted(error: &wasmtime::Error) -> bool {
    error.root_cause().to_string().contains("fuel allocated for hostcalls")
}

fn frames(trace: &WasmBacktrace) -> Vec<Frame> {
    let frame = |frame: &wasmtime::FrameInfo| {
        let symbol = frame.symbols().first();
        let source = symbol.and_then(|symbol| Some((symbol.file()?.to_owned(), symbol.line()?)));
        let name = symbol.and_then(|symbol| symbol.name()).or_else(|| frame.func_name());
        Frame { module: frame.module().name().map(str::to_owned), function: name.map(str::to_owned), source }
    };
    trace.frames().iter().take(MAX_FRAMES).map(frame).collect()
}

/// The function of `module` in which a trap happened: its exported function on the stack, if that can be told.
fn function(called: &(String, String), module: &str, frames: &[Frame]) -> String {
    if called.0 == module {
        return called.1.clone();
    }
    let inside: Vec<&str> = frames
        .iter()
        .skip_while(|frame| frame.module.as_deref() != Some(module))
        .take_while(|frame| frame.module.as_deref() == Some(module))
        .filter_map(|frame| frame.function.as_deref())
        .collect();
    let exported = inside.iter().rev().find_map(|name| name.split_once('#')).map(|(_, name)| names::outside(name));
    exported
        .or_else(|| inside.last().map(|name| (*name).to_owned()))
        .unwrap_or_else(|| "an unnamed function".to_owned())
}

/// Panic message and stderr, rather of `module` than of others.
fn explanation(module: &str, mut stderr: Vec<(Arc<str>, String)>) -> (Option<String>, String) {
    stderr.sort_by_key(|(writer, _)| &**writer != module);
    let panic = stderr.iter().find_map(|(_, text)| panic_message(text));
    let mut text = stderr.into_iter().map(|(_, text)| text).find(|text| !text.is_empty()).unwrap_or_default();
    if text.len() > MAX_STDERR {
        text.drain(..text.ceil_char_boundary(text.len() - MAX_STDERR));
    }
    (panic, text)
}

/// The last panic in `text`, as Rust writes it: place, then message, without the advice.
fn panic_message(text: &str) -> Option<String> {
    let at = text.rfind(" panicked at ")? + 1;
    let lines =
        text.get(at..)?.lines().take_while(|line| !line.starts_with("note: ") && !line.starts_with("stack backtrace:"));
    let message = lines.collect::<Vec<_>>().join(" ");
    let mut message = message.trim().to_owned();
    message.truncate(message.floor_char_boundary(MAX_STDERR));
    Some(message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn panics_are_found_in_stderr() {
        let text =
            "starting\n\nthread 'main' panicked at src/lib.rs:3:5:\nno tea left\nnote: run with `RUST_BACKTRACE=1`\n";
        assert_eq!(panic_message(text).as_deref(), Some("panicked at src/lib.rs:3:5: no tea left"));
        assert_eq!(panic_message("all fine"), None);
    }
}

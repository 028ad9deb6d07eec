//! What guests write to stdout and stderr: each line becomes a log record, and the end of stderr is kept to explain traps.

use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};

use bytes::Bytes;
use marine_manifest::LogLevel;
use tokio::io::AsyncWrite;
use wasmtime_wasi::async_trait;
use wasmtime_wasi::cli::{IsTerminal, StdoutStream};
use wasmtime_wasi::p2::{OutputStream, Pollable, StreamResult};

use super::state::ModuleLog;
use crate::engine::lock;
use crate::logs::MAX_MESSAGE;

/// How many bytes of the end of a stream are kept.
const MAX_TAIL: usize = 16 * 1024;
/// How many bytes a guest may write at once.
const PERMIT: usize = 64 * 1024;

/// One output stream of one module. Clones write to the same place.
#[derive(Clone)]
pub(crate) struct Capture {
    log: ModuleLog,
    target: &'static str,
    level: LogLevel,
    written: Arc<Mutex<Written>>,
}

#[derive(Default)]
struct Written {
    line: Vec<u8>,
    tail: VecDeque<u8>,
}

impl Capture {
    pub(crate) fn new(log: ModuleLog, target: &'static str, level: LogLevel) -> Capture {
        Capture { log, target, level, written: Arc::default() }
    }

    /// Ends an unfinished line, and gives what was written since the last time, at most the last 16 KiB.
    pub(crate) fn finish(&self) -> String {
        let mut written = lock(&self.written);
        self.end_line(&mut written);
        if written.tail.is_empty() {
            return String::new();
        }
        let bytes: Vec<u8> = std::mem::take(&mut written.tail).into();
        String::from_utf8_lossy(&bytes).into_owned()
    }

    fn write(&self, bytes: &[u8]) {
        let mut written = lock(&self.written);
        let last = bytes.get(bytes.len().saturating_sub(MAX_TAIL)..).unwrap_or_default();
        let over = (written.tail.len() + last.len()).saturating_sub(MAX_TAIL);
        written.tail.drain(..over);
        written.tail.extend(last);
        for byte in bytes {
            match byte {
                b'\n' => self.end_line(&mut written),
                byte => written.line.push(*byte),
            }
            if written.line.len() >= MAX_MESSAGE {
                self.end_line(&mut written);
            }
        }
    }

    fn end_line(&self, written: &mut Written) {
        if !written.line.is_empty() {
            let line = std::mem::take(&mut written.line);
            let text = String::from_utf8_lossy(&line);
            let level = if text.contains(" panicked at ") { LogLevel::Error } else { self.level };
            self.log.write(level, self.target, 0, text.trim_end_matches('\r').to_owned());
        }
    }
}

impl IsTerminal for Capture {
    fn is_terminal(&self) -> bool {
        false
    }
}

impl StdoutStream for Capture {
    fn async_stream(&self) -> Box<dyn AsyncWrite + Send + Sync> {
        Box::new(self.clone())
    }

    fn p2_stream(&self) -> Box<dyn OutputStream> {
        Box::new(self.clone())
    }
}

impl OutputStream for Capture {
    fn write(&mut self, bytes: Bytes) -> StreamResult<()> {
        Capture::write(self, &bytes);
        Ok(())
    }

    fn flush(&mut self) -> StreamResult<()> {
        Ok(())
    }

    fn check_write(&mut self) -> StreamResult<usize> {
        Ok(PERMIT)
    }
}

#[async_trait]
impl Pollable for Capture {
    async fn ready(&mut self) {}
}

impl AsyncWrite for Capture {
    fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, bytes: &[u8]) -> Poll<std::io::Result<usize>> {
        Capture::write(&self, bytes);
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

//! `wasi:io/streams` with an end: a guest that waits for a stream is stopped at the end of its call.

use std::future::Future;

use wasmtime::component::{HasData, Resource, ResourceTable};
use wasmtime_wasi::p2::bindings::io::streams as asynchronous;
use wasmtime_wasi::p2::bindings::sync::io::streams::{self, StreamError as WitStreamError};
use wasmtime_wasi::p2::{DynInputStream, DynOutputStream, DynPollable, StreamError, StreamResult};

use super::poll::{Ends, until};

/// Selects [`StreamView`] as the host of the interface.
pub(super) struct Streams;

impl HasData for Streams {
    type Data<'a> = StreamView<'a>;
}

/// The resources of one module, and until when it may wait.
pub(super) struct StreamView<'a> {
    pub(super) table: &'a mut ResourceTable,
    pub(super) ends: Ends,
}

type Input = Resource<DynInputStream>;
type Output = Resource<DynOutputStream>;

fn wait<T>(ends: &Ends, wait: impl Future<Output = StreamResult<T>>) -> StreamResult<T> {
    until(ends, async { Ok(wait.await) }).unwrap_or_else(|error| Err(StreamError::Trap(error)))
}

impl streams::Host for StreamView<'_> {
    fn convert_stream_error(&mut self, error: StreamError) -> wasmtime::Result<WitStreamError> {
        streams::Host::convert_stream_error(self.table, error)
    }
}

impl streams::HostInputStream for StreamView<'_> {
    fn read(&mut self, stream: Input, length: u64) -> StreamResult<Vec<u8>> {
        asynchronous::HostInputStream::read(self.table, stream, length)
    }

    fn blocking_read(&mut self, stream: Input, length: u64) -> StreamResult<Vec<u8>> {
        wait(&self.ends, asynchronous::HostInputStream::blocking_read(self.table, stream, length))
    }

    fn skip(&mut self, stream: Input, length: u64) -> StreamResult<u64> {
        asynchronous::HostInputStream::skip(self.table, stream, length)
    }

    fn blocking_skip(&mut self, stream: Input, length: u64) -> StreamResult<u64> {
        wait(&self.ends, asynchronous::HostInputStream::blocking_skip(self.table, stream, length))
    }

    fn subscribe(&mut self, stream: Input) -> wasmtime::Result<Resource<DynPollable>> {
        asynchronous::HostInputStream::subscribe(self.table, stream)
    }

    fn drop(&mut self, stream: Input) -> wasmtime::Result<()> {
        streams::HostInputStream::drop(self.table, stream)
    }
}

impl streams::HostOutputStream for StreamView<'_> {
    fn check_write(&mut self, stream: Output) -> StreamResult<u64> {
        asynchronous::HostOutputStream::check_write(self.table, stream)
    }

    fn write(&mut self, stream: Output, bytes: Vec<u8>) -> StreamResult<()> {
        asynchronous::HostOutputStream::write(self.table, stream, bytes)
    }

    fn blocking_write_and_flush(&mut self, stream: Output, bytes: Vec<u8>) -> StreamResult<()> {
        wait(&self.ends, asynchronous::HostOutputStream::blocking_write_and_flush(self.table, stream, bytes))
    }

    fn flush(&mut self, stream: Output) -> StreamResult<()> {
        asynchronous::HostOutputStream::flush(self.table, stream)
    }

    fn blocking_flush(&mut self, stream: Output) -> StreamResult<()> {
        wait(&self.ends, asynchronous::HostOutputStream::blocking_flush(self.table, stream))
    }

    fn subscribe(&mut self, stream: Output) -> wasmtime::Result<Resource<DynPollable>> {
        asynchronous::HostOutputStream::subscribe(self.table, stream)
    }

    fn write_zeroes(&mut self, stream: Output, length: u64) -> StreamResult<()> {
        asynchronous::HostOutputStream::write_zeroes(self.table, stream, length)
    }

    fn blocking_write_zeroes_and_flush(&mut self, stream: Output, length: u64) -> StreamResult<()> {
        wait(&self.ends, asynchronous::HostOutputStream::blocking_write_zeroes_and_flush(self.table, stream, length))
    }

    fn splice(&mut self, to: Output, from: Input, length: u64) -> StreamResult<u64> {
        asynchronous::HostOutputStream::splice(self.table, to, from, length)
    }

    fn blocking_splice(&mut self, to: Output, from: Input, length: u64) -> StreamResult<u64> {
        wait(&self.ends, asynchronous::HostOutputStream::blocking_splice(self.table, to, from, length))
    }

    fn drop(&mut self, stream: Output) -> wasmtime::Result<()> {
        streams::HostOutputStream::drop(self.table, stream)
    }
}

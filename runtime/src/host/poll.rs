//! `wasi:io/poll` with an end: a guest that waits (sleeps, for example) is stopped at the end of its call. Epochs cannot do that, they
//! only interrupt a guest that computes.

use std::future::Future;
use std::time::Instant;

use wasmtime::component::{HasData, Resource, ResourceTable};
use wasmtime_wasi::p2::DynPollable;
use wasmtime_wasi::p2::bindings::{io as asynchronous, sync};
use wasmtime_wasi::runtime::in_tokio;

use crate::cancel::CancelToken;

/// The deadline of a call has passed.
#[derive(Debug, thiserror::Error)]
#[error("the deadline has passed")]
pub(crate) struct TimedOut;

/// The call was cancelled by its caller.
#[derive(Debug, thiserror::Error)]
#[error("the call was cancelled")]
pub(crate) struct Cancelled;

/// When something that a guest waits for is given up.
#[derive(Clone)]
pub(crate) struct Ends {
    pub(crate) deadline: Instant,
    pub(crate) cancel: Option<CancelToken>,
}

/// Selects [`PollView`] as the host of the interface.
pub(super) struct Poll;

impl HasData for Poll {
    type Data<'a> = PollView<'a>;
}

/// The resources of one module, and until when it may wait.
pub(super) struct PollView<'a> {
    pub(super) table: &'a mut ResourceTable,
    pub(super) ends: Ends,
}

/// What `wait` gives, unless the call ends before.
pub(super) fn until<T>(ends: &Ends, wait: impl Future<Output = wasmtime::Result<T>>) -> wasmtime::Result<T> {
    in_tokio(async {
        let cancelled = async {
            match &ends.cancel {
                Some(token) => token.cancelled().await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            biased;
            done = wait => done,
            () = cancelled => Err(Cancelled.into()),
            () = tokio::time::sleep_until(ends.deadline.into()) => Err(TimedOut.into()),
        }
    })
}

impl sync::io::poll::Host for PollView<'_> {
    fn poll(&mut self, pollables: Vec<Resource<DynPollable>>) -> wasmtime::Result<Vec<u32>> {
        until(&self.ends, asynchronous::poll::Host::poll(self.table, pollables))
    }
}

impl sync::io::poll::HostPollable for PollView<'_> {
    fn ready(&mut self, pollable: Resource<DynPollable>) -> wasmtime::Result<bool> {
        until(&self.ends, asynchronous::poll::HostPollable::ready(self.table, pollable))
    }

    fn block(&mut self, pollable: Resource<DynPollable>) -> wasmtime::Result<()> {
        until(&self.ends, asynchronous::poll::HostPollable::block(self.table, pollable))
    }

    fn drop(&mut self, pollable: Resource<DynPollable>) -> wasmtime::Result<()> {
        asynchronous::poll::HostPollable::drop(self.table, pollable)
    }
}

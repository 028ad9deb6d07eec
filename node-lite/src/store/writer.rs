//! The one thread that writes: group commit without artificial delay.

use std::{fs::File, sync::Arc, thread::JoinHandle};

use redb::Database;
use tokio::sync::{mpsc, oneshot};

use super::{Op, tables};
use crate::error::StoreError;

/// Changes that become durable together, and who waits for them.
struct Batch {
    ops: Vec<Op>,
    done: Option<oneshot::Sender<Result<(), Arc<StoreError>>>>,
}

/// Batches that may wait; then committers wait too.
const QUEUE: usize = 1024;

/// The way to the writer. Dropping or closing it ends the thread after what was handed over.
pub(crate) struct Sender {
    queue: std::sync::Mutex<Option<mpsc::Sender<Batch>>>,
}

/// The running thread.
pub(crate) struct Writer {
    thread: JoinHandle<()>,
}

/// Starts the writer. It owns the database and the lock until it ends.
pub(super) fn start(database: Database, lock: File) -> (Writer, Sender) {
    let (queue, batches) = mpsc::channel(QUEUE);
    let thread = std::thread::spawn(move || run(lock, database, batches));
    (Writer { thread }, Sender { queue: std::sync::Mutex::new(Some(queue)) })
}

impl Sender {
    pub(super) async fn commit(&self, ops: Vec<Op>) -> Result<(), StoreError> {
        let queue = self.queue().ok_or(StoreError::Closed)?;
        let (done, answer) = oneshot::channel();
        queue.send(Batch { ops, done: Some(done) }).await.map_err(|_| StoreError::Closed)?;
        match answer.await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(error)) => Err(StoreError::Write { reason: error.to_string() }),
            Err(_) => Err(StoreError::Closed),
        }
    }

    pub(super) fn submit(&self, ops: Vec<Op>) {
        if let Some(queue) = self.queue()
            && let Err(error) = queue.try_send(Batch { ops, done: None })
        {
            tracing::debug!(target: "store", %error, "dropped a change that nothing rests on");
        }
    }

    pub(super) fn close(&self) {
        self.queue.lock().unwrap_or_else(std::sync::PoisonError::into_inner).take();
    }

    fn queue(&self) -> Option<mpsc::Sender<Batch>> {
        self.queue.lock().unwrap_or_else(std::sync::PoisonError::into_inner).clone()
    }
}

impl Writer {
    /// Waits for the thread's end.
    pub(super) async fn join(self) {
        let joined = tokio::task::spawn_blocking(move || self.thread.join()).await;
        if !matches!(joined, Ok(Ok(()))) {
            tracing::error!(target: "store", "the writer ended with a panic");
        }
    }
}

/// Parameters are dropped last to first: the database is closed when the lock is given back.
fn run(_lock: File, database: Database, mut batches: mpsc::Receiver<Batch>) {
    while let Some(first) = batches.blocking_recv() {
        let mut group = vec![first];
        while group.len() < QUEUE
            && let Ok(next) = batches.try_recv()
        {
            group.push(next);
        }
        let result = tables::apply(&database, group.iter().flat_map(|batch| &batch.ops)).map_err(Arc::new);
        if let Err(error) = &result {
            tracing::error!(target: "store", %error, batches = group.len(), "commit failed");
        }
        for done in group.into_iter().filter_map(|batch| batch.done) {
            // Who no longer waits needs no answer.
            let _ = done.send(result.clone());
        }
    }
}

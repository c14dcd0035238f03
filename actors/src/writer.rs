//! The writer: the way to the store, one durable commit at a time.
//!
//! - Owns: the thread that calls [`Store::apply`], and the receiving end of the write channel.
//! - Accepts: `Persist` through a bounded crossbeam channel, `Flush` in its mailbox.
//! - Sends: the outcome of each batch to whoever waits for it.
//! - Dies when: the runtime stops, after it has drained the channel.

use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use actix::prelude::*;
use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, TrySendError};
use tokio::runtime::Handle;
use tokio::sync::oneshot;
use wayfare_graph::{Store, StoreError, WriteBatch, WriteResult};

/// What became of a batch.
pub(crate) type Persisted = Result<Vec<WriteResult>, Arc<StoreError>>;

/// Writes to make durable, and who waits for the outcome.
pub(crate) struct Persist {
    pub(crate) batch: WriteBatch,
    pub(crate) done: oneshot::Sender<Persisted>,
}

/// How long closing waits for a place in the channel.
const CLOSE_TIMEOUT: Duration = Duration::from_millis(100);

/// What goes through the channel.
enum Order {
    Persist(Persist),
    /// Nothing comes after it: the thread ends.
    Close,
}

/// Sends batches to the writer.
#[derive(Clone)]
pub(crate) struct WriterHandle {
    tx: Sender<Order>,
}

impl WriterHandle {
    /// Queues a batch. Everyone who calls this holds permits for its writes, of which there are no
    /// more than the channel has places, so the channel cannot be full.
    ///
    /// The receiver fails when the writer has stopped: nothing was written.
    pub(crate) fn persist(&self, batch: WriteBatch) -> oneshot::Receiver<Persisted> {
        let (done, outcome) = oneshot::channel();
        match self.tx.try_send(Order::Persist(Persist { batch, done })) {
            // Dropping the sender tells the receiver.
            Ok(()) | Err(TrySendError::Disconnected(_) | TrySendError::Full(Order::Close)) => {}
            Err(TrySendError::Full(Order::Persist(persist))) => {
                let error = StoreError::Poisoned { reason: "more writes under way than permits".into() };
                let _ = persist.done.send(Err(Arc::new(error)));
            }
        }
        outcome
    }
}

/// How the writer groups.
#[derive(Debug, Clone)]
pub(crate) struct WriterSettings {
    pub(crate) batch_size: usize,
    pub(crate) flush_interval: Duration,
    pub(crate) queue: usize,
}

/// The actor that owns the writing thread.
pub(crate) struct WriterActor {
    handle: Option<WriterHandle>,
    thread: Option<JoinHandle<()>>,
}

impl WriterActor {
    /// Starts the thread; the actor is started by the caller.
    pub(crate) fn start_thread(
        store: Arc<dyn Store>,
        settings: WriterSettings,
        runtime: Handle,
    ) -> std::io::Result<(Self, WriterHandle)> {
        // One place more than there are permits: for the order to close, and for flushes.
        let (tx, rx) = crossbeam_channel::bounded(settings.queue + 64);
        // A store that takes several commands at once is given as many of them in one call.
        let batch_size = settings.batch_size.saturating_mul(store.max_writers().max(1));
        let settings = WriterSettings { batch_size, ..settings };
        let thread = std::thread::Builder::new()
            .name("wayfare-writer".into())
            .spawn(move || write_until_closed(&*store, &rx, &settings, &runtime))?;
        let handle = WriterHandle { tx };
        Ok((Self { handle: Some(handle.clone()), thread: Some(thread) }, handle))
    }
}

impl Actor for WriterActor {
    type Context = Context<Self>;
}

/// Waits until everything queued before is durable or refused.
#[derive(Message)]
#[rtype(result = "()")]
pub(crate) struct Flush;

impl Handler<Flush> for WriterActor {
    type Result = ResponseFuture<()>;

    fn handle(&mut self, _: Flush, _: &mut Context<Self>) -> Self::Result {
        // An empty batch comes back when all before it have.
        let outcome = self.handle.as_ref().map(|handle| handle.persist(WriteBatch::default()));
        Box::pin(async move {
            if let Some(outcome) = outcome {
                let _ = outcome.await;
            }
        })
    }
}

/// Closes the channel, hands out the thread to wait for, and ends the actor.
#[derive(Message)]
#[rtype(result = "Option<JoinHandle<()>>")]
pub(crate) struct Close;

impl Handler<Close> for WriterActor {
    type Result = Option<JoinHandle<()>>;

    fn handle(&mut self, _: Close, cx: &mut Context<Self>) -> Self::Result {
        if let Some(handle) = self.handle.take() {
            // The channel is full only while the store does not answer.
            let _ = handle.tx.send_timeout(Order::Close, CLOSE_TIMEOUT);
        }
        cx.stop();
        self.thread.take()
    }
}

fn write_until_closed(store: &dyn Store, rx: &Receiver<Order>, settings: &WriterSettings, runtime: &Handle) {
    let mut closing = false;
    // What is durable after a commit that failed is not known until the store is opened again.
    let mut poisoned: Option<String> = None;
    while !closing {
        let Ok(Order::Persist(first)) = rx.recv() else { return };
        let (batches, waiting) = gather(first, rx, settings, &mut closing);
        let applied = match &poisoned {
            None => runtime.block_on(store.apply(&batches)),
            Some(reason) => Err(StoreError::Poisoned { reason: reason.clone() }),
        };
        match applied {
            Ok(results) => {
                for (done, results) in waiting.into_iter().zip(results) {
                    let _ = done.send(Ok(results));
                }
            }
            Err(error) => {
                tracing::error!(%error, batches = batches.len(), "commit failed");
                if !error.is_passing() {
                    poisoned.get_or_insert_with(|| error.to_string());
                }
                let error = Arc::new(error);
                for done in waiting {
                    let _ = done.send(Err(Arc::clone(&error)));
                }
            }
        }
    }
}

/// Takes what waits, up to a commit's worth; with a flush interval, waits that long for company.
fn gather(
    first: Persist,
    rx: &Receiver<Order>,
    settings: &WriterSettings,
    closing: &mut bool,
) -> (Vec<WriteBatch>, Vec<oneshot::Sender<Persisted>>) {
    let until = Instant::now() + settings.flush_interval;
    let mut writes = first.batch.writes.len();
    let (mut batches, mut waiting) = (vec![first.batch], vec![first.done]);
    while writes < settings.batch_size {
        let next = match rx.try_recv() {
            Ok(next) => next,
            Err(_) if settings.flush_interval.is_zero() => break,
            Err(_) => match rx.recv_deadline(until) {
                Ok(next) => next,
                Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => break,
            },
        };
        let Order::Persist(next) = next else {
            *closing = true;
            break;
        };
        writes += next.batch.writes.len();
        batches.push(next.batch);
        waiting.push(next.done);
    }
    (batches, waiting)
}

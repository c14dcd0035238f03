//! The writer: the way to the store, a durable commit at a time, or as many as the store takes at once.
//!
//! - Owns: the thread that calls [`Store::apply`], and the receiving end of the write channel.
//! - Accepts: `Persist` through a bounded crossbeam channel, `Flush` in its mailbox.
//! - Sends: the outcome of each batch to whoever waits for it.
//! - Dies when: the runtime stops, after it has drained the channel; or it panics, and another takes its place on the
//!   thread and goes on with what waits in the channel.

mod committer;
mod footprint;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, OnceLock};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use actix::prelude::*;
use crossbeam_channel::{Sender, TrySendError};
use tokio::runtime::Handle;
use tokio::sync::{Notify, oneshot};
use tracing::Span;
use wayfare_graph::{Store, StoreError, WriteBatch, WriteResult};

use self::committer::{Committer, Orders};
use crate::metrics::{Metrics, Posted};
use crate::panic_text::panic_text;
use crate::supervision::{ActorEnd, ActorKind, Supervision};
use crate::trace;

/// What became of a batch.
pub(crate) type Persisted = Result<Vec<WriteResult>, Arc<StoreError>>;

/// Writes to make durable, and who waits for the outcome.
pub(crate) struct Persist {
    pub(crate) batch: WriteBatch,
    pub(crate) done: oneshot::Sender<Persisted>,
    posted: Posted,
    since: Instant,
    /// What it is done for.
    span: Option<Span>,
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
    /// Wakes the thread while it waits for the store.
    arrived: Arc<Notify>,
    metrics: Arc<Metrics>,
}

impl WriterHandle {
    /// Queues a batch. Everyone who calls this holds permits for its writes, of which there are no
    /// more than the channel has places, so the channel cannot be full.
    ///
    /// The receiver fails when the writer has stopped: nothing was written.
    pub(crate) fn persist(&self, batch: WriteBatch) -> oneshot::Receiver<Persisted> {
        let (done, outcome) = oneshot::channel();
        let (posted, span) = (self.metrics.posted(ActorKind::Writer), trace::caller());
        let persist = Persist { batch, done, posted, since: Instant::now(), span };
        match self.tx.try_send(Order::Persist(persist)) {
            // Dropping the sender tells the receiver.
            Ok(()) => self.arrived.notify_one(),
            Err(TrySendError::Disconnected(_) | TrySendError::Full(Order::Close)) => {}
            Err(TrySendError::Full(Order::Persist(persist))) => {
                let error = StoreError::Poisoned { reason: "more writes under way than permits".into() };
                let _ = persist.done.send(Err(Arc::new(error)));
            }
        }
        outcome
    }
}

/// How the writer groups.
#[derive(Clone)]
pub(crate) struct WriterSettings {
    pub(crate) batch_size: usize,
    pub(crate) flush_interval: Duration,
    pub(crate) queue: usize,
    pub(crate) metrics: Arc<Metrics>,
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
        supervision: Arc<Supervision>,
    ) -> std::io::Result<(Self, WriterHandle)> {
        // One place more than there are permits: for the order to close, and for flushes.
        let (tx, rx) = crossbeam_channel::bounded(settings.queue + 64);
        let handle = WriterHandle { tx, arrived: Arc::default(), metrics: Arc::clone(&settings.metrics) };
        let arrived = Arc::clone(&handle.arrived);
        // Before it has had its first turn too: health would take a thread that has not begun for one that has ended.
        settings.metrics.set_writing(true);
        let thread = std::thread::Builder::new().name("wayfare-writer".into()).spawn(move || {
            let orders = Orders { rx: &rx, arrived: &arrived };
            // Outlives a committer: what is durable is not known any better after another one has begun.
            let poison = OnceLock::new();
            let run = |refusal: Option<String>| {
                let committer = Committer::new(&*store, orders, &settings, &poison).refusing(refusal);
                catch_unwind(AssertUnwindSafe(|| runtime.block_on(committer.run_until_closed())))
            };
            let mut refusal = None;
            // What waits in the channel waits for the next one. What was under way is lost with its answers.
            while let Err(panic) = run(refusal.take()) {
                let end = ActorEnd::Panicked { message: panic_text(&*panic) };
                std::thread::sleep(supervision.ended(ActorKind::Writer, 0, end));
                refusal = supervision.degraded().map(ToString::to_string);
            }
        })?;
        Ok((Self { handle: Some(handle.clone()), thread: Some(thread) }, handle))
    }
}

/// The same as a task, for a simulation.
#[cfg(test)]
pub(crate) fn writing_task(
    store: Arc<dyn Store>,
    settings: WriterSettings,
) -> (impl Future<Output = ()>, WriterHandle) {
    let (tx, rx) = crossbeam_channel::bounded(settings.queue + 64);
    let handle = WriterHandle { tx, arrived: Arc::default(), metrics: Arc::clone(&settings.metrics) };
    let arrived = Arc::clone(&handle.arrived);
    let task = async move {
        let orders = Orders { rx: &rx, arrived: &arrived };
        Committer::new(&*store, orders, &settings, &OnceLock::new()).run_until_closed().await;
    };
    (task, handle)
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

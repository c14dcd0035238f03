//! Starting walks and waiting for them.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::Ordering;

use tokio::sync::{Mutex, Semaphore, mpsc, oneshot};
use wayfare_graph::{ErasedWalker, Id, SharedRecord, WalkError, WalkOptions};

use crate::core::Core;
use crate::durability::Durability;
use crate::hosted::Emitted;
use crate::panic_text::panic_text;
use crate::walk_actor::Cancel;
use crate::walk_shared::{Outcome, WalkShared};
use crate::worker::{Host, WorkerRef};

/// A walk that was started.
pub struct Spawned {
    shared: Arc<WalkShared>,
    runtime: Option<tokio::runtime::Handle>,
    outcome: Mutex<Option<oneshot::Receiver<Outcome>>>,
}

impl Spawned {
    /// The number of the walk, unique in its runtime.
    #[must_use]
    pub fn id(&self) -> u64 {
        self.shared.id
    }

    /// Waits for the end. The result is given once; later calls get [`WalkError::Stopped`].
    ///
    /// # Errors
    /// Why the walk ended before its time.
    pub async fn finish(&self) -> Outcome {
        let mut place = self.outcome.lock().await;
        // Waited for in its place, so that a caller who gives up waiting can wait again.
        let Some(outcome) = place.as_mut() else { return Err(WalkError::Stopped) };
        let outcome = outcome.await.unwrap_or(Err(WalkError::Stopped));
        *place = None;
        outcome
    }

    /// Ends the walk with [`WalkError::Cancelled`] as soon as its present sync hook has returned; an
    /// async hook is dropped where it waits. Does nothing when the walk has ended.
    pub fn cancel(&self) {
        self.shared.cancel();
        if let Some(address) = self.shared.address.get() {
            // The flag is set; the message only makes a waiting walk look at it sooner.
            let _ = address.try_send(Cancel);
        }
    }

    /// What the walk is doing, `None` when it has ended.
    pub async fn inspect(&self) -> Option<serde_json::Value> {
        let shared = Arc::clone(&self.shared);
        let asked = self.runtime.as_ref()?.spawn(async move { shared.inspect().await });
        asked.await.ok().flatten()
    }
}

impl std::fmt::Debug for Spawned {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Spawned").field("id", &self.shared.id).field("walker", &self.shared.walker).finish()
    }
}

/// The values that a walk emits, in order.
///
/// Dropping it ends the walk at its next value with [`WalkError::NobodyListens`].
pub struct EmitStream {
    durability: Arc<Durability>,
    values: mpsc::Receiver<Emitted>,
}

impl EmitStream {
    /// The next value, `None` when the walk has ended.
    ///
    /// A value is given when everything the walk can have seen by then is durable.
    ///
    /// # Errors
    /// [`WalkError::Retracted`] when something the walk had read was taken back.
    pub async fn next(&mut self) -> Option<Result<serde_json::Value, WalkError>> {
        let Emitted { value, mark, unsettled } = self.values.recv().await?;
        if let Some(mark) = mark {
            self.durability.reached(&mark).await;
        }
        Some(all_settled(&unsettled).map(|()| value))
    }
}

impl std::fmt::Debug for EmitStream {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("EmitStream").finish_non_exhaustive()
    }
}

/// Whether everything a walk has read became durable.
///
/// # Errors
/// [`WalkError::Retracted`] naming the first that was taken back.
pub(crate) fn all_settled(records: &[SharedRecord]) -> Result<(), WalkError> {
    match records.iter().find(|record| !record.head.is_settled()) {
        None => Ok(()),
        Some(record) => Err(WalkError::Retracted { id: record.head.id.clone() }),
    }
}

/// Makes the two ends of a walk's stream.
pub(crate) fn stream(core: &Arc<Core>) -> (mpsc::Sender<Emitted>, EmitStream) {
    let (tx, values) = mpsc::channel(core.settings.emit_buffer.min(Semaphore::MAX_PERMITS));
    (tx, EmitStream { durability: Arc::clone(&core.durability), values })
}

/// Hands a walker to a worker.
pub(crate) async fn spawn_walk(
    core: &Arc<Core>,
    walker: Box<dyn ErasedWalker>,
    at: Id,
    options: Option<WalkOptions>,
    stream: Option<mpsc::Sender<Emitted>>,
) -> Result<Spawned, WalkError> {
    if core.is_closed() {
        return Err(WalkError::Stopped);
    }
    let alive = core.walks.len();
    if alive >= core.settings.max_walks {
        return Err(WalkError::Overloaded { alive: alive as u64 });
    }
    let options = match options {
        Some(options) => options,
        None => catch_unwind(AssertUnwindSafe(|| walker.options())).map_err(|panic| {
            let message = format!("when asked for its options: {}", panic_text(&*panic));
            WalkError::HookPanicked { walker: walker.name().into(), at: at.clone(), message }
        })?,
    };
    // Numbers need no order among each other.
    let id = core.next_walk.fetch_add(1, Ordering::Relaxed);
    let worker = choose_worker(core, id).ok_or(WalkError::Stopped)?;
    let wall = options.limits.as_ref().unwrap_or(&core.settings.limits).wall;
    let (reply, outcome) = oneshot::channel();
    let shared = Arc::new(WalkShared::new(id, walker.name(), wall, worker.number, reply));
    core.walks.insert(id, Arc::clone(&shared));
    let start = core.directory.slot_of(&at);
    let host = Host { walker, start, options, shared: Arc::clone(&shared), stream };
    let sent = match worker.address.try_send(host) {
        Ok(()) => Ok(()),
        // A full mailbox makes the caller wait.
        Err(actix::prelude::SendError::Full(host)) => {
            worker.address.send(host).await.map_err(|_| WalkError::Stopped)
        }
        Err(actix::prelude::SendError::Closed(_)) => Err(WalkError::Stopped),
    };
    if let Err(error) = sent {
        core.walks.remove(&id);
        return Err(error);
    }
    Ok(Spawned { shared, runtime: core.runtime.get().cloned(), outcome: Mutex::new(Some(outcome)) })
}

/// Workers in turn: walks are many and short, or few and long; either way this spreads them.
fn choose_worker(core: &Core, walk: u64) -> Option<WorkerRef> {
    let workers = core.workers.read();
    let at = usize::try_from(walk).unwrap_or(0).checked_rem(workers.len())?;
    workers.get(at).cloned()
}

//! Starting walks and waiting for them.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::Ordering;

use actix::prelude::SendError;
use futures_util::Stream;
use tokio::sync::{Mutex, Semaphore, mpsc, oneshot};
use tracing::{Instrument, Span};
use wayfare_graph::{ErasedWalker, Id, Outcome, SharedRecord, WalkError, WalkOptions};

use crate::admission::{Admittance, Ticket};
use crate::core::Core;
use crate::durability::Durability;
use crate::durable::{self, Restored};
use crate::hosted::Emitted;
use crate::lost::lost_if_worker_is;
use crate::panic_text::panic_text;
use crate::supervision::ActorKind;
use crate::tasks;
use crate::trace::{self, WalkSpan};
use crate::walk_shared::{Wake, WalkShared};
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
        self.shared.wake(Wake::Cancel);
    }

    /// Stops the walk before its next visit, or when its present batch of async hooks is back; what waits is
    /// kept, and the time until it is resumed does not count against its budget. Does nothing when the walk
    /// has ended.
    pub fn pause(&self) {
        self.shared.pause();
        self.shared.wake(Wake::LookUp);
    }

    /// Lets a paused walk go on.
    pub fn resume(&self) {
        self.shared.resume();
        self.shared.wake(Wake::LookUp);
    }

    /// Whether the walk is to stand still.
    #[must_use]
    pub fn is_paused(&self) -> bool {
        self.shared.is_paused()
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
    /// [`WalkError::Retracted`] when something the walk had read was taken back, [`WalkError::Stopped`] when the runtime
    /// has stopped before that was known.
    pub async fn next(&mut self) -> Option<Result<serde_json::Value, WalkError>> {
        let Emitted { value, mark, unsettled } = self.values.recv().await?;
        if let Some(mark) = mark
            && self.durability.reached(&mark).await.is_err()
        {
            return Some(Err(WalkError::Stopped));
        }
        Some(all_settled(&unsettled).map(|()| value))
    }

    /// The values as a stream, for the combinators of `futures`.
    pub fn into_stream(self) -> impl Stream<Item = Result<serde_json::Value, WalkError>> + Send {
        futures_util::stream::unfold(self, async |mut values| {
            let value = values.next().await?;
            Some((value, values))
        })
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
    let (tx, values) = mpsc::channel(core.live.emit_buffer().min(Semaphore::MAX_PERMITS));
    (tx, EmitStream { durability: Arc::clone(&core.durability), values })
}

/// How a walk is spawned, beside its walker and start.
#[derive(Debug, Clone, Default)]
pub struct SpawnHow {
    /// How it goes, instead of the walker's own options.
    pub options: Option<WalkOptions>,
    /// So that it is spawned once only on this store, also after a crash.
    pub key: Option<String>,
    /// As what it asks to be admitted where there is much to do.
    pub admittance: Admittance,
}

/// Waits until a walk may begin.
pub(crate) async fn admit(core: &Core, admittance: Admittance) -> Result<Ticket, WalkError> {
    let clock = core.runtime.get().ok_or(WalkError::Stopped)?;
    core.walks.gate.enter(admittance, clock).await
}

/// Hands a walker to a worker.
pub(crate) async fn spawn_walk(
    core: &Arc<Core>,
    walker: Box<dyn ErasedWalker>,
    at: Id,
    how: SpawnHow,
    stream: Option<mpsc::Sender<Emitted>>,
) -> Result<Spawned, WalkError> {
    let SpawnHow { options, key, admittance } = how;
    let ticket = admit(core, admittance).await?;
    let options = options_of(&*walker, options, &at)?;
    let name = walker.name();
    let first = match (options.durable, key) {
        (None, None) => return begin(core, walker, &at, options, None, stream, ticket).await,
        (None, Some(key)) => Stored::Key(key),
        (Some(_), key) => {
            let begun = durable::Begun::new(core, &*walker, &at, &options, key, stream.is_some())?;
            Stored::Walk(Box::new(begun))
        }
    };
    // What is stored has to begin, also when the caller does not wait for it any more.
    let (core, runtime) = (Arc::clone(core), core.runtime.get().ok_or(WalkError::Stopped)?.clone());
    let begun = async move {
        let restored = match first {
            Stored::Walk(begun) => Some(begun.store(&core).await?),
            Stored::Key(key) => {
                durable::reserve(&core, name, &at, key).await?;
                None
            }
        };
        begin(&core, walker, &at, options, restored, stream, ticket).await
    };
    let begun = tasks::spawn_on(&runtime, "spawn", begun.instrument(Span::current()));
    begun.await.unwrap_or(Err(WalkError::Stopped))
}

/// What is stored of a walk before it begins.
enum Stored {
    /// All of it: it is durable.
    Walk(Box<durable::Begun>),
    /// That it was spawned, under a key.
    Key(String),
}

/// Hands an admitted walk to a worker.
async fn begin(
    core: &Arc<Core>,
    walker: Box<dyn ErasedWalker>,
    at: &Id,
    options: WalkOptions,
    restored: Option<Restored>,
    stream: Option<mpsc::Sender<Emitted>>,
    ticket: Ticket,
) -> Result<Spawned, WalkError> {
    let runtime = core.runtime.get().ok_or(WalkError::Stopped)?;
    let (reply, outcome) = oneshot::channel();
    let (host, worker) = prepare(core, walker, at, options, None, restored, (reply, ticket))?;
    let host = Host { stream, ..host };
    let shared = Arc::clone(&host.shared);
    match worker.try_send(host) {
        Ok(()) => lost_if_worker_is(core, &shared, &worker),
        Err(SendError::Full(host) | SendError::Closed(host)) => {
            // It is counted among those alive, so it has to get there, also when the caller does not wait.
            let core = Arc::clone(core);
            let sent = tasks::spawn_on(runtime, "spawn", async move { send(&core, &worker, host).await });
            sent.await.unwrap_or(Err(WalkError::Stopped))?;
        }
    }
    Ok(Spawned { shared, runtime: Some(runtime.clone()), outcome: Mutex::new(Some(outcome)) })
}

/// Starts a child of a walk. Never waits: a hook that is not async cannot.
pub(crate) fn spawn_child(
    core: &Arc<Core>,
    parent: u64,
    walker: Box<dyn ErasedWalker>,
    at: Id,
) -> Result<(u64, oneshot::Receiver<Outcome>), WalkError> {
    let runtime = core.runtime.get().ok_or(WalkError::Stopped)?;
    let ticket = core.walks.gate.try_enter()?;
    let parent = core.walks.get(parent).ok_or(WalkError::Stopped)?;
    let options = options_of(&*walker, None, &at)?;
    if options.durable.is_some() {
        let reason = "a durable walker cannot be a child: the parent's end would not survive with it".into();
        return Err(WalkError::Unsuitable { walker: walker.name().into(), reason });
    }
    let (reply, outcome) = oneshot::channel();
    let family = Some(Arc::clone(&parent));
    let (host, worker) = prepare(core, walker, &at, options, family, None, (reply, ticket))?;
    let shared = Arc::clone(&host.shared);
    if !parent.children.add(&shared) {
        worker.vitals.walks.fetch_sub(1, Ordering::Relaxed);
        // The parent has ended meanwhile.
        core.walks.remove(shared.id);
        let cancelled = || WalkError::Cancelled { walker: shared.walker.into() };
        shared.end(Err(cancelled()));
        return Err(cancelled());
    }
    let core = Arc::clone(core);
    let number = shared.id;
    match worker.try_send(host) {
        Ok(()) => lost_if_worker_is(&core, &shared, &worker),
        Err(SendError::Full(host) | SendError::Closed(host)) => {
            // Whoever waits for the child hears of it when there is no worker any more.
            runtime.spawn(async move { send(&core, &worker, host).await });
        }
    }
    Ok((number, outcome))
}

fn options_of(
    walker: &dyn ErasedWalker,
    given: Option<WalkOptions>,
    at: &Id,
) -> Result<WalkOptions, WalkError> {
    match given {
        Some(options) => Ok(options),
        None => catch_unwind(AssertUnwindSafe(|| walker.options())).map_err(|panic| {
            let message = format!("when asked for its options: {}", panic_text(&*panic));
            WalkError::HookPanicked { walker: walker.name().into(), at: at.clone(), message }
        }),
    }
}

/// Gives a walk a number and a worker.
fn prepare(
    core: &Arc<Core>,
    walker: Box<dyn ErasedWalker>,
    at: &Id,
    options: WalkOptions,
    parent: Option<Arc<WalkShared>>,
    restored: Option<Restored>,
    (reply, ticket): (oneshot::Sender<Outcome>, Ticket),
) -> Result<(Host, WorkerRef), WalkError> {
    // Numbers need no order among each other.
    let id = core.next_walk.fetch_add(1, Ordering::Relaxed);
    let worker = choose_worker(core, id).ok_or(WalkError::Stopped)?;
    let wall = options.limits.as_ref().map_or_else(|| core.live.limits().wall, |limits| limits.wall);
    // A child is in the trace of its parent, or in none.
    let is_traced = parent.as_ref().map_or_else(
        || trace::is_sampled(id, core.metrics.live.sample()),
        |parent| parent.span.get().is_some(),
    );
    let span = if is_traced { WalkSpan::begin(id, walker.name(), at) } else { WalkSpan::default() };
    let metrics = Arc::clone(&core.metrics);
    let shared = WalkShared::new(id, walker.name(), wall, worker.number, parent, reply, metrics, span);
    let shared = Arc::new(shared);
    if let Some(restored) = &restored {
        // Whatever becomes of its worker, it is found by this.
        shared.set_durable(restored.durable.id().clone());
    }
    core.walks.insert(Arc::clone(&shared), ticket);
    core.metrics.walk_started();
    let start = core.directory.slot_of(at);
    let posted = core.metrics.posted(ActorKind::Worker);
    Ok((Host { walker, start, options, shared, stream: None, restored, posted }, worker))
}

/// Hands a walk to a worker; a full mailbox makes the caller wait. If the worker is lost by then and the walk with it,
/// its outcome tells.
///
/// # Errors
/// [`WalkError::Stopped`] when there is no worker any more; the walk is not known any more then.
pub(crate) async fn send(core: &Arc<Core>, worker: &WorkerRef, host: Host) -> Result<(), WalkError> {
    let shared = Arc::clone(&host.shared);
    let (mut worker, mut host) = (worker.clone(), host);
    loop {
        match worker.try_send(host) {
            Ok(()) => break,
            Err(SendError::Full(back)) => {
                host = back;
                host.posted.at(worker.room.wait_for_place().await);
                continue;
            }
            // It has ended since it was chosen.
            Err(SendError::Closed(back)) => host = back,
        }
        host.posted.at(None);
        worker.vitals.walks.fetch_sub(1, Ordering::Relaxed);
        let Some(other) = live_worker(core, &worker).await else {
            core.walks.remove(shared.id);
            shared.end(Err(WalkError::Stopped));
            return Err(WalkError::Stopped);
        };
        if !shared.pass(worker.number, other.number) {
            // Meanwhile it was decided about with the other walks of the lost worker.
            other.vitals.walks.fetch_sub(1, Ordering::Relaxed);
            return Ok(());
        }
        worker = other;
    }
    lost_if_worker_is(core, &shared, &worker);
    Ok(())
}

/// Takes a walk up again that is known already, on another worker.
pub(crate) async fn host_again(
    core: &Arc<Core>,
    shared: Arc<WalkShared>,
    taken_up: durable::TakenUp,
) -> Result<(), WalkError> {
    let worker = choose_worker(core, shared.id).ok_or(WalkError::Stopped)?;
    shared.move_to(worker.number);
    let durable::TakenUp { walker, start, options, restored } = taken_up;
    core.walks.insert_again(Arc::clone(&shared));
    let (posted, restored) = (core.metrics.posted(ActorKind::Worker), Some(restored));
    send(core, &worker, Host { walker, start, options, shared, stream: None, restored, posted }).await
}

/// Takes up a walk that another process left behind, once it is admitted.
pub(crate) async fn host_left_behind(
    core: &Arc<Core>,
    taken_up: durable::TakenUp,
    ticket: Ticket,
) -> Result<(), WalkError> {
    let durable::TakenUp { walker, start, options, restored } = taken_up;
    // Nobody in this process waits for it; what becomes of it is told by the store.
    let (reply, _) = oneshot::channel();
    let at = core.directory.id_of(start).cloned().unwrap_or_else(Id::root);
    let (host, worker) = prepare(core, walker, &at, options, None, Some(restored), (reply, ticket))?;
    send(core, &worker, host).await
}

/// Another worker than one that has ended, as soon as there is one.
async fn live_worker(core: &Core, ended: &WorkerRef) -> Option<WorkerRef> {
    loop {
        let news = core.workers_news.notified();
        tokio::pin!(news);
        // Registered before the test, so that news between test and wait is not missed.
        news.as_mut().enable();
        if core.is_closed() {
            return None;
        }
        let workers = core.workers.read().clone();
        let live = workers.into_iter().find(|other| {
            other.number != ended.number && other.address.connected() && other.vitals.expect_walk()
        });
        if live.is_some() {
            return live;
        }
        core.supervision.news.notify_one();
        news.await;
    }
}

/// The worker with fewer walks of two that lie in turn (Mitzenmacher, "The power of two choices in randomized load
/// balancing", 2001). The walk is counted there from now on.
fn choose_worker(core: &Core, walk: u64) -> Option<WorkerRef> {
    let workers = core.workers.read();
    let first = usize::try_from(walk).unwrap_or(0).checked_rem(workers.len())?;
    let walks = |at: &usize| workers[*at].vitals.walks.load(Ordering::Relaxed);
    let chosen = [first, (first + 1) % workers.len()].into_iter().min_by_key(walks)?;
    workers[chosen].vitals.walks.fetch_add(1, Ordering::SeqCst);
    Some(workers[chosen].clone())
}

//! Starting and stopping a runtime: its own actix system on its own threads.

mod configuring;
mod observing;
mod store_calls;

use std::any::Any;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use actix::prelude::*;
use parking_lot::Mutex;
use serde_json::Value;
use tokio::sync::oneshot;
use tracing::Span;
use wayfare_graph::{
    Document, ErasedWalker, Event, EventSource, Id, KeySource, Published, Store, StoreError, WalkError,
    WriteBatch, WriteResult,
};

use crate::admission::AdmissionFigures;
use crate::cache::LayeredCache;
use crate::core::Core;
use crate::durable::{self, DurableWalk, WalkStatus};
use crate::metrics::pulse;
use crate::resident_figures::{ResidentFigures, ShardFigures};
use crate::settings::Settings;
use crate::spawn::{EmitStream, SpawnHow, Spawned, spawn_walk, stream};
use crate::store_changes;
use crate::supervision::{ActorKind, Degraded};
use crate::supervisor::{CancelWalk, InspectWalks, PauseWalk, Spawn, Stop, Supervisor};
use crate::threads::{Join, join_until, moment_after};
use crate::trace::SpawnWithin;
use crate::warm;
use crate::writer::{WriterActor, WriterSettings};

pub use self::observing::WeakRuntimeHandle;

/// Why a runtime did not start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// A thread could not be started.
    #[error("cannot start a thread: {0}")]
    Thread(#[from] std::io::Error),
    /// The number of shards is not a power of two.
    #[error("`{shards}` shards: use a power of two from 1 to 64")]
    Shards {
        /// The number given.
        shards: usize,
    },
    /// The system ended before it was up.
    #[error("the runtime ended while it started")]
    Ended,
}

/// A running runtime. Clones share it; dropping the last one drains and stops it, and waits for that.
///
/// It works from any thread and inside any tokio program.
#[derive(Clone)]
pub struct RuntimeHandle {
    inner: Arc<Inner>,
}

struct Inner {
    core: Arc<Core>,
    supervisor: Addr<Supervisor>,
    thread: Mutex<Option<JoinHandle<()>>>,
    /// What lives as long as the runtime does.
    kept: Mutex<Vec<Box<dyn Any + Send>>>,
}

impl RuntimeHandle {
    /// Starts a runtime on a store, with a cache that hears of changes.
    ///
    /// # Errors
    /// [`StartError`].
    pub fn start(
        store: Arc<dyn Store>,
        keys: KeySource,
        settings: Settings,
        cache: Arc<LayeredCache>,
    ) -> Result<Self, StartError> {
        if !settings.shards.is_power_of_two() || settings.shards > 64 {
            return Err(StartError::Shards { shards: settings.shards });
        }
        let core = Core::new(settings, store, keys, cache);
        let (up, started) = std::sync::mpsc::channel();
        let own = Arc::clone(&core);
        let thread = std::thread::Builder::new().name("wayfare-system".into()).spawn(move || {
            let system = System::new();
            system.block_on(async {
                let _ = up.send(start_actors(&own));
            });
            if let Err(error) = system.run() {
                tracing::error!(%error, "the runtime's system failed");
            }
        })?;
        let supervisor = started.recv().map_err(|_| StartError::Ended)??;
        if let Some(runtime) = core.runtime.get() {
            pulse::start(&core.metrics, runtime);
        }
        let (thread, kept) = (Mutex::new(Some(thread)), Mutex::default());
        Ok(Self { inner: Arc::new(Inner { core, supervisor, thread, kept }) })
    }

    /// The cache of results.
    #[must_use]
    pub fn cache(&self) -> Arc<LayeredCache> {
        Arc::clone(&self.inner.core.cache)
    }

    /// The supervisor's address, for those who send it messages themselves.
    #[must_use]
    pub fn supervisor(&self) -> Recipient<Spawn> {
        self.inner.supervisor.clone().recipient()
    }

    /// Spawns a walker by message.
    ///
    /// # Errors
    /// [`WalkError::UnknownWalker`], [`WalkError::BadArguments`], [`WalkError::DuplicateKey`],
    /// [`WalkError::Overloaded`], [`WalkError::Stopped`].
    pub async fn spawn_message(&self, spawn: Spawn) -> Result<Spawned, WalkError> {
        // The supervisor works on another thread, so it has to be told what the caller is about.
        let spawn = SpawnWithin { spawn, span: Span::current() };
        self.inner.supervisor.send(spawn).await.unwrap_or(Err(WalkError::Stopped))
    }

    /// Spawns a walker; waits while there is too much to do, as [`SpawnHow::admittance`] and the settings say.
    ///
    /// # Errors
    /// [`WalkError::Overloaded`], [`WalkError::DuplicateKey`], [`WalkError::Stopped`].
    pub async fn spawn(
        &self,
        walker: Box<dyn ErasedWalker>,
        at: Id,
        how: SpawnHow,
    ) -> Result<Spawned, WalkError> {
        spawn_walk(&self.inner.core, walker, at, how, None).await
    }

    /// Spawns a walker whose emitted values are streamed.
    ///
    /// # Errors
    /// As [`spawn`](Self::spawn).
    pub async fn spawn_streaming(
        &self,
        walker: Box<dyn ErasedWalker>,
        at: Id,
        how: SpawnHow,
    ) -> Result<(Spawned, EmitStream), WalkError> {
        let (tx, values) = stream(&self.inner.core);
        Ok((spawn_walk(&self.inner.core, walker, at, how, Some(tx)).await?, values))
    }

    /// Cancels a walk by number; `false` when there is none.
    pub async fn cancel(&self, walk: u64) -> bool {
        self.inner.supervisor.send(CancelWalk(walk)).await.unwrap_or(false)
    }

    /// Pauses a walk by number; `false` when there is none.
    pub async fn pause(&self, walk: u64) -> bool {
        self.inner.supervisor.send(PauseWalk { walk, paused: true }).await.unwrap_or(false)
    }

    /// Lets a paused walk go on; `false` when there is none.
    pub async fn resume(&self, walk: u64) -> bool {
        self.inner.supervisor.send(PauseWalk { walk, paused: false }).await.unwrap_or(false)
    }

    /// All walks that the store knows: durable ones, and those spawned under a key.
    ///
    /// # Errors
    /// [`WalkError::Store`].
    pub async fn durable_walks(&self) -> Result<Vec<DurableWalk>, WalkError> {
        durable::list(&self.inner.core).await
    }

    /// Lets a parked walk go on from its last checkpoint, with its failures forgotten; `false` when there
    /// is no such parked walk.
    ///
    /// # Errors
    /// Why it cannot be taken up.
    pub async fn retry_walk(&self, id: &Id) -> Result<bool, WalkError> {
        let (core, id) = (Arc::clone(&self.inner.core), id.clone());
        self.on_runtime(async move { durable::retry(&core, &id).await }).await
    }

    /// Removes a parked or done walk from the store; `false` when there is none.
    ///
    /// # Errors
    /// [`WalkError::Unsuitable`] for one that is under way, [`WalkError::Store`].
    pub async fn drop_walk(&self, id: &Id) -> Result<bool, WalkError> {
        let (core, id) = (Arc::clone(&self.inner.core), id.clone());
        self.on_runtime(async move { durable::forget_ended(&core, &id).await }).await
    }

    /// Waits until a durable walk is neither under way nor waits to be taken up, and tells what became of
    /// it; `None` when the store does not know it, as one without a key that has ended well.
    ///
    /// # Errors
    /// [`WalkError::Store`].
    pub async fn settled_walk(&self, id: &Id) -> Result<Option<DurableWalk>, WalkError> {
        loop {
            let news = self.inner.core.durable_news.notified();
            tokio::pin!(news);
            // Registered before the test, so that news between test and wait is not missed.
            news.as_mut().enable();
            let walks = self.durable_walks().await?;
            let walk = walks.into_iter().find(|walk| walk.id == *id);
            match walk {
                Some(walk) if walk.status == WalkStatus::Running => news.await,
                walk => return Ok(walk),
            }
        }
    }

    /// Runs something on the runtime's own threads.
    async fn on_runtime<T: Send + 'static>(
        &self,
        work: impl Future<Output = Result<T, WalkError>> + Send + 'static,
    ) -> Result<T, WalkError> {
        let runtime = self.inner.core.runtime.get().cloned().ok_or(WalkError::Stopped)?;
        runtime.spawn(work).await.unwrap_or(Err(WalkError::Stopped))
    }

    /// Publishes an event to all who have subscribed to its name; returns how many these are.
    pub fn publish<E: Event>(&self, event: E) -> usize {
        self.inner.core.events.publish(Published::new(event))
    }

    /// Subscribes to the events of a name, from now on. At most `[events] buffer` wait for a subscriber;
    /// one that is slower is told how many it has missed.
    #[must_use]
    pub fn subscribe(&self, name: &'static str) -> Box<dyn EventSource> {
        self.inner.core.events.subscribe(name)
    }

    /// Why the runtime writes no more, or stops, if that is so.
    #[must_use]
    pub fn degraded(&self) -> Option<Arc<Degraded>> {
        self.inner.core.supervision.degraded().cloned()
    }

    /// Who is in, who waits, and who was sent away.
    #[must_use]
    pub fn admission_figures(&self) -> AdmissionFigures {
        self.inner.core.walks.gate.figures()
    }

    /// How often actors of a kind have ended and others took their place, since the start.
    #[must_use]
    pub fn restarts(&self, kind: ActorKind) -> u64 {
        self.inner.core.supervision.restarts(kind)
    }

    /// What all walks are doing, as JSON.
    pub async fn walks(&self) -> Vec<Value> {
        self.inner.supervisor.send(InspectWalks).await.unwrap_or_default()
    }

    /// Figures of every shard.
    pub async fn shard_figures(&self) -> Vec<ShardFigures> {
        self.inner.core.shard_figures().await
    }

    /// What is in memory, and how well that serves.
    pub async fn resident_figures(&self) -> ResidentFigures {
        self.inner.core.resident_figures().await
    }

    pub(crate) fn core(&self) -> &Arc<Core> {
        &self.inner.core
    }

    /// The source of generated keys.
    #[must_use]
    pub fn keys(&self) -> &KeySource {
        &self.inner.core.keys
    }

    /// The store, as a user would write it.
    #[must_use]
    pub fn describe_store(&self) -> String {
        self.inner.core.store.describe()
    }

    /// Documents by id, in order, `None` where there is none.
    ///
    /// # Errors
    /// What the store says.
    pub async fn get_many(&self, ids: &[Id]) -> Result<Vec<Option<Document>>, StoreError> {
        self.inner.core.get_many(ids).await
    }

    /// The newest version of an entity, once it is durable: what an update is based on.
    ///
    /// # Errors
    /// What the store says.
    pub async fn newest(&self, id: &Id) -> Result<Option<Document>, StoreError> {
        self.inner.core.newest(id).await
    }

    /// The same for many entities, in order.
    ///
    /// # Errors
    /// What the store says.
    pub async fn newest_many(&self, ids: &[Id]) -> Result<Vec<Option<Document>>, StoreError> {
        self.inner.core.newest_many(ids).await
    }

    /// Saves new versions of many nodes; as [`save`](Self::save), with one message to each shard.
    ///
    /// # Errors
    /// What the store says of any of them: others may be saved, which [`save_each`](Self::save_each) tells. The inner
    /// results are those of the writes, in order.
    pub async fn save_nodes(&self, documents: Vec<Document>) -> Result<Vec<WriteResult>, StoreError> {
        self.inner.core.save_nodes(documents).await
    }

    /// Saves new versions of many nodes; as [`save_nodes`](Self::save_nodes), with an outcome for each, in order.
    ///
    /// # Errors
    /// What the store says when none of them was begun; those within are of the nodes.
    pub async fn save_each(
        &self,
        documents: Vec<Document>,
    ) -> Result<Vec<Result<WriteResult, StoreError>>, StoreError> {
        self.inner.core.save_each(documents).await
    }

    /// Saves a new version of an entity, durably; the document carries the version it was made of.
    ///
    /// # Errors
    /// What the store says; the inner result is that of the write.
    pub async fn save(&self, document: Document) -> Result<WriteResult, StoreError> {
        self.inner.core.save(document).await
    }

    /// Writes a batch in one durable commit.
    ///
    /// # Errors
    /// What the store says; the inner results are those of the writes, in order.
    pub async fn apply(&self, batch: WriteBatch) -> Result<Vec<WriteResult>, StoreError> {
        self.inner.core.apply(batch).await
    }

    /// Drains and stops the runtime: no new walks, those that run have `drain_timeout` to finish, and
    /// everything written becomes durable. Other handles find it stopped.
    pub async fn shutdown(self) {
        let _ = self.inner.supervisor.send(Stop).await;
        let thread = self.inner.thread.lock().take();
        let kept = std::mem::take(&mut *self.inner.kept.lock());
        // The system has been told to end; it does so within a turn of its loop.
        let (ended, end) = oneshot::channel();
        std::thread::spawn(move || {
            if let Some(thread) = thread {
                end_of_system(thread, Duration::ZERO);
            }
            // After it: what tells of the runtime tells that it drains, and how it ended.
            drop(kept);
            let _ = ended.send(());
        });
        let _ = end.await;
    }
}

impl std::fmt::Debug for RuntimeHandle {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RuntimeHandle").field("store", &self.describe_store()).finish_non_exhaustive()
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        let Some(thread) = self.thread.lock().take() else { return };
        // Refused only when the supervisor has stopped.
        let _ = self.supervisor.try_send(Stop);
        // A hook that drops the last handle is on one of the threads that would be waited for.
        if !System::is_registered() {
            // It drains first, as long as it may.
            end_of_system(thread, self.core.live.drain_timeout());
        }
    }
}

/// How long the system's own thread may take to end after all others have been waited for. Only a
/// call to the store that does not come back takes it so long.
const END_OF_SYSTEM: Duration = Duration::from_secs(1);

fn end_of_system(thread: JoinHandle<()>, drain: Duration) {
    let join: Join = Box::new(move || drop(thread.join()));
    join_until(vec![join], moment_after(drain.saturating_add(END_OF_SYSTEM)));
}

fn start_actors(core: &Arc<Core>) -> Result<Addr<Supervisor>, StartError> {
    let runtime = tokio::runtime::Handle::current();
    let settings = &core.settings;
    let writer_settings = WriterSettings {
        batch_size: settings.batch_size,
        flush_interval: settings.flush_interval,
        queue: settings.write_queue,
        metrics: Arc::clone(&core.metrics),
    };
    let supervision = Arc::clone(&core.supervision);
    let (writer, handle) =
        WriterActor::start_thread(Arc::clone(&core.store), writer_settings, runtime.clone(), supervision)?;
    let _ = core.runtime.set(runtime);
    let _ = core.writer.set(handle);
    let supervisor = Supervisor::new(core, writer.start())?;
    store_changes::start(core);
    warm::start(core);
    if settings.resume_walks {
        actix_rt::spawn(durable::resume_all(Arc::clone(core)));
    }
    Ok(supervisor.start())
}

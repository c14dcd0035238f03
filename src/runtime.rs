//! The runtime as a service holds it.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use wayfare_actors::{
    ActorKind, AdmissionFigures, Degraded, DurableWalk, Health, MetricsSnapshot, ObserveSettings, Readiness,
    ResidentFigures, RuntimeHandle, Settings, Spawn, Spawned, WalkStatus, WeakRuntimeHandle,
};
use wayfare_graph::{
    EntityName, EntityType, Event, EventSource, Filter, Id, Index, KeySource, Limits, PoolFigures, Store,
    WalkError, Walker,
};

use crate::cache::Cache;
use crate::config::{Config, ObserveConfig};
use crate::error::Result;
use crate::graph::Graph;
use crate::observe;
use crate::opening::{open_cache, open_store};
use crate::reload::Running;
use crate::spawning::Spawning;

/// A running runtime: workers that host walks, shards that hold the graph, a writer that makes it durable.
///
/// Runs on threads of its own, so it can be held in any tokio program. Clones share it. Dropping the last
/// handle drains it, which may take `[supervision] drain_timeout_ms`, and blocks the dropping thread for
/// that time: call [`shutdown`](Self::shutdown) where that matters.
#[derive(Debug, Clone)]
pub struct Runtime {
    handle: RuntimeHandle,
    pub(crate) running: Arc<Running>,
    observed_at: Option<SocketAddr>,
}

impl Runtime {
    /// Opens a store by its URL, such as `embedded:my-graph`, with default settings.
    ///
    /// # Errors
    /// As [`start`](Self::start).
    pub fn open(url: &str) -> Result<Self> {
        Self::start(&Config::builder().store_url(url).build()?)
    }

    /// Opens the store that the settings name and starts a runtime on it. Indexes that entity types of
    /// this program declare are made where they are missing, unless `[store] create_indexes` is `false`.
    ///
    /// # Errors
    /// [`Error::Config`](crate::Error::Config) for settings that do not go together,
    /// [`Error::Store`](crate::Error::Store) when the store cannot be opened, [`Error::Start`](crate::Error::Start)
    /// when threads cannot be started, [`Error::Id`](crate::Error::Id) for an entity type whose name is none.
    pub fn start(config: &Config) -> Result<Self> {
        config.check()?;
        let store = open_store(config.store.url.as_str(), config)?;
        Self::with_store(store, KeySource::system(), config)
    }

    /// Starts a runtime on a store that is open already, with a source of keys of its own.
    ///
    /// # Errors
    /// As [`start`](Self::start).
    pub fn with_store(store: Arc<dyn Store>, keys: KeySource, config: &Config) -> Result<Self> {
        if config.store.create_indexes {
            make_declared_indexes(&*store)?;
        }
        let cache = open_cache(&config.cache)?;
        let handle = RuntimeHandle::start(store, keys, settings_of(config)?, cache)?;
        let observed_at = observe::start(&handle, &config.observe)?;
        Ok(Self { handle, running: Arc::new(Running::new(config)), observed_at })
    }

    /// The graph.
    #[must_use]
    pub fn graph(&self) -> Graph {
        Graph::new(self.handle.clone(), Arc::clone(&self.running))
    }

    /// The cache of results, as `[cache]` says.
    #[must_use]
    pub fn cache(&self) -> Cache {
        Cache::of(self.handle.cache())
    }

    /// Prepares to spawn a walker; say where with [`Spawning::at`].
    pub fn spawn<W: Walker>(&self, walker: W) -> Spawning<W> {
        Spawning::new(self.handle.clone(), walker)
    }

    /// Spawns a walker by name and JSON arguments.
    ///
    /// # Errors
    /// [`WalkError::UnknownWalker`], [`WalkError::BadArguments`], [`WalkError::DuplicateKey`],
    /// [`WalkError::Overloaded`], [`WalkError::Stopped`].
    pub async fn send(&self, spawn: Spawn) -> Result<Spawned, WalkError> {
        self.handle.spawn_message(spawn).await
    }

    /// Publishes an event to all who have subscribed to its name, hooks of walkers among them; returns how
    /// many these are. An event that nobody listens to is gone.
    pub fn publish<E: Event>(&self, event: E) -> usize {
        self.handle.publish(event)
    }

    /// Subscribes to the events of a type, from now on. At most `[events] buffer` wait for a subscriber;
    /// one that is slower is told how many it has missed.
    #[must_use]
    pub fn subscribe<E: Event>(&self) -> Box<dyn EventSource> {
        self.handle.subscribe(E::NAME)
    }

    /// All walks that the store knows: durable ones, and those spawned under a key.
    ///
    /// # Errors
    /// [`WalkError::Store`].
    pub async fn durable_walks(&self) -> Result<Vec<DurableWalk>, WalkError> {
        self.handle.durable_walks().await
    }

    /// Durable walks that failed at one node again and again, with their errors. Let them go on with
    /// [`retry_walk`](Self::retry_walk), or drop them with [`drop_walk`](Self::drop_walk).
    ///
    /// # Errors
    /// [`WalkError::Store`].
    pub async fn dead_letters(&self) -> Result<Vec<DurableWalk>, WalkError> {
        let mut walks = self.handle.durable_walks().await?;
        walks.retain(|walk| walk.status == WalkStatus::Parked);
        Ok(walks)
    }

    /// Lets a parked walk go on from its last checkpoint; `false` when there is no such parked walk.
    ///
    /// # Errors
    /// Why it cannot be taken up.
    pub async fn retry_walk(&self, id: &Id) -> Result<bool, WalkError> {
        self.handle.retry_walk(id).await
    }

    /// Removes a parked or done walk from the store; `false` when there is none.
    ///
    /// # Errors
    /// [`WalkError::Store`].
    pub async fn drop_walk(&self, id: &Id) -> Result<bool, WalkError> {
        self.handle.drop_walk(id).await
    }

    /// Waits until a durable walk has ended or is parked, and tells what became of it; `None` when the store
    /// does not know it, as one without a key that has ended well.
    ///
    /// # Errors
    /// [`WalkError::Store`].
    pub async fn settled_walk(&self, id: &Id) -> Result<Option<DurableWalk>, WalkError> {
        self.handle.settled_walk(id).await
    }

    /// How the runtime is, part by part: store, writer, shards, workers, cache. Each has 3 seconds to give a sign of life.
    ///
    /// # Errors
    /// [`Error::Store`](crate::Error::Store) with [`StoreError::Stopped`](crate::StoreError::Stopped) when the runtime has
    /// stopped; a store that is away is told in the report.
    pub async fn health(&self) -> Result<Health> {
        Ok(self.handle.health_report().await?)
    }

    /// Whether the runtime is ready to be given work: it takes walks, the store answers, and loading `[cache] warm` is over.
    ///
    /// # Errors
    /// As [`health`](Self::health).
    pub async fn readiness(&self) -> Result<Readiness> {
        Ok(self.handle.readiness().await?)
    }

    /// All figures of the runtime at this moment, those of [`metrics_table`](crate::metrics_table).
    ///
    /// Takes microseconds and waits for nobody, so it can be asked while actors are stuck.
    #[must_use]
    pub fn metrics(&self) -> MetricsSnapshot {
        self.handle.metrics()
    }

    /// Where figures and health are served, `None` where they are not; the port is the one that was found where
    /// `[observe] listen` asks for port 0.
    #[must_use]
    pub fn observed_at(&self) -> Option<SocketAddr> {
        self.observed_at
    }

    /// The store's pool of connections as it is now, `None` where the store has none.
    #[must_use]
    pub fn pool(&self) -> Option<PoolFigures> {
        self.handle.pool()
    }

    /// What is in memory, how well that serves, and how far loading `[cache] warm` has come.
    pub async fn resident_figures(&self) -> ResidentFigures {
        self.handle.resident_figures().await
    }

    /// Sets the number of workers, 1 to 256, while walks run; gives the number there was before. Walks of workers that
    /// are too many go on elsewhere, each as soon as it is between two visits.
    ///
    /// # Errors
    /// [`WalkError::Stopped`].
    pub async fn scale(&self, workers: usize) -> Result<usize, WalkError> {
        self.handle.scale(workers).await
    }

    /// How many workers take walks now.
    #[must_use]
    pub fn workers(&self) -> usize {
        self.handle.workers()
    }

    /// Why the runtime refuses writes, or has stopped by itself, if it does: its actors ended more often than
    /// `[supervision]` allows.
    #[must_use]
    pub fn degraded(&self) -> Option<Arc<Degraded>> {
        self.handle.degraded()
    }

    /// How many walks are in, wait to be admitted, and were sent away.
    #[must_use]
    pub fn admission_figures(&self) -> AdmissionFigures {
        self.handle.admission_figures()
    }

    /// How often actors of a kind have ended by themselves since the start, and others took their place.
    #[must_use]
    pub fn restarts(&self, kind: ActorKind) -> u64 {
        self.handle.restarts(kind)
    }

    /// The handle of the actors, for what this face does not show.
    #[must_use]
    pub fn handle(&self) -> &RuntimeHandle {
        &self.handle
    }

    /// The runtime without keeping it alive.
    pub(crate) fn downgrade(&self) -> WeakRuntime {
        let (handle, running) = (self.handle.downgrade(), Arc::clone(&self.running));
        WeakRuntime { handle, running, observed_at: self.observed_at }
    }

    /// Drains and stops the runtime, also for other handles: no new walks, those that run have
    /// `[supervision] drain_timeout_ms` to finish, and everything written becomes durable.
    pub async fn shutdown(self) {
        self.handle.shutdown().await;
    }
}

/// A runtime that is not kept alive.
#[derive(Debug)]
pub(crate) struct WeakRuntime {
    handle: WeakRuntimeHandle,
    running: Arc<Running>,
    observed_at: Option<SocketAddr>,
}

impl WeakRuntime {
    /// The runtime, as long as somebody else has it.
    pub(crate) fn upgrade(&self) -> Option<Runtime> {
        let handle = self.handle.upgrade()?;
        Some(Runtime { handle, running: Arc::clone(&self.running), observed_at: self.observed_at })
    }

    pub(crate) fn is_gone(&self) -> bool {
        self.handle.is_gone()
    }
}

/// The numbers of the actors' floor, from the settings.
pub(crate) fn settings_of(config: &Config) -> Result<Settings> {
    let workers = config.workers.resolved_count();
    let limits = &config.limits;
    Ok(Settings {
        workers,
        turn_visits: config.workers.turn_visits,
        worker_mailbox: config.workers.mailbox,
        blocking_threads: config.workers.blocking_threads,
        move_slow_walks: config.workers.move_slow_walks,
        max_walks: config.workers.max_walks,
        shards: config.shards.resolved_count(workers),
        shard_mailbox: config.shards.mailbox,
        visit_batch: config.shards.visit_batch,
        batch_size: config.writers.batch_size,
        flush_interval: config.writers.flush_interval(),
        write_queue: config.writers.queue,
        resident_bytes: config.cache.resolved_resident_bytes(),
        warm: config.cache.warm.names()?,
        limits: Limits {
            visits: limits.visits,
            visits_per_node: limits.visits_per_node,
            queue: limits.queue,
            wall: limits.wall(),
            report_bytes: limits.report_bytes,
        },
        emit_buffer: limits.emit_buffer,
        event_buffer: config.events.buffer,
        durable_attempts: u32::try_from(config.durable.attempts).unwrap_or(u32::MAX),
        resume_walks: config.durable.resume,
        drain_timeout: config.supervision.drain_timeout(),
        admission: config.admission.settings(),
        supervision: config.supervision_settings(),
        stall: config.supervision.stall(),
        observe: observe_settings_of(&config.observe),
    })
}

fn observe_settings_of(observe: &ObserveConfig) -> ObserveSettings {
    ObserveSettings {
        metrics: observe.metrics,
        slow_hook: Duration::from_millis(observe.slow_hook_ms),
        slow_query: Duration::from_millis(observe.slow_query_ms),
        slow_commit: Duration::from_millis(observe.slow_commit_ms),
        sample: observe.sample.get(),
    }
}

fn make_declared_indexes(store: &dyn Store) -> Result<()> {
    for entity in EntityType::all() {
        for spec in (entity.indexes)() {
            let entity_name = EntityName::new(entity.name)?;
            let mut index =
                Index::new(entity.kind, entity_name, spec.fields.iter().copied()).unique(spec.unique);
            index.descending = spec.descending.iter().map(ToString::to_string).collect();
            index.name = spec.name.map(str::to_owned);
            if let Some(partial) = spec.partial {
                index.partial = partial.parse::<Filter>()?;
            }
            wait_for(store.create_index(&index))??;
        }
    }
    Ok(())
}

/// Waits for a store before the runtime has an executor of its own.
///
/// On a thread of its own, because the caller's may be one that an executor forbids to wait on, or to
/// drop another executor on.
fn wait_for<T: Send>(future: impl Future<Output = T> + Send) -> Result<T> {
    let waited = std::thread::scope(|scope| {
        let waiting = scope.spawn(|| {
            let executor = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
            Ok::<T, std::io::Error>(executor.block_on(future))
        });
        waiting.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    });
    Ok(waited.map_err(wayfare_actors::StartError::Thread)?)
}

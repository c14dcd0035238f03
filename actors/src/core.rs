//! What all parts of one runtime share.

use std::sync::atomic::AtomicU64;
use std::sync::{Arc, OnceLock, Weak};

use parking_lot::{Mutex, RwLock};
use rustc_hash::FxHashSet;
use tokio::sync::{Notify, Semaphore, oneshot};
use tracing::Span;
use wayfare_graph::{KeySource, Need, Slot, Store, StoreError};

use crate::admission::Gate;
use crate::blocking::BlockingThreads;
use crate::cache::LayeredCache;
use crate::directory::Directory;
use crate::durability::Durability;
use crate::events::Events;
use crate::live::Live;
use crate::messages::{Found, Records, Visit, VisitReply};
use crate::metrics::Metrics;
use crate::observed_store::ObservedStore;
use crate::resident_figures::ReadAheadTally;
use crate::settings::Settings;
use crate::slab::Slab;
use crate::supervision::{Seats, Supervision};
use crate::trace;
use crate::walk_shared::Wake;
use crate::walks::Walks;
use crate::warm::WarmTally;
use crate::worker::WorkerRef;
use crate::writer::WriterHandle;

/// The parts of a runtime that are reached from every thread.
pub(crate) struct Core {
    /// What it was started with; what may change since then is in `live`.
    pub(crate) settings: Settings,
    pub(crate) live: Live,
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) store: Arc<dyn Store>,
    pub(crate) directory: Arc<Directory>,
    pub(crate) slabs: Box<[Arc<Slab>]>,
    pub(crate) durability: Arc<Durability>,
    pub(crate) keys: KeySource,
    /// Results of users, which hears of every change.
    pub(crate) cache: Arc<LayeredCache>,
    /// One permit for each write under way; see [`Settings::write_queue`].
    pub(crate) write_permits: Arc<Semaphore>,
    pub(crate) shards: Seats,
    pub(crate) supervision: Arc<Supervision>,
    /// Entities that stay resident, for the shard that comes after one that has ended.
    pub(crate) pins: Box<[Arc<Mutex<FxHashSet<Slot>>>]>,
    pub(crate) writer: OnceLock<WriterHandle>,
    pub(crate) workers: RwLock<Vec<WorkerRef>>,
    pub(crate) walks: Walks,
    pub(crate) events: Events,
    pub(crate) blocking: BlockingThreads,
    pub(crate) read_ahead: ReadAheadTally,
    pub(crate) warm: WarmTally,
    /// While walks that a process left behind are looked for: those that were begun here meanwhile, by the keys of their
    /// parts. They are not left behind.
    begun_here: Mutex<Option<FxHashSet<String>>>,
    /// Told whenever a durable walk ends, is parked or goes on.
    pub(crate) durable_news: Notify,
    this: Weak<Self>,
    pub(crate) next_walk: AtomicU64,
    pub(crate) closed: std::sync::atomic::AtomicBool,
    /// Told when there is a worker again.
    pub(crate) workers_news: Notify,
    /// The executor of the runtime's own threads, for calls that may wait.
    pub(crate) runtime: OnceLock<tokio::runtime::Handle>,
}

impl Core {
    pub(crate) fn new(
        settings: Settings,
        store: Arc<dyn Store>,
        keys: KeySource,
        cache: Arc<LayeredCache>,
    ) -> Arc<Self> {
        let shards = settings.shards;
        let metrics = Metrics::new(settings.observe.clone(), cache.mailbox());
        let store = ObservedStore::around(store, &metrics);
        let supervision = Arc::new(Supervision::new(&settings.supervision));
        cache.supervised_by(&supervision);
        Arc::new_cyclic(|this| Self {
            this: this.clone(),
            directory: Arc::new(Directory::new(shards)),
            slabs: (0..shards).map(|_| Arc::new(Slab::default())).collect(),
            durability: Arc::new(Durability::new(shards)),
            keys,
            cache,
            write_permits: Arc::new(Semaphore::new(settings.write_queue)),
            shards: Seats::new(shards, settings.shard_mailbox),
            supervision,
            pins: (0..shards).map(|_| Arc::default()).collect(),
            writer: OnceLock::new(),
            workers: RwLock::new(Vec::new()),
            walks: Walks::new(Gate::new(settings.max_walks, &settings.admission)),
            events: Events::new(settings.event_buffer),
            blocking: BlockingThreads::new(settings.blocking_threads),
            read_ahead: ReadAheadTally::default(),
            warm: WarmTally::default(),
            begun_here: Mutex::new(settings.resume_walks.then(FxHashSet::default)),
            durable_news: Notify::new(),
            next_walk: AtomicU64::new(1),
            closed: std::sync::atomic::AtomicBool::new(false),
            workers_news: Notify::new(),
            runtime: OnceLock::new(),
            metrics,
            live: Live::new(&settings),
            settings,
            store,
        })
    }

    /// The resident record of a slot.
    pub(crate) fn resident(&self, slot: Slot) -> Option<wayfare_graph::SharedRecord> {
        self.slabs[self.directory.shard_of(slot)].get(self.directory.place_of(slot))
    }

    /// A node with what is needed of it, from memory or through its shard.
    pub(crate) async fn node(&self, slot: Slot, need: Need) -> Result<Found, StoreError> {
        if let Some(record) =
            self.resident(slot).filter(|record| crate::loader::satisfies(&record.head, need))
        {
            record.head.touch();
            self.slabs[self.directory.shard_of(slot)].tally.add_hits(1);
            return Ok(Found::Record(record));
        }
        let (reply, records) = oneshot::channel();
        let (shard, reply) = (self.directory.shard_of(slot), VisitReply::Caller(reply));
        self.send_visit(self.visit(shard, vec![slot], need, reply, trace::caller())).await?;
        let Records { result, .. } = records.await.map_err(|_| StoreError::Stopped)?;
        let found = result.map_err(|error| StoreError::Io {
            path: self.store.describe(),
            source: error.to_string().into(),
        })?;
        Ok(found.into_iter().next().map_or(Found::Missing, |(_, found)| found))
    }

    /// A question for a shard.
    pub(crate) fn visit(
        &self,
        shard: usize,
        slots: Vec<Slot>,
        need: Need,
        reply: VisitReply,
        span: Option<Span>,
    ) -> Visit {
        Visit::new(self, shard, slots, need, reply, span)
    }

    /// Asks a shard as soon as it is there. One that is lost with its shard is asked again of the next.
    pub(crate) async fn send_visit(&self, mut visit: Visit) -> Result<(), StoreError> {
        visit.posted.at(self.shards.room(visit.shard()).wait_for_place().await);
        let shard = self.shards.at(visit.shard()).await.ok_or(StoreError::Stopped)?;
        let _ = shard.send(visit).await;
        Ok(())
    }

    /// Why a reply has been dropped.
    pub(crate) fn unanswered(&self, part: &str) -> StoreError {
        match self.shards.is_closed() {
            true => StoreError::Stopped,
            false => StoreError::Interrupted { part: part.to_owned() },
        }
    }

    /// Refuses writes of a runtime that may only read any more.
    pub(crate) fn check_writable(&self) -> Result<(), StoreError> {
        match self.supervision.degraded() {
            None => Ok(()),
            Some(degraded) => Err(StoreError::ReadOnly { reason: degraded.to_string() }),
        }
    }

    /// Notes a durable walk before it is stored as running.
    pub(crate) fn note_begun(&self, parts_key: &str) {
        if let Some(begun) = self.begun_here.lock().as_mut() {
            begun.insert(parts_key.to_owned());
        }
    }

    /// Whether a durable walk was begun by this runtime, as long as that matters.
    pub(crate) fn has_begun(&self, parts_key: &str) -> bool {
        self.begun_here.lock().as_ref().is_some_and(|begun| begun.contains(parts_key))
    }

    /// All walks that were left behind have been looked at.
    pub(crate) fn forget_begun(&self) {
        *self.begun_here.lock() = None;
    }

    /// Itself, for messages.
    pub(crate) fn weak(&self) -> Weak<Self> {
        Weak::clone(&self.this)
    }

    /// Itself, for what it starts.
    pub(crate) fn shared(&self) -> Option<Arc<Self>> {
        self.this.upgrade()
    }

    /// Pauses or resumes a walk by its number; `false` when there is none.
    pub(crate) fn set_paused(&self, walk: u64, paused: bool) -> bool {
        let Some(walk) = self.walks.get(walk) else { return false };
        if paused {
            walk.pause();
        } else {
            walk.resume();
        }
        walk.wake(Wake::LookUp);
        true
    }

    /// Waits until everything published so far is durable or taken back.
    ///
    /// # Errors
    /// [`StoreError::Stopped`] when the runtime has stopped before.
    pub(crate) async fn settle(&self) -> Result<(), StoreError> {
        match self.durability.is_settled() {
            true => Ok(()),
            false => self.durability.reached(&self.durability.mark()).await.map_err(|_| StoreError::Stopped),
        }
    }

    pub(crate) fn is_closed(&self) -> bool {
        // Only a gate for new work; what is under way is drained by messages.
        self.closed.load(std::sync::atomic::Ordering::Acquire)
    }
}

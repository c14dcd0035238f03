//! A walk as its worker hosts it.

use std::num::NonZeroU64;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::AtomicU32;

use rustc_hash::FxHashMap;
use serde_json::{Value, json};
use tokio::sync::mpsc;
use wayfare_graph::{
    ErasedWalker, EventSource, Filter, HookTable, Limits, Missing, Need, Profile, SharedRecord, Slot,
    VisitBatch, Walk, WalkError,
};

use crate::durability::Mark;
use crate::durable::DurableState;
use crate::messages::Found;
use crate::trace::Traced;
use crate::walk_shared::WalkShared;
use crate::walk_task::WalkTask;

/// Entries of the queue and steps of the trail that an inspection tells.
const TOLD: usize = 100;

/// A value on its way to the caller's stream.
pub(crate) struct Emitted {
    pub(crate) value: Value,
    /// What must be durable before the caller may see it.
    pub(crate) mark: Option<Mark>,
    /// Records the walk had read by then that were not durable yet.
    pub(crate) unsettled: Vec<SharedRecord>,
}

/// What a walk is waiting for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum State {
    /// Nothing: it can go on.
    Ready,
    /// Records from shards.
    Loading,
    /// An async hook.
    Hooking,
    /// Room in the caller's stream.
    Emitting,
    /// Its writes.
    Writing,
    /// To be resumed.
    Paused,
    /// Its children.
    Joining,
    /// Its last writes to become durable.
    Ending,
}

/// How far a walk has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Phase {
    /// Its hooks before the first visit have not run.
    Entering,
    /// It visits.
    Walking,
    /// Nothing waits any more; its children are waited for.
    Leaving,
    /// Its exit hooks have run.
    Left,
}

/// One walk.
pub(crate) struct Hosted {
    pub(crate) id: u64,
    pub(crate) shared: Arc<WalkShared>,
    /// Away while an async hook runs.
    pub(crate) walker: Option<Box<dyn ErasedWalker>>,
    /// Away while an async hook runs.
    pub(crate) walk: Option<Box<Walk>>,
    pub(crate) table: Arc<HookTable>,
    pub(crate) state: State,
    pub(crate) phase: Phase,
    /// The number of its place among those that take turns, or wait to.
    pub(crate) place: Option<NonZeroU64>,
    /// Whether visits need a future: async hooks, hooks that take many, visits at the same time.
    pub(crate) driven: bool,
    /// Whether its hooks run on a thread for blocking work.
    pub(crate) blocking: bool,
    /// Whether it has a filter.
    pub(crate) filters: bool,
    /// Whether it has hooks for events.
    pub(crate) listens: bool,
    /// Whether it is durable.
    pub(crate) durable: bool,
    pub(crate) need: Need,
    pub(crate) limits: Arc<Limits>,
    pub(crate) profile: Profile,
    /// Messages to shards not yet answered.
    pub(crate) outstanding: u32,
    /// How many stood in `asked` when the engine counted them last.
    pub(crate) counted_ahead: u32,
    /// The visits and the state that the engine's figures hold of it.
    pub(crate) seen_visits: u64,
    pub(crate) seen_state: Option<State>,
    /// Its spans, where it is traced.
    pub(crate) traced: Option<Box<Traced>>,
    /// Visits that are to be at hand together, of a walk that makes several at once.
    pub(crate) together: usize,
    /// How many entries at the front of the queue have been asked for, or were resident when looked at.
    pub(crate) ahead: usize,
    /// Visits for which the walk still looks ahead, since it last met a node that was not resident.
    pub(crate) cold: u32,
    /// What shards were asked for and has not been visited, with their answers: records may be evicted before their
    /// turn, or visited before their answer is here.
    pub(crate) asked: FxHashMap<Slot, Option<Found>>,
    /// What has to be read before the walk can do what its last hooks asked for.
    pub(crate) missing: Option<Missing>,
    /// Records that were not durable when the walk visited them. If one of them is taken back, the walk
    /// has seen what never was.
    pub(crate) unsettled: Vec<SharedRecord>,
    pub(crate) stream: Option<mpsc::Sender<Emitted>>,
    /// Whether the walk may come back to a node.
    pub(crate) returns: bool,
    /// The task of an async hook, of a waiting stream or of writes.
    pub(crate) task: Option<WalkTask>,
    /// What few walks have.
    pub(crate) rare: Box<RareState>,
}

/// What few walks have.
#[derive(Default)]
pub(crate) struct RareState {
    pub(crate) only: Option<Filter>,
    /// How often in a row a batch was too short for one chunk: the next one is larger by as many powers of 2.
    pub(crate) widened: u32,
    pub(crate) chunk_size: usize,
    /// The node that an async hook runs at, or the last one; set inside the batch's future.
    pub(crate) current: Option<Arc<AtomicU32>>,
    /// The room of the last batch of async hooks.
    pub(crate) spare: Option<Box<VisitBatch>>,
    /// Visits by node, where the walk may come back to one and they are counted.
    pub(crate) per_node: FxHashMap<Slot, u64>,
    /// Where events for its hooks come from.
    pub(crate) events: Vec<Box<dyn EventSource>>,
    /// How the walk is stored, of durable walks.
    pub(crate) durable: Option<Box<DurableState>>,
    /// How much waited in the queue when the walk was last seen.
    pub(crate) waiting: usize,
}

impl Hosted {
    /// How many entries of the queue a batch is made of; 0 where visits are made one by one.
    #[inline]
    pub(crate) fn picks(&self) -> usize {
        if self.together == 0 {
            return 0;
        }
        self.together.saturating_mul(1_usize.checked_shl(self.rare.widened).unwrap_or(usize::MAX))
    }

    /// An empty batch, with the room of the last one where there was one.
    pub(crate) fn batch(&mut self) -> Box<VisitBatch> {
        let rare = &mut self.rare;
        let current = rare.current.get_or_insert_default();
        let spare = rare.spare.take();
        let mut batch = spare.unwrap_or_else(|| VisitBatch::new(&self.table, current, rare.chunk_size));
        batch.gives_turns = self.blocking;
        batch
    }

    /// Why the walk has to end, if one of its hooks was refused something for good.
    pub(crate) fn take_fault(&mut self) -> Option<WalkError> {
        self.walk.as_mut().and_then(|walk| walk.take_fault())
    }

    /// Notes a record that is about to be visited and is not durable yet.
    #[inline]
    pub(crate) fn note_read(&mut self, record: &SharedRecord) {
        if !record.head.is_settled() {
            self.unsettled.push(Arc::clone(record));
        }
    }

    /// From now on its hooks run on a thread for blocking work.
    pub(crate) fn goes_apart(&mut self) {
        (self.blocking, self.driven) = (true, true);
        self.shared.goes_apart();
    }

    /// Ends the span of the visits so far.
    pub(crate) fn end_visits(&mut self) {
        if let Some(traced) = &mut self.traced {
            traced.rest(self.profile.visits);
        }
    }

    /// Takes what a shard answered about a slot, if it has.
    pub(crate) fn take_arrived(&mut self, slot: Slot) -> Option<Found> {
        let found = self.asked.get_mut(&slot)?.take()?;
        self.asked.remove(&slot);
        Some(found)
    }

    /// Notes that the answer about a slot is not needed any more; whether it was asked for.
    #[inline]
    pub(crate) fn forget_asked(&mut self, slot: Slot) -> bool {
        !self.asked.is_empty() && self.asked.remove(&slot).is_some()
    }

    /// Whether a slot was asked for and has not been visited since.
    #[inline]
    pub(crate) fn has_asked(&self, slot: Slot) -> bool {
        !self.asked.is_empty() && self.asked.contains_key(&slot)
    }

    /// Whether anything waits in the queue, or to be put there.
    pub(crate) fn has_more(&self) -> bool {
        self.missing.is_some() || self.walk.as_ref().is_some_and(|walk| !walk.frontier().is_empty())
    }

    pub(crate) fn inspect(&self) -> Value {
        json!({
            "walk": self.shared.id,
            "walker": self.shared.walker,
            "waiting_for": match self.state {
                State::Ready => "nothing",
                State::Loading => "records",
                State::Hooking => "hook",
                State::Emitting => "stream",
                State::Writing => "its writes",
                State::Paused => "resume",
                State::Joining => "children",
                State::Ending => "durability",
            },
            "queued": self.walk.as_ref().map_or(self.rare.waiting, |walk| walk.queue_len()),
            "queue": self.walk.as_ref().map(|walk| {
                let mut queue = walk.queued();
                queue.truncate(TOLD);
                queue
            }),
            "trail": self.walk.as_ref().map(|walk| {
                let mut trail = walk.trail();
                trail.drain(..trail.len().saturating_sub(TOLD));
                trail
            }),
            "budgets": self.budgets(),
            "children": self.shared.children.alive(),
            "profile": self.profile,
            "state": self.walker_state(),
        })
    }

    fn budgets(&self) -> Value {
        let wall = u64::try_from(self.limits.wall.as_millis()).unwrap_or(u64::MAX);
        let taken = u64::try_from(self.shared.taken().as_millis()).unwrap_or(u64::MAX);
        json!({
            "visits": {"reached": self.profile.visits, "limit": self.limits.visits},
            "visits_per_node": {
                "reached": self.rare.per_node.values().max(),
                "limit": self.limits.visits_per_node,
            },
            "queue": {
                "reached": self.walk.as_ref().map(|walk| walk.frontier().longest()),
                "limit": self.limits.queue,
            },
            "wall_ms": {"reached": taken, "limit": wall},
            "report_bytes": {
                "reached": self.walk.as_ref().map(|walk| walk.result_bytes()),
                "limit": self.limits.report_bytes,
            },
        })
    }

    /// The walker as JSON, where it can be shown. Showing it is its author's code: if that panics,
    /// the walk goes on.
    fn walker_state(&self) -> Option<Value> {
        let walker = self.walker.as_ref()?;
        catch_unwind(AssertUnwindSafe(|| walker.state())).ok().flatten()
    }
}

//! A walk as its worker hosts it.

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::AtomicU32;

use rustc_hash::FxHashMap;
use serde_json::{Value, json};
use tokio::sync::mpsc;
use wayfare_graph::{
    Entry, ErasedWalker, Filter, Frontier, HookTable, Limits, Need, Position, Profile, SharedRecord, Slot,
    Target, VisitBatch, Walk, WalkError,
};

use crate::durability::Mark;
use crate::messages::Found;
use crate::walk_shared::WalkShared;

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
    /// Its last writes to become durable.
    Ending,
}

/// What a hook asked for and could not be looked up yet, because links were not resident.
pub(crate) struct Suspended {
    pub(crate) requests: VecDeque<(Position, Target)>,
    /// The node whose links are missing, and which.
    pub(crate) slot: Slot,
    pub(crate) need: Need,
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
    pub(crate) frontier: Frontier,
    pub(crate) state: State,
    /// Whether it stands among those that take turns, or waits to.
    pub(crate) queued: bool,
    /// Whether its exit hooks have run.
    pub(crate) exited: bool,
    pub(crate) need: Need,
    pub(crate) only: Option<Filter>,
    pub(crate) limits: Arc<Limits>,
    pub(crate) profile: Profile,
    /// Messages to shards not yet answered.
    pub(crate) outstanding: u32,
    /// How many entries at the front of the queue have been asked for, or were resident when looked at.
    pub(crate) ahead: usize,
    /// Visits for which the walk still looks ahead, since it last met a node that was not resident.
    pub(crate) cold: u32,
    /// What shards answered and has not been visited: records may be evicted before their turn.
    pub(crate) arrived: FxHashMap<Slot, Found>,
    pub(crate) suspended: Option<Box<Suspended>>,
    /// Records that were not durable when the walk visited them. If one of them is taken back, the walk
    /// has seen what never was.
    pub(crate) unsettled: Vec<SharedRecord>,
    /// The node that an async hook runs at, or the last one; set inside the batch's future. Only walks
    /// that have run one have it.
    pub(crate) current: Option<Arc<AtomicU32>>,
    /// The room of the last batch of async hooks.
    pub(crate) spare: Option<Box<VisitBatch>>,
    /// Visits of a batch that came back before they were made.
    pub(crate) unmade: Vec<Position>,
    /// Whether its async exit hooks are under way.
    pub(crate) exiting: bool,
    pub(crate) stream: Option<mpsc::Sender<Emitted>>,
    /// Whether the walk may come back to a node.
    pub(crate) returns: bool,
    /// Visits by node, where the walk may come back to one and they are counted.
    pub(crate) per_node: Option<Box<FxHashMap<Slot, u64>>>,
    /// The task of an async hook or of a waiting stream.
    pub(crate) task: Option<tokio::task::AbortHandle>,
}

impl Hosted {
    pub(crate) fn position_of(&self, entry: Entry, cost: f64) -> Position {
        Position { slot: entry.slot, from: entry.from, depth: entry.depth, cost }
    }

    /// Puts visits that were not made back at the front of the queue.
    pub(crate) fn give_back_unmade(&mut self) {
        while let Some(Position { slot, from, depth, cost }) = self.unmade.pop() {
            self.frontier.put_back(Entry { slot, from, depth }, cost);
        }
        self.frontier.set_taken(0);
    }

    /// An empty batch for async hooks, with the room of the last one where there was one.
    pub(crate) fn batch(&mut self) -> Box<VisitBatch> {
        let current = self.current.get_or_insert_default();
        self.spare.take().unwrap_or_else(|| VisitBatch::new(&self.table, current))
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

    /// Takes what a shard answered about a slot.
    pub(crate) fn take_arrived(&mut self, slot: Slot) -> Option<Found> {
        if self.arrived.is_empty() { None } else { self.arrived.remove(&slot) }
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
                State::Ending => "durability",
            },
            "queued": self.frontier.len(),
            "profile": self.profile,
            "state": self.walker_state(),
        })
    }

    /// The walker as JSON, where it can be shown. Showing it is its author's code: if that panics,
    /// the walk goes on.
    fn walker_state(&self) -> Option<Value> {
        let walker = self.walker.as_ref()?;
        catch_unwind(AssertUnwindSafe(|| walker.state())).ok().flatten()
    }
}

//! The messages between walkers, shards and the outside.

use std::sync::Arc;

use actix::prelude::*;
use parking_lot::Mutex;
use tokio::sync::{OwnedSemaphorePermit, oneshot};
use tracing::Span;
use wayfare_graph::{Document, Id, Need, SharedRecord, Slot, StoreError, WriteError, WriteResult};

use crate::metrics::{ActorKind, Metrics, Posted};
use crate::resident_figures::ShardFigures;
use crate::walk_actor::WalkActor;

/// Asks a shard for nodes: a batch of a walk's frontier. Answered with [`Records`].
#[derive(Message)]
#[rtype(result = "()")]
pub(crate) struct Visit {
    pub(crate) slots: Vec<Slot>,
    pub(crate) need: Need,
    pub(crate) reply: VisitReply,
    pub(crate) posted: Posted,
    /// What it is asked for.
    pub(crate) span: Option<Span>,
}

impl Visit {
    pub(crate) fn new(
        metrics: &Metrics,
        slots: Vec<Slot>,
        need: Need,
        reply: VisitReply,
        span: Option<Span>,
    ) -> Self {
        Self { slots, need, reply, posted: metrics.posted(ActorKind::Shard), span }
    }
}

/// Where the answer to a [`Visit`] goes.
pub(crate) enum VisitReply {
    Walker(Addr<WalkActor>),
    Caller(oneshot::Sender<Records>),
    /// Nobody visits them yet: it counts neither as a hit nor as a miss.
    WarmUp(oneshot::Sender<Records>),
}

/// What a shard found of a node.
#[derive(Debug, Clone)]
pub(crate) enum Found {
    Record(SharedRecord),
    Missing,
}

/// A shard's answer to [`Visit`].
#[derive(Message)]
#[rtype(result = "()")]
pub(crate) struct Records {
    pub(crate) result: Result<Vec<(Slot, Found)>, Arc<StoreError>>,
    /// Calls to the store that it took.
    pub(crate) store_calls: u32,
}

/// Saves new versions of entities that this shard owns.
#[derive(Message)]
#[rtype(result = "()")]
pub(crate) struct Apply {
    pub(crate) saves: Vec<Save>,
    pub(crate) posted: Posted,
}

/// One new version; the document carries the version it was made of.
pub(crate) struct Save {
    pub(crate) slot: Slot,
    pub(crate) document: Document,
    pub(crate) reply: SaveReply,
    /// The record that was published for it.
    pub(crate) published: Option<SharedRecord>,
    /// What it is done for.
    pub(crate) span: Option<Span>,
}

/// Who is told what became of a save.
pub(crate) enum SaveReply {
    /// The caller of this one. The permit goes back when the outcome is known, whether or not the
    /// caller still waits for it.
    One(oneshot::Sender<Saved>, OwnedSemaphorePermit),
    /// The caller of many, who is woken by the last of them.
    Part { bulk: Arc<Bulk>, at: usize },
}

/// The outcomes of many saves of one caller.
pub(crate) struct Bulk {
    outcomes: Mutex<BulkOutcomes>,
    /// Goes back with the last of them.
    _permits: OwnedSemaphorePermit,
}

struct BulkOutcomes {
    saved: Vec<Option<Saved>>,
    left: usize,
    done: Option<oneshot::Sender<Vec<Option<Saved>>>>,
}

impl Bulk {
    /// Room for `saves` outcomes, of which there is at least one, and where they arrive together.
    pub(crate) fn new(
        saves: usize,
        permits: OwnedSemaphorePermit,
    ) -> (Arc<Self>, oneshot::Receiver<Vec<Option<Saved>>>) {
        let (done, outcomes) = oneshot::channel();
        let room = BulkOutcomes { saved: vec![None; saves], left: saves, done: Some(done) };
        (Arc::new(Self { outcomes: Mutex::new(room), _permits: permits }), outcomes)
    }
}

impl SaveReply {
    /// Tells the outcome; a caller who no longer waits needs none.
    pub(crate) fn send(self, outcome: Saved) {
        match self {
            Self::One(reply, permit) => {
                drop(permit);
                drop(reply.send(outcome));
            }
            Self::Part { bulk, at } => {
                let mut outcomes = bulk.outcomes.lock();
                outcomes.saved[at] = Some(outcome);
                outcomes.left -= 1;
                if outcomes.left == 0
                    && let Some(done) = outcomes.done.take()
                {
                    let _ = done.send(std::mem::take(&mut outcomes.saved));
                }
            }
        }
    }
}

/// What became of a save.
pub(crate) type Saved = Result<WriteResult, Arc<StoreError>>;

/// Drops the resident records of entities that were changed in the store past the shard.
#[derive(Message)]
#[rtype(result = "()")]
pub(crate) struct Evict {
    pub(crate) slots: Vec<Slot>,
}

/// Figures of one shard.
#[derive(Message)]
#[rtype(result = "ShardFigures")]
pub(crate) struct InspectShard;

/// Keeps entities resident; gives those that were not pinned before. All or none of them.
#[derive(Message)]
#[rtype(result = "Result<Vec<Slot>, PinRefusal>")]
pub(crate) struct Pin {
    pub(crate) slots: Vec<Slot>,
}

/// Why entities are not pinned.
#[derive(Debug)]
pub(crate) enum PinRefusal {
    OverBound { bytes: u64, bound: u64 },
    Missing(Slot),
    Store(Arc<StoreError>),
}

/// Lets entities be evicted again.
#[derive(Message)]
#[rtype(result = "()")]
pub(crate) struct Unpin {
    pub(crate) slots: Vec<Slot>,
}

/// The refusal of a save whose version is not the one the shard knows.
pub(crate) fn conflict(id: &Id, document: &Document, found: wayfare_graph::Version) -> WriteError {
    WriteError::Conflict { id: id.clone(), expected: document.version(), found }
}

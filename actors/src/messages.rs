//! The messages between walkers, shards and the outside.

use std::sync::{Arc, Weak};

use actix::prelude::*;
use parking_lot::Mutex;
use tokio::sync::{OwnedSemaphorePermit, oneshot};
use tracing::Span;
use wayfare_graph::{Document, Id, Need, SharedRecord, Slot, StoreError, WriteError, WriteResult};

use crate::core::Core;
use crate::metrics::Posted;
use crate::resident_figures::ShardFigures;
#[cfg(test)]
use crate::simulation::{Bug, is_planted};
use crate::supervision::{ActorKind, send_again};
use crate::walk_actor::WalkActor;

/// Asks a shard for nodes: a batch of a walk's frontier. Answered with [`Records`].
#[derive(Message)]
#[rtype(result = "()")]
pub(crate) struct Visit {
    asked: Option<Asked>,
    core: Weak<Core>,
    shard: usize,
    /// How often a shard has begun to answer.
    attempts: u8,
    /// How often it was lost with a mailbox.
    losses: u8,
    pub(crate) posted: Posted,
    /// What it is asked for.
    pub(crate) span: Option<Span>,
}

struct Asked {
    slots: Vec<Slot>,
    need: Need,
    reply: VisitReply,
}

/// Shards that a question may take with it before it is given up.
const MOST_ATTEMPTS: u8 = 3;

/// Mailboxes with which a message may be lost: more are only lost where the system itself ends.
const MOST_LOSSES: u8 = 100;

impl Visit {
    pub(crate) fn new(
        core: &Core,
        shard: usize,
        slots: Vec<Slot>,
        need: Need,
        reply: VisitReply,
        span: Option<Span>,
    ) -> Self {
        let (asked, posted) = (Some(Asked { slots, need, reply }), core.metrics.posted(ActorKind::Shard));
        Self { asked, core: core.weak(), shard, attempts: 0, losses: 0, posted, span }
    }

    /// The shard that is asked.
    pub(crate) fn shard(&self) -> usize {
        self.shard
    }

    /// Begins to answer: what is asked for.
    pub(crate) fn begin(&mut self) -> (&[Slot], Need) {
        self.attempts += 1;
        match &self.asked {
            Some(asked) => (&asked.slots, asked.need),
            None => (&[], Need::DOCUMENT),
        }
    }

    pub(crate) fn is_warm_up(&self) -> bool {
        matches!(self.asked, Some(Asked { reply: VisitReply::WarmUp(_), .. }))
    }

    pub(crate) fn answer(mut self, records: Records) {
        if let Some(asked) = self.asked.take() {
            asked.reply.send(records);
        }
    }
}

impl Drop for Visit {
    fn drop(&mut self) {
        let Some(asked) = self.asked.take() else { return };
        if self.attempts >= MOST_ATTEMPTS {
            let error = StoreError::Interrupted { part: format!("shard {}", self.shard) };
            return asked.reply.send(Records { result: Err(Arc::new(error)), store_calls: 0 });
        }
        #[cfg(test)]
        if is_planted(Bug::LoseQuestions) {
            return;
        }
        if self.losses >= MOST_LOSSES {
            return;
        }
        send_again(&self.core, self.shard, |core| Self {
            asked: Some(asked),
            core: core.weak(),
            shard: self.shard,
            attempts: self.attempts,
            losses: self.losses + 1,
            posted: core.metrics.posted(ActorKind::Shard),
            span: self.span.take(),
        });
    }
}

/// Where the answer to a [`Visit`] goes.
pub(crate) enum VisitReply {
    Walker(Addr<WalkActor>),
    Caller(oneshot::Sender<Records>),
    /// Nobody visits them yet: it counts neither as a hit nor as a miss.
    WarmUp(oneshot::Sender<Records>),
}

impl VisitReply {
    fn send(self, records: Records) {
        match self {
            Self::Caller(reply) | Self::WarmUp(reply) => drop(reply.send(records)),
            Self::Walker(walker) => {
                // A walker asks no more than its mailbox has places, so this waits only if it was
                // sent control messages by the hundred; a walker that is gone needs no answer.
                if let Err(SendError::Full(records)) = walker.try_send(records) {
                    actix_rt::spawn(async move {
                        let _ = walker.send(records).await;
                    });
                }
            }
        }
    }
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
    saves: Vec<Save>,
    core: Weak<Core>,
    shard: usize,
    losses: u8,
    pub(crate) posted: Posted,
}

impl Apply {
    pub(crate) fn new(core: &Core, shard: usize, saves: Vec<Save>) -> Self {
        Self { saves, core: core.weak(), shard, losses: 0, posted: core.metrics.posted(ActorKind::Shard) }
    }

    /// Takes the saves over: from now on they are lost with the shard.
    pub(crate) fn begin(mut self) -> Vec<Save> {
        std::mem::take(&mut self.saves)
    }
}

impl Drop for Apply {
    fn drop(&mut self) {
        let saves = std::mem::take(&mut self.saves);
        if saves.is_empty() || self.losses >= MOST_LOSSES {
            return;
        }
        send_again(&self.core, self.shard, |core| {
            let mut again = Self::new(core, self.shard, saves);
            again.losses = self.losses + 1;
            again
        });
    }
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

/// Who is told what became of a save. Dropped without that, it tells that nobody knows.
pub(crate) struct SaveReply(Option<Reply>);

enum Reply {
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
    /// Tells the caller of one save.
    pub(crate) fn one(reply: oneshot::Sender<Saved>, permit: OwnedSemaphorePermit) -> Self {
        Self(Some(Reply::One(reply, permit)))
    }

    /// Tells the caller of many saves, of which this is one.
    pub(crate) fn part(bulk: Arc<Bulk>, at: usize) -> Self {
        Self(Some(Reply::Part { bulk, at }))
    }

    /// Tells the outcome; a caller who no longer waits needs none.
    pub(crate) fn send(mut self, outcome: Saved) {
        if let Some(reply) = self.0.take() {
            reply.send(outcome);
        }
    }
}

#[cfg(test)]
impl SaveReply {
    /// Tells the outcome, and keeps the permit for good: a bug that a simulation has to find.
    pub(crate) fn send_and_leak(mut self, outcome: Saved) {
        match self.0.take() {
            Some(Reply::One(reply, permit)) => {
                permit.forget();
                drop(reply.send(outcome));
            }
            Some(reply) => reply.send(outcome),
            None => {}
        }
    }
}

impl Drop for SaveReply {
    fn drop(&mut self) {
        if let Some(reply) = self.0.take() {
            reply.send(Err(Arc::new(StoreError::Interrupted { part: "shard".into() })));
        }
    }
}

impl Reply {
    fn send(self, outcome: Saved) {
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
#[derive(Clone, Message)]
#[rtype(result = "()")]
pub(crate) struct Evict {
    pub(crate) slots: Vec<Slot>,
}

/// Lets a shard that has ended drop what it holds.
#[derive(Message)]
#[rtype(result = "()")]
pub(crate) struct Bury;

/// Figures of one shard.
#[derive(Message)]
#[rtype(result = "ShardFigures")]
pub(crate) struct InspectShard;

/// Keeps entities resident; gives those that were not pinned before. All or none of them.
#[derive(Clone, Message)]
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
#[derive(Clone, Message)]
#[rtype(result = "()")]
pub(crate) struct Unpin {
    pub(crate) slots: Vec<Slot>,
}

/// The refusal of a save whose version is not the one the shard knows.
pub(crate) fn conflict(id: &Id, document: &Document, found: wayfare_graph::Version) -> WriteError {
    WriteError::Conflict { id: id.clone(), expected: document.version(), found }
}

//! What is known of a walk outside the worker that hosts it.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use actix::Addr;
use parking_lot::Mutex;
use serde_json::{Value, json};
use tokio::sync::oneshot;
use wayfare_graph::{Budget, ErasedWalker, Profile, WalkError};

use crate::threads::moment_after;
use crate::walk_actor::{InspectWalk, WalkActor};

/// How long a walk has to answer what it is doing.
const INSPECT_TIMEOUT: Duration = Duration::from_millis(200);

/// A walk that has ended well.
pub struct Finished {
    /// The walker, with its state.
    pub walker: Box<dyn ErasedWalker>,
    /// What it reported.
    pub report: Vec<Value>,
    /// What it cost.
    pub profile: Profile,
}

/// How a walk ended.
pub type Outcome = Result<Box<Finished>, WalkError>;

/// The part of a walk that other threads see.
pub(crate) struct WalkShared {
    pub(crate) id: u64,
    pub(crate) walker: &'static str,
    pub(crate) spawned: Instant,
    /// The wall budget, and the moment at which it is spent.
    pub(crate) wall: Duration,
    pub(crate) deadline: Instant,
    /// Where the walk's control messages go, once it is hosted.
    pub(crate) address: OnceLock<Addr<WalkActor>>,
    /// Which worker hosts it.
    pub(crate) worker: usize,
    cancelled: AtomicBool,
    reply: Mutex<Option<oneshot::Sender<Outcome>>>,
}

impl WalkShared {
    pub(crate) fn new(
        id: u64,
        walker: &'static str,
        wall: Duration,
        worker: usize,
        reply: oneshot::Sender<Outcome>,
    ) -> Self {
        Self {
            id,
            walker,
            spawned: Instant::now(),
            wall,
            deadline: moment_after(wall),
            address: OnceLock::new(),
            worker,
            cancelled: AtomicBool::new(false),
            reply: Mutex::new(Some(reply)),
        }
    }

    /// Tells the caller how the walk ended. Only the first call counts.
    pub(crate) fn end(&self, outcome: Outcome) {
        let reply = self.reply.lock().take();
        if let Some(reply) = reply {
            // A caller who no longer waits has dropped the handle.
            let _ = reply.send(outcome);
        }
    }

    pub(crate) fn cancel(&self) {
        // A flag of its own, no other memory hangs on it; the message that follows wakes the walk.
        self.cancelled.store(true, Ordering::Relaxed);
    }

    pub(crate) fn is_cancelled(&self) -> bool {
        self.cancelled.load(Ordering::Relaxed)
    }

    /// What the walk is doing, `None` when it has ended. On the runtime's own threads only.
    pub(crate) async fn inspect(&self) -> Option<Value> {
        let Some(address) = self.address.get() else {
            let told = json!({"walk": self.id, "walker": self.walker, "waiting_for": "its worker"});
            return Some(told);
        };
        match tokio::time::timeout(INSPECT_TIMEOUT, address.send(InspectWalk)).await {
            Ok(told) => told.ok().flatten(),
            // A hook keeps its thread, so nobody there can answer.
            Err(_) => Some(json!({"walk": self.id, "walker": self.walker, "waiting_for": "its thread"})),
        }
    }

    pub(crate) fn wall_reached(&self) -> WalkError {
        let limit = self.wall.as_millis();
        WalkError::BudgetReached {
            walker: self.walker.into(),
            budget: Budget::WallMs,
            limit: u64::try_from(limit).unwrap_or(u64::MAX),
        }
    }
}

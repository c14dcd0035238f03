//! What is known of a walk outside the worker that hosts it.

use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use actix::Addr;
use parking_lot::Mutex;
use serde_json::{Value, json};
use tokio::sync::oneshot;
use wayfare_graph::{Budget, Id, Outcome, WalkError};

use crate::children::Children;
use crate::metrics::Metrics;
use crate::trace::WalkSpan;
use crate::walk_actor::{Cancel, InspectWalk, LookUp, WalkActor};

/// How long a walk has to answer what it is doing.
const INSPECT_TIMEOUT: Duration = Duration::from_millis(200);

/// What a walk is to look at.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Wake {
    /// That it was cancelled.
    Cancel,
    /// That it was paused or resumed.
    LookUp,
}

/// The number of no worker: of walks between two, and of those that have ended.
const NOWHERE: usize = usize::MAX;

/// The part of a walk that other threads see.
pub(crate) struct WalkShared {
    pub(crate) id: u64,
    pub(crate) walker: &'static str,
    pub(crate) spawned: Instant,
    /// The wall budget.
    pub(crate) wall: Duration,
    /// Microseconds from `spawned` to the moment at which it is spent, as far as the clock of the walk
    /// has run: read at every turn, so without a lock.
    deadline_us: AtomicU64,
    /// Since when the clock of the walk stands still.
    stopped: Mutex<Option<Instant>>,
    /// Where the walk's control messages go, once it is hosted; another place when it is hosted again.
    address: Mutex<Option<Addr<WalkActor>>>,
    /// Which worker hosts it.
    worker: AtomicUsize,
    /// Walks that it has started and that have not ended.
    pub(crate) children: Children,
    /// The walk that has started it.
    parent: Option<Arc<WalkShared>>,
    cancelled: AtomicBool,
    paused: AtomicBool,
    /// Whether its hooks run on threads for blocking work.
    apart: AtomicBool,
    /// Under which it goes on when its worker or this process ends, where it does.
    durable: OnceLock<Box<Id>>,
    reply: Mutex<Option<oneshot::Sender<Outcome>>>,
    metrics: Arc<Metrics>,
    pub(crate) span: WalkSpan,
}

impl WalkShared {
    #[expect(clippy::too_many_arguments, reason = "each is a part of it")]
    pub(crate) fn new(
        id: u64,
        walker: &'static str,
        wall: Duration,
        worker: usize,
        parent: Option<Arc<WalkShared>>,
        reply: oneshot::Sender<Outcome>,
        metrics: Arc<Metrics>,
        span: WalkSpan,
    ) -> Self {
        Self {
            id,
            walker,
            spawned: Instant::now(),
            wall,
            deadline_us: AtomicU64::new(micros(wall)),
            stopped: Mutex::new(None),
            address: Mutex::new(None),
            worker: AtomicUsize::new(worker),
            children: Children::default(),
            parent,
            cancelled: AtomicBool::new(false),
            paused: AtomicBool::new(false),
            apart: AtomicBool::new(false),
            durable: OnceLock::new(),
            reply: Mutex::new(Some(reply)),
            metrics,
            span,
        }
    }

    /// Tells the caller how the walk ended. Only the first call counts.
    pub(crate) fn end(&self, outcome: Outcome) {
        let Some(reply) = self.reply.lock().take() else { return };
        self.metrics.walk_ended(&outcome, self.spawned.elapsed());
        self.span.end(&outcome);
        // Whatever ended it, its children do not outlive it.
        self.children.cancel();
        // A caller who no longer waits has dropped the handle.
        let unheard = reply.send(outcome).err().and_then(Result::err);
        if let Some(parent) = &self.parent {
            parent.children.ended(self.id, unheard);
        }
    }

    /// From now on its hooks run on threads for blocking work. Relaxed, and read so: no memory is read because of it.
    pub(crate) fn goes_apart(&self) {
        self.apart.store(true, Ordering::Relaxed);
    }

    pub(crate) fn is_apart(&self) -> bool {
        self.apart.load(Ordering::Relaxed)
    }

    /// Stops the walk before its next visit; the time until it is resumed does not count.
    pub(crate) fn pause(&self) {
        let mut stopped = self.stopped.lock();
        stopped.get_or_insert_with(Instant::now);
        // As for `cancelled`.
        self.paused.store(true, Ordering::Relaxed);
    }

    /// Lets it go on.
    pub(crate) fn resume(&self) {
        let mut stopped = self.stopped.lock();
        if let Some(since) = stopped.take() {
            self.move_deadline(|deadline| deadline.saturating_add(micros(since.elapsed())));
        }
        self.paused.store(false, Ordering::Relaxed);
    }

    // The deadline is one number, and nothing else is read because of it: relaxed.

    fn move_deadline(&self, to: impl Fn(u64) -> u64) {
        self.deadline_us.store(to(self.deadline_us.load(Ordering::Relaxed)), Ordering::Relaxed);
    }

    /// Whether the wall budget is spent. While the walk is paused it is not.
    #[inline]
    pub(crate) fn is_late(&self, now: Instant) -> bool {
        let late =
            micros(now.saturating_duration_since(self.spawned)) >= self.deadline_us.load(Ordering::Relaxed);
        late && !self.is_paused()
    }

    /// The time that counts against the wall budget so far.
    pub(crate) fn taken(&self) -> Duration {
        let now = self.stopped.lock().unwrap_or_else(Instant::now);
        let left = self
            .deadline_us
            .load(Ordering::Relaxed)
            .saturating_sub(micros(now.saturating_duration_since(self.spawned)));
        self.wall.saturating_sub(Duration::from_micros(left))
    }

    /// Counts time that the walk has taken before it was hosted here.
    pub(crate) fn has_taken(&self, taken: Duration) {
        self.move_deadline(|deadline| deadline.saturating_sub(micros(taken)));
    }

    pub(crate) fn set_durable(&self, id: Id) {
        // Taken up again it keeps its id.
        let _ = self.durable.set(Box::new(id));
    }

    /// The id of a durable walk.
    pub(crate) fn durable_id(&self) -> Option<&Id> {
        self.durable.get().map(|id| &**id)
    }

    pub(crate) fn is_durable(&self) -> bool {
        self.durable.get().is_some()
    }

    #[inline]
    pub(crate) fn is_paused(&self) -> bool {
        self.paused.load(Ordering::Relaxed)
    }

    /// Where its control messages go, once it is hosted.
    pub(crate) fn address(&self) -> Option<Addr<WalkActor>> {
        self.address.lock().clone()
    }

    pub(crate) fn set_address(&self, address: Addr<WalkActor>) {
        *self.address.lock() = Some(address);
    }

    /// The number of the worker that hosts it, or is to.
    #[inline]
    pub(crate) fn worker(&self) -> usize {
        self.worker.load(Ordering::SeqCst)
    }

    /// Whether no worker has it, while it is decided what becomes of it.
    pub(crate) fn is_nowhere(&self) -> bool {
        self.worker() == NOWHERE
    }

    /// Gives a walk that is nowhere to a worker.
    pub(crate) fn move_to(&self, worker: usize) {
        self.worker.store(worker, Ordering::SeqCst);
        self.children.reopen();
    }

    /// Passes it from one worker to another, as it is; `false` where it is not that worker's any more: then somebody
    /// has decided what becomes of it.
    pub(crate) fn pass(&self, from: usize, to: usize) -> bool {
        // In one order with what says that a worker is lost: see `lost`.
        self.worker.compare_exchange(from, to, Ordering::SeqCst, Ordering::SeqCst).is_ok()
    }

    /// Takes it from a worker to decide what becomes of it. Of all who would, one may: where it is `false` somebody
    /// else has done so, or another worker hosts it.
    pub(crate) fn take_from(&self, worker: usize) -> bool {
        self.pass(worker, NOWHERE)
    }

    /// Makes it look at its flags soon; one that runs does so by itself.
    pub(crate) fn wake(&self, message: Wake) {
        let Some(address) = self.address() else { return };
        // A full mailbox means that the walk is about to run.
        match message {
            Wake::Cancel => drop(address.try_send(Cancel)),
            Wake::LookUp => drop(address.try_send(LookUp)),
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
        let is_nowhere = self.is_nowhere();
        let waiting_for = match self.address().filter(|_| !is_nowhere) {
            Some(address) => match tokio::time::timeout(INSPECT_TIMEOUT, address.send(InspectWalk)).await {
                Ok(Ok(told)) => return told,
                // It is on its way to another worker.
                Ok(Err(_)) => "its worker",
                // A hook keeps its thread, so nobody there can answer.
                Err(_) => "its thread",
            },
            // What becomes of a durable walk that has failed is stored before it goes on.
            None if is_nowhere && self.is_durable() => "its store",
            None => "its worker",
        };
        let is_alive = self.reply.lock().is_some();
        is_alive.then(|| json!({"walk": self.id, "walker": self.walker, "waiting_for": waiting_for}))
    }

    pub(crate) fn wall_reached(&self) -> WalkError {
        let limit = self.wall.as_millis();
        WalkError::BudgetReached {
            walker: self.walker.into(),
            budget: Budget::WallMs,
            limit: u64::try_from(limit).unwrap_or(u64::MAX),
            reached: u64::try_from(self.taken().as_millis()).unwrap_or(u64::MAX),
        }
    }
}

/// Whole microseconds, as many as fit.
fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}

//! A worker: a thread that hosts walks.
//!
//! - Owns: the engine with the walks it hosts.
//! - Accepts: `Host` (a walk), `GiveWalks`, `Adopt` (a walk that another worker has begun).
//! - Sends: `Adopt` to other workers; its walks ask shards.
//! - Dies when: the runtime stops or has enough workers, its engine panics, or a hook keeps or ends its thread.

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use actix::prelude::*;
use actix_rt::ArbiterHandle;
use tokio::sync::mpsc;
use wayfare_graph::{ErasedWalker, Slot, WalkOptions};

use crate::core::Core;
use crate::durable::Restored;
use crate::engine::{Engine, within};
use crate::hosted::{Emitted, Hosted};
use crate::metrics::Posted;
use crate::room::Room;
use crate::supervision::ActorEnd;
use crate::walk_shared::WalkShared;

/// How often a worker looks for walks whose time is up while they wait.
const DEADLINE_CHECK: Duration = Duration::from_millis(20);

/// A worker as others see it.
#[derive(Clone)]
pub(crate) struct WorkerRef {
    pub(crate) number: usize,
    pub(crate) address: Addr<WorkerActor>,
    /// The places in its mailbox.
    pub(crate) room: Room,
    pub(crate) vitals: Arc<Vitals>,
    /// Its thread, for visits that run beside their walk.
    pub(crate) thread: ArbiterHandle,
}

impl WorkerRef {
    /// Sends a walk there, if it has a place in the mailbox or one is free.
    #[expect(clippy::result_large_err, reason = "the walk goes back to who sends it, as actix gives it back")]
    pub(crate) fn try_send(&self, mut host: Host) -> Result<(), SendError<Host>> {
        if !host.posted.has_place() {
            host.posted.at(self.room.place());
        }
        if !host.posted.has_place() {
            return Err(SendError::Full(host));
        }
        self.address.try_send(host)
    }
}

/// Signs of life of a worker, read by the supervisor.
pub(crate) struct Vitals {
    pub(crate) number: usize,
    started: Instant,
    /// The walk whose hooks run now, 0 for none.
    current: AtomicU64,
    /// Microseconds from `started` to the last turn.
    last_turn_us: AtomicU64,
    /// Set when no further walks come here: a hook kept the thread too long, there are to be fewer workers, or this one
    /// has ended.
    pub(crate) retired: AtomicBool,
    /// Walks that are here, or on their way.
    pub(crate) walks: AtomicUsize,
    /// Walks that can go on.
    pub(crate) ready: AtomicUsize,
    /// Visits that run here beside their walk, and walks that are no longer hosted and have not quite ended.
    pub(crate) beside: AtomicUsize,
    /// Why the engine ended, if it did.
    end: OnceLock<ActorEnd>,
    /// Set before what becomes of its walks is decided.
    lost: AtomicBool,
}

impl Vitals {
    pub(crate) fn new(number: usize) -> Self {
        Self {
            number,
            started: Instant::now(),
            current: AtomicU64::new(0),
            last_turn_us: AtomicU64::new(0),
            retired: AtomicBool::new(false),
            walks: AtomicUsize::new(0),
            ready: AtomicUsize::new(0),
            beside: AtomicUsize::new(0),
            end: OnceLock::new(),
            lost: AtomicBool::new(false),
        }
    }

    /// Says that the engine has ended, and why.
    pub(crate) fn has_failed(&self, end: ActorEnd) {
        let _ = self.end.set(end);
    }

    pub(crate) fn end(&self) -> Option<&ActorEnd> {
        self.end.get()
    }

    /// Counts a walk that is to come here, before it is on its way; `false` where none may come any more.
    pub(crate) fn expect_walk(&self) -> bool {
        // Counted, then looked at; a retired worker is marked, then its walks are counted before its thread is stopped.
        // In one order of all, one of the two sees the other.
        self.walks.fetch_add(1, Ordering::SeqCst);
        if self.retired.load(Ordering::SeqCst) {
            self.walks.fetch_sub(1, Ordering::SeqCst);
            return false;
        }
        true
    }

    /// Says that no walk that comes here is hosted any more.
    pub(crate) fn mark_lost(&self) {
        // In one order with the moves of walks: see `lost`.
        self.lost.store(true, Ordering::SeqCst);
    }

    pub(crate) fn is_lost(&self) -> bool {
        self.lost.load(Ordering::SeqCst)
    }

    // All orderings from here on are relaxed: the values are signs for a watcher that looks again and
    // again, and no other memory is read because of them.

    pub(crate) fn beat(&self) {
        let now = u64::try_from(self.started.elapsed().as_micros()).unwrap_or(u64::MAX);
        self.last_turn_us.store(now, Ordering::Relaxed);
    }

    #[inline]
    pub(crate) fn enter(&self, walk: u64) {
        self.current.store(walk, Ordering::Relaxed);
    }

    #[inline]
    pub(crate) fn leave(&self) {
        self.current.store(0, Ordering::Relaxed);
    }

    /// The walk that has kept the thread for longer than `bound`, if one has.
    pub(crate) fn keeps_thread(&self, bound: Duration) -> Option<u64> {
        let turn = Duration::from_micros(self.last_turn_us.load(Ordering::Relaxed));
        let walk = self.current.load(Ordering::Relaxed);
        (walk != 0 && self.started.elapsed().saturating_sub(turn) > bound).then_some(walk)
    }
}

/// Work on a worker's thread that is no walk, for which the worker has to be kept. Begun before the walk it belongs to
/// is no longer counted, and dropped when it is done.
pub(crate) struct Beside(Arc<Vitals>);

impl Beside {
    pub(crate) fn begin(vitals: &Arc<Vitals>) -> Self {
        // Before the count of walks goes down, which is read first.
        vitals.beside.fetch_add(1, Ordering::SeqCst);
        Self(Arc::clone(vitals))
    }
}

impl Drop for Beside {
    fn drop(&mut self) {
        self.0.beside.fetch_sub(1, Ordering::SeqCst);
    }
}

/// The actor.
pub(crate) struct WorkerActor {
    engine: Rc<RefCell<Engine>>,
    mailbox: usize,
}

impl WorkerActor {
    /// Made on the worker's own thread.
    pub(crate) fn new(core: Arc<Core>, vitals: Arc<Vitals>) -> Self {
        let mailbox = core.settings.worker_mailbox;
        Self { engine: Engine::start(core, vitals), mailbox }
    }
}

impl Actor for WorkerActor {
    type Context = Context<Self>;

    fn started(&mut self, cx: &mut Context<Self>) {
        cx.set_mailbox_capacity(self.mailbox);
        cx.run_interval(DEADLINE_CHECK, |worker, _| {
            within(&Rc::downgrade(&worker.engine), Engine::check_deadlines);
        });
    }
}

/// A walk to host.
#[derive(Message)]
#[rtype(result = "()")]
pub(crate) struct Host {
    pub(crate) walker: Box<dyn ErasedWalker>,
    pub(crate) start: Slot,
    pub(crate) options: WalkOptions,
    pub(crate) shared: Arc<WalkShared>,
    pub(crate) stream: Option<mpsc::Sender<Emitted>>,
    /// Where a durable walk goes on.
    pub(crate) restored: Option<Restored>,
    pub(crate) posted: Posted,
}

impl Handler<Host> for WorkerActor {
    type Result = ();

    fn handle(&mut self, mut host: Host, _: &mut Context<Self>) {
        host.posted.taken();
        within(&Rc::downgrade(&self.engine), |engine| engine.host(host));
    }
}

/// Gives walks that can go on to another worker.
#[derive(Message)]
#[rtype(result = "()")]
pub(crate) struct GiveWalks {
    pub(crate) to: WorkerRef,
    /// At most so many.
    pub(crate) count: usize,
}

impl Handler<GiveWalks> for WorkerActor {
    type Result = ();

    fn handle(&mut self, give: GiveWalks, _: &mut Context<Self>) {
        within(&Rc::downgrade(&self.engine), |engine| engine.give(&give.to, give.count));
    }
}

/// A walk that another worker has hosted until now.
#[derive(Message)]
#[rtype(result = "()")]
pub(crate) struct Adopt(pub(crate) Box<Hosted>);

impl Handler<Adopt> for WorkerActor {
    type Result = ();

    fn handle(&mut self, adopt: Adopt, _: &mut Context<Self>) {
        within(&Rc::downgrade(&self.engine), |engine| engine.adopt(adopt.0));
    }
}

//! A worker: a thread that hosts walks.
//!
//! - Owns: the engine with the walks it hosts.
//! - Accepts: `Host` (a walk).
//! - Sends: nothing itself; its walks ask shards.
//! - Dies when: the runtime stops, or it is replaced because a hook keeps its thread.

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use actix::prelude::*;
use actix_rt::ArbiterHandle;
use tokio::sync::mpsc;
use wayfare_graph::{ErasedWalker, Limits, Slot, WalkOptions};

use crate::core::Core;
use crate::durable::Restored;
use crate::engine::Engine;
use crate::hosted::Emitted;
use crate::metrics::Posted;
use crate::walk_shared::WalkShared;

/// How often a worker looks for walks whose time is up while they wait.
const DEADLINE_CHECK: Duration = Duration::from_millis(20);

/// A worker as others see it.
#[derive(Clone)]
pub(crate) struct WorkerRef {
    pub(crate) number: usize,
    pub(crate) address: Addr<WorkerActor>,
    pub(crate) vitals: Arc<Vitals>,
    /// Its thread, for visits that run beside their walk.
    pub(crate) thread: ArbiterHandle,
}

/// Signs of life of a worker, read by the supervisor.
pub(crate) struct Vitals {
    pub(crate) number: usize,
    started: Instant,
    /// The walk whose hooks run now, 0 for none.
    current: AtomicU64,
    /// Microseconds from `started` to the last turn.
    last_turn_us: AtomicU64,
    /// Set when a hook kept the thread too long: no further walks come here.
    pub(crate) stalled: AtomicBool,
    limits: Arc<Limits>,
}

impl Vitals {
    pub(crate) fn new(number: usize, limits: Arc<Limits>) -> Self {
        Self {
            number,
            started: Instant::now(),
            current: AtomicU64::new(0),
            last_turn_us: AtomicU64::new(0),
            stalled: AtomicBool::new(false),
            limits,
        }
    }

    // All orderings here are relaxed: the values are signs for a watcher that looks again and
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

    pub(crate) fn default_limits(&self) -> Arc<Limits> {
        Arc::clone(&self.limits)
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
        cx.run_interval(DEADLINE_CHECK, |worker, _| worker.engine.borrow_mut().check_deadlines());
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
        self.engine.borrow_mut().host(host);
    }
}

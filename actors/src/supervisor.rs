//! The supervisor: the worker pool and the directory of walks.
//!
//! - Owns: the threads of workers and shards, the writer actor, and what to do when one is lost.
//! - Accepts: `Spawn`, `CancelWalk`, `PauseWalk`, `InspectWalks`, `Stop`.
//! - Sends: `Host` to workers, control messages to walks.
//! - Dies when: the runtime stops, after it has drained walks and writes.

use std::panic::catch_unwind;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use actix::prelude::*;
use actix_rt::Arbiter;
use serde_json::Value;
use wayfare_graph::{Id, WalkError, WalkerType};

use crate::core::Core;
use crate::metrics::ActorKind;
use crate::panic_text::panic_text;
use crate::spawn::{SpawnHow, Spawned, spawn_walk};
use crate::threads::{Join, join_until, moment_after};
use crate::walk_shared::Wake;
use crate::worker::{Vitals, WorkerActor, WorkerRef};
use crate::writer::{Close, WriterActor};

/// How often the supervisor looks after its workers.
const WATCH: Duration = Duration::from_millis(25);

/// The actor.
pub(crate) struct Supervisor {
    pub(crate) core: Arc<Core>,
    pub(crate) writer: Addr<WriterActor>,
    pub(crate) shard_arbiters: Vec<Arbiter>,
    pub(crate) worker_arbiters: Vec<Arbiter>,
    /// All workers there ever were, those among them whose thread a hook keeps.
    pub(crate) workers: Vec<WorkerRef>,
}

impl Actor for Supervisor {
    type Context = Context<Self>;

    fn started(&mut self, cx: &mut Context<Self>) {
        cx.run_interval(WATCH, |supervisor, _| supervisor.watch());
    }
}

impl Supervisor {
    pub(crate) fn add_worker(&mut self) {
        let arbiter = Arbiter::new();
        let number = self.worker_arbiters.len();
        let vitals = Arc::new(Vitals::new(number, Arc::new(self.core.settings.limits.clone())));
        let (core, own) = (Arc::clone(&self.core), Arc::clone(&vitals));
        let address = WorkerActor::start_in_arbiter(&arbiter.handle(), move |_| WorkerActor::new(core, own));
        let mut workers = self.core.workers.write();
        let worker = WorkerRef { number, address, vitals, thread: arbiter.handle() };
        workers.push(worker.clone());
        self.workers.push(worker);
        self.worker_arbiters.push(arbiter);
    }

    /// Ends walks whose time is up while a hook keeps their thread, and replaces that worker.
    ///
    /// A thread cannot be taken from a hook. Its walk is told to have ended, and the thread is left to
    /// come back or not; other walks there go on when it does, or end by their own deadlines.
    fn watch(&mut self) {
        // Retired ones too: the walks they host still have their deadlines.
        for worker in self.workers.clone() {
            let stalled = worker.vitals.stalled.load(Ordering::Relaxed);
            if let Some(walk) = worker.vitals.keeps_thread(self.core.settings.stall)
                && !stalled
            {
                tracing::warn!(worker = worker.number, walk, "a hook keeps its thread; adding a worker");
                self.retire(&worker);
            }
            if worker.vitals.keeps_thread(WATCH).is_some() {
                self.end_overdue(&worker);
            }
        }
    }

    /// Walks of a kept thread cannot look at their own deadlines.
    fn end_overdue(&mut self, worker: &WorkerRef) {
        let now = Instant::now();
        let overdue: Vec<_> = self
            .core
            .walks
            .iter()
            .filter(|walk| walk.worker() == worker.number && (walk.is_late(now) || walk.is_cancelled()))
            .map(|walk| Arc::clone(walk.value()))
            .collect();
        if overdue.is_empty() {
            return;
        }
        // Before their callers hear of it, so that what these spawn next goes to another worker.
        self.retire(worker);
        for walk in overdue {
            self.core.walks.remove(&walk.id);
            walk.end(Err(if walk.is_cancelled() {
                WalkError::Cancelled { walker: walk.walker.into() }
            } else {
                walk.wall_reached()
            }));
        }
    }

    /// Sends no more walks to a worker and starts another in its place.
    fn retire(&mut self, worker: &WorkerRef) {
        if worker.vitals.stalled.swap(true, Ordering::Relaxed) {
            return;
        }
        self.core.metrics.restarted(ActorKind::Worker);
        // The new one first: there is never none.
        self.add_worker();
        self.core.workers.write().retain(|other| other.number != worker.number);
    }
}

/// Spawns a walker by name.
///
/// Send it to the supervisor, or use [`Runtime::spawn_message`](crate::RuntimeHandle::spawn_message).
#[derive(Debug, Clone, Message)]
#[rtype(result = "Result<Spawned, WalkError>")]
pub struct Spawn {
    /// The name of a registered walker.
    pub walker: String,
    /// The walker's fields.
    pub args: Value,
    /// The node to start at.
    pub at: Id,
    /// The same key never starts a second walk on this store, also after a crash.
    pub key: Option<String>,
}

impl Handler<Spawn> for Supervisor {
    type Result = ResponseFuture<Result<Spawned, WalkError>>;

    fn handle(&mut self, spawn: Spawn, _: &mut Context<Self>) -> Self::Result {
        let core = Arc::clone(&self.core);
        Box::pin(async move {
            let walker = make_walker(&spawn)?;
            let how = SpawnHow { key: spawn.key, ..SpawnHow::default() };
            spawn_walk(&core, walker, spawn.at, how).await
        })
    }
}

fn make_walker(spawn: &Spawn) -> Result<Box<dyn wayfare_graph::ErasedWalker>, WalkError> {
    let known = WalkerType::find(&spawn.walker).and_then(|walker| (walker.make)());
    let make = known.ok_or_else(|| {
        let names = WalkerType::names();
        let nearest = names.iter().max_by(|a, b| {
            let closeness = |name: &str| strsim::jaro_winkler(name, &spawn.walker);
            closeness(a).total_cmp(&closeness(b))
        });
        let nearest = nearest.filter(|name| strsim::jaro_winkler(name, &spawn.walker) > 0.7);
        WalkError::UnknownWalker { name: spawn.walker.clone(), nearest: nearest.map(ToString::to_string) }
    })?;
    // What makes a walker is its author's code, and this thread is everybody's.
    let made = catch_unwind(|| make(spawn.args.clone()));
    made.unwrap_or_else(|panic| Err(format!("it panicked while it was made: {}", panic_text(&*panic))))
        .map_err(|reason| WalkError::BadArguments { walker: spawn.walker.clone(), reason })
}

/// Cancels a walk by number; `false` when there is none.
#[derive(Message)]
#[rtype(result = "bool")]
pub(crate) struct CancelWalk(pub(crate) u64);

impl Handler<CancelWalk> for Supervisor {
    type Result = bool;

    fn handle(&mut self, cancel: CancelWalk, _: &mut Context<Self>) -> bool {
        let Some(walk) = self.core.walks.get(&cancel.0).map(|walk| Arc::clone(walk.value())) else {
            return false;
        };
        walk.cancel();
        walk.wake(Wake::Cancel);
        true
    }
}

/// Pauses or resumes a walk by number; `false` when there is none.
#[derive(Message)]
#[rtype(result = "bool")]
pub(crate) struct PauseWalk {
    pub(crate) walk: u64,
    pub(crate) paused: bool,
}

impl Handler<PauseWalk> for Supervisor {
    type Result = bool;

    fn handle(&mut self, pause: PauseWalk, _: &mut Context<Self>) -> bool {
        self.core.set_paused(pause.walk, pause.paused)
    }
}

/// What all walks are doing.
#[derive(Message)]
#[rtype(result = "Vec<Value>")]
pub(crate) struct InspectWalks;

impl Handler<InspectWalks> for Supervisor {
    type Result = ResponseFuture<Vec<Value>>;

    fn handle(&mut self, _: InspectWalks, _: &mut Context<Self>) -> Self::Result {
        let walks: Vec<_> = self.core.walks.iter().map(|walk| Arc::clone(walk.value())).collect();
        Box::pin(async move {
            let told = futures_util::future::join_all(walks.iter().map(|walk| walk.inspect())).await;
            told.into_iter().flatten().collect()
        })
    }
}

/// Drains and stops the runtime.
#[derive(Message)]
#[rtype(result = "()")]
pub(crate) struct Stop;

impl Handler<Stop> for Supervisor {
    type Result = ResponseActFuture<Self, ()>;

    fn handle(&mut self, _: Stop, _: &mut Context<Self>) -> Self::Result {
        let core = Arc::clone(&self.core);
        let writer = self.writer.clone();
        let drain = async move {
            core.closed.store(true, Ordering::Release);
            let until = moment_after(core.settings.drain_timeout);
            // Durable walks go on in the next process.
            while core.walks.iter().any(|walk| !walk.is_durable() && !walk.is_paused())
                && Instant::now() < until
            {
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
            for walk in &core.walks {
                walk.end(Err(WalkError::Stopped));
            }
            // What was published is on its way to the writer, which drains its channel before it ends.
            let until = until.max(Instant::now() + WATCH);
            let left = until.saturating_duration_since(Instant::now());
            // Every permit is back when every write has been answered.
            let all = u32::try_from(core.settings.write_queue).unwrap_or(u32::MAX);
            let written = tokio::time::timeout(left, core.write_permits.acquire_many(all)).await.is_ok();
            core.write_permits.close();
            let thread = writer.send(Close).await.ok().flatten();
            drop(core);
            (thread, written, until)
        };
        Box::pin(drain.into_actor(self).map(|(writer, settled, until), supervisor, cx| {
            let workers = std::mem::take(&mut supervisor.worker_arbiters);
            let shards = std::mem::take(&mut supervisor.shard_arbiters);
            for thread in workers.iter().chain(&shards) {
                thread.stop();
            }
            // When the runtime is said to have stopped, nothing holds the store any more, but for a
            // thread that a hook or a call to the store does not give back.
            let free = supervisor.workers.iter().zip(workers);
            let free = free.filter(|(worker, _)| worker.vitals.keeps_thread(WATCH).is_none());
            let mut ending: Vec<Join> = Vec::new();
            ending.extend(free.map(|(_, thread)| Box::new(move || drop(thread.join())) as Join));
            if settled {
                ending.extend(shards.into_iter().map(|thread| Box::new(move || drop(thread.join())) as Join));
                ending.extend(writer.map(|thread| Box::new(move || drop(thread.join())) as Join));
            }
            join_until(ending, until);
            cx.stop();
            System::current().stop();
        }))
    }
}

//! The supervisor: the worker pool, the shards, and the directory of walks.
//!
//! - Owns: the threads of workers and shards, the writer actor, and what to do when one is lost.
//! - Accepts: `Spawn`, `Scale`, `Reconfigure`, `CancelWalk`, `PauseWalk`, `InspectWalks`, `Stop`.
//! - Sends: `Host` and `GiveWalks` to workers, control messages to walks.
//! - Dies when: the runtime stops, after it has drained walks and writes.

mod pool;
mod reconfigure;
mod shards;
mod stop;

use std::panic::catch_unwind;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use actix::prelude::*;
use actix_rt::Arbiter;
use rustc_hash::FxHashMap;
use serde_json::Value;
use wayfare_graph::{Id, WalkError, WalkerType};

pub(crate) use self::reconfigure::Reconfigure;
use self::shards::ShardHome;
#[cfg(test)]
pub(crate) use self::shards::settle_lost;
pub(crate) use self::stop::Stop;
use crate::admission::{Admittance, has_reserve};
use crate::core::Core;
use crate::panic_text::panic_text;
use crate::spawn::{SpawnHow, Spawned, spawn_walk};
use crate::system::StartError;
use crate::walk_shared::Wake;
use crate::worker::WorkerRef;
use crate::writer::WriterActor;

pub use self::pool::Scale;

/// How often the supervisor looks after its actors.
const WATCH: Duration = Duration::from_millis(25);

/// Of so many looks after its actors one is at the memory of the machine as well.
const MEMORY_LOOKS: u32 = 4;

/// The actor.
pub(crate) struct Supervisor {
    core: Arc<Core>,
    writer: Addr<WriterActor>,
    shards: Vec<ShardHome>,
    /// All workers whose threads are there, also those that get no walks any more.
    workers: Vec<WorkerRef>,
    worker_threads: FxHashMap<usize, Arbiter>,
    /// What waits for the threads of workers that are gone to end.
    ending: Vec<JoinHandle<()>>,
    next_worker: usize,
    /// How many workers there are to be.
    wanted: usize,
    /// Workers that will be started after a pause.
    promised: usize,
    is_stopping: bool,
    /// The number of the last change of settings.
    last_change: u64,
    /// Looks after its actors so far.
    looks: u32,
}

impl Supervisor {
    /// Starts shards and workers.
    pub(crate) fn new(core: &Arc<Core>, writer: Addr<WriterActor>) -> Result<Self, StartError> {
        let mut supervisor = Self {
            core: Arc::clone(core),
            writer,
            shards: Vec::new(),
            workers: Vec::new(),
            worker_threads: FxHashMap::default(),
            ending: Vec::new(),
            next_worker: 0,
            wanted: core.settings.workers,
            promised: 0,
            is_stopping: false,
            last_change: 0,
            looks: 0,
        };
        for index in 0..core.settings.shards {
            supervisor.shards.push(ShardHome::new(core, index)?);
        }
        // Before the supervisor is started, so that the first walk finds them.
        for _ in 0..supervisor.wanted {
            supervisor.add_worker()?;
        }
        Ok(supervisor)
    }

    /// Looks after everything that may have ended.
    fn watch(&mut self, cx: &mut Context<Self>) {
        if self.core.shards.is_closed() {
            return;
        }
        // While it drains, writes need their shards, and walks their workers.
        self.watch_shards(cx);
        self.watch_workers(cx);
        if self.is_stopping {
            return;
        }
        self.balance();
        self.looks = self.looks.wrapping_add(1);
        if self.looks.is_multiple_of(MEMORY_LOOKS) {
            let is_short = !has_reserve(self.core.settings.admission.reserve);
            self.core.walks.gate.set_memory(is_short);
        }
        if self.core.supervision.wants_stop() {
            cx.notify(Stop);
        }
    }
}

impl Actor for Supervisor {
    type Context = Context<Self>;

    fn started(&mut self, cx: &mut Context<Self>) {
        cx.run_interval(WATCH, Self::watch);
        // And as soon as something has ended.
        let core = Arc::clone(&self.core);
        let news = futures_util::stream::unfold(core, async |core| {
            core.supervision.news.notified().await;
            Some(((), core))
        });
        cx.spawn(
            actix::fut::wrap_stream::<_, Self>(news).map(|(), supervisor, cx| supervisor.watch(cx)).finish(),
        );
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
    /// As what it asks to be admitted where there is much to do.
    pub admittance: Admittance,
}

impl Handler<Spawn> for Supervisor {
    type Result = ResponseFuture<Result<Spawned, WalkError>>;

    fn handle(&mut self, spawn: Spawn, _: &mut Context<Self>) -> Self::Result {
        let core = Arc::clone(&self.core);
        Box::pin(async move {
            let walker = make_walker(&spawn)?;
            let how = SpawnHow { key: spawn.key, admittance: spawn.admittance, ..SpawnHow::default() };
            spawn_walk(&core, walker, spawn.at, how, None).await
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
        let Some(walk) = self.core.walks.get(cancel.0) else {
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
        let walks = self.core.walks.all(|_| true);
        Box::pin(async move {
            let told = futures_util::future::join_all(walks.iter().map(|walk| walk.inspect())).await;
            told.into_iter().flatten().collect()
        })
    }
}

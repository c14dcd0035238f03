//! One life of a simulated runtime: the actors as they are, all on one thread, with their tasks held back.

use std::sync::{Arc, Weak};
use std::time::Duration;

use actix::{Actor, AsyncContext, Context};
use actix_rt::Arbiter;
use wayfare_graph::{KeySource, Limits, ManualClock, Random};

use super::clients::OPERATIONS;
use super::scheduler::Scheduler;
use super::store::SimulatedStore;
use crate::cache::{CacheParts, LayeredCache, MemoryBound};
use crate::core::Core;
use crate::room::Room;
use crate::settings::Settings;
use crate::shard::{ShardActor, ShardParts};
use crate::supervision::{ActorKind, RestartPolicy, SupervisionSettings};
use crate::supervisor::settle_lost;
use crate::worker::{Vitals, WorkerActor, WorkerRef};
use crate::writer::{WriterSettings, writing_task};

/// How a simulated runtime is made.
#[derive(Debug, Clone)]
pub(super) struct Config {
    pub(super) shards: usize,
    pub(super) workers: usize,
    pub(super) nodes: u64,
    pub(super) is_local: bool,
    pub(super) max_writers: usize,
    pub(super) batch_size: usize,
    pub(super) visit_batch: usize,
    pub(super) flush_interval: Duration,
    pub(super) resident_bytes: u64,
    /// Whether calls to the store fail at times.
    pub(super) has_faults: bool,
    /// Whether shards panic at times.
    pub(super) has_panics: bool,
    /// Whether the process is killed at times.
    pub(super) is_killed: bool,
    /// The sort of thing that is let on later than others; see [`Held::sort`](super::scheduler::Held::sort).
    pub(super) slow: usize,
    /// Whether nothing is changed.
    pub(super) only_reads: bool,
    /// Of 100 choices, how many begin an operation.
    pub(super) begun: u64,
    /// How often each sort of operation is begun beside the others.
    pub(super) weights: [u64; OPERATIONS],
}

/// What may be slow: the answers of the store most often, since what they tell grows old; beyond 8 it is nothing.
const SLOW: [usize; 14] = [2, 2, 2, 3, 1, 0, 4, 5, 6, 7, 8, 9, 9, 9];

/// How often each sort of operation is begun where all are.
const WEIGHTS: [u64; OPERATIONS] = [20, 8, 10, 10, 9, 8, 3, 18, 6, 3, 3, 5];

/// The same where nothing is changed.
const READS: [u64; OPERATIONS] = [0, 0, 1, 1, 0, 0, 0, 12, 0, 3, 2, 1];

impl Config {
    /// The config of a seed.
    pub(super) fn of(random: &mut Random) -> Self {
        let shards = 1 << random.below(2);
        let only_reads = random.below(12) == 0;
        Self {
            shards,
            workers: 1 + random.below(2) as usize,
            nodes: 2 + random.below(6),
            is_local: random.below(3) == 0,
            max_writers: [1, 1, 3][random.below(3) as usize],
            batch_size: [1, 2, 1_000, 1_000][random.below(4) as usize],
            visit_batch: [1, 1_024][random.below(2) as usize],
            flush_interval: Duration::from_millis([0, 0, 0, 4][random.below(4) as usize]),
            // Of three records or so, or of all.
            resident_bytes: [700, 1_200, 1 << 20][random.below(3) as usize] * shards as u64,
            has_faults: random.below(3) == 0,
            has_panics: random.below(4) == 0,
            is_killed: random.below(3) == 0,
            begun: 15 + random.below(30),
            // Leaving some out lets others meet more often (Groce et al., "Swarm testing", ISSTA 2012).
            weights: match only_reads {
                true => READS,
                false => WEIGHTS.map(|weight| if random.below(3) == 0 { 0 } else { weight }),
            },
            slow: SLOW[random.below(SLOW.len() as u64) as usize],
            only_reads,
        }
    }

    fn settings(&self) -> Settings {
        Settings {
            workers: self.workers,
            shards: self.shards,
            visit_batch: self.visit_batch,
            batch_size: self.batch_size,
            flush_interval: self.flush_interval,
            write_queue: 64,
            resident_bytes: self.resident_bytes,
            limits: Limits { wall: Duration::from_secs(1 << 30), ..Limits::default() },
            resume_walks: false,
            supervision: SupervisionSettings {
                shards: RestartPolicy {
                    restarts: u32::MAX,
                    backoff: Duration::ZERO,
                    max_backoff: Duration::ZERO,
                    ..RestartPolicy::default()
                },
                ..SupervisionSettings::default()
            },
            ..Settings::default()
        }
    }
}

/// Starts the actors on the present thread.
pub(super) fn start(config: &Config, store: SimulatedStore, scheduler: &Arc<Scheduler>) -> Arc<Core> {
    let clock = Arc::new(ManualClock::new(1));
    let cache = LayeredCache::new(CacheParts {
        memory: Some(MemoryBound::Entries(1)),
        remote: None,
        value_bytes: 1,
        clock: Arc::clone(&clock) as _,
    });
    let store = Arc::new(store);
    let core = Core::new(config.settings(), store, KeySource::new(clock, 1), cache.unwrap());
    let _ = core.runtime.set(tokio::runtime::Handle::current());
    let settings = WriterSettings {
        batch_size: config.batch_size,
        flush_interval: config.flush_interval,
        queue: core.settings.write_queue,
        metrics: Arc::clone(&core.metrics),
    };
    let (writing, writer) = writing_task(Arc::clone(&core.store), settings);
    tokio::task::spawn_local(scheduler.gated("writer", writing));
    let _ = core.writer.set(writer);
    for index in 0..config.shards {
        start_shard(&core, scheduler, index);
    }
    tokio::task::spawn_local(supervise(Arc::downgrade(&core), Arc::clone(scheduler)));
    for number in 0..config.workers {
        let vitals = Arc::new(Vitals::new(number));
        let address = WorkerActor::new(Arc::clone(&core), Arc::clone(&vitals)).start();
        let (room, thread) = (Room::of(16), Arbiter::current());
        core.workers.write().push(WorkerRef { number, address, room, vitals, thread });
    }
    core
}

fn start_shard(core: &Arc<Core>, scheduler: &Arc<Scheduler>, index: usize) {
    let parts = ShardParts::of(core, index).unwrap();
    let context = Context::new();
    core.shards.seat(index, context.address());
    let actor = context.into_future(ShardActor::new(parts));
    tokio::task::spawn_local(scheduler.gated("mailbox of a shard", actor));
}

/// Does what the supervisor does about shards that end.
async fn supervise(core: Weak<Core>, scheduler: Arc<Scheduler>) {
    while let Some(core) = core.upgrade() {
        core.supervision.news.notified().await;
        for (index, end) in core.shards.take_ended() {
            core.supervision.ended(ActorKind::Shard, index, end);
            core.slabs[index].clear();
            let (core, scheduler) = (Arc::clone(&core), Arc::clone(&scheduler));
            tokio::task::spawn_local(async move {
                settle_lost(&core, index).await;
                start_shard(&core, &scheduler, index);
            });
        }
    }
}

//! What all parts of a soak share, and one stint of it.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed, Ordering::SeqCst};
use std::sync::{Arc, Mutex};
use std::time::Instant;

use wayfare::{Error, Graph, Random, Runtime, Spawning, StoreError, WalkError, Walker};
use wayfare_testkit::Redis;

use super::fault::{Fault, FaultCounts};
use super::ledger::{Account, Fate, Ledger, fate};
use super::store::Mischief;
use super::watch::Watch;

/// Keys of cached results whose source is a number of ours.
pub(crate) const SOURCES: usize = 16;

/// Troubles that are kept; the first are those that matter.
const TROUBLES: usize = 20;

/// What was done, in numbers.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    /// Spawns that were begun, and those among them that gave a walk.
    pub(crate) spawns: AtomicU64,
    pub(crate) spawned: AtomicU64,
    /// Walks that were taken up by call.
    pub(crate) retried: AtomicU64,
    pub(crate) ended_well: AtomicU64,
    pub(crate) ended_badly: AtomicU64,
    pub(crate) cancelled: AtomicU64,
    pub(crate) overloaded: AtomicU64,
    /// Visits of walks that ended well.
    pub(crate) visits: AtomicU64,
    pub(crate) acknowledged: AtomicU64,
    pub(crate) unknown: AtomicU64,
    pub(crate) refused: AtomicU64,
    pub(crate) queries: AtomicU64,
    pub(crate) lookups: AtomicU64,
    pub(crate) pilgrims: AtomicU64,
}

/// Counts one more; nothing hangs on the order of counts.
pub(crate) fn one_more(count: &AtomicU64) {
    count.fetch_add(1, Relaxed);
}

/// A number that cached results are computed from.
#[derive(Debug, Default)]
pub(crate) struct Source {
    pub(crate) now: AtomicU64,
    /// What it was when the last invalidation was over.
    pub(crate) told: AtomicU64,
}

/// What all parts of a soak share, over all runtimes.
pub(crate) struct Scene {
    pub(crate) seed: u64,
    pub(crate) begun: Instant,
    pub(crate) ledger: Arc<Ledger>,
    pub(crate) mischief: Arc<Mischief>,
    pub(crate) tally: Tally,
    pub(crate) sources: [Source; SOURCES],
    pub(crate) watch: Arc<Watch>,
    pub(crate) redis: Option<Redis>,
    /// Kinds of faults that are still to come for the first time, the last one first.
    pub(crate) due: Mutex<Vec<Fault>>,
    next_key: AtomicU64,
    troubles: Mutex<Vec<String>>,
}

impl Scene {
    pub(crate) fn new(seed: u64, watch: Arc<Watch>, redis: Option<Redis>) -> Self {
        let mut due: Vec<Fault> = Fault::ALL.map(|(fault, _)| fault).into();
        // These come by other ways: the life's end, the clients.
        due.retain(|fault| {
            !matches!(fault, Fault::StoreFull | Fault::FutureDropped | Fault::WalkParked)
                && (redis.is_some() || !fault.is_of_redis())
        });
        let mut random = Random::stream(seed, u64::MAX - 1);
        for at in (1..due.len()).rev() {
            due.swap(at, random.below(at as u64 + 1) as usize);
        }
        Self {
            seed,
            begun: Instant::now(),
            ledger: Arc::new(Ledger::new()),
            mischief: Arc::default(),
            tally: Tally::default(),
            sources: Default::default(),
            watch,
            redis,
            due: Mutex::new(due),
            next_key: AtomicU64::new(0),
            troubles: Mutex::default(),
        }
    }

    pub(crate) fn faults(&self) -> &FaultCounts {
        &self.mischief.counts
    }

    /// A key that no walk has had.
    pub(crate) fn new_key(&self, what: &str) -> String {
        format!("{what}-{}", self.next_key.fetch_add(1, Relaxed))
    }

    /// Notes that something is not as it has to be.
    pub(crate) fn trouble(&self, what: String) {
        eprintln!("soak: after {:.1} s: {what}", self.begun.elapsed().as_secs_f64());
        let mut troubles = self.troubles.lock().unwrap();
        if troubles.len() < TROUBLES {
            troubles.push(what);
        }
    }

    pub(crate) fn troubles(&self) -> Vec<String> {
        self.troubles.lock().unwrap().clone()
    }

    /// Notes the outcome of a write, in its account if it has one.
    pub(crate) fn note_write<T>(&self, account: Option<&Account>, outcome: Result<&T, &Error>) {
        match outcome.map_err(fate) {
            Ok(_) => {
                one_more(&self.tally.acknowledged);
                account.inspect(|account| account.acknowledged());
            }
            Err(fate) => {
                one_more(if fate == Fate::Refused { &self.tally.refused } else { &self.tally.unknown });
                account.inspect(|account| account.failed(fate));
            }
        }
    }
}

/// A while of load on one runtime.
pub(crate) struct Stint {
    pub(crate) scene: Arc<Scene>,
    pub(crate) runtime: Runtime,
    pub(crate) number: u64,
    is_over: AtomicBool,
}

impl Stint {
    pub(crate) fn new(scene: Arc<Scene>, runtime: Runtime, number: u64) -> Self {
        Self { scene, runtime, number, is_over: AtomicBool::new(false) }
    }

    /// Whether clients are to come to an end.
    pub(crate) fn is_over(&self) -> bool {
        self.is_over.load(SeqCst)
    }

    pub(crate) fn end(&self) {
        self.is_over.store(true, SeqCst);
    }

    pub(crate) fn graph(&self) -> Graph {
        self.runtime.graph()
    }

    pub(crate) fn tally(&self) -> &Tally {
        &self.scene.tally
    }

    /// Notes trouble unless an error is one of those that the faults explain.
    pub(crate) fn bear(&self, what: &str, error: &Error) {
        let is_explained = match error {
            Error::Store(error) => self.explains(error),
            Error::Walk(error) => return self.bear_walk(what, error),
            Error::Contended { .. } => true,
            _ => false,
        };
        if !is_explained {
            self.scene.trouble(format!("{what}: {error}"));
        }
    }

    pub(crate) fn bear_walk(&self, what: &str, error: &WalkError) {
        let is_explained = match error {
            WalkError::Store(error) => self.explains(error),
            WalkError::Overloaded { memory_is_short, .. } => {
                one_more(&self.tally().overloaded);
                !memory_is_short
            }
            WalkError::WorkerLost { .. } | WalkError::Retracted { .. } | WalkError::Contended { .. } => true,
            _ => false,
        };
        if !is_explained {
            self.scene.trouble(format!("{what}: {error}"));
        }
    }

    fn explains(&self, error: &StoreError) -> bool {
        match error {
            StoreError::Unreachable { .. } | StoreError::Refused { .. } | StoreError::Interrupted { .. } => {
                true
            }
            StoreError::Io { .. } | StoreError::Damaged { .. } => error.to_string().contains("soak"),
            StoreError::OutOfSpace { .. } | StoreError::Poisoned { .. } => {
                self.scene.mischief.is_full.load(SeqCst)
            }
            _ => false,
        }
    }

    /// Spawns a walk and waits for its end.
    pub(crate) async fn walk<W: Walker>(&self, spawning: Spawning<W>) -> Result<W, Error> {
        one_more(&self.tally().spawns);
        let walk = spawning.await?;
        one_more(&self.tally().spawned);
        let ended = walk.finish().await;
        self.note_end(ended.is_ok(), walk.profile().visits);
        Ok(ended?)
    }

    pub(crate) fn note_end(&self, well: bool, visits: u64) {
        one_more(if well { &self.tally().ended_well } else { &self.tally().ended_badly });
        self.tally().visits.fetch_add(visits, Relaxed);
    }
}

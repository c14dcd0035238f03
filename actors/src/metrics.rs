//! Figures of one runtime: counted where things happen, gathered when somebody asks.
//!
//! They belong to the runtime and not to the process, because several runtimes may live in one. Nothing is sent and nothing
//! is locked to gather them, so they can be had while actors are stuck, which is when they are wanted most.

mod gather;
mod histogram;
mod mailbox;
pub(crate) mod pulse;
mod snapshot;
mod table;

use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use wayfare_graph::{Outcome, WalkError, WriteError, WriteResult};

use self::histogram::{Bounds, Histogram};
pub(crate) use self::mailbox::{Mailbox, Posted};
pub(crate) use self::pulse::Pulse;
pub use self::snapshot::{Bucket, Distribution, MetricFamily, MetricSample, MetricValue, MetricsSnapshot};
use self::table::{ACTORS, SLOW, STORE_CALLS, WALK_OUTCOMES, WALK_STATES, WRITE_OUTCOMES};
pub use self::table::{MetricKind, MetricLabel, MetricSpec, metrics_table};
use crate::hosted::State;
use crate::live::LiveObserve;
use crate::settings::ObserveSettings;
use crate::supervision::ActorKind;
use crate::worker::Vitals;

/// Calls to the store that are counted by kind, in the order of the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum StoreCall {
    GetMany,
    Load,
    Find,
    Count,
    Distinct,
    Scan,
    Apply,
    Other,
}

impl StoreCall {
    /// As the table names it.
    pub(crate) fn name(self) -> &'static str {
        STORE_CALLS[self as usize]
    }
}

/// What was slow, in the order of the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Slow {
    Hook,
    Query,
    Commit,
}

/// How many states walks are counted in.
pub(crate) const STATES: usize = WALK_STATES.len();

/// A number for each value of a label. All orderings are relaxed, here and wherever figures are counted: each number stands
/// for itself, and nothing else is read because of it.
type Counters<const N: usize> = [AtomicU64; N];

/// The figures that are not counted anywhere else.
pub(crate) struct Metrics {
    /// As at the start; what may change since then is in `live`.
    pub(crate) settings: ObserveSettings,
    pub(crate) live: LiveObserve,
    /// The coarse clock by which slow hooks are found.
    pub(crate) pulse: Pulse,
    started: Instant,
    walks: [AtomicI64; STATES],
    walks_started: AtomicU64,
    walks_ended: Counters<{ WALK_OUTCOMES.len() }>,
    walk_seconds: Histogram,
    dead_letters: AtomicU64,
    visits: AtomicU64,
    hook_seconds: Histogram,
    batch_seconds: Histogram,
    mailboxes: [Arc<Mailbox>; ACTORS.len()],
    store_seconds: [Histogram; STORE_CALLS.len()],
    store_errors: Counters<{ STORE_CALLS.len() }>,
    commit_seconds: Histogram,
    commit_writes: Histogram,
    writes: Counters<{ WRITE_OUTCOMES.len() }>,
    flush_lag: Histogram,
    conflicts: AtomicU64,
    poisoned: AtomicBool,
    writing: AtomicBool,
    /// Workers there ever were, those among them that take no more walks because a hook keeps their thread.
    vitals: Mutex<Vec<Weak<Vitals>>>,
    slow: Counters<{ SLOW.len() }>,
}

impl Metrics {
    /// `cache` is the mailbox of the cache actor, which lives outside of the runtime.
    pub(crate) fn new(settings: ObserveSettings, cache: Arc<Mailbox>) -> Arc<Self> {
        let mut mailboxes: [Arc<Mailbox>; ACTORS.len()] = Default::default();
        mailboxes[ActorKind::Cache as usize] = cache;
        Arc::new(Self {
            pulse: Pulse::new(settings.slow_hook),
            live: LiveObserve::new(&settings),
            started: Instant::now(),
            walks: Default::default(),
            walks_started: AtomicU64::new(0),
            walks_ended: Default::default(),
            walk_seconds: Histogram::new(Bounds::TIME),
            dead_letters: AtomicU64::new(0),
            visits: AtomicU64::new(0),
            hook_seconds: Histogram::new(Bounds::HOOK),
            batch_seconds: Histogram::new(Bounds::TIME),
            mailboxes,
            store_seconds: std::array::from_fn(|_| Histogram::new(Bounds::TIME)),
            store_errors: Default::default(),
            commit_seconds: Histogram::new(Bounds::TIME),
            commit_writes: Histogram::new(Bounds::WRITES),
            writes: Default::default(),
            flush_lag: Histogram::new(Bounds::TIME),
            conflicts: AtomicU64::new(0),
            poisoned: AtomicBool::new(false),
            writing: AtomicBool::new(false),
            vitals: Mutex::default(),
            slow: Default::default(),
            settings,
        })
    }

    /// A message for an actor, from now on; it is told when the actor takes it.
    pub(crate) fn posted(&self, to: ActorKind) -> Posted {
        match self.settings.metrics {
            true => Posted::to(&self.mailboxes[to as usize]),
            false => Posted::uncounted(),
        }
    }

    pub(crate) fn walk_started(&self) {
        self.walks_started.fetch_add(1, Relaxed);
    }

    pub(crate) fn walk_ended(&self, outcome: &Outcome, taken: Duration) {
        let how = match outcome {
            Ok(_) => 0,
            Err(WalkError::Cancelled { .. }) => 2,
            Err(WalkError::BudgetReached { .. }) => 3,
            Err(WalkError::Stopped) => 4,
            Err(_) => 1,
        };
        self.walks_ended[how].fetch_add(1, Relaxed);
        self.walk_seconds.time(taken);
    }

    /// How an outcome is called in the table.
    pub(crate) fn outcome_name(outcome: &Outcome) -> &'static str {
        match outcome {
            Ok(_) => "finished",
            Err(WalkError::Cancelled { .. }) => "cancelled",
            Err(WalkError::BudgetReached { .. }) => "over_budget",
            Err(WalkError::Stopped) => "stopped",
            Err(_) => "failed",
        }
    }

    /// Takes over what an engine has counted.
    pub(crate) fn turned(&self, visits: u64, moved: &[i64; STATES]) {
        self.visits.fetch_add(visits, Relaxed);
        for (walks, by) in self.walks.iter().zip(moved).filter(|(_, by)| **by != 0) {
            walks.fetch_add(*by, Relaxed);
        }
    }

    /// Counts the time of some hooks, of which each took about as long as given.
    pub(crate) fn hooks_took(&self, each: Duration, times: u64) {
        self.hook_seconds.add(u64::try_from(each.as_nanos()).unwrap_or(u64::MAX), times);
    }

    pub(crate) fn batch_took(&self, time: Duration) {
        self.batch_seconds.time(time);
    }

    /// A durable walk was parked.
    pub(crate) fn parked(&self) {
        self.dead_letters.fetch_add(1, Relaxed);
    }

    /// A call to the store has ended.
    pub(crate) fn stored(&self, call: StoreCall, time: Duration, failed: bool) {
        self.store_seconds[call as usize].time(time);
        if failed {
            self.store_errors[call as usize].fetch_add(1, Relaxed);
        }
    }

    /// A commit has ended.
    pub(crate) fn committed(&self, writes: u64, time: Duration, results: Option<&[Vec<WriteResult>]>) {
        self.commit_seconds.time(time);
        self.commit_writes.add(writes, 1);
        let Some(results) = results else {
            self.writes[3].fetch_add(writes, Relaxed);
            return;
        };
        let mut outcomes = [0; WRITE_OUTCOMES.len()];
        for result in results.iter().flatten() {
            outcomes[match result {
                Ok(_) => 0,
                Err(WriteError::Conflict { .. }) => 1,
                Err(_) => 2,
            }] += 1;
        }
        for (writes, outcome) in self.writes.iter().zip(outcomes).filter(|(_, outcome)| *outcome > 0) {
            writes.fetch_add(outcome, Relaxed);
        }
        self.conflicts.fetch_add(outcomes[1], Relaxed);
    }

    /// What was handed to the writer is durable or refused.
    pub(crate) fn flushed(&self, lag: Duration) {
        self.flush_lag.time(lag);
    }

    /// Later writes are refused because a commit has failed.
    pub(crate) fn set_poisoned(&self) {
        self.poisoned.store(true, Relaxed);
    }

    pub(crate) fn is_poisoned(&self) -> bool {
        self.poisoned.load(Relaxed)
    }

    /// Whether the writer's thread runs.
    pub(crate) fn set_writing(&self, writing: bool) {
        self.writing.store(writing, Relaxed);
    }

    pub(crate) fn is_writing(&self) -> bool {
        self.writing.load(Relaxed)
    }

    /// A worker was started: it is watched until it is gone.
    pub(crate) fn watch(&self, vitals: &Arc<Vitals>) {
        let mut watched = self.vitals.lock();
        watched.retain(|vitals| vitals.strong_count() > 0);
        watched.push(Arc::downgrade(vitals));
    }

    /// Workers whose thread a hook has kept for longer than a time.
    fn stalled(&self, stall: Duration) -> usize {
        let watched = self.vitals.lock();
        let vitals = watched.iter().filter_map(Weak::upgrade);
        vitals.filter(|vitals| vitals.keeps_thread(stall).is_some()).count()
    }

    pub(crate) fn slow(&self, what: Slow) {
        self.slow[what as usize].fetch_add(1, Relaxed);
    }
}

/// Where a state stands in the table.
pub(crate) fn place_of(state: State) -> usize {
    match state {
        State::Ready => 0,
        State::Loading => 1,
        State::Hooking => 2,
        State::Emitting => 3,
        State::Writing => 4,
        State::Paused => 5,
        State::Joining => 6,
        State::Ending => 7,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn metrics() -> Arc<Metrics> {
        Metrics::new(ObserveSettings::default(), Arc::default())
    }

    #[test]
    fn a_failed_commit_counts_all_its_writes_as_failed_and_a_conflict_as_one() {
        let metrics = metrics();
        let id = wayfare_graph::Id::root();
        let conflict =
            WriteError::Conflict { id: id.clone(), expected: Default::default(), found: Default::default() };
        let refused = WriteError::NotFound { id };
        metrics.committed(2, Duration::from_millis(1), Some(&[vec![Err(conflict)], vec![Err(refused)]]));
        metrics.committed(3, Duration::from_millis(1), None);
        let counts: Vec<u64> = metrics.writes.iter().map(|count| count.load(Relaxed)).collect();
        assert_eq!(counts, [0, 1, 1, 3]);
        assert_eq!(metrics.conflicts.load(Relaxed), 1);
    }
}

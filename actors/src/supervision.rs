//! What happens when an actor ends by itself: how soon it is started again, and when that is given up.
//!
//! Each kind of actor has an intensity, as supervisors in Erlang have (Armstrong, "Making reliable distributed systems in
//! the presence of software errors", 2003): so many restarts within so long, with pauses that double. Beyond that the
//! runtime gives up what it cannot promise any more, and keeps what it can.

mod intensity;
mod seats;

use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant, SystemTime};

use parking_lot::Mutex;
use tokio::sync::Notify;

use self::intensity::Intensity;
pub(crate) use self::seats::{Seats, send_again};

/// What sort of actor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ActorKind {
    /// The owner of a part of the resident entities.
    Shard,
    /// The way to the store.
    Writer,
    /// The remote tier of the cache of results.
    Cache,
    /// A thread that hosts walks.
    Worker,
}

impl ActorKind {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Shard, Self::Writer, Self::Cache, Self::Worker];

    /// Its name, as settings, metrics and messages have it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Shard => "shard",
            Self::Writer => "writer",
            Self::Cache => "cache",
            Self::Worker => "worker",
        }
    }

    fn at(self) -> usize {
        self as usize
    }
}

impl fmt::Display for ActorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Why an actor ended, though nobody had asked it to.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ActorEnd {
    /// It panicked, or what it called did: a store, or a type's own code.
    #[error("it panicked: {message}")]
    Panicked {
        /// What the panic said.
        message: String,
    },
    /// Its thread ended, as when a hook stops the arbiter on which it runs.
    #[error("its thread ended")]
    ThreadEnded,
    /// Its thread could not be started.
    #[error("its thread does not start: {reason}")]
    NotStarted {
        /// What the system says.
        reason: String,
    },
}

/// One link in the chain of causes by which a runtime was degraded.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Cause {
    /// When it happened.
    pub at: SystemTime,
    /// What ended.
    pub actor: ActorKind,
    /// Which of its kind, counted from 0.
    pub number: usize,
    /// Why.
    pub end: ActorEnd,
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}: {}", self.actor, self.number, self.end)
    }
}

/// A runtime that has given up something, and why.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{kind} actors ended {} times within {} ms: {}", causes.len(), within.as_millis(), listed(causes))]
#[non_exhaustive]
pub struct Degraded {
    /// Which actors ended too often.
    pub kind: ActorKind,
    /// Within how long.
    pub within: Duration,
    /// What happened, the oldest first.
    pub causes: Vec<Cause>,
}

fn listed(causes: &[Cause]) -> String {
    let causes: Vec<String> = causes.iter().map(ToString::to_string).collect();
    causes.join("; ")
}

/// How often actors of one kind are started again, and how soon.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RestartPolicy {
    /// Restarts within `within`, beyond which the runtime is degraded.
    pub restarts: u32,
    /// The time over which they are counted.
    pub within: Duration,
    /// The pause before the first of them; it doubles with each.
    pub backoff: Duration,
    /// The longest pause.
    pub max_backoff: Duration,
}

impl Default for RestartPolicy {
    fn default() -> Self {
        Self {
            restarts: 5,
            within: Duration::from_secs(60),
            backoff: Duration::from_millis(10),
            max_backoff: Duration::from_secs(5),
        }
    }
}

/// What a runtime does when actors end more often than they may.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum OnExceeded {
    /// It refuses writes and goes on reading.
    #[default]
    ReadOnly,
    /// It drains and stops.
    Stop,
}

/// The policies of all kinds of actors.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SupervisionSettings {
    /// Of shards.
    pub shards: RestartPolicy,
    /// Of the writer.
    pub writer: RestartPolicy,
    /// Of the cache actor.
    pub cache: RestartPolicy,
    /// Of workers.
    pub workers: RestartPolicy,
    /// What comes then.
    pub on_exceeded: OnExceeded,
}

/// The supervision of one runtime, as its threads share it.
pub(crate) struct Supervision {
    kinds: [Mutex<Intensity>; ActorKind::ALL.len()],
    restarts: [AtomicU64; ActorKind::ALL.len()],
    on_exceeded: OnExceeded,
    degraded: OnceLock<Arc<Degraded>>,
    stop_wanted: AtomicBool,
    /// Woken when an actor has ended, or the runtime is to stop.
    pub(crate) news: Notify,
}

impl Supervision {
    pub(crate) fn new(settings: &SupervisionSettings) -> Self {
        let SupervisionSettings { shards, writer, cache, workers, on_exceeded } = settings;
        Self {
            kinds: [shards, writer, cache, workers].map(|policy| Mutex::new(Intensity::new(policy.clone()))),
            restarts: Default::default(),
            on_exceeded: *on_exceeded,
            degraded: OnceLock::new(),
            stop_wanted: AtomicBool::new(false),
            news: Notify::new(),
        }
    }

    /// Takes note of an actor that has ended; how long to wait before another takes its place.
    ///
    /// Where that has happened too often the runtime is degraded, and the pause is the longest there is: what is still
    /// promised needs its actors.
    pub(crate) fn ended(&self, actor: ActorKind, number: usize, end: ActorEnd) -> Duration {
        let cause = Cause { at: SystemTime::now(), actor, number, end };
        tracing::error!(%actor, number, end = %cause.end, "an actor ended");
        let (pause, degraded) = self.kinds[actor.at()].lock().ended(Instant::now(), cause);
        if let Some(degraded) = degraded {
            self.degrade(degraded);
        }
        // Release pairs with the Acquire in `restarts`: who sees the last restart sees what came of it.
        self.restarts[actor.at()].fetch_add(1, Ordering::Release);
        pause
    }

    /// Counts an actor that was replaced though it has not ended: a hook keeps its thread, which is no fault of its own.
    pub(crate) fn replaced(&self, actor: ActorKind) {
        // Relaxed: a count, from which nothing follows.
        self.restarts[actor.at()].fetch_add(1, Ordering::Relaxed);
    }

    fn degrade(&self, degraded: Degraded) {
        if self.degraded.get().is_some() {
            return;
        }
        tracing::error!(%degraded, on_exceeded = ?self.on_exceeded, "the runtime is degraded");
        let _ = self.degraded.set(Arc::new(degraded));
        if self.on_exceeded == OnExceeded::Stop {
            // The supervisor looks after it is woken.
            self.stop_wanted.store(true, Ordering::SeqCst);
        }
        self.news.notify_one();
    }

    /// Why the runtime is degraded, if it is.
    pub(crate) fn degraded(&self) -> Option<&Arc<Degraded>> {
        self.degraded.get()
    }

    /// Whether the runtime is to stop by itself.
    pub(crate) fn wants_stop(&self) -> bool {
        self.stop_wanted.load(Ordering::SeqCst)
    }

    /// How often actors of a kind were started again.
    pub(crate) fn restarts(&self, kind: ActorKind) -> u64 {
        // As in `ended`.
        self.restarts[kind.at()].load(Ordering::Acquire)
    }
}

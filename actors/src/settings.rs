//! What the runtime is started with.

use std::time::Duration;

use wayfare_graph::{EntityName, Limits};

use crate::admission::AdmissionSettings;
use crate::supervision::SupervisionSettings;

/// Sizes and bounds of a runtime; the root package fills them from `config.toml`.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Threads that run hooks; at least 1.
    pub workers: usize,
    /// Visits a worker does before it lets messages through.
    pub turn_visits: usize,
    /// Places in a worker's mailbox.
    pub worker_mailbox: usize,
    /// Threads for hooks that block; at least 1.
    pub blocking_threads: usize,
    /// Whether a walk whose hook was slow goes on on one of these.
    pub move_slow_walks: bool,
    /// Walks alive at once.
    pub max_walks: usize,
    /// Partitions of the resident entities; a power of two.
    pub shards: usize,
    /// Places in a shard's mailbox.
    pub shard_mailbox: usize,
    /// Nodes that one message asks a shard for.
    pub visit_batch: usize,
    /// Writes in one commit.
    pub batch_size: usize,
    /// How long a write waits for company.
    pub flush_interval: Duration,
    /// Writes under way at once; further ones wait.
    pub write_queue: usize,
    /// Memory for resident entities, over all shards.
    pub resident_bytes: u64,
    /// Entities whose nodes are loaded at the start, until half of that memory is used.
    pub warm: Vec<EntityName>,
    /// Budgets of walks that set none.
    pub limits: Limits,
    /// Values waiting in the stream of one walk.
    pub emit_buffer: usize,
    /// Events kept for a subscriber that has not taken them yet.
    pub event_buffer: usize,
    /// Attempts of a durable walk at one node before it is parked.
    pub durable_attempts: u32,
    /// Whether durable walks that a process left behind go on at the start.
    pub resume_walks: bool,
    /// How long a stop waits for walks and writes.
    pub drain_timeout: Duration,
    /// How further walks wait, and how long.
    pub admission: AdmissionSettings,
    /// How often actors are started again.
    pub supervision: SupervisionSettings,
    /// A hook that runs longer without giving back its thread is reported as stalled.
    pub stall: Duration,
    /// What is measured and told.
    pub observe: ObserveSettings,
}

/// What is measured and told.
#[derive(Debug, Clone)]
pub struct ObserveSettings {
    /// Whether mailboxes, hooks and calls to the store are timed. What costs nothing is counted in any case.
    pub metrics: bool,
    /// A hook that takes as long is told; zero for none.
    pub slow_hook: Duration,
    /// A query that takes as long is told; zero for none.
    pub slow_query: Duration,
    /// A commit that takes as long is told; zero for none.
    pub slow_commit: Duration,
    /// The part of walks that are traced, from 0 to 1.
    pub sample: f64,
}

impl ObserveSettings {
    /// Whether nothing is to be observed. A runtime that is started so does not look at the calls to its store later either.
    #[must_use]
    pub fn is_off(&self) -> bool {
        let slow = [self.slow_hook, self.slow_query, self.slow_commit];
        !self.metrics && slow.iter().all(Duration::is_zero) && self.sample <= 0.0
    }
}

impl Default for ObserveSettings {
    fn default() -> Self {
        Self {
            metrics: true,
            slow_hook: Duration::from_millis(100),
            slow_query: Duration::from_millis(500),
            slow_commit: Duration::from_millis(1_000),
            sample: 1.0,
        }
    }
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            workers: 2,
            turn_visits: 256,
            worker_mailbox: 1_024,
            blocking_threads: 64,
            move_slow_walks: false,
            max_walks: 100_000,
            shards: 2,
            shard_mailbox: 1_024,
            visit_batch: 1_024,
            batch_size: 1_000,
            flush_interval: Duration::ZERO,
            write_queue: 4_096,
            resident_bytes: 1 << 30,
            warm: Vec::new(),
            limits: Limits::default(),
            emit_buffer: 1_024,
            event_buffer: 1_024,
            durable_attempts: 3,
            resume_walks: true,
            drain_timeout: Duration::from_secs(30),
            admission: AdmissionSettings::default(),
            supervision: SupervisionSettings::default(),
            stall: Duration::from_secs(10),
            observe: ObserveSettings::default(),
        }
    }
}

//! Gathering the figures of a runtime, from wherever they are counted.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use wayfare_graph::{Circuit, PoolFigures};

use super::snapshot::{MetricSample, MetricValue, MetricsSnapshot};
use super::table::Metric;
use super::{Counters, Metrics};
use crate::cache::CacheFigures;
use crate::core::Core;
use crate::slab::Tally;
use crate::supervision::ActorKind;

impl Core {
    /// All figures at this moment. Takes microseconds and waits for nobody.
    pub(crate) fn metrics_snapshot(&self) -> MetricsSnapshot {
        let mut told = MetricsSnapshot::new();
        let version = Some(("version", env!("CARGO_PKG_VERSION").to_owned()));
        told.add(Metric::Info, vec![MetricSample { label: version, value: MetricValue::Number(1.0) }]);
        told.one(Metric::Uptime, self.metrics.started.elapsed().as_secs_f64());
        told.one(Metric::Draining, flag(self.is_closed()));
        self.tell_walks(&mut told);
        let restarts = ActorKind::ALL.map(|kind| number(self.supervision.restarts(kind)));
        self.metrics.tell_actors(&mut told, self.worker_counts(), restarts);
        let by_shards = self.slabs.iter().map(|slab| slab.tally.conflicts()).sum::<u64>();
        self.metrics.tell_store(&mut told, self.writes_under_way(), by_shards);
        self.tell_memory(&mut told);
        tell_cache(&mut told, &self.cache.figures());
        tell_pool(&mut told, self.store.pool());
        told.each(Metric::Slow, counts(&self.metrics.slow));
        told
    }

    fn tell_walks(&self, told: &mut MetricsSnapshot) {
        let metrics = &self.metrics;
        // What a worker has counted out and another not yet in may be below nothing for a moment.
        told.each(Metric::Walks, metrics.walks.iter().map(|walks| signed(walks.load(Relaxed))));
        told.one(Metric::WalksAlive, size(self.walks.len()));
        told.one(Metric::WalksMax, size(self.live.max_walks()));
        told.one(Metric::WalksStarted, count(&metrics.walks_started));
        told.each(Metric::WalksEnded, counts(&metrics.walks_ended));
        told.distribution(Metric::WalkSeconds, metrics.walk_seconds.told());
        told.one(Metric::DeadLetters, count(&metrics.dead_letters));
        let gate = self.walks.gate.figures();
        let at_once = gate.admitted.saturating_sub(gate.waited);
        told.each(Metric::Admissions, [at_once, gate.waited, gate.overloaded].map(number));
        told.one(Metric::AdmissionQueue, number(gate.waiting));
        told.one(Metric::MemoryShort, flag(gate.memory_is_short));
        told.one(Metric::ReadOnly, flag(self.supervision.degraded().is_some()));
        told.one(Metric::Visits, count(&metrics.visits));
        told.distribution(Metric::HookSeconds, metrics.hook_seconds.told());
        told.distribution(Metric::BatchSeconds, metrics.batch_seconds.told());
    }

    /// Workers that take walks, and those whose thread a hook keeps.
    pub(crate) fn worker_counts(&self) -> (usize, usize) {
        let workers = self.workers.read();
        let stall = self.live.stall();
        // One that is stalled is replaced, and is not among the others any more, soon after.
        let working = workers.iter().filter(|worker| worker.vitals.keeps_thread(stall).is_none()).count();
        (working, self.metrics.stalled(stall))
    }

    fn writes_under_way(&self) -> usize {
        self.settings.write_queue.saturating_sub(self.write_permits.available_permits())
    }

    fn tell_memory(&self, told: &mut MetricsSnapshot) {
        let sum = |of: fn(&Tally) -> u64| self.slabs.iter().map(|slab| of(&slab.tally)).sum::<u64>();
        told.one(Metric::ResidentBytes, number(sum(Tally::bytes)));
        told.one(Metric::ResidentHeld, number(sum(Tally::held)));
        told.one(Metric::ResidentBound, number(self.settings.resident_bytes));
        told.one(Metric::ResidentRecords, number(sum(Tally::records)));
        told.one(Metric::ReadAheadSlowed, number(self.read_ahead.slowed()));
        let cache = self.cache.figures();
        let memory = cache.memory.as_ref().map_or((0, 0), |memory| (memory.hits, memory.misses));
        let remote = cache.remote.as_ref().map_or((0, 0), |remote| (remote.hits, remote.misses));
        told.each(Metric::CacheHits, [sum(Tally::hits), memory.0, remote.0].map(number));
        told.each(Metric::CacheMisses, [sum(Tally::misses), memory.1, remote.1].map(number));
    }
}

impl Metrics {
    fn tell_actors(
        &self,
        told: &mut MetricsSnapshot,
        (working, stalled): (usize, usize),
        restarts: [f64; ActorKind::ALL.len()],
    ) {
        told.each(Metric::Workers, [working, stalled].map(size));
        told.each(Metric::Restarts, restarts);
        told.each(Metric::MailboxDepth, self.mailboxes.iter().map(|mailbox| signed(mailbox.depth())));
        told.distributions(Metric::MailboxWait, self.mailboxes.iter().map(|mailbox| mailbox.wait()));
    }

    fn tell_store(&self, told: &mut MetricsSnapshot, under_way: usize, conflicts: u64) {
        told.distributions(Metric::StoreSeconds, self.store_seconds.iter().map(|time| time.told()));
        told.each(Metric::StoreErrors, counts(&self.store_errors));
        told.distribution(Metric::CommitSeconds, self.commit_seconds.told());
        told.distribution(Metric::CommitWrites, self.commit_writes.told());
        told.each(Metric::Writes, counts(&self.writes));
        told.one(Metric::WritesUnderWay, size(under_way));
        told.distribution(Metric::FlushLag, self.flush_lag.told());
        told.one(Metric::Conflicts, count(&self.conflicts) + number(conflicts));
        told.one(Metric::WriterPoisoned, flag(self.is_poisoned()));
    }
}

fn tell_cache(told: &mut MetricsSnapshot, cache: &CacheFigures) {
    let memory = cache.memory.as_ref();
    let remote = cache.remote.as_ref();
    told.one(Metric::CacheBytes, number(memory.and_then(|memory| memory.bytes).unwrap_or(0)));
    told.one(Metric::CacheEntries, number(memory.map_or(0, |memory| memory.entries)));
    told.one(Metric::CacheComputed, number(cache.computed));
    told.one(Metric::CacheRemoteErrors, number(remote.map_or(0, |remote| remote.errors)));
    told.one(Metric::CacheRemoteLost, number(remote.map_or(0, |remote| remote.lost)));
    told.one(Metric::CacheUndelivered, number(remote.map_or(0, |remote| remote.undelivered)));
}

/// The pool; nothing but the names where there is none.
fn tell_pool(told: &mut MetricsSnapshot, pool: Option<PoolFigures>) {
    let one = |told: &mut MetricsSnapshot, metric, figure: fn(&PoolFigures) -> f64| match &pool {
        Some(pool) => told.one(metric, figure(pool)),
        None => told.add(metric, Vec::new()),
    };
    told.each(Metric::PoolConnections, pool.iter().flat_map(|pool| [pool.in_use.into(), pool.idle.into()]));
    one(told, Metric::PoolMax, |pool| pool.max_size.into());
    one(told, Metric::PoolWaiting, |pool| pool.waiting.into());
    one(told, Metric::PoolCheckouts, |pool| number(pool.checkouts));
    one(told, Metric::PoolWait, |pool| pool.waited.as_secs_f64());
    one(told, Metric::PoolRetries, |pool| number(pool.retries));
    let circuits = [Circuit::Closed, Circuit::HalfOpen, Circuit::Open];
    told.each(
        Metric::PoolCircuit,
        pool.iter().flat_map(|pool| circuits.map(|circuit| flag(pool.circuit == circuit))),
    );
}

fn counts<const N: usize>(counters: &Counters<N>) -> impl Iterator<Item = f64> {
    counters.iter().map(count)
}

fn count(counter: &AtomicU64) -> f64 {
    number(counter.load(Relaxed))
}

/// A figure as it is shown: exact up to 2^53, beyond which a step of one is not seen.
#[expect(clippy::cast_precision_loss, reason = "figures are shown, not reckoned with")]
fn number(number: u64) -> f64 {
    number as f64
}

fn size(size: usize) -> f64 {
    number(size as u64)
}

fn signed(figure: i64) -> f64 {
    number(u64::try_from(figure).unwrap_or(0))
}

fn flag(flag: bool) -> f64 {
    f64::from(u8::from(flag))
}

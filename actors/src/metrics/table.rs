//! The table of metrics: every name, kind, unit, label and meaning stands here and only here.
//!
//! What a runtime exposes, what is exported, and what the shipped dashboard and alert rules may ask for all come from it.

use serde::Serialize;

/// How a metric behaves over time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum MetricKind {
    /// It only grows, from zero at the start of the runtime.
    Counter,
    /// It goes up and down.
    Gauge,
    /// How values are distributed: counts in buckets, their number and their sum, which only grow.
    Histogram,
}

impl MetricKind {
    /// Its name in Prometheus' text form.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Counter => "counter",
            Self::Gauge => "gauge",
            Self::Histogram => "histogram",
        }
    }
}

/// The label of a metric, and all values it can have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MetricLabel {
    /// Its name.
    pub name: &'static str,
    /// Its values; empty where they are not known before, such as a version.
    pub values: &'static [&'static str],
}

/// One row of the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MetricSpec {
    /// As Prometheus names it.
    pub name: &'static str,
    /// How it behaves.
    pub kind: MetricKind,
    /// What its values count, in the notation of UCUM: `s`, `By`, `{walk}`, or `1` for a plain number.
    pub unit: &'static str,
    /// Its label, if it has one.
    pub label: Option<MetricLabel>,
    /// What it means, in one sentence.
    pub help: &'static str,
}

macro_rules! metrics {
    ($($metric:ident: $name:literal, $kind:ident, $unit:literal, $label:expr, $help:literal;)+) => {
        /// A metric by its place in the table.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub(crate) enum Metric {
            $($metric,)+
        }

        static TABLE: &[MetricSpec] = &[
            $(MetricSpec { name: $name, kind: MetricKind::$kind, unit: $unit, label: $label, help: $help },)+
        ];
    };
}

const fn by(name: &'static str, values: &'static [&'static str]) -> Option<MetricLabel> {
    Some(MetricLabel { name, values })
}

/// What walks wait for; `running` ones wait for nothing.
pub(crate) const WALK_STATES: &[&str] =
    &["running", "loading", "hooking", "emitting", "writing", "paused", "joining", "ending"];
/// How walks end.
pub(crate) const WALK_OUTCOMES: &[&str] = &["finished", "failed", "cancelled", "over_budget", "stopped"];
/// Kinds of actors that have a mailbox.
pub(crate) const ACTORS: &[&str] = &["shard", "writer", "cache", "worker"];
/// Calls to the store.
pub(crate) const STORE_CALLS: &[&str] =
    &["get_many", "load", "find", "count", "distinct", "scan", "apply", "other"];
/// What became of writes.
pub(crate) const WRITE_OUTCOMES: &[&str] = &["written", "conflict", "refused", "failed"];
/// What became of spawns.
pub(crate) const ADMISSIONS: &[&str] = &["admitted", "queued", "overloaded"];
/// What can be slow.
pub(crate) const SLOW: &[&str] = &["hook", "query", "commit"];
/// Layers that answer from memory or from nearby.
pub(crate) const LAYERS: &[&str] = &["resident", "memory", "remote"];
const WORKER_STATES: &[&str] = &["working", "stalled"];
const CONNECTIONS: &[&str] = &["in_use", "idle"];
const CIRCUITS: &[&str] = &["closed", "half_open", "open"];

metrics! {
    Info: "wayfare_info", Gauge, "1", by("version", &[]), "Always 1; tells the version.";
    Uptime: "wayfare_uptime_seconds", Gauge, "s", None, "Time since the start of the runtime.";
    Draining: "wayfare_draining", Gauge, "1", None, "1 while the runtime is being stopped.";
    Walks: "wayfare_walks", Gauge, "{walk}", by("state", WALK_STATES),
        "Walks that workers host, by what they wait for.";
    WalksAlive: "wayfare_walks_alive", Gauge, "{walk}", None,
        "Walks that have a place among those alive, the ones on their way to a worker included.";
    WalksMax: "wayfare_walks_max", Gauge, "{walk}", None, "The setting `[workers] max_walks`.";
    WalksStarted: "wayfare_walks_started_total", Counter, "{walk}", None, "Walks that were started.";
    WalksEnded: "wayfare_walks_ended_total", Counter, "{walk}", by("outcome", WALK_OUTCOMES),
        "Walks that have ended, by how.";
    WalkSeconds: "wayfare_walk_seconds", Histogram, "s", None, "Time from the spawn of a walk to its end.";
    DeadLetters: "wayfare_dead_letters_total", Counter, "{walk}", None,
        "Durable walks that were parked because they failed at one node again and again.";
    Admissions: "wayfare_admissions_total", Counter, "{walk}", by("outcome", ADMISSIONS),
        "Spawns that were let in at once, let in after they had waited, or refused because there was no room.";
    AdmissionQueue: "wayfare_admission_queue_depth", Gauge, "{walk}", None, "Spawns that wait to be let in.";
    MemoryShort: "wayfare_memory_short", Gauge, "1", None,
        "1 while no walk is let in because the machine or the control group runs short of memory.";
    ReadOnly: "wayfare_read_only", Gauge, "1", None,
        "1 when actors have ended too often and the runtime refuses writes until it is started again.";
    Visits: "wayfare_visits_total", Counter, "{visit}", None, "Visits made by all walks.";
    HookSeconds: "wayfare_hook_seconds", Histogram, "s", None,
        "Time in one hook that did not have to wait, of one turn of a worker in 61.";
    BatchSeconds: "wayfare_hook_batch_seconds", Histogram, "s", None,
        "Time that a batch of visits whose hooks had to wait was under way.";
    Workers: "wayfare_workers", Gauge, "{worker}", by("state", WORKER_STATES),
        "Workers that take walks, and those whose thread a hook keeps.";
    Restarts: "wayfare_restarts_total", Counter, "{restart}", by("actor", ACTORS),
        "Actors that were started again after they had failed or were stuck.";
    MailboxDepth: "wayfare_mailbox_depth", Gauge, "{message}", by("actor", ACTORS),
        "Messages sent to actors of a kind and not yet taken.";
    MailboxWait: "wayfare_mailbox_wait_seconds", Histogram, "s", by("actor", ACTORS),
        "Time from the sending of a message until its actor took it.";
    StoreSeconds: "wayfare_store_seconds", Histogram, "s", by("call", STORE_CALLS), "Time of calls to the store.";
    StoreErrors: "wayfare_store_errors_total", Counter, "{call}", by("call", STORE_CALLS),
        "Calls to the store that failed as a whole.";
    CommitSeconds: "wayfare_commit_seconds", Histogram, "s", None, "Time that the store took to make a commit durable.";
    CommitWrites: "wayfare_commit_writes", Histogram, "{write}", None, "Writes in one commit.";
    Writes: "wayfare_writes_total", Counter, "{write}", by("outcome", WRITE_OUTCOMES),
        "Writes that came to the store, by what became of them.";
    WritesUnderWay: "wayfare_writes_under_way", Gauge, "{write}", None,
        "Writes begun and not yet answered; at `[writers] queue` further ones wait.";
    FlushLag: "wayfare_flush_lag_seconds", Histogram, "s", None,
        "Time from handing a batch of writes to the writer until it was durable or refused.";
    Conflicts: "wayfare_conflicts_total", Counter, "{write}", None,
        "Writes refused because the entity had another version, by a shard or by the store.";
    WriterPoisoned: "wayfare_writer_poisoned", Gauge, "1", None,
        "1 when a commit has failed and later writes are refused until the store is opened again.";
    ResidentBytes: "wayfare_resident_bytes", Gauge, "By", None, "Memory of resident records, as estimated.";
    ResidentHeld: "wayfare_resident_held_bytes", Gauge, "By", None,
        "Memory of those among them that cannot be evicted now: pinned, or not durable yet.";
    ResidentBound: "wayfare_resident_bound_bytes", Gauge, "By", None, "The setting `[cache] resident_bytes`.";
    ResidentRecords: "wayfare_resident_records", Gauge, "{record}", None, "Resident records.";
    ReadAheadSlowed: "wayfare_read_ahead_slowed_total", Counter, "{batch}", None,
        "Times that a walk read less far ahead than it would, for want of memory.";
    CacheHits: "wayfare_cache_hits_total", Counter, "{lookup}", by("layer", LAYERS),
        "Lookups that a layer answered: records in memory, results in memory, results in Redis.";
    CacheMisses: "wayfare_cache_misses_total", Counter, "{lookup}", by("layer", LAYERS),
        "Lookups that a layer had no answer for.";
    CacheBytes: "wayfare_cache_memory_bytes", Gauge, "By", None, "Memory of cached results.";
    CacheEntries: "wayfare_cache_memory_entries", Gauge, "{entry}", None, "Cached results in memory.";
    CacheComputed: "wayfare_cache_computed_total", Counter, "{result}", None, "Results that somebody had to compute.";
    CacheRemoteErrors: "wayfare_cache_remote_errors_total", Counter, "{call}", None,
        "Calls to the remote layer of the cache that failed.";
    CacheRemoteLost: "wayfare_cache_remote_lost_total", Counter, "{connection}", None,
        "Times that the connection to the remote layer was lost.";
    CacheUndelivered: "wayfare_cache_undelivered", Gauge, "{invalidation}", None,
        "Invalidations that wait to be delivered to the remote layer.";
    PoolConnections: "wayfare_pool_connections", Gauge, "{connection}", by("state", CONNECTIONS),
        "Connections to the store; none where the store has no pool, as for the rest of the pool.";
    PoolMax: "wayfare_pool_max_connections", Gauge, "{connection}", None, "Most connections, to each server.";
    PoolWaiting: "wayfare_pool_waiting", Gauge, "{command}", None, "Commands that wait for a connection.";
    PoolCheckouts: "wayfare_pool_checkouts_total", Counter, "{checkout}", None, "Connections given out.";
    PoolWait: "wayfare_pool_wait_seconds_total", Counter, "s", None, "Time that commands have waited for a connection.";
    PoolRetries: "wayfare_pool_retries_total", Counter, "{command}", None,
        "Commands that were repeated because the server was away.";
    PoolCircuit: "wayfare_pool_circuit", Gauge, "1", by("state", CIRCUITS),
        "1 for the state that the circuit breaker is in, 0 for the others.";
    Slow: "wayfare_slow_total", Counter, "1", by("what", SLOW),
        "Hooks, queries and commits over the bounds that `[observe]` sets.";
}

impl Metric {
    /// Its row.
    pub(crate) fn spec(self) -> &'static MetricSpec {
        &TABLE[self as usize]
    }

    /// All values of its label.
    pub(crate) fn values(self) -> &'static [&'static str] {
        self.spec().label.map_or(&[], |label| label.values)
    }
}

/// Every metric there is, in the order of the exposition.
#[must_use]
pub fn metrics_table() -> &'static [MetricSpec] {
    TABLE
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_follow_the_rules_of_prometheus() {
        for (at, spec) in TABLE.iter().enumerate() {
            let name = spec.name;
            assert!(name.starts_with("wayfare_"), "{name}");
            assert!(name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_'), "{name}");
            assert_eq!(spec.kind == MetricKind::Counter, name.ends_with("_total"), "{name}");
            assert_eq!(spec.unit == "s", name.contains("_seconds"), "{name}");
            assert_eq!(spec.unit == "By", name.ends_with("_bytes"), "{name}");
            assert!(spec.help.ends_with('.') && !spec.help.contains('\n'), "{name}");
            assert!(TABLE[..at].iter().all(|other| other.name != name), "{name} stands there twice");
        }
    }
}

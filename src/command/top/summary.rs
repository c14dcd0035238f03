//! What is told of an interval: by section, with rates in place of counters.

use serde::Serialize;

use super::figures::{Figures, Interval};
use super::health::Health;

/// An interval of a runtime. Rates are per second, times in seconds; a time is null where nothing took any.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Summary {
    pub(super) version: String,
    pub(super) uptime_seconds: f64,
    /// The length of the interval.
    pub(super) interval_seconds: f64,
    /// Whether the runtime was started within it: the interval began then.
    pub(super) restarted: bool,
    /// Whether the runtime is being stopped.
    pub(super) draining: bool,
    pub(super) health: Health,
    pub(super) walks: Walks,
    pub(super) admission: Admission,
    pub(super) workers: Workers,
    pub(super) memory: Memory,
    pub(super) writers: Writers,
    pub(super) cache: Cache,
    pub(super) mailboxes: Vec<Mailbox>,
    pub(super) store_errors: f64,
    /// Slow hooks, queries and commits since the start of the runtime.
    pub(super) slow: Vec<Named>,
}

/// A figure by the value of its label.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(super) struct Named {
    pub(super) name: String,
    pub(super) value: f64,
}

/// How long something took: half of it no longer than the first, 99 of 100 no longer than the second.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub(super) struct Times {
    pub(super) p50: Option<f64>,
    pub(super) p99: Option<f64>,
}

#[derive(Debug, Clone, Serialize)]
pub(super) struct Walks {
    pub(super) alive: f64,
    pub(super) max: f64,
    pub(super) by_state: Vec<Named>,
    pub(super) visits_rate: f64,
    pub(super) started_rate: f64,
    pub(super) ended_rate: f64,
    pub(super) ended_by_outcome_rate: Vec<Named>,
    pub(super) seconds: Times,
    pub(super) dead_letters: f64,
}

#[derive(Debug, Clone, Serialize)]
pub(super) struct Admission {
    pub(super) waiting: f64,
    pub(super) admitted_rate: f64,
    pub(super) queued_rate: f64,
    pub(super) refused_rate: f64,
    /// Since the start of the runtime.
    pub(super) refused: f64,
}

#[derive(Debug, Clone, Serialize)]
pub(super) struct Workers {
    pub(super) working: f64,
    pub(super) stalled: f64,
    /// Of actors of every kind, since the start of the runtime.
    pub(super) restarts: Vec<Named>,
}

#[derive(Debug, Clone, Serialize)]
pub(super) struct Memory {
    pub(super) resident_bytes: f64,
    pub(super) bound_bytes: f64,
    pub(super) held_bytes: f64,
    pub(super) records: f64,
    pub(super) read_ahead_slowed_rate: f64,
}

#[derive(Debug, Clone, Serialize)]
pub(super) struct Writers {
    pub(super) commits_rate: f64,
    pub(super) writes_rate: f64,
    /// The mean of the commits in the interval.
    pub(super) writes_in_commit: Option<f64>,
    pub(super) commit_seconds: Times,
    pub(super) flush_lag_seconds: Times,
    pub(super) under_way: f64,
    pub(super) conflicts_rate: f64,
    /// Since the start of the runtime.
    pub(super) conflicts: f64,
    pub(super) poisoned: bool,
}

#[derive(Debug, Clone, Serialize)]
pub(super) struct Cache {
    pub(super) layers: Vec<Layer>,
    pub(super) bytes: f64,
    pub(super) entries: f64,
    pub(super) computed_rate: f64,
    pub(super) remote_errors_rate: f64,
    pub(super) undelivered: f64,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
pub(super) struct Layer {
    pub(super) layer: String,
    pub(super) lookups_rate: f64,
    /// Of the lookups in the interval; null for none.
    pub(super) hit_ratio: Option<f64>,
}

#[derive(Debug, Clone, Serialize)]
pub(super) struct Mailbox {
    pub(super) actor: String,
    pub(super) depth: f64,
    pub(super) wait_seconds: Times,
}

impl Summary {
    pub(super) fn of(interval: &Interval<'_>, health: &Health) -> Self {
        let now = interval.after();
        Self {
            version: now.labels("wayfare_info").first().copied().unwrap_or("unknown").to_owned(),
            uptime_seconds: now.number("wayfare_uptime_seconds", None),
            interval_seconds: interval.seconds(),
            restarted: interval.has_restart(),
            draining: now.number("wayfare_draining", None) > 0.0,
            health: health.clone(),
            walks: Walks::of(interval),
            admission: Admission::of(interval),
            workers: Workers {
                working: now.number("wayfare_workers", Some("working")),
                stalled: now.number("wayfare_workers", Some("stalled")),
                restarts: each(now, "wayfare_restarts_total"),
            },
            memory: Memory {
                resident_bytes: now.number("wayfare_resident_bytes", None),
                bound_bytes: now.number("wayfare_resident_bound_bytes", None),
                held_bytes: now.number("wayfare_resident_held_bytes", None),
                records: now.number("wayfare_resident_records", None),
                read_ahead_slowed_rate: interval.rate("wayfare_read_ahead_slowed_total", None),
            },
            writers: Writers::of(interval),
            cache: Cache::of(interval),
            mailboxes: mailboxes(interval),
            store_errors: now.number("wayfare_store_errors_total", None),
            slow: each(now, "wayfare_slow_total"),
        }
    }
}

impl Walks {
    fn of(interval: &Interval<'_>) -> Self {
        let now = interval.after();
        Self {
            alive: now.number("wayfare_walks_alive", None),
            max: now.number("wayfare_walks_max", None),
            by_state: each(now, "wayfare_walks"),
            visits_rate: interval.rate("wayfare_visits_total", None),
            started_rate: interval.rate("wayfare_walks_started_total", None),
            ended_rate: interval.rate("wayfare_walks_ended_total", None),
            ended_by_outcome_rate: each_rate(interval, "wayfare_walks_ended_total"),
            seconds: times(interval, "wayfare_walk_seconds", None),
            dead_letters: now.number("wayfare_dead_letters_total", None),
        }
    }
}

impl Admission {
    fn of(interval: &Interval<'_>) -> Self {
        let rate = |outcome| interval.rate("wayfare_admissions_total", Some(outcome));
        let now = interval.after();
        Self {
            waiting: now.number("wayfare_admission_queue_depth", None),
            admitted_rate: rate("admitted"),
            queued_rate: rate("queued"),
            refused_rate: rate("overloaded"),
            refused: now.number("wayfare_admissions_total", Some("overloaded")),
        }
    }
}

impl Writers {
    fn of(interval: &Interval<'_>) -> Self {
        let now = interval.after();
        Self {
            commits_rate: interval.count_rate("wayfare_commit_seconds"),
            writes_rate: interval.rate("wayfare_writes_total", None),
            writes_in_commit: interval.mean("wayfare_commit_writes"),
            commit_seconds: times(interval, "wayfare_commit_seconds", None),
            flush_lag_seconds: times(interval, "wayfare_flush_lag_seconds", None),
            under_way: now.number("wayfare_writes_under_way", None),
            conflicts_rate: interval.rate("wayfare_conflicts_total", None),
            conflicts: now.number("wayfare_conflicts_total", None),
            poisoned: now.number("wayfare_writer_poisoned", None) > 0.0,
        }
    }
}

impl Cache {
    fn of(interval: &Interval<'_>) -> Self {
        let now = interval.after();
        let layer = |layer: &str| {
            let hits = interval.rate("wayfare_cache_hits_total", Some(layer));
            let lookups = hits + interval.rate("wayfare_cache_misses_total", Some(layer));
            let hit_ratio = (lookups > 0.0).then(|| hits / lookups);
            Layer { layer: layer.to_owned(), lookups_rate: lookups, hit_ratio }
        };
        Self {
            layers: now.labels("wayfare_cache_hits_total").into_iter().map(layer).collect(),
            bytes: now.number("wayfare_cache_memory_bytes", None),
            entries: now.number("wayfare_cache_memory_entries", None),
            computed_rate: interval.rate("wayfare_cache_computed_total", None),
            remote_errors_rate: interval.rate("wayfare_cache_remote_errors_total", None),
            undelivered: now.number("wayfare_cache_undelivered", None),
        }
    }
}

fn mailboxes(interval: &Interval<'_>) -> Vec<Mailbox> {
    let now = interval.after();
    let mailbox = |actor: &str| Mailbox {
        actor: actor.to_owned(),
        depth: now.number("wayfare_mailbox_depth", Some(actor)),
        wait_seconds: times(interval, "wayfare_mailbox_wait_seconds", Some(actor)),
    };
    now.labels("wayfare_mailbox_depth").into_iter().map(mailbox).collect()
}

fn times(interval: &Interval<'_>, name: &str, label: Option<&str>) -> Times {
    Times { p50: interval.quantile(name, label, 0.5), p99: interval.quantile(name, label, 0.99) }
}

fn each(now: &Figures, name: &str) -> Vec<Named> {
    let named = |label: &str| Named { name: label.to_owned(), value: now.number(name, Some(label)) };
    now.labels(name).into_iter().map(named).collect()
}

fn each_rate(interval: &Interval<'_>, name: &str) -> Vec<Named> {
    let named = |label: &str| Named { name: label.to_owned(), value: interval.rate(name, Some(label)) };
    interval.after().labels(name).into_iter().map(named).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use wayfare::metrics_table;

    /// The names of metrics that this file asks for, read from its own text.
    fn asked_for() -> Vec<&'static str> {
        let text = include_str!("summary.rs").split("#[cfg(test)]").next().unwrap();
        text.split('"').filter(|word| word.starts_with("wayfare_")).collect()
    }

    #[test]
    fn every_metric_that_is_asked_for_is_in_the_table() {
        let asked_for = asked_for();
        assert!(asked_for.len() > 25, "{asked_for:?}");
        for name in asked_for {
            assert!(metrics_table().iter().any(|spec| spec.name == name), "no runtime tells `{name}`");
        }
    }

    #[test]
    fn a_runtime_that_tells_little_is_shown_as_far_as_it_tells() {
        let none = Figures::default();
        let health = Health { state: "well".into(), reason: None, parts: Vec::new() };
        let summary = Summary::of(&Interval::between(&none, &none), &health);
        assert_eq!((summary.version.as_str(), summary.walks.visits_rate), ("unknown", 0.0));
        assert!(summary.cache.layers.is_empty() && summary.mailboxes.is_empty());
    }
}

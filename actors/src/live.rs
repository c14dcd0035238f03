//! Settings that may change while the runtime runs.
//!
//! Everything else in [`Settings`] is read once, where a part is made. What stands here is read each time it counts, so a
//! new value holds from the next spawn, call, turn or look on. Each value stands for itself: nothing else is read because
//! of it, so all orderings are relaxed.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, AtomicUsize, Ordering::Relaxed};
use std::time::Duration;

use parking_lot::RwLock;
use wayfare_graph::Limits;

use crate::settings::{ObserveSettings, Settings};

/// The values that hold now.
pub(crate) struct Live {
    /// As the settings had it last, so that a pool that was scaled by hand is left alone until they change.
    workers: AtomicUsize,
    /// Workers that there are to be, however that was asked for.
    pool: AtomicUsize,
    /// How often new values were asked for, by which one that is overtaken is found.
    asked: AtomicU64,
    max_walks: AtomicUsize,
    limits: RwLock<Arc<Limits>>,
    emit_buffer: AtomicUsize,
    durable_attempts: AtomicU32,
    drain_timeout: LiveDuration,
    stall: LiveDuration,
    move_slow_walks: AtomicBool,
}

impl Live {
    pub(crate) fn new(settings: &Settings) -> Self {
        Self {
            workers: AtomicUsize::new(settings.workers),
            pool: AtomicUsize::new(settings.workers),
            asked: AtomicU64::new(0),
            max_walks: AtomicUsize::new(settings.max_walks),
            limits: RwLock::new(Arc::new(settings.limits.clone())),
            emit_buffer: AtomicUsize::new(settings.emit_buffer),
            durable_attempts: AtomicU32::new(settings.durable_attempts),
            drain_timeout: LiveDuration::new(settings.drain_timeout),
            stall: LiveDuration::new(settings.stall),
            move_slow_walks: AtomicBool::new(settings.move_slow_walks),
        }
    }

    /// Takes over new values; gives the number of workers where that is another than before.
    pub(crate) fn set(&self, settings: &Settings) -> Option<usize> {
        self.max_walks.store(settings.max_walks, Relaxed);
        *self.limits.write() = Arc::new(settings.limits.clone());
        self.emit_buffer.store(settings.emit_buffer, Relaxed);
        self.durable_attempts.store(settings.durable_attempts, Relaxed);
        self.drain_timeout.set(settings.drain_timeout);
        self.stall.set(settings.stall);
        self.move_slow_walks.store(settings.move_slow_walks, Relaxed);
        let before = self.workers.swap(settings.workers, Relaxed);
        (before != settings.workers).then_some(settings.workers)
    }

    /// The number of the next change, from one on.
    pub(crate) fn next_change(&self) -> u64 {
        self.asked.fetch_add(1, Relaxed) + 1
    }

    /// Notes how many workers there are to be.
    pub(crate) fn set_pool(&self, workers: usize) {
        self.pool.store(workers, Relaxed);
    }

    /// Workers that there are to be, at least 1.
    pub(crate) fn pool(&self) -> usize {
        self.pool.load(Relaxed).max(1)
    }

    /// Walks that may be alive.
    pub(crate) fn max_walks(&self) -> usize {
        self.max_walks.load(Relaxed)
    }

    /// Budgets of walks that set none.
    pub(crate) fn limits(&self) -> Arc<Limits> {
        Arc::clone(&self.limits.read())
    }

    /// Values waiting in the stream of a walk.
    pub(crate) fn emit_buffer(&self) -> usize {
        self.emit_buffer.load(Relaxed)
    }

    /// Attempts of a durable walk at one node.
    pub(crate) fn durable_attempts(&self) -> u32 {
        self.durable_attempts.load(Relaxed)
    }

    /// How long a stop waits.
    pub(crate) fn drain_timeout(&self) -> Duration {
        self.drain_timeout.get()
    }

    /// Whether a walk whose hook was slow goes on on a thread for blocking work.
    pub(crate) fn moves_slow_walks(&self) -> bool {
        self.move_slow_walks.load(Relaxed)
    }

    /// When a hook is stalled.
    pub(crate) fn stall(&self) -> Duration {
        self.stall.get()
    }
}

/// What is told of slow work and of walks, as it holds now.
#[derive(Debug)]
pub(crate) struct LiveObserve {
    slow_hook: LiveDuration,
    slow_query: LiveDuration,
    slow_commit: LiveDuration,
    /// The bits of a number from 0 to 1.
    sample: AtomicU64,
}

impl LiveObserve {
    pub(crate) fn new(settings: &ObserveSettings) -> Self {
        Self {
            slow_hook: LiveDuration::new(settings.slow_hook),
            slow_query: LiveDuration::new(settings.slow_query),
            slow_commit: LiveDuration::new(settings.slow_commit),
            sample: AtomicU64::new(settings.sample.to_bits()),
        }
    }

    pub(crate) fn set(&self, settings: &ObserveSettings) {
        self.slow_hook.set(settings.slow_hook);
        self.slow_query.set(settings.slow_query);
        self.slow_commit.set(settings.slow_commit);
        self.sample.store(settings.sample.to_bits(), Relaxed);
    }

    /// From when on a hook is slow; zero for never, as below.
    pub(crate) fn slow_hook(&self) -> Duration {
        self.slow_hook.get()
    }

    pub(crate) fn slow_query(&self) -> Duration {
        self.slow_query.get()
    }

    pub(crate) fn slow_commit(&self) -> Duration {
        self.slow_commit.get()
    }

    /// The part of walks that are traced.
    pub(crate) fn sample(&self) -> f64 {
        f64::from_bits(self.sample.load(Relaxed))
    }
}

/// A duration that is set and read without a lock, to the microsecond; what is beyond half a million years is that.
#[derive(Debug)]
struct LiveDuration(AtomicU64);

impl LiveDuration {
    fn new(value: Duration) -> Self {
        Self(AtomicU64::new(micros(value)))
    }

    fn set(&self, value: Duration) {
        self.0.store(micros(value), Relaxed);
    }

    fn get(&self) -> Duration {
        Duration::from_micros(self.0.load(Relaxed))
    }
}

fn micros(value: Duration) -> u64 {
    u64::try_from(value.as_micros()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn workers_are_scaled_only_when_the_settings_ask_for_another_number_than_before() {
        let mut settings = Settings { workers: 2, ..Settings::default() };
        let live = Live::new(&settings);
        assert_eq!(live.set(&settings), None);
        settings.workers = 5;
        assert_eq!(live.set(&settings), Some(5));
        assert_eq!(live.set(&settings), None);
    }

    #[test]
    fn every_value_is_taken_over_and_the_longest_time_stays_one() {
        let live = Live::new(&Settings::default());
        let settings = Settings {
            max_walks: 7,
            limits: Limits { visits: 8, ..Limits::default() },
            emit_buffer: 9,
            durable_attempts: 10,
            drain_timeout: Duration::MAX,
            stall: Duration::from_millis(11),
            ..Settings::default()
        };
        live.set(&settings);
        assert_eq!((live.max_walks(), live.limits().visits, live.emit_buffer()), (7, 8, 9));
        assert_eq!((live.durable_attempts(), live.stall()), (10, Duration::from_millis(11)));
        assert!(live.drain_timeout() > Duration::from_secs(3_600 * 24 * 365 * 100_000));
    }
}

//! A coarse clock, by which every hook can be timed at the cost of reading a number.
//!
//! Asking the system for the time takes some 25 ns, a tenth of a visit; a number that a task sets now and then takes less
//! than one. What it tells of a hook is right to within a tick, which is enough to find the slow ones.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use super::Metrics;

/// Ticks in the time that makes a hook a slow one.
const TICKS: u32 = 8;

/// The longest tick; also how often is looked whether slow hooks are looked for again, where they are not.
const LONGEST: Duration = Duration::from_secs(1);

/// The clock, and the bound that it is fine enough for.
#[derive(Debug)]
pub(crate) struct Pulse {
    /// Milliseconds since the start of the runtime as of the last tick. They come round after 49 days, so only differences
    /// count.
    now: AtomicU32,
    /// Milliseconds from which on a hook is slow; the most where none is.
    slow_ms: AtomicU32,
}

impl Pulse {
    pub(super) fn new(slow_hook: Duration) -> Self {
        Self { now: AtomicU32::new(0), slow_ms: AtomicU32::new(bound_ms(slow_hook)) }
    }

    #[inline]
    pub(crate) fn now(&self) -> u32 {
        // Read after the bound on the same thread, which orders it.
        self.now.load(Ordering::Relaxed)
    }

    /// Milliseconds from which on a hook is slow that begins from now on.
    #[inline]
    pub(crate) fn slow_ms(&self) -> u32 {
        // Who sees a new bound sees the tick that came before it: else a hook would seem slow because the clock was.
        self.slow_ms.load(Ordering::Acquire)
    }

    fn tick(&self, now_ms: u32, slow_hook: Duration) {
        self.now.store(now_ms, Ordering::Relaxed);
        self.slow_ms.store(bound_ms(slow_hook), Ordering::Release);
    }
}

fn bound_ms(slow_hook: Duration) -> u32 {
    match slow_hook.as_millis() {
        0 => u32::MAX,
        bound => u32::try_from(bound).unwrap_or(u32::MAX),
    }
}

/// Keeps the clock of a runtime going while it lives.
pub(crate) fn start(metrics: &Arc<Metrics>, runtime: &tokio::runtime::Handle) {
    runtime.spawn(beat(Arc::downgrade(metrics)));
}

async fn beat(metrics: Weak<Metrics>) {
    let began = Instant::now();
    loop {
        let tick = {
            let Some(metrics) = metrics.upgrade() else { return };
            let slow_hook = metrics.live.slow_hook();
            // Truncated: it comes round.
            metrics.pulse.tick(began.elapsed().as_millis() as u32, slow_hook);
            match slow_hook.is_zero() {
                true => LONGEST,
                false => (slow_hook / TICKS).clamp(Duration::from_millis(1), LONGEST),
            }
        };
        tokio::time::sleep(tick).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::ObserveSettings;

    #[tokio::test(start_paused = true)]
    async fn a_new_bound_for_slow_hooks_holds_after_a_tick_and_none_is_never() {
        let off = ObserveSettings { slow_hook: Duration::ZERO, ..ObserveSettings::default() };
        let metrics = Metrics::new(off.clone(), Arc::default());
        start(&metrics, &tokio::runtime::Handle::current());
        assert_eq!(metrics.pulse.slow_ms(), u32::MAX);
        for (slow_hook, expected) in [(Duration::from_millis(40), 40), (Duration::ZERO, u32::MAX)] {
            metrics.live.set(&ObserveSettings { slow_hook, ..off.clone() });
            assert_ne!(metrics.pulse.slow_ms(), expected);
            tokio::time::sleep(LONGEST + Duration::from_millis(1)).await;
            assert_eq!(metrics.pulse.slow_ms(), expected);
        }
    }
}

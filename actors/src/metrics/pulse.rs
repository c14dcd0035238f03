//! A coarse clock, by which every hook can be timed at the cost of reading a number.
//!
//! Asking the system for the time takes some 25 ns, a tenth of a visit; a number that a task sets now and then takes less
//! than one. What it tells of a hook is right to within a tick, which is enough to find the slow ones.

use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use super::Metrics;

/// Ticks in the time that makes a hook a slow one.
const TICKS: u32 = 8;

/// Milliseconds since the start of the runtime as of the last tick. They come round after 49 days, so only differences count.
#[derive(Debug, Default)]
pub(crate) struct Pulse(AtomicU32);

impl Pulse {
    #[inline]
    pub(crate) fn now(&self) -> u32 {
        self.0.load(Relaxed)
    }
}

/// Keeps the clock of a runtime going while it lives, where slow hooks are looked for.
pub(crate) fn start(metrics: &Arc<Metrics>, runtime: &tokio::runtime::Handle) {
    if metrics.settings.slow_hook.is_zero() {
        return;
    }
    let tick = (metrics.settings.slow_hook / TICKS).clamp(Duration::from_millis(1), Duration::from_secs(1));
    runtime.spawn(beat(Arc::downgrade(metrics), tick));
}

async fn beat(metrics: Weak<Metrics>, tick: Duration) {
    let began = Instant::now();
    let mut ticks = tokio::time::interval(tick);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        let Some(metrics) = metrics.upgrade() else { return };
        // Truncated: it comes round.
        metrics.pulse.0.store(began.elapsed().as_millis() as u32, Relaxed);
    }
}

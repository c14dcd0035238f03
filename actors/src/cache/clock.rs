//! The clock of caches.

use std::time::Instant;

use wayfare_graph::Clock;

/// A clock that never goes backwards and is cheap to read, since every hit reads it. It goes in the steps of the system's
/// tick, 1 to 10 ms on Linux: an entry may be given out so much longer.
#[derive(Debug, Clone, Copy)]
pub struct TickingClock {
    /// What is told where the system has no such clock.
    start: Instant,
}

impl Default for TickingClock {
    fn default() -> Self {
        Self { start: Instant::now() }
    }
}

impl Clock for TickingClock {
    /// Milliseconds since some moment of the past.
    #[inline]
    fn now_ms(&self) -> u64 {
        ticks().unwrap_or_else(|| u64::try_from(self.start.elapsed().as_millis()).unwrap_or(u64::MAX))
    }
}

#[cfg(target_os = "linux")]
#[inline]
fn ticks() -> Option<u64> {
    let now = rustix::time::clock_gettime(rustix::time::ClockId::MonotonicCoarse);
    Some(u64::try_from(now.tv_sec).ok()? * 1_000 + u64::try_from(now.tv_nsec).ok()? / 1_000_000)
}

#[cfg(not(target_os = "linux"))]
fn ticks() -> Option<u64> {
    None
}

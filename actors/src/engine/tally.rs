//! What an engine counts: on its own thread, without atomics, and told once a slice.

use std::sync::Arc;
use std::time::Instant;

use wayfare_graph::Id;

use crate::hosted::Hosted;
use crate::metrics::{Metrics, STATES, Slow, place_of};

/// One turn in so many has its hooks timed: two looks at the clock cost a fifth of a visit. A prime, because walks take
/// turns in circles: with 64, of two walks that alternate only one would ever be timed.
const TIMED_TURNS: u32 = 61;

/// The figures of an engine that have not been told yet.
pub(super) struct Tally {
    metrics: Arc<Metrics>,
    visits: u64,
    /// Walks by state, as they are and as they were told last.
    walks: [i64; STATES],
    told: [i64; STATES],
    turns: u32,
    /// Whether hooks of this turn are timed.
    is_timed: bool,
    /// Whether a hook of this turn was timed.
    has_timed: bool,
    /// Milliseconds from which on a hook of this turn is slow; the most where none is.
    slow_ms: u32,
}

/// When a hook began.
#[derive(Clone, Copy)]
pub(super) struct HookClock {
    coarse_ms: u32,
    exact: Option<Instant>,
}

impl Tally {
    pub(super) fn new(metrics: &Arc<Metrics>) -> Self {
        Self {
            metrics: Arc::clone(metrics),
            visits: 0,
            walks: [0; STATES],
            told: [0; STATES],
            turns: 0,
            is_timed: false,
            has_timed: false,
            slow_ms: metrics.pulse.slow_ms(),
        }
    }

    pub(super) fn begin_turn(&mut self) {
        // A turn that is to be timed and has no hook, because all its walks wait for records, leaves that to the next one:
        // turns of loading and of visiting may alternate in step with the interval.
        if !self.is_timed || self.has_timed {
            self.turns = self.turns.wrapping_add(1);
            self.is_timed = self.turns.is_multiple_of(TIMED_TURNS) && self.metrics.settings.metrics;
            self.has_timed = false;
        }
        self.slow_ms = self.metrics.pulse.slow_ms();
    }

    #[inline]
    pub(super) fn begin_hook(&self) -> HookClock {
        HookClock { coarse_ms: self.metrics.pulse.now(), exact: self.is_timed.then(Instant::now) }
    }

    /// Some hooks have run one after another; gives the milliseconds that they took in all where that is slow.
    #[inline]
    pub(super) fn end_hooks(&mut self, clock: HookClock, hooks: u32) -> Option<u32> {
        if let Some(began) = clock.exact.filter(|_| hooks > 0) {
            self.metrics.hooks_took(began.elapsed() / hooks, u64::from(hooks));
            self.has_timed = true;
        }
        let took_ms = self.metrics.pulse.now().wrapping_sub(clock.coarse_ms);
        (took_ms >= self.slow_ms).then_some(took_ms)
    }

    /// Notes what a walk has done and waits for since it was seen last.
    #[inline]
    pub(super) fn see(&mut self, hosted: &mut Hosted) {
        let visits = hosted.profile.visits;
        // Fewer than before where its profile was given out: these were seen.
        self.visits += visits.saturating_sub(hosted.seen_visits);
        hosted.seen_visits = visits;
        if hosted.seen_state != Some(hosted.state) {
            self.see_moved(hosted);
        }
    }

    #[cold]
    fn see_moved(&mut self, hosted: &mut Hosted) {
        if let Some(before) = hosted.seen_state.replace(hosted.state) {
            self.walks[place_of(before)] -= 1;
        }
        self.walks[place_of(hosted.state)] += 1;
        if let Some(traced) = &mut hosted.traced {
            traced.moved(hosted.state, hosted.profile.visits);
        }
    }

    /// A walk is not hosted any more.
    pub(super) fn leave(&mut self, hosted: &mut Hosted) {
        if let Some(before) = hosted.seen_state.take() {
            self.walks[place_of(before)] -= 1;
        }
    }

    /// All walks are gone at once.
    pub(super) fn abandon(&mut self) {
        self.walks = [0; STATES];
        self.tell();
    }

    pub(super) fn tell(&mut self) {
        if self.visits > 0 || self.walks != self.told {
            let moved = std::array::from_fn(|state| self.walks[state] - self.told[state]);
            self.metrics.turned(std::mem::take(&mut self.visits), &moved);
            self.told = self.walks;
        }
    }
}

impl Drop for Tally {
    fn drop(&mut self) {
        self.abandon();
    }
}

/// Tells of a hook that was slow, of a batch of visits with the number of these.
#[cold]
pub(super) fn tell_slow_hook(
    metrics: &Metrics,
    walker: &str,
    hook: &str,
    at: &Id,
    visits: u32,
    took_ms: u64,
) {
    metrics.slow(Slow::Hook);
    tracing::warn!(target: "wayfare::slow", walker, hook, at = %at, visits, took_ms, "slow hook");
}

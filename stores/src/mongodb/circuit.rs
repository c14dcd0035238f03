//! A circuit breaker: while a server is away, calls fail at once instead of each waiting its time.
//!
//! After M. Nygard, "Release It!", chapter "Circuit Breaker": closed, open, half open.

use std::time::{Duration, Instant};

use parking_lot::Mutex;
use wayfare_graph::Circuit;

/// Lets calls through, or not.
#[derive(Debug)]
pub(super) struct Breaker {
    /// Failed calls in a row that open it; 0 for never.
    failures: u32,
    pause: Duration,
    state: Mutex<State>,
}

#[derive(Debug)]
enum State {
    Closed {
        failed: u32,
    },
    /// No call goes through before a moment.
    Open {
        until: Instant,
    },
    /// One call is on its way; until a moment it is waited for.
    Trying {
        until: Instant,
    },
}

impl Breaker {
    pub(super) fn new(failures: u32, pause: Duration) -> Self {
        Self { failures, pause, state: Mutex::new(State::Closed { failed: 0 }) }
    }

    /// Lets a call through at `now`, or says how long none will be.
    pub(super) fn admit(&self, now: Instant) -> Result<(), Duration> {
        let mut state = self.state.lock();
        match *state {
            State::Closed { .. } => Ok(()),
            State::Open { until } | State::Trying { until } if now < until => Err(until - now),
            // A call that was let through and never told how it ended was dropped: another one tries.
            State::Open { .. } | State::Trying { .. } => {
                *state = State::Trying { until: now + self.pause };
                Ok(())
            }
        }
    }

    /// A server has answered.
    pub(super) fn succeeded(&self) {
        *self.state.lock() = State::Closed { failed: 0 };
    }

    /// A call has failed because no server answered.
    pub(super) fn failed(&self, now: Instant) {
        let mut state = self.state.lock();
        let failed = match *state {
            State::Closed { failed } => failed.saturating_add(1),
            State::Open { .. } => return,
            State::Trying { .. } => u32::MAX,
        };
        *state = match self.failures > 0 && failed >= self.failures {
            true => State::Open { until: now + self.pause },
            false => State::Closed { failed },
        };
    }

    /// Whether a call that fails should not be tried again: it is the one that tries for all.
    pub(super) fn is_trying(&self) -> bool {
        matches!(*self.state.lock(), State::Trying { .. })
    }

    pub(super) fn circuit(&self) -> Circuit {
        match *self.state.lock() {
            State::Closed { .. } => Circuit::Closed,
            State::Open { .. } => Circuit::Open,
            State::Trying { .. } => Circuit::HalfOpen,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAUSE: Duration = Duration::from_secs(5);

    fn opened(now: Instant) -> Breaker {
        let breaker = Breaker::new(3, PAUSE);
        for _ in 0..3 {
            assert_eq!((breaker.admit(now), breaker.circuit()), (Ok(()), Circuit::Closed));
            breaker.failed(now);
        }
        breaker
    }

    #[test]
    fn failures_in_a_row_open_it_and_successes_between_them_do_not() {
        let now = Instant::now();
        let breaker = Breaker::new(2, PAUSE);
        for _ in 0..5 {
            breaker.failed(now);
            breaker.succeeded();
        }
        assert_eq!(breaker.circuit(), Circuit::Closed);
        let breaker = opened(now);
        assert_eq!(breaker.circuit(), Circuit::Open);
        assert_eq!(breaker.admit(now + PAUSE / 5), Err(PAUSE * 4 / 5));
    }

    #[test]
    fn after_the_pause_one_call_tries_for_all() {
        let now = Instant::now();
        let later = now + PAUSE;
        let breaker = opened(now);
        assert_eq!((breaker.admit(later), breaker.circuit()), (Ok(()), Circuit::HalfOpen));
        assert_eq!(breaker.admit(later), Err(PAUSE));
        breaker.failed(later);
        assert_eq!((breaker.admit(later), breaker.circuit()), (Err(PAUSE), Circuit::Open));
        assert_eq!(breaker.admit(later + PAUSE), Ok(()));
        breaker.succeeded();
        assert_eq!((breaker.admit(later), breaker.circuit()), (Ok(()), Circuit::Closed));
    }

    #[test]
    fn a_try_that_is_never_heard_of_again_is_followed_by_another() {
        let now = Instant::now();
        let breaker = opened(now);
        assert!(breaker.admit(now + PAUSE).is_ok());
        assert!(breaker.admit(now + 2 * PAUSE).is_ok());
    }

    #[test]
    fn none_opens_where_no_failures_are_counted() {
        let now = Instant::now();
        let breaker = Breaker::new(0, PAUSE);
        (0..100).for_each(|_| breaker.failed(now));
        assert_eq!(breaker.admit(now), Ok(()));
    }
}

//! One at a time: of those who want a key, one computes and the others wait.
//!
//! The turn passes on when it is dropped, whatever the reason: done, given up, cancelled, panicked.

use std::sync::Arc;

use parking_lot::Mutex;
use rustc_hash::FxHashMap;
use tokio::sync::{Mutex as AsyncMutex, OwnedMutexGuard};

type Turns = Arc<AsyncMutex<()>>;

/// The keys that are being computed.
#[derive(Debug, Default)]
pub(super) struct Flights {
    under_way: Mutex<FxHashMap<Box<str>, Turns>>,
}

/// Whoever wants a key: has the turn, or waits for it.
#[derive(Debug)]
pub(super) struct Flight {
    flights: Arc<Flights>,
    key: Box<str>,
    turn: Option<OwnedMutexGuard<()>>,
}

impl Flights {
    fn join(self: &Arc<Self>, key: &str) -> (Flight, Turns) {
        let turns = Arc::clone(self.under_way.lock().entry(key.into()).or_default());
        (Flight { flights: Arc::clone(self), key: key.into(), turn: None }, turns)
    }

    /// Waits for the turn at a key, in the order of asking.
    pub(super) async fn turn(self: &Arc<Self>, key: &str) -> Flight {
        // Dropped while it waits, it leaves nothing behind.
        let (mut flight, turns) = self.join(key);
        flight.turn = Some(turns.lock_owned().await);
        flight
    }

    /// The turn at a key, `None` while another has it.
    pub(super) fn try_turn(self: &Arc<Self>, key: &str) -> Option<Flight> {
        let (mut flight, turns) = self.join(key);
        flight.turn = Some(turns.try_lock_owned().ok()?);
        Some(flight)
    }
}

impl Drop for Flight {
    fn drop(&mut self) {
        // First, since it holds on to what is counted below.
        self.turn = None;
        let mut under_way = self.flights.under_way.lock();
        // Whoever else wants the key took hold of it under the lock. One who gave up waiting may be about to let go:
        // it comes here too.
        if under_way.get(&self.key).is_some_and(|turns| Arc::strong_count(turns) == 1) {
            under_way.remove(&self.key);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::future::Future;
    use std::pin::pin;
    use std::task::{Context, Poll, Waker};

    fn poll<F: Future>(future: std::pin::Pin<&mut F>) -> Poll<F::Output> {
        future.poll(&mut Context::from_waker(Waker::noop()))
    }

    #[test]
    fn the_turn_passes_on_and_nothing_is_left_behind() {
        let flights = Arc::new(Flights::default());
        let Poll::Ready(first) = poll(pin!(flights.turn("a"))) else { panic!() };
        assert!(flights.try_turn("a").is_none() && flights.try_turn("b").is_some());
        let mut given_up = Box::pin(flights.turn("a"));
        let mut waiting = Box::pin(flights.turn("a"));
        assert!(poll(given_up.as_mut()).is_pending() && poll(waiting.as_mut()).is_pending());
        drop(given_up);
        drop(first);
        let Poll::Ready(second) = poll(waiting.as_mut()) else { panic!() };
        drop(waiting);
        assert_eq!(flights.under_way.lock().len(), 1);
        drop(second);
        assert!(flights.under_way.lock().is_empty());
    }

    #[test]
    fn one_who_gives_up_after_the_last_turn_leaves_nothing_behind() {
        let flights = Arc::new(Flights::default());
        let Poll::Ready(first) = poll(pin!(flights.turn("a"))) else { panic!() };
        let mut waiting = Box::pin(flights.turn("a"));
        assert!(poll(waiting.as_mut()).is_pending());
        drop(first);
        drop(waiting);
        assert!(flights.under_way.lock().is_empty());
    }
}

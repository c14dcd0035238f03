//! Turns of updates that want the same entity.
//!
//! Each commit lets one of them win, and whoever is told of it first is ahead of the others again: without turns, one that
//! loses may lose for ever.
//!
//! Nobody waits for long: whoever has a turn may wait himself for one who stands behind him, in the closure that makes the
//! change.

use std::hash::BuildHasher;
use std::time::Duration;

use rustc_hash::FxBuildHasher;
use tokio::sync::{Mutex, MutexGuard};
use tokio::time::timeout;
use wayfare_graph::Id;

/// Lines to wait in. Entities that share one wait for each other while somebody stands there, which only delays.
const LINES: usize = 256;

/// How long an update that begins lets others go first.
const COURTESY: Duration = Duration::from_millis(20);

/// How long one that has lost waits for its turn.
const PATIENCE: Duration = Duration::from_secs(1);

/// The lines, one for each of some entities.
#[derive(Debug)]
pub(crate) struct Turns(Box<[Mutex<()>]>);

/// Whoever has it is the first in line.
pub(crate) type Turn<'a> = MutexGuard<'a, ()>;

impl Turns {
    pub(crate) fn new() -> Self {
        Self((0..LINES).map(|_| Mutex::default()).collect())
    }

    /// Waits for a turn, first come first served; `None` where that takes too long. For an update that has lost to
    /// another.
    pub(crate) async fn wait(&self, id: &Id) -> Option<Turn<'_>> {
        timeout(PATIENCE, self.line(id).lock()).await.ok()
    }

    /// The same where somebody has one; `None` where nobody does as well. For an update that begins.
    pub(crate) async fn wait_behind_others(&self, id: &Id) -> Option<Turn<'_>> {
        match self.line(id).try_lock() {
            Ok(_) => None,
            Err(_) => timeout(COURTESY, self.line(id).lock()).await.ok(),
        }
    }

    fn line(&self, id: &Id) -> &Mutex<()> {
        // The highest bits are the best of this hash.
        &self.0[(FxBuildHasher.hash_one(id) >> 56) as usize % LINES]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // The pauses are those of a clock that stands while somebody can go on, however busy the machine is.
    #[tokio::test(start_paused = true)]
    async fn who_comes_while_somebody_has_a_turn_waits_for_it_in_the_order_of_coming() {
        let turns = Turns::new();
        let id = Id::node("City", "a").unwrap();
        assert!(turns.wait_behind_others(&id).await.is_none());
        let first = turns.wait(&id).await.unwrap();
        let order = std::cell::RefCell::new(Vec::new());
        let come = async |name: &'static str| {
            let turn = turns.wait_behind_others(&id).await;
            order.borrow_mut().push((name, turn.is_some()));
        };
        let others = async {
            tokio::task::yield_now().await;
            drop(first);
        };
        tokio::join!(come("second"), come("third"), others);
        assert_eq!(*order.borrow(), [("second", true), ("third", true)]);
        assert!(turns.wait_behind_others(&id).await.is_none());
    }
}

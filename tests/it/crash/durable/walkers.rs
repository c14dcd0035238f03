//! What the processes that are killed work on, and with what.

use serde::{Deserialize, Serialize};
use wayfare::{Here, Walk, edge, node, walker};

#[node]
#[derive(Debug, Clone)]
pub(super) struct Tally {
    pub(super) count: u64,
}

#[edge]
#[derive(Debug, Clone)]
pub(super) struct Pointer {}

/// Counts on every tally.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct TallyCounter {
    pub(super) visited: u64,
}

#[walker(durable(visits = 100, interval_ms = 10))]
impl TallyCounter {
    #[on_visit]
    fn tally(&mut self, here: &Here<Tally>, walk: &mut Walk) {
        self.visited += 1;
        here.update(|tally| tally.count += 1);
        walk.visit(here.out::<Pointer>());
    }
}

/// Counts on one tally many times.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct TallyRepeater {
    pub(super) rounds: u64,
}

#[walker(durable(visits = 20, interval_ms = 10), unique = "none")]
impl TallyRepeater {
    #[on_visit]
    async fn tally(&mut self, here: &Here<'_, Tally>, walk: &mut Walk) {
        // So that others come between.
        tokio::task::yield_now().await;
        here.update(|tally| tally.count += 1);
        self.rounds -= 1;
        if self.rounds > 0 {
            walk.visit(here);
        }
    }
}

//! Timing batches of visits whose hooks may wait, and finding the slow ones among their hooks.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use wayfare_graph::{HookTable, Id, Slot, Stage, VisitBatch};

use crate::core::Core;
use crate::engine::tally::tell_slow_hook;
use crate::hosted::Hosted;

/// What is watched of one batch.
pub(super) struct BatchWatch {
    core: Arc<Core>,
    table: Arc<HookTable>,
    walker: &'static str,
    stage: Watched,
    visits: u32,
    /// Where visits note their node as they begin.
    current: Arc<AtomicU32>,
    /// The node that was noted last, and since when.
    slot: u32,
    since: Instant,
    began: Instant,
}

/// What a batch is about, as it is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Watched {
    Enter,
    Visits,
    Event,
    Exit,
    /// Visits at the same time: which of them is slow is not seen.
    Together,
}

impl BatchWatch {
    pub(super) fn begin(core: &Arc<Core>, hosted: &Hosted, batch: &VisitBatch) -> Self {
        let stage = match batch.stage {
            Stage::Enter => Watched::Enter,
            Stage::Event(_) => Watched::Event,
            Stage::Exit => Watched::Exit,
            Stage::Visits if hosted.together > 0 => Watched::Together,
            Stage::Visits => Watched::Visits,
        };
        let now = Instant::now();
        Self {
            core: Arc::clone(core),
            table: Arc::clone(&hosted.table),
            walker: hosted.shared.walker,
            stage,
            visits: u32::try_from(batch.visits.len()).unwrap_or(u32::MAX),
            current: Arc::clone(&batch.current),
            // Relaxed, here and below: the future is polled on this thread.
            slot: batch.current.load(Ordering::Relaxed),
            since: now,
            began: now,
        }
    }

    /// How many visits the batch is about.
    pub(super) fn visits(&self) -> u32 {
        self.visits
    }

    /// The batch was polled once more.
    pub(super) fn polled(&mut self, is_done: bool) {
        let slot = self.current.load(Ordering::Relaxed);
        if slot != self.slot || is_done {
            let took = self.since.elapsed();
            if self.is_slow(took) {
                self.tell(took, 1);
            }
            (self.slot, self.since) = (slot, Instant::now());
        }
        if is_done && self.core.settings.observe.metrics {
            self.core.metrics.batch_took(self.began.elapsed());
        }
    }

    fn is_slow(&self, took: Duration) -> bool {
        let bound = self.core.settings.observe.slow_hook;
        !bound.is_zero() && took >= bound
    }

    /// Tells that hooks were slow: those of one visit, or of several that ran without a wait in between.
    #[cold]
    pub(super) fn tell(&self, took: Duration, visits: u32) {
        let id = self.core.directory.id_of(Slot(self.slot)).cloned().unwrap_or_else(Id::root);
        let visits = if self.stage == Watched::Together { self.visits } else { visits };
        let took_ms = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
        tell_slow_hook(&self.core.metrics, self.walker, &self.hooks(&id), &id, visits, took_ms);
    }

    /// The hooks that may have run: which of those at a node it was is not seen from outside of the future.
    fn hooks(&self, at: &Id) -> String {
        let hooks = match self.stage {
            Watched::Enter => self.table.enters().to_vec(),
            Watched::Exit => self.table.exits().to_vec(),
            Watched::Event => self.table.events().to_vec(),
            Watched::Visits | Watched::Together => self.table.at(at.kind(), at.entity()).to_vec(),
        };
        hooks.into_iter().map(|hook| self.table.name(hook)).collect::<Vec<_>>().join(", ")
    }
}

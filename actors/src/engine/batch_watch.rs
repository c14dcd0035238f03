//! Timing batches of visits whose hooks may wait, and finding the slow ones among their hooks.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use futures_util::FutureExt;
use wayfare_graph::{HookTable, Id, Slot, Stage, VisitBatch};

use crate::core::Core;
use crate::engine::tally::tell_slow_hook;
use crate::hosted::Hosted;

/// What a batch is about, kept while the batch itself is away.
#[derive(Debug, Clone, Copy)]
pub(super) struct BatchNote {
    stage: Watched,
    pub(super) visits: u32,
    /// The node at which it was before.
    slot: u32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Watched {
    Enter,
    Visits,
    Event,
    Exit,
    /// Visits at the same time: which of them is slow is not seen.
    Together,
}

impl BatchNote {
    #[inline]
    pub(super) fn of(hosted: &Hosted, batch: &VisitBatch) -> Self {
        let stage = match batch.stage {
            Stage::Enter => Watched::Enter,
            Stage::Event(_) => Watched::Event,
            Stage::Exit => Watched::Exit,
            Stage::Visits if hosted.together > 0 => Watched::Together,
            Stage::Visits => Watched::Visits,
        };
        let visits = u32::try_from(batch.visits.len()).unwrap_or(u32::MAX);
        // Relaxed, here and below: the future is polled on this thread.
        Self { stage, visits, slot: batch.current.load(Ordering::Relaxed) }
    }

    /// Tells that the hooks of the batch, which did not have to wait, were slow in all.
    #[cold]
    pub(super) fn tell_slow(self, core: &Core, hosted: &Hosted, took_ms: u32) {
        let slot = hosted.rare.current.as_ref().map_or(self.slot, |slot| slot.load(Ordering::Relaxed));
        let place = Place { core, table: &hosted.table, walker: hosted.shared.walker, stage: self.stage };
        place.tell_slow(slot, self.visits, took_ms.into());
    }
}

/// Where hooks were slow.
struct Place<'a> {
    core: &'a Core,
    table: &'a HookTable,
    walker: &'static str,
    stage: Watched,
}

impl Place<'_> {
    fn tell_slow(&self, slot: u32, visits: u32, took_ms: u64) {
        let at = self.core.directory.id_of(Slot(slot)).cloned().unwrap_or_else(Id::root);
        tell_slow_hook(&self.core.metrics, self.walker, &self.hooks(&at), &at, visits, took_ms);
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

/// The watch over a batch that has to wait.
pub(super) struct BatchWatch {
    core: Arc<Core>,
    table: Arc<HookTable>,
    walker: &'static str,
    note: BatchNote,
    /// Where visits note their node as they begin; the node that was noted last, and since when.
    current: Arc<AtomicU32>,
    slot: u32,
    since: Instant,
    began: Instant,
    kept_thread: bool,
}

impl BatchWatch {
    /// Begins it when the batch has been polled once.
    pub(super) fn begin(core: &Arc<Core>, hosted: &Hosted, note: BatchNote) -> Self {
        let current = hosted.rare.current.clone().unwrap_or_default();
        let (slot, now) = (current.load(Ordering::Relaxed), Instant::now());
        let (core, table) = (Arc::clone(core), Arc::clone(&hosted.table));
        Self {
            core,
            table,
            walker: hosted.shared.walker,
            note,
            current,
            slot,
            since: now,
            began: now,
            kept_thread: false,
        }
    }

    /// Polls the batch once more.
    pub(super) fn poll<F: Future + Unpin>(&mut self, drive: &mut F, cx: &mut Context<'_>) -> Poll<F::Output> {
        let pulse = &self.core.metrics.pulse;
        let before_ms = pulse.now();
        let polled = drive.poll_unpin(cx);
        self.kept_thread = pulse.now().wrapping_sub(before_ms) >= pulse.slow_ms();
        self.polled(polled.is_ready());
        polled
    }

    /// Whether the last poll took as long as a slow hook.
    pub(super) fn kept_thread(&self) -> bool {
        self.kept_thread
    }

    fn polled(&mut self, is_done: bool) {
        let slot = self.current.load(Ordering::Relaxed);
        if slot == self.slot && !is_done {
            return;
        }
        let (took, bound) = (self.since.elapsed(), self.core.metrics.live.slow_hook());
        if !bound.is_zero() && took >= bound {
            self.tell_slow(took);
        }
        (self.slot, self.since) = (slot, Instant::now());
        if is_done && self.core.settings.observe.metrics {
            self.core.metrics.batch_took(self.began.elapsed());
        }
    }

    #[cold]
    fn tell_slow(&self, took: Duration) {
        let Self { core, table, walker, note, .. } = self;
        let visits = if note.stage == Watched::Together { note.visits } else { 1 };
        let place = Place { core, table, walker, stage: note.stage };
        place.tell_slow(self.slot, visits, u64::try_from(took.as_millis()).unwrap_or(u64::MAX));
    }
}

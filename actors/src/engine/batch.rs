//! Visits that run in a future of their own: async hooks, hooks that take many visits, visits at the same
//! time.

use wayfare_graph::{Planned, Stage, Step, VisitBatch, Visited, WalkError};

use crate::engine::Engine;
use crate::engine::fetch::Pick;
use crate::engine::hooks::Ran;
use crate::engine::run::{Fetched, count_visit};
use crate::hosted::Hosted;

impl Engine {
    /// Makes a batch of picks, as far as they are at hand, and drives it.
    pub(super) fn run_batch(
        &mut self,
        seat: usize,
        hosted: &mut Hosted,
        picks: &mut [Pick],
    ) -> Result<Step, WalkError> {
        // The room of the last batch, so that not every batch has to be allocated.
        let mut batch = hosted.batch();
        let all = self.fill(hosted, &mut batch, picks)?;
        if !all && hosted.table.takes_many() {
            hold_back(hosted, &mut batch);
        }
        if batch.visits.is_empty() {
            let skipped = batch.skipped_after as usize;
            if let Some(walk) = &mut hosted.walk {
                (0..skipped).for_each(|_| walk.frontier_mut().skip());
            }
            hosted.ahead = hosted.ahead.saturating_sub(skipped);
            batch.clear();
            hosted.rare.spare = Some(batch);
            return Ok(Step::Continue);
        }
        // What is missing is asked for when the batch is back.
        hosted.state = crate::hosted::State::Ready;
        match self.drive(seat, hosted, batch)? {
            Ran::Done(step) => Ok(step),
            Ran::Pending => Ok(Step::Continue),
        }
    }

    /// Fills a batch; `false` when it ends before the queue does.
    fn fill(
        &mut self,
        hosted: &mut Hosted,
        batch: &mut VisitBatch,
        picks: &mut [Pick],
    ) -> Result<bool, WalkError> {
        // A walk that may come back to a node counts by node, and only what is really visited.
        let one = hosted.returns && hosted.together == 0;
        let (mut skipped, mut spent) = (0, false);
        let count = picks.len();
        for pick in picks {
            if one && !batch.visits.is_empty() {
                spent = true;
                break;
            }
            match self.record(hosted, pick)? {
                Fetched::PassOver => skipped += 1,
                Fetched::Wait => {
                    spent = true;
                    break;
                }
                Fetched::Record(record) => {
                    let visited = Visited::new(pick.entry.slot, record);
                    hosted.note_read(&visited.record);
                    let leaving = pick.entry.is_leaving();
                    if !leaving
                        && let Err(error) = count_visit(hosted, visited.slot, batch.visits.len() as u64)
                    {
                        if batch.visits.is_empty() {
                            return Err(error);
                        }
                        // The batch first; the next one finds the budget spent.
                        spent = true;
                        break;
                    }
                    batch.visits.push(visited);
                    batch.planned.push(Planned { skipped, depth: pick.entry.depth(), leaving });
                    skipped = 0;
                }
            }
        }
        batch.skipped_after = skipped;
        let more = hosted.walk.as_ref().and_then(|walk| walk.frontier().peek(count));
        Ok(!spent && more.is_none())
    }

    /// Runs the hooks before the first visit.
    pub(super) fn enter(&mut self, seat: usize, hosted: &mut Hosted) -> Result<Step, WalkError> {
        let mut batch = hosted.batch();
        batch.stage = Stage::Enter;
        match self.drive(seat, hosted, batch)? {
            Ran::Done(step) => Ok(step),
            Ran::Pending => Ok(Step::Continue),
        }
    }

    /// Runs the hooks for an event, if one has come.
    pub(super) fn take_event(&mut self, seat: usize, hosted: &mut Hosted) -> Result<Option<Step>, WalkError> {
        let mut come = None;
        for source in &mut hosted.rare.events {
            match source.try_next() {
                Some(Ok(event)) => {
                    come = Some(event);
                    break;
                }
                Some(Err(lagged)) => hosted.profile.events_missed += lagged.missed,
                None => {}
            }
        }
        let Some(event) = come else { return Ok(None) };
        let mut batch = hosted.batch();
        batch.stage = Stage::Event(event);
        match self.drive(seat, hosted, batch)? {
            Ran::Done(step) => Ok(Some(step)),
            Ran::Pending => Ok(Some(Step::Continue)),
        }
    }
}

/// Leaves the last chunk for the next batch if it may become larger.
fn hold_back(hosted: &Hosted, batch: &mut VisitBatch) {
    let (mut from, mut last) = (0, 0);
    while from < batch.visits.len() {
        last = from;
        from = batch.together(from);
    }
    let full = from - last >= hosted.rare.chunk_size;
    if !full && batch.visits.len() > last && !batch.planned[last].leaving && batch.is_chunk(last) {
        batch.visits.truncate(last);
        batch.planned.truncate(last);
        batch.skipped_after = 0;
    }
}

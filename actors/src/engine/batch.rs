//! Visits that run in a future of their own: async hooks, hooks that take many visits, visits at the same
//! time.

use wayfare_graph::{Planned, Stage, Step, VisitBatch, Visited, WalkError};

use crate::engine::Engine;
use crate::engine::fetch::Pick;
use crate::engine::hooks::Ran;
use crate::engine::run::{Fetched, count_visit};
use crate::hosted::Hosted;
use crate::messages::Found;

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
        let cut = self.fill(hosted, &mut batch, picks)?;
        if cut != Cut::Here && hosted.table.takes_many() {
            hold_back(hosted, &mut batch, cut);
        }
        if cut == Cut::BeforeMissing {
            wait_for_all_hands(hosted, &mut batch);
        }
        // What is passed over takes the room of visits: if nothing else came of this batch, the next one
        // looks further.
        let wider = cut == Cut::BeforeMore && batch.visits.is_empty() && batch.skipped_after == 0;
        hosted.rare.widened = if wider { hosted.rare.widened + 1 } else { 0 };
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

    /// Fills a batch.
    fn fill(
        &mut self,
        hosted: &mut Hosted,
        batch: &mut VisitBatch,
        picks: &mut [Pick],
    ) -> Result<Cut, WalkError> {
        // A walk that may come back to a node counts by node, and only what is really visited.
        let one = hosted.returns && hosted.together == 0;
        let (mut skipped, mut cut) = (0, None);
        let count = picks.len();
        for pick in picks {
            if one && !batch.visits.is_empty() {
                cut = Some(Cut::Here);
                break;
            }
            match self.record(hosted, pick)? {
                Fetched::PassOver => skipped += 1,
                Fetched::Wait => {
                    cut = Some(Cut::BeforeMissing);
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
                        cut = Some(Cut::Here);
                        break;
                    }
                    batch.visits.push(visited);
                    batch.planned.push(Planned { skipped, depth: pick.entry.depth(), leaving });
                    skipped = 0;
                }
            }
        }
        batch.skipped_after = skipped;
        if let Some(cut) = cut {
            return Ok(cut);
        }
        // Where hooks may put others first, what comes after this visit is not known.
        let frontier = hosted.walk.as_ref().map(|walk| walk.frontier());
        let more =
            frontier.is_some_and(|frontier| frontier.is_predictable() && frontier.peek(count).is_some());
        Ok(if more { Cut::BeforeMore } else { Cut::AtTheEnd })
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

/// Where a batch ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Cut {
    /// Where its last chunk ends too.
    Here,
    /// Before a node that is not at hand, and may belong to its last chunk.
    BeforeMissing,
    /// Before entries that have not been picked, and may belong to its last chunk.
    BeforeMore,
    /// Where the queue ends, until the visits before its last chunk put more there.
    AtTheEnd,
}

/// Leaves the last chunk for the next batch if it may become larger.
fn hold_back(hosted: &mut Hosted, batch: &mut VisitBatch, cut: Cut) {
    let (mut from, mut last) = (0, 0);
    while from < batch.visits.len() {
        last = from;
        from = batch.together(from);
    }
    let full = from - last >= hosted.rare.chunk_size || (last == 0 && cut == Cut::AtTheEnd);
    if full || batch.visits.len() <= last || batch.planned[last].leaving || !batch.is_chunk(last) {
        return;
    }
    hosted.give_back(batch, last);
    batch.skipped_after = 0;
}

/// Leaves visits for the next batch if they keep fewer workers busy than there are: a batch ends when its
/// slowest visit has, and the others would wait for that instead of for what is on its way.
fn wait_for_all_hands(hosted: &mut Hosted, batch: &mut VisitBatch) {
    let max_workers = hosted.walker.as_ref().and_then(|walker| walker.max_workers());
    if max_workers.is_some_and(|max_workers| batch.visits.len() < max_workers) {
        hosted.give_back(batch, 0);
        batch.skipped_after = 0;
    }
}

impl Hosted {
    /// Gives visits of a batch from one on back, as if they had not been picked.
    fn give_back(&mut self, batch: &mut VisitBatch, from: usize) {
        self.discount(batch, from);
        batch.planned.truncate(from);
        for visited in batch.visits.drain(from..) {
            // It may be evicted before its turn comes.
            self.asked.insert(visited.slot, Some(Found::Record(visited.record)));
        }
    }

    /// Takes visits of a batch from one on off the budgets: they were not made, and count when they are.
    pub(super) fn discount(&mut self, batch: &VisitBatch, from: usize) {
        let planned = batch.visits.iter().zip(&batch.planned).skip(from);
        for (visited, _) in planned.filter(|(_, planned)| !planned.leaving) {
            if let Some(visits) = self.rare.per_node.get_mut(&visited.slot) {
                *visits = visits.saturating_sub(1);
            }
        }
    }
}

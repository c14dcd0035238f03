//! Choosing the visits of a turn and fetching their records together.

use std::sync::Arc;

use wayfare_graph::{Direction, Entry, SharedRecord};

use crate::engine::Engine;
use crate::hosted::{Phase, State};
use crate::loader::satisfies;
use crate::prefetch::prefetch;
use crate::slab::SlabGuard;

/// A visit of this turn.
pub(super) struct Pick {
    pub(super) seat: usize,
    pub(super) entry: Entry,
    /// The resident record, if it has all the walk needs.
    pub(super) record: Option<SharedRecord>,
}

impl Engine {
    /// Takes the next visits of each walk in the group, those of one walk side by side.
    pub(super) fn pick(&mut self) {
        self.picks.clear();
        let share = (self.core.settings.turn_visits / self.group.len()).max(1);
        for at in 0..self.group.len() {
            let seat = self.group[at].seat;
            let Some(hosted) = &mut self.seats[seat] else { continue };
            let ready = hosted.state == State::Ready && hosted.phase == Phase::Walking;
            let together = hosted.picks();
            let (true, None, Some(walk)) = (ready, &hosted.missing, &mut hosted.walk) else { continue };
            let frontier = walk.frontier_mut();
            frontier.settle();
            // They stay in the queue until they are visited: hooks may put others first.
            let share = if frontier.is_predictable() { share.max(together) } else { 1 };
            for at in 0..share {
                let Some(entry) = frontier.peek(at) else { break };
                self.picks.push(Pick { seat, entry, record: None });
            }
        }
    }

    /// Looks up the records of all visits. Three passes, each of which asks the processor for what
    /// the next one reads: places in slabs, records, links.
    pub(super) fn fetch(&mut self) {
        let guards: Vec<SlabGuard<'_>> = self.core.slabs.iter().map(|slab| slab.read()).collect();
        let directory = &self.core.directory;
        let place = |entry: Entry| guards[directory.shard_of(entry.slot)].get(directory.place_of(entry.slot));
        for pick in &self.picks {
            if let Some(place) = place(pick.entry) {
                prefetch(place);
            }
        }
        for pick in &self.picks {
            if let Some(Some(record)) = place(pick.entry) {
                let line: *const u8 = Arc::as_ptr(record).cast();
                prefetch(line);
                prefetch(line.wrapping_add(64));
            }
        }
        for pick in &mut self.picks {
            let Some(Some(record)) = place(pick.entry) else { continue };
            let Some(hosted) = &self.seats[pick.seat] else { continue };
            if satisfies(&record.head, hosted.need) {
                // A visit of what the walk itself had loaded does not make the record one that is asked for again.
                if !hosted.has_asked(pick.entry.slot) {
                    record.head.touch();
                }
                if let Some(links) = record.head.links(Direction::Out) {
                    prefetch(links.as_ptr());
                }
                prefetch(record.payload.heap_address());
                pick.record = Some(Arc::clone(record));
            }
        }
    }
}

//! Asking shards for nodes that are not resident, for this visit and ahead of the next.

use wayfare_graph::Slot;

use crate::engine::Engine;
use crate::hosted::{Hosted, State};
use crate::loader::satisfies;
use crate::messages::{Found, VisitReply};
use crate::slab::SlabGuard;
use crate::tasks;

/// How far ahead a walk looks whose hooks may still put other nodes first.
const UNSURE_LOOK_AHEAD: usize = 32;

impl Engine {
    /// Asks for all walks that had to stop, or that look ahead.
    pub(super) fn ask_all(&mut self) {
        while let Some(seat) = self.asking.pop() {
            let Some(mut hosted) = self.seats[seat].take() else { continue };
            self.ask(&mut hosted);
            self.count_ahead(&mut hosted);
            self.tally.see(&mut hosted);
            self.core.read_ahead.note(self.read_ahead);
            // Nothing was missing after all: it became resident meanwhile.
            let resident = hosted.state == State::Loading && hosted.outstanding == 0;
            self.seats[seat] = Some(hosted);
            if resident {
                self.make_ready(seat);
            }
        }
    }

    fn ask(&mut self, hosted: &mut Hosted) {
        let mut wanted: Vec<Vec<Slot>> = vec![Vec::new(); self.core.settings.shards];
        let directory = &self.core.directory;
        let mut want = |slot: Slot| wanted[directory.shard_of(slot)].push(slot);
        let mut need = hosted.need;
        match &hosted.missing {
            Some(missing) => {
                need = missing.need;
                if hosted.outstanding == 0 {
                    want(missing.slot);
                }
            }
            None => self.look_ahead(hosted, want),
        }
        for (shard, slots) in wanted.into_iter().enumerate().filter(|(_, slots)| !slots.is_empty()) {
            let Some(walker) = hosted.shared.address() else { continue };
            let span = hosted.traced.as_ref().map(|traced| traced.walk.clone());
            hosted.outstanding += 1;
            hosted.asked.extend(slots.iter().map(|&slot| (slot, None)));
            hosted.profile.messages += 1;
            if hosted.missing.is_none() {
                hosted.profile.loaded += slots.len() as u64;
            }
            let room = self.core.shards.room(shard);
            let mut visit = self.core.visit(shard, slots, need, VisitReply::Walker(walker), span);
            visit.posted.at(room.place());
            // Without a shard it goes to the next one, as soon as that is there.
            let Some(shard) = self.core.shards.here(shard) else { continue };
            if visit.posted.has_place() {
                // One that is given back goes to the next shard, too.
                let _ = shard.try_send(visit);
                continue;
            }
            // The walk waits for its answer in any case; only the question has to queue.
            let room = room.clone();
            tasks::spawn_local("question", async move {
                visit.posted.at(room.wait_for_place().await);
                let _ = shard.try_send(visit);
            });
        }
    }

    /// Collects what is missing at the front of the queue.
    fn look_ahead(&self, hosted: &mut Hosted, mut want: impl FnMut(Slot)) {
        // As far as a chunk reaches, which is not begun before all of it is here.
        let batch = self.core.settings.visit_batch.max(hosted.picks());
        let Some(walk) = &hosted.walk else { return };
        let frontier = walk.frontier();
        let predictable = frontier.is_predictable();
        if hosted.outstanding > 0 {
            // One batch is on its way. While hooks run on what is here, the next one is asked for, once
            // half of the last has been visited.
            if !predictable
                || hosted.ahead > batch / 2
                || hosted.outstanding >= 2 * self.core.settings.shards as u32
            {
                return;
            }
        } else if hosted.state == State::Loading {
            // What was asked for has come and gone, or more is needed of it than before.
            hosted.ahead = 0;
        } else if !predictable || hosted.ahead > batch / 2 {
            return;
        }
        let (from, until) =
            if predictable { (hosted.ahead, hosted.ahead + batch) } else { (0, UNSURE_LOOK_AHEAD) };
        // What a walk waits for comes in any case, with a few visits after it.
        let waits = hosted.state == State::Loading && hosted.outstanding == 0;
        let least = if waits { UNSURE_LOOK_AHEAD.saturating_sub(hosted.asked.len()).max(1) } else { 0 };
        let mut room = self.room_ahead().max(least);
        let guards: Vec<SlabGuard<'_>> = self.core.slabs.iter().map(|slab| slab.read()).collect();
        let directory = &self.core.directory;
        let mut at = from;
        while at < until {
            let Some(entry) = frontier.peek(at) else { break };
            let place = directory.place_of(entry.slot);
            let resident = match guards[directory.shard_of(entry.slot)].get(place) {
                Some(Some(record)) => satisfies(&record.head, hosted.need),
                _ => false,
            };
            let here = resident
                || hosted.asked.get(&entry.slot).is_some_and(|answer| match answer {
                    Some(Found::Record(record)) => satisfies(&record.head, hosted.need),
                    // There is none, or the answer is on its way.
                    _ => true,
                });
            if !here {
                if room == 0 {
                    self.core.read_ahead.slow();
                    break;
                }
                room -= 1;
                want(entry.slot);
            }
            at += 1;
        }
        if predictable {
            hosted.ahead = at;
        }
    }
}

//! Changes to what waits already.

use std::collections::VecDeque;

use rustc_hash::FxHashSet;

use super::edits::{Attached, Edits, Placed};
use super::entry::{NOTHING, via_number};
use super::order::{Place, Unique};
use super::{Entry, Frontier, Position};
use crate::record::Slot;

impl Frontier {
    /// Queues nodes, each with the edge that leads to it where one is known, at a place of their own,
    /// in their order and at the cost of the visit that asks. `false`, and nothing is queued, when the node beside which they
    /// are to stand does not wait.
    ///
    /// Uniqueness holds: a node that was visited is passed over. Where nodes are unique, one that waits
    /// elsewhere is moved, with what is attached to it; where edges are and the order is breadth first,
    /// one whose edge waits already is passed over. What is attached to a node comes in one block with
    /// its first entry, wherever that comes up.
    ///
    /// The first edit of a walk counts everything that waits; later ones take constant time for each
    /// node, besides the shifting of what the same visit put [`Next`](Place::Next).
    pub fn place(
        &mut self,
        place: Place,
        slots: &[(Slot, Option<Slot>)],
        parent: &Position,
        depth: u32,
    ) -> bool {
        if place.anchor().is_some_and(|anchor| !self.waits_for(anchor)) {
            return false;
        }
        let from = self.extra().from(parent);
        let first = self.index().next_number();
        let mut entries = Vec::with_capacity(slots.len());
        for &(slot, via) in slots {
            if self.admits_placed(slot, via, place.anchor(), parent, first) {
                let entry = Entry { slot, from, via: via_number(via), depth };
                entries.push(self.index().admit(entry, parent.cost, place.anchor()));
            }
        }
        if !entries.is_empty() {
            self.index().insert(place, entries);
            self.note_edit();
            self.note_length();
        }
        true
    }

    /// Whether uniqueness lets a node be placed; takes it from where it waits.
    fn admits_placed(
        &mut self,
        slot: Slot,
        via: Option<Slot>,
        anchor: Option<Slot>,
        parent: &Position,
        first: u64,
    ) -> bool {
        if self.unique != Unique::Node {
            return self.admits(slot, via, parent);
        }
        let waits = self.waits_for(slot);
        if anchor == Some(slot) || (self.seen.contains(slot) && !waits) {
            return false;
        }
        self.admits_key(slot);
        if !waits {
            return true;
        }
        let edits = self.index();
        if edits.placed_since(slot, first) {
            // Named twice in one call.
            return false;
        }
        if anchor.is_some_and(|anchor| edits.hangs_on(anchor, slot)) {
            // Each would wait for the other.
            edits.release(slot);
        }
        self.kill(slot);
        true
    }

    /// Takes every waiting entry of a node out and says how many there were. It may be queued again, as
    /// may its edges where they were marked by being queued. What was attached to it comes after what
    /// was placed at the front, before everything else.
    pub fn dequeue(&mut self, slot: Slot) -> usize {
        if !self.waits_for(slot) {
            return 0;
        }
        let (count, edges) = self.kill(slot);
        if self.queue.is_line() {
            let unmarked = match self.unique {
                Unique::Node => self.seen.remove(slot),
                _ => edges.iter().filter(|&&edge| self.seen.remove(Slot(edge))).count() > 0,
            };
            self.note_unmarked(unmarked);
        }
        self.index().release(slot);
        self.note_edit();
        count
    }

    fn kill(&mut self, slot: Slot) -> (usize, Vec<u32>) {
        self.index();
        match self.extra.as_mut().and_then(|extra| extra.edits.as_deref_mut()) {
            Some(edits) => edits.kill(slot, &self.queue),
            None => (0, Vec::new()),
        }
    }

    /// Forgets everything that waits, second visits of a node included. What only waited may be queued
    /// again.
    pub fn clear(&mut self) {
        if self.queue.is_line() && matches!(self.unique, Unique::Node | Unique::Edge) {
            let waiting = self.waiting_entries();
            let keys: Vec<Slot> = waiting.into_iter().filter_map(|entry| self.key(entry)).collect();
            let unmarked = keys.into_iter().filter(|&key| self.seen.remove(key)).count();
            self.note_unmarked(unmarked > 0);
        }
        self.queue.clear();
        if let Some(extra) = &mut self.extra {
            extra.edits = None;
        }
        self.note_edit();
    }

    /// Every living entry, in no order.
    fn waiting_entries(&self) -> Vec<Entry> {
        let lying = self.queue.waiting();
        let Some(edits) = self.edits() else { return lying.iter().map(|queued| queued.entry).collect() };
        let lying = lying.iter().filter(|queued| !edits.is_dead_queued(&queued.entry, queued.number));
        let attached = edits.attached.values().flat_map(|lists| lists.before.iter().chain(&lists.after));
        let placed = edits.lane.iter().chain(attached).filter(|placed| !edits.is_dead_placed(placed));
        lying.map(|queued| queued.entry).chain(placed.map(|placed| placed.entry)).collect()
    }

    /// Whether a node waits for its visit. Takes the time of a look at each entry until the queue has
    /// been edited or [indexed](Self::index_nodes).
    ///
    /// Where edges are unique and the order is not breadth first, an entry counts until it comes up,
    /// even if its edge was traversed meanwhile.
    #[must_use]
    pub fn waits_for(&self, slot: Slot) -> bool {
        // Breadth first every node that waits is marked, in other orders none.
        let marked = self.seen.contains(slot);
        (self.unique != Unique::Node || marked == self.queue.is_line()) && self.lies_waiting(slot)
    }

    pub(super) fn lies_waiting(&self, slot: Slot) -> bool {
        match self.edits() {
            Some(edits) => edits.waits(slot),
            None => self.queue.any(|entry| entry.slot == slot && !entry.is_leaving()),
        }
    }

    /// Counts what waits now, so that [`waits_for`](Self::waits_for) and
    /// [`has_visited`](Self::has_visited) take constant time from now on; costs each later entry a
    /// little. An edit does the same.
    pub fn index_nodes(&mut self) {
        self.index();
    }

    pub(super) fn index(&mut self) -> &mut Edits {
        let keeps_edges = self.unique == Unique::Edge && self.queue.is_line();
        let queue = &mut self.queue;
        let extra = self.extra.get_or_insert_default();
        extra.edits.get_or_insert_with(|| Box::new(Edits::new(queue, keeps_edges)))
    }

    /// The nodes that wait for their visit, in the order in which they would come if nothing else were
    /// queued; in a random order, in none. Takes the time of a look at each entry.
    #[must_use]
    pub fn queued(&self) -> Vec<Slot> {
        let (empty, no_edits) = (VecDeque::new(), Edits::default());
        let edits = self.edits().unwrap_or(&no_edits);
        let living = edits.lane.iter().filter(|placed| !edits.is_dead_placed(placed));
        let mut preview = Preview { frontier: self, edits, lane: empty, seen: FxHashSet::default() };
        preview.lane.extend(living.map(|placed| placed.entry));
        let lying = self.queue.waiting();
        let living = lying.iter().filter(|queued| !edits.is_dead_queued(&queued.entry, queued.number));
        preview.run(living.map(|queued| queued.entry).filter(|entry| !entry.is_leaving()))
    }

    fn note_edit(&mut self) {
        if let Some(log) = self.log_mut() {
            log.reset = true;
        }
        let lying = self.queue.len();
        if self.edits().is_some_and(|edits| edits.is_littered(lying)) {
            self.sweep();
        }
    }

    /// Sweeps out what is dead.
    pub(super) fn sweep(&mut self) {
        if let Some(edits) = self.extra.as_mut().and_then(|extra| extra.edits.as_deref_mut())
            && edits.has_dead()
        {
            edits.sweep(&mut self.queue);
        }
    }

    fn note_unmarked(&mut self, unmarked: bool) {
        if let Some(log) = self.log_mut() {
            log.seen_reset |= unmarked;
        }
    }
}

/// A run through what waits that changes nothing; it goes as `settle` and `pop` do.
struct Preview<'a> {
    frontier: &'a Frontier,
    edits: &'a Edits,
    lane: VecDeque<Entry>,
    /// What this run has come by: nodes or edges, and below [`NOTHING`] and a bit, used attachments.
    seen: FxHashSet<u64>,
}

impl Preview<'_> {
    fn run(mut self, mut lying: impl Iterator<Item = Entry>) -> Vec<Slot> {
        let mut order = Vec::new();
        while let Some(entry) = self.lane.pop_front().or_else(|| lying.next()) {
            let key = self.frontier.key(entry).filter(|_| !self.frontier.queue.is_line());
            let stale =
                self.frontier.is_stale(entry) || key.is_some_and(|key| self.seen.contains(&u64::from(key.0)));
            if stale {
                self.bring(entry.slot, 2);
                self.bring(entry.slot, 1);
                continue;
            }
            self.lane.push_front(entry);
            if self.bring(entry.slot, 1) {
                continue;
            }
            self.lane.pop_front();
            self.seen.extend(key.map(|key| u64::from(key.0)));
            order.push(entry.slot);
            self.bring(entry.slot, 2);
        }
        order
    }

    /// Brings what is attached before (1) or after (2) a node, once; `false` if nothing is.
    fn bring(&mut self, slot: Slot, side: u64) -> bool {
        let list = |lists: &Attached| -> Vec<Placed> {
            if side == 1 { lists.before.clone() } else { lists.after.clone() }
        };
        let entries = self.edits.attached.get(&slot.0).map(list).unwrap_or_default();
        if entries.is_empty() || !self.seen.insert((u64::from(NOTHING) + 1) * side + u64::from(slot.0)) {
            return false;
        }
        let living = entries.iter().rev().filter(|placed| !self.edits.is_dead_placed(placed));
        living.for_each(|placed| self.lane.push_front(placed.entry));
        true
    }
}

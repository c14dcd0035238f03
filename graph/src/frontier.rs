//! The queue of a walk: what is visited next, and what is never visited again.
//!
//! The plain case, breadth first without anything else, is an append and a pop of [`Line`]. Everything
//! rarer (a tree, edits, a log) hangs behind one pointer that is empty there.

mod bag;
mod checkpoint;
mod edit;
mod edits;
mod entry;
mod heap;
mod line;
mod log;
mod order;
mod queue;
mod settle;
mod skip;
mod stack;
mod standing;
#[cfg(test)]
mod tests;
mod tree;

pub use checkpoint::{FrontierDelta, FrontierFlags, FrontierState, Held, Waiting};
pub use entry::{Entry, Position};
pub use order::{Order, Place, Unique};
pub use tree::TreeNode;

use edits::Edits;
use entry::{NOTHING, via_number};
use log::Log;
use queue::Queue;
use tree::Tree;

use crate::record::Slot;
use crate::slot_set::SlotSet;

/// The queue and the visited set of one walk.
///
/// Breadth first, a node is marked when it is queued, so the queue holds each node once. In the
/// other orders it is marked when it is visited, because a later entry may come before an earlier.
/// The same holds for edges where those are unique.
///
/// Memory is 16 bytes for each entry that waits (24 in a random order, 40 in that of least cost), the
/// set of what was seen, 12 bytes for each visit when tracked, and about 100 bytes for each node that
/// waits once the queue was edited.
#[derive(Debug)]
pub struct Frontier {
    queue: Queue,
    /// Nodes, or edges where those are unique.
    seen: SlotSet,
    extra: Option<Box<Extra>>,
    longest: usize,
    unique: Unique,
    leaves: bool,
}

/// What most walks do without.
#[derive(Debug, Default)]
struct Extra {
    tree: Option<Tree>,
    edits: Option<Box<Edits>>,
    log: Option<Log>,
    visited: Option<SlotSet>,
}

impl Extra {
    /// What an entry keeps of the visit that queued it.
    fn from(&self, parent: &Position) -> u32 {
        if self.tree.is_some() { parent.branch } else { parent.slot.0 }
    }
}

impl Frontier {
    /// An empty queue.
    #[must_use]
    pub fn new(order: Order, unique: Unique) -> Self {
        let queue = Queue::new(order);
        let frontier =
            Self { queue, seen: SlotSet::default(), extra: None, longest: 0, unique, leaves: false };
        if unique == Unique::Path { frontier.track() } else { frontier }
    }

    /// Keeps the tree of visits, for paths and branches. To be called before anything is queued;
    /// [`Unique::Path`] keeps it anyway.
    #[must_use]
    pub fn track(mut self) -> Self {
        debug_assert!(self.queue.len() == 0, "entries that wait already lead to nodes, not to branches");
        self.extra().tree.get_or_insert_default();
        self
    }

    /// Visits each node a second time after everything below it, in depth-first walks only.
    #[must_use]
    pub fn leave(mut self) -> Self {
        self.leaves = matches!(self.queue, Queue::Last(_));
        self
    }

    /// Keeps the set of visited nodes, so that [`has_visited`](Self::has_visited) knows it, and at once.
    /// To be called before the first visit.
    #[must_use]
    pub fn remember(mut self) -> Self {
        // What was seen is not what was visited, whatever is unique: nodes that were passed over were seen.
        self.extra().visited.get_or_insert_default();
        self
    }

    /// Queues a start.
    pub fn start(&mut self, slot: Slot) {
        if !matches!(self.unique, Unique::Node) || self.admits_key(slot) {
            let from = if self.tree().is_some() { NOTHING } else { slot.0 };
            self.enqueue(Entry { slot, from, via: NOTHING, depth: 0 }, 0.0, 0.0);
        }
    }

    /// Queues nodes that the hook at `parent` asked for, at `depth`; in the order of least cost at no
    /// cost.
    #[inline]
    pub fn push(&mut self, slots: &[u32], parent: &Position, depth: u32) {
        let (Queue::First(line), None) = (&mut self.queue, &self.extra) else {
            return self.push_each(slots, parent, depth);
        };
        let (node, seen, from) = (self.unique == Unique::Node, &mut self.seen, parent.slot.0);
        let entry = |slot| Entry { slot: Slot(slot), from, via: NOTHING, depth };
        line.extend(slots.len(), slots.iter().map(|&slot| (entry(slot), !node || seen.insert(Slot(slot)))));
        self.longest = self.longest.max(line.len());
    }

    fn push_each(&mut self, slots: &[u32], parent: &Position, depth: u32) {
        if let (Queue::Last(stack), None) = (&mut self.queue, &self.extra) {
            let (node, seen, from) = (self.unique == Unique::Node, &self.seen, parent.slot.0);
            let fresh = slots.iter().map(|&slot| Slot(slot)).filter(|&slot| !node || !seen.contains(slot));
            stack.extend(fresh.map(|slot| Entry { slot, from, via: NOTHING, depth }));
            return self.note_length();
        }
        if let (Queue::First(line), Some(extra)) = (&mut self.queue, &mut self.extra)
            && extra.edits.is_none()
            && self.unique != Unique::Path
        {
            let (node, seen, from, before) =
                (self.unique == Unique::Node, &mut self.seen, extra.from(parent), line.len());
            let entry = |slot| Entry { slot: Slot(slot), from, via: NOTHING, depth };
            line.extend(
                slots.len(),
                slots.iter().map(|&slot| (entry(slot), !node || seen.insert(Slot(slot)))),
            );
            if let Some(log) = extra.log.as_mut().filter(|_| node) {
                log.seen.extend(line.waiting()[before..].iter().map(|entry| entry.slot.0));
            }
            return self.note_length();
        }
        slots.iter().for_each(|&slot| self.push_one((0.0, 0.0), Slot(slot), None, parent, depth));
    }

    /// Queues a node that is reached through a known edge.
    pub fn push_edge(&mut self, slot: Slot, via: Slot, parent: &Position, depth: u32) {
        self.push_one((0.0, 0.0), slot, Some(via), parent, depth);
    }

    /// Queues one node by priority, the least first, with the cost that its visit will be told; in
    /// other orders, without either.
    pub fn push_at(
        &mut self,
        priority: f64,
        cost: f64,
        slot: Slot,
        via: Option<Slot>,
        parent: &Position,
        depth: u32,
    ) {
        let costed = matches!(self.queue, Queue::Least(_));
        let rank = if costed { (priority, cost) } else { (0.0, 0.0) };
        self.push_one(rank, slot, via, parent, depth);
    }

    fn push_one(
        &mut self,
        (priority, cost): (f64, f64),
        slot: Slot,
        via: Option<Slot>,
        parent: &Position,
        depth: u32,
    ) {
        if self.admits(slot, via, parent) {
            let from = self.extra.as_ref().map_or(parent.slot.0, |extra| extra.from(parent));
            self.enqueue(Entry { slot, from, via: via_number(via), depth }, priority, cost);
        }
    }

    /// Whether uniqueness lets an entry into the queue; breadth first, marks it.
    #[inline]
    fn admits(&mut self, slot: Slot, via: Option<Slot>, parent: &Position) -> bool {
        match (self.unique, via) {
            (Unique::Node, _) => self.admits_key(slot),
            (Unique::Edge, Some(via)) => self.admits_key(via),
            (Unique::Path, _) => !self.on_path(parent.branch, slot),
            (Unique::Edge | Unique::None, _) => true,
        }
    }

    #[inline]
    fn admits_key(&mut self, key: Slot) -> bool {
        if self.queue.is_line() { self.mark(key) } else { !self.seen.contains(key) }
    }

    /// Notes that a node or an edge does not come again; `true` if that is new.
    #[inline]
    fn mark(&mut self, key: Slot) -> bool {
        let new = self.seen.insert(key);
        if new && let Some(log) = self.log_mut() {
            log.seen.push(key.0);
        }
        new
    }

    #[inline]
    fn enqueue(&mut self, entry: Entry, priority: f64, cost: f64) {
        self.queue.push(entry, priority, cost);
        if let Some(edits) = self.edits_mut() {
            edits.joined(&entry);
        }
        self.note_length();
    }

    #[inline]
    fn note_length(&mut self) {
        self.longest = self.longest.max(self.len());
    }

    /// Ends what one visit queued: depth first, its first request must lie on top; what the next visit
    /// puts [`Next`](Place::Next) comes before what this one put there.
    #[inline]
    pub fn end_group(&mut self) {
        if let Queue::Last(stack) = &mut self.queue {
            stack.end_group();
        }
        if let Some(edits) = self.edits_mut() {
            edits.end_group();
        }
    }

    /// Takes the next node, to be visited now; ends the group.
    #[inline]
    pub fn pop(&mut self) -> Option<Position> {
        if let (Queue::First(line), None) = (&mut self.queue, &self.extra) {
            return line.pop().map(|entry| entry.position(0.0));
        }
        self.pop_next()
    }

    /// Whether the nodes after the first are known before the first is visited, as they are while
    /// hooks only append.
    #[must_use]
    #[inline]
    pub fn is_predictable(&self) -> bool {
        self.queue.is_line() && self.edits().is_none_or(Edits::is_bare)
    }

    /// The node that would come about `at` places after the next, as far as is known now; exact for
    /// all of them while the order is predictable, and for the next after [`settle`](Self::settle).
    #[must_use]
    #[inline]
    pub fn peek(&self, at: usize) -> Option<Entry> {
        match self.edits() {
            None => self.queue.peek(at),
            Some(edits) => self.peek_edited(edits, at),
        }
    }

    fn peek_edited(&self, edits: &Edits, at: usize) -> Option<Entry> {
        if let Some(placed) = edits.lane.get(at) {
            return Some(placed.entry);
        }
        let at = at - edits.lane.len();
        match &self.queue {
            Queue::First(line) if edits.has_dead_queued() => {
                let numbered = line.waiting().iter().zip(line.numbers().0..);
                let mut living = numbered.filter(|(entry, number)| !edits.is_dead_queued(entry, *number));
                living.nth(at).map(|(entry, _)| *entry)
            }
            queue => queue.peek(at),
        }
    }

    /// How many entries wait. In orders other than breadth first a node may wait several times and
    /// come up once.
    #[must_use]
    #[inline]
    pub fn len(&self) -> usize {
        let lying = self.queue.len();
        self.edits().map_or(lying, |edits| edits.len(lying))
    }

    /// Whether nothing waits; exact after [`settle`](Self::settle).
    #[must_use]
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The most entries that ever waited.
    #[must_use]
    pub fn longest(&self) -> usize {
        self.longest
    }

    /// Whether a node has been visited, `None` when that is not known: where nodes are not unique, it
    /// takes [`remember`](Self::remember).
    ///
    /// Breadth first and not remembered, the cost is that of [`waits_for`](Self::waits_for).
    #[must_use]
    pub fn has_visited(&self, slot: Slot) -> Option<bool> {
        if let Some(visited) = self.extra.as_ref().and_then(|extra| extra.visited.as_ref()) {
            return Some(visited.contains(slot));
        }
        let seen = || self.seen.contains(slot);
        (self.unique == Unique::Node).then(|| seen() && !(self.queue.is_line() && self.lies_waiting(slot)))
    }

    fn extra(&mut self) -> &mut Extra {
        self.extra.get_or_insert_default()
    }

    fn tree(&self) -> Option<&Tree> {
        self.extra.as_ref()?.tree.as_ref()
    }

    #[inline]
    fn edits(&self) -> Option<&Edits> {
        self.extra.as_ref()?.edits.as_deref()
    }

    #[inline]
    fn edits_mut(&mut self) -> Option<&mut Edits> {
        self.extra.as_mut()?.edits.as_deref_mut()
    }

    #[inline]
    fn log_mut(&mut self) -> Option<&mut Log> {
        self.extra.as_mut()?.log.as_mut()
    }
}

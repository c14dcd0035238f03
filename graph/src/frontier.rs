//! The queue of a walk: what is visited next, and what is never visited again.

use std::cmp::{Ordering, Reverse};
use std::collections::BinaryHeap;

use serde::{Deserialize, Serialize};

use crate::record::Slot;
use crate::slot_set::SlotSet;

/// The order in which queued nodes are visited.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Order {
    /// First in, first out.
    #[default]
    BreadthFirst,
    /// What the last hook queued comes first, in the order it was queued: a node, then the whole
    /// subtree of its first neighbour, then that of the next.
    DepthFirst,
    /// The least cost first, as given with [`Walk::visit_at`](crate::Walk::visit_at); equal costs
    /// in the order of queueing.
    LeastCost,
}

/// What a walk does not visit twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Hash)]
pub enum Unique {
    /// No node twice.
    #[default]
    Node,
    /// Anything may be visited again.
    None,
}

/// A node waiting to be visited.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Entry {
    /// The node.
    pub slot: Slot,
    /// The node whose hook queued it; itself for a start.
    pub from: Slot,
    /// Steps from the start.
    pub depth: u32,
}

/// An entry with its cost; the order of the heap is reversed to give the least first.
#[derive(Debug, PartialEq)]
struct Costed {
    cost: f64,
    number: u64,
    entry: Entry,
}

impl Eq for Costed {}

impl PartialOrd for Costed {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Costed {
    fn cmp(&self, other: &Self) -> Ordering {
        self.cost.total_cmp(&other.cost).then(self.number.cmp(&other.number))
    }
}

#[derive(Debug)]
enum Queue {
    First(Line),
    Last { stack: Vec<Entry>, group: usize },
    Least { heap: BinaryHeap<Reverse<Costed>>, number: u64 },
}

/// First in, first out: a vector with a head, because it can be appended to without a branch on each
/// entry. About half of a node's neighbours have been met before, which no branch predictor foresees.
#[derive(Debug, Default)]
struct Line {
    entries: Vec<Entry>,
    head: usize,
}

impl Line {
    /// Appends those of `count` entries that are wanted.
    #[inline]
    fn extend(&mut self, count: usize, entries: impl Iterator<Item = (Entry, bool)>) {
        if self.head == self.entries.len() {
            self.entries.clear();
            self.head = 0;
        } else if self.head > 1_024 && self.head * 2 > self.entries.len() {
            self.entries.drain(..self.head);
            self.head = 0;
        }
        let mut end = self.entries.len();
        let nothing = Entry { slot: Slot(0), from: Slot(0), depth: 0 };
        self.entries.resize(end + count, nothing);
        for (entry, wanted) in entries {
            // Written in any case, kept if wanted.
            if let Some(place) = self.entries.get_mut(end) {
                *place = entry;
            }
            end += usize::from(wanted);
        }
        self.entries.truncate(end);
    }

    #[inline]
    fn pop(&mut self) -> Option<Entry> {
        let entry = self.entries.get(self.head).copied()?;
        self.head += 1;
        Some(entry)
    }

    fn put_back(&mut self, entry: Entry) {
        match self.head.checked_sub(1) {
            Some(before) => {
                self.head = before;
                self.entries[before] = entry;
            }
            None => self.entries.insert(0, entry),
        }
    }
}

/// The queue and the visited set of one walk.
///
/// Breadth first, a node is marked when it is queued, so the queue holds each node once. In the
/// other orders it is marked when it is visited, because a later entry may come before an earlier.
#[derive(Debug)]
pub struct Frontier {
    queue: Queue,
    unique: Unique,
    seen: SlotSet,
    longest: usize,
    /// Entries that were popped and neither visited nor put back yet.
    taken: usize,
}

impl Frontier {
    /// An empty queue.
    #[must_use]
    pub fn new(order: Order, unique: Unique) -> Self {
        let queue = match order {
            Order::BreadthFirst => Queue::First(Line::default()),
            Order::DepthFirst => Queue::Last { stack: Vec::new(), group: 0 },
            Order::LeastCost => Queue::Least { heap: BinaryHeap::new(), number: 0 },
        };
        Self { queue, unique, seen: SlotSet::default(), longest: 0, taken: 0 }
    }

    /// Queues nodes that a hook at `from` asked for, the nearest at `depth`.
    #[inline]
    pub fn push(&mut self, slots: &[u32], from: Slot, depth: u32) {
        let unique = self.unique == Unique::Node;
        let entry = |slot| Entry { slot, from, depth };
        match &mut self.queue {
            Queue::First(queue) => {
                let seen = &mut self.seen;
                queue.extend(
                    slots.len(),
                    slots.iter().map(|&slot| (entry(Slot(slot)), !unique || seen.insert(Slot(slot)))),
                );
            }
            Queue::Last { stack, .. } => {
                let fresh =
                    slots.iter().map(|&slot| Slot(slot)).filter(|&slot| !unique || !self.seen.contains(slot));
                stack.extend(fresh.map(entry));
            }
            Queue::Least { .. } => slots.iter().for_each(|&slot| self.push_at(0.0, Slot(slot), from, depth)),
        }
        self.note_length();
    }

    #[inline]
    fn note_length(&mut self) {
        self.longest = self.longest.max(self.waiting());
    }

    /// Queues one node at a cost; in orders without costs, the same as [`push`](Self::push).
    pub fn push_at(&mut self, cost: f64, slot: Slot, from: Slot, depth: u32) {
        let Queue::Least { heap, number } = &mut self.queue else {
            return self.push(&[slot.0], from, depth);
        };
        if self.unique == Unique::None || !self.seen.contains(slot) {
            *number += 1;
            heap.push(Reverse(Costed { cost, number: *number, entry: Entry { slot, from, depth } }));
            self.note_length();
        }
    }

    /// Ends what one hook queued: depth first, its first request must lie on top.
    #[inline]
    pub fn end_group(&mut self) {
        if let Queue::Last { stack, group } = &mut self.queue {
            let start = (*group).min(stack.len());
            stack[start..].reverse();
            *group = stack.len();
        }
    }

    /// Takes the next node, with the cost at which it was queued.
    #[inline]
    pub fn pop(&mut self) -> Option<(Entry, f64)> {
        let unique = self.unique == Unique::Node;
        match &mut self.queue {
            Queue::First(queue) => queue.pop().map(|entry| (entry, 0.0)),
            Queue::Last { stack, group } => {
                let found = loop {
                    match stack.pop() {
                        Some(entry) if unique && !self.seen.insert(entry.slot) => {}
                        found => break found,
                    }
                };
                *group = stack.len();
                found.map(|entry| (entry, 0.0))
            }
            Queue::Least { heap, .. } => loop {
                let Reverse(next) = heap.pop()?;
                if !unique || self.seen.insert(next.entry.slot) {
                    return Some((next.entry, next.cost));
                }
            },
        }
    }

    /// Gives back a node that was popped but not visited; it comes first again.
    pub fn put_back(&mut self, entry: Entry, cost: f64) {
        match &mut self.queue {
            Queue::First(queue) => queue.put_back(entry),
            Queue::Last { stack, group } => {
                stack.push(entry);
                *group = stack.len();
                self.seen.remove(entry.slot);
            }
            Queue::Least { heap, .. } => {
                // Number 0 is before every number given out, so it comes first among equal costs.
                heap.push(Reverse(Costed { cost, number: 0, entry }));
                self.seen.remove(entry.slot);
            }
        }
    }

    /// Whether the nodes after the first are known before the first is visited, as they are while
    /// hooks only append.
    #[must_use]
    pub fn is_predictable(&self) -> bool {
        matches!(self.queue, Queue::First(_))
    }

    /// The node that would come about `at` places after the next, as far as is known now; exact for
    /// the next, and for all of them while the order is predictable.
    #[must_use]
    #[inline]
    pub fn peek(&self, at: usize) -> Option<Entry> {
        match &self.queue {
            Queue::First(queue) => queue.entries.get(queue.head + at).copied(),
            Queue::Last { stack, .. } => stack.len().checked_sub(at + 1).map(|index| stack[index]),
            // A heap is sorted only at its top; what lies near the top comes soon.
            Queue::Least { heap, .. } => heap.as_slice().get(at).map(|Reverse(next)| next.entry),
        }
    }

    /// Forgets everything that waits.
    pub fn clear(&mut self) {
        match &mut self.queue {
            Queue::First(queue) => *queue = Line::default(),
            Queue::Last { stack, group } => {
                stack.clear();
                *group = 0;
            }
            Queue::Least { heap, .. } => heap.clear(),
        }
    }

    /// How many entries wait.
    #[must_use]
    #[inline]
    pub fn len(&self) -> usize {
        match &self.queue {
            Queue::First(queue) => queue.entries.len() - queue.head,
            Queue::Last { stack, .. } => stack.len(),
            Queue::Least { heap, .. } => heap.len(),
        }
    }

    /// Says how many entries have been popped and still wait to be visited: they count as queued.
    #[inline]
    pub fn set_taken(&mut self, taken: usize) {
        self.taken = taken;
    }

    /// How many entries have been popped and still wait to be visited.
    #[must_use]
    pub fn taken(&self) -> usize {
        self.taken
    }

    /// How many entries wait, those among them that have been popped ahead of their visit.
    #[must_use]
    #[inline]
    pub fn waiting(&self) -> usize {
        self.len() + self.taken
    }

    /// Whether nothing waits.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The most entries that ever waited.
    #[must_use]
    pub fn longest(&self) -> usize {
        self.longest
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drain(frontier: &mut Frontier) -> Vec<u32> {
        std::iter::from_fn(|| frontier.pop().map(|(entry, _)| entry.slot.0)).collect()
    }

    fn push(frontier: &mut Frontier, slots: &[u32]) {
        frontier.push(slots, Slot(0), 1);
        frontier.end_group();
    }

    #[test]
    fn breadth_first_is_first_in_first_out_and_holds_a_node_once() {
        let mut frontier = Frontier::new(Order::BreadthFirst, Unique::Node);
        push(&mut frontier, &[1, 2, 1]);
        push(&mut frontier, &[3, 2]);
        assert_eq!(frontier.len(), 3);
        assert_eq!(drain(&mut frontier), [1, 2, 3]);
    }

    #[test]
    fn depth_first_visits_a_subtree_before_the_next_sibling() {
        let mut frontier = Frontier::new(Order::DepthFirst, Unique::Node);
        push(&mut frontier, &[1, 2]);
        assert_eq!(frontier.pop().unwrap().0.slot, Slot(1));
        push(&mut frontier, &[5, 2, 6]);
        assert_eq!(drain(&mut frontier), [5, 2, 6], "2 is reached first below 1");
    }

    #[test]
    fn least_cost_comes_first_and_ties_keep_their_order() {
        let mut frontier = Frontier::new(Order::LeastCost, Unique::Node);
        for (cost, slot) in [(2.0, 1), (1.0, 2), (1.0, 3), (0.5, 1)] {
            frontier.push_at(cost, Slot(slot), Slot(0), 1);
        }
        assert_eq!(drain(&mut frontier), [1, 2, 3]);
    }

    #[test]
    fn what_was_put_back_comes_first_again() {
        for order in [Order::BreadthFirst, Order::DepthFirst, Order::LeastCost] {
            let mut frontier = Frontier::new(order, Unique::Node);
            push(&mut frontier, &[1, 2, 3]);
            let (entry, cost) = frontier.pop().unwrap();
            frontier.put_back(entry, cost);
            assert_eq!(drain(&mut frontier), [1, 2, 3], "{order:?}");
        }
    }

    #[test]
    fn without_uniqueness_a_node_comes_as_often_as_it_is_queued() {
        for order in [Order::BreadthFirst, Order::DepthFirst, Order::LeastCost] {
            let mut frontier = Frontier::new(order, Unique::None);
            push(&mut frontier, &[1, 1]);
            assert_eq!(drain(&mut frontier), [1, 1], "{order:?}");
        }
    }
}

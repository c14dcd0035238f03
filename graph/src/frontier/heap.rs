//! The least priority first.

use std::cmp::{Ordering, Reverse};
use std::collections::BinaryHeap;

use super::entry::Entry;

/// An entry with its priority; the order of the heap is reversed to give the least first.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Costed {
    pub(super) priority: f64,
    pub(super) number: u64,
    pub(super) cost: f64,
    pub(super) entry: Entry,
}

impl Eq for Costed {}

impl PartialOrd for Costed {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Costed {
    fn cmp(&self, other: &Self) -> Ordering {
        self.priority.total_cmp(&other.priority).then(self.number.cmp(&other.number))
    }
}

/// What waits in the order of priority, equal ones in the order of queueing.
#[derive(Debug, Default)]
pub(super) struct Heap {
    heap: BinaryHeap<Reverse<Costed>>,
    next: u64,
}

impl Heap {
    pub(super) fn push(&mut self, entry: Entry, priority: f64, cost: f64) {
        self.heap.push(Reverse(Costed { priority, number: self.next, cost, entry }));
        self.next += 1;
    }

    pub(super) fn next_number(&self) -> u64 {
        self.next
    }

    pub(super) fn pop(&mut self) -> Option<(Entry, f64)> {
        self.heap.pop().map(|Reverse(next)| (next.entry, next.cost))
    }

    pub(super) fn top(&self) -> Option<(Entry, u64)> {
        self.heap.peek().map(|Reverse(next)| (next.entry, next.number))
    }

    /// A heap is sorted only at its top; what lies near the top comes soon.
    pub(super) fn peek(&self, at: usize) -> Option<Entry> {
        self.heap.as_slice().get(at).map(|Reverse(next)| next.entry)
    }

    pub(super) fn len(&self) -> usize {
        self.heap.len()
    }

    /// Everything in the order in which it would be popped.
    pub(super) fn waiting(&self) -> Vec<Costed> {
        let mut waiting: Vec<Costed> = self.heap.iter().map(|Reverse(next)| *next).collect();
        waiting.sort_unstable();
        waiting
    }

    /// Keeps what `wanted` says, by entry and number.
    pub(super) fn retain(&mut self, mut wanted: impl FnMut(&Entry, u64) -> bool) {
        self.heap.retain(|Reverse(next)| wanted(&next.entry, next.number));
    }

    pub(super) fn clear(&mut self) {
        self.heap = BinaryHeap::new();
    }
}

//! Passing over an entry.

use super::queue::Queue;
use super::{Frontier, Unique};
use crate::record::Slot;

impl Frontier {
    /// Takes the next entry away without a visit: its node does not exist, or a filter keeps it out. It does
    /// not come again.
    #[inline]
    pub fn skip(&mut self) {
        if let (Queue::First(line), None) = (&mut self.queue, &self.extra) {
            line.pop();
            return;
        }
        self.settle();
        if let Some((entry, _)) = self.take()
            && !self.queue.is_line()
            && !entry.is_leaving()
            && let Some(key) = self.key(entry)
        {
            self.mark(key);
        }
    }

    /// Whether uniqueness by node keeps a node out already; `false` where it may still do so later.
    #[must_use]
    pub fn is_closed_to(&self, slot: Slot) -> bool {
        self.unique == Unique::Node && self.seen.contains(slot)
    }

    /// Whether the tree of visits is kept.
    #[must_use]
    pub fn is_tracked(&self) -> bool {
        self.tree().is_some()
    }
}

/// A queue that nobody uses.
impl Default for Frontier {
    fn default() -> Self {
        Self::new(super::Order::BreadthFirst, super::Unique::None)
    }
}

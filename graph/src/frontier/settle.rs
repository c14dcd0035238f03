//! Coming to the next entry: past what is dead or has been seen, with what is attached around it.

use super::entry::{NOTHING, Position};
use super::order::Unique;
use super::queue::Queue;
use super::tree::TreeNode;
use super::{Entry, Frontier};
use crate::record::Slot;

/// What comes next, as far as one can see without taking it.
#[derive(Clone, Copy)]
struct Front {
    entry: Entry,
    in_lane: bool,
    dead: bool,
}

impl Frontier {
    /// Drops what would be passed over from the front, so that [`peek`](Self::peek) of 0 and
    /// [`is_empty`](Self::is_empty) tell exactly what a pop would give. Ends the group.
    ///
    /// In a random order the next entry is drawn now. What is attached before the next entry goes to
    /// the front with it now: only what is placed there later comes before them.
    #[inline]
    pub fn settle(&mut self) {
        if self.queue.is_line() && self.edits().is_none() {
            return;
        }
        self.end_group();
        while let Some(front) = self.front() {
            if front.dead || self.is_stale(front.entry) {
                self.drop_front(front);
            } else if !self.bring_before(front) {
                return;
            }
        }
    }

    fn front(&mut self) -> Option<Front> {
        let Some(edits) = self.extra.as_ref().and_then(|extra| extra.edits.as_deref()) else {
            let (entry, _) = self.queue.front()?;
            return Some(Front { entry, in_lane: false, dead: false });
        };
        if let Some(placed) = edits.lane.front() {
            return Some(Front { entry: placed.entry, in_lane: true, dead: edits.is_dead_placed(placed) });
        }
        let (entry, number) = self.queue.front()?;
        Some(Front { entry, in_lane: false, dead: edits.is_dead_queued(&entry, number) })
    }

    /// Whether an entry was overtaken by another of its node or edge. Breadth first that cannot be:
    /// only the first of them was queued.
    #[inline]
    pub(super) fn is_stale(&self, entry: Entry) -> bool {
        if self.queue.is_line() || entry.is_leaving() {
            return false;
        }
        self.key(entry).is_some_and(|key| self.seen.contains(key))
    }

    /// What does not come again once this entry was visited.
    #[inline]
    pub(super) fn key(&self, entry: Entry) -> Option<Slot> {
        match self.unique {
            Unique::Node => Some(entry.slot),
            Unique::Edge => entry.via(),
            Unique::Path | Unique::None => None,
        }
    }

    fn drop_front(&mut self, front: Front) {
        if !front.in_lane {
            self.queue.pop();
        }
        let Some(edits) = self.edits_mut() else { return };
        if front.in_lane {
            edits.pop_lane();
        } else {
            edits.left_queue(&front.entry, front.dead);
        }
        if !front.dead {
            // Another entry of the node may never come; what hung on this one stays where it was.
            edits.bring_all(front.entry.slot);
        }
    }

    /// Moves what is attached before the next entry to the front, and the entry with it; `false` if
    /// nothing is.
    fn bring_before(&mut self, front: Front) -> bool {
        let Some(edits) = self.extra.as_mut().and_then(|extra| extra.edits.as_deref_mut()) else {
            return false;
        };
        if front.entry.is_leaving() || !edits.has_before(front.entry.slot) {
            return false;
        }
        if !front.in_lane
            && let Some((entry, cost)) = self.queue.pop()
        {
            edits.left_queue(&entry, false);
            edits.put_first_again(entry, cost);
        }
        edits.bring_before(front.entry.slot);
        true
    }

    pub(super) fn pop_next(&mut self) -> Option<Position> {
        if let (Queue::Last(stack), None, false) = (&mut self.queue, &self.extra, self.leaves) {
            // The plain walk depth first: one look at the set says both whether to drop and to mark.
            stack.end_group();
            return loop {
                let entry = stack.pop()?;
                let key = match self.unique {
                    Unique::Node => Some(entry.slot),
                    _ => entry.via().filter(|_| self.unique == Unique::Edge),
                };
                if key.is_none_or(|key| self.seen.insert(key)) {
                    break Some(entry.position(0.0));
                }
            };
        }
        self.settle();
        let (entry, cost) = self.take()?;
        if entry.is_leaving() {
            return Some(self.locate(entry, cost, entry.from));
        }
        if !self.queue.is_line()
            && let Some(key) = self.key(entry)
        {
            self.mark(key);
        }
        let branch = self.note_visit(entry);
        if self.leaves
            && let Queue::Last(stack) = &mut self.queue
        {
            let from = if self.extra.as_ref().is_some_and(|extra| extra.tree.is_some()) {
                branch
            } else {
                entry.from
            };
            stack.push(entry.leaving(from));
            stack.end_group();
        }
        Some(self.locate(entry, cost, branch))
    }

    /// Takes what comes next; it is neither dead nor stale.
    pub(super) fn take(&mut self) -> Option<(Entry, f64)> {
        let Some(edits) = self.extra.as_mut().and_then(|extra| extra.edits.as_deref_mut()) else {
            return self.queue.pop();
        };
        let (entry, cost) = match edits.pop_lane() {
            Some((placed, _)) => (placed.entry, placed.cost),
            None => {
                let taken = self.queue.pop()?;
                edits.left_queue(&taken.0, false);
                taken
            }
        };
        if !entry.is_leaving() {
            edits.bring_after(entry.slot);
        }
        Some((entry, cost))
    }

    /// Adds a visit to the tree and to the set of visited nodes, where these are kept; gives its branch.
    fn note_visit(&mut self, entry: Entry) -> u32 {
        let Some(extra) = &mut self.extra else { return 0 };
        if let Some(visited) = &mut extra.visited
            && visited.insert(entry.slot)
            && let Some(log) = &mut extra.log
        {
            log.visited.push(entry.slot.0);
        }
        let node = TreeNode { slot: entry.slot.0, parent: entry.from, via: entry.via };
        extra.tree.as_mut().map_or(0, |tree| tree.add(node))
    }

    /// Where the walk stands at an entry; `branch` counts when tracked.
    fn locate(&self, entry: Entry, cost: f64, branch: u32) -> Position {
        let position = entry.position(cost);
        let Some(tree) = self.tree() else { return position };
        let parent = tree.get(branch).map_or(NOTHING, |node| node.parent);
        let from = tree.get(parent).map_or(entry.slot, |node| Slot(node.slot));
        Position { from, branch, ..position }
    }
}

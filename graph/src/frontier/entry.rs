//! A node that waits, and where the walk stands when its turn has come.

use crate::record::Slot;

/// No edge, no parent.
pub(super) const NOTHING: u32 = u32::MAX;

/// Set in the depth of an entry that marks the end of a subtree.
const LEAVING: u32 = 1 << 31;

/// A node waiting to be visited.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Entry {
    /// The node.
    pub slot: Slot,
    /// Untracked, the slot of the node whose hook queued it, or its own for a start. Tracked, the
    /// branch of the visit that queued it, or [`NOTHING`] for a start; when leaving, its own branch.
    pub(super) from: u32,
    /// The slot of the edge that led here, or [`NOTHING`].
    pub(super) via: u32,
    /// Steps from the start, and the [`LEAVING`] bit.
    pub(super) depth: u32,
}

impl Entry {
    /// What room is filled with until something is written there.
    pub(super) const BLANK: Self = Self { slot: Slot(0), from: 0, via: NOTHING, depth: 0 };

    /// Whether it is the second visit of a node, after everything below it.
    #[must_use]
    #[inline]
    pub fn is_leaving(&self) -> bool {
        self.depth & LEAVING != 0
    }

    /// Steps from the start.
    #[must_use]
    #[inline]
    pub fn depth(&self) -> u32 {
        self.depth & !LEAVING
    }

    /// The edge that led here.
    #[must_use]
    #[inline]
    pub fn via(&self) -> Option<Slot> {
        (self.via != NOTHING).then_some(Slot(self.via))
    }

    /// The entry that ends the subtree of this one.
    pub(super) fn leaving(self, from: u32) -> Self {
        Self { from, depth: self.depth | LEAVING, ..self }
    }

    /// Where a walk without a tree stands at its visit.
    #[inline]
    pub(super) fn position(self, cost: f64) -> Position {
        Position {
            slot: self.slot,
            from: Slot(self.from),
            via: self.via(),
            depth: self.depth(),
            cost,
            branch: 0,
            leaving: self.is_leaving(),
        }
    }
}

/// The number by which an edge is kept in an entry.
#[inline]
pub(super) fn via_number(via: Option<Slot>) -> u32 {
    via.map_or(NOTHING, |Slot(via)| via)
}

/// Where the walk stands.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Position {
    /// The node.
    pub slot: Slot,
    /// The node whose hook sent the walk here; the node itself at the start.
    pub from: Slot,
    /// The edge that led here, where one is known.
    pub via: Option<Slot>,
    /// Steps from the start.
    pub depth: u32,
    /// The cost at which the node was queued, 0 where costs are not used.
    pub cost: f64,
    /// The number of this visit in the tree of the walk, 0 when the walk keeps none.
    pub branch: u32,
    /// Whether this is the second visit of the node, after everything below it.
    pub leaving: bool,
}

impl Position {
    /// The position at a start.
    #[must_use]
    pub fn start(slot: Slot) -> Self {
        Self { slot, from: slot, via: None, depth: 0, cost: 0.0, branch: 0, leaving: false }
    }
}

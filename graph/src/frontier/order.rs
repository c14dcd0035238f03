//! In which order a walk goes, and what it does not visit twice.

use serde::{Deserialize, Serialize};

use crate::record::Slot;

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
    /// Each time one of the nodes that wait, all equally likely.
    Random {
        /// Where the draws begin: the same seed and the same requests give the same order.
        seed: u64,
    },
}

/// What a walk does not visit twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Unique {
    /// No node twice.
    #[default]
    Node,
    /// No edge twice; what was queued without an edge may be visited again.
    Edge,
    /// No node twice on one path from a start; other paths may lead to it again.
    Path,
    /// Anything may be visited again.
    None,
}

/// Where nodes are put that do not wait for their turn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// Before everything that waits, earlier `Front`s included.
    Front,
    /// Before everything that waits, but after what the same visit has put `Next` already.
    Next,
    /// Directly before the first waiting entry of a node.
    Before(Slot),
    /// Directly after the first waiting entry of a node.
    After(Slot),
}

impl Place {
    /// The node beside which the place is.
    pub(super) fn anchor(self) -> Option<Slot> {
        match self {
            Self::Before(slot) | Self::After(slot) => Some(slot),
            Self::Front | Self::Next => None,
        }
    }
}

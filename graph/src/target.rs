//! Where a walk can be sent, and what else a hook can ask of its queue.

use crate::frontier::Place;
use crate::here::{Here, HereTarget};
use crate::id::Id;
use crate::neighbours::Neighbours;
use crate::record::Slot;

/// Where a walk can be sent.
#[derive(Debug, Clone)]
pub enum Target {
    /// The neighbours of a node.
    Neighbours(Neighbours),
    /// A node or edge by its address.
    Slot(Slot),
    /// A node by its address, at a cost and in the order of a priority.
    Costed {
        /// The node.
        slot: Slot,
        /// The cost so far, as [`Walk::cost`](crate::Walk::cost) gives it there.
        cost: f64,
        /// The least priority comes first.
        priority: f64,
    },
    /// A node or edge by its id.
    Id(Id),
}

impl From<Neighbours> for Target {
    fn from(neighbours: Neighbours) -> Self {
        Self::Neighbours(neighbours)
    }
}

impl From<Slot> for Target {
    fn from(slot: Slot) -> Self {
        Self::Slot(slot)
    }
}

impl From<Id> for Target {
    fn from(id: Id) -> Self {
        Self::Id(id)
    }
}

impl From<&Id> for Target {
    fn from(id: &Id) -> Self {
        Self::Id(id.clone())
    }
}

impl<T: HereTarget> From<&Here<'_, T>> for Target {
    fn from(here: &Here<'_, T>) -> Self {
        Self::Slot(here.slot())
    }
}

/// One thing that a hook asked of the queue. All of them are done in order when the hooks of the visit have
/// returned.
#[derive(Debug)]
pub(crate) enum Request {
    /// To queue in the walk's order.
    Visit(Target),
    /// To queue at a place of its own.
    Place(Place, Target),
    /// To forget what waits of a node.
    Dequeue(Slot),
    /// To forget all that waits.
    Clear,
}

/// What has to be read before a walk can go on.
#[derive(Debug, Clone, Copy)]
pub struct Missing {
    /// The node.
    pub slot: Slot,
    /// What of it.
    pub need: crate::need::Need,
    /// Whether the walk has to write first, because what it asked to be written changes the answer.
    pub flush: bool,
}

/// What the runtime found of a node whose neighbours are asked for.
pub enum Looked<'a> {
    /// Its record.
    Record(&'a crate::record::SharedRecord),
    /// There is no such node.
    Gone,
    /// It was not looked for.
    Unknown,
}

//! What a hook asks of the queue.

use super::Walk;
use crate::frontier::Place;
use crate::id::{Id, IdError};
use crate::record::Slot;
use crate::target::{Request, Target};
use crate::walk_error::WalkError;

impl Walk {
    /// Queues nodes or edges: a neighbour expression, an id, an entity, or an address.
    ///
    /// They are looked up when the hook has returned. Which of them are visited, and when, is for the
    /// walk's order and uniqueness to say. What does not exist is passed over when its turn comes.
    #[inline]
    pub fn visit(&mut self, target: impl Into<Target>) {
        self.requests.push(Request::Visit(target.into()));
    }

    /// Queues a node or edge by the text of its id.
    ///
    /// # Errors
    /// [`IdError`] when the text is no id.
    pub fn visit_id<I>(&mut self, id: I) -> Result<(), IdError>
    where
        I: TryInto<Id>,
        IdError: From<I::Error>,
    {
        let slot = self.services.slot_of(&id.try_into()?);
        self.requests.push(Request::Visit(Target::Slot(slot)));
        Ok(())
    }

    /// Queues a node at a cost, for walks in the order of least cost.
    ///
    /// # Errors
    /// [`WalkError::BadWeight`] when the cost is not a number.
    pub fn visit_at(&mut self, cost: f64, slot: Slot) -> Result<(), WalkError> {
        self.visit_toward(cost, 0.0, slot)
    }

    /// Queues a node at a cost with an estimate of what remains from there to the goal, for walks in the
    /// order of least cost: the least sum comes first (A*: Hart, Nilsson and Raphael, "A formal basis for
    /// the heuristic determination of minimum cost paths", 1968). The first visit of a node is the
    /// cheapest where the estimate is consistent: no larger than the cost of a step and the estimate
    /// after it.
    ///
    /// # Errors
    /// [`WalkError::BadWeight`] when either is not a number.
    pub fn visit_toward(&mut self, cost: f64, estimate: f64, slot: Slot) -> Result<(), WalkError> {
        let priority = cost + estimate;
        if priority.is_nan() || cost.is_nan() {
            let at = self.services.id_of(slot).unwrap_or_else(Id::root);
            return Err(WalkError::BadWeight { at, reason: "its cost is not a number".into() });
        }
        self.requests.push(Request::Visit(Target::Costed { slot, cost, priority }));
        Ok(())
    }

    /// Queues before everything that waits, whatever the walk's order. It comes at the cost of this visit,
    /// like all that is put at a place of its own.
    pub fn prepend(&mut self, target: impl Into<Target>) {
        self.edit(Request::Place(Place::Front, target.into()));
    }

    /// Queues before everything that waits, but after what this visit has added so already.
    pub fn add_next(&mut self, target: impl Into<Target>) {
        self.edit(Request::Place(Place::Next, target.into()));
    }

    /// Queues directly before a node that waits.
    ///
    /// # Errors
    /// [`WalkError::NotQueued`] when it does not wait.
    pub fn insert_before(&mut self, anchor: &Id, target: impl Into<Target>) -> Result<(), WalkError> {
        let anchor = self.waiting(anchor)?;
        self.edit(Request::Place(Place::Before(anchor), target.into()));
        Ok(())
    }

    /// Queues after a node that waits and after what was put there before.
    ///
    /// # Errors
    /// [`WalkError::NotQueued`] when it does not wait.
    pub fn insert_after(&mut self, anchor: &Id, target: impl Into<Target>) -> Result<(), WalkError> {
        let anchor = self.waiting(anchor)?;
        self.edit(Request::Place(Place::After(anchor), target.into()));
        Ok(())
    }

    /// Takes a node out of the queue, as often as it waits there; nothing happens if it does not. It may be
    /// queued again.
    pub fn dequeue(&mut self, id: &Id) {
        let slot = self.services.slot_of(id);
        self.edit(Request::Dequeue(slot));
    }

    /// Takes everything out of the queue.
    pub fn clear(&mut self) {
        self.edit(Request::Clear);
    }

    /// What waits, next first, as it was when the hooks of this visit began.
    #[must_use]
    pub fn queued(&self) -> Vec<Id> {
        self.frontier.queued().into_iter().filter_map(|slot| self.services.id_of(slot)).collect()
    }

    /// How much waits, as it was when the hooks of this visit began.
    #[must_use]
    pub fn queue_len(&self) -> usize {
        self.frontier.len()
    }

    fn edit(&mut self, request: Request) {
        self.edited = true;
        self.requests.push(request);
    }

    /// The slot of a node that waits, or will when this hook's own requests are done.
    fn waiting(&mut self, anchor: &Id) -> Result<Slot, WalkError> {
        let slot = self.services.slot_of(anchor);
        let asked = self.requests.iter().any(|request| match request {
            Request::Visit(Target::Id(id)) | Request::Place(_, Target::Id(id)) => id == anchor,
            Request::Visit(Target::Slot(asked) | Target::Costed { slot: asked, .. })
            | Request::Place(_, Target::Slot(asked) | Target::Costed { slot: asked, .. }) => *asked == slot,
            // Not known before they are looked up; an anchor that is not among them is told then.
            Request::Visit(Target::Neighbours(_)) | Request::Place(_, Target::Neighbours(_)) => true,
            _ => false,
        });
        if asked || self.frontier.waits_for(slot) {
            return Ok(slot);
        }
        Err(WalkError::NotQueued { walker: self.walker.into(), id: anchor.clone() })
    }
}

//! Where a walk has been.

use super::Walk;
use crate::id::Id;
use crate::record::Slot;
use crate::trail::TrailStep;
use crate::walk_error::WalkError;

impl Walk {
    /// Whether the walk has visited a node or edge, this visit included. Breadth first and without a trail,
    /// one that was passed over, because it does not exist or a filter keeps it out, counts as visited.
    ///
    /// # Errors
    /// [`WalkError::NoTrail`] where the walk may come back to nodes and keeps no trail.
    pub fn has_visited(&self, id: &Id) -> Result<bool, WalkError> {
        let slot = self.services.slot_of(id);
        self.frontier.has_visited(slot).ok_or_else(|| self.no_trail())
    }

    /// The way from the start to this visit, both included, in time proportional to its length. Edges that
    /// were visited are part of it.
    ///
    /// # Errors
    /// [`WalkError::NoTrail`] where the walk keeps no trail and is not unique by path.
    pub fn path(&self) -> Result<Vec<Id>, WalkError> {
        let path = self.tracked()?.path(self.position.branch);
        Ok(path.into_iter().filter_map(|(slot, _)| self.services.id_of(slot)).collect())
    }

    /// The edges of that way, where the walk knows them.
    ///
    /// # Errors
    /// As [`path`](Self::path).
    pub fn path_edges(&self) -> Result<Vec<Id>, WalkError> {
        let path = self.tracked()?.path(self.position.branch);
        Ok(path.into_iter().filter_map(|(_, via)| self.services.id_of(via?)).collect())
    }

    /// The cycle that this visit closes: from an earlier visit of this node on its own way to this one,
    /// both included. `None` when there is none, as always in walks that visit no node twice.
    ///
    /// # Errors
    /// As [`path`](Self::path).
    pub fn cycle(&self) -> Result<Option<Vec<Id>>, WalkError> {
        let cycle = self.tracked()?.cycle(self.position.branch);
        Ok(cycle.map(|slots| slots.into_iter().filter_map(|slot| self.services.id_of(slot)).collect()))
    }

    /// The visits made, this one last, as far as they are kept.
    #[must_use]
    pub fn trail(&self) -> Vec<TrailStep> {
        let Some(trail) = self.rare.as_ref().and_then(|rare| rare.trail.as_ref()) else { return Vec::new() };
        let id_of = |slot: Slot| self.services.id_of(slot);
        let step = |step: &crate::trail::Footprint| {
            Some(TrailStep {
                id: id_of(step.slot)?,
                from: step.from.and_then(id_of),
                edge: step.via.and_then(id_of),
                depth: step.depth,
                at: step.at(),
            })
        };
        trail.steps().filter_map(step).collect()
    }

    fn tracked(&self) -> Result<&crate::frontier::Frontier, WalkError> {
        if self.frontier.is_tracked() { Ok(&self.frontier) } else { Err(self.no_trail()) }
    }

    fn no_trail(&self) -> WalkError {
        WalkError::NoTrail { walker: self.walker.into() }
    }
}

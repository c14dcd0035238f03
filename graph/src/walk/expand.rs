//! Doing what hooks asked of the queue.

use std::borrow::Cow;

use super::Walk;
use crate::frontier::{Place, Position};
use crate::here::Visited;
use crate::id::{Id, Kind};
use crate::limits::Budget;
use crate::neighbours::Neighbours;
use crate::record::{EdgeLink, Head, Slot};
use crate::step::Step;
use crate::target::{Looked, Missing, Request, Target};
use crate::walk_error::WalkError;

/// Nodes with the edges that lead to them, where these are known.
type Found = Vec<(Slot, Option<Slot>)>;

impl Walk {
    /// Ends a visit whose hooks have returned: takes over what they asked to be written, and does what they
    /// asked of the queue, up to the first request that needs what is not resident.
    ///
    /// # Errors
    /// [`WalkError::BudgetReached`] when the queue is too long, [`WalkError::NotQueued`],
    /// [`WalkError::Unreadable`] when an edge or a change does not fit its type.
    #[inline]
    pub fn end_visit(&mut self, visited: &Visited, step: Step) -> Result<Option<Missing>, WalkError> {
        self.note_changes(visited)?;
        let head = &visited.record.head;
        if head.id.kind() == Kind::Edge {
            self.go_on_along(visited, step);
        }
        self.expand(
            |slot| {
                if slot == visited.slot { Looked::Record(&visited.record) } else { Looked::Unknown }
            },
        )
    }

    /// Queues the far end of a visited edge, unless its hook skipped it.
    #[cold]
    pub(crate) fn go_on_along(&mut self, visited: &Visited, step: Step) {
        let Some(ends) = visited.record.head.ends().filter(|_| step == Step::Continue) else { return };
        let ends = [self.services.slot_of(&ends.source), self.services.slot_of(&ends.target)];
        let position = self.position_of(visited.slot);
        if !position.leaving {
            let far = if position.from == ends[1] { ends[0] } else { ends[1] };
            // What it cost to come to the edge it cost to cross it.
            let cost = position.cost;
            // Where edges are unique it has been crossed by visiting it; the far end is no second time.
            let via = (!self.crosses_once).then_some(visited.slot);
            self.frontier.push_at(cost, cost, far, via, &position, position.depth);
        }
    }

    /// Does what hooks asked of the queue, in order, up to the first request that needs what is not
    /// resident. `look` knows records that are at hand.
    ///
    /// # Errors
    /// As [`end_visit`](Self::end_visit).
    #[inline]
    pub fn expand<'r>(&mut self, look: impl Fn(Slot) -> Looked<'r>) -> Result<Option<Missing>, WalkError> {
        let mut requests = std::mem::take(&mut self.requests);
        for at in 0..requests.len() {
            if let Some(missing) = self.apply(&requests[at], &look)? {
                requests.drain(..at);
                self.requests = requests;
                return Ok(Some(missing));
            }
        }
        requests.clear();
        // Their room is used again.
        self.requests = requests;
        self.frontier.end_group();
        if self.frontier.len() as u64 > self.queue_limit {
            return Err(WalkError::BudgetReached {
                walker: self.walker.into(),
                budget: Budget::Queue,
                limit: self.queue_limit,
                reached: self.frontier.len() as u64,
            });
        }
        Ok(None)
    }

    #[inline]
    fn apply<'r>(
        &mut self,
        request: &Request,
        look: &impl Fn(Slot) -> Looked<'r>,
    ) -> Result<Option<Missing>, WalkError> {
        match request {
            Request::Visit(Target::Neighbours(neighbours)) => return self.follow(neighbours, look),
            Request::Visit(target) => self.push(target),
            Request::Place(place, target) => return self.place(*place, target, look),
            Request::Dequeue(slot) => drop(self.frontier.dequeue(*slot)),
            Request::Clear => self.frontier.clear(),
        }
        Ok(None)
    }

    fn push(&mut self, target: &Target) {
        let position = self.position;
        let depth = self.depth_from(&position);
        match target {
            Target::Slot(slot) => self.frontier.push(&[slot.0], &position, depth),
            Target::Id(id) => self.frontier.push(&[self.services.slot_of(id).0], &position, depth),
            Target::Costed { slot, cost, priority } => {
                self.frontier.push_at(*priority, *cost, *slot, None, &position, depth);
            }
            // Followed, not pushed.
            Target::Neighbours(_) => {}
        }
    }

    /// Queues the neighbours that an expression stands for.
    #[inline]
    fn follow<'r>(
        &mut self,
        neighbours: &Neighbours,
        look: &impl Fn(Slot) -> Looked<'r>,
    ) -> Result<Option<Missing>, WalkError> {
        let origin = neighbours.origin();
        if self.by_edges || neighbours.narrowed().is_some() || self.is_stale(origin) {
            return self.follow_closely(neighbours, look);
        }
        let looked = look(origin);
        let resident;
        let head = match looked {
            Looked::Record(record) => Some(&record.head),
            Looked::Gone => return Ok(None),
            Looked::Unknown => {
                resident = self.services.resident(origin);
                resident.as_ref().map(|record| &record.head)
            }
        };
        let Some(links) = head.and_then(|head| head.links(neighbours.direction())) else {
            return Ok(Some(Missing { slot: origin, need: neighbours.need(), flush: false }));
        };
        let position = self.position_of(origin);
        let depth = self.depth_from(&position);
        let frontier = &mut self.frontier;
        neighbours.resolve(links, |run| frontier.push(run, &position, depth));
        Ok(None)
    }

    /// The same where more than links is needed to tell what is meant.
    fn follow_closely<'r>(
        &mut self,
        neighbours: &Neighbours,
        look: &impl Fn(Slot) -> Looked<'r>,
    ) -> Result<Option<Missing>, WalkError> {
        let position = self.position_of(neighbours.origin());
        let depth = self.depth_from(&position);
        let weighs = neighbours.narrowed().and_then(|narrow| narrow.weigh.clone());
        let Some(weigh) = weighs else {
            let found = match self.look_up(neighbours, look)? {
                Ok(found) => found,
                Err(missing) => return Ok(Some(missing)),
            };
            for (slot, via) in found {
                match via {
                    Some(via) => self.frontier.push_edge(slot, via, &position, depth),
                    None => self.frontier.push(&[slot.0], &position, depth),
                }
            }
            return Ok(None);
        };
        self.with_head(neighbours, look, |walk, head| {
            let edges = walk.edges_of(neighbours, head);
            for link in neighbours.resolve_edges(&edges, |slot| walk.entity_of(slot))? {
                let bad = |reason: String| WalkError::BadWeight { at: link.edge.id().clone(), reason };
                let weight = weigh(&link.edge).map_err(|error| bad(error.to_string()))?;
                let Some(weight) = weight else { continue };
                if weight.is_nan() {
                    return Err(bad("its weight is not a number".into()));
                }
                let (cost, edge) = (position.cost + weight, walk.services.slot_of(link.edge.id()));
                let itself = neighbours.narrowed().is_some_and(|narrow| narrow.edges);
                let (slot, via) = walk.crossing(itself, edge, link.other);
                walk.frontier.push_at(cost, cost, slot, via, &position, depth);
            }
            Ok(())
        })
        .map(Result::err)
    }

    /// What is visited of an edge, itself or its far end, and the edge that this crosses.
    fn crossing(&self, itself: bool, edge: Slot, far: Slot) -> (Slot, Option<Slot>) {
        match itself {
            true => (edge, self.crosses_once.then_some(edge)),
            false => (far, Some(edge)),
        }
    }

    fn place<'r>(
        &mut self,
        place: Place,
        target: &Target,
        look: &impl Fn(Slot) -> Looked<'r>,
    ) -> Result<Option<Missing>, WalkError> {
        let origin = match target {
            Target::Neighbours(neighbours) => neighbours.origin(),
            _ => self.position.slot,
        };
        let found = match target {
            Target::Slot(slot) | Target::Costed { slot, .. } => vec![(*slot, None)],
            Target::Id(id) => vec![(self.services.slot_of(id), None)],
            Target::Neighbours(neighbours) => match self.look_up(neighbours, look)? {
                Ok(found) => found,
                Err(missing) => return Ok(Some(missing)),
            },
        };
        let position = self.position_of(origin);
        let depth = self.depth_from(&position);
        if self.frontier.place(place, &found, &position, depth) {
            return Ok(None);
        }
        let (Place::Before(anchor) | Place::After(anchor)) = place else { return Ok(None) };
        let id = self.services.id_of(anchor).unwrap_or_else(Id::root);
        Err(WalkError::NotQueued { walker: self.walker.into(), id })
    }

    /// The nodes (or edges) that an expression stands for.
    fn look_up<'r>(
        &mut self,
        neighbours: &Neighbours,
        look: &impl Fn(Slot) -> Looked<'r>,
    ) -> Result<Result<Found, Missing>, WalkError> {
        let mut found: Found = Vec::new();
        let looked = self.with_head(neighbours, look, |walk, head| {
            let narrow = neighbours.narrowed();
            if walk.reads_edges(neighbours) {
                let edges = walk.edges_of(neighbours, head);
                let edges = neighbours.resolve_edges(&edges, |slot| walk.entity_of(slot))?;
                let itself = narrow.is_some_and(|narrow| narrow.edges);
                // The address of an edge costs more than all else here.
                let edges =
                    edges.into_iter().filter(|link| itself || !walk.frontier.is_closed_to(link.other));
                found.extend(edges.map(|link| {
                    let edge = walk.services.slot_of(link.edge.id());
                    walk.crossing(itself, edge, link.other)
                }));
            } else if let Some(links) = head.links(neighbours.direction()) {
                neighbours.resolve_all(links, |run| found.extend(run.iter().map(|&slot| (Slot(slot), None))));
                let own = walk.own_edges(neighbours);
                let own =
                    own.iter().filter(|link| neighbours.followed().follows(link.edge.id().entity().code()));
                found.extend(own.map(|link| (link.other, None)));
                if let Some(narrow) = narrow {
                    let to = |slot: Slot| {
                        narrow.to == crate::neighbours::Along::All
                            || walk.entity_of(slot).is_some_and(|code| narrow.to.follows(code))
                    };
                    found.retain(|&(slot, _)| to(slot));
                }
                neighbours.choose(&mut found);
            }
            Ok(())
        })?;
        Ok(looked.map(|()| found))
    }

    /// Hands over the record that an expression starts from, or tells what is missing of it.
    fn with_head<'r>(
        &mut self,
        neighbours: &Neighbours,
        look: &impl Fn(Slot) -> Looked<'r>,
        mut take: impl FnMut(&mut Self, &Head) -> Result<(), WalkError>,
    ) -> Result<Result<(), Missing>, WalkError> {
        let (slot, direction) = (neighbours.origin(), neighbours.direction());
        let need = if self.reads_edges(neighbours) {
            crate::need::Need::DOCUMENT.edges(direction)
        } else {
            neighbours.need()
        };
        let missing = Missing { slot, need, flush: false };
        let has = |head: &Head| {
            if need.wants_edges(direction) {
                head.edges(direction).is_some()
            } else {
                head.links(direction).is_some()
            }
        };
        match look(slot) {
            Looked::Gone => Ok(Ok(())),
            Looked::Record(record) if has(&record.head) => take(self, &record.head).map(Ok),
            Looked::Record(_) => Ok(Err(missing)),
            Looked::Unknown => match self.services.resident(slot).filter(|record| has(&record.head)) {
                Some(record) => take(self, &record.head).map(Ok),
                None => Ok(Err(missing)),
            },
        }
    }

    /// The edges of a node, with those that the walk itself has asked for and not written yet.
    fn edges_of<'h>(&self, neighbours: &Neighbours, head: &'h Head) -> Cow<'h, [EdgeLink]> {
        let stored = head.edges(neighbours.direction()).map_or(&[][..], |edges| &*edges.0);
        let own = self.own_edges(neighbours);
        if own.is_empty() {
            return Cow::Borrowed(stored);
        }
        Cow::Owned(stored.iter().cloned().chain(own).collect())
    }

    /// The edges of a node that the walk itself has asked for and not written yet.
    fn own_edges(&self, neighbours: &Neighbours) -> Vec<EdgeLink> {
        let (origin, direction) = (neighbours.origin(), neighbours.direction());
        let rare = self.rare.as_ref().filter(|rare| rare.writes.is_stale(origin));
        rare.map(|rare| rare.writes.edges_of(origin, direction, &*self.services)).unwrap_or_default()
    }

    fn reads_edges(&self, neighbours: &Neighbours) -> bool {
        self.by_edges || neighbours.narrowed().is_some_and(|narrow| narrow.reads_edges())
    }

    fn entity_of(&self, slot: Slot) -> Option<u16> {
        self.services.id_of(slot).map(|id| id.entity().code())
    }

    fn is_stale(&self, slot: Slot) -> bool {
        self.rare.as_ref().is_some_and(|rare| rare.writes.is_stale(slot))
    }

    /// The visit of a node: of a chunk, the one of that node.
    #[inline]
    fn position_of(&self, slot: Slot) -> Position {
        match &self.rare {
            Some(rare) if !rare.chunk.is_empty() => {
                rare.chunk.iter().find(|position| position.slot == slot).copied().unwrap_or(self.position)
            }
            _ => self.position,
        }
    }

    /// The depth of what a hook at a visit asks for: an edge is as far as the node it leads to.
    #[inline]
    fn depth_from(&self, position: &Position) -> u32 {
        position.depth + u32::from(!self.at_edge)
    }
}

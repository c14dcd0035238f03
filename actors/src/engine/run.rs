//! Running the hooks of a turn's visits.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Instant;

use wayfare_graph::{Budget, Id, Need, Position, SharedRecord, Slot, Step, Target, Visited, WalkError};

use crate::engine::fetch::Pick;
use crate::engine::hooks::Ran;
use crate::engine::{Engine, Place};
use crate::hosted::{Hosted, State, Suspended};
use crate::loader::satisfies;
use crate::messages::Found;

/// Visits after a miss during which a walk looks ahead for others.
const COLD_VISITS: u32 = 4_096;

impl Engine {
    /// Runs what was picked, walk by walk, and gives back what could not be run.
    pub(super) fn run(&mut self) {
        let now = Instant::now();
        let group = std::mem::take(&mut self.group);
        let mut picks = std::mem::take(&mut self.picks);
        let mut rest = picks.as_mut_slice();
        for &Place { seat, .. } in &group {
            // Picks stand in the order of the group.
            let count = rest.iter().take_while(|pick| pick.seat == seat).count();
            let (own, others) = rest.split_at_mut(count);
            rest = others;
            let Some(mut hosted) = self.seats[seat].take() else { continue };
            self.vitals.enter(hosted.shared.id);
            let kept = self.run_walk(seat, &mut hosted, own, now);
            self.vitals.leave();
            if kept {
                self.seats[seat] = Some(hosted);
            } else {
                self.vacate(seat, *hosted);
            }
        }
        picks.clear();
        self.picks = picks;
        self.visited.clear();
        self.group = group;
    }

    /// Runs the visits of one walk; `false` when the walk has ended.
    fn run_walk(&mut self, seat: usize, hosted: &mut Hosted, picks: &mut [Pick], now: Instant) -> bool {
        let before = hosted.ahead;
        let ended = if let Some(error) = hosted.overdue(now) {
            Some(Err(error))
        } else {
            self.run_visits(seat, hosted, picks)
        };
        match ended {
            Some(Err(error)) => {
                self.end(hosted, Err(error));
                return false;
            }
            Some(Ok(())) => return self.disengage(seat, hosted),
            None => {}
        }
        let returned = picks.iter().filter(|pick| pick.returned).count();
        for pick in picks.iter().rev().filter(|pick| pick.returned) {
            hosted.frontier.put_back(pick.entry, pick.cost);
        }
        // They come before those that were not even begun.
        hosted.give_back_unmade();
        hosted.ahead = before.saturating_sub(picks.len() - returned);
        if hosted.state == State::Loading || (hosted.cold > 0 && hosted.state == State::Ready) {
            self.asking.push(seat);
        }
        if hosted.state == State::Ready && hosted.frontier.is_empty() && hosted.suspended.is_none() {
            return self.exit(seat, hosted);
        }
        true
    }

    /// `Some(Ok)` when the walk disengaged, `Some(Err)` when it failed, `None` when it may go on.
    fn run_visits(
        &mut self,
        seat: usize,
        hosted: &mut Hosted,
        picks: &mut [Pick],
    ) -> Option<Result<(), WalkError>> {
        if let Some(suspended) = hosted.suspended.take()
            && let Err(error) = self.resume(hosted, *suspended)
        {
            return Some(Err(error));
        }
        if hosted.table.any_async() {
            return self.run_batch(seat, hosted, picks);
        }
        let mut taken = picks.len();
        for pick in picks {
            if hosted.state != State::Ready || hosted.suspended.is_some() {
                pick.returned = true;
                continue;
            }
            taken -= 1;
            hosted.frontier.set_taken(taken);
            let record = match self.record(hosted, pick) {
                Ok(Some(record)) => record,
                Ok(None) => continue,
                Err(error) => return Some(Err(error)),
            };
            match self.visit_one(seat, hosted, pick, record) {
                Ok(Step::Disengage) => return Some(Ok(())),
                Ok(_) => {}
                Err(error) => return Some(Err(error)),
            }
        }
        None
    }

    #[inline]
    fn visit_one(
        &mut self,
        seat: usize,
        hosted: &mut Hosted,
        pick: &Pick,
        record: SharedRecord,
    ) -> Result<Step, WalkError> {
        let visited = Visited { slot: pick.entry.slot, record };
        hosted.note_read(&visited.record);
        count_visit(hosted, visited.slot)?;
        let position = hosted.position_of(pick.entry, pick.cost);
        if let Some(walk) = &mut hosted.walk {
            walk.set_position(position);
        }
        hosted.profile.visits += 1;
        hosted.profile.deepest = hosted.profile.deepest.max(position.depth);
        let step = self.visit(hosted, &visited)?;
        if hosted.walk.as_ref().is_some_and(|walk| walk.has_outbox()) {
            self.send_outbox(seat, hosted)?;
        }
        // Giving a record back is a locked operation, which waits for all loads before it: it is put
        // off, so that the loads of one visit overlap with those of the next.
        self.visited.push(visited.record);
        Ok(step)
    }

    /// The same for a walker with async hooks, whose visits run in one future.
    fn run_batch(
        &mut self,
        seat: usize,
        hosted: &mut Hosted,
        picks: &mut [Pick],
    ) -> Option<Result<(), WalkError>> {
        // The room of the last batch, so that not every batch has to be allocated.
        let mut batch = hosted.batch();
        let visits = &mut batch.visits;
        let mut spent = false;
        let mut returned = 0;
        for pick in picks {
            if spent || hosted.state != State::Ready || (hosted.returns && !visits.is_empty()) {
                pick.returned = true;
                returned += 1;
                continue;
            }
            match self.record(hosted, pick) {
                Ok(Some(record)) => {
                    let visited = Visited { slot: pick.entry.slot, record };
                    hosted.note_read(&visited.record);
                    // Visits of the batch count when they have been made; the budget is looked at now.
                    let made = hosted.profile.visits;
                    hosted.profile.visits += visits.len() as u64;
                    let counted = count_visit(hosted, visited.slot);
                    hosted.profile.visits = made;
                    match counted {
                        Ok(()) => visits.push((visited, hosted.position_of(pick.entry, pick.cost))),
                        Err(error) if visits.is_empty() => return Some(Err(error)),
                        // The batch first; the next one finds the budget spent.
                        Err(_) => {
                            pick.returned = true;
                            returned += 1;
                            spent = true;
                        }
                    }
                }
                Ok(None) => returned += usize::from(pick.returned),
                Err(error) => return Some(Err(error)),
            }
        }
        let waiting = std::mem::replace(&mut hosted.state, State::Ready);
        if visits.is_empty() {
            hosted.state = waiting;
            return None;
        }
        hosted.frontier.set_taken(returned);
        match self.drive(seat, hosted, batch) {
            Ok(Ran::Done(Step::Disengage)) => Some(Ok(())),
            Ok(_) => None,
            Err(error) => Some(Err(error)),
        }
    }

    /// The record of a pick, ready to be visited; `None` when it is not visited, now or ever.
    #[inline]
    fn record(&mut self, hosted: &mut Hosted, pick: &mut Pick) -> Result<Option<SharedRecord>, WalkError> {
        match pick.record.take() {
            Some(record) => {
                hosted.take_arrived(pick.entry.slot);
                hosted.cold = hosted.cold.saturating_sub(1);
                if hosted.only.is_none() {
                    return Ok(Some(record));
                }
                accepted(hosted, pick, record)
            }
            None => match self.arrived(hosted, pick)? {
                Some(record) => accepted(hosted, pick, record),
                None => Ok(None),
            },
        }
    }

    /// What a shard answered about a node that is not resident; where it has not, the walk has to wait.
    #[cold]
    fn arrived(&mut self, hosted: &mut Hosted, pick: &mut Pick) -> Result<Option<SharedRecord>, WalkError> {
        let slot = pick.entry.slot;
        let id = || self.core.directory.id_of(slot).cloned().unwrap_or_else(Id::root);
        match hosted.take_arrived(slot) {
            Some(Found::Record(record)) if satisfies(&record.head, hosted.need) => Ok(Some(record)),
            Some(Found::Missing) if pick.entry.depth == 0 => {
                Err(WalkError::UnknownStart { walker: hosted.shared.walker.into(), id: id() })
            }
            // A node that was deleted since its edge was read, or never was.
            Some(Found::Missing) => Ok(None),
            _ => {
                pick.returned = true;
                hosted.state = State::Loading;
                hosted.cold = COLD_VISITS;
                Ok(None)
            }
        }
    }

    /// Queues what the hooks at a node asked for.
    ///
    /// # Errors
    /// [`WalkError::BudgetReached`] when the queue is too long.
    #[inline]
    pub(super) fn expand(
        &mut self,
        hosted: &mut Hosted,
        visited: &Visited,
        position: Position,
        requests: &mut impl Iterator<Item = Target>,
    ) -> Result<(), WalkError> {
        self.follow(hosted, visited, position, requests);
        if hosted.suspended.is_some() {
            // What one visit asked for is one group in the queue: it ends when all of it is there.
            return Ok(());
        }
        end_expansion(hosted)
    }

    /// Queues requests in order, up to one whose links are not resident: that one and the rest wait.
    #[inline]
    fn follow(
        &mut self,
        hosted: &mut Hosted,
        visited: &Visited,
        position: Position,
        requests: &mut impl Iterator<Item = Target>,
    ) {
        let depth = position.depth + 1;
        while let Some(target) = requests.next() {
            match target {
                Target::Slot(slot) => hosted.frontier.push(&[slot.0], position.slot, depth),
                Target::Costed(slot, cost) => hosted.frontier.push_at(cost, slot, position.slot, depth),
                Target::Neighbours(neighbours) => {
                    let origin = neighbours.origin();
                    let resident;
                    let head = if origin == visited.slot {
                        Some(&visited.record.head)
                    } else {
                        resident = self.core.resident(origin);
                        resident.as_ref().map(|record| &record.head)
                    };
                    match head.and_then(|head| head.links(neighbours.direction())) {
                        Some(links) => {
                            neighbours.resolve(links, |run| hosted.frontier.push(run, position.slot, depth))
                        }
                        None => {
                            let need = Need::DOCUMENT.links(neighbours.direction());
                            let first = std::iter::once(Target::Neighbours(neighbours));
                            let requests = first.chain(requests).map(|target| (position, target)).collect();
                            return suspend(hosted, Suspended { requests, slot: origin, need });
                        }
                    }
                }
            }
        }
    }

    /// Goes on with what was put off.
    fn resume(&mut self, hosted: &mut Hosted, suspended: Suspended) -> Result<(), WalkError> {
        let Suspended { mut requests, slot, need } = suspended;
        let resident = self.core.resident(slot).filter(|record| satisfies(&record.head, need));
        let record = match (resident, hosted.take_arrived(slot)) {
            (Some(record), _) => Some(record),
            (None, Some(Found::Record(record))) if satisfies(&record.head, need) => Some(record),
            // It was deleted meanwhile: it has no neighbours any more.
            (None, Some(Found::Missing)) => None,
            _ => {
                suspend(hosted, Suspended { requests, slot, need });
                return Ok(());
            }
        };
        while let Some((position, target)) = requests.pop_front() {
            let of_slot = matches!(&target, Target::Neighbours(of) if of.origin() == slot);
            match &record {
                None if of_slot => {}
                Some(record) => {
                    let visited = Visited { slot, record: Arc::clone(record) };
                    self.follow(hosted, &visited, position, &mut std::iter::once(target));
                }
                // Of another node: it has to be asked for in turn.
                None => {
                    requests.push_front((position, target));
                    self.resume_without(hosted, requests);
                    return Ok(());
                }
            }
            if let Some(again) = &mut hosted.suspended {
                again.requests.extend(requests);
                return Ok(());
            }
        }
        end_expansion(hosted)
    }

    /// The same after the node whose links were waited for turned out to be gone: queues what needs no
    /// links, and waits for those of the next node that does.
    fn resume_without(&mut self, hosted: &mut Hosted, mut requests: VecDeque<(Position, Target)>) {
        while let Some((position, target)) = requests.pop_front() {
            let depth = position.depth + 1;
            match target {
                Target::Slot(slot) => hosted.frontier.push(&[slot.0], position.slot, depth),
                Target::Costed(slot, cost) => hosted.frontier.push_at(cost, slot, position.slot, depth),
                Target::Neighbours(neighbours) => {
                    let (slot, need) = (neighbours.origin(), Need::DOCUMENT.links(neighbours.direction()));
                    requests.push_front((position, Target::Neighbours(neighbours)));
                    return suspend(hosted, Suspended { requests, slot, need });
                }
            }
        }
        hosted.frontier.end_group();
    }
}

/// Puts off the rest of what hooks asked for until links have been loaded.
fn suspend(hosted: &mut Hosted, suspended: Suspended) {
    // From now on they are read together with the nodes.
    hosted.need = hosted.need.and(suspended.need);
    hosted.suspended = Some(Box::new(suspended));
    hosted.state = State::Loading;
}

fn end_expansion(hosted: &mut Hosted) -> Result<(), WalkError> {
    hosted.frontier.end_group();
    if hosted.frontier.waiting() as u64 > hosted.limits.queue {
        return Err(reached(hosted, Budget::Queue, hosted.limits.queue));
    }
    Ok(())
}

/// The record if the walk's filter accepts it.
fn accepted(hosted: &Hosted, pick: &Pick, record: SharedRecord) -> Result<Option<SharedRecord>, WalkError> {
    let Some(filter) = hosted.only.as_ref().filter(|_| pick.entry.depth > 0) else { return Ok(Some(record)) };
    let visited = Visited { slot: pick.entry.slot, record };
    match visited.satisfies(filter) {
        Ok(satisfied) => Ok(satisfied.then_some(visited.record)),
        Err(error) => {
            Err(WalkError::Unreadable { id: visited.record.head.id.clone(), reason: error.to_string() })
        }
    }
}

/// Visits of a walk before it begins to count them by node, unless its budget is smaller: counting
/// costs more than visiting.
const UNCOUNTED_VISITS: u64 = 10_000;

/// Whether the budgets allow one more visit.
#[inline]
fn count_visit(hosted: &mut Hosted, slot: Slot) -> Result<(), WalkError> {
    let (visits, limits) = (hosted.profile.visits, &hosted.limits);
    if visits >= limits.visits {
        return Err(reached(hosted, Budget::Visits, hosted.limits.visits));
    }
    if hosted.returns && (visits >= UNCOUNTED_VISITS || limits.visits_per_node <= UNCOUNTED_VISITS) {
        return count_by_node(hosted, slot);
    }
    Ok(())
}

fn count_by_node(hosted: &mut Hosted, slot: Slot) -> Result<(), WalkError> {
    let visits = hosted.per_node.get_or_insert_default().entry(slot).or_default();
    *visits += 1;
    if *visits > hosted.limits.visits_per_node {
        return Err(reached(hosted, Budget::VisitsPerNode, hosted.limits.visits_per_node));
    }
    Ok(())
}

fn reached(hosted: &Hosted, budget: Budget, limit: u64) -> WalkError {
    WalkError::BudgetReached { walker: hosted.shared.walker.into(), budget, limit }
}

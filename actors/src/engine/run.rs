//! Running the hooks of a turn's visits.

use std::time::Instant;

use wayfare_graph::{
    Budget, Id, Kind, Looked, Missing, Overlaid, SharedRecord, Slot, Step, Visited, WalkError,
};

use crate::engine::fetch::Pick;
use crate::engine::{Engine, Place};
use crate::hosted::{Hosted, Phase, State};
use crate::loader::satisfies;
use crate::messages::Found;

/// Visits after a miss during which a walk looks ahead for others.
const COLD_VISITS: u32 = 4_096;

/// What there is of the next node in the queue.
pub(super) enum Fetched {
    /// It is visited.
    Record(SharedRecord),
    /// It is passed over: it does not exist, or the walk's filter keeps it out.
    PassOver,
    /// The walk has to wait for it.
    Wait,
}

impl Engine {
    /// Runs what was picked, walk by walk.
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
            let span = hosted.traced.as_ref().map(|traced| traced.span().clone());
            let entered = span.as_ref().map(tracing::Span::enter);
            let kept = self.run_walk(seat, &mut hosted, own, now);
            drop(entered);
            self.vitals.leave();
            if kept {
                self.count_ahead(&mut hosted);
                self.tally.see(&mut hosted);
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

    /// Runs the visits of one walk, or what else comes next; `false` when the walk has ended.
    fn run_walk(&mut self, seat: usize, hosted: &mut Hosted, picks: &mut [Pick], now: Instant) -> bool {
        if !self.is_own(hosted) {
            return false;
        }
        if let Some(error) = hosted.overdue(now) {
            self.end(hosted, Err(error));
            return false;
        }
        if hosted.shared.is_paused() {
            hosted.state = State::Paused;
            return true;
        }
        // Between visits only: what hooks asked of the queue and was not done yet is not stored.
        if hosted.durable
            && hosted.phase <= Phase::Walking
            && hosted.missing.is_none()
            && self.core.is_closed()
        {
            return self.stop_at_checkpoint(seat, hosted);
        }
        let went = match hosted.phase {
            Phase::Entering => self.enter(seat, hosted),
            Phase::Walking => self.run_visits(seat, hosted, picks),
            Phase::Leaving | Phase::Left => Ok(Step::Continue),
        };
        self.went(seat, hosted, went)
    }

    /// Goes on after hooks; `false` when the walk has ended.
    pub(super) fn went(&mut self, seat: usize, hosted: &mut Hosted, went: Result<Step, WalkError>) -> bool {
        match went {
            Err(error) => {
                self.end(hosted, Err(error));
                false
            }
            Ok(Step::Disengage) => {
                self.disengage(hosted);
                self.after(seat, hosted)
            }
            Ok(_) => self.after(seat, hosted),
        }
    }

    /// Does what has to be done between visits; `false` when the walk has ended.
    fn after(&mut self, seat: usize, hosted: &mut Hosted) -> bool {
        let plain = hosted.state == State::Ready
            && hosted.phase == Phase::Walking
            && hosted.cold == 0
            && hosted.missing.is_none()
            && !hosted.durable;
        if plain
            && let Some(walk) = &hosted.walk
            && !walk.wants_turn()
            && !walk.frontier().is_empty()
        {
            // Nearly always: it goes on, and nothing else is to be done.
            return true;
        }
        if matches!(hosted.state, State::Ready | State::Loading)
            && let Some(walk) = &mut hosted.walk
        {
            if walk.take_paused() {
                hosted.shared.pause();
            }
            if walk.has_outbox()
                && let Err(error) = self.send_outbox(seat, hosted)
            {
                self.end(hosted, Err(error));
                return false;
            }
        }
        if matches!(hosted.state, State::Ready | State::Loading) && self.is_writing_due(hosted) {
            self.start_writing(seat, hosted);
            return true;
        }
        match hosted.state {
            State::Loading => self.asking.push(seat),
            State::Ready if hosted.cold > 0 => self.asking.push(seat),
            _ => {}
        }
        if hosted.state != State::Ready || (hosted.phase <= Phase::Walking && hosted.has_more()) {
            return true;
        }
        if hosted.shared.is_paused() {
            // Nothing waits any more, but the exit hooks come only when the walk is resumed.
            hosted.state = State::Paused;
            return true;
        }
        self.leave(seat, hosted)
    }

    fn run_visits(
        &mut self,
        seat: usize,
        hosted: &mut Hosted,
        picks: &mut [Pick],
    ) -> Result<Step, WalkError> {
        if let Some(missing) = hosted.missing.take() {
            self.resume(hosted, missing)?;
            return Ok(Step::Continue);
        }
        if hosted.listens
            && let Some(step) = self.take_event(seat, hosted)?
        {
            return Ok(step);
        }
        if hosted.driven {
            return self.run_batch(seat, hosted, picks);
        }
        let mut popped = 0;
        let step = self.run_each(hosted, picks, &mut popped);
        hosted.ahead = hosted.ahead.saturating_sub(popped);
        step
    }

    /// Runs the visits of a walk with sync hooks only.
    #[inline]
    fn run_each(
        &mut self,
        hosted: &mut Hosted,
        picks: &mut [Pick],
        popped: &mut usize,
    ) -> Result<Step, WalkError> {
        for pick in picks {
            let record = match self.record(hosted, pick)? {
                Fetched::Record(record) => record,
                Fetched::PassOver => {
                    *popped += 1;
                    if let Some(walk) = &mut hosted.walk {
                        walk.frontier_mut().skip();
                    }
                    continue;
                }
                Fetched::Wait => break,
            };
            let step = self.visit_one(hosted, pick, record)?;
            *popped += 1;
            if step == Step::Disengage {
                return Ok(step);
            }
            let Some(walk) = &mut hosted.walk else { break };
            if hosted.missing.is_some() || walk.wants_turn() {
                // What was fetched ahead may not be what comes next any more.
                walk.take_edited();
                break;
            }
        }
        Ok(Step::Continue)
    }

    #[inline]
    fn visit_one(
        &mut self,
        hosted: &mut Hosted,
        pick: &Pick,
        record: SharedRecord,
    ) -> Result<Step, WalkError> {
        let visited = Visited::new(pick.entry.slot, record);
        hosted.note_read(&visited.record);
        let leaving = pick.entry.is_leaving();
        if !leaving {
            count_visit(hosted, visited.slot, 0)?;
            hosted.profile.visits += 1;
        }
        let at_edge = visited.record.head.id.kind() == Kind::Edge;
        let position = hosted.walk.as_mut().and_then(|walk| walk.begin_visit(at_edge));
        hosted.profile.deepest = hosted.profile.deepest.max(position.map_or(0, |position| position.depth));
        let step = self.visit(hosted, &visited, leaving)?;
        // Giving a record back is a locked operation, which waits for all loads before it: it is put
        // off, so that the loads of one visit overlap with those of the next.
        self.visited.push(visited.record);
        Ok(step)
    }

    /// What there is of a pick.
    #[inline]
    pub(super) fn record(&mut self, hosted: &mut Hosted, pick: &mut Pick) -> Result<Fetched, WalkError> {
        if let Some(writes) = hosted.walk.as_ref().and_then(|walk| walk.writes())
            && let Some(overlaid) = writes.overlaid(pick.entry.slot)
        {
            let overlaid = overlaid.clone();
            hosted.forget_asked(pick.entry.slot);
            return self.overlaid(hosted, pick, overlaid);
        }
        match pick.record.take() {
            Some(record) => {
                if !hosted.forget_asked(pick.entry.slot) {
                    self.hits[self.core.directory.shard_of(pick.entry.slot)] += 1;
                }
                hosted.cold = hosted.cold.saturating_sub(1);
                accepted(hosted, pick, record)
            }
            None => self.arrived(hosted, pick),
        }
    }

    /// What the walk itself has made of a node and not written yet.
    #[cold]
    fn overlaid(
        &mut self,
        hosted: &mut Hosted,
        pick: &mut Pick,
        overlaid: Overlaid,
    ) -> Result<Fetched, WalkError> {
        match overlaid {
            Overlaid::Gone => Ok(Fetched::PassOver),
            Overlaid::Record(record) if satisfies(&record.head, hosted.need) => {
                accepted(hosted, pick, record)
            }
            Overlaid::Record(_) => {
                // More is needed than was known when it was changed: it has to be written and read again.
                let need = hosted.need;
                hosted.missing = Some(Missing { slot: pick.entry.slot, need, flush: true });
                Ok(Fetched::Wait)
            }
        }
    }

    /// What a shard answered about a node that is not resident; where it has not, the walk has to wait.
    #[cold]
    fn arrived(&mut self, hosted: &mut Hosted, pick: &mut Pick) -> Result<Fetched, WalkError> {
        let slot = pick.entry.slot;
        let id = || self.core.directory.id_of(slot).cloned().unwrap_or_else(Id::root);
        match hosted.take_arrived(slot) {
            Some(Found::Record(record)) if satisfies(&record.head, hosted.need) => {
                accepted(hosted, pick, record)
            }
            Some(Found::Missing) if pick.entry.depth() == 0 && !pick.entry.is_leaving() => {
                Err(WalkError::UnknownStart { walker: hosted.shared.walker.into(), id: id() })
            }
            // A node that was deleted since its edge was read, or never was.
            Some(Found::Missing) => Ok(Fetched::PassOver),
            _ => {
                hosted.state = State::Loading;
                hosted.cold = COLD_VISITS;
                Ok(Fetched::Wait)
            }
        }
    }

    /// Goes on with what hooks asked for, when what was missing has come.
    fn resume(&mut self, hosted: &mut Hosted, missing: Missing) -> Result<(), WalkError> {
        let Missing { slot, need, .. } = missing;
        let resident = self.core.resident(slot).filter(|record| satisfies(&record.head, need));
        let arrived = hosted.take_arrived(slot);
        let record = match (resident, arrived) {
            (Some(record), _) => {
                hosted.forget_asked(slot);
                Some(record)
            }
            (None, Some(Found::Record(record))) if satisfies(&record.head, need) => Some(record),
            // It was deleted meanwhile: it has no neighbours any more.
            (None, Some(Found::Missing)) => None,
            _ => {
                wait_for(hosted, missing);
                return Ok(());
            }
        };
        let Some(walk) = &mut hosted.walk else { return Ok(()) };
        let again = walk.expand(|asked| match &record {
            Some(record) if asked == slot => Looked::Record(record),
            None if asked == slot => Looked::Gone,
            _ => Looked::Unknown,
        })?;
        if let Some(again) = again {
            wait_for(hosted, again);
        }
        Ok(())
    }
}

/// Puts off the rest of what hooks asked for until something has been read.
pub(super) fn wait_for(hosted: &mut Hosted, missing: Missing) {
    // From now on it is read together with the nodes.
    hosted.need = hosted.need.and(missing.need);
    hosted.missing = Some(missing);
    hosted.state = State::Loading;
}

/// The record if the walk's filter accepts it.
#[inline]
fn accepted(hosted: &Hosted, pick: &Pick, record: SharedRecord) -> Result<Fetched, WalkError> {
    if pick.entry.depth() == 0 && record.head.id.kind() != Kind::Node {
        // Walks start at nodes; edges are visited on the way.
        let id = record.head.id.clone();
        return Err(WalkError::UnknownStart { walker: hosted.shared.walker.into(), id });
    }
    if !hosted.filters || pick.entry.depth() == 0 {
        return Ok(Fetched::Record(record));
    }
    let Some(filter) = &hosted.rare.only else { return Ok(Fetched::Record(record)) };
    let visited = Visited::new(pick.entry.slot, record);
    match visited.satisfies(filter) {
        Ok(true) => Ok(Fetched::Record(visited.record)),
        Ok(false) => Ok(Fetched::PassOver),
        Err(error) => {
            Err(WalkError::Unreadable { id: visited.record.head.id.clone(), reason: error.to_string() })
        }
    }
}

/// Visits of a walk before it begins to count them by node, unless its budget is smaller: counting
/// costs more than visiting.
const UNCOUNTED_VISITS: u64 = 10_000;

/// Whether the budgets allow one more visit, when `ahead` others of the same batch have not been counted.
#[inline]
pub(super) fn count_visit(hosted: &mut Hosted, slot: Slot, ahead: u64) -> Result<(), WalkError> {
    let (visits, limits) = (hosted.profile.visits + ahead, &hosted.limits);
    if visits >= limits.visits {
        return Err(reached(hosted, Budget::Visits, hosted.limits.visits, visits + 1));
    }
    if hosted.returns && (visits >= UNCOUNTED_VISITS || limits.visits_per_node <= UNCOUNTED_VISITS) {
        return count_by_node(hosted, slot);
    }
    Ok(())
}

fn count_by_node(hosted: &mut Hosted, slot: Slot) -> Result<(), WalkError> {
    let limit = hosted.limits.visits_per_node;
    let visits = hosted.rare.per_node.entry(slot).or_default();
    if *visits >= limit {
        // A visit that is not made is not counted: the batch before it may come first.
        let next = *visits + 1;
        return Err(reached(hosted, Budget::VisitsPerNode, limit, next));
    }
    *visits += 1;
    Ok(())
}

fn reached(hosted: &Hosted, budget: Budget, limit: u64, reached: u64) -> WalkError {
    WalkError::BudgetReached { walker: hosted.shared.walker.into(), budget, limit, reached }
}

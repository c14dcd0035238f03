//! The runtime's side of a walk; not for hooks.

use std::sync::Arc;

use serde_json::Value;

use super::{Rare, Walk};
use crate::frontier::Unique;
use crate::frontier::{Frontier, Position};
use crate::here::Visited;
use crate::hook_table::HookTable;
use crate::limits::Limits;
use crate::need::Need;
use crate::profile_detail::{Detail, ProfileDetail};
use crate::record::Slot;
use crate::trail::Footprints;
use crate::trail::Trail;
use crate::walk_error::WalkError;
use crate::walk_options::WalkOptions;
use crate::walk_services::WalkServices;
use crate::write_buffer::WriteBuffer;

/// What a walk is made of.
#[doc(hidden)]
pub struct WalkSetup<'a> {
    pub walker: &'static str,
    pub number: u64,
    pub services: Arc<dyn WalkServices>,
    pub frontier: Frontier,
    pub options: &'a WalkOptions,
    pub limits: &'a Limits,
    pub listened: bool,
}

#[doc(hidden)]
impl Walk {
    #[must_use]
    pub fn new(setup: WalkSetup<'_>) -> Self {
        let WalkSetup { walker, number, services, frontier, options, limits, listened } = setup;
        let mut rare = Rare {
            trail: Footprints::new(options.trail),
            detail: options.detailed.then(ProfileDetail::default),
            ..Rare::default()
        };
        if options.durable.is_some() {
            rare.writes = WriteBuffer::durable();
        }
        let common = rare.trail.is_none() && rare.detail.is_none() && options.durable.is_none();
        Self {
            position: Position::start(Slot(0)),
            frontier,
            // Most hooks ask for one thing; the room that a vector takes by itself would be four times that.
            requests: Vec::with_capacity(1),
            report: Vec::new(),
            outbox: Vec::new(),
            result_bytes: 0,
            result_limit: limits.report_bytes,
            queue_limit: limits.queue,
            fault: None,
            walker,
            number,
            services,
            listened,
            by_edges: options.unique == Unique::Edge || options.trail != Trail::Off,
            crosses_once: options.unique == Unique::Edge,
            paused: false,
            edited: false,
            at_edge: false,
            rare: (!common).then(|| Box::new(rare)),
        }
    }

    /// A walk for one visit that is made beside this one. What its hook asks for is taken over by
    /// [`absorb`](Self::absorb).
    #[must_use]
    pub(crate) fn fork(&self, position: Position, at_edge: bool) -> Self {
        Self {
            position,
            frontier: Frontier::default(),
            requests: Vec::new(),
            report: Vec::new(),
            outbox: Vec::new(),
            result_bytes: 0,
            fault: None,
            services: Arc::clone(&self.services),
            paused: false,
            edited: false,
            at_edge,
            rare: None,
            ..*self
        }
    }

    pub(crate) fn absorb(&mut self, mut fork: Self) -> Result<(), WalkError> {
        self.requests.append(&mut fork.requests);
        self.paused |= fork.paused;
        self.edited |= fork.edited;
        if let Some(fault) = fork.take_fault() {
            return Err(self.end_with(fault));
        }
        if let Some(rare) = &mut fork.rare {
            self.rare().writes.take_asked(&mut rare.writes);
        }
        self.absorb_results(&mut fork)
    }

    /// Takes the next visit off the queue and stands there.
    #[inline]
    pub fn begin_visit(&mut self, at_edge: bool) -> Option<Position> {
        let position = self.frontier.pop()?;
        self.stand(position, at_edge);
        self.note_visit(position);
        Some(position)
    }

    /// Stands at a visit.
    #[inline]
    pub fn stand(&mut self, position: Position, at_edge: bool) {
        self.position = position;
        self.at_edge = at_edge;
    }

    #[inline]
    fn note_visit(&mut self, position: Position) {
        let traced = self.rare.as_ref().is_some_and(|rare| rare.trail.is_some());
        if !traced || position.leaving {
            return;
        }
        let (from, edge) = (self.from_slot(), self.edge_before());
        if let Some(trail) = &mut self.rare().trail {
            trail.add(position.slot, from, edge, position.depth);
        }
    }

    #[must_use]
    #[inline]
    pub fn position(&self) -> Position {
        self.position
    }

    #[must_use]
    #[inline]
    pub fn frontier(&self) -> &Frontier {
        &self.frontier
    }

    #[inline]
    pub fn frontier_mut(&mut self) -> &mut Frontier {
        &mut self.frontier
    }

    /// Forgets what hooks of this visit asked for.
    pub fn forget_requests(&mut self) {
        self.requests.clear();
        if let Some(rare) = &mut self.rare {
            rare.writes.forget_asked();
        }
    }

    /// Whether something has to be done before the next visit is made.
    #[must_use]
    #[inline]
    pub fn wants_turn(&self) -> bool {
        !self.outbox.is_empty()
            || self.edited
            || self.paused
            || self.rare.as_ref().is_some_and(|rare| rare.writes.is_due(&*self.services))
    }

    /// Whether hooks have changed the queue otherwise than by appending to it, since the last call.
    #[inline]
    pub fn take_edited(&mut self) -> bool {
        std::mem::take(&mut self.edited)
    }

    #[inline]
    pub fn take_paused(&mut self) -> bool {
        std::mem::take(&mut self.paused)
    }

    #[must_use]
    #[inline]
    pub fn has_outbox(&self) -> bool {
        !self.outbox.is_empty()
    }

    #[inline]
    #[must_use]
    pub fn take_fault(&mut self) -> Option<WalkError> {
        self.fault.take().map(|fault| *fault)
    }

    /// Bytes reported, and emitted and not taken.
    #[must_use]
    pub fn result_bytes(&self) -> u64 {
        self.result_bytes
    }

    #[must_use]
    pub fn report_so_far(&self) -> &[Value] {
        &self.report
    }

    #[must_use]
    pub fn take_report(&mut self) -> Vec<Value> {
        std::mem::take(&mut self.report)
    }

    pub fn restore_report(&mut self, report: Vec<Value>) {
        self.report = report;
    }

    /// The writes that are due, if the walk has any.
    #[must_use]
    #[inline]
    pub fn writes(&self) -> Option<&WriteBuffer> {
        self.rare.as_ref().map(|rare| &rare.writes)
    }

    /// Takes the writes out, to do them; [`put_writes`](Self::put_writes) gives them back.
    #[must_use]
    pub fn take_writes(&mut self) -> WriteBuffer {
        std::mem::take(&mut self.rare().writes)
    }

    pub fn put_writes(&mut self, writes: WriteBuffer) {
        self.rare().writes = writes;
    }

    /// What hooks that ended well asked to be written, of a walk that ends with an error. The writes of a
    /// durable walk belong to its state.
    #[must_use]
    pub fn left_writes(&mut self) -> Option<WriteBuffer> {
        let writes = &mut self.rare.as_mut()?.writes;
        (!writes.is_empty() && !writes.is_durable()).then(|| std::mem::take(writes))
    }

    /// Ends a visit whose hook ended the walk: what it asked to be written is, where it wanted to go is not.
    ///
    /// # Errors
    /// [`WalkError::Unreadable`] when a change does not fit.
    pub fn end_by(&mut self, visited: &Visited) -> Result<(), WalkError> {
        self.note_changes(visited)?;
        self.forget_requests();
        Ok(())
    }

    #[must_use]
    pub fn services(&self) -> &Arc<dyn WalkServices> {
        &self.services
    }

    /// Where visits and times are counted, if they are.
    #[inline]
    pub fn detail(&mut self) -> Option<&mut ProfileDetail> {
        self.rare.as_mut()?.detail.as_mut()
    }

    #[must_use]
    #[inline]
    pub fn is_detailed(&self) -> bool {
        self.rare.as_ref().is_some_and(|rare| rare.detail.is_some())
    }

    /// What was counted.
    #[must_use]
    pub fn told_detail(&self, table: &HookTable) -> Option<Detail> {
        let detail = self.rare.as_ref()?.detail.as_ref()?;
        Some(detail.told(|hook| table.name(hook), |slot: Slot| self.services.id_of(slot)))
    }

    /// Notes that more has to be read of every node than the walk has said.
    pub(crate) fn need_more(&mut self, need: Need) {
        let rare = self.rare();
        rare.needed = rare.needed.and(need);
    }

    /// What has to be read of every node beside what the walk has said.
    #[must_use]
    pub fn needed(&self) -> Need {
        self.rare.as_ref().map_or(Need::DOCUMENT, |rare| rare.needed)
    }

    /// Names the visits of the chunk whose hook runs.
    pub(crate) fn set_chunk(&mut self, positions: &[Position]) {
        if positions.len() > 1 || self.rare.is_some() {
            let chunk = &mut self.rare().chunk;
            chunk.clear();
            if positions.len() > 1 {
                chunk.extend_from_slice(positions);
            }
        }
    }
}

//! Visits that are driven in one future, or other hooks of a walk.

use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use crate::event::Published;
use crate::frontier::Position;
use crate::here::Visited;
use crate::hook_table::HookTable;
use crate::id::Kind;
use crate::record::Slot;
use crate::walk::Walk;

/// What a batch is about.
#[derive(Debug, Default)]
pub enum Stage {
    /// The hooks before the first visit.
    Enter,
    /// Visits.
    #[default]
    Visits,
    /// The hooks for an event.
    Event(Published),
    /// The hooks at the end.
    Exit,
}

/// How a visit of a batch stands in the queue.
#[derive(Debug, Clone, Copy)]
pub struct Planned {
    /// Entries before it that are passed over: their nodes do not exist, or a filter keeps them out.
    pub skipped: u32,
    /// Its depth; visits of different depth are not given to a hook together.
    pub depth: u32,
    /// Whether it is the leaving of a node.
    pub leaving: bool,
}

/// Visits that are to be made, as far as they go; or other hooks of a walk.
#[derive(Debug)]
pub struct VisitBatch {
    /// The hooks of the walker.
    pub table: Arc<HookTable>,
    /// What it is about.
    pub stage: Stage,
    /// The nodes, in the order of the queue.
    pub visits: Vec<Visited>,
    /// How each of them stands in the queue.
    pub planned: Vec<Planned>,
    /// Entries passed over after the last visit.
    pub skipped_after: u32,
    /// Most visits that a hook is given together.
    pub chunk_size: usize,
    /// Where the slot of each visit is noted as it begins.
    pub current: Arc<AtomicU32>,
    /// Whether the future gives its thread back after each visit, so that it can be dropped there.
    pub gives_turns: bool,
    /// How many visits were made. The others still wait in the queue.
    pub made: usize,
    /// The depth of the deepest visit made.
    pub deepest: u32,
}

impl VisitBatch {
    /// An empty batch for a walker.
    #[must_use]
    pub fn new(table: &Arc<HookTable>, current: &Arc<AtomicU32>, chunk_size: usize) -> Box<Self> {
        Box::new(Self {
            table: Arc::clone(table),
            stage: Stage::Visits,
            visits: Vec::new(),
            planned: Vec::new(),
            skipped_after: 0,
            chunk_size,
            current: Arc::clone(current),
            gives_turns: false,
            made: 0,
            deepest: 0,
        })
    }

    /// Whether it is about visits.
    #[must_use]
    pub fn is_of_visits(&self) -> bool {
        matches!(self.stage, Stage::Visits)
    }

    /// Empties it and keeps its room.
    pub fn clear(&mut self) {
        self.stage = Stage::Visits;
        self.visits.clear();
        self.planned.clear();
        (self.skipped_after, self.made, self.deepest) = (0, 0, 0);
    }

    /// Where the visits end that are made together with one, which are more than one only where a hook
    /// takes many.
    #[must_use]
    pub fn together(&self, from: usize) -> usize {
        let (id, planned) = (&self.visits[from].record.head.id, self.planned[from]);
        if !self.is_chunk(from) {
            return from + 1;
        }
        let mut until = from + 1;
        while until < self.visits.len() && until - from < self.chunk_size {
            let other = &self.visits[until].record.head.id;
            let same = other.kind() == id.kind() && other.entity() == id.entity();
            if !same || self.planned[until].depth != planned.depth || self.planned[until].leaving {
                break;
            }
            until += 1;
        }
        until
    }

    /// Whether a visit is one that a hook takes many of.
    #[must_use]
    pub fn is_chunk(&self, at: usize) -> bool {
        let id = &self.visits[at].record.head.id;
        self.table.takes_many()
            && !self.planned[at].leaving
            && self.table.at(id.kind(), id.entity()).iter().any(|&hook| self.takes_many(hook))
    }

    pub(crate) fn takes_many(&self, hook: u16) -> bool {
        self.table.spec(hook).is_some_and(|spec| spec.takes_many)
    }

    /// Takes visits off the queue, with the entries before each that are passed over.
    pub(crate) fn begin(&self, range: Range<usize>, walk: &mut Walk) -> Vec<Position> {
        let mut positions = Vec::with_capacity(range.len());
        for at in range {
            for _ in 0..self.planned[at].skipped {
                walk.frontier_mut().skip();
            }
            let at_edge = self.visits[at].record.head.id.kind() == Kind::Edge;
            positions.extend(walk.begin_visit(at_edge));
        }
        positions
    }

    pub(crate) fn note_current(&self, slot: Slot) {
        // A note for the same thread, in case the future does not come back.
        self.current.store(slot.0, Ordering::Relaxed);
    }
}

//! What hooks have changed in a queue: entries put elsewhere than their order says, and entries taken out.
//!
//! An entry that is taken out stays where it lies and is passed over when it comes up: it is dead when its
//! number is below the one at which its node was taken out. Until then it is counted as dead, and when the
//! dead are more than the living all of them are swept out at once.

use std::collections::VecDeque;

use rustc_hash::FxHashMap;

use super::entry::{Entry, NOTHING};
use super::order::Place;
use super::queue::Queue;
use super::standing::Standing;
use crate::record::Slot;

/// Fewer dead entries than this are not worth a sweep.
const SWEEP: usize = 64;

/// An entry that was put somewhere.
#[derive(Debug, Clone, Copy)]
pub(super) struct Placed {
    pub(super) entry: Entry,
    pub(super) cost: f64,
    pub(super) number: u64,
}

/// What is attached to a node that waits, each list in the order of visits.
#[derive(Debug, Default)]
pub(super) struct Attached {
    pub(super) before: Vec<Placed>,
    pub(super) after: Vec<Placed>,
}

/// The index of a queue that hooks have changed.
#[derive(Debug, Default)]
pub(super) struct Edits {
    /// What comes before everything in the queue.
    pub(super) lane: VecDeque<Placed>,
    /// Where in the lane what the present visit has put `Next` ends, once it has.
    next_at: Option<usize>,
    /// By the node to which it is attached.
    pub(super) attached: FxHashMap<u32, Attached>,
    attached_len: usize,
    standings: FxHashMap<u32, Standing>,
    /// The number of the next entry that will be placed.
    number: u64,
    dead_queued: usize,
    dead_placed: usize,
    keeps_edges: bool,
}

impl Edits {
    /// The index of what lies in a queue.
    pub(super) fn new(queue: &mut Queue, keeps_edges: bool) -> Self {
        queue.start_numbers();
        let mut edits = Self { keeps_edges, ..Self::default() };
        queue.waiting().iter().for_each(|queued| edits.joined(&queued.entry));
        edits
    }

    /// Whether nothing lies outside the queue.
    #[inline]
    pub(super) fn is_bare(&self) -> bool {
        self.lane.is_empty() && self.attached_len == 0
    }

    pub(super) fn has_dead(&self) -> bool {
        self.dead_queued + self.dead_placed > 0
    }

    pub(super) fn has_dead_queued(&self) -> bool {
        self.dead_queued > 0
    }

    /// How many entries live, `lying` of all of them in the queue.
    pub(super) fn len(&self, lying: usize) -> usize {
        lying - self.dead_queued + self.lane.len() + self.attached_len - self.dead_placed
    }

    pub(super) fn waits(&self, slot: Slot) -> bool {
        self.standings.get(&slot.0).is_some_and(|standing| standing.queued + standing.placed > 0)
    }

    pub(super) fn next_number(&self) -> u64 {
        self.number
    }

    pub(super) fn is_dead_queued(&self, entry: &Entry, number: u64) -> bool {
        let from = |standing: &Standing| number < standing.queued_from;
        self.has_dead_queued() && !entry.is_leaving() && self.standings.get(&entry.slot.0).is_some_and(from)
    }

    pub(super) fn is_dead_placed(&self, placed: &Placed) -> bool {
        let from = |standing: &Standing| placed.number < standing.placed_from;
        self.dead_placed > 0 && self.standings.get(&placed.entry.slot.0).is_some_and(from)
    }

    /// Counts an entry that was pushed to the queue.
    pub(super) fn joined(&mut self, entry: &Entry) {
        if entry.is_leaving() {
            return;
        }
        let standing = self.standings.entry(entry.slot.0).or_default();
        standing.queued += 1;
        if self.keeps_edges && entry.via != NOTHING {
            standing.edges.push(entry.via);
        }
    }

    /// Counts an entry that was taken from the queue, dead or living.
    pub(super) fn left_queue(&mut self, entry: &Entry, dead: bool) {
        self.dead_queued -= usize::from(dead);
        self.left(entry, dead, |standing| &mut standing.queued);
    }

    /// Counts an entry that was taken from the lane, dead or living.
    fn left_lane(&mut self, entry: &Entry, dead: bool) {
        self.dead_placed -= usize::from(dead);
        self.left(entry, dead, |standing| &mut standing.placed);
    }

    fn left(&mut self, entry: &Entry, dead: bool, living: impl FnOnce(&mut Standing) -> &mut u32) {
        if entry.is_leaving() {
            return;
        }
        let Some(standing) = self.standings.get_mut(&entry.slot.0) else { return };
        if dead {
            standing.dead -= 1;
        } else {
            *living(standing) -= 1;
            if let Some(at) = standing.edges.iter().position(|&edge| edge == entry.via) {
                standing.edges.swap_remove(at);
            }
        }
        if standing.queued + standing.placed + standing.dead == 0 {
            self.standings.remove(&entry.slot.0);
        }
    }

    /// Takes the first entry of the lane and says whether it was dead.
    pub(super) fn pop_lane(&mut self) -> Option<(Placed, bool)> {
        let placed = self.lane.pop_front()?;
        let dead = self.is_dead_placed(&placed);
        self.left_lane(&placed.entry, dead);
        Some((placed, dead))
    }

    /// Makes all entries of a node dead and gives how many lived, and their edges where these are kept.
    pub(super) fn kill(&mut self, slot: Slot, queue: &Queue) -> (usize, Vec<u32>) {
        let standing = self.standings.entry(slot.0).or_default();
        let (queued, placed) = (std::mem::take(&mut standing.queued), std::mem::take(&mut standing.placed));
        standing.dead += queued + placed;
        standing.queued_from = queue.next_number();
        standing.placed_from = self.number;
        let edges = std::mem::take(&mut standing.edges);
        if standing.dead == 0 {
            self.standings.remove(&slot.0);
        }
        self.dead_queued += queued as usize;
        self.dead_placed += placed as usize;
        ((queued + placed) as usize, edges)
    }

    /// Numbers and counts an entry that is going to be placed.
    pub(super) fn admit(&mut self, entry: Entry, cost: f64, anchor: Option<Slot>) -> Placed {
        let standing = self.standings.entry(entry.slot.0).or_default();
        standing.placed += 1;
        standing.anchor = anchor.map_or(NOTHING, |anchor| anchor.0);
        standing.last_placed = self.number;
        if self.keeps_edges && entry.via != NOTHING {
            standing.edges.push(entry.via);
        }
        self.number += 1;
        Placed { entry, cost, number: self.number - 1 }
    }

    /// Puts admitted entries in their place.
    pub(super) fn insert(&mut self, place: Place, entries: Vec<Placed>) {
        match place {
            Place::Front => self.put_first(entries),
            Place::Next => {
                let start = self.next_at.unwrap_or(0);
                self.next_at = Some(start + entries.len());
                entries.into_iter().zip(start..).for_each(|(placed, at)| self.lane.insert(at, placed));
            }
            Place::Before(anchor) | Place::After(anchor) => {
                self.attached_len += entries.len();
                let attached = self.attached.entry(anchor.0).or_default();
                let list = match place {
                    Place::Before(_) => &mut attached.before,
                    _ => &mut attached.after,
                };
                list.extend(entries);
            }
        }
    }

    /// Moves a living entry, which was taken from the queue, to the front of the lane.
    pub(super) fn put_first_again(&mut self, entry: Entry, cost: f64) {
        let placed = self.admit(entry, cost, None);
        self.put_first(vec![placed]);
    }

    fn put_first(&mut self, entries: Vec<Placed>) {
        self.next_at = self.next_at.map(|at| at + entries.len());
        entries.into_iter().rev().for_each(|placed| self.lane.push_front(placed));
    }

    /// Ends what one visit put `Next`.
    #[inline]
    pub(super) fn end_group(&mut self) {
        self.next_at = None;
    }

    pub(super) fn has_before(&self, slot: Slot) -> bool {
        self.attached.get(&slot.0).is_some_and(|attached| !attached.before.is_empty())
    }

    /// Moves what is attached before a node to the front of the lane.
    pub(super) fn bring_before(&mut self, slot: Slot) {
        self.bring(slot, |attached| std::mem::take(&mut attached.before));
    }

    /// Moves what is attached after a node to the front of the lane.
    pub(super) fn bring_after(&mut self, slot: Slot) {
        self.bring(slot, |attached| std::mem::take(&mut attached.after));
    }

    /// Moves what is attached to a node to the front of the lane, without the node.
    pub(super) fn bring_all(&mut self, slot: Slot) {
        self.bring_after(slot);
        self.bring_before(slot);
    }

    fn bring(&mut self, slot: Slot, list: impl FnOnce(&mut Attached) -> Vec<Placed>) {
        if self.attached_len == 0 {
            return;
        }
        let Some(attached) = self.attached.get_mut(&slot.0) else { return };
        let entries = list(attached);
        if attached.before.is_empty() && attached.after.is_empty() {
            self.attached.remove(&slot.0);
        }
        self.detach(&entries);
        self.put_first(entries);
    }

    /// Moves what is attached to a node to the end of the lane: the node comes no more.
    pub(super) fn release(&mut self, slot: Slot) {
        let Some(mut attached) = self.attached.remove(&slot.0) else { return };
        attached.before.append(&mut attached.after);
        self.detach(&attached.before);
        self.lane.extend(attached.before);
    }

    fn detach(&mut self, entries: &[Placed]) {
        self.attached_len -= entries.len();
        for placed in entries.iter().filter(|placed| !self.is_dead_placed(placed)).collect::<Vec<_>>() {
            if let Some(standing) = self.standings.get_mut(&placed.entry.slot.0) {
                standing.anchor = NOTHING;
            }
        }
    }

    /// Whether a node is attached to another, directly or through others.
    pub(super) fn hangs_on(&self, slot: Slot, on: Slot) -> bool {
        let anchor = |slot: &u32| {
            let standing = self.standings.get(slot).filter(|standing| standing.placed > 0)?;
            (standing.anchor != NOTHING).then_some(standing.anchor)
        };
        std::iter::successors(Some(slot.0), anchor).skip(1).any(|anchor| anchor == on.0)
    }

    /// Whether a living entry of a node was placed with this number or a later one.
    pub(super) fn placed_since(&self, slot: Slot, number: u64) -> bool {
        let since = |standing: &Standing| standing.placed > 0 && standing.last_placed >= number;
        self.standings.get(&slot.0).is_some_and(since)
    }

    /// Whether the dead are so many that they should be swept out.
    pub(super) fn is_littered(&self, lying: usize) -> bool {
        let dead = self.dead_queued + self.dead_placed;
        dead > SWEEP && dead > self.len(lying)
    }

    /// Sweeps out the dead, here and in the queue.
    pub(super) fn sweep(&mut self, queue: &mut Queue) {
        queue.retain(|entry, number| !self.is_dead_queued(entry, number));
        let dead: Vec<bool> = self.lane.iter().map(|placed| self.is_dead_placed(placed)).collect();
        self.next_at = self.next_at.map(|at| dead[..at].iter().filter(|dead| !**dead).count());
        let mut dead = dead.into_iter();
        self.lane.retain(|_| !dead.next().unwrap_or(false));
        let mut attached = std::mem::take(&mut self.attached);
        for lists in attached.values_mut() {
            lists.before.retain(|placed| !self.is_dead_placed(placed));
            lists.after.retain(|placed| !self.is_dead_placed(placed));
        }
        attached.retain(|_, lists| !lists.before.is_empty() || !lists.after.is_empty());
        self.attached_len = attached.values().map(|lists| lists.before.len() + lists.after.len()).sum();
        self.attached = attached;
        self.standings.retain(|_, standing| {
            // Nothing dead is left, and a line has given new numbers to what it kept.
            (standing.dead, standing.queued_from, standing.placed_from) = (0, 0, 0);
            standing.queued + standing.placed > 0
        });
        (self.dead_queued, self.dead_placed) = (0, 0);
    }
}

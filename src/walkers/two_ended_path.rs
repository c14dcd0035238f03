//! A path of fewest hops, searched from both its ends at once.

use rustc_hash::FxHashMap;
use serde::{Deserialize, Serialize};
use serde_json::Number;
use wayfare_graph::{Along, Direction, Here, Id, Slot, Step, Walk, WalkOptions};

use super::Found;
use crate::walker;

/// Finds a path of fewest hops from its start to `to` by two breadth-first searches that meet: one from the
/// start, one backwards from the end (Pohl, "Bi-directional search", 1971). On graphs whose neighbourhoods
/// grow fast it visits far fewer nodes than [`Path`](super::Path), which finds one of the same length.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TwoEndedPath {
    /// Where to.
    pub to: Id,
    /// Which edges to follow; all by default.
    #[serde(default)]
    pub along: Along,
    /// Which way from the start; out by default.
    #[serde(default)]
    pub direction: Direction,
    /// What was found, when the walk has ended.
    #[serde(default)]
    pub found: Option<Found>,
    #[serde(skip)]
    search: Search,
}

/// What both searches know.
#[derive(Debug, Clone, Default)]
struct Search {
    met: FxHashMap<Slot, Met>,
    /// The edge of the best path so far at which the searches met, in the direction of the path, and its hops.
    best: Option<(Slot, Slot, u32)>,
    /// The level in which that edge was found: when it is done, there is no better one.
    level: (bool, u32),
}

/// A node that one of the searches has come to.
#[derive(Debug, Clone, Copy)]
struct Met {
    from_end: bool,
    hops: u32,
    /// The node before it in its search, itself at the end of it.
    before: Slot,
    /// Whether it was visited: a node that a filter keeps out is met and never visited.
    visited: bool,
}

impl TwoEndedPath {
    /// A search along all edges, outwards.
    #[must_use]
    pub fn to(to: Id) -> Self {
        Self { to, along: Along::All, direction: Direction::Out, found: None, search: Search::default() }
    }

    fn begin(&mut self, here: &Here, walk: &mut Walk) -> Step {
        let own = Met { from_end: false, hops: 0, before: here.slot(), visited: true };
        self.search.met.insert(here.slot(), own);
        if *here.id() == self.to {
            self.found = Some(Found { hops: 0, cost: Number::from(0), path: vec![here.id().clone()] });
            return Step::Disengage;
        }
        let end = walk.slot_of(&self.to);
        self.search.met.insert(end, Met { from_end: true, hops: 0, before: end, visited: false });
        walk.visit(end);
        Step::Continue
    }

    /// Looks at the neighbours of a node: those of the other search are meetings, new ones are visited.
    fn look_around(&mut self, here: &Here, own: Met, walk: &mut Walk) {
        let direction = if own.from_end { reversed(self.direction) } else { self.direction };
        let neighbours = here.neighbours(direction).along(self.along.clone());
        for slot in here.resident(&neighbours).unwrap_or_default() {
            match self.search.met.get(&slot) {
                None => {
                    let met = Met { hops: own.hops + 1, before: here.slot(), visited: false, ..own };
                    self.search.met.insert(slot, met);
                    walk.visit(slot);
                }
                Some(other) if other.from_end != own.from_end && other.visited => {
                    let hops = own.hops + 1 + other.hops;
                    if self.search.best.is_none_or(|(_, _, best)| hops < best) {
                        let (from, to) = if own.from_end { (slot, here.slot()) } else { (here.slot(), slot) };
                        self.search.best = Some((from, to, hops));
                        self.search.level = (own.from_end, own.hops);
                    }
                }
                Some(_) => {}
            }
        }
    }

    fn trace(&self, walk: &Walk) -> Option<Found> {
        let (from, to, hops) = self.search.best?;
        let mut slots = self.way(from);
        slots.reverse();
        slots.extend(self.way(to));
        let path = slots.into_iter().filter_map(|slot| walk.id_of(slot)).collect();
        Some(Found { hops: hops as usize, cost: Number::from(hops), path })
    }

    /// The nodes from one to the end of its search.
    fn way(&self, from: Slot) -> Vec<Slot> {
        let mut slots = vec![from];
        let mut at = from;
        while let Some(met) = self.search.met.get(&at).filter(|met| met.before != at) {
            at = met.before;
            slots.push(at);
        }
        slots
    }
}

fn reversed(direction: Direction) -> Direction {
    match direction {
        Direction::Out => Direction::In,
        Direction::In => Direction::Out,
        Direction::Both => Direction::Both,
    }
}

fn options(path: &TwoEndedPath) -> WalkOptions {
    WalkOptions::default().links(path.direction).links(reversed(path.direction))
}

#[walker(options = options)]
impl TwoEndedPath {
    #[on_visit]
    fn node(&mut self, here: &Here, walk: &mut Walk) -> Step {
        if walk.depth() == 0 && self.begin(here, walk) == Step::Disengage {
            return Step::Disengage;
        }
        let Some(met) = self.search.met.get_mut(&here.slot()) else { return Step::Continue };
        met.visited = true;
        let own = *met;
        if self.search.best.is_some() && self.search.level != (own.from_end, own.hops) {
            return Step::Disengage;
        }
        self.look_around(here, own, walk);
        Step::Continue
    }

    #[on_exit]
    fn done(&mut self, walk: &mut Walk) {
        if self.found.is_none() {
            self.found = self.trace(walk);
        }
    }
}

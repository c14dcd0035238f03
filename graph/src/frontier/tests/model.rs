//! A plain model of a frontier, and random steps to take with both.

mod sequences;

use std::collections::{BTreeMap, BTreeSet};

use super::*;
use crate::random::Random;

/// An entry of the model. `rank` sorts it within the queue.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Item {
    slot: u32,
    via: Option<u32>,
    parent: u32,
    rank: (f64, u64),
    cost: f64,
    number: u64,
}

/// What a frontier is to do, with vectors from which things are really taken.
#[derive(Debug, Default)]
struct Model {
    lane: Vec<Item>,
    next_at: Option<usize>,
    main: Vec<Item>,
    before: BTreeMap<u32, Vec<Item>>,
    after: BTreeMap<u32, Vec<Item>>,
    seen: BTreeSet<u32>,
    visited: BTreeSet<u32>,
    parents: Vec<(u32, u32)>,
    number: u64,
    group: u64,
}

struct Rules {
    order: Order,
    unique: Unique,
}

impl Rules {
    fn is_line(&self) -> bool {
        self.order == Order::BreadthFirst
    }

    fn key(&self, item: &Item) -> Option<u32> {
        match self.unique {
            Unique::Node => Some(item.slot),
            Unique::Edge => item.via,
            _ => None,
        }
    }
}

impl Model {
    fn lists(&mut self) -> impl Iterator<Item = &mut Vec<Item>> {
        [&mut self.lane, &mut self.main]
            .into_iter()
            .chain(self.before.values_mut())
            .chain(self.after.values_mut())
    }

    fn all(&mut self) -> Vec<Item> {
        self.lists().flat_map(|list| list.clone()).collect()
    }

    fn waits(&mut self, rules: &Rules, slot: u32) -> bool {
        let visited = rules.unique == Unique::Node && self.visited.contains(&slot);
        !visited && self.all().iter().any(|item| item.slot == slot)
    }

    fn on_path(&self, mut branch: u32, slot: u32) -> bool {
        while let Some(&(at, parent)) = self.parents.get(branch as usize) {
            if at == slot {
                return true;
            }
            branch = parent;
        }
        false
    }

    fn admits(&mut self, rules: &Rules, item: &Item) -> bool {
        if rules.unique == Unique::Path {
            return !self.on_path(item.parent, item.slot);
        }
        let Some(key) = rules.key(item) else { return true };
        if rules.is_line() { self.seen.insert(key) } else { !self.seen.contains(&key) }
    }

    fn push(&mut self, rules: &Rules, mut item: Item, priority: f64, cost: f64) {
        if self.admits(rules, &item) {
            self.number += 1;
            item.number = self.number;
            item.rank = match rules.order {
                Order::DepthFirst => (-(self.group as f64), self.number),
                Order::LeastCost => (priority, self.number),
                _ => (0.0, self.number),
            };
            item.cost = if rules.order == Order::LeastCost { cost } else { 0.0 };
            self.main.push(item);
            self.main.sort_by(|a, b| a.rank.partial_cmp(&b.rank).unwrap());
        }
    }

    fn end_group(&mut self) {
        self.group += 1;
        self.next_at = None;
    }

    fn remove(&mut self, slot: u32) -> Vec<Item> {
        let gone: Vec<Item> = self.all().into_iter().filter(|item| item.slot == slot).collect();
        let kept = |at: usize| self.lane[..at].iter().filter(|item| item.slot != slot).count();
        self.next_at = self.next_at.map(kept);
        self.lists().for_each(|list| list.retain(|item| item.slot != slot));
        gone
    }

    fn release(&mut self, slot: u32) {
        for list in [self.before.remove(&slot), self.after.remove(&slot)] {
            self.lane.extend(list.unwrap_or_default());
        }
    }

    fn hangs_on(&self, slot: u32, on: u32) -> bool {
        let lists = self.before.iter().chain(&self.after);
        let mut anchors = lists.filter(|(_, list)| list.iter().any(|item| item.slot == slot));
        anchors.any(|(&anchor, _)| anchor == on || self.hangs_on(anchor, on))
    }

    fn place(&mut self, rules: &Rules, place: Place, items: &[Item]) -> bool {
        let anchor = place.anchor().map(|anchor| anchor.0);
        if anchor.is_some_and(|anchor| !self.waits(rules, anchor)) {
            return false;
        }
        let mut entries: Vec<Item> = Vec::new();
        for item in items {
            let admitted = if rules.unique == Unique::Node {
                let named = entries.iter().any(|entry| entry.slot == item.slot);
                let fresh = !self.visited.contains(&item.slot) && anchor != Some(item.slot) && !named;
                if fresh {
                    if anchor.is_some_and(|anchor| self.hangs_on(anchor, item.slot)) {
                        self.release(item.slot);
                    }
                    self.remove(item.slot);
                    self.admits(rules, item);
                }
                fresh
            } else {
                self.admits(rules, item)
            };
            if admitted {
                entries.push(*item);
            }
        }
        match place {
            Place::Front => self.put_first(entries),
            Place::Next => {
                let at = self.next_at.unwrap_or(0);
                if !entries.is_empty() {
                    self.next_at = Some(at + entries.len());
                }
                self.lane.splice(at..at, entries);
            }
            Place::Before(anchor) => self.before.entry(anchor.0).or_default().extend(entries),
            Place::After(anchor) => self.after.entry(anchor.0).or_default().extend(entries),
        }
        true
    }

    fn put_first(&mut self, entries: Vec<Item>) {
        self.next_at = self.next_at.map(|at| at + entries.len());
        self.lane.splice(0..0, entries);
    }

    fn dequeue(&mut self, rules: &Rules, slot: u32) -> usize {
        if !self.waits(rules, slot) {
            return 0;
        }
        let gone = self.remove(slot);
        if rules.is_line() {
            gone.iter().filter_map(|item| rules.key(item)).for_each(|key| _ = self.seen.remove(&key));
        }
        self.release(slot);
        gone.len()
    }

    fn clear(&mut self, rules: &Rules) {
        let gone = self.all();
        if rules.is_line() {
            gone.iter().filter_map(|item| rules.key(item)).for_each(|key| _ = self.seen.remove(&key));
        }
        self.lists().for_each(Vec::clear);
        self.next_at = None;
    }

    fn settle(&mut self, rules: &Rules, drawn: Option<Entry>) {
        self.end_group();
        if matches!(rules.order, Order::Random { .. }) {
            self.draw(rules, drawn);
        }
        while let Some(item) = self.lane.first().or(self.main.first()).copied() {
            let from_lane = !self.lane.is_empty();
            let befores = self.before.get(&item.slot).is_some_and(|list| !list.is_empty());
            if !self.is_stale(rules, &item) && !befores {
                return;
            }
            if from_lane {
                self.lane.remove(0)
            } else {
                self.main.remove(0)
            };
            let mut block = self.before.remove(&item.slot).unwrap_or_default();
            if self.is_stale(rules, &item) {
                block.extend(self.after.remove(&item.slot).unwrap_or_default());
            } else {
                block.push(item);
            }
            self.lane.splice(0..0, block);
        }
    }

    /// What a random order draws is for the generator to say; it must be something that waits. Which
    /// of the stale it drew on the way is not known: the model drops them all.
    fn draw(&mut self, rules: &Rules, drawn: Option<Entry>) {
        let seen = self.seen.clone();
        self.lists().for_each(|list| {
            list.retain(|item| rules.key(item).is_none_or(|key| !seen.contains(&key)));
        });
        let Some(entry) = drawn.filter(|_| self.lane.is_empty()) else { return };
        let like = |item: &Item| {
            (item.slot, item.via, item.parent) == (entry.slot.0, entry.via().map(|via| via.0), entry.from)
        };
        let at = self.main.iter().position(like).expect("what is drawn waits");
        let item = self.main.remove(at);
        self.main.insert(0, item);
    }

    fn is_stale(&self, rules: &Rules, item: &Item) -> bool {
        !rules.is_line() && rules.key(item).is_some_and(|key| self.seen.contains(&key))
    }

    fn pop(&mut self, rules: &Rules, drawn: Option<Entry>) -> Option<Item> {
        self.settle(rules, drawn);
        let item = if !self.lane.is_empty() {
            self.lane.remove(0)
        } else if !self.main.is_empty() {
            self.main.remove(0)
        } else {
            return None;
        };
        let after = self.after.remove(&item.slot).unwrap_or_default();
        self.lane.splice(0..0, after);
        self.seen.extend(rules.key(&item));
        self.visited.insert(item.slot);
        self.parents.push((item.slot, item.parent));
        Some(item)
    }
}

/// One random step, which both sides can take.
#[derive(Debug, Clone)]
enum Step {
    Push(Vec<u32>),
    Edge(u32, u32),
    At(f64, f64, u32, Option<u32>),
    Place(Place, Vec<(u32, Option<u32>)>),
    Dequeue(u32),
    Clear,
    EndGroup,
    Settle,
    Pop,
}

fn step(random: &mut Random, order: Order) -> Step {
    let below = |random: &mut Random, bound: u64| random.below(bound) as u32;
    let slot = |random: &mut Random| below(random, 12);
    let slots = |random: &mut Random| (0..random.below(4)).map(|_| random.below(12) as u32).collect();
    let via = |random: &mut Random| (random.below(2) == 0).then(|| random.below(10) as u32 + 100);
    match random.below(40) {
        0..8 => Step::Push(slots(random)),
        8..12 => Step::Edge(slot(random), below(random, 10) + 100),
        12..15 => {
            Step::At(f64::from(below(random, 4)), f64::from(below(random, 4)), slot(random), via(random))
        }
        15..24 => {
            // A drawn anchor is hidden by what is attached before it: the model could not tell it.
            let kinds = if matches!(order, Order::Random { .. }) { 2 } else { 4 };
            let place = match random.below(kinds) {
                0 => Place::Front,
                1 => Place::Next,
                2 => Place::Before(Slot(slot(random))),
                _ => Place::After(Slot(slot(random))),
            };
            Step::Place(place, (0..random.below(4)).map(|_| (slot(random), via(random))).collect())
        }
        24..27 => Step::Dequeue(slot(random)),
        27 => {
            if random.below(6) == 0 {
                Step::Clear
            } else {
                Step::EndGroup
            }
        }
        28..30 => Step::Settle,
        30 => Step::EndGroup,
        _ => Step::Pop,
    }
}

/// What a step gave: a position, a count, a truth.
#[derive(Debug, PartialEq)]
enum Outcome {
    Popped(Option<Position>),
    Count(usize),
    Nothing,
}

fn take(frontier: &mut Frontier, step: &Step, at: &Position) -> Outcome {
    let depth = at.depth + 1;
    match step {
        Step::Push(slots) => frontier.push(slots, at, depth),
        Step::Edge(slot, via) => frontier.push_edge(Slot(*slot), Slot(*via), at, depth),
        Step::At(priority, cost, slot, via) => {
            frontier.push_at(*priority, *cost, Slot(*slot), via.map(Slot), at, depth);
        }
        Step::Place(place, slots) => {
            let slots: Vec<_> = slots.iter().map(|(slot, via)| (Slot(*slot), via.map(Slot))).collect();
            return Outcome::Count(usize::from(frontier.place(*place, &slots, at, depth)));
        }
        Step::Dequeue(slot) => return Outcome::Count(frontier.dequeue(Slot(*slot))),
        Step::Clear => frontier.clear(),
        Step::EndGroup => frontier.end_group(),
        Step::Settle => frontier.settle(),
        Step::Pop => return Outcome::Popped(frontier.pop()),
    }
    Outcome::Nothing
}

/// Takes the step in the model and compares; `drawn` is what the frontier settled on before it.
fn follow(model: &mut Model, rules: &Rules, step: &Step, at: &Position, drawn: Option<Entry>) -> Outcome {
    let parent = at.branch;
    let item = |slot, via| Item { slot, via, parent, rank: (0.0, 0), cost: 0.0, number: 0 };
    match step {
        Step::Push(slots) => {
            slots.iter().for_each(|&slot| model.push(rules, item(slot, None), 0.0, 0.0));
        }
        Step::Edge(slot, via) => model.push(rules, item(*slot, Some(*via)), 0.0, 0.0),
        Step::At(priority, cost, slot, via) => model.push(rules, item(*slot, *via), *priority, *cost),
        Step::Place(place, slots) => {
            let placed = |&(slot, via): &(u32, Option<u32>)| Item { cost: at.cost, ..item(slot, via) };
            let items: Vec<_> = slots.iter().map(placed).collect();
            return Outcome::Count(usize::from(model.place(rules, *place, &items)));
        }
        Step::Dequeue(slot) => return Outcome::Count(model.dequeue(rules, *slot)),
        Step::Clear => model.clear(rules),
        Step::EndGroup => model.end_group(),
        Step::Settle => model.settle(rules, drawn),
        Step::Pop => {
            let popped = model.pop(rules, drawn);
            return Outcome::Popped(popped.map(|item| Position {
                slot: Slot(item.slot),
                from: Slot(model_from(model, &item)),
                via: item.via.map(Slot),
                depth: 0,
                cost: item.cost,
                branch: model.parents.len() as u32 - 1,
                leaving: false,
            }));
        }
    }
    Outcome::Nothing
}

fn model_from(model: &Model, item: &Item) -> u32 {
    model.parents.get(item.parent as usize).map_or(item.slot, |(slot, _)| *slot)
}

fn without_depth(outcome: Outcome) -> Outcome {
    match outcome {
        Outcome::Popped(Some(at)) => Outcome::Popped(Some(Position { depth: 0, ..at })),
        other => other,
    }
}

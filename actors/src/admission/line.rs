//! The line in which walks wait: by priority, and in turn between callers.

use std::cmp::Reverse;
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use rustc_hash::FxHashMap;
use tokio::sync::oneshot;

use super::{Admittance, Ticket};

/// Of so many who enter one is the lowest in line, so that none waits for ever.
const LOWEST_TURN: u32 = 16;

/// One who waits.
pub(super) struct Waiter {
    pub(super) number: u64,
    pub(super) ticket: oneshot::Sender<Ticket>,
}

/// Those who wait.
#[derive(Default)]
pub(super) struct Line {
    classes: BTreeMap<Reverse<i8>, Class>,
    /// Where each waits.
    places: FxHashMap<u64, Admittance>,
    turns: u32,
}

/// Those of one priority.
#[derive(Default)]
struct Class {
    by_caller: FxHashMap<Option<Arc<str>>, VecDeque<Waiter>>,
    /// Whose turn it is, the next first.
    callers: VecDeque<Option<Arc<str>>>,
}

impl Line {
    pub(super) fn len(&self) -> usize {
        self.places.len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.places.is_empty()
    }

    pub(super) fn join(&mut self, admittance: Admittance, waiter: Waiter) {
        let class = self.classes.entry(Reverse(admittance.priority)).or_default();
        let of_caller = class.by_caller.entry(admittance.caller.clone()).or_default();
        if of_caller.is_empty() {
            class.callers.push_back(admittance.caller.clone());
        }
        self.places.insert(waiter.number, admittance);
        of_caller.push_back(waiter);
    }

    /// Takes out who is next.
    pub(super) fn next(&mut self) -> Option<Waiter> {
        self.turns = self.turns.wrapping_add(1);
        let lowest = self.turns.is_multiple_of(LOWEST_TURN);
        let mut class = if lowest { self.classes.last_entry()? } else { self.classes.first_entry()? };
        let waiter = class.get_mut().next();
        if class.get().callers.is_empty() {
            class.remove();
        }
        let waiter = waiter?;
        self.places.remove(&waiter.number);
        Some(waiter)
    }

    /// Takes out one who does not wait any more, if it has not had its turn.
    pub(super) fn remove(&mut self, number: u64) -> Option<Waiter> {
        let Admittance { priority, caller } = self.places.remove(&number)?;
        let class = self.classes.get_mut(&Reverse(priority))?;
        let of_caller = class.by_caller.get_mut(&caller)?;
        let at = of_caller.iter().position(|waiter| waiter.number == number)?;
        let waiter = of_caller.remove(at);
        if of_caller.is_empty() {
            class.by_caller.remove(&caller);
            class.callers.retain(|other| *other != caller);
        }
        if class.callers.is_empty() {
            self.classes.remove(&Reverse(priority));
        }
        waiter
    }

    /// Takes out the one who has to give way to a newcomer in a line that is full, if one has to: of the lowest priority
    /// the last of the caller who has most. One of the same priority gives way only to a caller with fewer.
    pub(super) fn outdone_by(&mut self, newcomer: &Admittance) -> Option<Waiter> {
        let (&Reverse(priority), class) = self.classes.last_key_value()?;
        let (most, waiting) = class.by_caller.iter().max_by_key(|(_, waiting)| waiting.len())?;
        let own = class.by_caller.get(&newcomer.caller).map_or(0, VecDeque::len);
        let has_to = priority < newcomer.priority
            || (priority == newcomer.priority && *most != newcomer.caller && waiting.len() > own + 1);
        let last = waiting.back().filter(|_| has_to)?.number;
        self.remove(last)
    }
}

impl Class {
    fn next(&mut self) -> Option<Waiter> {
        let caller = self.callers.pop_front()?;
        let of_caller = self.by_caller.get_mut(&caller)?;
        let waiter = of_caller.pop_front();
        if of_caller.is_empty() {
            self.by_caller.remove(&caller);
        } else {
            self.callers.push_back(caller);
        }
        waiter
    }
}

//! The model: what every entity was, one state after another, and what may be told of it when.

use std::collections::BTreeMap;

use wayfare_graph::{Id, Version};

use super::disk::Effect;

/// A moment: all that happens in a simulation happens one after another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub(super) struct Moment(u64);

/// What was stored of an entity from some moment on.
#[derive(Debug, Clone, Copy)]
struct State {
    since: Moment,
    /// `None`: there was no such entity.
    stored: Option<(Version, u64)>,
}

/// All states of one entity.
#[derive(Debug)]
struct Timeline {
    states: Vec<State>,
    /// From which moments on somebody knew of which state: later questions may not be answered with an earlier one.
    known: Vec<(Moment, usize)>,
}

impl Default for Timeline {
    fn default() -> Self {
        let nothing = State { since: Moment::default(), stored: None };
        Self { states: vec![nothing], known: Vec::new() }
    }
}

impl Timeline {
    /// The states that a question asked at some moment may be answered with.
    fn from(&self, asked: Moment) -> &[State] {
        let known = self.known.iter().rev().find(|(moment, _)| *moment < asked);
        &self.states[known.map_or(0, |&(_, state)| state)..]
    }
}

/// An attempt to write.
#[derive(Debug, Clone)]
struct Attempt {
    id: Id,
    /// The version that it makes, of a save, which shards show before it is durable.
    shown_as: Option<Version>,
    refused: Option<Moment>,
}

/// What was seen of an entity: its version and the token in its fields.
pub(super) type Seen = Option<(Version, u64)>;

/// The history of all entities, and where it was broken.
#[derive(Debug, Default)]
pub(super) struct Model {
    now: Moment,
    timelines: BTreeMap<Id, Timeline>,
    attempts: BTreeMap<u64, Attempt>,
    next_token: u64,
    violations: Vec<String>,
    /// Whether calls to the store may fail.
    pub(super) has_faults: bool,
}

impl Model {
    /// The present moment, which is over when this returns.
    pub(super) fn tick(&mut self) -> Moment {
        self.now.0 += 1;
        self.now
    }

    /// What was found to be wrong.
    pub(super) fn violations(&self) -> &[String] {
        &self.violations
    }

    /// Notes that something is wrong.
    pub(super) fn broken(&mut self, what: impl Into<String>) {
        self.violations.push(what.into());
    }

    /// A token for an attempt to write an entity. Shards show the version that a save makes, `shown_as`, before it
    /// is durable.
    pub(super) fn attempt(&mut self, id: &Id, shown_as: Option<Version>) -> u64 {
        self.next_token += 1;
        self.attempts.insert(self.next_token, Attempt { id: id.clone(), shown_as, refused: None });
        self.next_token
    }

    /// Notes that the caller was told that an attempt failed.
    pub(super) fn refused(&mut self, token: u64) {
        let now = self.tick();
        if let Some(attempt) = self.attempts.get_mut(&token) {
            attempt.refused = Some(now);
        }
    }

    /// Forgets attempts whose records went with the process.
    pub(super) fn killed(&mut self) {
        let now = self.tick();
        for attempt in self.attempts.values_mut() {
            attempt.refused.get_or_insert(now);
        }
    }

    /// Whether shards may have shown a save of an entity that is not durable, so that what was read of it may have been
    /// taken back. Whose save it was may not have been told yet.
    pub(super) fn may_be_retracted(&self, id: &Id) -> bool {
        let shown =
            self.attempts.iter().filter(|(_, attempt)| attempt.id == *id && attempt.shown_as.is_some());
        // A save that is durable is taken back too when its server was away when it was to say so.
        self.has_faults || shown.into_iter().any(|(&token, _)| !self.is_durable(id, token))
    }

    /// Takes in what has become durable.
    pub(super) fn committed(&mut self, effects: Vec<Effect>) {
        let now = self.tick();
        for Effect { id, stored, over } in effects {
            if let Some((was, base)) = over
                && was != base
            {
                self.broken(format!(
                    "an update of {id} is lost: {was} was written over on the ground of {base}"
                ));
            }
            let twice = |state: &State| stored.is_some() && stored.map(token) == state.stored.map(token);
            let timeline = self.timelines.entry(id.clone()).or_default();
            if timeline.states.iter().any(twice) {
                self.violations.push(format!("a write of {id} was done twice: {stored:?}"));
            }
            timeline.states.push(State { since: now, stored });
        }
    }

    /// Somebody was told that a write is done.
    pub(super) fn acknowledged(&mut self, id: &Id, wrote: u64) {
        let now = self.tick();
        let timeline = self.timelines.entry(id.clone()).or_default();
        match timeline.states.iter().position(|state| state.stored.map(token) == Some(wrote)) {
            Some(state) => timeline.know(now, state),
            None => self.broken(format!("write {wrote} of {id} was acknowledged before it was durable")),
        }
    }

    /// Somebody was told that an entity is gone, who had asked for it at some moment.
    pub(super) fn acknowledged_removal(&mut self, id: &Id, asked: Moment) {
        let now = self.tick();
        let timeline = self.timelines.entry(id.clone()).or_default();
        let is_it = |state: &State| state.since > asked && state.stored.is_none();
        match timeline.states.iter().position(is_it) {
            Some(state) => timeline.know(now, state),
            None => self.broken(format!("the removal of {id} was acknowledged before it was durable")),
        }
    }

    /// Whether a token is durable.
    pub(super) fn is_durable(&self, id: &Id, wrote: u64) -> bool {
        self.timelines.get(id).is_some_and(|timeline| timeline.has(wrote))
    }

    /// Whether there was a moment at which there was no such entity, that a question asked at some moment may have
    /// been answered at.
    pub(super) fn may_be_missing(&self, id: &Id, asked: Moment) -> bool {
        match self.timelines.get(id) {
            Some(timeline) => timeline.from(asked).iter().any(|state| state.stored.is_none()),
            None => true,
        }
    }

    /// Judges an answer to a question asked at some moment, which may tell durable states only.
    pub(super) fn judge_durable(&mut self, what: &str, id: &Id, asked: Moment, seen: Seen) {
        let timeline = self.timelines.entry(id.clone()).or_default();
        if !timeline.from(asked).iter().any(|state| state.stored == seen) {
            let may = format!("{:?}", timeline.from(asked));
            self.broken(format!(
                "{what} of {id} gave {seen:?}, which is older than what was known, or not durable: {may}"
            ));
        }
    }

    /// Whether a shard may show what is not durable yet.
    fn is_shown(&self, id: &Id, asked: Moment, version: Version, token: u64) -> bool {
        let Some(attempt) = self.attempts.get(&token) else { return false };
        let is_newer = self.timelines.get(id).is_none_or(|timeline| match timeline.from(asked)[0] {
            State { stored: Some((known, _)), .. } => known < version,
            // Nobody was told that it exists, but whoever saves it has seen it. One that is gone stays away.
            State { since, .. } => since == Moment::default(),
        });
        attempt.id == *id
            && attempt.shown_as == Some(version)
            && attempt.refused.is_none_or(|refused| refused > asked)
            && is_newer
    }

    /// Judges the version that a conflict names.
    pub(super) fn judge_conflict(&mut self, id: &Id, asked: Moment, expected: Version, found: Version) {
        let stored = self.timelines.get(id).is_some_and(|timeline| {
            timeline.from(asked).iter().any(|state| state.stored.is_some_and(|(version, _)| version == found))
        });
        let shown = self
            .attempts
            .iter()
            .any(|(&token, attempt)| attempt.id == *id && self.is_shown(id, asked, found, token));
        if expected == found || !(stored || shown) {
            self.broken(format!(
                "a save of {id} over {expected} was refused because of {found}, which was not there"
            ));
        }
    }
}

impl Timeline {
    fn know(&mut self, now: Moment, state: usize) {
        let newest = self.known.last().map_or(0, |&(_, state)| state);
        self.known.push((now, newest.max(state)));
    }

    fn has(&self, wrote: u64) -> bool {
        self.states.iter().any(|state| state.stored.map(token) == Some(wrote))
    }
}

fn token((_, token): (Version, u64)) -> u64 {
    token
}

//! The trail of a walk: which visits it made, how it came to them, and when.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use crate::id::Id;
use crate::record::Slot;

/// What is kept of the visits made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Trail {
    /// Nothing.
    #[default]
    Off,
    /// The last so many.
    Last(usize),
    /// All of them.
    All,
}

/// One visit of a trail.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TrailStep {
    /// The node or edge.
    pub id: Id,
    /// The node or edge whose hook sent the walk here, `None` at a start.
    pub from: Option<Id>,
    /// The edge that led here, where the walk knows it.
    pub edge: Option<Id>,
    /// Steps from the start.
    pub depth: u32,
    /// Time since the walk's first visit, in microseconds in JSON.
    #[serde(rename = "at_us", with = "micros")]
    pub at: Duration,
}

mod micros {
    use super::{Deserialize, Duration};

    pub(super) fn serialize<S: serde::Serializer>(at: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u64(u64::try_from(at.as_micros()).unwrap_or(u64::MAX))
    }

    pub(super) fn deserialize<'de, D: serde::Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Duration, D::Error> {
        u64::deserialize(deserializer).map(Duration::from_micros)
    }
}

/// A visit as it is kept while the walk goes: in slots, ids cost more than the visit.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Footprint {
    pub(crate) slot: Slot,
    pub(crate) from: Option<Slot>,
    pub(crate) via: Option<Slot>,
    pub(crate) depth: u32,
    at: u32,
}

impl Footprint {
    pub(crate) fn at(&self) -> Duration {
        Duration::from_micros(u64::from(self.at))
    }
}

/// The trail of a walk under way.
#[derive(Debug)]
pub(crate) struct Footprints {
    most: usize,
    began: Instant,
    steps: VecDeque<Footprint>,
}

impl Footprints {
    /// An empty trail; `None` where none is wanted.
    pub(crate) fn new(trail: Trail) -> Option<Self> {
        let most = match trail {
            Trail::Off | Trail::Last(0) => return None,
            Trail::Last(most) => most,
            Trail::All => usize::MAX,
        };
        Some(Self { most, began: Instant::now(), steps: VecDeque::new() })
    }

    pub(crate) fn add(&mut self, slot: Slot, from: Option<Slot>, via: Option<Slot>, depth: u32) {
        if self.steps.len() >= self.most {
            self.steps.pop_front();
        }
        // An hour and eleven minutes in microseconds; what comes later is told as that.
        let at = u32::try_from(self.began.elapsed().as_micros()).unwrap_or(u32::MAX);
        self.steps.push_back(Footprint { slot, from, via, depth, at });
    }

    pub(crate) fn steps(&self) -> impl DoubleEndedIterator<Item = &Footprint> {
        self.steps.iter()
    }
}

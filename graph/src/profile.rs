//! What a walk cost.

use std::time::Duration;

use serde::Serialize;

use crate::profile_detail::Detail;

/// What a walk did and what it cost.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Profile {
    /// Nodes visited; one visited twice counts twice.
    pub visits: u64,
    /// Visits beyond the nodes loaded: those that found their node in memory.
    pub resident: u64,
    /// Nodes that were not in memory and had to be loaded.
    pub loaded: u64,
    /// Messages to shards.
    pub messages: u64,
    /// Those among them that went on to the store.
    pub store_calls: u64,
    /// Bytes of what was loaded, as the shards estimate them.
    pub bytes: u64,
    /// Events lost because they came faster than the walk's hooks took them.
    pub events_missed: u64,
    /// Most steps from the start.
    pub deepest: u32,
    /// Most entries that waited in the queue.
    pub longest_queue: u64,
    /// From the spawn to the last hook, in microseconds in JSON.
    #[serde(rename = "elapsed_us", serialize_with = "micros")]
    pub elapsed: Duration,
    /// Visits and time by entity, hook and node, of walks that ask for it with
    /// [`WalkOptions::detailed`](crate::WalkOptions::detailed).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub detail: Option<Box<Detail>>,
}

impl Profile {
    /// Adds what another walk cost. The deepest step and the longest queue are those of either, the time
    /// is that of both one after the other.
    pub fn add(&mut self, other: &Self) {
        self.visits += other.visits;
        self.resident += other.resident;
        self.loaded += other.loaded;
        self.messages += other.messages;
        self.store_calls += other.store_calls;
        self.bytes += other.bytes;
        self.events_missed += other.events_missed;
        self.deepest = self.deepest.max(other.deepest);
        self.longest_queue = self.longest_queue.max(other.longest_queue);
        self.elapsed += other.elapsed;
        if let Some(detail) = &other.detail {
            self.detail.get_or_insert_default().add(detail);
        }
    }
}

pub(crate) fn micros<S: serde::Serializer>(elapsed: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_u64(u64::try_from(elapsed.as_micros()).unwrap_or(u64::MAX))
}

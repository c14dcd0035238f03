//! What a walk cost.

use std::time::Duration;

use serde::Serialize;

/// What a walk did and what it cost.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Profile {
    /// Nodes visited; one visited twice counts twice.
    pub visits: u64,
    /// Visits beyond the nodes loaded: those that found their node in memory.
    pub resident: u64,
    /// Nodes that were not in memory and had to be loaded.
    pub loaded: u64,
    /// Messages to shards, each of which is at most one call to the store.
    pub messages: u64,
    /// Most steps from the start.
    pub deepest: u32,
    /// Most entries that waited in the queue.
    pub longest_queue: u64,
    /// From the spawn to the last hook, in microseconds in JSON.
    #[serde(rename = "elapsed_us", serialize_with = "micros")]
    pub elapsed: Duration,
}

fn micros<S: serde::Serializer>(elapsed: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_u64(u64::try_from(elapsed.as_micros()).unwrap_or(u64::MAX))
}

//! How the entries of one node stand in a queue that was edited.

use super::entry::NOTHING;

/// What is known of the entries of one node.
#[derive(Debug)]
pub(super) struct Standing {
    /// Living entries in the queue, and those that were placed.
    pub(super) queued: u32,
    pub(super) placed: u32,
    /// Dead entries that have not come up yet.
    pub(super) dead: u32,
    /// The node to which its last placed entry is attached; read under `Unique::Node` only, where there
    /// is but one.
    pub(super) anchor: u32,
    /// Entries with lower numbers are dead.
    pub(super) queued_from: u64,
    pub(super) placed_from: u64,
    /// The number of the one that was placed last.
    pub(super) last_placed: u64,
    /// The edges of the living entries, where edges are marked when they are queued.
    pub(super) edges: Vec<u32>,
}

impl Default for Standing {
    fn default() -> Self {
        Self {
            queued: 0,
            placed: 0,
            dead: 0,
            anchor: NOTHING,
            queued_from: 0,
            placed_from: 0,
            last_placed: 0,
            edges: Vec::new(),
        }
    }
}

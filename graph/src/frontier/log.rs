//! What has changed in a frontier since its last checkpoint.

/// What has changed since the last checkpoint. In a line nothing is noted: the numbers of its ends tell
/// what has come and gone.
#[derive(Debug, Default)]
pub(super) struct Log {
    /// Nodes or edges that were marked.
    pub(super) seen: Vec<u32>,
    /// Nodes that were visited, where these are remembered.
    pub(super) visited: Vec<u32>,
    /// How many visits the tree held.
    pub(super) branches: usize,
    /// The numbers of the line's ends.
    pub(super) head: u64,
    pub(super) tail: u64,
    /// Whether the queue was changed otherwise than by appending and popping.
    pub(super) reset: bool,
    /// Whether a mark was taken away.
    pub(super) seen_reset: bool,
    /// Whether the set of visited nodes was never written.
    pub(super) visited_reset: bool,
}

//! What a pool of connections says about itself.

use std::time::Duration;

/// Whether calls are tried, or refused at once because the server was away.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Circuit {
    /// Calls go to the server.
    #[default]
    Closed,
    /// One call tries whether the server is back, others are refused.
    HalfOpen,
    /// Calls are refused for a while.
    Open,
}

/// A pool of connections to a server as it is now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct PoolFigures {
    /// Connections that are kept open at least.
    pub min_size: u32,
    /// Connections that there are at most, to each server.
    pub max_size: u32,
    /// Connections that run a command.
    pub in_use: u32,
    /// Open connections that run none.
    pub idle: u32,
    /// Commands that wait for a connection.
    pub waiting: u32,
    /// Connections given out so far.
    pub checkouts: u64,
    /// Time that commands have waited for a connection so far, in all.
    pub waited: Duration,
    /// Connections opened so far.
    pub created: u64,
    /// Connections closed so far.
    pub closed: u64,
    /// Commands that were repeated so far because the server was away.
    pub retries: u64,
    /// Whether calls are tried.
    pub circuit: Circuit,
}

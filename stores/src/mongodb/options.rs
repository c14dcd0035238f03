//! How to reach a MongoDB, and how long to try.

use std::time::Duration;

/// How to open a [`MongoStore`](super::MongoStore).
///
/// What a URL says of the pool and of write concern wins over what stands here.
///
/// ```
/// use std::time::Duration;
/// use wayfare_stores::MongoOptions;
///
/// let mut options = MongoOptions::default();
/// options.max_size = 50;
/// options.max_idle_time = Some(Duration::from_secs(300));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct MongoOptions {
    /// Connections to each server that are kept open at least, default 0.
    pub min_size: u32,
    /// Connections to each server that there are at most, from 1, default 20. Each [`Store::changes`] has one beside
    /// them, which figures of the pool do not count.
    ///
    /// [`Store::changes`]: wayfare_graph::Store::changes
    pub max_size: u32,
    /// How long an idle connection stays open, default 10 minutes; `None` for as long as it can.
    pub max_idle_time: Option<Duration>,
    /// Longest wait for a connection to be made, default 5 s.
    pub connect_timeout: Duration,
    /// Longest wait for a server that can do what is asked, such as a primary, default 5 s. It is also how long
    /// opening waits before it says that nobody is there.
    pub server_selection_timeout: Duration,
    /// Longest time for one command, default 30 s: the wait for a connection that others use, and for the answer.
    /// Then the call fails as if the server were away. Building an index has no such limit.
    pub operation_timeout: Duration,
    /// How often a call is tried again when the server was away, default 5.
    pub retries: u32,
    /// How long after the first attempt a call may be tried again, default 20 s; for the commit of a transaction, after
    /// its first answer that was lost. As long, and however often, a batch that is all or nothing on a replica set or
    /// sharded cluster is tried again because others write the same.
    pub retry_time: Duration,
    /// How many calls in a row must fail before further ones fail at once, default 5; 0 for never.
    pub circuit_failures: u32,
    /// How long calls then fail at once before one of them tries again, default 5 s.
    pub circuit_pause: Duration,
}

impl Default for MongoOptions {
    fn default() -> Self {
        Self {
            min_size: 0,
            max_size: 20,
            max_idle_time: Some(Duration::from_secs(600)),
            connect_timeout: Duration::from_secs(5),
            server_selection_timeout: Duration::from_secs(5),
            operation_timeout: Duration::from_secs(30),
            retries: 5,
            retry_time: Duration::from_secs(20),
            circuit_failures: 5,
            circuit_pause: Duration::from_secs(5),
        }
    }
}

//! How to reach a Redis, and how long to wait for it.

use std::time::Duration;

/// How to open a [`RedisCache`](super::RedisCache).
///
/// ```
/// use wayfare_stores::RedisOptions;
///
/// let mut options = RedisOptions::default();
/// options.prefix = "shop".into();
/// options.optional = true;
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct RedisOptions {
    /// What the keys in Redis begin with, default `wayfare`: 1 to 64 of the signs `A-Z`, `a-z`, `0-9`, `.`, `_`, `-`.
    /// Caches of different prefixes know nothing of each other.
    pub prefix: String,
    /// Longest time for one answer, default 500 ms.
    pub call_timeout: Duration,
    /// Longest wait for a connection to be made and prepared, default 2 s. It is also how long opening waits.
    pub connect_timeout: Duration,
    /// How many calls in a row may get no answer in time before the connection is given up, from 1, default 5.
    pub circuit_failures: u32,
    /// How long after an answer the server is asked for a sign of life, default 1 s. A connection over which nothing
    /// comes any more is given up after this and [`call_timeout`](Self::call_timeout); so long changes may be missed
    /// unnoticed.
    pub ping_interval: Duration,
    /// The first pause before a lost connection is made again, default 50 ms. Each further one is twice as long as
    /// the one before.
    pub retry_pause: Duration,
    /// The longest of these pauses, default 2 s.
    pub max_retry_pause: Duration,
    /// Whether to open, without a connection, where no server is: then it is connected as soon as there is one.
    /// Default `false`.
    pub optional: bool,
}

impl Default for RedisOptions {
    fn default() -> Self {
        Self {
            prefix: "wayfare".into(),
            call_timeout: Duration::from_millis(500),
            connect_timeout: Duration::from_secs(2),
            circuit_failures: 5,
            ping_interval: Duration::from_secs(1),
            retry_pause: Duration::from_millis(50),
            max_retry_pause: Duration::from_secs(2),
            optional: false,
        }
    }
}

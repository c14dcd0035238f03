//! Caches for tests.

use std::sync::Arc;
use std::time::Duration;

use wayfare::cache::{Cache, Layer, memory, memory_bytes, redis};
use wayfare::{ManualClock, Result};
use wayfare_testkit::{Redis, unique_prefix};

pub(super) const MINUTE: Duration = Duration::from_secs(60);

/// A cache in memory whose time stands still until it is set.
pub(super) fn in_memory(max_entries: u64) -> (Cache, Arc<ManualClock>) {
    let clock = Arc::new(ManualClock::new(1_000_000));
    (Cache::layered_by([memory(max_entries)], clock.clone()).unwrap(), clock)
}

pub(super) fn in_bytes(max_bytes: u64) -> Cache {
    Cache::layered([memory_bytes(max_bytes)]).unwrap()
}

/// Processes of one application, as far as caches go: each with a memory and a connection of its own.
pub(super) struct Fleet {
    url: String,
    prefix: String,
    timeout: Option<Duration>,
}

/// A time that no answer takes longer than, however busy the machine is: a late one is no answer, and what waits for it a
/// miss.
pub(super) const LONG: Duration = Duration::from_secs(30);

impl Fleet {
    /// On the Redis that tests share; `None`, said aloud, where there is none.
    pub(super) fn shared() -> Option<Self> {
        Some(Self { timeout: Some(LONG), ..Self::on(Redis::shared()?) })
    }

    /// With the patience that there is by default.
    pub(super) fn on(redis: &Redis) -> Self {
        Self { url: redis.url(), prefix: unique_prefix("cache"), timeout: None }
    }

    pub(super) fn layer(&self) -> Layer {
        let layer = redis(self.url.as_str()).prefix(self.prefix.as_str());
        match self.timeout {
            Some(timeout) => layer.timeout(timeout),
            None => layer,
        }
    }

    /// A further process.
    pub(super) fn member(&self) -> Cache {
        Cache::layered([memory(10_000), self.layer()]).unwrap()
    }

    /// One without a memory of its own.
    pub(super) fn forgetful(&self) -> Cache {
        Cache::layered([self.layer()]).unwrap()
    }
}

/// Waits until a condition holds, for a minute at most.
pub(super) async fn until(what: &str, mut holds: impl AsyncFnMut() -> bool) {
    let begun = std::time::Instant::now();
    while begun.elapsed() < MINUTE {
        if holds().await {
            return;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    panic!("it took too long until {what}");
}

/// A computation that must not run.
pub(super) async fn never<T>() -> Result<T> {
    panic!("it is computed although it is there")
}

/// A value as what was computed well.
pub(super) fn ok<T>(value: T) -> Result<T> {
    Ok(value)
}

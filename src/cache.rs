//! Results that are kept: in memory, in a Redis that processes share, or in both.

mod entry;
mod layer;
mod queries;
mod source;

use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;
use serde::de::DeserializeOwned;
use wayfare_actors::{CacheFigures, CacheParts, LayeredCache, TickingClock};
use wayfare_graph::{AnyValue, CacheType, Clock, ResultCache, Wanted};

pub use self::entry::{CacheEntry, RefreshedEntry};
pub use self::layer::{Layer, memory, memory_bytes, redis};
pub use self::queries::CachedSelection;
pub use self::source::CacheSource;
#[doc(hidden)]
pub use self::source::{CachedCall, OutcomeOfCall};
use crate::error::{Error, Result};

/// Largest value of a cache that says nothing else, encoded: 8 MiB.
const VALUE_BYTES: usize = 8 << 20;

/// A value that can be kept in a cache: it serialises, and threads may share it.
pub trait CacheValue: Serialize + DeserializeOwned + Send + Sync + 'static {}

impl<T: Serialize + DeserializeOwned + Send + Sync + 'static> CacheValue for T {}

/// A layered cache of results. Clones share it.
///
/// Keys are text of 1 to 512 bytes, values any serde types; a value of another type than is asked for is a miss. Times
/// to live are from one millisecond to ten years, and hold in every layer.
///
/// A hit in memory costs a lookup. What is not there is looked for in Redis, taken into memory with the time that it
/// has left, or computed: by one of those who want it at once, while the others wait. What others write or invalidate
/// in Redis leaves memory as soon as Redis tells: within a round trip, and where the network fails without a word within
/// 1.5 seconds, when the connection is given up and all that came from there is dropped. While Redis is away the memory
/// goes on, reads never fail because of it, and invalidations are delivered when it is back.
///
/// ```
/// use std::time::Duration;
/// use wayfare::cache::{Cache, memory};
///
/// # #[tokio::main]
/// # async fn main() -> wayfare::Result<()> {
/// let cache = Cache::layered([memory(1_000)])?;
/// let minute = Duration::from_secs(60);
///
/// cache.set("greeting", "hello".to_owned(), minute).tags(["texts"]).await?;
/// assert_eq!(*cache.get::<String>("greeting").await?.expect("it was just set"), "hello");
///
/// let length = cache.get_or_compute("length", minute, async || Ok::<_, wayfare::Error>(5_u64)).await?;
/// assert_eq!(*length, 5);
///
/// cache.invalidate_tag("texts").await?;
/// assert!(cache.get::<String>("greeting").await?.is_none());
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Cache {
    layers: Arc<LayeredCache>,
}

impl Cache {
    /// Puts a cache together: a layer in memory, a remote one, or one in memory before a remote one.
    ///
    /// Connects to the remote layer, on the calling thread, for two seconds at most.
    ///
    /// # Errors
    /// [`CacheError::Layers`](wayfare_graph::CacheError::Layers) for another order, or layers that hold nothing;
    /// [`CacheError::Remote`](wayfare_graph::CacheError::Remote) for a wrong URL or password, and for a server that does
    /// not answer unless the layer is [`optional`](Layer::optional).
    pub fn layered(layers: impl IntoIterator<Item = Layer>) -> Result<Self> {
        Self::layered_by(layers, Arc::new(TickingClock::default()))
    }

    /// The same with a clock of one's own, for tests. Redis goes by its own.
    ///
    /// # Errors
    /// As [`layered`](Self::layered).
    pub fn layered_by(layers: impl IntoIterator<Item = Layer>, clock: Arc<dyn Clock>) -> Result<Self> {
        let (memory, remote) = layer::open(layers)?;
        let parts = CacheParts { memory, remote, value_bytes: VALUE_BYTES, clock };
        Ok(Self { layers: LayeredCache::new(parts)? })
    }

    pub(crate) fn of(layers: Arc<LayeredCache>) -> Self {
        Self { layers }
    }

    /// The value of a key; `None` when there is none of this type, or it is known to be missing.
    ///
    /// # Errors
    /// [`CacheError::Key`](wayfare_graph::CacheError::Key).
    pub async fn get<T: CacheValue>(&self, key: &str) -> Result<Option<Arc<T>>> {
        let value_type = CacheType::of::<T>();
        if let Some(hit) = self.layers.hit(key, &value_type) {
            return Ok(hit.and_then(of_type));
        }
        let found = self.layers.get_remotely(key, &value_type).await?;
        Ok(found.flatten().and_then(of_type))
    }

    /// The values of keys, in order, in one round trip to Redis at most.
    ///
    /// # Errors
    /// [`CacheError::Key`](wayfare_graph::CacheError::Key).
    pub async fn get_many<T: CacheValue>(&self, keys: &[&str]) -> Result<Vec<Option<Arc<T>>>> {
        let found = self.layers.get_many(keys, &CacheType::of::<T>()).await?;
        Ok(found.into_iter().map(|found| found.flatten().and_then(of_type)).collect())
    }

    /// Prepares to keep a value, whatever is there: `cache.set(key, value, ttl).tags([…]).await`.
    ///
    /// # Errors
    /// Awaited: [`CacheError`](wayfare_graph::CacheError) for a bad key, tag or time to live, and for a value that does
    /// not serialise or is larger than the cache takes.
    pub fn set<T: CacheValue>(&self, key: &str, value: T, ttl: Duration) -> entry::Set {
        entry::Set::new(self.clone(), Wanted::new(key, CacheType::of::<T>(), ttl), Arc::new(value))
    }

    /// The value of a key; computed and kept when there is none.
    ///
    /// Of those who want it at once one computes it and the others wait, also when that one is cancelled or panics: then
    /// the next one computes. An error is not kept: it goes to who computed. A value during whose computation its key
    /// was set or deleted is given out and not kept.
    ///
    /// # Errors
    /// Those of `compute`; [`CacheError`](wayfare_graph::CacheError) for a bad key or time to live.
    pub async fn get_or_compute<T, E>(
        &self,
        key: &str,
        ttl: Duration,
        compute: impl AsyncFnOnce() -> Result<T, E>,
    ) -> Result<Arc<T>, E>
    where
        T: CacheValue,
        E: From<Error>,
    {
        self.entry(key, ttl).or_compute(compute).await
    }

    /// Prepares to get or keep a value with tags, dependencies and more: see [`CacheEntry`].
    pub fn entry(&self, key: &str, ttl: Duration) -> CacheEntry {
        CacheEntry::new(self.clone(), key, ttl)
    }

    /// Whether there is a value under a key, of whatever type.
    ///
    /// # Errors
    /// [`CacheError::Key`](wayfare_graph::CacheError::Key).
    pub async fn exists(&self, key: &str) -> Result<bool> {
        Ok(self.layers.exists(key).await?)
    }

    /// Removes a key. A value of it that is being computed is not kept.
    ///
    /// # Errors
    /// [`CacheError::Key`](wayfare_graph::CacheError::Key).
    pub async fn delete(&self, key: &str) -> Result<()> {
        self.delete_many(&[key]).await
    }

    /// Removes keys.
    ///
    /// # Errors
    /// [`CacheError::Key`](wayfare_graph::CacheError::Key).
    pub async fn delete_many(&self, keys: &[&str]) -> Result<()> {
        Ok(self.layers.delete(keys).await?)
    }

    /// Removes all that has a tag. Values with it that are being computed are not kept.
    ///
    /// # Errors
    /// [`CacheError::Tag`](wayfare_graph::CacheError::Tag).
    pub async fn invalidate_tag(&self, tag: &str) -> Result<()> {
        self.invalidate_tags(&[tag]).await
    }

    /// Removes all that has one of some tags.
    ///
    /// # Errors
    /// [`CacheError::Tag`](wayfare_graph::CacheError::Tag).
    pub async fn invalidate_tags(&self, tags: &[&str]) -> Result<()> {
        Ok(self.layers.invalidate_tags(tags).await?)
    }

    /// Removes the keys that a pattern matches: `*` stands for any text, `?` for one character, everything else for
    /// itself. Goes through all keys; nothing that is being computed meanwhile is kept.
    ///
    /// # Errors
    /// [`CacheError::Key`](wayfare_graph::CacheError::Key) for a pattern that is empty or too long.
    pub async fn invalidate_matching(&self, pattern: &str) -> Result<()> {
        Ok(self.layers.invalidate_matching(pattern).await?)
    }

    /// Removes everything of this cache; of a Redis, what is under its prefix.
    pub async fn clear(&self) {
        self.layers.clear().await;
    }

    /// What the layers hold and did since the cache was made.
    #[must_use]
    pub fn figures(&self) -> CacheFigures {
        self.layers.figures()
    }

    /// Whether all layers answer.
    ///
    /// # Errors
    /// [`CacheError::Remote`](wayfare_graph::CacheError::Remote).
    pub async fn health(&self) -> Result<()> {
        Ok(self.layers.health().await?)
    }
}

fn of_type<T: CacheValue>(value: AnyValue) -> Option<Arc<T>> {
    value.downcast().ok()
}

//! The layers that a cache is put together of.

use std::sync::Arc;
use std::time::Duration;

use wayfare_actors::MemoryBound;
use wayfare_graph::{CacheError, RemoteCache};
use wayfare_stores::{RedisCache, RedisOptions};

use crate::error::Result;

/// A layer of a cache, not yet opened.
#[derive(Debug, Clone)]
pub struct Layer(Kind);

#[derive(Debug, Clone)]
enum Kind {
    Memory(MemoryBound),
    // Not shown: a URL may hold a password.
    Redis(Secret, RedisOptions),
}

#[derive(Clone)]
struct Secret(String);

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("…")
    }
}

/// A layer in memory of so many entries.
#[must_use]
pub fn memory(max_entries: u64) -> Layer {
    Layer(Kind::Memory(MemoryBound::Entries(max_entries)))
}

/// A layer in memory of so many bytes: of keys and values as they are encoded, and some 160 an entry beside.
///
/// How much memory a value takes that is not encoded nobody can ask; types of many small parts take more.
#[must_use]
pub fn memory_bytes(max_bytes: u64) -> Layer {
    Layer(Kind::Memory(MemoryBound::Bytes(max_bytes)))
}

/// A layer in the Redis of a URL such as `redis://user:password@host:6379/0`, of release 6.0 or later.
///
/// Caches with one prefix share what they keep; those with different ones know nothing of each other.
#[must_use]
pub fn redis(url: impl Into<String>) -> Layer {
    Layer(Kind::Redis(Secret(url.into()), RedisOptions::default()))
}

impl Layer {
    /// What the keys of a Redis layer begin with: 1 to 64 letters, digits, `.`, `_` and `-`. Without, `wayfare`.
    #[must_use]
    pub fn prefix(self, prefix: impl Into<String>) -> Self {
        self.with(|options| options.prefix = prefix.into())
    }

    /// Lets a cache be opened while the Redis of this layer is away: it is done without until it is there.
    #[must_use]
    pub fn optional(self) -> Self {
        self.with(|options| options.optional = true)
    }

    /// How long a call to a Redis layer may take before it is done without: 500 ms unless said otherwise.
    #[must_use]
    pub fn timeout(self, timeout: Duration) -> Self {
        self.with(|options| options.call_timeout = timeout)
    }

    pub(crate) fn with(self, change: impl FnOnce(&mut RedisOptions)) -> Self {
        match self.0 {
            Kind::Redis(url, mut options) => {
                change(&mut options);
                Self(Kind::Redis(url, options))
            }
            memory @ Kind::Memory(_) => Self(memory),
        }
    }
}

/// A layer in memory, a remote one, or both.
type Opened = (Option<MemoryBound>, Option<Arc<dyn RemoteCache>>);

/// Opens layers in the order in which they are asked.
pub(crate) fn open(layers: impl IntoIterator<Item = Layer>) -> Result<Opened> {
    let mut layers = layers.into_iter().map(|layer| layer.0);
    let (memory, remote) = match (layers.next(), layers.next(), layers.next()) {
        (None, ..) => (None, None),
        (Some(Kind::Memory(bound)), None, _) => (Some(bound), None),
        (Some(Kind::Memory(bound)), Some(Kind::Redis(url, options)), None) => {
            (Some(bound), Some((url, options)))
        }
        (Some(Kind::Redis(url, options)), None, _) => (None, Some((url, options))),
        _ => {
            let reason = "a cache is a layer in memory, a Redis layer, or one in memory before a Redis layer";
            return Err(CacheError::Layers { reason: reason.to_owned() }.into());
        }
    };
    let Some((url, options)) = remote else { return Ok((memory, None)) };
    let remote = RedisCache::open(&url.0, options).map_err(CacheError::Remote)?;
    Ok((memory, Some(Arc::new(remote))))
}

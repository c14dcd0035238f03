//! Results of users that are kept: their types, how they are asked for, and the port to who keeps them.

use std::any::{Any, TypeId};
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::entity::Entity;
use crate::entity_name::EntityName;
use crate::id::Kind;
use crate::remote_cache::RemoteError;

/// Longest key or tag, in bytes.
pub const MAX_CACHE_KEY_BYTES: usize = 512;

/// Longest time to live: ten years.
pub const MAX_CACHE_TTL: Duration = Duration::from_secs(10 * 365 * 86_400);

/// Tags that begin so are the cache's own.
const OWN_TAGS: &str = "wayfare:";

/// A value of any type.
pub type AnyValue = Arc<dyn Any + Send + Sync>;

/// An answer of a cache.
pub type CacheFuture<'a, T> = Pin<Box<dyn Future<Output = Result<T, CacheError>> + Send + 'a>>;

/// Why a cache refuses.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CacheError {
    /// A key is empty or too long.
    #[error("a key of {bytes} bytes, beginning with `{start}`: keys have 1 to {MAX_CACHE_KEY_BYTES} bytes")]
    Key {
        /// How it begins.
        start: String,
        /// Its length.
        bytes: usize,
    },
    /// A tag is empty, too long, or one of the cache's own.
    #[error(
        "a tag of {bytes} bytes, beginning with `{start}`: tags have 1 to {MAX_CACHE_KEY_BYTES} bytes and do not begin with `{OWN_TAGS}`"
    )]
    Tag {
        /// How it begins.
        start: String,
        /// Its length.
        bytes: usize,
    },
    /// A time to live that no entry can have.
    #[error("a time to live of {ttl:?} for `{key}`: it is from 1 ms to ten years")]
    Ttl {
        /// The key.
        key: String,
        /// What was asked for.
        ttl: Duration,
    },
    /// A value is larger than the cache takes.
    #[error(
        "the value of `{key}` takes {bytes} bytes, the cache takes {max}: store less, or raise `[cache] value_bytes`"
    )]
    TooLarge {
        /// The key.
        key: String,
        /// Its size, encoded.
        bytes: usize,
        /// The largest.
        max: usize,
    },
    /// A value does not serialise.
    #[error("the value of `{key}` does not serialise: {reason}")]
    Encode {
        /// The key.
        key: String,
        /// What serde says.
        reason: String,
    },
    /// The layers cannot be put together so.
    #[error("{reason}")]
    Layers {
        /// What is wrong.
        reason: String,
    },
    /// The remote layer could not be opened.
    #[error(transparent)]
    Remote(#[from] RemoteError),
    /// The runtime has no cache, or it was closed.
    #[error("the cache is closed")]
    Closed,
}

/// What a cache has to know of the type of a value.
#[derive(Clone, Copy)]
pub struct CacheType {
    name: &'static str,
    type_id: TypeId,
    encode: fn(&(dyn Any + Send + Sync)) -> Result<Vec<u8>, String>,
    decode: fn(&[u8]) -> Option<AnyValue>,
}

impl CacheType {
    /// The description of a type.
    #[must_use]
    pub fn of<T: Serialize + DeserializeOwned + Send + Sync + 'static>() -> Self {
        Self {
            name: std::any::type_name::<T>(),
            type_id: TypeId::of::<T>(),
            encode: encode::<T>,
            decode: decode::<T>,
        }
    }

    /// The type, within this process.
    #[must_use]
    pub fn type_id(&self) -> TypeId {
        self.type_id
    }

    /// Tells types apart in what is stored: a value of another type is none. The same type under another path counts
    /// as another.
    #[must_use]
    pub fn fingerprint(&self) -> u64 {
        // FNV-1a (Fowler, Noll, Vo), 64 bits: the same in every process and release.
        let step = |hash: u64, byte: u8| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        self.name.bytes().fold(0xcbf2_9ce4_8422_2325, step)
    }

    /// Encodes a value of the type.
    ///
    /// # Errors
    /// What serde says.
    pub fn encode(&self, value: &AnyValue) -> Result<Vec<u8>, String> {
        (self.encode)(&**value)
    }

    /// Decodes a value; `None` when it does not fit the type.
    #[must_use]
    pub fn decode(&self, bytes: &[u8]) -> Option<AnyValue> {
        (self.decode)(bytes)
    }
}

impl fmt::Debug for CacheType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

fn encode<T: Serialize + 'static>(value: &(dyn Any + Send + Sync)) -> Result<Vec<u8>, String> {
    let value = value.downcast_ref::<T>().ok_or("it is of another type")?;
    rmp_serde::to_vec_named(value).map_err(|error| error.to_string())
}

fn decode<T: DeserializeOwned + Send + Sync + 'static>(bytes: &[u8]) -> Option<AnyValue> {
    // Bytes that are left over are not of this type either.
    let mut left = bytes;
    let value = T::deserialize(&mut rmp_serde::Deserializer::new(&mut left)).ok()?;
    left.is_empty().then(|| Arc::new(value) as AnyValue)
}

/// The kind and name of an entity type.
pub type EntityKey = (Kind, EntityName);

/// The key of an entity type.
#[must_use]
pub fn entity_key<T: Entity>() -> EntityKey {
    (T::KIND, T::entity_name())
}

/// The tag that all results have which depend on entities of a type.
#[must_use]
pub fn entity_tag((kind, entity): EntityKey) -> String {
    format!("{OWN_TAGS}{}.{}", kind.letter(), entity.as_str())
}

/// What is asked of a cache, and how the answer is kept where it must be computed.
#[derive(Debug, Clone)]
pub struct Wanted {
    /// The key, of 1 to [`MAX_CACHE_KEY_BYTES`] bytes.
    pub key: String,
    /// The type of the value.
    pub value_type: CacheType,
    /// How long it is fresh, from 1 ms to [`MAX_CACHE_TTL`].
    pub ttl: Duration,
    /// How long a missing value is remembered as missing; `None` is not at all.
    pub absent_ttl: Option<Duration>,
    /// How long it may be given out beyond its time, while it is computed anew.
    pub stale_for: Duration,
    /// How long before its time is over it is computed anew.
    pub refresh_before: Duration,
    /// Tags by which it is invalidated with others.
    pub tags: Vec<String>,
    /// Entity types on which it depends.
    pub entities: Vec<EntityKey>,
}

impl Wanted {
    /// A value under a key, with a time to live and nothing else.
    #[must_use]
    pub fn new(key: impl Into<String>, value_type: CacheType, ttl: Duration) -> Self {
        Self {
            key: key.into(),
            value_type,
            ttl,
            absent_ttl: None,
            stale_for: Duration::ZERO,
            refresh_before: Duration::ZERO,
            tags: Vec::new(),
            entities: Vec::new(),
        }
    }

    /// Whether a cache can take this.
    ///
    /// # Errors
    /// [`CacheError::Key`], [`CacheError::Tag`], [`CacheError::Ttl`].
    pub fn check(&self) -> Result<(), CacheError> {
        check_cache_key(&self.key)?;
        self.tags.iter().try_for_each(|tag| check_cache_tag(tag))?;
        let whole = self.ttl.saturating_add(self.stale_for);
        for ttl in [Some(self.ttl), Some(whole), self.absent_ttl].into_iter().flatten() {
            if ttl < Duration::from_millis(1) || ttl > MAX_CACHE_TTL {
                return Err(CacheError::Ttl { key: self.key.clone(), ttl });
            }
        }
        Ok(())
    }

    /// All tags, those of entity types among them, each once.
    #[must_use]
    pub fn all_tags(&self) -> Vec<String> {
        let own = self.entities.iter().map(|&entity| entity_tag(entity));
        let mut tags: Vec<String> = self.tags.iter().cloned().chain(own).collect();
        tags.sort_unstable();
        tags.dedup();
        tags
    }
}

/// Whether a text can be a key.
///
/// # Errors
/// [`CacheError::Key`].
pub fn check_cache_key(key: &str) -> Result<(), CacheError> {
    match key.len() {
        1..=MAX_CACHE_KEY_BYTES => Ok(()),
        bytes => Err(CacheError::Key { start: start_of(key), bytes }),
    }
}

/// Whether a text can be a tag of a user.
///
/// # Errors
/// [`CacheError::Tag`].
pub fn check_cache_tag(tag: &str) -> Result<(), CacheError> {
    match tag.len() {
        1..=MAX_CACHE_KEY_BYTES if !tag.starts_with(OWN_TAGS) => Ok(()),
        bytes => Err(CacheError::Tag { start: start_of(tag), bytes }),
    }
}

fn start_of(text: &str) -> String {
    text.chars().take(32).collect()
}

/// What a cache holds, or a turn to compute it.
pub enum Begun {
    /// It is there; `None` when it is known to be missing.
    Hit(Option<AnyValue>),
    /// It is there, and to be computed anew in the background. Only for who asked for that, by a time to be given out
    /// beyond its own or before.
    Stale(Option<AnyValue>),
    /// It has to be computed; until this is given back or dropped, others who want it wait.
    Fill(Box<dyn Filling>),
}

/// A turn to compute a value.
pub trait Filling: Send {
    /// Keeps the value, `None` where there is none, unless something it depends on has changed since the turn began.
    /// When it is dropped instead, the next who waits has the turn.
    fn finish(self: Box<Self>, value: Option<AnyValue>) -> CacheFuture<'static, ()>;
}

/// A cache of results, whatever their types.
pub trait ResultCache: Send + Sync {
    /// What is in memory and fresh: `Some(None)` when it is known to be missing.
    fn hit(&self, key: &str, value_type: &CacheType) -> Option<Option<AnyValue>>;

    /// What is there in any layer, or a turn to compute it.
    fn begin(&self, wanted: Wanted) -> CacheFuture<'_, Begun>;
}

/// Gets a value, computing it when it is not there.
///
/// Of those who want it at once one computes it, and the others wait. An error is not kept: it goes to who computed,
/// and the next one tries.
///
/// # Errors
/// Outside those of the cache, inside those of `compute`.
pub async fn get_or_compute<T, E>(
    cache: &dyn ResultCache,
    wanted: Wanted,
    compute: impl AsyncFnOnce() -> Result<Option<T>, E>,
) -> Result<Result<Option<Arc<T>>, E>, CacheError>
where
    T: Send + Sync + 'static,
{
    let filling = match cache.begin(wanted).await? {
        Begun::Hit(value) | Begun::Stale(value) => {
            return Ok(Ok(value.and_then(|value| value.downcast().ok())));
        }
        Begun::Fill(filling) => filling,
    };
    let value = match compute().await {
        Ok(value) => value.map(Arc::new),
        Err(error) => return Ok(Err(error)),
    };
    filling.finish(value.clone().map(|value| value as AnyValue)).await?;
    Ok(Ok(value))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde::Deserialize;

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Analysis {
        score: f64,
        words: Vec<String>,
    }

    #[test]
    fn values_are_read_back_and_others_are_none() {
        let described = CacheType::of::<Analysis>();
        let value: AnyValue = Arc::new(Analysis { score: 0.5, words: vec!["a".into()] });
        let bytes = described.encode(&value).unwrap();
        let read = described.decode(&bytes).unwrap().downcast::<Analysis>().unwrap();
        assert_eq!(*read, Analysis { score: 0.5, words: vec!["a".into()] });
        assert!(CacheType::of::<u32>().decode(&bytes).is_none());
        assert!((0..bytes.len()).all(|cut| described.decode(&bytes[..cut]).is_none()));
        assert!(described.decode(&[bytes.as_slice(), &[0]].concat()).is_none());
        assert!(CacheType::of::<u32>().encode(&value).is_err());
        assert_ne!(described.fingerprint(), CacheType::of::<u32>().fingerprint());
    }

    #[test]
    fn what_a_cache_cannot_take_is_refused_and_named() {
        let wanted = |key: &str, ttl| Wanted::new(key, CacheType::of::<u32>(), ttl);
        let minute = Duration::from_secs(60);
        assert!(wanted("k", minute).check().is_ok());
        assert!(matches!(wanted("", minute).check(), Err(CacheError::Key { bytes: 0, .. })));
        let long = "k".repeat(513);
        assert!(matches!(wanted(&long, minute).check(), Err(CacheError::Key { bytes: 513, .. })));
        let zero = wanted("k", Duration::ZERO).check().unwrap_err();
        assert_eq!(zero.to_string(), "a time to live of 0ns for `k`: it is from 1 ms to ten years");
        assert!(wanted("k", Duration::MAX).check().is_err());
        let tagged = Wanted { tags: vec!["wayfare:n.User".into()], ..wanted("k", minute) };
        assert!(matches!(tagged.check(), Err(CacheError::Tag { .. })));
        let stale = Wanted { stale_for: MAX_CACHE_TTL, ..wanted("k", minute) };
        assert!(matches!(stale.check(), Err(CacheError::Ttl { .. })));
        let absent = Wanted { absent_ttl: Some(Duration::ZERO), ..wanted("k", minute) };
        assert!(matches!(absent.check(), Err(CacheError::Ttl { .. })));
    }
}

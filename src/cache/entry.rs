//! One key of a cache: what its value is kept with, and how it comes to be.

use std::future::{Future, IntoFuture};
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use wayfare_graph::{
    AnyValue, Begun, CacheError, CacheType, Entity, EntityKey, ResultCache, Wanted, entity_key,
    get_or_compute,
};

use super::{Cache, CacheValue, of_type};
use crate::error::{Error, Result};

/// A key of a cache, with what its value is kept with when it must be computed. Made by [`Cache::entry`].
///
/// ```
/// use std::time::Duration;
/// use wayfare::cache::{Cache, memory};
/// # use wayfare::node;
///
/// #[node]
/// struct User { name: String }
///
/// # async fn look_up(name: &str) -> wayfare::Result<Option<User>> { Ok(None) }
/// # #[tokio::main]
/// # async fn main() -> wayfare::Result<()> {
/// # let cache = Cache::layered([memory(1_000)])?;
/// let minute = Duration::from_secs(60);
/// let user = cache
///     .entry("user:ann", 5 * minute)
///     .tags(["users"])
///     .depends_on::<User>()
///     .missing_for(minute)
///     .or_find(async || look_up("ann").await)
///     .await?;
/// assert!(user.is_none());
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
#[must_use = "nothing is looked up until it is asked for"]
pub struct CacheEntry {
    cache: Cache,
    wanted: Wanted,
}

impl CacheEntry {
    pub(super) fn new(cache: Cache, key: &str, ttl: Duration) -> Self {
        // The type is known when it is asked for.
        Self { cache, wanted: Wanted::new(key, CacheType::of::<()>(), ttl) }
    }

    /// Tags by which the value is invalidated with others, of 1 to 512 bytes each.
    pub fn tags<S: Into<String>>(mut self, tags: impl IntoIterator<Item = S>) -> Self {
        self.wanted.tags.extend(tags.into_iter().map(Into::into));
        self
    }

    /// Drops the value as soon as any entity of a type changes, in this process or, where they share a Redis or the
    /// store tells of changes, in another. Only the cache of a [`Runtime`](crate::Runtime) hears of its changes.
    pub fn depends_on<T: Entity>(mut self) -> Self {
        self.wanted.entities.push(entity_key::<T>());
        self
    }

    pub(super) fn depend_on(mut self, entities: Vec<EntityKey>) -> Self {
        self.wanted.entities.extend(entities);
        self
    }

    /// How long it is remembered that [`or_find`](Self::or_find) found nothing. Without this, not at all.
    pub fn missing_for(mut self, ttl: Duration) -> Self {
        self.wanted.absent_ttl = Some(ttl);
        self
    }

    /// Gives the value out for so long beyond its time, while it is computed anew in the background.
    pub fn stale_for(mut self, time: Duration) -> RefreshedEntry {
        self.wanted.stale_for = time;
        RefreshedEntry(self)
    }

    /// Computes the value anew in the background when somebody asks for it so short before its time is over.
    pub fn refresh_before(mut self, time: Duration) -> RefreshedEntry {
        self.wanted.refresh_before = time;
        RefreshedEntry(self)
    }

    /// The value, computed and kept when there is none; as [`Cache::get_or_compute`].
    ///
    /// # Errors
    /// Those of `compute`; [`CacheError`] for a bad key, tag or time to live.
    pub async fn or_compute<T, E>(self, compute: impl AsyncFnOnce() -> Result<T, E>) -> Result<Arc<T>, E>
    where
        T: CacheValue,
        E: From<Error>,
    {
        let Self { cache, wanted } = self;
        let wanted = Wanted { value_type: CacheType::of::<T>(), ..wanted };
        wanted.check().map_err(Error::from)?;
        if let Some(Some(value)) = cache.layers.hit(&wanted.key, &wanted.value_type)
            && let Some(value) = of_type(value)
        {
            return Ok(value);
        }
        match cache.layers.begin(wanted.clone()).await.map_err(Error::from)? {
            Begun::Hit(Some(value)) | Begun::Stale(Some(value)) => match of_type(value) {
                Some(value) => Ok(value),
                None => compute().await.map(Arc::new),
            },
            // Somebody remembers that it was missing, which is no answer here.
            Begun::Hit(None) | Begun::Stale(None) => {
                let value = Arc::new(compute().await?);
                cache.layers.set(wanted, Arc::clone(&value) as AnyValue).await.map_err(Error::from)?;
                Ok(value)
            }
            Begun::Fill(filling) => {
                let value = Arc::new(compute().await?);
                filling.finish(Some(Arc::clone(&value) as AnyValue)).await.map_err(Error::from)?;
                Ok(value)
            }
        }
    }

    /// The value, looked for and kept when there is none here. That nothing was found is kept for the time of
    /// [`missing_for`](Self::missing_for).
    ///
    /// # Errors
    /// As [`or_compute`](Self::or_compute).
    pub async fn or_find<T, E>(
        self,
        find: impl AsyncFnOnce() -> Result<Option<T>, E>,
    ) -> Result<Option<Arc<T>>, E>
    where
        T: CacheValue,
        E: From<Error>,
    {
        let Self { cache, wanted } = self;
        let wanted = Wanted { value_type: CacheType::of::<T>(), ..wanted };
        wanted.check().map_err(Error::from)?;
        if let Some(hit) = cache.layers.hit(&wanted.key, &wanted.value_type) {
            return Ok(hit.and_then(of_type));
        }
        get_or_compute(&*cache.layers, wanted, find).await.map_err(Error::from)?
    }

    /// Keeps a value, whatever is there.
    ///
    /// # Errors
    /// As [`Cache::set`].
    pub async fn set<T: CacheValue>(self, value: T) -> Result<()> {
        let Self { cache, wanted } = self;
        let wanted = Wanted { value_type: CacheType::of::<T>(), ..wanted };
        Ok(cache.layers.set(wanted, Arc::new(value)).await?)
    }
}

/// A key of a cache whose value is computed in the background too. Made by [`CacheEntry::stale_for`] and
/// [`CacheEntry::refresh_before`].
#[derive(Debug)]
#[must_use = "nothing is looked up until it is asked for"]
pub struct RefreshedEntry(CacheEntry);

impl RefreshedEntry {
    /// See [`CacheEntry::stale_for`].
    pub fn stale_for(self, time: Duration) -> Self {
        self.0.stale_for(time)
    }

    /// See [`CacheEntry::refresh_before`].
    pub fn refresh_before(self, time: Duration) -> Self {
        self.0.refresh_before(time)
    }

    /// The value. When there is none it is computed here; when it is due or stale, it is given out and computed anew in
    /// the background, on a thread of the cache, by one of all that ask.
    ///
    /// # Errors
    /// As [`CacheEntry::or_compute`]; an error in the background is logged, and the old value stays until its time is
    /// over.
    pub async fn or_compute<T, E, F>(self, compute: impl FnOnce() -> F + Send + 'static) -> Result<Arc<T>, E>
    where
        T: CacheValue,
        E: From<Error> + std::fmt::Display + 'static,
        F: Future<Output = Result<T, E>> + Send + 'static,
    {
        let CacheEntry { cache, wanted } = self.0;
        let wanted = Wanted { value_type: CacheType::of::<T>(), ..wanted };
        let begun = cache.layers.begin(wanted.clone()).await.map_err(Error::from)?;
        match begun {
            Begun::Hit(Some(value)) => match of_type(value) {
                Some(value) => Ok(value),
                None => compute().await.map(Arc::new),
            },
            Begun::Stale(Some(value)) => {
                cache.layers.refresh(wanted, Box::new(move || Box::pin(in_background(compute()))));
                match of_type(value) {
                    Some(value) => Ok(value),
                    None => Err(Error::from(CacheError::Closed).into()),
                }
            }
            Begun::Hit(None) | Begun::Stale(None) => {
                let value = Arc::new(compute().await?);
                cache.layers.set(wanted, Arc::clone(&value) as AnyValue).await.map_err(Error::from)?;
                Ok(value)
            }
            Begun::Fill(filling) => {
                let value = Arc::new(compute().await?);
                filling.finish(Some(Arc::clone(&value) as AnyValue)).await.map_err(Error::from)?;
                Ok(value)
            }
        }
    }
}

async fn in_background<T: CacheValue, E: std::fmt::Display>(
    computing: impl Future<Output = Result<T, E>>,
) -> Option<Option<AnyValue>> {
    match computing.await {
        Ok(value) => Some(Some(Arc::new(value))),
        Err(error) => {
            tracing::warn!(%error, "a value could not be computed anew");
            None
        }
    }
}

/// A value about to be kept. Made by [`Cache::set`].
#[derive(Debug)]
#[must_use = "nothing is kept until this is awaited"]
pub struct Set {
    cache: Cache,
    wanted: Wanted,
    value: AnyValue,
}

impl Set {
    pub(super) fn new(cache: Cache, wanted: Wanted, value: AnyValue) -> Self {
        Self { cache, wanted, value }
    }

    /// Tags by which the value is invalidated with others, of 1 to 512 bytes each.
    pub fn tags<S: Into<String>>(mut self, tags: impl IntoIterator<Item = S>) -> Self {
        self.wanted.tags.extend(tags.into_iter().map(Into::into));
        self
    }

    /// See [`CacheEntry::depends_on`].
    pub fn depends_on<T: Entity>(mut self) -> Self {
        self.wanted.entities.push(entity_key::<T>());
        self
    }
}

impl IntoFuture for Set {
    type Output = Result<()>;
    type IntoFuture = Pin<Box<dyn Future<Output = Result<()>> + Send>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(async move { Ok(self.cache.layers.set(self.wanted, self.value).await?) })
    }
}

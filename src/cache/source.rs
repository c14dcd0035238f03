//! Where `#[cached_query]` finds a cache, and what its output calls.

use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;
use sha2::{Digest, Sha256};
use wayfare_graph::{EntityKey, MAX_CACHE_KEY_BYTES};

use super::{Cache, CacheValue};
use crate::error::Error;
use crate::graph::Graph;
use crate::runtime::Runtime;

/// Something that has a cache: what the first argument of a `#[cached_query]` function must be.
///
/// [`Runtime`], [`Graph`] and [`Cache`] are; a repository of your own is by giving that of its graph.
#[diagnostic::on_unimplemented(
    message = "`{Self}` has no cache",
    label = "not a `CacheSource`",
    note = "the first argument of a cached query is a `&Graph`, `&Runtime`, `&Cache`, or a `&self` that implements `CacheSource`"
)]
pub trait CacheSource {
    /// The cache.
    fn cache_source(&self) -> Cache;
}

impl CacheSource for Cache {
    fn cache_source(&self) -> Cache {
        self.clone()
    }
}

impl CacheSource for Graph {
    fn cache_source(&self) -> Cache {
        self.cache()
    }
}

impl CacheSource for Runtime {
    fn cache_source(&self) -> Cache {
        self.cache()
    }
}

impl<S: CacheSource + ?Sized> CacheSource for &S {
    fn cache_source(&self) -> Cache {
        (**self).cache_source()
    }
}

impl<S: CacheSource + ?Sized> CacheSource for Arc<S> {
    fn cache_source(&self) -> Cache {
        (**self).cache_source()
    }
}

/// A key of a name and parts, cut to what a key may be: of what is longer, a digest (SHA-256).
pub(super) fn key_of(name: &str, parts: &[&str]) -> String {
    let mut key = name.to_owned();
    for part in parts {
        // Its length first, so that no two lists of parts are one text.
        key.push_str(&format!("/{}:{part}", part.len()));
    }
    if key.len() <= MAX_CACHE_KEY_BYTES {
        return key;
    }
    let digest: String = Sha256::digest(&key).iter().map(|byte| format!("{byte:02x}")).collect();
    let start: String = name.chars().take(200).collect();
    format!("{start}#{digest}")
}

/// What a function that is a cached query returns: a value, or a value or an error.
#[doc(hidden)]
#[diagnostic::on_unimplemented(
    message = "a cached query cannot return `{Self}`",
    label = "not a `Result`",
    note = "return a `Result` whose value serialises and can be cloned; errors are not kept"
)]
pub trait OutcomeOfCall {
    type Value: CacheValue + Clone;
    type Error;

    fn into_result(self) -> Result<Self::Value, Self::Error>;
    fn from_result(result: Result<Self::Value, Self::Error>) -> Self;
}

impl<T: CacheValue + Clone, E> OutcomeOfCall for Result<T, E> {
    type Value = T;
    type Error = E;

    fn into_result(self) -> Self {
        self
    }

    fn from_result(result: Self) -> Self {
        result
    }
}

/// A call of a cached query, as the macro puts it together.
#[doc(hidden)]
pub struct CachedCall {
    pub cache: Cache,
    pub name: String,
    pub parts: Result<Vec<String>, Error>,
    pub ttl: Duration,
    pub tags: Vec<String>,
    pub entities: Vec<EntityKey>,
}

impl CachedCall {
    /// An argument as a part of the key.
    ///
    /// # Errors
    /// Where it does not serialise.
    pub fn part<T: Serialize + ?Sized>(argument: &T) -> Result<String, Error> {
        let refused = |error: serde_json::Error| wayfare_graph::CacheError::Encode {
            key: "an argument".to_owned(),
            reason: error.to_string(),
        };
        Ok(serde_json::to_string(argument).map_err(refused)?)
    }

    /// The kept outcome, or that of the call.
    pub async fn outcome<O>(self, call: impl AsyncFnOnce() -> O) -> O
    where
        O: OutcomeOfCall,
        O::Error: From<Error>,
    {
        let parts = match self.parts {
            Ok(parts) => parts,
            Err(error) => return O::from_result(Err(error.into())),
        };
        let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
        let key = key_of(&self.name, &parts);
        let entry = self.cache.entry(&key, self.ttl).tags(self.tags).depend_on(self.entities);
        let value = entry.or_compute(async || call().await.into_result()).await;
        O::from_result(value.map(|value| O::Value::clone(&value)))
    }
}

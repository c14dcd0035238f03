//! Queries whose results are kept until an entity of their type changes.

use std::future::{Future, IntoFuture};
use std::pin::Pin;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use wayfare_graph::{Body, BodyError, Document, Ends, Entity, Id, Query, Version};

use super::source::key_of;
use crate::error::{Error, Result};
use crate::graph::Graph;
use crate::selection::Selection;

/// A query whose result is kept. Made by [`Selection::cached`].
#[must_use = "nothing is looked for until the query is run"]
pub struct CachedSelection<T, I> {
    graph: Graph,
    query: Result<Query>,
    decode: fn(Document) -> Result<I, BodyError>,
    ttl: Duration,
    of: std::marker::PhantomData<fn() -> T>,
}

impl<T: Entity, I> Selection<T, I> {
    /// Keeps the result of this query in the cache of the runtime, for `ttl`, or until an entity of the type changes.
    ///
    /// Who runs the same query gets the same result; a version in it may then be one that was changed since by a
    /// process that shares neither a Redis nor the changes of the store with this one, and a save over it a conflict.
    pub fn cached(self, ttl: Duration) -> CachedSelection<T, I> {
        let (graph, decode) = (self.graph().clone(), self.decode());
        CachedSelection { graph, query: self.into_query(), decode, ttl, of: std::marker::PhantomData }
    }
}

impl<T: Entity, I> CachedSelection<T, I> {
    /// All that match.
    ///
    /// # Errors
    /// As [`Selection::all`]; [`CacheError::Ttl`](wayfare_graph::CacheError::Ttl).
    pub async fn all(self) -> Result<Vec<I>> {
        let query = self.query?;
        let key = key_of("all", &[&text_of(&query)]);
        let find = async || {
            let found = self.graph.find_documents(query).await?;
            found.iter().map(Kept::of).collect::<Result<Vec<Kept>>>()
        };
        let kept = self.graph.cache().entry(&key, self.ttl).depends_on::<T>().or_compute(find).await?;
        kept.iter().map(|kept| Ok((self.decode)(kept.document()?)?)).collect()
    }

    /// The first that matches.
    ///
    /// # Errors
    /// As [`all`](Self::all).
    pub async fn one(mut self) -> Result<Option<I>> {
        if let Ok(query) = &mut self.query {
            query.limit = Some(query.limit.unwrap_or(1).min(1));
        }
        Ok(self.all().await?.pop())
    }

    /// How many match; sort, skip and limit do not count.
    ///
    /// # Errors
    /// As [`Selection::count`]; [`CacheError::Ttl`](wayfare_graph::CacheError::Ttl).
    pub async fn count(self) -> Result<u64> {
        let query = Query { sort: Vec::new(), skip: 0, limit: None, ..self.query? };
        let key = key_of("count", &[&text_of(&query)]);
        let count = async || self.graph.count(query).await;
        Ok(*self.graph.cache().entry(&key, self.ttl).depends_on::<T>().or_compute(count).await?)
    }
}

/// Awaited, it gives all that match.
impl<T: Entity, I: Send + 'static> IntoFuture for CachedSelection<T, I> {
    type Output = Result<Vec<I>>;
    type IntoFuture = Pin<Box<dyn Future<Output = Self::Output> + Send>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.all())
    }
}

impl<T, I> std::fmt::Debug for CachedSelection<T, I> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("CachedSelection").field("query", &self.query).field("ttl", &self.ttl).finish()
    }
}

/// The same text for the same query, in every process.
fn text_of(query: &Query) -> String {
    let sort: Vec<_> = query.sort.iter().map(|key| (&key.path, key.descending)).collect();
    serde_json::json!([
        query.kind.letter().to_string(),
        query.entity.map(|entity| entity.as_str()),
        query.filter.to_value(),
        sort,
        query.skip,
        query.limit,
        query.projection,
    ])
    .to_string()
}

/// A document in a result that is kept.
#[derive(Serialize, Deserialize)]
struct Kept {
    id: String,
    version: u64,
    ends: Option<(String, String, bool)>,
    #[serde(with = "serde_bytes")]
    body: Vec<u8>,
    #[serde(with = "serde_bytes")]
    extra: Option<Vec<u8>>,
    all_members: bool,
}

impl Kept {
    fn of(document: &Document) -> Result<Self> {
        let ends = document.ends();
        Ok(Self {
            id: document.id().to_string(),
            version: document.version().0,
            ends: ends.map(|ends| (ends.source.to_string(), ends.target.to_string(), ends.bidirectional)),
            body: document.body().as_bytes().to_vec(),
            extra: document.extra().map(|extra| extra.as_bytes().to_vec()),
            all_members: document.has_all_members(),
        })
    }

    fn document(&self) -> Result<Document> {
        let id: Id = self.id.parse().map_err(Error::Id)?;
        let body = Body::from_bytes(&self.body)?;
        let document = match &self.ends {
            None => Document::new(id, body),
            Some((source, target, bidirectional)) => {
                let (source, target) = (source.parse()?, target.parse()?);
                Document::edge(id, Ends { source, target, bidirectional: *bidirectional }, body)
            }
        };
        let extra = self.extra.as_deref().map(Body::from_bytes).transpose()?;
        let document = document.with_version(Version(self.version)).with_extra(extra);
        Ok(if self.all_members { document.with_all_members() } else { document })
    }
}

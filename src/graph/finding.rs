//! Finding documents: all at once, by pages, as a stream; counting them and their values.

use futures_util::stream::{self, Stream, StreamExt, TryStreamExt};
use serde_json::Value;
use wayfare_graph::{Document, EntityName, Explanation, Id, Kind, Page, Projection, Query, SortPosition};

use super::Graph;
use crate::cursor::Cursor;
use crate::error::Result;

/// One page of what a query found.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct FoundPage<I> {
    /// What was found, in order.
    pub items: Vec<I>,
    /// Where the next page begins, `None` when this is the last.
    pub next: Option<Cursor>,
}

impl Graph {
    /// The documents that a query asks for, all in memory at once.
    ///
    /// # Errors
    /// [`Error::Store`](crate::Error::Store).
    pub async fn find_documents(&self, query: Query) -> Result<Vec<Document>> {
        Ok(self.handle.find(query).await?)
    }

    /// One page of the documents that a query asks for: those after `cursor`, or the first. The query's limit is
    /// the size of the page, `[store] page_size` where it has none; its skip counts for the first page only.
    ///
    /// # Errors
    /// [`Error::Cursor`](crate::Error::Cursor) for the cursor of a query of another kind, entity, filter or sort,
    /// [`Error::Store`](crate::Error::Store).
    pub async fn find_page(&self, mut query: Query, cursor: Option<&Cursor>) -> Result<FoundPage<Document>> {
        let size = query.limit.unwrap_or(self.running.page_size());
        if let Some(cursor) = cursor {
            query.after = Some(cursor.position_in(&query)?.clone());
            query.skip = 0;
        }
        let paging = Paging::of(&mut query);
        // One more tells whether there is a next page.
        query.limit = Some(size.saturating_add(1));
        let mut documents = self.handle.find(query.clone()).await?;
        let more = documents.len() > size;
        documents.truncate(size);
        let last = documents.last().filter(|_| more);
        let next = last.map(|last| Cursor::after(&query, SortPosition::of(last, &query.sort)));
        Ok(FoundPage { items: paging.strip(documents)?, next })
    }

    /// The documents that a query asks for, as they are read: `[store] page_size` at a time are in memory.
    ///
    /// Each page is read as the store is then: what is written meanwhile is seen if it comes later in the order.
    /// The stream ends after an error.
    pub fn find_stream(&self, mut query: Query) -> impl Stream<Item = Result<Document>> + Send + use<> {
        let graph = self.clone();
        let paging = Paging::of(&mut query);
        let pages = stream::try_unfold(Some(query), move |query| {
            let graph = graph.clone();
            async move {
                let Some(query) = query else { return Ok(None) };
                graph.next_page(query).await.map(Some)
            }
        });
        let pages = pages.and_then(move |documents| std::future::ready(paging.strip(documents)));
        pages.map_ok(|documents| stream::iter(documents.into_iter().map(Ok))).try_flatten().boxed()
    }

    /// A page, and the query for what comes after it.
    async fn next_page(&self, query: Query) -> Result<(Vec<Document>, Option<Query>)> {
        let wanted = query.limit.unwrap_or(usize::MAX);
        let size = self.running.page_size().min(wanted);
        let documents = self.handle.find(Query { limit: Some(size), ..query.clone() }).await?;
        let left = wanted - documents.len();
        let rest = documents.last().filter(|_| documents.len() == size && left > 0).map(|last| Query {
            after: Some(SortPosition::of(last, &query.sort)),
            skip: 0,
            limit: query.limit.map(|_| left),
            ..query
        });
        Ok((documents, rest))
    }

    /// How many documents satisfy a query; its sort, skip, limit and projection do not count. No document is
    /// brought here.
    ///
    /// # Errors
    /// [`Error::Store`](crate::Error::Store).
    pub async fn count(&self, query: Query) -> Result<u64> {
        Ok(self.handle.count(query).await?)
    }

    /// The different values that the documents of a query have at a dotted path such as `context.country`, in
    /// MongoDB's order of values; of a list its members. Sort, skip, limit and projection do not count.
    ///
    /// # Errors
    /// [`Error::Store`](crate::Error::Store).
    pub async fn distinct(&self, query: Query, path: &str) -> Result<Vec<Value>> {
        Ok(self.handle.distinct(query, path.to_owned()).await?)
    }

    /// How the store would find the documents of a query now, without looking for them.
    ///
    /// # Errors
    /// [`Error::Store`](crate::Error::Store).
    pub async fn explain(&self, query: Query) -> Result<Explanation> {
        Ok(self.handle.explain(query).await?)
    }

    /// A page of documents of a kind, and of an entity unless `None`, in the order of the store.
    ///
    /// # Errors
    /// [`Error::Store`](crate::Error::Store).
    pub async fn scan(
        &self,
        kind: Kind,
        entity: Option<EntityName>,
        after: Option<Id>,
        limit: usize,
    ) -> Result<Page> {
        Ok(self.handle.scan(kind, entity, after, limit).await?)
    }
}

/// What has to be taken off documents that were read for a page: fields that only its cursor needs.
struct Paging(Option<Projection>);

impl Paging {
    /// Adds the fields of the sort to the projection of a query.
    fn of(query: &mut Query) -> Self {
        let Some(paths) = &mut query.projection else { return Self(None) };
        // The whole field: a part of a list would not have its members at the places that the sort counts.
        let field = |path: &str| {
            path.split('.')
                .take(if path.starts_with("context.") { 2 } else { 1 })
                .collect::<Vec<_>>()
                .join(".")
        };
        let mut missing: Vec<String> = query.sort.iter().map(|key| field(&key.path)).collect();
        missing.retain(|path| {
            !paths.iter().any(|kept| kept == path || kept == "context" || format!("context.{kept}") == *path)
        });
        missing.sort_unstable();
        missing.dedup();
        if missing.is_empty() {
            return Self(None);
        }
        let wanted = Projection::new(paths);
        // A database may refuse a path beside one that it begins.
        paths.retain(|kept| !missing.iter().any(|field| is_below(kept, field)));
        paths.extend(missing);
        Self(Some(wanted))
    }

    fn strip(&self, documents: Vec<Document>) -> Result<Vec<Document>> {
        let Some(wanted) = &self.0 else { return Ok(documents) };
        Ok(documents.iter().map(|document| wanted.of(document)).collect::<Result<_, _>>()?)
    }
}

/// Whether a path of a projection, where a bare name is a field, lies below a field.
fn is_below(path: &str, field: &str) -> bool {
    let field = field.strip_prefix("context.").unwrap_or(field);
    let path = path.strip_prefix("context.").unwrap_or(path);
    path.strip_prefix(field).is_some_and(|rest| rest.starts_with('.'))
}

//! The store port: everything the runtime asks of a database.

use std::fmt;
use std::pin::Pin;

use serde_json::Value;

use crate::document::Document;
use crate::entity_name::EntityName;
use crate::explanation::Explanation;
use crate::field_values::{present_values, split_path};
use crate::filter::compare_values;
use crate::finding::Finding;
use crate::id::{Id, Kind};
use crate::index::{Index, IndexProgress};
use crate::need::{Loaded, Need};
use crate::pool::PoolFigures;
use crate::query::{Query, SortPosition};
use crate::store_change::ChangeFeed;
use crate::store_error::StoreError;
use crate::write::{WriteBatch, WriteResult};

/// A boxed future, the return type of the port's methods.
pub type StoreFuture<'a, T> = Pin<Box<dyn Future<Output = Result<T, StoreError>> + Send + 'a>>;

/// One page of a scan in the order of ids.
#[derive(Debug, Default)]
pub struct Page {
    /// The documents.
    pub documents: Vec<Document>,
    /// Where the next page begins: pass it as `after`. `None` at the end.
    pub next: Option<Id>,
}

/// One page of [`Store::add_versions`].
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct VersionsPage {
    /// Documents that were looked at.
    pub examined: u64,
    /// Those among them that had no version and now have version 0.
    pub changed: u64,
    /// Where the next page begins: pass it as `after`. `None` at the end.
    pub next: Option<Id>,
}

/// What a store holds.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct StoreStats {
    /// Documents by kind and entity, ordered.
    pub entities: Vec<(Kind, EntityName, u64)>,
    /// Bytes on disk that hold data.
    pub used_bytes: u64,
    /// Bytes of the files.
    pub file_bytes: u64,
    /// The indexes.
    pub indexes: Vec<Index>,
}

/// A database of documents.
///
/// Methods may block the calling thread for as long as their disk takes: the runtime calls them
/// from threads that may wait. Every implementation passes one conformance suite.
pub trait Store: Send + Sync + fmt::Debug + 'static {
    /// The store as a user would write it in a setting, without any password.
    fn describe(&self) -> String;

    /// Documents by id, in the order of `ids`; `None` where there is none. Any kind.
    fn get_many<'a>(&'a self, ids: &'a [Id]) -> StoreFuture<'a, Vec<Option<Document>>>;

    /// Nodes with their neighbours, and edges, which have none, in one call.
    fn load<'a>(&'a self, ids: &'a [Id], need: Need) -> StoreFuture<'a, Loaded>;

    /// The documents that a query asks for.
    fn find<'a>(&'a self, query: &'a Query) -> StoreFuture<'a, Vec<Document>>;

    /// How many documents satisfy a query; its sort, skip, limit and projection do not count.
    fn count<'a>(&'a self, query: &'a Query) -> StoreFuture<'a, u64>;

    /// How [`find`](Self::find) would answer a query now, without answering it.
    ///
    /// It is the work of the same planner, so it tells the truth until documents or indexes change.
    /// [`count`](Self::count) takes the same way, but neither sorts nor stops at a limit, and with a filter
    /// that asks for nothing it may know the answer without looking at a document.
    fn explain<'a>(&'a self, query: &'a Query) -> StoreFuture<'a, Explanation>;

    /// Up to `limit` documents of a kind, and of an entity unless `None`, after an id.
    fn scan<'a>(
        &'a self,
        kind: Kind,
        entity: Option<EntityName>,
        after: Option<&'a Id>,
        limit: usize,
    ) -> StoreFuture<'a, Page>;

    /// Applies batches in one durable commit: when it returns `Ok`, everything written survives a
    /// crash; when it returns an error, nothing was written. Results are in the order of the writes.
    fn apply<'a>(&'a self, batches: &'a [WriteBatch]) -> StoreFuture<'a, Vec<Vec<WriteResult>>>;

    /// The different values that the matching documents have at a dotted path, in MongoDB's order of values; of
    /// a list its members. Documents without the path add nothing. Sort, skip, limit and projection do not count.
    fn distinct<'a>(&'a self, query: &'a Query, path: &'a str) -> StoreFuture<'a, Vec<Value>> {
        Box::pin(distinct_by_find(self, query, path))
    }

    /// Makes an index over present and future documents; does nothing where it exists.
    ///
    /// Where it exists with another rule of uniqueness or another name, it is changed. Reads and writes go on
    /// while it is built; until it is whole no query uses it, and when it cannot be made nothing of it is left.
    ///
    /// A store may refuse indexes on walkers, which are large, often saved, and asked for by id.
    fn create_index<'a>(&'a self, index: &'a Index) -> StoreFuture<'a, ()>;

    /// Removes an index by its [name](Index::name); `false` when there is none.
    fn drop_index<'a>(&'a self, kind: Kind, entity: EntityName, name: &'a str) -> StoreFuture<'a, bool>;

    /// Gives an index another name, which no other index of the entity may have; `false` when there is none.
    fn rename_index<'a>(
        &'a self,
        kind: Kind,
        entity: EntityName,
        from: &'a str,
        to: &'a str,
    ) -> StoreFuture<'a, bool>;

    /// The indexes that are being built now.
    fn index_progress(&self) -> StoreFuture<'_, Vec<IndexProgress>> {
        Box::pin(async { Ok(Vec::new()) })
    }

    /// Gives version 0 to documents of a kind that have none, up to `limit` of them after an id.
    ///
    /// It may run beside writers: a document without a version counts as one of version 0. A store that keeps a
    /// version with every document has nothing to do.
    fn add_versions<'a>(
        &'a self,
        _kind: Kind,
        _after: Option<&'a Id>,
        _limit: usize,
    ) -> StoreFuture<'a, VersionsPage> {
        Box::pin(async { Ok(VersionsPage::default()) })
    }

    /// Looks for what only the store itself can see: things that are no documents, and indexes that do not agree
    /// with them. With `repair` it mends indexes and puts aside what is no document, without deleting it.
    fn check_up(&self, _repair: bool) -> StoreFuture<'_, Vec<Finding>> {
        Box::pin(async { Ok(Vec::new()) })
    }

    /// The changes of the store from now on, `None` where nobody else can write or the store cannot tell.
    fn changes(&self) -> StoreFuture<'_, Option<Box<dyn ChangeFeed>>> {
        Box::pin(async { Ok(None) })
    }

    /// Waits until everything written is where others read it.
    ///
    /// What was acknowledged is durable before; this is for stores whose files follow their journal.
    fn flush(&self) -> StoreFuture<'_, ()> {
        Box::pin(async { Ok(()) })
    }

    /// Asks the store for a sign of life.
    fn health(&self) -> StoreFuture<'_, ()> {
        Box::pin(async { Ok(()) })
    }

    /// The pool of connections, `None` where there is none.
    fn pool(&self) -> Option<PoolFigures> {
        None
    }

    /// What the store holds.
    fn stats(&self) -> StoreFuture<'_, StoreStats>;

    /// How many calls of [`apply`](Self::apply) may usefully run at once.
    fn max_writers(&self) -> usize {
        1
    }

    /// Whether it is on this machine.
    ///
    /// Then reading a few documents takes microseconds, so that it may be done in place; and what is durable after a
    /// commit that failed is not known, so that nothing more is written until it is opened again. A server says itself
    /// what became of a write, and what it can do.
    fn is_local(&self) -> bool {
        false
    }
}

/// Documents that [`distinct_by_find`] has in memory at a time.
const DISTINCT_PAGE: usize = 1_000;

/// [`Store::distinct`] for stores that cannot do better, page by page.
async fn distinct_by_find<S: Store + ?Sized>(
    store: &S,
    query: &Query,
    path: &str,
) -> Result<Vec<Value>, StoreError> {
    let segments = split_path(path);
    let mut page = Query { sort: Vec::new(), skip: 0, after: None, ..query.clone() };
    page.limit = Some(DISTINCT_PAGE);
    // A projection knows names only: what a number counts out of a list, it takes with the whole list.
    let named = segments.iter().take_while(|name| name.parse::<usize>().is_err());
    page.projection = Some(vec![named.map(String::as_str).collect::<Vec<_>>().join(".")]);
    let mut distinct: Vec<Value> = Vec::new();
    loop {
        let documents = store.find(&page).await?;
        for (value, passed) in documents.iter().filter_map(|document| document.peek(&segments)) {
            present_values(value, &segments[passed..], &mut distinct);
        }
        distinct.sort_by(compare_values);
        distinct.dedup_by(|later, first| compare_values(later, first).is_eq());
        match documents.last() {
            Some(last) if documents.len() == DISTINCT_PAGE => {
                page.after = Some(SortPosition::of(last, &[]));
            }
            _ => return Ok(distinct),
        }
    }
}

//! The embedded store: one LMDB file in a folder, opened by one process.

mod catalog;
mod change;
mod check;
mod codec;
mod counts;
mod document_value;
mod edges;
mod engine;
mod explain;
mod fault;
mod folder;
#[cfg(any(test, fuzzing))]
pub(crate) mod fuzzing;
mod growth;
mod index;
mod index_build;
mod index_rows;
mod journal;
mod links;
mod neighbours;
mod open;
mod ordered_value;
mod plan;
mod query;
mod read;
mod stats;
mod tables;
mod write;

use std::fmt;

use wayfare_graph::{
    Document, EntityName, Explanation, Finding, Id, Index, IndexProgress, Kind, Loaded, Need, Page, Query,
    Store, StoreError, StoreFuture, StoreStats, WriteBatch, WriteResult,
};

pub(crate) use self::journal::{Import, Imported, Pending};

use self::engine::Engine;

/// How to open an [`EmbeddedStore`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct EmbeddedOptions {
    /// Address space to reserve for the file at first, in bytes, default 1 GiB, at least 1 MiB.
    ///
    /// It takes neither memory nor disk, and doubles whenever the file outgrows it. To double, all
    /// reads that are under way must end, so reserve more where the size is known.
    pub map_bytes: u64,
}

impl Default for EmbeddedOptions {
    fn default() -> Self {
        Self { map_bytes: 1 << 30 }
    }
}

/// A store in a folder of the local disk, on LMDB.
///
/// Readers never wait for the writer, nor it for them, except while the map grows. Writers take
/// turns. A commit is on the disk when [`apply`](Store::apply) returns; after a crash the store is
/// as the last commit left it, without any recovery to run. When a write fails, for want of space
/// for example, the store refuses further ones until it is opened again, and goes on reading.
///
/// The futures of its methods do their work when they are first polled, on the polling thread, and
/// are ready at once.
///
/// The order of ids, in scans and in results without a sort, is by entity in the order in which
/// entities were first stored, then generated keys before given ones, then by key.
pub struct EmbeddedStore {
    engine: Engine,
}

impl fmt::Debug for EmbeddedStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EmbeddedStore").field("path", &self.engine.path).finish_non_exhaustive()
    }
}

impl EmbeddedStore {
    /// [`Store::apply`] without a future.
    pub(crate) fn apply_now(&self, batches: &[WriteBatch]) -> Result<Vec<Vec<WriteResult>>, StoreError> {
        self.engine.apply(batches)
    }

    /// [`Store::get_many`] without a future.
    pub(crate) fn get_many_now(&self, ids: &[Id]) -> Result<Vec<Option<Document>>, StoreError> {
        self.engine.read(|view| view.get_many(ids))
    }
}

impl Store for EmbeddedStore {
    fn describe(&self) -> String {
        format!("embedded:{}", self.engine.path.display())
    }

    fn get_many<'a>(&'a self, ids: &'a [Id]) -> StoreFuture<'a, Vec<Option<Document>>> {
        Box::pin(async move { self.engine.read(|view| view.get_many(ids)) })
    }

    fn load<'a>(&'a self, ids: &'a [Id], need: Need) -> StoreFuture<'a, Loaded> {
        Box::pin(async move { self.engine.read(|view| view.load(ids, need)) })
    }

    fn find<'a>(&'a self, query: &'a Query) -> StoreFuture<'a, Vec<Document>> {
        Box::pin(async move { self.engine.read(|view| view.find(query)) })
    }

    fn count<'a>(&'a self, query: &'a Query) -> StoreFuture<'a, u64> {
        Box::pin(async move { self.engine.read(|view| view.count(query)) })
    }

    /// Reads kept numbers only. How many candidates there are in an index it knows where the index is unique
    /// and bound in all its fields, and of edges at their ends it does not know.
    fn explain<'a>(&'a self, query: &'a Query) -> StoreFuture<'a, Explanation> {
        Box::pin(async move { self.engine.read(|view| view.explain(query)) })
    }

    fn scan<'a>(
        &'a self,
        kind: Kind,
        entity: Option<EntityName>,
        after: Option<&'a Id>,
        limit: usize,
    ) -> StoreFuture<'a, Page> {
        Box::pin(async move { self.engine.read(|view| view.scan(kind, entity, after, limit)) })
    }

    fn apply<'a>(&'a self, batches: &'a [WriteBatch]) -> StoreFuture<'a, Vec<Vec<WriteResult>>> {
        Box::pin(async move { self.engine.apply(batches) })
    }

    /// Other writes get their turn between pages of 4,096 documents.
    ///
    /// A list is indexed as a whole and by each of its members, as in MongoDB; an index of several
    /// fields holds every combination of their members.
    fn create_index<'a>(&'a self, index: &'a Index) -> StoreFuture<'a, ()> {
        Box::pin(async move { self.engine.create_index(index) })
    }

    fn drop_index<'a>(&'a self, kind: Kind, entity: EntityName, name: &'a str) -> StoreFuture<'a, bool> {
        Box::pin(async move { self.engine.drop_index(kind, entity, name) })
    }

    fn rename_index<'a>(
        &'a self,
        kind: Kind,
        entity: EntityName,
        from: &'a str,
        to: &'a str,
    ) -> StoreFuture<'a, bool> {
        Box::pin(async move { self.engine.rename_index(kind, entity, from, to) })
    }

    fn index_progress(&self) -> StoreFuture<'_, Vec<IndexProgress>> {
        Box::pin(async move { Ok(self.engine.progress.lock().iter().cloned().collect()) })
    }

    fn check_up(&self, repair: bool) -> StoreFuture<'_, Vec<Finding>> {
        Box::pin(async move { self.engine.check_up(repair) })
    }

    fn stats(&self) -> StoreFuture<'_, StoreStats> {
        Box::pin(async move { self.engine.stats() })
    }

    fn max_writers(&self) -> usize {
        1
    }

    fn is_local(&self) -> bool {
        true
    }
}

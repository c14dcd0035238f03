//! The JSON store: one readable file a document, in jvspatial's layout, behind a journal.

mod bad_files;
mod check;
mod feed;
mod file_name;
mod file_state;
mod folder;
#[cfg(any(test, fuzzing))]
pub(crate) mod fuzzing;
mod odd_names;
mod refusal;
mod sync;
pub(crate) mod text;
mod watch;
mod writing;

use std::borrow::Cow;
use std::fmt;
use std::path::Path;
use std::sync::Arc;

use serde_json::Value;
use wayfare_graph::{
    ChangeFeed, Document, EntityName, Explanation, Finding, Id, Index, IndexProgress, Kind, Loaded, Need,
    Page, Query, Store, StoreError, StoreFuture, StoreStats, VersionsPage, WriteBatch, WriteResult,
};

use self::folder::{Folder, Threads};
use crate::embedded::EmbeddedOptions;

/// A store in a folder of JSON files, as jvspatial's JsonDB has them: `PATH/node/n.City.….json`, and so on for edges,
/// objects and walkers.
///
/// A commit is one durable write to a journal in `PATH/.wayfare`, which also holds what queries need: links and
/// indexes. So a batch is all or nothing, and queries do not read files. The files follow at once, written by a thread
/// of its own, each replaced as a whole; [`flush`](Store::flush) and closing wait for them. What a crash has kept from
/// its file is written at the next opening. Without the journal the files are a complete database but for indexes.
///
/// Others, such as jvspatial, may read and write files at the same time. Their changes are seen by the next call, and
/// count as writes: a save over what was read before is a conflict. When both change a document at the same moment,
/// the acknowledged change of this store stands. One handle at a time may have the folder open as a store.
///
/// A file that cannot be read as a document is left out of queries and scans with a warning, also where the journal has
/// the document as it was before. Reading its entity by id is an error that names it, and
/// [`check_up`](Store::check_up) lists it. It is never written over or removed: writes to its entity are refused, and
/// so are those that would do it by the way, by deleting a node of such an edge or connecting the same nodes again.
/// What the journal knows of such an edge still counts as a link of its ends.
///
/// Its futures do their work when they are first polled, on the polling thread, and are ready at once.
pub struct JsonStore {
    /// Ended before the folder is closed: fields are dropped in this order.
    _threads: Threads,
    folder: Arc<Folder>,
}

impl fmt::Debug for JsonStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JsonStore").field("path", &self.folder.path).finish_non_exhaustive()
    }
}

impl JsonStore {
    /// Opens a folder, which is made with its parents if there is none, and reads what has changed in it.
    ///
    /// The options are those of the journal.
    ///
    /// # Errors
    /// - [`StoreError::Busy`]: it is open elsewhere as a store.
    /// - [`StoreError::NotAStore`]: the path is a file, or a folder of something else.
    /// - [`StoreError::NewerFormat`], [`StoreError::Damaged`]: of the journal.
    /// - [`StoreError::OutOfSpace`], [`StoreError::Io`]: above all for want of permission.
    pub fn open(path: &Path, options: EmbeddedOptions) -> Result<Self, StoreError> {
        let folder = Folder::open(path, options)?;
        Ok(Self { _threads: folder.start_threads()?, folder })
    }

    /// The journal, after taking over what others wrote.
    fn synced(&self) -> Result<&Folder, StoreError> {
        match self.folder.sync() {
            // The journal takes over nothing more. Reading goes on, as in every store, with what it has.
            Ok(()) | Err(StoreError::Poisoned { .. }) => Ok(&self.folder),
            Err(error) => Err(error),
        }
    }

    /// The same, and a query without the documents whose files cannot be read.
    fn asked<'q>(&self, query: &'q Query) -> Result<(&Folder, Cow<'q, Query>), StoreError> {
        let folder = self.synced()?;
        let readable =
            folder.sync.lock().bad.left_out_of(query).map_err(|error| StoreError::Unsupported {
                store: self.describe(),
                what: format!("leave documents whose files cannot be read out of a query: {error}"),
            })?;
        Ok((folder, readable.map_or(Cow::Borrowed(query), Cow::Owned)))
    }

    /// Refuses to speak of documents whose files cannot be read.
    fn check_readable(&self, ids: &[Id]) -> Result<(), StoreError> {
        let state = self.folder.sync.lock();
        if state.bad.is_empty() {
            return Ok(());
        }
        let fault = ids.iter().find_map(|id| Some((id, state.bad.fault_of(id)?)));
        fault.map_or(Ok(()), |(id, (name, reason))| {
            let what = format!("{}/{name}", id.kind().collection());
            Err(StoreError::Damaged { what, reason: reason.to_owned() })
        })
    }

    fn apply_now(&self, batches: &[WriteBatch]) -> Result<Vec<Vec<WriteResult>>, StoreError> {
        let folder = &self.folder;
        let ready = folder.sync().and_then(|()| folder.backlog.wait_for_room(folder));
        ready.map_err(|error| self.nothing_written(error))?;
        let results = folder.apply(batches)?;
        let written = results.iter().flatten().filter(|result| result.is_ok()).count();
        folder.backlog.wake(written as u64);
        Ok(results)
    }

    /// An error that came before anything was written: later writes need no recovery, unless the journal does.
    fn nothing_written(&self, error: StoreError) -> StoreError {
        match error {
            StoreError::Poisoned { .. } => error,
            other => StoreError::Unreachable { url: self.describe(), source: other.into() },
        }
    }
}

impl Store for JsonStore {
    fn describe(&self) -> String {
        format!("json:{}", self.folder.path.display())
    }

    fn get_many<'a>(&'a self, ids: &'a [Id]) -> StoreFuture<'a, Vec<Option<Document>>> {
        Box::pin(async move {
            let folder = self.synced()?;
            self.check_readable(ids)?;
            folder.journal.get_many(ids).await
        })
    }

    fn load<'a>(&'a self, ids: &'a [Id], need: Need) -> StoreFuture<'a, Loaded> {
        Box::pin(async move {
            let folder = self.synced()?;
            self.check_readable(ids)?;
            folder.journal.load(ids, need).await
        })
    }

    fn find<'a>(&'a self, query: &'a Query) -> StoreFuture<'a, Vec<Document>> {
        Box::pin(async move {
            let (folder, query) = self.asked(query)?;
            folder.journal.find(&query).await
        })
    }

    fn count<'a>(&'a self, query: &'a Query) -> StoreFuture<'a, u64> {
        Box::pin(async move {
            let (folder, query) = self.asked(query)?;
            folder.journal.count(&query).await
        })
    }

    fn explain<'a>(&'a self, query: &'a Query) -> StoreFuture<'a, Explanation> {
        Box::pin(async move {
            let (folder, query) = self.asked(query)?;
            folder.journal.explain(&query).await
        })
    }

    /// A page has fewer documents than it could, or none, where files cannot be read; `next` tells whether more come.
    fn scan<'a>(
        &'a self,
        kind: Kind,
        entity: Option<EntityName>,
        after: Option<&'a Id>,
        limit: usize,
    ) -> StoreFuture<'a, Page> {
        Box::pin(async move {
            let folder = self.synced()?;
            let mut page = folder.journal.scan(kind, entity, after, limit).await?;
            folder.sync.lock().bad.leave_out_of(kind, &mut page);
            Ok(page)
        })
    }

    fn apply<'a>(&'a self, batches: &'a [WriteBatch]) -> StoreFuture<'a, Vec<Vec<WriteResult>>> {
        Box::pin(async move { self.apply_now(batches) })
    }

    fn distinct<'a>(&'a self, query: &'a Query, path: &'a str) -> StoreFuture<'a, Vec<Value>> {
        Box::pin(async move {
            let (folder, query) = self.asked(query)?;
            folder.journal.distinct(&query, path).await
        })
    }

    fn create_index<'a>(&'a self, index: &'a Index) -> StoreFuture<'a, ()> {
        Box::pin(async move { self.synced()?.journal.create_index(index).await })
    }

    fn drop_index<'a>(&'a self, kind: Kind, entity: EntityName, name: &'a str) -> StoreFuture<'a, bool> {
        self.folder.journal.drop_index(kind, entity, name)
    }

    fn rename_index<'a>(
        &'a self,
        kind: Kind,
        entity: EntityName,
        from: &'a str,
        to: &'a str,
    ) -> StoreFuture<'a, bool> {
        self.folder.journal.rename_index(kind, entity, from, to)
    }

    fn index_progress(&self) -> StoreFuture<'_, Vec<IndexProgress>> {
        self.folder.journal.index_progress()
    }

    fn add_versions<'a>(
        &'a self,
        kind: Kind,
        after: Option<&'a Id>,
        limit: usize,
    ) -> StoreFuture<'a, VersionsPage> {
        Box::pin(async move { self.synced()?.add_versions(kind, after, limit).await })
    }

    fn check_up(&self, repair: bool) -> StoreFuture<'_, Vec<Finding>> {
        Box::pin(async move { self.synced()?.check_up(repair).await })
    }

    fn changes(&self) -> StoreFuture<'_, Option<Box<dyn ChangeFeed>>> {
        Box::pin(async move {
            let watched = self.folder.sync.lock().watch.is_some();
            Ok(watched.then(|| self.folder.feeds.open()))
        })
    }

    fn flush(&self) -> StoreFuture<'_, ()> {
        Box::pin(async move { self.folder.backlog.flush(&self.folder) })
    }

    /// Everything is that of the journal: the files come on top of `used_bytes` and `file_bytes`, and documents whose
    /// files have gone bad are counted.
    fn stats(&self) -> StoreFuture<'_, StoreStats> {
        Box::pin(async move { self.synced()?.journal.stats().await })
    }

    fn is_local(&self) -> bool {
        true
    }
}

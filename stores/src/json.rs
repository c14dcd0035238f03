//! The JSON store: one readable file a document, in jvspatial's layout, behind a journal.

mod check;
mod feed;
mod file_name;
mod file_state;
mod folder;
#[cfg(any(test, fuzzing))]
pub(crate) mod fuzzing;
mod sync;
pub(crate) mod text;
mod watch;
mod writing;

use std::fmt;
use std::path::Path;
use std::sync::Arc;

use serde_json::Value;
use wayfare_graph::{
    ChangeFeed, Document, EntityName, Explanation, Finding, Id, Index, IndexProgress, Kind, Loaded, Need,
    Page, Query, Store, StoreError, StoreFuture, StoreStats, VersionsPage, Write, WriteBatch, WriteError,
    WriteResult,
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
/// A file that is no document is left out of queries with a warning; reading or writing its entity by id is an
/// error that names it, and [`check_up`](Store::check_up) lists it.
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
        self.folder.sync()?;
        Ok(&self.folder)
    }

    /// Refuses to speak of documents whose files cannot be read.
    fn check_readable(&self, ids: &[Id]) -> Result<(), StoreError> {
        let state = self.folder.sync.lock();
        if !state.has_bad_files() {
            return Ok(());
        }
        let fault = ids.iter().find_map(|id| Some((id, state.fault_of(id)?)));
        fault.map_or(Ok(()), |(id, (name, reason))| {
            let what = format!("{}/{name}", id.kind().collection());
            Err(StoreError::Damaged { what, reason: reason.to_owned() })
        })
    }

    /// The refusal of a write to a document whose file cannot be read: it would be written over.
    fn refusal(&self, write: &Write) -> Option<WriteError> {
        let id = match write {
            Write::Create { document, .. } | Write::Save { document } | Write::Upsert { document } => {
                document.id()
            }
            Write::Put { document } => document.id(),
            Write::Connect { edge, .. } => edge.id(),
            Write::Delete { id, .. } => id,
            _ => return None,
        };
        let state = self.folder.sync.lock();
        let (name, reason) = state.fault_of(id)?;
        let reason = format!("its file `{name}` cannot be read ({reason}): mend or remove it first");
        Some(WriteError::Unsuitable { id: id.clone(), reason })
    }

    fn apply_now(&self, batches: &[WriteBatch]) -> Result<Vec<Vec<WriteResult>>, StoreError> {
        let folder = self.synced()?;
        folder.backlog.wait_for_room(folder)?;
        let has_bad_files = folder.sync.lock().has_bad_files();
        let results = match has_bad_files {
            false => folder.journal.apply_now(batches)?,
            true => self.apply_around_bad_files(batches)?,
        };
        let written = results.iter().flatten().filter(|result| result.is_ok()).count();
        folder.backlog.wake(written as u64);
        Ok(results)
    }

    /// Does what does not touch files that cannot be read.
    fn apply_around_bad_files(&self, batches: &[WriteBatch]) -> Result<Vec<Vec<WriteResult>>, StoreError> {
        let mut refusals: Vec<Vec<Option<WriteError>>> = Vec::with_capacity(batches.len());
        let mut rest = Vec::with_capacity(batches.len());
        for batch in batches {
            let mut refused: Vec<_> = batch.writes.iter().map(|write| self.refusal(write)).collect();
            let first = refused.iter().position(Option::is_some);
            if let (true, Some(position)) = (batch.all_or_nothing, first) {
                for refused in refused.iter_mut().filter(|refused| refused.is_none()) {
                    *refused = Some(WriteError::BatchRefused { position });
                }
            }
            let kept = batch.writes.iter().zip(&refused).filter(|(_, refused)| refused.is_none());
            let writes = kept.map(|(write, _)| write.clone()).collect();
            rest.push(WriteBatch { writes, all_or_nothing: batch.all_or_nothing });
            refusals.push(refused);
        }
        let done = self.folder.journal.apply_now(&rest)?;
        let whole = refusals.into_iter().zip(done).map(|(refusals, done)| {
            let mut done = done.into_iter();
            refusals
                .into_iter()
                .filter_map(|refused| refused.map_or_else(|| done.next(), |error| Some(Err(error))))
                .collect()
        });
        Ok(whole.collect())
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
        Box::pin(async move { self.synced()?.journal.find(query).await })
    }

    fn count<'a>(&'a self, query: &'a Query) -> StoreFuture<'a, u64> {
        Box::pin(async move { self.synced()?.journal.count(query).await })
    }

    fn explain<'a>(&'a self, query: &'a Query) -> StoreFuture<'a, Explanation> {
        Box::pin(async move { self.synced()?.journal.explain(query).await })
    }

    fn scan<'a>(
        &'a self,
        kind: Kind,
        entity: Option<EntityName>,
        after: Option<&'a Id>,
        limit: usize,
    ) -> StoreFuture<'a, Page> {
        Box::pin(async move { self.synced()?.journal.scan(kind, entity, after, limit).await })
    }

    fn apply<'a>(&'a self, batches: &'a [WriteBatch]) -> StoreFuture<'a, Vec<Vec<WriteResult>>> {
        Box::pin(async move { self.apply_now(batches) })
    }

    fn distinct<'a>(&'a self, query: &'a Query, path: &'a str) -> StoreFuture<'a, Vec<Value>> {
        Box::pin(async move { self.synced()?.journal.distinct(query, path).await })
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

    /// `used_bytes` and `file_bytes` are those of the journal; the files come on top.
    fn stats(&self) -> StoreFuture<'_, StoreStats> {
        Box::pin(async move { self.synced()?.journal.stats().await })
    }

    fn is_local(&self) -> bool {
        true
    }
}

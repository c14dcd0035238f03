//! The embedded store, with faults.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::SeqCst};
use std::time::Duration;

use serde_json::Value;
use wayfare::{
    Document, EntityName, Explanation, Finding, Id, Index, IndexProgress, Kind, Need, Page, PoolFigures,
    Query, Store, StoreError, StoreStats, WriteBatch, WriteResult,
};
use wayfare_graph::{ChangeFeed, Loaded, StoreFuture, VersionsPage};

use super::fault::{Fault, FaultCounts};

/// What the store is told to do wrong. It outlives the runtimes, each of which opens the store anew.
#[derive(Debug, Default)]
pub(crate) struct Mischief {
    pub(crate) counts: Arc<FaultCounts>,
    /// So many of the next loads panic, in the shard that asks.
    pub(crate) load_panics: AtomicU64,
    /// So many of the next commits panic, in the writer.
    pub(crate) commit_panics: AtomicU64,
    /// So many of the next loads fail.
    pub(crate) load_failures: AtomicU64,
    /// So many of the next reads from outside of walks fail.
    pub(crate) read_failures: AtomicU64,
    /// So many of the next commits are refused, and not done.
    pub(crate) refusals: AtomicU64,
    /// So many of the next commits are done, and nobody hears of it.
    pub(crate) lost_answers: AtomicU64,
    /// So many of the next commits are not done, and nobody hears of that either.
    pub(crate) lost_questions: AtomicU64,
    /// So many of the next calls take `slow_ms`.
    pub(crate) slow_calls: AtomicU64,
    pub(crate) slow_ms: AtomicU64,
    /// No commit finds room.
    pub(crate) is_full: AtomicBool,
}

impl Mischief {
    /// Takes one of what was asked for, and counts it.
    fn takes(&self, left: &AtomicU64, fault: Fault) -> bool {
        let taken = left.fetch_update(SeqCst, SeqCst, |left| left.checked_sub(1)).is_ok();
        if taken {
            self.counts.happened(fault);
        }
        taken
    }

    /// Nothing goes wrong any more.
    pub(crate) fn calm(&self) {
        self.calm_but_full();
        self.is_full.store(false, SeqCst);
    }

    /// Nothing goes wrong any more, but a full store stays full.
    pub(crate) fn calm_but_full(&self) {
        let all = [
            &self.load_panics,
            &self.commit_panics,
            &self.load_failures,
            &self.read_failures,
            &self.refusals,
            &self.lost_answers,
            &self.lost_questions,
            &self.slow_calls,
        ];
        all.into_iter().for_each(|left| left.store(0, SeqCst));
    }

    fn slow(&self) {
        if self.takes(&self.slow_calls, Fault::StoreIsSlow) {
            // A store may keep the thread that calls it as long as its disk takes.
            std::thread::sleep(Duration::from_millis(self.slow_ms.load(SeqCst)));
        }
    }

    fn read(&self) -> Result<(), StoreError> {
        self.slow();
        match self.takes(&self.read_failures, Fault::ReadFails) {
            true => Err(broken()),
            false => Ok(()),
        }
    }

    fn load(&self) -> Result<(), StoreError> {
        self.slow();
        // Counted by the restarts: not every panic here ends a shard.
        if self.load_panics.fetch_update(SeqCst, SeqCst, |left| left.checked_sub(1)).is_ok() {
            panic!("soak: a load was told to panic");
        }
        match self.takes(&self.load_failures, Fault::LoadFails) {
            true => Err(broken()),
            false => Ok(()),
        }
    }
}

fn broken() -> StoreError {
    StoreError::Io { path: "soak".into(), source: "told to fail".into() }
}

fn lost() -> StoreError {
    StoreError::Unreachable { url: "soak".into(), source: "told to lose the answer".into() }
}

/// The store.
#[derive(Debug)]
pub(crate) struct FaultyStore {
    pub(crate) inner: Arc<dyn Store>,
    pub(crate) mischief: Arc<Mischief>,
}

impl FaultyStore {
    async fn commit(&self, batches: &[WriteBatch]) -> Result<Vec<Vec<WriteResult>>, StoreError> {
        let mischief = &self.mischief;
        mischief.slow();
        if mischief.is_full.load(SeqCst) {
            mischief.counts.happened(Fault::StoreFull);
            return Err(StoreError::OutOfSpace { path: "soak".into(), source: "told to be full".into() });
        }
        if mischief.commit_panics.fetch_update(SeqCst, SeqCst, |left| left.checked_sub(1)).is_ok() {
            panic!("soak: a commit was told to panic");
        }
        if mischief.takes(&mischief.refusals, Fault::CommitRefused) {
            return Err(StoreError::Refused { url: "soak".into(), reason: "told to refuse".into() });
        }
        if mischief.takes(&mischief.lost_questions, Fault::CommitUnknown) {
            return Err(lost());
        }
        let applied = self.inner.apply(batches).await?;
        match mischief.takes(&mischief.lost_answers, Fault::CommitUnknown) {
            true => Err(lost()),
            false => Ok(applied),
        }
    }
}

impl Store for FaultyStore {
    fn describe(&self) -> String {
        self.inner.describe()
    }

    fn get_many<'a>(&'a self, ids: &'a [Id]) -> StoreFuture<'a, Vec<Option<Document>>> {
        Box::pin(async move {
            self.mischief.read()?;
            self.inner.get_many(ids).await
        })
    }

    fn load<'a>(&'a self, ids: &'a [Id], need: Need) -> StoreFuture<'a, Loaded> {
        Box::pin(async move {
            self.mischief.load()?;
            self.inner.load(ids, need).await
        })
    }

    fn find<'a>(&'a self, query: &'a Query) -> StoreFuture<'a, Vec<Document>> {
        Box::pin(async move {
            self.mischief.read()?;
            self.inner.find(query).await
        })
    }

    fn count<'a>(&'a self, query: &'a Query) -> StoreFuture<'a, u64> {
        Box::pin(async move {
            self.mischief.read()?;
            self.inner.count(query).await
        })
    }

    fn explain<'a>(&'a self, query: &'a Query) -> StoreFuture<'a, Explanation> {
        self.inner.explain(query)
    }

    fn scan<'a>(
        &'a self,
        kind: Kind,
        entity: Option<EntityName>,
        after: Option<&'a Id>,
        limit: usize,
    ) -> StoreFuture<'a, Page> {
        self.inner.scan(kind, entity, after, limit)
    }

    fn apply<'a>(&'a self, batches: &'a [WriteBatch]) -> StoreFuture<'a, Vec<Vec<WriteResult>>> {
        Box::pin(self.commit(batches))
    }

    fn distinct<'a>(&'a self, query: &'a Query, path: &'a str) -> StoreFuture<'a, Vec<Value>> {
        self.inner.distinct(query, path)
    }

    fn create_index<'a>(&'a self, index: &'a Index) -> StoreFuture<'a, ()> {
        self.inner.create_index(index)
    }

    fn drop_index<'a>(&'a self, kind: Kind, entity: EntityName, name: &'a str) -> StoreFuture<'a, bool> {
        self.inner.drop_index(kind, entity, name)
    }

    fn rename_index<'a>(
        &'a self,
        kind: Kind,
        entity: EntityName,
        from: &'a str,
        to: &'a str,
    ) -> StoreFuture<'a, bool> {
        self.inner.rename_index(kind, entity, from, to)
    }

    fn index_progress(&self) -> StoreFuture<'_, Vec<IndexProgress>> {
        self.inner.index_progress()
    }

    fn add_versions<'a>(
        &'a self,
        kind: Kind,
        after: Option<&'a Id>,
        limit: usize,
    ) -> StoreFuture<'a, VersionsPage> {
        self.inner.add_versions(kind, after, limit)
    }

    fn check_up(&self, repair: bool) -> StoreFuture<'_, Vec<Finding>> {
        self.inner.check_up(repair)
    }

    fn changes(&self) -> StoreFuture<'_, Option<Box<dyn ChangeFeed>>> {
        self.inner.changes()
    }

    fn flush(&self) -> StoreFuture<'_, ()> {
        self.inner.flush()
    }

    fn health(&self) -> StoreFuture<'_, ()> {
        self.inner.health()
    }

    fn pool(&self) -> Option<PoolFigures> {
        self.inner.pool()
    }

    fn stats(&self) -> StoreFuture<'_, StoreStats> {
        self.inner.stats()
    }

    fn max_writers(&self) -> usize {
        self.inner.max_writers()
    }

    fn is_local(&self) -> bool {
        self.inner.is_local()
    }
}

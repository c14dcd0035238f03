//! A store around another that a test can hold up and make fail.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::SeqCst};

use tokio::sync::watch;
use wayfare::{
    Document, EntityName, Explanation, Id, Index, Kind, Need, Page, Query, Store, StoreError, StoreStats,
    WriteBatch, WriteResult,
};
use wayfare_graph::{ChangeFeed, Loaded, StoreFuture};

/// Calls in the order in which they came, let through by number.
#[derive(Debug)]
pub(crate) struct Turnstile {
    came: watch::Sender<u64>,
    passed: watch::Sender<u64>,
    /// Calls up to this number may pass.
    open_to: watch::Sender<u64>,
    /// So many of the next calls that pass fail.
    failures: AtomicU64,
    /// So many of the next calls that pass panic.
    panics: AtomicU64,
    /// Calls beyond this number fail, held up or not.
    sound_to: AtomicU64,
}

impl Turnstile {
    fn new() -> Self {
        Self {
            came: watch::Sender::new(0),
            passed: watch::Sender::new(0),
            open_to: watch::Sender::new(u64::MAX),
            failures: AtomicU64::new(0),
            panics: AtomicU64::new(0),
            sound_to: AtomicU64::new(u64::MAX),
        }
    }

    async fn pass(&self) -> Result<(), StoreError> {
        let mut number = 0;
        self.came.send_modify(|came| {
            *came += 1;
            number = *came;
        });
        if number > self.sound_to.load(SeqCst) {
            return Err(told_to_fail());
        }
        // The sender lives as long as the turnstile.
        let _ = self.open_to.subscribe().wait_for(|&open_to| number <= open_to).await;
        let failure = self.failures.fetch_update(SeqCst, SeqCst, |failures| failures.checked_sub(1));
        let panics = self.panics.fetch_update(SeqCst, SeqCst, |panics| panics.checked_sub(1)).is_ok();
        self.passed.send_modify(|passed| *passed += 1);
        assert!(!panics, "told to panic");
        match failure {
            Ok(_) => Err(told_to_fail()),
            Err(_) => Ok(()),
        }
    }

    /// Holds up calls that come from now on.
    pub(crate) fn close(&self) {
        self.open_to.send_replace(*self.came.borrow());
    }

    /// Lets so many of those through that are held up, or will be.
    pub(crate) fn admit(&self, calls: u64) {
        self.open_to.send_modify(|open_to| *open_to += calls);
    }

    /// Lets everything through.
    pub(crate) fn open(&self) {
        self.open_to.send_replace(u64::MAX);
    }

    /// Makes so many of the next calls fail.
    pub(crate) fn fail(&self, calls: u64) {
        self.failures.store(calls, SeqCst);
    }

    /// Makes all calls fail that come after those up to a number.
    pub(crate) fn fail_after(&self, calls: u64) {
        self.sound_to.store(calls, SeqCst);
    }

    /// Makes so many of the next calls panic.
    pub(crate) fn panic(&self, calls: u64) {
        self.panics.store(calls, SeqCst);
    }

    /// Waits until so many calls have been let through.
    pub(crate) async fn wait_for_passed(&self, calls: u64) {
        let _ = super::stage::within(self.passed.subscribe().wait_for(|&passed| passed >= calls)).await;
    }

    /// How many calls have come.
    pub(crate) fn came(&self) -> u64 {
        *self.came.borrow()
    }

    /// Waits until so many calls have come, the first ones included.
    pub(crate) async fn wait_for(&self, calls: u64) {
        let _ = super::stage::within(self.came.subscribe().wait_for(|&came| came >= calls)).await;
    }
}

fn told_to_fail() -> StoreError {
    StoreError::Io { path: "trick".into(), source: "told to fail".into() }
}

fn away(why: &str) -> StoreError {
    StoreError::Unreachable { url: "trick".into(), source: why.into() }
}

/// The store.
#[derive(Debug)]
pub(crate) struct TrickStore {
    inner: Arc<dyn Store>,
    /// Passed before anything is written.
    pub(crate) applies: Turnstile,
    /// Passed after it is written, before anybody hears of it.
    pub(crate) answers: Turnstile,
    /// Passed after the data has been read, so that what is held up grows old.
    pub(crate) loads: Turnstile,
    /// Passed before anything is scanned.
    pub(crate) scans: Turnstile,
    /// So many of the next commits are done, and nobody hears of it.
    pub(crate) lost_answers: AtomicU64,
    /// So many times a feed of changes cannot be opened, as if its server were away.
    pub(crate) away_for_feeds: AtomicU64,
    /// What [`Store::is_local`] says.
    pub(crate) local: AtomicBool,
    /// What [`Store::max_writers`] says.
    writers: usize,
}

impl TrickStore {
    pub(crate) fn new(inner: Arc<dyn Store>, writers: usize) -> Self {
        let local = AtomicBool::new(inner.is_local());
        Self {
            inner,
            applies: Turnstile::new(),
            answers: Turnstile::new(),
            loads: Turnstile::new(),
            scans: Turnstile::new(),
            lost_answers: AtomicU64::new(0),
            away_for_feeds: AtomicU64::new(0),
            local,
            writers,
        }
    }
}

impl Store for TrickStore {
    fn describe(&self) -> String {
        self.inner.describe()
    }

    fn get_many<'a>(&'a self, ids: &'a [Id]) -> StoreFuture<'a, Vec<Option<Document>>> {
        self.inner.get_many(ids)
    }

    fn load<'a>(&'a self, ids: &'a [Id], need: Need) -> StoreFuture<'a, Loaded> {
        Box::pin(async move {
            let loaded = self.inner.load(ids, need).await;
            self.loads.pass().await?;
            loaded
        })
    }

    fn find<'a>(&'a self, query: &'a Query) -> StoreFuture<'a, Vec<Document>> {
        self.inner.find(query)
    }

    fn count<'a>(&'a self, query: &'a Query) -> StoreFuture<'a, u64> {
        self.inner.count(query)
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
        Box::pin(async move {
            self.scans.pass().await?;
            self.inner.scan(kind, entity, after, limit).await
        })
    }

    fn apply<'a>(&'a self, batches: &'a [WriteBatch]) -> StoreFuture<'a, Vec<Vec<WriteResult>>> {
        Box::pin(async move {
            self.applies.pass().await?;
            let applied = self.inner.apply(batches).await?;
            self.answers.pass().await?;
            match self.lost_answers.fetch_update(SeqCst, SeqCst, |lost| lost.checked_sub(1)) {
                Ok(_) => Err(away("its answer was lost")),
                Err(_) => Ok(applied),
            }
        })
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

    fn changes(&self) -> StoreFuture<'_, Option<Box<dyn ChangeFeed>>> {
        Box::pin(async {
            match self.away_for_feeds.fetch_update(SeqCst, SeqCst, |away| away.checked_sub(1)) {
                Ok(_) => Err(away("told to be")),
                Err(_) => self.inner.changes().await,
            }
        })
    }

    fn flush(&self) -> StoreFuture<'_, ()> {
        self.inner.flush()
    }

    fn stats(&self) -> StoreFuture<'_, StoreStats> {
        self.inner.stats()
    }

    fn is_local(&self) -> bool {
        self.local.load(SeqCst)
    }

    fn max_writers(&self) -> usize {
        self.writers
    }
}

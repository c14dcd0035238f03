//! The store as a runtime sees it: every call is timed, traced where its caller is, and told of where it is slow.

mod slow;

use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::{Duration, Instant};

use serde_json::Value;
use tracing::Instrument;
use wayfare_graph::{
    ChangeFeed, Document, EntityName, Explanation, Finding, Id, Index, IndexProgress, Kind, Loaded, Need,
    Page, PoolFigures, Query, Store, StoreError, StoreFuture, StoreStats, VersionsPage, WriteBatch,
    WriteResult,
};

use crate::metrics::{Metrics, StoreCall};
use crate::trace;

/// The store.
pub(crate) struct ObservedStore {
    inner: Arc<dyn Store>,
    metrics: Arc<Metrics>,
    /// Milliseconds from the start to the last plan that was asked for a slow query.
    last_plan_ms: AtomicU64,
    started: Instant,
}

impl ObservedStore {
    /// Puts itself around a store, unless nothing is to be observed.
    pub(crate) fn around(inner: Arc<dyn Store>, metrics: &Arc<Metrics>) -> Arc<dyn Store> {
        if metrics.settings.is_off() {
            return inner;
        }
        let metrics = Arc::clone(metrics);
        Arc::new(Self { inner, metrics, last_plan_ms: AtomicU64::new(0), started: Instant::now() })
    }

    /// Times a call, within a span of its own where the caller has one.
    fn call<'a, T: 'a>(&'a self, call: StoreCall, answer: StoreFuture<'a, T>) -> StoreFuture<'a, T> {
        let span = trace::child(|| tracing::info_span!("store", call = call.name()));
        Box::pin(self.timed(call, answer, |_, _| {}).instrument(span))
    }

    /// Times an answer and tells how long it took.
    async fn timed<T>(
        &self,
        call: StoreCall,
        answer: StoreFuture<'_, T>,
        then: impl FnOnce(&Result<T, StoreError>, Duration),
    ) -> Result<T, StoreError> {
        let began = Instant::now();
        let answered = answer.await;
        let time = began.elapsed();
        self.metrics.stored(call, time, answered.is_err());
        then(&answered, time);
        answered
    }

    /// The same for a query, which is told of where it is slow.
    fn query<'a, T: Send + 'a>(
        &'a self,
        call: StoreCall,
        query: &'a Query,
        answer: StoreFuture<'a, T>,
    ) -> StoreFuture<'a, T> {
        let span = trace::child(|| tracing::info_span!("store", call = call.name()));
        let observed = async move {
            let mut took = Duration::ZERO;
            let answered = self.timed(call, answer, |_, time| took = time).await;
            if self.is_slow_query(took) {
                self.tell_slow_query(call, query, took).await;
            }
            answered
        };
        Box::pin(observed.instrument(span))
    }
}

impl std::fmt::Debug for ObservedStore {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // Nobody is to see that something is around it.
        self.inner.fmt(f)
    }
}

impl Store for ObservedStore {
    fn describe(&self) -> String {
        self.inner.describe()
    }

    fn get_many<'a>(&'a self, ids: &'a [Id]) -> StoreFuture<'a, Vec<Option<Document>>> {
        self.call(StoreCall::GetMany, self.inner.get_many(ids))
    }

    fn load<'a>(&'a self, ids: &'a [Id], need: Need) -> StoreFuture<'a, Loaded> {
        self.call(StoreCall::Load, self.inner.load(ids, need))
    }

    fn find<'a>(&'a self, query: &'a Query) -> StoreFuture<'a, Vec<Document>> {
        self.query(StoreCall::Find, query, self.inner.find(query))
    }

    fn count<'a>(&'a self, query: &'a Query) -> StoreFuture<'a, u64> {
        self.query(StoreCall::Count, query, self.inner.count(query))
    }

    fn explain<'a>(&'a self, query: &'a Query) -> StoreFuture<'a, Explanation> {
        self.call(StoreCall::Other, self.inner.explain(query))
    }

    fn scan<'a>(
        &'a self,
        kind: Kind,
        entity: Option<EntityName>,
        after: Option<&'a Id>,
        limit: usize,
    ) -> StoreFuture<'a, Page> {
        self.call(StoreCall::Scan, self.inner.scan(kind, entity, after, limit))
    }

    fn apply<'a>(&'a self, batches: &'a [WriteBatch]) -> StoreFuture<'a, Vec<Vec<WriteResult>>> {
        let writes: usize = batches.iter().map(|batch| batch.writes.len()).sum();
        let answer = self.inner.apply(batches);
        let span = trace::child(|| tracing::info_span!("store", call = StoreCall::Apply.name()));
        let committed = move |answered: &Result<Vec<Vec<WriteResult>>, StoreError>, time: Duration| {
            let results = answered.as_ref().ok().map(Vec::as_slice);
            if writes > 0 {
                self.metrics.committed(writes as u64, time, results);
                self.tell_slow_commit(batches.len(), writes, time);
            }
        };
        Box::pin(self.timed(StoreCall::Apply, answer, committed).instrument(span))
    }

    fn distinct<'a>(&'a self, query: &'a Query, path: &'a str) -> StoreFuture<'a, Vec<Value>> {
        self.query(StoreCall::Distinct, query, self.inner.distinct(query, path))
    }

    fn create_index<'a>(&'a self, index: &'a Index) -> StoreFuture<'a, ()> {
        self.call(StoreCall::Other, self.inner.create_index(index))
    }

    fn drop_index<'a>(&'a self, kind: Kind, entity: EntityName, name: &'a str) -> StoreFuture<'a, bool> {
        self.call(StoreCall::Other, self.inner.drop_index(kind, entity, name))
    }

    fn rename_index<'a>(
        &'a self,
        kind: Kind,
        entity: EntityName,
        from: &'a str,
        to: &'a str,
    ) -> StoreFuture<'a, bool> {
        self.call(StoreCall::Other, self.inner.rename_index(kind, entity, from, to))
    }

    fn index_progress(&self) -> StoreFuture<'_, Vec<IndexProgress>> {
        self.call(StoreCall::Other, self.inner.index_progress())
    }

    fn add_versions<'a>(
        &'a self,
        kind: Kind,
        after: Option<&'a Id>,
        limit: usize,
    ) -> StoreFuture<'a, VersionsPage> {
        self.call(StoreCall::Other, self.inner.add_versions(kind, after, limit))
    }

    fn check_up(&self, repair: bool) -> StoreFuture<'_, Vec<Finding>> {
        self.call(StoreCall::Other, self.inner.check_up(repair))
    }

    fn changes(&self) -> StoreFuture<'_, Option<Box<dyn ChangeFeed>>> {
        self.inner.changes()
    }

    fn flush(&self) -> StoreFuture<'_, ()> {
        self.call(StoreCall::Other, self.inner.flush())
    }

    fn health(&self) -> StoreFuture<'_, ()> {
        self.call(StoreCall::Other, self.inner.health())
    }

    fn pool(&self) -> Option<PoolFigures> {
        self.inner.pool()
    }

    fn stats(&self) -> StoreFuture<'_, StoreStats> {
        self.call(StoreCall::Other, self.inner.stats())
    }

    fn max_writers(&self) -> usize {
        self.inner.max_writers()
    }

    fn is_local(&self) -> bool {
        self.inner.is_local()
    }
}

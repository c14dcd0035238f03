//! What a handle passes on to the store: queries, indexes, and how it is.

use serde_json::Value;
use tokio::task::JoinHandle;
use wayfare_graph::{
    Document, EntityName, Explanation, Id, Index, IndexProgress, Kind, Loaded, Need, Page, PoolFigures,
    Query, StoreError, StoreStats,
};

use super::RuntimeHandle;

impl RuntimeHandle {
    /// The documents that a query asks for.
    ///
    /// # Errors
    /// What the store says.
    pub async fn find(&self, query: Query) -> Result<Vec<Document>, StoreError> {
        self.inner.core.find(query).await
    }

    /// How many documents satisfy a query.
    ///
    /// # Errors
    /// What the store says.
    pub async fn count(&self, query: Query) -> Result<u64, StoreError> {
        self.inner.core.count(query).await
    }

    /// How the store would find the documents of a query now.
    ///
    /// # Errors
    /// What the store says.
    pub async fn explain(&self, query: Query) -> Result<Explanation, StoreError> {
        self.inner.core.explain(query).await
    }

    /// A page of documents in the order of the store.
    ///
    /// # Errors
    /// What the store says.
    pub async fn scan(
        &self,
        kind: Kind,
        entity: Option<EntityName>,
        after: Option<Id>,
        limit: usize,
    ) -> Result<Page, StoreError> {
        self.inner.core.scan(kind, entity, after, limit).await
    }

    /// What the store holds.
    ///
    /// # Errors
    /// What the store says.
    pub async fn stats(&self) -> Result<StoreStats, StoreError> {
        self.inner.core.stats().await
    }

    /// The different values at a path of the documents that a query asks for.
    ///
    /// # Errors
    /// What the store says.
    pub async fn distinct(&self, query: Query, path: String) -> Result<Vec<Value>, StoreError> {
        self.inner.core.distinct(query, path).await
    }

    /// Nodes with their neighbours, as they are in the store.
    ///
    /// # Errors
    /// What the store says.
    pub async fn load(&self, ids: Vec<Id>, need: Need) -> Result<Loaded, StoreError> {
        self.inner.core.load(ids, need).await
    }

    /// Begins to make an index on a thread of the runtime; it is made whether or not the task is awaited.
    ///
    /// # Errors
    /// [`StoreError::Stopped`]; the task gives what the store says.
    pub fn create_index(&self, index: Index) -> Result<JoinHandle<Result<(), StoreError>>, StoreError> {
        self.inner.core.create_index(index)
    }

    /// Removes an index by its name; `false` when there is none.
    ///
    /// # Errors
    /// What the store says.
    pub async fn drop_index(&self, kind: Kind, entity: EntityName, name: String) -> Result<bool, StoreError> {
        self.inner.core.drop_index(kind, entity, name).await
    }

    /// Gives an index another name; `false` when there is none.
    ///
    /// # Errors
    /// What the store says.
    pub async fn rename_index(
        &self,
        kind: Kind,
        entity: EntityName,
        from: String,
        to: String,
    ) -> Result<bool, StoreError> {
        self.inner.core.rename_index(kind, entity, from, to).await
    }

    /// The indexes that are being built now.
    ///
    /// # Errors
    /// What the store says.
    pub async fn index_progress(&self) -> Result<Vec<IndexProgress>, StoreError> {
        self.inner.core.index_progress().await
    }

    /// Waits until everything written so far is durable, and where others read it.
    ///
    /// # Errors
    /// What the store says.
    pub async fn flush(&self) -> Result<(), StoreError> {
        self.inner.core.flush().await
    }

    /// Asks the store for a sign of life.
    ///
    /// # Errors
    /// What the store says.
    pub async fn health(&self) -> Result<(), StoreError> {
        self.inner.core.health().await
    }

    /// The store's pool of connections, `None` where it has none.
    #[must_use]
    pub fn pool(&self) -> Option<PoolFigures> {
        self.inner.core.pool()
    }
}

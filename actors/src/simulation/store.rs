//! The store of a simulation: every call waits until the scheduler lets it on, and may fail then.

use std::sync::Arc;

use parking_lot::Mutex;
use wayfare_graph::{
    Document, EntityName, Explanation, Id, Index, Kind, Loaded, Need, Page, Query, Store, StoreError,
    StoreFuture, StoreStats, WriteBatch, WriteResult,
};

use super::disk::Disk;
use super::model::Model;
use super::scheduler::{Call, Fate, Scheduler};

/// What outlives a process.
#[derive(Debug, Default)]
pub(super) struct World {
    pub(super) disk: Disk,
    pub(super) model: Model,
}

/// The store.
pub(super) struct SimulatedStore {
    pub(super) world: Arc<Mutex<World>>,
    pub(super) scheduler: Arc<Scheduler>,
    /// Reads are done in place, at once.
    pub(super) is_local: bool,
    pub(super) max_writers: usize,
}

impl std::fmt::Debug for SimulatedStore {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SimulatedStore")
    }
}

impl SimulatedStore {
    /// Waits for its turn, and fails if it is to.
    async fn turn(&self, call: Call, what: &[Id]) -> Result<(), StoreError> {
        let what = format!("{what:?}");
        match self.scheduler.turn(call, what).await {
            Fate::Well => Ok(()),
            Fate::Away => Err(StoreError::Unreachable { url: self.describe(), source: "simulated".into() }),
            Fate::Broken => Err(StoreError::Io { path: self.describe(), source: "simulated".into() }),
        }
    }

    /// Reads something, at a moment between the question and the answer.
    async fn read<T>(&self, ids: &[Id], look: impl FnOnce(&Disk) -> T) -> Result<T, StoreError> {
        if self.is_local {
            return Ok(look(&self.world.lock().disk));
        }
        self.turn(Call::Read, ids).await?;
        let found = look(&self.world.lock().disk);
        self.turn(Call::Answer, ids).await?;
        Ok(found)
    }
}

impl Store for SimulatedStore {
    fn describe(&self) -> String {
        "simulated:".into()
    }

    fn get_many<'a>(&'a self, ids: &'a [Id]) -> StoreFuture<'a, Vec<Option<Document>>> {
        Box::pin(self.read(ids, |disk| ids.iter().map(|id| disk.get(id).cloned()).collect()))
    }

    fn load<'a>(&'a self, ids: &'a [Id], need: Need) -> StoreFuture<'a, Loaded> {
        Box::pin(self.read(ids, move |disk| disk.load(ids, need)))
    }

    fn apply<'a>(&'a self, batches: &'a [WriteBatch]) -> StoreFuture<'a, Vec<Vec<WriteResult>>> {
        Box::pin(async move {
            self.turn(Call::Commit, &[]).await?;
            let results = {
                let mut world = self.world.lock();
                let (results, effects) = world.disk.apply(batches);
                world.model.committed(effects);
                results
            };
            self.turn(Call::Acknowledge, &[]).await?;
            Ok(results)
        })
    }

    fn is_local(&self) -> bool {
        self.is_local
    }

    fn max_writers(&self) -> usize {
        self.max_writers
    }

    fn find<'a>(&'a self, _: &'a Query) -> StoreFuture<'a, Vec<Document>> {
        unasked()
    }

    fn count<'a>(&'a self, _: &'a Query) -> StoreFuture<'a, u64> {
        unasked()
    }

    fn explain<'a>(&'a self, _: &'a Query) -> StoreFuture<'a, Explanation> {
        unasked()
    }

    fn scan<'a>(
        &'a self,
        _: Kind,
        _: Option<EntityName>,
        _: Option<&'a Id>,
        _: usize,
    ) -> StoreFuture<'a, Page> {
        unasked()
    }

    fn create_index<'a>(&'a self, _: &'a Index) -> StoreFuture<'a, ()> {
        unasked()
    }

    fn drop_index<'a>(&'a self, _: Kind, _: EntityName, _: &'a str) -> StoreFuture<'a, bool> {
        unasked()
    }

    fn rename_index<'a>(&'a self, _: Kind, _: EntityName, _: &'a str, _: &'a str) -> StoreFuture<'a, bool> {
        unasked()
    }

    fn stats(&self) -> StoreFuture<'_, StoreStats> {
        unasked()
    }
}

/// What nothing in the protocol between actors asks of a store.
fn unasked<'a, T: 'a>() -> StoreFuture<'a, T> {
    let error = StoreError::Unsupported { store: "simulated:".into(), what: "do this".into() };
    Box::pin(async move { Err(error) })
}

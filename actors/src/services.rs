//! What the runtime does for walks.

use std::future::poll_fn;
use std::sync::Arc;
use std::time::Instant;

use futures_util::FutureExt;
use tracing::{Instrument, Span};
use wayfare_graph::{
    ChildOutcome, Document, EntityName, ErasedWalker, EventSource, Id, Kind, Need, Neighbours, Published,
    ResultCache, SharedRecord, SideWork, Slot, StoreError, StoreFuture, WalkError, WalkServices, WriteBatch,
    WriteResult,
};

use crate::core::Core;
use crate::messages::Found;
use crate::spawn::spawn_child;
use crate::tasks;
use crate::worker::Beside;

impl WalkServices for Core {
    fn id_of(&self, slot: Slot) -> Option<Id> {
        self.directory.id_of(slot).cloned()
    }

    fn slot_of(&self, id: &Id) -> Slot {
        self.directory.slot_of(id)
    }

    fn resident(&self, slot: Slot) -> Option<SharedRecord> {
        Core::resident(self, slot)
    }

    fn load(&self, slot: Slot, need: Need) -> StoreFuture<'_, Option<SharedRecord>> {
        Box::pin(async move {
            match self.node(slot, need).await? {
                Found::Record(record) => Ok(Some(record)),
                Found::Missing => Ok(None),
            }
        })
    }

    fn new_id(&self, kind: Kind, entity: EntityName) -> Id {
        self.keys.next_id(kind, entity)
    }

    fn documents<'a>(&'a self, ids: &'a [Id]) -> StoreFuture<'a, Vec<Option<Document>>> {
        Box::pin(self.get_many(ids))
    }

    fn newest<'a>(&'a self, ids: &'a [Id]) -> StoreFuture<'a, Vec<Option<Document>>> {
        Box::pin(self.newest_many(ids))
    }

    fn settled(&self) -> StoreFuture<'_, ()> {
        Box::pin(self.settle())
    }

    fn neighbours<'a>(&'a self, of: &'a Neighbours) -> StoreFuture<'a, Vec<Slot>> {
        Box::pin(async move {
            let need = Need::DOCUMENT.links(of.direction());
            let mut slots = Vec::new();
            if let Found::Record(record) = self.node(of.origin(), need).await?
                && let Some(links) = record.head.links(of.direction())
            {
                of.resolve(links, |run| slots.extend(run.iter().map(|&slot| Slot(slot))));
            }
            Ok(slots)
        })
    }

    fn apply(&self, batch: WriteBatch) -> StoreFuture<'_, Vec<WriteResult>> {
        Box::pin(async move {
            // On a task of its own: what it touches is refreshed even if the walk is cancelled meanwhile.
            let core = self.shared().ok_or(StoreError::Stopped)?;
            let runtime = core.runtime.get().cloned().ok_or(StoreError::Stopped)?;
            let applied = async move { Core::apply(&core, batch).await }.instrument(Span::current());
            let applied = tasks::spawn_on(&runtime, "writes of a walk", applied);
            applied.await.unwrap_or(Err(StoreError::Stopped))
        })
    }

    fn now(&self) -> Instant {
        // Stands still in a simulation; elsewhere it is that of the system.
        tokio::time::Instant::now().into_std()
    }

    fn cache(&self) -> &dyn ResultCache {
        &*self.cache
    }

    fn publish(&self, event: Published) -> usize {
        self.events.publish(event)
    }

    fn subscribe(&self, name: &'static str) -> Box<dyn EventSource> {
        self.events.subscribe(name)
    }

    fn set_paused(&self, walk: u64, paused: bool) -> bool {
        Core::set_paused(self, walk, paused)
    }

    fn spawn_child(
        &self,
        parent: u64,
        walker: Box<dyn ErasedWalker>,
        at: Id,
    ) -> Result<(u64, ChildOutcome), WalkError> {
        let core = self.shared().ok_or(WalkError::Stopped)?;
        let (number, outcome) = spawn_child(&core, parent, walker, at)?;
        Ok((number, outcome.map(|outcome| outcome.unwrap_or(Err(WalkError::Stopped))).boxed()))
    }

    fn run_beside(&self, walk: u64, n: usize, mut work: SideWork) {
        let shared = self.walks.get(walk);
        if shared.as_ref().is_some_and(|shared| shared.is_apart()) {
            // Where there is no thread the work is dropped; its batch, which has one, makes the visits alone.
            let _ = self.blocking.run_beside(work);
            return;
        }
        let own = shared.map_or(0, |walk| walk.worker());
        let workers = self.workers.read();
        let place = workers.iter().position(|worker| worker.number == own).unwrap_or(0);
        let Some(worker) = workers.get((place + n) % workers.len().max(1)) else { return };
        let vitals = Arc::clone(&worker.vitals);
        let beside = Beside::begin(&vitals);
        // If that thread has ended, the work is dropped, and whoever waits for it is told so.
        worker.thread.spawn(poll_fn(move |cx| {
            // Kept until the work is done or dropped.
            let _ = &beside;
            vitals.beat();
            vitals.enter(walk);
            let polled = work.as_mut().poll(cx);
            vitals.leave();
            polled
        }));
    }
}

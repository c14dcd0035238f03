//! A stage for hooks without a runtime: records to visit, a walk that leads nowhere, a poll.

use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use wayfare::__private::serde_json::Value;
use wayfare::__private::{
    Body, ChildOutcome, Document, EntityName, ErasedWalker, EventSource, Frontier, Id, Key, Kind, Limits,
    Need, Neighbours, Order, Published, SharedRecord, SideWork, Slot, StoreFuture, Unique, Visited, Walk,
    WalkError, WalkOptions, WalkServices, WalkSetup, WriteBatch, WriteResult, record_of,
};

struct NoServices;

impl WalkServices for NoServices {
    fn id_of(&self, _slot: Slot) -> Option<Id> {
        None
    }

    fn slot_of(&self, _id: &Id) -> Slot {
        Slot(0)
    }

    fn resident(&self, _slot: Slot) -> Option<SharedRecord> {
        None
    }

    fn load(&self, _slot: Slot, _need: Need) -> StoreFuture<'_, Option<SharedRecord>> {
        Box::pin(async { Ok(None) })
    }

    fn new_id(&self, kind: Kind, entity: EntityName) -> Id {
        Id::new(kind, entity, &Key::new("new").unwrap())
    }

    fn documents<'a>(&'a self, ids: &'a [Id]) -> StoreFuture<'a, Vec<Option<Document>>> {
        Box::pin(async move { Ok(vec![None; ids.len()]) })
    }

    fn newest<'a>(&'a self, ids: &'a [Id]) -> StoreFuture<'a, Vec<Option<Document>>> {
        self.documents(ids)
    }

    fn settled(&self) -> StoreFuture<'_, ()> {
        Box::pin(async { Ok(()) })
    }

    fn neighbours<'a>(&'a self, _of: &'a Neighbours) -> StoreFuture<'a, Vec<Slot>> {
        Box::pin(async { Ok(Vec::new()) })
    }

    fn apply(&self, _batch: WriteBatch) -> StoreFuture<'_, Vec<WriteResult>> {
        Box::pin(async { Ok(Vec::new()) })
    }

    fn cache(&self) -> &dyn wayfare::__private::ResultCache {
        unimplemented!("nothing is kept here")
    }

    fn publish(&self, _event: Published) -> usize {
        0
    }

    fn subscribe(&self, _name: &'static str) -> Box<dyn EventSource> {
        unimplemented!("nothing is published here")
    }

    fn set_paused(&self, _walk: u64, _paused: bool) -> bool {
        false
    }

    fn spawn_child(
        &self,
        _parent: u64,
        _walker: Box<dyn ErasedWalker>,
        _at: Id,
    ) -> Result<(u64, ChildOutcome), WalkError> {
        Err(WalkError::Stopped)
    }

    fn run_beside(&self, _walk: u64, _n: usize, _work: SideWork) {}
}

pub(crate) fn walk() -> Walk {
    Walk::new(WalkSetup {
        walker: "Stage",
        number: 1,
        services: Arc::new(NoServices),
        frontier: Frontier::new(Order::BreadthFirst, Unique::Node),
        options: &WalkOptions::default(),
        limits: &Limits::default(),
        listened: false,
    })
}

pub(crate) fn visited(entity: &str, key: &str, fields: Value) -> Visited {
    let document = Document::new(Id::node(entity, key).unwrap(), Body::encode(&fields).unwrap());
    Visited::new(Slot(1), record_of(document))
}

/// Polls until ready: the futures here wake nobody.
pub(crate) fn finish<F: Future>(future: F) -> F::Output {
    let mut future = pin!(future);
    loop {
        if let Poll::Ready(output) = future.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            return output;
        }
    }
}

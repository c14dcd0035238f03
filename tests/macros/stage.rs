//! A stage for hooks without a runtime: records to visit, a walk that leads nowhere, a poll.

use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use wayfare::__private::serde_json::Value;
use wayfare::__private::{
    Body, Document, Id, Neighbours, Slot, StoreFuture, Visited, Walk, WalkServices, record_of,
};

struct NoServices;

impl WalkServices for NoServices {
    fn id_of(&self, _slot: Slot) -> Option<Id> {
        None
    }

    fn slot_of(&self, _id: &Id) -> Slot {
        Slot(0)
    }

    fn documents<'a>(&'a self, ids: &'a [Id]) -> StoreFuture<'a, Vec<Option<Document>>> {
        Box::pin(async move { Ok(vec![None; ids.len()]) })
    }

    fn neighbours<'a>(&'a self, _of: &'a Neighbours) -> StoreFuture<'a, Vec<Slot>> {
        Box::pin(async { Ok(Vec::new()) })
    }
}

pub fn walk() -> Walk {
    Walk::new("Stage", Arc::new(NoServices), 1_000_000, false)
}

pub fn visited(entity: &str, key: &str, fields: Value) -> Visited {
    let document = Document::new(Id::node(entity, key).unwrap(), Body::encode(&fields).unwrap());
    Visited { slot: Slot(1), record: record_of(document) }
}

/// Polls until ready: the futures here wake nobody.
pub fn finish<F: Future>(future: F) -> F::Output {
    let mut future = pin!(future);
    loop {
        if let Poll::Ready(output) = future.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            return output;
        }
    }
}

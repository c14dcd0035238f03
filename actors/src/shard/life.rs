//! The life of a shard: a panic anywhere in its work ends all of it, at once and for good.
//!
//! What a shard has published is taken back and its seat is left before anything else happens, and none of its tasks
//! goes on. So nothing that was half done is seen, and the next shard of this partition is alone.

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::rc::Rc;
use std::sync::{Arc, Weak};
use std::task::Poll;

use crate::core::Core;
use crate::messages::Bury;
use crate::panic_text::panic_text;
#[cfg(test)]
use crate::simulation;
use crate::slab::Slab;
use crate::supervision::ActorEnd;
use crate::tasks;

/// Shared by a shard and its tasks.
#[derive(Clone)]
pub(crate) struct Life(Rc<Inner>);

struct Inner {
    index: usize,
    core: Weak<Core>,
    slab: Arc<Slab>,
    has_ended: Cell<bool>,
}

impl Life {
    pub(super) fn new(index: usize, core: Weak<Core>, slab: Arc<Slab>) -> Self {
        Self(Rc::new(Inner { index, core, slab, has_ended: Cell::new(false) }))
    }

    pub(super) fn has_ended(&self) -> bool {
        self.0.has_ended.get()
    }

    /// Does a part of the shard's work; `None` when it has ended, before or by this.
    pub(super) fn within<T>(&self, work: impl FnOnce() -> T) -> Option<T> {
        if self.has_ended() {
            return None;
        }
        // What is half done when it panics is never looked at again.
        match catch_unwind(AssertUnwindSafe(|| {
            #[cfg(test)]
            simulation::panic_if_due();
            let done = work();
            #[cfg(test)]
            simulation::panic_if_due();
            done
        })) {
            Ok(done) => Some(done),
            Err(panic) => {
                self.end(panic_text(&*panic));
                None
            }
        }
    }

    /// The same for what waits in between. It is not asked how far it is once the shard has ended.
    pub(super) async fn while_alive<T>(&self, work: impl Future<Output = T>) -> Option<T> {
        let mut work = pin!(work);
        std::future::poll_fn(|cx| match self.within(|| work.as_mut().poll(cx)) {
            Some(Poll::Pending) => Poll::Pending,
            Some(Poll::Ready(done)) => Poll::Ready(Some(done)),
            None => Poll::Ready(None),
        })
        .await
    }

    /// Does it as a task of this thread. `what` tells a reader of a simulation's trace what it is.
    pub(super) fn spawn(&self, what: &'static str, work: impl Future<Output = ()> + 'static) {
        let life = self.clone();
        tasks::spawn_local(what, async move {
            life.while_alive(work).await;
        });
    }

    fn end(&self, message: String) {
        self.0.has_ended.set(true);
        self.0.slab.clear();
        let Some(core) = self.0.core.upgrade() else { return };
        if let Some(address) = core.shards.leave(self.0.index, ActorEnd::Panicked { message }) {
            // A mailbox that is full makes it look as well.
            let _ = address.try_send(Bury);
            core.supervision.news.notify_one();
        }
    }
}

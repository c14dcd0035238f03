//! The children of a walk: none of them outlives it.

use std::sync::atomic::{AtomicBool, Ordering, fence};
use std::sync::{Arc, OnceLock, Weak};

use parking_lot::Mutex;
use tokio::sync::Notify;
use wayfare_graph::WalkError;

use crate::walk_shared::{Wake, WalkShared};

/// The children of one walk that are alive. Most walks have none, and no room for any.
#[derive(Default)]
pub(crate) struct Children {
    /// Whether the parent has ended: further children end at once. Read and set under the lock of the family
    /// where there is one.
    closed: AtomicBool,
    family: OnceLock<Box<Family>>,
}

#[derive(Default)]
struct Family {
    state: Mutex<State>,
    progress: Notify,
}

#[derive(Default)]
struct State {
    alive: Vec<(u64, Weak<WalkShared>)>,
    /// The first that failed and whose handle nobody held.
    failed: Option<WalkError>,
}

impl Children {
    /// Counts a child; `false` when its parent has ended.
    pub(crate) fn add(&self, child: &Arc<WalkShared>) -> bool {
        let mut state = self.family.get_or_init(Box::default).state.lock();
        // With the fence in `cancel`: of a first child and an end at the same time, one sees the other.
        fence(Ordering::SeqCst);
        let closed = self.closed.load(Ordering::SeqCst);
        if !closed {
            state.alive.push((child.id, Arc::downgrade(child)));
        }
        !closed
    }

    /// Notes the end of a child, and its error if nobody heard of it.
    pub(crate) fn ended(&self, child: u64, unheard: Option<WalkError>) {
        let Some(family) = self.family.get() else { return };
        let mut state = family.state.lock();
        state.alive.retain(|(id, _)| *id != child);
        if let Some(error) = unheard
            && !self.closed.load(Ordering::SeqCst)
        {
            state.failed.get_or_insert(WalkError::ChildFailed { child, source: Box::new(error) });
        }
        drop(state);
        family.progress.notify_waiters();
    }

    /// Cancels all of them, and those that come after.
    pub(crate) fn cancel(&self) {
        self.closed.store(true, Ordering::SeqCst);
        fence(Ordering::SeqCst);
        let Some(family) = self.family.get() else { return };
        let alive: Vec<_> =
            family.state.lock().alive.iter().filter_map(|(_, child)| child.upgrade()).collect();
        for child in alive {
            child.cancel();
            child.wake(Wake::Cancel);
        }
    }

    /// Allows children again, of a walk that goes on from its last checkpoint.
    pub(crate) fn reopen(&self) {
        self.closed.store(false, Ordering::SeqCst);
        if let Some(family) = self.family.get() {
            *family.state.lock() = State::default();
        }
    }

    pub(crate) fn alive(&self) -> usize {
        self.family.get().map_or(0, |family| family.state.lock().alive.len())
    }

    /// The error of a child that nobody has heard of.
    pub(crate) fn failure(&self) -> Option<WalkError> {
        self.family.get()?.state.lock().failed.clone()
    }

    /// Waits until none is alive, or one has failed.
    pub(crate) async fn joined(&self) {
        self.wait(|state, closed| state.alive.is_empty() || (state.failed.is_some() && !closed)).await;
    }

    /// Waits until none is alive.
    pub(crate) async fn gone(&self) {
        self.wait(|state, _| state.alive.is_empty()).await;
    }

    async fn wait(&self, until: impl Fn(&State, bool) -> bool) {
        let Some(family) = self.family.get() else { return };
        loop {
            let progress = family.progress.notified();
            tokio::pin!(progress);
            // Registered before the test, so that an end between test and wait is not missed.
            progress.as_mut().enable();
            if until(&family.state.lock(), self.closed.load(Ordering::SeqCst)) {
                return;
            }
            progress.await;
        }
    }
}

//! The children of a walk: none of them outlives it.

use std::sync::{Arc, Weak};

use parking_lot::Mutex;
use tokio::sync::Notify;
use wayfare_graph::WalkError;

use crate::walk_shared::{Wake, WalkShared};

/// The children of one walk that are alive.
#[derive(Default)]
pub(crate) struct Children {
    state: Mutex<State>,
    progress: Notify,
}

#[derive(Default)]
struct State {
    alive: Vec<(u64, Weak<WalkShared>)>,
    /// The first that failed and whose handle nobody held.
    failed: Option<WalkError>,
    /// Whether the parent has ended: further children end at once.
    closed: bool,
}

impl Children {
    /// Counts a child; `false` when its parent has ended.
    pub(crate) fn add(&self, child: &Arc<WalkShared>) -> bool {
        let mut state = self.state.lock();
        if !state.closed {
            state.alive.push((child.id, Arc::downgrade(child)));
        }
        !state.closed
    }

    /// Notes the end of a child, and its error if nobody heard of it.
    pub(crate) fn ended(&self, child: u64, unheard: Option<WalkError>) {
        let mut state = self.state.lock();
        state.alive.retain(|(id, _)| *id != child);
        if let Some(error) = unheard
            && !state.closed
        {
            state.failed.get_or_insert(WalkError::ChildFailed { child, source: Box::new(error) });
        }
        drop(state);
        self.progress.notify_waiters();
    }

    /// Cancels all of them, and those that come after.
    pub(crate) fn cancel(&self) {
        let mut state = self.state.lock();
        state.closed = true;
        let alive: Vec<_> = state.alive.iter().filter_map(|(_, child)| child.upgrade()).collect();
        drop(state);
        for child in alive {
            child.cancel();
            child.wake(Wake::Cancel);
        }
    }

    /// Allows children again, of a walk that goes on from its last checkpoint.
    pub(crate) fn reopen(&self) {
        *self.state.lock() = State::default();
    }

    pub(crate) fn alive(&self) -> usize {
        self.state.lock().alive.len()
    }

    /// The error of a child that nobody has heard of.
    pub(crate) fn failure(&self) -> Option<WalkError> {
        self.state.lock().failed.clone()
    }

    /// Waits until none is alive, or one has failed.
    pub(crate) async fn joined(&self) {
        self.wait(|state| state.alive.is_empty() || (state.failed.is_some() && !state.closed)).await;
    }

    /// Waits until none is alive.
    pub(crate) async fn gone(&self) {
        self.wait(|state| state.alive.is_empty()).await;
    }

    async fn wait(&self, until: impl Fn(&State) -> bool) {
        loop {
            let progress = self.progress.notified();
            tokio::pin!(progress);
            // Registered before the test, so that an end between test and wait is not missed.
            progress.as_mut().enable();
            if until(&self.state.lock()) {
                return;
            }
            progress.await;
        }
    }
}

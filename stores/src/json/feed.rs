//! Telling others of changes that were found in the files.

use std::sync::{Arc, Weak};

use parking_lot::Mutex;
use tokio::sync::Notify;
use wayfare_graph::{ChangeFeed, StoreChange, StoreError, StoreFuture};

/// Most changes that wait for a feed; beyond, it is told that anything may have changed.
const MOST_WAITING: usize = 100_000;

/// All feeds of a store.
#[derive(Debug, Default)]
pub(super) struct Feeds(Mutex<Vec<Weak<Waiting>>>);

/// The changes that one feed has not taken yet.
#[derive(Debug, Default)]
struct Waiting {
    changes: Mutex<Vec<StoreChange>>,
    arrived: Notify,
}

/// A feed of changes; it ends with its store.
#[derive(Debug)]
struct Feed(Arc<Waiting>);

impl Feeds {
    /// A feed of all changes from now on.
    pub(super) fn open(&self) -> Box<dyn ChangeFeed> {
        let waiting = Arc::new(Waiting::default());
        self.0.lock().push(Arc::downgrade(&waiting));
        Box::new(Feed(waiting))
    }

    pub(super) fn send(&self, changes: Vec<StoreChange>) {
        if changes.is_empty() {
            return;
        }
        self.0.lock().retain(|feed| {
            let Some(feed) = feed.upgrade() else { return false };
            let mut waiting = feed.changes.lock();
            waiting.extend_from_slice(&changes);
            if waiting.len() > MOST_WAITING {
                *waiting = vec![StoreChange::Anything];
            }
            drop(waiting);
            feed.arrived.notify_one();
            true
        });
    }
}

impl ChangeFeed for Feed {
    fn next(&mut self) -> StoreFuture<'_, Vec<StoreChange>> {
        Box::pin(async {
            loop {
                let changes = std::mem::take(&mut *self.0.changes.lock());
                if !changes.is_empty() {
                    return Ok::<_, StoreError>(changes);
                }
                self.0.arrived.notified().await;
            }
        })
    }
}

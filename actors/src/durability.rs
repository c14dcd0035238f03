//! How far each shard's writes have become durable.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use tokio::sync::Notify;

/// Counts, for each shard, the writes it has published and those that the store has committed.
///
/// A shard hands its writes to the writer in order and the writer commits in order, so "all that was
/// published before now" is durable when the second count has reached the first as it was.
#[derive(Debug)]
pub(crate) struct Durability {
    lanes: Box<[Lane]>,
    progress: Notify,
    closed: AtomicBool,
}

/// The runtime has stopped, and nothing more will become durable that anybody could hear of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Closed;

#[derive(Debug, Default)]
struct Lane {
    published: AtomicU64,
    settled: AtomicU64,
}

impl Durability {
    pub(crate) fn new(shards: usize) -> Self {
        let lanes = (0..shards).map(|_| Lane::default()).collect();
        Self { lanes, progress: Notify::new(), closed: AtomicBool::new(false) }
    }

    /// Counts a write. Called before its record is published.
    pub(crate) fn published(&self, shard: usize) {
        // Release pairs with the Acquire in `mark`: whoever sees a record published after this also
        // sees the count. The slab's lock orders the two as well.
        self.lanes[shard].published.fetch_add(1, Ordering::Release);
    }

    /// Counts writes that are durable, or were refused and taken back.
    pub(crate) fn settled(&self, shard: usize, writes: u64) {
        self.lanes[shard].settled.fetch_add(writes, Ordering::Release);
        self.progress.notify_waiters();
    }

    /// A shard has ended, and nothing that it has published is under way any more: it is durable or taken back.
    pub(crate) fn forget(&self, shard: usize) {
        let lane = &self.lanes[shard];
        lane.settled.store(lane.published.load(Ordering::Acquire), Ordering::Release);
        self.progress.notify_waiters();
    }

    /// The runtime stops: who waits for what the store has not answered by now waits in vain.
    pub(crate) fn close(&self) {
        // Release pairs with the Acquire in `reached`.
        self.closed.store(true, Ordering::Release);
        self.progress.notify_waiters();
    }

    /// Everything published so far.
    pub(crate) fn mark(&self) -> Mark {
        Mark(self.lanes.iter().map(|lane| lane.published.load(Ordering::Acquire)).collect())
    }

    /// Whether everything published so far is durable or taken back.
    pub(crate) fn is_settled(&self) -> bool {
        let settled =
            |lane: &Lane| lane.settled.load(Ordering::Acquire) >= lane.published.load(Ordering::Acquire);
        self.lanes.iter().all(settled)
    }

    /// Waits until everything up to a mark is durable or taken back. Which of the two it is, each record
    /// says of itself.
    ///
    /// # Errors
    /// [`Closed`] when it is neither, and nobody will tell any more.
    pub(crate) async fn reached(&self, mark: &Mark) -> Result<(), Closed> {
        loop {
            let progress = self.progress.notified();
            tokio::pin!(progress);
            // Registered before the test, so that progress between test and wait is not missed.
            progress.as_mut().enable();
            let mut lanes = self.lanes.iter().zip(&mark.0);
            if lanes.all(|(lane, published)| lane.settled.load(Ordering::Acquire) >= *published) {
                return Ok(());
            }
            if self.closed.load(Ordering::Acquire) {
                return Err(Closed);
            }
            progress.await;
        }
    }
}

/// A point in the writes of all shards.
#[derive(Debug, Clone)]
pub(crate) struct Mark(Box<[u64]>);

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;

    #[tokio::test]
    async fn a_mark_is_reached_only_when_every_shard_has_settled() {
        let durability = Arc::new(Durability::new(2));
        durability.published(0);
        durability.published(1);
        let mark = durability.mark();
        assert!(!durability.is_settled());
        let waiting = tokio::spawn({
            let durability = Arc::clone(&durability);
            async move { durability.reached(&mark).await }
        });
        durability.settled(0, 1);
        tokio::task::yield_now().await;
        assert!(!waiting.is_finished());
        durability.settled(1, 1);
        waiting.await.unwrap().unwrap();
        assert!(durability.is_settled());
    }

    #[tokio::test]
    async fn who_waits_for_what_nobody_will_tell_hears_of_the_end() {
        let durability = Arc::new(Durability::new(1));
        let before = durability.mark();
        durability.published(0);
        let mark = durability.mark();
        let waiting = tokio::spawn({
            let durability = Arc::clone(&durability);
            async move { durability.reached(&mark).await }
        });
        tokio::task::yield_now().await;
        assert!(!waiting.is_finished());
        durability.close();
        assert_eq!(waiting.await.unwrap(), Err(Closed));
        assert_eq!(durability.reached(&before).await, Ok(()));
    }
}

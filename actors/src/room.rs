//! Places in a mailbox.
//!
//! actix gives a place of its own to every clone of an address, so that its bound holds nobody back who has one. Here a
//! message takes a place before it is sent, and gives it back when its actor takes it up, or when it is lost with the
//! mailbox.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// The places in the mailbox of one actor, and of those that come after it in its seat.
#[derive(Debug, Clone)]
pub(crate) struct Room(Arc<Semaphore>);

/// A place in a mailbox.
pub(crate) type Place = OwnedSemaphorePermit;

impl Room {
    pub(crate) fn of(places: usize) -> Self {
        Self(Arc::new(Semaphore::new(places.clamp(1, Semaphore::MAX_PERMITS))))
    }

    /// A place, if one is free.
    pub(crate) fn place(&self) -> Option<Place> {
        Arc::clone(&self.0).try_acquire_owned().ok()
    }

    /// A place as soon as one is free, in the order in which it was asked for.
    pub(crate) async fn wait_for_place(&self) -> Option<Place> {
        // It is never closed: whoever waits goes on when the messages before are taken, or gone.
        Arc::clone(&self.0).acquire_owned().await.ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_place_is_free_again_when_it_is_given_back() {
        let room = Room::of(2);
        let (one, _two) = (room.place().unwrap(), room.clone().place().unwrap());
        assert!(room.place().is_none());
        let waiting = tokio::spawn({
            let room = room.clone();
            async move { room.wait_for_place().await.is_some() }
        });
        tokio::task::yield_now().await;
        assert!(!waiting.is_finished());
        drop(one);
        assert!(waiting.await.unwrap());
    }
}

//! How many messages wait for actors of a kind, and for how long.
//!
//! The mailboxes of actix do not tell, so each message that counts carries a note of when it was sent.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering::Relaxed};
use std::time::{Duration, Instant};

use super::histogram::{Bounds, Histogram};
use super::snapshot::Distribution;
use crate::room::Place;

/// The mailboxes of all actors of a kind.
#[derive(Debug)]
pub(crate) struct Mailbox {
    waiting: AtomicI64,
    wait: Histogram,
}

impl Default for Mailbox {
    fn default() -> Self {
        Self { waiting: AtomicI64::new(0), wait: Histogram::new(Bounds::TIME) }
    }
}

impl Mailbox {
    pub(super) fn depth(&self) -> i64 {
        self.waiting.load(Relaxed)
    }

    pub(super) fn wait(&self) -> Distribution {
        self.wait.told()
    }
}

/// The note that a message carries, with its place in the mailbox where it has taken one. It counts as waiting until it
/// is taken, or dropped with its message.
#[derive(Debug)]
pub(crate) struct Posted {
    note: Option<(Arc<Mailbox>, Instant)>,
    place: Option<Place>,
}

impl Posted {
    pub(crate) fn to(mailbox: &Arc<Mailbox>) -> Self {
        mailbox.waiting.fetch_add(1, Relaxed);
        Self { note: Some((Arc::clone(mailbox), Instant::now())), place: None }
    }

    /// A note of which nothing is kept.
    pub(crate) fn uncounted() -> Self {
        Self { note: None, place: None }
    }

    /// The message takes a place.
    pub(crate) fn at(&mut self, place: Option<Place>) {
        self.place = place;
    }

    /// Whether the message has a place.
    pub(crate) fn has_place(&self) -> bool {
        self.place.is_some()
    }

    /// The actor takes the message; gives how long it had waited.
    pub(crate) fn taken(&mut self) -> Option<Duration> {
        self.place = None;
        let (mailbox, at) = self.note.take()?;
        let waited = at.elapsed();
        mailbox.wait.time(waited);
        mailbox.waiting.fetch_sub(1, Relaxed);
        Some(waited)
    }
}

impl Drop for Posted {
    fn drop(&mut self) {
        // Nobody took it: its actor has ended.
        if let Some((mailbox, _)) = self.note.take() {
            mailbox.waiting.fetch_sub(1, Relaxed);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_waits_until_it_is_taken_or_lost_and_only_what_was_taken_has_a_wait() {
        let mailbox = Arc::new(Mailbox::default());
        let (mut taken, lost) = (Posted::to(&mailbox), Posted::to(&mailbox));
        assert_eq!(mailbox.depth(), 2);
        assert!(taken.taken().is_some() && taken.taken().is_none());
        drop(taken);
        assert_eq!((mailbox.depth(), mailbox.wait().count), (1, 1));
        drop(lost);
        assert_eq!((mailbox.depth(), mailbox.wait().count), (0, 1));
    }
}

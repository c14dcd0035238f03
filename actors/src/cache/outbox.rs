//! Invalidations on their way to the remote layer.
//!
//! As long as one is not delivered, what the remote layer holds of it is not believed. While that layer is away they
//! gather here, and become one that removes everything when they grow too many.

use std::sync::atomic::{AtomicBool, Ordering};

use parking_lot::Mutex;
use rustc_hash::FxHashSet;
use tokio::sync::oneshot;

/// Most keys, tags and patterns that are remembered by name.
const MOST: usize = 16_384;

/// What is invalidated together.
#[derive(Debug, Default, Clone)]
pub(super) struct Letter {
    pub(super) keys: FxHashSet<String>,
    pub(super) tags: FxHashSet<String>,
    pub(super) patterns: FxHashSet<String>,
    pub(super) everything: bool,
}

impl Letter {
    pub(super) fn keys(keys: impl IntoIterator<Item = String>) -> Self {
        Self { keys: keys.into_iter().collect(), ..Self::default() }
    }

    pub(super) fn tags(tags: impl IntoIterator<Item = String>) -> Self {
        Self { tags: tags.into_iter().collect(), ..Self::default() }
    }

    pub(super) fn pattern(pattern: String) -> Self {
        Self { patterns: FxHashSet::from_iter([pattern]), ..Self::default() }
    }

    pub(super) fn everything() -> Self {
        Self { everything: true, ..Self::default() }
    }

    pub(super) fn is_empty(&self) -> bool {
        !self.everything && self.len() == 0
    }

    fn len(&self) -> usize {
        self.keys.len() + self.tags.len() + self.patterns.len()
    }

    fn add(&mut self, other: Self) {
        self.keys.extend(other.keys);
        self.tags.extend(other.tags);
        self.patterns.extend(other.patterns);
        self.everything |= other.everything;
        if self.everything || self.len() > MOST {
            *self = Self::everything();
        }
    }

    fn concerns(&self, key: &str, tags: &[String]) -> bool {
        // Whether a pattern matches need not be found out for the moment that it takes.
        self.everything
            || !self.patterns.is_empty()
            || self.keys.contains(key)
            || tags.iter().any(|tag| self.tags.contains(tag))
    }
}

/// What is to be delivered and who waits for it.
#[derive(Debug, Default)]
struct Waiting {
    letter: Letter,
    told: Vec<oneshot::Sender<bool>>,
}

/// Invalidations that are not delivered yet.
#[derive(Debug, Default)]
pub(super) struct Outbox {
    waiting: Mutex<Waiting>,
    under_way: Mutex<Letter>,
    /// Whether there are any: most of the time there are none.
    has_any: AtomicBool,
    /// Whether the remote layer is away.
    blocked: AtomicBool,
}

impl Outbox {
    /// Puts something in; the receiver is told `true` when it was delivered, `false` when it waits for the remote
    /// layer to come back.
    pub(super) fn post(&self, letter: Letter) -> oneshot::Receiver<bool> {
        let (told, outcome) = oneshot::channel();
        let mut waiting = self.waiting.lock();
        // Release pairs with the Acquire in `concerns`.
        self.has_any.store(true, Ordering::Release);
        waiting.letter.add(letter);
        if self.blocked.load(Ordering::Acquire) {
            let _ = told.send(false);
        } else {
            waiting.told.push(told);
        }
        outcome
    }

    /// Whether what the remote layer says of a key with these tags may be out of date.
    pub(super) fn concerns(&self, key: &str, tags: &[String]) -> bool {
        self.has_any.load(Ordering::Acquire)
            && (self.waiting.lock().letter.concerns(key, tags) || self.under_way.lock().concerns(key, tags))
    }

    /// Takes what waits, to deliver it; `None` when there is nothing.
    pub(super) fn take(&self) -> Option<(Letter, Vec<oneshot::Sender<bool>>)> {
        let mut waiting = self.waiting.lock();
        if waiting.letter.is_empty() {
            return None;
        }
        let Waiting { letter, told } = std::mem::take(&mut *waiting);
        // Under the lock, so that it is always in one of the two.
        self.under_way.lock().add(letter.clone());
        Some((letter, told))
    }

    /// Notes that what was taken has been delivered.
    pub(super) fn delivered(&self) {
        let waiting = self.waiting.lock();
        *self.under_way.lock() = Letter::default();
        self.has_any.store(!waiting.letter.is_empty(), Ordering::Release);
    }

    /// Notes that what was taken could not be delivered: it waits until [`unblock`](Self::unblock).
    pub(super) fn undelivered(&self) {
        let mut waiting = self.waiting.lock();
        let letter = std::mem::take(&mut *self.under_way.lock());
        waiting.letter.add(letter);
        self.blocked.store(true, Ordering::Release);
        for told in waiting.told.drain(..) {
            let _ = told.send(false);
        }
    }

    /// The remote layer is back.
    pub(super) fn unblock(&self) {
        let _waiting = self.waiting.lock();
        self.blocked.store(false, Ordering::Release);
    }

    /// Whether something waits that can be tried.
    pub(super) fn has_deliverable(&self) -> bool {
        !self.blocked.load(Ordering::Acquire) && !self.waiting.lock().letter.is_empty()
    }

    /// How many wait.
    pub(super) fn len(&self) -> usize {
        let (waiting, under_way) = (self.waiting.lock(), self.under_way.lock());
        let count = |letter: &Letter| letter.len() + usize::from(letter.everything);
        count(&waiting.letter) + count(&under_way)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tags(names: &[&str]) -> Letter {
        Letter::tags(names.iter().map(|&name| name.to_owned()))
    }

    #[test]
    fn what_is_not_delivered_is_not_believed() {
        let outbox = Outbox::default();
        let user = ["user".to_owned()];
        assert!(!outbox.concerns("k", &user));
        let mut outcome = outbox.post(tags(&["user"]));
        assert!(outbox.concerns("k", &user) && !outbox.concerns("k", &[]));
        let (letter, told) = outbox.take().unwrap();
        assert!(letter.tags.contains("user") && outbox.take().is_none());
        assert!(outbox.concerns("k", &user));
        outbox.delivered();
        assert!(!outbox.concerns("k", &user));
        told.into_iter().for_each(|told| told.send(true).unwrap());
        assert_eq!(outcome.try_recv(), Ok(true));
    }

    #[test]
    fn what_cannot_be_delivered_waits_and_keeps_nobody_waiting() {
        let outbox = Outbox::default();
        outbox.post(tags(&["user"]));
        outbox.take();
        outbox.undelivered();
        let mut later = outbox.post(Letter::keys(["k".to_owned()]));
        assert_eq!(later.try_recv(), Ok(false));
        assert_eq!(outbox.len(), 2);
        outbox.unblock();
        let (letter, _) = outbox.take().unwrap();
        assert!(letter.tags.contains("user") && letter.keys.contains("k"));
    }

    #[test]
    fn too_many_become_one_that_removes_everything() {
        let outbox = Outbox::default();
        for number in 0..=MOST {
            outbox.post(Letter::keys([number.to_string()]));
        }
        assert!(outbox.concerns("any", &[]));
        assert_eq!(outbox.len(), 1);
    }
}

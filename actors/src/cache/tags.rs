//! Tags: each counts how often it was invalidated, so that an entry knows whether one of its own was.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use dashmap::DashMap;
use parking_lot::Mutex;

/// A tag that entries or turns to compute hold on to.
#[derive(Debug, Default)]
pub(super) struct Tag {
    invalidations: AtomicU64,
}

/// A tag as it was when something was begun.
#[derive(Debug, Clone)]
pub(super) struct Tagged {
    tag: Arc<Tag>,
    invalidations: u64,
}

impl Tagged {
    /// Whether the tag was not invalidated since.
    pub(super) fn is_current(&self) -> bool {
        // Acquire pairs with the Release in `invalidate`: who sees no invalidation has seen nothing that came after it.
        self.tag.invalidations.load(Ordering::Acquire) == self.invalidations
    }
}

/// The tags of a memory layer.
#[derive(Debug, Default)]
pub(super) struct Tags {
    known: DashMap<Box<str>, Arc<Tag>>,
    /// So many known ones make it worth looking for those that nobody holds any more.
    crowded: AtomicU64,
    lately: Mutex<Lately>,
}

/// The tags that were invalidated last, known or not.
#[derive(Debug, Default)]
struct Lately {
    names: VecDeque<Box<str>>,
    /// How many there were in all.
    count: u64,
}

/// Names of invalidated tags that are remembered.
const REMEMBERED: usize = 1_024;

/// Fewest tags among which those that nobody holds are looked for.
const CROWD: u64 = 1_024;

impl Tags {
    /// The tag as it is now.
    pub(super) fn hold(&self, name: &str) -> Tagged {
        let tag = match self.known.get(name) {
            Some(tag) => Arc::clone(&tag),
            None => {
                self.forget_unheld();
                Arc::clone(&self.known.entry(name.into()).or_default())
            }
        };
        Tagged { invalidations: tag.invalidations.load(Ordering::Acquire), tag }
    }

    /// Makes everything that holds the tag out of date.
    pub(super) fn invalidate(&self, name: &str) {
        let mut lately = self.lately.lock();
        if lately.names.len() == REMEMBERED {
            lately.names.pop_front();
        }
        lately.names.push_back(name.into());
        lately.count += 1;
        drop(lately);
        // One that nobody knows, nobody holds.
        if let Some(tag) = self.known.get(name) {
            tag.invalidations.fetch_add(1, Ordering::Release);
        }
    }

    /// How many tags have been invalidated.
    pub(super) fn invalidations(&self) -> u64 {
        self.lately.lock().count
    }

    /// Whether one of some tags may have been invalidated since there had been so many invalidations.
    pub(super) fn any_invalidated_since(&self, count: u64, tags: &[String]) -> bool {
        let lately = self.lately.lock();
        let since = usize::try_from(lately.count - count).unwrap_or(usize::MAX);
        if since > lately.names.len() {
            return true;
        }
        lately.names.iter().rev().take(since).any(|name| tags.iter().any(|tag| **tag == **name))
    }

    fn forget_unheld(&self) {
        let known = self.known.len() as u64;
        // A hint: at worst two look at once.
        if known < self.crowded.load(Ordering::Relaxed).max(CROWD) {
            return;
        }
        self.known.retain(|_, tag| Arc::strong_count(tag) > 1);
        self.crowded.store(2 * self.known.len() as u64, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_holds_a_tag_is_current_until_the_tag_is_invalidated() {
        let tags = Tags::default();
        let (user, order) = (tags.hold("user"), tags.hold("order"));
        tags.invalidate("user");
        tags.invalidate("nobody");
        assert!(!user.is_current() && order.is_current() && tags.hold("user").is_current());
        assert!(order.is_current());
    }

    #[test]
    fn what_was_invalidated_lately_is_known_by_name() {
        let tags = Tags::default();
        let named = |name: &str| [name.to_owned()];
        tags.invalidate("before");
        let count = tags.invalidations();
        assert!(!tags.any_invalidated_since(count, &named("before")));
        tags.invalidate("after");
        assert!(tags.any_invalidated_since(count, &named("after")));
        assert!(!tags.any_invalidated_since(count, &named("before")));
        (0..REMEMBERED).for_each(|_| tags.invalidate("other"));
        assert!(tags.any_invalidated_since(count, &named("before")));
    }

    #[test]
    fn tags_that_nobody_holds_are_forgotten_and_others_are_not() {
        let tags = Tags::default();
        let held = tags.hold("held");
        for number in 0..10_000 {
            tags.hold(&format!("user:{number}"));
        }
        assert!(tags.known.len() <= 2 * CROWD as usize);
        tags.invalidate("held");
        assert!(!held.is_current());
    }
}

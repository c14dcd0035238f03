//! What the handles of one runtime share beside its actors.

use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::config::Config;
use crate::turns::Turns;

/// The settings as they hold now, and those among them that graphs read.
#[derive(Debug)]
pub(crate) struct Running {
    config: Mutex<Config>,
    // Each stands for itself, so their order does not matter.
    update_retries: AtomicUsize,
    /// Of updates that want the same entity.
    pub(crate) turns: Turns,
    page_size: AtomicUsize,
}

impl Running {
    pub(crate) fn new(config: &Config) -> Self {
        Self {
            config: Mutex::new(config.clone()),
            update_retries: AtomicUsize::new(config.updates.retries),
            turns: Turns::new(),
            page_size: AtomicUsize::new(config.store.page_size),
        }
    }

    /// The settings as they hold now; nobody reloads while this is held.
    pub(super) fn config(&self) -> MutexGuard<'_, Config> {
        // They are replaced whole, so a panic leaves no half of them.
        self.config.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes over what graphs read.
    pub(super) fn set(&self, config: &Config) {
        self.update_retries.store(config.updates.retries, Relaxed);
        self.page_size.store(config.store.page_size, Relaxed);
    }

    /// How often an update is made anew.
    pub(crate) fn update_retries(&self) -> usize {
        self.update_retries.load(Relaxed)
    }

    /// Documents on a page.
    pub(crate) fn page_size(&self) -> usize {
        self.page_size.load(Relaxed)
    }
}

//! The published records of one shard.

use std::sync::atomic::{AtomicU64, Ordering};

use parking_lot::{RwLock, RwLockReadGuard};
use wayfare_graph::SharedRecord;

#[cfg(test)]
use crate::simulation::{Bug, is_planted};

/// Records by place. Any thread reads under a short guard; only the owning shard writes.
#[derive(Debug, Default)]
pub(crate) struct Slab {
    records: RwLock<Vec<Option<SharedRecord>>>,
    pub(crate) tally: Tally,
}

/// A read guard over a slab.
pub(crate) type SlabGuard<'a> = RwLockReadGuard<'a, Vec<Option<SharedRecord>>>;

impl Slab {
    /// Opens the slab for reading. Keep it for microseconds: the shard waits for it.
    ///
    /// Recursive, because a worker that holds the guard of one shard while it takes that of another
    /// must not queue behind a writer who waits for the first.
    pub(crate) fn read(&self) -> SlabGuard<'_> {
        self.records.read_recursive()
    }

    /// Lets the owner change the slab.
    pub(crate) fn write<R>(&self, change: impl FnOnce(&mut Vec<Option<SharedRecord>>) -> R) -> R {
        change(&mut self.records.write())
    }

    /// Drops all records, for an owner who cannot be trusted with them any more.
    pub(crate) fn clear(&self) {
        #[cfg(test)]
        if is_planted(Bug::KeepRecordsOfTheDead) {
            return;
        }
        // Dropped after the guard, so that readers do not wait for it.
        let records = self.write(std::mem::take);
        self.tally.set(0, 0, 0);
        drop(records);
    }

    /// The record at a place, counted.
    pub(crate) fn get(&self, place: usize) -> Option<SharedRecord> {
        self.read().get(place).cloned().flatten()
    }
}

/// Figures of a slab that other threads add to or read. All relaxed: each number stands for itself, and may be a
/// moment old.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    /// Visits that found their record here; added to by the batch.
    hits: AtomicU64,
    /// Visits for which a record had to be loaded.
    misses: AtomicU64,
    /// Saves refused because the record had another version.
    conflicts: AtomicU64,
    /// Resident records, the bytes they take, and how many of these cannot be evicted now.
    records: AtomicU64,
    bytes: AtomicU64,
    held: AtomicU64,
}

impl Tally {
    pub(crate) fn add_hits(&self, hits: u64) {
        self.hits.fetch_add(hits, Ordering::Relaxed);
    }

    pub(crate) fn hits(&self) -> u64 {
        self.hits.load(Ordering::Relaxed)
    }

    pub(crate) fn add_misses(&self, misses: u64) {
        self.misses.fetch_add(misses, Ordering::Relaxed);
    }

    pub(crate) fn misses(&self) -> u64 {
        self.misses.load(Ordering::Relaxed)
    }

    pub(crate) fn add_conflict(&self) {
        self.conflicts.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn conflicts(&self) -> u64 {
        self.conflicts.load(Ordering::Relaxed)
    }

    /// Told by the owner.
    pub(crate) fn set(&self, records: u64, bytes: u64, held: u64) {
        self.records.store(records, Ordering::Relaxed);
        self.bytes.store(bytes, Ordering::Relaxed);
        self.held.store(held, Ordering::Relaxed);
    }

    pub(crate) fn records(&self) -> u64 {
        self.records.load(Ordering::Relaxed)
    }

    pub(crate) fn bytes(&self) -> u64 {
        self.bytes.load(Ordering::Relaxed)
    }

    pub(crate) fn held(&self) -> u64 {
        self.held.load(Ordering::Relaxed)
    }
}

//! The published records of one shard.

use parking_lot::{RwLock, RwLockReadGuard};
use wayfare_graph::SharedRecord;

/// Records by place. Any thread reads under a short guard; only the owning shard writes.
#[derive(Debug, Default)]
pub(crate) struct Slab {
    records: RwLock<Vec<Option<SharedRecord>>>,
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

    /// The record at a place, counted.
    pub(crate) fn get(&self, place: usize) -> Option<SharedRecord> {
        self.read().get(place).cloned().flatten()
    }
}

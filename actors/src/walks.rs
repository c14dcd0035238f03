//! The walks that are alive, by number.

use std::sync::Arc;

use dashmap::DashMap;
use rustc_hash::FxBuildHasher;

use crate::admission::{Gate, Ticket};
use crate::walk_shared::WalkShared;

/// The directory of walks. A walk that leaves it lets in another.
pub(crate) struct Walks {
    by_number: DashMap<u64, Arc<WalkShared>, FxBuildHasher>,
    pub(crate) gate: Arc<Gate>,
}

impl Walks {
    pub(crate) fn new(gate: Arc<Gate>) -> Self {
        Self { by_number: DashMap::with_hasher(FxBuildHasher), gate }
    }

    /// Puts in a walk that was admitted.
    pub(crate) fn insert(&self, shared: Arc<WalkShared>, ticket: Ticket) {
        if self.by_number.insert(shared.id, shared).is_none() {
            ticket.spend();
        }
    }

    /// Puts in a walk that is hosted again, if it is not there any more.
    pub(crate) fn insert_again(&self, shared: Arc<WalkShared>) {
        if self.by_number.insert(shared.id, shared).is_none() {
            self.gate.enter_again();
        }
    }

    pub(crate) fn remove(&self, number: u64) {
        if self.by_number.remove(&number).is_some() {
            self.gate.leave();
        }
    }

    pub(crate) fn get(&self, number: u64) -> Option<Arc<WalkShared>> {
        self.by_number.get(&number).map(|walk| Arc::clone(walk.value()))
    }

    /// Those of which something is so.
    pub(crate) fn all(&self, which: impl Fn(&WalkShared) -> bool) -> Vec<Arc<WalkShared>> {
        let walks = self.by_number.iter().filter(|walk| which(walk));
        walks.map(|walk| Arc::clone(walk.value())).collect()
    }

    pub(crate) fn len(&self) -> usize {
        self.by_number.len()
    }

    pub(crate) fn any(&self, which: impl Fn(&WalkShared) -> bool) -> bool {
        self.by_number.iter().any(|walk| which(&walk))
    }
}

//! Pinning entities: they stay resident until they are unpinned.

use std::sync::Arc;

use wayfare_graph::{Id, Slot, StoreError};

use crate::access::shared_error;
use crate::core::Core;
use crate::messages::{Pin, PinRefusal, Unpin};
use crate::system::RuntimeHandle;

/// Why entities were not pinned. None of them is then, but those that were before.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PinError {
    /// Pinned entities would take more than half of the memory of their shard.
    #[error(
        "pinned entities would take at least `{bytes}` bytes of a shard that may hold `{bound}`, and only half may be \
         pinned: pin fewer, or raise `[cache] resident_bytes`"
    )]
    OverBound {
        /// Bytes of the shard's pinned records, these included, as far as they were loaded.
        bytes: u64,
        /// The shard's part of `[cache] resident_bytes`.
        bound: u64,
    },
    /// There is no such node or edge.
    #[error("`{id}` does not exist and cannot be pinned: store it first")]
    Missing {
        /// The id.
        id: Id,
    },
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Core {
    /// Pins entities, part by part, so that no more is loaded at once than a walk would.
    pub(crate) async fn pin(&self, ids: &[Id]) -> Result<(), PinError> {
        let mut pinned: Vec<(usize, Vec<Slot>)> = Vec::new();
        for (at, slots) in self.parts(ids) {
            let pin = Pin { slots };
            let refusal = match self.shards.ask(at, || pin.clone()).await {
                Some(Ok(fresh)) => {
                    pinned.push((at, fresh));
                    continue;
                }
                Some(Err(refusal)) => self.refusal(&refusal),
                None => self.unanswered("shard").into(),
            };
            for (at, slots) in pinned {
                let unpin = Unpin { slots };
                self.shards.ask(at, || unpin.clone()).await;
            }
            return Err(refusal);
        }
        Ok(())
    }

    pub(crate) async fn unpin(&self, ids: &[Id]) {
        for (at, slots) in self.parts(ids) {
            let unpin = Unpin { slots };
            self.shards.ask(at, || unpin.clone()).await;
        }
    }

    /// The slots of ids by shard, as many together as one message asks for.
    pub(crate) fn parts(&self, ids: &[Id]) -> Vec<(usize, Vec<Slot>)> {
        let mut by_shard: Vec<Vec<Slot>> = vec![Vec::new(); self.settings.shards];
        for id in ids {
            let slot = self.directory.slot_of(id);
            by_shard[self.directory.shard_of(slot)].push(slot);
        }
        let batch = self.settings.visit_batch;
        let chunks = |(at, slots): (usize, Vec<Slot>)| {
            slots.chunks(batch).map(|part| (at, part.to_vec())).collect::<Vec<_>>()
        };
        by_shard.into_iter().enumerate().flat_map(chunks).collect()
    }

    fn refusal(&self, refusal: &PinRefusal) -> PinError {
        match refusal {
            &PinRefusal::OverBound { bytes, bound } => PinError::OverBound { bytes, bound },
            &PinRefusal::Missing(slot) => {
                let id = self.directory.id_of(slot).cloned().unwrap_or_else(Id::root);
                PinError::Missing { id }
            }
            PinRefusal::Store(error) => PinError::Store(shared_error(error)),
        }
    }
}

impl RuntimeHandle {
    /// Keeps nodes and edges resident until they are unpinned, and loads those that are not. It is done or refused as
    /// a whole, also when the caller does not wait for it.
    ///
    /// # Errors
    /// [`PinError`].
    pub async fn pin(&self, ids: Vec<Id>) -> Result<(), PinError> {
        let core = Arc::clone(self.core());
        let runtime = core.runtime.get().cloned().ok_or(StoreError::Stopped)?;
        let pinned = runtime.spawn(async move { core.pin(&ids).await });
        pinned.await.unwrap_or(Err(PinError::Store(StoreError::Stopped)))
    }

    /// Drops the resident records of nodes and edges, so that they are read anew when they are next asked for; pinned
    /// ones stay pinned. A save that is not durable yet keeps its fields.
    pub async fn evict(&self, ids: &[Id]) {
        let core = self.core();
        core.evict(ids.iter().filter_map(|id| core.directory.known(id)).collect()).await;
    }

    /// Writes that are under way: asked for, and not yet durable or refused.
    #[must_use]
    pub fn writes_under_way(&self) -> usize {
        let core = self.core();
        core.settings.write_queue.saturating_sub(core.write_permits.available_permits())
    }

    /// Lets nodes and edges be evicted again; those that are not pinned are passed over.
    pub async fn unpin(&self, ids: &[Id]) {
        self.core().unpin(ids).await;
    }
}

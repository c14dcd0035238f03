//! Entities that stay in memory.

use wayfare_graph::Id;

use super::Graph;
use crate::error::Result;

impl Graph {
    /// Keeps nodes and edges in memory until they are [unpinned](Self::unpin) or the runtime ends, and loads those
    /// that are not there. Pinned entities count towards `[cache] resident_bytes`, of which they may take half.
    ///
    /// To pin twice is to pin once. When others change a pinned entity its record is dropped as any other is, loaded
    /// again by whoever next needs it, and stays from then on. All are pinned or none, also when the caller does not
    /// wait for it.
    ///
    /// # Errors
    /// [`Error::Pin`](crate::Error::Pin): [`PinError::OverBound`](crate::PinError::OverBound) when they would take
    /// more than half of a shard's memory, [`PinError::Missing`](crate::PinError::Missing) for one that does not exist,
    /// [`PinError::Store`](crate::PinError::Store).
    pub async fn pin(&self, ids: &[Id]) -> Result<()> {
        Ok(self.handle.pin(ids.to_vec()).await?)
    }

    /// Lets entities go when memory is needed; those that are not pinned are passed over.
    pub async fn unpin(&self, ids: &[Id]) {
        self.handle.unpin(ids).await;
    }

    /// Drops nodes and edges from memory, so that they are read anew when they are next asked for: for a store that does
    /// not tell what other processes change. Pinned ones stay pinned.
    pub async fn evict(&self, ids: &[Id]) {
        self.handle.evict(ids).await;
    }
}

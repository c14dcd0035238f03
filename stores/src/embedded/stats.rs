//! What a file holds.

use wayfare_graph::{Kind, StoreError, StoreStats};

use super::engine::Engine;
use super::fault::Fault;
use super::read::View;

impl Engine {
    /// What the store holds; nothing is counted for it.
    pub(super) fn stats(&self) -> Result<StoreStats, StoreError> {
        let mut stats = self.read(|view| view.stats())?;
        stats.file_bytes = self.folder.file_bytes();
        Ok(stats)
    }
}

impl View<'_> {
    fn stats(&self) -> Result<StoreStats, Fault> {
        let mut entities = Vec::new();
        for kind in Kind::ALL {
            for &entity in self.catalog.names() {
                let count = self.count_entity(kind, entity)?;
                if count > 0 {
                    entities.push((kind, entity, count));
                }
            }
        }
        entities.sort();
        let indexes = self.catalog.indexes.iter().map(|index| index.index.clone()).collect();
        Ok(StoreStats { entities, used_bytes: self.tables.used_bytes(self.txn)?, file_bytes: 0, indexes })
    }
}

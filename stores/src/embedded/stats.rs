//! What a file holds, counted.

use heed::types::DecodeIgnore;
use wayfare_graph::{EntityName, Kind, StoreError, StoreStats};

use super::codec::after_prefix;
use super::engine::Engine;
use super::fault::Fault;
use super::read::View;

impl Engine {
    /// Counts every document: it takes some 30 ns for each.
    pub(super) fn stats(&self) -> Result<StoreStats, StoreError> {
        let mut stats = self.read(|view| view.stats())?;
        stats.file_bytes = self.folder.file_bytes();
        Ok(stats)
    }
}

impl View<'_> {
    fn stats(&self) -> Result<StoreStats, Fault> {
        let mut entities = Vec::new();
        for kind in [Kind::Object, Kind::Node, Kind::Edge] {
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

    /// How many documents an entity has, without reading them.
    pub(super) fn count_entity(&self, kind: Kind, entity: EntityName) -> Result<u64, Fault> {
        let (Some(table), Some(code)) = (self.tables.of(kind), self.catalog.code(entity)) else {
            return Ok(0);
        };
        let start = code.to_be_bytes();
        let end = after_prefix(&start);
        let bounds = (std::ops::Bound::Included(&start[..]), std::ops::Bound::Excluded(&end[..]));
        let mut rows = table.remap_data_type::<DecodeIgnore>().range(self.txn, &bounds)?;
        rows.try_fold(0, |count, row| row.map(|_| count + 1).map_err(Fault::from))
    }
}

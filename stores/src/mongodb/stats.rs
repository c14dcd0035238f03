//! What a database holds.

use bson::{Bson, Document as BsonDocument, doc};
use wayfare_graph::{EntityName, Kind, StoreError, StoreStats};

use super::filter::id_range;
use super::server::Server;

impl Server {
    /// Counts documents by entity, and tells sizes and indexes.
    pub(super) async fn stats(&self) -> Result<StoreStats, StoreError> {
        let mut entities = Vec::new();
        for kind in Kind::ALL {
            for (entity, count) in self.count_entities(kind).await? {
                entities.push((kind, entity, count));
            }
        }
        entities.sort();
        let sizes = doc! { "dbStats": 1, "freeStorage": 1 };
        let sizes = self.call(|| async { Ok(self.database.run_command(sizes.clone()).await?) }).await?;
        let size = |name: &str| number(sizes.get(name));
        let file_bytes = size("storageSize") + size("indexSize");
        let used_bytes = file_bytes.saturating_sub(size("freeStorageSize") + size("indexFreeStorageSize"));
        Ok(StoreStats { entities, used_bytes, file_bytes, indexes: self.list_indexes().await? })
    }

    async fn count_entities(&self, kind: Kind) -> Result<Vec<(EntityName, u64)>, StoreError> {
        let pipeline = [
            doc! { "$match": { "_id": id_range(kind, None) } },
            doc! { "$group": { "_id": "$entity", "count": { "$sum": 1 } } },
        ];
        let groups: Vec<BsonDocument> =
            self.read_all(|| async { self.collection(kind).aggregate(pipeline.clone()).await }).await?;
        let read = |group: &BsonDocument| {
            let entity = EntityName::new(group.get_str("_id").ok()?).ok()?;
            Some((entity, number(group.get("count"))))
        };
        Ok(groups.iter().filter_map(read).collect())
    }
}

fn number(value: Option<&Bson>) -> u64 {
    match value {
        Some(Bson::Int32(number)) => u64::try_from(*number).unwrap_or_default(),
        Some(Bson::Int64(number)) => u64::try_from(*number).unwrap_or_default(),
        Some(Bson::Double(number)) => *number as u64,
        _ => 0,
    }
}

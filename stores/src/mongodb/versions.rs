//! Versions for documents that have none.

use bson::{Bson, Document as BsonDocument, doc};
use wayfare_graph::{Id, Kind, StoreError, VersionsPage};

use super::filter::id_range;
use super::server::Server;

impl Server {
    /// Gives version 0 to documents of a kind that have none, up to `limit` of them after an id.
    pub(super) async fn add_versions(
        &self,
        kind: Kind,
        after: Option<&Id>,
        limit: usize,
    ) -> Result<VersionsPage, StoreError> {
        let mut range = id_range(kind, None);
        if let Some(after) = after {
            range.remove("$gte");
            range.insert("$gt", after.to_string());
        }
        let filter = doc! { "_id": range };
        let wanted = i64::try_from(limit.max(1)).unwrap_or(i64::MAX);
        let page: Vec<BsonDocument> = self
            .read_all(|| async {
                let collection = self.collection(kind);
                let find = collection.find(filter.clone()).projection(doc! { "_version": 1 });
                find.sort(doc! { "_id": 1 }).limit(wanted).await
            })
            .await?;
        let is_bare =
            |stored: &&BsonDocument| stored.get("_version").is_none_or(|version| *version == Bson::Null);
        let bare: Vec<Bson> =
            page.iter().filter(is_bare).filter_map(|stored| stored.get("_id").cloned()).collect();
        let mut changed = 0;
        if !bare.is_empty() {
            // Null also matches where the member is missing; what others wrote since has a version and stays.
            let without = doc! { "_id": { "$in": bare }, "_version": Bson::Null };
            let update = doc! { "$set": { "_version": 0 } };
            changed = self
                .call(|| async {
                    let done = self.collection(kind).update_many(without.clone(), update.clone()).await?;
                    Ok(done.modified_count)
                })
                .await?;
        }
        let last = page.last().and_then(|stored| stored.get_str("_id").ok()?.parse().ok());
        let is_full = i64::try_from(page.len()).is_ok_and(|len| len == wanted);
        Ok(VersionsPage { examined: page.len() as u64, changed, next: last.filter(|_| is_full) })
    }
}

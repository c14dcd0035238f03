//! Making, changing and removing indexes.
//!
//! An index of ours is a partial one over the documents of its entity. Where two entities of a kind index the same
//! fields, the second one's has its entity behind its name, since names are unique in a collection.

use bson::{Bson, Document as BsonDocument, doc};
use wayfare_graph::{EntityName, Id, Index, IndexProgress, Kind, StoreError};

use super::catalog::{Known, list};
use super::fault::Fault;
use super::filter::filter_to_bson;
use super::reply::{DUPLICATE, TWO_LISTS};
use super::server::Server;
use super::value::to_json;

/// Most fields of an index: MongoDB's own limit.
const MAX_FIELDS: usize = 32;

/// IndexNotFound and NamespaceNotFound.
const NOT_THERE: [i32; 2] = [27, 26];

/// IndexBuildAborted and IndexNotFound, when a build was stopped; the former name is told for a build that lost
/// against another.
const NOT_LISTED: [&str; 2] = ["_id_", ""];

impl Server {
    /// Makes an index; makes it again where it exists with another rule or name.
    pub(super) async fn create_index(&self, index: &Index) -> Result<(), StoreError> {
        check(index)?;
        let (kind, entity) = (index.kind, index.entity);
        let known = self.call(|| self.indexes_now(kind)).await?;
        let own: Vec<(&Known, Index)> = known
            .iter()
            .filter(|known| known.entity == Some(entity))
            .map(|known| (known, known.index_of(kind, entity)))
            .collect();
        let old = own.iter().find(|(_, other)| other.covers_same(index));
        if let Some((_, other)) = old {
            let same_order = other.descending == index.descending;
            let same_name = index.name.is_none() || other.name() == index.name();
            if other.unique == index.unique && same_order && same_name {
                return Ok(());
            }
        } else if own.iter().any(|(_, other)| other.name() == index.name()) {
            return Err(refused(index, format!("another index has the name `{}`", index.name())));
        }
        let mut wanted = index.clone();
        if let (None, Some((_, other))) = (&index.name, old) {
            // Made again for another reason, it keeps its name.
            wanted.name.clone_from(&other.name);
        }
        self.build(&wanted, old.map(|(known, _)| *known)).await?;
        if let Some((old, _)) = old {
            self.drop_stored(kind, &old.stored_name).await?;
        }
        Ok(())
    }

    /// Removes an index by its name; `false` when there is none.
    pub(super) async fn drop_index(
        &self,
        kind: Kind,
        entity: EntityName,
        name: &str,
    ) -> Result<bool, StoreError> {
        match self.named(kind, entity, name).await? {
            Some(known) => self.drop_stored(kind, &known.stored_name).await,
            None => Ok(false),
        }
    }

    /// Gives an index another name. MongoDB cannot, so it is made again and the old one removed after that.
    pub(super) async fn rename_index(
        &self,
        kind: Kind,
        entity: EntityName,
        from: &str,
        to: &str,
    ) -> Result<bool, StoreError> {
        let Some(known) = self.named(kind, entity, from).await? else {
            return Ok(false);
        };
        if from == to {
            return Ok(true);
        }
        let mut index = known.index_of(kind, entity);
        if self.named(kind, entity, to).await?.is_some() {
            return Err(refused(&index, format!("another index has the name `{to}`")));
        }
        index.name = Some(to.to_owned());
        self.build(&index, Some(&known)).await?;
        self.drop_stored(kind, &known.stored_name).await?;
        Ok(true)
    }

    async fn named(&self, kind: Kind, entity: EntityName, name: &str) -> Result<Option<Known>, StoreError> {
        let known = self.call(|| self.indexes_now(kind)).await?;
        let is_named =
            |known: &&Known| known.entity == Some(entity) && known.index_of(kind, entity).name() == name;
        Ok(known.iter().find(is_named).cloned())
    }

    /// Builds an index beside the one that it replaces.
    async fn build(&self, index: &Index, replaces: Option<&Known>) -> Result<(), StoreError> {
        let kind = index.kind;
        let stored = self.call(|| list(&self.database, kind.collection())).await?;
        let taken: Vec<&str> = stored.iter().filter_map(|index| index.get_str("name").ok()).collect();
        let name =
            free_name(index, &taken).ok_or_else(|| refused(index, "its name is taken by another index"))?;
        // Two indexes may not say the same: the new one then says it in other words.
        let mut condition = condition_of(index, false)?;
        if replaces.is_some_and(|old| old.condition == condition) {
            condition = condition_of(index, true)?;
        }
        let mut keys = BsonDocument::new();
        for field in &index.fields {
            keys.insert(format!("context.{field}"), if index.descending.contains(field) { -1 } else { 1 });
        }
        let spec = doc! {
            "key": keys, "name": &name, "unique": index.unique, "partialFilterExpression": condition.clone(),
        };
        let command = doc! { "createIndexes": kind.collection(), "indexes": [spec] };
        let built = async { Ok::<_, Fault>(self.database.run_command(command).await?) };
        let built = self.admitted(built).await;
        self.catalog.forget(kind);
        match built {
            Ok(_) => Ok(()),
            Err(fault) if fault.code() == Some(DUPLICATE) => {
                Err(self.violated_by_stored(index, &condition).await?)
            }
            Err(fault) if fault.code() == Some(TWO_LISTS) => {
                let reason =
                    "MongoDB has no index over two lists of one document, and there is such a document";
                Err(refused(index, reason))
            }
            Err(fault) if fault.is_away() || fault.code().is_none() => Err(self.told(fault)),
            Err(fault) => Err(refused(index, self.told(fault).to_string())),
        }
    }

    /// Which documents keep a unique index from being made.
    async fn violated_by_stored(
        &self,
        index: &Index,
        condition: &BsonDocument,
    ) -> Result<StoreError, StoreError> {
        let mut pipeline = vec![doc! { "$match": condition.clone() }];
        let mut values = BsonDocument::new();
        for (number, field) in index.fields.iter().enumerate() {
            let path = format!("context.{field}");
            // Only one of the fields can be a list. Lists within objects on the way are not told apart.
            pipeline.push(doc! { "$addFields": { "_v": { number.to_string(): format!("${path}") } } });
            pipeline.push(
                doc! { "$unwind": { "path": format!("$_v.{number}"), "preserveNullAndEmptyArrays": true } },
            );
            values.insert(format!("f{number}"), doc! { "$ifNull": [format!("$_v.{number}"), Bson::Null] });
        }
        pipeline.extend([
            doc! { "$group": { "_id": values, "ids": { "$addToSet": "$_id" } } },
            doc! { "$match": { "ids.1": { "$exists": true } } },
            doc! { "$limit": 1 },
        ]);
        let found: Vec<BsonDocument> = self
            .read_all(|| async {
                self.collection(index.kind).aggregate(pipeline.clone()).allow_disk_use(true).await
            })
            .await?;
        let Some((ids, values)) = found.first().and_then(|group| {
            let ids = group.get_array("ids").ok()?.iter().filter_map(|id| id.as_str()?.parse::<Id>().ok());
            Some((ids.collect::<Vec<_>>(), group.get_document("_id").ok()?.clone()))
        }) else {
            return Ok(refused(index, "documents share its values, they are not told apart"));
        };
        let mut ids = ids;
        ids.sort();
        let (Some(first), Some(second)) = (ids.first().cloned(), ids.get(1).cloned()) else {
            return Ok(refused(index, "what shares its values has no ids"));
        };
        let values = values.into_iter().map(|(_, value)| to_json(value)).collect();
        let Index { entity, fields, .. } = index.clone();
        Ok(StoreError::IndexViolated { entity, fields, first, second, values })
    }

    pub(super) async fn drop_stored(&self, kind: Kind, stored_name: &str) -> Result<bool, StoreError> {
        let dropped = self
            .call(|| async {
                match self.collection(kind).drop_index(stored_name).await.map_err(Fault::from) {
                    Ok(()) => Ok(true),
                    Err(fault) if fault.code().is_some_and(|code| NOT_THERE.contains(&code)) => Ok(false),
                    Err(fault) => Err(fault),
                }
            })
            .await;
        self.catalog.forget(kind);
        dropped
    }

    /// The indexes of entities that the store has.
    pub(super) async fn list_indexes(&self) -> Result<Vec<Index>, StoreError> {
        let mut indexes = Vec::new();
        for kind in Kind::ALL {
            let known = self.call(|| self.indexes_now(kind)).await?;
            let of_entity = |known: &Known| Some(known.index_of(kind, known.entity?));
            indexes.extend(known.iter().filter_map(of_entity));
        }
        Ok(indexes)
    }

    /// The indexes that are being built, as far as this user may see it.
    pub(super) async fn index_progress(&self) -> Result<Vec<IndexProgress>, StoreError> {
        let command = doc! { "currentOp": 1, "$ownOps": true, "command.createIndexes": { "$exists": true } };
        let all = doc! { "currentOp": 1, "command.createIndexes": { "$exists": true } };
        let admin = self.client.database("admin");
        let seen = match self.call(|| async { Ok(admin.run_command(all.clone()).await?) }).await {
            Err(StoreError::Refused { .. }) => {
                self.call(|| async { Ok(admin.run_command(command.clone()).await?) }).await?
            }
            seen => seen?,
        };
        let operations = seen.get_array("inprog").cloned().unwrap_or_default();
        let own = operations.iter().filter_map(Bson::as_document).filter(|operation| self.is_own(operation));
        Ok(own.filter_map(progress_of).collect())
    }

    fn is_own(&self, operation: &BsonDocument) -> bool {
        let place = operation.get_str("ns").unwrap_or_default();
        place.split('.').next() == Some(self.database.name())
    }
}

/// Refuses what cannot be an index.
fn check(index: &Index) -> Result<(), StoreError> {
    // The same on every store: what works on one is not to fail on another.
    if index.kind == Kind::Walker {
        return Err(refused(index, "walkers have no indexes, find them by their ids"));
    }
    if index.fields.is_empty() || index.fields.len() > MAX_FIELDS {
        return Err(refused(index, "an index has 1 to 32 fields"));
    }
    if !index.partial.is_about_fields() {
        return Err(refused(index, "its filter may ask for fields in `context` only, joined by `$and`"));
    }
    Ok(())
}

fn refused(index: &Index, reason: impl Into<String>) -> StoreError {
    let Index { entity, fields, .. } = index.clone();
    StoreError::Index { entity, fields, reason: reason.into() }
}

/// The name under which an index may be stored: its own, or with its entity behind it.
fn free_name(index: &Index, taken: &[&str]) -> Option<String> {
    let plain = index.name();
    let long = format!("{plain}_{}", index.entity);
    // One that looks as if it had an entity behind it would be read without.
    let looks_long = plain.ends_with(&format!("_{}", index.entity));
    let plain = (!looks_long).then_some(plain);
    let is_free = |name: &String| !taken.contains(&name.as_str()) && !NOT_LISTED.contains(&name.as_str());
    plain.filter(is_free).or_else(|| Some(long).filter(is_free))
}

/// The condition on which a document is in an index.
///
/// A document that lacks all fields of a unique index is free of its rule, so it is not in it.
pub(super) fn condition_of(index: &Index, in_other_words: bool) -> Result<BsonDocument, StoreError> {
    let mut condition = doc! { "entity": index.entity.as_str() };
    if index.unique {
        let there = |field: &String| doc! { format!("context.{field}"): { "$exists": true } };
        let mut fields = index.fields.iter().map(there);
        match (fields.len(), fields.next()) {
            (1, Some(only)) => condition.extend(only),
            (_, Some(first)) => {
                let any: Vec<BsonDocument> = std::iter::once(first).chain(fields).collect();
                condition.insert("$or", any);
            }
            (_, None) => {}
        }
    }
    if !index.partial.is_all() {
        condition.insert("$and", [filter_to_bson(&index.partial)?]);
    }
    if in_other_words {
        condition.insert("_id", doc! { "$exists": true });
    }
    Ok(condition)
}

/// What an operation of the server says of an index that it builds.
fn progress_of(operation: &BsonDocument) -> Option<IndexProgress> {
    let command = operation.get_document("command").ok()?;
    let kind = Kind::ALL.into_iter().find(|kind| {
        command.get_str("createIndexes").is_ok_and(|collection| collection == kind.collection())
    })?;
    let specs = command.get_array("indexes").ok()?;
    let known = super::catalog::known(specs.first()?.as_document()?.clone())?;
    let entity = known.entity?;
    let counted = |name: &str| {
        let progress = operation.get_document("progress").ok()?;
        match progress.get(name)? {
            Bson::Int32(count) => u64::try_from(*count).ok(),
            Bson::Int64(count) => u64::try_from(*count).ok(),
            Bson::Double(count) => Some(*count as u64),
            _ => None,
        }
    };
    let (done, total) = (counted("done").unwrap_or_default(), counted("total").unwrap_or_default());
    Some(IndexProgress { index: known.index_of(kind, entity), done, total })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;
    use wayfare_graph::Filter;

    fn index(fields: &[&str]) -> Index {
        Index::new(Kind::Node, EntityName::new("City").unwrap(), fields.iter().copied())
    }

    #[test]
    fn names_are_read_as_they_were_given() {
        for name in [None, Some("mine"), Some("mine_City"), Some("context.code_1")] {
            let mut index = index(&["code"]);
            index.name = name.map(str::to_owned);
            for taken in [&[][..], &[index.name().as_str()]] {
                let Some(stored) = free_name(&index, taken) else { continue };
                let known = Known {
                    stored_name: stored,
                    entity: Some(index.entity),
                    fields: index.fields.clone(),
                    descending: Vec::new(),
                    unique: false,
                    partial: Filter::all(),
                    condition: doc! {},
                    is_foreign: false,
                };
                assert_eq!(known.index_of(Kind::Node, index.entity).name(), index.name());
            }
        }
        assert_eq!(free_name(&index(&["a"]), &["context.a_1", "context.a_1_City"]), None);
    }

    #[test]
    fn a_unique_index_leaves_out_documents_without_its_fields() {
        assert_eq!(condition_of(&index(&["a"]), false).unwrap(), doc! { "entity": "City" });
        let unique = index(&["a"]).unique(true);
        assert_eq!(
            condition_of(&unique, false).unwrap(),
            doc! { "entity": "City", "context.a": { "$exists": true } }
        );
        let mut partial = index(&["a", "b"]).unique(true);
        partial.partial = Filter::parse(&json!({"context.live": true})).unwrap();
        let exists = |field: &str| doc! { field: { "$exists": true } };
        assert_eq!(
            condition_of(&partial, true).unwrap(),
            doc! {
                "entity": "City", "$or": [exists("context.a"), exists("context.b")],
                "$and": [{ "context.live": true }], "_id": { "$exists": true },
            }
        );
    }
}

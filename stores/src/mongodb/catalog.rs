//! The indexes of the collections, as last seen.

use std::sync::Arc;
use std::time::{Duration, Instant};

use bson::{Bson, Document as BsonDocument};
use futures_util::TryStreamExt;
use mongodb::Database;
use parking_lot::Mutex;
use wayfare_graph::{EntityName, Filter, Index, Kind};

use super::fault::{Fault, Tried};
use super::index::condition_of;
use super::server::Server;
use super::value::to_json;

/// How long a list of indexes is trusted: another process may make and drop some.
const TRUSTED: Duration = Duration::from_secs(30);

/// NamespaceNotFound: there is no such collection yet.
const NO_COLLECTION: i32 = 26;

/// An index on fields in `context`, as it stands in a collection.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Known {
    /// Its name in MongoDB.
    pub(super) stored_name: String,
    /// Its entity, `None` for one over all documents, as jvspatial makes them.
    pub(super) entity: Option<EntityName>,
    pub(super) fields: Vec<String>,
    pub(super) descending: Vec<String>,
    pub(super) unique: bool,
    pub(super) partial: Filter,
    /// The condition on which a document is in it.
    pub(super) condition: BsonDocument,
    /// Whether it leaves documents out by a rule that is none of ours. Such an index is known for its unique values
    /// only: no query is led through it, which could miss documents.
    pub(super) is_foreign: bool,
}

impl Known {
    /// Whether it keeps two documents of an entity from having the same values.
    pub(super) fn binds(&self, entity: EntityName) -> bool {
        self.unique && self.entity.is_none_or(|own| own == entity)
    }

    /// Whether it is on some paths, in their order.
    pub(super) fn is_on<'p>(&self, paths: impl Iterator<Item = &'p String>) -> bool {
        self.fields
            .iter()
            .map(String::as_str)
            .eq(paths.map(|path| path.strip_prefix("context.").unwrap_or(path)))
    }

    /// The index as one of an entity.
    pub(super) fn index_of(&self, kind: Kind, entity: EntityName) -> Index {
        let mut index = Index::new(kind, entity, self.fields.iter().cloned()).unique(self.unique);
        index.descending.clone_from(&self.descending);
        index.partial = self.partial.clone();
        let default = index.name();
        let name = public_name(&self.stored_name, entity);
        index.name = (name != default).then(|| name.to_owned());
        index
    }
}

/// The name that an index of an entity has outside.
fn public_name(stored: &str, entity: EntityName) -> &str {
    stored.strip_suffix(entity.as_str()).and_then(|name| name.strip_suffix('_')).unwrap_or(stored)
}

/// What is known of all collections.
#[derive(Debug, Default)]
pub(super) struct Catalog {
    seen: Mutex<[Option<Seen>; 4]>,
}

#[derive(Debug, Clone)]
struct Seen {
    at: Instant,
    indexes: Arc<Vec<Known>>,
}

impl Catalog {
    pub(super) fn forget(&self, kind: Kind) {
        self.seen.lock()[place(kind)] = None;
    }

    fn recent(&self, kind: Kind) -> Option<Arc<Vec<Known>>> {
        let seen = self.seen.lock()[place(kind)].clone()?;
        (seen.at.elapsed() < TRUSTED).then_some(seen.indexes)
    }
}

fn place(kind: Kind) -> usize {
    match kind {
        Kind::Object => 0,
        Kind::Node => 1,
        Kind::Edge => 2,
        Kind::Walker => 3,
    }
}

impl Server {
    /// The indexes on fields of a collection, as seen lately.
    pub(super) async fn indexes(&self, kind: Kind) -> Tried<Arc<Vec<Known>>> {
        match self.catalog.recent(kind) {
            Some(indexes) => Ok(indexes),
            None => self.indexes_now(kind).await,
        }
    }

    /// The indexes on fields of a collection.
    pub(super) async fn indexes_now(&self, kind: Kind) -> Tried<Arc<Vec<Known>>> {
        let listed = list(&self.database, kind.collection()).await?;
        let indexes = Arc::new(listed.into_iter().filter_map(known).collect::<Vec<_>>());
        let seen = Seen { at: Instant::now(), indexes: Arc::clone(&indexes) };
        self.catalog.seen.lock()[place(kind)] = Some(seen);
        Ok(indexes)
    }
}

/// All indexes of a collection as the server describes them; none where there is no such collection.
pub(super) async fn list(database: &Database, collection: &str) -> Tried<Vec<BsonDocument>> {
    let command = bson::doc! { "listIndexes": collection, "cursor": { "batchSize": 1_000 } };
    match database.run_cursor_command(command).await {
        Ok(cursor) => Ok(cursor.try_collect().await?),
        Err(error) => match Fault::from(error) {
            fault if fault.code() == Some(NO_COLLECTION) => Ok(Vec::new()),
            fault => Err(fault),
        },
    }
}

/// Reads an index, `None` when it is none on fields that a query could use.
pub(super) fn known(listed: BsonDocument) -> Option<Known> {
    if listed.contains_key("collation") || listed.get_bool("hidden").unwrap_or_default() {
        return None;
    }
    let (mut fields, mut descending) = (Vec::new(), Vec::new());
    for (path, order) in listed.get_document("key").ok()? {
        let field = path.strip_prefix("context.")?.to_owned();
        match order {
            Bson::Int32(1) | Bson::Int64(1) => {}
            Bson::Int32(-1) | Bson::Int64(-1) => descending.push(field.clone()),
            Bson::Double(order) if order.abs() == 1.0 => {
                if *order < 0.0 {
                    descending.push(field.clone());
                }
            }
            _ => return None,
        }
        fields.push(field);
    }
    let condition = listed.get_document("partialFilterExpression").cloned().unwrap_or_default();
    let mut known = Known {
        stored_name: listed.get_str("name").ok()?.to_owned(),
        entity: None,
        fields,
        descending,
        unique: listed.get_bool("unique").unwrap_or_default(),
        partial: Filter::all(),
        condition,
        is_foreign: listed.get_bool("sparse").unwrap_or_default(),
    };
    if !known.condition.is_empty() {
        match own_condition(&known) {
            Some((entity, partial)) => (known.entity, known.partial) = (Some(entity), partial),
            None => known.is_foreign = true,
        }
    }
    Some(known)
}

/// The entity and the filter of an index of ours; `None` unless its condition is one that [`condition_of`] writes,
/// with nothing beside.
fn own_condition(known: &Known) -> Option<(EntityName, Filter)> {
    let mut rest = known.condition.clone();
    let partial = match rest.remove("$and") {
        None => Filter::all(),
        Some(Bson::Array(filters)) => match filters.as_slice() {
            [filter @ Bson::Document(_)] => Filter::parse(&to_json(filter.clone())).ok()?,
            _ => return None,
        },
        Some(_) => return None,
    };
    let entity = EntityName::new(rest.get_str("entity").ok()?).ok()?;
    let index = Index::new(Kind::Node, entity, known.fields.iter().cloned()).unique(known.unique);
    let is_written = |in_other_words| condition_of(&index, in_other_words).is_ok_and(|own| own == rest);
    (is_written(false) || is_written(true)).then_some((entity, partial))
}

#[cfg(test)]
mod tests {
    use super::*;
    use bson::doc;

    fn listed(condition: BsonDocument, unique: bool) -> BsonDocument {
        let key = doc! { "context.email": 1 };
        doc! { "name": "i", "key": key, "unique": unique, "partialFilterExpression": condition }
    }

    #[test]
    fn only_conditions_that_are_written_here_are_taken_for_our_own() {
        let there = doc! { "$exists": true };
        let active = doc! { "context.active": true };
        for (condition, unique) in [
            (doc! { "entity": "City" }, false),
            (doc! { "entity": "City", "_id": there.clone() }, false),
            (doc! { "entity": "City", "context.email": there.clone() }, true),
            (doc! { "entity": "City", "$and": [active.clone()] }, false),
        ] {
            let known = known(listed(condition.clone(), unique)).unwrap();
            assert!(!known.is_foreign && known.entity.is_some(), "{condition}");
            assert_eq!(known.partial.is_all(), !condition.contains_key("$and"));
        }
        for (condition, unique) in [
            (doc! { "entity": "City", "context.active": true }, false),
            (doc! { "entity": "City", "context.email": there.clone() }, false),
            (doc! { "entity": "City" }, true),
            (doc! { "context.active": true }, false),
            (doc! { "entity": "City", "$and": [active.clone(), active.clone()] }, false),
            (doc! { "entity": "City", "$and": [] }, false),
            (doc! { "entity": { "$in": ["City", "Town"] } }, false),
        ] {
            let known = known(listed(condition.clone(), unique)).unwrap();
            assert!(known.is_foreign && known.entity.is_none(), "{condition}");
        }
        let sparse = doc! { "name": "i", "key": { "context.email": 1 }, "sparse": true };
        assert!(known(sparse).unwrap().is_foreign);
    }
}

//! Filters as the server is asked them.

use bson::{Bson, Document as BsonDocument, doc};
use serde_json::{Value, json};
use wayfare_graph::{EntityName, Filter, Kind, StoreError};

use super::document::{PARALLEL, TOKEN};
use super::value::to_bson;

/// A member that no document has.
const NOWHERE: &str = "_wayfare_nowhere";

/// The whole of a filter.
pub(super) fn filter_to_bson(filter: &Filter) -> Result<BsonDocument, StoreError> {
    conditions(&filter.to_value())
}

/// A dotted path as the server knows it.
pub(super) fn stored_path(path: &str) -> &str {
    let first = path.split('.').next().unwrap_or_default();
    match path {
        "id" => "_id",
        _ if first == PARALLEL || first == TOKEN || path.contains('\0') => NOWHERE,
        _ => path,
    }
}

/// The condition that an id is of a kind, and of an entity unless `None`.
///
/// Ids are texts that begin with both, so they lie side by side, and what is no id at all is left out.
pub(super) fn id_range(kind: Kind, entity: Option<EntityName>) -> BsonDocument {
    let start = match entity {
        Some(entity) => format!("{}.{entity}", kind.letter()),
        None => kind.letter().to_string(),
    };
    // The sign after the dot.
    doc! { "$gte": format!("{start}."), "$lt": format!("{start}/") }
}

/// Conditions that must all hold.
pub(super) fn all_of(mut conditions: Vec<BsonDocument>) -> BsonDocument {
    conditions.retain(|condition| !condition.is_empty());
    match conditions.len() {
        0 | 1 => conditions.pop().unwrap_or_default(),
        _ => doc! { "$and": conditions },
    }
}

fn conditions(filter: &Value) -> Result<BsonDocument, StoreError> {
    let mut all = Vec::new();
    for (name, condition) in filter.as_object().into_iter().flatten() {
        all.push(match (name.as_str(), condition) {
            ("$comment", _) => continue,
            ("$and" | "$or" | "$nor", Value::Array(filters)) => {
                let filters: Vec<_> = filters.iter().map(conditions).collect::<Result<_, _>>()?;
                doc! { name: filters }
            }
            // A document that lacks them has them all the same.
            ("_version", condition) => with_default(name, condition, json!(0))?,
            ("bidirectional", condition) => with_default(name, condition, json!(false))?,
            (path, condition) => doc! { stored_path(path): stored(condition)? },
        });
    }
    Ok(all_of(all))
}

/// A condition on a member that counts as having a value where it is missing or null.
fn with_default(name: &str, condition: &Value, default: Value) -> Result<BsonDocument, StoreError> {
    let default_matches = Filter::parse(&json!({ name: condition }))
        .is_ok_and(|one| one.matches_value(&json!({ name: default })));
    let there = doc! { name: stored(condition)? };
    Ok(match default_matches {
        true => doc! { "$or": [there, { name: Bson::Null }] },
        false => doc! { "$and": [there, { name: { "$ne": Bson::Null } }] },
    })
}

fn stored(value: &Value) -> Result<Bson, StoreError> {
    to_bson(value, 0).map_err(|why| StoreError::Unsupported {
        store: "mongodb".into(),
        what: format!("be asked for `{value}`: {}", why.0),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(json: Value) -> BsonDocument {
        filter_to_bson(&Filter::parse(&json).unwrap()).unwrap()
    }

    #[test]
    fn paths_are_those_of_stored_documents() {
        assert_eq!(asked(json!({"id": "n.A.b"})), doc! { "_id": "n.A.b" });
        assert_eq!(
            asked(json!({"$or": [{"id": {"$in": ["x"]}}, {"context.a": {"$gt": 1}}], "$comment": "c"})),
            doc! { "$or": [{ "_id": { "$in": ["x"] } }, { "context.a": { "$gt": 1 } }] }
        );
        assert_eq!(asked(json!({})), doc! {});
        assert_eq!(asked(json!({"_token": {"$exists": true}})), doc! { NOWHERE: { "$exists": true } });
    }

    #[test]
    fn a_missing_version_counts_as_0() {
        let missing = |name: &str| doc! { name: Bson::Null };
        assert_eq!(asked(json!({"_version": 0})), doc! { "$or": [{ "_version": 0 }, missing("_version")] });
        assert_eq!(
            asked(json!({"_version": {"$ne": 0}})),
            doc! { "$and": [{ "_version": { "$ne": 0 } }, { "_version": { "$ne": Bson::Null } }] }
        );
        assert_eq!(
            asked(json!({"bidirectional": {"$in": [false]}})),
            doc! { "$or": [{ "bidirectional": { "$in": [false] } }, missing("bidirectional")] }
        );
    }

    #[test]
    fn ids_of_an_entity_lie_side_by_side() {
        let range = id_range(Kind::Node, EntityName::new("City").ok());
        assert_eq!(range, doc! { "$gte": "n.City.", "$lt": "n.City/" });
        assert_eq!(id_range(Kind::Edge, None), doc! { "$gte": "e.", "$lt": "e/" });
    }
}

//! Where the next page of a sorted result begins, as a filter.
//!
//! A server sorts a document by the smallest of the values at a path on the way up and by the largest on the way
//! down; a list counts by its members, what is missing as null, an empty list before null. So a document comes after
//! a value on the way up when none of its values is that one or a smaller one, whatever their types: that can be asked,
//! since each type is compared on its own and types have an order.

use bson::{Bson, Document as BsonDocument, doc};
use serde_json::Value;
use wayfare_graph::{Kind, SortKey, SortPosition, StoreError};

use super::filter::stored_path;
use super::value::to_bson;
use super::value_order::in_direction;

/// The types in the order in which they are sorted. An empty list stands between the first two, and null at its place.
const TYPES: [&str; 13] = [
    "minKey",
    "null",
    "number",
    "string",
    "object",
    "array",
    "binData",
    "objectId",
    "bool",
    "date",
    "timestamp",
    "regex",
    "maxKey",
];

/// Where null stands in [`TYPES`].
const NULL: usize = 1;

/// The paths of a sort that may lead through a list, up to there.
///
/// Members of such a list that are no objects are sorted as null, and one that a number counts out is not taken apart:
/// nothing that can be asked says the same.
pub(super) fn through_lists(sort: &[SortKey]) -> Vec<String> {
    let mut ways = Vec::new();
    for key in sort {
        let path = stored_path(&key.path);
        // `context` itself is an object.
        let ends = path.match_indices('.').map(|(at, _)| at).filter(|&at| &path[..at] != "context");
        ways.extend(ends.map(|at| path[..at].to_owned()));
    }
    ways
}

/// What a document of a kind counts as having at a path where the member is missing.
///
/// The server sorts by null there, so it has to be told the value to sort by.
pub(super) fn default_at(kind: Kind, path: &str) -> Option<Bson> {
    match (path, kind) {
        ("_version", _) => Some(Bson::Int32(0)),
        ("bidirectional", Kind::Edge) => Some(Bson::Boolean(false)),
        _ => None,
    }
}

/// The documents of a kind that come after a place in a sort, of those that have no list
/// [on the way](through_lists).
pub(super) fn after(
    kind: Kind,
    sort: &[SortKey],
    position: &SortPosition,
) -> Result<BsonDocument, StoreError> {
    let mut ways = Vec::new();
    let mut equal = Vec::new();
    for (key, value) in sort.iter().zip(&position.values) {
        let key = Key::of(kind, key, value.as_ref())?;
        ways.push(joined(&equal, key.beyond()));
        equal.push(key.at());
    }
    ways.push(joined(&equal, doc! { "_id": { "$gt": position.id.to_string() } }));
    Ok(doc! { "$or": ways })
}

fn joined(before: &[BsonDocument], last: BsonDocument) -> BsonDocument {
    let mut all = before.to_vec();
    all.push(last);
    doc! { "$and": all }
}

/// A key of a sort and a value there.
struct Key<'a> {
    path: &'a str,
    descending: bool,
    /// `None` for an empty list.
    value: Option<Bson>,
    /// The value of documents that have none.
    default: Option<Bson>,
}

impl<'a> Key<'a> {
    fn of(kind: Kind, key: &'a SortKey, value: Option<&Value>) -> Result<Self, StoreError> {
        let value =
            value.map(|value| to_bson(value, 0)).transpose().map_err(|why| StoreError::Unsupported {
                store: "mongodb".into(),
                what: format!("sort after a value that it cannot hold: {}", why.0),
            })?;
        let path = stored_path(&key.path);
        Ok(Self { path, descending: key.descending, value, default: default_at(kind, path) })
    }

    /// The documents that come after the value in the order of this key.
    fn beyond(&self) -> BsonDocument {
        doc! { "$nor": self.some(true) }
    }

    /// The documents that have the very value at this key.
    fn at(&self) -> BsonDocument {
        match self.some(false) {
            none_before if none_before.is_empty() => doc! { "$or": self.some(true) },
            before => doc! { "$nor": before, "$or": self.some(true) },
        }
    }

    /// The ways in which a document has some value before this one, or at it.
    fn some(&self, or_at: bool) -> Vec<BsonDocument> {
        let mut ways = self.some_stored(or_at);
        if let Some(default) = &self.default {
            let order = in_direction(Some(default), self.value.as_ref(), self.descending);
            if order.is_lt() || or_at && order.is_eq() {
                ways.push(doc! { self.path: Bson::Null });
            }
        }
        ways
    }

    /// The same of values that are stored.
    fn some_stored(&self, or_at: bool) -> Vec<BsonDocument> {
        let Some(value) = &self.value else {
            return self.beside_empty(or_at);
        };
        let class = class(value);
        let mut ways = Vec::new();
        for (rank, name) in TYPES.iter().enumerate() {
            let is_before = if self.descending { rank > class } else { rank < class };
            if is_before {
                ways.extend(self.of_type(rank, name));
            }
        }
        // On the way down an empty list comes last of all.
        if !self.descending && class >= NULL {
            ways.push(self.empty());
        }
        match class {
            NULL if or_at => ways.extend(self.of_type(NULL, "null")),
            NULL => {}
            _ => ways.extend(self.within(value, or_at)),
        }
        ways
    }

    fn beside_empty(&self, or_at: bool) -> Vec<BsonDocument> {
        let mut ways = self.of_type(0, TYPES[0]);
        if self.descending {
            ways = TYPES
                .iter()
                .enumerate()
                .skip(NULL)
                .flat_map(|(rank, name)| self.of_type(rank, name))
                .collect();
        }
        if or_at {
            ways.push(self.empty());
        }
        ways
    }

    /// A value of the type of `value` before it, or equal.
    fn within(&self, value: &Bson, or_at: bool) -> Vec<BsonDocument> {
        let path = self.path;
        let operator = match (self.descending, or_at) {
            (false, false) => "$lt",
            (false, true) => "$lte",
            (true, false) => "$gt",
            (true, true) => "$gte",
        };
        let test = doc! { operator: value.clone() };
        match value {
            // Only the members of a list are sorted by, not the list itself.
            Bson::Array(_) => vec![doc! { path: { "$elemMatch": test } }],
            // NaN is the smallest number, and compares with none.
            Bson::Double(nan) if nan.is_nan() => {
                let mut ways = Vec::new();
                if self.descending {
                    ways.push(doc! { path: { "$type": "number", "$not": { "$in": [f64::NAN] } } });
                }
                if or_at {
                    ways.push(doc! { path: f64::NAN });
                }
                ways
            }
            Bson::Double(_) | Bson::Int32(_) | Bson::Int64(_) | Bson::Decimal128(_) if !self.descending => {
                vec![doc! { path: test }, doc! { path: f64::NAN }]
            }
            _ => vec![doc! { path: test }],
        }
    }

    fn of_type(&self, rank: usize, name: &str) -> Vec<BsonDocument> {
        let path = self.path;
        match name {
            // See `some` for what is missing then.
            _ if rank == NULL && self.default.is_some() => Vec::new(),
            // What is missing counts as null, below lists of what has no members too.
            _ if rank == NULL => vec![doc! { path: Bson::Null }, doc! { path: { "$exists": false } }],
            "array" => vec![doc! { path: { "$elemMatch": { "$type": "array" } } }],
            "string" => vec![doc! { path: { "$type": ["string", "symbol"] } }],
            _ => vec![doc! { path: { "$type": name } }],
        }
    }

    fn empty(&self) -> BsonDocument {
        doc! { self.path: { "$size": 0 } }
    }
}

/// Where the type of a value stands in [`TYPES`].
pub(super) fn class(value: &Bson) -> usize {
    let name = match value {
        Bson::MinKey => "minKey",
        Bson::Double(_) | Bson::Int32(_) | Bson::Int64(_) | Bson::Decimal128(_) => "number",
        Bson::String(_) | Bson::Symbol(_) => "string",
        Bson::Document(_) => "object",
        Bson::Array(_) => "array",
        Bson::Binary(_) => "binData",
        Bson::ObjectId(_) => "objectId",
        Bson::Boolean(_) => "bool",
        Bson::DateTime(_) => "date",
        Bson::Timestamp(_) => "timestamp",
        Bson::RegularExpression(_) => "regex",
        Bson::MaxKey => "maxKey",
        _ => "null",
    };
    TYPES.iter().position(|known| *known == name).unwrap_or(NULL)
}

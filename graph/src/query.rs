//! Which documents are wanted, in which order, and which part of them.

use std::cmp::Ordering;

use serde_json::Value;

use crate::document::Document;
use crate::entity_name::EntityName;
use crate::field_values::{FieldValues, split_path};
use crate::filter::{Filter, compare_values};
use crate::id::{Id, Kind};

/// A sort key: a dotted path and whether it descends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SortKey {
    /// Such as `context.name`.
    pub path: String,
    /// Largest first.
    pub descending: bool,
}

impl SortKey {
    /// What a document is sorted by at this key: `None` stands for an empty list, which comes before all.
    ///
    /// Of a list, MongoDB takes the smallest member to ascend and the largest to descend.
    #[must_use]
    pub fn value_of(&self, document: &Document) -> Option<Value> {
        let values = FieldValues::in_document(document, &split_path(&self.path)).values;
        values.into_iter().min_by(|a, b| self.compare(a.as_ref(), b.as_ref())).flatten()
    }

    /// Which of two such values comes first.
    #[must_use]
    pub fn compare(&self, a: Option<&Value>, b: Option<&Value>) -> Ordering {
        let ascending = match (a, b) {
            (Some(a), Some(b)) => compare_values(a, b),
            (a, b) => a.is_some().cmp(&b.is_some()),
        };
        if self.descending { ascending.reverse() } else { ascending }
    }
}

/// The place of a document in a sorted result: where the next page begins.
#[derive(Debug, Clone, PartialEq)]
pub struct SortPosition {
    /// What it is sorted by, in the order of the sort keys, as [`SortKey::value_of`] tells.
    pub values: Vec<Option<Value>>,
    /// Its id, by which documents of equal values are ordered.
    pub id: Id,
}

impl SortPosition {
    /// The place of a document that has all the fields of the sort.
    #[must_use]
    pub fn of(document: &Document, sort: &[SortKey]) -> Self {
        let values = sort.iter().map(|key| key.value_of(document)).collect();
        Self { values, id: document.id().clone() }
    }

    /// Which of two places comes first, where documents of equal values come in the order of the texts of their ids.
    #[must_use]
    pub fn compare(&self, other: &Self, sort: &[SortKey]) -> Ordering {
        let pairs = self.values.iter().zip(&other.values);
        let by_values = sort.iter().zip(pairs).map(|(key, (a, b))| key.compare(a.as_ref(), b.as_ref()));
        by_values.fold(Ordering::Equal, Ordering::then).then_with(|| self.id.cmp(&other.id))
    }
}

/// Which documents are wanted, in which order, and which part of them.
#[derive(Debug, Clone)]
pub struct Query {
    /// Their kind.
    pub kind: Kind,
    /// Their entity, or any.
    pub entity: Option<EntityName>,
    /// What they must satisfy.
    pub filter: Filter,
    /// Their order; empty is the order of ids. Documents that are equal in it come in the order of ids.
    pub sort: Vec<SortKey>,
    /// Only documents after this place in the order; its values are as many as sort keys.
    pub after: Option<SortPosition>,
    /// How many of the first to leave out.
    pub skip: usize,
    /// How many to return at most.
    pub limit: Option<usize>,
    /// The paths to keep of each document, beside `id` and `entity`; `None` keeps all.
    pub projection: Option<Vec<String>>,
}

impl Query {
    /// All documents of an entity.
    #[must_use]
    pub fn entity(kind: Kind, entity: EntityName) -> Self {
        Self { entity: Some(entity), ..Self::kind(kind) }
    }

    /// All documents of a kind.
    #[must_use]
    pub fn kind(kind: Kind) -> Self {
        Self {
            kind,
            entity: None,
            filter: Filter::all(),
            sort: Vec::new(),
            after: None,
            skip: 0,
            limit: None,
            projection: None,
        }
    }
}

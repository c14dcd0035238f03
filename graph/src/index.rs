//! Indexes: as declared on types, and as a store has them.

use std::fmt::Write as _;

use crate::entity_name::EntityName;
use crate::filter::Filter;
use crate::id::Kind;

/// An index declared on a type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct IndexSpec {
    /// Names of fields in `context`, most significant first.
    pub fields: &'static [&'static str],
    /// Whether two documents may not share their values.
    pub unique: bool,
    /// The fields among `fields` whose largest values come first.
    pub descending: &'static [&'static str],
    /// The filter, as JSON, that documents satisfy to be in the index; `None` for all.
    pub partial: Option<&'static str>,
    /// The name, `None` for the one that follows from the fields.
    pub name: Option<&'static str>,
}

/// An index of one entity in a store.
///
/// Only documents that have at least one of the fields are in it, which is what MongoDB calls sparse; so
/// documents that lack every one of them are free of the rule of a unique index.
///
/// Made by [`new`](Self::new), then changed field by field.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Index {
    /// The kind of the indexed documents.
    pub kind: Kind,
    /// Their entity.
    pub entity: EntityName,
    /// Names of fields in `context`, most significant first; at least one.
    pub fields: Vec<String>,
    /// Whether two documents may not share their values.
    pub unique: bool,
    /// The fields among `fields` whose largest values come first. Only MongoDB minds.
    pub descending: Vec<String>,
    /// Only documents that satisfy it are in the index; all by default.
    pub partial: Filter,
    /// Its own name, `None` for the one that follows from the fields.
    pub name: Option<String>,
}

impl Index {
    /// An index over all documents of an entity, not unique, ascending.
    pub fn new<F: Into<String>>(kind: Kind, entity: EntityName, fields: impl IntoIterator<Item = F>) -> Self {
        let fields = fields.into_iter().map(Into::into).collect();
        let (descending, partial) = (Vec::new(), Filter::all());
        Self { kind, entity, fields, unique: false, descending, partial, name: None }
    }

    /// The same index, unique or not.
    #[must_use]
    pub fn unique(mut self, unique: bool) -> Self {
        self.unique = unique;
        self
    }

    /// The name: its own, or as MongoDB and jvspatial make it, such as `context.email_1_context.age_-1`.
    #[must_use]
    pub fn name(&self) -> String {
        if let Some(name) = &self.name {
            return name.clone();
        }
        let mut name = String::new();
        for field in &self.fields {
            let order = if self.descending.contains(field) { "-1" } else { "1" };
            let gap = if name.is_empty() { "" } else { "_" };
            // Writing to a `String` cannot fail.
            let _ = write!(name, "{gap}context.{field}_{order}");
        }
        name
    }

    /// Whether both index the same documents by the same fields, whatever their names and rules.
    #[must_use]
    pub fn covers_same(&self, other: &Self) -> bool {
        (self.kind, self.entity, &self.fields) == (other.kind, other.entity, &other.fields)
            && self.partial == other.partial
    }
}

/// How far the building of an index is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IndexProgress {
    /// The index.
    pub index: Index,
    /// Documents that are in it so far.
    pub done: u64,
    /// Documents that there are about, at the start.
    pub total: u64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_of_mongodb() {
        let entity = EntityName::new("User").unwrap();
        let mut index = Index::new(Kind::Node, entity, ["email", "age"]);
        index.descending = vec!["age".into()];
        assert_eq!(index.name(), "context.email_1_context.age_-1");
        index.name = Some("mine".into());
        assert_eq!(index.name(), "mine");
    }
}

//! How a store would answer a query, said before it does.

use serde::Serialize;

use crate::direction::Direction;
use crate::entity_name::EntityName;

/// How a store would find the documents of a query, the answer to [`Store::explain`](crate::Store::explain).
///
/// In JSON: `{"access": {"path": "index", …}, "decodes_fields", "sorts_in_memory", "examined"}`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Explanation {
    /// The way to the candidates: the documents that are held against the filter.
    pub access: AccessPath,
    /// Whether fields of every candidate are decoded for the filter. Not where it asks for nothing, or
    /// only for ids, versions and ends; also not where an index answers it so well that nothing is left.
    pub decodes_fields: bool,
    /// Whether what matches is sorted in memory before the first document is returned.
    pub sorts_in_memory: bool,
    /// How many documents are candidates at most, `None` where the store would have to look to know.
    ///
    /// A limit may end the search before. There may be more only where values are too long for an index.
    pub examined: Option<u64>,
}

impl Explanation {
    /// Candidates on a path that are not decoded, not sorted, and of unknown number.
    #[must_use]
    pub fn new(access: AccessPath) -> Self {
        Self { access, decodes_fields: false, sorts_in_memory: false, examined: None }
    }
}

/// Where a store looks for the documents of a query.
///
/// In JSON an object whose `path` is `ids`, `index`, `edges_of`, `entity_scan` or `kind_scan`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "path", rename_all = "snake_case")]
#[non_exhaustive]
pub enum AccessPath {
    /// At the ids that the filter names.
    Ids {
        /// How many they are.
        ids: usize,
    },
    /// In an index.
    Index {
        /// The entity of the index.
        entity: EntityName,
        /// Its fields, most significant first.
        fields: Vec<String>,
        /// How many of the first fields the filter binds to one value or to some.
        equal_fields: usize,
        /// Whether it bounds the field after those from above, from below, or both.
        range: bool,
    },
    /// At the edges of the nodes that the filter names as their source or target.
    EdgesOf {
        /// How many nodes they are.
        nodes: usize,
        /// `Out` for sources, `In` for targets.
        direction: Direction,
    },
    /// At all documents of the entity.
    EntityScan {
        /// The entity.
        entity: EntityName,
    },
    /// At all documents of the kind.
    KindScan,
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_json_names_the_path_and_its_parts() {
        let entity = EntityName::new("City").unwrap();
        let fields = vec!["country".to_owned(), "size".to_owned()];
        let mut explanation =
            Explanation::new(AccessPath::Index { entity, fields, equal_fields: 1, range: true });
        explanation.decodes_fields = true;
        assert_eq!(
            serde_json::to_value(&explanation).unwrap(),
            json!({
                "access": {"path": "index", "entity": "City", "fields": ["country", "size"],
                    "equal_fields": 1, "range": true},
                "decodes_fields": true, "sorts_in_memory": false, "examined": null,
            })
        );
        for (access, path) in [
            (AccessPath::Ids { ids: 2 }, json!({"path": "ids", "ids": 2})),
            (
                AccessPath::EdgesOf { nodes: 1, direction: Direction::In },
                json!({"path": "edges_of", "nodes": 1, "direction": "in"}),
            ),
            (AccessPath::EntityScan { entity }, json!({"path": "entity_scan", "entity": "City"})),
            (AccessPath::KindScan, json!({"path": "kind_scan"})),
        ] {
            assert_eq!(serde_json::to_value(access).unwrap(), path);
        }
    }
}

//! Whether the path that is named is the path that is taken.
//!
//! A copy of the file for every document has that one document damaged. Whoever looks at it fails, so what
//! a query examines can be told from outside.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};
use tempfile::TempDir;
use wayfare_graph::{
    AccessPath, Direction, Document, EntityName, Filter, Index, Kind, Query, Store, StoreError,
};
use wayfare_stores::EmbeddedStore;

use crate::format::change;
use crate::{create, create_multi, now, open};

fn city() -> EntityName {
    EntityName::new("City").unwrap()
}

fn given(path: &Path) {
    let store = open(path).unwrap();
    for (fields, unique) in [(&["code"][..], true), (&["country", "size"], false)] {
        now(store.create_index(&Index::new(Kind::Node, city(), fields.iter().copied()).unique(unique)))
            .unwrap();
    }
    let documents = [
        json!({"id": "n.City.a", "context": {"code": 1, "country": "CH", "size": 10}}),
        json!({"id": "n.City.b", "context": {"code": 2, "country": "CH", "size": 20}}),
        json!({"id": "n.City.c", "context": {"code": 3, "country": "CH", "size": 30}}),
        json!({"id": "n.City.d", "context": {"code": 4, "country": "DE", "size": 30}}),
        json!({"id": "n.City.e", "context": {"code": 5}}),
        json!({"id": "n.Town.f", "context": {"code": 1, "country": "CH", "size": 30}}),
        json!({"id": "w.City.g", "context": {"code": 1}}),
        json!({"id": "w.Reach.h", "context": {"code": 1}}),
    ];
    let edges = [
        json!({"id": "e.Road.i", "source": "n.City.a", "target": "n.City.b", "context": {"km": 1}}),
        json!({"id": "e.Road.j", "source": "n.City.b", "target": "n.City.a", "context": {"km": 2}}),
        json!({"id": "e.Rail.k", "source": "n.City.a", "target": "n.City.c"}),
    ];
    let read = |json: Value| Document::from_json(json).unwrap();
    create(&store, documents.map(read)).unwrap();
    create_multi(&store, edges.map(read)).unwrap();
}

/// The places of all documents, by the letters of their keys.
const PLACES: [(&str, &str); 3] = [("node", "abcdef"), ("walker", "gh"), ("edge", "ijk")];

/// A copy of the store for each document, which is damaged in it.
fn damaged_copies(path: &Path) -> Vec<(char, TempDir, EmbeddedStore)> {
    let mut copies = Vec::new();
    for (table, letters) in PLACES {
        for letter in letters.chars() {
            let copy = tempfile::tempdir().unwrap();
            fs::copy(path.join("data.mdb"), copy.path().join("data.mdb")).unwrap();
            change(copy.path(), table, |table, txn| {
                // The text of the key, its end, and for a node the section of its document.
                let ends = [vec![1, letter as u8, 0], vec![1, letter as u8, 0, 1]];
                let rows = table.iter(txn).unwrap().map(|row| row.unwrap().0.to_vec());
                let keys: Vec<_> = rows.filter(|key| ends.iter().any(|end| key[2..] == end[..])).collect();
                assert_eq!(keys.len(), 1, "{letter}");
                table.put(txn, &keys[0], &[0xff]).unwrap();
            });
            let store = open(copy.path()).unwrap();
            copies.push((letter, copy, store));
        }
    }
    copies
}

/// The letters of the documents that a query looks at.
fn examined(copies: &[(char, TempDir, EmbeddedStore)], query: &Query) -> String {
    let fails = |store: &EmbeddedStore| match now(store.find(query)) {
        Ok(_) => false,
        Err(StoreError::Damaged { .. }) => true,
        Err(other) => panic!("{other:?}"),
    };
    copies.iter().filter(|(_, _, store)| fails(store)).map(|(letter, ..)| *letter).collect()
}

/// Kind, entity, filter; the path, and the documents on it.
fn table() -> Vec<(Kind, Option<&'static str>, Value, AccessPath, &'static str)> {
    use Kind::{Edge, Node, Walker};
    let by = |fields: &[&str], equal_fields, range| {
        let fields = fields.iter().map(|&field| field.to_owned()).collect();
        AccessPath::Index { entity: city(), fields, equal_fields, range }
    };
    let located = &["country", "size"];
    let ids = |ids| AccessPath::Ids { ids };
    let scan = |entity| AccessPath::EntityScan { entity: EntityName::new(entity).unwrap() };
    let edges_of = |nodes, direction| AccessPath::EdgesOf { nodes, direction };
    let two = json!({"id": {"$in": ["n.City.a", "n.City.e"]}, "context.country": "CH"});
    let country = |country: &str, size: Value| json!({"context.country": country, "context.size": size});
    let (c, r) = (Some("City"), Some("Road"));
    vec![
        (Node, c, json!({"context.other": 1}), scan("City"), "abcde"),
        (Node, c, json!({"context.size": 30}), scan("City"), "abcde"),
        (Node, Some("Town"), json!({"context.code": 1}), scan("Town"), "f"),
        (Node, None, json!({"context.code": 6}), AccessPath::KindScan, "abcdef"),
        (Node, c, two, ids(2), "ae"),
        (Node, c, json!({"context.code": 3, "context.country": "DE"}), by(&["code"], 1, false), "c"),
        (Node, c, json!({"context.code": {"$in": [1, 4, 9]}}), by(&["code"], 1, false), "ad"),
        (Node, c, json!({"context.code": {"$gt": 3}}), by(&["code"], 0, true), "de"),
        (Node, c, json!({"context.country": "CH"}), by(located, 1, false), "abc"),
        (Node, c, country("CH", json!(20)), by(located, 2, false), "b"),
        (Node, c, country("CH", json!({"$gte": 20})), by(located, 1, true), "bc"),
        (Node, c, country("CH", json!({"$gt": 10, "$lt": 30})), by(located, 1, true), "b"),
        (Node, c, country("CH", json!({"$ne": 20})), by(located, 1, false), "abc"),
        (Walker, c, json!({"context.code": 7}), scan("City"), "g"),
        (Walker, None, json!({"context.code": 7}), AccessPath::KindScan, "gh"),
        (Walker, None, json!({"id": "w.Reach.h"}), ids(1), "h"),
        (Edge, r, json!({"context.km": 7}), scan("Road"), "ij"),
        (Edge, r, json!({"source": "n.City.a", "context.km": 7}), edges_of(1, Direction::Out), "i"),
        (Edge, None, json!({"source": "n.City.a"}), edges_of(1, Direction::Out), "ik"),
        (Edge, r, json!({"target": "n.City.a", "context.km": 7}), edges_of(1, Direction::In), "j"),
    ]
}

#[test]
fn the_path_that_is_explained_is_the_path_that_is_taken() {
    let folder = tempfile::tempdir().unwrap();
    given(folder.path());
    let copies = damaged_copies(folder.path());
    assert_eq!(copies.len(), 11);
    let store = open(folder.path()).unwrap();
    for (kind, entity, filter, access, on_path) in table() {
        let entity = entity.map(|entity| EntityName::new(entity).unwrap());
        let filter = Filter::parse(&filter).unwrap();
        let query = Query { entity, filter, ..Query::entity(kind, city()) };
        let explained = now(store.explain(&query)).unwrap();
        assert_eq!(explained.access, access, "{query:?}");
        assert_eq!(examined(&copies, &query), on_path, "{query:?}");
        assert!(explained.examined.is_none_or(|most| most >= on_path.len() as u64), "{query:?}");
        // A count takes the same way.
        let counts = copies.iter().filter(|(_, _, copy)| now(copy.count(&query)).is_err()).count();
        assert_eq!(counts, on_path.len(), "{query:?}");
        // The plan is made without a look at any document.
        assert!(copies.iter().all(|(_, _, copy)| now(copy.explain(&query)).unwrap() == explained));
    }
}

#[test]
fn a_limit_ends_a_scan_where_it_is_said_to() {
    let folder = tempfile::tempdir().unwrap();
    given(folder.path());
    let copies = damaged_copies(folder.path());
    let store = open(folder.path()).unwrap();
    let sort = wayfare_graph::SortKey { path: "id".into(), descending: false };
    for (skip, limit, sort, on_path) in [
        (0, Some(0), vec![], ""),
        (1, Some(2), vec![], "abc"),
        (0, Some(9), vec![], "abcde"),
        (0, Some(1), vec![sort], "abcde"),
    ] {
        let query = Query { skip, limit, sort, ..Query::entity(Kind::Node, city()) };
        assert_eq!(examined(&copies, &query), on_path, "{query:?}");
        assert_eq!(now(store.explain(&query)).unwrap().examined, Some(on_path.len() as u64), "{query:?}");
    }
}

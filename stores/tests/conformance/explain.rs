use serde_json::{Value, json};
use wayfare_graph::{AccessPath, Direction, Explanation, Kind, Query, SortKey, Store};

use crate::harness::*;

/// Twelve cities with indexes, of which the last two have the largest sizes; a town; three roads.
async fn given_indexed_cities(store: &dyn Store) {
    store.create_index(&index("City", &["code"], true)).await.unwrap();
    store.create_index(&index("City", &["country", "size"], false)).await.unwrap();
    store.create_index(&index("City", &["name"], false)).await.unwrap();
    let city = |n: usize| {
        let country = ["CH", "DE", "FR"][n % 3];
        let context =
            json!({"code": format!("C{n}"), "country": country, "size": n * 10, "name": format!("N{n}")});
        node(&format!("n.City.{n:02}"), context)
    };
    given(store, (0..12).map(city)).await;
    given(store, [node("n.Town.a", json!({"country": "CH"})), node("w.Reach.a", json!({"hops": 3}))]).await;
    let roads = [
        edge("e.Road.1", "n.City.01", "n.City.02"),
        edge("e.Road.2", "n.City.01", "n.City.03"),
        edge("e.Rail.3", "n.City.03", "n.City.01"),
    ];
    given(store, roads).await;
}

fn cities(condition: Value) -> Query {
    query(Kind::Node, "City", condition)
}

fn by(path: &str) -> Vec<SortKey> {
    vec![SortKey { path: path.to_owned(), descending: false }]
}

fn in_index(fields: &[&str], equal_fields: usize, range: bool) -> AccessPath {
    let fields = fields.iter().map(|field| (*field).to_owned()).collect();
    AccessPath::Index { entity: name("City"), fields, equal_fields, range }
}

/// Queries, the path that a store with indexes takes, and how many documents it then says there are on it.
fn table() -> Vec<(Query, AccessPath, Option<u64>)> {
    let located = ["country", "size"];
    let city_scan = || AccessPath::EntityScan { entity: name("City") };
    let edges_of = |nodes, direction| AccessPath::EdgesOf { nodes, direction };
    let roads = |condition| query(Kind::Edge, "Road", condition);
    let anywhere = |query: Query| Query { entity: None, ..query };
    let two_ids = json!({"_id": {"$in": ["n.City.01", "n.City.none", "n.Town.a", "e.Road.1", "no id"]}});
    vec![
        (cities(json!({})), city_scan(), Some(12)),
        (cities(json!({"context.other": 1})), city_scan(), Some(12)),
        (cities(json!({"context.size": {"$gt": 50}})), city_scan(), Some(12)),
        (cities(json!({"$or": [{"context.code": "C1"}]})), city_scan(), Some(12)),
        (cities(json!({"id": "n.City.01", "context.code": "C1"})), AccessPath::Ids { ids: 1 }, Some(1)),
        (cities(two_ids), AccessPath::Ids { ids: 2 }, Some(2)),
        (
            cities(json!({"context.code": "C1", "context.country": "DE"})),
            in_index(&["code"], 1, false),
            Some(1),
        ),
        (cities(json!({"context.code": {"$in": ["C1", "C9", "x"]}})), in_index(&["code"], 1, false), Some(3)),
        (cities(json!({"context.code": {"$in": []}})), in_index(&["code"], 1, false), Some(0)),
        (cities(json!({"context.country": "CH"})), in_index(&located, 1, false), None),
        (cities(json!({"context.country": "CH", "context.size": 30})), in_index(&located, 2, false), None),
        (
            cities(json!({"context.country": "CH", "context.size": {"$gte": 60}})),
            in_index(&located, 1, true),
            None,
        ),
        (cities(json!({"context.country": {"$gt": "CH"}})), in_index(&located, 0, true), None),
        (cities(json!({"context.name": {"$regex": "^N1"}})), in_index(&["name"], 0, true), None),
        (anywhere(cities(json!({"context.code": "C1"}))), AccessPath::KindScan, Some(14)),
        (anywhere(cities(json!({}))), AccessPath::KindScan, Some(14)),
        (
            query(Kind::Walker, "Reach", json!({"context.hops": 3})),
            AccessPath::EntityScan { entity: name("Reach") },
            Some(1),
        ),
        (query(Kind::Node, "Never", json!({})), AccessPath::EntityScan { entity: name("Never") }, Some(0)),
        (roads(json!({"source": "n.City.01"})), edges_of(1, Direction::Out), None),
        (
            anywhere(roads(json!({"target": {"$in": ["n.City.01", "n.City.02", "o.City.x"]}}))),
            edges_of(2, Direction::In),
            None,
        ),
        (roads(json!({"source": "o.City.x"})), edges_of(0, Direction::Out), Some(0)),
    ]
}

async fn explain(store: &dyn Store, query: &Query) -> Explanation {
    store.explain(query).await.unwrap()
}

pub async fn every_way_to_documents_is_named(store: &dyn Store) {
    given_indexed_cities(store).await;
    for (query, access, examined) in table() {
        let explained = explain(store, &query).await;
        assert_eq!((explained.access, explained.examined), (access, examined), "{query:?}");
    }
}

pub async fn decoding_and_sorting_are_told(store: &dyn Store) {
    given_indexed_cities(store).await;
    for (condition, decodes) in [
        (json!({}), false),
        (json!({"id": "n.City.01", "entity": "City", "_version": {"$gte": 1}}), false),
        (json!({"id": "n.City.01", "context.size": 10}), true),
        (json!({"$or": [{"id": "n.City.01"}, {"$nor": [{"owner": 1}]}]}), true),
        (json!({"context.name": "x"}), true),
    ] {
        let explained = explain(store, &cities(condition.clone())).await;
        assert_eq!((explained.decodes_fields, explained.sorts_in_memory), (decodes, false), "{condition}");
        let sorted = explain(store, &Query { sort: by("context.name"), ..cities(condition) }).await;
        assert_eq!((sorted.decodes_fields, sorted.sorts_in_memory), (decodes, true));
        assert_eq!(sorted.access, explained.access);
    }
}

pub async fn no_more_is_examined_than_was_said(store: &dyn Store) {
    given_indexed_cities(store).await;
    for (query, _, _) in table() {
        for (skip, limit) in [(0, None), (0, Some(0)), (1, Some(1)), (3, Some(100))] {
            for sort in [vec![], by("context.size")] {
                let query = Query { skip, limit, sort, ..query.clone() };
                let explained = explain(store, &query).await;
                let found = store.find(&query).await.unwrap().len() as u64;
                assert!(explained.examined.is_none_or(|examined| examined >= found), "{query:?}");
            }
        }
    }
    let part = Query { skip: 2, limit: Some(3), ..cities(json!({})) };
    assert_eq!(explain(store, &part).await.examined, Some(5));
    assert_eq!(explain(store, &Query { sort: by("context.size"), ..part }).await.examined, Some(12));
    let filtered = Query { limit: Some(1), ..cities(json!({"context.size": {"$gt": 50}})) };
    assert_eq!(explain(store, &filtered).await.examined, Some(12));
}

pub async fn explaining_changes_nothing(store: &dyn Store) {
    given_indexed_cities(store).await;
    let before = store.stats().await.unwrap();
    let query = query(Kind::Node, "NeverHeardOf", json!({"context.x": 1}));
    assert_eq!(explain(store, &query).await, explain(store, &query).await);
    // Bytes are no matter here: a server writes its checkpoints when it likes.
    let after = store.stats().await.unwrap();
    assert_eq!((after.entities, after.indexes), (before.entities, before.indexes));
    // It tells of now: what an index made since may change.
    store.create_index(&index("NeverHeardOf", &["x"], false)).await.unwrap();
    assert!(matches!(explain(store, &query).await.access, AccessPath::Index { equal_fields: 1, .. }));
}

use serde_json::json;
use wayfare_graph::{Direction, Document, Store, Version, Write, WriteError};

use crate::harness::*;

fn put(document: Document) -> Write {
    Write::Put { document }
}

pub async fn a_document_is_stored_with_its_version(store: &dyn Store) {
    let old = node("n.City.a", json!({"name": "A"})).with_version(Version(7));
    assert_eq!(one(store, put(old.clone())).await, created("n.City.a"));
    assert_eq!(get(store, "n.City.a").await, Some(old.clone()));
    assert_eq!(one(store, put(old)).await, unchanged("n.City.a", 7));
    let other = node("n.City.a", json!({"b": 1})).with_version(Version(3));
    assert_eq!(one(store, put(other.clone())).await, changed("n.City.a", 3));
    assert_eq!(get(store, "n.City.a").await, Some(other.clone()));
    assert_eq!(one(store, save(other)).await, changed("n.City.a", 4));
    let unversioned = node("n.City.b", json!({})).with_version(Version(0));
    assert_eq!(one(store, put(unversioned.clone())).await, created("n.City.b"));
    assert_eq!(get(store, "n.City.b").await, Some(unversioned.clone()));
    assert_eq!(one(store, save(unversioned)).await, changed("n.City.b", 1));
}

pub async fn an_edge_may_come_before_its_ends_and_beside_others(store: &dyn Store) {
    given_nodes(store, &["n.City.a"]).await;
    assert_eq!(one(store, put(edge("e.Road.1", "n.City.a", "n.City.b"))).await, created("e.Road.1"));
    assert_eq!(one(store, put(edge("e.Road.2", "n.City.a", "n.City.b"))).await, created("e.Road.2"));
    let both = [("e.Road.1".into(), "n.City.b".into()), ("e.Road.2".into(), "n.City.b".into())];
    assert_eq!(links(store, "n.City.a", Direction::Out).await, both);
    given_nodes(store, &["n.City.b"]).await;
    assert_eq!(links(store, "n.City.b", Direction::In).await.len(), 2);
    let moved = one(store, put(edge("e.Road.1", "n.City.b", "n.City.a"))).await;
    assert!(is_unsuitable(&moved), "{moved:?}");
}

pub async fn unique_indexes_hold(store: &dyn Store) {
    store.create_index(&index("City", &["code"], true)).await.unwrap();
    given(store, [node("n.City.a", json!({"code": 1}))]).await;
    let refused = one(store, put(node("n.City.b", json!({"code": 1})).with_version(Version(5)))).await;
    assert!(
        matches!(&refused, Err(WriteError::UniqueViolation { holder, .. }) if *holder == id("n.City.a")),
        "{refused:?}"
    );
    assert_eq!(get(store, "n.City.b").await, None);
}

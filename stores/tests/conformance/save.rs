use serde_json::json;
use wayfare_graph::{Store, Version, WriteError, WriteResult};

use crate::harness::*;

fn conflict(text: &str, expected: u64, found: u64) -> WriteResult {
    Err(WriteError::Conflict { id: id(text), expected: Version(expected), found: Version(found) })
}

pub async fn saving_replaces_the_document_and_counts_up(store: &dyn Store) {
    let first = document(json!({"id": "n.City.a", "context": {"a": 1, "b": 2}, "tag": "t"}));
    given(store, [first]).await;
    let second = document(json!({"id": "n.City.a", "context": {"b": 3}, "_version": 1}));
    assert_eq!(one(store, save(second.clone())).await, changed("n.City.a", 2));
    assert_eq!(get(store, "n.City.a").await, Some(second.clone().with_version(Version(2))));
    // Saving the same again is a write like any other.
    assert_eq!(one(store, save(second.with_version(Version(2)))).await, changed("n.City.a", 3));
    assert_eq!(get(store, "n.City.a").await.unwrap().version(), Version(3));
}

pub async fn saving_over_a_newer_version_is_a_conflict_and_changes_nothing(store: &dyn Store) {
    given(store, [node("n.City.a", json!({"n": 1}))]).await;
    for version in [0, 2, u64::MAX] {
        let stale = node("n.City.a", json!({"n": 2})).with_version(Version(version));
        assert_eq!(one(store, save(stale)).await, conflict("n.City.a", version, 1));
    }
    assert_eq!(context(store, "n.City.a").await, json!({"n": 1}));
    let both = write(
        store,
        [
            save(node("n.City.a", json!({"n": 2})).with_version(Version(1))),
            save(node("n.City.a", json!({"n": 3})).with_version(Version(1))),
        ],
    );
    assert_eq!(both.await, [changed("n.City.a", 2), conflict("n.City.a", 1, 2)]);
    assert_eq!(context(store, "n.City.a").await, json!({"n": 2}));
}

pub async fn saving_what_is_not_there_is_refused(store: &dyn Store) {
    for text in ["n.City.none", "o.Never.seen", "w.Never.seen"] {
        let result = one(store, save(node(text, json!({})).with_version(Version(1)))).await;
        assert_eq!(result, Err(WriteError::NotFound { id: id(text) }));
    }
}

pub async fn an_edge_keeps_its_ends(store: &dyn Store) {
    given_nodes(store, &["n.City.a", "n.City.b", "n.City.c"]).await;
    given(store, [edge("e.Road.r", "n.City.a", "n.City.b")]).await;
    for moved in [
        edge("e.Road.r", "n.City.a", "n.City.c"),
        edge("e.Road.r", "n.City.b", "n.City.a"),
        road("e.Road.r", "n.City.a", "n.City.b"),
    ] {
        let result = one(store, save(moved.with_version(Version(1)))).await;
        assert!(is_unsuitable(&result), "{result:?}");
    }
    let json = json!({"id": "e.Road.r", "source": "n.City.a", "target": "n.City.b", "context": {"km": 2}, "_version": 1});
    assert_eq!(one(store, save(document(json))).await, changed("e.Road.r", 2));
    assert_eq!(context(store, "e.Road.r").await, json!({"km": 2}));
    let out = links(store, "n.City.a", wayfare_graph::Direction::Out).await;
    assert_eq!(out, [("e.Road.r".to_owned(), "n.City.b".to_owned())]);
}

pub async fn a_later_write_sees_what_an_earlier_one_did(store: &dyn Store) {
    let at = |version: u64| node("n.City.a", json!({"n": version})).with_version(Version(version));
    let results = write(
        store,
        [create(at(0)), save(at(1)), save(at(2)), delete("n.City.a"), save(at(3)), create(at(0))],
    );
    let results = results.await;
    assert_eq!(results[..3], [created("n.City.a"), changed("n.City.a", 2), changed("n.City.a", 3)]);
    assert_eq!(results[4], Err(WriteError::NotFound { id: id("n.City.a") }));
    assert_eq!(results[5], created("n.City.a"));
}

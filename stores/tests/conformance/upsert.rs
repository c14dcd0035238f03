use serde_json::json;
use wayfare_graph::{Store, Version, WriteError};

use crate::harness::*;

pub async fn an_unknown_document_is_created(store: &dyn Store) {
    for text in ["n.City.a", "o.Setting.a", "w.Reach.a"] {
        assert_eq!(
            one(store, upsert(node(text, json!({"n": 1})).with_version(Version(7)))).await,
            created(text)
        );
        assert_eq!(get(store, text).await.unwrap().version(), Version(1));
        assert_eq!(context(store, text).await, json!({"n": 1}));
    }
}

pub async fn fields_are_written_over_those_that_are_stored(store: &dyn Store) {
    given(
        store,
        [document(json!({"id": "n.City.a", "context": {"a": 1, "b": {"x": 1}}, "tag": "t", "owner": 1}))],
    )
    .await;
    let over = document(json!({"id": "n.City.a", "context": {"b": {"y": 2}, "c": null}, "owner": 2}));
    assert_eq!(one(store, upsert(over)).await, changed("n.City.a", 2));
    let read = get(store, "n.City.a").await.unwrap().to_json().unwrap();
    assert_eq!(
        read,
        json!({"id": "n.City.a", "entity": "City", "_version": 2, "tag": "t", "owner": 2,
        "context": {"a": 1, "b": {"y": 2}, "c": null}})
    );
    // Members that are not given stay.
    assert_eq!(one(store, upsert(node("n.City.a", json!({"a": 2})))).await, changed("n.City.a", 3));
    assert_eq!(get(store, "n.City.a").await.unwrap().to_json().unwrap()["tag"], json!("t"));
}

pub async fn an_upsert_that_changes_nothing_keeps_the_version(store: &dyn Store) {
    let whole = document(json!({"id": "n.City.a", "context": {"a": 1, "b": 2}, "tag": "t"}));
    given(store, [whole.clone()]).await;
    for same in [
        whole,
        node("n.City.a", json!({})),
        node("n.City.a", json!({"b": 2, "a": 1})),
        document(json!({"id": "n.City.a", "tag": "t"})),
    ] {
        assert_eq!(one(store, upsert(same)).await, unchanged("n.City.a", 1));
    }
    assert_eq!(get(store, "n.City.a").await.unwrap().version(), Version(1));
    assert_eq!(one(store, upsert(node("n.City.a", json!({"c": null})))).await, changed("n.City.a", 2));
}

pub async fn an_unknown_edge_keeps_the_rules_of_creation(store: &dyn Store) {
    given_nodes(store, &["n.City.a", "n.City.b"]).await;
    let missing = one(store, upsert(edge("e.Road.r", "n.City.a", "n.City.none"))).await;
    assert!(matches!(missing, Err(WriteError::UnknownEnd { missing, .. }) if missing == id("n.City.none")));
    assert_eq!(one(store, upsert(edge("e.Road.r", "n.City.a", "n.City.b"))).await, created("e.Road.r"));
    assert_eq!(one(store, upsert(edge("e.Road.s", "n.City.a", "n.City.b"))).await, exists("e.Road.r"));
    assert_eq!(get(store, "e.Road.s").await, None);
    assert_eq!(links(store, "n.City.b", wayfare_graph::Direction::In).await.len(), 1);
}

pub async fn what_a_newer_schema_wrote_is_not_written_over(store: &dyn Store) {
    let account = |schema: Option<u32>| {
        let mut json = json!({"id": "n.Account.a", "context": {"schema": schema}});
        if let Some(schema) = schema {
            json["_v"] = json!(schema);
        }
        document(json)
    };
    given(store, [account(Some(3))]).await;
    let older = one(store, upsert(account(Some(2)))).await;
    assert!(is_unsuitable(&older), "{older:?}");
    assert_eq!(context(store, "n.Account.a").await, json!({"schema": 3}));
    assert_eq!(one(store, upsert(account(Some(4)))).await, changed("n.Account.a", 2));
    // Who names no schema writes fields, and knows what they do.
    assert_eq!(one(store, upsert(account(None))).await, changed("n.Account.a", 3));
}

pub async fn an_edge_keeps_its_ends(store: &dyn Store) {
    given_nodes(store, &["n.City.a", "n.City.b"]).await;
    given(store, [edge("e.Road.r", "n.City.a", "n.City.b")]).await;
    assert!(is_unsuitable(&one(store, upsert(edge("e.Road.r", "n.City.b", "n.City.a"))).await));
    assert_eq!(one(store, upsert(edge("e.Road.r", "n.City.a", "n.City.b"))).await, unchanged("e.Road.r", 1));
}

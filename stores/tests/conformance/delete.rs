use serde_json::json;
use wayfare_graph::{Direction, Id, Store, Version, Write, WriteError, WriteResult, Written};

use crate::harness::*;

/// The parts of a deletion, neighbours in the order of their texts.
fn parts(result: WriteResult) -> (String, Vec<String>, Vec<String>) {
    let texts = |ids: Vec<Id>| ids.iter().map(ToString::to_string).collect::<Vec<_>>();
    match result {
        Ok(Written::Deleted { id, edges, neighbours }) => {
            let mut neighbours = texts(neighbours);
            neighbours.sort();
            (id.to_string(), texts(edges), neighbours)
        }
        other => panic!("{other:?}"),
    }
}

fn deleted(id: &str, edges: &[&str], neighbours: &[&str]) -> (String, Vec<String>, Vec<String>) {
    let texts = |ids: &[&str]| ids.iter().map(|&id| id.to_owned()).collect();
    (id.to_owned(), texts(edges), texts(neighbours))
}

pub async fn a_deleted_document_is_gone(store: &dyn Store) {
    for text in ["n.City.a", "o.Setting.a", "w.Reach.a"] {
        given(store, [node(text, json!({"n": 1}))]).await;
        assert_eq!(parts(one(store, delete(text)).await), deleted(text, &[], &[]));
        assert_eq!(get(store, text).await, None);
        assert_eq!(one(store, delete(text)).await, Err(WriteError::NotFound { id: id(text) }));
        assert_eq!(one(store, create(node(text, json!({})))).await, created(text));
        assert_eq!(get(store, text).await.unwrap().version(), Version(1));
    }
}

pub async fn a_node_takes_its_edges_with_it(store: &dyn Store) {
    given_nodes(store, &["n.City.a", "n.City.b", "n.City.c", "n.City.d"]).await;
    given(
        store,
        [
            edge("e.Road.1", "n.City.a", "n.City.b"),
            edge("e.Road.2", "n.City.c", "n.City.a"),
            road("e.Rail.3", "n.City.a", "n.City.b"),
            edge("e.Road.4", "n.City.a", "n.City.b"),
            edge("e.Road.5", "n.City.b", "n.City.d"),
        ],
    )
    .await;
    let gone = ["e.Road.1", "e.Road.2", "e.Rail.3", "e.Road.4"];
    let result = parts(one(store, delete("n.City.a")).await);
    assert_eq!(result, deleted("n.City.a", &gone, &["n.City.b", "n.City.c"]));
    for text in gone {
        assert_eq!(get(store, text).await, None, "{text}");
    }
    assert!(get(store, "e.Road.5").await.is_some());
    assert_eq!(
        links(store, "n.City.b", Direction::Both).await,
        [("e.Road.5".to_owned(), "n.City.d".to_owned())]
    );
    assert_eq!(links(store, "n.City.c", Direction::Both).await, []);
    // A node of the same id begins without edges.
    given_nodes(store, &["n.City.a"]).await;
    assert_eq!(links(store, "n.City.a", Direction::Both).await, []);
}

pub async fn what_shares_entity_and_key_with_a_node_takes_no_edges(store: &dyn Store) {
    given_nodes(store, &["n.City.a", "n.City.b"]).await;
    given(store, [edge("e.Road.1", "n.City.a", "n.City.b"), road("e.Road.2", "n.City.b", "n.City.a")]).await;
    for text in ["o.City.a", "w.City.a"] {
        given(store, [node(text, json!({}))]).await;
        assert_eq!(parts(one(store, delete(text)).await), deleted(text, &[], &[]));
    }
    assert_eq!(links(store, "n.City.a", Direction::Both).await.len(), 2);
    assert!(get(store, "e.Road.1").await.is_some() && get(store, "e.Road.2").await.is_some());
}

pub async fn self_loops_go_once(store: &dyn Store) {
    given_nodes(store, &["n.City.a"]).await;
    given(store, [edge("e.Road.1", "n.City.a", "n.City.a"), road("e.Road.2", "n.City.a", "n.City.a")]).await;
    let result = parts(one(store, delete("n.City.a")).await);
    assert_eq!(result, deleted("n.City.a", &["e.Road.1", "e.Road.2"], &[]));
    assert_eq!(get(store, "e.Road.1").await, None);
}

pub async fn a_deleted_edge_makes_room_for_another(store: &dyn Store) {
    given_nodes(store, &["n.City.a", "n.City.b"]).await;
    given(store, [edge("e.Road.1", "n.City.a", "n.City.b"), road("e.Rail.2", "n.City.a", "n.City.b")]).await;
    for text in ["e.Road.1", "e.Rail.2"] {
        assert_eq!(parts(one(store, delete(text)).await), deleted(text, &[], &["n.City.a", "n.City.b"]));
        assert_eq!(get(store, text).await, None);
    }
    for node in ["n.City.a", "n.City.b"] {
        assert_eq!(links(store, node, Direction::Both).await, []);
    }
    assert_eq!(one(store, create(edge("e.Road.3", "n.City.a", "n.City.b"))).await, created("e.Road.3"));
    given(store, [edge("e.Road.loop", "n.City.a", "n.City.a")]).await;
    assert_eq!(parts(one(store, delete("e.Road.loop")).await), deleted("e.Road.loop", &[], &["n.City.a"]));
}

pub async fn a_version_guards_against_deletion(store: &dyn Store) {
    given(store, [node("n.City.a", json!({}))]).await;
    let at = |version| Write::Delete { id: id("n.City.a"), expected: Some(Version(version)) };
    let conflict = WriteError::Conflict { id: id("n.City.a"), expected: Version(2), found: Version(1) };
    assert_eq!(one(store, at(2)).await, Err(conflict));
    assert!(get(store, "n.City.a").await.is_some());
    assert!(one(store, at(1)).await.is_ok());
    assert_eq!(one(store, at(1)).await, Err(WriteError::NotFound { id: id("n.City.a") }));
}

pub async fn what_cannot_be_deleted_is_refused(store: &dyn Store) {
    assert!(is_unsuitable(&one(store, delete("n.Root.root")).await));
    assert!(get(store, "n.Root.root").await.is_some());
    for text in ["e.Never.seen", "w.Never.seen"] {
        assert_eq!(one(store, delete(text)).await, Err(WriteError::NotFound { id: id(text) }));
    }
}

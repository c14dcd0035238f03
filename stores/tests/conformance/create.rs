use serde_json::{Value, json};
use wayfare_graph::{Body, Document, Ends, Id, Store, Version, WriteError};

use crate::harness::*;

pub async fn what_was_created_is_read_back_at_version_1(store: &dyn Store) {
    given_nodes(store, &["n.City.a", "n.City.b"]).await;
    for json in [
        json!({"id": "n.City.x", "context": {"name": "X", "deep": {"list": [1, 2.5, null, "é", true]}}, "_version": 9}),
        json!({"id": "o.Setting.theme", "context": {"value": "dark"}, "owner": {"name": "O"}}),
        json!({"id": "e.Road.r", "context": {"km": 3}, "source": "n.City.a", "target": "n.City.b",
            "bidirectional": true, "tag": "t"}),
        json!({"id": "w.Reach.nightly run", "context": {"at": ["n.City.a"], "hops": 3}, "tag": "t"}),
        json!({"id": "n.Empty.e"}),
    ] {
        let asked = document(json);
        let text = asked.id().to_string();
        assert_eq!(one(store, create(asked.clone())).await, created(&text));
        assert_eq!(get(store, &text).await, Some(asked.with_version(Version(1))));
    }
}

pub async fn keys_of_every_form_are_kept_apart(store: &dyn Store) {
    let long = "k".repeat(128);
    let keys = [
        "d400618fa5094d6b9c223223",
        "D400618FA5094D6B9C223223",
        "d400618fa5094d6b9c22322",
        "d400618fa5094d6b9c2232233",
        "twelve-bytes",
        "a/b c.d",
        "..",
        "é",
        "~%2F",
        &long,
    ];
    for (n, key) in keys.iter().enumerate() {
        let text = format!("n.City.{key}");
        assert_eq!(one(store, create(node(&text, json!({"n": n})))).await, created(&text));
    }
    for (n, key) in keys.iter().enumerate() {
        assert_eq!(context(store, &format!("n.City.{key}")).await, json!({"n": n}), "{key}");
        let links =
            [edge(&format!("e.Road.{key}"), &format!("n.City.{key}"), &format!("n.City.{}", keys[0]))];
        given(store, links).await;
    }
    let into = links(store, &format!("n.City.{}", keys[0]), wayfare_graph::Direction::In).await;
    let mut others: Vec<&str> =
        into.iter().map(|(_, other)| other.strip_prefix("n.City.").unwrap()).collect();
    others.sort_unstable();
    let mut wanted = keys;
    wanted.sort_unstable();
    assert_eq!(others, wanted);
}

pub async fn an_id_that_exists_is_refused(store: &dyn Store) {
    given(store, [node("n.City.a", json!({"n": 1}))]).await;
    assert_eq!(one(store, create(node("n.City.a", json!({"n": 2})))).await, exists("n.City.a"));
    assert_eq!(context(store, "n.City.a").await, json!({"n": 1}));
    // The same key under another kind or entity is another id.
    assert_eq!(one(store, create(node("n.Town.a", json!({})))).await, created("n.Town.a"));
    assert_eq!(one(store, create(node("o.City.a", json!({})))).await, created("o.City.a"));
    assert_eq!(one(store, create(node("w.City.a", json!({})))).await, created("w.City.a"));
    assert_eq!(one(store, create(node("w.City.a", json!({})))).await, exists("w.City.a"));
    let twice =
        write(store, [create(node("n.City.b", json!({}))), create(node("n.City.b", json!({})))]).await;
    assert_eq!(twice, [created("n.City.b"), exists("n.City.b")]);
}

pub async fn an_edge_needs_both_ends(store: &dyn Store) {
    given_nodes(store, &["n.City.a"]).await;
    given(store, [node("o.City.o", json!({})), node("w.City.w", json!({}))]).await;
    for (source, target, missing) in [
        ("n.City.a", "n.City.none", "n.City.none"),
        ("n.City.none", "n.City.a", "n.City.none"),
        ("n.Nowhere.a", "n.City.a", "n.Nowhere.a"),
        ("n.City.a", "o.City.o", "o.City.o"),
        ("w.City.w", "n.City.a", "w.City.w"),
    ] {
        let refused = one(store, create(edge("e.Road.r", source, target))).await;
        let unknown =
            WriteError::UnknownEnd { source_id: id(source), target_id: id(target), missing: id(missing) };
        assert_eq!(refused, Err(unknown));
    }
    assert_eq!(get(store, "e.Road.r").await, None);
    // Ends that the same batch makes are there in time.
    let results =
        write(store, [create(node("n.City.b", json!({}))), create(edge("e.Road.r", "n.City.a", "n.City.b"))]);
    assert_eq!(results.await[1], created("e.Road.r"));
}

pub async fn one_edge_of_an_entity_joins_two_nodes_unless_multi(store: &dyn Store) {
    given_nodes(store, &["n.City.a", "n.City.b"]).await;
    assert_eq!(
        one(store, create(edge("e.Road.first", "n.City.a", "n.City.b"))).await,
        created("e.Road.first")
    );
    assert_eq!(one(store, create(edge("e.Road.x", "n.City.a", "n.City.b"))).await, exists("e.Road.first"));
    assert_eq!(one(store, create(road("e.Road.x", "n.City.a", "n.City.b"))).await, exists("e.Road.first"));
    for (other, source, target) in [
        ("e.Road.back", "n.City.b", "n.City.a"),
        ("e.Rail.same", "n.City.a", "n.City.b"),
        ("e.Road.loop", "n.City.a", "n.City.a"),
    ] {
        assert_eq!(one(store, create(edge(other, source, target))).await, created(other));
    }
    assert_eq!(one(store, create_multi(edge("e.Road.x", "n.City.a", "n.City.b"))).await, created("e.Road.x"));
    assert_eq!(one(store, create_multi(edge("e.Road.x", "n.City.a", "n.City.b"))).await, exists("e.Road.x"));
}

pub async fn documents_of_the_wrong_shape_are_refused(store: &dyn Store) {
    given_nodes(store, &["n.City.a"]).await;
    let ends = Ends { source: id("n.City.a"), target: id("n.City.a"), bidirectional: false };
    for wrong in [
        Document::new(id("e.Road.x"), Body::empty()),
        Document::edge(id("n.City.x"), ends.clone(), Body::empty()),
        Document::edge(id("o.City.x"), ends.clone(), Body::empty()),
        Document::edge(id("w.Reach.x"), ends, Body::empty()),
    ] {
        for attempt in
            [create(wrong.clone()), create_multi(wrong.clone()), save(wrong.clone()), upsert(wrong.clone())]
        {
            let result = one(store, attempt).await;
            assert!(is_unsuitable(&result), "{result:?}");
        }
        assert_eq!(store.get_many(&[wrong.id().clone()]).await.unwrap(), [None]);
    }
}

pub async fn documents_over_64_mib_are_refused(store: &dyn Store) {
    let of_bytes = |bytes: usize| node("n.City.big", json!({"x": "x".repeat(bytes)}));
    let result = one(store, create(of_bytes(64 << 20))).await;
    match result {
        Err(WriteError::Unsuitable { id: refused, reason }) => {
            assert_eq!(refused, id("n.City.big"));
            assert!(reason.contains("67108872"), "{reason}");
        }
        other => panic!("{other:?}"),
    }
    // What fits is kept whole, and may not grow beyond by a merge.
    assert_eq!(one(store, create(of_bytes(9 << 20))).await, created("n.City.big"));
    let read = context(store, "n.City.big").await;
    assert_eq!(read["x"].as_str().map(str::len), Some(9 << 20));
    let more = node("n.City.big", json!({"y": Value::from("y".repeat(60 << 20))}));
    assert!(is_unsuitable(&one(store, upsert(more)).await));
}

pub async fn the_root_is_always_there(store: &dyn Store) {
    let root = store.get_many(&[Id::root()]).await.unwrap().remove(0).unwrap();
    assert_eq!((root.id(), root.version()), (&Id::root(), Version(1)));
    assert_eq!(one(store, create(node("n.Root.root", json!({})))).await, exists("n.Root.root"));
    given_nodes(store, &["n.City.a"]).await;
    assert_eq!(one(store, create(edge("e.Road.r", "n.Root.root", "n.City.a"))).await, created("e.Road.r"));
}

use serde_json::json;
use wayfare_graph::{Direction, Store, Version, WriteBatch, WriteError, WriteResult};

use crate::harness::*;

fn refused(position: usize) -> WriteResult {
    Err(WriteError::BatchRefused { position })
}

pub async fn a_refused_write_leaves_the_others_alone(store: &dyn Store) {
    given(store, [node("n.City.b", json!({}))]).await;
    let results = write(
        store,
        [
            create(node("n.City.a", json!({}))),
            create(node("n.City.b", json!({}))),
            create(node("n.City.c", json!({}))),
        ],
    );
    assert_eq!(results.await, [created("n.City.a"), exists("n.City.b"), created("n.City.c")]);
    assert!(get(store, "n.City.c").await.is_some());
}

pub async fn all_or_nothing_takes_everything_back(store: &dyn Store) {
    given(store, [node("n.City.a", json!({"n": 1})), node("n.City.b", json!({}))]).await;
    given(store, [edge("e.Road.ab", "n.City.a", "n.City.b")]).await;
    let results = write_all(
        store,
        [
            create(node("n.Fresh.x", json!({}))),
            save(node("n.City.a", json!({"n": 2})).with_version(Version(1))),
            create(edge("e.Fresh.ba", "n.City.b", "n.City.a")),
            delete("e.Road.ab"),
            create(node("n.City.b", json!({}))),
            delete("n.City.b"),
        ],
    );
    assert_eq!(
        results.await,
        [refused(4), refused(4), refused(4), refused(4), exists("n.City.b"), refused(4)]
    );
    assert_eq!(get(store, "n.Fresh.x").await, None);
    assert_eq!(get(store, "e.Fresh.ba").await, None);
    assert_eq!(context(store, "n.City.a").await, json!({"n": 1}));
    let both = links(store, "n.City.a", Direction::Both).await;
    assert_eq!(both, [("e.Road.ab".to_owned(), "n.City.b".to_owned())]);
    // One write by itself reports its own error.
    assert_eq!(write_all(store, [create(node("n.City.b", json!({})))]).await, [exists("n.City.b")]);
    // Names that only a refused batch brought can be used afterwards.
    given(store, [node("n.Fresh.x", json!({}))]).await;
    given(store, [edge("e.Fresh.ba", "n.City.b", "n.City.a")]).await;
    assert_eq!(
        links(store, "n.City.b", Direction::Out).await,
        [("e.Fresh.ba".to_owned(), "n.City.a".to_owned())]
    );
}

pub async fn all_or_nothing_is_kept_when_nothing_is_refused(store: &dyn Store) {
    let results = write_all(
        store,
        [
            create(node("n.City.a", json!({}))),
            create(node("n.City.b", json!({}))),
            connect(edge("e.Road.r", "n.City.a", "n.City.b"), None),
            upsert(node("n.City.a", json!({"n": 1}))),
        ],
    );
    assert_eq!(
        results.await,
        [created("n.City.a"), created("n.City.b"), created("e.Road.r"), changed("n.City.a", 2)]
    );
    assert_eq!(links(store, "n.City.a", Direction::Out).await.len(), 1);
}

pub async fn batches_see_what_earlier_ones_did(store: &dyn Store) {
    let batch = |all_or_nothing, writes: Vec<_>| WriteBatch { writes, all_or_nothing };
    let batches = [
        batch(false, vec![create(node("n.City.a", json!({})))]),
        batch(true, vec![create(node("n.City.b", json!({}))), create(node("n.City.a", json!({})))]),
        batch(
            true,
            vec![
                create(node("n.City.b", json!({"n": 2}))),
                connect(edge("e.Road.r", "n.City.a", "n.City.b"), None),
            ],
        ),
        batch(false, vec![create(node("n.City.b", json!({}))), delete("n.City.a")]),
    ];
    let results = store.apply(&batches).await.unwrap();
    assert_eq!(results[0], [created("n.City.a")]);
    assert_eq!(results[1], [refused(1), exists("n.City.a")]);
    assert_eq!(results[2], [created("n.City.b"), created("e.Road.r")]);
    assert_eq!(results[3][0], exists("n.City.b"));
    assert!(results[3][1].is_ok());
    assert_eq!(get(store, "e.Road.r").await, None);
    assert_eq!(context(store, "n.City.b").await, json!({"n": 2}));
}

pub async fn nothing_to_do_is_done(store: &dyn Store) {
    assert_eq!(store.apply(&[]).await.unwrap(), Vec::<Vec<WriteResult>>::new());
    let empty = [WriteBatch::default(), WriteBatch { all_or_nothing: true, ..WriteBatch::default() }];
    assert_eq!(store.apply(&empty).await.unwrap(), [vec![], vec![]]);
}

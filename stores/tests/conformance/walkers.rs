use serde_json::{Value, json};
use wayfare_graph::{Kind, Query, SortKey, Store, Version, WriteError};

use crate::harness::*;

fn walker(key: &str, context: Value) -> wayfare_graph::Document {
    document(json!({"id": format!("w.Reach.{key}"), "context": context}))
}

pub async fn a_checkpoint_is_replaced_at_the_version_that_was_read(store: &dyn Store) {
    assert_eq!(one(store, create(walker("a", json!({"hops": 0})))).await, created("w.Reach.a"));
    for hops in 1..6 {
        let next = walker("a", json!({"hops": hops, "queue": ["n.City.a"]})).with_version(Version(hops));
        assert_eq!(one(store, save(next.clone())).await, changed("w.Reach.a", hops + 1));
        assert_eq!(get(store, "w.Reach.a").await, Some(next.with_version(Version(hops + 1))));
    }
    // Who lost the walk to another must not write over what that one has done.
    let late = walker("a", json!({"hops": 99})).with_version(Version(5));
    let conflict = WriteError::Conflict { id: id("w.Reach.a"), expected: Version(5), found: Version(6) };
    assert_eq!(one(store, save(late)).await, Err(conflict));
    assert_eq!(one(store, upsert(walker("a", json!({"done": true})))).await, changed("w.Reach.a", 7));
    assert_eq!(context(store, "w.Reach.a").await, json!({"hops": 5, "queue": ["n.City.a"], "done": true}));
    assert!(is_unsuitable(&one(store, connect(walker("a", json!({})), None)).await));
}

pub async fn walkers_are_found_counted_and_scanned(store: &dyn Store) {
    given(store, (0..9).map(|n| walker(&n.to_string(), json!({"hops": n % 3, "n": 9 - n})))).await;
    given(store, [document(json!({"id": "w.Path.x", "context": {"hops": 1}}))]).await;
    given(store, [node("n.Reach.0", json!({"hops": 1})), node("o.Reach.0", json!({"hops": 1}))]).await;
    let hops = |n: u32| query(Kind::Walker, "Reach", json!({"context.hops": n}));
    assert_eq!(found(store, &hops(1)).await, ["1", "4", "7"]);
    let sort = vec![SortKey { path: "context.n".into(), descending: false }];
    let last = Query { sort, skip: 1, limit: Some(2), ..hops(1) };
    assert_eq!(found(store, &last).await, ["4", "1"]);
    assert_eq!(found(store, &query(Kind::Walker, "Reach", json!({"id": "w.Reach.3"}))).await, ["3"]);
    assert_eq!(store.count(&hops(2)).await.unwrap(), 3);
    assert_eq!(store.count(&query(Kind::Walker, "Reach", json!({}))).await.unwrap(), 9);
    let all = Query { entity: None, ..hops(1) };
    assert_eq!(store.count(&all).await.unwrap(), 4);
    let first = store.scan(Kind::Walker, None, None, 6).await.unwrap();
    let rest = store.scan(Kind::Walker, None, first.next.as_ref(), 6).await.unwrap();
    // Which entity comes first each store decides.
    let mut scanned = [keys(&first.documents), keys(&rest.documents)].concat();
    scanned.sort();
    assert_eq!(scanned, ["0", "1", "2", "3", "4", "5", "6", "7", "8", "x"]);
    assert_eq!(rest.next, None);
}

pub async fn a_checkpoint_and_the_nodes_it_speaks_of_are_written_together(store: &dyn Store) {
    given(store, [node("n.City.a", json!({"n": 1})), walker("w", json!({"hops": 1}))]).await;
    let visit = |n: u32, version: u64| {
        [
            save(node("n.City.a", json!({"n": n})).with_version(Version(version))),
            create(node(&format!("n.City.made-{n}"), json!({}))),
            save(walker("w", json!({"hops": n})).with_version(Version(1))),
        ]
    };
    let done = write_all(store, visit(2, 1)).await;
    assert_eq!(done, [changed("n.City.a", 2), created("n.City.made-2"), changed("w.Reach.w", 2)]);
    // The checkpoint is stale: the nodes must not run ahead of it.
    let refused = write_all(store, visit(3, 2)).await;
    let conflict = WriteError::Conflict { id: id("w.Reach.w"), expected: Version(1), found: Version(2) };
    assert_eq!(refused[2], Err(conflict));
    assert_eq!(context(store, "n.City.a").await, json!({"n": 2}));
    assert_eq!(get(store, "n.City.made-3").await, None);
    // And the other way round.
    let ended = [delete("w.Reach.w"), create(walker("v", json!({}))), create(node("n.City.a", json!({})))];
    assert_eq!(write_all(store, ended).await[2], exists("n.City.a"));
    assert_eq!(context(store, "w.Reach.w").await, json!({"hops": 2}));
    assert_eq!(store.count(&query(Kind::Walker, "Reach", json!({}))).await.unwrap(), 1);
}

pub async fn keys_of_every_form_are_kept_apart(store: &dyn Store) {
    let long = "k".repeat(128);
    let keys =
        ["d400618fa5094d6b9c223223", "D400618FA5094D6B9C223223", "nightly/2024 01.02", "é", "..", &long];
    for (n, key) in keys.iter().enumerate() {
        let text = format!("w.Reach.{key}");
        assert_eq!(one(store, create(walker(key, json!({"n": n})))).await, created(&text));
    }
    for (n, key) in keys.iter().enumerate() {
        assert_eq!(context(store, &format!("w.Reach.{key}")).await, json!({"n": n}), "{key}");
    }
}

pub async fn a_checkpoint_of_megabytes_is_kept_whole(store: &dyn Store) {
    let checkpoint = |round: u64| {
        let queue: Vec<String> =
            (0..60_000 + round).map(|n| format!("n.City.{:024x}", n * (round + 1))).collect();
        walker("big", json!({"round": round, "queue": queue})).with_version(Version(round))
    };
    one(store, create(checkpoint(0))).await.unwrap();
    for round in 1..4 {
        let next = checkpoint(round);
        assert!(next.body().as_bytes().len() > 1 << 20);
        let writes = [save(next.clone()), upsert(node("n.City.a", json!({"round": round})))];
        assert!(write_all(store, writes).await.iter().all(Result::is_ok));
        assert_eq!(get(store, "w.Reach.big").await, Some(next.with_version(Version(round + 1))));
    }
    assert!(is_unsuitable(&one(store, create(walker("x", json!({"x": "x".repeat(64 << 20)})))).await));
}

use serde_json::json;
use wayfare_graph::{AccessPath, Filter, Index, Kind, Query, Store, StoreError, Version, WriteError};

use crate::harness::*;

fn active_codes() -> Index {
    let mut index = index("City", &["code"], true);
    index.partial = Filter::parse(&json!({"context.active": true})).unwrap();
    index
}

fn coded(id: &str, code: u32, active: bool) -> wayfare_graph::Document {
    node(id, json!({"code": code, "active": active}))
}

async fn uses_an_index(store: &dyn Store, query: &Query) -> bool {
    matches!(store.explain(query).await.unwrap().access, AccessPath::Index { .. })
}

pub async fn a_partial_index_rules_its_part_only(store: &dyn Store) {
    given(store, [coded("n.City.a", 1, true), coded("n.City.b", 1, false)]).await;
    store.create_index(&active_codes()).await.unwrap();
    assert_eq!(one(store, create(coded("n.City.c", 1, false))).await, created("n.City.c"));
    let refused = one(store, create(coded("n.City.d", 1, true))).await;
    assert!(
        matches!(&refused, Err(WriteError::UniqueViolation { holder, .. }) if *holder == id("n.City.a")),
        "{refused:?}"
    );
    let refused = one(store, save(coded("n.City.b", 1, true).with_version(Version(1)))).await;
    assert!(matches!(refused, Err(WriteError::UniqueViolation { .. })), "{refused:?}");
    // Leaving the part frees the value, entering it takes it.
    let left = one(store, save(coded("n.City.a", 1, false).with_version(Version(1)))).await;
    assert_eq!(left, changed("n.City.a", 2));
    let entered = one(store, save(coded("n.City.b", 1, true).with_version(Version(1)))).await;
    assert_eq!(entered, changed("n.City.b", 2));
}

pub async fn a_partial_index_answers_only_what_asks_for_its_part(store: &dyn Store) {
    given(store, [coded("n.City.a", 1, true), coded("n.City.b", 1, false), coded("n.City.c", 2, true)]).await;
    store.create_index(&active_codes()).await.unwrap();
    let whole = query(Kind::Node, "City", json!({"context.code": 1}));
    let part = query(Kind::Node, "City", json!({"context.code": 1, "context.active": true}));
    assert!(!uses_an_index(store, &whole).await && uses_an_index(store, &part).await);
    assert_eq!(found(store, &whole).await, ["a", "b"]);
    assert_eq!(found(store, &part).await, ["a"]);
}

pub async fn an_index_is_dropped_and_renamed_by_name(store: &dyn Store) {
    given(store, [node("n.City.a", json!({"code": 1})), node("n.Town.a", json!({"code": 1}))]).await;
    let codes = index("City", &["code"], true);
    store.create_index(&codes).await.unwrap();
    store.create_index(&index("Town", &["code"], false)).await.unwrap();
    let city = name("City");
    let default = codes.name();
    assert_eq!(default, "context.code_1");
    assert!(!store.rename_index(Kind::Node, city, "never", "other").await.unwrap());
    assert!(store.rename_index(Kind::Node, city, &default, "codes").await.unwrap());
    let mut named = codes.clone();
    named.name = Some("codes".into());
    let indexes = store.stats().await.unwrap().indexes;
    assert!(indexes.contains(&named) && indexes.len() == 2, "{indexes:?}");
    let twin = one(store, create(node("n.City.b", json!({"code": 1})))).await;
    assert!(matches!(twin, Err(WriteError::UniqueViolation { .. })), "{twin:?}");
    assert!(!store.drop_index(Kind::Node, city, &default).await.unwrap());
    assert!(store.drop_index(Kind::Node, city, "codes").await.unwrap());
    assert!(!store.drop_index(Kind::Node, city, "codes").await.unwrap());
    assert_eq!(one(store, create(node("n.City.b", json!({"code": 1})))).await, created("n.City.b"));
    assert!(!uses_an_index(store, &query(Kind::Node, "City", json!({"context.code": 1}))).await);
    assert!(uses_an_index(store, &query(Kind::Node, "Town", json!({"context.code": 1}))).await);
}

pub async fn two_indexes_of_an_entity_never_share_a_name(store: &dyn Store) {
    let mut codes = index("City", &["code"], false);
    codes.name = Some("mine".into());
    store.create_index(&codes).await.unwrap();
    let mut names = index("City", &["name"], false);
    names.name = Some("mine".into());
    let refused = store.create_index(&names).await;
    assert!(matches!(refused, Err(StoreError::Index { .. })), "{refused:?}");
    names.name = None;
    store.create_index(&names).await.unwrap();
    let refused = store.rename_index(Kind::Node, name("City"), "mine", "context.name_1").await;
    assert!(matches!(refused, Err(StoreError::Index { .. })), "{refused:?}");
    // Made again under another name, it is renamed.
    codes.name = Some("yours".into());
    store.create_index(&codes).await.unwrap();
    let indexes = store.stats().await.unwrap().indexes;
    assert!(indexes.contains(&codes) && indexes.len() == 2, "{indexes:?}");
}

pub async fn an_index_over_many_documents_is_whole(store: &dyn Store) {
    given(store, (0..5_000).map(|n| node(&format!("n.City.{n:05}"), json!({"n": n, "k": n % 10})))).await;
    store.create_index(&index("City", &["n"], true)).await.unwrap();
    store.create_index(&index("City", &["k"], false)).await.unwrap();
    // A server may list a build for a moment after it has answered.
    let mut looks = 0;
    while !store.index_progress().await.unwrap().is_empty() {
        looks += 1;
        assert!(looks < 10_000, "an index that was made is still being built");
    }
    let by_k = query(Kind::Node, "City", json!({"context.k": 3}));
    assert!(uses_an_index(store, &by_k).await);
    assert_eq!(store.count(&by_k).await.unwrap(), 500);
    assert_eq!(store.check_up(false).await.unwrap(), []);
}

pub async fn what_cannot_be_indexed_is_refused(store: &dyn Store) {
    for fields in [vec![], vec!["x".to_owned(); 33]] {
        let refused = store.create_index(&Index::new(Kind::Node, name("City"), fields)).await;
        assert!(matches!(refused, Err(StoreError::Index { .. })), "{refused:?}");
    }
    let mut elsewhere = index("City", &["code"], false);
    elsewhere.partial = Filter::parse(&json!({"entity": "City"})).unwrap();
    let refused = store.create_index(&elsewhere).await;
    assert!(matches!(refused, Err(StoreError::Index { .. })), "{refused:?}");
    assert!(store.stats().await.unwrap().indexes.is_empty());
}

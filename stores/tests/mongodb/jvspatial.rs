use bson::doc;
use mongodb::IndexModel;
use mongodb::options::IndexOptions;
use serde_json::json;
use wayfare_graph::{AccessPath, EntityName, Filter, Index, Kind, Query, Store, Write, WriteError, Written};

use crate::*;

fn city() -> EntityName {
    EntityName::new("City").unwrap()
}

/// A database with the indexes that jvspatial makes.
async fn jvspatials(url: &str) {
    let database = raw(url).await;
    let unique = IndexOptions::builder().unique(true).build();
    let ends =
        IndexModel::builder().keys(doc! { "source": 1, "target": 1, "entity": 1 }).options(unique).build();
    database.collection::<BsonDocument>("edge").create_index(ends).await.unwrap();
    let email = IndexModel::builder().keys(doc! { "context.email": 1 }).build();
    database.collection::<BsonDocument>("node").create_index(email).await.unwrap();
}

#[test]
fn jvspatials_index_of_ends_stays_and_allows_no_parallel_edges() {
    let Some(url) = single_url() else { return };
    block_on(async {
        jvspatials(&url).await;
        let store = open(&url);
        let indexes: Vec<String> =
            raw(&url).await.collection::<BsonDocument>("edge").list_index_names().await.unwrap();
        assert!(indexes.iter().all(|name| !name.contains("_parallel")), "{indexes:?}");
        given(&store, [node("n.City.a", json!({})), node("n.City.b", json!({}))]).await;
        let multi = |key: &str| Write::Create { document: edge(key, "n.City.a", "n.City.b"), multi: true };
        let results = write(&store, vec![multi("e.Road.1"), multi("e.Road.2")]).await;
        assert!(results[0].is_ok());
        match &results[1] {
            Err(WriteError::Unsuitable { reason, .. }) => assert!(reason.contains("jvspatial"), "{reason}"),
            other => panic!("{other:?}"),
        }
        let connect = |parallel| Write::Connect { edge: edge("e.Road.3", "n.City.a", "n.City.b"), parallel };
        let results = write(&store, vec![connect(None), connect(Some(0)), connect(Some(1))]).await;
        assert!(matches!(results[0], Ok(Written::Unchanged { .. })));
        assert!(matches!(results[1], Ok(Written::Unchanged { .. })));
        assert!(matches!(results[2], Err(WriteError::Unsuitable { .. })));
    });
}

#[test]
fn jvspatials_indexes_are_used_and_ours_stand_beside_them() {
    let Some(url) = single_url() else { return };
    block_on(async {
        jvspatials(&url).await;
        let store = open(&url);
        given(&store, [node("n.City.a", json!({"email": "x"})), node("n.City.b", json!({"email": "y"}))])
            .await;
        let filter = Filter::parse(&json!({"context.email": "x"})).unwrap();
        let query = Query { filter, ..Query::entity(Kind::Node, city()) };
        let by_index = |access: AccessPath| matches!(access, AccessPath::Index { equal_fields: 1, .. });
        assert!(by_index(store.explain(&query).await.unwrap().access));
        assert_eq!(store.find(&query).await.unwrap().len(), 1);
        assert_eq!(store.stats().await.unwrap().indexes, []);
        let unique = Index::new(Kind::Node, city(), ["email"]).unique(true);
        store.create_index(&unique).await.unwrap();
        assert_eq!(store.stats().await.unwrap().indexes, [unique]);
        let taken = write(&store, vec![create(node("n.City.c", json!({"email": "x"})))]).await;
        assert!(matches!(taken[0], Err(WriteError::UniqueViolation { .. })));
        let names = raw(&url).await.collection::<BsonDocument>("node").list_index_names().await.unwrap();
        assert!(names.contains(&"context.email_1_City".to_owned()), "{names:?}");
    });
}

#[test]
fn an_index_that_somebody_dropped_is_done_without() {
    let Some(url) = single_url() else { return };
    block_on(async {
        let store = open(&url);
        given(&store, [node("n.City.a", json!({"code": 1}))]).await;
        store.create_index(&Index::new(Kind::Node, city(), ["code"])).await.unwrap();
        let filter = Filter::parse(&json!({"context.code": 1})).unwrap();
        let query = Query { filter, ..Query::entity(Kind::Node, city()) };
        assert_eq!(store.find(&query).await.unwrap().len(), 1);
        raw(&url).await.collection::<BsonDocument>("node").drop_index("context.code_1").await.unwrap();
        assert_eq!(store.find(&query).await.unwrap().len(), 1);
        assert_eq!(store.count(&query).await.unwrap(), 1);
        assert_eq!(store.explain(&query).await.unwrap().access, AccessPath::EntityScan { entity: city() });
    });
}

#[test]
fn lists_in_two_fields_of_an_index_are_refused_and_said_so() {
    let Some(url) = single_url() else { return };
    block_on(async {
        let store = open(&url);
        store.create_index(&Index::new(Kind::Node, city(), ["a", "b"])).await.unwrap();
        let lists = node("n.City.x", json!({"a": [1, 2], "b": [3]}));
        match write(&store, vec![create(lists)]).await.remove(0) {
            Err(WriteError::Unsuitable { reason, .. }) => assert!(reason.contains("two lists"), "{reason}"),
            other => panic!("{other:?}"),
        }
        given(&store, [node("n.City.y", json!({"a": [1, 2], "b": 3}))]).await;
    });
}

/// Makes an index with a rule of its own.
async fn partial(url: &str, path: &str, unique: bool, condition: BsonDocument) {
    let options = IndexOptions::builder().unique(unique).partial_filter_expression(condition).build();
    let index = IndexModel::builder().keys(doc! { path: 1 }).options(options).build();
    raw(url).await.collection::<BsonDocument>("node").create_index(index).await.unwrap();
}

#[test]
fn an_index_of_others_over_some_documents_hides_none() {
    let Some(url) = single_url() else { return };
    block_on(async {
        partial(&url, "context.email", false, doc! { "entity": "City", "context.active": true }).await;
        let sparse = IndexOptions::builder().sparse(true).build();
        let sparse = IndexModel::builder().keys(doc! { "context.code": 1 }).options(sparse).build();
        raw(&url).await.collection::<BsonDocument>("node").create_index(sparse).await.unwrap();
        let store = open(&url);
        let city =
            |key: &str, active: bool| node(&format!("n.City.{key}"), json!({"email": "x", "active": active}));
        given(&store, [city("a", false), city("b", true)]).await;
        let asked = |filter: serde_json::Value| Query {
            filter: Filter::parse(&filter).unwrap(),
            ..Query::entity(Kind::Node, self::city())
        };
        let query = asked(json!({"context.email": "x"}));
        assert_eq!(store.find(&query).await.unwrap().len(), 2);
        assert_eq!(store.count(&query).await.unwrap(), 2);
        assert_eq!(store.find(&asked(json!({"context.code": null}))).await.unwrap().len(), 2);
        // Ours stands beside it, and is found again.
        assert_eq!(store.stats().await.unwrap().indexes, []);
        let index = Index::new(Kind::Node, self::city(), ["email"]);
        store.create_index(&index).await.unwrap();
        let names = raw(&url).await.collection::<BsonDocument>("node").list_index_names().await.unwrap();
        assert!(names.contains(&"context.email_1_City".to_owned()), "{names:?}");
        assert_eq!(store.stats().await.unwrap().indexes, [index]);
        let by_index = store.explain(&query).await.unwrap().access;
        assert!(matches!(by_index, AccessPath::Index { equal_fields: 1, .. }), "{by_index:?}");
        assert_eq!(store.find(&query).await.unwrap().len(), 2);
    });
}

#[test]
fn values_that_a_unique_index_of_others_refuses_are_told_with_who_holds_them() {
    for url in [single_url(), replica_url()].into_iter().flatten() {
        block_on(async {
            partial(&url, "context.code", true, doc! { "context.active": true }).await;
            let store = open(&url);
            let with = |id: &str, active: bool| node(id, json!({"code": 7, "active": active}));
            given(&store, [with("n.City.a", false), with("n.Town.b", true), with("n.City.c", false)]).await;
            let violated = |result: &WriteResult| match result {
                Err(WriteError::UniqueViolation { holder, fields, .. }) => {
                    assert_eq!((holder, fields.as_slice()), (&id("n.Town.b"), &["code".to_owned()][..]));
                }
                other => panic!("{other:?}"),
            };
            violated(&write(&store, vec![create(with("n.City.d", true))]).await[0]);
            let all = vec![create(node("n.City.e", json!({}))), create(with("n.City.f", true))];
            violated(&write_all(&store, all).await[1]);
            assert!(get(&store, "n.City.e").await.is_none());
        });
    }
}

/// An index with other rules of equality refuses values that are nobody's.
#[test]
fn values_that_nobody_is_found_to_hold_are_refused_all_the_same() {
    for url in [single_url(), replica_url()].into_iter().flatten() {
        block_on(async {
            let collation = mongodb::options::Collation::builder()
                .locale("en")
                .strength(mongodb::options::CollationStrength::Secondary)
                .build();
            let options = IndexOptions::builder().unique(true).collation(collation).build();
            let index = IndexModel::builder().keys(doc! { "context.name": 1 }).options(options).build();
            raw(&url).await.collection::<BsonDocument>("node").create_index(index).await.unwrap();
            let mut options = MongoOptions::default();
            options.retry_time = std::time::Duration::from_millis(300);
            let store = MongoStore::open(&url, options).unwrap();
            given(&store, [node("n.City.a", json!({"name": "Rome"}))]).await;
            let rome = || create(node("n.City.b", json!({"name": "ROME"})));
            let refused = |result: &WriteResult| match result {
                Err(WriteError::Unsuitable { reason, .. }) => {
                    assert!(reason.contains("context.name"), "{reason}")
                }
                other => panic!("{other:?}"),
            };
            refused(&write(&store, vec![rome()]).await[0]);
            let other = create(node("n.City.c", json!({"name": "Paris"})));
            refused(&write_all(&store, vec![other, rome()]).await[1]);
        });
    }
}

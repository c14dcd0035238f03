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

use bson::{Bson, doc};
use serde_json::json;
use wayfare_graph::{Filter, Kind, Query, SortKey, SortPosition, Store};

use crate::*;

/// Values of all types that MongoDB sorts.
fn values() -> Vec<Option<Bson>> {
    let oid = bson::oid::ObjectId::from_bytes([5; 12]);
    let some = [
        Bson::Null,
        Bson::Int32(1),
        Bson::Double(f64::NAN),
        Bson::Double(f64::NEG_INFINITY),
        Bson::Int64(1 << 40),
        Bson::Decimal128("2.5".parse().unwrap()),
        Bson::String("a".into()),
        Bson::Document(doc! { "x": 1 }),
        Bson::Array(vec![]),
        Bson::Array(vec![Bson::Array(vec![])]),
        Bson::Array(vec![Bson::Int32(9), Bson::String("z".into())]),
        Bson::Array(vec![Bson::Array(vec![Bson::Int32(3)]), Bson::Boolean(false)]),
        Bson::Array(vec![Bson::Null, Bson::DateTime(bson::DateTime::from_millis(5))]),
        Bson::Binary(bson::Binary { subtype: bson::spec::BinarySubtype::Generic, bytes: vec![1, 2] }),
        Bson::ObjectId(oid),
        Bson::Boolean(false),
        Bson::Boolean(true),
        Bson::DateTime(bson::DateTime::from_millis(7)),
        Bson::DateTime(bson::DateTime::from_millis(i64::MIN / 2)),
        Bson::Timestamp(bson::Timestamp { time: 1, increment: 2 }),
        Bson::MinKey,
        Bson::MaxKey,
    ];
    some.into_iter().map(Some).chain([None, Some(Bson::Int32(1)), Some(Bson::Null)]).collect()
}

async fn paged(store: &dyn Store, sort: &[SortKey], limit: usize) -> Vec<String> {
    let city = wayfare_graph::EntityName::new("City").unwrap();
    let mut query = Query { sort: sort.to_vec(), limit: Some(limit), ..Query::entity(Kind::Node, city) };
    let mut all = Vec::new();
    loop {
        let page = store.find(&query).await.unwrap();
        all.extend(page.iter().map(|document| document.id().to_string()));
        assert!(all.len() < 200, "{sort:?}: {all:?}");
        match page.last() {
            Some(last) => query.after = Some(SortPosition::of(last, sort)),
            None => return all,
        }
    }
}

#[test]
fn pages_of_a_sort_add_up_whatever_the_types() {
    let Some(url) = single_url() else { return };
    let store = open(&url);
    block_on(async {
        let nodes = raw(&url).await.collection::<BsonDocument>("node");
        let rows = |value: Bson| {
            vec![
                Bson::Array(vec![Bson::Document(doc! { "x": value }), Bson::Document(doc! {})]),
                Bson::Int32(3),
            ]
        };
        for (n, value) in values().into_iter().enumerate() {
            let text = format!("n.City.{:02}", n * 11 % 25);
            let mut context = doc! { "group": i32::try_from(n % 2).unwrap() };
            match value {
                Some(value) if n % 3 == 0 => {
                    context.insert("rows", rows(value.clone())[0].clone()).map_or((), drop)
                }
                Some(value) => context.insert("rows", doc! { "x": value.clone() }).map_or((), drop),
                None => context.insert("rows", Bson::Array(rows(Bson::Null)[1..].to_vec())).map_or((), drop),
            }
            if let Some(value) = &values()[n] {
                context.insert("v", value.clone());
            }
            let stored = doc! { "_id": &text, "id": &text, "entity": "City", "context": context };
            nodes.insert_one(stored).await.unwrap();
        }
        let key = |path: &str, descending| SortKey { path: path.to_owned(), descending };
        for descending in [false, true] {
            for sort in [
                vec![key("context.v", descending)],
                vec![key("context.rows.x", descending)],
                vec![key("context.group", !descending), key("context.v", descending)],
                vec![key("context.v", descending), key("id", true)],
                vec![key("id", descending)],
                vec![],
            ] {
                let whole = paged(&store, &sort, 100).await;
                assert_eq!(whole.len(), 25);
                for limit in [1, 4] {
                    assert_eq!(paged(&store, &sort, limit).await, whole, "{sort:?}");
                }
            }
        }
    });
}

#[test]
fn a_document_without_a_version_is_found_at_version_0() {
    let Some(url) = single_url() else { return };
    let store = open(&url);
    block_on(async {
        let nodes = raw(&url).await.collection::<BsonDocument>("node");
        nodes
            .insert_one(doc! { "_id": "n.City.old", "id": "n.City.old", "entity": "City", "context": {} })
            .await
            .unwrap();
        given(&store, [node("n.City.new", json!({}))]).await;
        for (condition, wanted) in [
            (json!({"_version": 0}), &["old"][..]),
            (json!({"_version": {"$gte": 0}}), &["new", "old"]),
            (json!({"_version": {"$ne": 0}}), &["new"]),
            (json!({"$nor": [{"_version": 0}]}), &["new"]),
            (json!({"_version": {"$exists": false}}), &[]),
        ] {
            let city = wayfare_graph::EntityName::new("City").unwrap();
            let query =
                Query { filter: Filter::parse(&condition).unwrap(), ..Query::entity(Kind::Node, city) };
            let found = store.find(&query).await.unwrap();
            let keys: Vec<String> =
                found.iter().map(|document| document.id().with_key(str::to_owned)).collect();
            assert_eq!(keys, wanted, "{condition}");
        }
    });
}

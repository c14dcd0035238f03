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

/// A hundred nodes, of which a third has no version, a third version 0, and a third version 1.
#[test]
fn pages_by_version_hold_documents_without_one_where_those_at_version_0_are() {
    let Some(url) = single_url() else { return };
    let store = open(&url);
    block_on(async {
        let nodes = raw(&url).await.collection::<BsonDocument>("node");
        let text = |n: usize| format!("n.City.{n:02}");
        let stored = (0..100).map(|n| {
            let context = doc! { "n": i32::try_from(n % 2).unwrap() };
            let mut stored = doc! { "_id": text(n), "id": text(n), "entity": "City", "context": context };
            if n % 3 > 0 {
                stored.insert("_version", i32::try_from(n % 3 - 1).unwrap());
            }
            stored
        });
        nodes.insert_many(stored).await.unwrap();
        let version = |n: &usize| (n % 3).saturating_sub(1);
        let key = |path: &str, descending| SortKey { path: path.to_owned(), descending };
        for descending in [false, true] {
            let mut wanted: Vec<usize> = (0..100).collect();
            wanted.sort_by_key(|n| if descending { 1 - version(n) } else { version(n) });
            let ids: Vec<String> = wanted.iter().map(|&n| text(n)).collect();
            assert_eq!(paged(&store, &[key("_version", descending)], 7).await, ids);
            wanted.sort_by_key(|n| n % 2);
            let ids: Vec<String> = wanted.iter().map(|&n| text(n)).collect();
            let sort = [key("context.n", false), key("_version", descending)];
            assert_eq!(paged(&store, &sort, 7).await, ids);
        }
        let city = wayfare_graph::EntityName::new("City").unwrap();
        let query = Query {
            sort: vec![key("_version", true)],
            projection: Some(vec!["n".into()]),
            skip: 32,
            limit: Some(2),
            ..Query::entity(Kind::Node, city)
        };
        let found = store.find(&query).await.unwrap();
        let found: Vec<_> = found.iter().map(|document| document.to_json().unwrap()).collect();
        assert_eq!(found[0]["context"], json!({"n": 0}), "{found:?}");
        assert_eq!(
            found.iter().map(|json| json["id"].clone()).collect::<Vec<_>>(),
            ["n.City.98", "n.City.00"]
        );
        // What is computed for the sort is not shown.
        let whole = store.find(&Query { projection: None, ..query }).await.unwrap();
        assert!(whole.iter().all(|document| document.extra().is_none()), "{whole:?}");
    });
}

#[test]
fn pages_by_direction_hold_edges_without_one_where_directed_ones_are() {
    let Some(url) = single_url() else { return };
    let store = open(&url);
    block_on(async {
        let edges = raw(&url).await.collection::<BsonDocument>("edge");
        let stored = (0..30).map(|n| {
            let text = format!("e.City.{n:02}");
            let (source, target) = ("n.City.a", format!("n.City.{n:02}"));
            let mut stored = doc! { "_id": &text, "entity": "City", "source": source, "target": target };
            if n % 3 > 0 {
                stored.insert("bidirectional", n % 3 == 2);
            }
            stored
        });
        edges.insert_many(stored).await.unwrap();
        for descending in [false, true] {
            let sort = vec![SortKey { path: "bidirectional".into(), descending }];
            let mut wanted: Vec<usize> = (0..30).collect();
            wanted.sort_by_key(|n| (n % 3 == 2) != descending);
            let mut query = Query { sort: sort.clone(), limit: Some(4), ..Query::kind(Kind::Edge) };
            let mut all = Vec::new();
            while let page = store.find(&query).await.unwrap()
                && let Some(last) = page.last()
            {
                query.after = Some(SortPosition::of(last, &sort));
                all.extend(page.iter().map(|edge| edge.id().to_string()));
            }
            assert_eq!(all, wanted.iter().map(|n| format!("e.City.{n:02}")).collect::<Vec<_>>());
        }
    });
}

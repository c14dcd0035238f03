use bson::{Bson, doc};
use serde_json::{Value, json};
use wayfare_graph::{Body, Store, Version, Write, WriteBatch, WriteError, Written};

use crate::*;

#[test]
fn documents_have_jvspatials_form_and_numbers_the_smallest_type() {
    let Some(url) = single_url() else { return };
    let store = open(&url);
    block_on(async {
        let numbers = json!({"small": 3, "large": 3_000_000_000_u64, "float": 3.0, "huge": u64::MAX});
        given(&store, [node("n.City.a", numbers.clone()), node("n.City.b", json!({}))]).await;
        given(&store, [edge("e.Road.r", "n.City.a", "n.City.b")]).await;
        let database = raw(&url).await;
        let stored = raw_one(&database, "node", "n.City.a").await.unwrap();
        let members: Vec<&String> = stored.keys().collect();
        assert_eq!(members, ["_id", "id", "entity", "context", "_version", "_token"]);
        let context = stored.get_document("context").unwrap();
        let order: Vec<&String> = context.keys().collect();
        assert_eq!(order, ["small", "large", "float", "huge"]);
        assert_eq!(context.get("small"), Some(&Bson::Int32(3)));
        assert_eq!(context.get("large"), Some(&Bson::Int64(3_000_000_000)));
        assert_eq!(context.get("float"), Some(&Bson::Double(3.0)));
        assert!(matches!(context.get("huge"), Some(Bson::Decimal128(_))));
        assert_eq!(crate::context(&store, "n.City.a").await, numbers);
        let stored = raw_one(&database, "edge", "e.Road.r").await.unwrap();
        assert_eq!(stored.get_str("source").unwrap(), "n.City.a");
        assert_eq!(stored.get("bidirectional"), Some(&Bson::Boolean(false)));
        assert!(!stored.contains_key("_parallel"));
    });
}

#[test]
fn types_that_json_lacks_survive_a_save_and_an_upsert() {
    let Some(url) = single_url() else { return };
    let store = open(&url);
    block_on(async {
        let database = raw(&url).await;
        let date = bson::DateTime::from_millis(1_577_923_200_123);
        let oid = bson::oid::ObjectId::new();
        let typed =
            doc! { "date": date, "oid": oid, "price": Bson::Decimal128("1.50".parse().unwrap()), "n": 1 };
        let foreign =
            doc! { "_id": "n.City.a", "id": "n.City.a", "entity": "City", "context": typed, "seen": date };
        database.collection("node").insert_one(foreign).await.unwrap();
        let read = get(&store, "n.City.a").await.unwrap();
        assert_eq!(read.version(), Version(0));
        assert_eq!(read.context().unwrap()["date"], json!({"$date": "2020-01-02T00:00:00.123Z"}));
        assert!(matches!(
            write(&store, vec![Write::Save { document: read }]).await[0],
            Ok(Written::Changed { version: Version(1), .. })
        ));
        let upsert = Write::Upsert { document: node("n.City.a", json!({"n": 2})) };
        assert!(write(&store, vec![upsert]).await[0].is_ok());
        let stored = raw_one(&database, "node", "n.City.a").await.unwrap();
        assert_eq!(stored.get_datetime("seen").unwrap(), &date);
        let context = stored.get_document("context").unwrap();
        assert_eq!(context.get_datetime("date").unwrap(), &date);
        assert_eq!(context.get_object_id("oid").unwrap(), oid);
        assert_eq!(context.get("price"), Some(&Bson::Decimal128("1.50".parse().unwrap())));
        assert_eq!((context.get_i32("n").unwrap(), stored.get_i32("_version").unwrap()), (2, 2));
    });
}

#[test]
fn names_with_dots_and_dollars_are_kept() {
    let Some(url) = single_url() else { return };
    let store = open(&url);
    block_on(async {
        let fields = json!({"a.b": 1, "$x": {"$y": 2}, "": 3, "nested": {"c.d": [{"$z": 1}]}});
        given(&store, [node("n.City.a", fields.clone())]).await;
        assert_eq!(context(&store, "n.City.a").await, fields);
        assert!(write(&store, vec![save(node("n.City.a", fields.clone()), 1)]).await[0].is_ok());
        assert_eq!(context(&store, "n.City.a").await, fields);
    });
}

/// Some documents are saved by setting members, others must be replaced as a whole.
#[test]
fn members_beside_the_context_are_changed_kept_and_taken_away() {
    let Some(url) = single_url() else { return };
    let store = open(&url);
    let extra = |json: Value| Some(Body::encode(json.as_object().unwrap()).unwrap());
    block_on(async {
        for (key, first, changed, left) in [
            (
                "n.City.plain",
                json!({"owner": 1, "tags": [1, 2]}),
                json!({"owner": 2, "tags": [1, 2]}),
                json!({"tags": [3]}),
            ),
            (
                "n.City.dots",
                json!({"owner": 1, "a.b": 2}),
                json!({"owner": 1, "a.b": 3}),
                json!({"owner": 1}),
            ),
            (
                "n.City.dollars",
                json!({"owner": {"$x": 1}}),
                json!({"owner": {"$x": 2}, "since": {"c.d": 1}}),
                json!({"since": 1}),
            ),
        ] {
            let given_document = node(key, json!({"name": "A"})).with_extra(extra(first.clone()));
            given(&store, [given_document]).await;
            for members in [first, changed, left] {
                let read = get(&store, key).await.unwrap();
                assert!(read.has_all_members());
                let document = read.with_extra(extra(members.clone()));
                assert!(write(&store, vec![Write::Save { document }]).await[0].is_ok());
                let stored = get(&store, key).await.unwrap().extra().unwrap().fields().unwrap();
                assert_eq!(Value::Object(stored), members);
            }
            let document = get(&store, key).await.unwrap().with_extra(None);
            assert!(write(&store, vec![Write::Save { document }]).await[0].is_ok());
            assert_eq!(get(&store, key).await.unwrap().extra(), None);
            // Of a document that comes from elsewhere nobody knows what it lacks.
            let document = node(key, json!({})).with_version(Version(5)).with_extra(extra(json!({"x": 1})));
            assert!(write(&store, vec![Write::Save { document }]).await[0].is_ok());
            let document = node(key, json!({})).with_version(Version(6));
            assert!(write(&store, vec![Write::Save { document }]).await[0].is_ok());
            assert_eq!(get(&store, key).await.unwrap().extra(), None);
        }
    });
}

#[test]
fn a_hidden_member_that_somebody_else_wrote_over_keeps_nobody_from_saving() {
    let Some(url) = single_url() else { return };
    let store = open(&url);
    block_on(async {
        given(&store, [node("n.City.a", json!({"n": 1})), node("n.City.b", json!({"n": 1}))]).await;
        let nodes = raw(&url).await.collection::<bson::Document>("node");
        let ids = doc! { "_id": { "$in": ["n.City.a", "n.City.b"] } };
        nodes.update_many(ids, doc! { "$set": { "_token": "x" } }).await.unwrap();
        let read = [get(&store, "n.City.a").await.unwrap(), get(&store, "n.City.b").await.unwrap()];
        let saves = read.map(|document| Write::Save { document }).to_vec();
        for result in write(&store, saves.clone()).await {
            assert!(matches!(result, Ok(Written::Changed { version: Version(2), .. })), "{result:?}");
        }
        // In a transaction it has to be done anew.
        let saves = saves.into_iter().map(|save| match save {
            Write::Save { document } => Write::Save { document: document.with_version(Version(2)) },
            other => other,
        });
        let batch = WriteBatch { writes: saves.collect(), all_or_nothing: true };
        let results = store.apply(&[batch]).await.unwrap().concat();
        assert!(results.iter().all(Result::is_ok), "{results:?}");
    });
}

#[test]
fn what_mongodb_cannot_hold_is_refused_and_named() {
    let Some(url) = single_url() else { return };
    let store = open(&url);
    let deep = |levels: usize| (0..levels).fold(json!(1), |inner, _| json!([inner]));
    block_on(async {
        for (fields, part) in [
            (json!({"a": {"nul\u{0}": 1}}), "nul\\u{0}"),
            (json!({"deep": deep(200)}), "180"),
            (json!({"large": "x".repeat(17 << 20)}), "17825"),
        ] {
            let writes = vec![
                create(node("n.City.bad", fields.clone())),
                Write::Upsert { document: node("n.City.bad", fields) },
                create(node("n.City.good", json!({}))),
                delete("n.City.good"),
            ];
            let results = write(&store, writes).await;
            for result in &results[..2] {
                match result {
                    Err(WriteError::Unsuitable { reason, .. }) => assert!(reason.contains(part), "{reason}"),
                    other => panic!("{other:?}"),
                }
            }
            assert!(results[2].is_ok() && results[3].is_ok());
        }
        // What goes up to the limit is kept.
        given(&store, [node("n.City.deep", json!({"deep": deep(150)}))]).await;
        assert!(get(&store, "n.City.deep").await.is_some());
        let huge = Write::Put { document: node("n.City.v", json!({})).with_version(Version(u64::MAX)) };
        assert!(matches!(write(&store, vec![huge]).await[0], Err(WriteError::Unsuitable { .. })));
    });
}

#[test]
fn hidden_members_are_not_shown_and_kept_by_writes() {
    let Some(url) = single_url() else { return };
    let store = open(&url);
    block_on(async {
        given(&store, [node("n.City.a", json!({})), node("n.City.b", json!({}))]).await;
        let parallel = Write::Create { document: edge("e.Road.x", "n.City.a", "n.City.b"), multi: true };
        assert!(write(&store, vec![parallel]).await[0].is_ok());
        let read = get(&store, "e.Road.x").await.unwrap();
        assert_eq!(read.extra(), None);
        assert!(write(&store, vec![Write::Save { document: read }]).await[0].is_ok());
        let database = raw(&url).await;
        let stored = raw_one(&database, "edge", "e.Road.x").await.unwrap();
        assert_eq!(stored.get_str("_parallel").unwrap(), "x");
        assert_eq!(stored.get_array("_token").unwrap().len(), 2);
        let hidden = wayfare_graph::Filter::parse(&json!({"_token": {"$exists": true}})).unwrap();
        let query =
            wayfare_graph::Query { filter: hidden, ..wayfare_graph::Query::kind(wayfare_graph::Kind::Edge) };
        assert_eq!(store.count(&query).await.unwrap(), 0);
    });
}

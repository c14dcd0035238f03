//! Documents that others left and nobody can read.

use bson::{Bson, doc};
use serde_json::json;
use wayfare_graph::{Finding, Kind, Store, WriteError, Written};

use crate::*;

/// An edge as jvspatial stores it, with other members over its own.
fn raw_edge(id: &str, source: &str, target: &str, over: BsonDocument) -> BsonDocument {
    let entity = id.split('.').nth(1).unwrap();
    let mut edge = doc! {
        "_id": id, "id": id, "entity": entity, "context": {}, "source": source, "target": target,
        "bidirectional": false,
    };
    edge.extend(over);
    edge
}

async fn insert_raw(url: &str, collection: &str, documents: Vec<BsonDocument>) {
    raw(url).await.collection(collection).insert_many(documents).await.unwrap();
}

/// All that a scan gives, in pages.
async fn scanned(store: &dyn Store, kind: Kind, limit: usize) -> Vec<String> {
    let (mut all, mut after) = (Vec::new(), None);
    loop {
        let page = store.scan(kind, None, after.as_ref(), limit).await.unwrap();
        assert!(page.documents.len() <= limit && (page.next.is_none() || !page.documents.is_empty()));
        all.extend(page.documents.iter().map(|document| document.id().to_string()));
        after = page.next;
        if after.is_none() {
            return all;
        }
    }
}

#[test]
fn a_scan_leaves_out_what_cannot_be_read_and_goes_on() {
    let Some(url) = single_url() else { return };
    let store = open(&url);
    block_on(async {
        let good: Vec<String> = (0..9).map(|n| format!("n.City.{n}")).collect();
        given(&store, good.iter().map(|id| node(id, json!({})))).await;
        let damaged = |id: String| doc! { "_id": id, "entity": "City", "context": [] };
        let ids = ["n.City.2a", "n.City.2b", "n.City.2c", "n.City.2d", "n.City.8a"].map(str::to_owned);
        // None of these is an id at all, the last of them behind everything.
        let none = ["n.", "n.!", "n.City.", "n.City.5 ", "n.City.5 x", "n.z"].map(str::to_owned);
        insert_raw(&url, "node", ids.into_iter().chain(none).map(damaged).collect()).await;
        let mut wanted = good;
        wanted.push("n.Root.root".to_owned());
        for limit in [1, 2, 3, 5, 7, 100] {
            assert_eq!(scanned(&store, Kind::Node, limit).await, wanted, "{limit}");
        }
        // By its id it is an error that names it.
        let error = store.get_many(&[id("n.City.2b")]).await.unwrap_err();
        assert!(error.to_string().contains("n.City.2b"), "{error}");
    });
}

#[test]
fn a_damaged_document_fails_only_the_writes_that_hang_on_it() {
    for url in [single_url(), replica_url()].into_iter().flatten() {
        let store = open(&url);
        block_on(async {
            given(&store, ["a", "b", "c", "d"].map(|key| node(&format!("n.City.{key}"), json!({})))).await;
            insert_raw(
                &url,
                "edge",
                vec![
                    raw_edge("e.Road.bad", "n.City.a", "n.City.b", doc! { "bidirectional": Bson::Null }),
                    // Between ends that are asked for, but not with each other, and of another entity.
                    raw_edge("e.Road.cross", "n.City.a", "n.City.d", doc! { "context": [] }),
                    raw_edge("e.Path.other", "n.City.b", "n.City.d", doc! { "context": 1 }),
                ],
            )
            .await;
            let bad = doc! { "_id": "n.City.bad", "entity": "City", "context": [] };
            insert_raw(&url, "node", vec![bad]).await;
            let connect = |key: &str, from: &str, to: &str| Write::Connect {
                edge: edge(&format!("e.Road.{key}"), &format!("n.City.{from}"), &format!("n.City.{to}")),
                parallel: None,
            };
            let results = write(
                &store,
                vec![
                    Write::Upsert { document: node("n.City.bad", json!({"n": 1})) },
                    connect("1", "a", "b"),
                    connect("2", "b", "d"),
                    create(node("n.City.new", json!({}))),
                    delete("n.City.bad"),
                    create(edge("e.Road.3", "n.City.a", "n.City.b")),
                    connect("bad", "c", "d"),
                    Write::Upsert { document: node("n.City.a", json!({"n": 1})) },
                ],
            )
            .await;
            for (at, named) in [
                (0, "n.City.bad"),
                (1, "e.Road.bad"),
                (4, "n.City.bad"),
                (5, "e.Road.bad"),
                (6, "e.Road.bad"),
            ] {
                match &results[at] {
                    Err(WriteError::Unsuitable { reason, .. }) => {
                        assert!(reason.contains(named) && reason.contains("damaged"), "{reason}");
                    }
                    other => panic!("{at}: {other:?}"),
                }
            }
            for at in [2, 3, 7] {
                assert!(results[at].is_ok(), "{at}: {:?}", results[at]);
            }
            let all = write_all(&store, vec![delete("n.City.c"), connect("1", "a", "b")]).await;
            assert_eq!(all[0], Err(WriteError::BatchRefused { position: 1 }));
            assert!(
                matches!(all[1], Err(WriteError::Unsuitable { .. }))
                    && get(&store, "n.City.c").await.is_some()
            );
        });
    }
}

#[test]
fn a_node_stays_as_long_as_an_edge_of_it_cannot_be_read() {
    for url in [single_url(), replica_url()].into_iter().flatten() {
        let store = open(&url);
        block_on(async {
            given(&store, ["a", "b"].map(|key| node(&format!("n.City.{key}"), json!({})))).await;
            given(&store, [edge("e.Road.good", "n.City.b", "n.City.a")]).await;
            let bad = raw_edge("e.Road.bad", "n.City.a", "n.City.b", doc! { "context": [] });
            insert_raw(&url, "edge", vec![bad]).await;
            let results = write(&store, vec![create(node("n.City.c", json!({}))), delete("n.City.a")]).await;
            assert!(results[0].is_ok());
            match &results[1] {
                Err(WriteError::Unsuitable { id: refused, reason }) => {
                    assert!(
                        *refused == id("n.City.a") && reason.contains("`e.Road.bad` is damaged"),
                        "{reason}"
                    );
                }
                other => panic!("{other:?}"),
            }
            for there in ["n.City.a", "e.Road.good"] {
                assert!(get(&store, there).await.is_some(), "{there}");
            }
            assert!(raw_one(&raw(&url).await, "edge", "e.Road.bad").await.is_some());
            assert_eq!(store.check_up(true).await.unwrap().len(), 1);
            match write(&store, vec![delete("n.City.a")]).await.remove(0) {
                Ok(Written::Deleted { edges, .. }) => assert_eq!(edges, [id("e.Road.good")]),
                other => panic!("{other:?}"),
            }
        });
    }
}

async fn index_names(url: &str) -> Vec<String> {
    raw(url).await.collection::<BsonDocument>("edge").list_index_names().await.unwrap()
}

#[test]
fn a_database_with_edges_that_are_there_twice_opens_and_can_be_repaired() {
    for url in [single_url(), replica_url()].into_iter().flatten() {
        block_on(async {
            let nodes = ["a", "b"].map(|key| {
                doc! { "_id": format!("n.City.{key}"), "id": format!("n.City.{key}"), "entity": "City", "context": {} }
            });
            insert_raw(&url, "node", nodes.into()).await;
            let twins = ["e.Road.1", "e.Road.2"].map(|id| raw_edge(id, "n.City.a", "n.City.b", doc! {}));
            // And two that are no edges, which an index takes for the same.
            let none = [doc! { "_id": "e.Road.x" }, doc! { "_id": "e.Road.y" }];
            insert_raw(&url, "edge", twins.into_iter().chain(none).collect()).await;

            let store = open(&url);
            let names = index_names(&url).await;
            assert!(names.contains(&"idx_source_target_entity_not_unique".to_owned()), "{names:?}");
            assert_eq!(scanned(&store, Kind::Edge, 1).await, ["e.Road.1", "e.Road.2"]);
            let findings = store.check_up(true).await.unwrap();
            assert!(findings.len() == 2 && findings.iter().all(Finding::is_repaired), "{findings:?}");
            // Edges are found and made as ever.
            let multi = Write::Create { document: edge("e.Road.3", "n.City.a", "n.City.b"), multi: true };
            let connect = Write::Connect { edge: edge("e.Road.4", "n.City.a", "n.City.b"), parallel: None };
            let results = write(&store, vec![multi, connect]).await;
            assert!(
                matches!(&results[1], Ok(Written::Unchanged { id: found, .. }) if *found == id("e.Road.1"))
            );
            // Opened again in that state, all is as it was.
            drop(open(&url));
            assert_eq!(index_names(&url).await, names);
            assert!(write(&store, vec![delete("e.Road.2")]).await[0].is_ok());

            drop(open(&url));
            let names = index_names(&url).await;
            assert!(names.contains(&"idx_source_target_entity_parallel_unique".to_owned()), "{names:?}");
            assert!(!names.contains(&"idx_source_target_entity_not_unique".to_owned()), "{names:?}");
            // The store that was open all the time goes on without the index that went.
            let from = wayfare_graph::Filter::parse(&json!({"source": "n.City.a"})).unwrap();
            let query = wayfare_graph::Query { filter: from, ..wayfare_graph::Query::kind(Kind::Edge) };
            assert_eq!(store.find(&query).await.unwrap().len(), 2);
            assert_eq!(store.count(&query).await.unwrap(), 2);
        });
    }
}

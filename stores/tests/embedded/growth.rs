//! The map starts at 1 MiB and grows under readers and writers.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;

use serde_json::json;
use wayfare_graph::{Direction, EntityName, Filter, Id, Index, Kind, Need, Query, Store};

use crate::{create, get, node, now, open};

fn city(n: usize) -> wayfare_graph::Document {
    node("City", n, json!({"n": n, "text": "x".repeat(500)}))
}

#[test]
fn a_store_grows_far_beyond_its_first_map() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path()).unwrap();
    // One batch that needs several doublings, with a name that is new in it.
    create(&store, (0..20_000).map(city)).unwrap();
    for chunk in 20..40 {
        create(&store, (chunk * 1000..(chunk + 1) * 1000).map(city)).unwrap();
    }
    let stats = now(store.stats()).unwrap();
    assert!(stats.file_bytes > 20 << 20, "{stats:?}");
    let cities = (Kind::Node, EntityName::new("City").unwrap(), 40_000);
    assert!(stats.entities.contains(&cities), "{stats:?}");
    drop(store);
    // The first map of an open store is never smaller than its file.
    let store = open(folder.path()).unwrap();
    assert_eq!(get(&store, "n.City.039999").unwrap().context().unwrap()["n"], json!(39_999));
    create(&store, [city(40_000)]).unwrap();
}

#[test]
fn building_an_index_grows_the_map() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path()).unwrap();
    let entity = EntityName::new("City").unwrap();
    create(&store, (0..3_000).map(|n| node("City", n, json!({"t": format!("{n:0300}")})))).unwrap();
    for field in ["t", "u"] {
        // The second one holds no row; the first takes about as much as the documents.
        let index = Index::new(Kind::Node, entity, [field]).unique(true);
        now(store.create_index(&index)).unwrap();
    }
    let filter = Filter::parse(&json!({"context.t": format!("{:0300}", 1234)})).unwrap();
    let found = now(store.find(&Query { filter, ..Query::entity(Kind::Node, entity) })).unwrap();
    assert_eq!(found[0].id().to_string(), "n.City.001234");
}

#[test]
fn readers_go_on_while_the_map_moves() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path()).unwrap();
    create(&store, (0..100).map(city)).unwrap();
    let ids: Vec<Id> = (0..100).map(|n| format!("n.City.{n:06}").parse().unwrap()).collect();
    let done = AtomicBool::new(false);
    let reads = AtomicUsize::new(0);
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                while !done.load(Ordering::Relaxed) {
                    let loaded = now(store.load(&ids, Need::DOCUMENT.links(Direction::Both))).unwrap();
                    for (n, document) in loaded.documents.iter().enumerate() {
                        assert_eq!(document.as_ref().unwrap().body().field("n"), Some(json!(n)));
                    }
                    reads.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
        for chunk in 1..30 {
            create(&store, (chunk * 1000..(chunk + 1) * 1000).map(city)).unwrap();
        }
        done.store(true, Ordering::Relaxed);
    });
    assert!(reads.into_inner() > 0);
    assert!(now(store.stats()).unwrap().file_bytes > 8 << 20);
}

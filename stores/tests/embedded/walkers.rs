//! Walkers in files of this release, of earlier ones, and through many saves.

use std::path::Path;

use heed::types::Bytes;
use heed::{Database, EnvOpenOptions};
use serde_json::{Value, json};
use wayfare_graph::{
    Document, EntityName, Index, Kind, Query, Store, StoreError, Version, Write, WriteBatch,
};
use wayfare_stores::EmbeddedStore;

use crate::format::{change, environment};
use crate::{create, get, node, now, open};

fn walker(key: &str, context: Value) -> Document {
    Document::from_json(json!({"id": format!("w.Reach.{key}"), "context": context})).unwrap()
}

fn save(store: &EmbeddedStore, document: Document) {
    let batch = WriteBatch { writes: vec![Write::Save { document }], all_or_nothing: false };
    now(store.apply(&[batch])).unwrap().remove(0).remove(0).unwrap();
}

#[test]
fn walkers_are_kept_when_the_store_is_closed() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path()).unwrap();
    create(&store, [walker("a", json!({"hops": 1})), walker("b", json!({}))]).unwrap();
    save(&store, walker("a", json!({"hops": 2})).with_version(Version(1)));
    let before = now(store.stats()).unwrap();
    drop(store);
    let store = open(folder.path()).unwrap();
    let read = walker("a", json!({"hops": 2})).with_version(Version(2));
    assert_eq!(get(&store, "w.Reach.a"), Some(read));
    assert_eq!(now(store.stats()).unwrap().entities, before.entities);
    let reach = EntityName::new("Reach").unwrap();
    assert_eq!(now(store.count(&Query::entity(Kind::Walker, reach))).unwrap(), 2);
}

/// Copies the tables of a closed store, all but one, as if it had been written before there was that one.
fn copy_without(from: &Path, to: &Path, left_out: &str) {
    let old = environment(from);
    let mut options = EnvOpenOptions::new().read_txn_without_tls();
    options.map_size(1 << 24).max_dbs(16);
    // SAFETY: no store has the file open meanwhile.
    let new = unsafe { options.open(to).unwrap() };
    let (reading, mut writing) = (old.read_txn().unwrap(), new.write_txn().unwrap());
    let names: Database<Bytes, Bytes> = old.open_database(&reading, None).unwrap().unwrap();
    let names = names.iter(&reading).unwrap().map(|row| String::from_utf8(row.unwrap().0.to_vec()).unwrap());
    let names: Vec<String> = names.collect();
    assert!(names.iter().any(|name| name == left_out));
    for name in names.iter().filter(|name| *name != left_out) {
        let source: Database<Bytes, Bytes> = old.open_database(&reading, Some(name)).unwrap().unwrap();
        let target: Database<Bytes, Bytes> = new.create_database(&mut writing, Some(name)).unwrap();
        for row in source.iter(&reading).unwrap() {
            let (key, value) = row.unwrap();
            target.put(&mut writing, key, value).unwrap();
        }
    }
    drop(reading);
    writing.commit().unwrap();
    old.prepare_for_closing().wait();
    new.prepare_for_closing().wait();
}

#[test]
fn a_file_from_before_walkers_were_kept_opens_and_takes_them() {
    let (folder, old) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let store = open(folder.path()).unwrap();
    create(&store, (0..50).map(|n| node("City", n, json!({"n": n})))).unwrap();
    drop(store);
    copy_without(folder.path(), old.path(), "walker");
    let store = open(old.path()).unwrap();
    assert_eq!(get(&store, "w.Reach.a"), None);
    assert!(now(store.scan(Kind::Walker, None, None, 9)).unwrap().documents.is_empty());
    assert_eq!(get(&store, "n.City.000049").unwrap().body().field("n"), Some(json!(49)));
    create(&store, [walker("a", json!({"hops": 1})), node("City", 50, json!({}))]).unwrap();
    drop(store);
    assert!(get(&open(old.path()).unwrap(), "w.Reach.a").is_some());
}

#[test]
fn an_index_on_walkers_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path()).unwrap();
    let entity = EntityName::new("Reach").unwrap();
    let index = Index::new(Kind::Walker, entity, ["hops"]);
    match now(store.create_index(&index)) {
        Err(error @ StoreError::Index { .. }) => {
            let said = error.to_string();
            assert!(said.contains("index on Reach (hops): walkers have no indexes"), "{said}");
        }
        other => panic!("{other:?}"),
    }
    // The refusal is no failure of the store.
    create(&store, [walker("a", json!({"hops": 1}))]).unwrap();
    assert_eq!(now(store.stats()).unwrap().indexes, []);
}

#[test]
fn a_deleted_walker_leaves_no_rows() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path()).unwrap();
    create(&store, (0..20).map(|n| walker(&n.to_string(), json!({"n": n})))).unwrap();
    let delete = |n: usize| Write::Delete { id: format!("w.Reach.{n}").parse().unwrap(), expected: None };
    let writes = (0..20).map(delete).collect();
    let results = now(store.apply(&[WriteBatch { writes, all_or_nothing: true }])).unwrap();
    assert!(results[0].iter().all(Result::is_ok));
    drop(store);
    change(folder.path(), "walker", |table, txn| assert_eq!(table.len(txn).unwrap(), 0));
}

#[test]
fn saving_a_large_walker_again_and_again_takes_the_space_of_a_few() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path()).unwrap();
    // Sizes go up and down, so that the room of one save does not fit every later one.
    let context = |round: u64| json!({"x": "x".repeat((1 << 20) + (round as usize * 7919 % 10) * 100_000)});
    create(&store, [walker("big", context(0))]).unwrap();
    for round in 1..60 {
        save(&store, walker("big", context(round)).with_version(Version(round)));
        create(&store, [node("City", round as usize, json!({"round": round}))]).unwrap();
    }
    let stats = now(store.stats()).unwrap();
    assert!(stats.used_bytes < 3 << 20, "{stats:?}");
    assert!(stats.file_bytes < 16 << 20, "{stats:?}");
    assert_eq!(get(&store, "w.Reach.big").unwrap().version(), Version(60));
}

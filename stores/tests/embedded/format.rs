//! Folders, formats, and damage.

use std::fs;
use std::path::Path;

use heed::types::Bytes;
use heed::{Database, Env, EnvOpenOptions, WithoutTls};
use serde_json::json;
use wayfare_graph::{Document, EntityName, Filter, Index, Kind, Query, Store, StoreError, Write, WriteBatch};

use crate::{create, create_multi, get, node, now, open};

/// Opens the file of a store behind its back.
pub(crate) fn environment(path: &Path) -> Env<WithoutTls> {
    let mut options = EnvOpenOptions::new().read_txn_without_tls();
    options.map_size(1 << 24).max_dbs(16);
    // SAFETY: no store has the file open meanwhile.
    unsafe { options.open(path).unwrap() }
}

/// Changes a table of a closed store.
pub(crate) fn change(
    path: &Path,
    table: &str,
    work: impl FnOnce(Database<Bytes, Bytes>, &mut heed::RwTxn<'_>),
) {
    let env = environment(path);
    let mut txn = env.write_txn().unwrap();
    let table = env.create_database::<Bytes, Bytes>(&mut txn, Some(table)).unwrap();
    work(table, &mut txn);
    txn.commit().unwrap();
    env.prepare_for_closing().wait();
}

#[test]
fn a_folder_is_made_with_its_parents_and_everything_is_kept() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a/b/store");
    let index = Index::new(Kind::Node, EntityName::new("City").unwrap(), ["n"]).unique(true);
    let store = open(&path).unwrap();
    assert_eq!(store.describe(), format!("embedded:{}", path.display()));
    create(&store, (0..100).map(|n| node("City", n, json!({"n": n})))).unwrap();
    now(store.create_index(&index)).unwrap();
    drop(store);
    let store = open(&path).unwrap();
    create(&store, [node("Town", 1, json!({}))]).unwrap();
    drop(store);
    let store = open(&path).unwrap();
    assert_eq!(get(&store, "n.City.000099").unwrap().context().unwrap()["n"], json!(99));
    assert!(get(&store, "n.Town.000001").is_some());
    let stats = now(store.stats()).unwrap();
    assert_eq!(stats.indexes, [index]);
    let refused = now(store.apply(&[crate::batch([node("City", 200, json!({"n": 5}))])])).unwrap();
    assert!(refused[0][0].is_err());
}

#[test]
fn what_is_no_store_is_refused_and_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    fs::write(&file, "x").unwrap();
    let foreign = folder.path().join("foreign");
    fs::create_dir(&foreign).unwrap();
    fs::write(foreign.join("notes.txt"), "x").unwrap();
    let other = folder.path().join("other");
    fs::create_dir(&other).unwrap();
    change(&other, "theirs", |_, _| {});
    let garbage = folder.path().join("garbage");
    fs::create_dir(&garbage).unwrap();
    fs::write(garbage.join("data.mdb"), vec![7; 10_000]).unwrap();
    for (path, part) in [(&file, "a file"), (&foreign, "notes.txt"), (&other, "`meta`"), (&garbage, "LMDB")] {
        match open(path) {
            Err(StoreError::NotAStore { path: shown, reason }) => {
                assert_eq!(shown, path.display().to_string());
                assert!(reason.contains(part), "{reason}");
            }
            other => panic!("{}: {other:?}", path.display()),
        }
    }
    assert_eq!(fs::read_dir(&foreign).unwrap().count(), 1, "nothing is put into a foreign folder");
    change(&other, "theirs", |_, _| {});
}

#[test]
fn what_a_crash_while_making_a_store_leaves_is_taken_over() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("wayfare.lock"), "1").unwrap();
    drop(open(folder.path()).unwrap());
    let folder = tempfile::tempdir().unwrap();
    environment(folder.path()).prepare_for_closing().wait();
    assert!(folder.path().join("data.mdb").exists());
    let store = open(folder.path()).unwrap();
    assert!(get(&store, "n.Root.root").is_some());
}

#[test]
fn a_newer_format_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    drop(open(folder.path()).unwrap());
    change(folder.path(), "meta", |meta, txn| meta.put(txn, b"format", &3_u64.to_be_bytes()).unwrap());
    match open(folder.path()) {
        Err(StoreError::NewerFormat { found: 3, supported: 2, .. }) => {}
        other => panic!("{other:?}"),
    }
    change(folder.path(), "meta", |meta, txn| {
        assert!(meta.delete(txn, b"format").unwrap());
    });
    assert!(matches!(open(folder.path()), Err(StoreError::NotAStore { .. })));
}

#[test]
fn damage_is_reported_and_does_not_stop_writing() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path()).unwrap();
    create(&store, [node("City", 1, json!({"x": 1})), node("City", 2, json!({"x": 1}))]).unwrap();
    drop(store);
    change(folder.path(), "node", |table, txn| {
        let key = table
            .iter(txn)
            .unwrap()
            .map(|row| row.unwrap().0.to_vec())
            .find(|key| key.windows(6).any(|part| part == b"000001"));
        table.put(txn, &key.unwrap(), &[0xff]).unwrap();
    });
    let store = open(folder.path()).unwrap();
    match now(store.get_many(&["n.City.000001".parse().unwrap()])) {
        Err(StoreError::Damaged { what, .. }) => assert_eq!(what, "n.City.000001"),
        other => panic!("{other:?}"),
    }
    assert!(get(&store, "n.City.000002").is_some());
    create(&store, [node("City", 3, json!({}))]).unwrap();
}

#[test]
fn what_an_index_learned_of_lists_outlives_the_process() {
    let folder = tempfile::tempdir().unwrap();
    let entity = EntityName::new("City").unwrap();
    let store = open(folder.path()).unwrap();
    let index = Index::new(Kind::Node, entity, ["n"]);
    now(store.create_index(&index)).unwrap();
    create(&store, [node("City", 1, json!({"n": [0, 9]}))]).unwrap();
    drop(store);
    let store = open(folder.path()).unwrap();
    let filter = Filter::parse(&json!({"context.n": {"$gt": 1, "$lt": 5}})).unwrap();
    assert_eq!(now(store.count(&Query { filter, ..Query::entity(Kind::Node, entity) })).unwrap(), 1);
}

#[test]
fn what_is_deleted_leaves_no_rows() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path()).unwrap();
    let entity = EntityName::new("City").unwrap();
    let index = Index::new(Kind::Node, entity, ["n", "l"]).unique(true);
    now(store.create_index(&index)).unwrap();
    create(&store, (0..100).map(|n| node("City", n, json!({"n": n, "l": [1, 2]})))).unwrap();
    let edges = (0..300).map(|n| {
        let (source, target) = (format!("n.City.{:06}", n % 7), format!("n.City.{:06}", n % 90));
        let id = format!("e.Road.{n:024x}");
        let json = json!({"id": id, "source": source, "target": target, "bidirectional": n & 1 == 0});
        Document::from_json(json).unwrap()
    });
    create_multi(&store, edges).unwrap();
    let delete = |id: String| Write::Delete { id: id.parse().unwrap(), expected: None };
    let edges = (0..150).map(|n| delete(format!("e.Road.{:024x}", n * 2)));
    let nodes = (0..100).map(|n| delete(format!("n.City.{n:06}")));
    let writes = edges.chain(nodes).collect();
    let results = now(store.apply(&[WriteBatch { writes, all_or_nothing: false }])).unwrap();
    assert!(results[0].iter().all(Result::is_ok));
    drop(store);
    // The root is all that is left.
    for (table, rows) in [("node", 1), ("incoming", 0), ("edge", 0), ("pair", 0), ("index", 0)] {
        change(folder.path(), table, |table, txn| assert_eq!(table.len(txn).unwrap(), rows));
    }
}

#[test]
fn an_impossible_index_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path()).unwrap();
    let index = |kind, fields: Vec<String>| Index::new(kind, EntityName::new("City").unwrap(), fields);
    assert!(now(store.create_index(&index(Kind::Node, vec![]))).is_err());
    assert!(now(store.create_index(&index(Kind::Walker, vec!["x".into()]))).is_err());
    assert!(now(store.create_index(&index(Kind::Node, vec!["x".into(); 33]))).is_err());
    now(store.create_index(&index(Kind::Node, vec!["x".into(); 32]))).unwrap();
    let long = "x".repeat(500);
    create(&store, [node("City", 1, json!({"x": long})), node("City", 2, json!({"x": u64::MAX}))]).unwrap();
    // Two lists of 400 members make more combinations than an index takes.
    now(store.create_index(&index(Kind::Node, vec!["a".into(), "b".into()]))).unwrap();
    let list: Vec<u32> = (0..400).collect();
    let refused =
        now(store.apply(&[crate::batch([node("City", 3, json!({"a": list, "b": list}))])])).unwrap();
    assert!(refused[0][0].as_ref().unwrap_err().to_string().contains("160000"));
    create(&store, [node("City", 4, json!({"a": list, "c": list}))]).unwrap();
    assert!(now(store.create_index(&index(Kind::Node, vec!["a".into(), "c".into()]))).is_err());
    create(&store, [node("City", 5, json!({}))]).unwrap();
}

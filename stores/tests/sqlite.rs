//! SQLite files of jvspatial.

#![cfg(feature = "sqlite")]
#![allow(clippy::unwrap_used, clippy::result_large_err)]

use std::path::Path;

use futures_util::FutureExt;
use rusqlite::Connection;
use serde_json::{Value, json};
use wayfare_graph::{
    Direction, Filter, Finding, Id, Kind, Need, Query, Store, StoreError, StoreFuture, WriteBatch,
};
use wayfare_stores::SqliteStore;

fn now<T>(future: StoreFuture<'_, T>) -> Result<T, StoreError> {
    future.now_or_never().expect("its futures are ready")
}

fn open(path: &Path) -> Result<SqliteStore, StoreError> {
    SqliteStore::open(path, Default::default())
}

/// A file with the table of jvspatial and these records.
fn file(path: &Path, records: &[(&str, &str, String)]) {
    let connection = Connection::open(path).unwrap();
    let table = "CREATE TABLE records (collection TEXT NOT NULL, id TEXT NOT NULL, data TEXT NOT NULL, \
                 PRIMARY KEY (collection, id))";
    connection.execute_batch(table).unwrap();
    for (collection, id, data) in records {
        connection.execute("INSERT INTO records VALUES (?, ?, ?)", (collection, id, data)).unwrap();
    }
}

fn record(collection: &'static str, json: Value) -> (&'static str, &'static str, String) {
    (collection, json["id"].as_str().unwrap().to_owned().leak(), json.to_string())
}

#[test]
fn documents_are_found_walked_and_never_written() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("jv.db");
    let node = |key: &str, n: u32| {
        record("node", json!({"id": format!("n.City.{key}"), "entity": "City", "context": {"n": n}}))
    };
    let road = json!({"id": "e.Road.r", "entity": "Road", "context": {}, "source": "n.City.a", "target": "n.City.b",
        "bidirectional": true});
    file(&path, &[node("a", 1), node("b", 2), record("edge", road), ("trail", "t", "{}".into())]);
    let store = open(&path).unwrap();
    assert_eq!(store.describe(), format!("sqlite:{}", path.display()));
    let ids: [Id; 1] = ["n.City.b".parse().unwrap()];
    let loaded = now(store.load(&ids, Need::DOCUMENT.links(Direction::Both))).unwrap();
    assert_eq!(loaded.adjacency[Direction::Both as usize].links[0].other.to_string(), "n.City.a");
    let filter = Filter::parse(&json!({"context.n": {"$gt": 1}})).unwrap();
    assert_eq!(now(store.count(&Query { filter, ..Query::kind(Kind::Node) })).unwrap(), 1);
    let refused = now(store.apply(&[WriteBatch::default()]));
    assert!(matches!(refused, Err(StoreError::Unsupported { .. })), "{refused:?}");
}

#[test]
fn rows_that_are_no_documents_are_told() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("jv.db");
    let good = record("node", json!({"id": "n.City.a", "entity": "City", "context": {}}));
    file(
        &path,
        &[good, ("node", "broken", "{".into()), ("edge", "n.City.b", json!({"id": "n.City.b"}).to_string())],
    );
    let store = open(&path).unwrap();
    assert_eq!(now(store.scan(Kind::Node, None, None, 9)).unwrap().documents.len(), 2);
    let findings = now(store.check_up(false)).unwrap();
    assert_eq!(findings.len(), 2);
    assert!(findings.iter().all(|finding| matches!(finding, Finding::BadDocument { .. })));
}

#[test]
fn other_files_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let text = folder.path().join("text");
    std::fs::write(&text, "not SQLite, but long enough to be looked at as if it were".repeat(20)).unwrap();
    let other = folder.path().join("other.db");
    Connection::open(&other).unwrap().execute_batch("CREATE TABLE things (x)").unwrap();
    for path in [text, other, folder.path().join("missing.db"), folder.path().to_owned()] {
        match open(&path) {
            Err(StoreError::NotAStore { .. }) => {}
            opened => panic!("{}: {opened:?}", path.display()),
        }
    }
    assert!(!folder.path().join("missing.db").exists());
}

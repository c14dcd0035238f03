//! What only the JSON store does: its files, those of others among them, its lock, its journal.

#![allow(clippy::unwrap_used, clippy::result_large_err)]

#[path = "json/bad_files.rs"]
mod bad_files;
#[path = "json/changes.rs"]
mod changes;
#[path = "json/failures.rs"]
mod failures;
#[path = "json/files.rs"]
mod files;
#[path = "json/foreign.rs"]
mod foreign;
#[path = "json/left_out.rs"]
mod left_out;
#[path = "json/odd_names.rs"]
mod odd_names;
#[path = "json/opening.rs"]
mod opening;
#[path = "json/syncs.rs"]
mod syncs;
#[path = "json/unsynced.rs"]
mod unsynced;
#[path = "json/versions.rs"]
mod versions;

use std::fs;
use std::path::{Path, PathBuf};

use futures_util::FutureExt;
use serde_json::{Value, json};
use tempfile::TempDir;
use wayfare_graph::{
    Document, Finding, Id, Store, StoreError, StoreFuture, Write, WriteBatch, WriteError, WriteResult,
};
use wayfare_stores::{EmbeddedOptions, JsonStore};

fn open(path: &Path) -> Result<JsonStore, StoreError> {
    let mut options = EmbeddedOptions::default();
    options.map_bytes = 1 << 20;
    JsonStore::open(path, options)
}

/// The result of a future of the JSON store, which is ready at once.
fn now<T>(future: StoreFuture<'_, T>) -> Result<T, StoreError> {
    future.now_or_never().expect("the JSON store's futures are ready")
}

fn id(text: &str) -> Id {
    text.parse().unwrap()
}

fn document(json: Value) -> Document {
    Document::from_json(json).unwrap()
}

fn create(json: Value) -> Write {
    Write::Create { document: document(json), multi: false }
}

fn write(store: &JsonStore, writes: Vec<Write>) -> Vec<WriteResult> {
    now(store.apply(&[WriteBatch { writes, all_or_nothing: false }])).unwrap().remove(0)
}

fn get(store: &JsonStore, text: &str) -> Option<Document> {
    now(store.get_many(&[id(text)])).unwrap().remove(0)
}

fn context(store: &JsonStore, text: &str) -> Value {
    Value::Object(get(store, text).unwrap().context().unwrap())
}

/// A folder as others make and read it.
struct Files(TempDir);

impl Files {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    fn file(&self, name: &str) -> PathBuf {
        self.path().join(name)
    }

    /// Writes a file as jvspatial does: under another name first, then renamed.
    fn put(&self, name: &str, json: &Value) {
        let file = self.file(name);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        let draft = file.with_extension("jvtmp");
        fs::write(&draft, serde_json::to_vec_pretty(json).unwrap()).unwrap();
        fs::rename(draft, file).unwrap();
    }

    fn read(&self, name: &str) -> Value {
        serde_json::from_slice(&fs::read(self.file(name)).unwrap()).unwrap()
    }

    fn names(&self, folder: &str) -> Vec<String> {
        let entries = fs::read_dir(self.file(folder)).unwrap();
        let mut names: Vec<String> =
            entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }
}

fn is_refused_for(result: &WriteResult, file: &str) -> bool {
    matches!(result, Err(WriteError::Unsuitable { reason, .. }) if reason.contains(file))
}

fn places(store: &JsonStore) -> Vec<String> {
    let findings = now(store.check_up(false)).unwrap();
    let place = |finding| match finding {
        Finding::BadDocument { place, repaired: false, .. } => place,
        other => panic!("{other:?}"),
    };
    findings.into_iter().map(place).collect()
}

/// The file of the entity that cannot be read by its id, and why.
fn fault(store: &JsonStore, text: &str) -> (String, String) {
    match now(store.get_many(&[id(text)])) {
        Err(StoreError::Damaged { what, reason }) => (what, reason),
        other => panic!("{other:?}"),
    }
}

fn road(key: &str, source: &str, target: &str) -> Value {
    json!({"id": format!("e.Road.{key}"), "entity": "Road", "context": {}, "source": format!("n.City.{source}"),
        "target": format!("n.City.{target}")})
}

/// A node as jvspatial writes it, without a version.
fn city(key: &str, context: Value) -> Value {
    json!({"id": format!("n.City.{key}"), "entity": "City", "context": context})
}

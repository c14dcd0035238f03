//! What only the embedded store does: its folder, its lock, its format, its growth, its failures.

#![allow(clippy::unwrap_used, clippy::result_large_err)]

#[path = "embedded/explain.rs"]
mod explain;
#[path = "embedded/format.rs"]
mod format;
#[path = "embedded/growth.rs"]
mod growth;
#[path = "embedded/processes.rs"]
mod processes;
#[path = "embedded/walkers.rs"]
mod walkers;

use std::path::Path;

use futures_util::FutureExt;
use serde_json::{Value, json};
use wayfare_graph::{Document, Id, Store, StoreError, StoreFuture, Write, WriteBatch};
use wayfare_stores::{EmbeddedOptions, EmbeddedStore};

fn open(path: &Path) -> Result<EmbeddedStore, StoreError> {
    let mut options = EmbeddedOptions::default();
    options.map_bytes = 1 << 20;
    EmbeddedStore::open(path, options)
}

/// The result of a future of the embedded store, which is ready at once.
fn now<T>(future: StoreFuture<'_, T>) -> Result<T, StoreError> {
    future.now_or_never().expect("the embedded store's futures are ready")
}

fn node(entity: &str, n: usize, context: Value) -> Document {
    Document::from_json(json!({"id": format!("n.{entity}.{n:06}"), "context": context})).unwrap()
}

fn batch(documents: impl IntoIterator<Item = Document>) -> WriteBatch {
    let writes = documents.into_iter().map(|document| Write::Create { document, multi: false }).collect();
    WriteBatch { writes, all_or_nothing: true }
}

fn create(store: &EmbeddedStore, documents: impl IntoIterator<Item = Document>) -> Result<(), StoreError> {
    for result in now(store.apply(&[batch(documents)]))?.remove(0) {
        result.unwrap();
    }
    Ok(())
}

fn create_multi(
    store: &EmbeddedStore,
    documents: impl IntoIterator<Item = Document>,
) -> Result<(), StoreError> {
    let writes = documents.into_iter().map(|document| Write::Create { document, multi: true }).collect();
    for result in now(store.apply(&[WriteBatch { writes, all_or_nothing: false }]))?.remove(0) {
        result.unwrap();
    }
    Ok(())
}

fn get(store: &EmbeddedStore, id: &str) -> Option<Document> {
    let id: Id = id.parse().unwrap();
    now(store.get_many(&[id])).unwrap().remove(0)
}

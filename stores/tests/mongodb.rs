//! What only a MongoDB does: other clients, lost connections, transactions, types that JSON lacks.

#![allow(clippy::unwrap_used)]

#[path = "mongodb/between.rs"]
mod between;
#[path = "mongodb/changes.rs"]
mod changes;
#[path = "mongodb/circuit.rs"]
mod circuit;
#[path = "mongodb/conflicts.rs"]
mod conflicts;
#[path = "mongodb/damage.rs"]
mod damage;
#[path = "mongodb/dense.rs"]
mod dense;
#[path = "mongodb/documents.rs"]
mod documents;
#[path = "mongodb/elections.rs"]
mod elections;
#[path = "mongodb/journal.rs"]
mod journal;
#[path = "mongodb/jvspatial.rs"]
mod jvspatial;
#[path = "mongodb/opening.rs"]
mod opening;
#[path = "mongodb/pool.rs"]
mod pool;
#[path = "mongodb/races.rs"]
mod races;
#[path = "mongodb/sorts.rs"]
mod sorts;
#[path = "mongodb/transactions.rs"]
mod transactions;
#[path = "mongodb/upkeep.rs"]
mod upkeep;

use std::time::Duration;

use bson::Document as BsonDocument;
use mongodb::{Client, Database};
use serde_json::{Value, json};
use wayfare_graph::{Document, Id, Store, Version, Write, WriteBatch, WriteResult};
use wayfare_stores::{MongoOptions, MongoStore};
use wayfare_testkit::{Mongod, ReplicaSet, unique_database};

fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(future)
}

/// A new database of the single server that the tests share; `None`, said aloud, where there is none.
fn single_url() -> Option<String> {
    Some(Mongod::shared()?.url(&unique_database("mongodb")))
}

/// A new database of the replica set that the tests share.
fn replica_url() -> Option<String> {
    Some(ReplicaSet::shared_single()?.url(&unique_database("mongodb")))
}

fn open(url: &str) -> MongoStore {
    MongoStore::open(url, MongoOptions::default()).unwrap()
}

/// A store that goes on trying for as long as an election may take on a machine that has much else to do.
fn open_patiently(url: &str) -> MongoStore {
    let mut options = MongoOptions::default();
    options.retries = 100;
    options.retry_time = Duration::from_secs(120);
    MongoStore::open(url, options).unwrap()
}

/// The database as another client sees it.
async fn raw(url: &str) -> Database {
    Client::with_uri_str(url).await.unwrap().default_database().unwrap()
}

async fn raw_one(database: &Database, collection: &str, id: &str) -> Option<BsonDocument> {
    database.collection(collection).find_one(bson::doc! { "_id": id }).await.unwrap()
}

fn id(text: &str) -> Id {
    text.parse().unwrap()
}

fn document(json: Value) -> Document {
    Document::from_json(json).unwrap()
}

fn node(id: &str, context: Value) -> Document {
    document(json!({"id": id, "context": context}))
}

fn edge(id: &str, source: &str, target: &str) -> Document {
    document(json!({"id": id, "source": source, "target": target}))
}

fn create(document: Document) -> Write {
    Write::Create { document, multi: false }
}

fn save(document: Document, version: u64) -> Write {
    Write::Save { document: document.with_version(Version(version)) }
}

fn delete(text: &str) -> Write {
    Write::Delete { id: id(text), expected: None }
}

async fn write(store: &dyn Store, writes: Vec<Write>) -> Vec<WriteResult> {
    store.apply(&[WriteBatch { writes, all_or_nothing: false }]).await.unwrap().remove(0)
}

async fn write_all(store: &dyn Store, writes: Vec<Write>) -> Vec<WriteResult> {
    store.apply(&[WriteBatch { writes, all_or_nothing: true }]).await.unwrap().remove(0)
}

async fn given(store: &dyn Store, documents: impl IntoIterator<Item = Document>) {
    for result in write(store, documents.into_iter().map(create).collect()).await {
        result.unwrap();
    }
}

async fn get(store: &dyn Store, text: &str) -> Option<Document> {
    store.get_many(&[id(text)]).await.unwrap().remove(0)
}

async fn context(store: &dyn Store, text: &str) -> Value {
    Value::Object(get(store, text).await.unwrap().context().unwrap())
}

use std::time::Duration;

use bson::doc;
use serde_json::json;
use wayfare_graph::{Direction, Kind, Need, Query, Store, Version, WriteBatch, WriteError};

use crate::*;

/// A batch of many levels, so that it can be broken off in the middle: what it changes, makes and deletes.
fn long_batch() -> WriteBatch {
    let mut writes: Vec<Write> = vec![
        create(node("n.City.new", json!({}))),
        delete("n.City.hub"),
        create(edge("e.Road.new", "n.City.a", "n.City.new")),
    ];
    writes.extend((1..400).map(|n| save(node("n.City.a", json!({"n": n})), n)));
    WriteBatch { writes, all_or_nothing: true }
}

async fn given_graph(store: &dyn Store) {
    let nodes = ["a", "b", "hub"].map(|key| node(&format!("n.City.{key}"), json!({"n": 0})));
    given(store, nodes).await;
    given(store, [edge("e.Road.1", "n.City.hub", "n.City.a"), edge("e.Road.2", "n.City.b", "n.City.hub")])
        .await;
}

async fn is_as_given(store: &dyn Store) {
    let a = get(store, "n.City.a").await.unwrap();
    assert_eq!((a.version(), Value::Object(a.context().unwrap())), (Version(1), json!({"n": 0})));
    assert_eq!(get(store, "n.City.new").await, None);
    let loaded = store.load(&[id("n.City.hub")], Need::DOCUMENT.links(Direction::Both)).await.unwrap();
    assert_eq!(loaded.adjacency[2].links.len(), 2);
    assert_eq!(store.count(&Query::kind(Kind::Edge)).await.unwrap(), 2);
}

/// Tells a child process what to write to.
const CHILD: &str = "WAYFARE_TEST_MONGODB_CHILD";

/// The process that the others kill. By itself it does nothing.
#[test]
fn a_process_writes_until_it_is_killed() {
    let Ok(url) = std::env::var(CHILD) else { return };
    block_on(open(&url).apply(&[long_batch()])).unwrap();
}

/// Has another process begin the batch, and kills it when it has deleted the hub.
async fn killed_in_the_middle(url: &str) {
    let name = "journal::a_process_writes_until_it_is_killed";
    let mut child = std::process::Command::new(std::env::current_exe().unwrap())
        .args([name, "--exact"])
        .env(CHILD, url)
        .stdout(std::process::Stdio::null())
        .spawn()
        .unwrap();
    let edges = raw(url).await.collection::<BsonDocument>("wayfare_journal");
    while edges.count_documents(doc! {}).await.unwrap() < 20 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    child.kill().unwrap();
    assert!(!child.wait().unwrap().success(), "it was too quick");
}

/// Breaks the batch off in the middle.
async fn broken_off(store: MongoStore, url: &str, database: &Database) {
    drop(store);
    killed_in_the_middle(url).await;
    let journal = database.collection::<BsonDocument>("wayfare_journal");
    assert_eq!(journal.count_documents(doc! { "head": true }).await.unwrap(), 1);
    assert!(journal.count_documents(doc! { "op": "remove" }).await.unwrap() >= 3);
    assert_eq!(get(&open(url), "n.City.hub").await, None, "it has not come far");
}

async fn age_the_journal(database: &Database) {
    let long_ago = bson::DateTime::from_millis(0);
    let journal = database.collection::<BsonDocument>("wayfare_journal");
    journal.update_many(doc! { "head": true }, doc! { "$set": { "at": long_ago } }).await.unwrap();
}

async fn is_empty(database: &Database) -> bool {
    let journal = database.collection::<BsonDocument>("wayfare_journal");
    journal.count_documents(doc! {}).await.unwrap() == 0
}

#[test]
fn a_batch_that_was_broken_off_is_undone_when_the_store_is_opened() {
    let Some(url) = single_url() else { return };
    block_on(async {
        let store = open(&url);
        let database = raw(&url).await;
        given_graph(&store).await;
        broken_off(store, &url, &database).await;
        // As long as it may be under way, it is left alone.
        let store = open(&url);
        assert!(!is_empty(&database).await);
        drop(store);
        age_the_journal(&database).await;
        let store = open(&url);
        is_as_given(&store).await;
        assert!(is_empty(&database).await);
    });
}

#[test]
fn what_others_wrote_over_a_broken_batch_stays() {
    let Some(url) = single_url() else { return };
    block_on(async {
        let store = open(&url);
        let database = raw(&url).await;
        given_graph(&store).await;
        broken_off(store, &url, &database).await;
        let store = open(&url);
        let read = get(&store, "n.City.a").await.unwrap();
        let version = read.version().0;
        let over = save(node("n.City.a", json!({"mine": true})), version);
        assert!(write(&store, vec![over]).await[0].is_ok());
        drop(store);
        age_the_journal(&database).await;
        let store = open(&url);
        assert_eq!(context(&store, "n.City.a").await, json!({"mine": true}));
        assert_eq!(get(&store, "n.City.a").await.unwrap().version(), Version(version + 1));
        assert!(get(&store, "n.City.hub").await.is_some());
        assert_eq!(get(&store, "n.City.new").await, None);
    });
}

#[test]
fn a_refused_batch_leaves_nothing_in_the_journal() {
    let Some(url) = single_url() else { return };
    block_on(async {
        let store = open(&url);
        let database = raw(&url).await;
        given_graph(&store).await;
        let mut batch = long_batch();
        batch.writes.truncate(10);
        batch.writes.push(create(node("n.City.b", json!({}))));
        let results = store.apply(&[batch.clone()]).await.unwrap().remove(0);
        assert_eq!(results[10], Err(WriteError::AlreadyExists { id: id("n.City.b") }));
        assert_eq!(results[0], Err(WriteError::BatchRefused { position: 10 }));
        is_as_given(&store).await;
        assert!(is_empty(&database).await);
        batch.writes.pop();
        assert!(store.apply(&[batch]).await.unwrap()[0].iter().all(Result::is_ok));
        assert!(is_empty(&database).await);
        assert_eq!(get(&store, "n.City.hub").await, None);
        assert_eq!(store.count(&Query::kind(Kind::Edge)).await.unwrap(), 1);
    });
}

#[test]
fn a_batch_goes_on_when_nobody_waits_for_it() {
    let Some(url) = single_url() else { return };
    block_on(async {
        let store = open(&url);
        given_graph(&store).await;
        let mut batch = long_batch();
        batch.writes.truncate(60);
        let batch = [batch];
        assert!(tokio::time::timeout(Duration::from_millis(5), store.apply(&batch)).await.is_err());
        let database = raw(&url).await;
        while !is_empty(&database).await || get(&store, "n.City.a").await.unwrap().version() < Version(58) {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        assert!(get(&store, "n.City.new").await.is_some());
    });
}

#[test]
fn a_batch_whose_server_died_is_undone_before_the_next_write() {
    let Some(mongod) = Mongod::start() else { return };
    let mut options = MongoOptions::default();
    options.server_selection_timeout = Duration::from_secs(1);
    options.retries = 0;
    options.circuit_failures = 0;
    let url = mongod.url("shop");
    let store = MongoStore::open(&url, options).unwrap();
    block_on(given_graph(&store));
    std::thread::scope(|scope| {
        let applied = scope.spawn(|| block_on(store.apply(&[long_batch()])));
        block_on(async {
            while get(&store, "n.City.hub").await.is_some() {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        });
        mongod.kill();
        let error = applied.join().unwrap().unwrap_err();
        assert!(matches!(error, wayfare_graph::StoreError::Unreachable { .. }), "{error:?}");
    });
    mongod.restart();
    block_on(async {
        while store.health().await.is_err() {}
        assert!(write(&store, vec![create(node("n.City.next", json!({})))]).await[0].is_ok());
        is_as_given(&store).await;
        assert!(is_empty(&raw(&url).await).await);
    });
}

#[test]
fn a_store_that_is_dropped_finishes_its_writes() {
    let Some(url) = replica_url() else { return };
    block_on(async {
        let store = open(&url);
        given_graph(&store).await;
        let batch = [long_batch()];
        let applied = store.apply(&batch);
        assert!(tokio::time::timeout(Duration::from_millis(5), applied).await.is_err(), "it was too quick");
        drop(store);
        let store = open(&url);
        while get(&store, "n.City.a").await.unwrap().version() != Version(400) {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        assert!(write(&store, vec![save(node("n.City.a", json!({"n": 5})), 400)]).await[0].is_ok());
    });
}

#[test]
fn a_process_that_is_killed_within_a_transaction_leaves_nothing_of_it() {
    let Some(url) = replica_url() else { return };
    block_on(async {
        let store = open(&url);
        given_graph(&store).await;
        let mut child = std::process::Command::new(std::env::current_exe().unwrap())
            .args(["journal::a_process_writes_until_it_is_killed", "--exact"])
            .env(CHILD, &url)
            .stdout(std::process::Stdio::null())
            .spawn()
            .unwrap();
        let admin = raw(&url).await.client().database("admin");
        let open_transaction = doc! { "currentOp": 1, "transaction": { "$exists": true }, "$all": true };
        while admin
            .run_command(open_transaction.clone())
            .await
            .unwrap()
            .get_array("inprog")
            .unwrap()
            .is_empty()
        {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        child.kill().unwrap();
        child.wait().unwrap();
        is_as_given(&store).await;
    });
}

use std::time::{Duration, Instant};

use serde_json::json;
use wayfare_graph::{Circuit, Store, StoreError};

use crate::*;

/// How long calls fail at once.
const PAUSE: Duration = Duration::from_secs(2);

fn impatient() -> MongoOptions {
    let mut options = MongoOptions::default();
    options.server_selection_timeout = Duration::from_secs(1);
    options.connect_timeout = Duration::from_secs(1);
    options.operation_timeout = Duration::from_secs(2);
    options.retries = 1;
    options.circuit_failures = 2;
    options.circuit_pause = PAUSE;
    options
}

/// An impatient store. A server that is busy with other tests may let some openings fail.
fn open_impatient(url: &str) -> MongoStore {
    let until = Instant::now() + Duration::from_secs(30);
    loop {
        match MongoStore::open(url, impatient()) {
            Ok(store) => return store,
            Err(error) => assert!(error.is_passing() && Instant::now() < until, "{error:?}"),
        }
    }
}

/// Fails until calls are refused at once; then waits until they are not.
fn opens_and_closes(store: &MongoStore, come_back: impl FnOnce()) {
    block_on(async {
        for _ in 0..2 {
            let error = store.get_many(&[id("n.City.a")]).await.unwrap_err();
            assert!(matches!(error, StoreError::Unreachable { .. }), "{error:?}");
        }
        match store.get_many(&[id("n.City.a")]).await.unwrap_err() {
            StoreError::CircuitOpen { retry_after, .. } => assert!(retry_after <= PAUSE),
            other => panic!("{other:?}"),
        }
        let figures = store.pool().unwrap();
        assert_eq!(figures.circuit, Circuit::Open);
        assert!(figures.retries >= 2, "{figures:?}");
    });
    come_back();
    block_on(async {
        let until = Instant::now() + Duration::from_secs(60);
        let found = loop {
            match store.get_many(&[id("n.City.a")]).await {
                Ok(mut found) => break found.remove(0),
                Err(error) => assert!(error.is_passing() && Instant::now() < until, "{error:?}"),
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        };
        assert!(found.is_some());
        assert_eq!(store.pool().unwrap().circuit, Circuit::Closed);
        // A server that is busy with other tests may take longer than this store waits. Another id each time: what was
        // given up may have been done.
        for attempt in 0.. {
            let create = create(node(&format!("n.City.b{attempt}"), json!({})));
            match store.apply(&[WriteBatch { writes: vec![create], all_or_nothing: false }]).await {
                Ok(results) => {
                    assert!(results[0][0].is_ok(), "{results:?}");
                    break;
                }
                Err(error) => assert!(error.is_passing() && Instant::now() < until, "{error:?}"),
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    });
}

#[test]
fn calls_fail_at_once_while_a_server_hangs_and_work_when_it_goes_on() {
    let Some(mongod) = Mongod::start() else { return };
    let store = open_impatient(&mongod.url("shop"));
    block_on(given(&open(&mongod.url("shop")), [node("n.City.a", json!({}))]));
    mongod.stop();
    opens_and_closes(&store, || mongod.cont());
}

#[test]
fn calls_fail_at_once_while_a_server_is_dead_and_work_when_it_is_back() {
    let Some(mongod) = Mongod::start() else { return };
    let store = open_impatient(&mongod.url("shop"));
    block_on(given(&open(&mongod.url("shop")), [node("n.City.a", json!({}))]));
    mongod.kill();
    opens_and_closes(&store, || mongod.restart());
}

#[test]
fn a_short_absence_is_bridged_by_retries() {
    let Some(mongod) = Mongod::start() else { return };
    let mut options = MongoOptions::default();
    options.server_selection_timeout = Duration::from_secs(2);
    options.retries = 100;
    options.retry_time = Duration::from_secs(60);
    let store = MongoStore::open(&mongod.url("shop"), options).unwrap();
    block_on(given(&store, [node("n.City.a", json!({}))]));
    std::thread::scope(|scope| {
        mongod.kill();
        let writing =
            scope.spawn(|| block_on(write(&store, vec![save(node("n.City.a", json!({"n": 1})), 1)])));
        mongod.restart();
        assert!(writing.join().unwrap()[0].is_ok());
    });
    assert_eq!(block_on(context(&store, "n.City.a")), json!({"n": 1}));
    assert_eq!(store.pool().unwrap().circuit, Circuit::Closed);
}

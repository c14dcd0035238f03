use std::net::TcpListener;
use std::time::{Duration, Instant};

use serde_json::json;
use wayfare_graph::{Id, Store, StoreError, Version};
use wayfare_stores::{OpenOptions, StoreUrl};

use crate::between::{Answers, Between};
use crate::*;

fn impatient() -> MongoOptions {
    let mut options = MongoOptions::default();
    options.server_selection_timeout = Duration::from_secs(1);
    options.connect_timeout = Duration::from_secs(1);
    options
}

fn refused(url: &str, options: MongoOptions) -> StoreError {
    MongoStore::open(url, options).unwrap_err()
}

#[test]
fn a_wrong_password_is_refused_and_not_told() {
    let Some(mongod) = Mongod::start_with_auth("ann", "right-secret") else { return };
    for url in [
        mongod.url_as("ann", "wrong-secret", "shop"),
        mongod.url_as("bob", "wrong-secret", "shop"),
        format!("mongodb://127.0.0.1:{}/shop", mongod.port()),
    ] {
        let error = refused(&url, MongoOptions::default());
        assert!(matches!(error, StoreError::Refused { .. }), "{error:?}");
        assert!(!format!("{error} {error:?}").contains("secret"), "{error:?}");
    }
    let store = open(&mongod.url("shop"));
    assert!(store.describe().starts_with("mongodb://ann:***@127.0.0.1:"), "{}", store.describe());
    assert!(!format!("{store:?}").contains("secret"));
    assert!(block_on(get(&store, "n.Root.root")).is_some());
}

#[test]
fn a_server_that_is_not_there_or_says_nothing_is_told_in_time() {
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    for port in [free, silent.local_addr().unwrap().port()] {
        let begun = Instant::now();
        let error = refused(&format!("mongodb://ann:secret@127.0.0.1:{port}/shop"), impatient());
        assert!(matches!(error, StoreError::Unreachable { .. }), "{error:?}");
        assert!(begun.elapsed() < Duration::from_secs(20), "{:?}", begun.elapsed());
        assert!(!format!("{error} {error:?}").contains("secret"), "{error:?}");
    }
}

#[test]
fn urls_that_name_no_database_are_refused() {
    for url in ["mongodb://host", "mongodb://host/", "mongodb:/host/x", "mongodb://ho st:x/y"] {
        let error = wayfare_stores::open(url, &OpenOptions::default()).unwrap_err();
        assert!(matches!(error, StoreError::Url { .. }), "{url}: {error:?}");
    }
    let parsed = StoreUrl::parse("mongodb://ann:secret@host/shop").unwrap();
    assert_eq!(parsed, StoreUrl::MongoDb("mongodb://ann:secret@host/shop".into()));
    assert!(!format!("{parsed:?}").contains("secret"));
}

#[test]
fn a_store_works_on_any_executor_and_opens_within_one() {
    let Some(url) = single_url() else { return };
    // Opened, used and dropped within a runtime of one thread.
    block_on(async {
        let store = wayfare_stores::open(&url, &OpenOptions::default()).unwrap();
        assert_eq!(store.describe(), url);
        assert!(!store.is_local() && store.max_writers() == 4);
        store.health().await.unwrap();
        given(&*store, [node("n.City.a", json!({}))]).await;
    });
    // And where there is no runtime at all.
    let store = open(&url);
    let read = futures_util::future::FutureExt::now_or_never(store.get_many(&[]));
    assert!(read.is_none_or(|read| read.unwrap().is_empty()));
    let thread = std::thread::spawn(move || {
        let ids = [Id::root(), id("n.City.a")];
        let mut reading = std::pin::pin!(store.get_many(&ids));
        let waker = std::task::Waker::noop();
        loop {
            match reading.as_mut().poll(&mut std::task::Context::from_waker(waker)) {
                std::task::Poll::Ready(read) => return read.unwrap().iter().flatten().count(),
                std::task::Poll::Pending => std::thread::yield_now(),
            }
        }
    });
    assert_eq!(thread.join().unwrap(), 2);
}

#[test]
fn many_may_open_a_new_database_at_once() {
    for url in [single_url(), replica_url()].into_iter().flatten() {
        let threads: Vec<_> = (0..6)
            .map(|_| {
                let url = url.clone();
                std::thread::spawn(move || block_on(get(&open(&url), "n.Root.root")).unwrap().version())
            })
            .collect();
        for thread in threads {
            assert_eq!(thread.join().unwrap(), Version(1));
        }
    }
}

/// As in a large database.
#[test]
fn indexes_that_take_longer_than_a_call_may_are_made_all_the_same() {
    let Some(url) = single_url() else { return };
    let between = Between::new(&url, &["createIndexes"]);
    between.hold("createIndexes", Answers::Late(Duration::from_millis(1_500)));
    let mut options = MongoOptions::default();
    options.operation_timeout = Duration::from_secs(1);
    let store = MongoStore::open(&between.url(&unique_database("mongodb")), options).unwrap();
    // One command for each collection, and one for the ends of edges; none was sent twice.
    assert_eq!(between.count("createIndexes"), 5);
    block_on(given(&store, [node("n.City.a", json!({}))]));
}

use std::time::{Duration, Instant};

use serde_json::json;
use wayfare_graph::{ChangeFeed, Store, StoreChange, Version};

use crate::*;

/// What changes tell, in short.
fn told(change: &StoreChange) -> String {
    match change {
        StoreChange::Document { id, version, ends } => {
            let ends: Vec<String> = ends.iter().map(ToString::to_string).collect();
            let version = version.map_or_else(|| "-".into(), |Version(version)| version.to_string());
            format!("{id} {version} {}", ends.join(" ")).trim_end().to_owned()
        }
        _ => "anything".to_owned(),
    }
}

/// Reads a feed until something was told.
async fn read_until(feed: &mut dyn ChangeFeed, last: &str) -> Vec<String> {
    let mut all = Vec::new();
    let reading = async {
        while all.last().is_none_or(|told| told != last) {
            all.extend(feed.next().await.unwrap().iter().map(told));
        }
    };
    tokio::time::timeout(Duration::from_secs(120), reading).await.unwrap_or_else(|_| panic!("no `{last}`"));
    all
}

#[test]
fn a_single_server_tells_no_changes() {
    let Some(url) = single_url() else { return };
    assert!(block_on(open(&url).changes()).unwrap().is_none());
}

#[test]
fn writes_of_all_clients_are_told_with_versions_and_ends() {
    let Some(url) = replica_url() else { return };
    let (store, other) = (open(&url), open(&url));
    block_on(async {
        let mut feed = store.changes().await.unwrap().unwrap();
        given(&other, [node("n.City.a", json!({})), node("n.City.b", json!({}))]).await;
        given(&store, [edge("e.Road.r", "n.City.a", "n.City.b")]).await;
        assert!(write(&other, vec![save(node("n.City.a", json!({"n": 1})), 1)]).await[0].is_ok());
        assert!(write(&other, vec![save(edge("e.Road.r", "n.City.a", "n.City.b"), 1)]).await[0].is_ok());
        let database = raw(&url).await;
        let foreign =
            bson::doc! { "_id": "o.Setting.s", "id": "o.Setting.s", "entity": "Setting", "context": {} };
        database.collection("object").insert_one(foreign).await.unwrap();
        assert!(write(&store, vec![delete("n.City.b")]).await[0].is_ok());
        assert!(write(&store, vec![delete("n.City.a")]).await[0].is_ok());
        let mut all = read_until(&mut *feed, "n.City.a -").await;
        // The edge and its node go in one transaction.
        all[6..8].sort();
        assert_eq!(
            all,
            [
                "n.City.a 1",
                "n.City.b 1",
                "e.Road.r 1 n.City.a n.City.b",
                "n.City.a 2",
                "e.Road.r 2 n.City.a n.City.b",
                "o.Setting.s 0",
                "e.Road.r - n.City.a n.City.b",
                "n.City.b -",
                "n.City.a -",
            ]
        );
    });
}

/// Who reads a feed holds a connection for as long as nothing happens.
#[test]
fn a_feed_takes_no_connection_from_a_pool_of_one() {
    let Some(url) = replica_url() else { return };
    let store = open(&format!("{url}&maxPoolSize=1"));
    block_on(async {
        let mut feed = store.changes().await.unwrap().unwrap();
        for n in 0..10 {
            let city = format!("n.City.{n}");
            given(&store, [node(&city, json!({}))]).await;
            assert!(get(&store, &city).await.is_some());
            assert_eq!(read_until(&mut *feed, &format!("{city} 1")).await, [format!("{city} 1")]);
        }
    });
    // The connection comes back a moment after its answer.
    let until = Instant::now() + Duration::from_secs(10);
    while store.pool().unwrap().in_use > 0 && Instant::now() < until {
        std::thread::yield_now();
    }
    let figures = store.pool().unwrap();
    assert_eq!((figures.max_size, figures.in_use), (1, 0), "{figures:?}");
    // With one call at a time nothing waits but for the connection to be made.
    assert!(figures.waited < Duration::from_secs(5), "{figures:?}");
}

#[test]
fn a_feed_goes_on_over_the_death_of_the_primary_without_missing_anything() {
    let Some(replicas) = ReplicaSet::start(3) else { return };
    let url = replicas.url("shop");
    let (store, other) = (open_patiently(&url), open_patiently(&url));
    block_on(async {
        let mut feed = store.changes().await.unwrap().unwrap();
        given(&other, [node("n.City.before", json!({}))]).await;
        assert_eq!(read_until(&mut *feed, "n.City.before 1").await, ["n.City.before 1"]);
        replicas.kill_primary();
        for n in 0..20 {
            given(&other, [node(&format!("n.City.{n}"), json!({}))]).await;
        }
        let all = read_until(&mut *feed, "n.City.19 1").await;
        let wanted: Vec<String> = (0..20).map(|n| format!("n.City.{n} 1")).collect();
        assert_eq!(all, wanted);
    });
}

#[test]
fn a_database_that_is_dropped_may_have_changed_in_any_way() {
    let Some(url) = replica_url() else { return };
    let store = open(&url);
    block_on(async {
        let mut feed = store.changes().await.unwrap().unwrap();
        raw(&url).await.drop().await.unwrap();
        read_until(&mut *feed, "anything").await;
        // And it goes on.
        given(&store, [node("n.City.a", json!({}))]).await;
        read_until(&mut *feed, "n.City.a 1").await;
    });
}

use std::time::{Duration, Instant};

use serde_json::json;
use wayfare_graph::{Circuit, Store};

use crate::*;

#[test]
fn figures_tell_connections_and_waits() {
    let Some(url) = single_url() else { return };
    let mut options = MongoOptions::default();
    options.min_size = 1;
    options.max_size = 3;
    options.max_idle_time = Some(Duration::from_secs(60));
    let store = MongoStore::open(&url, options).unwrap();
    block_on(async {
        given(&store, (0..50).map(|n| node(&format!("n.City.{n}"), json!({})))).await;
        let ids = [id("n.City.1")];
        let reads = (0..40).map(|_| store.get_many(&ids));
        futures_util::future::try_join_all(reads).await.unwrap();
    });
    // Connections come back a moment after their answers.
    let until = Instant::now() + Duration::from_secs(10);
    while store.pool().unwrap().in_use > 0 && Instant::now() < until {
        std::thread::yield_now();
    }
    let figures = store.pool().unwrap();
    assert_eq!((figures.min_size, figures.max_size), (1, 3));
    assert!(figures.checkouts >= 42, "{figures:?}");
    assert!((1..=3).contains(&figures.created) && figures.closed == 0, "{figures:?}");
    assert_eq!((figures.in_use, figures.waiting), (0, 0), "{figures:?}");
    assert!(u64::from(figures.idle) == figures.created && figures.waited > Duration::ZERO, "{figures:?}");
    assert_eq!((figures.retries, figures.circuit), (0, Circuit::Closed));
}

#[test]
fn a_url_wins_over_options() {
    let Some(url) = single_url() else { return };
    let store = open(&format!("{url}?maxPoolSize=7&minPoolSize=2&w=1&journal=false"));
    let figures = store.pool().unwrap();
    assert_eq!((figures.min_size, figures.max_size), (2, 7));
    block_on(given(&store, [node("n.City.a", json!({}))]));
}

//! Telling of changes that others make.

use std::time::Duration;

use serde_json::json;
use wayfare_graph::{Store, StoreChange, Version};

use crate::*;

fn executor() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap()
}

#[test]
fn a_feed_tells_of_others_and_not_of_itself() {
    let files = Files::new();
    let store = open(files.path()).unwrap();
    let Some(mut feed) = now(store.changes()).unwrap() else {
        eprintln!("skipped: this system does not tell of files");
        return;
    };
    write(&store, vec![create(city("a", json!({}))), create(city("b", json!({})))]);
    write(&store, vec![create(json!({"id": "e.Road.r", "source": "n.City.a", "target": "n.City.b"}))]);
    now(store.flush()).unwrap();
    // Nobody asks the store for anything: it notices by itself.
    let next = |feed: &mut Box<dyn wayfare_graph::ChangeFeed>| {
        executor().block_on(async {
            tokio::time::timeout(Duration::from_secs(300), feed.next()).await.unwrap().unwrap()
        })
    };
    files.put("node/n.City.a.json", &city("a", json!({"n": 1})));
    let changed = StoreChange::Document { id: id("n.City.a"), version: Some(Version(2)), ends: vec![] };
    assert_eq!(next(&mut feed), [changed]);
    fs::remove_file(files.file("edge/e.Road.r.json")).unwrap();
    let ends = vec![id("n.City.a"), id("n.City.b")];
    assert_eq!(next(&mut feed), [StoreChange::Document { id: id("e.Road.r"), version: None, ends }]);
}

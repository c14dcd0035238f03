//! Documents of walks that the store keeps, as the commands show them.

use serde_json::json;
use wayfare::walkers::Reach;
use wayfare::{Durable, Runtime};

use crate::harness::Place;

/// Cities, a walk under a key that has ended, and one that was paused, unless it was faster.
fn place_with_walks() -> Place {
    let place = Place::with_cities();
    let url = format!("embedded:{}", place.path().join("store").display());
    let executor = tokio::runtime::Runtime::new().unwrap();
    executor.block_on(async {
        let runtime = Runtime::open(&url).unwrap();
        let spawning = runtime.spawn(Reach::default()).at("n.City.a").durable(Durable::default());
        spawning.key("done").await.unwrap().finish().await.unwrap();
        let mut left = wayfare::walkers::Path::to("n.City.zz".parse().unwrap());
        left.direction = wayfare::Direction::Both;
        let walk = runtime.spawn(left).at("n.City.a").durable(Durable::default()).key("left").await.unwrap();
        walk.pause();
        runtime.shutdown().await;
    });
    place
}

#[test]
fn walks_are_counted_found_and_shown_but_are_no_content() {
    let place = place_with_walks();
    let count = |arguments: &[&str]| place.run(&[&["count"][..], arguments].concat()).ended_with(0).json();
    assert_eq!(count(&[]), json!({"nodes": 5, "edges": 2, "objects": 0}));
    let walks = count(&["Walk"]);
    assert_eq!(walks["kind"], "walker");
    let stats = place.run(&["stats"]).ended_with(0).silently().json();
    assert!(stats["walkers"].as_u64() >= walks["count"].as_u64(), "{stats}");
    let last = stats["entities"].as_array().unwrap().last().unwrap();
    assert_eq!(last["kind"], "walker", "walks come after what users store: {stats}");
    let found = place.run(&["find", "Walk", "--filter", r#"{"context.status": "done"}"#]).json();
    assert_eq!((&found[0]["id"], &found[0]["context"]["walker"]), (&json!("w.Walk.done"), &json!("Reach")));
    assert_eq!(found[0]["context"]["visits"], 3);
}

#[test]
fn an_export_leaves_walks_out() {
    let place = place_with_walks();
    let all = place.run(&["export"]).ended_with(0).silently().out;
    assert_eq!(all.lines().count(), 6, "{all}");
    assert!(!all.contains("\"w."), "{all}");
    place.file("all.jsonl", &all);
    place.run(&["import", "--nodes", "all.jsonl"]).ended_with(0);
    assert_eq!(place.run(&["export"]).ended_with(0).out, all);
    place.run(&["export", "--entity", "Walk"]).ended_with(4).says(&["documents of walks are left out"]);
}

#[test]
fn a_command_leaves_walks_to_the_service_that_spawned_them() {
    let place = place_with_walks();
    let left = || place.run(&["get", "w.Walk.left"]).json();
    let before = left();
    place.run(&["stats"]).ended_with(0);
    place.run(&["walk", "reach", "--from", "n.City.a"]).ended_with(0);
    assert_eq!(left(), before);
}

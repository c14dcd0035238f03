//! Both directions, on every store that both can open.

use serde_json::{Map, Value, json};
use wayfare::{Error, Id, Runtime, WriteError};
use wayfare_testkit::{Mongod, ReplicaSet, unique_database};

use super::application::Application;
use super::{City, Highway, tour};

#[tokio::test]
async fn a_folder_of_json_files_is_shared_in_both_directions() {
    let folder = tempfile::tempdir().unwrap();
    share(&format!("json:{}", folder.path().join("jvdb").display())).await;
}

#[tokio::test]
async fn a_database_of_a_single_mongodb_is_shared_in_both_directions() {
    let Some(mongod) = Mongod::shared() else { return };
    share(&mongod.url(&unique_database("interop"))).await;
}

#[tokio::test]
async fn a_database_of_a_replica_set_is_shared_in_both_directions() {
    let Some(set) = ReplicaSet::shared_single() else { return };
    let url = set.url(&unique_database("interop"));
    share(&url).await;
}

async fn share(url: &str) {
    let Some(application) = Application::new(url) else { return };
    application.run("write");
    let before = application.tells();
    let [paris, lyon, lille] = ["Paris", "Lyon", "Lille"].map(|name| application.city(name));

    // Their graph is walked, changed and saved.
    let runtime = Runtime::open(url).unwrap();
    assert_eq!(tour(&runtime, &paris).await, ["Lille", "Lyon", "Paris"]);
    change(&runtime, &paris, &lyon, &lille).await;
    runtime.graph().flush().await.unwrap();
    let after = application.tells();
    check_what_they_see(&before, &after);

    // What they change meanwhile is seen here, and is not written over.
    let graph = runtime.graph();
    let mut stale = graph.get::<City>(lyon.as_str()).await.unwrap().unwrap();
    application.run("rename");
    stale.population = 0;
    match graph.save(&mut stale).await {
        Err(Error::Write(WriteError::Conflict { id, .. })) => assert_eq!(id.to_string(), lyon),
        other => panic!("{url}: {other:?}"),
    }
    let fresh = graph.update::<City>(lyon.as_str(), |city| city.population += 1).await.unwrap();
    assert_eq!((fresh.name.as_str(), fresh.population), ("Lyons", 500_001));
    application.run("connect");
    assert_eq!(tour(&runtime, &lyon).await, ["Lille", "Lyons", "Oslo", "Paris"]);
    graph.flush().await.unwrap();
    runtime.shutdown().await;
    let last = application.tells();
    assert_eq!(last["cities"]["Lyons"]["population"], json!(500_001));
    assert_eq!(last["cities"]["Paris"]["out"], json!(["Lille", "Lyons", "Oslo"]));
    assert_eq!(last["cities"].as_object().map(Map::len), Some(4));
}

/// A save, a new node, edges of both sorts, a deletion.
async fn change(runtime: &Runtime, paris: &str, lyon: &str, lille: &str) {
    let graph = runtime.graph();
    let mut stored = graph.get::<City>(paris).await.unwrap().unwrap();
    assert_eq!((stored.name.as_str(), stored.population, stored.tags.len()), ("Paris", 2_100_000, 2));
    stored.population += 1;
    graph.save(&mut stored).await.unwrap();
    let city = |name: &str| City { name: name.into(), population: 7, tags: vec!["new".into()] };
    let oslo = graph.create(city("Oslo")).await.unwrap();
    let nice = graph.create(city("Nice")).await.unwrap();
    // With a version, which they take away when they change it: so the change is noticed. A document that has none
    // yet looks the same before and after.
    graph.update::<City>(lyon, |city| city.tags.push("seen".into())).await.unwrap();
    let highway = |distance| Highway { distance, rest: Map::new() };
    graph.connect(paris, oslo.id(), highway(1300.5)).await.unwrap();
    graph.connect_both(lyon, nice.id(), highway(470.25)).await.unwrap();
    // The edge that is there gets the distance, and keeps what this program does not know.
    let roads = graph.find::<Highway>(wayfare::Filter::all()).await.unwrap();
    let toll = roads.iter().find(|road| road.rest.get("toll") == Some(&json!(true))).unwrap().id().clone();
    let changed = graph.update::<Highway>(&toll, |road| road.distance = 691.0).await.unwrap();
    let lille: Id = lille.parse().unwrap();
    assert_eq!(changed.document().ends().unwrap().target, lille);
}

fn check_what_they_see(before: &Value, after: &Value) {
    let mut wanted = before.clone();
    let paris = &mut wanted["cities"]["Paris"];
    paris["population"] = json!(2_100_001);
    paris["out"] = json!(["Lyon", "Oslo"]);
    paris["both"] = json!(["Lyon", "Oslo"]);
    let lyon = &mut wanted["cities"]["Lyon"];
    lyon["tags"] = json!(["seen"]);
    lyon["out"] = json!(["Lille", "Nice"]);
    lyon["both"] = json!(["Lille", "Nice", "Paris"]);
    for (name, other) in [("Oslo", "Paris"), ("Nice", "Lyon")] {
        let seen = &after["cities"][name];
        wanted["cities"][name] = json!({
            "id": seen["id"], "population": 7, "tags": ["new"], "founded": null, "nickname": null, "out": [],
            "both": [other],
        });
    }
    wanted["highways"] = json!([
        {"distance": 465.5, "toll": null, "bidirectional": true},
        {"distance": 470.25, "toll": null, "bidirectional": true},
        {"distance": 691.0, "toll": true, "bidirectional": false},
        {"distance": 1300.5, "toll": null, "bidirectional": false},
    ]);
    assert_eq!(*after, wanted);
}

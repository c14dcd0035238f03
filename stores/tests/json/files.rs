//! The files that the store writes.

use serde_json::json;
use wayfare_graph::{Kind, Store, Version, Write};

use crate::*;

#[test]
fn every_document_is_a_file_in_the_form_of_jvspatial() {
    let files = Files::new();
    let store = open(files.path()).unwrap();
    let road = json!({
        "id": "e.Road.r", "entity": "Road", "context": {"km": 3.5, "note": null}, "source": "n.City.a",
        "target": "n.City.b", "bidirectional": true, "owner": {"x": [1]},
    });
    let results = write(
        &store,
        vec![
            create(city("a", json!({"name": "Ulm", "tags": ["x"], "founded": "0854-07-22T00:00:00+00:00"}))),
            create(city("b", json!({}))),
            create(road.clone()),
            create(json!({"id": "o.Setting.s", "context": {"x": 1}})),
            create(json!({"id": "w.Reach.w", "context": {"hops": 2}})),
        ],
    );
    assert!(results.iter().all(Result::is_ok), "{results:?}");
    now(store.flush()).unwrap();
    let mut wanted = city("a", json!({"name": "Ulm", "tags": ["x"], "founded": "0854-07-22T00:00:00+00:00"}));
    wanted["_version"] = json!(1);
    assert_eq!(files.read("node/n.City.a.json"), wanted);
    let mut wanted = road;
    wanted["_version"] = json!(1);
    assert_eq!(files.read("edge/e.Road.r.json"), wanted);
    assert_eq!(files.names("node"), ["n.City.a.json", "n.City.b.json", "n.Root.root.json"]);
    assert_eq!(
        (files.names("object"), files.names("walker")),
        (vec!["o.Setting.s.json".into()], vec!["w.Reach.w.json".into()])
    );
    let text = fs::read_to_string(files.file("node/n.City.a.json")).unwrap();
    assert!(text.starts_with("{\n  \"id\": \"n.City.a\",\n  \"entity\": \"City\","), "{text}");
}

#[test]
fn closing_waits_for_the_files_and_deletions_remove_them() {
    let files = Files::new();
    let store = open(files.path()).unwrap();
    write(&store, (0..2_500).map(|n| create(city(&format!("{n:04}"), json!({"n": n})))).collect());
    write(&store, vec![create(json!({"id": "e.Road.r", "source": "n.City.0001", "target": "n.City.0002"}))]);
    drop(store);
    assert_eq!(files.names("node").len(), 2_501);
    let store = open(files.path()).unwrap();
    write(&store, vec![Write::Delete { id: id("n.City.0001"), expected: None }]);
    now(store.flush()).unwrap();
    assert!(!files.file("node/n.City.0001.json").exists());
    assert_eq!(files.names("edge"), Vec::<String>::new());
    assert!(files.names(".wayfare/drafts").is_empty());
}

#[test]
fn keys_never_name_a_file_elsewhere() {
    let files = Files::new();
    let store = open(files.path()).unwrap();
    let long = "/".repeat(128);
    let keys = ["../../x", "a/b c.d", "50%", "%2e%2e", "..", "C:\\x", "é.json", &long];
    write(&store, keys.iter().map(|key| create(city(key, json!({"key": key})))).collect());
    drop(store);
    assert_eq!(files.names("node").len(), keys.len() + 1);
    assert_eq!(files.names(""), [".wayfare", "edge", "node", "object", "walker"]);
    let store = open(files.path()).unwrap();
    for key in keys {
        assert_eq!(context(&store, &format!("n.City.{key}")), json!({"key": key}));
    }
    // Nothing is taken for a change by others.
    assert_eq!(get(&store, "n.City.50%").unwrap().version(), Version::FIRST);
    write(
        &store,
        keys.iter().map(|key| Write::Delete { id: id(&format!("n.City.{key}")), expected: None }).collect(),
    );
    now(store.flush()).unwrap();
    assert_eq!(files.names("node"), ["n.Root.root.json"]);
}

#[test]
fn the_files_alone_are_the_whole_database() {
    let files = Files::new();
    let store = open(files.path()).unwrap();
    write(&store, vec![create(city("a", json!({"n": 1}))), create(city("b", json!({"n": 2})))]);
    write(&store, vec![create(json!({"id": "e.Road.r", "source": "n.City.a", "target": "n.City.b"}))]);
    let saved = document(city("a", json!({"n": 3}))).with_version(Version::FIRST);
    write(&store, vec![Write::Save { document: saved }]);
    let before: Vec<_> = [Kind::Node, Kind::Edge]
        .map(|kind| now(store.scan(kind, None, None, 100)).unwrap().documents)
        .concat();
    drop(store);
    fs::remove_dir_all(files.file(".wayfare")).unwrap();
    let store = open(files.path()).unwrap();
    let after: Vec<_> = [Kind::Node, Kind::Edge]
        .map(|kind| now(store.scan(kind, None, None, 100)).unwrap().documents)
        .concat();
    let sorted = |mut documents: Vec<Document>| {
        documents.sort_by_key(|document| document.id().to_string());
        documents
    };
    assert_eq!(sorted(after), sorted(before));
}

#[test]
fn a_file_is_read_as_deep_as_documents_nest() {
    let files = Files::new();
    let mut nested = json!(1);
    for _ in 0..200 {
        nested = json!([nested]);
    }
    let store = open(files.path()).unwrap();
    assert!(write(&store, vec![create(city("a", json!({"n": nested})))]).remove(0).is_ok());
    drop(store);
    fs::remove_dir_all(files.file(".wayfare")).unwrap();
    fs::write(files.file("node/n.City.b.json"), "[".repeat(100_000)).unwrap();
    let store = open(files.path()).unwrap();
    assert_eq!(context(&store, "n.City.a"), json!({"n": nested}));
    assert!(fault(&store, "n.City.b").1.contains("nested deeper"));
}

#[test]
fn files_are_whole_at_any_moment() {
    let files = Files::new();
    let store = open(files.path()).unwrap();
    let text = "x".repeat(20_000);
    write(&store, (0..8).map(|n| create(city(&n.to_string(), json!({"text": text})))).collect());
    now(store.flush()).unwrap();
    let stop = std::sync::atomic::AtomicBool::new(false);
    let reads = std::sync::atomic::AtomicUsize::new(0);
    std::thread::scope(|scope| {
        let reader = scope.spawn(|| {
            while !stop.load(std::sync::atomic::Ordering::Relaxed) {
                for n in 0..8 {
                    let json = files.read(&format!("node/n.City.{n}.json"));
                    assert_eq!(json["context"]["text"].as_str().unwrap().len() % 20_000, 0);
                    reads.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
                }
            }
        });
        // At least sixty times, and until the reader has seen some of it.
        let is_seen = || reads.load(std::sync::atomic::Ordering::Relaxed) > 100 || reader.is_finished();
        for version in (1..).take_while(|version| *version < 60 || !is_seen()) {
            let saves = (0..8).map(|n| {
                let context = json!({"text": "y".repeat(20_000 * (1 + version as usize % 3))});
                let saved = document(city(&n.to_string(), context)).with_version(Version(version));
                Write::Save { document: saved }
            });
            let results = write(&store, saves.collect());
            assert!(results.iter().all(Result::is_ok), "{results:?}");
            now(store.flush()).unwrap();
        }
        stop.store(true, std::sync::atomic::Ordering::Relaxed);
        reader.join().unwrap();
    });
}

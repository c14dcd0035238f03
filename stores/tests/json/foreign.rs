//! Files that others write while the store is open or closed.

use serde_json::json;
use wayfare_graph::{Direction, Filter, Index, Kind, Need, Query, Store, Version, Write, WriteError};

use crate::*;

fn cities(condition: serde_json::Value) -> Query {
    let entity = id("n.City.x").entity();
    Query { filter: Filter::parse(&condition).unwrap(), ..Query::entity(Kind::Node, entity) }
}

#[test]
fn a_database_of_others_is_there_when_it_is_opened() {
    let files = Files::new();
    files.put("node/n.Root.root.json", &json!({"id": "n.Root.root", "entity": "Root", "context": {"x": 1}}));
    files.put("node/n.City.a.json", &city("a", json!({"name": "A", "size": 3})));
    files.put("node/n.City.b.json", &city("b", json!({"name": "B", "size": 5})));
    let road = json!({"id": "e.Road.r", "entity": "Road", "context": {"km": 2}, "source": "n.City.a",
        "target": "n.City.b", "bidirectional": false});
    files.put("edge/e.Road.r.json", &road);
    files.put("trail/t1.json", &json!({"steps": []}));
    let store = open(files.path()).unwrap();
    assert_eq!(now(store.count(&cities(json!({"context.size": {"$gt": 3}})))).unwrap(), 1);
    assert_eq!(context(&store, "n.Root.root"), json!({"x": 1}));
    assert_eq!(get(&store, "n.City.a").unwrap().version(), Version(0));
    let loaded = now(store.load(&[id("n.City.a")], Need::DOCUMENT.edges(Direction::Out))).unwrap();
    assert_eq!(
        loaded.adjacency[Direction::Out as usize].edges[0].to_json().unwrap()["context"],
        json!({"km": 2})
    );
    now(store.flush()).unwrap();
    // What nobody changed is not written.
    assert_eq!(files.read("edge/e.Road.r.json"), road);
    assert!(files.file("trail/t1.json").exists());
}

#[test]
fn every_sort_of_change_is_seen_by_the_next_call() {
    let files = Files::new();
    let store = open(files.path()).unwrap();
    write(&store, (0..3).map(|n| create(city(&n.to_string(), json!({"n": n})))).collect());
    now(store.flush()).unwrap();
    for round in 0..50 {
        files.put("node/n.City.0.json", &city("0", json!({"n": 100 + round})));
        assert_eq!(context(&store, "n.City.0"), json!({"n": 100 + round}));
        files.put("node/n.City.new.json", &city("new", json!({"n": -1})));
        assert_eq!(now(store.count(&cities(json!({})))).unwrap(), 4);
        fs::remove_file(files.file("node/n.City.new.json")).unwrap();
        assert_eq!(now(store.count(&cities(json!({"context.n": -1})))).unwrap(), 0);
        // Written in place, as an editor may do.
        let text = city("1", json!({"n": round})).to_string();
        fs::write(files.file("node/n.City.1.json"), text).unwrap();
        assert_eq!(context(&store, "n.City.1"), json!({"n": round}));
    }
}

#[test]
fn a_file_whose_name_was_cut_is_followed_like_any_other() {
    let files = Files::new();
    let store = open(files.path()).unwrap();
    // Each slash takes three bytes in the name, which is more than fits.
    let key = "/".repeat(100);
    write(&store, vec![create(city(&key, json!({"n": 1})))]);
    now(store.flush()).unwrap();
    let name = format!("n.City.{}", "%2F".repeat(60));
    let is_it = |path: &PathBuf| path.file_name().unwrap().to_str().unwrap().starts_with(&name);
    let paths = || fs::read_dir(files.file("node")).unwrap().map(|entry| entry.unwrap().path());
    let only = || paths().find(is_it).unwrap();
    fs::write(only(), city(&key, json!({"n": 2})).to_string()).unwrap();
    assert_eq!(context(&store, &format!("n.City.{key}")), json!({"n": 2}));
    fs::remove_file(only()).unwrap();
    assert_eq!(now(store.count(&cities(json!({})))).unwrap(), 0);
    write(&store, vec![create(city(&key, json!({"n": 3})))]);
    drop(store);
    let store = open(files.path()).unwrap();
    assert_eq!(context(&store, &format!("n.City.{key}")), json!({"n": 3}));
    fs::remove_file(only()).unwrap();
    assert_eq!(get(&store, &format!("n.City.{key}")), None);
    assert_eq!(now(store.check_up(false)).unwrap(), []);
}

#[test]
fn changes_made_while_the_store_was_closed_are_seen() {
    let files = Files::new();
    let store = open(files.path()).unwrap();
    let entity = id("n.City.x").entity();
    now(store.create_index(&Index::new(Kind::Node, entity, ["n"]))).unwrap();
    write(&store, (0..4).map(|n| create(city(&n.to_string(), json!({"n": n})))).collect());
    drop(store);
    files.put("node/n.City.0.json", &city("0", json!({"n": 7})));
    fs::remove_file(files.file("node/n.City.1.json")).unwrap();
    files.put("node/n.City.4.json", &city("4", json!({"n": 7})));
    let store = open(files.path()).unwrap();
    assert_eq!(now(store.count(&cities(json!({"context.n": 7})))).unwrap(), 2);
    assert_eq!(now(store.count(&cities(json!({})))).unwrap(), 4);
    assert_eq!(get(&store, "n.City.1"), None);
    assert_eq!(get(&store, "n.City.2").unwrap().version(), Version::FIRST);
    assert_eq!(now(store.check_up(false)).unwrap(), []);
}

#[test]
fn a_save_over_what_others_have_changed_since_is_a_conflict() {
    let files = Files::new();
    let store = open(files.path()).unwrap();
    write(&store, vec![create(city("a", json!({"n": 1})))]);
    now(store.flush()).unwrap();
    let read = get(&store, "n.City.a").unwrap();
    // They know nothing of versions.
    files.put("node/n.City.a.json", &city("a", json!({"n": 2})));
    let refused = write(&store, vec![Write::Save { document: read }]).remove(0);
    let conflict = WriteError::Conflict { id: id("n.City.a"), expected: Version(1), found: Version(2) };
    assert_eq!(refused, Err(conflict));
    assert_eq!(files.read("node/n.City.a.json")["context"], json!({"n": 2}));
    let saved = document(city("a", json!({"n": 3}))).with_version(Version(2));
    assert!(write(&store, vec![Write::Save { document: saved }]).remove(0).is_ok());
    now(store.flush()).unwrap();
    assert_eq!(
        files.read("node/n.City.a.json"),
        json!({
            "id": "n.City.a", "entity": "City", "context": {"n": 3}, "_version": 3,
        })
    );
}

#[test]
fn a_folder_that_vanishes_takes_its_documents_and_is_made_again() {
    let files = Files::new();
    let store = open(files.path()).unwrap();
    write(&store, vec![create(json!({"id": "o.Setting.s", "context": {}})), create(city("a", json!({})))]);
    now(store.flush()).unwrap();
    fs::remove_dir_all(files.file("object")).unwrap();
    assert_eq!(get(&store, "o.Setting.s"), None);
    assert!(get(&store, "n.City.a").is_some());
    write(&store, vec![create(json!({"id": "o.Setting.t", "context": {}}))]);
    now(store.flush()).unwrap();
    assert_eq!(files.names("object"), ["o.Setting.t.json"]);
    files.put("object/o.Setting.u.json", &json!({"id": "o.Setting.u", "entity": "Setting", "context": {}}));
    assert!(get(&store, "o.Setting.u").is_some());
}

#[test]
fn a_store_whose_folder_vanished_can_be_closed() {
    for round in 0..40 {
        let (closed, is_closed) = std::sync::mpsc::channel();
        std::thread::spawn(move || {
            let files = Files::new();
            let store = open(files.path()).unwrap();
            fs::remove_dir_all(files.file("object")).unwrap();
            // Either this or the thread that waits for others notices it first.
            assert_eq!(get(&store, "o.Setting.s"), None);
            drop(store);
            let _ = closed.send(());
        });
        is_closed
            .recv_timeout(std::time::Duration::from_secs(30))
            .unwrap_or_else(|_| panic!("round {round}"));
    }
}

#[test]
fn edges_of_others_may_lead_nowhere_and_stand_twice() {
    let files = Files::new();
    files.put("node/n.City.a.json", &city("a", json!({})));
    for key in ["1", "2"] {
        let road = json!({"id": format!("e.Road.{key}"), "entity": "Road", "context": {}, "source": "n.City.a",
            "target": "n.City.gone", "bidirectional": false});
        files.put(&format!("edge/e.Road.{key}.json"), &road);
    }
    let store = open(files.path()).unwrap();
    let loaded = now(store.load(&[id("n.City.a")], Need::DOCUMENT.links(Direction::Out))).unwrap();
    assert_eq!(loaded.adjacency[Direction::Out as usize].links.len(), 2);
    // An edge may get other ends, too.
    let moved = json!({"id": "e.Road.1", "entity": "Road", "context": {}, "source": "n.City.gone",
        "target": "n.City.a", "bidirectional": false});
    files.put("edge/e.Road.1.json", &moved);
    let loaded = now(store.load(&[id("n.City.a")], Need::DOCUMENT.links(Direction::In))).unwrap();
    assert_eq!(loaded.adjacency[Direction::In as usize].links[0].edge, id("e.Road.1"));
    assert!(write(&store, vec![Write::Delete { id: id("e.Road.2"), expected: None }]).remove(0).is_ok());
}

#[test]
fn two_documents_of_others_may_share_unique_values_and_are_told() {
    let files = Files::new();
    let store = open(files.path()).unwrap();
    let entity = id("n.City.x").entity();
    now(store.create_index(&Index::new(Kind::Node, entity, ["code"]).unique(true))).unwrap();
    write(&store, vec![create(city("a", json!({"code": 1})))]);
    files.put("node/n.City.b.json", &city("b", json!({"code": 1})));
    assert_eq!(now(store.count(&cities(json!({"context.code": 1})))).unwrap(), 2);
    let findings = now(store.check_up(false)).unwrap();
    assert_eq!(findings.len(), 1, "{findings:?}");
    assert!(findings[0].to_string().contains("must be unique"), "{findings:?}");
}

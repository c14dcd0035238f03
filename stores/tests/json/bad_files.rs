//! Files that are no documents.

use std::os::unix::ffi::OsStrExt;

use serde_json::json;
use wayfare_graph::{Finding, Index, Kind, Need, Store, StoreError, Version, WriteError};

use crate::*;

#[test]
fn what_is_no_document_is_left_out_and_listed() {
    let files = Files::new();
    files.put("node/n.City.good.json", &city("good", json!({})));
    files.put("node/n.City.copy.json", &city("good", json!({})));
    files.put("node/n.City.edge.json", &json!({"id": "e.Road.r", "source": "n.A.a", "target": "n.A.a"}));
    files.put("node/n.City.list.json", &json!([1]));
    files.put("node/n.City.version.json", &json!({"id": "n.City.version", "_version": -1}));
    files.put("edge/e.Road.r.json", &json!({"id": "e.Road.r", "source": "n.City.good"}));
    fs::write(files.file("node/n.City.broken.json"), "{\"id\": \"n.City.bro").unwrap();
    fs::write(files.file("node/n.City.empty.json"), "").unwrap();
    fs::write(files.file("node/n.City.bytes.json"), [0xff, 0xfe]).unwrap();
    fs::write(files.file("node/README.txt"), "not looked at").unwrap();
    fs::create_dir(files.file("node/n.City.folder.json")).unwrap();
    let odd = std::ffi::OsStr::from_bytes(b"n.City.\xff.json");
    fs::write(files.file("node").join(odd), city("odd", json!({})).to_string()).unwrap();
    let store = open(files.path()).unwrap();
    let page = now(store.scan(Kind::Node, None, None, 100)).unwrap();
    let ids: Vec<String> = page.documents.iter().map(|document| document.id().to_string()).collect();
    assert_eq!(ids, ["n.Root.root", "n.City.good"]);
    assert_eq!(
        places(&store),
        [
            "edge/e.Road.r.json",
            "node/n.City.broken.json",
            "node/n.City.bytes.json",
            "node/n.City.copy.json",
            "node/n.City.edge.json",
            "node/n.City.empty.json",
            "node/n.City.folder.json",
            "node/n.City.list.json",
            "node/n.City.version.json",
            "node/n.City.\u{fffd}.json",
        ]
    );
}

#[test]
fn an_entity_with_a_bad_file_is_an_error_by_id_and_never_written_over() {
    let files = Files::new();
    files.put("node/n.City.good.json", &city("good", json!({})));
    fs::write(files.file("node/n.City.bad.json"), "{").unwrap();
    let store = open(files.path()).unwrap();
    match now(store.get_many(&[id("n.City.good"), id("n.City.bad")])) {
        Err(StoreError::Damaged { what, reason }) => {
            assert_eq!(what, "node/n.City.bad.json");
            assert!(reason.contains("no JSON"), "{reason}");
        }
        other => panic!("{other:?}"),
    }
    let results = write(&store, vec![create(city("bad", json!({}))), create(city("new", json!({})))]);
    assert!(
        matches!(&results[0], Err(WriteError::Unsuitable { reason, .. }) if reason.contains("n.City.bad.json"))
    );
    assert!(results[1].is_ok());
    let batch = WriteBatch {
        writes: vec![create(city("other", json!({}))), create(city("bad", json!({})))],
        all_or_nothing: true,
    };
    let results = now(store.apply(&[batch])).unwrap().remove(0);
    assert_eq!(results[0], Err(WriteError::BatchRefused { position: 1 }));
    assert_eq!(get(&store, "n.City.other"), None);
    assert_eq!(fs::read_to_string(files.file("node/n.City.bad.json")).unwrap(), "{");
    // Once it is mended, it is there.
    files.put("node/n.City.bad.json", &city("bad", json!({"n": 1})));
    assert_eq!(context(&store, "n.City.bad"), json!({"n": 1}));
    assert_eq!(places(&store), Vec::<String>::new());
}

#[test]
fn a_file_that_was_spoiled_is_put_aside_and_written_anew() {
    let files = Files::new();
    let store = open(files.path()).unwrap();
    write(&store, vec![create(city("a", json!({"n": 1})))]);
    now(store.flush()).unwrap();
    fs::write(files.file("node/n.City.a.json"), "{\"id").unwrap();
    fs::write(files.file("node/n.City.b.json"), "{").unwrap();
    assert!(now(store.get_many(&[id("n.City.a")])).is_err());
    let findings = now(store.check_up(true)).unwrap();
    assert!(findings.len() == 2 && findings.iter().all(Finding::is_repaired), "{findings:?}");
    now(store.flush()).unwrap();
    assert_eq!(context(&store, "n.City.a"), json!({"n": 1}));
    assert_eq!(files.read("node/n.City.a.json")["context"], json!({"n": 1}));
    assert!(!files.file("node/n.City.b.json").exists());
    assert_eq!(files.names(".wayfare/set-aside"), ["node-n.City.a.json", "node-n.City.b.json"]);
    assert_eq!(places(&store), Vec::<String>::new());
}

#[test]
fn a_folder_in_the_place_of_a_file_is_put_aside_too() {
    let files = Files::new();
    let store = open(files.path()).unwrap();
    write(&store, vec![create(city("a", json!({"n": 1})))]);
    drop(store);
    // Unseen, or the moment between the two would be a deletion.
    fs::remove_file(files.file("node/n.City.a.json")).unwrap();
    fs::create_dir_all(files.file("node/n.City.a.json/x")).unwrap();
    let store = open(files.path()).unwrap();
    assert_eq!(fault(&store, "n.City.a").0, "node/n.City.a.json");
    assert!(now(store.check_up(true)).unwrap().iter().all(Finding::is_repaired));
    now(store.flush()).unwrap();
    assert_eq!(context(&store, "n.City.a"), json!({"n": 1}));
    assert_eq!(files.read("node/n.City.a.json")["context"], json!({"n": 1}));
    assert!(files.file(".wayfare/set-aside/node-n.City.a.json/x").is_dir());
}

#[test]
fn what_is_set_aside_keeps_what_was_set_aside_before() {
    let files = Files::new();
    let store = open(files.path()).unwrap();
    // Both are as long as names of files can be.
    let long = format!("{}.json", "x".repeat(250));
    for round in ["one", "two", "three"] {
        fs::write(files.file("object/o.A.b.json"), round).unwrap();
        fs::write(files.file("walker").join(&long), round).unwrap();
        let findings = now(store.check_up(true)).unwrap();
        assert!(findings.len() == 2 && findings.iter().all(Finding::is_repaired), "{findings:?}");
    }
    let names = files.names(".wayfare/set-aside");
    let texts: Vec<String> = names
        .iter()
        .map(|name| fs::read_to_string(files.file(".wayfare/set-aside").join(name)).unwrap())
        .collect();
    assert_eq!(texts, ["one", "two", "three", "one", "two", "three"]);
    assert_eq!(names[..3], ["object-o.A.b.json", "object-o.A.b.json.2", "object-o.A.b.json.3"]);
}

#[test]
fn a_document_that_is_too_large_is_a_bad_file_and_the_others_are_there() {
    let files = Files::new();
    files.put("node/n.City.a.json", &city("a", json!({})));
    files.put("node/n.City.big.json", &city("big", json!({"text": "x".repeat(65 << 20)})));
    files.put("node/n.City.c.json", &city("c", json!({})));
    let store = open(files.path()).unwrap();
    let (file, reason) = fault(&store, "n.City.big");
    assert_eq!(file, "node/n.City.big.json");
    assert!(reason.contains("at most 67108864"), "{reason}");
    assert!(get(&store, "n.City.a").is_some() && get(&store, "n.City.c").is_some());
    assert_eq!(places(&store), ["node/n.City.big.json"]);
    files.put("node/n.City.big.json", &city("big", json!({"text": "x"})));
    assert_eq!(context(&store, "n.City.big"), json!({"text": "x"}));
}

#[test]
fn a_document_that_an_index_cannot_hold_is_a_bad_file_and_what_it_was_stays() {
    let files = Files::new();
    let store = open(files.path()).unwrap();
    write(&store, ["a", "b", "c"].map(|key| create(city(key, json!({})))).into());
    write(&store, vec![create(road("r", "a", "b"))]);
    now(store.create_index(&Index::new(Kind::Edge, id("e.Road.x").entity(), ["x", "y"]))).unwrap();
    now(store.flush()).unwrap();
    let mut moved = road("r", "b", "c");
    let list: Vec<u32> = (0..2_000).collect();
    moved["context"] = json!({"x": list, "y": list});
    files.put("edge/e.Road.r.json", &moved);
    assert_eq!(fault(&store, "e.Road.r").0, "edge/e.Road.r.json");
    let loaded =
        now(store.load(&[id("n.City.a")], Need::DOCUMENT.links(wayfare_graph::Direction::Out))).unwrap();
    assert_eq!(loaded.adjacency[wayfare_graph::Direction::Out as usize].links.len(), 1);
    assert_eq!(places(&store), ["edge/e.Road.r.json"]);
    // Without the lists it is what the index can hold.
    moved["context"] = json!({"x": 1});
    files.put("edge/e.Road.r.json", &moved);
    assert_eq!(context(&store, "e.Road.r"), json!({"x": 1}));
    assert_eq!(places(&store), Vec::<String>::new());
}

#[test]
fn the_root_and_its_version_are_not_written_over_a_bad_file() {
    let files = Files::new();
    fs::create_dir(files.file("node")).unwrap();
    fs::write(files.file("node/n.Root.root.json"), "{").unwrap();
    let store = open(files.path()).unwrap();
    write(&store, vec![create(city("a", json!({})))]);
    now(store.flush()).unwrap();
    // JSON without a version, which another's is.
    let other = json!({"id": "n.City.b", "context": {}});
    files.put("node/n.City.a.json", &other);
    assert_eq!(fault(&store, "n.City.a").0, "node/n.City.a.json");
    now(store.add_versions(Kind::Node, None, 100)).unwrap();
    now(store.flush()).unwrap();
    assert_eq!(files.read("node/n.City.a.json"), other);
    assert_eq!(fs::read_to_string(files.file("node/n.Root.root.json")).unwrap(), "{");
}

#[test]
fn a_bad_file_whose_name_was_cut_is_not_written_over() {
    let files = Files::new();
    let key = "/".repeat(100);
    let store = open(files.path()).unwrap();
    write(&store, vec![create(city(&key, json!({})))]);
    drop(store);
    // The journal would tell which document it was.
    fs::remove_dir_all(files.file(".wayfare")).unwrap();
    let name = files.names("node").into_iter().find(|name| name.starts_with("n.City.%2F")).unwrap();
    fs::write(files.file("node").join(&name), "{").unwrap();
    let store = open(files.path()).unwrap();
    assert_eq!(fault(&store, &format!("n.City.{key}")).0, format!("node/{name}"));
    assert!(is_refused_for(&write(&store, vec![create(city(&key, json!({})))])[0], &name));
}

#[test]
fn a_file_that_the_system_does_not_show_is_bad_and_not_taken_for_deleted() {
    let files = Files::new();
    let store = open(files.path()).unwrap();
    write(&store, vec![create(city("a", json!({"n": 1})))]);
    now(store.flush()).unwrap();
    // A link to itself.
    std::os::unix::fs::symlink("n.City.a.json", files.file("link")).unwrap();
    fs::rename(files.file("link"), files.file("node/n.City.a.json")).unwrap();
    let (file, reason) = fault(&store, "n.City.a");
    assert_eq!(file, "node/n.City.a.json");
    assert!(reason.contains("symbolic links"), "{reason}");
    assert_eq!(places(&store), ["node/n.City.a.json"]);
    files.put("node/n.City.a.json", &city("a", json!({"n": 2})));
    // It was there all the time: this is its next version.
    assert_eq!(get(&store, "n.City.a").unwrap().version(), Version(2));
}

#[test]
fn what_may_not_be_read_is_bad_until_it_may_and_never_taken_for_deleted() {
    use std::os::unix::fs::PermissionsExt;
    let files = Files::new();
    let allow = |name: &str, mode| {
        fs::set_permissions(files.file(name), fs::Permissions::from_mode(mode)).unwrap();
    };
    files.put("draft", &city("a", json!({"n": 1})));
    allow("draft", 0);
    if fs::read(files.file("draft")).is_ok() {
        eprintln!("skipped: this user may read everything");
        return;
    }
    fs::create_dir(files.file("node")).unwrap();
    let store = open(files.path()).unwrap();
    fs::rename(files.file("draft"), files.file("node/n.City.a.json")).unwrap();
    assert!(fault(&store, "n.City.a").1.contains("denied"));
    allow("node/n.City.a.json", 0o644);
    assert_eq!(context(&store, "n.City.a"), json!({"n": 1}));
    drop(store);
    allow("node", 0);
    assert!(matches!(open(files.path()), Err(StoreError::Io { .. })));
    allow("node", 0o755);
    assert_eq!(context(&open(files.path()).unwrap(), "n.City.a"), json!({"n": 1}));
}

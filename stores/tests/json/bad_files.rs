//! Files that are no documents.

use std::os::unix::ffi::OsStrExt;

use serde_json::json;
use wayfare_graph::{Finding, Kind, Store, StoreError, Write, WriteError};

use crate::*;

fn places(store: &JsonStore) -> Vec<String> {
    let findings = now(store.check_up(false)).unwrap();
    let place = |finding| match finding {
        Finding::BadDocument { place, repaired: false, .. } => place,
        other => panic!("{other:?}"),
    };
    findings.into_iter().map(place).collect()
}

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
fn a_document_under_another_name_is_kept_there() {
    let files = Files::new();
    files.put("node/paris.json", &city("paris", json!({"n": 1})));
    let store = open(files.path()).unwrap();
    assert_eq!(context(&store, "n.City.paris"), json!({"n": 1}));
    files.put("node/paris.json", &city("paris", json!({"n": 2})));
    let read = get(&store, "n.City.paris").unwrap();
    let saved = document(city("paris", json!({"n": 3}))).with_version(read.version());
    assert!(write(&store, vec![Write::Save { document: saved }]).remove(0).is_ok());
    drop(store);
    assert_eq!(files.names("node"), ["n.Root.root.json", "paris.json"]);
    assert_eq!(files.read("node/paris.json")["context"], json!({"n": 3}));
    let store = open(files.path()).unwrap();
    fs::remove_file(files.file("node/paris.json")).unwrap();
    assert_eq!(get(&store, "n.City.paris"), None);
}

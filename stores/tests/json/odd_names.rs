//! Documents in files whose names are not those of their ids.

use serde_json::json;
use wayfare_graph::{Finding, Store, Write};

use crate::*;

fn save(store: &JsonStore, key: &str, n: u32) {
    let read = get(store, &format!("n.City.{key}")).unwrap();
    let saved = document(city(key, json!({"n": n}))).with_version(read.version());
    assert!(write(store, vec![Write::Save { document: saved }]).remove(0).is_ok());
}

#[test]
fn a_document_under_another_name_is_kept_there() {
    let files = Files::new();
    files.put("node/paris.json", &city("paris", json!({"n": 1})));
    let store = open(files.path()).unwrap();
    assert_eq!(context(&store, "n.City.paris"), json!({"n": 1}));
    files.put("node/paris.json", &city("paris", json!({"n": 2})));
    save(&store, "paris", 3);
    drop(store);
    assert_eq!(files.names("node"), ["n.Root.root.json", "paris.json"]);
    assert_eq!(files.read("node/paris.json")["context"], json!({"n": 3}));
    let store = open(files.path()).unwrap();
    fs::remove_file(files.file("node/paris.json")).unwrap();
    assert_eq!(get(&store, "n.City.paris"), None);
}

#[test]
fn of_two_such_files_with_one_id_the_second_is_bad_also_after_a_reopen() {
    let files = Files::new();
    files.put("node/one.json", &city("a", json!({"n": 1})));
    files.put("node/two.json", &city("a", json!({"n": 2})));
    let check = |store: &JsonStore, n: u32| {
        assert_eq!(context(store, "n.City.a"), json!({"n": n}));
        let findings = now(store.check_up(false)).unwrap();
        match &findings[..] {
            [Finding::BadDocument { place, reason, .. }] => {
                assert_eq!(place, "node/two.json");
                assert_eq!(reason, "it holds `n.City.a`, as `one.json` does");
            }
            other => panic!("{other:?}"),
        }
    };
    let store = open(files.path()).unwrap();
    check(&store, 1);
    save(&store, "a", 3);
    drop(store);
    let store = open(files.path()).unwrap();
    check(&store, 3);
    files.put("node/two.json", &city("a", json!({"n": 4})));
    check(&store, 3);
    drop(store);
    assert_eq!(files.read("node/one.json")["context"], json!({"n": 3}));
    assert_eq!(files.read("node/two.json")["context"], json!({"n": 4}));
    // The one that is left has it.
    fs::remove_file(files.file("node/one.json")).unwrap();
    let store = open(files.path()).unwrap();
    assert_eq!(context(&store, "n.City.a"), json!({"n": 4}));
    assert_eq!(places(&store), Vec::<String>::new());
}

#[test]
fn beside_the_file_that_has_its_name_such_a_file_is_bad() {
    let files = Files::new();
    files.put("node/one.json", &city("a", json!({"n": 1})));
    let store = open(files.path()).unwrap();
    files.put("node/n.City.a.json", &city("a", json!({"n": 2})));
    assert_eq!(context(&store, "n.City.a"), json!({"n": 2}));
    assert_eq!(places(&store), ["node/one.json"]);
    save(&store, "a", 3);
    now(store.flush()).unwrap();
    assert_eq!(files.read("node/one.json")["context"], json!({"n": 1}));
    assert_eq!(files.read("node/n.City.a.json")["context"], json!({"n": 3}));
}

#[test]
fn another_document_under_such_a_name_takes_the_place_of_the_first() {
    let files = Files::new();
    files.put("node/one.json", &city("a", json!({"n": 1})));
    let store = open(files.path()).unwrap();
    files.put("node/one.json", &city("b", json!({"n": 2})));
    assert_eq!(get(&store, "n.City.a"), None);
    assert_eq!(context(&store, "n.City.b"), json!({"n": 2}));
    write(&store, vec![create(city("a", json!({"n": 3})))]);
    drop(store);
    assert_eq!(files.read("node/one.json")["context"], json!({"n": 2}));
    assert_eq!(files.read("node/n.City.a.json")["context"], json!({"n": 3}));
}

#[test]
fn a_spoiled_file_under_such_a_name_is_written_anew_where_it_was() {
    let files = Files::new();
    files.put("node/one.json", &city("a", json!({"n": 1})));
    let store = open(files.path()).unwrap();
    fs::write(files.file("node/one.json"), "{").unwrap();
    assert_eq!(fault(&store, "n.City.a").0, "node/one.json");
    assert!(now(store.check_up(true)).unwrap().iter().all(Finding::is_repaired));
    now(store.flush()).unwrap();
    assert_eq!(context(&store, "n.City.a"), json!({"n": 1}));
    assert_eq!(files.read("node/one.json")["context"], json!({"n": 1}));
}

//! Files without a version.

use serde_json::json;
use wayfare_graph::{Kind, Store, VersionsPage};

use crate::*;

#[test]
fn versions_are_added_page_by_page_and_only_where_there_is_none() {
    let files = Files::new();
    for n in 0..10 {
        let mut json = city(&n.to_string(), json!({"n": n}));
        if n % 5 == 0 {
            json["_version"] = json!(9);
        }
        files.put(&format!("node/n.City.{n}.json"), &json);
    }
    let store = open(files.path()).unwrap();
    now(store.flush()).unwrap();
    let mut after = None;
    let mut pages = Vec::new();
    loop {
        let page = now(store.add_versions(Kind::Node, after.as_ref(), 4)).unwrap();
        pages.push((page.examined, page.changed));
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    assert_eq!(pages.iter().fold((0, 0), |sum, page| (sum.0 + page.0, sum.1 + page.1)), (11, 8));
    now(store.flush()).unwrap();
    for n in 0..10 {
        let version = if n % 5 == 0 { 9 } else { 0 };
        assert_eq!(files.read(&format!("node/n.City.{n}.json"))["_version"], json!(version), "{n}");
    }
    let again = now(store.add_versions(Kind::Node, None, 100)).unwrap();
    assert_eq!(again, VersionsPage { examined: 11, changed: 0, next: None });
}

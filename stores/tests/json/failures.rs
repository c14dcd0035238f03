//! When the system refuses for a while.

use std::fs::File;
use std::process::Command;
use std::time::{Duration, Instant};

use serde_json::json;
use wayfare_graph::Store;

use crate::*;

/// Says that a process has few files to open, and which store it is to open.
const SCENE: &str = "WAYFARE_TEST_FEW_FILES";

#[test]
fn what_was_noticed_while_no_file_could_be_opened_is_taken_over_later() {
    if let Ok(path) = std::env::var(SCENE) {
        return with_few_files(Path::new(&path));
    }
    let files = Files::new();
    drop(open(files.path()).unwrap());
    files.put("new.json", &city("new", json!({"n": 1})));
    let name = "failures::what_was_noticed_while_no_file_could_be_opened_is_taken_over_later";
    let output = Command::new("sh")
        .args(["-c", "ulimit -n 100 && exec \"$0\" \"$@\""])
        .arg(std::env::current_exe().unwrap())
        .args(["--exact", name, "--nocapture"])
        .env(SCENE, files.path())
        .output()
        .unwrap();
    let told = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && told.contains("1 passed"), "{told}{output:?}");
}

fn with_few_files(path: &Path) {
    let store = open(path).unwrap();
    let mut taken = Vec::new();
    while let Ok(file) = File::open("/dev/null") {
        taken.push(file);
    }
    fs::rename(path.join("new.json"), path.join("node/n.City.new.json")).unwrap();
    assert!(matches!(now(store.get_many(&[id("n.City.new")])), Err(StoreError::Io { .. })));
    let batch = WriteBatch { writes: vec![create(city("a", json!({})))], all_or_nothing: false };
    let error = now(store.apply(std::slice::from_ref(&batch))).unwrap_err();
    assert!(error.is_passing(), "{error}");
    drop(taken);
    assert_eq!(context(&store, "n.City.new"), json!({"n": 1}));
    assert!(now(store.apply(&[batch])).unwrap()[0][0].is_ok());
}

#[test]
fn a_store_whose_folders_cannot_be_looked_at_sees_all_when_they_can() {
    let files = Files::new();
    let store = open(files.path()).unwrap();
    write(&store, vec![create(json!({"id": "o.Setting.s", "context": {}}))]);
    now(store.flush()).unwrap();
    fs::write(files.file("no-folder"), "").unwrap();
    fs::remove_dir_all(files.file("object")).unwrap();
    // Between the two the folder may have been made again.
    while fs::rename(files.file("no-folder"), files.file("object")).is_err() {
        fs::remove_dir_all(files.file("object")).unwrap();
    }
    assert!(now(store.get_many(&[id("o.Setting.s")])).is_err());
    let batch = WriteBatch { writes: vec![create(city("a", json!({})))], all_or_nothing: false };
    let error = now(store.apply(&[batch])).unwrap_err();
    assert!(error.is_passing(), "{error}");
    fs::remove_file(files.file("object")).unwrap();
    files.put("node/n.City.b.json", &city("b", json!({})));
    assert!(get(&store, "n.City.b").is_some());
    assert_eq!(get(&store, "o.Setting.s"), None);
    assert!(files.file("object").is_dir());
}

#[test]
fn a_file_that_cannot_be_written_does_not_hold_up_the_others() {
    let files = Files::new();
    let store = open(files.path()).unwrap();
    // What stands in its place cannot be replaced. It is not noticed, as a file would be.
    fs::create_dir_all(files.file("node/n.City.0000.json/x")).unwrap();
    let cities = (0..1_100).map(|n| create(city(&format!("{n:04}"), json!({"n": n}))));
    assert!(write(&store, cities.collect()).iter().all(Result::is_ok));
    let failure = now(store.flush()).unwrap_err();
    assert!(matches!(failure, StoreError::Io { .. }), "{failure}");
    assert!(files.file("node/n.City.0999.json").exists() && files.file("node/n.City.1099.json").exists());
    assert!(files.names(".wayfare/drafts").is_empty());
    fs::remove_dir_all(files.file("node/n.City.0000.json")).unwrap();
    let begun = Instant::now();
    while now(store.flush()).is_err() {
        // It waits for the whole file system, on which others may have written much.
        assert!(begun.elapsed() < Duration::from_secs(300));
        std::thread::sleep(Duration::from_millis(10));
    }
    assert_eq!(files.read("node/n.City.0000.json")["context"], json!({"n": 0}));
}

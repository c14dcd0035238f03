//! What the children of the tests in `syncs.rs` do, whose disk does not say that data is on it.

use serde_json::json;
use wayfare_graph::{Direction, Index, Kind, Need, Query, Store, StoreError, Version, Write};
use wayfare_testkit::{die_at_fsync, fail_syncfs, fail_syncs};

use crate::syncs::all;
use crate::*;

fn delete(text: &str) -> Write {
    Write::Delete { id: id(text), expected: None }
}

/// What a store says to writes: nothing when all were done.
fn failure(store: &JsonStore, writes: Vec<Write>) -> Option<StoreError> {
    let results = now(store.apply(&[WriteBatch { writes, all_or_nothing: false }]));
    results.map(|results| assert!(results[0].iter().all(Result::is_ok), "{results:?}")).err()
}

fn is_poisoned<T>(result: Result<T, StoreError>) -> bool {
    matches!(result, Err(StoreError::Poisoned { .. }))
}

/// Whether this process has a thread of that name.
fn is_there(thread: &str) -> bool {
    let threads = fs::read_dir("/proc/self/task").unwrap().map(|thread| thread.unwrap().path().join("comm"));
    // One may end between the two.
    threads.filter_map(|name| fs::read_to_string(name).ok()).any(|name| name.trim() == thread)
}

fn assert_refuses_writes(store: &JsonStore) {
    let before = all(store);
    for write in [create(city("later", json!({}))), delete("n.City.0003"), delete("n.City.nobody")] {
        let refused = failure(store, vec![write]);
        assert!(matches!(refused, Some(StoreError::Poisoned { .. })), "{refused:?}");
    }
    assert!(is_poisoned(now(store.apply(&[]))));
    let index = Index::new(Kind::Node, id("n.City.x").entity(), ["n"]);
    assert!(is_poisoned(now(store.create_index(&index))));
    assert_eq!(all(store), before);
}

/// The commit itself cannot be synced.
pub fn refused(folder: &Path) -> Option<JsonStore> {
    let store = open(folder).unwrap();
    let cities = Query::entity(Kind::Node, id("n.City.x").entity());
    let there = now(store.count(&cities)).unwrap();
    // One of twenty is deleted each time.
    let first = there / 19 * 20;
    let key = |n: u64| format!("{:04}", first + n);
    let created = (0..20).map(|n| create(city(&key(n), json!({"n": n}))));
    let road = road(&key(0), &key(1), &key(2));
    let failed =
        failure(&store, created.chain([create(road), delete(&format!("n.City.{}", key(3)))]).collect());
    assert!(failed.is_none(), "{failed:?}");
    let saved = document(city(&key(4), json!({"n": -1}))).with_version(Version::FIRST);
    assert!(failure(&store, vec![Write::Save { document: saved }]).is_none());
    now(store.flush()).unwrap();
    let before = all(&store);
    if !fail_syncs() {
        return None;
    }
    let node = |n: u64| format!("n.City.{}", key(n));
    let saved = document(city(&key(4), json!({"n": -2}))).with_version(Version(2));
    let unsynced =
        vec![create(city("unsynced", json!({}))), Write::Save { document: saved }, delete(&node(1))];
    let failed = failure(&store, unsynced);
    assert!(matches!(&failed, Some(StoreError::Io { .. })), "{failed:?}");
    assert_refuses_writes(&store);
    // Nobody reads what may not be on the disk; everything else is read as before.
    assert_eq!(all(&store), before);
    assert_eq!(now(store.count(&cities)).unwrap(), there + 19);
    assert_eq!(now(store.find(&cities)).unwrap().len() as u64, there + 19);
    assert_eq!(get(&store, "n.City.unsynced"), None);
    assert_eq!(context(&store, &node(4)), json!({"n": -1}));
    let loaded = now(store.load(&[id(&node(1))], Need::DOCUMENT.links(Direction::Out))).unwrap();
    assert_eq!(loaded.adjacency[Direction::Out as usize].links.len(), 1);
    now(store.stats()).unwrap();
    assert_eq!(places(&store), Vec::<String>::new());
    // All that was acknowledged is in its file.
    now(store.flush()).unwrap();
    Some(store)
}

/// The commits of documents are synced, and so are their files, but not the commit that takes out their notes.
///
/// `fail_syncs` leaves `syncfs` alone, which waits for the files.
pub fn noted(folder: &Path, new: usize) -> Option<JsonStore> {
    let store = open(folder).unwrap();
    now(store.flush()).unwrap();
    let (drafts, away) = (folder.join(".wayfare/drafts"), folder.join(".wayfare/away"));
    // No file can be written until these are back.
    fs::rename(&drafts, &away).unwrap();
    let saved = document(city("0001", json!({"n": -1}))).with_version(Version::FIRST);
    let created = (0..new).map(|n| create(city(&format!("new-{n:04}"), json!({"n": n}))));
    let failed = failure(&store, created.chain([Write::Save { document: saved }]).collect());
    assert!(failed.is_none(), "{failed:?}");
    assert!(matches!(now(store.flush()), Err(StoreError::Io { .. })));
    let before = all(&store);
    if !fail_syncs() {
        return None;
    }
    fs::rename(&away, &drafts).unwrap();
    // It is tried again after a while; whoever asks is never told that it is done.
    while !is_poisoned(now(store.flush()).map(|()| panic!("the files are told to be on the disk"))) {
        std::thread::yield_now();
    }
    assert!(folder.join("node/n.City.new-0000.json").exists());
    // Nobody writes them again and again.
    while is_there("wayfare-files") {
        std::thread::yield_now();
    }
    assert_refuses_writes(&store);
    assert_eq!(all(&store), before);
    assert!(is_poisoned(now(store.flush())));
    Some(store)
}

/// Commits are synced, files are not.
pub fn unsynced(folder: &Path, new: usize) -> Option<JsonStore> {
    if !fail_syncfs() {
        return None;
    }
    let store = open(folder).unwrap();
    let saved = document(city("0001", json!({"n": -1}))).with_version(Version::FIRST);
    let created = (0..new).map(|n| create(city(&format!("new-{n:04}"), json!({"n": n}))));
    let others =
        [Write::Save { document: saved }, delete("n.City.0003"), create(road("new", "0004", "0005"))];
    let failed = failure(&store, created.chain(others).collect());
    assert!(failed.is_none(), "{failed:?}");
    let unsynced = |result| match result {
        Err(error @ StoreError::Io { .. }) => assert!(error.to_string().contains("os error 5"), "{error}"),
        other => panic!("{other:?}"),
    };
    unsynced(now(store.flush()));
    assert!(folder.join("node/n.City.new-0000.json").exists());
    // The journal is as able to write as before.
    assert!(failure(&store, vec![create(city("more", json!({}))), delete("n.City.new-0001")]).is_none());
    unsynced(now(store.flush()));
    assert_eq!(get(&store, "n.City.0003"), None);
    assert_eq!(get(&store, "n.City.new-0001"), None);
    Some(store)
}

/// Files went bad, one of a document and one of none.
pub fn repair(folder: &Path) -> Option<JsonStore> {
    let store = open(folder).unwrap();
    for name in ["node/n.City.0001.json", "node/n.City.foreign.json"] {
        fs::write(folder.join(name), "{\"id").unwrap();
    }
    assert_eq!(fault(&store, "n.City.0001").0, "node/n.City.0001.json");
    if !fail_syncs() {
        return None;
    }
    for _ in 0..2 {
        let failed = now(store.check_up(true));
        assert!(matches!(&failed, Err(StoreError::Io { .. })), "{failed:?}");
    }
    assert_eq!(fault(&store, "n.City.0001").0, "node/n.City.0001.json");
    // Neither when the journal cannot note anything.
    let failed = failure(&store, vec![create(city("unsynced", json!({})))]);
    assert!(matches!(&failed, Some(StoreError::Io { .. })), "{failed:?}");
    assert!(now(store.check_up(true)).is_err());
    assert_eq!(fault(&store, "n.City.0001").0, "node/n.City.0001.json");
    Some(store)
}

/// A file goes bad, and the process dies while it is put aside: once it has another name, before that is synced.
pub fn dying(folder: &Path) -> Option<JsonStore> {
    let store = open(folder).unwrap();
    fs::write(folder.join("node/n.City.0001.json"), "{\"id").unwrap();
    assert_eq!(fault(&store, "n.City.0001").0, "node/n.City.0001.json");
    if !die_at_fsync() {
        return None;
    }
    panic!("it lives: {:?}", now(store.check_up(true)));
}

/// Others write what the journal cannot take over.
pub fn foreign(folder: &Path) -> Option<JsonStore> {
    let store = open(folder).unwrap();
    let before = all(&store);
    if !fail_syncs() {
        return None;
    }
    let draft = folder.join("foreign.jvtmp");
    fs::write(&draft, city("foreign", json!({"n": 1})).to_string()).unwrap();
    fs::rename(draft, folder.join("node/n.City.foreign.json")).unwrap();
    // It is told once, to this call or in the log, and then reading goes on without it.
    let read = now(store.get_many(&[id("n.City.foreign")]));
    assert!(
        matches!(&read, Ok(none) if *none == [None]) || matches!(&read, Err(StoreError::Io { .. })),
        "{read:?}"
    );
    assert_eq!(get(&store, "n.City.foreign"), None);
    assert_refuses_writes(&store);
    assert_eq!(all(&store), before);
    Some(store)
}

/// The same, while the store is being opened.
pub fn opening(folder: &Path) -> Option<JsonStore> {
    if !fail_syncs() {
        return None;
    }
    let failed = open(folder);
    assert!(matches!(&failed, Err(StoreError::Io { .. })), "{failed:?}");
    None
}

//! When the disk does not say that data is on it.
//!
//! A child is this test binary itself: it runs the one test `child`, which does what the environment tells it to.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read};
use std::os::unix::process::ExitStatusExt;
use std::process::{Command, Stdio};
use std::sync::mpsc::channel;
use std::time::Duration;

use serde_json::json;
use wayfare_graph::{Kind, Store, Write};

use crate::*;

const WORK: &str = "WAYFARE_TEST_CHILD";
const FOLDER: &str = "WAYFARE_TEST_FOLDER";

/// What a process gets for a call that ends it, on Linux.
const SIGSYS: i32 = 31;

/// How a child comes to its end.
#[derive(Debug, Clone, Copy, PartialEq)]
enum End {
    /// The store is closed.
    Closed,
    Killed,
    /// A system call kills it.
    Dies,
}

/// What becomes of files that were not synced.
#[derive(Debug, Clone, Copy)]
enum Lost {
    /// They are as they were before.
    All,
    /// They have their names, and half of their bytes.
    Halves,
}

/// Documents by their ids.
pub type Documents = BTreeMap<String, Value>;

/// Files of documents by their paths.
type Bytes = BTreeMap<PathBuf, Vec<u8>>;

#[test]
fn a_sync_that_fails_is_never_taken_as_done() {
    let files = Files::new();
    for end in [End::Closed, End::Killed, End::Closed, End::Killed] {
        let Some(acknowledged) = child_has("refused", &files, end) else { return };
        // Its files were told to be written, so they are there as they are, and no others.
        assert_eq!(in_files(&files), acknowledged);
        let store = open(files.path()).unwrap();
        assert_eq!(all(&store), acknowledged);
        assert_eq!(get(&store, "n.City.unsynced"), None);
        now(store.flush()).unwrap();
        assert_eq!(in_files(&files), acknowledged);
    }
}

#[test]
fn a_note_that_cannot_be_taken_out_of_the_journal_leads_to_its_file_at_the_next_opening() {
    check_written_later("noted");
}

#[test]
fn notes_stay_until_the_disk_has_the_files() {
    check_written_later("unsynced");
}

#[test]
fn a_bad_file_is_put_aside_only_when_that_can_be_noted() {
    for end in [End::Closed, End::Killed] {
        let files = Files::new();
        let wanted = settled(&files);
        if child_has("repair", &files, end).is_none() {
            return;
        }
        let store = open(files.path()).unwrap();
        assert_eq!(fault(&store, "n.City.0001").0, "node/n.City.0001.json");
        assert_eq!(fs::read_to_string(files.file("node/n.City.0001.json")).unwrap(), "{\"id");
        let findings = now(store.check_up(true)).unwrap();
        assert!(findings.len() == 2 && findings.iter().all(Finding::is_repaired), "{findings:?}");
        now(store.flush()).unwrap();
        assert_eq!(all(&store), wanted);
        assert_eq!(in_files(&files), wanted);
        let aside = files.names(".wayfare/set-aside");
        assert_eq!(aside, ["node-n.City.0001.json", "node-n.City.foreign.json"]);
    }
}

#[test]
fn who_dies_while_a_bad_file_is_put_aside_loses_neither_it_nor_its_document() {
    let files = Files::new();
    let wanted = settled(&files);
    // Without a second name the file is renamed, and who dies then has made a deletion of it.
    if let Err(error) = fs::hard_link(files.file("node/n.City.0001.json"), files.file(".wayfare/second")) {
        eprintln!("skipped: files have one name only: {error}");
        return;
    }
    fs::remove_file(files.file(".wayfare/second")).unwrap();
    if child_has("dying", &files, End::Dies).is_none() {
        return;
    }
    let store = open(files.path()).unwrap();
    assert_eq!(fault(&store, "n.City.0001").0, "node/n.City.0001.json");
    assert_eq!(now(store.check_up(true)).unwrap().len(), 1);
    now(store.flush()).unwrap();
    assert_eq!((all(&store), in_files(&files)), (wanted.clone(), wanted));
    for aside in files.names(".wayfare/set-aside") {
        assert_eq!(fs::read_to_string(files.file(".wayfare/set-aside").join(aside)).unwrap(), "{\"id");
    }
}

#[test]
fn what_others_wrote_is_taken_over_when_that_can_be_synced() {
    let files = Files::new();
    let mut wanted = settled(&files);
    for end in [End::Closed, End::Killed] {
        let Some(read) = child_has("foreign", &files, end) else { return };
        assert_eq!(read, wanted);
        // An opening that cannot take it over either is none.
        assert_eq!(child_has("opening", &files, end), None);
        let store = open(files.path()).unwrap();
        wanted.insert("n.City.foreign".into(), all(&store)["n.City.foreign"].clone());
        assert_eq!(all(&store), wanted);
        assert_eq!(context(&store, "n.City.foreign"), json!({"n": 1}));
        write(&store, vec![Write::Delete { id: id("n.City.foreign"), expected: None }]);
        wanted.remove("n.City.foreign");
    }
}

/// Not a test by itself: what a child does.
#[test]
fn child() {
    let (Ok(work), Ok(folder)) = (std::env::var(WORK), std::env::var(FOLDER)) else {
        return;
    };
    end_at_last();
    let folder = Path::new(&folder);
    println!();
    let (work, new) = work.split_once(' ').unwrap_or((&work, "0"));
    let new: usize = new.parse().unwrap();
    let store = match work {
        "refused" => unsynced::refused(folder),
        "noted" => unsynced::noted(folder, new),
        "unsynced" => unsynced::unsynced(folder, new),
        "repair" => unsynced::repair(folder),
        "dying" => unsynced::dying(folder),
        "foreign" => unsynced::foreign(folder),
        "opening" => unsynced::opening(folder),
        other => panic!("{other}"),
    };
    match &store {
        Some(store) => all(store).values().for_each(|document| println!("document {document}")),
        None => println!("no store"),
    }
    println!("done");
    std::io::stdin().read_to_end(&mut Vec::new()).unwrap();
}

/// Runs a child until its work is done, and gives back the documents that it then had; `None` where it has no store, as
/// on a machine that cannot let syncs fail.
fn child_has(work: &str, files: &Files, end: End) -> Option<Documents> {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "syncs::child", "--nocapture", "--test-threads=1"])
        .env(WORK, work)
        .env(FOLDER, files.path())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
    let mut is_done = false;
    let mut until_done = |line: &String| {
        is_done = line == "done";
        !is_done
    };
    let said: Vec<String> = lines.by_ref().take_while(|line| until_done(line)).collect();
    match end {
        End::Closed => drop(child.stdin.take()),
        End::Killed => child.kill().unwrap(),
        End::Dies => {}
    }
    let has_none = said.iter().any(|line| line == "no store");
    if has_none {
        drop(child.stdin.take());
    }
    let rest: Vec<String> = lines.collect();
    let status = child.wait().unwrap();
    let is_as_told = match end {
        End::Dies => has_none || status.signal() == Some(SIGSYS),
        End::Closed | End::Killed => is_done && status.success() == (end == End::Closed),
    };
    assert!(is_as_told, "{said:?} {rest:?} {status}");
    if has_none {
        return None;
    }
    let documents = said.iter().filter_map(|line| line.strip_prefix("document "));
    Some(by_id(documents.map(|text| serde_json::from_str(text).unwrap())))
}

/// Ends a process that hangs, so that its parent fails.
fn end_at_last() {
    std::thread::spawn(|| {
        let (_sender, never) = channel::<()>();
        let _ = never.recv_timeout(Duration::from_secs(300));
        eprintln!("it hangs");
        std::process::abort();
    });
}

/// Has a child acknowledge documents and fail to bring their files to the disk, takes from the disk what need not be on
/// it, and wants them back.
fn check_written_later(work: &str) {
    // The last time the files are written in two rounds.
    let scenes = [
        (30, End::Closed, Lost::All),
        (30, End::Killed, Lost::Halves),
        (30, End::Killed, Lost::All),
        (1_100, End::Killed, Lost::All),
    ];
    for (new, end, lost) in scenes {
        let files = Files::new();
        settled(&files);
        let before = bytes(&files);
        let Some(acknowledged) = child_has(&format!("{work} {new}"), &files, end) else { return };
        assert!(acknowledged.len() > new);
        lose(&files, &before, lost);
        let store = open(files.path()).unwrap();
        assert_eq!(all(&store), acknowledged);
        now(store.flush()).unwrap();
        assert_eq!(in_files(&files), acknowledged);
        // Neither the store's own files nor those of before are taken for changes by others.
        assert_eq!(all(&store), acknowledged);
        assert_eq!(places(&store), Vec::<String>::new());
        assert!(files.names(".wayfare/drafts").is_empty());
    }
}

/// Makes a store whose files are all on the disk.
fn settled(files: &Files) -> Documents {
    let store = open(files.path()).unwrap();
    let cities = (0..20).map(|n| create(city(&format!("{n:04}"), json!({"n": n}))));
    let roads = [road("a", "0001", "0002"), road("b", "0003", "0004")].map(create);
    let results = write(&store, cities.chain(roads).collect());
    assert!(results.iter().all(Result::is_ok), "{results:?}");
    now(store.flush()).unwrap();
    let documents = all(&store);
    assert_eq!(in_files(files), documents);
    documents
}

fn by_id(documents: impl Iterator<Item = Value>) -> Documents {
    documents.map(|document| (document["id"].as_str().unwrap().to_owned(), document)).collect()
}

pub fn all(store: &JsonStore) -> Documents {
    let kinds = [Kind::Node, Kind::Edge, Kind::Object, Kind::Walker];
    let documents = kinds.map(|kind| now(store.scan(kind, None, None, usize::MAX)).unwrap().documents);
    by_id(documents.into_iter().flatten().map(|document| document.to_json().unwrap()))
}

fn bytes(files: &Files) -> Bytes {
    let names = ["node", "edge", "object", "walker"].map(|folder| {
        files.names(folder).into_iter().map(move |name| Path::new(folder).join(name)).collect::<Vec<_>>()
    });
    names
        .into_iter()
        .flatten()
        .map(|name| (name.clone(), fs::read(files.path().join(name)).unwrap()))
        .collect()
}

fn in_files(files: &Files) -> Documents {
    by_id(bytes(files).into_values().map(|bytes| serde_json::from_slice(&bytes).unwrap()))
}

/// Takes from the disk what was written since without a sync.
fn lose(files: &Files, before: &Bytes, lost: Lost) {
    for (name, now) in bytes(files) {
        let path = files.path().join(&name);
        match (before.get(&name), lost) {
            (Some(before), _) if *before == now => {}
            (_, Lost::Halves) => fs::write(path, &now[..now.len() / 2]).unwrap(),
            (Some(before), Lost::All) => fs::write(path, before).unwrap(),
            (None, Lost::All) => fs::remove_file(path).unwrap(),
        }
    }
    for (name, before) in before {
        let path = files.path().join(name);
        if !path.exists() {
            fs::write(path, before).unwrap();
        }
    }
}

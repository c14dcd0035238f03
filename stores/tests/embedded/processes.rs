//! Two processes and one folder; a process that is killed; a process that runs out of space.
//!
//! A child is this test binary itself: it runs the one test `child`, which does what the environment
//! tells it to.

use std::io::{BufRead, BufReader, Lines};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};

use serde_json::json;
use wayfare_graph::{EntityName, Index, Kind, Store, StoreError};

use crate::{batch, create, get, node, now, open};

const WORK: &str = "WAYFARE_TEST_CHILD";
const FOLDER: &str = "WAYFARE_TEST_FOLDER";
const BATCH: usize = 20;

/// The program and arguments that run the child.
fn child_command(launcher: &[&str], work: &str, folder: &Path) -> Command {
    let binary = std::env::current_exe().unwrap();
    let mut command = match launcher {
        [] => Command::new(binary),
        [program, arguments @ ..] => {
            let mut command = Command::new(program);
            command.args(arguments).arg(binary);
            command
        }
    };
    command.args(["--exact", "processes::child", "--nocapture", "--test-threads=1"]);
    command.env(WORK, work).env(FOLDER, folder).stdout(Stdio::piped()).stdin(Stdio::piped());
    command
}

/// A child that has been told to work until it is killed.
struct Working {
    child: Child,
    lines: Lines<BufReader<ChildStdout>>,
}

impl Working {
    fn start(work: &str, folder: &Path) -> Self {
        let mut child = child_command(&[], work, folder).spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        Self { child, lines }
    }

    /// Waits for a line that the child says.
    fn wait_for(&mut self, text: &str) {
        while !self.lines.next().expect("the child says it before it ends").unwrap().contains(text) {}
    }

    fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

#[test]
fn a_second_handle_is_told_who_holds_the_store() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path()).unwrap();
    let own = format!("process {}", std::process::id());
    match open(folder.path()) {
        Err(StoreError::Busy { path, holder }) => {
            assert_eq!((path, holder), (folder.path().display().to_string(), own.clone()))
        }
        other => panic!("{other:?}"),
    }
    let output = child_command(&[], "open", folder.path()).output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(
        said.contains(&format!("refused: store `{}` is open elsewhere ({own})", folder.path().display())),
        "{said}"
    );
    drop(store);
    let output = child_command(&[], "open", folder.path()).output().unwrap();
    assert!(String::from_utf8_lossy(&output.stdout).contains("opened"));
    open(folder.path()).unwrap();
}

#[test]
fn a_killed_process_leaves_the_lock_and_every_acknowledged_batch() {
    let folder = tempfile::tempdir().unwrap();
    let mut first = 0;
    for acknowledged in [1, 7, 30] {
        let mut working = Working::start("write", folder.path());
        working.wait_for(&format!("acknowledged {} ", first + acknowledged));
        assert!(matches!(open(folder.path()), Err(StoreError::Busy { .. })));
        working.kill();
        let store = open(folder.path()).unwrap();
        let documents =
            now(store.scan(Kind::Node, EntityName::known("City"), None, usize::MAX)).unwrap().documents;
        assert!(documents.len() >= (first + acknowledged) * BATCH);
        assert_eq!(documents.len() % BATCH, 0, "a batch was torn");
        first = documents.len() / BATCH;
    }
}

#[cfg(unix)]
#[test]
fn a_store_without_space_refuses_writes_and_goes_on_reading() {
    let folder = tempfile::tempdir().unwrap();
    // A limit on the size of files stands in for a full disk. Without the signal it is an error.
    let limited = ["sh", "-c", "trap '' XFSZ; ulimit -f 4096; exec \"$0\" \"$@\""];
    let output = child_command(&limited, "fill", folder.path()).output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{said}{}", String::from_utf8_lossy(&output.stderr));
    let acknowledged = said.lines().find_map(|line| line.split_once("acknowledged in all: "));
    let acknowledged: usize = acknowledged.unwrap_or_else(|| panic!("{said}")).1.parse().unwrap();
    // With space again, everything that was acknowledged is there, and writing goes on.
    let store = open(folder.path()).unwrap();
    assert!(get(&store, &format!("n.City.{:06}", acknowledged - 1)).is_some());
    assert!(get(&store, &format!("n.City.{acknowledged:06}")).is_none());
    create(
        &store,
        (acknowledged..acknowledged + 5_000).map(|n| node("City", n, json!({"x": "y".repeat(500)}))),
    )
    .unwrap();
}

#[test]
fn a_sync_that_fails_is_never_taken_as_done() {
    let folder = tempfile::tempdir().unwrap();
    for round in 1..=3 {
        let output = child_command(&[], "sync", folder.path()).output().unwrap();
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(output.status.success(), "{said}{}", String::from_utf8_lossy(&output.stderr));
        if said.contains("cannot let syncs fail") {
            return;
        }
        assert!(said.contains("refused from then on"), "{said}");
        // What was acknowledged before is there; what was not is not, though its pages may have been written.
        let store = open(folder.path()).unwrap();
        let documents =
            now(store.scan(Kind::Node, EntityName::new("City").ok(), None, usize::MAX)).unwrap().documents;
        assert_eq!(documents.len(), round * BATCH);
        assert!(get(&store, "n.City.unsynced").is_none());
    }
}

/// Not a test by itself: what a child does.
#[test]
fn child() {
    let (Ok(work), Ok(folder)) = (std::env::var(WORK), std::env::var(FOLDER)) else {
        return;
    };
    let folder = Path::new(&folder);
    match work.as_str() {
        "open" => match open(folder) {
            Ok(_) => println!("\nopened"),
            Err(error) => println!("\nrefused: {error}"),
        },
        "write" => write_until_killed(folder),
        "fill" => fill(folder),
        "sync" => write_without_sync(folder),
        other => panic!("{other}"),
    }
}

fn write_until_killed(folder: &Path) {
    let store = open(folder).unwrap();
    let there =
        now(store.scan(Kind::Node, EntityName::known("City"), None, usize::MAX)).unwrap().documents.len();
    // Bounded, should the parent die first.
    for round in there / BATCH..10_000 {
        create(&store, (round * BATCH..(round + 1) * BATCH).map(|n| node("City", n, json!({"n": n}))))
            .unwrap();
        println!("\nacknowledged {} batches", round + 1);
    }
}

fn fill(folder: &Path) {
    let store = open(folder).unwrap();
    let document = |n| node("City", n, json!({"n": n, "text": "x".repeat(900)}));
    let mut acknowledged = 0;
    let failure = loop {
        match create(&store, (acknowledged..acknowledged + 100).map(document)) {
            Ok(()) => acknowledged += 100,
            Err(failure) => break failure,
        }
        assert!(acknowledged < 100_000, "the limit on files does not work");
    };
    assert!(matches!(failure, StoreError::OutOfSpace { .. }), "{failure:?}");
    assert!(acknowledged > 0);
    // Even what would need no space is refused, as is an index.
    assert!(matches!(now(store.apply(&[batch([document(999_999)])])), Err(StoreError::Poisoned { .. })));
    assert!(matches!(now(store.apply(&[])), Err(StoreError::Poisoned { .. })));
    let index = Index::new(Kind::Node, EntityName::new("City").unwrap(), ["n"]).unique(true);
    assert!(matches!(now(store.create_index(&index)), Err(StoreError::Poisoned { .. })));
    for n in 0..acknowledged {
        assert_eq!(get(&store, &format!("n.City.{n:06}")).unwrap().body().field("n"), Some(json!(n)));
    }
    assert!(get(&store, &format!("n.City.{acknowledged:06}")).is_none());
    println!("\nacknowledged in all: {acknowledged}");
}

fn write_without_sync(folder: &Path) {
    let store = open(folder).unwrap();
    let there =
        now(store.scan(Kind::Node, EntityName::new("City").ok(), None, usize::MAX)).unwrap().documents.len();
    create(&store, (there..there + BATCH).map(|n| node("City", n, json!({"n": n})))).unwrap();
    if !wayfare_testkit::fail_syncs() {
        println!("\ncannot let syncs fail");
        return;
    }
    let unsynced = |key: &str| {
        let id = wayfare_graph::Id::node("City", key).unwrap();
        wayfare_graph::Document::new(id, wayfare_graph::Body::encode(&json!({"n": 0})).unwrap())
    };
    let failure = now(store.apply(&[batch([unsynced("unsynced")])])).unwrap_err();
    assert!(matches!(&failure, StoreError::Io { .. }), "{failure:?}");
    // Nobody reads what may not be on the disk, and nothing is written on top of it.
    assert!(get(&store, "n.City.unsynced").is_none());
    for _ in 0..3 {
        let refused = now(store.apply(&[batch([unsynced("later")])])).unwrap_err();
        assert!(matches!(refused, StoreError::Poisoned { .. }), "{refused:?}");
    }
    assert!(get(&store, "n.City.later").is_none());
    drop(store);
    // Its files may be new, and have no names on the disk.
    let opened = open(folder);
    assert!(matches!(&opened, Err(StoreError::Io { .. })), "{opened:?}");
    println!("\nrefused from then on");
}

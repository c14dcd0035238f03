//! The servers are what they are said to be, seen by the driver that everybody uses.

#![allow(clippy::unwrap_used)]

use std::path::PathBuf;
use std::process::{self, Command, Stdio};
use std::time::{Duration, Instant};
use std::{env, fs, thread};

use mongodb::bson::{Document, doc};
use mongodb::error::Error;
use mongodb::options::WriteConcern;
use mongodb::{Client, ClientSession, Collection};
use wayfare_testkit::{Mongod, ReplicaSet, jvspatial_python, unique_database};

/// Set for the process of a test that is to leave a server behind.
const LEAVE_BEHIND: &str = "TESTKIT_LEAVE_BEHIND";

#[tokio::test]
async fn a_server_keeps_what_is_written_and_goes_with_its_owner() {
    let Some(mongod) = Mongod::start() else { return };
    let items = items(&mongod.url("orders")).await;
    // In the journal: what is acknowledged without that may be lost by a kill within the next tenth of a second.
    let journaled = WriteConcern::builder().journal(true).build();
    items.insert_one(doc! { "_id": 1 }).write_concern(journaled).await.unwrap();
    let first = mongod.pid().unwrap();

    mongod.kill();
    assert_eq!(mongod.pid(), None);
    assert!(!is_alive(first));
    mongod.restart();
    assert_eq!(items.find_one(doc! {}).await.unwrap(), Some(doc! { "_id": 1 }));

    let (second, log) = (mongod.pid().unwrap(), mongod.log_path().to_owned());
    assert!(fs::read_to_string(&log).unwrap().contains("Waiting for connections"));
    drop(mongod);
    assert!(!is_alive(second));
    assert!(!log.parent().unwrap().exists());
}

#[tokio::test]
async fn tests_share_a_server_and_not_their_databases() {
    let Some(mongod) = Mongod::shared() else { return };
    assert_eq!(mongod.pid(), Mongod::shared().unwrap().pid());
    let (first, second) = (unique_database("shared"), unique_database("shared"));
    items(&mongod.url(&first)).await.insert_one(doc! { "_id": 1 }).await.unwrap();
    assert_eq!(items(&mongod.url(&second)).await.find_one(doc! {}).await.unwrap(), None);
}

#[tokio::test]
async fn a_server_with_a_user_lets_in_nobody_else() {
    let Some(mongod) = Mongod::start_with_auth("ada", "p@ss:w/d%") else { return };
    items(&mongod.url("orders")).await.insert_one(doc! { "_id": 1 }).await.unwrap();
    for url in [
        mongod.url_as("ada", "wrong", "orders"),
        mongod.url_as("eve", "p@ss:w/d%", "orders"),
        format!("mongodb://127.0.0.1:{}/orders", mongod.port()),
    ] {
        let refused = items(&url).await.insert_one(doc! { "_id": 2 }).await;
        assert!(refused.is_err(), "{url}");
    }
}

#[tokio::test]
async fn a_server_that_hangs_answers_when_it_goes_on() {
    let Some(mongod) = Mongod::start() else { return };
    let items = items(&mongod.url("orders")).await;
    items.insert_one(doc! { "_id": 1 }).await.unwrap();
    mongod.stop();
    let hung = tokio::time::timeout(Duration::from_millis(300), items.find_one(doc! {})).await;
    assert!(hung.is_err(), "{hung:?}");
    mongod.cont();
    assert_eq!(items.find_one(doc! {}).await.unwrap(), Some(doc! { "_id": 1 }));
}

#[tokio::test]
async fn a_set_of_one_has_transactions() {
    let Some(set) = ReplicaSet::shared_single() else { return };
    assert_eq!(set.primary(), 0);
    assert_eq!(set.pid(0), ReplicaSet::shared_single().unwrap().pid(0));
    let client = Client::with_uri_str(set.url("orders")).await.unwrap();
    let items = client.database(&unique_database("orders")).collection::<Document>("items");
    let mut session = client.start_session().await.unwrap();

    for (id, is_kept) in [(1, false), (2, true)] {
        session.start_transaction().await.unwrap();
        items.insert_one(doc! { "_id": id }).session(&mut session).await.unwrap();
        end(&mut session, is_kept).await.unwrap();
    }
    assert_eq!(items.count_documents(doc! {}).await.unwrap(), 1);
}

#[tokio::test]
async fn a_set_of_three_replaces_its_primary_and_takes_it_back() {
    let Some(set) = ReplicaSet::start(3) else { return };
    let items = items(&set.url("orders")).await;
    for round in 0..3 {
        items.insert_one(doc! { "_id": round }).await.unwrap();
        let began = Instant::now();
        let killed = set.kill_primary();
        assert_eq!(set.pid(killed), None);
        let next = set.primary();
        assert_ne!(next, killed);
        println!("a primary after {:?}", began.elapsed());
        set.restart(killed);
        set.wait_until_healthy();
        println!("all members again after {:?}", began.elapsed());
    }
    assert_eq!(items.count_documents(doc! {}).await.unwrap(), 3);
}

#[tokio::test]
async fn a_primary_that_hangs_is_replaced() {
    let Some(set) = ReplicaSet::start(3) else { return };
    let hung = set.primary();
    set.stop(hung);
    let next = set.primary();
    assert_ne!(next, hung);
    set.cont(hung);
    set.wait_until_healthy();
    let own = Client::with_uri_str(set.member_url(hung, "orders")).await.unwrap();
    // It gives up what it was; under load it may have been elected again since.
    let began = Instant::now();
    loop {
        let hello = own.database("orders").run_command(doc! { "hello": 1 }).await.unwrap();
        if hello.get_bool("isWritablePrimary").unwrap() == (set.primary() == hung) {
            break;
        }
        assert!(began.elapsed() < Duration::from_secs(60), "{hello}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[test]
fn servers_die_and_their_folders_go_with_the_process() {
    let mut command = Command::new(env::current_exe().unwrap());
    command.args(["--exact", "a_process_that_ends_early", "--nocapture"]).env(LEAVE_BEHIND, "yes");
    let output = command.stderr(Stdio::inherit()).output().unwrap();
    let (status, output) = (output.status, String::from_utf8(output.stdout).unwrap());
    let left: Vec<(u32, PathBuf)> = output
        .lines()
        .filter_map(|line| line.split_once("LEFT "))
        .map(|(_, left)| left_behind(left))
        .collect();
    if status.success() {
        // It has said aloud that it skips.
        assert!(left.is_empty(), "{output}");
        return;
    }
    assert_eq!(left.len(), 4, "{output}");
    // Whoever kills them is not this process, so nobody tells it.
    let ended = Instant::now();
    while left.iter().any(|(pid, folder)| is_alive(*pid) || folder.exists()) {
        assert!(ended.elapsed() < Duration::from_secs(60), "{left:?}");
        thread::sleep(Duration::from_millis(10));
    }
}

/// The other process of the test above; does nothing where nobody asked for it.
#[test]
fn a_process_that_ends_early() {
    if env::var_os(LEAVE_BEHIND).is_none() {
        return;
    }
    if let (Some(single), Some(set)) = (Mongod::shared(), ReplicaSet::start(3)) {
        let members = (0..3).map(|member| (set.pid(member), set.log_path(member)));
        for (pid, log) in members.chain([(single.pid(), single.log_path())]) {
            println!("LEFT {} {}", pid.unwrap(), log.parent().unwrap().display());
        }
        // Nothing is dropped and nobody is told, as when the process is killed.
        process::abort();
    }
}

#[test]
fn the_python_of_the_other_side_can_read_both() {
    let Some(python) = jvspatial_python() else { return };
    let status = Command::new(python).args(["-c", "import jvspatial, pymongo"]).status().unwrap();
    assert!(status.success());
}

async fn items(url: &str) -> Collection<Document> {
    let client = Client::with_uri_str(url).await.unwrap();
    client.default_database().unwrap().collection("items")
}

async fn end(session: &mut ClientSession, is_kept: bool) -> Result<(), Error> {
    match is_kept {
        true => session.commit_transaction().await,
        false => session.abort_transaction().await,
    }
}

fn left_behind(line: &str) -> (u32, PathBuf) {
    let (pid, folder) = line.split_once(' ').unwrap();
    (pid.parse().unwrap(), folder.into())
}

/// Whether a process runs; one that is dead but whose exit status nobody took yet does not.
fn is_alive(pid: u32) -> bool {
    let Ok(stat) = fs::read_to_string(format!("/proc/{pid}/stat")) else { return false };
    let (_, state) = stat.rsplit_once(')').unwrap();
    !state.trim_start().starts_with('Z')
}

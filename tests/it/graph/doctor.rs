//! The doctor in an application's own command, which knows the application's types.

use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

use futures_util::FutureExt;
use serde_json::{Value, json};
use wayfare::{Document, Id, Kind, Store, Write, WriteBatch};

use super::people::{Person, Town};

fn open(folder: &Path) -> Arc<dyn Store> {
    let url = format!("embedded:{}", folder.join("store").display());
    wayfare_stores::open(&url, &Default::default()).unwrap()
}

fn put(folder: &Path, documents: impl IntoIterator<Item = Value>) {
    let writes = documents
        .into_iter()
        .map(|json| Write::Put { document: Document::from_json(json).unwrap() })
        .collect();
    let batch = [WriteBatch { writes, all_or_nothing: true }];
    let results = open(folder).apply(&batch).now_or_never().unwrap().unwrap();
    results.concat().into_iter().for_each(|result| drop(result.unwrap()));
}

/// Runs the command outside of the test's own executor.
fn run(folder: &Path, arguments: &[&str]) -> String {
    let store = format!("embedded:{}", folder.join("store").display());
    let arguments = [&["app", "--quiet", "--store", &store][..], arguments].concat();
    let arguments: Vec<String> = arguments.into_iter().map(str::to_owned).collect();
    std::thread::spawn(move || format!("{:?}", wayfare::run_command(arguments))).join().unwrap()
}

fn code(code: u8) -> String {
    format!("{:?}", ExitCode::from(code))
}

fn ids(folder: &Path, kind: Kind) -> Vec<Id> {
    let page = open(folder).scan(kind, None, None, 100).now_or_never().unwrap().unwrap();
    page.documents.iter().map(|document| document.id().clone()).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn edges_of_a_type_that_is_not_multi_are_single_and_the_oldest_stays() {
    let town = Town::new();
    town.people(2).await;
    let folder = town.closed().await;
    let knows = |key: &str, both: bool| {
        json!({"id": format!("e.Knows.{key}"), "source": "n.Person.p0", "target": "n.Person.p1", "bidirectional": both,
            "context": {"since": 1}, "_version": 1})
    };
    assert_eq!(run(folder.path(), &["doctor"]), code(0));
    put(folder.path(), [knows("b", true), knows("a", false), knows("c", true)]);
    assert_eq!(run(folder.path(), &["doctor"]), code(5));
    assert_eq!(ids(folder.path(), Kind::Edge).len(), 3);
    assert_eq!(run(folder.path(), &["doctor", "--repair"]), code(0));
    assert_eq!(ids(folder.path(), Kind::Edge), ["e.Knows.a".parse::<Id>().unwrap()]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn documents_that_do_not_fit_their_type_are_told_and_left() {
    let town = Town::new();
    town.people(1).await;
    let folder = town.closed().await;
    put(folder.path(), [json!({"id": "n.Person.odd", "context": {"name": 7}, "_version": 1})]);
    assert_eq!(run(folder.path(), &["doctor"]), code(5));
    assert_eq!(run(folder.path(), &["doctor", "--repair"]), code(5));
    assert!(ids(folder.path(), Kind::Node).contains(&Id::node("Person", "odd").unwrap()));
    let strange = json!({"id": "n.Strange.x", "context": {"name": 7}, "_version": 1});
    put(folder.path(), [strange]);
    // Its type is not known here, so it is as it should be.
    let document = Document::from_json(json!({"id": "n.Person.odd", "context": {}})).unwrap();
    assert!(wayfare::Stored::<Person>::from_document(document).is_err());
}

//! jvspatial's SQLite files: read, and copied to where they can be changed.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::{Command, Output};

use serde_json::{Value, json};
use tempfile::TempDir;
use wayfare::{Id, Kind, Runtime};

use super::application::Application;
use super::tour;

/// Prints every document of a SQLite file as it stands there, without jvspatial and without Wayfare.
const ROWS: &str = "import sqlite3, sys
for (data,) in sqlite3.connect(sys.argv[1]).execute('SELECT data FROM records'): print(data)";

/// A folder with `jv.db`, which jvspatial has written; `None`, said aloud, where that is not to be had.
fn with_file_of_jvspatial() -> Option<(TempDir, Application)> {
    let folder = tempfile::tempdir().unwrap();
    let application = Application::new(format!("sqlite:{}", folder.path().join("jv.db").display()))?;
    application.run("write");
    Some((folder, application))
}

/// Runs the command in a folder.
fn command(folder: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_wayfare")).args(arguments).current_dir(folder).output().unwrap()
}

/// The documents of a SQLite file by their ids.
fn rows(path: &Path) -> BTreeMap<String, Value> {
    let python = wayfare_testkit::jvspatial_python().unwrap();
    let printed = Command::new(python).args(["-c", ROWS]).arg(path).output().unwrap();
    assert!(printed.status.success(), "{}", String::from_utf8_lossy(&printed.stderr));
    let lines = String::from_utf8(printed.stdout).unwrap();
    lines.lines().map(|line| by_id(serde_json::from_str(line).unwrap())).collect()
}

fn by_id(document: Value) -> (String, Value) {
    (document["id"].as_str().unwrap().to_owned(), document)
}

/// The documents of a store by their ids.
async fn documents(url: &str) -> BTreeMap<String, Value> {
    let store = wayfare_stores::open(url, &Default::default()).unwrap();
    let mut all = BTreeMap::new();
    for kind in Kind::ALL {
        let page = store.scan(kind, None, None, 1_000).await.unwrap();
        assert_eq!(page.next, None);
        all.extend(page.documents.iter().map(|document| by_id(document.to_json().unwrap())));
    }
    all
}

#[tokio::test]
async fn a_sqlite_file_is_walked_as_it_is() {
    let Some((folder, application)) = with_file_of_jvspatial() else { return };
    let runtime = Runtime::open(&format!("sqlite:{}", folder.path().join("jv.db").display())).unwrap();
    assert_eq!(tour(&runtime, &application.city("Paris")).await, ["Lille", "Lyon", "Paris"]);
    runtime.shutdown().await;
}

#[tokio::test]
async fn a_copy_of_a_sqlite_file_holds_every_document_as_jvspatial_wrote_it() {
    let Some((folder, application)) = with_file_of_jvspatial() else { return };
    let mut expected = rows(&folder.path().join("jv.db"));
    // The root, three cities, an edge from the root and two highways, a setting: what `write` makes.
    assert_eq!(expected.len(), 8, "{expected:?}");
    for (id, document) in &mut expected {
        // A store has its own root from the start; everything else has the version of what has none.
        document["_version"] = json!(u64::from(*id == Id::root().to_string()));
    }
    let of = |entity: &str, field: &str, value: Value| {
        expected.values().any(|one| one["entity"] == entity && one["context"][field] == value)
    };
    // What the comparison is about is there.
    assert!(of("City", "founded", json!("2020-01-02T03:04:05+00:00")) && of("City", "nickname", Value::Null));
    assert!(of("Highway", "toll", Value::Null) && of("Highway", "toll", json!(true)));
    assert!(expected.values().any(|one| one["bidirectional"] == true));

    for target in ["embedded", "json"] {
        let (name, place) = (format!("{target}:copy_{target}"), folder.path().join(format!("copy_{target}")));
        let url = format!("{target}:{}", place.display());
        for written in [7, 0] {
            let copied = command(folder.path(), &["copy", "--from", "sqlite:jv.db", "--to", &name]);
            assert!(copied.status.success(), "{name}: {}", String::from_utf8_lossy(&copied.stderr));
            let report: Value = serde_json::from_slice(&copied.stdout).unwrap();
            let entities = report["entities"].as_array().unwrap();
            let sum = |figure: &str| entities.iter().map(|one| one[figure].as_u64().unwrap()).sum::<u64>();
            assert_eq!(report["verified"], true, "{report}");
            // The root is there already, and all of it the second time.
            assert_eq!(
                (sum("documents"), sum("written"), sum("unchanged")),
                (8, written, 8 - written),
                "{report}"
            );
        }
        assert_eq!(documents(&url).await, expected, "{name}");
        let runtime = Runtime::open(&url).unwrap();
        assert_eq!(tour(&runtime, &application.city("Lyon")).await, ["Lille", "Lyon", "Paris"], "{name}");
        runtime.shutdown().await;
    }
    let files = format!("json:{}", folder.path().join("copy_json").display());
    assert_eq!(Application::new(files).unwrap().tells(), application.tells());
}

#[test]
fn a_copy_to_a_sqlite_file_is_refused_and_changes_nothing() {
    let Some((folder, _application)) = with_file_of_jvspatial() else { return };
    let copied = command(folder.path(), &["copy", "--from", "sqlite:jv.db", "--to", "embedded:store"]);
    assert!(copied.status.success());
    let target = folder.path().join("target.db");
    let others = Application::new(format!("sqlite:{}", target.display())).unwrap();
    others.run("write");
    let before = rows(&target);
    for (to, more) in
        [("sqlite:target.db", &["--merge"][..]), ("sqlite:target.db", &[]), ("sqlite:missing.db", &[])]
    {
        let arguments = [&["copy", "--from", "embedded:store", "--to", to], more].concat();
        let refused = command(folder.path(), &arguments);
        let said = String::from_utf8_lossy(&refused.stderr);
        assert!(!refused.status.success() && refused.stdout.is_empty(), "{to}: {refused:?}");
        let says = format!("error: `{to}` cannot be written: SQLite files are read only");
        assert!(said.starts_with(&says), "{to}: {said}");
    }
    assert_eq!(rows(&target), before);
    assert!(!folder.path().join("missing.db").exists());
}

//! Opening a folder, or not.

use wayfare_graph::{Store, StoreError};

use crate::*;

#[test]
fn a_folder_is_made_with_its_parents() {
    let files = Files::new();
    let path = files.file("a/b/store");
    let store = open(&path).unwrap();
    assert_eq!(store.describe(), format!("json:{}", path.display()));
    now(store.flush()).unwrap();
    assert!(path.join("node/n.Root.root.json").exists());
}

#[test]
fn a_second_handle_is_refused_until_the_first_is_gone() {
    let files = Files::new();
    let store = open(files.path()).unwrap();
    match open(files.path()) {
        Err(StoreError::Busy { path, holder }) => {
            assert_eq!(path, files.path().display().to_string());
            assert!(holder.contains(&std::process::id().to_string()), "{holder}");
        }
        other => panic!("{other:?}"),
    }
    drop(store);
    open(files.path()).unwrap();
}

#[test]
fn folders_and_files_of_something_else_are_refused_and_left_alone() {
    let files = Files::new();
    fs::write(files.file("notes.txt"), "mine").unwrap();
    for path in [files.path().to_owned(), files.file("notes.txt")] {
        match open(&path) {
            Err(StoreError::NotAStore { .. }) => {}
            other => panic!("{}: {other:?}", path.display()),
        }
    }
    assert_eq!(files.names(""), ["notes.txt"]);
}

#[test]
fn a_url_opens_it() {
    let files = Files::new();
    let url = format!("json:{}", files.path().display());
    let store = wayfare_stores::open(&url, &Default::default()).unwrap();
    assert_eq!(store.describe(), url);
}

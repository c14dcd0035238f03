//! An open folder: its journal, and the threads that keep files and journal together.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread::JoinHandle;

use parking_lot::Mutex;
use wayfare_graph::{Id, StoreError};

use super::feed::Feeds;
use super::sync::SyncState;
use super::watch::{KINDS, Watch};
use super::writing::{Backlog, remove_drafts, write_until_closed};
use crate::embedded::{EmbeddedOptions, EmbeddedStore};
use crate::folders;
use crate::out_of_space::is_out_of_space;

/// Where everything lies that is no document.
const HIDDEN: &str = ".wayfare";

/// What the store and its threads share.
#[derive(Debug)]
pub(super) struct Folder {
    pub(super) path: PathBuf,
    /// The folder itself, open.
    #[cfg_attr(
        not(target_os = "linux"),
        expect(dead_code, reason = "only Linux can wait for a whole file system")
    )]
    pub(super) folder: File,
    /// Where files are written before they get their names.
    pub(super) drafts: PathBuf,
    pub(super) journal: EmbeddedStore,
    pub(super) sync: Mutex<SyncState>,
    pub(super) backlog: Backlog,
    pub(super) feeds: Feeds,
}

impl Folder {
    /// Opens the journal and takes over what the files say.
    pub(super) fn open(path: &Path, options: EmbeddedOptions) -> Result<Arc<Self>, StoreError> {
        let failed = |error| failed(path, error);
        check(path)?;
        let hidden = path.join(HIDDEN);
        let drafts = hidden.join("drafts");
        folders::make(&drafts).map_err(failed)?;
        let journal = EmbeddedStore::open_journal(&hidden.join("journal"), options);
        let journal = journal.map_err(|error| match error {
            StoreError::Busy { holder, .. } => StoreError::Busy { path: path.display().to_string(), holder },
            other => other,
        })?;
        remove_drafts(&drafts).map_err(failed)?;
        let folder = Self {
            path: path.to_owned(),
            folder: File::open(path).map_err(failed)?,
            drafts,
            journal,
            sync: Mutex::default(),
            backlog: Backlog::default(),
            feeds: Feeds::default(),
        };
        folder.look_at_all(&mut folder.sync.lock())?;
        let root = [Id::root()];
        let is_bad = folder.sync.lock().bad.fault_of(&root[0]).is_some();
        if !is_bad && folder.journal.files(&root)? == [None] {
            folder.journal.mark_pending(&root)?;
        }
        folder.backlog.wake(folder.journal.count_pending()?);
        Ok(Arc::new(folder))
    }

    /// Starts the threads that write files and notice those of others.
    pub(super) fn start_threads(self: &Arc<Self>) -> Result<Threads, StoreError> {
        let spawn = |name: &str, work: fn(&Self)| {
            let folder = Arc::clone(self);
            let thread = std::thread::Builder::new().name(name.into()).spawn(move || work(&folder));
            thread.map_err(|error| self.failed(error))
        };
        let mut threads = Threads { folder: Arc::clone(self), threads: Vec::new() };
        threads.threads.push(spawn("wayfare-files", write_until_closed)?);
        if self.sync.lock().watch.is_some() {
            threads.threads.push(spawn("wayfare-watch", watch_until_closed)?);
        }
        Ok(threads)
    }

    pub(super) fn failed(&self, error: io::Error) -> StoreError {
        failed(&self.path, error)
    }
}

/// The threads of an open folder, ended and waited for when dropped.
#[derive(Debug)]
pub(super) struct Threads {
    folder: Arc<Folder>,
    threads: Vec<JoinHandle<()>>,
}

impl Drop for Threads {
    fn drop(&mut self) {
        self.folder.backlog.close();
        if let Some(watch) = &self.folder.sync.lock().watch {
            watch.wake();
        }
        for thread in self.threads.drain(..) {
            // A thread that panicked has nothing left to do.
            let _ = thread.join();
        }
    }
}

/// Takes over what others write as they do it, so that feeds hear of it.
///
/// Whatever goes wrong, it is tried again: nobody else would tell the feeds.
fn watch_until_closed(folder: &Folder) {
    let mut failed = false;
    while !folder.backlog.is_closing() {
        let watch: Option<Arc<Watch>> = folder.sync.lock().watch.clone();
        let waited = match watch {
            Some(watch) if !failed => watch.wait().map_err(|error| folder.failed(error)),
            // What has failed needs no further note to be tried, and without a watch there is none.
            _ => {
                folder.backlog.pause();
                Ok(())
            }
        };
        if folder.backlog.is_closing() {
            return;
        }
        let looked = waited.and_then(|()| folder.sync());
        if let (Err(error), false) = (&looked, failed) {
            tracing::error!(path = %folder.path.display(), %error, "could not look at the files, it is tried again");
        }
        failed = looked.is_err();
    }
}

/// Refuses a path that holds something else. Looks before anything is written there.
fn check(path: &Path) -> Result<(), StoreError> {
    let refused = |reason: String| StoreError::NotAStore { path: path.display().to_string(), reason };
    let entries = match fs::read_dir(path) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) if error.kind() == io::ErrorKind::NotADirectory => {
            return Err(refused("it is a file, a store is a folder".into()));
        }
        Err(error) => return Err(failed(path, error)),
    };
    let names: Vec<_> = entries.flatten().map(|entry| entry.file_name()).collect();
    let is_ours =
        |name: &std::ffi::OsString| name == HIDDEN || KINDS.iter().any(|kind| name == kind.collection());
    match names.first() {
        Some(foreign) if !names.iter().any(is_ours) => Err(refused(format!(
            "it holds `{}` but none of the folders `node`, `edge`, `object`",
            foreign.to_string_lossy()
        ))),
        _ => Ok(()),
    }
}

fn failed(path: &Path, error: io::Error) -> StoreError {
    let path = path.display().to_string();
    match is_out_of_space(&error) {
        true => StoreError::OutOfSpace { path, source: error.into() },
        false => StoreError::Io { path, source: error.into() },
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::*;

    fn wait_until(what: &str, mut is_so: impl FnMut() -> bool) {
        let begun = Instant::now();
        while !is_so() {
            // A sync waits for the whole file system, on which others may have written much.
            assert!(begun.elapsed() < Duration::from_secs(300), "{what}");
            std::thread::sleep(Duration::from_millis(1));
        }
    }

    #[test]
    fn the_watching_thread_goes_on_after_a_failure() {
        let path = tempfile::tempdir().unwrap();
        let folder = Folder::open(path.path(), EmbeddedOptions::default()).unwrap();
        if folder.sync.lock().watch.is_none() {
            eprintln!("skipped: this system does not tell of files");
            return;
        }
        let watching = {
            let folder = Arc::clone(&folder);
            std::thread::spawn(move || watch_until_closed(&folder))
        };
        // A file where a folder should be made.
        let object = path.path().join("object");
        let file = path.path().join("file");
        fs::write(&file, "").unwrap();
        fs::remove_dir(&object).unwrap();
        while fs::rename(&file, &object).is_err() {
            fs::remove_dir(&object).unwrap();
        }
        wait_until("it fails", || folder.sync.lock().lost_notes);
        fs::remove_file(&object).unwrap();
        fs::write(path.path().join("node/n.City.a.json"), r#"{"id": "n.City.a"}"#).unwrap();
        let ids = ["n.City.a".parse().unwrap()];
        wait_until("it sees", || folder.journal.get_many_now(&ids).unwrap()[0].is_some());
        folder.backlog.close();
        folder.sync.lock().watch.iter().for_each(|watch| watch.wake());
        watching.join().unwrap();
    }
}

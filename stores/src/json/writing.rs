//! Writing files behind the journal.

use std::fmt;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use parking_lot::{Condvar, Mutex, MutexGuard};
use wayfare_graph::{Document, Id, StoreError};

use super::file_name::file_name;
use super::file_state::FileState;
use super::folder::Folder;
use super::text::to_text;
use crate::embedded::Pending;

/// How many files are written between two waits for the disk.
const WRITE_BATCH: usize = 1_000;

/// How many documents may wait for their files before writes wait.
const MOST_PENDING: u64 = 20_000;

/// How long to wait after a failure before it is tried again.
const PAUSE: Duration = Duration::from_millis(500);

/// How those who write, those who wait and the writing thread meet.
#[derive(Debug, Default)]
pub(super) struct Backlog {
    state: Mutex<BacklogState>,
    changed: Condvar,
    closing: AtomicBool,
}

#[derive(Debug, Default)]
struct BacklogState {
    /// Documents whose files may have to be written.
    pending: u64,
    /// Counts the rounds of the writing thread in which there was nothing left to write.
    idle_rounds: u64,
    /// Counts what was asked of the thread; a round that began later has seen it.
    asked: u64,
    /// What went wrong the last time, until a time when it does not.
    failure: Option<Failure>,
}

/// Why files were not written, or are not known to be on the disk.
#[derive(Debug)]
pub(super) enum Failure {
    /// A file could not be written, or the disk did not take it.
    Files(io::Error),
    /// The journal does not tell what has to be written, or takes no note that it was.
    Journal(StoreError),
}

impl Failure {
    /// Whether nothing can be settled any more until the store is opened again.
    fn is_lasting(&self) -> bool {
        matches!(self, Self::Journal(StoreError::Poisoned { .. }))
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Files(error) => error.fmt(f),
            Self::Journal(error) => error.fmt(f),
        }
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Self::Files(error)
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        Self::Journal(error)
    }
}

impl Backlog {
    /// Tells the thread that there is something to write.
    pub(super) fn wake(&self, documents: u64) {
        let mut state = self.state.lock();
        state.pending += documents;
        state.asked += 1;
        self.changed.notify_all();
    }

    /// Ends the thread once everything is written, or could not be written.
    pub(super) fn close(&self) {
        self.closing.store(true, Ordering::Release);
        self.wake(0);
    }

    pub(super) fn is_closing(&self) -> bool {
        self.closing.load(Ordering::Acquire)
    }

    /// Waits until the backlog has room.
    pub(super) fn wait_for_room(&self, folder: &Folder) -> Result<(), StoreError> {
        let mut state = self.state.lock();
        while state.pending > MOST_PENDING {
            failure_of(&state, folder)?;
            self.changed.wait(&mut state);
        }
        Ok(())
    }

    /// Waits until every change that was made before is in its file.
    pub(super) fn flush(&self, folder: &Folder) -> Result<(), StoreError> {
        let mut state = self.state.lock();
        state.asked += 1;
        self.changed.notify_all();
        let asked = state.asked;
        while state.idle_rounds < asked {
            failure_of(&state, folder)?;
            self.changed.wait(&mut state);
        }
        Ok(())
    }

    /// Waits a moment before something that failed is tried again, or until the store is being closed.
    pub(super) fn pause(&self) {
        let mut state = self.state.lock();
        self.changed.wait_while_for(&mut state, |_| !self.is_closing(), PAUSE);
    }

    fn lock(&self) -> MutexGuard<'_, BacklogState> {
        self.state.lock()
    }
}

fn failure_of(state: &BacklogState, folder: &Folder) -> Result<(), StoreError> {
    match &state.failure {
        Some(Failure::Files(error)) => Err(folder.failed(io::Error::new(error.kind(), error.to_string()))),
        Some(Failure::Journal(StoreError::Poisoned { reason })) => {
            Err(StoreError::Poisoned { reason: reason.clone() })
        }
        Some(Failure::Journal(error)) => Err(folder.failed(io::Error::other(error.to_string()))),
        None => Ok(()),
    }
}

/// Writes files until the store is closed or its journal takes nothing more; runs on a thread of its own.
pub(super) fn write_until_closed(folder: &Folder) {
    loop {
        let asked = {
            let mut state = folder.backlog.lock();
            while state.idle_rounds >= state.asked && !folder.backlog.is_closing() {
                folder.backlog.changed.wait(&mut state);
            }
            state.asked
        };
        let written = folder.write_all();
        let mut state = folder.backlog.lock();
        match written {
            Ok(()) => {
                state.failure = None;
                state.idle_rounds = asked;
            }
            Err(error) => {
                let then = match error.is_lasting() {
                    true => "they are written at the next opening",
                    false => "they are tried again",
                };
                tracing::error!(path = %folder.path.display(), %error, "could not write files, {then}");
                state.failure = Some(error);
            }
        }
        let failed = state.failure.is_some();
        folder.backlog.changed.notify_all();
        if folder.backlog.is_closing() && (failed || state.idle_rounds >= state.asked) {
            return;
        }
        // The same files would be written again and again, and none of them settled.
        if state.failure.as_ref().is_some_and(Failure::is_lasting) {
            return;
        }
        if failed {
            folder.backlog.changed.wait_for(&mut state, PAUSE);
        }
    }
}

impl Folder {
    /// Writes all files that are not as their documents are.
    ///
    /// One that cannot be written does not keep the others from it: the first failure is told after them.
    pub(super) fn write_all(&self) -> Result<(), Failure> {
        let mut failure = None;
        // Once a file has failed, its document stays in front of the others.
        let mut after: Option<Id> = None;
        loop {
            let pending = self.journal.pending(after.as_ref(), WRITE_BATCH)?;
            let last = pending.last().map(|pending| pending.id.clone());
            match (last, failure) {
                (None, Some(error)) => return Err(Failure::Files(error)),
                (None, None) => {
                    self.backlog.lock().pending = 0;
                    return Ok(());
                }
                (last, earlier) => {
                    let failed = self.write_some(pending)?;
                    failure = earlier.or(failed);
                    after = last.filter(|_| failure.is_some());
                }
            }
        }
    }

    /// Writes some files and settles those that were written; gives back the first failure of the others.
    fn write_some(&self, pending: Vec<Pending>) -> Result<Option<io::Error>, Failure> {
        let mut failure = None;
        let mut settled = Vec::with_capacity(pending.len());
        let ids: Vec<Id> = pending.iter().map(|pending| pending.id.clone()).collect();
        let known = self.journal.files(&ids)?;
        for (pending, known) in pending.into_iter().zip(known) {
            let odd_name = known.and_then(|known| FileState::from_bytes(&known)?.odd_name);
            match self.write_one(&pending, odd_name) {
                Ok(state) => {
                    settled.push((pending.id, pending.change, state.map(|state| state.to_bytes())));
                }
                Err(error) => failure = failure.or(Some(error)),
            }
        }
        // Only what is sure to be on the disk may leave the journal.
        self.wait_for_disk(&settled)?;
        self.journal.settle(&settled)?;
        let left = self.journal.count_pending()?;
        let mut backlog = self.backlog.lock();
        backlog.pending = left;
        self.backlog.changed.notify_all();
        Ok(failure)
    }

    /// Writes or removes one file. Whoever reads it finds the old one or the new one, whole.
    fn write_one(&self, pending: &Pending, odd_name: Option<String>) -> io::Result<Option<FileState>> {
        let kind = pending.id.kind();
        let name = odd_name.clone().unwrap_or_else(|| file_name(&pending.id));
        let path = self.file_path(kind, &name);
        let Some(document) = &pending.document else {
            let removed = match fs::remove_file(&path) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
                _ => Ok(None),
            };
            if removed.is_ok() {
                // The note that it was written may not have been read, and leads to no file any more.
                self.sync.lock().forget_own(kind, &name);
            }
            return removed;
        };
        let draft = self.drafts.join(format!("{}.jvtmp", pending.change));
        let written = self.write_draft(&draft, document).and_then(|state| {
            let state = state.named(odd_name);
            self.sync.lock().about_to_write(kind, &name, &state);
            fs::rename(&draft, &path).map(|()| state)
        });
        if written.is_err() {
            self.sync.lock().forget_own(kind, &name);
            // It takes room until the store is opened again; perhaps there is none. Nobody would miss it.
            let _ = fs::remove_file(&draft);
        }
        written.map(Some)
    }

    /// Writes a document beside the watched folders, so that only the finished file is noticed.
    fn write_draft(&self, draft: &Path, document: &Document) -> io::Result<FileState> {
        let text = to_text(document).map_err(io::Error::other)?;
        let mut file = File::create(draft)?;
        file.write_all(&text)?;
        sync_unless_together(&file)?;
        Ok(FileState::of(&file.metadata()?))
    }

    /// Waits until all files that were written or removed are on the disk.
    ///
    /// After a failure they are written anew before the next wait, which need not tell of what the last one told.
    #[cfg(target_os = "linux")]
    fn wait_for_disk(&self, _: &[(Id, u64, Option<Vec<u8>>)]) -> io::Result<()> {
        // One wait for a thousand files and their folders, instead of one for each.
        Ok(rustix::fs::syncfs(&self.folder)?)
    }

    #[cfg(not(target_os = "linux"))]
    fn wait_for_disk(&self, written: &[(Id, u64, Option<Vec<u8>>)]) -> io::Result<()> {
        let mut kinds: Vec<_> = written.iter().map(|(id, _, _)| id.kind()).collect();
        kinds.sort_unstable();
        kinds.dedup();
        kinds.into_iter().try_for_each(|kind| crate::folders::sync(&self.path.join(kind.collection())))
    }
}

/// Where the whole file system cannot be waited for, each file is.
#[cfg(not(target_os = "linux"))]
fn sync_unless_together(file: &File) -> io::Result<()> {
    file.sync_all()
}

#[cfg(target_os = "linux")]
fn sync_unless_together(_: &File) -> io::Result<()> {
    Ok(())
}

/// Removes drafts that a crash has left behind.
pub(super) fn remove_drafts(drafts: &Path) -> io::Result<()> {
    for entry in fs::read_dir(drafts)? {
        fs::remove_file(entry?.path())?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::embedded::EmbeddedOptions;

    fn poisoned() -> Failure {
        Failure::Journal(StoreError::Poisoned { reason: "x".into() })
    }

    /// Without its threads, so that only the test writes files.
    fn open(path: &Path) -> Arc<Folder> {
        let folder = Folder::open(path, EmbeddedOptions::default()).unwrap();
        folder.write_all().unwrap();
        folder
    }

    #[test]
    fn writes_are_refused_for_good_where_room_comes_only_at_the_next_opening() {
        let path = tempfile::tempdir().unwrap();
        let folder = open(path.path());
        folder.backlog.wake(MOST_PENDING + 1);
        for (failure, is_lasting) in [(poisoned(), true), (io::Error::other("x").into(), false)] {
            folder.backlog.lock().failure = Some(failure);
            for told in [folder.backlog.wait_for_room(&folder), folder.backlog.flush(&folder)] {
                let error = told.unwrap_err();
                assert_eq!(matches!(error, StoreError::Poisoned { .. }), is_lasting, "{error}");
            }
        }
    }

    /// A wait that fails may take with it that it did, so the next one says nothing of what was lost.
    #[cfg(target_os = "linux")]
    #[test]
    fn files_are_written_anew_after_a_wait_for_the_disk_that_failed() {
        use std::os::unix::fs::OpenOptionsExt;

        use serde_json::json;
        use wayfare_graph::{Kind, WriteBatch};

        let path = tempfile::tempdir().unwrap();
        let mut folder = open(path.path());
        let document = Document::from_json(json!({"id": "n.City.a", "context": {"n": 1}})).unwrap();
        let writes = vec![wayfare_graph::Write::Create { document: document.clone(), multi: false }];
        assert!(folder.apply(&[WriteBatch { writes, all_or_nothing: false }]).unwrap()[0][0].is_ok());
        let only_a_name = rustix::fs::OFlags::PATH.bits() as i32;
        let refuses = File::options().read(true).custom_flags(only_a_name).open(path.path()).unwrap();
        let takes = std::mem::replace(&mut Arc::get_mut(&mut folder).unwrap().folder, refuses);
        let file = folder.file_path(Kind::Node, "n.City.a.json");
        for _ in 0..2 {
            assert!(matches!(folder.write_all(), Err(Failure::Files(_))));
            assert_eq!(folder.journal.count_pending().unwrap(), 1);
            // What became of its bytes.
            fs::write(&file, "").unwrap();
        }
        Arc::get_mut(&mut folder).unwrap().folder = takes;
        folder.write_all().unwrap();
        assert_eq!(folder.journal.count_pending().unwrap(), 0);
        let written: serde_json::Value = serde_json::from_slice(&fs::read(file).unwrap()).unwrap();
        assert_eq!(written["context"], json!({"n": 1}));
    }
}

//! Writing files behind the journal.

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
    failure: Option<io::ErrorKind>,
    failure_text: String,
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
    match state.failure {
        Some(kind) => Err(folder.failed(io::Error::new(kind, state.failure_text.clone()))),
        None => Ok(()),
    }
}

/// Writes files until the store is closed; runs on a thread of its own.
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
                tracing::error!(path = %folder.path.display(), %error, "could not write files, they are tried again");
                state.failure = Some(error.kind());
                state.failure_text = error.to_string();
            }
        }
        let failed = state.failure.is_some();
        folder.backlog.changed.notify_all();
        if folder.backlog.is_closing() && (failed || state.idle_rounds >= state.asked) {
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
    pub(super) fn write_all(&self) -> io::Result<()> {
        let mut failure = None;
        // Once a file has failed, its document stays in front of the others.
        let mut after: Option<Id> = None;
        loop {
            let pending = self.journal.pending(after.as_ref(), WRITE_BATCH).map_err(io::Error::other)?;
            let last = pending.last().map(|pending| pending.id.clone());
            match (last, failure) {
                (None, Some(error)) => return Err(error),
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
    fn write_some(&self, pending: Vec<Pending>) -> io::Result<Option<io::Error>> {
        let mut failure = None;
        let mut settled = Vec::with_capacity(pending.len());
        let ids: Vec<Id> = pending.iter().map(|pending| pending.id.clone()).collect();
        let known = self.journal.files(&ids).map_err(io::Error::other)?;
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
        self.journal.settle(&settled).map_err(io::Error::other)?;
        let left = self.journal.count_pending().map_err(io::Error::other)?;
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
        kinds.into_iter().try_for_each(|kind| sync_folder(&self.path.join(kind.collection())))
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

#[cfg(not(target_os = "linux"))]
fn sync_folder(path: &Path) -> io::Result<()> {
    File::open(path)?.sync_all()
}

/// Removes drafts that a crash has left behind.
pub(super) fn remove_drafts(drafts: &Path) -> io::Result<()> {
    for entry in fs::read_dir(drafts)? {
        fs::remove_file(entry?.path())?;
    }
    Ok(())
}

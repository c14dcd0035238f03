//! What only the folder itself can see: files that cannot be read as documents, and those without a version.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use rustc_hash::FxHashSet;
use serde_json::Value;
use wayfare_graph::{Finding, Id, Kind, Store, StoreError, VersionsPage};

use super::file_name::file_name;
use super::file_state::FileState;
use super::folder::Folder;
use super::text::json_of;
use super::writing::Failure;
use crate::folders;

/// Longest name of a file that is set aside; most file systems take 255 bytes.
const MAX_NAME_BYTES: usize = 250;

impl Folder {
    /// Lists files that cannot be read as documents, then what is wrong with the journal.
    ///
    /// To repair, such a file is moved aside, never over another one there; where the journal has the document, its file
    /// is written anew. Where the disk does not take that, the file stays where it is.
    pub(super) async fn check_up(&self, repair: bool) -> Result<Vec<Finding>, StoreError> {
        let bad: Vec<(Kind, String, Option<Id>, String)> = {
            let state = self.sync.lock();
            let files = state.bad.iter();
            files
                .map(|(kind, name, bad)| (kind, name.to_owned(), bad.id.clone(), bad.reason.clone()))
                .collect()
        };
        let mut findings = Vec::new();
        for (kind, name, id, reason) in bad {
            let repaired = repair && self.put_aside(kind, &name, id.as_ref())?;
            findings.push(Finding::BadDocument {
                place: format!("{}/{name}", kind.collection()),
                reason,
                repaired,
            });
        }
        if repair {
            self.sync()?;
        }
        findings.extend(self.journal.check_up(repair).await?);
        Ok(findings)
    }

    /// Moves a bad file aside; `false` where it is not there under a name that can be written.
    fn put_aside(&self, kind: Kind, name: &str, id: Option<&Id>) -> Result<bool, StoreError> {
        let aside = self.path.join(".wayfare").join("set-aside");
        fs::create_dir_all(&aside).map_err(|error| self.failed(error))?;
        // Held until the document is noted, or its removal would be taken for a deletion.
        let _no_sync = self.sync.lock();
        let free = free_name(&aside, &format!("{}-{name}", kind.collection()));
        let free = free.map_err(|error| self.failed(error))?;
        match self.move_and_note(&self.file_path(kind, name), &free, &aside, id) {
            Ok(()) => Ok(true),
            // Its name is no text, so it cannot be named.
            Err(Failure::Files(error)) if error.kind() == io::ErrorKind::NotFound => Ok(false),
            Err(Failure::Files(error)) => Err(self.failed(error)),
            Err(Failure::Journal(error)) => Err(error),
        }
    }

    /// Gives a bad file another name in the folder `aside`, and has the document that it should hold written.
    ///
    /// The other name is on the disk before the note is, or the file could be written over; and the file keeps its own
    /// name until then, or a crash would make a deletion of it.
    fn move_and_note(&self, file: &Path, to: &Path, aside: &Path, id: Option<&Id>) -> Result<(), Failure> {
        let has_both = match fs::hard_link(file, to) {
            Ok(()) => true,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Err(error.into()),
            // Folders have one name only, and on some disks so have files.
            Err(_) => false,
        };
        if !has_both {
            fs::rename(file, to)?;
        }
        // The folder may be new, and then has its own name only in memory.
        let parent = aside.parent().unwrap_or(&self.path);
        let synced = folders::sync(aside).and_then(|()| folders::sync(parent)).map_err(Failure::Files);
        if let Err(failure) = synced.and_then(|()| Ok(self.note_known(id)?)) {
            // A commit that failed may have been done all the same, and lets the file be written over.
            let may_be_noted = matches!(&failure, Failure::Journal(error) if !is_poisoned(error));
            let undone = match has_both {
                true if may_be_noted => Ok(()),
                true => fs::remove_file(to),
                false => fs::rename(to, file),
            };
            if let Err(error) = undone {
                tracing::error!(path = %to.display(), %error, "could not take back that a file was put aside");
            }
            return Err(failure);
        }
        if has_both {
            fs::remove_file(file)?;
        }
        Ok(())
    }

    /// Notes that the file of a document has to be written, where the journal has one.
    fn note_known(&self, id: Option<&Id>) -> Result<(), StoreError> {
        let Some(id) = id.map(std::slice::from_ref) else { return Ok(()) };
        if self.journal.get_many_now(id)?.iter().any(Option::is_some) {
            self.journal.mark_pending(id)?;
            self.backlog.wake(1);
        }
        Ok(())
    }

    /// Has the files of a page of documents written anew where they lack a version.
    ///
    /// The version that they get is the one that the document counts as here: 0, or more where it was changed since.
    pub(super) async fn add_versions(
        &self,
        kind: Kind,
        after: Option<&Id>,
        limit: usize,
    ) -> Result<VersionsPage, StoreError> {
        let page = self.journal.scan(kind, None, after, limit).await?;
        let ids: Vec<Id> = page.documents.iter().map(|document| document.id().clone()).collect();
        let states = self.journal.files(&ids)?;
        let bad: FxHashSet<Id> = self.sync.lock().bad.ids(kind).cloned().collect();
        let mut without = Vec::new();
        for (id, state) in ids.iter().zip(states) {
            let odd_name = state.and_then(|bytes| FileState::from_bytes(&bytes)?.odd_name);
            let path = self.file_path(kind, &odd_name.unwrap_or_else(|| file_name(id)));
            // A file that is missing or damaged meanwhile is no matter of versions.
            let json = fs::read(path).ok().and_then(|text| json_of(&text).ok());
            let has_none = json.is_some_and(|json| json.get("_version").is_none_or(Value::is_null));
            // What is no document may still be JSON, and is not written over.
            if has_none && !bad.contains(id) {
                without.push(id.clone());
            }
        }
        self.journal.mark_pending(&without)?;
        self.backlog.wake(without.len() as u64);
        Ok(VersionsPage { examined: ids.len() as u64, changed: without.len() as u64, next: page.next })
    }
}

fn is_poisoned(error: &StoreError) -> bool {
    matches!(error, StoreError::Poisoned { .. })
}

/// Where a file can be put without taking the place of another: under its name, or with a number behind it.
fn free_name(folder: &Path, name: &str) -> io::Result<PathBuf> {
    let mut cut = MAX_NAME_BYTES.min(name.len());
    while !name.is_char_boundary(cut) {
        cut -= 1;
    }
    let name = &name[..cut];
    let mut path = folder.join(name);
    let mut nth = 2_u64;
    loop {
        // Not what a link leads to: the link itself would be replaced.
        match fs::symlink_metadata(&path) {
            Ok(_) => path = folder.join(format!("{name}.{nth}")),
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(path),
            Err(error) => return Err(error),
        }
        nth += 1;
    }
}

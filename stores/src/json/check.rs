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

/// Longest name of a file that is set aside; most file systems take 255 bytes.
const MAX_NAME_BYTES: usize = 250;

impl Folder {
    /// Lists files that cannot be read as documents, then what is wrong with the journal.
    ///
    /// To repair, such a file is moved aside, never over another one there; where the journal has the document, its file
    /// is written anew.
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

    fn put_aside(&self, kind: Kind, name: &str, id: Option<&Id>) -> Result<bool, StoreError> {
        let aside = self.path.join(".wayfare").join("set-aside");
        fs::create_dir_all(&aside).map_err(|error| self.failed(error))?;
        // Held until the document is noted, or its removal would be taken for a deletion.
        let _no_sync = self.sync.lock();
        let free = free_name(&aside, &format!("{}-{name}", kind.collection()));
        let moved = free.and_then(|free| fs::rename(self.file_path(kind, name), free));
        match moved {
            Ok(()) => {}
            // Its name is no text, so it cannot be named.
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
            Err(error) => return Err(self.failed(error)),
        }
        if let Some(id) = id {
            let known = self.journal.get_many_now(std::slice::from_ref(id))?;
            if known.iter().any(Option::is_some) {
                self.journal.mark_pending(std::slice::from_ref(id))?;
                self.backlog.wake(1);
            }
        }
        Ok(true)
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

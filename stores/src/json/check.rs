//! What only the folder itself can see: files that are no documents, and those without a version.

use std::fs;
use std::io;

use serde_json::Value;
use wayfare_graph::{Finding, Id, Kind, Store, StoreError, VersionsPage};

use super::file_name::file_name;
use super::file_state::FileState;
use super::folder::Folder;

impl Folder {
    /// Lists files that are no documents, then what is wrong with the journal.
    ///
    /// To repair, such a file is moved aside; where the journal has the document, its file is written anew.
    pub(super) async fn check_up(&self, repair: bool) -> Result<Vec<Finding>, StoreError> {
        let bad: Vec<(Kind, String, Option<Id>, String)> = {
            let state = self.sync.lock();
            let files = state.bad_files();
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
        let moved =
            fs::rename(self.file_path(kind, name), aside.join(format!("{}-{name}", kind.collection())));
        match moved {
            Ok(()) => {}
            // Its name is no text, so it cannot be named.
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
            Err(error) => return Err(self.failed(error)),
        }
        if let Some(id) = id.filter(|id| file_name(id) == name) {
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
        let mut without = Vec::new();
        for (id, state) in ids.iter().zip(states) {
            let odd_name = state.and_then(|bytes| FileState::from_bytes(&bytes)?.odd_name);
            let path = self.file_path(kind, &odd_name.unwrap_or_else(|| file_name(id)));
            // A file that is missing or damaged meanwhile is no matter of versions.
            let json = fs::read(path).ok().and_then(|text| serde_json::from_slice::<Value>(&text).ok());
            if json.is_some_and(|json| json.get("_version").is_none_or(Value::is_null)) {
                without.push(id.clone());
            }
        }
        self.journal.mark_pending(&without)?;
        self.backlog.wake(without.len() as u64);
        Ok(VersionsPage { examined: ids.len() as u64, changed: without.len() as u64, next: page.next })
    }
}

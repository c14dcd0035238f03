//! Taking over what others wrote into the files.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use rustc_hash::{FxHashMap, FxHashSet};
use wayfare_graph::{Id, Kind, StoreChange, StoreError};

use super::file_name::{file_name, id_of, is_cut, is_document};
use super::file_state::FileState;
use super::folder::Folder;
use super::text::{ReadFile, read};
use super::watch::{KINDS, Noticed, Touched, Watch};
use crate::embedded::{Import, Imported};

/// How many files are taken over in one commit.
const IMPORT_BATCH: usize = 1_000;

/// What is remembered between looks at the files.
#[derive(Debug, Default)]
pub(super) struct SyncState {
    pub(super) watch: Option<Arc<Watch>>,
    /// Files that changed while a change of ours was on its way to them.
    again: FxHashSet<Touched>,
    /// The ids of files whose names do not tell them.
    odd_names: FxHashMap<(Kind, String), Id>,
    /// Files that are no documents, and why; by kind and name.
    bad: BTreeMap<(Kind, String), BadFile>,
    /// The files as we wrote them, until the system has told of it.
    own: FxHashMap<(Kind, String), FileState>,
}

/// A file that is no document.
#[derive(Debug, Clone)]
pub(super) struct BadFile {
    /// The id that its name says.
    pub(super) id: Option<Id>,
    pub(super) reason: String,
}

impl SyncState {
    /// Notes a file that is about to get its name, so that it is not taken for somebody else's.
    pub(super) fn about_to_write(&mut self, kind: Kind, name: &str, state: &FileState) {
        if self.watch.is_some() {
            self.own.insert((kind, name.to_owned()), state.clone());
        }
    }

    /// Why the file of a document cannot be read, if so.
    pub(super) fn fault_of(&self, id: &Id) -> Option<(&str, &str)> {
        let mut faults = self.bad.iter().filter(|(_, bad)| bad.id.as_ref() == Some(id));
        faults.next().map(|((_, name), bad)| (name.as_str(), bad.reason.as_str()))
    }

    pub(super) fn bad_files(&self) -> impl Iterator<Item = (Kind, &str, &BadFile)> {
        self.bad.iter().map(|((kind, name), bad)| (*kind, name.as_str(), bad))
    }

    pub(super) fn has_bad_files(&self) -> bool {
        !self.bad.is_empty()
    }
}

impl Folder {
    /// Takes over what others have written since the last call.
    pub(super) fn sync(&self) -> Result<(), StoreError> {
        let mut state = self.sync.lock();
        let noticed = match &state.watch {
            Some(watch) => watch.noticed().map_err(|error| self.failed(error))?,
            None => Noticed::Anything,
        };
        match noticed {
            Noticed::Files(mut files) => {
                files.extend(std::mem::take(&mut state.again));
                self.take_over(&mut state, files)
            }
            Noticed::Anything => self.look_at_all(&mut state),
        }
    }

    /// Looks at every file of every folder.
    pub(super) fn look_at_all(&self, state: &mut SyncState) -> Result<(), StoreError> {
        self.make_folders()?;
        // Watched before they are read, so that no change falls between. A watch that ended is replaced.
        let watch = Watch::start(&self.path).map_err(|error| self.failed(error))?.map(Arc::new);
        if let Some(ended) = std::mem::replace(&mut state.watch, watch) {
            // Whoever waits for it would do so for ever: what it had to tell has been read here.
            ended.wake();
        }
        state.own.clear();
        state.again.clear();
        let mut missing: FxHashMap<(Kind, String), Id> = FxHashMap::default();
        self.journal.each_file(|id, file| {
            let odd_name = FileState::from_bytes(file).and_then(|state| state.odd_name);
            let name = odd_name.unwrap_or_else(|| file_name(&id));
            missing.insert((id.kind(), name), id);
        })?;
        state.odd_names = missing
            .iter()
            .filter(|((_, name), id)| *name != file_name(id) || is_cut(name))
            .map(|(at, id)| (at.clone(), id.clone()))
            .collect();
        state.bad.clear();
        for kind in KINDS {
            let mut files = Vec::new();
            for name in self.names(kind, state)? {
                missing.remove(&(kind, name.clone()));
                files.push(Touched { kind, name, in_place: false });
            }
            self.take_over(state, files)?;
        }
        let gone = missing.into_keys().map(|(kind, name)| Touched { kind, name, in_place: false });
        self.take_over(state, gone.collect())
    }

    /// The names of files of documents in the folder of a kind, ordered.
    fn names(&self, kind: Kind, state: &mut SyncState) -> Result<Vec<String>, StoreError> {
        let mut names = Vec::new();
        for entry in fs::read_dir(self.path.join(kind.collection())).map_err(|error| self.failed(error))? {
            match entry.map_err(|error| self.failed(error))?.file_name().into_string() {
                Ok(name) if is_document(&name) => names.push(name),
                Ok(_) => {}
                Err(name) => {
                    let bad = BadFile { id: None, reason: "its name is no UTF-8".into() };
                    state.bad.insert((kind, name.to_string_lossy().into_owned()), bad);
                }
            }
        }
        names.sort_unstable();
        Ok(names)
    }

    /// Takes over some files, in commits of many.
    fn take_over(&self, state: &mut SyncState, files: Vec<Touched>) -> Result<(), StoreError> {
        for files in files.chunks(IMPORT_BATCH) {
            let ids: Result<Vec<Option<Id>>, _> = files.iter().map(|file| self.id_of(state, file)).collect();
            let ids = ids?;
            let known: Vec<Id> = ids.iter().flatten().cloned().collect();
            let mut pending = self.journal.are_pending(&known)?.into_iter();
            let mut states = self.journal.files(&known)?.into_iter();
            let mut imports = Vec::new();
            for (file, id) in files.iter().zip(ids) {
                let pending = id.is_some() && pending.next() == Some(true);
                let known = id.as_ref().and_then(|_| states.next().flatten());
                let known = known.and_then(|bytes| FileState::from_bytes(&bytes));
                if let Some(import) = self.look_at(state, file, id, known, pending) {
                    imports.push(import);
                }
            }
            self.import(&imports)?;
        }
        Ok(())
    }

    fn id_of(&self, state: &mut SyncState, file: &Touched) -> Result<Option<Id>, StoreError> {
        if let Some(id) = id_of(&file.name).filter(|id| id.kind() == file.kind) {
            return Ok(Some(id));
        }
        let at = (file.kind, file.name.clone());
        if is_cut(&file.name) && !state.odd_names.contains_key(&at) {
            self.learn_cut_names(state)?;
        }
        Ok(state.odd_names.get(&at).cloned())
    }

    /// Finds the ids of all files whose names were cut. Keys that need so many escapes are rare, and so is that others
    /// touch a file that was written since the last look at all of them.
    fn learn_cut_names(&self, state: &mut SyncState) -> Result<(), StoreError> {
        self.journal.each_file(|id, _| {
            let name = file_name(&id);
            if is_cut(&name) {
                state.odd_names.entry((id.kind(), name)).or_insert(id);
            }
        })
    }

    /// What one file says that is not known yet.
    fn look_at(
        &self,
        state: &mut SyncState,
        file: &Touched,
        id: Option<Id>,
        known: Option<FileState>,
        pending: bool,
    ) -> Option<Import> {
        let at = (file.kind, file.name.clone());
        let path = self.file_path(file.kind, &file.name);
        let found = fs::metadata(&path).ok().map(|metadata| FileState::of(&metadata));
        let is = |state: &FileState| found.as_ref().is_some_and(|found| found.is_same_file(state));
        if !file.in_place && state.own.get(&at).is_some_and(is) {
            state.own.remove(&at);
            state.bad.remove(&at);
            return None;
        }
        if pending {
            // Ours was acknowledged and stands; but theirs may come after it.
            state.again.insert(file.clone());
            return None;
        }
        if !file.in_place && known.as_ref().is_some_and(is) {
            return None;
        }
        let read = if found.is_some() { read(&path, file.kind) } else { ReadFile::Gone };
        state.bad.remove(&at);
        match read {
            ReadFile::Document(document, file_state) => self.accept(state, at, id, document, file_state),
            ReadFile::Bad(reason) => {
                tracing::warn!(path = %path.display(), %reason, "left out a file that is no document");
                state.bad.insert(at, BadFile { id, reason });
                None
            }
            ReadFile::Gone => {
                state.odd_names.remove(&at);
                // Another file may hold the document by now.
                let name =
                    |state: &FileState, id: &Id| state.odd_name.clone().unwrap_or_else(|| file_name(id));
                id.filter(|id| known.is_some_and(|known| name(&known, id) == at.1)).map(Import::Gone)
            }
        }
    }

    /// Takes a document, unless another file holds it already.
    fn accept(
        &self,
        state: &mut SyncState,
        at: (Kind, String),
        id: Option<Id>,
        document: wayfare_graph::Document,
        file_state: FileState,
    ) -> Option<Import> {
        let found = document.id();
        let canonical = file_name(found);
        if at.1 == canonical {
            return Some(Import::Document(document, file_state.to_bytes()));
        }
        let reason = if id.as_ref().is_some_and(|id| id != found && file_name(id) == at.1) {
            Some(format!("it holds `{found}`, its name says something else"))
        } else if self.file_path(at.0, &canonical).exists() {
            Some(format!("it holds `{found}`, as `{canonical}` does"))
        } else {
            None
        };
        if let Some(reason) = reason {
            state.bad.insert(at, BadFile { id, reason });
            return None;
        }
        state.odd_names.insert(at.clone(), found.clone());
        let file_state = file_state.named(Some(at.1));
        Some(Import::Document(document, file_state.to_bytes()))
    }

    fn import(&self, imports: &[Import]) -> Result<(), StoreError> {
        if imports.is_empty() {
            return Ok(());
        }
        let outcomes = self.journal.import(imports)?;
        let changes = imports.iter().zip(outcomes).filter_map(|(import, outcome)| match outcome {
            Imported::Unchanged => None,
            Imported::Changed { version, ends } => {
                let id = match import {
                    Import::Document(document, _) => document.id().clone(),
                    Import::Gone(id) => id.clone(),
                };
                Some(StoreChange::Document { id, version, ends })
            }
        });
        self.feeds.send(changes.collect());
        Ok(())
    }

    /// Where a file lies.
    pub(super) fn file_path(&self, kind: Kind, name: &str) -> PathBuf {
        self.path.join(kind.collection()).join(name)
    }

    pub(super) fn make_folders(&self) -> Result<(), StoreError> {
        let make = |kind: Kind| fs::create_dir_all(self.path.join(kind.collection()));
        KINDS.into_iter().try_for_each(make).map_err(|error: io::Error| self.failed(error))
    }
}

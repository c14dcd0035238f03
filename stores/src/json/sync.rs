//! Taking over what others wrote into the files.

use std::fs;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use rustc_hash::{FxHashMap, FxHashSet};
use wayfare_graph::{Document, Id, Kind, StoreChange, StoreError};

use super::bad_files::{BadFile, BadFiles};
use super::file_name::{file_name, id_of, is_cut, is_document};
use super::file_state::FileState;
use super::folder::Folder;
use super::odd_names::OddNames;
use super::text::{ReadFile, read};
use super::watch::{KINDS, Noticed, Touched, Watch};
use crate::embedded::{Import, Imported};

/// How many files are taken over in one commit.
const IMPORT_BATCH: usize = 1_000;

/// What is remembered between looks at the files.
#[derive(Debug, Default)]
pub(super) struct SyncState {
    pub(super) watch: Option<Arc<Watch>>,
    /// Files to be looked at again: they changed while a change of ours was on its way to them, or the look failed.
    again: FxHashSet<Touched>,
    /// Whether the system may have told of files and nobody knows of which, because that look failed.
    pub(super) lost_notes: bool,
    /// The files whose names do not tell their ids.
    odd_names: OddNames,
    pub(super) bad: BadFiles,
    /// The files as we wrote them, until the system has told of it.
    own: FxHashMap<(Kind, String), FileState>,
}

/// What is known of a file before it is looked at.
struct Known {
    /// The entity whose file it is.
    id: Option<Id>,
    /// What the file of that entity was like.
    state: Option<FileState>,
    /// Whether a change of ours is on its way to it.
    pending: bool,
}

/// What files say, and where they are.
type Imports = Vec<((Kind, String), Import)>;

impl SyncState {
    /// Notes a file that is about to get its name, so that it is not taken for somebody else's.
    pub(super) fn about_to_write(&mut self, kind: Kind, name: &str, state: &FileState) {
        if self.watch.is_some() {
            self.own.insert((kind, name.to_owned()), state.clone());
        }
    }

    /// Notes that a file is not there any more as we wrote it, or never came to be.
    pub(super) fn forget_own(&mut self, kind: Kind, name: &str) {
        self.own.remove(&(kind, name.to_owned()));
    }
}

impl Folder {
    /// Takes over what others have written since the last call.
    pub(super) fn sync(&self) -> Result<(), StoreError> {
        let mut state = self.sync.lock();
        let noticed = match &state.watch {
            Some(watch) if !state.lost_notes => watch.noticed(),
            _ => Ok(Noticed::Anything),
        };
        match noticed {
            Ok(Noticed::Files(mut files)) => {
                files.extend(std::mem::take(&mut state.again));
                self.take_over(&mut state, files)
            }
            Ok(Noticed::Anything) => self.look_at_all(&mut state),
            Err(error) => {
                state.lost_notes = true;
                Err(self.failed(error))
            }
        }
    }

    /// Looks at every file of every folder.
    pub(super) fn look_at_all(&self, state: &mut SyncState) -> Result<(), StoreError> {
        // Until all is seen: whatever fails before is begun anew by the next look.
        state.lost_notes = true;
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
        state.odd_names.clear();
        for (at, id) in missing.iter().filter(|((_, name), id)| *name != file_name(id) || is_cut(name)) {
            state.odd_names.insert(at.clone(), id.clone());
        }
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
        self.take_over(state, gone.collect())?;
        state.lost_notes = false;
        Ok(())
    }

    /// The names of files of documents in the folder of a kind, ordered.
    fn names(&self, kind: Kind, state: &mut SyncState) -> Result<Vec<String>, StoreError> {
        let mut names = Vec::new();
        for entry in fs::read_dir(self.path.join(kind.collection())).map_err(|error| self.failed(error))? {
            match entry.map_err(|error| self.failed(error))?.file_name().into_string() {
                Ok(name) if is_document(&name) => names.push(name),
                Ok(_) => {}
                Err(name) => {
                    let at = (kind, name.to_string_lossy().into_owned());
                    self.leave_out(state, at, None, "its name is no UTF-8".into());
                }
            }
        }
        names.sort_unstable();
        Ok(names)
    }

    /// Takes over some files, in commits of many.
    fn take_over(&self, state: &mut SyncState, files: Vec<Touched>) -> Result<(), StoreError> {
        for (nth, some) in files.chunks(IMPORT_BATCH).enumerate() {
            if let Err(error) = self.take_over_at_once(state, some) {
                // The system tells of them only once.
                state.again.extend(files[nth * IMPORT_BATCH..].iter().cloned());
                return Err(error);
            }
        }
        Ok(())
    }

    fn take_over_at_once(&self, state: &mut SyncState, files: &[Touched]) -> Result<(), StoreError> {
        let ids: Result<Vec<Option<Id>>, _> = files.iter().map(|file| self.id_of(state, file)).collect();
        let ids = ids?;
        let known: Vec<Id> = ids.iter().flatten().cloned().collect();
        let mut pending = self.journal.are_pending(&known)?.into_iter();
        let mut states = self.journal.files(&known)?.into_iter();
        let mut imports = Vec::new();
        for (file, id) in files.iter().zip(ids) {
            let pending = id.is_some() && pending.next() == Some(true);
            let bytes = id.as_ref().and_then(|_| states.next().flatten());
            let known = Known { id, state: bytes.and_then(|bytes| FileState::from_bytes(&bytes)), pending };
            self.look_at(state, file, known, &mut imports)?;
        }
        self.import(state, imports)
    }

    fn id_of(&self, state: &mut SyncState, file: &Touched) -> Result<Option<Id>, StoreError> {
        if let Some(id) = id_of(&file.name).filter(|id| id.kind() == file.kind) {
            return Ok(Some(id));
        }
        let at = (file.kind, file.name.clone());
        if is_cut(&file.name) && state.odd_names.id_of(&at).is_none() {
            self.learn_cut_names(state)?;
        }
        Ok(state.odd_names.id_of(&at).cloned())
    }

    /// Finds the ids of all files whose names were cut. Keys that need so many escapes are rare, and so is that others
    /// touch a file that was written since the last look at all of them.
    fn learn_cut_names(&self, state: &mut SyncState) -> Result<(), StoreError> {
        self.journal.each_file(|id, _| {
            let name = file_name(&id);
            let at = (id.kind(), name);
            if is_cut(&at.1) && state.odd_names.id_of(&at).is_none() {
                state.odd_names.insert(at, id);
            }
        })
    }

    /// Adds what one file says that is not known yet.
    fn look_at(
        &self,
        state: &mut SyncState,
        file: &Touched,
        known: Known,
        imports: &mut Imports,
    ) -> Result<(), StoreError> {
        let at = (file.kind, file.name.clone());
        let path = self.file_path(file.kind, &file.name);
        let found = FileState::at(&path);
        let is = |state: &FileState| matches!(&found, Ok(Some(found)) if found.is_same_file(state));
        if !file.in_place && state.own.get(&at).is_some_and(is) {
            state.own.remove(&at);
            state.bad.remove(&at);
            return Ok(());
        }
        if known.pending {
            // Ours was acknowledged and stands; but theirs may come after it.
            state.again.insert(file.clone());
            return Ok(());
        }
        state.bad.remove(&at);
        if !file.in_place && known.state.as_ref().is_some_and(is) {
            return Ok(());
        }
        let read = match found {
            Ok(Some(_)) => read(&path, file.kind),
            Ok(None) => ReadFile::Gone,
            Err(error) => ReadFile::Failed(error),
        };
        match read {
            ReadFile::Document(document, file_state) => {
                self.accept(state, at, known, document, file_state, imports);
            }
            ReadFile::Bad(reason) => self.leave_out(state, at, known.id, reason),
            // The fault is not the file's: it is told, and the file looked at again.
            ReadFile::Failed(error) if are_too_many_files_open(&error) => return Err(self.failed(error)),
            ReadFile::Failed(error) => self.leave_out(state, at, known.id, error.to_string()),
            ReadFile::Gone => imports.extend(gone(state, at, known)),
        }
        Ok(())
    }

    /// Takes a document, unless another file holds it already.
    fn accept(
        &self,
        state: &mut SyncState,
        at: (Kind, String),
        mut known: Known,
        document: Document,
        file_state: FileState,
        imports: &mut Imports,
    ) {
        let found = document.id().clone();
        let canonical = file_name(&found);
        let odd_name = state.odd_names.name_of(&found).filter(|name| *name != at.1).map(str::to_owned);
        if at.1 == canonical {
            // The file that held it is one too many now.
            state.again.extend(odd_name.map(|name| Touched { kind: at.0, name, in_place: true }));
            imports.push((at, Import::Document(document, file_state.to_bytes())));
            return;
        }
        if known.id.as_ref().is_some_and(|id| *id != found && file_name(id) == at.1) {
            self.leave_out(state, at, known.id, format!("it holds `{found}`, its name says something else"));
            return;
        }
        if known.id.as_ref().is_some_and(|id| *id != found) {
            // Under such a name one document may follow another.
            imports.extend(gone(state, at.clone(), known));
            known = Known { id: None, state: None, pending: false };
        }
        let holder = std::iter::once(canonical).chain(odd_name).find(|name| self.is_there(at.0, name));
        if let Some(holder) = holder {
            state.odd_names.remove(&at);
            // It is not the file of that document, which can be read where it is.
            let id = known.id.filter(|id| *id != found);
            self.leave_out(state, at, id, format!("it holds `{found}`, as `{holder}` does"));
            return;
        }
        state.odd_names.insert(at.clone(), found);
        let file_state = file_state.named(Some(at.1.clone()));
        imports.push((at, Import::Document(document, file_state.to_bytes())));
    }

    /// Notes a file that cannot be read as a document.
    fn leave_out(&self, state: &mut SyncState, at: (Kind, String), id: Option<Id>, reason: String) {
        let path = self.file_path(at.0, &at.1);
        tracing::warn!(path = %path.display(), %reason, "left out a file that cannot be read as a document");
        state.bad.insert(at, BadFile { id, reason });
    }

    /// Takes over what files say; those that the journal cannot keep are bad files.
    fn import(&self, state: &mut SyncState, imports: Imports) -> Result<(), StoreError> {
        if imports.is_empty() {
            return Ok(());
        }
        let (files, imports): (Vec<_>, Vec<_>) = imports.into_iter().unzip();
        let outcomes = self.journal.import(&imports)?;
        let mut changes = Vec::new();
        for ((at, import), outcome) in files.into_iter().zip(&imports).zip(outcomes) {
            let id = import.id().clone();
            match outcome {
                Imported::Unchanged => {}
                Imported::Changed { version, ends } => {
                    changes.push(StoreChange::Document { id, version, ends });
                }
                Imported::Refused(reason) => self.leave_out(state, at, Some(id), reason),
            }
        }
        self.feeds.send(changes);
        Ok(())
    }

    /// Whether something has a name, also where the system does not let it be looked at.
    fn is_there(&self, kind: Kind, name: &str) -> bool {
        !matches!(FileState::at(&self.file_path(kind, name)), Ok(None))
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

/// A file that does not hold its document any more.
fn gone(state: &mut SyncState, at: (Kind, String), known: Known) -> Option<((Kind, String), Import)> {
    state.odd_names.remove(&at);
    state.own.remove(&at);
    let (id, file) = (known.id?, known.state?);
    // Another file may hold the document by now.
    let name = file.odd_name.unwrap_or_else(|| file_name(&id));
    (name == at.1).then_some((at, Import::Gone(id)))
}

/// Whether a file could not be opened only because too many others are open.
#[cfg(unix)]
fn are_too_many_files_open(error: &io::Error) -> bool {
    use rustix::io::Errno;
    matches!(Errno::from_io_error(error), Some(Errno::MFILE | Errno::NFILE))
}

#[cfg(not(unix))]
fn are_too_many_files_open(_: &io::Error) -> bool {
    false
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use wayfare_graph::{Write, WriteBatch};

    use super::*;
    use crate::embedded::EmbeddedOptions;

    fn apply(folder: &Folder, write: Write) {
        let batch = WriteBatch { writes: vec![write], all_or_nothing: false };
        assert!(folder.apply(&[batch]).unwrap()[0][0].is_ok());
        folder.write_all().unwrap();
    }

    #[test]
    fn nothing_is_remembered_of_a_file_that_is_gone_before_its_note_was_read() {
        let path = tempfile::tempdir().unwrap();
        // Without its threads, so that only this test reads notes.
        let folder = Folder::open(path.path(), EmbeddedOptions::default()).unwrap();
        let document = Document::from_json(json!({"id": "n.City.a", "context": {}})).unwrap();
        let create = Write::Create { document: document.clone(), multi: false };
        let file = folder.file_path(Kind::Node, "n.City.a.json");
        apply(&folder, create.clone());
        assert!(file.exists());
        apply(&folder, Write::Delete { id: document.id().clone(), expected: None });
        assert!(!file.exists());
        let at = (Kind::Node, "n.City.a.json".to_owned());
        assert!(!folder.sync.lock().own.contains_key(&at), "it was deleted here");
        folder.sync().unwrap();
        apply(&folder, create);
        fs::remove_file(file).unwrap();
        folder.sync().unwrap();
        assert!(folder.sync.lock().own.is_empty(), "it was deleted by others");
    }
}

//! An embedded store as the journal of files elsewhere.
//!
//! Every commit also notes, in the same transaction, which documents changed. Somebody writes their files and then
//! settles the notes; what a crash leaves unsettled is written again. What is read from files is imported without a
//! note, as it is: the rules of the graph were not kept by whoever wrote them.

use std::ops::Bound;

use wayfare_graph::{Document, Id, StoreError, Version};

use super::EmbeddedStore;
use super::engine::Writing;
use super::fault::{Fault, Stop};
use super::index::Rule;
use super::tables::JournalTables;

/// A document whose file has to be written, or removed where there is no document.
#[derive(Debug)]
pub(crate) struct Pending {
    pub(crate) id: Id,
    /// The number of its last change.
    pub(crate) change: u64,
    pub(crate) document: Option<Document>,
}

/// What a file says, to be taken over.
#[derive(Debug)]
pub(crate) enum Import {
    /// A document, and what its file is like.
    Document(Document, Vec<u8>),
    /// The file of a document is gone.
    Gone(Id),
}

impl Import {
    /// Of which document.
    pub(crate) fn id(&self) -> &Id {
        match self {
            Self::Document(document, _) => document.id(),
            Self::Gone(id) => id,
        }
    }
}

/// What an import did to one document.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Imported {
    /// It was as it is, or a change of ours is on its way to the file and stands.
    Unchanged,
    /// It has this version now, `None` where it is gone.
    Changed {
        version: Option<Version>,
        /// The ends of an edge, before and now.
        ends: Vec<Id>,
    },
    /// It cannot be kept here, for this reason, and everything is as it was.
    Refused(String),
}

impl EmbeddedStore {
    /// Up to `limit` documents whose files are not as they are, in the order of their texts, those after an id.
    pub(crate) fn pending(&self, after: Option<&Id>, limit: usize) -> Result<Vec<Pending>, StoreError> {
        let after = after.map(key_of);
        let start = after.as_deref().map_or(Bound::Unbounded, Bound::Excluded);
        self.engine.read(|view| {
            let Some(journal) = view.tables.journal else { return Ok(Vec::new()) };
            let mut pending = Vec::new();
            for row in journal.pending.range(view.txn, &(start, Bound::Unbounded))?.take(limit) {
                let (key, change) = row?;
                let id = id_of(key)?;
                let document = view.document(&id)?;
                pending.push(Pending { id, change: number(change)?, document });
            }
            Ok(pending)
        })
    }

    /// How many documents have files that are not as they are.
    pub(crate) fn count_pending(&self) -> Result<u64, StoreError> {
        self.engine.read(|view| match view.tables.journal {
            Some(journal) => Ok(journal.pending.len(view.txn)?),
            None => Ok(0),
        })
    }

    /// Those of the ids that have a change on its way to their file.
    pub(crate) fn are_pending(&self, ids: &[Id]) -> Result<Vec<bool>, StoreError> {
        self.engine.read(|view| {
            let Some(journal) = view.tables.journal else { return Ok(vec![false; ids.len()]) };
            ids.iter().map(|id| Ok(journal.pending.get(view.txn, &key_of(id))?.is_some())).collect()
        })
    }

    /// Notes that files were written and are durable; a note of a later change stays.
    pub(crate) fn settle(&self, written: &[(Id, u64, Option<Vec<u8>>)]) -> Result<(), StoreError> {
        self.engine.write(|writing| {
            let Some(journal) = writing.engine.tables.journal else { return Ok(()) };
            for (id, change, file) in written {
                let key = key_of(id);
                match file {
                    Some(file) => journal.file.put(&mut writing.txn, &key, file)?,
                    None => drop(journal.file.delete(&mut writing.txn, &key)?),
                }
                let noted = journal.pending.get(&writing.txn, &key)?.map(number).transpose()?;
                if noted == Some(*change) {
                    journal.pending.delete(&mut writing.txn, &key)?;
                }
            }
            Ok(())
        })
    }

    /// Notes that the files of documents have to be written.
    pub(crate) fn mark_pending(&self, ids: &[Id]) -> Result<(), StoreError> {
        self.engine.write(|writing| ids.iter().try_for_each(|id| writing.note_change(id)))
    }

    /// What the files of documents were like, `None` where there was none.
    pub(crate) fn files(&self, ids: &[Id]) -> Result<Vec<Option<Vec<u8>>>, StoreError> {
        self.engine.read(|view| {
            let Some(journal) = view.tables.journal else { return Ok(vec![None; ids.len()]) };
            ids.iter().map(|id| Ok(journal.file.get(view.txn, &key_of(id))?.map(<[u8]>::to_vec))).collect()
        })
    }

    /// Calls `each` for every document that has a file, with what that was like.
    pub(crate) fn each_file(&self, mut each: impl FnMut(Id, &[u8])) -> Result<(), StoreError> {
        self.engine.read(|view| {
            let Some(journal) = view.tables.journal else { return Ok(()) };
            for row in journal.file.iter(view.txn)? {
                let (key, file) = row?;
                each(id_of(key)?, file);
            }
            Ok(())
        })
    }

    /// Takes over what files say, in one commit. The outcome is in the order of the imports.
    pub(crate) fn import(&self, imports: &[Import]) -> Result<Vec<Imported>, StoreError> {
        self.engine.write(|writing| {
            writing.importing = true;
            imports.iter().map(|import| writing.import(import)).collect()
        })
    }
}

impl EmbeddedStore {
    /// Stores documents as they are, over whatever is there and whatever the rules of the graph.
    #[cfg(feature = "sqlite")]
    pub(crate) fn take_over(&self, documents: &[Document]) -> Result<(), StoreError> {
        self.engine.write(|writing| {
            documents.iter().try_for_each(|document| done(writing.import_document(document, false)).map(drop))
        })
    }
}

impl Writing<'_> {
    /// Notes that a document's file has to be written.
    pub(super) fn note_change(&mut self, id: &Id) -> Result<(), Fault> {
        let Some(JournalTables { pending, .. }) = self.engine.tables.journal else { return Ok(()) };
        if self.importing {
            return Ok(());
        }
        self.writer.changes += 1;
        pending.put(&mut self.txn, &key_of(id), &self.writer.changes.to_be_bytes())?;
        Ok(())
    }

    fn import(&mut self, import: &Import) -> Result<Imported, Fault> {
        let Some(journal) = self.engine.tables.journal else { return Ok(Imported::Unchanged) };
        let key = key_of(import.id());
        if journal.pending.get(&self.txn, &key)?.is_some() {
            return Ok(Imported::Unchanged);
        }
        let known = journal.file.get(&self.txn, &key)?.is_some();
        match import {
            Import::Document(document, file) => match self.import_document(document, known) {
                Ok(imported) => {
                    journal.file.put(&mut self.txn, &key, file)?;
                    Ok(imported)
                }
                Err(Stop::Refused(error)) => Ok(Imported::Refused(error.to_string())),
                Err(Stop::Failed(fault)) => Err(fault),
            },
            Import::Gone(id) => {
                journal.file.delete(&mut self.txn, &key)?;
                self.import_removal(id)
            }
        }
    }

    /// A change by others counts as a write: the version grows, whether they know of versions or not.
    ///
    /// What is refused leaves nothing behind.
    fn import_document(&mut self, document: &Document, known: bool) -> Result<Imported, Stop> {
        let id = document.id();
        let mut document = document.clone();
        let mut ends = ends_of(&document);
        let mut moved = None;
        if let Some(stored) = self.view().document(id)? {
            let same = document.clone().with_version(stored.version()) == stored;
            if same && document.version() <= stored.version() {
                return Ok(Imported::Unchanged);
            }
            if known && document.version() <= stored.version() {
                document = document.with_version(stored.version().next());
            }
            if stored.ends() != document.ends() {
                ends.extend(ends_of(&stored));
                moved = Some(stored);
            }
        }
        let version = Some(document.version());
        match moved {
            None => drop(self.put(&document, Rule::Waived)?),
            Some(stored) => self.import_moved(&stored, &document)?,
        }
        Ok(Imported::Changed { version, ends })
    }

    /// An edge that has other ends: another one under the same id.
    fn import_moved(&mut self, stored: &Document, document: &Document) -> Result<(), Stop> {
        let moved = self.nested(|inner| {
            match inner.remove(stored).and_then(|()| inner.put(document, Rule::Waived)) {
                Ok(_) => Ok(Ok(())),
                Err(Stop::Refused(error)) => Ok(Err(error)),
                Err(Stop::Failed(fault)) => Err(fault),
            }
        })?;
        moved.map_err(Stop::Refused)
    }

    fn import_removal(&mut self, id: &Id) -> Result<Imported, Fault> {
        // A node's edges stay, as their files do.
        match self.view().document(id)? {
            Some(_) if *id == Id::root() => Ok(Imported::Unchanged),
            Some(stored) => {
                done(self.remove(&stored))?;
                Ok(Imported::Changed { version: None, ends: ends_of(&stored) })
            }
            None => Ok(Imported::Unchanged),
        }
    }
}

fn ends_of(document: &Document) -> Vec<Id> {
    document.ends().into_iter().flat_map(|ends| [ends.source.clone(), ends.target.clone()]).collect()
}

/// A write that no rule of the graph can refuse; what is refused all the same cannot be kept here.
fn done<T>(result: Result<T, Stop>) -> Result<T, Fault> {
    result.map_err(|stop| match stop {
        Stop::Failed(fault) => fault,
        Stop::Refused(error) => Fault::damaged("file", error.to_string()),
    })
}

/// Where a document stands in both tables. The entity's code would not do: it is given out with the first document.
fn key_of(id: &Id) -> Vec<u8> {
    id.to_string().into_bytes()
}

fn id_of(key: &[u8]) -> Result<Id, Fault> {
    let id = std::str::from_utf8(key).ok().and_then(|text| text.parse().ok());
    id.ok_or_else(|| Fault::damaged("table `pending` or `file`", "a key is no id"))
}

fn number(bytes: &[u8]) -> Result<u64, Fault> {
    let bytes = bytes
        .try_into()
        .map_err(|_| Fault::damaged("table `pending`", "the number of a change is damaged"))?;
    Ok(u64::from_be_bytes(bytes))
}

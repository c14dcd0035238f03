//! What each sort of write does. Every check comes before the first change, so that a refused write
//! leaves nothing behind.

use rustc_hash::FxHashSet;
use wayfare_graph::{Direction, Document, Id, Kind, Version, Write, WriteError, Written};

use super::codec::document_key;
use super::document_value::encode;
use super::engine::Writing;
use super::fault::{Fault, Stop};
use super::index::{RowChanges, Rule};
use crate::rules::{self, NotMerged, OTHER_ENDS, check_shape, check_version, merged};

impl Writing<'_> {
    /// Does one write.
    pub(super) fn change(&mut self, write: &Write) -> Result<Written, Stop> {
        match write {
            Write::Create { document, multi } => self.create(document, *multi),
            Write::Save { document } => self.save(document),
            Write::Upsert { document } => self.upsert(document),
            Write::Connect { edge, parallel } => self.connect(edge, *parallel),
            Write::Put { document } => self.put(document, Rule::Kept),
            Write::Delete { id, expected } => self.delete(id, *expected),
            other => {
                Err(Fault::damaged("batch", format!("this store does not know how to do {other:?}")).into())
            }
        }
    }

    fn create(&mut self, document: &Document, multi: bool) -> Result<Written, Stop> {
        check_shape(document)?;
        let id = document.id();
        if self.view().contains(id)? {
            return Err(WriteError::AlreadyExists { id: id.clone() }.into());
        }
        if let Some(ends) = document.ends() {
            self.check_ends(ends)?;
            let twin = match multi {
                true => None,
                false => {
                    self.view().parallel_edges(&ends.source, &ends.target, id.entity())?.into_iter().next()
                }
            };
            if let Some(id) = twin {
                return Err(WriteError::AlreadyExists { id }.into());
            }
        }
        let rows = self.row_changes(id, None, Some(document.body()), Rule::Kept)?;
        self.code_of(id.entity(), id)?;
        self.put_document(document, Version::FIRST, rows)?;
        self.count(id, 1);
        if let Some(ends) = document.ends() {
            self.list_edge(id, ends)?;
        }
        Ok(Written::Created { id: id.clone() })
    }

    fn save(&mut self, document: &Document) -> Result<Written, Stop> {
        check_shape(document)?;
        let id = document.id();
        let stored = self.view().stored(id)?.ok_or_else(|| WriteError::NotFound { id: id.clone() })?;
        check_version(id, document.version(), stored.version)?;
        if stored.ends.as_ref() != document.ends() {
            return Err(unsuitable(id, OTHER_ENDS));
        }
        let indexed = self.writer.catalog.indexes_of(id.kind(), id.entity()).next().is_some();
        let old = (indexed && !stored.has_body(document.body())).then(|| stored.body());
        let version = stored.version.next();
        let rows = match &old {
            Some(old) => self.row_changes(id, Some(old), Some(document.body()), Rule::Kept)?,
            None => RowChanges::default(),
        };
        self.put_document(document, version, rows)?;
        Ok(Written::Changed { id: id.clone(), version })
    }

    fn upsert(&mut self, document: &Document) -> Result<Written, Stop> {
        check_shape(document)?;
        match self.view().document(document.id())? {
            Some(stored) => self.merge(&stored, document),
            None => self.create(document, false),
        }
    }

    fn connect(&mut self, edge: &Document, parallel: Option<u32>) -> Result<Written, Stop> {
        check_shape(edge)?;
        let Some(ends) = edge.ends() else {
            return Err(unsuitable(edge.id(), "only an edge connects nodes"));
        };
        let mut found = self.view().parallel_edges(&ends.source, &ends.target, edge.id().entity())?;
        let nth = parallel.map_or(0, |nth| usize::try_from(nth).unwrap_or(usize::MAX));
        if nth >= found.len() {
            return self.create(edge, true);
        }
        let id = found.swap_remove(nth);
        let stored = self.view().listed_document(&id)?;
        self.merge(&stored, edge)
    }

    /// Stores a document as it is, with its version, over what is stored.
    pub(super) fn put(&mut self, document: &Document, rule: Rule) -> Result<Written, Stop> {
        check_shape(document)?;
        let id = document.id();
        let stored = self.view().document(id)?;
        let version = document.version();
        match &stored {
            Some(stored) if stored == document => return Ok(Written::Unchanged { id: id.clone(), version }),
            Some(stored) if stored.ends() != document.ends() => {
                return Err(unsuitable(id, "it is stored with other ends: delete it first"));
            }
            _ => {}
        }
        let rows = self.row_changes(id, stored.as_ref().map(Document::body), Some(document.body()), rule)?;
        self.code_of(id.entity(), id)?;
        for end in document.ends().iter().flat_map(|ends| [&ends.source, &ends.target]) {
            // Nobody has asked whether it exists, so its entity may be new to the store.
            self.code_of(end.entity(), id)?;
        }
        self.put_document(document, version, rows)?;
        if stored.is_some() {
            return Ok(Written::Changed { id: id.clone(), version });
        }
        self.count(id, 1);
        if let Some(ends) = document.ends() {
            self.list_edge(id, ends)?;
        }
        Ok(Written::Created { id: id.clone() })
    }

    /// Writes the fields of one document over those of a stored one.
    fn merge(&mut self, stored: &Document, document: &Document) -> Result<Written, Stop> {
        let id = stored.id();
        let Some(document) = merged(stored, document)? else {
            return Ok(Written::Unchanged { id: id.clone(), version: stored.version() });
        };
        let rows = match stored.body() == document.body() {
            true => RowChanges::default(),
            false => self.row_changes(id, Some(stored.body()), Some(document.body()), Rule::Kept)?,
        };
        let version = stored.version().next();
        self.put_document(&document, version, rows)?;
        Ok(Written::Changed { id: id.clone(), version })
    }

    fn delete(&mut self, id: &Id, expected: Option<Version>) -> Result<Written, Stop> {
        if *id == Id::root() {
            return Err(unsuitable(id, "every graph has its root: it cannot be deleted"));
        }
        let stored = self.view().document(id)?.ok_or_else(|| WriteError::NotFound { id: id.clone() })?;
        if let Some(expected) = expected {
            check_version(id, expected, stored.version())?;
        }
        let mut edges = Vec::new();
        let mut neighbours = Vec::new();
        match stored.ends() {
            Some(ends) => neighbours.extend([ends.source.clone(), ends.target.clone()]),
            // Only a node has edges. What has its entity and key under another kind must leave them alone:
            // rows of links go by entity and key.
            None if id.kind() == Kind::Node => self.delete_edges_of(id, &mut edges, &mut neighbours)?,
            None => {}
        }
        self.remove(&stored)?;
        let mut seen = FxHashSet::default();
        neighbours.retain(|node| node != id && seen.insert(node.clone()));
        Ok(Written::Deleted { id: id.clone(), edges, neighbours })
    }

    /// Removes the edges of a node that is going to be removed.
    fn delete_edges_of(&mut self, node: &Id, edges: &mut Vec<Id>, others: &mut Vec<Id>) -> Result<(), Stop> {
        let mut links = self.view().links(node, Direction::Both)?;
        // A directed self loop is listed twice.
        links.dedup_by(|a, b| a.edge == b.edge);
        for link in links {
            let edge = self.view().listed_document(&link.edge)?;
            self.remove(&edge)?;
            edges.push(link.edge);
            others.push(link.other);
        }
        Ok(())
    }

    /// Removes a document and its rows.
    pub(super) fn remove(&mut self, stored: &Document) -> Result<(), Stop> {
        let id = stored.id();
        let rows = self.row_changes(id, Some(stored.body()), None, Rule::Kept)?;
        self.apply_row_changes(rows)?;
        if let Some(ends) = stored.ends() {
            self.unlist_edge(id, ends)?;
        }
        let table = self.engine.tables.of(id.kind());
        let code = self.code_of(id.entity(), id)?;
        table.delete(&mut self.txn, document_key(code, id).as_slice())?;
        self.count(id, -1);
        self.note_change(id)?;
        Ok(())
    }

    /// Stores a document whose entity has a code.
    fn put_document(&mut self, document: &Document, version: Version, rows: RowChanges) -> Result<(), Stop> {
        let id = document.id();
        let table = self.engine.tables.of(id.kind());
        let code = self.code_of(id.entity(), id)?;
        encode(document, version, &self.writer.catalog, &mut self.writer.scratch)
            .ok_or_else(|| Fault::damaged(id.to_string(), "the entity of an end has no code"))?;
        table.put(&mut self.txn, document_key(code, id).as_slice(), &self.writer.scratch)?;
        self.apply_row_changes(rows)?;
        self.note_change(id)?;
        Ok(())
    }
}

fn unsuitable(id: &Id, reason: &str) -> Stop {
    rules::unsuitable(id, reason).into()
}

impl From<NotMerged> for Stop {
    fn from(why: NotMerged) -> Self {
        match why {
            NotMerged::Refused(error) => error.into(),
            NotMerged::Damaged { what, reason } => Fault::damaged(what, reason).into(),
        }
    }
}

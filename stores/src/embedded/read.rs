//! Reading documents in a transaction of either sort.

use std::ops::Bound;

use heed::RoTxn;
use wayfare_graph::{Document, EntityName, Id, Kind, Page};

use super::catalog::Catalog;
use super::codec::{ID_BYTES, KeyBuf, Section, after_prefix, document_key, is_document, take_id, take_key};
use super::document_value::StoredDocument;
use super::fault::Fault;
use super::tables::{Table, Tables};

/// The file as one transaction sees it.
#[derive(Clone, Copy)]
pub(super) struct View<'t> {
    pub(super) txn: &'t RoTxn<'t>,
    pub(super) tables: &'t Tables,
    pub(super) catalog: &'t Catalog,
}

/// The key of a row of the table `pair`, which holds three ids.
pub(super) type PairKey = KeyBuf<{ 3 * ID_BYTES }>;

/// A row of a table.
pub(super) type Row<'t> = (&'t [u8], &'t [u8]);

impl<'t> View<'t> {
    /// The bytes of a document.
    fn bytes(&self, id: &Id) -> Result<Option<&'t [u8]>, Fault> {
        match self.catalog.code(id.entity()) {
            Some(code) => Ok(self.tables.of(id.kind()).get(self.txn, document_key(code, id).as_slice())?),
            None => Ok(None),
        }
    }

    /// A document with its fields still encoded.
    pub(super) fn stored(&self, id: &Id) -> Result<Option<StoredDocument<'t>>, Fault> {
        let parse =
            |bytes| StoredDocument::parse(bytes, self.catalog).ok_or_else(|| Fault::damaged_document(id));
        self.bytes(id)?.map(parse).transpose()
    }

    /// A document.
    pub(super) fn document(&self, id: &Id) -> Result<Option<Document>, Fault> {
        Ok(self.stored(id)?.map(|stored| stored.to_document(id.clone())))
    }

    /// A document that a row elsewhere speaks of.
    pub(super) fn listed_document(&self, id: &Id) -> Result<Document, Fault> {
        let document = self.document(id)?;
        document.ok_or_else(|| Fault::damaged(id.to_string(), "it is listed but not stored"))
    }

    /// A document from bytes of its table.
    pub(super) fn document_of(&self, id: Id, bytes: &[u8]) -> Result<Document, Fault> {
        match StoredDocument::parse(bytes, self.catalog) {
            Some(stored) => Ok(stored.to_document(id)),
            None => Err(Fault::damaged_document(&id)),
        }
    }

    /// Whether there is such a document.
    pub(super) fn contains(&self, id: &Id) -> Result<bool, Fault> {
        Ok(self.bytes(id)?.is_some())
    }

    /// The documents of ids, in their order.
    pub(super) fn get_many(&self, ids: &[Id]) -> Result<Vec<Option<Document>>, Fault> {
        ids.iter().map(|id| self.document(id)).collect()
    }

    /// The edges of an entity from one node to another, in the order of their ids.
    pub(super) fn parallel_edges(
        &self,
        source: &Id,
        target: &Id,
        entity: EntityName,
    ) -> Result<Vec<Id>, Fault> {
        let Some(prefix) = self.pair_prefix(source, target, entity) else {
            return Ok(Vec::new());
        };
        let mut edges = Vec::new();
        for row in self.tables.pair.prefix_iter(self.txn, prefix.as_slice())? {
            let edge = take_key(&mut &row?.0[prefix.len()..], Kind::Edge, entity);
            edges.push(edge.ok_or_else(|| Fault::damaged("table `pair`", "a key names no edge"))?);
        }
        // Generated keys stand before given ones in the table, which is not the order of their texts.
        edges.sort_by(Id::cmp_by_key);
        Ok(edges)
    }

    /// How the rows of a pair of nodes begin; `None` when the file lacks one of the names.
    pub(super) fn pair_prefix(&self, source: &Id, target: &Id, entity: EntityName) -> Option<PairKey> {
        let mut prefix = PairKey::new();
        prefix.push_id(self.catalog.code(source.entity())?, source);
        prefix.push_id(self.catalog.code(target.entity())?, target);
        prefix.push_code(self.catalog.code(entity)?);
        Some(prefix)
    }

    /// One page of the documents of a kind, in the order of the table.
    pub(super) fn scan(
        &self,
        kind: Kind,
        entity: Option<EntityName>,
        after: Option<&Id>,
        limit: usize,
    ) -> Result<Page, Fault> {
        let mut page = Page::default();
        let Some(rows) = self.documents_after(kind, entity, after)? else {
            return Ok(page);
        };
        for row in rows {
            let (key, bytes) = row?;
            if page.documents.len() == limit {
                page.next = page.documents.last().map(|last| last.id().clone()).or_else(|| after.cloned());
                break;
            }
            let id = self.id(kind, key)?;
            page.documents.push(self.document_of(id, bytes)?);
        }
        Ok(page)
    }

    /// The documents of a kind, and of an entity unless `None`, after an id; `None` when there are none.
    pub(super) fn documents_after(
        &self,
        kind: Kind,
        entity: Option<EntityName>,
        after: Option<&Id>,
    ) -> Result<Option<impl Iterator<Item = heed::Result<Row<'t>>> + use<'t>>, Fault> {
        // LMDB takes no empty key; this one is below all codes.
        let (mut start, mut end) = (vec![0], Bound::Unbounded);
        if let Some(entity) = entity {
            let Some(code) = self.catalog.code(entity) else {
                return Ok(None);
            };
            start = code.to_be_bytes().to_vec();
            end = Bound::Excluded(after_prefix(&start));
        }
        if let Some(after) = after {
            // Codes are given out in order, so an entity without one comes after all others.
            let Some(code) = self.catalog.code(after.entity()) else {
                return Ok(None);
            };
            let mut key = KeyBuf::<{ ID_BYTES + 1 }>::new();
            key.push_id(code, after);
            // Past the links of a node, and past the document of any other kind.
            key.push(Section::End as u8);
            start = start.max(key.as_slice().to_vec());
        }
        let bounds = (Bound::Included(start.as_slice()), end.as_ref().map(Vec::as_slice));
        let rows = self.tables.of(kind).range(self.txn, &bounds)?;
        Ok(Some(rows.filter(move |row| row.as_ref().map_or(true, |(key, _)| is_document(kind, key)))))
    }

    /// The rows from `start` on that are below `end`.
    pub(super) fn range(
        &self,
        table: Table,
        start: &[u8],
        end: &[u8],
    ) -> Result<impl Iterator<Item = heed::Result<Row<'t>>> + use<'t>, Fault> {
        Ok(table.range(self.txn, &(Bound::Included(start), Bound::Excluded(end)))?)
    }

    /// The id behind a key in the table of a kind.
    pub(super) fn id(&self, kind: Kind, mut key: &[u8]) -> Result<Id, Fault> {
        let damaged = || Fault::damaged(format!("table `{}`", kind.collection()), "a key is no id");
        take_id(&mut key, kind, self.catalog).ok_or_else(damaged)
    }
}

//! Reading documents and neighbours in a transaction of either sort.

use std::cmp::Ordering;
use std::ops::Bound;

use heed::RoTxn;
use wayfare_graph::{Adjacency, Direction, Document, EntityName, Id, Kind, Link, Loaded, Need, Page};

use super::catalog::Catalog;
use super::codec::{ID_BYTES, KeyBuf, after_prefix, document_id, document_key, tagged_id};
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

/// On which side of an edge a node stands. The order makes every direction one range of rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Class {
    Out = 0,
    Bidirectional = 1,
    In = 2,
}

/// The key of a row of the table `pair`, which holds three ids.
pub(super) type PairKey = KeyBuf<{ 3 * ID_BYTES }>;

/// A row of a table.
pub(super) type Row<'t> = (&'t [u8], &'t [u8]);

impl<'t> View<'t> {
    /// The bytes of a document.
    pub(super) fn bytes(&self, id: &Id) -> Result<Option<&'t [u8]>, Fault> {
        match (self.tables.of(id.kind()), self.catalog.code(id.entity())) {
            (Some(table), Some(code)) => Ok(table.get(self.txn, document_key(code, id).as_slice())?),
            _ => Ok(None),
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

    /// Nodes and their neighbours.
    pub(super) fn load(&self, ids: &[Id], need: Need) -> Result<Loaded, Fault> {
        let mut loaded = Loaded { documents: Vec::with_capacity(ids.len()), ..Loaded::default() };
        for id in ids {
            let document = if id.kind() == Kind::Node { self.document(id)? } else { None };
            for direction in Direction::ALL.into_iter().filter(|&direction| need.wants_links(direction)) {
                let adjacency = &mut loaded.adjacency[direction as usize];
                if document.is_some() {
                    self.links(id, direction, &mut adjacency.links)?;
                }
                adjacency.ends.push(adjacency.links.len());
            }
            loaded.documents.push(document);
        }
        for direction in Direction::ALL.into_iter().filter(|&direction| need.wants_edges(direction)) {
            let Adjacency { links, edges, .. } = &mut loaded.adjacency[direction as usize];
            edges.reserve_exact(links.len());
            for link in links {
                let edge = self.document(&link.edge)?;
                edges.push(edge.ok_or_else(|| {
                    Fault::damaged(link.edge.to_string(), "the edge is listed but not stored")
                })?);
            }
        }
        Ok(loaded)
    }

    /// Appends the neighbours of one node.
    fn links(&self, node: &Id, direction: Direction, links: &mut Vec<Link>) -> Result<(), Fault> {
        let (first, last) = match direction {
            Direction::Out => (Class::Out, Class::Bidirectional),
            Direction::In => (Class::Bidirectional, Class::In),
            Direction::Both => (Class::Out, Class::In),
        };
        let start = links.len();
        let mut sorted = true;
        self.adjacency_rows(node, first, last, |_, link| {
            let in_order = links[start..]
                .last()
                .is_none_or(|before| before.edge.cmp_by_key(&link.edge) != Ordering::Greater);
            sorted &= in_order;
            links.push(link);
        })?;
        if !sorted {
            // A stable sort: the two ends of a directed self loop keep the order of their classes.
            links[start..].sort_by(|a, b| a.edge.cmp_by_key(&b.edge));
        }
        Ok(())
    }

    /// Calls `each` for the rows of a node, from the first to the last class.
    pub(super) fn adjacency_rows(
        &self,
        node: &Id,
        first: Class,
        last: Class,
        mut each: impl FnMut(u8, Link),
    ) -> Result<(), Fault> {
        let Some(code) = self.catalog.code(node.entity()) else {
            return Ok(());
        };
        let mut start = KeyBuf::<{ ID_BYTES + 1 }>::new();
        start.push_reference(code, node);
        let prefix = start.len();
        start.push(first as u8);
        let mut end = KeyBuf::<{ ID_BYTES + 1 }>::new();
        end.push_reference(code, node);
        end.push(last as u8 + 1);
        for row in self.range(self.tables.adjacency, start.as_slice(), end.as_slice())? {
            let (key, value) = row?;
            let link = self.link(&key[prefix + 1..], value);
            let link = link
                .ok_or_else(|| Fault::damaged(node.to_string(), "a row of its neighbours cannot be read"))?;
            each(key[prefix], link);
        }
        Ok(())
    }

    /// Reads the end of an adjacency row's key, and its value.
    fn link(&self, edge: &[u8], other: &[u8]) -> Option<Link> {
        let (tagged, code) = edge.split_last_chunk()?;
        let entity = self.catalog.name(u16::from_be_bytes(*code))?;
        let edge = tagged_id(Kind::Edge, entity, tagged)?;
        Some(Link { edge, other: document_id(Kind::Node, other, self.catalog)? })
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
            let edge = tagged_id(Kind::Edge, entity, &row?.0[prefix.len()..]);
            edges.push(edge.ok_or_else(|| Fault::damaged("table `pair`", "a key names no edge"))?);
        }
        // Generated keys stand before given ones in the table, which is not the order of their texts.
        edges.sort_by(Id::cmp_by_key);
        Ok(edges)
    }

    /// How the rows of a pair of nodes begin; `None` when the file lacks one of the names.
    pub(super) fn pair_prefix(&self, source: &Id, target: &Id, entity: EntityName) -> Option<PairKey> {
        let mut prefix = PairKey::new();
        prefix.push_reference(self.catalog.code(source.entity())?, source);
        prefix.push_reference(self.catalog.code(target.entity())?, target);
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
        let Some(table) = self.tables.of(kind) else {
            return Ok(None);
        };
        let (mut start, mut end) = (Bound::Unbounded, Bound::Unbounded);
        if let Some(entity) = entity {
            let Some(code) = self.catalog.code(entity) else {
                return Ok(None);
            };
            start = Bound::Included(code.to_be_bytes().to_vec());
            end = Bound::Excluded(after_prefix(&code.to_be_bytes()));
        }
        if let Some(after) = after {
            // Codes are given out in order, so an entity without one comes after all others.
            let Some(code) = self.catalog.code(after.entity()) else {
                return Ok(None);
            };
            let key = document_key(code, after).as_slice().to_vec();
            if !matches!(&start, Bound::Included(first) if *first > key) {
                start = Bound::Excluded(key);
            }
        }
        let bounds = (start.as_ref().map(Vec::as_slice), end.as_ref().map(Vec::as_slice));
        Ok(Some(table.range(self.txn, &bounds)?))
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
    pub(super) fn id(&self, kind: Kind, key: &[u8]) -> Result<Id, Fault> {
        document_id(kind, key, self.catalog)
            .ok_or_else(|| Fault::damaged(format!("table `{}`", kind.collection()), "a key is no id"))
    }
}

//! What is kept of an edge beside its document: a link at each end, and the row of the pair.

use heed::RwTxn;
use wayfare_graph::{Ends, Id, Kind, WriteError};

use super::codec::{ID_BYTES, KeyBuf, Section};
use super::engine::Writing;
use super::fault::{Fault, Stop};
use super::links::LinkRow;
use super::read::PairKey;
use super::tables::Table;

/// On which side of an edge a node stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Side {
    Source,
    Either,
    Target,
}

/// A link that is being added or removed.
struct NewLink {
    table: Table,
    /// What the keys of the node's rows of links begin with.
    prefix: KeyBuf<{ ID_BYTES + 1 }>,
    /// The edge and the other end, as rows hold them.
    bytes: KeyBuf<{ 2 * ID_BYTES }>,
    /// How much of that is the edge.
    edge_len: usize,
}

impl Writing<'_> {
    /// Refuses an edge whose ends are not both stored.
    pub(super) fn check_ends(&self, ends: &Ends) -> Result<(), Stop> {
        for end in [&ends.source, &ends.target] {
            if end.kind() != Kind::Node || !self.view().contains(end)? {
                let Ends { source: source_id, target: target_id, .. } = ends.clone();
                return Err(WriteError::UnknownEnd { source_id, target_id, missing: end.clone() }.into());
            }
        }
        Ok(())
    }

    /// Lists a new edge at its ends.
    pub(super) fn list_edge(&mut self, edge: &Id, ends: &Ends) -> Result<(), Fault> {
        for (node, side, other) in sides(ends) {
            self.new_link(node, side, edge, other)?.add(&mut self.txn)?;
        }
        let key = self.pair_key(edge, ends)?;
        self.engine.tables.pair.put(&mut self.txn, key.as_slice(), &[])?;
        Ok(())
    }

    /// Takes an edge off the lists of its ends.
    pub(super) fn unlist_edge(&mut self, edge: &Id, ends: &Ends) -> Result<(), Fault> {
        for (node, side, other) in sides(ends) {
            self.new_link(node, side, edge, other)?.remove(&mut self.txn)?;
        }
        let key = self.pair_key(edge, ends)?;
        self.engine.tables.pair.delete(&mut self.txn, key.as_slice())?;
        Ok(())
    }

    fn new_link(&self, node: &Id, side: Side, edge: &Id, other: &Id) -> Result<NewLink, Fault> {
        let mut prefix = KeyBuf::new();
        prefix.push_id(self.known_code(node)?, node);
        let tables = &self.engine.tables;
        let (table, section) = match side {
            Side::Source => (tables.node, Some(Section::Out)),
            Side::Either => (tables.node, Some(Section::Bidirectional)),
            Side::Target => (tables.incoming, None),
        };
        if let Some(section) = section {
            prefix.push(section as u8);
        }
        let mut bytes = KeyBuf::new();
        bytes.push_key(edge);
        bytes.push_code(self.known_code(edge)?);
        let edge_len = bytes.len();
        bytes.push_id(self.known_code(other)?, other);
        Ok(NewLink { table, prefix, bytes, edge_len })
    }

    fn pair_key(&self, edge: &Id, ends: &Ends) -> Result<PairKey, Fault> {
        let prefix = self.view().pair_prefix(&ends.source, &ends.target, edge.entity());
        let mut key = prefix.ok_or_else(|| nameless(edge))?;
        key.push_key(edge);
        Ok(key)
    }

    /// The code of an entity that is stored.
    fn known_code(&self, id: &Id) -> Result<u16, Fault> {
        self.writer.catalog.code(id.entity()).ok_or_else(|| nameless(id))
    }
}

impl NewLink {
    fn edge(&self) -> &[u8] {
        &self.bytes.as_slice()[..self.edge_len]
    }

    /// The key of a row whose first link is that of `edge`.
    fn row_key(&self, edge: &[u8]) -> KeyBuf<{ 2 * ID_BYTES + 1 }> {
        let mut key = KeyBuf::new();
        key.extend(self.prefix.as_slice());
        key.extend(edge);
        key
    }

    /// The row that has or would have this link: the last one that begins before it, else the first.
    fn row(&self, txn: &RwTxn<'_>) -> Result<Option<(Vec<u8>, LinkRow)>, Fault> {
        let key = self.row_key(self.edge());
        let is_own = |row: &(&[u8], &[u8])| row.0.starts_with(self.prefix.as_slice());
        let mut found = self.table.get_lower_than_or_equal_to(txn, key.as_slice())?.filter(is_own);
        if found.is_none() {
            found = self.table.get_greater_than(txn, key.as_slice())?.filter(is_own);
        }
        Ok(found.map(|(key, links)| (key.to_vec(), LinkRow(links.to_vec()))))
    }

    fn add(&self, txn: &mut RwTxn<'_>) -> Result<(), Fault> {
        let link = self.bytes.as_slice();
        let Some((mut key, mut row)) = self.row(txn)? else {
            return Ok(self.table.put(txn, self.row_key(self.edge()).as_slice(), link)?);
        };
        let at = row.find(self.edge()).ok_or_else(|| damaged("a row of links cannot be read"))?;
        let at = at.err().ok_or_else(|| damaged("an edge is listed before it is stored"))?;
        // Edges mostly come in the order of their keys: then full rows stay as they are.
        if at == row.0.len() && row.is_full_for(link) {
            return Ok(self.table.put(txn, self.row_key(self.edge()).as_slice(), link)?);
        }
        row.insert(at, link);
        if at == 0 {
            self.table.delete(txn, &key)?;
            key = self.row_key(self.edge()).as_slice().to_vec();
        }
        if let Some(second) = row.split() {
            let first = second.first_edge().ok_or_else(|| damaged("a row of links cannot be read"))?;
            self.table.put(txn, self.row_key(first).as_slice(), &second.0)?;
        }
        Ok(self.table.put(txn, &key, &row.0)?)
    }

    fn remove(&self, txn: &mut RwTxn<'_>) -> Result<(), Fault> {
        let unlisted = || damaged("an edge is stored but not listed");
        let (mut key, mut row) = self.row(txn)?.ok_or_else(unlisted)?;
        let range = row.find(self.edge()).ok_or_else(|| damaged("a row of links cannot be read"))?;
        let range = range.map_err(|_| unlisted())?;
        let was_first = range.start == 0;
        row.0.drain(range);
        if was_first {
            self.table.delete(txn, &key)?;
            let Some(first) = row.first_edge() else {
                return Ok(());
            };
            key = self.row_key(first).as_slice().to_vec();
        }
        Ok(self.table.put(txn, &key, &row.0)?)
    }
}

/// The ends of an edge at which it is listed: the node there, and the node it leads to.
fn sides(ends: &Ends) -> impl Iterator<Item = (&Id, Side, &Id)> {
    let Ends { source, target, bidirectional } = ends;
    let (at_source, at_target) = match bidirectional {
        true => (Side::Either, Side::Either),
        false => (Side::Source, Side::Target),
    };
    let second = (at_source != at_target || source != target).then_some((target, at_target, source));
    std::iter::once((source, at_source, target)).chain(second)
}

fn damaged(reason: &str) -> Fault {
    Fault::damaged("table `node` or `incoming`", reason)
}

fn nameless(id: &Id) -> Fault {
    Fault::damaged("table `meta`", format!("entity `{}` is stored but has no code", id.entity()))
}

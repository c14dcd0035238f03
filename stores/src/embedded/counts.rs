//! How many documents there are, kept with every write so that nothing has to be counted.

use rustc_hash::FxHashMap;
use wayfare_graph::{EntityName, Id, Kind};

use super::engine::Writing;
use super::fault::Fault;
use super::read::View;

/// By how much a transaction changes the numbers of documents, by kind and entity code.
#[derive(Debug, Default)]
pub(super) struct CountChanges(FxHashMap<(Kind, u16), i64>);

impl CountChanges {
    pub(super) fn add(&mut self, kind: Kind, code: u16, change: i64) {
        *self.0.entry((kind, code)).or_default() += change;
    }

    /// Takes over the changes of a transaction inside this one.
    pub(super) fn merge(&mut self, inner: Self) {
        for ((kind, code), change) in inner.0 {
            self.add(kind, code, change);
        }
    }
}

impl Writing<'_> {
    /// Notes that a document was stored or removed.
    pub(super) fn count(&mut self, id: &Id, change: i64) {
        if let Some(code) = self.writer.catalog.code(id.entity()) {
            self.counts.add(id.kind(), code, change);
        }
    }

    /// Writes the changed numbers.
    pub(super) fn put_counts(&mut self) -> Result<(), Fault> {
        let meta = self.engine.tables.meta;
        for ((kind, code), change) in std::mem::take(&mut self.counts).0 {
            let count = number(meta.get(&self.txn, &count_key(kind, code))?)?.saturating_add_signed(change);
            meta.put(&mut self.txn, &count_key(kind, code), &count.to_be_bytes())?;
        }
        Ok(())
    }
}

impl View<'_> {
    /// How many documents an entity has.
    pub(super) fn count_entity(&self, kind: Kind, entity: EntityName) -> Result<u64, Fault> {
        match self.catalog.code(entity) {
            Some(code) => number(self.tables.meta.get(self.txn, &count_key(kind, code))?),
            None => Ok(0),
        }
    }

    /// How many documents a kind has.
    pub(super) fn count_kind(&self, kind: Kind) -> Result<u64, Fault> {
        self.catalog.names().iter().map(|&entity| self.count_entity(kind, entity)).sum()
    }
}

/// Where a number of documents is kept in the table `meta`.
pub(super) fn count_key(kind: Kind, code: u16) -> [u8; 4] {
    let [high, low] = code.to_be_bytes();
    [b'c', kind as u8, high, low]
}

fn number(bytes: Option<&[u8]>) -> Result<u64, Fault> {
    match bytes.map(<[u8; 8]>::try_from) {
        None => Ok(0),
        Some(Ok(bytes)) => Ok(u64::from_be_bytes(bytes)),
        Some(Err(_)) => Err(Fault::damaged("table `meta`", "a number of documents cannot be read")),
    }
}

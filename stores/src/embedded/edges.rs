//! The rows that an edge has beside its document: one at each end, and one for the pair.

use wayfare_graph::{Ends, Id, Kind, WriteError};

use super::codec::{ID_BYTES, KeyBuf, document_key};
use super::engine::Writing;
use super::fault::{Fault, Stop};
use super::read::Class;
use super::read::PairKey;

impl Writing<'_> {
    /// Refuses an edge whose ends are not both stored.
    pub(super) fn check_ends(&self, ends: &Ends) -> Result<(), Stop> {
        for end in [&ends.source, &ends.target] {
            if end.kind() != Kind::Node || !self.view().contains(end)? {
                let Ends { source, target, .. } = ends.clone();
                return Err(WriteError::UnknownEnd {
                    source_id: source,
                    target_id: target,
                    missing: end.clone(),
                }
                .into());
            }
        }
        Ok(())
    }

    /// Adds the rows of a new edge.
    pub(super) fn put_edge_rows(&mut self, edge: &Id, ends: &Ends) -> Result<(), Fault> {
        for (node, class, other) in sides(ends) {
            let key = self.adjacency_key(node, class, edge)?;
            let value = document_key(self.known_code(other)?, other);
            self.engine.tables.adjacency.put(&mut self.txn, key.as_slice(), value.as_slice())?;
        }
        let key = self.pair_key(edge, ends)?;
        self.engine.tables.pair.put(&mut self.txn, key.as_slice(), &[])?;
        Ok(())
    }

    /// Removes the rows of an edge.
    pub(super) fn delete_edge_rows(&mut self, edge: &Id, ends: &Ends) -> Result<(), Fault> {
        for (node, class, _) in sides(ends) {
            let key = self.adjacency_key(node, class, edge)?;
            self.engine.tables.adjacency.delete(&mut self.txn, key.as_slice())?;
        }
        let key = self.pair_key(edge, ends)?;
        self.engine.tables.pair.delete(&mut self.txn, key.as_slice())?;
        Ok(())
    }

    fn adjacency_key(
        &self,
        node: &Id,
        class: Class,
        edge: &Id,
    ) -> Result<KeyBuf<{ 2 * ID_BYTES + 1 }>, Fault> {
        let mut key = KeyBuf::new();
        key.push_reference(self.known_code(node)?, node);
        key.push(class as u8);
        key.push_tagged(edge);
        key.push_code(self.known_code(edge)?);
        Ok(key)
    }

    fn pair_key(&self, edge: &Id, ends: &Ends) -> Result<PairKey, Fault> {
        let prefix = self.view().pair_prefix(&ends.source, &ends.target, edge.entity());
        let mut key = prefix.ok_or_else(|| nameless(edge))?;
        key.push_tagged(edge);
        Ok(key)
    }

    /// The code of an entity that is stored.
    fn known_code(&self, id: &Id) -> Result<u16, Fault> {
        self.writer.catalog.code(id.entity()).ok_or_else(|| nameless(id))
    }
}

/// The ends of an edge at which it has a row: the node there, and the node it leads to.
fn sides(ends: &Ends) -> impl Iterator<Item = (&Id, Class, &Id)> {
    let Ends { source, target, bidirectional } = ends;
    let (at_source, at_target) = match bidirectional {
        true => (Class::Bidirectional, Class::Bidirectional),
        false => (Class::Out, Class::In),
    };
    let second = (at_source != at_target || source != target).then_some((target, at_target, source));
    std::iter::once((source, at_source, target)).chain(second)
}

fn nameless(id: &Id) -> Fault {
    Fault::damaged("table `meta`", format!("entity `{}` is stored but has no code", id.entity()))
}

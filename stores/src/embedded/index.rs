//! The rows of secondary indexes, kept by every write.

use serde_json::Value;
use wayfare_graph::{Body, Id, Index, WriteError};

use super::catalog::NumberedIndex;
use super::codec::take_key;
use super::engine::Writing;
use super::fault::{Fault, Stop};
use super::index_rows::{
    IndexRow, IndexRows, TooManyRows, document_of, shares_values, values_of, with_document,
};
use super::read::View;

/// Whether the rule of unique indexes is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Rule {
    Kept,
    /// The documents are as somebody else wrote them: they are indexed as they are.
    Waived,
}

/// What one write changes in the table of indexes, every rule already checked.
#[derive(Debug, Default)]
pub(super) struct RowChanges {
    removed: Vec<Vec<u8>>,
    added: Vec<Vec<u8>>,
    /// The indexes that get their first document with a list.
    lists: Vec<u16>,
}

impl Writing<'_> {
    /// What a document's change from one body to another does to its rows.
    ///
    /// Refused when another document has the values of a unique index, or the document has too many
    /// combinations of values; taking a body away is never refused.
    pub(super) fn row_changes(
        &self,
        id: &Id,
        old: Option<&Body>,
        new: Option<&Body>,
        rule: Rule,
    ) -> Result<RowChanges, Stop> {
        let mut changes = RowChanges::default();
        for index in self.writer.catalog.indexes_of(id.kind(), id.entity()) {
            let rows_of = |body: Option<&Body>| {
                body.map_or(Ok(IndexRows::default()), |body| IndexRows::of(index, id, body))
            };
            let refused =
                |TooManyRows(rows)| WriteError::Unsuitable { id: id.clone(), reason: too_many(index, rows) };
            let before = rows_of(old).map_err(refused)?.rows;
            let IndexRows { rows: after, lists } = rows_of(new).map_err(refused)?;
            if lists && !index.lists {
                changes.lists.push(index.number);
            }
            let has = |rows: &[IndexRow], row: &IndexRow| {
                rows.binary_search_by(|other| other.key.cmp(&row.key)).is_ok()
            };
            // Where a cut row stays, the value behind it may have changed nevertheless.
            let is_new = |row: &&IndexRow| row.cut || !has(&before, row);
            if let (true, Some(body)) = (index.index.unique && rule == Rule::Kept, new) {
                for row in after.iter().filter(is_new) {
                    if let Some(holder) = self.view().holder(index, id, body, row)? {
                        return Err(violation(index, holder, values_of(index, body, row)).into());
                    }
                }
            }
            let removed = before.iter().filter(|row| !has(&after, row));
            changes.removed.extend(removed.map(|row| with_document(row.key.clone(), id)));
            let added = after.iter().filter(|row| !has(&before, row));
            changes.added.extend(added.map(|row| with_document(row.key.clone(), id)));
        }
        Ok(changes)
    }

    /// Does what [`row_changes`](Self::row_changes) found.
    pub(super) fn apply_row_changes(&mut self, changes: RowChanges) -> Result<(), Fault> {
        let table = self.engine.tables.index;
        for row in changes.removed {
            table.delete(&mut self.txn, &row)?;
        }
        for row in changes.added {
            table.put(&mut self.txn, &row, &[])?;
        }
        for number in changes.lists {
            self.note_lists(number);
        }
        Ok(())
    }
}

impl View<'_> {
    /// The other document that has the values of a row in full, if there is one.
    pub(super) fn holder(
        &self,
        index: &NumberedIndex,
        id: &Id,
        body: &Body,
        row: &IndexRow,
    ) -> Result<Option<Id>, Fault> {
        let damaged = || Fault::damaged("table `index`", "a row names no document");
        for other in self.tables.index.prefix_iter(self.txn, &row.key)? {
            let mut key = document_of(other?.0).ok_or_else(damaged)?;
            let other = take_key(&mut key, id.kind(), id.entity()).ok_or_else(damaged)?;
            if other == *id {
                continue;
            }
            if !row.cut {
                return Ok(Some(other));
            }
            let document = self.stored(&other)?.ok_or_else(damaged)?;
            if shares_values(index, body, row, &document.body()) {
                return Ok(Some(other));
            }
        }
        Ok(None)
    }
}

fn violation(index: &NumberedIndex, holder: Id, values: Vec<Value>) -> WriteError {
    let Index { entity, fields, .. } = index.index.clone();
    WriteError::UniqueViolation { entity, fields, values: values.into(), holder }
}

pub(super) fn too_many(index: &NumberedIndex, rows: usize) -> String {
    format!(
        "its lists make {rows} combinations for the index on {}, shorten them",
        index.index.fields.join(", ")
    )
}

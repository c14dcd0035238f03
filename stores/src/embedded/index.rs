//! Secondary indexes: kept by every write, built over the documents that are there.

use std::sync::Arc;

use serde_json::Value;
use wayfare_graph::{Body, Id, Index, Kind, StoreError, WriteError};

use super::catalog::{NumberedIndex, index_key};
use super::codec::{after_prefix, take_key};
use super::engine::{Engine, Writing};
use super::fault::{Fault, Stop};
use super::index_rows::{
    IndexRow, IndexRows, MAX_FIELDS, TooManyRows, document_of, shares_values, values_of, with_document,
};
use super::read::View;

/// How many documents are read at a time while an index is built.
const BUILD_PAGE: usize = 1024;

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
    ) -> Result<RowChanges, Stop> {
        let mut changes = RowChanges::default();
        for index in self.writer.catalog.indexes_of(id.kind(), id.entity()) {
            let rows_of = |body: Option<&Body>| {
                body.map_or(Ok(IndexRows::default()), |body| IndexRows::of(index, body))
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
            if let (true, Some(body)) = (index.index.unique, new) {
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
    fn holder(
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

impl Engine {
    /// Makes an index, or makes it again where it exists with the other rule of uniqueness.
    pub(super) fn create_index(&self, index: &Index) -> Result<(), StoreError> {
        let invalid = |reason: &str| StoreError::Io {
            path: self.path.display().to_string(),
            source: format!("no index on {} ({}): {reason}", index.entity, index.fields.join(", ")).into(),
        };
        // A walk saves its walker again and again, megabytes each time. With an index, every save would have
        // to read and decode the old one to find the rows that change.
        if index.kind == Kind::Walker {
            return Err(invalid("walkers have no indexes, find them by their ids"));
        }
        if index.fields.is_empty() || index.fields.len() > MAX_FIELDS {
            return Err(invalid("an index has 1 to 32 fields"));
        }
        self.write(|writing| writing.create_index(index))
    }
}

impl Writing<'_> {
    fn create_index(&mut self, index: &Index) -> Result<(), Fault> {
        let mut indexes = self.writer.catalog.indexes.clone();
        let same = |other: &Arc<NumberedIndex>| {
            (other.index.kind, other.index.entity, &other.index.fields)
                == (index.kind, index.entity, &index.fields)
        };
        if let Some(position) = indexes.iter().position(same) {
            if indexes[position].index.unique == index.unique {
                return Ok(());
            }
            self.drop_index(indexes.remove(position).number)?;
        }
        let number = self.writer.catalog.free_index_number();
        let number =
            number.ok_or_else(|| self.unindexable("the store has no room for another index".into()))?;
        let mut numbered = NumberedIndex::new(number, index.clone(), false);
        self.build(&mut numbered)?;
        indexes.push(Arc::new(numbered));
        self.new_indexes = Some(indexes);
        self.writer.stale_indexes = true;
        Ok(())
    }

    fn drop_index(&mut self, number: u16) -> Result<(), Fault> {
        let tables = self.engine.tables;
        let prefix = number.to_be_bytes();
        let end = after_prefix(&prefix);
        let rows = (std::ops::Bound::Included(&prefix[..]), std::ops::Bound::Excluded(&end[..]));
        tables.index.delete_range(&mut self.txn, &rows)?;
        tables.meta.delete(&mut self.txn, &index_key(number))?;
        Ok(())
    }

    /// Adds the rows of all documents that are there.
    fn build(&mut self, index: &mut NumberedIndex) -> Result<(), Fault> {
        let Index { kind, entity, .. } = index.index;
        let mut after = None;
        loop {
            let page = self.view().scan(kind, Some(entity), after.as_ref(), BUILD_PAGE)?;
            for document in &page.documents {
                self.add_rows(index, document.id(), document.body())?;
            }
            match page.next {
                Some(next) => after = Some(next),
                None => return Ok(()),
            }
        }
    }

    fn add_rows(&mut self, index: &mut NumberedIndex, id: &Id, body: &Body) -> Result<(), Fault> {
        let rows = IndexRows::of(index, body)
            .map_err(|TooManyRows(rows)| self.unindexable(format!("`{id}`: {}", too_many(index, rows))))?;
        index.lists |= rows.lists;
        for row in rows.rows {
            let holder = if index.index.unique { self.view().holder(index, id, body, &row)? } else { None };
            if let Some(first) = holder {
                let Index { entity, fields, .. } = index.index.clone();
                let values = Value::from(values_of(index, body, &row));
                let violated =
                    StoreError::IndexViolated { entity, fields, first, second: id.clone(), values };
                return Err(Fault::Violated(violated.into()));
            }
            self.engine.tables.index.put(&mut self.txn, &with_document(row.key, id), &[])?;
        }
        Ok(())
    }

    fn unindexable(&self, reason: String) -> Fault {
        let path = self.engine.path.display().to_string();
        Fault::Violated(StoreError::Io { path, source: reason.into() }.into())
    }
}

fn violation(index: &NumberedIndex, holder: Id, values: Vec<Value>) -> WriteError {
    let Index { entity, fields, .. } = index.index.clone();
    WriteError::UniqueViolation { entity, fields, values: values.into(), holder }
}

fn too_many(index: &NumberedIndex, rows: usize) -> String {
    format!(
        "its lists make {rows} combinations for the index on {}, shorten them",
        index.index.fields.join(", ")
    )
}

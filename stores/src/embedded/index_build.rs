//! Making, changing and removing indexes while others read and write.
//!
//! A new index is listed first, marked as being built: from then on every write keeps its rows. Then the
//! documents that were there are added page by page, each page a transaction of its own, between which other
//! writes get their turn. Last the mark is taken away. Whatever is still marked when a store is opened was left
//! behind by a crash, and is removed.

use std::ops::Bound;
use std::sync::Arc;

use parking_lot::MutexGuard;
use serde_json::Value;
use wayfare_graph::{Body, EntityName, Id, Index, IndexProgress, Kind, StoreError};

use super::catalog::{NumberedIndex, index_key};
use super::codec::after_prefix;
use super::engine::{Engine, Writing};
use super::fault::Fault;
use super::index::too_many;
use super::index_rows::{IndexRows, MAX_FIELDS, TooManyRows, values_of, with_document};

/// How many documents are added to an index in one transaction.
const BUILD_PAGE: usize = 4096;

impl Engine {
    /// Makes an index; makes it again where it exists with the other rule of uniqueness.
    pub(super) fn create_index(&self, index: &Index) -> Result<(), StoreError> {
        check(index)?;
        let _alone = self.index_changes();
        let Some(number) = self.write(|writing| writing.list_index(index))? else {
            return Ok(());
        };
        let total = self.read(|view| view.count_entity(index.kind, index.entity))?;
        *self.progress.lock() = Some(IndexProgress { index: index.clone(), done: 0, total });
        let built = self.build(number);
        *self.progress.lock() = None;
        match built {
            Ok(()) => self.write(|writing| writing.finish_index(number)),
            Err(error) => {
                self.write(|writing| writing.remove_index(number))?;
                Err(error)
            }
        }
    }

    /// Removes an index; `false` when there is none of that name.
    pub(super) fn drop_index(&self, kind: Kind, entity: EntityName, name: &str) -> Result<bool, StoreError> {
        let _alone = self.index_changes();
        self.write(|writing| match writing.named_index(kind, entity, name) {
            Some(index) => writing.remove_index(index.number).map(|()| true),
            None => Ok(false),
        })
    }

    /// Gives an index another name; `false` when there is none of the old name.
    pub(super) fn rename_index(
        &self,
        kind: Kind,
        entity: EntityName,
        from: &str,
        to: &str,
    ) -> Result<bool, StoreError> {
        let _alone = self.index_changes();
        self.write(|writing| writing.rename_index(kind, entity, from, to))
    }

    /// One change of the indexes at a time: a second one would build or remove what the first does.
    fn index_changes(&self) -> MutexGuard<'_, ()> {
        self.index_changes.lock()
    }

    /// Adds the rows of all documents that were there before the index was listed.
    fn build(&self, number: u16) -> Result<(), StoreError> {
        let mut after = None;
        loop {
            let (documents, next) = self.write(|writing| writing.build_page(number, after.as_ref()))?;
            if let Some(progress) = &mut *self.progress.lock() {
                progress.done += documents;
            }
            match next {
                Some(next) => after = Some(next),
                None => return Ok(()),
            }
        }
    }
}

/// Refuses what cannot be an index.
fn check(index: &Index) -> Result<(), StoreError> {
    let refused = |reason: &str| {
        let Index { entity, fields, .. } = index.clone();
        Err(StoreError::Index { entity, fields, reason: reason.to_owned() })
    };
    // A walk saves its walker again and again, megabytes each time. With an index, every save would have
    // to read and decode the old one to find the rows that change.
    if index.kind == Kind::Walker {
        return refused("walkers have no indexes, find them by their ids");
    }
    if index.fields.is_empty() || index.fields.len() > MAX_FIELDS {
        return refused("an index has 1 to 32 fields");
    }
    if !index.partial.is_about_fields() {
        return refused("its filter may ask for fields in `context` only, joined by `$and`");
    }
    Ok(())
}

impl Writing<'_> {
    fn named_index(&self, kind: Kind, entity: EntityName, name: &str) -> Option<Arc<NumberedIndex>> {
        let mut indexes = self.writer.catalog.indexes_of(kind, entity);
        indexes.find(|index| index.index.name() == name).cloned()
    }

    /// Lists an index as being built and tells its number, `None` where there is nothing to build.
    fn list_index(&mut self, index: &Index) -> Result<Option<u16>, Fault> {
        let indexes = &self.writer.catalog.indexes;
        if let Some(known) = indexes.iter().find(|known| known.index.covers_same(index)) {
            if known.index.unique == index.unique {
                return match known.index.name() == index.name() || index.name.is_none() {
                    true => Ok(None),
                    false => {
                        let from = known.index.name();
                        self.rename_index(index.kind, index.entity, &from, &index.name()).map(|_| None)
                    }
                };
            }
        } else if self.named_index(index.kind, index.entity, &index.name()).is_some() {
            return Err(refused(index, format!("another index has the name `{}`", index.name())));
        }
        let number = self.writer.catalog.free_index_number();
        let number = number.ok_or_else(|| refused(index, "the store has no room for another index"))?;
        let mut numbered = NumberedIndex::new(number, index.clone(), false);
        numbered.building = true;
        let mut indexes = self.writer.catalog.indexes.clone();
        indexes.push(Arc::new(numbered));
        self.change_indexes(indexes);
        Ok(Some(number))
    }

    /// Takes the mark from an index that is whole, and removes the one that it replaces.
    fn finish_index(&mut self, number: u16) -> Result<(), Fault> {
        let mut indexes = self.writer.catalog.indexes.clone();
        let Some(position) = indexes.iter().position(|index| index.number == number) else {
            return Err(Fault::damaged("table `meta`", "an index vanished while it was built"));
        };
        let mut built = NumberedIndex::clone(&indexes[position]);
        built.building = false;
        let built = Arc::new(built);
        indexes[position] = Arc::clone(&built);
        let replaced =
            |index: &NumberedIndex| index.number != number && index.index.covers_same(&built.index);
        for old in indexes.iter().filter(|index| replaced(index)) {
            self.remove_rows(old.number)?;
        }
        indexes.retain(|index| !replaced(index));
        self.change_indexes(indexes);
        Ok(())
    }

    /// Removes an index with its rows.
    pub(super) fn remove_index(&mut self, number: u16) -> Result<(), Fault> {
        self.remove_rows(number)?;
        let mut indexes = self.writer.catalog.indexes.clone();
        indexes.retain(|index| index.number != number);
        self.change_indexes(indexes);
        Ok(())
    }

    fn rename_index(&mut self, kind: Kind, entity: EntityName, from: &str, to: &str) -> Result<bool, Fault> {
        let Some(index) = self.named_index(kind, entity, from) else {
            return Ok(false);
        };
        if from != to && self.named_index(kind, entity, to).is_some() {
            return Err(refused(&index.index, format!("another index has the name `{to}`")));
        }
        let mut indexes = self.writer.catalog.indexes.clone();
        for other in indexes.iter_mut().filter(|other| other.number == index.number) {
            Arc::make_mut(other).index.name = Some(to.to_owned());
        }
        self.change_indexes(indexes);
        Ok(true)
    }

    fn change_indexes(&mut self, indexes: Vec<Arc<NumberedIndex>>) {
        self.new_indexes = Some(indexes);
        self.writer.stale_indexes = true;
    }

    pub(super) fn remove_rows(&mut self, number: u16) -> Result<(), Fault> {
        let tables = self.engine.tables;
        let prefix = number.to_be_bytes();
        let end = after_prefix(&prefix);
        let rows = (Bound::Included(&prefix[..]), Bound::Excluded(&end[..]));
        tables.index.delete_range(&mut self.txn, &rows)?;
        tables.meta.delete(&mut self.txn, &index_key(number))?;
        Ok(())
    }

    /// Adds the rows of one page of documents; how many they were, and where the next page begins.
    fn build_page(&mut self, number: u16, after: Option<&Id>) -> Result<(u64, Option<Id>), Fault> {
        let index = self.writer.catalog.indexes.iter().find(|index| index.number == number).cloned();
        let index =
            index.ok_or_else(|| Fault::damaged("table `meta`", "an index vanished while it was built"))?;
        let Index { kind, entity, .. } = index.index;
        let page = self.view().scan(kind, Some(entity), after, BUILD_PAGE)?;
        for document in &page.documents {
            self.add_rows(&index, document.id(), document.body())?;
        }
        Ok((page.documents.len() as u64, page.next))
    }

    /// Adds the rows of one document.
    pub(super) fn add_rows(&mut self, index: &NumberedIndex, id: &Id, body: &Body) -> Result<(), Fault> {
        let rows = IndexRows::of(index, id, body).map_err(|TooManyRows(rows)| {
            refused(&index.index, format!("`{id}`: {}", too_many(index, rows)))
        })?;
        if rows.lists && !index.lists {
            self.note_lists(index.number);
        }
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
}

fn refused(index: &Index, reason: impl Into<String>) -> Fault {
    let Index { entity, fields, .. } = index.clone();
    Fault::Violated(StoreError::Index { entity, fields, reason: reason.into() }.into())
}

//! Holding indexes against documents.

use std::collections::BTreeSet;

use wayfare_graph::{Finding, Id, Index, StoreError};

use super::catalog::NumberedIndex;
use super::codec::{after_prefix, take_key};
use super::engine::{Engine, Writing};
use super::fault::Fault;
use super::index_rows::{IndexRows, document_of, with_document};
use super::read::View;

/// How many documents are looked at in one transaction.
const PAGE: usize = 4096;

/// Most findings of one index: more tell nothing more.
const MOST_FINDINGS: usize = 1_000;

impl Engine {
    /// Looks for index rows that are missing or too many, and for documents that share unique values.
    pub(super) fn check_up(&self, repair: bool) -> Result<Vec<Finding>, StoreError> {
        let _alone = self.index_changes.lock();
        let mut findings = Vec::new();
        let indexes = self.read(|view| Ok(view.catalog.indexes.clone()))?;
        for index in indexes {
            let mut found = self.read(|view| view.mismatches(&index))?;
            if repair && !found.is_empty() {
                self.write(|writing| writing.build_again(&index))?;
                for finding in &mut found {
                    if let Finding::IndexMismatch { repaired, .. } = finding {
                        *repaired = true;
                    }
                }
            }
            findings.extend(found);
            if index.index.unique {
                findings.extend(self.read(|view| view.duplicates(&index))?);
            }
        }
        Ok(findings)
    }
}

impl View<'_> {
    fn mismatches(&self, index: &NumberedIndex) -> Result<Vec<Finding>, Fault> {
        let mismatch = |id: Option<Id>| {
            let Index { entity, fields, .. } = index.index.clone();
            Finding::IndexMismatch { entity, fields, id, repaired: false }
        };
        let mut findings = Vec::new();
        let mut expected: BTreeSet<Vec<u8>> = BTreeSet::new();
        self.each_document(index, |id, rows| {
            let mut whole = true;
            for row in rows.rows {
                let key = with_document(row.key, id);
                whole &= self.tables.index.get(self.txn, &key)?.is_some();
                expected.insert(key);
            }
            if !whole && findings.len() < MOST_FINDINGS {
                findings.push(mismatch(Some(id.clone())));
            }
            Ok(())
        })?;
        for row in self.rows_of(index)? {
            let (key, _) = row?;
            if !expected.contains(key) && findings.len() < MOST_FINDINGS {
                let id = document_of(key);
                let id = id.and_then(|mut key| take_key(&mut key, index.index.kind, index.index.entity));
                findings.push(mismatch(id));
            }
        }
        Ok(findings)
    }

    /// Documents that share the values of a unique index, as only others can have written them.
    fn duplicates(&self, index: &NumberedIndex) -> Result<Vec<Finding>, Fault> {
        let mut findings = Vec::new();
        let Index { kind, entity, .. } = index.index;
        let mut after = None;
        loop {
            let page = self.scan(kind, Some(entity), after.as_ref(), PAGE)?;
            for document in &page.documents {
                let Ok(rows) = IndexRows::of(index, document.id(), document.body()) else { continue };
                for row in rows.rows {
                    let holder = self.holder(index, document.id(), document.body(), &row)?;
                    // Each pair once.
                    if let Some(first) = holder.filter(|holder| holder < document.id()) {
                        let (fields, second) = (index.index.fields.clone(), document.id().clone());
                        findings.push(Finding::Duplicate { entity, fields, first, second });
                    }
                }
            }
            match page.next {
                Some(next) if findings.len() < MOST_FINDINGS => after = Some(next),
                _ => return Ok(findings),
            }
        }
    }

    /// Calls `each` with the rows that every document of an index should have.
    fn each_document(
        &self,
        index: &NumberedIndex,
        mut each: impl FnMut(&Id, IndexRows) -> Result<(), Fault>,
    ) -> Result<(), Fault> {
        let Index { kind, entity, .. } = index.index;
        let mut after = None;
        loop {
            let page = self.scan(kind, Some(entity), after.as_ref(), PAGE)?;
            for document in &page.documents {
                // What has too many rows was refused, or came past the rules and is not in the index.
                let rows = IndexRows::of(index, document.id(), document.body()).unwrap_or_default();
                each(document.id(), rows)?;
            }
            match page.next {
                Some(next) => after = Some(next),
                None => return Ok(()),
            }
        }
    }

    fn rows_of(
        &self,
        index: &NumberedIndex,
    ) -> Result<impl Iterator<Item = heed::Result<super::read::Row<'_>>>, Fault> {
        let prefix = index.number.to_be_bytes();
        self.range(self.tables.index, &prefix, &after_prefix(&prefix))
    }
}

impl Writing<'_> {
    /// Makes the rows of an index anew, duplicates and all.
    fn build_again(&mut self, index: &NumberedIndex) -> Result<(), Fault> {
        self.remove_rows(index.number)?;
        let mut rows = Vec::new();
        self.view().each_document(index, |id, wanted| {
            rows.extend(wanted.rows.into_iter().map(|row| with_document(row.key, id)));
            Ok(())
        })?;
        for row in rows {
            self.engine.tables.index.put(&mut self.txn, &row, &[])?;
        }
        // The definition went with the rows.
        self.writer.stale_indexes = true;
        Ok(())
    }
}

//! Finding and counting documents.

use std::ops::ControlFlow;

use serde_json::Value;
use wayfare_graph::{Document, FieldValues, Id, Projection, Query, SortKey, SortPosition, split_path};

use super::codec::{document_key, take_key};
use super::fault::Fault;
use super::index_rows::{document_of, push_value};
use super::ordered_value::Encoder;
use super::plan::row_ranges;
use super::read::View;
use crate::plan::Plan;

impl View<'_> {
    /// The documents that a query asks for.
    pub(super) fn find(&self, query: &Query) -> Result<Vec<Document>, Fault> {
        let mut found =
            if query.sort.is_empty() { self.find_in_order(query)? } else { self.find_sorted(query)? };
        if let Some(paths) = &query.projection {
            let projection = Projection::new(paths);
            for document in &mut found {
                *document = projection
                    .of(document)
                    .map_err(|error| Fault::damaged(document.id().to_string(), error.to_string()))?;
            }
        }
        Ok(found)
    }

    /// How many documents satisfy a query.
    pub(super) fn count(&self, query: &Query) -> Result<u64, Fault> {
        if query.filter.is_all() {
            return self.count_stored(query);
        }
        let mut count = 0;
        self.each_match(query, None, |_| {
            count += 1;
            ControlFlow::Continue(())
        })?;
        Ok(count)
    }

    /// How many documents of the kind and entity of a query there are.
    pub(super) fn count_stored(&self, query: &Query) -> Result<u64, Fault> {
        match query.entity {
            Some(entity) => self.count_entity(query.kind, entity),
            None => self.count_kind(query.kind),
        }
    }

    fn find_in_order(&self, query: &Query) -> Result<Vec<Document>, Fault> {
        let mut found = Vec::new();
        let mut skip = query.skip;
        if query.limit == Some(0) {
            return Ok(found);
        }
        let after = query.after.as_ref().map(|position| &position.id);
        self.each_match(query, after, |document| {
            if skip > 0 {
                skip -= 1;
                return ControlFlow::Continue(());
            }
            found.push(document);
            if query.limit == Some(found.len()) { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        })?;
        Ok(found)
    }

    fn find_sorted(&self, query: &Query) -> Result<Vec<Document>, Fault> {
        let sort: Vec<_> = query.sort.iter().map(|key| (key, split_path(&key.path))).collect();
        let wanted = query.limit.map_or(usize::MAX, |limit| query.skip.saturating_add(limit));
        let after =
            query.after.as_ref().map(|after| (position_key(after, &query.sort), self.place(&after.id)));
        let mut found: Vec<(Vec<u8>, Vec<u8>, Document)> = Vec::new();
        self.each_match(query, None, |document| {
            // The place makes equal documents stay in the order of their ids.
            let (key, place) = (sort_key(&document, &sort), self.place(document.id()));
            if after.as_ref().is_some_and(|(after, last)| (&key, &place) <= (after, last)) {
                return ControlFlow::Continue(());
            }
            found.push((key, place, document));
            // With a limit, what can no longer be among the first is let go now and then.
            if found.len() > wanted.saturating_mul(2).max(1000) {
                found.select_nth_unstable_by(wanted, |a, b| (&a.0, &a.1).cmp(&(&b.0, &b.1)));
                found.truncate(wanted);
            }
            ControlFlow::Continue(())
        })?;
        found.sort_unstable_by(|a, b| (&a.0, &a.1).cmp(&(&b.0, &b.1)));
        found.truncate(wanted);
        Ok(found.into_iter().skip(query.skip).map(|(_, _, document)| document).collect())
    }

    /// Calls `each` for the documents that satisfy the filter and come after an id, in the order of the table.
    fn each_match(
        &self,
        query: &Query,
        after: Option<&Id>,
        mut each: impl FnMut(Document) -> ControlFlow<()>,
    ) -> Result<(), Fault> {
        let mut offer = |id: Id, bytes: &[u8]| -> Result<ControlFlow<()>, Fault> {
            let document = self.document_of(id, bytes)?;
            Ok(if query.filter.matches(&document) { each(document) } else { ControlFlow::Continue(()) })
        };
        let Some(keys) = self.candidates(query)? else {
            for row in self.documents_after(query.kind, query.entity, after)?.into_iter().flatten() {
                let (key, bytes) = row?;
                if offer(self.id(query.kind, key)?, bytes)?.is_break() {
                    break;
                }
            }
            return Ok(());
        };
        let after = after.map(|id| self.place(id));
        for key in keys {
            if after.as_ref().is_some_and(|after| key <= *after) {
                continue;
            }
            let Some(bytes) = self.tables.of(query.kind).get(self.txn, &key)? else {
                continue;
            };
            if offer(self.id(query.kind, &key)?, bytes)?.is_break() {
                break;
            }
        }
        Ok(())
    }

    /// The keys of the documents that may match, ascending; `None` for all.
    fn candidates(&self, query: &Query) -> Result<Option<Vec<Vec<u8>>>, Fault> {
        let mut keys = match (self.catalog.plan(query), query.entity) {
            (Plan::Ids(ids), _) => ids.iter().filter_map(|id| self.key_of(id)).collect(),
            (Plan::EdgesOf(nodes, direction), _) => {
                let mut edges = Vec::new();
                for node in &nodes {
                    edges.extend(self.links(node, direction)?.into_iter().map(|link| link.edge));
                }
                edges.retain(|edge| query.entity.is_none_or(|entity| entity == edge.entity()));
                edges.iter().filter_map(|edge| self.key_of(edge)).collect()
            }
            (Plan::Index(by_index), Some(entity)) => {
                let mut keys = Vec::new();
                for range in row_ranges(&by_index) {
                    for row in self.range(self.tables.index, &range.from, &range.to)? {
                        let id =
                            document_of(row?.0).and_then(|mut key| take_key(&mut key, query.kind, entity));
                        let id =
                            id.ok_or_else(|| Fault::damaged("table `index`", "a row names no document"))?;
                        keys.extend(self.key_of(&id));
                    }
                }
                keys
            }
            _ => return Ok(None),
        };
        keys.sort_unstable();
        keys.dedup();
        Ok(Some(keys))
    }

    fn key_of(&self, id: &Id) -> Option<Vec<u8>> {
        Some(document_key(self.catalog.code(id.entity())?, id).as_slice().to_vec())
    }

    /// The place of a document in the order of its table. What was never stored comes last.
    fn place(&self, id: &Id) -> Vec<u8> {
        self.key_of(id).unwrap_or_else(|| vec![u8::MAX; 2])
    }
}

/// A document's place in a sort, as bytes.
fn sort_key(document: &Document, sort: &[(&SortKey, Vec<String>)]) -> Vec<u8> {
    let mut key = Vec::new();
    for (SortKey { descending, .. }, path) in sort {
        let values = FieldValues::in_document(document, path).values;
        let encoded = values.iter().map(|value| encoded(value.as_ref()));
        // Of a list, MongoDB takes the smallest member to ascend and the largest to descend.
        let first = if *descending { encoded.max() } else { encoded.min() };
        push_sort_value(&mut key, first.unwrap_or_default(), *descending);
    }
    key
}

/// The same of a document that was seen before.
fn position_key(position: &SortPosition, sort: &[SortKey]) -> Vec<u8> {
    let mut key = Vec::new();
    for (SortKey { descending, .. }, value) in sort.iter().zip(&position.values) {
        push_sort_value(&mut key, encoded(value.as_ref()), *descending);
    }
    key
}

fn encoded(value: Option<&Value>) -> Vec<u8> {
    let mut encoder = Encoder::default();
    push_value(&mut encoder, value, usize::MAX);
    encoder.bytes
}

fn push_sort_value(key: &mut Vec<u8>, value: Vec<u8>, descending: bool) {
    match descending {
        true => key.extend(value.iter().map(|byte| !byte)),
        false => key.extend(value),
    }
}

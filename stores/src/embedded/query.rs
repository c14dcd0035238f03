//! Finding and counting documents.

use std::ops::ControlFlow;

use wayfare_graph::{Document, Id, Query, SortKey};

use super::codec::{document_key, take_key};
use super::fault::Fault;
use super::field_values::{FieldValues, split_path};
use super::index_rows::{document_of, push_value};
use super::ordered_value::Encoder;
use super::plan::Plan;
use super::projection::Projection;
use super::read::View;

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
            return match query.entity {
                Some(entity) => self.count_entity(query.kind, entity),
                None => self.count_kind(query.kind),
            };
        }
        let mut count = 0;
        self.each_match(query, |_| {
            count += 1;
            ControlFlow::Continue(())
        })?;
        Ok(count)
    }

    fn find_in_order(&self, query: &Query) -> Result<Vec<Document>, Fault> {
        let mut found = Vec::new();
        let mut skip = query.skip;
        if query.limit == Some(0) {
            return Ok(found);
        }
        self.each_match(query, |document| {
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
        let mut found: Vec<(Vec<u8>, usize, Document)> = Vec::new();
        let mut position = 0;
        self.each_match(query, |document| {
            // The position makes equal documents stay in the order of their ids.
            found.push((sort_key(&document, &sort), position, document));
            position += 1;
            // With a limit, what can no longer be among the first is let go now and then.
            if found.len() > wanted.saturating_mul(2).max(1000) {
                found.select_nth_unstable_by(wanted, |a, b| (&a.0, a.1).cmp(&(&b.0, b.1)));
                found.truncate(wanted);
            }
            ControlFlow::Continue(())
        })?;
        found.sort_unstable_by(|a, b| (&a.0, a.1).cmp(&(&b.0, b.1)));
        found.truncate(wanted);
        Ok(found.into_iter().skip(query.skip).map(|(_, _, document)| document).collect())
    }

    /// Calls `each` for the documents that satisfy the filter, in the order of the table.
    fn each_match(
        &self,
        query: &Query,
        mut each: impl FnMut(Document) -> ControlFlow<()>,
    ) -> Result<(), Fault> {
        let mut offer = |id: Id, bytes: &[u8]| -> Result<ControlFlow<()>, Fault> {
            let document = self.document_of(id, bytes)?;
            Ok(if query.filter.matches(&document) { each(document) } else { ControlFlow::Continue(()) })
        };
        let Some(keys) = self.candidates(query)? else {
            for row in self.documents_after(query.kind, query.entity, None)?.into_iter().flatten() {
                let (key, bytes) = row?;
                if offer(self.id(query.kind, key)?, bytes)?.is_break() {
                    break;
                }
            }
            return Ok(());
        };
        for key in keys {
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
        let mut keys = match (Plan::of(query, self.catalog), query.entity) {
            (Plan::Ids(ids), _) => ids.iter().filter_map(|id| self.key_of(id)).collect(),
            (Plan::EdgesOf(nodes, direction), _) => {
                let mut edges = Vec::new();
                for node in &nodes {
                    edges.extend(self.links(node, direction)?.into_iter().map(|link| link.edge));
                }
                edges.retain(|edge| query.entity.is_none_or(|entity| entity == edge.entity()));
                edges.iter().filter_map(|edge| self.key_of(edge)).collect()
            }
            (Plan::Rows(by_index), Some(entity)) => {
                let mut keys = Vec::new();
                for range in by_index.ranges {
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
}

/// A document's place in a sort, as bytes.
fn sort_key(document: &Document, sort: &[(&SortKey, Vec<String>)]) -> Vec<u8> {
    let mut key = Vec::new();
    for (SortKey { descending, .. }, path) in sort {
        let values = FieldValues::in_document(document, path).values;
        let encoded = values.iter().map(|value| {
            let mut encoder = Encoder::default();
            push_value(&mut encoder, value.as_ref(), usize::MAX);
            encoder.bytes
        });
        // Of a list, MongoDB takes the smallest member to ascend and the largest to descend.
        if *descending {
            key.extend(encoded.max().unwrap_or_default().iter().map(|byte| !byte));
        } else {
            key.extend(encoded.min().unwrap_or_default());
        }
    }
    key
}

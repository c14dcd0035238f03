//! How the documents of a query are found: by their ids, by an index, by the ends of edges, or by
//! looking at all of them. Whatever the way, every candidate is still held against the filter.

use std::sync::Arc;

use serde_json::Value;
use wayfare_graph::{Bounds, Direction, Filter, Id, Kind, Query};

use super::catalog::{Catalog, NumberedIndex};
use super::codec::after_prefix;
use super::index_rows::{push_value, value_budget};
use super::ordered_value::{Encoder, class};

/// Most ranges of one plan; beyond, a further field does not narrow it.
const MAX_RANGES: usize = 10_000;

/// Where the candidates of a query are.
#[derive(Debug)]
pub(super) enum Plan {
    /// These documents.
    Ids(Vec<Id>),
    /// The documents of some rows of an index.
    Rows(IndexUse),
    /// The edges that can be followed from nodes in a direction.
    EdgesOf(Vec<Id>, Direction),
    /// All documents of the kind and entity.
    All,
}

/// Rows from a key on, below another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct RowRange {
    pub(super) from: Vec<u8>,
    pub(super) to: Vec<u8>,
}

impl Plan {
    /// The narrowest way to the documents of a query.
    pub(super) fn of(query: &Query, catalog: &Catalog) -> Self {
        if let Some(ids) = ids_at(&query.filter, "id") {
            let wanted =
                |id: &Id| id.kind() == query.kind && query.entity.is_none_or(|entity| entity == id.entity());
            return Self::Ids(ids.into_iter().filter(wanted).collect());
        }
        let indexes = query.entity.into_iter().flat_map(|entity| catalog.indexes_of(query.kind, entity));
        let by_index =
            indexes.filter_map(|index| IndexUse::of(&query.filter, index)).max_by_key(IndexUse::rank);
        let ends = || {
            let source = nodes_at(&query.filter, "source").map(|nodes| Self::EdgesOf(nodes, Direction::Out));
            source.or_else(|| Some(Self::EdgesOf(nodes_at(&query.filter, "target")?, Direction::In)))
        };
        match by_index {
            Some(by_index) if by_index.equal_fields > 0 => Self::Rows(by_index),
            by_index => {
                let by_ends = if query.kind == Kind::Edge { ends() } else { None };
                by_ends.or(by_index.map(Self::Rows)).unwrap_or(Self::All)
            }
        }
    }
}

/// The ids that a path must be one of. Texts that are no ids match no document.
fn ids_at(filter: &Filter, path: &str) -> Option<Vec<Id>> {
    match filter.bounds(path)? {
        Bounds::Equal(values) => {
            Some(values.iter().filter_map(|value| value.as_str()?.parse().ok()).collect())
        }
        Bounds::Range { .. } => None,
    }
}

/// The nodes that a path must be one of: an edge ends nowhere else.
fn nodes_at(filter: &Filter, path: &str) -> Option<Vec<Id>> {
    let mut ids = ids_at(filter, path)?;
    ids.retain(|id| id.kind() == Kind::Node);
    Some(ids)
}

/// What a filter makes of an index.
#[derive(Debug)]
pub(super) struct IndexUse {
    pub(super) index: Arc<NumberedIndex>,
    /// Where the rows are.
    pub(super) ranges: Vec<RowRange>,
    /// How many of the first fields must equal something.
    pub(super) equal_fields: usize,
    /// Whether the field after those has two ends, one, or none.
    pub(super) range_ends: usize,
    /// Whether all fields of a unique index must equal something.
    pub(super) unique: bool,
}

impl IndexUse {
    /// `None` when the filter says nothing about the first field.
    fn of(filter: &Filter, index: &Arc<NumberedIndex>) -> Option<Self> {
        let budget = value_budget(index.paths.len());
        let mut prefixes = vec![index.number.to_be_bytes().to_vec()];
        let mut equal_fields = 0;
        for field in &index.index.fields {
            let path = format!("context.{field}");
            // The narrower bounds hold only where no document has a list.
            let bounds = if index.lists { filter.bounds(&path) } else { filter.scalar_bounds(&path) };
            match bounds {
                Some(Bounds::Equal(values)) if prefixes.len().saturating_mul(values.len()) <= MAX_RANGES => {
                    prefixes = extended(&prefixes, &values, budget);
                    equal_fields += 1;
                }
                Some(Bounds::Range { from, to }) => {
                    let range_ends = usize::from(from.is_some()) + usize::from(to.is_some());
                    let range = |prefix: &Vec<u8>| range_below(prefix, from.as_ref(), to.as_ref(), budget);
                    let ranges = prefixes.iter().map(range).collect();
                    let index = index.clone();
                    return Some(Self { index, ranges, equal_fields, range_ends, unique: false });
                }
                _ => break,
            }
        }
        if equal_fields == 0 {
            return None;
        }
        let unique = index.index.unique && equal_fields == index.paths.len();
        let ranges = prefixes.into_iter().map(|from| RowRange { to: after_prefix(&from), from }).collect();
        Some(Self { index: index.clone(), ranges, equal_fields, range_ends: 0, unique })
    }

    fn rank(&self) -> impl Ord + use<> {
        (self.unique, self.equal_fields, self.range_ends, std::cmp::Reverse(self.ranges.len()))
    }
}

fn extended(prefixes: &[Vec<u8>], values: &[Value], budget: usize) -> Vec<Vec<u8>> {
    let pairs = prefixes.iter().flat_map(|prefix| values.iter().map(move |value| (prefix, value)));
    pairs.map(|(prefix, value)| encoded_after(prefix, value, budget).bytes).collect()
}

fn encoded_after(prefix: &[u8], value: &Value, budget: usize) -> Encoder {
    let mut encoder = Encoder::after(prefix.to_vec());
    push_value(&mut encoder, Some(value), budget);
    encoder
}

/// The rows whose next value lies between two ends, at least one of which is given.
fn range_below(
    prefix: &[u8],
    from: Option<&(Value, bool)>,
    to: Option<&(Value, bool)>,
    budget: usize,
) -> RowRange {
    // An end that is missing is the first or last value of the other end's type.
    let class_key = |class: u8| [prefix, &[class]].concat();
    let start = match (from, to) {
        (Some((value, inclusive)), _) => {
            let encoder = encoded_after(prefix, value, budget);
            // A value that was cut shares its row with larger ones.
            if *inclusive || encoder.cut { encoder.bytes } else { after_prefix(&encoder.bytes) }
        }
        (None, Some((value, _))) => class_key(class(value)),
        (None, None) => prefix.to_vec(),
    };
    let end = match (to, from) {
        (Some((value, inclusive)), _) => {
            let encoder = encoded_after(prefix, value, budget);
            if *inclusive || encoder.cut { after_prefix(&encoder.bytes) } else { encoder.bytes }
        }
        (None, Some((value, _))) => after_prefix(&class_key(class(value) + u8::from(value.is_boolean()))),
        (None, None) => after_prefix(prefix),
    };
    RowRange { from: start, to: end }
}

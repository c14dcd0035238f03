//! Where the candidates of a plan lie in the table of indexes.

use std::sync::Arc;

use serde_json::Value;
use wayfare_graph::Query;

use super::catalog::{Catalog, NumberedIndex};
use super::codec::after_prefix;
use super::index_rows::{push_value, value_budget};
use super::ordered_value::{Encoder, class};
use crate::plan::{IndexUse, Plan, RangeEnd, Usable};

/// Rows from a key on, below another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct RowRange {
    pub(super) from: Vec<u8>,
    pub(super) to: Vec<u8>,
}

impl Catalog {
    /// The narrowest way to the documents of a query.
    pub(super) fn plan(&self, query: &Query) -> Plan<Arc<NumberedIndex>> {
        let whole = self.indexes.iter().filter(|index| !index.building);
        Plan::of(
            query,
            whole.map(|index| Usable { key: Arc::clone(index), index: &index.index, lists: index.lists }),
        )
    }
}

/// Where the rows of an index are that a query asks for.
pub(super) fn row_ranges(used: &IndexUse<Arc<NumberedIndex>>) -> Vec<RowRange> {
    let budget = value_budget(used.key.paths.len());
    let mut prefixes = vec![used.key.number.to_be_bytes().to_vec()];
    for values in &used.equal {
        prefixes = extended(&prefixes, values, budget);
    }
    match &used.range {
        Some((from, to)) => prefixes.iter().map(|prefix| range_below(prefix, from, to, budget)).collect(),
        None => prefixes.into_iter().map(|from| RowRange { to: after_prefix(&from), from }).collect(),
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
fn range_below(prefix: &[u8], from: &RangeEnd, to: &RangeEnd, budget: usize) -> RowRange {
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

//! The rows that a document has in an index.
//!
//! A row is the number of the index, the value of each field, and the key of the document followed by
//! its length. A document without any of the fields has no row.

use serde_json::Value;
use wayfare_graph::{Body, Document, FieldValues, Id, compare_values};

use super::catalog::NumberedIndex;
use super::codec::{KEY_BYTES, KeyBuf};
use super::ordered_value::{EMPTY_LIST, Encoder};

/// Most bytes of the values in a row: LMDB's 511 without the number of the index, the document's
/// key, and its length.
const VALUES_BYTES: usize = 511 - 2 - KEY_BYTES - 1;

/// Most fields of an index, as in MongoDB. Each then has room for any number.
pub(super) const MAX_FIELDS: usize = 32;

/// Most combinations of list members that one document may have in an index of several fields.
const MAX_COMBINATIONS: usize = 100_000;

/// The rows of one document in one index, without the document's key, ascending.
#[derive(Debug, Default)]
pub(super) struct IndexRows {
    pub(super) rows: Vec<IndexRow>,
    /// Whether one of the fields led through a list.
    pub(super) lists: bool,
}

/// One combination of values.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct IndexRow {
    /// The number of the index and the encoded values.
    pub(super) key: Vec<u8>,
    /// Whether a value was too long for the key, so that others may share it.
    pub(super) cut: bool,
    /// Which combination it is.
    combination: usize,
}

/// There are too many combinations.
#[derive(Debug)]
pub(super) struct TooManyRows(pub(super) usize);

impl IndexRows {
    /// The rows of a document.
    pub(super) fn of(index: &NumberedIndex, id: &Id, body: &Body) -> Result<Self, TooManyRows> {
        let partial = &index.index.partial;
        if !partial.is_all() && !partial.matches(&Document::new(id.clone(), body.clone())) {
            return Ok(Self::default());
        }
        let fields = field_values(index, body);
        let lists = fields.iter().any(|field| field.lists);
        if !fields.iter().any(|field| field.found) {
            return Ok(Self { rows: Vec::new(), lists });
        }
        let combinations =
            fields.iter().fold(1_usize, |product, field| product.saturating_mul(field.values.len()));
        if combinations > MAX_COMBINATIONS && fields.len() > 1 {
            return Err(TooManyRows(combinations));
        }
        let budget = value_budget(fields.len());
        let mut rows: Vec<IndexRow> = (0..combinations)
            .map(|combination| {
                let mut encoder = Encoder::after(index.number.to_be_bytes().to_vec());
                for value in combined(&fields, combination) {
                    push_value(&mut encoder, value, budget);
                }
                IndexRow { key: encoder.bytes, cut: encoder.cut, combination }
            })
            .collect();
        rows.sort();
        rows.dedup_by(|later, first| later.key == first.key);
        Ok(Self { rows, lists })
    }
}

/// The values behind a row of a document.
pub(super) fn values_of(index: &NumberedIndex, body: &Body, row: &IndexRow) -> Vec<Value> {
    let fields = field_values(index, body);
    let values = combined(&fields, row.combination);
    values.map(|value| value.cloned().unwrap_or_else(|| Value::Array(Vec::new()))).collect()
}

/// Whether another document has the values behind a row in full.
pub(super) fn shares_values(index: &NumberedIndex, body: &Body, row: &IndexRow, other: &Body) -> bool {
    let fields = field_values(index, body);
    // A combination takes one value of each field, so each field can be looked at by itself.
    combined(&fields, row.combination).zip(field_values(index, other)).all(|(wanted, field)| {
        field.values.iter().any(|value| match (value, wanted) {
            (Some(value), Some(wanted)) => compare_values(value, wanted).is_eq(),
            (value, wanted) => value.is_none() && wanted.is_none(),
        })
    })
}

/// The key of a row with the document that it belongs to.
pub(super) fn with_document(mut row: Vec<u8>, id: &Id) -> Vec<u8> {
    let mut key = KeyBuf::<KEY_BYTES>::new();
    key.push_key(id);
    row.extend_from_slice(key.as_slice());
    row.push(key.len() as u8);
    row
}

/// The key of the document that a row belongs to.
pub(super) fn document_of(row: &[u8]) -> Option<&[u8]> {
    let (&len, row) = row.split_last()?;
    row.get(row.len().checked_sub(usize::from(len))?..)
}

/// How many bytes each value of an index may take.
pub(super) fn value_budget(fields: usize) -> usize {
    VALUES_BYTES / fields.max(1)
}

/// Appends a value as rows hold it; `None` is an empty list.
pub(super) fn push_value(encoder: &mut Encoder, value: Option<&Value>, budget: usize) {
    match value {
        Some(value) => encoder.push(value, budget),
        None => encoder.bytes.push(EMPTY_LIST),
    }
}

fn field_values(index: &NumberedIndex, body: &Body) -> Vec<FieldValues> {
    index.paths.iter().map(|path| FieldValues::in_body(body, path)).collect()
}

/// One value of each field; the last field changes fastest.
fn combined(fields: &[FieldValues], mut combination: usize) -> impl Iterator<Item = Option<&Value>> {
    let mut positions = vec![0; fields.len()];
    for (position, field) in positions.iter_mut().zip(fields).rev() {
        *position = combination % field.values.len();
        combination /= field.values.len();
    }
    fields.iter().zip(positions).map(|(field, position)| field.values[position].as_ref())
}

//! MongoDB's order of values, those among them that JSON lacks.
//!
//! By type first, then within the type: <https://www.mongodb.com/docs/manual/reference/bson-type-comparison-order/>.

use std::cmp::Ordering;

use bson::{Bson, Document as BsonDocument};
use wayfare_graph::{Document, FieldValues, SortKey, SortPosition, compare_values, split_path};

use super::after::class;
use super::value::{to_bson, to_json};

/// The place of a document in a sort, to be held against others.
#[derive(Debug, PartialEq)]
pub(super) struct Place {
    /// Each with whether it descends; `None` for an empty list.
    values: Vec<(Option<Bson>, bool)>,
    id: String,
}

impl Place {
    pub(super) fn of(document: &Document, sort: &[SortKey]) -> Self {
        let value_of = |key: &SortKey| {
            let found = FieldValues::in_document(document, &split_path(&key.path)).values;
            let values = found.into_iter().map(|value| value.and_then(|value| to_bson(&value, 0).ok()));
            let first = values.min_by(|a, b| in_direction(a.as_ref(), b.as_ref(), key.descending));
            (first.flatten(), key.descending)
        };
        Self { values: sort.iter().map(value_of).collect(), id: document.id().to_string() }
    }

    pub(super) fn at(position: &SortPosition, sort: &[SortKey]) -> Self {
        let known = |value: &Option<_>| value.as_ref().and_then(|value| to_bson(value, 0).ok());
        let values = position.values.iter().zip(sort).map(|(value, key)| (known(value), key.descending));
        Self { values: values.collect(), id: position.id.to_string() }
    }
}

impl Ord for Place {
    fn cmp(&self, other: &Self) -> Ordering {
        let pairs = self.values.iter().zip(&other.values);
        let by_values =
            pairs.map(|((a, descending), (b, _))| in_direction(a.as_ref(), b.as_ref(), *descending));
        by_values.fold(Ordering::Equal, Ordering::then).then_with(|| self.id.cmp(&other.id))
    }
}

impl PartialOrd for Place {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Eq for Place {}

pub(super) fn in_direction(a: Option<&Bson>, b: Option<&Bson>, descending: bool) -> Ordering {
    let ascending = match (a, b) {
        (Some(a), Some(b)) => compare(a, b),
        // Only the smallest of all values comes before an empty list.
        (Some(Bson::MinKey), None) => Ordering::Less,
        (None, Some(Bson::MinKey)) => Ordering::Greater,
        (a, b) => a.is_some().cmp(&b.is_some()),
    };
    if descending { ascending.reverse() } else { ascending }
}

fn compare(a: &Bson, b: &Bson) -> Ordering {
    class(a).cmp(&class(b)).then_with(|| match (a, b) {
        (Bson::DateTime(a), Bson::DateTime(b)) => a.cmp(b),
        (Bson::ObjectId(a), Bson::ObjectId(b)) => a.cmp(b),
        (Bson::Timestamp(a), Bson::Timestamp(b)) => (a.time, a.increment).cmp(&(b.time, b.increment)),
        (Bson::Binary(a), Bson::Binary(b)) => {
            let order = |binary: &bson::Binary| (binary.bytes.len(), u8::from(binary.subtype));
            order(a).cmp(&order(b)).then_with(|| a.bytes.cmp(&b.bytes))
        }
        (Bson::Array(a), Bson::Array(b)) => {
            let pairs = a.iter().zip(b).map(|(a, b)| compare(a, b));
            pairs.fold(Ordering::Equal, Ordering::then).then(a.len().cmp(&b.len()))
        }
        (Bson::Document(a), Bson::Document(b)) => compare_documents(a, b),
        (Bson::RegularExpression(a), Bson::RegularExpression(b)) => {
            (a.pattern.as_str(), a.options.as_str()).cmp(&(b.pattern.as_str(), b.options.as_str()))
        }
        _ if class(a) == class(&Bson::Int32(0)) => compare_numbers(a, b),
        _ => compare_values(&to_json(a.clone()), &to_json(b.clone())),
    })
}

fn compare_documents(a: &BsonDocument, b: &BsonDocument) -> Ordering {
    let pairs = a.iter().zip(b).map(|((a_name, a), (b_name, b))| {
        class(a).cmp(&class(b)).then_with(|| a_name.cmp(b_name)).then_with(|| compare(a, b))
    });
    pairs.fold(Ordering::Equal, Ordering::then).then(a.len().cmp(&b.len()))
}

/// NaN comes before all numbers. A decimal is compared as closely as a double can.
fn compare_numbers(a: &Bson, b: &Bson) -> Ordering {
    let is_plain = |number: &Bson| match number {
        Bson::Double(double) => double.is_finite(),
        Bson::Int32(_) | Bson::Int64(_) => true,
        _ => false,
    };
    if is_plain(a) && is_plain(b) {
        return compare_values(&to_json(a.clone()), &to_json(b.clone()));
    }
    let double = |number: &Bson| match number {
        Bson::Double(double) => *double,
        Bson::Int32(whole) => f64::from(*whole),
        Bson::Int64(whole) => *whole as f64,
        Bson::Decimal128(decimal) => decimal.to_string().parse().unwrap_or(f64::NAN),
        _ => f64::NAN,
    };
    let (a, b) = (double(a), double(b));
    a.partial_cmp(&b).unwrap_or_else(|| b.is_nan().cmp(&a.is_nan()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_order_by_type_and_then_within_it() {
        let ordered = [
            Bson::MinKey,
            Bson::Null,
            Bson::Double(f64::NAN),
            Bson::Double(f64::NEG_INFINITY),
            Bson::Int32(1),
            Bson::Decimal128("2.5".parse().unwrap()),
            Bson::Int64(1 << 40),
            Bson::String("a".into()),
            Bson::Document(bson::doc! { "x": 1 }),
            Bson::Document(bson::doc! { "x": 1, "y": 0 }),
            Bson::Array(vec![Bson::Int32(3)]),
            Bson::Array(vec![Bson::Boolean(true)]),
            Bson::ObjectId(bson::oid::ObjectId::from_bytes([5; 12])),
            Bson::Boolean(false),
            Bson::DateTime(bson::DateTime::from_millis(5)),
            Bson::DateTime(bson::DateTime::from_millis(7)),
            Bson::Timestamp(bson::Timestamp { time: 1, increment: 2 }),
            Bson::MaxKey,
        ];
        for (at, a) in ordered.iter().enumerate() {
            for (other, b) in ordered.iter().enumerate() {
                assert_eq!(compare(a, b), at.cmp(&other), "{a} and {b}");
            }
        }
        assert_eq!(in_direction(None, Some(&Bson::Null), false), Ordering::Less);
        assert_eq!(in_direction(None, Some(&Bson::MinKey), true), Ordering::Less);
    }
}

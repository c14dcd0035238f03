//! Values of JSON as MongoDB stores them, and back.
//!
//! Whole numbers take 32 bits where they fit and 64 otherwise, as pymongo stores them; those above 63 bits become
//! decimals, which hold them exactly and compare with all other numbers. The types that JSON lacks read as extended
//! JSON, `{"$date": "2020-01-02T00:00:00Z"}`, and go back to what they were when such an object is written.

use std::str::FromStr;

use bson::raw::{CStr, RawArrayBuf};
use bson::{Bson, Decimal128, Document, RawBson, RawDocumentBuf};
use serde_json::{Map, Number, Value};

/// Levels of lists and objects that the server takes in a stored document.
const MAX_DEPTH: usize = 180;

/// The members by which extended JSON names a type. The sizes of plain numbers are not among them: those read as
/// plain JSON.
const EXTENDED: [&str; 14] = [
    "$oid",
    "$date",
    "$numberDecimal",
    "$numberDouble",
    "$binary",
    "$timestamp",
    "$regularExpression",
    "$minKey",
    "$maxKey",
    "$symbol",
    "$code",
    "$undefined",
    "$dbPointer",
    "$scope",
];

/// Why a value cannot be stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct NotStorable(pub(super) String);

/// A value as it is stored, `depth` levels below the document.
pub(super) fn to_bson(value: &Value, depth: usize) -> Result<Bson, NotStorable> {
    Bson::try_from(to_raw(value, depth)?).map_err(not_storable)
}

/// The same, encoded.
fn to_raw(value: &Value, depth: usize) -> Result<RawBson, NotStorable> {
    if depth > MAX_DEPTH {
        return Err(NotStorable(format!("its lists and objects nest deeper than {MAX_DEPTH} levels")));
    }
    Ok(match value {
        Value::Null => RawBson::Null,
        Value::Bool(truth) => RawBson::Boolean(*truth),
        Value::Number(number) => RawBson::try_from(number_to_bson(number)).map_err(not_storable)?,
        Value::String(text) => RawBson::String(text.clone()),
        Value::Array(items) => {
            let mut raw = RawArrayBuf::new();
            for item in items {
                raw.push(to_raw(item, depth + 1)?);
            }
            RawBson::Array(raw)
        }
        Value::Object(members) => match extended(members) {
            Some(typed) => RawBson::try_from(typed).map_err(not_storable)?,
            None => RawBson::Document(members_to_raw(members, depth + 1)?),
        },
    })
}

/// The members of an object as they are stored.
pub(super) fn members_to_raw(
    members: &Map<String, Value>,
    depth: usize,
) -> Result<RawDocumentBuf, NotStorable> {
    let mut raw = RawDocumentBuf::new();
    for (name, value) in members {
        append_member(&mut raw, name, value, depth)?;
    }
    Ok(raw)
}

/// Puts a member behind those that an object has already.
pub(super) fn append_member(
    raw: &mut RawDocumentBuf,
    name: &str,
    value: &Value,
    depth: usize,
) -> Result<(), NotStorable> {
    let Ok(name) = <&CStr>::try_from(name) else {
        return Err(NotStorable(format!("the name of field `{}` holds NUL", name.escape_default())));
    };
    match value {
        // Nearly all that a document has: it is copied once.
        Value::String(text) => raw.append(name, text.as_str()),
        value => raw.append(name, to_raw(value, depth)?),
    }
    Ok(())
}

fn not_storable(error: bson::error::Error) -> NotStorable {
    NotStorable(error.to_string())
}

fn number_to_bson(number: &Number) -> Bson {
    match (number.as_i64(), number.as_u64()) {
        (Some(whole), _) => i32::try_from(whole).map_or(Bson::Int64(whole), Bson::Int32),
        (None, Some(large)) => Decimal128::from_str(&large.to_string())
            .map_or_else(|_| Bson::Double(large as f64), Bson::Decimal128),
        (None, None) => Bson::Double(number.as_f64().unwrap_or(f64::NAN)),
    }
}

/// The value of a type that JSON lacks which an object stands for.
///
/// Only of the very form in which that value would be read: so whatever is written is read back the same.
fn extended(members: &Map<String, Value>) -> Option<Bson> {
    let first = members.keys().next()?;
    if members.len() > 2 || !EXTENDED.contains(&first.as_str()) {
        return None;
    }
    let typed = Bson::try_from(members.clone()).ok()?;
    let is_typed = !matches!(typed, Bson::Document(_) | Bson::Int32(_) | Bson::Int64(_));
    let reads_back = || to_json(typed.clone()).as_object() == Some(members);
    (is_typed && reads_back()).then_some(typed)
}

/// A stored value as JSON.
pub(super) fn to_json(value: Bson) -> Value {
    match value {
        Bson::Array(items) => Value::Array(items.into_iter().map(to_json).collect()),
        Bson::Document(members) => Value::Object(members_to_json(members)),
        Bson::Decimal128(decimal) => decimal_to_json(decimal),
        other => other.into_relaxed_extjson(),
    }
}

/// Stored members as JSON.
pub(super) fn members_to_json(members: Document) -> Map<String, Value> {
    members.into_iter().map(|(name, value)| (name, to_json(value))).collect()
}

fn decimal_to_json(decimal: Decimal128) -> Value {
    let text = decimal.to_string();
    let large = text.parse::<u64>().ok().filter(|large| i64::try_from(*large).is_err());
    match large {
        Some(large) if large.to_string() == text => Value::from(large),
        _ => Bson::Decimal128(decimal).into_relaxed_extjson(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn plain_json_is_read_back_the_same() {
        for value in [
            json!(null),
            json!(-0.0),
            json!(1),
            json!(1.0),
            json!(i64::MIN),
            json!(u64::MAX),
            json!(1_u64 << 63),
            json!("a\u{0}"),
            json!([[], {}, [1, "x"]]),
            json!({"z": 1, "a": {"b.c": [2.5]}, "": true}),
            json!({"$date": "no date"}),
            json!({"$date": "2020-01-02T00:00:00+00:00"}),
            json!({"$oid": 3}),
            json!({"$numberLong": "5"}),
            json!({"$date": "2020-01-02T00:00:00Z", "more": 1}),
        ] {
            let read = to_json(to_bson(&value, 0).unwrap());
            assert_eq!(read, value);
            assert_eq!(read.to_string(), value.to_string(), "the order of members");
        }
    }

    #[test]
    fn whole_numbers_take_the_smallest_type() {
        assert_eq!(to_bson(&json!(i32::MAX), 0).unwrap(), Bson::Int32(i32::MAX));
        assert_eq!(to_bson(&json!(i64::from(i32::MAX) + 1), 0).unwrap(), Bson::Int64(1 << 31));
        assert!(matches!(to_bson(&json!(u64::MAX), 0).unwrap(), Bson::Decimal128(_)));
        assert_eq!(to_bson(&json!(2.0), 0).unwrap(), Bson::Double(2.0));
    }

    #[test]
    fn types_that_json_lacks_survive() {
        for value in [
            Bson::DateTime(bson::DateTime::from_millis(1_577_923_200_123)),
            Bson::DateTime(bson::DateTime::from_millis(-1)),
            Bson::ObjectId(bson::oid::ObjectId::from_bytes([7; 12])),
            Bson::Decimal128("1.50".parse().unwrap()),
            Bson::Decimal128("5".parse().unwrap()),
            Bson::Binary(bson::Binary { subtype: bson::spec::BinarySubtype::Uuid, bytes: vec![9; 16] }),
            Bson::Timestamp(bson::Timestamp { time: 3, increment: 4 }),
            Bson::try_from(json!({"$regularExpression": {"pattern": "^a", "options": "i"}})).unwrap(),
            Bson::Double(f64::INFINITY),
            Bson::MinKey,
            Bson::MaxKey,
        ] {
            assert_eq!(to_bson(&to_json(value.clone()), 0).unwrap(), value);
        }
        let nan = to_bson(&to_json(Bson::Double(f64::NAN)), 0).unwrap();
        assert!(matches!(nan, Bson::Double(nan) if nan.is_nan()));
    }

    #[test]
    fn what_bson_cannot_hold_is_refused() {
        let nul = to_bson(&json!({"a": {"b\u{0}": 1}}), 0).unwrap_err();
        assert!(nul.0.contains("`b\\u{0}`"), "{nul:?}");
        let deep = (0..200).fold(json!(1), |inner, _| json!([inner]));
        assert!(to_bson(&deep, 0).unwrap_err().0.contains("deeper than 180"));
    }
}

//! MongoDB's order of values, which runs across types.

use std::cmp::Ordering;

use serde_json::{Number, Value};

/// Where the type of a value comes in the order of types; values of one class can be compared.
///
/// The order is that of MongoDB's manual, "Comparison/Sort Order", for the types that JSON has.
pub(super) fn class(value: &Value) -> u8 {
    match value {
        Value::Null => 0,
        Value::Number(_) => 1,
        Value::String(_) => 2,
        Value::Object(_) => 3,
        Value::Array(_) => 4,
        Value::Bool(_) => 5,
    }
}

/// MongoDB's order of values: null, numbers, strings, objects, arrays, booleans.
///
/// Numbers compare by their exact value, whatever their type. Strings compare byte by byte. Objects
/// compare member by member in the order they stand in: first by type, then by name, then by value;
/// so do arrays, without names. What is a beginning of the other comes first.
///
/// This is a total order. In it `1` and `1.0` are equal, and objects with the same members in
/// another order are not.
#[must_use]
pub fn compare_values(one: &Value, two: &Value) -> Ordering {
    match (one, two) {
        (Value::Number(one), Value::Number(two)) => compare_numbers(one, two),
        (Value::String(one), Value::String(two)) => one.as_bytes().cmp(two.as_bytes()),
        (Value::Bool(one), Value::Bool(two)) => one.cmp(two),
        (Value::Array(one), Value::Array(two)) => {
            let pairs = one.iter().zip(two).map(|(one, two)| compare_values(one, two));
            first_difference(pairs).then(one.len().cmp(&two.len()))
        }
        (Value::Object(one), Value::Object(two)) => {
            let pairs = one.iter().zip(two).map(|((one_name, one), (two_name, two))| {
                let by_type = class(one).cmp(&class(two));
                by_type.then_with(|| one_name.cmp(two_name)).then_with(|| compare_values(one, two))
            });
            first_difference(pairs).then(one.len().cmp(&two.len()))
        }
        _ => class(one).cmp(&class(two)),
    }
}

/// Whether two values are equal in that order.
pub(super) fn equal(one: &Value, two: &Value) -> bool {
    match (one, two) {
        // Most comparisons are of text, where a difference in length decides without a look at it.
        (Value::String(one), Value::String(two)) => one == two,
        _ => compare_values(one, two).is_eq(),
    }
}

fn first_difference(mut pairs: impl Iterator<Item = Ordering>) -> Ordering {
    pairs.find(|order| order.is_ne()).unwrap_or(Ordering::Equal)
}

fn compare_numbers(one: &Number, two: &Number) -> Ordering {
    if let (Some(one), Some(two)) = (one.as_i64(), two.as_i64()) {
        return one.cmp(&two);
    }
    match (integer(one), integer(two)) {
        (Some(one), Some(two)) => one.cmp(&two),
        (Some(one), None) => compare_mixed(one, float(two)),
        (None, Some(two)) => compare_mixed(two, float(one)).reverse(),
        (None, None) => compare_floats(float(one), float(two)),
    }
}

/// The value of a number that is written as an integer.
fn integer(number: &Number) -> Option<i128> {
    number.as_i64().map(i128::from).or_else(|| number.as_u64().map(i128::from))
}

fn float(number: &Number) -> f64 {
    number.as_f64().unwrap_or(f64::NAN)
}

/// JSON has no NaN; MongoDB puts it before all other numbers.
fn compare_floats(one: f64, two: f64) -> Ordering {
    one.partial_cmp(&two).unwrap_or_else(|| two.is_nan().cmp(&one.is_nan()))
}

/// Compares an integer of 64 bits and a sign with a float, without rounding either.
fn compare_mixed(integer: i128, float: f64) -> Ordering {
    if float.is_nan() {
        return Ordering::Greater;
    }
    // The cast saturates, far beyond any integer that comes in here.
    let whole = float.trunc();
    integer.cmp(&(whole as i128)).then_with(|| compare_floats(whole, float))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn values_come_in_the_order_of_mongodb() {
        let ascending = [
            json!(null),
            json!(-1e300),
            json!(i64::MIN),
            json!(-2.5),
            json!(-2),
            json!(0),
            json!(0.5),
            json!(9_007_199_254_740_992_i64),
            json!(9_007_199_254_740_993_i64),
            json!(9_007_199_254_740_994.0),
            json!(i64::MAX),
            json!(9_223_372_036_854_775_808.0),
            json!(9_223_372_036_854_775_809_u64),
            json!(u64::MAX),
            json!(18_446_744_073_709_551_616.0),
            json!(""),
            json!("Z"),
            json!("a"),
            json!("a\u{0}"),
            json!("é"),
            json!({}),
            json!({"z": 1}),
            json!({"a": "x"}),
            json!({"a": "x", "b": 1}),
            json!({"b": "x", "a": 1}),
            json!([]),
            json!([1]),
            json!([1, 1]),
            json!([2]),
            json!([[]]),
            json!(false),
            json!(true),
        ];
        for (i, one) in ascending.iter().enumerate() {
            for (j, two) in ascending.iter().enumerate() {
                assert_eq!(compare_values(one, two), i.cmp(&j), "{one} {two}");
                assert_eq!(equal(one, two), i == j, "{one} {two}");
            }
        }
    }

    #[test]
    fn numbers_are_equal_whatever_their_type() {
        for (one, two) in [
            (json!(1), json!(1.0)),
            (json!(0), json!(-0.0)),
            (json!(9_223_372_036_854_775_808_u64), json!(9_223_372_036_854_775_808.0)),
            (json!({"a": [1]}), json!({"a": [1.0]})),
        ] {
            assert!(equal(&one, &two), "{one} {two}");
        }
    }

    #[test]
    fn nan_comes_before_every_number() {
        assert_eq!(compare_floats(f64::NAN, f64::NAN), Ordering::Equal);
        assert_eq!(compare_floats(f64::NAN, -1.0), Ordering::Less);
        assert_eq!(compare_mixed(i128::from(i64::MIN), f64::NAN), Ordering::Greater);
    }
}

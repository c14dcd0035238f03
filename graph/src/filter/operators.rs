//! The operators below a field and what each of them takes.

use serde_json::{Map, Value};

use super::condition::{Comparison, OneOf, Test, TypeSet, whole_number};
use super::error::FilterError;
use super::parse::{condition, is_filter, is_operators, literal, refused_below_field, tests, wrong_operand};
use super::pattern::Pattern;

/// Operators that stand below a field.
pub(super) const KNOWN: [&str; 17] = [
    "$eq",
    "$ne",
    "$gt",
    "$gte",
    "$lt",
    "$lte",
    "$in",
    "$nin",
    "$exists",
    "$type",
    "$not",
    "$regex",
    "$options",
    "$all",
    "$size",
    "$elemMatch",
    "$mod",
];

/// Adds the tests that one operator stands for. `beside` is the object it is a member of.
pub(super) fn read(
    operator: &str,
    operand: &Value,
    beside: &Map<String, Value>,
    path: &str,
    tests: &mut Vec<Test>,
) -> Result<(), FilterError> {
    let compare = |greater, or_equal| {
        Ok::<_, FilterError>(Test::Compare(Comparison { greater, or_equal }, literal(operand, path)?))
    };
    tests.push(match operator {
        "$eq" => Test::Equal(literal(operand, path)?),
        "$ne" => Test::Not(vec![Test::Equal(literal(operand, path)?)]),
        "$gt" => compare(true, false)?,
        "$gte" => compare(true, true)?,
        "$lt" => compare(false, false)?,
        "$lte" => compare(false, true)?,
        "$in" => Test::In(one_of(operator, operand, path)?),
        "$nin" => Test::Not(vec![Test::In(one_of(operator, operand, path)?)]),
        "$exists" if is_true(operand) => Test::Exists,
        "$exists" => Test::Not(vec![Test::Exists]),
        "$type" => Test::Type(types(operand, path)?),
        "$not" => not(operand, path)?,
        "$regex" => regex(operand, beside, path)?,
        "$options" if beside.contains_key("$regex") => return Ok(()),
        "$options" => return Err(wrong_operand(operator, path, "a `$regex` beside it", operand)),
        "$all" => return all(operand, path, tests),
        "$size" => size(operand, path)?,
        "$elemMatch" => element(operand, path)?,
        "$mod" => remainder(operand, path)?,
        _ => return Err(refused_below_field(operator, path)),
    });
    Ok(())
}

/// What counts as true in `$exists`: everything but false, null and zero.
fn is_true(operand: &Value) -> bool {
    match operand {
        Value::Null => false,
        Value::Bool(value) => *value,
        Value::Number(number) => number.as_f64() != Some(0.0),
        _ => true,
    }
}

fn one_of(operator: &str, operand: &Value, path: &str) -> Result<OneOf, FilterError> {
    let wrong = |expected, found: &Value| wrong_operand(operator, path, expected, found);
    let values = operand.as_array().ok_or_else(|| wrong("a list of values", operand))?;
    let one = |value: &Value| match value {
        Value::Object(members) if is_operators(members) => {
            // Extended JSON has an error of its own.
            literal(value, path)?;
            Err(wrong("plain values (for patterns write `$or` with `$regex`)", value))
        }
        _ => literal(value, path),
    };
    Ok(OneOf::new(values.iter().map(one).collect::<Result<_, _>>()?))
}

fn not(operand: &Value, path: &str) -> Result<Test, FilterError> {
    match operand {
        Value::Object(members) if is_operators(members) => Ok(Test::Not(tests(members, path)?)),
        _ => Err(wrong_operand("$not", path, "an object of operators such as `{\"$gt\": 1}`", operand)),
    }
}

fn regex(operand: &Value, beside: &Map<String, Value>, path: &str) -> Result<Test, FilterError> {
    let pattern = operand.as_str().ok_or_else(|| wrong_operand("$regex", path, "a string", operand))?;
    let options = match beside.get("$options") {
        None => "",
        Some(Value::String(options)) if options.chars().all(|option| "imsxu".contains(option)) => options,
        Some(other) => return Err(wrong_operand("$options", path, "a string of the letters `imsx`", other)),
    };
    Ok(Test::Pattern(Pattern::new(pattern, options)?))
}

fn all(operand: &Value, path: &str, tests: &mut Vec<Test>) -> Result<(), FilterError> {
    let wrong = |expected, found: &Value| wrong_operand("$all", path, expected, found);
    let values = operand.as_array().ok_or_else(|| wrong("a list of values", operand))?;
    if values.is_empty() {
        tests.push(Test::Never);
    }
    let elements = values.iter().filter_map(element_match).count();
    if elements > 0 && elements < values.len() {
        return Err(wrong("either only `$elemMatch` or only plain values", operand));
    }
    for value in values {
        tests.push(match (element_match(value), value) {
            (Some(condition), _) => element(condition, path)?,
            (None, Value::Object(members)) if is_operators(members) => {
                literal(value, path)?;
                return Err(wrong("plain values or `$elemMatch`", value));
            }
            _ => Test::Equal(literal(value, path)?),
        });
    }
    Ok(())
}

/// The operand of an object that has nothing but `$elemMatch`.
fn element_match(value: &Value) -> Option<&Value> {
    value.as_object().filter(|members| members.len() == 1)?.get("$elemMatch")
}

fn element(operand: &Value, path: &str) -> Result<Test, FilterError> {
    match operand {
        Value::Object(members) if is_filter(members) => {
            Ok(Test::ElementDocument(Box::new(condition(members, path)?)))
        }
        Value::Object(members) => Ok(Test::ElementValue(tests(members, path)?)),
        _ => Err(wrong_operand("$elemMatch", path, "an object of operators or fields", operand)),
    }
}

fn size(operand: &Value, path: &str) -> Result<Test, FilterError> {
    let len = exact_integer(operand)
        .and_then(|len| i32::try_from(len).ok())
        .and_then(|len| usize::try_from(len).ok());
    len.map(Test::Size)
        .ok_or_else(|| wrong_operand("$size", path, "a whole number from 0 to 2147483647", operand))
}

fn remainder(operand: &Value, path: &str) -> Result<Test, FilterError> {
    let wrong = |expected| wrong_operand("$mod", path, expected, operand);
    let Some([divisor, remainder]) = operand.as_array().map(Vec::as_slice) else {
        return Err(wrong("a list of a divisor and a remainder"));
    };
    match (whole_number(divisor), whole_number(remainder)) {
        (Some(0), _) => Err(wrong("a divisor that is not 0 when cut to a whole number")),
        (Some(divisor), Some(remainder)) => Ok(Test::Remainder { divisor, remainder }),
        _ => Err(wrong("two numbers within 64 bits")),
    }
}

fn types(operand: &Value, path: &str) -> Result<TypeSet, FilterError> {
    let one = |value: &Value| {
        let known = match value {
            Value::String(name) => TYPES.iter().find(|(_, known, _)| known == name),
            Value::Number(_) => {
                exact_integer(value).and_then(|n| TYPES.iter().find(|(code, ..)| *code == Some(n)))
            }
            _ => None,
        };
        known
            .map(|(_, _, types)| *types)
            .ok_or_else(|| wrong_operand("$type", path, "a type such as \"string\" or its number", value))
    };
    match operand {
        Value::Array(list) if list.is_empty() => {
            Err(wrong_operand("$type", path, "at least one type", operand))
        }
        Value::Array(list) => {
            list.iter().try_fold(TypeSet::default(), |types, value| Ok(types.and(one(value)?)))
        }
        _ => one(operand),
    }
}

fn exact_integer(value: &Value) -> Option<i64> {
    value.as_i64().or_else(|| value.as_f64().filter(|n| n.fract() == 0.0).and_then(|_| whole_number(value)))
}

/// MongoDB's numbers and names of types; those that JSON lacks are known, and match nothing.
const TYPES: [(Option<i64>, &str, TypeSet); 22] = {
    const NUMBER: TypeSet = TypeSet::INT.and(TypeSet::LONG).and(TypeSet::DOUBLE);
    const NOTHING: TypeSet = TypeSet(0);
    [
        (Some(-1), "minKey", NOTHING),
        (Some(1), "double", TypeSet::DOUBLE),
        (Some(2), "string", TypeSet::STRING),
        (Some(3), "object", TypeSet::OBJECT),
        (Some(4), "array", TypeSet::ARRAY),
        (Some(5), "binData", NOTHING),
        (Some(6), "undefined", NOTHING),
        (Some(7), "objectId", NOTHING),
        (Some(8), "bool", TypeSet::BOOL),
        (Some(9), "date", NOTHING),
        (Some(10), "null", TypeSet::NULL),
        (Some(11), "regex", NOTHING),
        (Some(12), "dbPointer", NOTHING),
        (Some(13), "javascript", NOTHING),
        (Some(14), "symbol", NOTHING),
        (Some(15), "javascriptWithScope", NOTHING),
        (Some(16), "int", TypeSet::INT),
        (Some(17), "timestamp", NOTHING),
        (Some(18), "long", TypeSet::LONG),
        (Some(19), "decimal", NOTHING),
        (Some(127), "maxKey", NOTHING),
        (None, "number", NUMBER),
    ]
};

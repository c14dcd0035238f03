//! From JSON to conditions: the members of a filter and the operators beside them.

use serde_json::{Map, Value};

use super::condition::{Condition, Field, Test};
use super::error::{FilterError, quoted};
use super::operators;
use super::path::Path;

/// How deep the lists and objects of a filter may nest, and how many segments a path may have.
///
/// MongoDB's own limit for conditions is 100 too. It bounds the recursion of parsing and matching.
pub(super) const MAX_DEPTH: usize = 100;

/// Operators that stand beside fields.
const BESIDE_FIELDS: [&str; 4] = ["$and", "$or", "$nor", "$comment"];

/// Names of extended JSON that would be mistaken for objects or operators.
const EXTENDED_JSON: [&str; 17] = [
    "$binary",
    "$code",
    "$date",
    "$dbPointer",
    "$maxKey",
    "$minKey",
    "$numberDecimal",
    "$numberDouble",
    "$numberInt",
    "$numberLong",
    "$oid",
    "$regularExpression",
    "$scope",
    "$symbol",
    "$timestamp",
    "$undefined",
    "$uuid",
];

/// Reads a whole filter.
pub(super) fn filter(value: &Value) -> Result<Condition, FilterError> {
    if nests_deeper(value, MAX_DEPTH) {
        return Err(FilterError::TooDeep { limit: MAX_DEPTH });
    }
    match value {
        Value::Object(members) => condition(members, ""),
        _ => Err(FilterError::NotAnObject { found: quoted(value) }),
    }
}

/// Reads the members of a filter. `prefix` is the path of the `$elemMatch` around it, for errors.
pub(super) fn condition(members: &Map<String, Value>, prefix: &str) -> Result<Condition, FilterError> {
    let mut parts = Vec::with_capacity(members.len());
    for (name, operand) in members {
        match name.as_str() {
            "$and" => parts.extend(list(name, operand, prefix)?),
            "$or" => parts.push(Condition::Any(list(name, operand, prefix)?)),
            "$nor" => parts.push(Condition::Neither(list(name, operand, prefix)?)),
            "$comment" => {}
            operator if operator.starts_with('$') => return Err(refused_beside_fields(operator)),
            _ => parts.push(Condition::Field(field(name, operand, prefix)?)),
        }
    }
    Ok(match parts.len() {
        1 => parts.remove(0),
        _ => Condition::All(parts),
    })
}

fn list(operator: &str, operand: &Value, prefix: &str) -> Result<Vec<Condition>, FilterError> {
    let wrong = |found: &Value| wrong_operand(operator, "", "a list of filters", found);
    let filters = operand.as_array().ok_or_else(|| wrong(operand))?;
    if filters.is_empty() {
        return Err(FilterError::EmptyList { operator: operator.to_owned() });
    }
    let one = |filter: &Value| condition(filter.as_object().ok_or_else(|| wrong(filter))?, prefix);
    filters.iter().map(one).collect()
}

fn field(name: &str, operand: &Value, prefix: &str) -> Result<Field, FilterError> {
    let path = Path::new(name);
    if path.names().len() > MAX_DEPTH {
        return Err(FilterError::TooDeep { limit: MAX_DEPTH });
    }
    if path.names().iter().any(String::is_empty) {
        return Err(FilterError::EmptySegment { path: name.to_owned() });
    }
    let full = if prefix.is_empty() { name.to_owned() } else { format!("{prefix}.{name}") };
    let tests = match operand {
        Value::Object(members) if is_operators(members) => tests(members, &full)?,
        _ => {
            refuse_stray_operator(operand, &full)?;
            vec![Test::Equal(literal(operand, &full)?)]
        }
    };
    Ok(Field { name: name.to_owned(), path, tests })
}

/// Reads an object of operators.
pub(super) fn tests(members: &Map<String, Value>, path: &str) -> Result<Vec<Test>, FilterError> {
    let mut tests = Vec::with_capacity(members.len());
    for (operator, operand) in members {
        if !operator.starts_with('$') {
            return Err(FilterError::MixedOperators { path: path.to_owned(), member: operator.clone() });
        }
        operators::read(operator, operand, members, path, &mut tests)?;
    }
    Ok(tests)
}

/// Whether an object holds operators, and is no plain value: its first member decides.
///
/// An object with `$ref` and `$id` is a reference to another document, which is a plain value.
pub(super) fn is_operators(members: &Map<String, Value>) -> bool {
    members.keys().next().is_some_and(|name| name.starts_with('$'))
        && !(members.contains_key("$ref") && members.contains_key("$id"))
}

/// Whether the object of an `$elemMatch` is a filter of documents rather than operators on values.
pub(super) fn is_filter(members: &Map<String, Value>) -> bool {
    let first = members.keys().next();
    !is_operators(members) || first.is_some_and(|name| BESIDE_FIELDS.contains(&name.as_str()))
}

/// A plain value, after a look for extended JSON in it.
pub(super) fn literal(value: &Value, path: &str) -> Result<Value, FilterError> {
    refuse_extended_json(value, path)?;
    Ok(value.clone())
}

fn refuse_extended_json(value: &Value, path: &str) -> Result<(), FilterError> {
    match value {
        Value::Array(items) => items.iter().try_for_each(|item| refuse_extended_json(item, path)),
        Value::Object(members) => members.iter().try_for_each(|(name, value)| {
            if EXTENDED_JSON.contains(&name.as_str()) {
                return Err(FilterError::ExtendedJson { operator: name.clone(), path: path.to_owned() });
            }
            refuse_extended_json(value, path)
        }),
        _ => Ok(()),
    }
}

/// MongoDB takes `{"b": 1, "$gt": 2}` for a plain object, which nobody means.
fn refuse_stray_operator(operand: &Value, path: &str) -> Result<(), FilterError> {
    let Value::Object(members) = operand else {
        return Ok(());
    };
    match members.keys().next() {
        Some(first) if members.keys().any(|name| operators::KNOWN.contains(&name.as_str())) => {
            Err(FilterError::MixedOperators { path: path.to_owned(), member: first.clone() })
        }
        _ => Ok(()),
    }
}

fn refused_beside_fields(operator: &str) -> FilterError {
    let operator = operator.to_owned();
    let path = String::new();
    if operator == "$not" {
        let remedy = "to negate a whole filter write `{\"$nor\": [FILTER]}`";
        return FilterError::MisplacedOperator { operator, path, remedy };
    }
    if operators::KNOWN.contains(&operator.as_str()) {
        let remedy = "put it below a field, as in `{\"FIELD\": {\"$gt\": 1}}`";
        return FilterError::MisplacedOperator { operator, path, remedy };
    }
    let nearest = nearest(&operator, &BESIDE_FIELDS);
    FilterError::UnknownOperator { operator, path, nearest }
}

/// The error for something below a field that is no operator there.
pub(super) fn refused_below_field(operator: &str, path: &str) -> FilterError {
    let (operator, path) = (operator.to_owned(), path.to_owned());
    if EXTENDED_JSON.contains(&operator.as_str()) {
        return FilterError::ExtendedJson { operator, path };
    }
    if BESIDE_FIELDS.contains(&operator.as_str()) {
        let remedy =
            "put it beside fields, as in `{\"$or\": [{\"FIELD\": {\"$lt\": 1}}, {\"FIELD\": {\"$gt\": 9}}]}`";
        return FilterError::MisplacedOperator { operator, path, remedy };
    }
    let nearest = nearest(&operator, &operators::KNOWN);
    FilterError::UnknownOperator { operator, path, nearest }
}

/// Below this likeness (Jaro-Winkler, 0 to 1) a suggestion is more of a riddle than a help.
const MIN_LIKENESS: f64 = 0.8;

fn nearest(operator: &str, known: &[&str]) -> Option<String> {
    let likeness = |candidate: &&str| {
        strsim::jaro_winkler(operator.trim_start_matches('$'), candidate.trim_start_matches('$'))
    };
    let best = known.iter().copied().max_by(|one, two| likeness(one).total_cmp(&likeness(two)))?;
    (likeness(&best) >= MIN_LIKENESS).then(|| best.to_owned())
}

pub(super) fn wrong_operand(
    operator: &str,
    path: &str,
    expected: &'static str,
    found: &Value,
) -> FilterError {
    FilterError::WrongOperand {
        operator: operator.to_owned(),
        path: path.to_owned(),
        expected,
        found: quoted(found),
    }
}

fn nests_deeper(value: &Value, levels: usize) -> bool {
    match value {
        Value::Array(_) | Value::Object(_) if levels == 0 => true,
        Value::Array(items) => items.iter().any(|item| nests_deeper(item, levels - 1)),
        Value::Object(members) => members.values().any(|value| nests_deeper(value, levels - 1)),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::filter::Filter;
    use serde_json::json;

    fn error(text: &str) -> FilterError {
        text.parse::<Filter>().expect_err(text)
    }

    #[test]
    fn every_mistake_is_named_with_its_remedy() {
        for (text, message) in [
            ("{\"a\": }", "the filter is not JSON: expected value at line 1 column 7"),
            ("[1]", "a filter is an object such as `{\"context.name\": \"x\"}`, not `[1]`"),
            (r#"{"a": {"$gtr": 1}}"#, "unknown operator `$gtr` at `a`: did you mean `$gt`?"),
            (
                r#"{"a": {"$elemmatch": {}}}"#,
                "unknown operator `$elemmatch` at `a`: did you mean `$elemMatch`?",
            ),
            (r#"{"a": {"$zzz": 1}}"#, "unknown operator `$zzz` at `a`"),
            (r#"{"$ore": []}"#, "unknown operator `$ore` beside fields: did you mean `$or`?"),
            (r#"{"a": {"$elemMatch": {"b": {"$zzz": 1}}}}"#, "unknown operator `$zzz` at `a.b`"),
            (
                r#"{"a": {"$gt": 1, "b": 2}}"#,
                "`a` mixes operators with the plain member `b`: write `a.b` beside it, or use `$eq`",
            ),
            (
                r#"{"a": {"b": 2, "$gt": 1}}"#,
                "`a` mixes operators with the plain member `b`: write `a.b` beside it, or use `$eq`",
            ),
            (r#"{"$or": []}"#, "`$or` needs at least one filter in its list"),
            (r#"{"$and": {}}"#, "`$and` needs a list of filters, not `{}`"),
            (r#"{"$nor": [1]}"#, "`$nor` needs a list of filters, not `1`"),
            (r#"{"a..b": 1}"#, "path `a..b` has an empty segment: name every field on the way"),
            (r#"{"a": {"$in": 1}}"#, "`$in` at `a` needs a list of values, not `1`"),
            (
                r#"{"a": {"$nin": [{"$regex": "x"}]}}"#,
                "`$nin` at `a` needs plain values (for patterns write `$or` with `$regex`), not `{\"$regex\":\"x\"}`",
            ),
            (
                r#"{"a": {"$not": {}}}"#,
                "`$not` at `a` needs an object of operators such as `{\"$gt\": 1}`, not `{}`",
            ),
            (
                r#"{"a": {"$not": {"b": 1}}}"#,
                "`$not` at `a` needs an object of operators such as `{\"$gt\": 1}`, not `{\"b\":1}`",
            ),
            (r#"{"a": {"$regex": 1}}"#, "`$regex` at `a` needs a string, not `1`"),
            (r#"{"a": {"$options": "i"}}"#, "`$options` at `a` needs a `$regex` beside it, not `\"i\"`"),
            (
                r#"{"a": {"$regex": "x", "$options": "g"}}"#,
                "`$options` at `a` needs a string of the letters `imsx`, not `\"g\"`",
            ),
            (r#"{"a": {"$regex": "(x"}}"#, "pattern `(x` cannot be used: unclosed group"),
            (
                r#"{"a": {"$regex": "x++"}}"#,
                "pattern `x++` cannot be used: possessive quantifiers are not supported",
            ),
            (r#"{"a": {"$size": -1}}"#, "`$size` at `a` needs a whole number from 0 to 2147483647, not `-1`"),
            (
                r#"{"a": {"$size": 1.5}}"#,
                "`$size` at `a` needs a whole number from 0 to 2147483647, not `1.5`",
            ),
            (r#"{"a": {"$type": []}}"#, "`$type` at `a` needs at least one type, not `[]`"),
            (
                r#"{"a": {"$type": ["text"]}}"#,
                "`$type` at `a` needs a type such as \"string\" or its number, not `\"text\"`",
            ),
            (r#"{"a": {"$all": 1}}"#, "`$all` at `a` needs a list of values, not `1`"),
            (
                r#"{"a": {"$all": [{"$gt": 1}]}}"#,
                "`$all` at `a` needs plain values or `$elemMatch`, not `{\"$gt\":1}`",
            ),
            (
                r#"{"a": {"$all": [1, {"$elemMatch": {}}]}}"#,
                "`$all` at `a` needs either only `$elemMatch` or only plain values, not `[1,{\"$elemMatch\":{}}]`",
            ),
            (
                r#"{"a": {"$elemMatch": []}}"#,
                "`$elemMatch` at `a` needs an object of operators or fields, not `[]`",
            ),
            (r#"{"a": {"$mod": [2]}}"#, "`$mod` at `a` needs a list of a divisor and a remainder, not `[2]`"),
            (
                r#"{"a": {"$mod": [0.5, 1]}}"#,
                "`$mod` at `a` needs a divisor that is not 0 when cut to a whole number, not `[0.5,1]`",
            ),
            (
                r#"{"a": {"$mod": [1e300, 1]}}"#,
                "`$mod` at `a` needs two numbers within 64 bits, not `[1e+300,1]`",
            ),
            (
                r#"{"a": {"$date": 1}}"#,
                "`$date` at `a` is extended JSON, which documents do not hold: compare with a plain JSON value",
            ),
            (
                r#"{"a": {"$gt": [{"$oid": "x"}]}}"#,
                "`$oid` at `a` is extended JSON, which documents do not hold: compare with a plain JSON value",
            ),
            (
                r#"{"a": {"$in": [{"$numberLong": "1"}]}}"#,
                "`$numberLong` at `a` is extended JSON, which documents do not hold: compare with a plain JSON value",
            ),
            (
                r#"{"$gt": 1}"#,
                "`$gt` cannot stand beside fields: put it below a field, as in `{\"FIELD\": {\"$gt\": 1}}`",
            ),
            (
                r#"{"$not": {"a": 1}}"#,
                "`$not` cannot stand beside fields: to negate a whole filter write `{\"$nor\": [FILTER]}`",
            ),
        ] {
            assert_eq!(error(text).to_string(), message, "{text}");
        }
        assert!(matches!(error(r#"{"a": {"$or": []}}"#), FilterError::MisplacedOperator { .. }));
    }

    #[test]
    fn long_values_are_quoted_short() {
        let text = format!(r#"{{"a": {{"$size": "{}"}}}}"#, "é".repeat(500));
        assert!(error(&text).to_string().len() < 250);
    }

    #[test]
    fn depth_is_limited_in_every_direction() {
        let nested = |levels: usize, open: &str, close: &str| {
            let mut value = json!(1);
            for _ in 0..levels {
                value = serde_json::from_str(&format!("{open}0{close}"))
                    .map(|shell: Value| fill(shell, &value))
                    .unwrap();
            }
            value
        };
        for (open, close) in [("[", "]"), ("{\"a\":", "}"), ("{\"$and\":", "}"), ("{\"$not\":", "}")] {
            let deep = json!({"a": nested(MAX_DEPTH, open, close)});
            assert_eq!(Filter::parse(&deep), Err(FilterError::TooDeep { limit: MAX_DEPTH }), "{open}");
        }
        let deepest = json!({"a": nested(MAX_DEPTH - 1, "[", "]")});
        assert!(Filter::parse(&deepest).unwrap().matches_value(&deepest));
        let deepest = json!({"a": nested((MAX_DEPTH - 2) / 2, "{\"$elemMatch\":{\"$not\":", "}}")});
        assert!(matches!(Filter::parse(&deepest), Err(FilterError::WrongOperand { .. })));
        let path = vec!["a"; MAX_DEPTH + 1].join(".");
        assert_eq!(Filter::parse(&json!({ path: 1 })), Err(FilterError::TooDeep { limit: MAX_DEPTH }));
    }

    fn fill(shell: Value, inner: &Value) -> Value {
        match shell {
            Value::Array(items) => items.into_iter().map(|item| fill(item, inner)).collect(),
            Value::Object(members) => {
                Value::Object(members.into_iter().map(|(name, item)| (name, fill(item, inner))).collect())
            }
            _ => inner.clone(),
        }
    }

    #[test]
    fn no_text_makes_it_panic() {
        let pieces = [
            "{",
            "}",
            "[",
            "]",
            ":",
            ",",
            "\"a\"",
            "\"a.0\"",
            "\"$in\"",
            "\"$not\"",
            "\"$regex\"",
            "\"(?x)[\"",
            "\"$mod\"",
            "-1",
            "0",
            "1e308",
            "null",
            "true",
            "{}",
            "[]",
            "\"$elemMatch\"",
            "\"$all\"",
            "\"$and\"",
        ];
        let mut random = crate::random::Random::new(7);
        let mut accepted = 0;
        for _ in 0..60_000 {
            let operand: String = (0..1 + random.below(6))
                .map(|_| pieces[random.below(pieces.len() as u64) as usize])
                .collect();
            let operator = operators::KNOWN[random.below(17) as usize];
            if let Ok(filter) = format!("{{\"a\":{{\"{operator}\":{operand}}}}}").parse::<Filter>() {
                accepted += 1;
                let _ = filter.matches_value(&json!({"a": [1, null, [0, {"0": {}}], "x", i64::MIN]}));
                assert_eq!(filter.to_string().parse(), Ok(filter));
            }
        }
        assert!(accepted > 1_000, "{accepted}");
    }
}

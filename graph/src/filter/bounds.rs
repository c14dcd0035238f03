//! What a filter says about one path, for the use of an index.

use std::cmp::Ordering;
use std::ops::Range;

use serde_json::Value;

use super::compare::{class, compare_values, equal};
use super::condition::{Comparison, Condition, Field, Test};

/// Values that a path must have one of, in the order of [`compare_values`](super::compare_values).
///
/// They are numbers, strings and booleans only, and equal as in that order: `1` means `1.0` too.
#[derive(Debug, Clone, PartialEq)]
pub enum Bounds {
    /// One of these, which are ascending; of none, nothing matches.
    Equal(Vec<Value>),
    /// Values of one type between two ends, of which there is at least one. An end that is missing is
    /// the first or last value of that type; `true` includes the end itself.
    Range {
        /// The lower end.
        from: Option<(Value, bool)>,
        /// The upper end.
        to: Option<(Value, bool)>,
    },
}

impl Bounds {
    /// Whether a value lies within them.
    #[must_use]
    pub fn contains(&self, value: &Value) -> bool {
        match self {
            Self::Equal(values) => values.iter().any(|candidate| equal(candidate, value)),
            Self::Range { from, to } => {
                let within = |end: &Option<(Value, bool)>, side: Ordering| {
                    end.as_ref().is_none_or(|(end, inclusive)| {
                        let order = compare_values(value, end);
                        class(value) == class(end) && (order == side || (*inclusive && order.is_eq()))
                    })
                };
                within(from, Ordering::Greater) && within(to, Ordering::Less)
            }
        }
    }

    /// Lower is narrower.
    fn width(&self) -> usize {
        match self {
            Self::Equal(values) => values.len(),
            Self::Range { from: Some(_), to: Some(_) } => usize::MAX - 1,
            Self::Range { .. } => usize::MAX,
        }
    }

    fn intersect(self, other: Self) -> Self {
        match (self, other) {
            (Self::Equal(mut values), other) | (other, Self::Equal(mut values)) => {
                values.retain(|value| other.contains(value));
                Self::Equal(values)
            }
            (Self::Range { from: from_1, to: to_1 }, Self::Range { from: from_2, to: to_2 }) => {
                let classes =
                    [&from_1, &to_1, &from_2, &to_2].map(|end| end.as_ref().map(|(end, _)| class(end)));
                let mut classes = classes.into_iter().flatten();
                let first = classes.next();
                if classes.any(|class| Some(class) != first) {
                    return Self::Equal(Vec::new());
                }
                Self::Range {
                    from: tighter(from_1, from_2, Ordering::Greater),
                    to: tighter(to_1, to_2, Ordering::Less),
                }
            }
        }
    }
}

fn tighter(one: Option<(Value, bool)>, two: Option<(Value, bool)>, side: Ordering) -> Option<(Value, bool)> {
    match (one, two) {
        (Some(one), Some(two)) => {
            let order = compare_values(&one.0, &two.0);
            Some(if order == side || (order.is_eq() && !one.1) { one } else { two })
        }
        (one, two) => one.or(two),
    }
}

/// Bounds that hold whatever arrays there are: the narrowest of those that single tests give.
pub(super) fn of_any(condition: &Condition, path: &str) -> Option<Bounds> {
    let mut found = Vec::new();
    collect(condition, path, &mut found);
    found.into_iter().min_by_key(Bounds::width)
}

/// Bounds that hold where the path leads to one value: what all tests leave together.
pub(super) fn of_scalar(condition: &Condition, path: &str) -> Option<Bounds> {
    let mut found = Vec::new();
    collect(condition, path, &mut found);
    found.into_iter().reduce(Bounds::intersect)
}

fn collect(condition: &Condition, path: &str, found: &mut Vec<Bounds>) {
    match condition {
        Condition::All(parts) => parts.iter().for_each(|part| collect(part, path, found)),
        Condition::Field(field) if is_same_path(&field.name, path) => {
            found.extend(field.tests.iter().filter_map(|test| of_test(test, field)));
        }
        _ => {}
    }
}

/// A document's `_id` is its `id`.
fn is_same_path(one: &str, two: &str) -> bool {
    let is_id = |path: &str| matches!(path, "id" | "_id");
    one == two || (is_id(one) && is_id(two))
}

fn of_test(test: &Test, field: &Field) -> Option<Bounds> {
    match test {
        Test::Equal(value) if is_scalar(value) => Some(Bounds::Equal(vec![value.clone()])),
        Test::In(values) if values.values().iter().all(is_scalar) => {
            Some(Bounds::Equal(values.values().to_vec()))
        }
        Test::Compare(comparison, value) if is_scalar(value) => Some(of_comparison(*comparison, value)),
        Test::Pattern(pattern) => pattern.prefix().map(|prefix| Bounds::Range {
            from: Some((Value::from(prefix), true)),
            to: after_prefix(prefix).map(|end| (Value::from(end), false)),
        }),
        // The tests of an `$elemMatch` hold for one and the same element, so all of them bound it. An
        // array that an index counted out stands for itself, its elements are not at the path.
        Test::ElementValue(tests) if !field.path.may_end_in_index() => {
            tests.iter().filter_map(|test| of_test(test, field)).reduce(Bounds::intersect)
        }
        Test::Never => Some(Bounds::Equal(Vec::new())),
        _ => None,
    }
}

fn of_comparison(comparison: Comparison, value: &Value) -> Bounds {
    let end = Some((value.clone(), comparison.or_equal));
    if comparison.greater {
        Bounds::Range { from: end, to: None }
    } else {
        Bounds::Range { from: None, to: end }
    }
}

fn is_scalar(value: &Value) -> bool {
    matches!(value, Value::Number(_) | Value::String(_) | Value::Bool(_))
}

/// The first text after all that begin with `prefix`, as far as there is one.
fn after_prefix(prefix: &str) -> Option<String> {
    const SURROGATES: Range<u32> = 0xD800..0xE000;
    let mut text = prefix.to_owned();
    while let Some(last) = text.pop() {
        let next = u32::from(last) + 1;
        let next = if SURROGATES.contains(&next) { SURROGATES.end } else { next };
        if let Some(next) = char::from_u32(next) {
            text.push(next);
            return Some(text);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::filter::Filter;
    use crate::filter::path::{Leaf, Path, member};
    use crate::random::Random;
    use serde_json::{Map, json};

    fn parse(filter: &Value) -> Filter {
        Filter::parse(filter).unwrap()
    }

    fn range(from: Option<(Value, bool)>, to: Option<(Value, bool)>) -> Option<Bounds> {
        Some(Bounds::Range { from, to })
    }

    #[test]
    fn bounds_come_from_conditions_that_every_match_satisfies() {
        for (filter, expected) in [
            (json!({"a": 1}), Some(Bounds::Equal(vec![json!(1)]))),
            (json!({"a": {"$eq": "x"}}), Some(Bounds::Equal(vec![json!("x")]))),
            (json!({"a": {"$in": [2, 1, 2.0]}}), Some(Bounds::Equal(vec![json!(1), json!(2)]))),
            (json!({"a": {"$in": []}}), Some(Bounds::Equal(vec![]))),
            (json!({"a": {"$all": []}}), Some(Bounds::Equal(vec![]))),
            (json!({"a": {"$all": [true, [1]]}}), Some(Bounds::Equal(vec![json!(true)]))),
            (json!({"$and": [{"b": 1}, {"$and": [{"a": 1}]}]}), Some(Bounds::Equal(vec![json!(1)]))),
            (json!({"a": {"$gt": 1}}), range(Some((json!(1), false)), None)),
            (json!({"a": {"$lte": "x"}}), range(None, Some((json!("x"), true)))),
            (json!({"a": {"$gt": 1, "$lt": 5}}), range(Some((json!(1), false)), None)),
            (
                json!({"a": {"$elemMatch": {"$gt": 1, "$lt": 5}}}),
                range(Some((json!(1), false)), Some((json!(5), false))),
            ),
            (
                json!({"a": {"$regex": "^ab\\.c+"}}),
                range(Some((json!("ab.c"), true)), Some((json!("ab.d"), false))),
            ),
            (json!({"a": {"$regex": "^ab?"}}), range(Some((json!("a"), true)), Some((json!("b"), false)))),
            (
                json!({"a": {"$regex": "^\u{d7ff}"}}),
                range(Some((json!("\u{d7ff}"), true)), Some((json!("\u{e000}"), false))),
            ),
            (json!({"a": {"$regex": "^\u{10ffff}"}}), range(Some((json!("\u{10ffff}"), true)), None)),
            (json!({"a": null}), None),
            (json!({"a": {"$in": [1, null]}}), None),
            (json!({"a": {"$in": [1, []]}}), None),
            (json!({"a": {"$gte": null}}), None),
            (json!({"a": [1]}), None),
            (json!({"a": {"b": 1}}), None),
            (json!({"a": {"$ne": 1}}), None),
            (json!({"a": {"$not": {"$eq": 1}}}), None),
            (json!({"a": {"$exists": true}}), None),
            (json!({"$or": [{"a": 1}]}), None),
            (json!({"$nor": [{"a": 1}]}), None),
            (json!({"a.b": 1, "b": 1}), None),
            (json!({"a": {"$regex": "ab"}}), None),
            (json!({"a": {"$regex": "^ab|c"}}), None),
            (json!({"a": {"$regex": "^ab", "$options": "i"}}), None),
            (json!({"a": {"$regex": "^ab", "$options": "m"}}), None),
            (json!({"a": {"$elemMatch": {"b": 1}}}), None),
            (json!({}), None),
        ] {
            assert_eq!(parse(&filter).bounds("a"), expected, "{filter}");
        }
        assert!(parse(&json!({"_id": "n.A.b"})).bounds("id").is_some());
        assert_eq!(parse(&json!({"a.0": {"$elemMatch": {"$gt": 1}}})).bounds("a.0"), None);
    }

    #[test]
    fn bounds_of_paths_without_arrays_are_what_all_conditions_leave() {
        for (filter, expected) in [
            (json!({"a": {"$gt": 1, "$lt": 5}}), range(Some((json!(1), false)), Some((json!(5), false)))),
            (json!({"a": {"$gt": 1, "$gte": 1}}), range(Some((json!(1), false)), None)),
            (json!({"a": {"$lte": 1, "$lt": 2}}), range(None, Some((json!(1), true)))),
            (json!({"a": {"$gte": 2, "$in": [1, 2, "x"]}}), Some(Bounds::Equal(vec![json!(2)]))),
            (json!({"a": {"$gt": 1, "$lt": "x"}}), Some(Bounds::Equal(vec![]))),
            (json!({"$and": [{"a": 1}, {"a": 2}]}), Some(Bounds::Equal(vec![]))),
            (json!({"a": {"$ne": 1}}), None),
        ] {
            assert_eq!(parse(&filter).scalar_bounds("a"), expected, "{filter}");
        }
    }

    #[test]
    fn whatever_matches_has_a_value_within_the_bounds() {
        let mut used = [0; 2];
        for seed in 0..16_000 {
            let mut random = Random::new(seed);
            let filter = parse(&random_filter(&mut random, 2));
            let arrays = seed % 2 == 0;
            for _ in 0..8 {
                let [a, b] = [2, 1].map(|depth| random_value(&mut random, depth, arrays));
                let document = json!({"a": a, "b": b});
                if filter.matches_value(&document) {
                    for path in PATHS {
                        let bounds = if arrays { filter.bounds(path) } else { filter.scalar_bounds(path) };
                        let Some(bounds) = bounds else { continue };
                        used[usize::from(arrays)] += 1;
                        let holds = reaches(&document, path, &bounds);
                        assert!(holds, "seed {seed}: {filter} {document} {path} {bounds:?}");
                    }
                }
            }
        }
        assert!(used.iter().all(|&used| used > 300), "{used:?}");
    }

    const PATHS: [&str; 5] = ["a", "b", "a.b", "a.0", "a.b.a"];

    fn reaches(document: &Value, path: &str, bounds: &Bounds) -> bool {
        let path = Path::new(path);
        path.any(member(document, &path.names()[0]), 1, Leaf::Elements, &mut |value| {
            value.is_some_and(|value| bounds.contains(value))
        })
    }

    fn pick<T: Clone>(random: &mut Random, from: &[T]) -> T {
        from[random.below(from.len() as u64) as usize].clone()
    }

    fn random_value(random: &mut Random, depth: u64, arrays: bool) -> Value {
        match random.below(if depth == 0 { 2 } else { 4 }) {
            0 => pick(random, &[json!(null), json!(true), json!(1), json!(2.5), json!(3)]),
            1 => pick(random, &[json!("a"), json!("ab"), json!("b"), json!(1), json!(2)]),
            2 if arrays => (0..random.below(4)).map(|_| random_value(random, depth - 1, arrays)).collect(),
            _ => {
                let mut members = Map::new();
                for _ in 0..random.below(3) {
                    let name = pick(random, &["a", "b", "0"]);
                    members.insert(name.into(), random_value(random, depth - 1, arrays));
                }
                Value::Object(members)
            }
        }
    }

    fn random_tests(random: &mut Random) -> Value {
        let mut tests = Map::new();
        for _ in 0..1 + random.below(3) {
            let value = random_value(random, 1, true);
            let operator = pick(
                random,
                &["$eq", "$gt", "$gte", "$lt", "$lte", "$ne", "$in", "$all", "$regex", "$elemMatch"],
            );
            let operand = match operator {
                "$in" | "$all" => json!([value, random_value(random, 0, false)]),
                "$regex" => pick(random, &[json!("^a"), json!("^ab?"), json!("b"), json!("^ab*$")]),
                "$elemMatch" => json!({"$gte": value, "$lt": random_value(random, 0, false)}),
                _ => value,
            };
            tests.insert(operator.into(), operand);
        }
        Value::Object(tests)
    }

    fn random_filter(random: &mut Random, depth: u64) -> Value {
        let mut members = Map::new();
        for _ in 0..1 + random.below(2) {
            let path = pick(random, &PATHS);
            match random.below(6) {
                0 if depth > 0 => {
                    let name = pick(random, &["$and", "$or", "$nor"]);
                    members.insert(name.into(), json!([random_filter(random, depth - 1)]));
                }
                1 => drop(members.insert(path.into(), json!({"$not": random_tests(random)}))),
                2 => drop(members.insert(path.into(), random_value(random, 0, false))),
                _ => drop(members.insert(path.into(), random_tests(random))),
            }
        }
        Value::Object(members)
    }
}

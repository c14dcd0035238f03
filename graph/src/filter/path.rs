//! Dotted paths and how they go through arrays.

use serde_json::Value;

/// A dotted path, split once.
pub(super) struct Path {
    names: Box<[String]>,
    /// For each segment the array index that it may also be.
    indexes: Box<[Option<usize>]>,
}

/// Whether the elements of an array at the end of a path count beside the array itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Leaf {
    /// They do, as in equality and comparison.
    Elements,
    /// Only the array counts, as in `$size` and `$elemMatch`.
    Whole,
}

impl Path {
    pub(super) fn new(text: &str) -> Self {
        let names: Box<[String]> = text.split('.').map(str::to_owned).collect();
        let indexes = names.iter().map(|name| index(name)).collect();
        Self { names, indexes }
    }

    pub(super) fn names(&self) -> &[String] {
        &self.names
    }

    /// Whether the last segment may be an array index.
    pub(super) fn may_end_in_index(&self) -> bool {
        self.indexes.last().is_some_and(Option::is_some)
    }

    /// Whether `test` accepts a value that the path reaches. `None` is given where the path leads to
    /// nothing; an array on the way that has nothing for the rest of the path gives no call at all.
    ///
    /// `start` is what the segments before `at` name. This is MongoDB's `BSONElementIterator`
    /// (`src/mongo/db/matcher/path.cpp`).
    pub(super) fn any(
        &self,
        start: Option<&Value>,
        at: usize,
        leaf: Leaf,
        test: &mut dyn FnMut(Option<&Value>) -> bool,
    ) -> bool {
        let Some(value) = start else {
            return test(None);
        };
        match (value, self.names.get(at)) {
            (Value::Array(items), None) if leaf == Leaf::Elements => {
                items.iter().any(|item| test(Some(item))) || test(Some(value))
            }
            (_, None) => test(Some(value)),
            (Value::Object(members), Some(name)) => self.any(members.get(name), at + 1, leaf, test),
            (Value::Array(items), Some(_)) => self.any_in(items, at, leaf, test),
            (_, Some(_)) => test(None),
        }
    }

    /// Goes on into an array with segments left: into each object, and to the element that the next
    /// segment counts out. Both, for an object there.
    fn any_in(
        &self,
        items: &[Value],
        at: usize,
        leaf: Leaf,
        test: &mut dyn FnMut(Option<&Value>) -> bool,
    ) -> bool {
        let index = self.indexes[at];
        let is_last = at + 1 == self.names.len();
        items.iter().enumerate().any(|(position, item)| {
            if item.is_object() && self.any(Some(item), at, leaf, test) {
                return true;
            }
            match item {
                _ if index != Some(position) => false,
                // An element that was counted out stands for itself, even if it is an array.
                _ if is_last => test(Some(item)),
                Value::Object(_) => self.any(Some(item), at + 1, leaf, test),
                Value::Array(inner) => self.any_in(inner, at + 1, leaf, test),
                _ => false,
            }
        })
    }
}

/// What a name stands for in a value taken as a document; `$elemMatch` takes arrays so too.
pub(super) fn member<'a>(value: &'a Value, name: &str) -> Option<&'a Value> {
    match value {
        Value::Object(members) => members.get(name),
        Value::Array(items) => items.get(index(name)?),
        _ => None,
    }
}

/// The array index that a segment is: decimal, without sign or leading zeros.
pub(crate) fn index(segment: &str) -> Option<usize> {
    let canonical =
        segment == "0" || (!segment.starts_with('0') && segment.bytes().all(|b| b.is_ascii_digit()));
    if canonical { segment.parse().ok() } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn reached(value: &Value, path: &str, leaf: Leaf) -> Vec<Option<Value>> {
        let path = Path::new(path);
        let mut found = Vec::new();
        path.any(member(value, &path.names()[0]), 1, leaf, &mut |value| {
            found.push(value.cloned());
            false
        });
        found
    }

    #[test]
    fn paths_go_through_arrays_as_in_mongodb() {
        let some = |value: Value| Some(value);
        for (value, path, expected) in [
            (json!({"a": 1}), "a", vec![some(json!(1))]),
            (json!({}), "a", vec![None]),
            (json!({"a": 1}), "a.b", vec![None]),
            (json!({"a": []}), "a", vec![some(json!([]))]),
            (json!({"a": []}), "a.b", vec![]),
            (json!({"a": [1, 2]}), "a", vec![some(json!(1)), some(json!(2)), some(json!([1, 2]))]),
            (json!({"a": [1, {"b": 2}, {}, [{"b": 3}]]}), "a.b", vec![some(json!(2)), None]),
            (json!({"a": [[1, 2]]}), "a.0", vec![some(json!([1, 2]))]),
            (json!({"a": [[1, 2]]}), "a.0.1", vec![some(json!(2))]),
            (json!({"a": [{"0": 7}]}), "a.0", vec![some(json!(7)), some(json!({"0": 7}))]),
            (json!({"a": [{"b": 7}]}), "a.0.b", vec![None, some(json!(7))]),
            (json!({"a": [1, 2]}), "a.00", vec![]),
            (json!({"a": [1, 2]}), "a.-1", vec![]),
            (json!({"a": {"": 5}}), "a.", vec![some(json!(5))]),
        ] {
            assert_eq!(reached(&value, path, Leaf::Elements), expected, "{value} {path}");
        }
        assert_eq!(reached(&json!({"a": [1]}), "a", Leaf::Whole), [some(json!([1]))]);
    }

    #[test]
    fn only_plain_decimals_are_indexes() {
        assert_eq!(index("0"), Some(0));
        assert_eq!(index("10"), Some(10));
        for segment in ["", "00", "01", "+1", "-1", "1a", "99999999999999999999999"] {
            assert_eq!(index(segment), None, "{segment}");
        }
    }
}

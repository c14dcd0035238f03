//! The values that a dotted path leads to, as an index and a sort see them.

use crate::body::Body;
use crate::document::Document;
use crate::filter::path::index;
use serde_json::Value;

/// What a path leads to.
#[derive(Debug, Default, PartialEq)]
pub struct FieldValues {
    /// A field that is missing gives null, a list gives its members, an empty one `None`.
    pub values: Vec<Option<Value>>,
    /// Whether there was a list on the way or at the end.
    pub lists: bool,
    /// Whether the path led to anything.
    pub found: bool,
}

/// How a list counts that is itself counted out of a list, at the end of a path such as `a.0`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Counted {
    /// As one value: so MongoDB sorts.
    Whole,
    /// By its members, so that an index finds it by each of them.
    ByMembers,
}

impl FieldValues {
    /// What a path of field names leads to in the user fields.
    #[must_use]
    pub fn in_body(body: &Body, path: &[String]) -> Self {
        let start = path.first().and_then(|name| Some((body.field(name)?, 1)));
        Self::below(start, path, Counted::ByMembers)
    }

    /// What a path such as `context.name` leads to in a document.
    #[must_use]
    pub fn in_document(document: &Document, path: &[String]) -> Self {
        Self::below(document.peek(path), path, Counted::Whole)
    }

    fn below(start: Option<(Value, usize)>, path: &[String], counted: Counted) -> Self {
        let mut found = Self::default();
        match start {
            Some((value, passed)) => found.walk(value, &path[passed..], counted),
            None => found.values.push(Some(Value::Null)),
        }
        found
    }

    fn walk(&mut self, value: Value, path: &[String], counted: Counted) {
        match (value, path) {
            (Value::Array(items), []) => {
                self.lists = true;
                self.found = true;
                if items.is_empty() {
                    self.values.push(None);
                }
                self.values.extend(items.into_iter().map(Some));
            }
            (value, []) => {
                self.found = true;
                self.values.push(Some(value));
            }
            (Value::Object(mut members), [name, rest @ ..]) => match members.swap_remove(name) {
                Some(member) => self.walk(member, rest, counted),
                None => self.push_null(),
            },
            (Value::Array(items), path) => self.walk_list(items, path, counted),
            (_, _) => self.push_null(),
        }
    }

    /// Once is enough: a list may have thousands of members that lack the path.
    fn push_null(&mut self) {
        if self.values.last() != Some(&Some(Value::Null)) {
            self.values.push(Some(Value::Null));
        }
    }

    /// Goes on to the member that the next name counts out, or else into each: one that is no object lacks the path.
    ///
    /// A filter takes a number as a name too, in members that have it. MongoDB makes no index of such lists.
    fn walk_list(&mut self, mut items: Vec<Value>, path: &[String], counted: Counted) {
        self.lists = true;
        let position = index(&path[0]).filter(|position| *position < items.len());
        if position.is_some() {
            let has_name = |item: &&Value| item.as_object().is_some_and(|item| item.contains_key(&path[0]));
            let named: Vec<Value> = items.iter().filter(has_name).cloned().collect();
            named.into_iter().for_each(|item| self.walk(item, path, counted));
        }
        match (position, path) {
            (Some(position), [_]) if counted == Counted::Whole => {
                self.found = true;
                let item = items.swap_remove(position);
                let is_empty = item.as_array().is_some_and(Vec::is_empty);
                self.values.push((!is_empty).then_some(item));
            }
            (Some(position), [_, rest @ ..]) => {
                self.walk(items.swap_remove(position), rest, counted);
            }
            _ if items.is_empty() => self.push_null(),
            _ => {
                for item in items {
                    match item {
                        Value::Object(_) => self.walk(item, path, counted),
                        _ => self.push_null(),
                    }
                }
            }
        }
    }
}

/// The values that are there at a path below a value, as MongoDB's `distinct` takes them: a list at the end gives
/// its members, what is missing gives nothing.
pub(crate) fn present_values(value: Value, path: &[String], into: &mut Vec<Value>) {
    match (value, path) {
        (Value::Array(items), []) => into.extend(items),
        (value, []) => into.push(value),
        (Value::Object(mut members), [name, rest @ ..]) => {
            if let Some(member) = members.swap_remove(name) {
                present_values(member, rest, into);
            }
        }
        (Value::Array(mut items), [name, rest @ ..]) => match index(name) {
            Some(position) if position < items.len() => {
                present_values(items.swap_remove(position), rest, into);
            }
            _ => {
                for item in items.into_iter().filter(Value::is_object) {
                    present_values(item, path, into);
                }
            }
        },
        _ => {}
    }
}

/// Splits a dotted path.
#[must_use]
pub fn split_path(path: &str) -> Vec<String> {
    path.split('.').map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn paths_lead_through_objects_and_lists() {
        let body = Body::encode(&json!({
            "a": 1, "none": null, "list": [1, [2], 1], "empty": [], "nested": [[]], "o": {"x": {"y": 2}},
            "rows": [{"x": 1}, {"x": [2, 3]}, 7, {"z": 0}], "named": [{"0": 7}, {"00": 8}],
        }))
        .unwrap();
        for (path, values, lists, found) in [
            ("a", json!([1]), false, true),
            ("a.b", json!([null]), false, false),
            ("none", json!([null]), false, true),
            ("absent", json!([null]), false, false),
            ("list", json!([1, [2], 1]), true, true),
            ("list.1", json!([2]), true, true),
            ("empty", json!(["none"]), true, true),
            ("nested", json!([[]]), true, true),
            ("empty.x", json!([null]), true, false),
            ("o.x.y", json!([2]), false, true),
            ("o.x", json!([{"y": 2}]), false, true),
            ("rows.x", json!([1, 2, 3, null]), true, true),
            ("rows.0.x", json!([1]), true, true),
            ("rows.2.x", json!([null]), true, false),
            ("rows.9.x", json!([null]), true, false),
            // What it counts out, and what has it as a name; with a zero before it is a name alone.
            ("named.0", json!([7, {"0": 7}]), true, true),
            ("named.00", json!([null, 8]), true, true),
        ] {
            let got = FieldValues::in_body(&body, &split_path(path));
            let shown: Value = got.values.into_iter().map(|value| value.unwrap_or(json!("none"))).collect();
            assert_eq!(shown, values, "{path}");
            assert_eq!((got.lists, got.found), (lists, found), "{path}");
        }
    }
}

//! The values that a dotted path leads to, as an index and a sort see them.

use crate::body::Body;
use crate::document::Document;
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

impl FieldValues {
    /// What a path of field names leads to in the user fields.
    #[must_use]
    pub fn in_body(body: &Body, path: &[String]) -> Self {
        let start = path.first().and_then(|name| Some((body.field(name)?, 1)));
        Self::below(start, path)
    }

    /// What a path such as `context.name` leads to in a document.
    #[must_use]
    pub fn in_document(document: &Document, path: &[String]) -> Self {
        Self::below(document.peek(path), path)
    }

    fn below(start: Option<(Value, usize)>, path: &[String]) -> Self {
        let mut found = Self::default();
        match start {
            Some((value, passed)) => found.walk(value, &path[passed..]),
            None => found.values.push(Some(Value::Null)),
        }
        found
    }

    fn walk(&mut self, value: Value, path: &[String]) {
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
                Some(member) => self.walk(member, rest),
                None => self.values.push(Some(Value::Null)),
            },
            (Value::Array(items), path) => self.walk_list(items, path),
            (_, _) => self.values.push(Some(Value::Null)),
        }
    }

    /// Goes on into the objects of a list, and to the member that the next name counts out.
    fn walk_list(&mut self, items: Vec<Value>, path: &[String]) {
        self.lists = true;
        let position = path[0].parse::<usize>().ok();
        for (at, item) in items.into_iter().enumerate() {
            if position == Some(at) {
                self.walk(item.clone(), &path[1..]);
            }
            if item.is_object() {
                self.walk(item, path);
            }
        }
        if self.values.is_empty() {
            self.values.push(Some(Value::Null));
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
        (Value::Array(mut items), [name, rest @ ..]) => match name.parse::<usize>() {
            Ok(position) if position < items.len() => {
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
            "rows": [{"x": 1}, {"x": [2, 3]}, 7, {"z": 0}],
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
            ("rows.0.x", json!([1, null, null, null]), true, true),
        ] {
            let got = FieldValues::in_body(&body, &split_path(path));
            let shown: Value = got.values.into_iter().map(|value| value.unwrap_or(json!("none"))).collect();
            assert_eq!(shown, values, "{path}");
            assert_eq!((got.lists, got.found), (lists, found), "{path}");
        }
    }
}

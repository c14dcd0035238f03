//! Parts of documents.

use serde_json::{Map, Value};

use crate::body::{Body, BodyError};
use crate::document::Document;
use crate::field_values::split_path;

/// The paths that are kept of a document.
///
/// `context.name` and `name` both mean the field; `name` also keeps an unknown member of that name,
/// `context` keeps all fields. Id, entity, version and the ends of an edge are always kept.
#[derive(Debug)]
pub struct Projection {
    /// Below `context`.
    fields: Vec<Vec<String>>,
    /// Beside `context`.
    members: Vec<Vec<String>>,
    whole_context: bool,
}

impl Projection {
    /// The paths, dotted.
    #[must_use]
    pub fn new(paths: &[String]) -> Self {
        let mut projection = Self { fields: Vec::new(), members: Vec::new(), whole_context: false };
        for path in paths {
            let path = split_path(path);
            match path.as_slice() {
                [context] if context == "context" => projection.whole_context = true,
                [context, field @ ..] if context == "context" => projection.fields.push(field.to_vec()),
                _ => {
                    projection.fields.push(path.clone());
                    projection.members.push(path);
                }
            }
        }
        projection
    }

    /// The kept part of a document.
    ///
    /// # Errors
    /// [`BodyError::Damaged`].
    pub fn of(&self, document: &Document) -> Result<Document, BodyError> {
        let mut kept = document.clone();
        if !self.whole_context {
            kept = kept.with_body(Body::encode(&reduced(&document.body().fields()?, &self.fields))?);
        }
        if let Some(extra) = document.extra() {
            let members = reduced(&extra.fields()?, &self.members);
            kept = kept.with_extra(if members.is_empty() { None } else { Some(Body::encode(&members)?) });
        }
        Ok(kept)
    }
}

/// The members that begin a path, each with what its paths keep of it.
fn reduced<P: AsRef<[String]>>(members: &Map<String, Value>, paths: &[P]) -> Map<String, Value> {
    let mut kept = Map::new();
    for (name, value) in members {
        let below = paths.iter().filter_map(|path| path.as_ref().split_first());
        let below: Vec<&[String]> = below.filter(|(first, _)| *first == name).map(|(_, rest)| rest).collect();
        if below.iter().any(|rest| rest.is_empty()) {
            kept.insert(name.clone(), value.clone());
        } else if !below.is_empty()
            && let Some(part) = part_of(value, &below)
        {
            kept.insert(name.clone(), part);
        }
    }
    kept
}

/// What paths keep of a value; nothing of one that has no members, as in MongoDB.
fn part_of(value: &Value, paths: &[&[String]]) -> Option<Value> {
    match value {
        Value::Object(members) => Some(Value::Object(reduced(members, paths))),
        Value::Array(items) => Some(items.iter().filter_map(|item| part_of(item, paths)).collect()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn projected(paths: &[&str]) -> Value {
        let document = Document::from_json(json!({
            "id": "e.Road.r", "source": "n.City.a", "target": "n.City.b", "_version": 2,
            "context": {"name": "R", "o": {"x": 1, "y": {"z": 2}}, "rows": [{"x": 1, "y": 2}, 3], "n": 1},
            "owner": {"name": "O", "age": 3},
        }))
        .unwrap();
        let paths: Vec<String> = paths.iter().map(|path| (*path).to_owned()).collect();
        let mut json = Projection::new(&paths).of(&document).unwrap().to_json().unwrap();
        assert_eq!((&json["source"], &json["_version"]), (&json!("n.City.a"), &json!(2)));
        json!([json["context"].take(), json["owner"].take()])
    }

    #[test]
    fn only_the_paths_are_kept() {
        assert_eq!(projected(&[]), json!([{}, null]));
        assert_eq!(projected(&["name", "context.n"]), json!([{"name": "R", "n": 1}, null]));
        assert_eq!(projected(&["context.o.y", "o.x"]), json!([{"o": {"x": 1, "y": {"z": 2}}}, null]));
        assert_eq!(projected(&["rows.x", "n.x"]), json!([{"rows": [{"x": 1}]}, null]));
        assert_eq!(projected(&["owner.age"]), json!([{}, {"age": 3}]));
        assert_eq!(projected(&["context", "id"])[0]["o"]["y"]["z"], json!(2));
    }
}

//! Which columns a list has, and what stands in them.

use serde_json::Value;

/// Columns in order: the name shown, and the members that lead to the value.
#[derive(Debug)]
pub(super) struct Columns(Vec<(String, Vec<String>)>);

/// Members of a document that are no columns: the entity stands in the id, the version is not content.
const LEFT_OUT: [&str; 2] = ["entity", "_version"];

impl Columns {
    /// The union of the members, in the order in which they are met.
    pub(super) fn of_objects(rows: &[Value]) -> Self {
        let mut columns = Self(Vec::new());
        for row in rows {
            for name in row.as_object().into_iter().flat_map(|members| members.keys()) {
                columns.add(name, &[name]);
            }
        }
        columns
    }

    /// Id and ends, then the union of the fields, then members beside `context`.
    pub(super) fn of_documents(documents: &[Value]) -> Self {
        let mut columns = Self(Vec::new());
        let members = || documents.iter().filter_map(Value::as_object);
        for member in ["id", "source", "target", "bidirectional"] {
            if members().any(|members| members.contains_key(member)) {
                columns.add(member, &[member]);
            }
        }
        for fields in members().filter_map(|members| members.get("context")?.as_object()) {
            for name in fields.keys() {
                // A field that is called like a member is told apart by its whole path.
                match columns.0.iter().any(|(taken, path)| taken == name && path.len() == 1) {
                    true => columns.add(&format!("context.{name}"), &["context", name]),
                    false => columns.add(name, &["context", name]),
                }
            }
        }
        for name in members().flat_map(|members| members.keys()) {
            if name != "context" && !LEFT_OUT.contains(&name.as_str()) {
                columns.add(name, &[name]);
            }
        }
        columns
    }

    fn add(&mut self, name: &str, path: &[&str]) {
        if self.0.iter().all(|(_, known)| known != path) {
            self.0.push((name.to_owned(), path.iter().map(ToString::to_string).collect()));
        }
    }

    /// The names, for a header.
    pub(super) fn names(&self) -> Vec<&str> {
        self.0.iter().map(|(name, _)| name.as_str()).collect()
    }

    /// One row; what it lacks is empty.
    pub(super) fn row(&self, row: &Value, show: fn(&Value) -> String) -> Vec<String> {
        let cell = |path: &Vec<String>| path.iter().try_fold(row, |value, name| value.get(name)).map(show);
        self.0.iter().map(|(_, path)| cell(path).unwrap_or_default()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::super::shown::compact;
    use super::*;
    use serde_json::json;

    #[test]
    fn documents_have_their_fields_as_columns() {
        let documents = [
            json!({"id": "n.A.x", "entity": "A", "context": {"name": "X"}, "_version": 1}),
            json!({"id": "n.A.y", "entity": "A", "context": {"age": 3, "name": null, "id": 7}, "_version": 2, "owner": "z"}),
        ];
        let columns = Columns::of_documents(&documents);
        assert_eq!(columns.names(), ["id", "name", "age", "context.id", "owner"]);
        assert_eq!(columns.row(&documents[0], compact), ["n.A.x", "X", "", "", ""]);
        assert_eq!(columns.row(&documents[1], compact), ["n.A.y", "", "3", "7", "z"]);
    }

    #[test]
    fn edges_show_their_ends_first() {
        let edge = json!({
            "id": "e.R.1", "entity": "R", "context": {"km": 1},
            "source": "n.A.x", "target": "n.A.y", "bidirectional": false, "_version": 1,
        });
        assert_eq!(Columns::of_documents(&[edge]).names(), ["id", "source", "target", "bidirectional", "km"]);
    }
}

//! Filters: parsed, printed, evaluated, and asked what they say to an index.

use serde_json::{Map, Value, json};

use crate::document::Document;
use crate::field_values::{FieldValues, split_path};
use crate::filter::Filter;

/// A filter, and behind a line break the fields of a document; without these, the filter is its own document.
pub(super) fn run(input: &[u8]) {
    let Ok(text) = std::str::from_utf8(input) else { return };
    let (text, fields) = text.split_once('\n').unwrap_or((text, ""));
    let filter: Filter = match text.parse() {
        Ok(filter) => filter,
        Err(error) => return assert!(!error.to_string().is_empty()),
    };
    let again: Filter = filter.to_string().parse().expect("what was printed is a filter");
    assert_eq!(again, filter);
    assert!(filter.implies(&filter));

    let fields = serde_json::from_str::<Map<String, Value>>(fields);
    let source = filter.to_value();
    let fields = fields.ok().or_else(|| source.as_object().cloned()).unwrap_or_default();
    let document = document(fields);
    let matches = filter.matches(&document);
    assert_eq!(again.matches(&document), matches, "{filter} after printing");
    let json = document.to_json().expect("a document of JSON");
    // The JSON form has no `_id`, which means `id` to a filter. As it is printed, without escapes.
    if !filter.to_string().contains("_id") {
        assert_eq!(filter.matches_value(&json), matches, "{filter} on {json}");
    }
    let negated = Filter::parse(&json!({"$nor": [source]}));
    // One level more may be too deep.
    if let Ok(negated) = negated {
        assert_eq!(negated.matches(&document), !matches, "not {filter} on {json}");
    }
    check_bounds(&filter, &document, matches);
}

/// A document that matches has at each path a value that an index would be asked for.
fn check_bounds(filter: &Filter, document: &Document, matches: bool) {
    let source = filter.to_value();
    for path in source.as_object().into_iter().flatten().map(|(name, _)| name) {
        let (any, scalar) = (filter.bounds(path), filter.scalar_bounds(path));
        if !matches {
            continue;
        }
        let found = FieldValues::in_document(document, &split_path(path));
        let within = |bounds: &crate::filter::Bounds| {
            found.values.iter().flatten().any(|value| bounds.contains(value))
        };
        if let Some(bounds) = any.filter(|bounds| !within(bounds)) {
            panic!("{filter} matches {document:?}, which has nothing within {bounds:?} at `{path}`");
        }
        if let Some(bounds) = scalar.filter(|bounds| !found.lists && !within(bounds)) {
            panic!(
                "{filter} matches {document:?}, which has nothing within {bounds:?} at `{path}` without lists"
            );
        }
    }
}

/// An edge, which has every member that a path can name.
fn document(fields: Map<String, Value>) -> Document {
    let extra = fields.clone();
    let mut json = json!({
        "id": "e.Road.a", "entity": "Road", "context": fields, "_version": 3,
        "source": "n.City.a", "target": "n.City.b", "bidirectional": true,
    });
    for (name, value) in extra {
        // A member beside `context`, where it is none of the known ones.
        if json.get(&name).is_none() && name != "_id" {
            json[name] = value;
        }
    }
    Document::from_json(json).expect("an edge with ids of its own")
}

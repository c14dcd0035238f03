//! Documents as JSON.

use serde_json::Value;

use crate::document::{Document, Version};
use crate::field_values::{FieldValues, split_path};
use crate::projection::Projection;

/// A document's JSON: what is read of it is what it says, by every way of looking at it.
pub(super) fn run(input: &[u8]) {
    let Ok(value) = serde_json::from_slice::<Value>(input) else { return };
    let document = match Document::from_json(value.clone()) {
        Ok(document) => document,
        Err(error) => return assert!(!error.to_string().is_empty()),
    };
    let json = document.to_json().expect("what was encoded can be read");
    let again = Document::from_json(json.clone()).expect("what was written is a document");
    assert_eq!(again, document);
    assert_eq!(again.to_json().expect("and can be written"), json);
    assert_eq!(
        json["context"],
        value.get("context").cloned().unwrap_or_else(|| Value::Object(Default::default()))
    );
    for (name, member) in value.as_object().into_iter().flatten() {
        let is_head =
            ["id", "_id", "entity", "_version", "source", "target", "bidirectional"].contains(&name.as_str());
        assert!(is_head || json.get(name) == Some(member), "member `{name}` is lost");
    }
    assert!(document.version().next() > Version::default());
    let _ = document.schema();
    let fields = document.context().expect("a context was encoded");
    for name in fields.keys() {
        let path = split_path(&format!("context.{name}"));
        let values = FieldValues::in_document(&document, &path);
        assert!(values.found || path.len() > 2, "`{name}` is not found");
        let kept = Projection::new(&[format!("context.{name}")]).of(&document).expect("it can be read");
        assert_eq!(
            (kept.id(), kept.version(), kept.ends()),
            (document.id(), document.version(), document.ends())
        );
        let kept = kept.context().expect("a part can be read");
        assert!(path.len() > 2 || kept.get(name) == fields.get(name), "`{name}` is not kept");
    }
}

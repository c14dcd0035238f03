//! Checksums of documents that do not depend on their store: neither on the order in which it gives them, nor on
//! that of their members.

use std::fmt;
use std::hash::{DefaultHasher, Hasher};

use serde_json::Value;
use wayfare::{BodyError, Document};

/// The sum of the hashes of documents.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Checksum(u128);

impl Checksum {
    /// Adds a document by its [`hash_of`].
    pub(crate) fn add(&mut self, hash: u64) {
        self.0 = self.0.wrapping_add(u128::from(hash));
    }
}

impl fmt::Display for Checksum {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:024x}", self.0)
    }
}

/// A hash of all that a document holds, its version included.
///
/// The hasher is the same for both sides of one run; another release may have another.
pub(crate) fn hash_of(document: &Document) -> Result<u64, BodyError> {
    let mut hasher = DefaultHasher::new();
    let mut text = Vec::with_capacity(256);
    push(&document.to_json()?, &mut text);
    hasher.write(&text);
    Ok(hasher.finish())
}

/// The JSON text with the members of objects in the order of their names.
fn push(value: &Value, into: &mut Vec<u8>) {
    match value {
        Value::Object(members) => {
            into.push(b'{');
            let mut names: Vec<&String> = members.keys().collect();
            names.sort_unstable();
            for name in names {
                push(&Value::from(name.as_str()), into);
                into.push(b':');
                push(&members[name], into);
                into.push(b',');
            }
            into.push(b'}');
        }
        Value::Array(items) => {
            into.push(b'[');
            for item in items {
                push(item, into);
                into.push(b',');
            }
            into.push(b']');
        }
        scalar => into.extend(scalar.to_string().into_bytes()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn hash(json: Value) -> u64 {
        hash_of(&Document::from_json(json).unwrap()).unwrap()
    }

    #[test]
    fn the_order_of_members_does_not_count_and_everything_else_does() {
        let one = hash(json!({"id": "n.A.a", "context": {"x": 1, "y": [1, {"a": 1, "b": 2}]}}));
        assert_eq!(one, hash(json!({"context": {"y": [1, {"b": 2, "a": 1}], "x": 1}, "id": "n.A.a"})));
        for other in [
            json!({"id": "n.A.b", "context": {"x": 1, "y": [1, {"a": 1, "b": 2}]}}),
            json!({"id": "n.A.a", "context": {"x": 2, "y": [1, {"a": 1, "b": 2}]}}),
            json!({"id": "n.A.a", "context": {"x": 1.0, "y": [1, {"a": 1, "b": 2}]}}),
            json!({"id": "n.A.a", "context": {"x": 1, "y": [{"a": 1, "b": 2}, 1]}}),
            json!({"id": "n.A.a", "context": {"x": 1, "y": [1, {"a": 1, "b": 2}]}, "_version": 1}),
            json!({"id": "n.A.a", "context": {"x": 1, "y": [1, {"a": 1, "b": 2}]}, "more": null}),
        ] {
            assert_ne!(one, hash(other.clone()), "{other}");
        }
    }

    #[test]
    fn the_order_of_documents_does_not_count() {
        let sum = |hashes: [u64; 3]| {
            let mut sum = Checksum::default();
            hashes.into_iter().for_each(|hash| sum.add(hash));
            sum
        };
        assert_eq!(sum([1, u64::MAX, 7]), sum([u64::MAX, 7, 1]));
        assert_ne!(sum([1, 2, 3]), sum([1, 2, 4]));
    }
}

//! The stored bytes of fields.

use serde_json::Value;

use crate::body::{Body, BodyError};

/// Bytes as a store may hold them, damaged or not.
pub(super) fn run(input: &[u8]) {
    let stored = Body::from_stored(input);
    let _ = format!("{stored:?}");
    let _ = stored.has_only(&["a", "b"]);
    let _ = stored.decode::<Value>();
    let fields = stored.fields();
    let Ok(body) = Body::from_bytes(input) else { return };
    assert_eq!(body.as_bytes(), input);
    let fields = match fields {
        Ok(fields) => fields,
        // Whole, but deeper than is read, or with keys that are no text.
        Err(BodyError::Damaged { offset }) => return assert!(offset <= input.len()),
        Err(error) => panic!("{error}"),
    };
    for (name, value) in &fields {
        let peeked = body.field(name).expect("a field of a whole body is found");
        // Of two fields of one name, peeking finds the first and reading keeps the last.
        let names = names_in(input);
        assert!(peeked == *value || names.iter().filter(|known| *known == name).count() > 1, "{name}");
    }
    let again = match Body::encode(&fields) {
        Ok(again) => again,
        // One level more can be read than is written.
        Err(BodyError::Encode { reason }) if reason.contains("nested deeper") => return,
        Err(error) => panic!("fields that were read can be written: {error}"),
    };
    assert_eq!(again.fields().expect("what was written can be read"), fields);
    assert!(Body::from_bytes(again.as_bytes()).is_ok());
}

/// The names of the outermost fields, as another reader sees them.
fn names_in(bytes: &[u8]) -> Vec<String> {
    struct Names(Vec<String>);
    impl<'de> serde::Deserialize<'de> for Names {
        fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
            deserializer.deserialize_map(Names(Vec::new()))
        }
    }
    impl<'de> serde::de::Visitor<'de> for Names {
        type Value = Self;
        fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_str("a map")
        }
        fn visit_map<A: serde::de::MapAccess<'de>>(mut self, mut map: A) -> Result<Self, A::Error> {
            while let Some((name, _)) = map.next_entry::<String, serde::de::IgnoredAny>()? {
                self.0.push(name);
            }
            Ok(self)
        }
    }
    rmp_serde::from_slice::<Names>(bytes).map_or_else(|_| Vec::new(), |names| names.0)
}

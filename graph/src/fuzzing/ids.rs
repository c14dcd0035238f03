//! Ids, keys and entity names.

use crate::entity_name::EntityName;
use crate::id::{Id, IdError};
use crate::key::Key;

/// Two texts, with a line break between them: each reads back as it was written, and ids order as their texts do.
pub(super) fn run(input: &[u8]) {
    let Ok(text) = std::str::from_utf8(input) else { return };
    let (one, two) = text.split_once('\n').unwrap_or((text, ""));
    let ids = [one, two].map(id);
    if let [Some(first), Some(second)] = &ids {
        assert_eq!(first.cmp(second), one.cmp(two), "`{one}` and `{two}` order as their texts");
        assert_eq!(first == second, one == two);
    }
    for part in [one, two] {
        if let Ok(key) = Key::new(part) {
            assert_eq!(key.as_str(), part);
        }
        if let Ok(name) = EntityName::new(part) {
            assert_eq!(name.as_str(), part);
            assert_eq!(EntityName::from_code(name.code()), Some(name));
            assert_eq!(EntityName::known(part), Some(name));
        }
    }
}

fn id(text: &str) -> Option<Id> {
    let id = match text.parse::<Id>() {
        Ok(id) => id,
        Err(error) => {
            // What is no id says so in words, of whatever it was made.
            assert!(!error.to_string().is_empty());
            // Names are kept for the life of the process, so a long run comes to their bound.
            assert!(!matches!(error, IdError::TooManyEntityNames { .. }) || text.contains('.'));
            return None;
        }
    };
    assert_eq!(id.to_string(), text);
    let key = id.with_key(Key::new).expect("the key of an id keeps the rules for keys");
    assert_eq!(Id::new(id.kind(), id.entity(), &key), id);
    if let Some(bits) = id.key_bits() {
        assert_eq!(Id::generated(id.kind(), id.entity(), bits), id);
    }
    let json = serde_json::to_value(&id).expect("a text is JSON");
    assert_eq!(serde_json::from_value::<Id>(json).expect("an id reads back"), id);
    Some(id)
}

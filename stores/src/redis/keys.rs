//! What keys in Redis are called. All of one cache begin with its prefix and a colon, which no prefix holds.

use redis::Value;
use wayfare_graph::RemoteChange;

/// Most bytes of a prefix.
const MAX_PREFIX: usize = 64;

/// Names of keys of one cache.
#[derive(Debug, Clone)]
pub(super) struct Keys {
    /// What entries begin with.
    pub(super) entries: String,
    /// What the sets of keys of a tag begin with.
    pub(super) tags: String,
    /// What the guards of tags begin with.
    pub(super) tag_guards: String,
    /// The guard of all entries.
    pub(super) all_guard: String,
    key_guards: String,
    fills: String,
}

impl Keys {
    /// The names under a prefix; what is wrong with it otherwise.
    pub(super) fn new(prefix: &str) -> Result<Self, String> {
        let is_plain = |sign: char| sign.is_ascii_alphanumeric() || "._-".contains(sign);
        if prefix.is_empty() || prefix.len() > MAX_PREFIX || !prefix.chars().all(is_plain) {
            return Err(format!("the prefix `{prefix}` is not 1 to {MAX_PREFIX} of `A-Z a-z 0-9 . _ -`"));
        }
        Ok(Self {
            entries: format!("{prefix}:v:"),
            tags: format!("{prefix}:t:"),
            tag_guards: format!("{prefix}:g:t:"),
            all_guard: format!("{prefix}:g:all"),
            key_guards: format!("{prefix}:g:k:"),
            fills: format!("{prefix}:f:"),
        })
    }

    pub(super) fn entry(&self, key: &str) -> String {
        format!("{}{key}", self.entries)
    }

    pub(super) fn tag(&self, tag: &str) -> String {
        format!("{}{tag}", self.tags)
    }

    pub(super) fn key_guard(&self, key: &str) -> String {
        format!("{}{key}", self.key_guards)
    }

    pub(super) fn tag_guard(&self, tag: &str) -> String {
        format!("{}{tag}", self.tag_guards)
    }

    /// Where an entry is while it is filled in: nowhere else than within one transaction.
    pub(super) fn fill(&self, stamp: &[u8]) -> Vec<u8> {
        [self.fills.as_bytes(), stamp].concat()
    }

    /// What the invalidation of keys by the server tells, which is given as the data of its push.
    pub(super) fn changes(&self, data: &[Value]) -> Vec<RemoteChange> {
        match data {
            [Value::Array(names) | Value::Set(names)] => {
                names.iter().filter_map(|name| self.change(name)).collect()
            }
            // Nothing instead of names stands for all of them. Whatever else it may be is not understood.
            _ => vec![RemoteChange::Everything],
        }
    }

    fn change(&self, name: &Value) -> Option<RemoteChange> {
        let Value::BulkString(name) = name else { return Some(RemoteChange::Everything) };
        // What is no text is not of a cache.
        let name = std::str::from_utf8(name).ok()?;
        if name == self.all_guard {
            return Some(RemoteChange::Everything);
        }
        let tag = || Some(RemoteChange::Tag(name.strip_prefix(&self.tag_guards)?.to_owned()));
        name.strip_prefix(&self.entries).map(|key| RemoteChange::Key(key.to_owned())).or_else(tag)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prefixes_that_could_mean_something_are_refused() {
        for prefix in ["wayfare", "A-1_b.c", &"x".repeat(64)] {
            assert!(Keys::new(prefix).is_ok(), "{prefix}");
        }
        for prefix in ["", "a:b", "a*", "a?", "[a]", "a\\", "ä", "a b", &"x".repeat(65)] {
            assert!(Keys::new(prefix).is_err(), "{prefix}");
        }
    }

    #[test]
    fn pushes_are_read_as_changes() {
        let keys = Keys::new("p").unwrap();
        let names = |names: &[&str]| {
            let names = names.iter().map(|name| Value::BulkString(name.as_bytes().to_vec()));
            keys.changes(&[Value::Array(names.collect())])
        };
        assert_eq!(
            names(&["p:v:a:b", "p:g:t:t", "p:v:", "q:v:a"]),
            [RemoteChange::Key("a:b".into()), RemoteChange::Tag("t".into()), RemoteChange::Key("".into())]
        );
        assert_eq!(names(&["p:g:all"]), [RemoteChange::Everything]);
        assert_eq!(keys.changes(&[Value::Nil]), [RemoteChange::Everything]);
        assert_eq!(keys.changes(&[]), [RemoteChange::Everything]);
        assert_eq!(keys.changes(&[Value::Array(vec![Value::BulkString(b"p:v:\xff".to_vec())])]), []);
    }
}

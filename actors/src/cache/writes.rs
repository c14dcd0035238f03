//! Writing and invalidating: memory at once, the remote layer through the outbox.

use wayfare_graph::{
    AnyValue, CacheError, EntityKey, EntityName, Kind, RemotePut, Wanted, check_cache_key, check_cache_tag,
};

use super::outbox::Letter;
use super::{LayeredCache, form};

/// Keys that are on their way together: so many that they are still known by name when they have to wait.
const DELETED_AT_ONCE: usize = 1_000;

impl LayeredCache {
    /// Keeps a value, whatever was there before.
    ///
    /// While the remote layer is away it is in memory only, and what the remote layer has of it is removed when it is
    /// back.
    ///
    /// # Errors
    /// [`CacheError::Key`], [`CacheError::Tag`], [`CacheError::Ttl`], [`CacheError::Encode`], [`CacheError::TooLarge`].
    pub async fn set(&self, wanted: Wanted, value: AnyValue) -> Result<(), CacheError> {
        wanted.check()?;
        let tags = wanted.all_tags();
        let encoded = self.encode(&wanted.key, &wanted.value_type, Some(&value))?;
        let hold = self.memory.as_ref().map(|memory| {
            // What is being computed of the key is older.
            memory.remove(&wanted.key);
            memory.hold(&wanted.key, &tags)
        });
        if let Some(remote) = &self.remote {
            let bytes = encoded.as_ref().map(|encoded| encoded.bytes.as_slice());
            let put = RemotePut {
                key: wanted.key.clone(),
                value: form::encode(&wanted.value_type, bytes, wanted.stale_for),
                ttl: wanted.ttl + wanted.stale_for,
                tags,
            };
            if let Err(error) = remote.put(&[put]).await {
                self.counts.remote_failed(&error);
                // It may have been done or not; what is there is removed when there is an answer.
                self.deliver(Letter::keys([wanted.key.clone()])).await;
                if !self.may_hold_alone() {
                    return Ok(());
                }
            }
        }
        if let (Some(memory), Some(hold)) = (&self.memory, hold) {
            let (ttl, stale_for, before) = (wanted.ttl, wanted.stale_for, wanted.refresh_before);
            let new = self.new_entry(&wanted.value_type, Some(value), ttl, stale_for, before, &encoded);
            memory.put(&wanted.key, new, hold);
        }
        Ok(())
    }

    /// Whether there is a value under a key, of whatever type.
    ///
    /// # Errors
    /// [`CacheError::Key`].
    pub async fn exists(&self, key: &str) -> Result<bool, CacheError> {
        check_cache_key(key)?;
        if let Some(found) = self.memory.as_ref().and_then(|memory| memory.has(key, self.now())) {
            return Ok(found);
        }
        let Some(remote) = &self.remote else { return Ok(false) };
        match remote.peek(&[key]).await {
            Ok(entries) => {
                let entry = entries.into_iter().next().flatten();
                let entry = entry.filter(|entry| !self.outbox.concerns(key, &entry.tags));
                Ok(entry.is_some_and(|entry| form::is_fresh_value(&entry.value, entry.left)))
            }
            Err(error) => {
                self.counts.remote_failed(&error);
                Ok(false)
            }
        }
    }

    /// Removes keys. Values of them that are being computed are not kept.
    ///
    /// # Errors
    /// [`CacheError::Key`].
    pub async fn delete(&self, keys: &[&str]) -> Result<(), CacheError> {
        keys.iter().try_for_each(|key| check_cache_key(key))?;
        for part in keys.chunks(DELETED_AT_ONCE) {
            self.invalidate(Letter::keys(part.iter().map(|&key| key.to_owned()))).await;
        }
        Ok(())
    }

    /// Removes all that has one of some tags. Values with them that are being computed are not kept.
    ///
    /// # Errors
    /// [`CacheError::Tag`].
    pub async fn invalidate_tags(&self, tags: &[&str]) -> Result<(), CacheError> {
        tags.iter().try_for_each(|tag| check_cache_tag(tag))?;
        self.invalidate(Letter::tags(tags.iter().map(|&tag| tag.to_owned()))).await;
        Ok(())
    }

    /// Removes the keys that a pattern matches: `*` stands for any text, `?` for one character, all else for itself.
    /// No value that is being computed is kept.
    ///
    /// # Errors
    /// [`CacheError::Key`] for a pattern that is empty or too long.
    pub async fn invalidate_matching(&self, pattern: &str) -> Result<(), CacheError> {
        check_cache_key(pattern)?;
        self.invalidate(Letter::pattern(pattern.to_owned())).await;
        Ok(())
    }

    /// Removes everything.
    pub async fn clear(&self) {
        self.invalidate(Letter::everything()).await;
    }

    async fn invalidate(&self, letter: Letter) {
        self.invalidate_memory(&letter);
        if self.remote.is_some() {
            self.deliver(letter).await;
        }
    }

    /// Waits until the remote layer has it, or is known to be away.
    async fn deliver(&self, letter: Letter) {
        let outcome = self.outbox.post(letter);
        self.home().deliver();
        // The sender goes only with the cache.
        let _ = outcome.await;
    }

    /// Makes what memory has of a letter out of date.
    pub(super) fn invalidate_memory(&self, letter: &Letter) {
        let Some(memory) = &self.memory else { return };
        if letter.everything {
            return memory.clear();
        }
        for key in &letter.keys {
            memory.remove(key);
        }
        for tag in &letter.tags {
            memory.tags.invalidate(tag);
        }
        for pattern in &letter.patterns {
            memory.remove_where(|key| matches(pattern, key));
        }
    }

    /// Makes all results out of date that depend on entities of some types.
    ///
    /// When it returns, none of them is given out by this process; others follow as soon as the remote layer tells
    /// them.
    pub fn entities_changed(&self, entities: impl IntoIterator<Item = EntityKey>) {
        let tags: Vec<_> = entities.into_iter().map(|entity| self.tag_of(entity)).collect();
        if tags.is_empty() {
            return;
        }
        if self.remote.is_some() {
            // Before memory is told, so that nothing is read back from there.
            drop(self.outbox.post(Letter::tags(tags.iter().map(ToString::to_string))));
            self.home().deliver();
        }
        if let Some(memory) = &self.memory {
            tags.iter().for_each(|tag| memory.tags.invalidate(tag));
        }
    }

    /// Makes everything out of date that depends on any entity.
    pub fn any_entity_changed(&self) {
        // A result names what it depends on: what this process has no name for, none of those that it gives out does.
        let names = (0..=u16::MAX).map_while(EntityName::from_code);
        self.entities_changed(names.flat_map(|name| Kind::ALL.map(|kind| (kind, name))));
    }
}

/// Whether a text is matched by a pattern with `*` and `?`: greedy, going back to the last `*` only.
fn matches(pattern: &str, text: &str) -> bool {
    let (pattern, text): (Vec<char>, Vec<char>) = (pattern.chars().collect(), text.chars().collect());
    let (mut at, mut read) = (0, 0);
    // The last `*`, and how much of the text it stands for ends where.
    let mut star: Option<(usize, usize)> = None;
    while read < text.len() {
        match pattern.get(at) {
            Some('*') => {
                star = Some((at, read));
                at += 1;
            }
            Some(&wanted) if wanted == '?' || wanted == text[read] => {
                at += 1;
                read += 1;
            }
            _ => match star {
                Some((star_at, end)) => {
                    star = Some((star_at, end + 1));
                    at = star_at + 1;
                    read = end + 1;
                }
                None => return false,
            },
        }
    }
    pattern[at..].iter().all(|&rest| rest == '*')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_match_stars_and_single_characters_and_nothing_else_specially() {
        for (pattern, text, expected) in [
            ("a*", "a", true),
            ("a*", "abc", true),
            ("*c", "abc", true),
            ("a*b*c", "aXbYbZc", true),
            ("a*b*c", "aXbYbZ", false),
            ("a?c", "aéc", true),
            ("a?c", "ac", false),
            ("[ab]", "a", false),
            ("[ab]", "[ab]", true),
            ("\\*", "\\anything", true),
            ("**", "", true),
            ("?", "", false),
            ("user:*:name", "user:1:2:name", true),
        ] {
            assert_eq!(matches(pattern, text), expected, "{pattern} {text}");
        }
    }
}

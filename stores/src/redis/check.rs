//! What a cache takes.

use std::time::Duration;

use wayfare_graph::RemotePut;

use super::fault::Fault;

/// Most bytes of a key and of a tag.
const MAX_NAME: usize = 512;

/// Most tags of an entry.
const MAX_TAGS: usize = 1_000;

/// Most bytes of a value. A server as it is set by default takes 512 MiB, and ends the connection over which more come.
const MAX_VALUE: usize = 256 << 20;

/// Longest time for which something is kept: ten years.
pub(super) const MAX_TTL: Duration = Duration::from_secs(10 * 365 * 24 * 3_600);

/// Refuses a key and tags that are too short, too long or too many.
pub(super) fn names(key: &str, tags: &[String]) -> Result<(), Fault> {
    name("key", key)?;
    tags.iter().try_for_each(|tag| name("tag", tag))?;
    match tags.len() {
        0..=MAX_TAGS => Ok(()),
        count => Err(Fault::Refused(format!("an entry has at most {MAX_TAGS} tags, this one `{count}`"))),
    }
}

/// Refuses a key or a tag that is too short or too long.
pub(super) fn name(what: &str, name: &str) -> Result<(), Fault> {
    match name.len() {
        1..=MAX_NAME => Ok(()),
        bytes => Err(Fault::Refused(format!("a {what} has 1 to {MAX_NAME} bytes, this one `{bytes}`"))),
    }
}

/// Refuses what cannot be kept.
pub(super) fn put(put: &RemotePut) -> Result<(), Fault> {
    names(&put.key, &put.tags)?;
    match put.value.len() {
        0..=MAX_VALUE => Ok(()),
        bytes => Err(Fault::Refused(format!("a value has at most {MAX_VALUE} bytes, this one `{bytes}`"))),
    }
}

/// A time to live in milliseconds, from one.
pub(super) fn ttl_ms(ttl: Duration) -> u64 {
    let ttl = ttl.clamp(Duration::from_millis(1), MAX_TTL);
    u64::try_from(ttl.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_have_bounds() {
        assert!(names("a", &["t".repeat(512)]).is_ok());
        assert!(names("", &[]).is_err());
        assert!(names(&"k".repeat(513), &[]).is_err());
        assert!(names("a", &[String::new()]).is_err());
        assert!(names("a", &vec!["t".into(); 1_001]).is_err());
    }

    #[test]
    fn times_have_bounds() {
        assert_eq!(ttl_ms(Duration::ZERO), 1);
        assert_eq!(ttl_ms(Duration::from_micros(2_500)), 2);
        assert_eq!(ttl_ms(Duration::MAX), 315_360_000_000);
    }
}

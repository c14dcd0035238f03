//! The form of an entry in Redis: a magic byte, the form's version, the entry's stamp, when it ends, its tags, the value.
//!
//! ```text
//! 0xCA, 1, stamp (12 bytes), end (u64, milliseconds since 1970 by the server's clock), number of tags (u16), for each its length (u16) and its text, value
//! ```
//!
//! Numbers are big-endian.

use std::sync::Arc;

use super::stamp::{STAMP_BYTES, Stamp};

/// What the value of every entry begins with, and the version of its form.
pub(super) const HEAD: [u8; 2] = [0xCA, 1];

/// An entry as it was read.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) stamp: Stamp,
    pub(super) ends_ms: u64,
    pub(super) tags: Vec<String>,
    pub(super) value: Arc<[u8]>,
}

/// Writes an entry. Tags have at most 512 bytes; there are no more than 65,535.
pub(super) fn encoded(stamp: Stamp, ends_ms: u64, tags: &[String], value: &[u8]) -> Vec<u8> {
    let tag_bytes: usize = tags.iter().map(|tag| tag.len() + 2).sum();
    let mut bytes = Vec::with_capacity(HEAD.len() + STAMP_BYTES + 8 + 2 + tag_bytes + value.len());
    bytes.extend(HEAD);
    bytes.extend(stamp);
    bytes.extend(ends_ms.to_be_bytes());
    bytes.extend(u16::try_from(tags.len()).unwrap_or(u16::MAX).to_be_bytes());
    for tag in tags {
        bytes.extend(u16::try_from(tag.len()).unwrap_or(u16::MAX).to_be_bytes());
        bytes.extend(tag.as_bytes());
    }
    bytes.extend(value);
    bytes
}

/// Reads an entry; `None` for what is none, or one of another form.
pub(super) fn decoded(bytes: &[u8]) -> Option<Entry> {
    let mut rest = bytes.strip_prefix(&HEAD)?;
    let stamp = *rest.split_off(..STAMP_BYTES)?.first_chunk()?;
    let ends_ms = u64::from_be_bytes(*rest.split_off(..8)?.first_chunk()?);
    let count = number(&mut rest)?;
    let mut tags = Vec::new();
    for _ in 0..count {
        let length = number(&mut rest)?;
        tags.push(std::str::from_utf8(rest.split_off(..length)?).ok()?.to_owned());
    }
    Some(Entry { stamp, ends_ms, tags, value: rest.into() })
}

fn number(rest: &mut &[u8]) -> Option<usize> {
    Some(u16::from_be_bytes(*rest.split_off(..2)?.first_chunk()?).into())
}

#[cfg(test)]
mod tests {
    use super::*;

    const STAMP: Stamp = *b"0123456789ab";

    #[test]
    fn entries_are_read_as_they_were_written() {
        for tags in [vec![], vec!["a".to_owned(), "größe\n".into(), "x".repeat(512)]] {
            for value in [&b""[..], b"\0\xff", b"value"] {
                let entry = Entry { stamp: STAMP, ends_ms: 7, tags: tags.clone(), value: value.into() };
                assert_eq!(decoded(&encoded(STAMP, 7, &tags, value)), Some(entry));
            }
        }
    }

    #[test]
    fn what_is_no_entry_is_none() {
        let whole = encoded(STAMP, 7, &["tag".into()], b"");
        for length in 0..whole.len() {
            assert_eq!(decoded(&whole[..length]), None, "{length}");
        }
        assert_eq!(decoded(b"{\"json\": true}"), None);
        let mut other = whole.clone();
        other[1] = 2;
        assert_eq!(decoded(&other), None);
        let mut no_text = whole;
        *no_text.last_mut().unwrap() = 0xFF;
        assert_eq!(decoded(&no_text), None);
    }
}

//! What comes from Redis, and where it is, under a fuzzer.

use super::address::Address;
use super::entry::{decoded, encoded};

/// The bytes of an entry.
pub(crate) fn entries(input: &[u8]) {
    let Some(entry) = decoded(input) else { return };
    let written = encoded(entry.stamp, entry.ends_ms, &entry.tags, &entry.value);
    assert_eq!(written, input);
    assert_eq!(decoded(&written), Some(entry));
}

/// All that is told of a URL.
pub(crate) fn address(url: &str) -> String {
    match Address::parse(url) {
        Ok(address) => address.shown,
        Err(error) => format!("{error} {error:?}"),
    }
}

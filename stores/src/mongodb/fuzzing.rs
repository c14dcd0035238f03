//! URLs of MongoDB under a fuzzer.

use super::address::Address;

/// All that is told of a URL.
pub(crate) fn address(url: &str) -> String {
    match Address::parse(url) {
        Ok(address) => format!("{} {}", address.shown, address.database),
        Err(error) => format!("{error} {error:?}"),
    }
}

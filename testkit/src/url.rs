//! Texts in URLs.

use std::fmt::Write;

/// A name or password as it stands in a URL.
pub(crate) fn percent_encoded(text: &str) -> String {
    let mut encoded = String::new();
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => encoded.push(byte.into()),
            _ => write!(encoded, "%{byte:02X}").expect("a string takes all that is written"),
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_has_a_meaning_in_urls_is_encoded() {
        assert_eq!(percent_encoded("Ada-1_~."), "Ada-1_~.");
        assert_eq!(percent_encoded("p@ss:w/d%é"), "p%40ss%3Aw%2Fd%25%C3%A9");
    }
}

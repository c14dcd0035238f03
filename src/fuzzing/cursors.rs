//! Cursors as callers hand them back.

use std::fmt::Write as _;

use crate::cursor::Cursor;

/// A cursor's text, and the JSON that is in one.
pub(super) fn run(input: &[u8]) {
    if let Ok(text) = std::str::from_utf8(input) {
        check(text);
    }
    let mut text = String::new();
    for byte in input {
        // Writing to a `String` cannot fail.
        let _ = write!(text, "{byte:02x}");
    }
    check(&text);
}

fn check(text: &str) {
    match text.parse::<Cursor>() {
        Ok(cursor) => {
            let again: Cursor = cursor.to_string().parse().expect("what was printed is a cursor");
            assert_eq!(again, cursor);
        }
        Err(error) => assert!(!error.to_string().is_empty()),
    }
}

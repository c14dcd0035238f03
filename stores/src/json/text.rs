//! Documents as the text of their files.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use wayfare_graph::{BodyError, Document, Kind};

use super::file_state::FileState;

/// The text of a document's file, indented like those of jvspatial.
pub(super) fn to_text(document: &Document) -> Result<Vec<u8>, BodyError> {
    let json = document.to_json()?;
    serde_json::to_vec_pretty(&json).map_err(|error| BodyError::Encode { reason: error.to_string() })
}

/// What became of reading a file.
#[derive(Debug)]
pub(super) enum ReadFile {
    Document(Document, FileState),
    /// It is none, and why.
    Bad(String),
    /// It is not there.
    Gone,
}

/// Reads a document's file in the folder of a kind.
pub(super) fn read(path: &Path, kind: Kind) -> ReadFile {
    let (text, state) = match read_bytes(path) {
        Ok(read) => read,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return ReadFile::Gone,
        Err(error) => return ReadFile::Bad(error.to_string()),
    };
    match document_of(&text, kind) {
        Ok(document) => ReadFile::Document(document, state),
        Err(reason) => ReadFile::Bad(reason),
    }
}

/// The document that a file's text is.
///
/// # Errors
/// Why it is none, or not of this kind.
pub(super) fn document_of(text: &[u8], kind: Kind) -> Result<Document, String> {
    if let Some(number) = number_too_large(text) {
        return Err(format!("the number {number} does not fit 64 bits, and would be rounded"));
    }
    let json = serde_json::from_slice(text).map_err(|error| format!("it is no JSON: {error}"))?;
    let document = Document::from_json(json).map_err(|error| error.to_string())?;
    if document.id().kind() != kind {
        let (id, folder) = (document.id(), kind.collection());
        return Err(format!("it holds `{id}`, which does not belong into the folder `{folder}`"));
    }
    Ok(document)
}

/// A whole number in a JSON text that no type of ours holds; it would be read as a fraction, and saved as one.
///
/// Python writes whole numbers of any size.
pub(crate) fn number_too_large(text: &[u8]) -> Option<String> {
    /// Shortest number that may be too large.
    const DIGITS: usize = 19;
    let mut rest = text;
    loop {
        let start = rest.iter().position(|byte| byte.is_ascii_digit() || matches!(byte, b'"' | b'-'))?;
        rest = &rest[start..];
        let len = if rest[0] == b'"' { string_len(rest) } else { number_len(rest) };
        let (token, after) = rest.split_at(len);
        rest = after;
        let is_whole =
            token.len() >= DIGITS && token.iter().all(|byte| byte.is_ascii_digit() || *byte == b'-');
        if is_whole && let Ok(token) = std::str::from_utf8(token) {
            let fits = token.parse::<u64>().is_ok() || token.parse::<i64>().is_ok();
            if !fits {
                return Some(token.chars().take(40).collect());
            }
        }
    }
}

fn string_len(text: &[u8]) -> usize {
    let mut is_escaped = false;
    for (at, byte) in text.iter().enumerate().skip(1) {
        match byte {
            _ if is_escaped => is_escaped = false,
            b'\\' => is_escaped = true,
            b'"' => return at + 1,
            _ => {}
        }
    }
    text.len()
}

fn number_len(text: &[u8]) -> usize {
    let is_part = |byte: &u8| byte.is_ascii_digit() || matches!(byte, b'-' | b'+' | b'.' | b'e' | b'E');
    text.iter().position(|byte| !is_part(byte)).unwrap_or(text.len())
}

fn read_bytes(path: &Path) -> io::Result<(Vec<u8>, FileState)> {
    let mut file = File::open(path)?;
    // Of the open file: it may be replaced under its name meanwhile, which will be seen as another change.
    let metadata = file.metadata()?;
    if !metadata.is_file() {
        return Err(io::Error::other("it is no file"));
    }
    let mut text = Vec::with_capacity(usize::try_from(metadata.len()).unwrap_or_default());
    file.read_to_end(&mut text)?;
    Ok((text, FileState::of(&metadata)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_numbers_beyond_64_bits_are_found_outside_of_texts() {
        for (text, found) in [
            (r#"{"a": 18446744073709551615, "b": -9223372036854775808}"#, None),
            (r#"{"a": 18446744073709551616}"#, Some("18446744073709551616")),
            (r#"{"a": [1, -9223372036854775809]}"#, Some("-9223372036854775809")),
            (r#"{"99999999999999999999": "9\\\"99999999999999999999"}"#, None),
            (r#"{"a": 1844674407370955161600.5, "b": 1e300, "c": 184467440737095516160e1}"#, None),
            (r#"{"a": "unended 99999999999999999999"#, None),
        ] {
            assert_eq!(number_too_large(text.as_bytes()).as_deref(), found, "{text}");
        }
    }
}

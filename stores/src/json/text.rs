//! Documents as the text of their files.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use serde_json::Value;
use wayfare_graph::{BodyError, Document, Kind};

use super::file_state::FileState;

/// Most levels of lists and objects in a document: itself, and the 255 of its `context`.
const MOST_LEVELS: usize = 256;

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
    /// The system does not let it be read.
    Failed(io::Error),
    /// It is not there.
    Gone,
}

/// Reads a document's file in the folder of a kind.
pub(super) fn read(path: &Path, kind: Kind) -> ReadFile {
    let (text, state) = match read_bytes(path) {
        Ok(read) => read,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return ReadFile::Gone,
        Err(error) => return ReadFile::Failed(error),
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
    let document = Document::from_json(json_of(text)?).map_err(|error| error.to_string())?;
    if document.id().kind() != kind {
        let (id, folder) = (document.id(), kind.collection());
        return Err(format!("it holds `{id}`, which does not belong into the folder `{folder}`"));
    }
    Ok(document)
}

/// A JSON text as a value.
///
/// # Errors
/// Why it is none, or that it has more levels than a document can have. Those are counted before it is read: every
/// level takes room on the stack.
pub(crate) fn json_of(text: &[u8]) -> Result<Value, String> {
    if levels(text) > MOST_LEVELS {
        return Err(format!(
            "its lists and objects are nested deeper than the {MOST_LEVELS} levels of a document"
        ));
    }
    let mut deserializer = serde_json::Deserializer::from_slice(text);
    deserializer.disable_recursion_limit();
    let mut values = deserializer.into_iter::<Value>();
    let value = values.next().unwrap_or_else(|| serde_json::from_slice(text));
    let value = value.map_err(|error| format!("it is no JSON: {error}"))?;
    match values.next() {
        None => Ok(value),
        Some(_) => Err("it is no JSON: something comes after its end".into()),
    }
}

/// How deep the lists and objects of a JSON text are nested.
fn levels(text: &[u8]) -> usize {
    let (mut level, mut most) = (0_usize, 0);
    for token in (Tokens { rest: text }) {
        match token[0] {
            b'[' | b'{' => level += 1,
            b']' | b'}' => level = level.saturating_sub(1),
            _ => {}
        }
        most = most.max(level);
    }
    most
}

/// A whole number in a JSON text that no type of ours holds; it would be read as a fraction, and saved as one.
///
/// Python writes whole numbers of any size.
pub(crate) fn number_too_large(text: &[u8]) -> Option<String> {
    /// Shortest number that may be too large.
    const DIGITS: usize = 19;
    let whole = (Tokens { rest: text }).filter(|token| {
        token.len() >= DIGITS && token.iter().all(|byte| byte.is_ascii_digit() || *byte == b'-')
    });
    let mut whole = whole.filter_map(|token| std::str::from_utf8(token).ok());
    let large = whole.find(|token| token.parse::<u64>().is_err() && token.parse::<i64>().is_err())?;
    Some(large.chars().take(40).collect())
}

/// The texts, numbers and brackets of a JSON text.
struct Tokens<'t> {
    rest: &'t [u8],
}

impl<'t> Iterator for Tokens<'t> {
    type Item = &'t [u8];

    fn next(&mut self) -> Option<&'t [u8]> {
        let begins =
            |byte: &u8| byte.is_ascii_digit() || matches!(byte, b'"' | b'-' | b'[' | b']' | b'{' | b'}');
        let start = self.rest.iter().position(begins)?;
        let rest = &self.rest[start..];
        let len = match rest[0] {
            b'"' => string_len(rest),
            b'[' | b']' | b'{' | b'}' => 1,
            _ => number_len(rest),
        };
        let (token, after) = rest.split_at(len);
        self.rest = after;
        Some(token)
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
    // Room for all of it is asked for there, and an error where there is none.
    let mut text = Vec::new();
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

    #[test]
    fn what_can_be_written_can_be_read_however_deep() {
        let nested =
            |levels: usize, inner: &str| format!("{}{inner}{}", "[".repeat(levels), "]".repeat(levels));
        let mut deepest = [0; 2];
        for levels in 1..400 {
            for (at, inner) in ["", "1"].into_iter().enumerate() {
                for text in [
                    format!(r#"{{"id": "n.A.b", "context": {{"a": {}}}}}"#, nested(levels, inner)),
                    format!(r#"{{"id": "n.A.b", "a": {}}}"#, nested(levels, inner)),
                ] {
                    match document_of(text.as_bytes(), Kind::Node) {
                        Ok(document) => {
                            let text = to_text(&document).unwrap();
                            assert_eq!(document_of(&text, Kind::Node).unwrap(), document);
                            deepest[at] = deepest[at].max(levels);
                        }
                        Err(reason) => assert!(reason.contains("nested deeper"), "{levels}: {reason}"),
                    }
                }
            }
        }
        assert_eq!(deepest, [254, 254]);
    }

    #[test]
    fn a_hundred_thousand_levels_are_refused_before_they_are_read() {
        for text in ["[".repeat(100_000), "{\"a\":".repeat(100_000)] {
            let reason = document_of(text.as_bytes(), Kind::Node).unwrap_err();
            assert!(reason.contains("nested deeper"), "{reason}");
        }
        let in_a_text = format!(r#"{{"id": "n.A.b", "context": {{"a": "\"{}"}}}}"#, "[".repeat(100_000));
        assert!(document_of(in_a_text.as_bytes(), Kind::Node).is_ok());
    }

    #[test]
    fn what_comes_after_a_document_is_no_part_of_it() {
        for text in ["{} {}", "{}]", "{} x", "", " "] {
            assert!(json_of(text.as_bytes()).unwrap_err().starts_with("it is no JSON: "), "{text}");
        }
        assert_eq!(json_of(b" {} \n").unwrap(), serde_json::json!({}));
    }
}

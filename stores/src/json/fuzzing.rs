//! Files of a JSON store: their names and their text.

use wayfare_graph::{Id, Kind};

use super::file_name::{file_name, id_of};
use super::text::{document_of, to_text};

/// Longest name that file systems take.
const MAX_BYTES: usize = 255;

/// A line that is an id or a name, and the text of a file.
pub(crate) fn files(input: &[u8]) {
    let at = input.iter().position(|byte| *byte == b'\n').unwrap_or(input.len());
    if let Ok(line) = std::str::from_utf8(&input[..at]) {
        check_names(line);
    }
    let text = input.get(at + 1..).unwrap_or_default();
    for kind in [Kind::Node, Kind::Edge, Kind::Object, Kind::Walker] {
        let Ok(document) = document_of(text, kind) else { continue };
        assert_eq!(document.id().kind(), kind);
        let written = to_text(&document).expect("what was read can be written");
        assert_eq!(document_of(&written, kind).expect("what was written can be read"), document);
    }
}

fn check_names(line: &str) {
    if let Ok(id) = line.parse::<Id>() {
        let name = file_name(&id);
        assert!(!name.contains(['/', '\\', '\0']) && name.len() <= MAX_BYTES, "`{name}` is no file name");
        // Of a name that was cut only the file itself can tell the id.
        assert!(id_of(&name).is_none_or(|found| found == id), "`{name}` names another id than `{id}`");
        assert!(id_of(&name).is_some() || id.to_string().len() > 60, "`{name}` names no id");
    }
    if let Some(id) = id_of(line) {
        assert_eq!(file_name(&id), line);
    }
}

//! The stored forms of the embedded store under a fuzzer.

use serde_json::Value;
use wayfare_graph::{Document, EntityName, Id, Kind, compare_values};

use super::catalog::Catalog;
use super::codec::{is_document, key_len, push_varint, take_id, take_varint};
use super::document_value::{StoredDocument, encode};
use super::ordered_value::Encoder;

/// A row of a table, as a file may hold it that was damaged: its key, and the document behind it.
pub(crate) fn documents(input: &[u8]) {
    let catalog = catalog();
    for kind in [Kind::Node, Kind::Edge] {
        let _ = is_document(kind, input);
        let mut rest = input;
        if let Some(id) = take_id(&mut rest, kind, &catalog) {
            let taken = input.len() - rest.len();
            assert_eq!(key_len(&input[2..]), Some(taken - 2), "{id}");
        }
    }
    let mut rest = input;
    if let Some(number) = take_varint(&mut rest) {
        let mut written = Vec::new();
        push_varint(&mut written, number);
        assert_eq!(take_varint(&mut &written[..]), Some(number));
    }
    let Some(stored) = StoredDocument::parse(input, &catalog) else { return };
    let kind = if stored.ends.is_some() { Kind::Edge } else { Kind::Node };
    let name = EntityName::new("City").expect("letters are a name");
    let id = Id::generated(kind, name, [7; 12]);
    let document = stored.to_document(id.clone());
    let mut written = Vec::new();
    encode(&document, document.version(), &catalog, &mut written).expect("its names are in the catalog");
    let again = StoredDocument::parse(&written, &catalog).expect("what was written can be read");
    assert!(again.has_body(document.body()));
    assert_eq!(again.to_document(id), document);
    read(&document);
}

/// Looks at everything in a document whose fields may be damaged.
fn read(document: &Document) {
    let _ = (document.context(), document.schema(), document.to_json());
    let _ = document.peek(&["context".to_owned(), "a".to_owned()]);
    let _ = document.peek(&["owner".to_owned()]);
}

fn catalog() -> Catalog {
    let mut catalog = Catalog::default();
    for name in ["Root", "City", "Road"] {
        catalog.add(EntityName::new(name).expect("letters are a name"));
    }
    catalog
}

/// Two JSON values with a line break between: as bytes they order as the values do, and none begins another.
pub(crate) fn ordered_values(input: &[u8]) {
    let Some(at) = input.iter().position(|byte| *byte == b'\n') else { return };
    let read = |text: &[u8]| serde_json::from_slice::<Value>(text).ok();
    let (Some(one), Some(two)) = (read(&input[..at]), read(&input[at + 1..])) else { return };
    let bytes = |value: &Value, limit| {
        let mut encoder = Encoder::default();
        encoder.push(value, limit);
        (encoder.bytes, encoder.cut)
    };
    let ((first, _), (second, _)) = (bytes(&one, usize::MAX), bytes(&two, usize::MAX));
    let order = compare_values(&one, &two);
    assert_eq!(first.cmp(&second), order, "{one} and {two}");
    assert!(order.is_eq() || !(first.starts_with(&second) || second.starts_with(&first)), "{one} and {two}");
    for limit in [0, 1, 7, first.len().saturating_sub(1), first.len()] {
        let (cut, is_cut) = bytes(&one, limit);
        assert!(first.starts_with(&cut) && cut.len() <= limit);
        assert!(is_cut || cut == first, "{one} lost something within {limit} bytes");
    }
}

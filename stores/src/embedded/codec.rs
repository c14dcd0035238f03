//! Keys of the tables: how ids become bytes that can be scanned in order.
//!
//! The key of an id is written as 0 and its 96 bits when it is a generated one, otherwise as 1, its
//! text, and 0, which no text holds. So no key is the beginning of another one, generated keys come
//! before given ones, and each sort comes in the order of its texts. In front of it stands the
//! two-byte code that the file gives to the entity.
//!
//! A node has several rows in its table: its document, and the links that can be followed from it. What
//! a walk needs of a node lies on one page, or on a few that follow each other, and one look into the
//! table finds it. The [`Section`] after the key tells the rows apart. Edges that only enter a node are
//! in a table of their own: few walks ask for them, and the documents lie closer together.

use wayfare_graph::{EntityName, Id, Key, Kind, MAX_KEY_BYTES};

use super::catalog::Catalog;

/// Bits of a generated key, in bytes.
const BITS: usize = 12;
const TAG_BITS: u8 = 0;
const TAG_TEXT: u8 = 1;
const TEXT_END: u8 = 0;

/// The longest key as it is written.
pub(super) const KEY_BYTES: usize = 1 + MAX_KEY_BYTES + 1;

/// The longest entity code and key.
pub(super) const ID_BYTES: usize = 2 + KEY_BYTES;

/// The rows of a node in its table. The order makes what a direction needs one range of rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub(super) enum Section {
    /// Edges that leave it.
    Out = 0,
    Document = 1,
    /// Edges that can be followed both ways.
    Bidirectional = 2,
    /// No row: where the next node begins.
    End = 3,
}

/// A table key under construction, with room for `N` bytes; it never allocates.
pub(super) struct KeyBuf<const N: usize> {
    len: usize,
    bytes: [u8; N],
}

impl<const N: usize> KeyBuf<N> {
    pub(super) fn new() -> Self {
        Self { len: 0, bytes: [0; N] }
    }

    pub(super) fn as_slice(&self) -> &[u8] {
        &self.bytes[..self.len]
    }

    pub(super) fn len(&self) -> usize {
        self.len
    }

    pub(super) fn push(&mut self, byte: u8) {
        self.bytes[self.len] = byte;
        self.len += 1;
    }

    pub(super) fn extend(&mut self, bytes: &[u8]) {
        self.bytes[self.len..self.len + bytes.len()].copy_from_slice(bytes);
        self.len += bytes.len();
    }

    pub(super) fn push_code(&mut self, code: u16) {
        self.extend(&code.to_be_bytes());
    }

    pub(super) fn push_key(&mut self, id: &Id) {
        match id.key_bits() {
            Some(bits) => {
                self.push(TAG_BITS);
                self.extend(&bits);
            }
            None => {
                self.push(TAG_TEXT);
                id.with_key(|text| self.extend(text.as_bytes()));
                self.push(TEXT_END);
            }
        }
    }

    pub(super) fn push_id(&mut self, code: u16, id: &Id) {
        self.push_code(code);
        self.push_key(id);
    }
}

/// The key of a document in the table of its kind.
pub(super) fn document_key(code: u16, id: &Id) -> KeyBuf<{ ID_BYTES + 1 }> {
    let mut key = KeyBuf::new();
    key.push_id(code, id);
    if id.kind() == Kind::Node {
        key.push(Section::Document as u8);
    }
    key
}

/// Whether a row in the table of a kind is a document, and not the links of one.
pub(super) fn is_document(kind: Kind, row: &[u8]) -> bool {
    let section = || {
        let (_, key) = row.split_at_checked(2)?;
        key.get(key_len(key)?)
    };
    kind != Kind::Node || section() == Some(&(Section::Document as u8))
}

/// How many bytes the key at the front of `bytes` takes.
pub(super) fn key_len(bytes: &[u8]) -> Option<usize> {
    match *bytes.first()? {
        TAG_BITS => Some(1 + BITS),
        _ => Some(bytes.iter().skip(1).position(|&byte| byte == TEXT_END)? + 2),
    }
}

/// Reads an entity code and a key off the front of `bytes`.
pub(super) fn take_id(bytes: &mut &[u8], kind: Kind, catalog: &Catalog) -> Option<Id> {
    let entity = catalog.name(take_code(bytes)?)?;
    take_key(bytes, kind, entity)
}

/// Reads an entity code off the front of `bytes`.
pub(super) fn take_code(bytes: &mut &[u8]) -> Option<u16> {
    let (code, rest) = bytes.split_first_chunk()?;
    *bytes = rest;
    Some(u16::from_be_bytes(*code))
}

/// Reads a key off the front of `bytes`.
pub(super) fn take_key(bytes: &mut &[u8], kind: Kind, entity: EntityName) -> Option<Id> {
    match bytes.split_first()? {
        (&TAG_BITS, rest) => {
            let (bits, rest) = rest.split_first_chunk()?;
            *bytes = rest;
            Some(Id::generated(kind, entity, *bits))
        }
        (&TAG_TEXT, rest) => {
            let (text, rest) = rest.split_at_checked(rest.iter().position(|&byte| byte == TEXT_END)?)?;
            let key = Key::new(std::str::from_utf8(text).ok()?).ok()?;
            *bytes = &rest[1..];
            Some(Id::new(kind, entity, &key))
        }
        _ => None,
    }
}

/// Appends a number in seven-bit groups, lowest first.
pub(super) fn push_varint(out: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        out.push(number as u8 | 0x80);
        number >>= 7;
    }
    out.push(number as u8);
}

/// Reads a number that [`push_varint`] wrote.
pub(super) fn take_varint(bytes: &mut &[u8]) -> Option<u64> {
    let mut number = 0_u64;
    for shift in (0..64).step_by(7) {
        let (&byte, rest) = bytes.split_first()?;
        *bytes = rest;
        number |= u64::from(byte & 0x7f) << shift;
        if byte < 0x80 {
            return Some(number);
        }
    }
    None
}

/// The smallest key above every key that begins with `prefix`, which must not be all ones.
pub(super) fn after_prefix(prefix: &[u8]) -> Vec<u8> {
    let mut end = prefix.to_vec();
    while let Some(last) = end.pop() {
        if last < u8::MAX {
            end.push(last + 1);
            break;
        }
    }
    end
}

#[cfg(test)]
mod tests {
    use super::*;

    fn catalog() -> Catalog {
        let mut catalog = Catalog::default();
        catalog.add(EntityName::new("CodecA").unwrap());
        catalog.add(EntityName::new("CodecB").unwrap());
        catalog
    }

    #[test]
    fn ids_survive_and_come_in_order() {
        let catalog = catalog();
        let long = "k".repeat(128);
        let ascending = [
            "n.CodecA.d400618fa5094d6b9c223223",
            "n.CodecA.e400618fa5094d6b9c223223",
            "n.CodecA.D400618FA5094D6B9C223223",
            "n.CodecA.a",
            "n.CodecA.a b",
            "n.CodecA.ab",
            "n.CodecA.b",
            &format!("n.CodecA.{long}"),
            "n.CodecA.é",
            "n.CodecB.0",
        ];
        let mut last = Vec::new();
        for text in ascending {
            let id: Id = text.parse().unwrap();
            let row = document_key(catalog.code(id.entity()).unwrap(), &id).as_slice().to_vec();
            assert!(is_document(Kind::Node, &row));
            assert!(row > last, "{text}");
            assert!(last.is_empty() || !row.starts_with(&last));
            let mut bytes = row.as_slice();
            assert_eq!(take_id(&mut bytes, Kind::Node, &catalog), Some(id.clone()));
            assert_eq!(bytes, [Section::Document as u8]);
            last = row;
        }
    }

    #[test]
    fn links_of_a_node_are_no_documents() {
        for text in ["n.CodecA.d400618fa5094d6b9c223223", "n.CodecA.a"] {
            let id: Id = text.parse().unwrap();
            for section in [Section::Out, Section::Bidirectional] {
                let mut row = KeyBuf::<300>::new();
                row.push_id(0, &id);
                row.push(section as u8);
                row.push_key(&id);
                row.push_code(1);
                assert!(!is_document(Kind::Node, row.as_slice()));
            }
        }
    }

    #[test]
    fn damaged_keys_give_none() {
        let catalog = catalog();
        let damaged: [&[u8]; 8] = [
            &[],
            &[0],
            &[0, 0],
            &[0, 0, 0, 1],
            &[0, 0, 1],
            &[0, 9, 1, b'a', 0],
            &[0, 0, 1, b'a'],
            &[0, 0, 1, 0xff, 0],
        ];
        for bytes in damaged {
            assert_eq!(take_id(&mut &*bytes, Kind::Node, &catalog), None, "{bytes:?}");
            is_document(Kind::Node, bytes);
        }
    }

    #[test]
    fn numbers_survive() {
        for number in [0, 1, 127, 128, 300, u64::from(u32::MAX), u64::MAX] {
            let mut bytes = Vec::new();
            push_varint(&mut bytes, number);
            assert_eq!(take_varint(&mut bytes.as_slice()), Some(number));
            assert_eq!(take_varint(&mut &bytes[..bytes.len() - 1]), None);
        }
    }

    #[test]
    fn the_end_of_a_prefix_is_above_all_that_begins_with_it() {
        assert_eq!(after_prefix(&[1, 2]), [1, 3]);
        assert_eq!(after_prefix(&[1, 0xff, 0xff]), [2]);
    }
}

//! Keys of the tables: how ids become bytes that can be scanned in order.
//!
//! A key text is stored in one of two forms. *Tagged*, for the end of a table key: 0 and the 96 bits
//! of a generated key, or 1 and the text. *Delimited*, for anywhere else: a length byte (0 stands for
//! 96 bits) and that many bytes, so that no key is the beginning of another one. An entity is the
//! two-byte code that the file gives to its name.

use wayfare_graph::{EntityName, Id, Key, Kind, MAX_KEY_BYTES};

use super::catalog::Catalog;

/// Bits of a generated key, in bytes.
const BITS: usize = 12;
const TAG_BITS: u8 = 0;
const TAG_TEXT: u8 = 1;

/// The longest entity code and key, in either form: what a document's key takes.
pub(super) const ID_BYTES: usize = 2 + 1 + MAX_KEY_BYTES;

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

    pub(super) fn push_tagged(&mut self, id: &Id) {
        match id.key_bits() {
            Some(bits) => {
                self.push(TAG_BITS);
                self.extend(&bits);
            }
            None => {
                self.push(TAG_TEXT);
                id.with_key(|text| self.extend(text.as_bytes()));
            }
        }
    }

    /// A reference: an entity code and a delimited key.
    pub(super) fn push_reference(&mut self, code: u16, id: &Id) {
        self.push_code(code);
        match id.key_bits() {
            Some(bits) => {
                self.push(0);
                self.extend(&bits);
            }
            None => id.with_key(|text| {
                // Keys are 1 to 128 bytes long, so the length fits and is never 0.
                self.push(text.len() as u8);
                self.extend(text.as_bytes());
            }),
        }
    }
}

/// The key of a document in the table of its kind.
pub(super) fn document_key(code: u16, id: &Id) -> KeyBuf<ID_BYTES> {
    let mut key = KeyBuf::new();
    key.push_code(code);
    key.push_tagged(id);
    key
}

/// The id behind a key that [`document_key`] made.
pub(super) fn document_id(kind: Kind, key: &[u8], catalog: &Catalog) -> Option<Id> {
    let (code, tagged) = key.split_first_chunk()?;
    tagged_id(kind, catalog.name(u16::from_be_bytes(*code))?, tagged)
}

/// The id with a tagged key.
pub(super) fn tagged_id(kind: Kind, entity: EntityName, tagged: &[u8]) -> Option<Id> {
    match tagged.split_first()? {
        (&TAG_BITS, bits) => Some(Id::generated(kind, entity, bits.try_into().ok()?)),
        (&TAG_TEXT, text) => text_id(kind, entity, text),
        _ => None,
    }
}

/// Reads a node's reference off the front of `bytes`.
pub(super) fn take_reference(bytes: &mut &[u8], catalog: &Catalog) -> Option<Id> {
    let (code, rest) = bytes.split_first_chunk()?;
    let entity = catalog.name(u16::from_be_bytes(*code))?;
    let (&len, rest) = rest.split_first()?;
    let (key, left) = rest.split_at_checked(if len == 0 { BITS } else { usize::from(len) })?;
    let id = match len {
        0 => Id::generated(Kind::Node, entity, key.try_into().ok()?),
        _ => text_id(Kind::Node, entity, key)?,
    };
    *bytes = left;
    Some(id)
}

fn text_id(kind: Kind, entity: EntityName, text: &[u8]) -> Option<Id> {
    let key = Key::new(std::str::from_utf8(text).ok()?).ok()?;
    Some(Id::new(kind, entity, &key))
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
    fn ids_survive_both_forms() {
        let catalog = catalog();
        for text in [
            "n.CodecA.d400618fa5094d6b9c223223",
            "n.CodecB.D400618FA5094D6B9C223223",
            "n.CodecB.twelve-bytes",
            "n.CodecB.é",
            &format!("n.CodecA.{}", "k".repeat(128)),
        ] {
            let id: Id = text.parse().unwrap();
            let code = catalog.code(id.entity()).unwrap();
            let key = document_key(code, &id);
            assert_eq!(document_id(Kind::Node, key.as_slice(), &catalog), Some(id.clone()));
            let mut buf = KeyBuf::<200>::new();
            buf.push_reference(code, &id);
            buf.extend(b"tail");
            let mut bytes = buf.as_slice();
            assert_eq!(take_reference(&mut bytes, &catalog), Some(id));
            assert_eq!(bytes, b"tail");
        }
    }

    #[test]
    fn damaged_keys_give_none() {
        let catalog = catalog();
        for bytes in [
            &[][..],
            &[0],
            &[0, 0],
            &[0, 0, 0, 1],
            &[0, 0, 1],
            &[0, 9, 1, b'a'],
            &[0, 0, 2, b'a'],
            &[0, 0, 1, 0xff],
        ] {
            assert_eq!(document_id(Kind::Node, bytes, &catalog), None, "{bytes:?}");
        }
        for bytes in [&[0, 0, 5, b'a'][..], &[0, 0], &[0, 0, 0, 1], &[0, 7, 1, b'a']] {
            assert_eq!(take_reference(&mut &*bytes, &catalog), None, "{bytes:?}");
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

//! Ids of entities: a kind letter, an entity name and a key, in sixteen bytes.

use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::entity_name::EntityName;
use crate::key::Key;

/// What an id could not be made of.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum IdError {
    /// The text is not `KIND.ENTITY.KEY`.
    #[error("`{text}` is not an id: write KIND.ENTITY.KEY, for example `n.City.paris`")]
    Shape {
        /// The text as given, cut at 200 characters.
        text: String,
    },
    /// The kind letter is none of `o`, `n`, `e`, `w`.
    #[error("`{letter}` in `{text}` is no kind: use `n` (node), `e` (edge), `o` (object) or `w` (walker)")]
    Kind {
        /// What stood before the first dot.
        letter: String,
        /// The whole text.
        text: String,
    },
    /// The entity name is empty, too long, or holds a dot or a control character.
    #[error("`{name}` is not an entity name: use 1 to 64 bytes without dots and control characters")]
    EntityName {
        /// The name as given, cut at 80 characters.
        name: String,
    },
    /// The process has interned as many names as fit.
    #[error("entity name `{name}` refused: this process already holds 65,535 names")]
    TooManyEntityNames {
        /// The name as given.
        name: String,
    },
    /// The key is empty, too long, or holds NUL or a control character.
    #[error("`{key}` is not a key: use 1 to 128 bytes of UTF-8 without control characters")]
    Key {
        /// The key as given, cut at 200 characters, control characters escaped.
        key: String,
    },
}

/// The four kinds of entity.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u8)]
pub enum Kind {
    /// `o`: a document outside the graph.
    Object = b'o',
    /// `n`: a node.
    Node = b'n',
    /// `e`: an edge between two nodes.
    Edge = b'e',
    /// `w`: a walker.
    Walker = b'w',
}

impl Kind {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Object, Self::Node, Self::Edge, Self::Walker];

    /// The letter that begins an id of this kind.
    #[must_use]
    pub fn letter(self) -> char {
        char::from(self as u8)
    }

    /// The collection (or folder) that holds documents of this kind.
    #[must_use]
    pub fn collection(self) -> &'static str {
        match self {
            Self::Object => "object",
            Self::Node => "node",
            Self::Edge => "edge",
            Self::Walker => "walker",
        }
    }

    /// The kind of a letter, `None` when there is no such kind.
    #[must_use]
    pub fn from_letter(letter: char) -> Option<Self> {
        match letter {
            'o' => Some(Self::Object),
            'n' => Some(Self::Node),
            'e' => Some(Self::Edge),
            'w' => Some(Self::Walker),
            _ => None,
        }
    }
}

/// Most bytes of a short key that stays inside the id.
const SHORT_BYTES: usize = 11;

/// The id of an entity, such as `n.City.d400618fa5094d6b9c223223`.
///
/// Takes 16 bytes: generated keys and keys of up to 11 bytes are held inside, longer ones behind
/// a counted pointer. Ids order as their text does.
#[derive(Clone, PartialEq, Eq)]
pub struct Id(Repr);

// Every text has exactly one form here (24 lower-case hex digits are always `Hex`, then by
// length), so derived equality is equality of the text.
#[derive(Clone, PartialEq, Eq)]
enum Repr {
    Hex { kind: Kind, entity: EntityName, key: [u8; 12] },
    Short { kind: Kind, entity: EntityName, len: u8, key: [u8; SHORT_BYTES] },
    Long { kind: Kind, entity: EntityName, key: Arc<String> },
}

impl Id {
    /// Makes an id of a kind, an entity name and a key.
    #[must_use]
    pub fn new(kind: Kind, entity: EntityName, key: &Key) -> Self {
        Self::from_parts(kind, entity, key.as_str())
    }

    /// Makes the id of a node.
    ///
    /// # Errors
    /// [`IdError::EntityName`] and [`IdError::Key`], as [`EntityName::new`] and [`Key::new`].
    pub fn node(entity: &str, key: &str) -> Result<Self, IdError> {
        Ok(Self::new(Kind::Node, EntityName::new(entity)?, &Key::new(key)?))
    }

    /// The root node, `n.Root.root`, which every graph has.
    #[must_use]
    pub fn root() -> Self {
        let entity = EntityName::new("Root").expect("`Root` keeps the rules for entity names");
        Self::from_parts(Kind::Node, entity, "root")
    }

    /// An id with a key of 96 bits, as [`KeySource`](crate::KeySource) makes them.
    #[must_use]
    pub fn generated(kind: Kind, entity: EntityName, key: [u8; 12]) -> Self {
        Self(Repr::Hex { kind, entity, key })
    }

    /// The caller has checked `key`.
    fn from_parts(kind: Kind, entity: EntityName, key: &str) -> Self {
        if let Some(key) = crate::key::hex_to_bits(key) {
            return Self(Repr::Hex { kind, entity, key });
        }
        let bytes = key.as_bytes();
        if bytes.len() <= SHORT_BYTES {
            let mut short = [0; SHORT_BYTES];
            short[..bytes.len()].copy_from_slice(bytes);
            return Self(Repr::Short { kind, entity, len: bytes.len() as u8, key: short });
        }
        Self(Repr::Long { kind, entity, key: Arc::new(key.to_owned()) })
    }

    /// The kind.
    #[must_use]
    pub fn kind(&self) -> Kind {
        match self.0 {
            Repr::Hex { kind, .. } | Repr::Short { kind, .. } | Repr::Long { kind, .. } => kind,
        }
    }

    /// The entity name.
    #[must_use]
    pub fn entity(&self) -> EntityName {
        match self.0 {
            Repr::Hex { entity, .. } | Repr::Short { entity, .. } | Repr::Long { entity, .. } => entity,
        }
    }

    /// Runs `f` on the text of the key.
    pub fn with_key<R>(&self, f: impl FnOnce(&str) -> R) -> R {
        match &self.0 {
            Repr::Hex { key, .. } => f(hex_text(key, &mut [0; 24])),
            Repr::Short { len, key, .. } => f(short_text(*len, key)),
            Repr::Long { key, .. } => f(key),
        }
    }

    /// The 96 bits of a key of 24 lower-case hex digits, `None` for any other key.
    #[must_use]
    pub fn key_bits(&self) -> Option<[u8; 12]> {
        match self.0 {
            Repr::Hex { key, .. } => Some(key),
            _ => None,
        }
    }

    /// Compares by key alone, then by entity: the order in which a node's edges are listed.
    #[must_use]
    pub fn cmp_by_key(&self, other: &Self) -> Ordering {
        let keys = match (&self.0, &other.0) {
            (Repr::Hex { key: a, .. }, Repr::Hex { key: b, .. }) => a.cmp(b),
            _ => self.with_key(|a| other.with_key(|b| a.cmp(b))),
        };
        keys.then_with(|| self.entity().cmp(&other.entity()))
    }
}

fn short_text(len: u8, key: &[u8; SHORT_BYTES]) -> &str {
    std::str::from_utf8(&key[..usize::from(len)]).expect("a short key was copied from a str")
}

fn hex_text<'a>(bits: &[u8; 12], out: &'a mut [u8; 24]) -> &'a str {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    for (pair, byte) in out.chunks_exact_mut(2).zip(bits) {
        pair[0] = DIGITS[usize::from(byte >> 4)];
        pair[1] = DIGITS[usize::from(byte & 15)];
    }
    std::str::from_utf8(out).expect("hex digits are ASCII")
}

impl Hash for Id {
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write_u32(u32::from(self.entity().code()) << 8 | self.kind() as u32);
        match &self.0 {
            Repr::Hex { key, .. } => {
                let [a, b, c, d, tail @ ..] = *key;
                // The digits that differ most come last; as the low bits of a word they reach every bit
                // of hashes that multiply.
                state.write_u32(u32::from_be_bytes([a, b, c, d]));
                state.write_u64(u64::from_be_bytes(tail));
            }
            Repr::Short { len, key, .. } => state.write(&key[..usize::from(*len)]),
            Repr::Long { key, .. } => state.write(key.as_bytes()),
        }
    }
}

impl PartialOrd for Id {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Id {
    fn cmp(&self, other: &Self) -> Ordering {
        let heads = (self.kind() as u8).cmp(&(other.kind() as u8));
        heads.then_with(|| cmp_in_text(self.entity(), other.entity())).then_with(|| self.cmp_by_key(other))
    }
}

/// Compares names with the dot that follows them: `A` comes before `A1` and after `A-`, as the dot does.
fn cmp_in_text(one: EntityName, two: EntityName) -> Ordering {
    let with_dot = |name: EntityName| name.as_str().bytes().chain([b'.']);
    if one == two { Ordering::Equal } else { with_dot(one).cmp(with_dot(two)) }
}

impl FromStr for Id {
    type Err = IdError;

    fn from_str(text: &str) -> Result<Self, IdError> {
        let mut parts = text.splitn(3, '.');
        let (Some(letter), Some(entity), Some(key)) = (parts.next(), parts.next(), parts.next()) else {
            return Err(IdError::Shape { text: text.chars().take(200).collect() });
        };
        let mut letters = letter.chars();
        let kind = letters.next().and_then(Kind::from_letter).filter(|_| letters.next().is_none());
        let kind = kind.ok_or_else(|| IdError::Kind {
            letter: letter.chars().take(20).collect(),
            text: text.chars().take(200).collect(),
        })?;
        Ok(Self::new(kind, EntityName::new(entity)?, &Key::new(key)?))
    }
}

impl TryFrom<&str> for Id {
    type Error = IdError;

    fn try_from(text: &str) -> Result<Self, IdError> {
        text.parse()
    }
}

impl TryFrom<&String> for Id {
    type Error = IdError;

    fn try_from(text: &String) -> Result<Self, IdError> {
        text.parse()
    }
}

impl TryFrom<String> for Id {
    type Error = IdError;

    fn try_from(text: String) -> Result<Self, IdError> {
        text.parse()
    }
}

impl TryFrom<&Id> for Id {
    type Error = IdError;

    fn try_from(id: &Id) -> Result<Self, IdError> {
        Ok(id.clone())
    }
}

impl From<std::convert::Infallible> for IdError {
    fn from(never: std::convert::Infallible) -> Self {
        match never {}
    }
}

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.with_key(|key| write!(f, "{}.{}.{key}", self.kind().letter(), self.entity()))
    }
}

impl fmt::Debug for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Serialize for Id {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Id {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_takes_sixteen_bytes() {
        assert_eq!(size_of::<Id>(), 16);
        assert_eq!(size_of::<Option<Id>>(), 16);
    }

    #[test]
    fn text_survives_parsing_for_every_form_of_key() {
        for text in [
            "n.Root.root",
            "n.City.d400618fa5094d6b9c223223",
            "n.City.D400618FA5094D6B9C223223",
            "e.Route.a/b c.d",
            "o.Setting.a-key-longer-than-eleven-bytes",
            "w.Reach.é",
        ] {
            let id: Id = text.parse().unwrap();
            assert_eq!(id.to_string(), text);
            assert_eq!(id, text.parse().unwrap());
        }
    }

    #[test]
    fn order_is_that_of_the_text() {
        let mut ids: Vec<Id> = [
            "n.B.a",
            "n.A.b",
            "n.A.000000000000000000000000",
            "e.Z.z",
            "n.A.a-key-of-some-length",
            "n.A-.a",
            "n.A1.a",
        ]
        .iter()
        .map(|text| text.parse().unwrap())
        .collect();
        ids.sort();
        let mut texts: Vec<String> = ids.iter().map(ToString::to_string).collect();
        let sorted = texts.clone();
        texts.sort();
        assert_eq!(sorted, texts);
    }

    #[test]
    fn faults_are_named() {
        assert!(matches!("n.City".parse::<Id>(), Err(IdError::Shape { .. })));
        assert!(matches!("x.City.a".parse::<Id>(), Err(IdError::Kind { .. })));
        assert!(matches!("n..a".parse::<Id>(), Err(IdError::EntityName { .. })));
        assert!(matches!("n.City.".parse::<Id>(), Err(IdError::Key { .. })));
        assert!(matches!("n.City.a\0b".parse::<Id>(), Err(IdError::Key { .. })));
    }
}

//! Entity names, interned to two bytes so that an [`Id`](crate::Id) fits in sixteen.

use std::cmp::Ordering;
use std::fmt;
use std::sync::OnceLock;

use parking_lot::RwLock;
use rustc_hash::FxHashMap;
use serde::{Serialize, Serializer};

use crate::id::IdError;

/// Longest entity name, in bytes of UTF-8.
pub const MAX_ENTITY_NAME_BYTES: usize = 64;

/// The name of an entity type, such as `City`, interned for the life of the process.
///
/// Copying and comparing for equality cost as much as for a `u16`; ordering is that of the text.
/// A process holds at most 65,535 different names: further ones are refused.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct EntityName(u16);

#[derive(Default)]
struct Names {
    codes: FxHashMap<&'static str, u16>,
    texts: Vec<&'static str>,
}

fn names() -> &'static RwLock<Names> {
    static NAMES: OnceLock<RwLock<Names>> = OnceLock::new();
    NAMES.get_or_init(RwLock::default)
}

impl EntityName {
    /// Interns `name`.
    ///
    /// # Errors
    /// [`IdError::EntityName`] when the name is empty, longer than 64 bytes, or holds a dot or a
    /// control character; [`IdError::TooManyEntityNames`] after 65,535 names.
    pub fn new(name: &str) -> Result<Self, IdError> {
        if let Some(known) = Self::known(name) {
            return Ok(known);
        }
        let fault = name.is_empty()
            || name.len() > MAX_ENTITY_NAME_BYTES
            || name.chars().any(|c| c == '.' || c.is_control());
        if fault {
            return Err(IdError::EntityName { name: name.chars().take(80).collect() });
        }
        let mut names = names().write();
        if let Some(&code) = names.codes.get(name) {
            return Ok(Self(code));
        }
        let code = u16::try_from(names.texts.len()).ok().filter(|&code| code < u16::MAX);
        let code = code.ok_or_else(|| IdError::TooManyEntityNames { name: name.to_owned() })?;
        // Names live as long as the process; their number is bounded above.
        let text: &'static str = Box::leak(name.to_owned().into_boxed_str());
        names.texts.push(text);
        names.codes.insert(text, code);
        Ok(Self(code))
    }

    /// The name if some part of the process has interned it, without adding it.
    #[must_use]
    pub fn known(name: &str) -> Option<Self> {
        names().read().codes.get(name).copied().map(Self)
    }

    /// The text of the name.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        names().read().texts.get(usize::from(self.0)).copied().unwrap_or_default()
    }

    /// The process-wide number of the name: dense from 0, different in every process.
    #[must_use]
    pub fn code(self) -> u16 {
        self.0
    }

    /// The name behind a number that [`code`](Self::code) gave, `None` for any other number.
    #[must_use]
    pub fn from_code(code: u16) -> Option<Self> {
        (usize::from(code) < names().read().texts.len()).then_some(Self(code))
    }
}

impl Serialize for EntityName {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl PartialOrd for EntityName {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for EntityName {
    fn cmp(&self, other: &Self) -> Ordering {
        if self == other { Ordering::Equal } else { self.as_str().cmp(other.as_str()) }
    }
}

impl fmt::Display for EntityName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for EntityName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_names_share_a_code_and_order_by_text() {
        let zebra = EntityName::new("Zebra").unwrap();
        let ant = EntityName::new("Ant").unwrap();
        assert_eq!(zebra, EntityName::new("Zebra").unwrap());
        assert!(ant < zebra, "order is that of the text, not of interning");
        assert_eq!(EntityName::from_code(zebra.code()), Some(zebra));
    }

    #[test]
    fn names_with_dots_controls_or_no_text_are_refused() {
        for bad in ["", "a.b", "a\nb", &"x".repeat(65)] {
            assert!(matches!(EntityName::new(bad), Err(IdError::EntityName { .. })), "{bad:?}");
        }
    }
}

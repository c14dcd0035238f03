//! What is wrong with a store.

use std::fmt;

use crate::entity_name::EntityName;
use crate::id::Id;

/// One thing that [`Store::check_up`](crate::Store::check_up) found wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Finding {
    /// Something stands where documents are kept and is none.
    BadDocument {
        /// Where, such as the name of a file or what `_id` says.
        place: String,
        /// What is wrong with it.
        reason: String,
        /// Whether it was put aside.
        repaired: bool,
    },
    /// An index lacks a document, or has one that is not there or has other values.
    IndexMismatch {
        /// The entity of the index.
        entity: EntityName,
        /// Its fields.
        fields: Vec<String>,
        /// The document, where it is known.
        id: Option<Id>,
        /// Whether the index was mended.
        repaired: bool,
    },
    /// Documents share the values of a unique index, written past it.
    Duplicate {
        /// The entity of the index.
        entity: EntityName,
        /// Its fields.
        fields: Vec<String>,
        /// One document.
        first: Id,
        /// Another.
        second: Id,
    },
}

impl Finding {
    /// Whether nothing is left to do about it.
    #[must_use]
    pub fn is_repaired(&self) -> bool {
        match self {
            Self::BadDocument { repaired, .. } | Self::IndexMismatch { repaired, .. } => *repaired,
            Self::Duplicate { .. } => false,
        }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::BadDocument { place, reason, .. } => write!(f, "`{place}` is no document: {reason}"),
            Self::IndexMismatch { entity, fields, id: Some(id), .. } => {
                write!(f, "the index on {entity} ({}) does not agree with `{id}`", fields.join(", "))
            }
            Self::IndexMismatch { entity, fields, id: None, .. } => {
                write!(f, "the index on {entity} ({}) has a row of no document", fields.join(", "))
            }
            Self::Duplicate { entity, fields, first, second } => {
                write!(
                    f,
                    "{entity} ({}) must be unique: `{first}` and `{second}` share it",
                    fields.join(", ")
                )
            }
        }
    }
}

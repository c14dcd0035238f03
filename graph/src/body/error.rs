//! Why a body could not be written or read.

use crate::entity_name::EntityName;
use crate::id::Id;

/// Why a body could not be written or read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BodyError {
    /// The value does not serialise to a map of named fields.
    #[error("an entity must serialise to a map of named fields, not to {found}")]
    NotAMap {
        /// What it serialised to.
        found: &'static str,
    },
    /// A value holds something a document cannot.
    #[error("cannot be stored in a document: {reason}")]
    Encode {
        /// The serialiser's own words.
        reason: String,
    },
    /// The stored fields do not fit the wanted type.
    #[error("stored fields do not fit the type: {reason}")]
    Decode {
        /// The deserialiser's own words.
        reason: String,
    },
    /// The document was written by a newer release of the program, whose form this one does not know.
    #[error("`{id}` has schema {found}, this program knows up to {supported}: use a newer release of it")]
    NewerSchema {
        /// The document.
        id: Id,
        /// Its schema version.
        found: u32,
        /// The schema version of the type.
        supported: u32,
    },
    /// No function is registered that would bring older documents a step further.
    #[error(
        "no upgrade of {entity} from schema {from} to {to}: register one with `#[upgrade({entity}, from = {from})]`"
    )]
    MissingUpgrade {
        /// The entity.
        entity: EntityName,
        /// The schema version that nothing leads on from.
        from: u32,
        /// The next.
        to: u32,
    },
    /// An upgrade could not make the new form of the stored fields.
    #[error("`{id}` cannot be upgraded from schema {from}: {reason}")]
    UpgradeFailed {
        /// The document.
        id: Id,
        /// The schema version of its fields then.
        from: u32,
        /// The upgrade's own words.
        reason: String,
    },
    /// The bytes are no body.
    #[error("stored bytes are damaged at offset {offset}")]
    Damaged {
        /// Where reading stopped.
        offset: usize,
    },
}

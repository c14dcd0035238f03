//! Why a store refuses: as a whole, or one write of a batch.

use serde_json::Value;

use crate::document::Version;
use crate::entity_name::EntityName;
use crate::id::Id;

/// Why a store as a whole could not do what was asked. Nothing was changed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// The URL names no store.
    #[error("`{url}` is no store: {reason}")]
    Url {
        /// The URL, without any password.
        url: String,
        /// What is wrong, and how it is written.
        reason: String,
    },
    /// The server was away, for longer than retries last. Nothing is known of a write that was under way.
    #[error("{url} cannot be reached: {source}")]
    Unreachable {
        /// The server, without any password.
        url: String,
        /// The last attempt's own error.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The server was away a moment ago, so nothing was sent.
    #[error("{url} was away, it is tried again in {} ms", retry_after.as_millis())]
    CircuitOpen {
        /// The server, without any password.
        url: String,
        /// When a call will be tried again.
        retry_after: std::time::Duration,
    },
    /// The server does not let this user in, or not do this.
    #[error("{url} refuses: {reason}")]
    Refused {
        /// The server, without any password.
        url: String,
        /// Its own words.
        reason: String,
    },
    /// The server is of a release that cannot do what is needed.
    #[error("{url} runs MongoDB {found}, at least {needed} is needed")]
    ServerTooOld {
        /// The server, without any password.
        url: String,
        /// Its release.
        found: String,
        /// The oldest that will do.
        needed: String,
    },
    /// Another process, or another handle of this one, has the store open.
    #[error("store `{path}` is open elsewhere ({holder}): stop that process, or wait for it")]
    Busy {
        /// Where the store lies.
        path: String,
        /// Who holds it, as far as known.
        holder: String,
    },
    /// The store was written by a newer release.
    #[error("store `{path}` has format {found}, this release reads up to {supported}: use a newer release")]
    NewerFormat {
        /// Where the store lies.
        path: String,
        /// Its format.
        found: u64,
        /// The newest format known here.
        supported: u64,
    },
    /// The path holds something else than a store.
    #[error("`{path}` is not a store: {reason}")]
    NotAStore {
        /// The path.
        path: String,
        /// What was found.
        reason: String,
    },
    /// There is no room left, on the disk or in a quota.
    #[error("store `{path}` is out of space: free some and open it again")]
    OutOfSpace {
        /// Where the store lies.
        path: String,
        /// The system's own error.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// A write failed earlier, so what is durable is not known; reading goes on.
    #[error("store refuses writes since one failed ({reason}): open it again to recover")]
    Poisoned {
        /// The failure that poisoned it.
        reason: String,
    },
    /// The runtime that had the store open has stopped.
    #[error("the runtime has stopped")]
    Stopped,
    /// A part of the runtime failed while it had this. Nothing is known of a write that was under way.
    #[error(
        "the {part} failed before it said what became of this: read what was written before writing it again"
    )]
    Interrupted {
        /// What failed.
        part: String,
    },
    /// The runtime has given up writing; reading goes on.
    #[error(
        "the runtime is read-only since its parts failed too often ({reason}): find out why, and start it again"
    )]
    ReadOnly {
        /// What happened.
        reason: String,
    },
    /// Stored bytes cannot be read.
    #[error("stored data of `{what}` is damaged: {reason}")]
    Damaged {
        /// The document or table.
        what: String,
        /// What is wrong.
        reason: String,
    },
    /// Existing documents break the unique index that was to be made.
    #[error("cannot make a unique index on {entity} ({}): `{first}` and `{second}` share {values}", fields.join(", "))]
    IndexViolated {
        /// The entity.
        entity: EntityName,
        /// The fields.
        fields: Vec<String>,
        /// A document.
        first: Id,
        /// Another with the same values.
        second: Id,
        /// The values they share.
        values: Value,
    },
    /// The index cannot be made, changed, or found.
    #[error("index on {entity} ({}): {reason}", fields.join(", "))]
    Index {
        /// The entity.
        entity: EntityName,
        /// The fields, or the name where only that is known.
        fields: Vec<String>,
        /// What is wrong.
        reason: String,
    },
    /// The store cannot do this at all.
    #[error("store `{store}` cannot {what}")]
    Unsupported {
        /// The store.
        store: String,
        /// What was asked.
        what: String,
    },
    /// Input or output failed.
    #[error("store `{path}`: {source}")]
    Io {
        /// Where the store lies.
        path: String,
        /// The system's own error.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

impl StoreError {
    /// Whether the store is as able to write as before: a later write needs no recovery first.
    #[must_use]
    pub fn is_passing(&self) -> bool {
        matches!(self, Self::Unreachable { .. } | Self::CircuitOpen { .. } | Self::Refused { .. })
    }
}

/// Why one write of a batch was refused. The other writes of the batch are not touched by it,
/// unless the batch is all or nothing.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum WriteError {
    /// The stored version is not the one the write was based on.
    #[error("`{id}` is at version {found}, the write was based on {expected}: read it again and repeat")]
    Conflict {
        /// The entity.
        id: Id,
        /// The version that the write carried.
        expected: Version,
        /// The stored version.
        found: Version,
    },
    /// There is such an entity already.
    #[error("`{id}` exists already: save or upsert it")]
    AlreadyExists {
        /// The entity.
        id: Id,
    },
    /// There is no such entity.
    #[error("`{id}` does not exist")]
    NotFound {
        /// The entity.
        id: Id,
    },
    /// An end of an edge does not exist.
    #[error("edge from `{source_id}` to `{target_id}`: node `{missing}` does not exist")]
    UnknownEnd {
        /// The source.
        source_id: Id,
        /// The target.
        target_id: Id,
        /// The end that is missing.
        missing: Id,
    },
    /// Another document has the values of a unique index.
    #[error("{entity} ({}) must be unique: `{holder}` already has {values}", fields.join(", "))]
    UniqueViolation {
        /// The entity.
        entity: EntityName,
        /// The fields of the index.
        fields: Vec<String>,
        /// The values, in the order of the fields.
        values: Value,
        /// The document that has them.
        holder: Id,
    },
    /// The write cannot be done to an entity of this kind, or lacks what the kind needs.
    #[error("`{id}`: {reason}")]
    Unsuitable {
        /// The entity.
        id: Id,
        /// What is wrong.
        reason: String,
    },
    /// Another write of the same all-or-nothing batch was refused.
    #[error("not written: write {position} of the same batch was refused")]
    BatchRefused {
        /// The position of that write in the batch, from 0.
        position: usize,
    },
}

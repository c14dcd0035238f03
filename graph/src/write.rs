//! Writes and what became of them.

use crate::document::{Document, Version};
use crate::id::Id;
use crate::store_error::WriteError;

/// One change of the graph.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum Write {
    /// Stores a new node, edge, object or walker at version 1.
    ///
    /// For an edge, both ends must exist, and there may be no other edge of the same source, target
    /// and entity unless `multi`.
    Create {
        /// The document; its version is ignored.
        document: Document,
        /// Whether parallel edges are allowed.
        multi: bool,
    },
    /// Replaces a document that is still at the version the new one carries, and counts it up.
    ///
    /// The ends of an edge cannot change.
    Save {
        /// The document with the version that was read.
        document: Document,
    },
    /// Creates a document, or writes its fields over those that are stored.
    Upsert {
        /// The document; its version is ignored.
        document: Document,
    },
    /// Finds or creates an edge between two nodes, and writes its fields over those that are stored.
    Connect {
        /// The edge; its id counts only if it is created.
        edge: Document,
        /// `None`: one edge of the entity from source to target. `Some(n)`: parallel edges are
        /// allowed, and the `n`-th of them in the order of their ids is meant, from 0.
        parallel: Option<u32>,
    },
    /// Stores a document as it is, its version included, over whatever is stored under its id.
    ///
    /// For copies and repairs: nothing asks for the ends of an edge, nor whether another joins them. A document
    /// that is there must have the same ends. Unique indexes hold.
    Put {
        /// The document.
        document: Document,
    },
    /// Removes an entity; a node takes its edges with it.
    Delete {
        /// The entity.
        id: Id,
        /// Only while it is at this version.
        expected: Option<Version>,
    },
}

/// What one write did.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Written {
    /// A new entity, at version 1.
    Created {
        /// Its id.
        id: Id,
    },
    /// An entity was changed.
    Changed {
        /// Its id.
        id: Id,
        /// Its new version.
        version: Version,
    },
    /// The entity was as the write wanted it.
    Unchanged {
        /// Its id.
        id: Id,
        /// Its version.
        version: Version,
    },
    /// An entity was removed.
    Deleted {
        /// Its id.
        id: Id,
        /// The edges that went with a node.
        edges: Vec<Id>,
        /// The nodes at the other ends of those edges, or both ends of a deleted edge.
        neighbours: Vec<Id>,
    },
}

impl Written {
    /// The id of the entity.
    #[must_use]
    pub fn id(&self) -> &Id {
        match self {
            Self::Created { id }
            | Self::Changed { id, .. }
            | Self::Unchanged { id, .. }
            | Self::Deleted { id, .. } => id,
        }
    }
}

/// The outcome of one write.
pub type WriteResult = Result<Written, WriteError>;

/// Writes that belong together.
#[derive(Debug, Clone, Default)]
pub struct WriteBatch {
    /// The writes, in order: a later one sees what an earlier one did.
    pub writes: Vec<Write>,
    /// Whether none of them is done when one is refused.
    pub all_or_nothing: bool,
}

//! What hooks ask to be written.

use std::sync::Arc;

use crate::body::BodyError;
use crate::document::{Document, Version};
use crate::entity::Entity;
use crate::id::Id;

/// Makes the next version of a document; may run again on what others left.
pub type Apply = Arc<dyn Fn(&Document) -> Result<Document, BodyError> + Send + Sync>;

/// One change that a hook asked for.
#[derive(Clone)]
pub enum Change {
    /// Changes an entity.
    Update {
        /// The entity.
        id: Id,
        /// Only while it is at this version.
        only: Option<Version>,
        /// The change.
        apply: Apply,
    },
    /// Stores a new entity.
    Create {
        /// The entity.
        document: Document,
        /// Whether an edge may lie beside others of its entity.
        multi: bool,
    },
    /// Joins two nodes, or writes over the edge that joins them already.
    Connect {
        /// The edge.
        edge: Document,
    },
    /// Removes an entity, a node with its edges.
    Delete {
        /// The entity.
        id: Id,
    },
}

impl Change {
    /// A change of a typed entity.
    pub(crate) fn update<T: Entity>(id: Id, change: impl Fn(&mut T) + Send + Sync + 'static) -> Self {
        let apply = Arc::new(move |document: &Document| {
            let mut value: T = document.decode_entity()?;
            change(&mut value);
            document.written_over(&value)
        });
        Self::Update { id, only: None, apply }
    }

    /// The entity it is about.
    #[must_use]
    pub fn id(&self) -> &Id {
        match self {
            Self::Update { id, .. } | Self::Delete { id } => id,
            Self::Create { document, .. } => document.id(),
            Self::Connect { edge } => edge.id(),
        }
    }
}

impl std::fmt::Debug for Change {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let what = match self {
            Self::Update { .. } => "Update",
            Self::Create { .. } => "Create",
            Self::Connect { .. } => "Connect",
            Self::Delete { .. } => "Delete",
        };
        f.debug_tuple(what).field(self.id()).finish()
    }
}

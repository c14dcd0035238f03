//! What a walk needs of nodes, and the answer of a store.

use serde::{Deserialize, Serialize};

use crate::direction::Direction;
use crate::document::Document;
use crate::id::Id;

/// What is wanted of nodes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Hash, Serialize, Deserialize)]
pub struct Need(u8);

impl Need {
    /// The document alone.
    pub const DOCUMENT: Self = Self(0);

    /// And the neighbours in a direction.
    #[must_use]
    pub fn links(self, direction: Direction) -> Self {
        Self(self.0 | 1 << direction as u8)
    }

    /// And the edges in a direction with their fields, which brings their neighbours too.
    #[must_use]
    pub fn edges(self, direction: Direction) -> Self {
        Self(self.links(direction).0 | 8 << direction as u8)
    }

    /// Everything that either wants.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Whether neighbours in a direction are wanted.
    #[must_use]
    pub fn wants_links(self, direction: Direction) -> bool {
        self.0 & 1 << direction as u8 != 0
    }

    /// Whether the fields of the edges in a direction are wanted.
    #[must_use]
    pub fn wants_edges(self, direction: Direction) -> bool {
        self.0 & 8 << direction as u8 != 0
    }
}

/// One neighbour of a node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Link {
    /// The edge.
    pub edge: Id,
    /// The node at its other end; the node itself for a self loop.
    pub other: Id,
}

/// The neighbours of several nodes in one direction, those of one node after another.
///
/// Within a node they come in the order of [`Id::cmp_by_key`] of their edges: the order of creation
/// for generated ids. In direction `Both` a directed self loop comes twice, a bidirectional one once.
#[derive(Debug, Default)]
pub struct Adjacency {
    /// Where the links of the n-th node end; they begin where those of the one before end.
    pub ends: Vec<usize>,
    /// The links.
    pub links: Vec<Link>,
    /// The documents of the edges, as many as links, or none when they were not wanted.
    pub edges: Vec<Document>,
}

impl Adjacency {
    /// The range in `links` (and `edges`) of the `n`-th node.
    #[must_use]
    pub fn range(&self, n: usize) -> std::ops::Range<usize> {
        let start = n.checked_sub(1).map_or(0, |before| self.ends[before]);
        start..self.ends[n]
    }
}

/// The answer to [`Store::load`](crate::Store::load).
#[derive(Debug, Default)]
pub struct Loaded {
    /// The documents in the order of the ids asked for, `None` where there is none.
    pub documents: Vec<Option<Document>>,
    /// The neighbours by direction (`Out`, `In`, `Both`), empty where they were not wanted.
    /// A node that does not exist has none.
    pub adjacency: [Adjacency; 3],
}

//! The store port: everything the runtime asks of a database.

use std::fmt;
use std::pin::Pin;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::direction::Direction;
use crate::document::{Document, Version};
use crate::entity::Index;
use crate::entity_name::EntityName;
use crate::explanation::Explanation;
use crate::filter::Filter;
use crate::id::{Id, Kind};

/// A boxed future, the return type of the port's methods.
pub type StoreFuture<'a, T> = Pin<Box<dyn Future<Output = Result<T, StoreError>> + Send + 'a>>;

/// Why a store as a whole could not do what was asked. Nothing was changed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// The URL names no store.
    #[error("`{url}` is no store: write `embedded:PATH`")]
    Url {
        /// The URL, without any password.
        url: String,
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

/// The answer to [`Store::load`].
#[derive(Debug, Default)]
pub struct Loaded {
    /// The documents in the order of the ids asked for, `None` where there is none.
    pub documents: Vec<Option<Document>>,
    /// The neighbours by direction (`Out`, `In`, `Both`), empty where they were not wanted.
    /// A node that does not exist has none.
    pub adjacency: [Adjacency; 3],
}

/// A sort key: a dotted path and whether it descends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SortKey {
    /// Such as `context.name`.
    pub path: String,
    /// Largest first.
    pub descending: bool,
}

/// Which documents are wanted, in which order, and which part of them.
#[derive(Debug, Clone)]
pub struct Query {
    /// Their kind.
    pub kind: Kind,
    /// Their entity, or any.
    pub entity: Option<EntityName>,
    /// What they must satisfy.
    pub filter: Filter,
    /// Their order; empty is the order of ids.
    pub sort: Vec<SortKey>,
    /// How many of the first to leave out.
    pub skip: usize,
    /// How many to return at most.
    pub limit: Option<usize>,
    /// The paths to keep of each document, beside `id` and `entity`; `None` keeps all.
    pub projection: Option<Vec<String>>,
}

impl Query {
    /// All documents of an entity.
    #[must_use]
    pub fn entity(kind: Kind, entity: EntityName) -> Self {
        Self {
            kind,
            entity: Some(entity),
            filter: Filter::all(),
            sort: Vec::new(),
            skip: 0,
            limit: None,
            projection: None,
        }
    }
}

/// One page of a scan in the order of ids.
#[derive(Debug, Default)]
pub struct Page {
    /// The documents.
    pub documents: Vec<Document>,
    /// Where the next page begins: pass it as `after`. `None` at the end.
    pub next: Option<Id>,
}

/// What a store holds.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct StoreStats {
    /// Documents by kind and entity, ordered.
    pub entities: Vec<(Kind, EntityName, u64)>,
    /// Bytes on disk that hold data.
    pub used_bytes: u64,
    /// Bytes of the files.
    pub file_bytes: u64,
    /// The indexes.
    pub indexes: Vec<Index>,
}

/// A database of documents.
///
/// Methods may block the calling thread for as long as their disk takes: the runtime calls them
/// from threads that may wait. Every implementation passes one conformance suite.
pub trait Store: Send + Sync + fmt::Debug + 'static {
    /// The store as a user would write it in a setting, without any password.
    fn describe(&self) -> String;

    /// Documents by id, in the order of `ids`; `None` where there is none. Any kind.
    fn get_many<'a>(&'a self, ids: &'a [Id]) -> StoreFuture<'a, Vec<Option<Document>>>;

    /// Nodes with their neighbours, and edges, which have none, in one call.
    fn load<'a>(&'a self, ids: &'a [Id], need: Need) -> StoreFuture<'a, Loaded>;

    /// The documents that a query asks for.
    fn find<'a>(&'a self, query: &'a Query) -> StoreFuture<'a, Vec<Document>>;

    /// How many documents satisfy a query; its sort, skip, limit and projection do not count.
    fn count<'a>(&'a self, query: &'a Query) -> StoreFuture<'a, u64>;

    /// How [`find`](Self::find) would answer a query now, without answering it.
    ///
    /// It is the work of the same planner, so it tells the truth until documents or indexes change.
    /// [`count`](Self::count) takes the same way, but neither sorts nor stops at a limit, and with a filter
    /// that asks for nothing it may know the answer without looking at a document.
    fn explain<'a>(&'a self, query: &'a Query) -> StoreFuture<'a, Explanation>;

    /// Up to `limit` documents of a kind, and of an entity unless `None`, after an id.
    fn scan<'a>(
        &'a self,
        kind: Kind,
        entity: Option<EntityName>,
        after: Option<&'a Id>,
        limit: usize,
    ) -> StoreFuture<'a, Page>;

    /// Applies batches in one durable commit: when it returns `Ok`, everything written survives a
    /// crash; when it returns an error, nothing was written. Results are in the order of the writes.
    fn apply<'a>(&'a self, batches: &'a [WriteBatch]) -> StoreFuture<'a, Vec<Vec<WriteResult>>>;

    /// Makes an index over present and future documents; does nothing where it exists.
    ///
    /// A store may refuse indexes on walkers, which are large, often saved, and asked for by id.
    fn create_index<'a>(&'a self, index: &'a Index) -> StoreFuture<'a, ()>;

    /// What the store holds.
    fn stats(&self) -> StoreFuture<'_, StoreStats>;

    /// How many calls of [`apply`](Self::apply) may usefully run at once.
    fn max_writers(&self) -> usize {
        1
    }

    /// Whether reading a few documents takes microseconds, so that it may be done in place.
    fn is_local(&self) -> bool {
        false
    }
}

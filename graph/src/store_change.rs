//! What others did to a store.

use crate::document::Version;
use crate::id::Id;
use crate::store::StoreFuture;

/// A change of a store, by whomever.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum StoreChange {
    /// A document was written or removed.
    Document {
        /// Its id.
        id: Id,
        /// Its version now, `None` where it was removed or the version is not known.
        version: Option<Version>,
        /// The nodes whose neighbours may have changed with it: the ends of an edge.
        ends: Vec<Id>,
    },
    /// Something was missed: anything may have changed.
    Anything,
}

/// The changes of a store as they happen, the writes of this handle among them.
///
/// Ended by dropping it.
pub trait ChangeFeed: Send {
    /// Waits for the next changes, at least one.
    ///
    /// A feed that loses its server goes on when that is back, with [`StoreChange::Anything`] if it may have
    /// missed something; an error means that it has ended for good.
    fn next(&mut self) -> StoreFuture<'_, Vec<StoreChange>>;
}

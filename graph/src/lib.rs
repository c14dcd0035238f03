//! Floor 0 of Wayfare: ids, entities, documents, filters, the walker traits and the ports.
//!
//! Nothing here does I/O or needs a runtime. Floors above: `wayfare-stores`, `wayfare-actors`, `wayfare`.

mod body;
mod clock;
mod direction;
mod document;
mod entity;
mod entity_name;
mod filter;
mod id;
mod key;
mod random;
mod record;
mod store;

pub use body::{Body, BodyError};
pub use clock::{Clock, ManualClock, SystemClock};
pub use direction::Direction;
pub use document::{Document, DocumentError, Ends, Version};
pub use entity::{EdgeEntity, Entity, EntityType, Index, IndexSpec, NodeEntity};
pub use entity_name::{EntityName, MAX_ENTITY_NAME_BYTES};
pub use filter::{Filter, FilterError};
pub use id::{Id, IdError, Kind};
pub use key::{Key, KeySource, MAX_KEY_BYTES};
pub use random::Random;
pub use record::{
    EdgeLink, EdgeLinks, Head, Links, Payload, Record, SharedRecord, Slot, Typed, Untyped, record_of, record_with,
};
pub use store::{
    Adjacency, Link, Loaded, Need, Page, Query, SortKey, Store, StoreError, StoreFuture, StoreStats, Write,
    WriteBatch, WriteError, WriteResult, Written,
};

#[doc(hidden)]
pub use inventory;

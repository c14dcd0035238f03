//! Floor 0 of Wayfare: ids, entities, documents, filters, the walker traits and the ports.
//!
//! Nothing here does I/O or needs a runtime. Floors above: `wayfare-stores`, `wayfare-actors`, `wayfare`.

mod body;
#[doc(hidden)]
pub mod capability;
mod clock;
mod direction;
mod document;
mod drive;
mod entity;
mod entity_name;
mod explanation;
mod filter;
mod frontier;
mod here;
mod hook_table;
mod id;
mod key;
mod limits;
mod neighbours;
mod profile;
mod random;
mod record;
mod slot_set;
mod step;
mod store;
mod walk;
mod walk_error;
mod walker;

pub use body::{Body, BodyError};
pub use clock::{Clock, ManualClock, SystemClock};
pub use direction::Direction;
pub use document::{Document, DocumentError, Ends, Version};
pub use drive::{Drive, Driven, VisitBatch};
pub use entity::{EdgeEntity, Entity, EntityType, Index, IndexSpec, NodeEntity};
pub use entity_name::{EntityName, MAX_ENTITY_NAME_BYTES};
pub use explanation::{AccessPath, Explanation};
pub use filter::{Bounds, Filter, FilterError, compare_values};
pub use frontier::{Entry, Frontier, Order, Unique};
pub use here::{Here, HereTarget, Visited};
pub use hook_table::HookTable;
pub use id::{Id, IdError, Kind};
pub use key::{Key, KeySource, MAX_KEY_BYTES};
pub use limits::{Budget, Limits};
pub use neighbours::{Along, Neighbours};
pub use profile::Profile;
pub use random::Random;
pub use record::{
    EdgeLink, EdgeLinks, Head, Links, Payload, Record, SharedRecord, Slot, Typed, TypedOver, Untyped,
    record_of, record_with,
};
pub use slot_set::SlotSet;
pub use step::{HookError, IntoStep, Step};
pub use store::{
    Adjacency, Link, Loaded, Need, Page, Query, SortKey, Store, StoreError, StoreFuture, StoreStats, Write,
    WriteBatch, WriteError, WriteResult, Written,
};

pub use walk::{Position, Target, Walk, WalkServices};
pub use walk_error::WalkError;
pub use walker::{
    ErasedWalker, HookFault, HookResult, HookSpec, HookTarget, MakeWalker, WalkOptions, Walker, WalkerType,
};

#[doc(hidden)]
pub use inventory;

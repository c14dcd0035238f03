//! Floor 0 of Wayfare: ids, entities, documents, filters, the walker traits and the ports.
//!
//! Nothing here does I/O or needs a runtime. Floors above: `wayfare-stores`, `wayfare-actors`, `wayfare`.

mod body;
mod cache;
#[doc(hidden)]
pub mod capability;
mod change;
mod child;
mod clock;
mod direction;
mod document;
mod drive;
mod entity;
mod entity_name;
mod event;
mod explanation;
mod field;
mod field_values;
mod filter;
mod finding;
mod finished;
mod frontier;
#[cfg(any(test, fuzzing))]
#[doc(hidden)]
pub mod fuzzing;
mod here;
mod hook;
mod hook_table;
mod host;
mod id;
mod index;
mod key;
mod limits;
mod need;
mod neighbours;
mod parallel;
mod pool;
mod profile;
mod profile_detail;
mod projection;
mod query;
mod random;
mod record;
mod remote_cache;
mod slot_set;
mod step;
mod store;
mod store_change;
mod store_error;
mod target;
mod trail;
mod upgrade;
mod visit_batch;
mod walk;
mod walk_error;
mod walk_options;
mod walk_services;
mod walker;
mod write;
mod write_buffer;
mod yielding;

pub use body::{Body, BodyError};
pub use cache::{
    AnyValue, Begun, CacheError, CacheFuture, CacheType, EntityKey, Filling, MAX_CACHE_KEY_BYTES,
    MAX_CACHE_TTL, ResultCache, Wanted, check_cache_key, check_cache_tag, entity_key, entity_tag,
    get_or_compute,
};
pub use change::{Apply, Change};
pub use child::Child;
pub use clock::{Clock, ManualClock, SystemClock};
pub use direction::Direction;
pub use document::{Document, DocumentError, Ends, Version};
pub use drive::{Drive, Driven, Fault, call_hook};
pub use entity::{EdgeEntity, Entity, EntityType, NodeEntity, entity_of};
pub use entity_name::{EntityName, MAX_ENTITY_NAME_BYTES};
pub use event::{Event, EventKey, EventSource, Lagged, NextEvent, Published};
pub use explanation::{AccessPath, Explanation};
pub use field::{Element, Field, IntoFilter, Operand, StoredAsInteger, StoredAsList, StoredAsText, Where};
pub use field_values::{FieldValues, split_path};
pub use filter::{Bounds, Filter, FilterError, compare_values};
pub use finding::Finding;
pub use finished::{Finished, Outcome};
pub use frontier::{
    Entry, Frontier, FrontierDelta, FrontierFlags, FrontierState, Held, Order, Place, Position, TreeNode,
    Unique, Waiting,
};
pub use here::{Here, HereTarget, Visited};
pub use hook::{At, HookFault, HookResult, HookSpec, HookTarget, Occasion};
pub use hook_table::HookTable;
pub use host::{HostCall, HostFuture, HostHook};
pub use id::{Id, IdError, Kind};
pub use index::{Index, IndexProgress, IndexSpec};
pub use key::{Key, KeySource, MAX_KEY_BYTES};
pub use limits::{Budget, Limits};
pub use need::{Adjacency, Link, Loaded, Need};
pub use neighbours::{Along, Neighbours};
pub use parallel::{IntoOutput, Parallel, ParallelWalker};
pub use pool::{Circuit, PoolFigures};
pub use profile::Profile;
pub use profile_detail::{Detail, Line, ProfileDetail};
pub use projection::Projection;
pub use query::{Query, SortKey, SortPosition};
pub use random::Random;
pub use record::{
    EdgeLink, EdgeLinks, Head, Links, Payload, Record, SharedRecord, Slot, Typed, TypedLarge, TypedOver,
    Untyped, record_of, record_with,
};
pub use remote_cache::{
    LookUp, LookedUp, RemoteCache, RemoteChange, RemoteEntry, RemoteError, RemoteFuture, RemoteListener,
    RemotePut, TICKET_LIFE, Ticket,
};
pub use slot_set::SlotSet;
pub use step::{HookError, IntoStep, Step};
pub use store::{Page, Store, StoreFuture, StoreStats, VersionsPage};
pub use store_change::{ChangeFeed, StoreChange};
pub use store_error::{StoreError, WriteError};
pub use target::{Looked, Missing, Target};
pub use trail::{Trail, TrailStep};
pub use upgrade::{Fields, IntoUpgraded, Upgrade};
pub use visit_batch::{Planned, Stage, VisitBatch};
pub use walk::{Walk, WalkSetup};
pub use walk_error::WalkError;
pub use walk_options::{Durable, WalkOptions};
pub use walk_services::{ChildOutcome, SideWork, WalkServices};
pub use walker::{ErasedWalker, MakeWalker, Walker, WalkerType};
pub use write::{Write, WriteBatch, WriteResult, Written};
pub use write_buffer::{Overlaid, WriteBuffer};

#[doc(hidden)]
pub use inventory;

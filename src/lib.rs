//! An embeddable, actor-based walker runtime over a typed, persistent graph.
//!
//! Walkers are small agents with state and hooks; they travel from node to node and run a hook at each.
//! [`Runtime`] hosts them on its own threads, [`Graph`] reads and writes what they walk on.
//!
//! ```
//! use wayfare::{Here, Runtime, Step, Walk, edge, node, walker};
//!
//! #[node]
//! struct City { name: String }
//!
//! #[edge]
//! struct Road { km: f64 }
//!
//! #[derive(Default)]
//! struct Reach { hops: u32, found: Vec<String> }
//!
//! #[walker]
//! impl Reach {
//!     #[on_visit]
//!     fn city(&mut self, here: &Here<City>, walk: &mut Walk) {
//!         self.found.push(here.name.clone());
//!         if walk.depth() < self.hops {
//!             walk.visit(here.out::<Road>());
//!         }
//!     }
//! }
//!
//! # #[tokio::main]
//! # async fn main() -> wayfare::Result<()> {
//! # let folder = tempfile::tempdir().expect("a folder for the example");
//! # let url = format!("embedded:{}", folder.path().join("graph").display());
//! let runtime = Runtime::open(&url)?;
//! let graph = runtime.graph();
//! let oslo = graph.create_as("oslo", City { name: "Oslo".into() }).await?;
//! let bergen = graph.create_as("bergen", City { name: "Bergen".into() }).await?;
//! graph.connect(oslo.id(), bergen.id(), Road { km: 463.0 }).await?;
//!
//! let walk = runtime.spawn(Reach { hops: 1, ..Default::default() }).at(oslo.id()).await?;
//! assert_eq!(walk.finish().await?.found, ["Oslo", "Bergen"]);
//! # Ok(())
//! # }
//! ```

#![cfg_attr(test, allow(clippy::unwrap_used))]

extern crate self as wayfare;

pub mod cache;
mod command;
mod config;
mod cursor;
mod error;
mod field_names;
#[cfg(any(test, fuzzing))]
#[doc(hidden)]
pub mod fuzzing;
mod graph;
mod observe;
mod opening;
mod reload;
mod runtime;
mod schema_migration;
mod selection;
mod signals;
mod spawning;
mod stored;
mod turns;
pub mod walkers;

pub use cache::Cache;
pub use command::run_command;
pub use config::{
    AdmissionConfig, Allowed, CacheConfig, CacheRestartsConfig, Config, ConfigBuilder, ConfigError,
    DurableConfig, EntityList, EventsConfig, Fraction, LimitsConfig, ObserveConfig, OrAuto, Origin,
    PoolConfig, Setting, ShardRestartsConfig, ShardsConfig, StoreConfig, StoreUrl, SupervisionConfig,
    UpdatesConfig, WorkerRestartsConfig, WorkersConfig, WriterRestartsConfig, WritersConfig, settings,
};
pub use cursor::{Cursor, CursorError};
pub use error::{Error, Result};
pub use graph::{
    Conflict, Deleted, FoundPage, Graph, IndexBuilding, IndexKey, Neighbour, NewIndex, Refused, Saved,
};
pub use observe::ObserveError;
#[cfg(feature = "otlp")]
pub use observe::OtlpTraces;
pub use reload::{Change, ConfigWatch, Reload};
pub use runtime::Runtime;
pub use schema_migration::{EntitySchemas, SchemaMigration, SchemaReport};
pub use selection::{Part, Selection, SortBy};
pub use signals::{StopSignal, shutdown_on_signal};
pub use spawning::{Spawning, StreamSpawning, Walking};
pub use stored::Stored;
pub use wayfare_actors::{
    ActorEnd, ActorKind, AdmissionFigures, Admittance, Bucket, CacheFigures, Cause, Degraded, Distribution,
    DurableWalk, EmitStream, Finished, Health, HealthPart, HealthState, MetricFamily, MetricKind,
    MetricLabel, MetricSample, MetricSpec, MetricValue, MetricsSnapshot, PartHealth, PinError, Readiness,
    ResidentFigures, RuntimeHandle, Scale, ShardFigures, Spawn, Spawned, StartError, WalkStatus, WarmFigures,
    WeakRuntimeHandle, metrics_table,
};
pub use wayfare_graph::{
    AccessPath, Along, Body, BodyError, Bounds, Budget, CacheError, Child, Circuit, Clock, Detail, Direction,
    Document, DocumentError, Durable, EdgeEntity, EdgeLink, Element, Ends, Entity, EntityName, EntityType,
    Event, EventSource, Explanation, Field, Fields, Filter, FilterError, Finding, Here, HereTarget,
    HookError, Id, IdError, Index, IndexProgress, IndexSpec, IntoFilter, IntoStep, IntoUpgraded, Key,
    KeySource, Kind, Lagged, Limits, ManualClock, Need, Neighbours, NodeEntity, Operand, Order, Page, Place,
    PoolFigures, Profile, Published, Query, Random, Slot, SortKey, SortPosition, Step, Store, StoreError,
    StoreStats, StoredAsInteger, StoredAsList, StoredAsText, SystemClock, Target, Trail, TrailStep, Unique,
    Upgrade, Version, Walk, WalkError, WalkOptions, Walker, WalkerType, Where, Write, WriteBatch, WriteError,
    WriteResult, Written, compare_values,
};
pub use wayfare_macros::{
    cached_query, edge, event, hosts, node, object, on_enter, on_event, on_exit, on_leave, on_merge,
    on_visit, upgrade, walker,
};

/// The guide and the README, whose examples compile.
#[cfg(doctest)]
#[doc = include_str!("../docs/caching.md")]
#[doc = include_str!("../docs/from-jvspatial.md")]
#[doc = include_str!("../docs/graph.md")]
#[doc = include_str!("../docs/observability.md")]
#[doc = include_str!("../docs/operating.md")]
#[doc = include_str!("../docs/reliability.md")]
#[doc = include_str!("../docs/stores.md")]
#[doc = include_str!("../docs/walkers.md")]
#[doc = include_str!("../README.md")]
mod guide {}

/// What the macros' output names; not for use by hand.
#[doc(hidden)]
pub mod __private {
    pub use serde;
    pub use serde_json;

    pub use crate::cache::{CacheSource, CachedCall, OutcomeOfCall};
    pub use crate::command::bench::{BenchError, BenchLine, BenchOrder, Measure};
    pub use crate::command::run_command_with;
    pub use wayfare_graph::*;
}

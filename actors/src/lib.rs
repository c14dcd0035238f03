//! Floor 2 of Wayfare: the actors. A supervisor with a pool of workers that host walks, shards that own
//! the resident entities, a writer that commits in groups, and the messages between them.

#![cfg_attr(test, allow(clippy::unwrap_used))]

mod access;
mod admission;
mod blocking;
mod cache;
mod children;
mod core;
mod directory;
mod durability;
mod durable;
mod engine;
mod events;
#[cfg(any(test, fuzzing))]
#[doc(hidden)]
pub mod fuzzing;
mod health;
mod hosted;
mod live;
mod loader;
mod lost;
mod machine;
mod messages;
mod metrics;
mod observed_store;
mod panic_text;
mod patience;
mod pins;
mod prefetch;
mod resident_figures;
mod room;
mod services;
mod settings;
mod shard;
#[cfg(test)]
mod simulation;
mod slab;
mod spawn;
mod store_changes;
mod supervision;
mod supervisor;
mod system;
mod tasks;
mod threads;
mod trace;
mod walk_actor;
mod walk_shared;
mod walk_task;
mod walks;
mod warm;
mod worker;
mod writer;

pub use admission::{AdmissionFigures, AdmissionSettings, Admittance, MemoryReserve};
pub use cache::{
    CacheFigures, CacheParts, LayeredCache, MemoryBound, MemoryFigures, Recompute, RemoteFigures,
    TickingClock,
};
pub use durable::{DurableWalk, WalkStatus};
pub use health::{Health, HealthPart, HealthState, PartHealth, Readiness};
pub use machine::memory_of_process;
pub use metrics::{
    Bucket, Distribution, MetricFamily, MetricKind, MetricLabel, MetricSample, MetricSpec, MetricValue,
    MetricsSnapshot, metrics_table,
};
pub use pins::PinError;
pub use resident_figures::{ResidentFigures, ShardFigures, WarmFigures};
pub use settings::{ObserveSettings, Settings};
pub use spawn::{EmitStream, SpawnHow, Spawned};
pub use supervision::{ActorEnd, ActorKind, Cause, Degraded, OnExceeded, RestartPolicy, SupervisionSettings};
pub use supervisor::{Scale, Spawn};
pub use system::{RuntimeHandle, StartError, WeakRuntimeHandle};
pub use wayfare_graph::{Finished, Outcome};

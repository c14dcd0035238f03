//! Floor 2 of Wayfare: the actors. A supervisor with a pool of workers that host walks, shards that own
//! the resident entities, a writer that commits in groups, and the messages between them.

#![cfg_attr(test, allow(clippy::unwrap_used))]

mod access;
mod cache;
mod children;
mod core;
mod directory;
mod durability;
mod durable;
mod engine;
mod events;
mod hosted;
mod loader;
mod messages;
mod panic_text;
mod pins;
mod prefetch;
mod resident_figures;
mod services;
mod settings;
mod shard;
#[cfg(test)]
mod simulation;
mod slab;
mod spawn;
mod store_changes;
mod supervisor;
mod system;
mod tasks;
mod threads;
mod walk_actor;
mod walk_shared;
mod warm;
mod worker;
mod writer;

pub use cache::{
    CacheFigures, CacheParts, LayeredCache, MemoryBound, MemoryFigures, Recompute, RemoteFigures,
    TickingClock,
};
pub use durable::{DurableWalk, WalkStatus};
pub use pins::PinError;
pub use resident_figures::{ResidentFigures, ShardFigures, WarmFigures};
pub use settings::Settings;
pub use spawn::{EmitStream, Spawned};
pub use supervisor::Spawn;
pub use system::{RuntimeHandle, StartError};
pub use wayfare_graph::{Finished, Outcome};

//! Figures of the resident records.

use std::sync::atomic::{AtomicU64, Ordering};

use actix::prelude::*;

use crate::core::Core;
use crate::messages::InspectShard;

/// What one shard holds in memory, and how well that serves.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, MessageResponse)]
pub struct ShardFigures {
    /// Resident records.
    pub records: u64,
    /// Bytes they take, as estimated: at most the shard's part of `[cache] resident_bytes`, unless more of them are
    /// not durable yet.
    pub bytes: u64,
    /// Of these, bytes of records that were loaded lately and have not been asked for again.
    pub probation_bytes: u64,
    /// Of these, bytes of records that a walk over everything does not push out.
    pub protected_bytes: u64,
    /// Bytes of records whose saves are not durable yet; they are not evicted.
    pub unsettled_bytes: u64,
    /// Entities that are pinned.
    pub pinned: u64,
    /// Bytes of their records; they are not evicted.
    pub pinned_bytes: u64,
    /// Visits since the start that found their record in memory.
    pub hits: u64,
    /// Visits since the start whose record had to be loaded, or more of it.
    pub misses: u64,
    /// Records evicted since the start.
    pub evicted: u64,
}

/// What a runtime holds in memory, and how well that serves.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ResidentFigures {
    /// `[cache] resident_bytes`, over all shards.
    pub bound_bytes: u64,
    /// Each shard.
    pub shards: Vec<ShardFigures>,
    /// The most visits since the start that the walks of one worker had asked for ahead, or got and not yet made.
    pub most_read_ahead: u64,
    /// How often since the start a walk asked for fewer visits ahead than it would, for want of memory.
    pub read_ahead_slowed: u64,
    /// How far loading `[cache] warm` has come.
    pub warm: WarmFigures,
}

impl ResidentFigures {
    /// The figures of all shards together.
    #[must_use]
    pub fn total(&self) -> ShardFigures {
        self.shards.iter().fold(ShardFigures::default(), |sum, shard| ShardFigures {
            records: sum.records + shard.records,
            bytes: sum.bytes + shard.bytes,
            probation_bytes: sum.probation_bytes + shard.probation_bytes,
            protected_bytes: sum.protected_bytes + shard.protected_bytes,
            unsettled_bytes: sum.unsettled_bytes + shard.unsettled_bytes,
            pinned: sum.pinned + shard.pinned,
            pinned_bytes: sum.pinned_bytes + shard.pinned_bytes,
            hits: sum.hits + shard.hits,
            misses: sum.misses + shard.misses,
            evicted: sum.evicted + shard.evicted,
        })
    }
}

/// How far loading what `[cache] warm` names has come.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct WarmFigures {
    /// Entities that are named.
    pub entities: u64,
    /// Nodes of them asked for so far.
    pub nodes: u64,
    /// Whether it is over: all are loaded, half of the memory is used, or the store failed.
    pub is_done: bool,
}

/// How far walks of one worker read ahead, over all workers. Relaxed: each number stands for itself.
#[derive(Debug, Default)]
pub(crate) struct ReadAheadTally {
    most: AtomicU64,
    slowed: AtomicU64,
}

impl ReadAheadTally {
    pub(crate) fn note(&self, ahead: usize) {
        self.most.fetch_max(ahead as u64, Ordering::Relaxed);
    }

    pub(crate) fn slowed(&self) -> u64 {
        self.slowed.load(Ordering::Relaxed)
    }

    pub(crate) fn slow(&self) {
        self.slowed.fetch_add(1, Ordering::Relaxed);
    }
}

impl Core {
    /// Figures of every shard.
    pub(crate) async fn shard_figures(&self) -> Vec<ShardFigures> {
        let mut figures = Vec::new();
        for at in 0..self.shards.len() {
            // One that is being started again has nothing.
            let asked = self.shards.here(at).map(|shard| shard.send(InspectShard));
            figures.push(match asked {
                Some(asked) => asked.await.unwrap_or_default(),
                None => ShardFigures::default(),
            });
        }
        figures
    }

    pub(crate) async fn resident_figures(&self) -> ResidentFigures {
        ResidentFigures {
            bound_bytes: self.settings.resident_bytes,
            shards: self.shard_figures().await,
            most_read_ahead: self.read_ahead.most.load(Ordering::Relaxed),
            read_ahead_slowed: self.read_ahead.slowed(),
            warm: self.warm.figures(self.settings.warm.len()),
        }
    }
}

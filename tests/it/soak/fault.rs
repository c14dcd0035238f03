//! The kinds of faults, and how often each has happened.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// A kind of fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    HookPanics,
    HookFails,
    HookBlocks,
    WorkerEnds,
    ShardPanics,
    WriterPanics,
    LoadFails,
    ReadFails,
    StoreIsSlow,
    CommitRefused,
    CommitUnknown,
    StoreFull,
    FutureDropped,
    WalkParked,
    RedisKilled,
    RedisHangs,
}

impl Fault {
    /// All kinds, with their names.
    pub(crate) const ALL: [(Self, &str); 16] = [
        (Self::HookPanics, "hook panics"),
        (Self::HookFails, "hook fails"),
        (Self::HookBlocks, "hook keeps its thread"),
        (Self::WorkerEnds, "worker's thread ends"),
        (Self::ShardPanics, "shard panics"),
        (Self::WriterPanics, "writer panics"),
        (Self::LoadFails, "load fails"),
        (Self::ReadFails, "read fails"),
        (Self::StoreIsSlow, "store is slow"),
        (Self::CommitRefused, "commit refused"),
        (Self::CommitUnknown, "commit's outcome lost"),
        (Self::StoreFull, "store is full"),
        (Self::FutureDropped, "caller goes away"),
        (Self::WalkParked, "durable walk is parked"),
        (Self::RedisKilled, "Redis is killed"),
        (Self::RedisHangs, "Redis hangs"),
    ];

    /// Whether it needs a Redis.
    pub(crate) fn is_of_redis(self) -> bool {
        matches!(self, Self::RedisKilled | Self::RedisHangs)
    }
}

/// How often each kind has happened.
#[derive(Debug, Default)]
pub(crate) struct FaultCounts([AtomicU64; Fault::ALL.len()]);

impl FaultCounts {
    pub(crate) fn happened(&self, fault: Fault) {
        // Counts only; nothing hangs on their order.
        self.0[fault as usize].fetch_add(1, Relaxed);
    }

    pub(crate) fn of(&self, fault: Fault) -> u64 {
        self.0[fault as usize].load(Relaxed)
    }
}

//! What the settings say of actors that end by themselves, and of walks that are too many.

use std::time::Duration;

use wayfare_actors::{AdmissionSettings, MemoryReserve, OnExceeded, RestartPolicy, SupervisionSettings};

use super::OrAuto;
use super::settings::{
    AdmissionConfig, CacheRestartsConfig, Config, ShardRestartsConfig, WorkerRestartsConfig,
    WriterRestartsConfig,
};

impl Config {
    /// The policies of all kinds of actors.
    pub(crate) fn supervision_settings(&self) -> SupervisionSettings {
        SupervisionSettings {
            shards: self.shard_restarts.policy(),
            writer: self.writer_restarts.policy(),
            cache: self.cache_restarts.policy(),
            workers: self.worker_restarts.policy(),
            on_exceeded: match self.supervision.stop_when_exceeded {
                true => OnExceeded::Stop,
                false => OnExceeded::ReadOnly,
            },
        }
    }
}

impl ShardRestartsConfig {
    fn policy(&self) -> RestartPolicy {
        policy(self.restarts, self.within_ms, self.backoff_ms, self.max_backoff_ms)
    }
}

impl WriterRestartsConfig {
    fn policy(&self) -> RestartPolicy {
        policy(self.restarts, self.within_ms, self.backoff_ms, self.max_backoff_ms)
    }
}

impl CacheRestartsConfig {
    fn policy(&self) -> RestartPolicy {
        policy(self.restarts, self.within_ms, self.backoff_ms, self.max_backoff_ms)
    }
}

impl WorkerRestartsConfig {
    fn policy(&self) -> RestartPolicy {
        policy(self.restarts, self.within_ms, self.backoff_ms, self.max_backoff_ms)
    }
}

fn policy(restarts: u64, within_ms: u64, backoff_ms: u64, max_backoff_ms: u64) -> RestartPolicy {
    RestartPolicy {
        restarts: u32::try_from(restarts).unwrap_or(u32::MAX),
        within: Duration::from_millis(within_ms),
        backoff: Duration::from_millis(backoff_ms),
        max_backoff: Duration::from_millis(max_backoff_ms),
    }
}

impl AdmissionConfig {
    pub(crate) fn settings(&self) -> AdmissionSettings {
        AdmissionSettings {
            queue: self.queue,
            wait: Duration::from_millis(self.wait_ms),
            reserve: match self.reserve_bytes {
                OrAuto::Auto => MemoryReserve::Auto,
                OrAuto::Fixed(bytes) => MemoryReserve::Bytes(bytes),
            },
        }
    }
}

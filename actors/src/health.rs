//! How a runtime is, part by part, and whether it is ready to be given work.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use serde::Serialize;
use tokio::time::timeout;

use crate::core::Core;
use crate::messages::InspectShard;

/// How long each part has to give a sign of life. A part that takes longer is of no use to whoever waits for it.
const SIGN_OF_LIFE: Duration = Duration::from_secs(3);

/// A part of a runtime.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum HealthPart {
    /// The store.
    Store,
    /// The writer, through which all changes go.
    Writer,
    /// The shards, which own the resident records.
    Shards,
    /// The workers, which host walks.
    Workers,
    /// The cache of results, with its remote layer.
    Cache,
}

/// How a part is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum HealthState {
    /// It does all it should.
    Well,
    /// It does less than it should, and the runtime does without the rest.
    Impaired,
    /// What needs it fails.
    Failed,
}

/// How one part is, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct PartHealth {
    /// The part.
    pub part: HealthPart,
    /// How it is.
    pub state: HealthState,
    /// Why it is not well.
    pub reason: Option<String>,
}

/// How a runtime is. In JSON: `{"state", "parts": [{"part", "state", "reason"}]}`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Health {
    /// The state of the part that is worst.
    pub state: HealthState,
    /// Each part.
    pub parts: Vec<PartHealth>,
}

impl Health {
    fn of(parts: Vec<PartHealth>) -> Self {
        let state = parts.iter().map(|part| part.state).max().unwrap_or(HealthState::Well);
        Self { state, parts }
    }

    /// Whether nothing has failed; a part may be impaired.
    #[must_use]
    pub fn is_up(&self) -> bool {
        self.state < HealthState::Failed
    }

    /// How a part is.
    #[must_use]
    pub fn part(&self, part: HealthPart) -> Option<&PartHealth> {
        self.parts.iter().find(|health| health.part == part)
    }
}

/// Whether a runtime is ready to be given work. In JSON its fields, and `ready`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Readiness {
    /// Whether all of the others are so.
    pub ready: bool,
    /// Whether it takes new walks: it has started, and is not being stopped.
    pub accepting: bool,
    /// Whether the store answers.
    pub store: bool,
    /// Whether loading `[cache] warm` is over, or nothing is named there.
    pub warm: bool,
}

impl PartHealth {
    fn new(part: HealthPart, state: HealthState, reason: impl Into<String>) -> Self {
        Self { part, state, reason: Some(reason.into()) }
    }

    fn well(part: HealthPart) -> Self {
        Self { part, state: HealthState::Well, reason: None }
    }
}

impl Core {
    pub(crate) async fn health_report(self: &Arc<Self>) -> Health {
        let (store, shards, cache) =
            futures_util::future::join3(self.store_health(), self.shards_health(), self.cache_health()).await;
        Health::of(vec![store, self.writer_health(), shards, self.workers_health(), cache])
    }

    pub(crate) async fn readiness(self: &Arc<Self>) -> Readiness {
        let accepting = !self.is_closed() && self.writer.get().is_some();
        let store = self.store_health().await.state == HealthState::Well;
        let warm = self.settings.warm.is_empty() || self.warm.figures(0).is_done;
        Readiness { ready: accepting && store && warm, accepting, store, warm }
    }

    async fn store_health(self: &Arc<Self>) -> PartHealth {
        match timeout(SIGN_OF_LIFE, self.health()).await {
            Ok(Ok(())) => PartHealth::well(HealthPart::Store),
            Ok(Err(error)) => PartHealth::new(HealthPart::Store, HealthState::Failed, error.to_string()),
            Err(_) => PartHealth::new(HealthPart::Store, HealthState::Failed, late()),
        }
    }

    fn writer_health(&self) -> PartHealth {
        let failed = |reason: String| PartHealth::new(HealthPart::Writer, HealthState::Failed, reason);
        if let Some(degraded) = self.supervision.degraded() {
            return failed(degraded.to_string());
        }
        if self.metrics.is_poisoned() {
            let reason = "a commit has failed: writes are refused until the store is opened again";
            return failed(reason.to_owned());
        }
        if !self.metrics.is_writing() {
            return failed("its thread has ended".to_owned());
        }
        PartHealth::well(HealthPart::Writer)
    }

    async fn shards_health(&self) -> PartHealth {
        let asked = (0..self.shards.len()).map(|at| {
            // One that is being started again is waited for.
            timeout(SIGN_OF_LIFE, self.shards.ask(at, || InspectShard))
        });
        let (mut gone, mut late_ones) = (Vec::new(), Vec::new());
        for (shard, answer) in join_all(asked).await.into_iter().enumerate() {
            match answer {
                Ok(Some(_)) => {}
                Ok(None) => gone.push(shard),
                Err(_) => late_ones.push(shard),
            }
        }
        let part = HealthPart::Shards;
        if !gone.is_empty() {
            return PartHealth::new(part, HealthState::Failed, format!("shards {gone:?} have ended"));
        }
        if !late_ones.is_empty() {
            let reason = format!("shards {late_ones:?} gave {}", late());
            return PartHealth::new(part, HealthState::Impaired, reason);
        }
        PartHealth::well(part)
    }

    fn workers_health(&self) -> PartHealth {
        let (working, stalled) = self.worker_counts();
        let state = match (working, stalled) {
            (0, _) => HealthState::Failed,
            (_, 0) => return PartHealth::well(HealthPart::Workers),
            _ => HealthState::Impaired,
        };
        let reason = format!("{working} take walks, hooks keep the threads of {stalled}");
        PartHealth::new(HealthPart::Workers, state, reason)
    }

    async fn cache_health(&self) -> PartHealth {
        // Results are computed where the remote layer is away, so nothing fails for it.
        let impaired = |reason| PartHealth::new(HealthPart::Cache, HealthState::Impaired, reason);
        match timeout(SIGN_OF_LIFE, self.cache.health()).await {
            Ok(Ok(())) => PartHealth::well(HealthPart::Cache),
            Ok(Err(error)) => impaired(error.to_string()),
            Err(_) => impaired(late()),
        }
    }
}

fn late() -> String {
    format!("no sign of life within {} s", SIGN_OF_LIFE.as_secs())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_runtime_is_as_well_as_the_worst_of_its_parts() {
        let well = PartHealth::well(HealthPart::Store);
        let impaired = PartHealth::new(HealthPart::Cache, HealthState::Impaired, "away");
        let failed = PartHealth::new(HealthPart::Writer, HealthState::Failed, "poisoned");
        assert!(Health::of(vec![well.clone()]).is_up());
        let health = Health::of(vec![well.clone(), impaired.clone()]);
        assert_eq!((health.state, health.is_up()), (HealthState::Impaired, true));
        let health = Health::of(vec![failed, impaired, well]);
        assert_eq!((health.state, health.is_up()), (HealthState::Failed, false));
        assert_eq!(health.part(HealthPart::Cache).unwrap().reason.as_deref(), Some("away"));
    }
}

//! What a handle tells of its runtime: figures, health, readiness; and what lives as long as the runtime does.

use std::any::Any;
use std::sync::{Arc, Weak};

use super::{Inner, RuntimeHandle};
use crate::health::{Health, Readiness};
use crate::metrics::MetricsSnapshot;
use wayfare_graph::StoreError;

/// A handle that does not keep its runtime alive.
#[derive(Clone)]
pub struct WeakRuntimeHandle(Weak<Inner>);

impl WeakRuntimeHandle {
    /// The handle, as long as somebody else has one.
    #[must_use]
    pub fn upgrade(&self) -> Option<RuntimeHandle> {
        self.0.upgrade().map(|inner| RuntimeHandle { inner })
    }

    /// Whether nobody has a handle any more.
    #[must_use]
    pub fn is_gone(&self) -> bool {
        self.0.strong_count() == 0
    }
}

impl std::fmt::Debug for WeakRuntimeHandle {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("WeakRuntimeHandle").finish_non_exhaustive()
    }
}

impl RuntimeHandle {
    /// A handle that does not keep the runtime alive.
    #[must_use]
    pub fn downgrade(&self) -> WeakRuntimeHandle {
        WeakRuntimeHandle(Arc::downgrade(&self.inner))
    }

    /// All figures of the runtime at this moment. Takes microseconds and waits for nobody.
    #[must_use]
    pub fn metrics(&self) -> MetricsSnapshot {
        self.inner.core.metrics_snapshot()
    }

    /// How the runtime is, part by part. Each part has 3 seconds to give a sign of life.
    ///
    /// # Errors
    /// [`StoreError::Stopped`] when the runtime has stopped.
    pub async fn health_report(&self) -> Result<Health, StoreError> {
        let core = Arc::clone(&self.inner.core);
        self.observed(async move { core.health_report().await }).await
    }

    /// Whether the runtime is ready to be given work.
    ///
    /// # Errors
    /// [`StoreError::Stopped`] when the runtime has stopped.
    pub async fn readiness(&self) -> Result<Readiness, StoreError> {
        let core = Arc::clone(&self.inner.core);
        self.observed(async move { core.readiness().await }).await
    }

    /// Keeps something until the runtime has stopped, such as a server that tells of it.
    pub fn keep(&self, kept: Box<dyn Any + Send>) {
        self.inner.kept.lock().push(kept);
    }

    /// Runs something on the runtime's own threads.
    async fn observed<T: Send + 'static>(
        &self,
        work: impl Future<Output = T> + Send + 'static,
    ) -> Result<T, StoreError> {
        let runtime = self.inner.core.runtime.get().ok_or(StoreError::Stopped)?;
        runtime.spawn(work).await.map_err(|_| StoreError::Stopped)
    }
}

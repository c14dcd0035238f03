//! What a runtime was set to, and setting it anew while it runs.

use std::sync::Arc;

use wayfare_graph::{Limits, WalkError};

use super::RuntimeHandle;
use crate::settings::Settings;
use crate::supervisor::{Reconfigure, Scale};

impl RuntimeHandle {
    /// The settings it was started with.
    #[must_use]
    pub fn settings(&self) -> &Settings {
        &self.inner.core.settings
    }

    /// The budgets of walks that set none, as they are now.
    #[must_use]
    pub fn limits(&self) -> Arc<Limits> {
        self.inner.core.live.limits()
    }

    /// Takes over those of the settings that may change while the runtime runs; the others are not looked at.
    ///
    /// These are `workers` (only where it is another number than these settings had before, so that a pool that was
    /// [scaled](Self::scale) stays so), `max_walks`, `admission.queue` and `admission.wait`, `limits` and `emit_buffer` for
    /// walks that are spawned afterwards, `durable_attempts`, `drain_timeout`, `stall`, `move_slow_walks`, and `slow_hook`, `slow_query`,
    /// `slow_commit` and `sample` of `observe`; where nothing was observed at the start, calls to the store stay unobserved.
    /// What the last call says holds in the end, also where its future is dropped.
    ///
    /// # Errors
    /// [`WalkError::Stopped`].
    pub fn reconfigure(
        &self,
        settings: Settings,
    ) -> impl Future<Output = Result<(), WalkError>> + Send + use<> {
        // Here and not when the future is polled: that makes the order.
        let number = self.inner.core.live.next_change();
        let sent = self.inner.supervisor.send(Reconfigure { number, settings: Box::new(settings) });
        // By a task of the runtime, which goes on when the caller does not.
        let runtime = self.inner.core.runtime.get();
        let taken = runtime.map(|runtime| runtime.spawn(sent));
        async move {
            match taken {
                Some(taken) => taken.await.ok().and_then(Result::ok).ok_or(WalkError::Stopped),
                None => Err(WalkError::Stopped),
            }
        }
    }

    /// Sets the number of workers, 1 to 256, while walks run; gives the number there was before.
    ///
    /// # Errors
    /// [`WalkError::Stopped`].
    pub async fn scale(&self, count: usize) -> Result<usize, WalkError> {
        self.inner.supervisor.send(Scale { count }).await.map_err(|_| WalkError::Stopped)
    }

    /// How many workers take walks now.
    #[must_use]
    pub fn workers(&self) -> usize {
        self.inner.core.workers.read().len()
    }
}

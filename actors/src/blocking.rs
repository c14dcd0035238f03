//! Threads for hooks that keep theirs.
//!
//! A runtime of its own, begun by the first walk that asks for it: its threads are left behind at the end, where those of
//! a worker's own runtime would have to be waited for, however long their hooks take.

use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::{AbortHandle, abortable};
use parking_lot::Mutex;
use tokio::runtime::{Builder, Runtime};
use tokio::task::JoinHandle;

/// How long the end of a walk waits for a hook: a thread cannot be taken from it.
const PATIENCE: Duration = Duration::from_millis(200);

/// The threads, as far as they are needed.
pub(crate) struct BlockingThreads {
    /// Most at once; further work waits.
    most: usize,
    runtime: Mutex<Option<Runtime>>,
}

/// Work on one of them.
pub(crate) struct BlockingTask {
    ended: JoinHandle<()>,
    work: AbortHandle,
}

impl BlockingThreads {
    pub(crate) fn new(most: usize) -> Self {
        Self { most, runtime: Mutex::new(None) }
    }

    /// Runs a future on a thread of its own until it ends, or gives its thread back after it was aborted.
    ///
    /// # Errors
    /// The system gives no threads.
    pub(crate) fn run(
        &self,
        work: impl Future<Output = ()> + Send + 'static,
    ) -> std::io::Result<BlockingTask> {
        let (work, abort) = abortable(work);
        Ok(BlockingTask { ended: self.spawn(work.map(|_| ()))?, work: abort })
    }

    /// Runs a future on such a thread, which nobody waits for.
    ///
    /// # Errors
    /// As there.
    pub(crate) fn run_beside(&self, work: impl Future<Output = ()> + Send + 'static) -> std::io::Result<()> {
        self.spawn(work).map(drop)
    }

    fn spawn(&self, work: impl Future<Output = ()> + Send + 'static) -> std::io::Result<JoinHandle<()>> {
        let mut runtime = self.runtime.lock();
        let runtime = match &mut *runtime {
            Some(runtime) => runtime,
            none => none.insert(self.start()?),
        };
        let handle = runtime.handle().clone();
        // Timers and sockets that the future waits for are driven by the runtime's one other thread.
        Ok(runtime.spawn_blocking(move || handle.block_on(work)))
    }

    fn start(&self) -> std::io::Result<Runtime> {
        Builder::new_multi_thread()
            .worker_threads(1)
            .max_blocking_threads(self.most.max(1))
            .thread_name("wayfare-blocking")
            .enable_all()
            .build()
    }
}

impl Drop for BlockingThreads {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.get_mut().take() {
            // The last of the runtime's parts may go on any thread, one of these as well: nothing is waited for.
            runtime.shutdown_background();
        }
    }
}

impl BlockingTask {
    /// Drops the future as soon as it gives back its thread.
    pub(crate) fn abort(&self) {
        self.work.abort();
    }

    /// Waits until the future has been dropped; not longer than a hook may keep its thread before its walk goes on
    /// without it.
    pub(crate) async fn gone(&mut self) {
        let _ = tokio::time::timeout(PATIENCE, &mut self.ended).await;
    }
}

impl Drop for BlockingTask {
    fn drop(&mut self) {
        self.abort();
    }
}

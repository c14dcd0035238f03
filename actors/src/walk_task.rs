//! What a walk waits for beside its turns: a task of its worker, or hooks on a thread for blocking work.

use tokio::task::JoinHandle;

use crate::blocking::BlockingTask;

/// A task of a walk. Dropping it leaves a task of the worker alone, and aborts hooks elsewhere.
pub(crate) enum WalkTask {
    /// On the thread of the worker.
    Here(JoinHandle<()>),
    /// Elsewhere. Boxed, because few walks have one and every walk has room for a task.
    Apart(Box<BlockingTask>),
}

impl WalkTask {
    /// Ends it where it waits.
    pub(crate) fn abort(&self) {
        match self {
            Self::Here(task) => task.abort(),
            Self::Apart(task) => task.abort(),
        }
    }

    /// Waits until it is gone, and what it worked on with it.
    pub(crate) async fn gone(self) {
        match self {
            // It was aborted: what it comes to is that.
            Self::Here(task) => drop(task.await),
            Self::Apart(mut task) => task.gone().await,
        }
    }
}

impl From<JoinHandle<()>> for WalkTask {
    fn from(task: JoinHandle<()>) -> Self {
        Self::Here(task)
    }
}

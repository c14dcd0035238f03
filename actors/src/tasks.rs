//! Starting what goes on beside: tasks of a thread, and calls to a store that may block one.
//!
//! In a simulation all of it runs on the one thread that there is, and the simulation decides when each task goes on.

use std::future::Future;

use tokio::runtime::Handle;
use tokio::task::JoinHandle;

/// Starts a task on the present thread. `what` tells a reader of a simulation's trace what it is.
pub(crate) fn spawn_local(what: &'static str, task: impl Future<Output = ()> + 'static) -> JoinHandle<()> {
    #[cfg(test)]
    if let Some(scheduler) = crate::simulation::scheduler() {
        return tokio::task::spawn_local(scheduler.gated(what, task));
    }
    let _ = what;
    tokio::task::spawn_local(task)
}

/// Starts a task on a runtime.
pub(crate) fn spawn_on<T: Send + 'static>(
    runtime: &Handle,
    what: &'static str,
    task: impl Future<Output = T> + Send + 'static,
) -> JoinHandle<T> {
    #[cfg(test)]
    if let Some(scheduler) = crate::simulation::scheduler() {
        return runtime.spawn(scheduler.gated(what, task));
    }
    let _ = what;
    runtime.spawn(task)
}

/// Runs a call to a store on a thread that may wait; it goes on when nobody waits for it.
pub(crate) fn off_thread<T: Send + 'static>(
    runtime: &Handle,
    call: impl Future<Output = T> + Send + 'static,
) -> JoinHandle<T> {
    #[cfg(test)]
    if crate::simulation::scheduler().is_some() {
        // There the store says itself when a call is done.
        return runtime.spawn(call);
    }
    let own = runtime.clone();
    runtime.spawn_blocking(move || own.block_on(call))
}

//! Where the connection lives: on the threads of the program that opened the cache, or on one of its own.
//!
//! On the program's own threads an answer wakes nobody else: waking another thread takes several times as long as the
//! answer of a server on the same machine. Where those threads are too few to be sure that one is free, and when they
//! end before the cache does, it gets a thread of its own.

use std::io;
use std::sync::Arc;

use parking_lot::Mutex;
use tokio::runtime::{Builder, Handle, Runtime, RuntimeFlavor};
use tokio::task::AbortHandle;

use super::keeper;
use super::link::{Link, Live};

/// Fewest threads of a program among which one is free while another waits for the cache to be opened.
const FEWEST_WORKERS: usize = 2;

/// The threads that a connection may live on.
pub(super) struct Home {
    pub(super) handle: Handle,
    /// `None` when they are the program's.
    own: Option<Runtime>,
}

impl Home {
    /// The threads of the caller, if there are enough, or one of its own.
    pub(super) fn choose() -> io::Result<Self> {
        let is_roomy = |handle: &Handle| {
            handle.runtime_flavor() == RuntimeFlavor::MultiThread
                && handle.metrics().num_workers() >= FEWEST_WORKERS
        };
        match Handle::try_current().ok().filter(is_roomy) {
            Some(handle) => Ok(Self { handle, own: None }),
            None => Self::own(),
        }
    }

    fn own() -> io::Result<Self> {
        let mut builder = Builder::new_multi_thread();
        let runtime = builder.worker_threads(1).thread_name("wayfare-redis").enable_all().build()?;
        Ok(Self { handle: runtime.handle().clone(), own: Some(runtime) })
    }

    /// Ends its own threads without waiting for them: within a runtime that is not allowed.
    pub(super) fn leave(self) {
        if let Some(runtime) = self.own {
            runtime.shutdown_background();
        }
    }
}

/// Keeps the connection of a cache, wherever it lives.
pub(super) struct Keeping {
    link: Arc<Link>,
    place: Mutex<Place>,
}

#[derive(Default)]
struct Place {
    home: Option<Home>,
    keeper: Option<AbortHandle>,
    is_closed: bool,
}

impl Keeping {
    /// Begins to keep a connection, the first of which may be there.
    pub(super) fn begin(link: Arc<Link>, home: Home, live: Option<Arc<Live>>) -> Arc<Self> {
        let keeping = Arc::new(Self { link, place: Mutex::default() });
        keeping.settle(home, live);
        keeping
    }

    fn settle(self: &Arc<Self>, home: Home, live: Option<Arc<Live>>) {
        let mut place = self.place.lock();
        if place.is_closed {
            drop(place);
            return home.leave();
        }
        self.link.set_runtime(home.handle.clone());
        let evicted = Evicted(Arc::clone(self));
        let link = Arc::clone(&self.link);
        let keeper = home.handle.spawn(async move {
            let _evicted = evicted;
            keeper::keep(link, live).await;
        });
        place.keeper = Some(keeper.abort_handle());
        place.home = Some(home);
    }

    /// Ends it.
    pub(super) fn end(&self) {
        let mut place = self.place.lock();
        place.is_closed = true;
        let Place { home, keeper, .. } = std::mem::take(&mut *place);
        place.is_closed = true;
        drop(place);
        if let Some(keeper) = keeper {
            keeper.abort();
        }
        if let Some(home) = home {
            home.leave();
        }
    }
}

/// Dropped with the task that keeps the connection, which ends only with its threads or with the cache.
struct Evicted(Arc<Keeping>);

impl Drop for Evicted {
    fn drop(&mut self) {
        if self.0.place.lock().is_closed {
            return;
        }
        self.0.link.lose_any("the threads that it lived on have ended");
        match Home::own() {
            Ok(home) => self.0.settle(home, None),
            Err(error) => tracing::error!(%error, "the cache has no thread: it is away for good"),
        }
    }
}

//! The cache that several processes share: a Redis, which tells each what the others change.

mod address;
mod check;
mod entry;
mod fault;
mod keeper;
mod keys;
mod link;
mod look_up;
mod options;
mod pattern;
mod remove;
mod script;
mod stamp;
mod ticket;
mod write;

use std::fmt;
use std::future::Future;
use std::sync::{Arc, mpsc};

use redis::Pipeline;
use tokio::runtime::Runtime;
use tokio::task::JoinHandle;
use wayfare_graph::{
    LookUp, LookedUp, RemoteCache, RemoteError, RemoteFuture, RemoteListener, RemotePut, Ticket,
};

use self::address::Address;
use self::fault::Fault;
use self::keys::Keys;
use self::link::Link;
pub use self::options::RedisOptions;

/// A cache in a Redis of release 6.0 or later.
///
/// Everything goes over one connection, by which the server also tells what others change, in the order in which it
/// did it (`CLIENT TRACKING` with `BCAST` and `NOLOOP`). A connection that is lost is made again by itself, after pauses
/// that grow; meanwhile every call fails at once with [`RemoteError::Away`]. One over which nothing comes any more is
/// given up after [`RedisOptions::ping_interval`] and [`RedisOptions::call_timeout`] at the latest, which is how long
/// changes may be missed before [`RemoteChange::Lost`](wayfare_graph::RemoteChange::Lost) is told. Tickets do not outlive
/// their connection: a server that was away may have forgotten what was deleted.
///
/// Under the prefix `P`, the value of `KEY` is at `P:v:KEY`, the keys with a tag are in the sorted set `P:t:TAG`, by
/// when they end, and what makes tickets invalid at `P:g:k:KEY`, `P:g:t:TAG` and `P:g:all`. The server should have room
/// for all of it: what it evicts of values is only computed again, but evicting guards keeps a value that was computed
/// while it was deleted, and evicting sets of tags keeps values when their tag is invalidated, both until their time
/// ends. What stands at a key of the cache and was not written by one counts as nothing, and is written over.
///
/// Values have at most 256 MiB and 1,000 tags, and are kept for at most ten years. Each call has to be answered within
/// [`RedisOptions::call_timeout`], also when it carries large values.
///
/// Calls that change something go on when their future is dropped. Dropping the cache returns at once and cuts off what
/// is under way.
pub struct RedisCache {
    link: Arc<Link>,
    /// Taken when dropped.
    runtime: Option<Runtime>,
}

impl RedisCache {
    /// Connects to the Redis of a URL such as `redis://user:password@host:6379/0`; a port and a number of the database
    /// may be left out, as may user and password.
    ///
    /// Waits on the calling thread, at most for [`RedisOptions::connect_timeout`]; it may be called from within a
    /// runtime.
    ///
    /// # Errors
    /// [`RemoteError::Url`] for a URL that cannot be read and for a prefix with other signs than it may have,
    /// [`RemoteError::Refused`] for a wrong user or password and for a server that is too old, [`RemoteError::Garbage`]
    /// when what answers is no Redis, [`RemoteError::Away`] when nobody answers, unless
    /// [`RedisOptions::optional`] is set.
    pub fn open(url: &str, options: RedisOptions) -> Result<Self, RemoteError> {
        let address = Address::parse(url)?;
        let refused = |reason| RemoteError::Url { url: address.shown.clone(), reason };
        let keys = Keys::new(&options.prefix).map_err(refused)?;
        let is_optional = options.optional;
        let link = Arc::new(Link::new(address, keys, options));
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .thread_name("wayfare-redis")
            .enable_all()
            .build()
            .map_err(|error| link.told(Fault::Away(format!("its thread does not start: {error}"))))?;
        let (done, opened) = mpsc::sync_channel(1);
        let connecting = Arc::clone(&link);
        runtime.spawn(async move {
            // Nobody waits any more when this fails.
            let _ = done.send(keeper::connect(&connecting).await);
        });
        let live = match opened.recv().unwrap_or_else(|_| Err(link.told(stopped()))) {
            Ok(live) => Some(live),
            Err(error @ RemoteError::Away { .. }) if is_optional => {
                link.set_reason(&error);
                None
            }
            Err(error) => {
                // Dropping it would wait, which is not allowed within another runtime.
                runtime.shutdown_background();
                return Err(error);
            }
        };
        runtime.spawn(keeper::keep(Arc::clone(&link), live));
        Ok(Self { link, runtime: Some(runtime) })
    }

    /// Runs a call on the cache's own thread, whoever polls the future. Dropping the future drops the call.
    fn run<'a, T, F>(&'a self, call: impl FnOnce(Arc<Link>) -> F) -> RemoteFuture<'a, T>
    where
        T: Send + 'static,
        F: Future<Output = Result<T, RemoteError>> + Send + 'static,
    {
        let Some(runtime) = &self.runtime else { return self.stopped() };
        let mut task = Running(runtime.spawn(call(Arc::clone(&self.link))));
        Box::pin(async move { self.finished(&mut task.0).await })
    }

    /// The same for a call that changes something: it goes on when its future is dropped, so that nothing is left half
    /// done.
    fn run_through<'a, T, F>(&'a self, call: impl FnOnce(Arc<Link>) -> F) -> RemoteFuture<'a, T>
    where
        T: Send + 'static,
        F: Future<Output = Result<T, RemoteError>> + Send + 'static,
    {
        let Some(runtime) = &self.runtime else { return self.stopped() };
        let mut task = runtime.spawn(call(Arc::clone(&self.link)));
        Box::pin(async move { self.finished(&mut task).await })
    }

    async fn finished<T>(&self, task: &mut JoinHandle<Result<T, RemoteError>>) -> Result<T, RemoteError> {
        task.await.unwrap_or_else(|_| Err(self.link.told(stopped())))
    }

    fn stopped<T>(&self) -> RemoteFuture<'_, T> {
        Box::pin(async { Err(self.link.told(stopped())) })
    }
}

/// A task that ends with whoever waits for it.
struct Running<T>(JoinHandle<T>);

impl<T> Drop for Running<T> {
    fn drop(&mut self) {
        self.0.abort();
    }
}

fn stopped() -> Fault {
    Fault::Away("the cache has stopped".into())
}

impl Drop for RedisCache {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

impl fmt::Debug for RedisCache {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisCache").field("url", &self.link.address.shown).finish_non_exhaustive()
    }
}

impl RemoteCache for RedisCache {
    fn describe(&self) -> String {
        self.link.address.shown.clone()
    }

    fn look_up<'a>(&'a self, wanted: &'a [LookUp]) -> RemoteFuture<'a, Vec<LookedUp>> {
        let wanted = wanted.to_vec();
        self.run(|link| async move { link.look_up(&wanted).await })
    }

    fn fill<'a>(&'a self, put: &'a RemotePut, ticket: &'a Ticket) -> RemoteFuture<'a, bool> {
        let (put, ticket) = (put.clone(), ticket.clone());
        self.run_through(|link| async move { link.fill(&put, &ticket).await })
    }

    fn put<'a>(&'a self, puts: &'a [RemotePut]) -> RemoteFuture<'a, ()> {
        let puts = puts.to_vec();
        self.run_through(|link| async move { link.put(&puts).await })
    }

    fn delete<'a>(&'a self, keys: &'a [String]) -> RemoteFuture<'a, u64> {
        let keys = keys.to_vec();
        self.run_through(|link| async move { link.delete(&keys).await })
    }

    fn invalidate<'a>(&'a self, tags: &'a [String]) -> RemoteFuture<'a, u64> {
        let tags = tags.to_vec();
        self.run_through(|link| async move { link.invalidate(&tags).await })
    }

    fn delete_matching<'a>(&'a self, pattern: &'a str) -> RemoteFuture<'a, u64> {
        let pattern = pattern.to_owned();
        self.run_through(|link| async move { link.delete_matching(&pattern).await })
    }

    fn clear(&self) -> RemoteFuture<'_, ()> {
        self.run_through(|link| async move { link.clear().await })
    }

    fn listen(&self, listener: RemoteListener) {
        self.link.listen(listener);
    }

    fn health(&self) -> RemoteFuture<'_, ()> {
        self.run(|link| async move {
            let live = link.live()?;
            let mut ping = Pipeline::new();
            ping.cmd("PING");
            let answers = link.run(&live, &ping).await?;
            match answers.first() {
                Some(redis::Value::SimpleString(text)) if text == "PONG" => Ok(()),
                Some(other) => Err(link.failed(&live, Fault::unexpected(other))),
                None => Err(link.failed(&live, Fault::Garbage("no answer".into()))),
            }
        })
    }
}

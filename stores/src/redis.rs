//! The cache that several processes share: a Redis, which tells each what the others change.

mod address;
mod check;
mod entry;
mod fault;
#[cfg(any(test, fuzzing))]
pub(crate) mod fuzzing;
mod gather;
mod home;
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
mod time;
mod write;

use std::fmt;
use std::future::Future;
use std::sync::Arc;

use redis::Pipeline;
use tokio::task::JoinHandle;
use wayfare_graph::{
    LookUp, LookedUp, RemoteCache, RemoteEntry, RemoteError, RemoteFuture, RemoteListener, RemotePut, Ticket,
};

use self::address::Address;
use self::fault::Fault;
use self::home::{Home, Keeping};
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
    keeping: Arc<Keeping>,
}

impl RedisCache {
    /// Connects to the Redis of a URL such as `redis://user:password@host:6379/0`; a port and a number of the database
    /// may be left out, as may user and password.
    ///
    /// Waits on the calling thread, at most for [`RedisOptions::connect_timeout`]; it may be called from within a
    /// runtime. From within one of several threads the connection lives on these, and moves to a thread of its own when
    /// they end; otherwise it has one from the beginning.
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
        let home = Home::choose().map_err(|error| RemoteError::Away {
            url: address.shown.clone(),
            reason: format!("its thread does not start: {error}"),
        })?;
        let link = Arc::new(Link::new(address, keys, options, home.handle.clone()));
        // On a thread that may wait; the caller's may be one of an executor.
        let connected = std::thread::scope(|scope| {
            let connecting = scope.spawn(|| home.handle.block_on(keeper::connect(&link)));
            connecting.join().unwrap_or_else(|_| Err(link.told(stopped())))
        });
        let live = match connected {
            Ok(live) => Some(live),
            Err(error @ RemoteError::Away { .. }) if is_optional => {
                link.set_reason(&error);
                None
            }
            Err(error) => {
                home.leave();
                return Err(error);
            }
        };
        let keeping = Keeping::begin(Arc::clone(&link), home, live);
        Ok(Self { link, keeping })
    }

    /// Runs a call where the connection lives, whoever polls the future. Dropping the future drops the call.
    fn run<'a, T, F>(&'a self, call: impl FnOnce(Arc<Link>) -> F) -> RemoteFuture<'a, T>
    where
        T: Send + 'static,
        F: Future<Output = Result<T, RemoteError>> + Send + 'static,
    {
        let mut task = Running(self.link.runtime().spawn(call(Arc::clone(&self.link))));
        Box::pin(async move { self.finished(&mut task.0).await })
    }

    /// The same for a call that changes something: it goes on when its future is dropped, so that nothing is left half
    /// done.
    fn run_through<'a, T, F>(&'a self, call: impl FnOnce(Arc<Link>) -> F) -> RemoteFuture<'a, T>
    where
        T: Send + 'static,
        F: Future<Output = Result<T, RemoteError>> + Send + 'static,
    {
        let mut task = self.link.runtime().spawn(call(Arc::clone(&self.link)));
        Box::pin(async move { self.finished(&mut task).await })
    }

    async fn finished<T>(&self, task: &mut JoinHandle<Result<T, RemoteError>>) -> Result<T, RemoteError> {
        task.await.unwrap_or_else(|_| Err(self.link.told(stopped())))
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
        self.keeping.end();
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

    fn peek<'a>(&'a self, keys: &'a [&'a str]) -> RemoteFuture<'a, Vec<Option<RemoteEntry>>> {
        // Where the caller is: another thread would take longer to wake than the server to answer.
        Box::pin(self.link.peek(keys))
    }

    fn look_up<'a>(&'a self, wanted: &'a [LookUp]) -> RemoteFuture<'a, Vec<LookedUp>> {
        Box::pin(self.link.look_up(wanted))
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

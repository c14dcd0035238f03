//! The store for clusters: a MongoDB, in the form that jvspatial gives its databases.

mod address;
mod after;
mod apply;
mod bulk;
mod catalog;
mod change;
mod changes;
mod check_up;
mod circuit;
mod document;
mod fault;
mod filter;
#[cfg(any(test, fuzzing))]
pub(crate) mod fuzzing;
mod index;
mod journal;
mod look;
mod open;
mod options;
mod pool_watch;
mod query;
mod read;
mod replace;
mod reply;
mod schedule;
mod server;
mod stats;
mod step;
mod sweep;
mod transaction;
mod value;
mod value_order;
mod versions;
mod writing;

use std::fmt;
use std::future::Future;
use std::sync::{Arc, mpsc};
use std::time::Duration;

use parking_lot::Mutex;
use serde_json::Value;
use tokio::runtime::Runtime;
use tokio::sync::RwLock;
use wayfare_graph::{
    ChangeFeed, Document, EntityName, Explanation, Finding, Id, Index, IndexProgress, Kind, Loaded, Need,
    Page, PoolFigures, Query, Store, StoreError, StoreFuture, StoreStats, VersionsPage, WriteBatch,
    WriteResult,
};

pub use self::options::MongoOptions;
use self::server::Server;

/// Threads of the driver. They mostly wait; two let one encode while the other reads.
const THREADS: usize = 2;

/// Address space for the stack of each, of which only what is used takes memory.
const STACK_BYTES: usize = 8 << 20;

/// How long a store that was dropped waits, on a thread of its own, for writes that are under way.
const LAST_WRITES: Duration = Duration::from_secs(60);

/// How many calls of `apply` are worth having at once: as many as commands of one call.
const WRITERS: usize = 4;

/// A store in a database of a MongoDB server, replica set or sharded cluster, of release 6.0 or later.
///
/// Several processes may use one database, jvspatial applications among them. Documents are in the collections
/// `node`, `edge`, `object` and `walker`, as jvspatial writes them, with a `_version` beside. Numbers, texts and lists
/// are what they are in JSON; dates, object ids, decimals and the other types that JSON lacks read as extended JSON,
/// such as `{"$date": "2020-01-02T00:00:00Z"}`, and are written back as what they were. Two members beside are the
/// store's own and not shown: `_token` and `_parallel`.
///
/// Every write is filtered by the version that it was based on, within the update itself. Writes of a call are sent
/// in commands of up to 500, several at once, as far as one does not hang on another; they are acknowledged by a
/// majority and in its journals, unless the URL says `w` or `journal` itself. When the connection is lost, calls are
/// tried again, see [`MongoOptions`]; what was done of a write whose answer was lost is found out, so none is done
/// twice. While a server is away, calls fail at once with [`StoreError::CircuitOpen`].
///
/// A batch that is all or nothing is a transaction where there are any, on replica sets and sharded clusters. On a
/// single server it goes through a journal in the collection `wayfare_journal`, which takes it back when it is refused
/// or its process dies, the latter when the store is opened after two minutes. That gives no isolation: others see its
/// writes before it is sure that they stay. The same holds of the deletion of a node that has edges.
///
/// What MongoDB itself cannot do: an index over two fields that are both lists in one document, which is refused
/// when there is such a document, and refuses such a document when there is the index; documents over 16 MiB; more
/// than 180 levels of lists and objects; a sort by two fields that are both lists in one document.
///
/// Everything is read from the primary, as a majority has it, whatever the URL says of preferences and concerns of
/// reading: what was acknowledged to anybody is there when it is read next, over elections too, and nothing is read that
/// the death of a server could take back. After an election, a write to the collection `wayfare_signs` comes before the
/// first read. On a sharded cluster, and where the URL asks for less than a majority, an election may hide the last
/// writes for a moment or take them back.
///
/// The order of ids, in scans and in results without a sort, is that of their text.
///
/// Dropping it returns at once. Writes that are under way go on on its threads, for a minute at most; reads end.
pub struct MongoStore {
    server: Arc<Server>,
    /// Taken when dropped.
    runtime: Option<Runtime>,
    /// Held for reading by every write that is under way.
    writes: Arc<RwLock<()>>,
}

impl MongoStore {
    /// Opens the database of a URL such as `mongodb://user:password@host/database`, and makes the root and the
    /// indexes that it needs where they are missing.
    ///
    /// Where edges that others made twice stand in the way of the unique index over the ends of edges, it opens without
    /// that index, and warns: the next opening after they were removed makes it.
    ///
    /// Waits on the calling thread, at most for [`MongoOptions::server_selection_timeout`] while nobody is there, and
    /// as long as the server takes to build indexes; it may be called from within a runtime.
    ///
    /// # Errors
    /// [`StoreError::Url`] for a URL that cannot be read or names no database, [`StoreError::Unreachable`],
    /// [`StoreError::Refused`] for a wrong user or password, [`StoreError::ServerTooOld`].
    pub fn open(url: &str, options: MongoOptions) -> Result<Self, StoreError> {
        let unstarted =
            |source: std::io::Error| StoreError::Io { path: "mongodb".into(), source: source.into() };
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(THREADS)
            .thread_name("wayfare-mongodb")
            // Documents that nest as deep as they may are read and written by recursion.
            .thread_stack_size(STACK_BYTES)
            .enable_all()
            .build()
            .map_err(unstarted)?;
        let (done, opened) = mpsc::sync_channel(1);
        let url = url.to_owned();
        runtime.spawn(async move {
            // Nobody waits any more when this fails.
            let _ = done.send(Server::open(url, options).await);
        });
        match opened.recv().unwrap_or(Err(StoreError::Stopped)) {
            Ok(server) => {
                Ok(Self { server: Arc::new(server), runtime: Some(runtime), writes: Arc::default() })
            }
            Err(error) => {
                // Dropping it would wait, which is not allowed within another runtime.
                runtime.shutdown_background();
                Err(error)
            }
        }
    }

    /// Runs a call that changes something: it goes on when its future is dropped, so that nothing is left half done.
    fn run_through<'a, T, F>(&'a self, call: impl FnOnce(Arc<Server>) -> F) -> StoreFuture<'a, T>
    where
        T: Send + 'static,
        F: Future<Output = Result<T, StoreError>> + Send + 'static,
    {
        let Some(runtime) = &self.runtime else { return Box::pin(async { Err(StoreError::Stopped) }) };
        // Held from now on, not from when a thread comes to it. Only dropping the store holds it for writing.
        let under_way = Arc::clone(&self.writes).try_read_owned();
        let call = call(Arc::clone(&self.server));
        Box::pin(finished(runtime.spawn(async move {
            let _under_way = under_way;
            call.await
        })))
    }

    /// Runs a call on the store's own threads, whoever polls the future. Dropping the future drops the call.
    fn run<'a, T, F>(&'a self, call: impl FnOnce(Arc<Server>) -> F) -> StoreFuture<'a, T>
    where
        T: Send + 'static,
        F: Future<Output = Result<T, StoreError>> + Send + 'static,
    {
        let Some(runtime) = &self.runtime else { return Box::pin(async { Err(StoreError::Stopped) }) };
        let task = Running(runtime.spawn(call(Arc::clone(&self.server))));
        Box::pin(task.finish())
    }
}

/// A task that ends with whoever waits for it.
struct Running<T>(tokio::task::JoinHandle<T>);

impl<T> Running<Result<T, StoreError>> {
    async fn finish(mut self) -> Result<T, StoreError> {
        finished(&mut self.0).await
    }
}

async fn finished<T>(
    task: impl Future<Output = Result<Result<T, StoreError>, tokio::task::JoinError>>,
) -> Result<T, StoreError> {
    match task.await {
        Ok(result) => result,
        Err(ended) => match ended.try_into_panic() {
            Ok(panic) => std::panic::resume_unwind(panic),
            Err(_) => Err(StoreError::Stopped),
        },
    }
}

impl<T> Drop for Running<T> {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Drop for MongoStore {
    fn drop(&mut self) {
        let Some(runtime) = self.runtime.take() else { return };
        if self.writes.try_write().is_ok() {
            return runtime.shutdown_background();
        }
        // Cut off, a transaction would keep others from what it wrote until the server gives it up, a minute later.
        let writes = Arc::clone(&self.writes);
        let last = Arc::new(Mutex::new(Some(runtime)));
        let waited_for = Arc::clone(&last);
        let waiting = std::thread::Builder::new().name("wayfare-mongodb-end".into()).spawn(move || {
            let Some(runtime) = waited_for.lock().take() else { return };
            let done = async { tokio::time::timeout(LAST_WRITES, writes.write()).await.is_ok() };
            if !runtime.block_on(done) {
                tracing::warn!("the store is closed while writes are under way");
            }
            runtime.shutdown_background();
        });
        if waiting.is_err()
            && let Some(runtime) = last.lock().take()
        {
            runtime.shutdown_background();
        }
    }
}

impl fmt::Debug for MongoStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MongoStore").field("url", &self.server.shown).finish_non_exhaustive()
    }
}

impl Store for MongoStore {
    fn describe(&self) -> String {
        self.server.shown.clone()
    }

    fn get_many<'a>(&'a self, ids: &'a [Id]) -> StoreFuture<'a, Vec<Option<Document>>> {
        let ids = ids.to_vec();
        self.run(|server| async move { server.settled(|| server.get_many(&ids)).await })
    }

    fn load<'a>(&'a self, ids: &'a [Id], need: Need) -> StoreFuture<'a, Loaded> {
        let ids = ids.to_vec();
        self.run(move |server| async move { server.settled(|| server.load(&ids, need)).await })
    }

    fn find<'a>(&'a self, query: &'a Query) -> StoreFuture<'a, Vec<Document>> {
        let query = query.clone();
        self.run(|server| async move { server.settled(|| server.find(&query)).await })
    }

    fn count<'a>(&'a self, query: &'a Query) -> StoreFuture<'a, u64> {
        let query = query.clone();
        self.run(|server| async move { server.settled(|| server.count(&query)).await })
    }

    /// Tells the way of this store's planner, which the server is made to take by a hint, and counts the documents of
    /// the kind and entity.
    fn explain<'a>(&'a self, query: &'a Query) -> StoreFuture<'a, Explanation> {
        let query = query.clone();
        self.run(|server| async move { server.explain(&query).await })
    }

    /// Leaves out what cannot be read, with a warning that names it; [`check_up`](Self::check_up) says what is wrong.
    fn scan<'a>(
        &'a self,
        kind: Kind,
        entity: Option<EntityName>,
        after: Option<&'a Id>,
        limit: usize,
    ) -> StoreFuture<'a, Page> {
        let after = after.cloned();
        self.run(move |server| async move {
            server.settled(|| server.scan(kind, entity, after.as_ref(), limit)).await
        })
    }

    /// Done when a majority has it in its journals. A future that is dropped takes nothing back. After
    /// [`StoreError::Unreachable`] some of the writes may have been done; of a batch that is all or nothing and was
    /// being committed, all or none. It is also the error of such a batch for whose documents others did not let go,
    /// of which nothing was done.
    fn apply<'a>(&'a self, batches: &'a [WriteBatch]) -> StoreFuture<'a, Vec<Vec<WriteResult>>> {
        let batches = batches.to_vec();
        self.run_through(|server| async move { server.apply(&batches).await })
    }

    fn distinct<'a>(&'a self, query: &'a Query, path: &'a str) -> StoreFuture<'a, Vec<Value>> {
        let (query, path) = (query.clone(), path.to_owned());
        self.run(|server| async move { server.settled(|| server.distinct(&query, &path)).await })
    }

    /// Partial over the documents of its entity, so that one entity's rule is not another's.
    fn create_index<'a>(&'a self, index: &'a Index) -> StoreFuture<'a, ()> {
        let index = index.clone();
        self.run_through(|server| async move { server.create_index(&index).await })
    }

    fn drop_index<'a>(&'a self, kind: Kind, entity: EntityName, name: &'a str) -> StoreFuture<'a, bool> {
        let name = name.to_owned();
        self.run_through(move |server| async move { server.drop_index(kind, entity, &name).await })
    }

    /// Builds it again under its new name, which takes as long as at first.
    fn rename_index<'a>(
        &'a self,
        kind: Kind,
        entity: EntityName,
        from: &'a str,
        to: &'a str,
    ) -> StoreFuture<'a, bool> {
        let (from, to) = (from.to_owned(), to.to_owned());
        self.run_through(move |server| async move { server.rename_index(kind, entity, &from, &to).await })
    }

    /// Of all processes where the user may see what others do.
    fn index_progress(&self) -> StoreFuture<'_, Vec<IndexProgress>> {
        self.run(|server| async move { server.index_progress().await })
    }

    fn add_versions<'a>(
        &'a self,
        kind: Kind,
        after: Option<&'a Id>,
        limit: usize,
    ) -> StoreFuture<'a, VersionsPage> {
        let after = after.cloned();
        self.run(move |server| async move { server.add_versions(kind, after.as_ref(), limit).await })
    }

    /// Finds what stands in the collections and is no document, and edges whose nodes are gone; puts them aside in
    /// the collection `wayfare_set_aside`. The server's own command `validate` checks indexes.
    fn check_up(&self, repair: bool) -> StoreFuture<'_, Vec<Finding>> {
        self.run(move |server| async move { server.check_up(repair).await })
    }

    /// A change stream on replica sets and sharded clusters, `None` on a single server.
    ///
    /// A stream that broke off is taken up where it was, over elections too; where the server has forgotten that
    /// place, the feed tells [`StoreChange::Anything`](wayfare_graph::StoreChange::Anything).
    fn changes(&self) -> StoreFuture<'_, Option<Box<dyn ChangeFeed>>> {
        self.run(|server| async move {
            let feed = server.watch().await?;
            Ok(feed.map(|feed| Box::new(feed) as Box<dyn ChangeFeed>))
        })
    }

    fn health(&self) -> StoreFuture<'_, ()> {
        self.run(|server| async move { server.ping().await })
    }

    fn pool(&self) -> Option<PoolFigures> {
        Some(self.server.pool())
    }

    fn stats(&self) -> StoreFuture<'_, StoreStats> {
        self.run(|server| async move { server.stats().await })
    }

    fn max_writers(&self) -> usize {
        WRITERS
    }
}

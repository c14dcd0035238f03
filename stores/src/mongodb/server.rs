//! The way to the server: every call goes through here, is timed, tried again, and counted by the circuit breaker.

use std::future::Future;
use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use bson::oid::ObjectId;
use bson::{Document, RawDocumentBuf};
use futures_util::TryStreamExt;
use mongodb::options::{ClientOptions, CollectionOptions, ReadConcern};
use mongodb::{Client, Collection, Cursor, Database};
use parking_lot::Mutex;
use wayfare_graph::{Kind, PoolFigures, StoreError};

use super::catalog::Catalog;
use super::circuit::Breaker;
use super::fault::{Fault, Tried};
use super::options::MongoOptions;
use super::pool_watch::PoolWatch;

/// The first pause between two attempts is up to this long; each further one up to twice as long as the one before.
const FIRST_PAUSE: Duration = Duration::from_millis(50);

/// Where primaries leave a sign that they are known as such.
const SIGNS: &str = "wayfare_signs";

/// How many elections a read may fall into.
const ELECTIONS: usize = 20;

/// Longest pause between two attempts.
const LONGEST_PAUSE: Duration = Duration::from_secs(2);

/// A database on a server.
pub(super) struct Server {
    /// The URL without secrets.
    pub(super) shown: String,
    pub(super) client: Client,
    /// What the client was made of.
    pub(super) client_options: ClientOptions,
    pub(super) database: Database,
    pub(super) options: MongoOptions,
    /// What the server must have done with a write before it says so.
    pub(super) write_concern: Document,
    /// Whether it is a replica set or a sharded cluster: those have transactions and change streams.
    pub(super) is_cluster: bool,
    pub(super) is_sharded: bool,
    /// The names of the indexes that lead to edges by their source and by their target.
    pub(super) ends_indexes: [String; 2],
    /// Whether several edges of an entity may join two nodes: jvspatial's own index allows one.
    pub(super) parallel_edges: bool,
    /// Batches of this process that failed and could not be undone yet.
    pub(super) left_over: Mutex<Vec<ObjectId>>,
    pub(super) catalog: Catalog,
    pub(super) watch: Arc<PoolWatch>,
    pub(super) breaker: Breaker,
    /// The [epoch](PoolWatch::epoch) for which a primary is known to know all that was acknowledged.
    pub(super) settled: AtomicU64,
    /// Fewest and most connections to each server.
    pub(super) pool_sizes: (u32, u32),
}

impl Server {
    /// The documents of a kind as they are safe: what a majority of the servers has, so that nothing is read that
    /// the death of one could take back. Within [`settled`](Self::settled), what was acknowledged is among it.
    pub(super) fn safe_collection(&self, kind: Kind) -> Collection<Document> {
        match self.acknowledges_majority() {
            true => {
                let options = CollectionOptions::builder().read_concern(ReadConcern::majority()).build();
                self.database.collection_with_options(kind.collection(), options)
            }
            // What was acknowledged with less would not be seen.
            false => self.collection(kind),
        }
    }

    fn acknowledges_majority(&self) -> bool {
        self.write_concern.get_str("w").is_ok_and(|w| w == "majority")
    }

    /// Reads what a majority has, with all that was acknowledged before.
    ///
    /// A primary that was just elected has everything that was ever acknowledged, but does not yet know of the last
    /// of it that a majority has it, and so does not show it. Once a majority has a write of its own, it does. So
    /// whenever another server may answer than before, such a write is made first.
    pub(super) async fn settled<T, F>(&self, read: impl Fn() -> F) -> Result<T, StoreError>
    where
        F: Future<Output = Result<T, StoreError>>,
    {
        if !self.is_cluster || self.is_sharded || !self.acknowledges_majority() {
            return read().await;
        }
        for _ in 0..ELECTIONS {
            let epoch = self.watch.epoch();
            if self.settled.load(Ordering::SeqCst) != epoch {
                self.leave_sign().await?;
                self.settled.store(epoch, Ordering::SeqCst);
                if self.watch.epoch() != epoch {
                    continue;
                }
            }
            let done = read().await;
            if done.is_err() || self.watch.epoch() == epoch {
                return done;
            }
        }
        let fault = Fault::Unconfirmed { code: 11602, reason: "one primary followed the other".into() };
        Err(self.told(fault))
    }

    /// Waits until a majority has a write of the primary.
    async fn leave_sign(&self) -> Result<(), StoreError> {
        self.call(|| async {
            let signs = self.database.collection::<Document>(SIGNS);
            let sign = bson::doc! { "$currentDate": { "at": true } };
            signs.update_one(bson::doc! { "_id": "primary" }, sign).upsert(true).await?;
            Ok(())
        })
        .await
    }

    /// The documents of a kind as they are now.
    pub(super) fn collection(&self, kind: Kind) -> Collection<Document> {
        self.database.collection(kind.collection())
    }

    /// Makes one call that may be made again, until it is answered or there were enough attempts.
    pub(super) async fn call<T, F>(&self, make: impl Fn() -> F) -> Result<T, StoreError>
    where
        F: Future<Output = Tried<T>>,
    {
        let mut attempts = self.attempts();
        loop {
            match self.attempt(make()).await {
                Ok(done) => return Ok(done),
                Err(fault) => attempts.pause_after(fault).await?,
            }
        }
    }

    /// Reads all that a cursor gives, from its beginning again where the connection is lost. Each answer has its own
    /// time, so that large results may take long.
    pub(super) async fn read_all<F>(&self, open: impl Fn() -> F) -> Result<Vec<Document>, StoreError>
    where
        F: Future<Output = mongodb::error::Result<Cursor<Document>>>,
    {
        let mut attempts = self.attempts();
        loop {
            match self.admitted(self.drain(open())).await {
                Ok(found) => return Ok(found),
                Err(fault) => attempts.pause_after(fault).await?,
            }
        }
    }

    async fn drain(
        &self,
        open: impl Future<Output = mongodb::error::Result<Cursor<Document>>>,
    ) -> Tried<Vec<Document>> {
        let mut cursor = self.timed(open).await?;
        let mut found = Vec::new();
        while let Some(document) = self.timed(cursor.try_next()).await? {
            found.push(document);
        }
        Ok(found)
    }

    /// Waits for one answer as long as one may take.
    pub(super) async fn timed<T>(&self, answer: impl Future<Output = mongodb::error::Result<T>>) -> Tried<T> {
        match tokio::time::timeout(self.options.operation_timeout, answer).await {
            Ok(answer) => Ok(answer?),
            Err(_) => Err(Fault::Elapsed),
        }
    }

    /// Begins the attempts at one call.
    pub(super) fn attempts(&self) -> Attempts<'_> {
        Attempts { server: self, begun: Instant::now(), failed: 0 }
    }

    /// Makes one call once.
    pub(super) async fn attempt<T>(&self, call: impl Future<Output = Tried<T>>) -> Tried<T> {
        self.admitted(async {
            match tokio::time::timeout(self.options.operation_timeout, call).await {
                Ok(done) => done,
                Err(_) => Err(Fault::Elapsed),
            }
        })
        .await
    }

    /// Makes a call once that sees to its time itself, or takes as long as it takes, such as to build an index.
    pub(super) async fn admitted<T>(&self, call: impl Future<Output = Tried<T>>) -> Tried<T> {
        self.admit()?;
        let done = call.await;
        match done.as_ref().is_err_and(Fault::is_away) {
            true => self.watch.moved(),
            false => self.breaker.succeeded(),
        }
        done
    }

    fn admit(&self) -> Tried<()> {
        let refused = |retry_after| StoreError::CircuitOpen { url: self.shown.clone(), retry_after };
        Ok(self.breaker.admit(Instant::now()).map_err(refused)?)
    }

    /// What to tell a caller of a fault that ends its call.
    pub(super) fn told(&self, fault: Fault) -> StoreError {
        if fault.is_away() {
            self.breaker.failed(Instant::now());
        }
        fault.told(&self.shown)
    }

    /// Waits for a while that is drawn from the whole of its length.
    pub(super) async fn pause_up_to(&self, longest: Duration) {
        tokio::time::sleep(longest.mul_f64(fraction())).await;
    }

    /// Runs a command of the database, once.
    pub(super) async fn command(&self, command: RawDocumentBuf) -> Tried<Document> {
        Ok(self.database.run_raw_command(command).await?)
    }

    /// Asks for a sign of life.
    pub(super) async fn ping(&self) -> Result<(), StoreError> {
        self.call(|| async {
            self.database.run_command(bson::doc! { "ping": 1 }).await?;
            Ok(())
        })
        .await
    }

    pub(super) fn pool(&self) -> PoolFigures {
        let mut figures = self.watch.figures();
        (figures.min_size, figures.max_size) = self.pool_sizes;
        figures.circuit = self.breaker.circuit();
        figures
    }
}

/// The attempts at one call.
pub(super) struct Attempts<'s> {
    server: &'s Server,
    begun: Instant,
    failed: u32,
}

impl Attempts<'_> {
    /// Waits before another attempt; the error to tell when there is none.
    ///
    /// Pauses double and are drawn from the whole of their length, so that callers who failed together do not come
    /// back together: M. Brooker, "Exponential Backoff And Jitter", AWS Architecture Blog, 2015.
    pub(super) async fn pause_after(&mut self, fault: Fault) -> Result<(), StoreError> {
        match fault.is_away() {
            true => self.pause_after_unknown(fault).await,
            false => Err(self.server.told(fault)),
        }
    }

    /// Whether the time is over in which a call may be tried again.
    pub(super) fn is_late(&self) -> bool {
        self.begun.elapsed() >= self.server.options.retry_time
    }

    /// The same as [`pause_after`](Self::pause_after) after a fault of which the caller knows that it passes.
    pub(super) async fn pause_after_unknown(&mut self, fault: Fault) -> Result<(), StoreError> {
        let options = &self.server.options;
        let is_last = self.failed >= options.retries || self.is_late() || self.server.breaker.is_trying();
        if is_last {
            return Err(self.server.told(fault));
        }
        let longest = FIRST_PAUSE.saturating_mul(1 << self.failed.min(16)).min(LONGEST_PAUSE);
        self.failed += 1;
        self.server.watch.retried();
        self.server.pause_up_to(longest).await;
        Ok(())
    }
}

/// A number from 0 to 1, another each time: keys of hashers are random and counted on.
fn fraction() -> f64 {
    (RandomState::new().hash_one(0) >> 11) as f64 / (1_u64 << 53) as f64
}

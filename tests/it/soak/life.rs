//! Runtimes on one store, one after another: each is loaded for some stints, checked after each, and ends with its store
//! full, but for the last one.

use std::sync::Arc;
use std::sync::atomic::Ordering::{Relaxed, SeqCst};
use std::time::{Duration, Instant};

use tempfile::TempDir;
use wayfare::{ActorKind, Config, HealthState, KeySource, MetricsSnapshot, Runtime, Store, StoreError};

use super::check::{Certainty, check, come_to_rest, settle_walks};
use super::clients;
use super::director::direct;
use super::gauge::Gauge;
use super::ground::{self, Acre, meter};
use super::ledger::Fate;
use super::scene::{Scene, Stint};
use super::store::FaultyStore;
use super::summary;

/// Workers while nothing scales them.
const WORKERS: usize = 2;

/// How often a line tells how it goes.
const LINE: Duration = Duration::from_secs(30);

/// How long the load goes on when the store is full.
const FULL: Duration = Duration::from_millis(500);

/// Actors that may end in a minute. More than can be made to; a runtime that degrades is trouble.
const RESTARTS: u64 = 1_000;

/// What all lives came to.
#[derive(Debug, Default, Clone)]
pub(crate) struct Totals {
    pub(crate) lives: u64,
    pub(crate) checks: u64,
    pub(crate) visits: f64,
    pub(crate) started: f64,
    /// Restarts of shards, writers, cache actors and workers.
    pub(crate) restarts: [u64; 4],
}

/// The lives, and the runtime of the present one.
pub(crate) struct Lives<'a> {
    scene: Arc<Scene>,
    gauge: Option<&'a Gauge>,
    folder: TempDir,
    /// `None` while the store is closed.
    runtime: Option<Runtime>,
    totals: Totals,
    last_line: Instant,
    /// Counts of the tally when this life began: spawns, those that gave a walk, and walks taken up by call.
    counts_before: [u64; 3],
    /// Durable walks that were open when this life began.
    resumed: u64,
}

impl<'a> Lives<'a> {
    /// Begins the first life on a store that is made for it.
    pub(crate) async fn begin(scene: Arc<Scene>, gauge: Option<&'a Gauge>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let runtime = open(&scene, &folder);
        ground::prepare(&runtime.graph(), scene.seed).await.unwrap();
        let (last_line, totals) = (Instant::now(), Totals { lives: 1, ..Totals::default() });
        let mut lives = Self {
            scene,
            gauge,
            folder,
            runtime: Some(runtime),
            totals,
            last_line,
            counts_before: [0; 3],
            resumed: 0,
        };
        lives.note_beginning(0);
        lives
    }

    fn runtime(&self) -> &Runtime {
        self.runtime.as_ref().expect("it is `None` only between two lives")
    }

    fn note_beginning(&mut self, resumed: u64) {
        let tally = &self.scene.tally;
        self.counts_before = [&tally.spawns, &tally.spawned, &tally.retried].map(|count| count.load(Relaxed));
        self.resumed = resumed;
        self.scene.watch.look_at(self.runtime.clone());
    }

    /// Loads the runtime for a while, and checks everything; at the end of a life its store becomes full.
    pub(crate) async fn stint(&mut self, number: u64, length: Duration, is_end: bool) {
        let stint = Arc::new(Stint::new(Arc::clone(&self.scene), self.runtime().clone(), number));
        let mut tasks = clients::start(&stint);
        tasks.push(tokio::spawn(direct(Arc::clone(&stint))));
        let until = Instant::now() + length;
        while Instant::now() < until && self.scene.troubles().is_empty() {
            tokio::time::sleep(Duration::from_millis(100)).await;
            if self.last_line.elapsed() >= LINE {
                self.last_line = Instant::now();
                summary::print_line(&self.scene, self.gauge);
            }
        }
        if is_end {
            self.scene.mischief.is_full.store(true, SeqCst);
            tokio::time::sleep(FULL).await;
        }
        stint.end();
        for task in tasks {
            if let Err(error) = task.await {
                self.scene.trouble(format!("a client ended: {error}"));
            }
        }
        drop(stint);
        let _busy = self.scene.watch.begin("check");
        if is_end {
            // What was to fail and found no call before the load ended.
            self.scene.mischief.calm_but_full();
            self.check_full_store().await;
        }
        self.scene.mischief.calm();
        self.check(number, is_end).await;
    }

    /// A full store refuses every write, and gives what it has.
    async fn check_full_store(&self) {
        let account = &self.scene.ledger.meters[0];
        for _ in 0..2 {
            account.begin();
            match self.runtime().graph().update(meter(0), |acre: &mut Acre| acre.count += 1).await {
                Err(wayfare::Error::Store(StoreError::OutOfSpace { .. } | StoreError::Poisoned { .. })) => {
                    account.failed(Fate::Refused);
                }
                other => self.scene.trouble(format!("a write to a full store: {other:?}")),
            }
        }
    }

    async fn check(&mut self, number: u64, is_end: bool) {
        let scene = Arc::clone(&self.scene);
        if let Err(error) = self.runtime().scale(WORKERS).await {
            scene.trouble(format!("scaling back: {error}"));
        }
        come_to_rest(&scene, self.runtime()).await;
        let when = format!("after stint {number}");
        if let Err(error) = check(&scene, &self.runtime().graph(), &when, Certainty::Open).await {
            scene.trouble(format!("{when} the graph cannot be read: {error}"));
        }
        if !is_end {
            self.check_health().await;
        }
        if let Some(degraded) = self.runtime().degraded() {
            scene.trouble(format!("{when} it has degraded: {degraded}"));
        }
        come_to_rest(&scene, self.runtime()).await;
        self.check_figures(&self.runtime().metrics());
        self.totals.checks += 1;
    }

    /// All is well, Redis included, which has some seconds to be there again.
    async fn check_health(&self) {
        let until = Instant::now() + Duration::from_secs(10);
        loop {
            let health = self.runtime().health().await;
            if health.as_ref().is_ok_and(|health| health.state == HealthState::Well) {
                return;
            }
            if Instant::now() > until {
                return self.scene.trouble(format!("it is not well: {health:?}"));
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// The runtime counts as we do.
    fn check_figures(&self, metrics: &MetricsSnapshot) {
        let number = |name: &str| metrics.number(name, None).unwrap_or(-1.0);
        let (started, ended) = (number("wayfare_walks_started_total"), number("wayfare_walks_ended_total"));
        if started != ended {
            self.scene.trouble(format!("{started} walks were started, and {ended} have ended"));
        }
        let tally = &self.scene.tally;
        let counts = [&tally.spawns, &tally.spawned, &tally.retried].map(|count| count.load(Relaxed));
        let [spawns, spawned, retried] = [0, 1, 2].map(|at| (counts[at] - self.counts_before[at]) as f64);
        let most = spawns + retried + self.resumed as f64;
        if !(spawned..=most).contains(&started) {
            self.scene.trouble(format!("{started} walks were started, by our count {spawned} to {most}"));
        }
        for (name, what) in
            [("wayfare_walks", "walks are hosted"), ("wayfare_walks_alive", "walks are alive")]
        {
            if number(name) != 0.0 {
                self.scene.trouble(format!("{} {what} when all have ended", number(name)));
            }
        }
        let [resident, bound] = ["wayfare_resident_bytes", "wayfare_resident_bound_bytes"].map(number);
        if resident > bound {
            self.scene.trouble(format!("{resident} bytes are resident, {bound} may be"));
        }
    }

    /// Ends this life, and begins the next one on what lies on the disk.
    pub(crate) async fn open_again(&mut self) {
        let _busy = self.scene.watch.begin("opening again");
        self.close().await;
        self.runtime = Some(open(&self.scene, &self.folder));
        self.totals.lives += 1;
        let chains = &self.scene.ledger.chains;
        let open: usize = chains.iter().map(|chain| chain.lock().unwrap().open.len()).sum();
        self.note_beginning(open as u64);
        if let Err(error) = settle_walks(&self.scene, self.runtime()).await {
            self.scene.trouble(format!("walks cannot be settled in the next runtime: {error}"));
        }
        let when = "opened again";
        if let Err(error) = check(&self.scene, &self.runtime().graph(), when, Certainty::Settled).await {
            self.scene.trouble(format!("{when} the graph cannot be read: {error}"));
        }
        come_to_rest(&self.scene, self.runtime()).await;
        self.check_figures(&self.runtime().metrics());
    }

    async fn close(&mut self) {
        let runtime = self.runtime().clone();
        let metrics = runtime.metrics();
        let number = |name: &str| metrics.number(name, None).unwrap_or(0.0);
        self.totals.visits += number("wayfare_visits_total");
        self.totals.started += number("wayfare_walks_started_total");
        let kinds = [ActorKind::Shard, ActorKind::Writer, ActorKind::Cache, ActorKind::Worker];
        for (total, kind) in self.totals.restarts.iter_mut().zip(kinds) {
            *total += runtime.restarts(kind);
        }
        self.scene.watch.look_at(None);
        // With the last handle the store is closed.
        drop(runtime);
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown().await;
        }
    }

    /// Opens what was written once more, checks it, and ends.
    pub(crate) async fn end(mut self) -> Totals {
        if self.scene.troubles().is_empty() {
            self.open_again().await;
        }
        let _busy = self.scene.watch.begin("the end");
        self.close().await;
        self.totals
    }
}

fn open(scene: &Scene, folder: &TempDir) -> Runtime {
    let url = format!("embedded:{}", folder.path().join("store").display());
    let config = config(scene, &url);
    let inner = wayfare_stores::open(&url, &Default::default()).unwrap();
    let store = FaultyStore { inner, mischief: Arc::clone(&scene.mischief) };
    let store: Arc<dyn Store> = Arc::new(store);
    Runtime::with_store(store, KeySource::system(), &config).unwrap()
}

/// Little memory, little room for walks, and actors that are back soon.
fn config(scene: &Scene, url: &str) -> Config {
    let builder = Config::builder()
        .store_url(url)
        .workers_count(WORKERS)
        .shards_count(2)
        .workers_max_walks(16)
        .admission_queue(16)
        .admission_wait_ms(400)
        // Of this process alone: what else the machine does is not what is tried here.
        .admission_reserve_bytes(0_u64)
        .cache_resident_bytes(2_u64 << 20)
        .shard_restarts(RESTARTS)
        .shard_restarts_max_backoff_ms(20)
        .writer_restarts(RESTARTS)
        .writer_restarts_max_backoff_ms(20)
        .worker_restarts(RESTARTS)
        .worker_restarts_max_backoff_ms(20)
        .supervision_drain_timeout_ms(10_000);
    let builder = match &scene.redis {
        Some(redis) => builder.cache_redis(redis.url()).cache_optional(true).cache_prefix("soak"),
        None => builder,
    };
    builder.build().unwrap()
}

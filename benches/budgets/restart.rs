//! How long it takes to serve again: a runtime after its process was killed, and a shard after it panicked.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::time::{Duration, Instant};

use wayfare::__private::{Explanation, Loaded, StoreFuture};
use wayfare::{
    ActorKind, Config, Document, EntityName, Id, Index, KeySource, Kind, Need, Page, Query, Runtime, Store,
    StoreStats, WalkError, WriteBatch, WriteResult,
};

use crate::City;
use crate::made_graph::{MadeGraph, random};
use crate::measure::{Line, in_turn, median, timed};
use crate::resident::{First, block_on, walk_all};
use crate::stored;

const SIZES: [(u64, &str); 3] = [(10_000, "10 k"), (100_000, "100 k"), (1_000_000, "1 M")];
const RUNS: usize = 5;
/// Out-edges of a stored node: few, so that a million nodes are written within a minute.
const DEGREE: u64 = 2;

pub fn runtimes() -> Vec<Line> {
    SIZES.map(|(nodes, size)| runtime_restarts(nodes, size)).into()
}

pub fn shards() -> Vec<Line> {
    SIZES.map(|(nodes, size)| shard_restarts(nodes, size)).into()
}

/// From the opening of a store whose process was killed to a first visit and a first acknowledged write.
fn runtime_restarts(nodes: u64, size: &str) -> Line {
    let folder = tempfile::tempdir().unwrap();
    let runtime = stored::open(folder.path());
    block_on(stored::build(&runtime, nodes, DEGREE));
    drop(runtime);
    let killed = || kill_a_writer(folder.path());
    let by_hand = || {
        killed();
        timed(|| stored::touch_by_hand(folder.path())).1
    };
    let ours = || {
        killed();
        timed(|| {
            let runtime = stored::open(folder.path());
            block_on(async {
                let walk = runtime.spawn(First::default()).at(city(1)).await.unwrap();
                assert!(walk.finish().await.unwrap().at().is_some());
                rename(&runtime, 1).await;
            });
            runtime
        })
        .1
    };
    let (theirs, own) = in_turn(RUNS, by_hand, ours);
    let work = format!("restart after SIGKILL, {size} nodes (rival: LMDB)");
    Line::compared(work, theirs * 1e3, own * 1e3, "ms")
}

fn city(n: u64) -> Id {
    stored::id(Kind::Node, "City", n)
}

async fn rename(runtime: &Runtime, n: u64) {
    runtime.graph().update(city(n), |city: &mut City| city.name.push('+')).await.unwrap();
}

/// A process that writes all the time, ended by force once its first write was acknowledged.
fn kill_a_writer(folder: &Path) {
    let own = std::env::current_exe().unwrap();
    let mut child =
        Command::new(own).arg("restart-child").arg(folder).stdout(Stdio::piped()).spawn().unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    assert_eq!(line.trim(), "acknowledged");
    std::thread::sleep(Duration::from_millis(50));
    child.kill().unwrap();
    child.wait().unwrap();
}

/// Writes for ever.
pub fn child(folder: &Path) {
    let runtime = stored::open(folder);
    block_on(async {
        rename(&runtime, 0).await;
        println!("acknowledged");
        loop {
            for n in 0..1_000 {
                rename(&runtime, n).await;
            }
        }
    });
}

/// From the panic of the one shard to its next answer, with everything resident before.
fn shard_restarts(nodes: u64, size: &str) -> Line {
    let graph = MadeGraph::new(nodes, random);
    let store = Arc::new(Fragile { inner: graph.clone(), breaks: AtomicBool::new(false) });
    let config = Config::builder().workers_count(1).shards_count(1).cache_resident_bytes(8 << 30);
    let config = config.shard_restarts(1_000).shard_restarts_backoff_ms(0).build().unwrap();
    let runtime = Runtime::with_store(store.clone(), KeySource::system(), &config).unwrap();
    let mut times = Vec::new();
    for run in 1..=RUNS as u64 {
        walk_all(&runtime, &graph);
        store.breaks.store(true, SeqCst);
        let began = Instant::now();
        // Nobody has this id, so the store is asked.
        let outcome = block_on(async {
            runtime.spawn(First::default()).at(graph.id(nodes + run)).await.unwrap().finish().await
        });
        times.push(began.elapsed().as_secs_f64() * 1e3);
        assert!(matches!(outcome, Err(WalkError::UnknownStart { .. })), "{outcome:?}");
        assert_eq!(runtime.restarts(ActorKind::Shard), run);
    }
    let work = format!("restart of a shard, {size} resident nodes");
    // No budget; against what somebody who waits notices.
    Line { budget: f64::INFINITY, ..Line::bound(work, 100.0, median(&mut times), "ms") }
}

/// A store that panics in the shard that asks it, when told to.
#[derive(Debug)]
struct Fragile {
    inner: Arc<MadeGraph>,
    breaks: AtomicBool,
}

impl Store for Fragile {
    fn describe(&self) -> String {
        self.inner.describe()
    }

    /// So its calls are made in the shard, which is what is to panic.
    fn is_local(&self) -> bool {
        true
    }

    fn get_many<'a>(&'a self, ids: &'a [Id]) -> StoreFuture<'a, Vec<Option<Document>>> {
        self.inner.get_many(ids)
    }

    fn load<'a>(&'a self, ids: &'a [Id], need: Need) -> StoreFuture<'a, Loaded> {
        assert!(!self.breaks.swap(false, SeqCst), "told to panic");
        self.inner.load(ids, need)
    }

    fn find<'a>(&'a self, query: &'a Query) -> StoreFuture<'a, Vec<Document>> {
        self.inner.find(query)
    }

    fn count<'a>(&'a self, query: &'a Query) -> StoreFuture<'a, u64> {
        self.inner.count(query)
    }

    fn explain<'a>(&'a self, query: &'a Query) -> StoreFuture<'a, Explanation> {
        self.inner.explain(query)
    }

    fn scan<'a>(
        &'a self,
        kind: Kind,
        entity: Option<EntityName>,
        after: Option<&'a Id>,
        limit: usize,
    ) -> StoreFuture<'a, Page> {
        self.inner.scan(kind, entity, after, limit)
    }

    fn apply<'a>(&'a self, batches: &'a [WriteBatch]) -> StoreFuture<'a, Vec<Vec<WriteResult>>> {
        self.inner.apply(batches)
    }

    fn create_index<'a>(&'a self, index: &'a Index) -> StoreFuture<'a, ()> {
        self.inner.create_index(index)
    }

    fn drop_index<'a>(&'a self, kind: Kind, entity: EntityName, name: &'a str) -> StoreFuture<'a, bool> {
        self.inner.drop_index(kind, entity, name)
    }

    fn rename_index<'a>(
        &'a self,
        kind: Kind,
        entity: EntityName,
        from: &'a str,
        to: &'a str,
    ) -> StoreFuture<'a, bool> {
        self.inner.rename_index(kind, entity, from, to)
    }

    fn stats(&self) -> StoreFuture<'_, StoreStats> {
        self.inner.stats()
    }
}

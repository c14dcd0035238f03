//! Ten times more walks than there is room for: what is still done, and what memory that takes.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use wayfare::{Config, Error, KeySource, Runtime, WalkError};

use crate::made_graph::{MadeGraph, random};
use crate::measure::{Line, median, resident_bytes};
use crate::resident::{Everywhere, walk_all};

const NODES: u64 = 5_000;
const RUNS: usize = 3;
/// Walks alive at once, and as many clients at capacity.
const ROOM: usize = 32;
const WARM_UP: Duration = Duration::from_secs(1);
const MEASURED: Duration = Duration::from_secs(4);
/// How often arrivals are due.
const TICK: Duration = Duration::from_millis(2);

/// What clients met.
#[derive(Default)]
struct Tally {
    finished: AtomicU64,
    refused: AtomicU64,
    over: AtomicBool,
}

pub fn goodput() -> Vec<Line> {
    let graph = MadeGraph::new(NODES, random);
    let config = Config::builder().workers_count(1).workers_max_walks(ROOM).admission_queue(2 * ROOM);
    let config = config.admission_reserve_bytes(0).build().unwrap();
    let runtime = Runtime::with_store(graph.clone(), KeySource::system(), &config).unwrap();
    let visits = walk_all(&runtime, &graph).0.visits();
    let clients = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let (mut at_capacity, mut overloaded, mut grown) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..RUNS {
        let capacity = clients.block_on(closed(&runtime, &graph, visits)).finished;
        let seen = clients.block_on(open(&runtime, &graph, visits, 10.0 * capacity));
        let Seen { finished, refused, grown: bytes } = seen;
        assert!(refused > 8.0 * finished, "{finished} walks a second were done, only {refused} refused");
        at_capacity.push(1e6 / capacity);
        overloaded.push(1e6 / finished);
        grown.push(bytes / f64::from(1 << 20));
    }
    let work = "a walk at 10 x overload (rival: at capacity)";
    vec![
        Line::times(work, median(&mut at_capacity), median(&mut overloaded), 1.1, "us"),
        Line::bound("memory grown in 4 s of 10 x overload", 4.0, median(&mut grown), "MiB"),
    ]
}

/// Sends one walker; tells whether it was let in.
async fn client(runtime: &Runtime, graph: &MadeGraph, visits: u64) -> bool {
    match runtime.spawn(Everywhere::default()).at(graph.id(0)).await {
        Ok(walk) => {
            assert_eq!(walk.finish().await.unwrap().visits(), visits);
            true
        }
        Err(Error::Walk(WalkError::Overloaded { .. })) => false,
        Err(other) => panic!("{other}"),
    }
}

/// Walks a second when as many clients as there is room for send one after another.
async fn closed(runtime: &Runtime, graph: &Arc<MadeGraph>, visits: u64) -> Seen {
    let tally = Arc::new(Tally::default());
    let clients: Vec<_> = (0..ROOM)
        .map(|_| {
            let (runtime, graph, tally) = (runtime.clone(), Arc::clone(graph), Arc::clone(&tally));
            tokio::spawn(async move {
                while !tally.over.load(Relaxed) {
                    assert!(client(&runtime, &graph, visits).await, "there is room for all");
                    tally.finished.fetch_add(1, Relaxed);
                }
            })
        })
        .collect();
    let seen = watch(&tally).await;
    tally.over.store(true, Relaxed);
    for client in clients {
        client.await.unwrap();
    }
    seen
}

/// Walks a second that are done, and that are refused, when so many arrive whatever becomes of those before.
async fn open(runtime: &Runtime, graph: &Arc<MadeGraph>, visits: u64, arrivals: f64) -> Seen {
    let tally = Arc::new(Tally::default());
    let arriving = {
        let (runtime, graph, tally) = (runtime.clone(), Arc::clone(graph), Arc::clone(&tally));
        tokio::spawn(async move {
            let mut ticks = tokio::time::interval(TICK);
            let mut due = 0.0;
            while !tally.over.load(Relaxed) {
                ticks.tick().await;
                due += arrivals * TICK.as_secs_f64();
                while due >= 1.0 {
                    due -= 1.0;
                    let (runtime, graph, tally) = (runtime.clone(), Arc::clone(&graph), Arc::clone(&tally));
                    tokio::spawn(async move {
                        let counter = match client(&runtime, &graph, visits).await {
                            true => &tally.finished,
                            false => &tally.refused,
                        };
                        counter.fetch_add(1, Relaxed);
                    });
                }
            }
        })
    };
    let seen = watch(&tally).await;
    tally.over.store(true, Relaxed);
    arriving.await.unwrap();
    // Those that are still in come to their end before anything else is measured.
    while Arc::strong_count(&tally) > 1 {
        tokio::time::sleep(TICK).await;
    }
    seen
}

/// What was seen once things had settled.
struct Seen {
    /// Walks a second.
    finished: f64,
    refused: f64,
    /// Resident bytes that came.
    grown: f64,
}

async fn watch(tally: &Tally) -> Seen {
    let look = || [tally.finished.load(Relaxed), tally.refused.load(Relaxed), resident_bytes()];
    tokio::time::sleep(WARM_UP).await;
    let before = look();
    tokio::time::sleep(MEASURED).await;
    let after = look();
    let [finished, refused, grown] = std::array::from_fn(|at| after[at] as f64 - before[at] as f64);
    let seconds = MEASURED.as_secs_f64();
    Seen { finished: finished / seconds, refused: refused / seconds, grown }
}

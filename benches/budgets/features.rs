//! What features of walkers cost, each against the same walk without it or against a bound.

use std::time::Duration;

use futures_util::stream::{self, StreamExt};
use serde::{Deserialize, Serialize};
use wayfare::{
    Body, Config, Direction, Document, Ends, Here, Id, Kind, Runtime, Trail, Walk, Write, WriteBatch, edge,
    event, node, walker,
};

use crate::made_graph::{MadeGraph, chain};
use crate::measure::{Line, in_turn, timed};
use crate::resident::{Everywhere, block_on, runtime};
use crate::stored;

const RUNS: usize = 5;

/// A walk over everything, with and without a trail that keeps all of it. A trail knows the edges that were
/// crossed, so it reads them, which a walk without one does not.
pub fn trail() -> Vec<Line> {
    const NODES: u64 = 50_000;
    let folder = tempfile::tempdir().unwrap();
    let runtime = stored::open(folder.path());
    block_on(stored::build(&runtime, NODES, 8));
    let start = stored::id(Kind::Node, "City", 0);
    let walk = |trail: Trail| {
        timed(|| {
            block_on(async {
                let walk = runtime.spawn(Everywhere::default()).at(&start).trail(trail).await.unwrap();
                let visits = walk.finish().await.unwrap().visits();
                assert!(trail == Trail::Off || walk.trail().len() as u64 == visits);
                visits
            })
        })
    };
    // Nodes and edges are resident before anything is timed.
    let visits = walk(Trail::All).0;
    let (plain, all) = in_turn(RUNS, || walk(Trail::Off).1, || walk(Trail::All).1);
    let per_visit = |seconds: f64| seconds / visits as f64 * 1e9;
    let work = "trail of all, with edges (rival: off; no budget)";
    vec![Line::times(work, per_visit(plain), per_visit(all), f64::INFINITY, "ns")]
}

/// A walk whose visits are handed over to a thread for blocking work, one batch each, because no visit of a chain is known
/// before the one ahead of it was made.
pub fn blocking() -> Vec<Line> {
    const NODES: u64 = 20_000;
    let graph = MadeGraph::new(NODES, chain);
    let runtime = runtime(&graph, 1);
    let walk = |apart: bool| {
        timed(|| {
            block_on(async {
                let spawning = runtime.spawn(Everywhere::default()).at(graph.id(0));
                let walk = if apart { spawning.blocking() } else { spawning }.await.unwrap();
                assert_eq!(walk.finish().await.unwrap().visits(), NODES);
            })
        })
        .1
    };
    walk(false);
    let (plain, apart) = in_turn(RUNS, || walk(false), || walk(true));
    let per_visit = |seconds: f64| seconds / NODES as f64 * 1e6;
    vec![Line::compared(
        "blocking, a hand-over (rival: on the worker)",
        per_visit(plain),
        per_visit(apart),
        "us",
    )]
}

#[node]
pub struct Meter {
    count: u64,
}

#[edge]
pub struct Pipe {}

#[derive(Default, Serialize, Deserialize)]
struct Reader {
    visited: u64,
}

#[walker]
impl Reader {
    #[on_visit]
    fn meter(&mut self, here: &Here<Meter>, walk: &mut Walk) {
        self.visited += 1;
        here.update(|meter| meter.count += 1);
        walk.visit(here.out::<Pipe>());
    }
}

/// A walk that changes each of 10,000 nodes, with its state in the same commits and without.
pub fn durable() -> Vec<Line> {
    const NODES: usize = 10_000;
    let folder = tempfile::tempdir().unwrap();
    let config = Config::builder().store_url(format!("embedded:{}", folder.path().join("store").display()));
    let runtime = Runtime::start(&config.build().unwrap()).unwrap();
    let id = |n: usize| Id::node("Meter", &n.to_string()).unwrap();
    block_on(async {
        let graph = runtime.graph();
        let body = Body::encode(&Meter { count: 0 }).unwrap();
        let nodes =
            (0..NODES).map(|n| Write::Create { document: Document::new(id(n), body.clone()), multi: false });
        let edges = (1..NODES).map(|n| {
            let ends = Ends { source: id((n - 1) / 10), target: id(n), bidirectional: false };
            let document = Document::edge(graph.new_id(Kind::Edge, "Pipe").unwrap(), ends, Body::empty());
            Write::Create { document, multi: true }
        });
        let writes = nodes.chain(edges).collect();
        graph.write_batch(WriteBatch { writes, all_or_nothing: true }).await.unwrap();
    });
    let walk = |durable: bool| {
        let (visited, elapsed) = timed(|| {
            block_on(async {
                let mut spawning = runtime.spawn(Reader::default()).at(id(0));
                if durable {
                    spawning = spawning.durable(wayfare::Durable::default());
                }
                spawning.await.unwrap().finish().await.unwrap().visited
            })
        });
        assert_eq!(visited, NODES as u64);
        elapsed
    };
    let (plain, durable) = in_turn(RUNS, || walk(false), || walk(true));
    let per_visit = |seconds: f64| seconds / NODES as f64 * 1e6;
    vec![Line::times(
        "durable walk that writes (rival: not; no budget)",
        per_visit(plain),
        per_visit(durable),
        f64::INFINITY,
        "us",
    )]
}

#[derive(Default)]
struct Caller {
    answers: u64,
}

#[walker(max_workers = 64)]
impl Caller {
    #[on_visit]
    async fn call(&self, here: &Here<'_>, walk: &mut Walk) -> u64 {
        if walk.depth() == 0 {
            walk.visit(here.neighbours(Direction::Out));
            return 0;
        }
        tokio::time::sleep(Duration::from_millis(1)).await;
        1
    }

    #[on_merge]
    fn answered(&mut self, answer: u64) {
        self.answers += answer;
    }
}

/// The first node leads to all others.
fn star(nodes: u64, n: u64) -> Vec<u64> {
    (1..if n == 0 { nodes } else { 1 }).collect()
}

/// A thousand calls of a millisecond each, 64 at a time. The rival is a stream that keeps as many in flight.
pub fn parallel() -> Vec<Line> {
    let graph = MadeGraph::new(1_001, star);
    let runtime = runtime(&graph, 2);
    let ours = || {
        let (answers, elapsed) = timed(|| {
            block_on(async {
                runtime
                    .spawn(Caller::default())
                    .at(graph.id(0))
                    .await
                    .unwrap()
                    .finish()
                    .await
                    .unwrap()
                    .answers
            })
        });
        assert_eq!(answers, 1_000);
        elapsed
    };
    let rival = || {
        let (answers, elapsed) = timed(|| {
            block_on(async {
                let calls = stream::iter(0..1_000).map(async |_| {
                    tokio::time::sleep(Duration::from_millis(1)).await;
                    1_u64
                });
                calls.buffer_unordered(64).fold(0, async |sum, answer| sum + answer).await
            })
        });
        assert_eq!(answers, 1_000);
        elapsed
    };
    ours();
    let (theirs, own) = in_turn(2 * RUNS, rival, ours);
    let each = |seconds: f64| seconds * 1e3;
    vec![Line::times("1,000 hooks of 1 ms, 64 in flight", each(theirs), each(own), 1.3, "ms")]
}

#[event]
#[derive(Clone)]
struct Tick {
    number: u64,
}

/// Events from one thread to one subscriber, beside the channel they run over.
pub fn events() -> Vec<Line> {
    const EVENTS: u64 = 200_000;
    let graph = MadeGraph::new(10, chain);
    let runtime = runtime(&graph, 1);
    let ours = || {
        timed(|| {
            block_on(async {
                let mut ticks = runtime.subscribe::<Tick>();
                for number in 0..EVENTS {
                    assert_eq!(runtime.publish(Tick { number }), 1);
                    let tick = ticks.next().await.unwrap().unwrap();
                    assert_eq!(tick.get::<Tick>().unwrap().number, number);
                }
            });
        })
        .1
    };
    let rival = || {
        timed(|| {
            block_on(async {
                let (tx, mut rx) = tokio::sync::broadcast::channel::<std::sync::Arc<Tick>>(1_024);
                for number in 0..EVENTS {
                    assert_eq!(tx.send(std::sync::Arc::new(Tick { number })).unwrap_or(0), 1);
                    assert_eq!(rx.recv().await.unwrap().number, number);
                }
            });
        })
        .1
    };
    let (theirs, own) = in_turn(RUNS, rival, ours);
    let each = |seconds: f64| seconds / EVENTS as f64 * 1e9;
    let work = "event to a subscriber (rival: tokio; no budget)";
    vec![Line::times(work, each(theirs), each(own), f64::INFINITY, "ns")]
}

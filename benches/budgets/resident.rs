//! Budgets over a resident graph.

use std::hint::black_box;
use std::sync::Arc;
use std::time::Duration;

use wayfare::{Config, Here, KeySource, Random, Runtime, Unique, Walk, WalkOptions, walker};

use crate::made_graph::{MadeGraph, Shape};
use crate::measure::{Line, in_turn, median, timed};
use crate::{City, Road};

const NODES: u64 = 1_000_000;
const DEGREE: u64 = 8;
const RUNS: usize = 5;

/// The textbook loop: compressed sparse rows, a bitmap, a queue.
pub struct Rows {
    starts: Vec<u32>,
    targets: Vec<u32>,
    pub payload: Vec<City>,
}

impl Rows {
    pub fn of(graph: &MadeGraph) -> Self {
        let (mut starts, mut targets, mut payload) = (vec![0], Vec::new(), Vec::new());
        for n in 0..graph.nodes {
            targets.extend(graph.neighbours(n).into_iter().map(|n| n as u32));
            starts.push(targets.len() as u32);
            payload.push(graph.payload(n));
        }
        Self { starts, targets, payload }
    }

    fn neighbours(&self, node: u32) -> &[u32] {
        &self.targets[self.starts[node as usize] as usize..self.starts[node as usize + 1] as usize]
    }

    fn breadth_first(&self) -> (u64, u64) {
        let mut seen = vec![0_u64; self.payload.len() / 64 + 1];
        let mut queue = std::collections::VecDeque::from([(0_u32, 0_u32)]);
        seen[0] = 1;
        let (mut visits, mut bytes) = (0, 0);
        while let Some((node, depth)) = queue.pop_front() {
            visits += 1;
            bytes += read(&self.payload[node as usize]);
            for &next in self.neighbours(node) {
                let (word, bit) = (next as usize / 64, 1 << (next % 64));
                if seen[word] & bit == 0 {
                    seen[word] |= bit;
                    queue.push_back((next, depth + 1));
                }
            }
        }
        (visits, bytes)
    }

    fn random_walk(&self, number: u64, steps: u32) -> u64 {
        let mut random = Random::stream(7, number);
        let mut node = 0;
        let mut bytes = read(&self.payload[0]);
        for _ in 0..steps {
            let neighbours = self.neighbours(node);
            node = neighbours[random.below(neighbours.len() as u64) as usize];
            bytes += read(&self.payload[node as usize]);
        }
        bytes
    }
}

/// Reads the payload where it lies: the string's own memory, not only its length.
fn read(city: &City) -> u64 {
    u64::from(city.name.as_bytes()[city.name.len() - 1])
}

#[derive(Default)]
pub struct Everywhere {
    visits: u64,
    bytes: u64,
}

impl Everywhere {
    pub fn visits(&self) -> u64 {
        self.visits
    }
}

#[walker]
impl Everywhere {
    #[on_visit]
    fn city(&mut self, here: &Here<City>, walk: &mut Walk) {
        self.visits += 1;
        self.bytes += read(here);
        walk.visit(here.out::<Road>());
    }
}

#[derive(Default)]
struct EverywhereAsync {
    visits: u64,
    bytes: u64,
}

#[walker]
impl EverywhereAsync {
    #[on_visit]
    async fn city(&mut self, here: &Here<'_, City>, walk: &mut Walk) {
        self.visits += 1;
        self.bytes += read(here);
        walk.visit(here.out::<Road>());
    }
}

struct Wander {
    random: Random,
    steps: u32,
    bytes: u64,
}

fn may_return(_: &Wander) -> WalkOptions {
    WalkOptions::default().unique(Unique::None)
}

#[walker(options = may_return)]
impl Wander {
    #[on_visit]
    fn city(&mut self, here: &Here<City>, walk: &mut Walk) {
        self.bytes += read(here);
        if walk.depth() < self.steps {
            walk.visit(here.out::<Road>().one_of(&mut self.random));
        }
    }
}

pub fn runtime(graph: &Arc<MadeGraph>, workers: usize) -> Runtime {
    let config = Config::builder().workers_count(workers).cache_resident_bytes(8 << 30).build().unwrap();
    Runtime::with_store(graph.clone(), KeySource::system(), &config).unwrap()
}

pub fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(future)
}

pub fn walk_all(runtime: &Runtime, graph: &MadeGraph) -> (Everywhere, Duration) {
    let (walker, elapsed) = timed(|| {
        block_on(async {
            let walk = runtime.spawn(Everywhere::default()).at(graph.id(0)).await.unwrap();
            walk.finish().await.unwrap()
        })
    });
    (walker, elapsed)
}

pub fn breadth_first() -> Vec<Line> {
    let graph = MadeGraph::new(NODES, Shape::Random { degree: DEGREE });
    let rows = Rows::of(&graph);
    let (reached, bytes) = rows.breadth_first();
    let per_visit = |seconds: f64| seconds / reached as f64 * 1e9;
    let rival = || timed(|| black_box(rows.breadth_first())).1;
    let mut lines = Vec::new();
    for (workers, work, budget) in
        [(1, "breadth-first, 1 M nodes, 8 M edges", 1.0), (2, "breadth-first, 2 workers", 0.6)]
    {
        let runtime = runtime(&graph, workers);
        let (warm, _) = walk_all(&runtime, &graph);
        assert_eq!((warm.visits, warm.bytes), (reached, bytes), "both must do the same work");
        let (theirs, own) = in_turn(RUNS, rival, || walk_all(&runtime, &graph).1);
        lines.push(Line::times(work, per_visit(theirs), per_visit(own), budget, "ns"));
        if workers == 1 {
            lines.push(async_hook(&runtime, &graph, reached));
        }
    }
    lines
}

fn async_hook(runtime: &Runtime, graph: &MadeGraph, reached: u64) -> Line {
    let (sync, ready) = in_turn(
        RUNS,
        || walk_all(runtime, graph).1,
        || {
            let (walker, elapsed) = timed(|| {
                block_on(async {
                    let walk = runtime.spawn(EverywhereAsync::default()).at(graph.id(0)).await.unwrap();
                    walk.finish().await.unwrap()
                })
            });
            assert_eq!((walker.visits, walker.bytes > 0), (reached, true));
            elapsed
        },
    );
    let per_visit = |seconds: f64| seconds / reached as f64 * 1e9;
    Line::times("the same, async hook (rival: sync hook)", per_visit(sync), per_visit(ready), 1.2, "ns")
}

pub fn chain() -> Vec<Line> {
    let graph = MadeGraph::new(100_000, Shape::Chain);
    let runtime = runtime(&graph, 1);
    walk_all(&runtime, &graph);
    let mut times: Vec<f64> = (0..RUNS).map(|_| walk_all(&runtime, &graph).1.as_secs_f64()).collect();
    let per_visit = median(&mut times) / graph.nodes as f64 * 1e6;
    vec![Line::bound("chain of 100 k nodes, a visit", 1.0, per_visit, "us")]
}

pub fn walkers() -> Vec<Line> {
    const WALKERS: u64 = 10_000;
    const STEPS: u32 = 100;
    let graph = MadeGraph::new(NODES, Shape::Random { degree: DEGREE });
    let rows = Rows::of(&graph);
    let runtime = runtime(&graph, 1);
    walk_all(&runtime, &graph);
    let expected: u64 = (0..WALKERS).map(|number| rows.random_walk(number, STEPS)).sum();
    let (theirs, own) = in_turn(
        RUNS,
        || timed(|| black_box((0..WALKERS).map(|number| rows.random_walk(number, STEPS)).sum::<u64>())).1,
        || {
            let (sum, elapsed) = timed(|| {
                block_on(async {
                    let mut walks = Vec::with_capacity(WALKERS as usize);
                    for number in 0..WALKERS {
                        let walker = Wander { random: Random::stream(7, number), steps: STEPS, bytes: 0 };
                        walks.push(runtime.spawn(walker).at(graph.id(0)).await.unwrap());
                    }
                    let mut sum = 0;
                    for walk in walks {
                        sum += walk.finish().await.unwrap().bytes;
                    }
                    sum
                })
            });
            assert_eq!(sum, expected, "both must go the same ways");
            elapsed
        },
    );
    let per_step = |seconds: f64| seconds / (WALKERS * u64::from(STEPS)) as f64 * 1e9;
    vec![Line::times(
        "10,000 walkers of 100 random steps, a step",
        per_step(theirs),
        per_step(own),
        1.0,
        "ns",
    )]
}

/// Notes when its only visit was.
#[derive(Default)]
pub struct First(Option<std::time::Instant>);

#[walker]
impl First {
    #[on_visit]
    fn city(&mut self, _here: &Here<City>) {
        self.0 = Some(std::time::Instant::now());
    }
}

pub fn spawn() -> Vec<Line> {
    let graph = MadeGraph::new(10, Shape::Chain);
    let runtime = runtime(&graph, 1);
    walk_all(&runtime, &graph);
    let mut times = block_on(async {
        let mut times = Vec::new();
        for _ in 0..1_000 {
            let start = std::time::Instant::now();
            let walk = runtime.spawn(First(None)).at(graph.id(0)).await.unwrap();
            let first = walk.finish().await.unwrap().0.unwrap();
            times.push((first - start).as_secs_f64() * 1e6);
            // The runtime is idle when the next one comes: its threads sleep again.
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        times
    });
    vec![Line::bound("spawn to first visit, idle, median", 50.0, median(&mut times), "us")]
}

//! The resident set of a graph that is larger than memory: how much of it is found there, and what that costs.

use std::sync::Arc;
use std::time::Duration;

use wayfare::{Config, KeySource, Random, Runtime};

use crate::made_graph::{MadeGraph, random};
use crate::measure::{Line, timed};
use crate::resident::{Everywhere, First, block_on};
use crate::trace::{Lru, zipf};

const NODES: u64 = 100_000;

/// Visits of a trace of single visits.
const READS: usize = 200_000;

/// Walks of one visit that are under way at once: their share of waiting for threads is not what is measured.
const AT_ONCE: usize = 64;

/// A runtime that may keep so many bytes.
fn runtime(graph: &Arc<MadeGraph>, bytes: u64) -> Runtime {
    let config = Config::builder().workers_count(1).cache_resident_bytes(bytes).build().unwrap();
    Runtime::with_store(graph.clone(), KeySource::system(), &config).unwrap()
}

fn walk_all(runtime: &Runtime, graph: &MadeGraph) -> (u64, Duration) {
    timed(|| {
        block_on(async {
            let walk = runtime.spawn(Everywhere::default()).at(graph.id(0)).await.unwrap();
            walk.finish().await.unwrap().visits()
        })
    })
}

/// Hits and misses since the start.
fn figures(runtime: &Runtime) -> (u64, u64) {
    let total = block_on(runtime.resident_figures()).total();
    (total.hits, total.misses)
}

/// The bytes and the number of records of the whole graph in memory.
fn whole(graph: &Arc<MadeGraph>) -> (u64, u64) {
    let runtime = runtime(graph, 8 << 30);
    walk_all(&runtime, graph);
    let total = block_on(runtime.resident_figures()).total();
    (total.bytes, total.records)
}

pub fn lines() -> Vec<Line> {
    let graph = MadeGraph::new(NODES, random);
    let (bytes, records) = whole(&graph);
    let mut lines = Vec::new();
    for (part, hit, speed) in [
        (10, "breadth-first again, memory for 10 %, hits", "the same, a visit"),
        (50, "breadth-first again, memory for 50 %, hits", "the same, a visit"),
        (110, "breadth-first again, memory for 100 %, hits", "the same, a visit"),
    ] {
        // Of the last, a tenth more: a part of the bound is left free.
        lines.extend(again(&graph, bytes * part / 100, records, [hit, speed]));
    }
    let room = (records / 10) as usize;
    let mut random = Random::new(5);
    let reads: Vec<u32> = (0..READS).map(|_| zipf(&mut random, records)).collect();
    for (scans, name) in
        [(0, "Zipf visits, memory for 10 %, misses"), (10, "the same with 10 full walks between, misses")]
    {
        let trace = Trace { reads: reads.clone(), scans };
        lines.extend(zipf_lines(&graph, bytes / 10, room, &trace, name));
    }
    lines
}

/// The rival is the part of the graph that is resident at the end: with the same records kept for ever, a walk finds as
/// much, and more cannot be.
fn again(graph: &Arc<MadeGraph>, bound: u64, records: u64, names: [&'static str; 2]) -> Vec<Line> {
    const WALKS: u64 = 5;
    let runtime = runtime(graph, bound);
    assert_eq!(walk_all(&runtime, graph).0, records);
    let (before, _) = figures(&runtime);
    let mut elapsed = Duration::ZERO;
    for _ in 0..WALKS {
        elapsed += walk_all(&runtime, graph).1;
    }
    let walked = (WALKS * records) as f64;
    let hits = (figures(&runtime).0 - before) as f64 / walked * 100.0;
    let fits = block_on(runtime.resident_figures()).total().records as f64 / records as f64 * 100.0;
    let per_visit = elapsed.as_secs_f64() / walked * 1e9;
    eprintln!("# {bound} bytes: {:.2} M visits a second", walked / elapsed.as_secs_f64() / 1e6);
    let rate = Line::compared(names[0], fits, hits, "%");
    // Against the budget of a visit of resident nodes.
    let cost = Line { budget: f64::INFINITY, ..Line::bound(names[1], 400.0, per_visit, "ns") };
    vec![rate, cost]
}

struct Trace {
    reads: Vec<u32>,
    /// Walks over everything, spread over the reads.
    scans: usize,
}

impl Trace {
    /// The reads between one scan and the next.
    fn parts(&self) -> impl Iterator<Item = &[u32]> {
        self.reads.chunks(self.reads.len() / self.scans.max(1))
    }
}

/// Misses of the reads alone, which are what a scan spoils, against an LRU list for as many records.
fn zipf_lines(
    graph: &Arc<MadeGraph>,
    bound: u64,
    room: usize,
    trace: &Trace,
    name: &'static str,
) -> Vec<Line> {
    let runtime = runtime(graph, bound);
    let (mut misses, mut elapsed) = (0, Duration::ZERO);
    for part in trace.parts() {
        let before = figures(&runtime).1;
        elapsed += timed(|| read_all(&runtime, graph, part)).1;
        misses += figures(&runtime).1 - before;
        if trace.scans > 0 {
            walk_all(&runtime, graph);
        }
    }
    let percent = |misses: f64| misses / trace.reads.len() as f64 * 100.0;
    let reads = trace.reads.len() as f64;
    eprintln!("# {name}: {:.0} visits a second", reads / elapsed.as_secs_f64());
    vec![Line::compared(
        name,
        percent(lru_misses(room, graph.nodes, trace) as f64),
        percent(misses as f64),
        "%",
    )]
}

fn read_all(runtime: &Runtime, graph: &MadeGraph, reads: &[u32]) {
    block_on(async {
        for together in reads.chunks(AT_ONCE) {
            let mut walks = Vec::with_capacity(AT_ONCE);
            for &read in together {
                walks.push(runtime.spawn(First::default()).at(graph.id(place_of(read))).await.unwrap());
            }
            for walk in walks {
                walk.finish().await.unwrap();
            }
        }
    });
}

/// The node of a rank: what is read often is spread over the graph.
fn place_of(rank: u32) -> u64 {
    // Odd and no multiple of five, so that no two ranks share a node.
    u64::from(rank) * 77_773 % NODES
}

/// What a plain LRU list would miss of the reads, the scans going in the order of the nodes.
fn lru_misses(room: usize, nodes: u64, trace: &Trace) -> u64 {
    let mut list = Lru::with_room(room);
    let mut misses = 0;
    for part in trace.parts() {
        misses += part.iter().filter(|&&rank| !list.read(place_of(rank))).count() as u64;
        if trace.scans > 0 {
            (0..nodes).for_each(|node| {
                list.read(node);
            });
        }
    }
    misses
}

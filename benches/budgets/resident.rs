//! Budgets over a resident graph, at the sizes of the design; `wayfare bench` measures them at any.

use std::sync::Arc;
use std::time::Duration;

use wayfare::Runtime;

use crate::made_graph::MadeGraph;
use crate::measure::Line;
use crate::over_resident::{self, wait_for, walk_everywhere};

pub use crate::walkers::{Everywhere, First};

const NODES: u64 = 1_000_000;
const RUNS: usize = 5;

pub fn runtime(graph: &Arc<MadeGraph>, workers: usize) -> Runtime {
    over_resident::start(graph, workers).unwrap()
}

pub fn block_on<T>(future: impl Future<Output = T>) -> T {
    wait_for(future).unwrap()
}

pub fn walk_all(runtime: &Runtime, graph: &MadeGraph) -> (Everywhere, Duration) {
    walk_everywhere(runtime, graph).unwrap()
}

pub fn breadth_first() -> Vec<Line> {
    over_resident::breadth_first(NODES, RUNS).unwrap()
}

pub fn chain() -> Vec<Line> {
    vec![over_resident::chain_of(100_000, RUNS).unwrap()]
}

pub fn walkers() -> Vec<Line> {
    vec![over_resident::many_walkers(NODES, 10_000, RUNS).unwrap()]
}

pub fn spawn() -> Vec<Line> {
    vec![over_resident::spawn_to_visit(1_000).unwrap()]
}

//! Budgets over a resident graph. `benches/budgets` measures them with this file too, at the sizes of the design.

use std::hint::black_box;
use std::sync::Arc;
use std::time::{Duration, Instant};

use wayfare::__private::{BenchError, BenchLine};
use wayfare::{Config, Error, KeySource, Result, Runtime};

use super::made_graph::{DEGREE, MadeGraph, chain, random};
use super::rows::Rows;
use super::timing::{both_in_turn, median, short, timed};
use super::walkers::{Everywhere, EverywhereAsync, First, Wander};

/// A runtime on a graph that is all in its memory.
///
/// # Errors
/// As [`Runtime::with_store`].
pub fn start(graph: &Arc<MadeGraph>, workers: usize) -> Result<Runtime> {
    let config = Config::builder().workers_count(workers).cache_resident_bytes(8 << 30).build()?;
    Runtime::with_store(graph.clone(), KeySource::system(), &config)
}

/// Waits for something on this thread.
///
/// # Errors
/// When the system has no room for what waiting takes.
pub fn wait_for<T>(future: impl Future<Output = T>) -> std::io::Result<T> {
    Ok(tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(future))
}

/// Sends [`Everywhere`] from the first node, and says how long it took.
///
/// # Errors
/// As a walk.
pub fn walk_everywhere(runtime: &Runtime, graph: &MadeGraph) -> Result<(Everywhere, Duration), BenchError> {
    let (walked, elapsed) = timed(|| {
        wait_for(async {
            let walk = runtime.spawn(Everywhere::default()).at(graph.id(0)).await?;
            Ok::<_, Error>(walk.finish().await?)
        })
    });
    Ok((walked??, elapsed))
}

/// Everything from one node, by one worker, by hooks that could wait, and by two workers.
///
/// # Errors
/// When the runtime does not do what its rival does.
pub fn breadth_first(nodes: u64, runs: usize) -> Result<Vec<BenchLine>, BenchError> {
    let graph = MadeGraph::new(nodes, random);
    let rows = Rows::of(&graph);
    let expected = rows.breadth_first();
    let per_visit = |seconds: f64| seconds / expected.0 as f64 * 1e9;
    let rival = || Ok(timed(|| black_box(rows.breadth_first())).1);
    let size = format!("breadth-first, {} nodes, {} edges", short(nodes), short(nodes * DEGREE));
    let mut lines = Vec::new();
    for (workers, work, budget) in [(1, size, 1.0), (2, "breadth-first, 2 workers".to_owned(), 0.6)] {
        let runtime = start(&graph, workers)?;
        let (warm, _) = walk_everywhere(&runtime, &graph)?;
        BenchError::unless_equal("breadth-first", &warm.result(), &expected)?;
        let (theirs, own) = both_in_turn(runs, rival, || Ok(walk_everywhere(&runtime, &graph)?.1))?;
        lines.push(BenchLine::times(work, per_visit(theirs), per_visit(own), budget, "ns"));
        if workers == 1 {
            let (sync, ready) = async_hook(&runtime, &graph, expected, runs)?;
            let work = "the same, async hook (rival: sync hook)";
            lines.push(BenchLine::times(work, per_visit(sync), per_visit(ready), 1.2, "ns"));
        }
    }
    Ok(lines)
}

fn async_hook(
    runtime: &Runtime,
    graph: &MadeGraph,
    expected: (u64, u64),
    runs: usize,
) -> Result<(f64, f64), BenchError> {
    let ready = || {
        let (walked, elapsed) = timed(|| {
            wait_for(async {
                let walk = runtime.spawn(EverywhereAsync::default()).at(graph.id(0)).await?;
                Ok::<_, Error>(walk.finish().await?)
            })
        });
        BenchError::unless_equal("async hook", &walked??.result(), &expected)?;
        Ok(elapsed)
    };
    both_in_turn(runs, || Ok(walk_everywhere(runtime, graph)?.1), ready)
}

/// Nodes of which each leads to the next, so that no visit is known before the one ahead of it was made.
///
/// # Errors
/// As a walk.
pub fn chain_of(nodes: u64, runs: usize) -> Result<BenchLine, BenchError> {
    let graph = MadeGraph::new(nodes, chain);
    let runtime = start(&graph, 1)?;
    let (warm, _) = walk_everywhere(&runtime, &graph)?;
    BenchError::unless_equal("chain", &warm.visits(), &nodes)?;
    let mut times = Vec::new();
    for _ in 0..runs {
        times.push(walk_everywhere(&runtime, &graph)?.1.as_secs_f64());
    }
    let per_visit = median(&mut times) / nodes as f64 * 1e6;
    Ok(BenchLine::bound(format!("chain of {} nodes, a visit", short(nodes)), 1.0, per_visit, "us"))
}

/// Many walkers at the same time, each with a way of its own.
///
/// # Errors
/// When the walkers do not go the ways of the loop.
pub fn many_walkers(nodes: u64, walkers: u64, runs: usize) -> Result<BenchLine, BenchError> {
    const STEPS: u32 = 100;
    let graph = MadeGraph::new(nodes, random);
    let rows = Rows::of(&graph);
    let runtime = start(&graph, 1)?;
    walk_everywhere(&runtime, &graph)?;
    let by_hand = || (0..walkers).map(|number| rows.random_walk(number, STEPS)).sum::<u64>();
    let expected = by_hand();
    let ours = || {
        let (sum, elapsed) = timed(|| wait_for(wander(&runtime, &graph, walkers, STEPS)));
        BenchError::unless_equal("walkers", &sum??, &expected)?;
        Ok(elapsed)
    };
    let (theirs, own) = both_in_turn(runs, || Ok(timed(|| black_box(by_hand())).1), ours)?;
    let per_step = |seconds: f64| seconds / (walkers * u64::from(STEPS)) as f64 * 1e9;
    let work = format!("{} walkers of {STEPS} random steps, a step", short(walkers));
    Ok(BenchLine::times(work, per_step(theirs), per_step(own), 1.0, "ns"))
}

async fn wander(runtime: &Runtime, graph: &MadeGraph, walkers: u64, steps: u32) -> Result<u64> {
    let mut walks = Vec::new();
    for number in 0..walkers {
        walks.push(runtime.spawn(Wander::new(number, steps)).at(graph.id(0)).await?);
    }
    let mut sum = 0;
    for walk in walks {
        sum += walk.finish().await?.bytes();
    }
    Ok(sum)
}

/// Spawns one walk after another on a runtime that is idle.
///
/// # Errors
/// As a walk.
pub fn spawn_to_visit(spawns: usize) -> Result<BenchLine, BenchError> {
    let graph = MadeGraph::new(10, chain);
    let runtime = start(&graph, 1)?;
    walk_everywhere(&runtime, &graph)?;
    let spawn = async || -> Result<Vec<f64>, BenchError> {
        let mut times = Vec::new();
        for _ in 0..spawns {
            let begun = Instant::now();
            let walk = runtime.spawn(First::default()).at(graph.id(0)).await?;
            let visited = walk.finish().await.map_err(Error::from)?.at();
            BenchError::unless_equal("spawn", &visited.is_some(), &true)?;
            times.extend(visited.map(|visited| (visited - begun).as_secs_f64() * 1e6));
            // The runtime is idle when the next one comes: its threads sleep again.
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        Ok(times)
    };
    let mut times = wait_for(spawn())??;
    Ok(BenchLine::bound("spawn to first visit, idle, median", 50.0, median(&mut times), "us"))
}

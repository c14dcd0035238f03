//! Memory, measured as the resident bytes of a process of its own.

use std::process::Command;

use petgraph::graph::DiGraph;
use wayfare::{Here, Random, Unique, Walk, WalkOptions, walker};

use crate::made_graph::{MadeGraph, random};
use crate::measure::{Line, resident_bytes};
use crate::resident::{Everywhere, block_on, runtime};
use crate::{City, Road};

const NODES: u64 = 1_000_000;
const WALKERS: u64 = 50_000;
const PAUSED: u64 = 100_000;

pub fn lines() -> Vec<Line> {
    let per_node = |what| in_child(what) / NODES as f64;
    let (theirs, own) = (per_node("petgraph"), per_node("ours"));
    vec![Line::times("memory, 1 M nodes, 8 M edges, a node", theirs, own, 1.6, "B")]
}

pub fn walker() -> Vec<Line> {
    vec![Line::bound("memory of a live walker", 2_048.0, in_child("walkers") / WALKERS as f64, "B")]
}

pub fn paused() -> Vec<Line> {
    let bytes = in_child("paused") / PAUSED as f64;
    // Against the budget of a live walker, which has nothing in its queue.
    let line = Line::bound("paused walker, of 100,000 (no budget)", 2_048.0, bytes, "B");
    vec![Line { budget: f64::INFINITY, ..line }]
}

fn in_child(what: &str) -> f64 {
    let own = std::env::current_exe().unwrap();
    let output = Command::new(own).args(["memory-child", what]).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().trim().parse().unwrap()
}

/// Prints how many bytes a thing takes.
pub fn child(what: &str) {
    let graph = MadeGraph::new(NODES, random);
    let grown = match what {
        "petgraph" => {
            let before = resident_bytes();
            let mut theirs: DiGraph<City, ()> = DiGraph::new();
            let nodes: Vec<_> = (0..NODES).map(|n| theirs.add_node(graph.payload(n))).collect();
            for n in 0..NODES {
                for other in graph.neighbours(n) {
                    theirs.add_edge(nodes[n as usize], nodes[other as usize], ());
                }
            }
            drop(nodes);
            let grown = resident_bytes() - before;
            assert_eq!(theirs.edge_count() as u64, NODES * 8);
            grown
        }
        "ours" => {
            let runtime = runtime(&graph, 1);
            let before = resident_bytes();
            block_on(async {
                runtime.spawn(Everywhere::default()).at(graph.id(0)).await.unwrap().finish().await.unwrap()
            });
            let grown = resident_bytes() - before;
            let records: u64 =
                block_on(runtime.handle().shard_figures()).iter().map(|shard| shard.records).sum();
            assert!(records > NODES * 99 / 100, "{records} resident");
            grown
        }
        "walkers" => {
            let runtime = runtime(&graph, 1);
            block_on(async {
                // The graph around the start is resident before anything is weighed.
                for _ in 0..100 {
                    runtime
                        .spawn(Wanderer::new(1_000))
                        .at(graph.id(0))
                        .await
                        .unwrap()
                        .finish()
                        .await
                        .unwrap();
                }
                let before = resident_bytes();
                let mut walks = Vec::with_capacity(WALKERS as usize);
                for _ in 0..WALKERS {
                    walks.push(runtime.spawn(Wanderer::new(u32::MAX)).at(graph.id(0)).await.unwrap());
                }
                // All are hosted and under way: each has made its first steps.
                while walks.last().unwrap().inspect().await.is_none_or(|walk| walk["profile"]["visits"] == 0)
                {
                    tokio::time::sleep(std::time::Duration::from_millis(50)).await;
                }
                let grown = resident_bytes() - before;
                walks.iter().for_each(wayfare::Walking::cancel);
                grown
            })
        }
        "paused" => {
            let runtime = runtime(&graph, 1);
            block_on(async {
                let before = resident_bytes();
                let mut walks = Vec::with_capacity(PAUSED as usize);
                for _ in 0..PAUSED {
                    walks.push(runtime.spawn(Sleeper::default()).at(graph.id(0)).await.unwrap());
                }
                while walks.last().unwrap().inspect().await.is_none_or(|walk| walk["waiting_for"] != "resume")
                {
                    tokio::time::sleep(std::time::Duration::from_millis(50)).await;
                }
                let grown = resident_bytes() - before;
                walks.iter().for_each(wayfare::Walking::cancel);
                grown
            })
        }
        other => panic!("nothing is called `{other}`"),
    };
    println!("{grown}");
}

/// A random walker that stays among a few nodes, so that what grows is walkers and not the graph.
struct Wanderer {
    random: Random,
    steps: u32,
}

impl Wanderer {
    fn new(steps: u32) -> Self {
        Self { random: Random::new(7), steps }
    }
}

fn may_return(_: &Wanderer) -> WalkOptions {
    WalkOptions::default().unique(Unique::None)
}

#[walker(options = may_return)]
impl Wanderer {
    #[on_visit]
    fn city(&mut self, here: &Here<City>, walk: &mut Walk) {
        if walk.depth() < self.steps {
            walk.visit(here.out::<Road>().one_of(&mut self.random));
        }
    }
}

/// Pauses at its start, with its next steps in the queue.
#[derive(Default)]
struct Sleeper {
    visits: u64,
}

#[walker]
impl Sleeper {
    #[on_visit]
    fn city(&mut self, here: &Here<City>, walk: &mut Walk) {
        self.visits += 1;
        walk.visit(here.out::<Road>());
        walk.pause();
    }
}

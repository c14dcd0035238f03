//! Memory, measured as the resident bytes of a process of its own.

use std::process::Command;

use petgraph::graph::DiGraph;
use wayfare::{Here, Unique, Walk, WalkOptions, walker};

use crate::made_graph::{MadeGraph, Shape};
use crate::measure::{Line, resident_bytes};
use crate::resident::{Everywhere, block_on, runtime};
use crate::City;

const NODES: u64 = 1_000_000;
const SHAPE: Shape = Shape::Random { degree: 8 };
const WALKERS: u64 = 100_000;

pub fn lines() -> Vec<Line> {
    let per_node = |what| in_child(what) / NODES as f64;
    let (theirs, own) = (per_node("petgraph"), per_node("ours"));
    vec![Line::times("memory, 1 M nodes, 8 M edges, a node", theirs, own, 1.6, "B")]
}

pub fn walker() -> Vec<Line> {
    vec![Line::bound("memory of a live walker", 2_048.0, in_child("walkers") / WALKERS as f64, "B")]
}

fn in_child(what: &str) -> f64 {
    let own = std::env::current_exe().unwrap();
    let output = Command::new(own).args(["memory-child", what]).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().trim().parse().unwrap()
}

/// Prints how many bytes a thing takes.
pub fn child(what: &str) {
    let graph = MadeGraph::new(NODES, SHAPE);
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
            let records: u64 = block_on(runtime.handle().shard_figures()).iter().map(|shard| shard.records).sum();
            assert!(records > NODES * 99 / 100, "{records} resident");
            grown
        }
        "walkers" => {
            let runtime = runtime(&graph, 1);
            block_on(async {
                // The machinery is warm before it is weighed.
                runtime.spawn(Waiting).at(graph.id(0)).await.unwrap().cancel();
                let before = resident_bytes();
                let mut walks = Vec::with_capacity(WALKERS as usize);
                for n in 0..WALKERS {
                    walks.push(runtime.spawn(Waiting).at(graph.id(n % 100)).await.unwrap());
                }
                while runtime.handle().walks().await.iter().any(|walk| walk["waiting_for"] != "hook") {
                    tokio::time::sleep(std::time::Duration::from_millis(50)).await;
                }
                resident_bytes() - before
            })
        }
        other => panic!("nothing is called `{other}`"),
    };
    println!("{grown}");
}

struct Waiting;

fn may_return(_: &Waiting) -> WalkOptions {
    WalkOptions::default().unique(Unique::None)
}

#[walker(options = may_return)]
impl Waiting {
    #[on_visit]
    async fn city(&mut self, _here: &Here<'_, City>, _walk: &mut Walk) {
        std::future::pending::<()>().await;
    }
}

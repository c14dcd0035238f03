//! What is not visited twice: nodes, edges, nodes of a path, nothing. Compared with plain enumerations.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;
use wayfare::{Direction, Kind, Order, Random, Unique, WalkOptions};

use super::script::{Scene, Script};
use super::stage::{hamlet, key};

const ORDERS: [Order; 4] =
    [Order::BreadthFirst, Order::DepthFirst, Order::LeastCost, Order::Random { seed: 9 }];

/// Random lanes between a few hamlets, from `0` on.
fn lanes(nodes: u64, edges: u64, seed: u64) -> Vec<(String, String)> {
    let mut random = Random::new(seed);
    let mut lanes: Vec<(String, String)> = Vec::new();
    while (lanes.len() as u64) < edges {
        let lane = (random.below(nodes).to_string(), random.below(nodes).to_string());
        // A second lane between the same hamlets would be the same lane.
        if !lanes.contains(&lane) {
            lanes.push(lane);
        }
    }
    lanes
}

fn drawn(lanes: &[(String, String)]) -> String {
    lanes.iter().map(|(from, to)| format!("{from}>{to} ")).collect::<String>() + "0"
}

/// Hamlets that can be reached from `0`.
fn reached(lanes: &[(String, String)]) -> BTreeSet<String> {
    let mut reached = BTreeSet::from(["0".to_owned()]);
    loop {
        let before = reached.len();
        for (from, to) in lanes {
            if reached.contains(from) {
                reached.insert(to.clone());
            }
        }
        if reached.len() == before {
            return reached;
        }
    }
}

const GO: Script = |here, walk| {
    walk.visit(here.neighbours(Direction::Out));
    if let Some(edge) = walk.edge() {
        walk.report(&key(&edge))?;
    }
    Ok(())
};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn by_node_every_node_that_can_be_reached_is_visited_once() {
    for seed in 0..3 {
        let lanes = lanes(12, 24, seed);
        let mut scene = Scene::drawn(&drawn(&lanes)).await;
        for order in ORDERS {
            let names = scene.names(&hamlet("0"), WalkOptions::default().order(order), GO).await;
            let visited: Vec<String> = names.split(' ').map(str::to_owned).collect();
            assert_eq!(visited.len(), reached(&lanes).len(), "{order:?}, seed {seed}");
            assert_eq!(
                visited.into_iter().collect::<BTreeSet<_>>(),
                reached(&lanes),
                "{order:?}, seed {seed}"
            );
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn by_edge_every_edge_that_can_be_reached_is_crossed_once() {
    for seed in 0..3 {
        let lanes = lanes(12, 24, seed);
        let mut scene = Scene::drawn(&drawn(&lanes)).await;
        let known = reached(&lanes);
        let mut expected: BTreeMap<&str, usize> = BTreeMap::from([("0", 1)]);
        for (_, to) in lanes.iter().filter(|(from, _)| known.contains(from)) {
            *expected.entry(to).or_default() += 1;
        }
        for order in ORDERS {
            let options = WalkOptions::default().order(order).unique(Unique::Edge);
            let (names, edges) = scene.run(&hamlet("0"), options, GO).await.unwrap();
            let mut visits: BTreeMap<&str, usize> = BTreeMap::new();
            names.split(' ').for_each(|name| *visits.entry(name).or_default() += 1);
            assert_eq!(visits, expected, "{order:?}, seed {seed}");
            let different: BTreeSet<String> = edges.iter().map(Value::to_string).collect();
            assert_eq!(different.len(), edges.len(), "{order:?}, seed {seed}");
            assert_eq!(edges.len(), names.split(' ').count() - 1);
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn by_edge_a_bidirectional_edge_is_crossed_one_way_and_parallel_ones_each() {
    let script: Script = |here, walk| {
        walk.visit(here.neighbours(Direction::Both));
        Ok(())
    };
    let mut scene = Scene::drawn("a=b a#b a~b b=c").await;
    for order in ORDERS {
        let options = WalkOptions::default().order(order).unique(Unique::Edge);
        let names = scene.names(&hamlet("a"), options, script).await;
        // Four edges, each crossed once.
        assert_eq!(names.split(' ').count(), 5, "{order:?}: {names}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn by_edge_what_was_queued_without_an_edge_may_be_visited_again() {
    let script: Script = |here, walk| {
        if walk.depth() < 2 {
            walk.visit(hamlet("b"));
            walk.visit(here.neighbours(Direction::Out));
        }
        Ok(())
    };
    let options = WalkOptions::default().unique(Unique::Edge);
    assert_eq!(Scene::drawn("a>b").await.names(&hamlet("a"), options, script).await, "a b b b b");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn by_edge_edits_cross_no_edge_twice() {
    let script: Script = |here, walk| {
        walk.visit(here.neighbours(Direction::Out));
        if key(here.id()) == "b" {
            walk.prepend(here.neighbours(Direction::Out));
            walk.dequeue(&hamlet("c"));
            walk.visit(here.neighbours(Direction::Out));
        }
        Ok(())
    };
    for order in [Order::BreadthFirst, Order::DepthFirst] {
        let options = WalkOptions::default().order(order).unique(Unique::Edge);
        let (names, _) = Scene::drawn("a>b b>c c>d").await.run(&hamlet("a"), options, script).await.unwrap();
        assert_eq!(names, "a b c d", "{order:?}");
    }
}

/// All paths from the last hamlet of one on that come to no hamlet twice.
fn simple_paths(lanes: &[(String, String)], path: &mut Vec<String>, all: &mut Vec<String>) {
    all.push(path.join(" "));
    let last = path.last().unwrap().clone();
    for (_, to) in lanes.iter().filter(|(from, _)| *from == last) {
        if !path.contains(to) {
            path.push(to.clone());
            simple_paths(lanes, path, all);
            path.pop();
        }
    }
}

const TELL_PATH: Script = |here, walk| {
    walk.visit(here.neighbours(Direction::Out));
    let path: Vec<String> = walk.path()?.iter().map(key).collect();
    assert_eq!(path.len(), walk.depth() as usize + 1);
    walk.report(&path.join(" "))
};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn by_path_every_simple_path_is_walked_once_depth_first_in_the_order_of_an_enumeration() {
    for seed in 0..3 {
        let lanes = lanes(7, 20, seed);
        let mut expected = Vec::new();
        simple_paths(&lanes, &mut vec!["0".to_owned()], &mut expected);
        assert!(expected.len() > 5, "seed {seed}");
        let mut scene = Scene::drawn(&drawn(&lanes)).await;
        for order in ORDERS {
            let options = WalkOptions::default().order(order).unique(Unique::Path);
            let (_, report) = scene.run(&hamlet("0"), options, TELL_PATH).await.unwrap();
            let mut paths: Vec<&str> = report.iter().filter_map(Value::as_str).collect();
            let mut wanted: Vec<&str> = expected.iter().map(String::as_str).collect();
            if order != Order::DepthFirst {
                paths.sort_unstable();
                wanted.sort_unstable();
            }
            assert_eq!(paths, wanted, "{order:?}, seed {seed}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn with_no_uniqueness_every_way_of_so_many_steps_is_walked() {
    let script: Script = |here, walk| {
        if walk.depth() < 4 {
            walk.visit(here.neighbours(Direction::Out));
        }
        Ok(())
    };
    let lanes = lanes(6, 14, 2);
    let mut ways = vec!["0".to_owned()];
    let mut expected: BTreeMap<String, usize> = BTreeMap::new();
    for step in 0..=4 {
        ways.iter().for_each(|at| *expected.entry(at.clone()).or_default() += 1);
        let next = |at: &String| {
            lanes.iter().filter(|(from, _)| from == at).map(|(_, to)| to.clone()).collect::<Vec<_>>()
        };
        ways = if step < 4 { ways.iter().flat_map(next).collect() } else { Vec::new() };
    }
    let mut scene = Scene::drawn(&drawn(&lanes)).await;
    for order in ORDERS {
        let options = WalkOptions::default().order(order).unique(Unique::None);
        let names = scene.names(&hamlet("0"), options, script).await;
        let mut visits: BTreeMap<String, usize> = BTreeMap::new();
        names.split(' ').for_each(|name| *visits.entry(name.to_owned()).or_default() += 1);
        assert_eq!(visits, expected, "{order:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn by_edge_edges_that_are_visited_themselves_are_visited_once() {
    let script: Script = |here, walk| {
        if here.id().kind() == Kind::Node {
            walk.visit(here.neighbours(Direction::Both).edges());
        }
        Ok(())
    };
    for order in [Order::BreadthFirst, Order::DepthFirst] {
        let options = WalkOptions::default().order(order).unique(Unique::Edge);
        let names = Scene::drawn("a=b b=c").await.names(&hamlet("a"), options, script).await;
        assert_eq!(names, "a a-b b b-c c", "{order:?}");
    }
}

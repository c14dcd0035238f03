//! The same walk over the same graph takes the same way, whatever the number of workers and shards.

use serde_json::json;
use wayfare::{Body, Document, Ends, Kind, Order, Random, Unique, Write, WriteBatch};

use super::stage::{Stage, Trail, hamlet};

const NODES: u64 = 300;

/// A random graph with cycles, loops, parallel and bidirectional edges.
async fn tangle(stage: &Stage) {
    let graph = stage.graph();
    let mut random = Random::new(7);
    let node = |number: u64| {
        let name = number.to_string();
        let body = Body::encode(&json!({ "name": name })).unwrap();
        Write::Create { document: Document::new(hamlet(&name), body), multi: false }
    };
    let mut writes: Vec<Write> = (0..NODES).map(node).collect();
    for _ in 0..4 * NODES {
        let mut end = || hamlet(&random.below(NODES).to_string());
        let (source, target) = (end(), end());
        let entity = ["Lane", "Ferry", "Track"][random.below(3) as usize];
        let ends = Ends { source, target, bidirectional: random.below(4) == 0 };
        let edge = Document::edge(graph.new_id(Kind::Edge, entity).unwrap(), ends, Body::empty());
        writes.push(Write::Create { document: edge, multi: true });
    }
    let results = graph.write_batch(WriteBatch { writes, all_or_nothing: true }).await.unwrap();
    assert!(results.iter().all(Result::is_ok));
}

async fn way(stage: &Stage, order: Order, unique: Unique) -> String {
    let hops = if unique == Unique::None { Some(4) } else { None };
    let trail = Trail { hops, ..Trail::default() };
    stage.trail_with(trail, "0", |spawning| spawning.order(order).unique(unique)).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_walk_takes_the_same_way_fifty_times_with_any_number_of_workers_and_shards() {
    let mut stage = Stage::with(|config| config.workers_count(1).shards_count(1));
    tangle(&stage).await;
    let mut ways = Vec::new();
    for order in [Order::BreadthFirst, Order::DepthFirst] {
        for unique in [Unique::Node, Unique::None] {
            ways.push((order, unique, way(&stage, order, unique).await));
        }
    }
    assert_ne!(ways[0].2, ways[2].2);
    for (workers, shards) in [(1, 1), (2, 2), (4, 4), (1, 4), (4, 1)] {
        // The first of the fifty walks meets nothing resident.
        for (order, unique, expected) in &ways {
            stage = stage.reopened_with(|config| config.workers_count(workers).shards_count(shards)).await;
            for round in 0..50 {
                let taken = way(&stage, *order, *unique).await;
                assert!(
                    taken == *expected,
                    "{order:?} {unique:?}, {workers} workers, {shards} shards, {round}"
                );
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn small_turns_and_batches_do_not_change_the_way() {
    let mut stage = Stage::new();
    tangle(&stage).await;
    let wide = way(&stage, Order::BreadthFirst, Unique::Node).await;
    let deep = way(&stage, Order::DepthFirst, Unique::Node).await;
    for (turn, batch) in [(1, 1), (3, 2), (256, 1), (1, 1_024)] {
        stage =
            stage.reopened_with(|config| config.workers_turn_visits(turn).shards_visit_batch(batch)).await;
        for _ in 0..2 {
            assert_eq!(way(&stage, Order::BreadthFirst, Unique::Node).await, wide);
            assert_eq!(way(&stage, Order::DepthFirst, Unique::Node).await, deep);
        }
    }
}

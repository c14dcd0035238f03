//! The same walk over the same graph takes the same way, whatever the number of workers and shards.

use serde_json::json;
use wayfare::{
    Body, Direction, Document, Ends, Here, Kind, Order, Random, Unique, Walk, WalkError, WalkOptions, Write,
    WriteBatch, walker,
};

use super::stage::{Ferry, Lane, Stage, Track, Trail, hamlet, key, within};

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

/// Edits its queue at nearly every visit.
#[derive(Debug)]
struct Fidget {
    options: WalkOptions,
    keys: Vec<String>,
}

#[walker(options = Fidget::options)]
impl Fidget {
    fn options(&self) -> WalkOptions {
        self.options.clone()
    }

    #[on_visit]
    fn node(&mut self, here: &Here, walk: &mut Walk) -> Result<(), WalkError> {
        self.keys.push(key(here.id()));
        walk.visit(here.out::<Lane>());
        let number: u64 = key(here.id()).parse().unwrap();
        match number % 7 {
            0 => walk.prepend(here.out::<Ferry>()),
            1 => walk.add_next(here.neighbours(Direction::Both).limit(2)),
            2 => walk.dequeue(&hamlet(&((number + 5) % NODES).to_string())),
            3 => {
                let anchor = walk.queued().into_iter().nth(3);
                if let Some(anchor) = anchor {
                    walk.insert_after(&anchor, here.out::<Track>())?;
                    walk.insert_before(&anchor, here.in_::<Ferry>())?;
                }
            }
            4 if self.keys.len().is_multiple_of(50) => walk.clear(),
            5 => walk.visit(here.neighbours(Direction::Out).one_of(&mut Random::new(number))),
            _ => walk.visit(here.in_::<Ferry>()),
        }
        Ok(())
    }
}

/// Walks that are as different as can be, by number.
fn fidget(number: usize) -> Fidget {
    let orders = [Order::BreadthFirst, Order::DepthFirst, Order::LeastCost, Order::Random { seed: 3 }];
    let unique = [Unique::Node, Unique::Edge][number / 4 % 2];
    let options = WalkOptions::default().order(orders[number % 4]).unique(unique);
    Fidget { options, keys: Vec::new() }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn walks_that_edit_draw_or_cross_edges_take_the_same_way_a_hundred_times_beside_each_other() {
    let mut stage = Stage::with(|config| config.workers_count(1).shards_count(1));
    tangle(&stage).await;
    let mut ways: Vec<Vec<String>> = Vec::new();
    for number in 0..8 {
        let walk = stage.runtime.spawn(fidget(number)).at(hamlet("0")).await.unwrap();
        ways.push(within(walk.finish()).await.unwrap().keys);
        assert!(ways[number].len() > 20, "{number}: {}", ways[number].len());
    }
    for (workers, shards, turn) in [(1, 1, 1), (2, 2, 256), (4, 4, 3), (1, 4, 64), (4, 1, 2)] {
        let set = |config: wayfare::ConfigBuilder| {
            config.workers_count(workers).shards_count(shards).workers_turn_visits(turn)
        };
        stage = stage.reopened_with(set).await;
        // The first of them meet nothing resident.
        let mut walks = Vec::new();
        for number in 0..8 * 20 {
            walks.push(stage.runtime.spawn(fidget(number % 8)).at(hamlet("0")).await.unwrap());
        }
        for (number, walk) in walks.into_iter().enumerate() {
            let taken = within(walk.finish()).await.unwrap().keys;
            let at = number % 8;
            assert!(taken == ways[at], "walk {at}, {workers} workers, {shards} shards, {turn} visits a turn");
        }
    }
}

//! Orders that draw or weigh: least cost, A*, random.

use std::collections::BTreeSet;

use serde_json::json;
use wayfare::{
    Body, Direction, Document, Ends, Here, HookError, Id, Kind, Order, Random, Step, Walk, WalkError,
    WalkOptions, Write, WriteBatch, walker,
};

use super::script::{Scene, Script};
use super::stage::{Lane, Stage, Trail, hamlet, key, within};

const SIDE: u32 = 15;

/// A grid of hamlets `column_row`, each joined to those right of it and below it, at 1 to 3 km.
async fn grid(stage: &Stage) {
    let graph = stage.graph();
    let mut random = Random::new(11);
    let at = |column: u32, row: u32| hamlet(&format!("{column}_{row}"));
    let cells = (0..SIDE).flat_map(|row| (0..SIDE).map(move |column| (column, row)));
    let mut writes: Vec<Write> = cells
        .clone()
        .map(|(column, row)| {
            let body = Body::encode(&json!({ "name": "" })).unwrap();
            Write::Create { document: Document::new(at(column, row), body), multi: false }
        })
        .collect();
    for (column, row) in cells {
        for (right, below) in [(1, 0), (0, 1)] {
            if column + right < SIDE && row + below < SIDE {
                let km = 1.0 + random.below(3) as f64;
                let (source, target) = (at(column, row), at(column + right, row + below));
                let ends = Ends { source, target, bidirectional: true };
                let id = graph.new_id(Kind::Edge, "Passage").unwrap();
                let document = Document::edge(id, ends, Body::encode(&json!({ "km": km })).unwrap());
                writes.push(Write::Create { document, multi: false });
            }
        }
    }
    let results = graph.write_batch(WriteBatch { writes, all_or_nothing: true }).await.unwrap();
    assert!(results.iter().all(Result::is_ok));
}

fn cell(id: &Id) -> (i64, i64) {
    let key = key(id);
    let (column, row) = key.split_once('_').unwrap();
    (column.parse().unwrap(), row.parse().unwrap())
}

/// Goes for the corner of the grid.
#[derive(Debug)]
struct Climber {
    estimates: bool,
    cost: Option<f64>,
}

#[walker(options = Climber::options)]
impl Climber {
    fn options(&self) -> WalkOptions {
        WalkOptions::default().order(Order::LeastCost).edges(Direction::Both)
    }

    #[on_visit]
    fn node(&mut self, here: &Here, walk: &mut Walk) -> Result<Step, HookError> {
        let last = i64::from(SIDE) - 1;
        if cell(here.id()) == (last, last) {
            self.cost = Some(walk.cost());
            return Ok(Step::Disengage);
        }
        for edge in here.edges(Direction::Both).unwrap_or_default() {
            let km = edge.edge.body().field("km").and_then(|km| km.as_f64()).unwrap_or(f64::NAN);
            let (column, row) = cell(&walk.id_of(edge.other).unwrap());
            // No step is shorter than 1 km.
            let rest = if self.estimates { (2 * last - column - row) as f64 } else { 0.0 };
            walk.visit_toward(walk.cost() + km, rest, edge.other)?;
        }
        Ok(Step::Continue)
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_estimate_of_the_rest_finds_the_same_cost_with_fewer_visits() {
    let stage = Stage::new();
    grid(&stage).await;
    for start in ["0_0", "7_7", "14_0", "3_9"] {
        let climb = async |estimates| {
            let climber = Climber { estimates, cost: None };
            let walk = stage.runtime.spawn(climber).at(hamlet(start)).await.unwrap();
            let cost = within(walk.finish()).await.unwrap().cost.unwrap();
            (cost, walk.profile().visits)
        };
        let (plain, all) = climb(false).await;
        let (led, few) = climb(true).await;
        assert_eq!(plain, led, "from {start}");
        assert!(few < all, "{few} of {all} visits from {start}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_estimate_does_not_count_as_cost() {
    let script: Script = |here, walk| {
        walk.report(&walk.cost())?;
        if key(here.id()) == "a" {
            walk.visit_toward(1.0, 10.0, walk.slot_of(&hamlet("b")))?;
            walk.visit_toward(5.0, 1.0, walk.slot_of(&hamlet("c")))?;
            walk.visit_at(8.0, walk.slot_of(&hamlet("d")))?;
        }
        Ok(())
    };
    let options = WalkOptions::default().order(Order::LeastCost);
    let (names, report) = Scene::drawn("a b c d").await.run(&hamlet("a"), options, script).await.unwrap();
    assert_eq!(names, "a c d b");
    assert_eq!(report, [json!(0.0), json!(5.0), json!(8.0), json!(1.0)]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn in_other_orders_costs_order_nothing_and_are_not_told() {
    let script: Script = |here, walk| {
        walk.report(&walk.cost())?;
        if key(here.id()) == "a" {
            walk.visit_at(3.0, walk.slot_of(&hamlet("b")))?;
            walk.visit_at(1.0, walk.slot_of(&hamlet("c")))?;
        }
        Ok(())
    };
    let mut scene = Scene::drawn("a b c").await;
    for order in [Order::BreadthFirst, Order::DepthFirst] {
        let options = WalkOptions::default().order(order);
        let (names, report) = scene.run(&hamlet("a"), options, script).await.unwrap();
        assert_eq!(names, "a b c", "{order:?}");
        assert_eq!(report, [json!(0.0), json!(0.0), json!(0.0)]);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_random_order_is_that_of_its_seed_wherever_the_walk_runs() {
    let text: String = (1..200).map(|number| format!("n{}>n{number} ", number / 3)).collect();
    let mut stage = Stage::new();
    stage.draw(&text).await;
    let all: BTreeSet<String> = (0..200).map(|number| format!("n{number}")).collect();
    let mut ways: Vec<String> = Vec::new();
    for (workers, shards, turn) in [(1, 1, 256), (2, 4, 1), (4, 2, 3)] {
        for seed in 0..3 {
            let set = |config: wayfare::ConfigBuilder| {
                config.workers_count(workers).shards_count(shards).workers_turn_visits(turn)
            };
            stage = stage.reopened_with(set).await;
            for _ in 0..2 {
                let order = Order::Random { seed };
                let way = stage.trail_with(Trail::default(), "n0", |spawning| spawning.order(order)).await;
                assert_eq!(way.split(' ').count(), 200);
                assert_eq!(way.split(' ').map(str::to_owned).collect::<BTreeSet<_>>(), all);
                match ways.get(seed as usize) {
                    Some(known) => assert_eq!(way, *known, "{workers} workers, {shards} shards, {turn}"),
                    None => ways.push(way),
                }
            }
        }
    }
    assert_ne!(ways[0], ways[1]);
    assert_ne!(ways[1], ways[2]);
    let breadth = stage.trail("n0").await;
    assert!(!ways.contains(&breadth));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_random_order_is_the_same_for_sync_and_async_hooks() {
    let script: Script = |here, walk| -> Result<(), WalkError> {
        walk.visit(here.out::<Lane>());
        Ok(())
    };
    let text: String = (1..60).map(|number| format!("n{}>n{number} ", number / 3)).collect();
    let options = WalkOptions::default().order(Order::Random { seed: 4 });
    let names = Scene::drawn(&text).await.names(&hamlet("n0"), options, script).await;
    assert_eq!(names.split(' ').count(), 60);
}

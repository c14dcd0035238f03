//! Many walks of many sorts at once, with cancels, failures and writes among them: none disturbs another.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
use std::time::{Duration, Instant};

use serde_json::json;
use wayfare::walkers::{Sample, sample};
use wayfare::{
    Along, Body, Direction, Document, Ends, Filter, Here, Kind, Limits, Order, Random, Walk, WalkError,
    Write, WriteBatch, walker,
};

use super::stage::{Hamlet, Stage, Trail, hamlet, key, within};

const NODES: u64 = 400;

/// A random graph of hamlets `0` to `399`.
async fn scatter(stage: &Stage) {
    let graph = stage.graph();
    let mut random = Random::new(19);
    let mut writes = Vec::new();
    for number in 0..NODES {
        let name = number.to_string();
        let body = Body::encode(&json!({ "name": name })).unwrap();
        writes.push(Write::Create { document: Document::new(hamlet(&name), body), multi: false });
    }
    for _ in 0..3 * NODES {
        let mut end = || hamlet(&random.below(NODES).to_string());
        let ends = Ends { source: end(), target: end(), bidirectional: false };
        let id = graph.new_id(Kind::Edge, "Track").unwrap();
        writes.push(Write::Create { document: Document::edge(id, ends, Body::empty()), multi: true });
    }
    let results = graph.write_batch(WriteBatch { writes, all_or_nothing: true }).await.unwrap();
    assert!(results.iter().all(Result::is_ok));
}

/// Writes down where it was, in async hooks that wait now and then.
#[derive(Debug, Default)]
struct LateTrail {
    keys: Vec<String>,
}

#[walker]
impl LateTrail {
    #[on_visit]
    async fn node(&mut self, here: &Here<'_, Hamlet>, walk: &mut Walk) {
        if self.keys.len() % 7 == 3 {
            tokio::task::yield_now().await;
        }
        self.keys.push(key(here.id()));
        walk.visit(here.neighbours(Direction::Out));
    }
}

/// Panics, fails or goes on, by the number it was given.
#[derive(Debug)]
struct Unlucky {
    number: u64,
    visits: u64,
}

#[walker(order = "depth_first")]
impl Unlucky {
    #[on_visit]
    fn node(&mut self, here: &Here, walk: &mut Walk) -> Result<(), WalkError> {
        self.visits += 1;
        walk.visit(here.neighbours(Direction::Out));
        if self.visits == 5 + self.number % 50 {
            assert!(self.number.is_multiple_of(2), "unlucky");
            return Err(WalkError::Cancelled { walker: "itself".into() });
        }
        Ok(())
    }
}

/// What a walk has to come to.
struct Expected {
    wide: Vec<String>,
    deep: Vec<String>,
}

async fn expected(stage: &Stage) -> Expected {
    let keys = async |order| {
        let keys = stage.trail_with(Trail::default(), "0", |spawning| spawning.order(order)).await;
        keys.split(' ').map(str::to_owned).collect::<Vec<_>>()
    };
    Expected { wide: keys(Order::BreadthFirst).await, deep: keys(Order::DepthFirst).await }
}

/// One of many walks: its sort depends on its number.
async fn one_walk(stage: &Stage, number: u64, expected: &Expected) {
    let order = if number.is_multiple_of(2) { Order::BreadthFirst } else { Order::DepthFirst };
    let right = if number.is_multiple_of(2) { &expected.wide } else { &expected.deep };
    match number % 5 {
        0 | 1 => {
            let walk = stage.runtime.spawn(Trail::default()).at(hamlet("0")).order(order).await.unwrap();
            assert_eq!(&within(walk.finish()).await.unwrap().keys, right, "walk {number}");
        }
        2 => {
            let walk = stage.runtime.spawn(LateTrail::default()).at(hamlet("0")).order(order).await.unwrap();
            assert_eq!(&within(walk.finish()).await.unwrap().keys, right, "async walk {number}");
        }
        3 => {
            let walk = stage.runtime.spawn(Unlucky { number, visits: 0 }).at(hamlet("0")).await.unwrap();
            assert!(within(walk.finish()).await.is_err());
        }
        _ => {
            let limits = Limits { visits: 1 + number % 60, ..Limits::default() };
            let walk =
                stage.runtime.spawn(LateTrail::default()).at(hamlet("0")).limits(limits).await.unwrap();
            if number.is_multiple_of(3) {
                walk.cancel();
            }
            assert!(within(walk.finish()).await.is_err());
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn walks_that_end_well_go_the_right_way_among_those_that_do_not() {
    let mut stage = Stage::with(|config| config.workers_count(2).shards_count(2));
    scatter(&stage).await;
    let expected = expected(&stage).await;
    for (batch, bytes) in [(1_024, 1_u64 << 30), (7, 1 << 20), (1, 1 << 20)] {
        // Nothing is resident at the start, and in the later rounds not everything can be.
        let set = |config: wayfare::ConfigBuilder| {
            config.workers_count(2).shards_count(2).shards_visit_batch(batch).cache_resident_bytes(bytes)
        };
        stage = stage.reopened_with(set).await;
        for part in (0..300_u64).collect::<Vec<_>>().chunks(60) {
            let walks = part.iter().map(|&number| one_walk(&stage, number, &expected));
            futures_util::future::join_all(walks).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn walks_go_on_while_nodes_are_deleted_and_made_again_under_them() {
    const ENOUGH: u64 = 6;
    let stage = Stage::with(|config| config.workers_count(2).cache_resident_bytes(1_u64 << 20));
    scatter(&stage).await;
    let graph = stage.graph();
    let walks = Arc::new(AtomicU64::new(0));
    let walked = Arc::clone(&walks);
    let churn = tokio::spawn(async move {
        let mut random = Random::new(23);
        let patience = Instant::now() + Duration::from_secs(60);
        let is_enough = |round| round >= 150 && (walked.load(SeqCst) >= ENOUGH || Instant::now() > patience);
        for round in (0_u64..).take_while(|&round| !is_enough(round)) {
            let name = (1 + random.below(NODES - 1)).to_string();
            if graph.delete(hamlet(&name)).await.is_ok() {
                graph.create_as(&name, Hamlet { name: format!("again {round}") }).await.unwrap();
                graph.connect(hamlet("0"), hamlet(&name), super::stage::Track {}).await.unwrap();
            }
        }
    });
    while !churn.is_finished() {
        let order =
            if walks.load(SeqCst).is_multiple_of(2) { Order::BreadthFirst } else { Order::DepthFirst };
        let walk = stage.runtime.spawn(LateTrail::default()).at(hamlet("0")).order(order).await.unwrap();
        let mut keys = within(walk.finish()).await.unwrap().keys;
        let visits = keys.len();
        keys.sort_unstable();
        keys.dedup();
        assert_eq!(keys.len(), visits, "no node is visited twice");
        walks.fetch_add(1, SeqCst);
    }
    within(churn).await.unwrap();
    assert!(walks.load(SeqCst) >= ENOUGH);
    // When the churn is over, what is resident is what is stored.
    let resident = stage.trail("0").await;
    let stage = stage.reopened().await;
    assert_eq!(stage.trail("0").await, resident);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn random_walks_of_one_seed_are_the_same_on_any_number_of_workers() {
    let mut stage = Stage::new();
    scatter(&stage).await;
    let only = Filter::parse(&json!({"context.name": {"$ne": "7"}})).unwrap();
    for only in [Filter::all(), only] {
        let question = Sample {
            walks: 40,
            steps: 12,
            seed: 5,
            along: Along::All,
            direction: Direction::Both,
            only,
            detailed: false,
        };
        let mut first = None;
        for (workers, shards) in [(1, 1), (2, 4), (4, 2)] {
            stage = stage.reopened_with(|config| config.workers_count(workers).shards_count(shards)).await;
            let paths = within(sample(&stage.runtime, &hamlet("0"), &question, None)).await.unwrap().paths;
            assert_eq!(paths.len(), 40);
            assert_eq!(
                first.get_or_insert_with(|| paths.clone()),
                &paths,
                "{workers} workers, {shards} shards"
            );
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_of_very_many_neighbours_and_a_chain_of_very_many_nodes_are_walked_whole() {
    const MANY: usize = 70_000;
    let stage = Stage::new();
    let graph = stage.graph();
    let node = |name: String| {
        let body = Body::encode(&json!({ "name": name })).unwrap();
        Write::Create { document: Document::new(hamlet(&name), body), multi: false }
    };
    let edge = |from: &str, to: &str| {
        let ends = Ends { source: hamlet(from), target: hamlet(to), bidirectional: false };
        let id = graph.new_id(Kind::Edge, "Lane").unwrap();
        Write::Create { document: Document::edge(id, ends, Body::empty()), multi: false }
    };
    let mut writes = vec![node("hub".into()), node("0".into())];
    for number in 1..MANY {
        writes.push(node(number.to_string()));
        writes.push(edge("hub", &number.to_string()));
        if number < 20_000 {
            writes.push(edge(&(number - 1).to_string(), &number.to_string()));
        }
    }
    let results = graph.write_batch(WriteBatch { writes, all_or_nothing: true }).await.unwrap();
    assert!(results.iter().all(Result::is_ok));

    let wide =
        stage.trail_with(Trail { hops: Some(1), ..Trail::default() }, "hub", |spawning| spawning).await;
    let expected: Vec<String> = (1..MANY).map(|number| number.to_string()).collect();
    assert!(wide.split(' ').skip(1).eq(expected.iter().map(String::as_str)), "in the order of the edges");
    for order in [Order::BreadthFirst, Order::DepthFirst] {
        let deep = stage.trail_with(Trail::default(), "0", |spawning| spawning.order(order)).await;
        assert_eq!(deep.split(' ').count(), 20_000, "{order:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_deadline_among_many_walks_ends_only_those_that_are_late() {
    let stage = Stage::with(|config| config.workers_count(2));
    scatter(&stage).await;
    let mut walks = Vec::new();
    for number in 0_u32..200 {
        let wall = if number.is_multiple_of(2) { Duration::from_millis(50) } else { Duration::from_secs(60) };
        let limits = Limits { wall, ..Limits::default() };
        let (go, wait) = tokio::sync::oneshot::channel();
        let walker = super::waiting::Patient::new(wait);
        let walk = stage.runtime.spawn(walker).at(hamlet("0")).limits(limits).await.unwrap();
        walks.push((number.is_multiple_of(2), go, walk));
    }
    for (late, go, walk) in walks {
        if !late {
            go.send(()).unwrap();
            within(walk.finish()).await.unwrap();
            continue;
        }
        assert!(matches!(within(walk.finish()).await, Err(WalkError::BudgetReached { .. })));
    }
}

//! A path searched from both its ends is as short as one searched from one end.

use serde_json::json;
use wayfare::walkers::{Found, Path, TwoEndedPath};
use wayfare::{Along, Body, Direction, Document, Ends, Filter, Id, Kind, Random, Write, WriteBatch};

use super::stage::{Stage, hamlet, within};

const NODES: u64 = 150;

/// A random graph, thin enough that not everything is reached, with hamlets of three names.
async fn thicket(stage: &Stage, seed: u64) {
    let graph = stage.graph();
    let mut random = Random::new(seed);
    let node = |number: u64| {
        let name = ["x", "y", "z"][number as usize % 3];
        let body = Body::encode(&json!({ "name": name })).unwrap();
        Write::Create { document: Document::new(hamlet(&number.to_string()), body), multi: false }
    };
    let mut writes: Vec<Write> = (0..NODES).map(node).collect();
    for _ in 0..NODES * 3 / 2 {
        let mut end = || hamlet(&random.below(NODES).to_string());
        let (source, target) = (end(), end());
        let entity = ["Lane", "Ferry"][random.below(2) as usize];
        let ends = Ends { source, target, bidirectional: random.below(5) == 0 };
        let edge = Document::edge(graph.new_id(Kind::Edge, entity).unwrap(), ends, Body::empty());
        writes.push(Write::Create { document: edge, multi: true });
    }
    let results = graph.write_batch(WriteBatch { writes, all_or_nothing: true }).await.unwrap();
    assert!(results.iter().all(Result::is_ok));
}

/// How a search goes.
#[derive(Debug, Clone)]
struct Way {
    along: Along,
    direction: Direction,
    only: Option<Filter>,
}

impl Way {
    fn new(direction: Direction) -> Self {
        Self { along: Along::All, direction, only: None }
    }
}

/// What both searches find, and how many visits each made.
async fn search(stage: &Stage, from: &Id, to: &Id, way: &Way) -> ([Option<Found>; 2], [u64; 2]) {
    let mut path = Path::to(to.clone());
    (path.along, path.direction) = (way.along.clone(), way.direction);
    let mut two_ended = TwoEndedPath::to(to.clone());
    (two_ended.along, two_ended.direction) = (way.along.clone(), way.direction);
    let (mut one, mut two) = (stage.runtime.spawn(path).at(from), stage.runtime.spawn(two_ended).at(from));
    if let Some(only) = &way.only {
        (one, two) = (one.only(only.clone()), two.only(only.clone()));
    }
    let (one, two) = (one.await.unwrap(), two.await.unwrap());
    let found = [within(one.finish()).await.unwrap().found, within(two.finish()).await.unwrap().found];
    (found, [one.profile().visits, two.profile().visits])
}

/// Every step of a path is an edge that may be followed, and every node one that may be visited.
async fn assert_leads(stage: &Stage, path: &[Id], way: &Way) {
    for step in path.windows(2) {
        let (links, _) = search(stage, &step[0], &step[1], way).await;
        assert_eq!(links[0].as_ref().map(|found| found.hops), Some(1), "{step:?}");
    }
}

async fn compare(way: Way, seed: u64) {
    let mut stage = Stage::new();
    thicket(&stage, seed).await;
    stage = stage.reopened().await;
    let mut random = Random::new(seed + 100);
    let (mut met, mut farthest, mut visits) = (0, 0, [0, 0]);
    for pair in 0..500 {
        let [from, to] = [random.below(NODES), random.below(NODES)].map(|node| hamlet(&node.to_string()));
        let ([one, two], made) = search(&stage, &from, &to, &way).await;
        let hops = [&one, &two].map(|found| found.as_ref().map(|found| found.hops));
        assert_eq!(hops[0], hops[1], "seed {seed}, pair {pair}: {from} to {to}");
        let Some(found) = two else { continue };
        met += 1;
        farthest = farthest.max(found.hops);
        visits = [visits[0] + made[0], visits[1] + made[1]];
        assert_eq!((found.path.len(), found.cost.as_u64()), (found.hops + 1, Some(found.hops as u64)));
        assert_eq!((found.path.first(), found.path.last()), (Some(&from), Some(&to)));
        if pair % 10 == 0 {
            assert_leads(&stage, &found.path, &way).await;
        }
    }
    assert!(met > 20 && met < 500, "{met} pairs are joined");
    assert!(farthest > 3, "{farthest}");
    assert!(visits[1] < visits[0], "{visits:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn along_directed_edges_both_searches_find_as_few_hops() {
    compare(Way::new(Direction::Out), 1).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn against_directed_edges_both_searches_find_as_few_hops() {
    compare(Way::new(Direction::In), 2).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn along_edges_either_way_both_searches_find_as_few_hops() {
    compare(Way::new(Direction::Both), 3).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn past_a_filter_and_along_some_entities_both_searches_find_as_few_hops() {
    let only = Filter::parse(&json!({"context.name": {"$ne": "z"}})).unwrap();
    compare(Way { only: Some(only), ..Way::new(Direction::Both) }, 4).await;
    compare(Way { along: Along::names(&["Lane"]).unwrap(), ..Way::new(Direction::Both) }, 5).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_target_that_is_missing_out_of_reach_or_kept_out_is_not_found() {
    let stage = Stage::new();
    stage.draw("a>b b>c d>c").await;
    let way = Way::new(Direction::Out);
    let not_c = Filter::parse(&json!({"context.name": {"$ne": "c"}})).unwrap();
    let kept_out = Way { only: Some(not_c), ..way.clone() };
    for (to, way) in [("nowhere", &way), ("d", &way), ("c", &kept_out)] {
        let (found, _) = search(&stage, &hamlet("a"), &hamlet(to), way).await;
        assert_eq!(found, [None, None], "{to}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn from_a_node_to_itself_there_are_no_hops_and_to_a_neighbour_one() {
    let stage = Stage::new();
    stage.draw("a>a a>b b>a").await;
    for direction in [Direction::Out, Direction::In, Direction::Both] {
        for (to, hops) in [("a", 0), ("b", 1)] {
            let ([one, two], _) = search(&stage, &hamlet("a"), &hamlet(to), &Way::new(direction)).await;
            assert_eq!(one, two, "{direction:?}");
            assert_eq!(two.unwrap().hops, hops);
        }
    }
}

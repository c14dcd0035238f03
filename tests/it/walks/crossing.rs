//! Visiting edges: their hooks run, and the walk goes on to their far ends.

use serde_json::{Value, json};
use wayfare::{Direction, Here, Id, Kind, Order, Step, Trail, Walk, WalkOptions, walker};

use super::narrowing::{Passage, chart, place};
use super::script::{Scene, Script};
use super::stage::{Hamlet, Lane, Stage, hamlet, key, within};

/// The id of the lane between two hamlets.
async fn lane(stage: &Stage, from: &str, to: &str) -> Id {
    let page = stage.graph().find::<Lane>(wayfare::Filter::parse(&json!({})).unwrap()).await.unwrap();
    let joins = |ends: &wayfare::Ends| ends.source == hamlet(from) && ends.target == hamlet(to);
    page.into_iter().find(|lane| lane.document().ends().is_some_and(joins)).unwrap().id().clone()
}

/// Crosses one lane from wherever it is.
#[derive(Debug)]
struct Crosser {
    lane: Id,
    skips: bool,
    log: Vec<String>,
}

#[walker]
impl Crosser {
    #[on_visit]
    fn hamlet(&mut self, here: &Here<Hamlet>, walk: &mut Walk) {
        let from = walk.from().map(|from| from.kind());
        self.log.push(format!("{} {} {from:?}", here.name, walk.depth()));
        if walk.depth() == 0 {
            walk.visit(&self.lane);
        }
    }

    #[on_visit]
    fn lane(&mut self, here: &Here<Lane>, walk: &mut Walk) -> Step {
        assert_eq!(*here.id(), self.lane);
        let document = here.document().unwrap();
        let ends = document.ends().unwrap();
        let from = walk.from().map(|from| from.kind());
        let (source, target) = (key(&ends.source), key(&ends.target));
        self.log.push(format!("{source}-{target} {} {from:?}", walk.depth()));
        if self.skips { Step::Skip } else { Step::Continue }
    }
}

#[derive(Debug)]
struct LateCrosser {
    lane: Id,
    skips: bool,
    log: Vec<String>,
}

#[walker]
impl LateCrosser {
    #[on_visit]
    async fn hamlet(&mut self, here: &Here<'_, Hamlet>, walk: &mut Walk) {
        let from = walk.from().map(|from| from.kind());
        self.log.push(format!("{} {} {from:?}", here.name, walk.depth()));
        if walk.depth() == 0 {
            walk.visit(&self.lane);
        }
    }

    #[on_visit]
    async fn lane(&mut self, here: &Here<'_, Lane>, walk: &mut Walk) -> Step {
        tokio::task::yield_now().await;
        let document = here.document().unwrap();
        let ends = document.ends().unwrap();
        let from = walk.from().map(|from| from.kind());
        let (source, target) = (key(&ends.source), key(&ends.target));
        self.log.push(format!("{source}-{target} {} {from:?}", walk.depth()));
        if self.skips { Step::Skip } else { Step::Continue }
    }
}

async fn crossed(stage: &Stage, at: &Id, lane: &Id, skips: bool) -> Vec<String> {
    let (lane, log) = (lane.clone(), Vec::new());
    let walk = stage.runtime.spawn(Crosser { lane: lane.clone(), skips, log }).at(at).await.unwrap();
    let log = within(walk.finish()).await.unwrap().log;
    let late = LateCrosser { lane, skips, log: Vec::new() };
    let walk = stage.runtime.spawn(late).at(at).await.unwrap();
    assert_eq!(within(walk.finish()).await.unwrap().log, log);
    log
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_visited_edge_runs_the_hook_for_its_entity_and_the_walk_goes_on_to_the_far_end() {
    for text in ["a>b c", "a=b c"] {
        let stage = Stage::new();
        stage.draw(text).await;
        let lane = lane(&stage, "a", "b").await;
        let stage = stage.reopened().await;
        for _ in 0..2 {
            let log = crossed(&stage, &hamlet("a"), &lane, false).await;
            assert_eq!(log, ["a 0 None", "a-b 1 Some(Node)", "b 1 Some(Edge)"]);
            let log = crossed(&stage, &hamlet("b"), &lane, false).await;
            assert_eq!(log, ["b 0 None", "a-b 1 Some(Node)", "a 1 Some(Edge)"]);
            // From elsewhere it is crossed in its direction.
            let log = crossed(&stage, &hamlet("c"), &lane, false).await;
            assert_eq!(log, ["c 0 None", "a-b 1 Some(Node)", "b 1 Some(Edge)"]);
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_edge_that_is_skipped_is_not_crossed() {
    let stage = Stage::new();
    stage.draw("a>b").await;
    let lane = lane(&stage, "a", "b").await;
    let stage = stage.reopened().await;
    for _ in 0..2 {
        let log = crossed(&stage, &hamlet("a"), &lane, true).await;
        assert_eq!(log, ["a 0 None", "a-b 1 Some(Node)"]);
    }
}

/// Passes edges, with a hook for nodes only.
#[derive(Debug, Default)]
struct Passer {
    keys: Vec<String>,
}

#[walker]
impl Passer {
    #[on_visit]
    fn hamlet(&mut self, here: &Here<Hamlet>, walk: &mut Walk) {
        self.keys.push(here.name.clone());
        walk.visit(here.out::<Lane>().edges());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn edges_for_which_there_is_no_hook_are_crossed_all_the_same() {
    let stage = Stage::new();
    stage.draw("a>b a>c b>d c>d").await;
    let walk = stage.runtime.spawn(Passer::default()).at(hamlet("a")).await.unwrap();
    assert_eq!(within(walk.finish()).await.unwrap().keys, ["a", "b", "c", "d"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn edges_of_an_expression_are_visited_before_their_far_ends_from_either_end() {
    let out: Script = |here, walk| {
        if here.id().kind() == Kind::Node {
            walk.visit(here.out::<Lane>().edges());
        }
        walk.report(&walk_depth(walk))
    };
    let mut scene = Scene::drawn("a>b a>c b>d b=e").await;
    let (names, report) = scene.run(&hamlet("a"), WalkOptions::default(), out).await.unwrap();
    assert_eq!(names, "a a-b a-c b c b-d b-e d e");
    assert_eq!(report, [0, 1, 1, 1, 1, 2, 2, 2, 2].map(Value::from));

    let into: Script = |here, walk| {
        if here.id().kind() == Kind::Node {
            walk.visit(here.in_::<Lane>().edges());
        }
        walk.report(&walk_depth(walk))
    };
    let (names, _) = scene.run(&hamlet("d"), WalkOptions::default(), into).await.unwrap();
    assert_eq!(names, "d b-d b a-b b-e a e");

    let both: Script = |here, walk| {
        if here.id().kind() == Kind::Node {
            walk.visit(here.neighbours(Direction::Both).edges());
        }
        Ok(())
    };
    let options = WalkOptions::default().order(Order::DepthFirst);
    assert_eq!(scene.names(&hamlet("e"), options, both).await, "e b-e b a-b a a-c c b-d d");
}

fn walk_depth(walk: &Walk) -> u32 {
    walk.depth()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn edges_of_an_expression_are_narrowed_by_their_fields() {
    let script: Script = |here, walk| {
        if walk.depth() == 0 {
            let far = here.out::<Passage>().filter(|passage: &Passage| passage.km > 2.0);
            walk.visit(far.sorted_by(|a: &Passage, b: &Passage| a.km.total_cmp(&b.km)).limit(2).edges());
        }
        Ok(())
    };
    let mut scene = chart("a>b:5 a>c:1 a>D:3 a>e:9").await;
    assert_eq!(scene.names(&place("a"), WalkOptions::default(), script).await, "a a-D a-b D b");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_hook_of_an_edge_may_send_the_walk_elsewhere() {
    let script: Script = |here, walk| {
        match here.id().kind() {
            Kind::Node => walk.visit(here.out::<Lane>().edges()),
            _ => walk.prepend(hamlet("x")),
        }
        walk.report(&walk_depth(walk))
    };
    let (names, report) =
        Scene::drawn("a>b x").await.run(&hamlet("a"), WalkOptions::default(), script).await.unwrap();
    assert_eq!(names, "a a-b x b");
    assert_eq!(report, [0, 1, 1, 1].map(Value::from));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn visited_edges_are_part_of_the_path_and_named_by_the_far_end() {
    let script: Script = |here, walk| {
        if here.id().kind() == Kind::Node {
            walk.visit(here.out::<Lane>().edges());
        }
        let kinds: Vec<bool> = walk.path()?.iter().map(|id| id.kind() == Kind::Edge).collect();
        let (path, edge) = (walk.path()?, walk.edge());
        assert!(here.id().kind() == Kind::Edge || edge.as_ref() == path.iter().rev().nth(1));
        walk.report(&kinds)
    };
    let options = WalkOptions::default().trail(Trail::All);
    let (names, report) = Scene::drawn("a>b b>c").await.run(&hamlet("a"), options, script).await.unwrap();
    assert_eq!(names, "a a-b b b-c c");
    assert_eq!(report[4], json!([false, true, false, true, false]));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn in_the_order_of_least_cost_edges_cost_what_leads_over_them() {
    let script: Script = |here, walk| {
        walk.report(&walk.cost())?;
        if here.id().kind() == Kind::Node {
            walk.visit(here.out::<Passage>().at_cost(|passage: &Passage| passage.km).edges());
        }
        Ok(())
    };
    let options = WalkOptions::default().order(Order::LeastCost);
    let mut scene = chart("a>b:5 a>c:1 c>b:2 b>d:1").await;
    let (names, report) = scene.run(&place("a"), options, script).await.unwrap();
    assert_eq!(names, "a a-c c c-b b b-d d a-b");
    assert_eq!(report, [0.0, 1.0, 1.0, 3.0, 3.0, 4.0, 4.0, 5.0].map(Value::from));
}

/// Tells the length of one passage at each of two visits to it, between which a test changes it.
#[derive(Debug)]
struct Surveyor {
    passage: Id,
    km: Vec<f64>,
}

#[walker(unique = "none")]
impl Surveyor {
    #[on_visit]
    fn hamlet(&mut self, _here: &Here<Hamlet>, walk: &mut Walk) {
        walk.visit(&self.passage);
    }

    #[on_visit]
    fn passage(&mut self, here: &Here<Passage>) -> Step {
        self.km.push(here.km);
        Step::Skip
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_edge_is_visited_as_it_is_now_and_passed_over_once_it_is_gone() {
    let stage = Stage::new();
    stage.draw("a b c").await;
    let graph = stage.graph();
    let passage = graph.connect(hamlet("a"), hamlet("b"), Passage { km: 1.0 }).await.unwrap().id().clone();
    let survey = async || {
        let surveyor = Surveyor { passage: passage.clone(), km: Vec::new() };
        let walk = stage.runtime.spawn(surveyor).at(hamlet("c")).await.unwrap();
        within(walk.finish()).await.unwrap().km
    };
    assert_eq!(survey().await, [1.0]);
    graph.update(&passage, |passage: &mut Passage| passage.km = 2.0).await.unwrap();
    assert_eq!(survey().await, [2.0]);
    // The passage goes with its end.
    graph.delete(hamlet("b")).await.unwrap();
    assert_eq!(survey().await, [0.0; 0]);
}

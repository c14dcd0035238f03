//! Where a walk has been: its trail, its path, cycles.

use std::time::Duration;

use serde_json::{Value, json};
use wayfare::{Direction, Order, Trail, TrailStep, Unique, Walk, WalkError, WalkOptions};

use super::script::{Scene, Script};
use super::stage::{self, Stage, hamlet, key, within};

/// Cycles of three and of one.
const RING: &str = "a>b b>c c>a b>b";

/// Nodes as `key depth from`, with `+` where the edge is known.
fn told(steps: &[TrailStep]) -> Vec<String> {
    let line = |step: &TrailStep| {
        let from = step.from.as_ref().map_or("-".to_owned(), key);
        let edge = if step.edge.is_some() { "+" } else { "" };
        format!("{} {} {from}{edge}", key(&step.id), step.depth)
    };
    steps.iter().map(line).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_trail_tells_every_visit_with_its_depth_sender_edge_and_time() {
    let stage = Stage::new();
    stage.draw("a>b a>c b>d c>d d>a").await;
    for order in [Order::BreadthFirst, Order::DepthFirst] {
        let spawning = stage.runtime.spawn(stage::Trail::default()).at(hamlet("a"));
        let walk = spawning.order(order).trail(Trail::All).await.unwrap();
        within(walk.finish()).await.unwrap();
        let steps = walk.trail();
        let expected = match order {
            Order::DepthFirst => ["a 0 -", "b 1 a+", "d 2 b+", "c 1 a+"],
            _ => ["a 0 -", "b 1 a+", "c 1 a+", "d 2 b+"],
        };
        assert_eq!(told(steps), expected);
        assert!(steps.is_sorted_by_key(|step| step.at));
        assert!(steps.iter().all(|step| step.at < Duration::from_secs(30)));
        // The edge joins the visit and its sender.
        for step in steps.iter().filter(|step| step.edge.is_some()) {
            let edge = stage.graph().document(step.edge.as_ref().unwrap()).await.unwrap().unwrap();
            let ends = edge.ends().unwrap();
            assert_eq!((Some(&ends.source), &ends.target), (step.from.as_ref(), &step.id));
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_trail_of_the_last_visits_keeps_these_and_none_is_kept_by_default() {
    let stage = Stage::new();
    stage.draw("a>b b>c c>d d>e").await;
    for (trail, expected) in [
        (Trail::Last(2), &["d 3 c+", "e 4 d+"][..]),
        (Trail::Last(9), &["a 0 -", "b 1 a+", "c 2 b+", "d 3 c+", "e 4 d+"]),
        (Trail::Last(0), &[]),
        (Trail::Off, &[]),
    ] {
        let spawning = stage.runtime.spawn(stage::Trail::default()).at(hamlet("a"));
        let walk = spawning.trail(trail).await.unwrap();
        within(walk.finish()).await.unwrap();
        assert_eq!(told(walk.trail()), expected, "{trail:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hook_sees_the_trail_up_to_its_own_visit() {
    let script: Script = |here, walk| {
        walk.visit(here.neighbours(Direction::Out));
        let trail = walk.trail();
        assert!(trail.is_sorted_by_key(|step| step.at));
        walk.report(&told(&trail).join(", "))
    };
    let options = WalkOptions::default().trail(Trail::Last(2));
    let (_, report) = Scene::drawn("a>b b>c").await.run(&hamlet("a"), options, script).await.unwrap();
    assert_eq!(report, ["a 0 -", "a 0 -, b 1 a+", "b 1 a+, c 2 b+"].map(Value::from));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_path_leads_from_the_start_to_the_visit_with_its_edges_in_every_order() {
    let script: Script = |here, walk| {
        walk.visit(here.neighbours(Direction::Both));
        let (path, edges) = (walk.path()?, walk.path_edges()?);
        assert_eq!(path.first(), Some(&hamlet("a")));
        assert_eq!(path.last(), Some(here.id()));
        assert_eq!(path.len(), walk.depth() as usize + 1);
        assert_eq!(edges.len(), walk.depth() as usize);
        assert_eq!(edges.last(), walk.edge().as_ref());
        assert_eq!(path.iter().rev().nth(1), walk.from().as_ref());
        walk.report(&path.iter().map(key).collect::<Vec<_>>().concat())
    };
    let mut scene = Scene::drawn("a>b a>c b>d c>d e>d d>f").await;
    let expected = |order| match order {
        Order::DepthFirst => ["a", "ab", "abd", "abdc", "abde", "abdf"],
        _ => ["a", "ab", "ac", "abd", "abde", "abdf"],
    };
    for trail in [Trail::All, Trail::Last(1)] {
        for order in [Order::BreadthFirst, Order::DepthFirst] {
            let options = WalkOptions::default().order(order).trail(trail);
            let (_, report) = scene.run(&hamlet("a"), options, script).await.unwrap();
            assert_eq!(report, expected(order).map(Value::from), "{order:?}, {trail:?}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_visit_closes_a_cycle_where_its_own_way_comes_back_to_it() {
    let script: Script = |here, walk| {
        if walk.depth() < 4 {
            walk.visit(here.neighbours(Direction::Out));
        }
        let path: String = walk.path()?.iter().map(key).collect();
        let cycle = walk.cycle()?.map(|cycle| cycle.iter().map(key).collect::<String>());
        walk.report(&(path, cycle))
    };
    let options = WalkOptions::default().unique(Unique::None).trail(Trail::All);
    let (_, report) = Scene::drawn(RING).await.run(&hamlet("a"), options, script).await.unwrap();
    assert!(report.len() > 8);
    for told in report {
        let (path, cycle): (String, Option<String>) = serde_json::from_value(told).unwrap();
        let last = path.chars().last().unwrap();
        // From the latest earlier visit of the same node on.
        let before = path[..path.len() - 1].rfind(last);
        assert_eq!(cycle.as_deref(), before.map(|at| &path[at..]), "{path}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_visit_closes_a_cycle_where_nodes_or_paths_are_unique() {
    let script: Script = |here, walk| {
        walk.visit(here.neighbours(Direction::Out));
        let cycle: Option<Vec<String>> = walk.cycle()?.map(|cycle| cycle.iter().map(key).collect());
        walk.report(&cycle)
    };
    let mut scene = Scene::drawn(RING).await;
    for unique in [Unique::Node, Unique::Path] {
        let options = WalkOptions::default().unique(unique).trail(Trail::All);
        let (_, report) = scene.run(&hamlet("a"), options, script).await.unwrap();
        assert_eq!(report, vec![json!(null); 3], "{unique:?}");
    }
}

fn no_trail<T>(answer: Result<T, WalkError>) -> bool {
    matches!(answer, Err(WalkError::NoTrail { .. }))
}

/// Which questions the walk cannot answer: whether it has visited, its path, its edges, cycles.
fn unanswered(walk: &Walk) -> [bool; 4] {
    let visited = no_trail(walk.has_visited(&hamlet("a")));
    [visited, no_trail(walk.path()), no_trail(walk.path_edges()), no_trail(walk.cycle())]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_walk_without_a_trail_says_that_it_does_not_know_where_it_has_been() {
    let script: Script = |_, walk| walk.report(&unanswered(walk));
    let mut scene = Scene::drawn("a>b").await;
    for (unique, expected) in [
        (Unique::Node, [false, true, true, true]),
        (Unique::Edge, [true; 4]),
        (Unique::Path, [true, false, false, false]),
        (Unique::None, [true; 4]),
    ] {
        let options = WalkOptions::default().unique(unique);
        let (_, report) = scene.run(&hamlet("a"), options, script).await.unwrap();
        assert_eq!(report, [json!(expected)], "{unique:?}");
        let options = WalkOptions::default().unique(unique).trail(Trail::All);
        let (_, report) = scene.run(&hamlet("a"), options, script).await.unwrap();
        assert_eq!(report, [json!(vec![false; 4])], "{unique:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_missing_trail_ends_a_walk_whose_hook_gives_the_error_on() {
    let script: Script = |_, walk| walk.path().map(drop);
    let error = Scene::drawn("a").await.run(&hamlet("a"), WalkOptions::default(), script).await.unwrap_err();
    assert!(matches!(error, WalkError::NoTrail { .. }));
    assert!(error.to_string().ends_with("does not know where it has been: give it `trail = \"all\"`"));
}

const HAS_VISITED: Script = |here, walk| {
    match key(here.id()).as_str() {
        "a" => {
            walk.visit(hamlet("nowhere"));
            walk.visit(here.neighbours(Direction::Out));
        }
        "b" => walk.dequeue(&hamlet("d")),
        _ => {}
    }
    let visited = ["a", "b", "c", "d", "e", "nowhere"].map(|key| walk.has_visited(&hamlet(key)));
    let visited: Result<Vec<bool>, WalkError> = visited.into_iter().collect();
    walk.report(&visited?)
};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn has_visited_tells_visits_and_not_what_waits_was_dequeued_or_passed_over() {
    let mut scene = Scene::drawn("a>b a>c a>d e").await;
    for order in [Order::BreadthFirst, Order::DepthFirst] {
        for unique in [Unique::Node, Unique::Edge, Unique::Path, Unique::None] {
            let options = WalkOptions::default().order(order).unique(unique).trail(Trail::Last(1));
            let (names, report) = scene.run(&hamlet("a"), options, HAS_VISITED).await.unwrap();
            assert_eq!(names, "a b c");
            let expected = [
                json!([true, false, false, false, false, false]),
                json!([true, true, false, false, false, false]),
                json!([true, true, true, false, false, false]),
            ];
            assert_eq!(report, expected, "{order:?}, {unique:?}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn has_visited_tells_the_same_of_nodes_that_exist_where_nodes_are_unique_and_no_trail_is_kept() {
    let mut scene = Scene::drawn("a>b a>c a>d e").await;
    for order in [Order::BreadthFirst, Order::DepthFirst, Order::Random { seed: 2 }] {
        let options = WalkOptions::default().order(order);
        let (names, report) = scene.run(&hamlet("a"), options, HAS_VISITED).await.unwrap();
        let mut visited = Vec::new();
        for (name, told) in names.split(' ').zip(report) {
            visited.push(name);
            let existing = ["a", "b", "c", "d", "e"];
            let told = told.as_array().unwrap()[..5].iter().map(|told| told.as_bool().unwrap());
            assert_eq!(told.collect::<Vec<_>>(), existing.map(|key| visited.contains(&key)), "{order:?}");
        }
    }
}

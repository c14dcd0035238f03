//! The order of visits, and what is visited twice.

use serde_json::json;
use wayfare::{Direction, Filter, Here, HookError, Order, Unique, Walk, WalkError, WalkOptions, walker};

use super::stage::{Ferry, Lane, Stage, Trail, hamlet, key, within};

/// ```text
/// a ─ b ─ d ─ g
/// │   └─ e ──┘
/// └─ c ─ f ─ a
/// ```
const TREE: &str = "a>b a>c b>d b>e c>f d>g e>g f>a";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn breadth_first_visits_level_by_level_in_the_order_of_the_edges() {
    let stage = Stage::new();
    stage.draw(TREE).await;
    assert_eq!(stage.trail("a").await, "a b c d e f g");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn depth_first_visits_the_subtree_of_a_neighbour_before_the_next_neighbour() {
    let stage = Stage::new();
    stage.draw(TREE).await;
    let deep = stage.trail_with(Trail::default(), "a", |spawning| spawning.order(Order::DepthFirst)).await;
    assert_eq!(deep, "a b d g e c f");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn depth_first_a_node_belongs_to_the_first_subtree_that_reaches_it() {
    let stage = Stage::new();
    stage.draw("a>b a>c b>d d>c c>e").await;
    let deep = stage.trail_with(Trail::default(), "a", |spawning| spawning.order(Order::DepthFirst)).await;
    assert_eq!(deep, "a b d c e");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn depth_counts_the_steps_from_the_start() {
    let stage = Stage::new();
    stage.draw(TREE).await;
    let walk = stage.runtime.spawn(Trail::default()).at(hamlet("a")).await.unwrap();
    assert_eq!(within(walk.finish()).await.unwrap().depths, [0, 1, 1, 2, 2, 2, 3]);
    assert_eq!(walk.profile().deepest, 3);

    let near = Trail { hops: Some(1), ..Trail::default() };
    assert_eq!(stage.trail_with(near, "a", |spawning| spawning).await, "a b c");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_uniqueness_a_node_is_visited_each_time_it_is_reached() {
    let stage = Stage::new();
    stage.draw("a>b a>c b>d c>d").await;
    let again = |order| {
        stage.trail_with(Trail::default(), "a", move |spawning| spawning.unique(Unique::None).order(order))
    };
    assert_eq!(again(Order::BreadthFirst).await, "a b c d d");
    assert_eq!(again(Order::DepthFirst).await, "a b d c d");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn cycles_and_self_loops_end_where_nodes_are_unique_and_go_round_where_they_are_not() {
    let stage = Stage::new();
    stage.draw("a>a a>b b>a").await;
    assert_eq!(stage.trail("a").await, "a b");
    let round = Trail { hops: Some(3), ..Trail::default() };
    let keys = stage.trail_with(round, "a", |spawning| spawning.unique(Unique::None)).await;
    assert_eq!(keys, "a a b a b a a b a a b");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_filter_keeps_nodes_from_being_visited_and_passed_but_not_the_start() {
    let stage = Stage::new();
    stage.draw(TREE).await;
    let only = Filter::parse(&json!({"context.name": {"$in": ["c", "d", "f", "g"]}})).unwrap();
    let keys = stage.trail_with(Trail::default(), "a", |spawning| spawning.only(only)).await;
    assert_eq!(keys, "a c f");
}

/// Asks for ferries first, then for lanes, in two requests; does not say beforehand which links it needs.
#[derive(Debug, Default)]
struct TwoRequests {
    keys: Vec<String>,
}

#[walker(order = "depth_first")]
impl TwoRequests {
    #[on_visit]
    fn node(&mut self, here: &Here, walk: &mut Walk) {
        self.keys.push(key(here.id()));
        walk.visit(here.out::<Ferry>());
        walk.visit(here.out::<Lane>());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn depth_first_the_first_request_of_a_hook_comes_first_whether_links_are_resident_or_not() {
    let stage = Stage::new();
    stage.draw("a>x a~b a~c x>y b>d").await;
    let stage = stage.reopened().await;
    for residence in ["cold", "resident"] {
        let walk = stage.runtime.spawn(TwoRequests::default()).at(hamlet("a")).await.unwrap();
        assert_eq!(within(walk.finish()).await.unwrap().keys, ["a", "b", "d", "c", "x", "y"], "{residence}");
    }
}

#[derive(Debug, Default)]
struct TwoRequestsLater {
    keys: Vec<String>,
}

#[walker(order = "depth_first")]
impl TwoRequestsLater {
    #[on_visit]
    async fn node(&mut self, here: &Here<'_>, walk: &mut Walk) {
        tokio::task::yield_now().await;
        self.keys.push(key(here.id()));
        walk.visit(here.out::<Ferry>());
        walk.visit(here.out::<Lane>());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_same_holds_for_an_async_hook() {
    let stage = Stage::new();
    stage.draw("a>x a~b a~c x>y b>d").await;
    let stage = stage.reopened().await;
    for residence in ["cold", "resident"] {
        let walk = stage.runtime.spawn(TwoRequestsLater::default()).at(hamlet("a")).await.unwrap();
        assert_eq!(within(walk.finish()).await.unwrap().keys, ["a", "b", "d", "c", "x", "y"], "{residence}");
    }
}

/// Goes to the neighbours at the costs `c: 1`, `b: 2`, `d: 1`, and from `c` to `b` more cheaply.
#[derive(Debug, Default)]
struct Cheapest {
    visited: Vec<(String, f64)>,
}

#[walker(options = Cheapest::options)]
impl Cheapest {
    fn options(&self) -> WalkOptions {
        WalkOptions::default().order(Order::LeastCost).edges(Direction::Out)
    }

    #[on_visit]
    fn node(&mut self, here: &Here, walk: &mut Walk) -> Result<(), WalkError> {
        self.visited.push((key(here.id()), walk.cost()));
        for edge in here.edges(Direction::Out).unwrap_or_default() {
            let to = walk.id_of(edge.other).map(|id| key(&id)).unwrap_or_default();
            let cost = match (key(here.id()).as_str(), to.as_str()) {
                ("a", "b") => 2.0,
                ("c", "b") => 0.5,
                _ => 1.0,
            };
            walk.visit_at(walk.cost() + cost, edge.other)?;
        }
        Ok(())
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn least_cost_visits_the_cheapest_first_and_equals_in_the_order_of_queueing() {
    let stage = Stage::new();
    stage.draw("a>b a>c a>d c>b").await;
    let walk = stage.runtime.spawn(Cheapest::default()).at(hamlet("a")).await.unwrap();
    let visited = within(walk.finish()).await.unwrap().visited;
    let expected = [("a", 0.0), ("c", 1.0), ("d", 1.0), ("b", 1.5)];
    assert_eq!(visited, expected.map(|(key, cost)| (key.to_owned(), cost)));
}

/// Goes to nodes by their ids.
#[derive(Debug, Default)]
struct Caller {
    keys: Vec<String>,
}

#[walker]
impl Caller {
    #[on_visit]
    fn node(&mut self, here: &Here, walk: &mut Walk) -> Result<(), HookError> {
        self.keys.push(key(here.id()));
        if walk.depth() == 0 {
            for id in ["n.Hamlet.z", "n.Hamlet.missing", "n.Hamlet.y"] {
                walk.visit_id(id)?;
            }
        }
        Ok(())
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nodes_can_be_visited_by_id_and_those_that_do_not_exist_are_passed_over() {
    let stage = Stage::new();
    stage.draw("a y z").await;
    let walk = stage.runtime.spawn(Caller::default()).at(hamlet("a")).await.unwrap();
    assert_eq!(within(walk.finish()).await.unwrap().keys, ["a", "z", "y"]);
    assert_eq!(walk.profile().visits, 3);
}

//! Hooks before the first visit, hooks for leaving a node, and hooks of the entities that are visited.

use std::collections::HashSet;

use wayfare::{Direction, Here, HookError, Random, Step, Walk, WalkError, hosts, node, walker};

use super::stage::{Hamlet, Lane, Stage, hamlet, key, within};

#[derive(Debug, Default)]
struct Opener {
    called: Vec<String>,
}

#[walker]
impl Opener {
    #[on_visit]
    fn node(&mut self, here: &Here, walk: &mut Walk) {
        self.called.push(format!("{} {}", key(here.id()), walk.depth()));
        walk.visit(here.neighbours(Direction::Out));
    }

    #[on_enter]
    fn first(&mut self, walk: &mut Walk) {
        self.called.push("first".into());
        walk.visit(hamlet("x"));
    }

    #[on_enter]
    async fn second(&mut self, walk: &mut Walk) -> Result<Step, HookError> {
        tokio::task::yield_now().await;
        self.called.push("second".into());
        walk.visit(hamlet("y"));
        Ok(Step::Continue)
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn enter_hooks_run_once_before_the_first_visit_and_may_send_the_walk_elsewhere_too() {
    let stage = Stage::new();
    stage.draw("a>b x y>z").await;
    let walk = stage.runtime.spawn(Opener::default()).at(hamlet("a")).await.unwrap();
    let called = within(walk.finish()).await.unwrap().called;
    assert_eq!(called, ["first", "second", "a 0", "x 1", "y 1", "b 1", "z 2"]);
    assert_eq!(walk.profile().visits, 5);
}

/// Ends before it begins, by a step or by an error.
#[derive(Debug, Default)]
struct Reluctant {
    how: &'static str,
    visits: u32,
    left: bool,
}

#[walker]
impl Reluctant {
    #[on_enter]
    fn begin(&mut self) -> Result<Step, HookError> {
        match self.how {
            "error" => Err("not today".into()),
            "panic" => panic!("never"),
            _ => Ok(Step::Disengage),
        }
    }

    #[on_visit]
    fn node(&mut self, _here: &Here) {
        self.visits += 1;
    }

    #[on_exit]
    fn done(&mut self) {
        self.left = true;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_enter_hook_that_disengages_leaves_nothing_to_visit_and_the_exit_hooks_run() {
    let stage = Stage::new();
    stage.draw("a").await;
    let walk = stage.runtime.spawn(Reluctant::default()).at(hamlet("a")).await.unwrap();
    let walker = within(walk.finish()).await.unwrap();
    assert_eq!((walker.visits, walker.left, walk.profile().visits), (0, true, 0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_error_or_a_panic_in_an_enter_hook_ends_the_walk_at_its_start() {
    let stage = Stage::new();
    stage.draw("a").await;
    let walk = async |how| {
        let walk =
            stage.runtime.spawn(Reluctant { how, ..Default::default() }).at(hamlet("a")).await.unwrap();
        within(walk.finish()).await.unwrap_err()
    };
    let failed = walk("error").await;
    assert!(
        matches!(&failed, WalkError::HookFailed { at, hook: "begin", .. } if *at == hamlet("a")),
        "{failed}"
    );
    let panicked = walk("panic").await;
    assert!(
        matches!(&panicked, WalkError::HookPanicked { at, message, .. }
            if *at == hamlet("a") && message == "never"),
        "{panicked}"
    );
}

/// Tells every node when it comes and when it goes.
#[derive(Debug, Default)]
struct Bracket {
    pre: Vec<String>,
    post: Vec<String>,
    hamlets: Vec<String>,
}

#[walker(order = "depth_first")]
impl Bracket {
    #[on_leave]
    fn left_hamlet(&mut self, here: &Here<Hamlet>) {
        self.hamlets.push(here.name.clone());
    }

    #[on_visit]
    fn came(&mut self, here: &Here, walk: &mut Walk) {
        self.pre.push(key(here.id()));
        walk.visit(here.neighbours(Direction::Out));
    }

    #[on_leave]
    fn left(&mut self, here: &Here) {
        self.post.push(key(here.id()));
    }
}

#[derive(Debug, Default)]
struct AsyncBracket {
    pre: Vec<String>,
    post: Vec<String>,
}

#[walker(order = "depth_first")]
impl AsyncBracket {
    #[on_visit]
    async fn came(&mut self, here: &Here<'_, Hamlet>, walk: &mut Walk) {
        tokio::task::yield_now().await;
        self.pre.push(here.name.clone());
        walk.visit(here.out::<Lane>());
    }

    #[on_leave]
    async fn left(&mut self, here: &Here<'_>, walk: &mut Walk) -> Result<(), WalkError> {
        tokio::task::yield_now().await;
        self.post.push(key(here.id()));
        walk.report(&walk.depth())
    }
}

/// Both orders as recursion gives them.
fn recursively(
    node: usize,
    lanes: &[Vec<usize>],
    seen: &mut HashSet<usize>,
    orders: &mut (Vec<String>, Vec<String>),
) {
    if !seen.insert(node) {
        return;
    }
    orders.0.push(node.to_string());
    for &next in &lanes[node] {
        recursively(next, lanes, seen, orders);
    }
    orders.1.push(node.to_string());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn visits_and_leavings_of_a_depth_first_walk_are_pre_and_post_order() {
    for seed in 0..5 {
        let (mut random, nodes) = (Random::new(seed), 60);
        let mut lanes = vec![Vec::new(); nodes];
        let mut text = "0".to_owned();
        for _ in 0..150 {
            let (from, to) = (random.below(nodes as u64) as usize, random.below(nodes as u64) as usize);
            if !lanes[from].contains(&to) {
                lanes[from].push(to);
                text.push_str(&format!(" {from}>{to}"));
            }
        }
        let mut expected = (Vec::new(), Vec::new());
        recursively(0, &lanes, &mut HashSet::new(), &mut expected);
        let stage = Stage::new();
        stage.draw(&text).await;
        for stage in [&stage, &stage] {
            let walk = stage.runtime.spawn(Bracket::default()).at(hamlet("0")).await.unwrap();
            let Bracket { pre, post, hamlets } = within(walk.finish()).await.unwrap();
            assert_eq!((&pre, &post), (&expected.0, &expected.1), "seed {seed}");
            assert_eq!(hamlets, post, "seed {seed}");
            assert_eq!(walk.profile().visits, expected.0.len() as u64, "leaving a node is no visit");
        }
        let stage = stage.reopened().await;
        let walk = stage.runtime.spawn(AsyncBracket::default()).at(hamlet("0")).await.unwrap();
        let AsyncBracket { pre, post } = within(walk.finish()).await.unwrap();
        assert_eq!((pre, post), expected, "seed {seed}, cold and async");
    }
}

/// Fails when it leaves `b`.
#[derive(Debug, Default)]
struct BadLeaver {
    panics: bool,
}

#[walker(order = "depth_first")]
impl BadLeaver {
    #[on_visit]
    fn came(&mut self, here: &Here, walk: &mut Walk) {
        walk.visit(here.neighbours(Direction::Out));
    }

    #[on_leave]
    fn left(&mut self, here: &Here<Hamlet>) -> Result<(), HookError> {
        assert!(!(self.panics && here.name == "b"), "slipped");
        if here.name == "b" { Err("stuck".into()) } else { Ok(()) }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_error_or_a_panic_in_a_leave_hook_ends_the_walk_with_the_node_that_was_left() {
    let stage = Stage::new();
    stage.draw("a>b b>c").await;
    let walk = stage.runtime.spawn(BadLeaver { panics: false }).at(hamlet("a")).await.unwrap();
    let failed = within(walk.finish()).await.unwrap_err();
    assert!(
        matches!(&failed, WalkError::HookFailed { at, hook: "left", .. } if *at == hamlet("b")),
        "{failed}"
    );
    let walk = stage.runtime.spawn(BadLeaver { panics: true }).at(hamlet("a")).await.unwrap();
    let panicked = within(walk.finish()).await.unwrap_err();
    assert!(matches!(&panicked, WalkError::HookPanicked { at, .. } if *at == hamlet("b")), "{panicked}");
}

/// Disengages at `c`, deep in the graph.
#[derive(Debug, Default)]
struct Dropout {
    left: Vec<String>,
}

#[walker(order = "depth_first")]
impl Dropout {
    #[on_visit]
    fn came(&mut self, here: &Here<Hamlet>, walk: &mut Walk) -> Step {
        walk.visit(here.out::<Lane>());
        if here.name == "c" { Step::Disengage } else { Step::Continue }
    }

    #[on_leave]
    fn left(&mut self, here: &Here) {
        self.left.push(key(here.id()));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_walk_that_disengages_leaves_no_further_nodes() {
    let stage = Stage::new();
    stage.draw("a>x a>b b>c").await;
    let walk = stage.runtime.spawn(Dropout::default()).at(hamlet("a")).await.unwrap();
    assert_eq!(within(walk.finish()).await.unwrap().left, ["x"]);
}

/// Answers visitors.
#[node]
#[derive(Debug, Clone, PartialEq)]
struct Inn {
    name: String,
}

#[derive(Debug, Default)]
struct Guest {
    called: Vec<String>,
    skip_at: Option<&'static str>,
}

#[walker]
impl Guest {
    #[on_visit]
    fn any(&mut self, _here: &Here) {
        self.called.push("any".into());
    }

    #[on_visit]
    fn own(&mut self, here: &Here<Inn>) -> Step {
        self.called.push("own".into());
        if self.skip_at == Some(&here.name) { Step::Skip } else { Step::Continue }
    }
}

/// Is answered by async hooks.
#[derive(Debug, Default)]
struct Lodger {
    called: Vec<String>,
}

#[walker]
impl Lodger {
    #[on_visit]
    fn any(&mut self, here: &Here) {
        self.called.push(format!("any {}", key(here.id())));
    }
}

/// Is answered by nobody.
#[derive(Debug, Default)]
struct Stranger {
    called: Vec<String>,
}

#[walker]
impl Stranger {
    #[on_visit]
    fn any(&mut self, _here: &Here, walk: &mut Walk) {
        self.called.push(format!("any {}", walk.depth()));
    }
}

/// Is answered badly.
#[derive(Debug, Default)]
struct Victim {
    panics: bool,
}

#[walker]
impl Victim {
    #[on_visit]
    fn any(&mut self, here: &Here, walk: &mut Walk) {
        walk.visit(here.neighbours(Direction::Out));
    }
}

#[hosts]
impl Inn {
    #[on_visit]
    fn welcome(&self, visitor: &mut Guest, walk: &mut Walk) -> Result<(), HookError> {
        visitor.called.push(format!("welcome to {}", self.name));
        if self.name == "first" {
            walk.visit(wayfare::Id::node("Inn", "second")?);
        }
        walk.report(&self.name)?;
        Ok(())
    }

    #[on_visit]
    async fn lodge(&self, visitor: &mut Lodger, walk: &mut Walk) {
        tokio::task::yield_now().await;
        visitor.called.push(format!("lodged at {}", self.name));
        if self.name == "first" {
            walk.visit(wayfare::Id::node("Inn", "second").unwrap());
        }
    }

    #[on_visit]
    fn rob(&self, visitor: &mut Victim) -> Result<(), HookError> {
        assert!(!(visitor.panics && self.name == "second"), "dark");
        if self.name == "second" { Err("robbed".into()) } else { Ok(()) }
    }
}

async fn inns() -> Stage {
    let stage = Stage::new();
    let graph = stage.graph();
    let first = graph.create_as("first", Inn { name: "first".into() }).await.unwrap();
    let second = graph.create_as("second", Inn { name: "second".into() }).await.unwrap();
    graph.connect(first.id(), second.id(), Lane {}).await.unwrap();
    stage.draw("a").await;
    stage
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_entity_answers_after_the_walkers_own_hooks_and_may_change_the_visitor_and_send_it_on() {
    let stage = inns().await;
    let walk = stage.runtime.spawn(Guest::default()).at("n.Inn.first").await.unwrap();
    let called = within(walk.finish()).await.unwrap().called;
    let expected = ["own", "any", "welcome to first", "own", "any", "welcome to second"];
    assert_eq!(called, expected);
    assert_eq!(walk.report(), [serde_json::json!("first"), serde_json::json!("second")]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn skip_leaves_out_the_answer_of_the_entity_too() {
    let stage = inns().await;
    let guest = Guest { skip_at: Some("first"), ..Default::default() };
    let walk = stage.runtime.spawn(guest).at("n.Inn.first").await.unwrap();
    assert_eq!(within(walk.finish()).await.unwrap().called, ["own"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_entity_may_answer_asynchronously() {
    let stage = inns().await;
    let walk = stage.runtime.spawn(Lodger::default()).at("n.Inn.first").await.unwrap();
    let called = within(walk.finish()).await.unwrap().called;
    assert_eq!(called, ["any first", "lodged at first", "any second", "lodged at second"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_entity_answers_only_visitors_of_the_type_that_its_hook_names() {
    let stage = inns().await;
    let walk = stage.runtime.spawn(Stranger::default()).at("n.Inn.first").await.unwrap();
    assert_eq!(within(walk.finish()).await.unwrap().called, ["any 0"]);
    // And an entity without hooks answers nobody.
    let walk = stage.runtime.spawn(Lodger::default()).at(hamlet("a")).await.unwrap();
    assert_eq!(within(walk.finish()).await.unwrap().called, ["any a"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_error_or_a_panic_in_the_answer_of_an_entity_ends_the_walk_with_its_id() {
    let stage = inns().await;
    let second = wayfare::Id::node("Inn", "second").unwrap();
    let walk = stage.runtime.spawn(Victim { panics: false }).at("n.Inn.first").await.unwrap();
    let failed = within(walk.finish()).await.unwrap_err();
    assert!(matches!(&failed, WalkError::HookFailed { at, hook: "rob", .. } if *at == second), "{failed}");
    let walk = stage.runtime.spawn(Victim { panics: true }).at("n.Inn.first").await.unwrap();
    let panicked = within(walk.finish()).await.unwrap_err();
    assert!(
        matches!(&panicked, WalkError::HookPanicked { at, message, .. } if *at == second && message == "dark"),
        "{panicked}"
    );
}

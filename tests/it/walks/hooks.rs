//! Which hooks run at a node, in which order, and what they make the walk do next.

use wayfare::{Direction, Here, Step, Walk, WalkError, walker};

use super::stage::{Ferry, Hamlet, Harbour, Lane, Stage, hamlet, within};

/// Its hooks for any node stand first, to show that those for an entity run before them all the same.
#[derive(Debug, Default)]
struct Roll {
    called: Vec<&'static str>,
}

#[walker]
impl Roll {
    #[on_visit]
    fn any(&mut self, here: &Here, walk: &mut Walk) {
        self.called.push("any");
        walk.visit(here.neighbours(Direction::Out));
    }

    #[on_visit(Hamlet, Harbour)]
    fn several(&mut self, _here: &Here) {
        self.called.push("several");
    }

    #[on_visit]
    fn exact(&mut self, _here: &Here<Hamlet>) {
        self.called.push("exact");
    }

    #[on_visit]
    async fn waits(&mut self, _here: &Here<'_, Harbour>) {
        tokio::task::yield_now().await;
        self.called.push("waits");
    }

    #[on_visit]
    fn last(&mut self, _here: &Here) {
        self.called.push("last");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn hooks_for_an_entity_run_before_those_for_any_each_in_the_order_they_are_written() {
    let stage = Stage::new();
    let graph = stage.graph();
    let oslo = graph.create_as("oslo", Hamlet { name: "Oslo".into() }).await.unwrap();
    let kiel = graph.create_as("kiel", Harbour { name: "Kiel".into(), berths: 3 }).await.unwrap();
    graph.connect(oslo.id(), kiel.id(), Ferry {}).await.unwrap();

    let walk = stage.runtime.spawn(Roll::default()).at(oslo.id()).await.unwrap();
    let called = within(walk.finish()).await.unwrap().called;
    assert_eq!(called, ["several", "exact", "any", "last", "several", "waits", "any", "last"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_of_another_entity_runs_the_hooks_for_any_alone() {
    let stage = Stage::new();
    let walk = stage.runtime.spawn(Roll::default()).await.unwrap();
    assert_eq!(within(walk.finish()).await.unwrap().called, ["any", "last"], "the start is the root");
}

/// Skips at `b`, in a hook that has asked for the neighbours already.
#[derive(Debug, Default)]
struct Skipper {
    called: Vec<String>,
}

#[walker]
impl Skipper {
    #[on_visit]
    fn first(&mut self, here: &Here<Hamlet>, walk: &mut Walk) -> Step {
        self.called.push(format!("first {}", here.name));
        walk.visit(here.out::<Lane>());
        if here.name == "b" { Step::Skip } else { Step::Continue }
    }

    #[on_visit]
    fn second(&mut self, here: &Here) {
        self.called.push(format!("second {}", here.get("context.name").unwrap()));
    }
}

#[derive(Debug, Default)]
struct AsyncSkipper {
    called: Vec<String>,
}

#[walker]
impl AsyncSkipper {
    #[on_visit]
    async fn first(&mut self, here: &Here<'_, Hamlet>, walk: &mut Walk) -> Step {
        tokio::task::yield_now().await;
        self.called.push(format!("first {}", here.name));
        walk.visit(here.out::<Lane>());
        if here.name == "b" { Step::Skip } else { Step::Continue }
    }

    #[on_visit]
    async fn second(&mut self, here: &Here<'_>) {
        self.called.push(format!("second {}", here.get("context.name").unwrap()));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn skip_leaves_out_the_remaining_hooks_at_this_node_and_nothing_else() {
    let stage = Stage::new();
    stage.draw("a>b b>c").await;
    let expected = ["first a", "second \"a\"", "first b", "first c", "second \"c\""];
    let walk = stage.runtime.spawn(Skipper::default()).at(hamlet("a")).await.unwrap();
    assert_eq!(within(walk.finish()).await.unwrap().called, expected);
    let walk = stage.runtime.spawn(AsyncSkipper::default()).at(hamlet("a")).await.unwrap();
    assert_eq!(within(walk.finish()).await.unwrap().called, expected);
}

/// Disengages at `b`.
#[derive(Debug, Default)]
struct Quitter {
    called: Vec<String>,
}

#[walker]
impl Quitter {
    #[on_visit]
    fn first(&mut self, here: &Here<Hamlet>, walk: &mut Walk) -> Step {
        self.called.push(here.name.clone());
        walk.visit(here.out::<Lane>());
        if here.name == "b" { Step::Disengage } else { Step::Continue }
    }

    #[on_visit]
    fn second(&mut self, here: &Here<Hamlet>) {
        self.called.push(format!("after {}", here.name));
    }

    #[on_exit]
    fn done(&mut self, walk: &mut Walk) -> Result<(), WalkError> {
        self.called.push("exit".into());
        walk.report("exit")
    }
}

#[derive(Debug, Default)]
struct AsyncQuitter {
    called: Vec<String>,
}

#[walker]
impl AsyncQuitter {
    #[on_visit]
    async fn first(&mut self, here: &Here<'_, Hamlet>, walk: &mut Walk) -> Step {
        self.called.push(here.name.clone());
        walk.visit(here.out::<Lane>());
        if here.name == "b" { Step::Disengage } else { Step::Continue }
    }

    #[on_visit]
    fn second(&mut self, here: &Here<Hamlet>) {
        self.called.push(format!("after {}", here.name));
    }

    #[on_exit]
    async fn done(&mut self, walk: &mut Walk) -> Result<(), WalkError> {
        tokio::task::yield_now().await;
        self.called.push("exit".into());
        walk.report("exit")
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn disengage_clears_the_queue_and_still_runs_the_exit_hooks() {
    let stage = Stage::new();
    stage.draw("a>b a>c b>d").await;
    let expected = ["a", "after a", "b", "exit"];
    let walk = stage.runtime.spawn(Quitter::default()).at(hamlet("a")).await.unwrap();
    assert_eq!(within(walk.finish()).await.unwrap().called, expected);
    assert_eq!((walk.report(), walk.profile().visits), ([serde_json::json!("exit")].as_slice(), 2));

    let walk = stage.runtime.spawn(AsyncQuitter::default()).at(hamlet("a")).await.unwrap();
    assert_eq!(within(walk.finish()).await.unwrap().called, expected);
    assert_eq!((walk.report(), walk.profile().visits), ([serde_json::json!("exit")].as_slice(), 2));
}

/// Has hooks for harbours only.
#[derive(Debug, Default)]
struct Sailor {
    names: Vec<String>,
}

#[walker]
impl Sailor {
    #[on_visit]
    fn harbour(&mut self, here: &Here<Harbour>, walk: &mut Walk) {
        self.names.push(here.name.clone());
        walk.visit(here.neighbours(Direction::Both));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_without_a_hook_for_it_is_visited_and_leads_nowhere() {
    let stage = Stage::new();
    let graph = stage.graph();
    let kiel = graph.create_as("kiel", Harbour { name: "Kiel".into(), berths: 3 }).await.unwrap();
    let inland = graph.create_as("inland", Hamlet { name: "Inland".into() }).await.unwrap();
    let beyond = graph.create_as("beyond", Harbour { name: "Beyond".into(), berths: 1 }).await.unwrap();
    graph.connect(kiel.id(), inland.id(), Lane {}).await.unwrap();
    graph.connect(inland.id(), beyond.id(), Lane {}).await.unwrap();

    let walk = stage.runtime.spawn(Sailor::default()).at(kiel.id()).await.unwrap();
    assert_eq!(within(walk.finish()).await.unwrap().names, ["Kiel"]);
    assert_eq!(walk.profile().visits, 2);
}

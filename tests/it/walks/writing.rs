//! Writing from hooks: what a walk asks for it sees itself, and others see it when it is written.

use wayfare::{Direction, Error, Here, Id, Step, Walk, WalkError, WriteError, node, walker};

use super::stage::{Ferry, Hamlet, Lane, Stage, hamlet, key, within};

#[node]
#[derive(Debug, Clone, PartialEq)]
struct Counter {
    count: u64,
}

/// Counts up every node it visits.
#[derive(Debug, Default)]
struct Incrementer {
    seen: Vec<u64>,
    rounds: u32,
}

#[walker(unique = "none")]
impl Incrementer {
    #[on_visit]
    fn counter(&mut self, here: &Here<Counter>, walk: &mut Walk) {
        self.seen.push(here.count);
        here.update(|counter| counter.count += 1);
        if walk.depth() < self.rounds {
            walk.visit(here);
        }
    }
}

async fn count(stage: &Stage, key: &str) -> u64 {
    let id = Id::node("Counter", key).unwrap();
    stage.graph().get::<Counter>(&id).await.unwrap().unwrap().count
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_walk_sees_its_own_updates_at_once_and_all_are_stored_when_it_has_ended() {
    let stage = Stage::new();
    let id = stage.graph().create_as("c", Counter { count: 5 }).await.unwrap().id().clone();
    let walk = stage.runtime.spawn(Incrementer { rounds: 99, ..Default::default() }).at(&id).await.unwrap();
    let seen = within(walk.finish()).await.unwrap().seen;
    assert!(seen.iter().copied().eq(5..105));
    assert_eq!(count(&stage, "c").await, 105);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn eight_walkers_that_increment_one_node_a_thousand_times_lose_nothing() {
    let stage = Stage::new();
    let id = stage.graph().create_as("c", Counter { count: 0 }).await.unwrap().id().clone();
    let mut walks = Vec::new();
    for _ in 0..8 {
        let walker = Incrementer { rounds: 999, ..Default::default() };
        walks.push(stage.runtime.spawn(walker).at(&id).await.unwrap());
    }
    for walk in walks {
        within(walk.finish()).await.unwrap();
    }
    assert_eq!(count(&stage, "c").await, 8_000);
}

/// Founds a hamlet beside each it visits, up to a number, and goes there.
#[derive(Debug, Default)]
struct Founder {
    most: u32,
    visited: Vec<String>,
}

#[walker]
impl Founder {
    #[on_visit]
    fn hamlet(&mut self, here: &Here<Hamlet>, walk: &mut Walk) -> Result<(), WalkError> {
        self.visited.push(here.name.clone());
        if walk.depth() < self.most {
            let name = format!("h{}", walk.depth() + 1);
            let next = walk.create_as(&name, &Hamlet { name: name.clone() })?;
            walk.connect(here.id(), &next, &Lane {})?;
        }
        // Resolved when the hook has returned: the new lane is among them.
        walk.visit(here.out::<Lane>());
        Ok(())
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nodes_and_edges_that_a_walk_makes_are_there_for_its_next_visit() {
    for cold in [false, true] {
        let mut stage = Stage::new();
        stage.draw("a").await;
        if cold {
            stage = stage.reopened().await;
        }
        let founder = Founder { most: 5, ..Founder::default() };
        let walk = stage.runtime.spawn(founder).at(hamlet("a")).await.unwrap();
        let visited = within(walk.finish()).await.unwrap().visited;
        assert_eq!(visited.join(" "), "a h1 h2 h3 h4 h5");
        assert_eq!(stage.trail("a").await, "a h1 h2 h3 h4 h5");
    }
}

/// Removes what it is told to, before it goes on.
#[derive(Debug)]
struct Remover {
    removes: Id,
    visited: Vec<String>,
}

#[walker]
impl Remover {
    #[on_visit]
    fn hamlet(&mut self, here: &Here<Hamlet>, walk: &mut Walk) {
        self.visited.push(here.name.clone());
        if walk.depth() == 0 {
            let removes = self.removes.clone();
            walk.delete(&removes);
        }
        walk.visit(here.neighbours(Direction::Out));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_walk_removes_it_does_not_visit_and_its_edges_are_gone() {
    let stage = Stage::new();
    stage.draw("a>b a>c b>d c>d").await;
    assert_eq!(stage.trail("a").await, "a b c d");
    let remover = Remover { removes: hamlet("b"), visited: Vec::new() };
    let walk = stage.runtime.spawn(remover).at(hamlet("a")).await.unwrap();
    assert_eq!(within(walk.finish()).await.unwrap().visited.join(" "), "a c d");
    assert_eq!(stage.trail("a").await, "a c d");
    assert!(stage.graph().document(&hamlet("b")).await.unwrap().is_none());
}

/// Renames what it visits over the version it has read.
#[derive(Debug, Default)]
struct Renamer {
    /// Told when it has read, and what it waits for then: one for both would take its own permit.
    waits: Option<[std::sync::Arc<tokio::sync::Notify>; 2]>,
}

#[walker]
impl Renamer {
    #[on_visit]
    async fn hamlet(&mut self, here: &Here<Hamlet>) {
        if let Some([read, go]) = &self.waits {
            read.notify_one();
            go.notified().await;
        }
        here.save(Hamlet { name: format!("{}!", here.name) });
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_save_over_what_others_changed_meanwhile_ends_the_walk_with_both_versions() {
    let stage = Stage::new();
    stage.draw("a").await;
    let walk = stage.runtime.spawn(Renamer::default()).at(hamlet("a")).await.unwrap();
    within(walk.finish()).await.unwrap();
    let stored = stage.graph().get::<Hamlet>(&hamlet("a")).await.unwrap().unwrap();
    assert_eq!((stored.name.as_str(), stored.version().0), ("a!", 2));

    let [read, go] = [(); 2].map(|()| std::sync::Arc::new(tokio::sync::Notify::new()));
    let renamer = Renamer { waits: Some([read.clone(), go.clone()]) };
    let walk = stage.runtime.spawn(renamer).at(hamlet("a")).await.unwrap();
    within(read.notified()).await;
    stage.graph().update(hamlet("a"), |hamlet: &mut Hamlet| hamlet.name = "other".into()).await.unwrap();
    go.notify_one();
    match within(walk.finish()).await {
        Err(WalkError::WriteRefused { source: WriteError::Conflict { id, expected, found } }) => {
            assert_eq!((id, expected.0, found.0), (hamlet("a"), 2, 3));
        }
        other => panic!("{other:?}"),
    }
    let stored = stage.graph().get::<Hamlet>(&hamlet("a")).await.unwrap().unwrap();
    assert_eq!(stored.name, "other");
}

/// Connects its node to one that does not exist.
#[derive(Debug, Default)]
struct Dreamer;

#[walker]
impl Dreamer {
    #[on_visit]
    fn hamlet(&mut self, here: &Here<Hamlet>, walk: &mut Walk) -> Result<Step, WalkError> {
        walk.connect(here.id(), &hamlet("nowhere"), &Ferry {})?;
        Ok(Step::Continue)
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_write_that_the_store_refuses_ends_the_walk_with_its_reason() {
    let stage = Stage::new();
    stage.draw("a").await;
    let walk = stage.runtime.spawn(Dreamer).at(hamlet("a")).await.unwrap();
    match within(walk.finish()).await {
        Err(WalkError::WriteRefused { source: WriteError::UnknownEnd { missing, .. } }) => {
            assert_eq!(missing, hamlet("nowhere"));
        }
        other => panic!("{other:?}"),
    }
}

/// Writes, and fails at a node.
#[derive(Debug)]
struct Stumbler {
    at: String,
}

#[walker]
impl Stumbler {
    #[on_visit]
    fn hamlet(&mut self, here: &Here<Hamlet>, walk: &mut Walk) -> Result<(), String> {
        here.update(|hamlet| hamlet.name.push('+'));
        walk.visit(here.neighbours(Direction::Out));
        if key(here.id()) == self.at { Err("stumbled".into()) } else { Ok(()) }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_a_walk_that_fails_the_writes_of_hooks_that_ended_well_are_done_and_no_others() {
    let stage = Stage::new();
    stage.draw("a>b b>c").await;
    let walk = stage.runtime.spawn(Stumbler { at: "b".into() }).at(hamlet("a")).await.unwrap();
    assert!(matches!(within(walk.finish()).await, Err(WalkError::HookFailed { .. })));
    let mut names = Vec::new();
    for key in ["a", "b", "c"] {
        names.push(stage.graph().get::<Hamlet>(&hamlet(key)).await.unwrap().unwrap().name.clone());
    }
    assert_eq!(names, ["a+", "b", "c"]);
}

/// Writes, then reads what it has written through the graph.
#[derive(Debug, Default)]
struct Checker {
    read: Vec<Option<String>>,
}

#[walker]
impl Checker {
    #[on_visit]
    async fn hamlet(&mut self, here: &Here<'_, Hamlet>, walk: &mut Walk) -> Result<(), WalkError> {
        let id = here.id().clone();
        walk.update(&id, |hamlet: &mut Hamlet| hamlet.name.push('*'));
        let fresh = walk.create(&Hamlet { name: "fresh".into() })?;
        walk.flush().await?;
        for document in walk.documents(&[id, fresh]).await? {
            let name = document.and_then(|document| document.body().field("name"));
            self.read.push(name.and_then(|name| name.as_str().map(str::to_owned)));
        }
        Ok(())
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_async_hook_can_have_its_writes_done_and_read_them() {
    let stage = Stage::new();
    stage.draw("a").await;
    let walk = stage.runtime.spawn(Checker::default()).at(hamlet("a")).await.unwrap();
    let read = within(walk.finish()).await.unwrap().read;
    assert_eq!(read, [Some("a*".to_owned()), Some("fresh".to_owned())]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_update_of_what_does_not_exist_ends_the_walk() {
    /// Changes a node that is not there.
    #[derive(Debug)]
    struct Ghostwriter;

    #[walker]
    impl Ghostwriter {
        #[on_visit]
        fn any(&mut self, _here: &Here, walk: &mut Walk) {
            walk.update(&hamlet("ghost"), |hamlet: &mut Hamlet| hamlet.name.clear());
        }
    }

    let stage = Stage::new();
    stage.draw("a").await;
    let walk = stage.runtime.spawn(Ghostwriter).at(hamlet("a")).await.unwrap();
    match within(walk.finish()).await {
        Err(WalkError::WriteRefused { source: WriteError::NotFound { id } }) => {
            assert_eq!(id, hamlet("ghost"));
        }
        other => panic!("{other:?}"),
    }
    assert!(matches!(
        stage.graph().update(hamlet("ghost"), |_: &mut Hamlet| ()).await,
        Err(Error::Write(WriteError::NotFound { .. }))
    ));
}

//! Walks that walks start: none outlives its parent.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};

use tokio::sync::Semaphore;
use wayfare::{Child, Direction, Here, Walk, WalkError, walker};

use super::stage::{Stage, Trail, hamlet, until, within};

/// Waits until it may end; counts those that are alive.
#[derive(Debug)]
struct Apprentice {
    alive: Arc<AtomicUsize>,
    may_end: Arc<Semaphore>,
    fails: bool,
    guard: Option<Alive>,
}

/// Counts one alive as long as it is kept.
#[derive(Debug)]
struct Alive(Arc<AtomicUsize>);

impl Drop for Alive {
    fn drop(&mut self) {
        self.0.fetch_sub(1, SeqCst);
    }
}

#[walker]
impl Apprentice {
    #[on_visit]
    async fn node(&mut self, _here: &Here<'_>) -> Result<(), String> {
        self.alive.fetch_add(1, SeqCst);
        self.guard = Some(Alive(self.alive.clone()));
        self.may_end.acquire().await.map_err(|error| error.to_string())?.forget();
        if self.fails { Err("a poor job".into()) } else { Ok(()) }
    }
}

/// Starts apprentices, and notes in its exit hook how many are alive.
#[derive(Debug)]
struct Master {
    apprentices: usize,
    failing: Option<usize>,
    alive: Arc<AtomicUsize>,
    may_end: Arc<Semaphore>,
    /// The same for the one that fails.
    may_fail: Arc<Semaphore>,
    at_exit: Option<usize>,
    waits: bool,
}

impl Master {
    fn new(apprentices: usize) -> Self {
        Self {
            apprentices,
            failing: None,
            alive: Arc::default(),
            may_end: Arc::new(Semaphore::new(0)),
            may_fail: Arc::new(Semaphore::new(0)),
            at_exit: None,
            waits: false,
        }
    }
}

#[walker]
impl Master {
    #[on_visit]
    async fn node(&mut self, here: &Here<'_>, walk: &mut Walk) -> Result<(), WalkError> {
        let mut children: Vec<Child<Apprentice>> = Vec::new();
        for number in 0..self.apprentices {
            let apprentice = Apprentice {
                alive: self.alive.clone(),
                may_end: if self.failing == Some(number) { &self.may_fail } else { &self.may_end }.clone(),
                fails: self.failing == Some(number),
                guard: None,
            };
            children.push(walk.spawn(apprentice, here.id())?);
        }
        if self.waits {
            for child in children {
                // Its error is this hook's matter now.
                drop(child.finish().await);
            }
        }
        Ok(())
    }

    #[on_exit]
    fn done(&mut self) {
        self.at_exit = Some(self.alive.load(SeqCst));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_walk_ends_after_its_children_and_before_its_exit_hooks_they_have_ended() {
    let stage = Stage::new();
    stage.draw("a").await;
    let master = Master::new(20);
    let (alive, may_end) = (master.alive.clone(), master.may_end.clone());
    let walk = stage.runtime.spawn(master).at(hamlet("a")).await.unwrap();
    until(async || alive.load(SeqCst) == 20).await;
    let waits = |walk: serde_json::Value| walk["waiting_for"] == "children" && walk["children"] == 20;
    until(async || walk.inspect().await.is_some_and(waits)).await;
    may_end.add_permits(20);
    assert_eq!(within(walk.finish()).await.unwrap().at_exit, Some(0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_child_that_nobody_waits_for_and_that_fails_ends_its_parent_and_the_other_children() {
    let stage = Stage::new();
    stage.draw("a").await;
    let master = Master { failing: Some(3), ..Master::new(8) };
    let (alive, may_fail) = (master.alive.clone(), master.may_fail.clone());
    let walk = stage.runtime.spawn(master).at(hamlet("a")).await.unwrap();
    until(async || alive.load(SeqCst) == 8).await;
    may_fail.add_permits(1);
    let ended = within(walk.finish()).await;
    if let Err(WalkError::ChildFailed { source, .. }) = &ended {
        assert!(source.to_string().contains("a poor job"), "{source}");
    } else {
        panic!("{ended:?}");
    }
    // The one that failed is dropped after its parent was told, the others are gone before it ends.
    assert!(alive.load(SeqCst) <= 1, "the others are cancelled");
    until(async || alive.load(SeqCst) == 0).await;
    assert!(stage.runtime.handle().walks().await.is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_error_of_a_child_that_a_hook_waits_for_is_the_hooks_own_matter() {
    let stage = Stage::new();
    stage.draw("a").await;
    let master = Master { failing: Some(0), waits: true, ..Master::new(3) };
    master.may_end.add_permits(2);
    master.may_fail.add_permits(1);
    let walk = stage.runtime.spawn(master).at(hamlet("a")).await.unwrap();
    within(walk.finish()).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn cancelling_a_walk_cancels_its_children_and_waits_until_they_are_gone() {
    let stage = Stage::new();
    stage.draw("a").await;
    for waits in [false, true] {
        let master = Master { waits, ..Master::new(10) };
        let alive = master.alive.clone();
        let walk = stage.runtime.spawn(master).at(hamlet("a")).await.unwrap();
        until(async || alive.load(SeqCst) == 10).await;
        walk.cancel();
        assert!(matches!(within(walk.finish()).await, Err(WalkError::Cancelled { .. })));
        assert_eq!(alive.load(SeqCst), 0, "none outlives it");
        assert!(stage.runtime.handle().walks().await.is_empty());
    }
}

/// Starts a child of its own kind until it is deep enough.
#[derive(Debug)]
struct Ancestor {
    generations: u32,
    alive: Arc<AtomicUsize>,
    guard: Option<Alive>,
}

#[walker]
impl Ancestor {
    #[on_visit]
    async fn node(&mut self, here: &Here<'_>, walk: &mut Walk) -> Result<(), WalkError> {
        self.alive.fetch_add(1, SeqCst);
        self.guard = Some(Alive(self.alive.clone()));
        if self.generations == 0 {
            std::future::pending::<()>().await;
        }
        let child = Ancestor { generations: self.generations - 1, alive: self.alive.clone(), guard: None };
        walk.spawn(child, here.id())?.finish().await.map(drop)
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn grandchildren_are_cancelled_as_well() {
    let stage = Stage::new();
    stage.draw("a").await;
    let alive = Arc::new(AtomicUsize::new(0));
    let ancestor = Ancestor { generations: 6, alive: alive.clone(), guard: None };
    let walk = stage.runtime.spawn(ancestor).at(hamlet("a")).await.unwrap();
    until(async || alive.load(SeqCst) == 7).await;
    walk.cancel();
    assert!(matches!(within(walk.finish()).await, Err(WalkError::Cancelled { .. })));
    until(async || alive.load(SeqCst) == 0).await;
    until(async || stage.runtime.handle().walks().await.is_empty()).await;
}

/// Sends a walk into each neighbourhood, from a hook that is not async.
#[derive(Debug, Default)]
struct Dispatcher {
    children: Vec<Child<Trail>>,
    found: Vec<String>,
}

#[walker]
impl Dispatcher {
    #[on_visit]
    fn node(&mut self, here: &Here, walk: &mut Walk) -> Result<(), WalkError> {
        if walk.depth() == 0 {
            walk.visit(here.neighbours(Direction::Out));
        } else {
            self.children.push(walk.spawn(Trail::default(), here.id())?);
        }
        Ok(())
    }

    #[on_exit]
    async fn gather(&mut self) -> Result<(), WalkError> {
        for child in self.children.drain(..) {
            self.found.push(child.finish().await?.keys.join(""));
        }
        Ok(())
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hook_that_is_not_async_starts_children_and_an_exit_hook_gathers_what_they_found() {
    let stage = Stage::new();
    stage.draw("a>b a>c b>d c>e e>f").await;
    let walk = stage.runtime.spawn(Dispatcher::default()).at(hamlet("a")).await.unwrap();
    assert_eq!(within(walk.finish()).await.unwrap().found, ["bd", "cef"]);
}

//! Hooks on threads for blocking work: they hold up nobody, and are walks like any other in all else.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::sync::oneshot;
use wayfare::{Direction, Here, HookError, Step, Walk, WalkError, walker};

use super::cancelling::Keeper;
use super::stage::{Hamlet, Stage, Trail, hamlet, key, until, within};
use super::waiting::Patient;

fn is_apart() -> bool {
    std::thread::current().name() == Some("wayfare-blocking")
}

/// Two flags of a [`Keeper`]: whether its hook runs, and whether it may return.
#[derive(Clone, Default)]
struct Flags {
    keeps: Arc<AtomicBool>,
    release: Arc<AtomicBool>,
}

impl Flags {
    fn keeper(&self) -> Keeper {
        Keeper { keeps: Arc::clone(&self.keeps), release: Arc::clone(&self.release) }
    }
}

/// A hook that a failed test has left behind returns.
impl Drop for Flags {
    fn drop(&mut self) {
        self.release.store(true, SeqCst);
    }
}

/// Notes whether its hooks ran on threads for blocking work.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Mason {
    apart: Vec<bool>,
    keys: Vec<String>,
}

#[walker(blocking)]
impl Mason {
    #[on_enter]
    fn begin(&mut self) {
        self.apart.push(is_apart());
    }

    #[on_visit]
    fn lay(&mut self, here: &Here<Hamlet>, walk: &mut Walk) -> Result<(), WalkError> {
        self.apart.push(is_apart());
        self.keys.push(here.name.clone());
        here.update(|hamlet| hamlet.name.push('!'));
        walk.visit(here.neighbours(Direction::Out));
        walk.emit(&here.name)
    }

    #[on_exit]
    fn end(&mut self) {
        self.apart.push(is_apart());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hook_that_keeps_its_thread_holds_up_no_other_walk() {
    let stage = Stage::with(|config| config.workers_count(1));
    stage.draw("a>b").await;
    let flags = Flags::default();
    let walk = stage.runtime.spawn(flags.keeper()).at(hamlet("a")).blocking().await.unwrap();
    until(async || flags.keeps.load(SeqCst)).await;
    for _ in 0..3 {
        assert_eq!(stage.trail("a").await, "a b");
    }
    until(async || walk.inspect().await.is_some_and(|walk| walk["waiting_for"] == "hook")).await;
    flags.release.store(true, SeqCst);
    within(walk.finish()).await.unwrap();
    assert_eq!((walk.profile().visits, stage.runtime.workers()), (2, 1));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn all_hooks_of_a_blocking_walker_run_apart_and_do_what_hooks_do() {
    let stage = Stage::with(|config| config.workers_count(1));
    stage.draw("a>b b>c").await;
    let (walk, mut stream) = stage.runtime.spawn(Mason::default()).at(hamlet("a")).stream().await.unwrap();
    let mut emitted = Vec::new();
    while let Some(value) = within(stream.next()).await {
        emitted.push(value.unwrap());
    }
    let mason = within(walk.finish()).await.unwrap();
    assert_eq!((mason.apart, mason.keys.join(" ").as_str()), (vec![true; 5], "a b c"));
    assert_eq!(emitted, ["a", "b", "c"]);
    let names = stage.graph().get::<Hamlet>(hamlet("c")).await.unwrap();
    assert_eq!(names.unwrap().name, "c!");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_blocking_walk_may_be_durable() {
    let stage = Stage::with(|config| config.workers_count(1));
    stage.draw("a>b b>c c>d").await;
    let how = wayfare::Durable { visits: 1, ..Default::default() };
    let walk = stage.runtime.spawn(Trail::default()).at(hamlet("a")).durable(how).blocking().key("k");
    let trail = within(walk.await.unwrap().finish()).await.unwrap();
    assert_eq!(trail.keys.join(" "), "a b c d");
}

/// Waits for a timer, then for the graph, with an async hook.
#[derive(Debug, Default)]
struct Ferryman {
    names: Vec<String>,
}

#[walker(blocking)]
impl Ferryman {
    #[on_visit]
    async fn cross(&mut self, here: &Here<'_, Hamlet>, walk: &mut Walk) -> Result<(), HookError> {
        tokio::time::sleep(Duration::from_millis(1)).await;
        assert!(is_apart(), "still there after it has waited");
        let there = walk.documents(&[here.id().clone()]).await?;
        assert!(there[0].is_some());
        self.names.push(here.name.clone());
        walk.visit(here.neighbours(Direction::Out));
        Ok(())
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn async_hooks_wait_on_their_thread_for_timers_and_records() {
    let stage = Stage::with(|config| config.workers_count(1));
    stage.draw("a>b b>c").await;
    let walk = stage.runtime.spawn(Ferryman::default()).at(hamlet("a")).await.unwrap();
    assert_eq!(within(walk.finish()).await.unwrap().names.join(" "), "a b c");
}

/// How many of its hooks run at the same time, which all of them wait for.
#[derive(Debug, Default)]
struct Crew {
    at_work: AtomicUsize,
    merged: Vec<String>,
}

#[walker(blocking, max_workers = 3)]
impl Crew {
    #[on_visit]
    fn haul(&self, here: &Here<Hamlet>, walk: &mut Walk) -> String {
        assert!(is_apart());
        walk.visit(here.neighbours(Direction::Out));
        if here.name != "a" {
            self.at_work.fetch_add(1, SeqCst);
            // Each keeps its thread until the others are there.
            while self.at_work.load(SeqCst) < 3 {
                std::thread::yield_now();
            }
        }
        here.name.clone()
    }

    #[on_merge]
    fn take(&mut self, name: String) {
        self.merged.push(name);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn visits_at_the_same_time_have_a_thread_each() {
    let stage = Stage::with(|config| config.workers_count(1));
    stage.draw("a>b a>c a>d").await;
    let walk = stage.runtime.spawn(Crew::default()).at(hamlet("a")).await.unwrap();
    assert_eq!(within(walk.finish()).await.unwrap().merged.join(" "), "a b c d");
}

#[derive(Debug, Default)]
struct Stumbler;

#[walker(blocking)]
impl Stumbler {
    #[on_visit]
    fn node(&mut self, here: &Here, walk: &mut Walk) {
        walk.visit(here.neighbours(Direction::Out));
        assert!(key(here.id()) != "c", "stumbled");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_panic_apart_ends_the_walk_and_tells_where() {
    let stage = Stage::new();
    stage.draw("a>b b>c").await;
    for _ in 0..3 {
        let walk = stage.runtime.spawn(Stumbler).at(hamlet("a")).await.unwrap();
        match within(walk.finish()).await {
            Err(WalkError::HookPanicked { walker, at, message }) => {
                assert_eq!((&*walker, at, &*message), ("Stumbler", hamlet("c"), "stumbled"));
            }
            other => panic!("{other:?}"),
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_waits_apart_is_cancelled_at_once_and_its_future_dropped() {
    let stage = Stage::new();
    let (go, wait) = oneshot::channel();
    let walk = stage.runtime.spawn(Patient::new(wait)).blocking().await.unwrap();
    until(async || walk.inspect().await.is_some_and(|walk| walk["waiting_for"] == "hook")).await;
    walk.cancel();
    assert!(matches!(within(walk.finish()).await, Err(WalkError::Cancelled { .. })));
    assert!(go.is_closed(), "the future is gone before the caller is told");
}

/// Counts its visits, and waits at each until the last word is spoken.
#[derive(Debug)]
struct Counter {
    visits: Arc<AtomicUsize>,
    flags: Flags,
}

impl std::fmt::Debug for Flags {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Flags")
    }
}

#[walker(blocking)]
impl Counter {
    #[on_visit]
    fn count(&mut self, here: &Here, walk: &mut Walk) -> Step {
        self.visits.fetch_add(1, SeqCst);
        walk.visit(here.neighbours(Direction::Out));
        if walk.depth() == 1 {
            self.flags.keeps.store(true, SeqCst);
            while !self.flags.release.load(SeqCst) {
                std::thread::yield_now();
            }
        }
        Step::Continue
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_walk_whose_hook_blocks_is_cancelled_without_it_and_makes_no_further_visit() {
    let stage = Stage::with(|config| config.workers_count(1));
    stage.draw("a>b a>c a>d a>e").await;
    assert_eq!(stage.trail("a").await, "a b c d e");
    let (visits, flags) = (Arc::new(AtomicUsize::new(0)), Flags::default());
    let counter = Counter { visits: Arc::clone(&visits), flags: flags.clone() };
    let walk = stage.runtime.spawn(counter).at(hamlet("a")).await.unwrap();
    until(async || flags.keeps.load(SeqCst)).await;
    walk.cancel();
    assert!(matches!(within(walk.finish()).await, Err(WalkError::Cancelled { .. })));
    flags.release.store(true, SeqCst);
    // Its future is dropped with the flags when the hook returns; only then nothing can follow.
    until(async || Arc::strong_count(&flags.keeps) == 1).await;
    assert_eq!(visits.load(SeqCst), 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn more_blocking_hooks_than_threads_wait_for_one() {
    let stage = Stage::with(|config| config.workers_count(1).workers_blocking_threads(1));
    stage.draw("a>b").await;
    let (first, second) = (Flags::default(), Flags::default());
    let keeper = stage.runtime.spawn(first.keeper()).at(hamlet("a")).blocking().await.unwrap();
    until(async || first.keeps.load(SeqCst)).await;
    let waiting = stage.runtime.spawn(second.keeper()).at(hamlet("a")).blocking().await.unwrap();
    until(async || waiting.inspect().await.is_some_and(|walk| walk["waiting_for"] == "hook")).await;
    assert_eq!(stage.trail("a").await, "a b");
    assert!(!second.keeps.load(SeqCst));
    first.release.store(true, SeqCst);
    second.release.store(true, SeqCst);
    within(keeper.finish()).await.unwrap();
    within(waiting.finish()).await.unwrap();
    assert!(second.keeps.load(SeqCst));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stop_leaves_a_hook_behind_that_does_not_return_in_time() {
    let stage = Stage::with(|config| config.supervision_drain_timeout_ms(100));
    let flags = Flags::default();
    let walk = stage.runtime.spawn(flags.keeper()).blocking().await.unwrap();
    until(async || flags.keeps.load(SeqCst)).await;
    let stopped = tokio::time::timeout(Duration::from_secs(10), stage.runtime.clone().shutdown()).await;
    stopped.expect("it stops though a hook does not return");
    assert!(matches!(within(walk.finish()).await, Err(WalkError::Stopped)));
}

/// Keeps its thread for 200 ms at `a`, and notes where it was.
#[derive(Debug, Default)]
struct Dawdler {
    apart: Vec<bool>,
}

fn dawdle_at_a(here: &Here<Hamlet>) {
    if here.name == "a" {
        std::thread::sleep(Duration::from_millis(200));
    }
}

#[walker]
impl Dawdler {
    #[on_visit]
    fn linger(&mut self, here: &Here<Hamlet>, walk: &mut Walk) {
        self.apart.push(is_apart());
        dawdle_at_a(here);
        walk.visit(here.neighbours(Direction::Out));
    }
}

/// The same in an async hook, before or after it has waited.
#[derive(Debug, Default)]
struct AsyncDawdler {
    waits_first: bool,
    apart: Vec<bool>,
}

#[walker]
impl AsyncDawdler {
    #[on_visit]
    async fn linger(&mut self, here: &Here<'_, Hamlet>, walk: &mut Walk) {
        if self.waits_first {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        self.apart.push(is_apart());
        dawdle_at_a(here);
        walk.visit(here.neighbours(Direction::Out));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_walk_whose_hook_was_slow_goes_on_apart_where_the_settings_say_so() {
    for moves in [true, false] {
        let stage = Stage::with(|config| config.observe_slow_hook_ms(50).workers_move_slow_walks(moves));
        stage.draw("a>b b>c").await;
        let walk = stage.runtime.spawn(Dawdler::default()).at(hamlet("a")).await.unwrap();
        assert_eq!(within(walk.finish()).await.unwrap().apart, [false, moves, moves]);
        for waits_first in [true, false] {
            let dawdler = AsyncDawdler { waits_first, ..AsyncDawdler::default() };
            let walk = stage.runtime.spawn(dawdler).at(hamlet("a")).await.unwrap();
            assert_eq!(within(walk.finish()).await.unwrap().apart, [false, moves, moves], "{waits_first}");
        }
    }
}

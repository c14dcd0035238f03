//! Standing still and going on.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::time::Duration;

use wayfare::{Budget, Direction, Here, Limits, Walk, WalkError, walker};

use super::stage::{Stage, Trail, hamlet, until, within};

/// Pauses itself at every node.
#[derive(Debug, Default)]
struct Stroller {
    visits: Arc<AtomicUsize>,
}

#[walker]
impl Stroller {
    #[on_visit]
    fn node(&mut self, here: &Here, walk: &mut Walk) {
        self.visits.fetch_add(1, SeqCst);
        walk.visit(here.neighbours(Direction::Out));
        walk.pause();
    }

    #[on_exit]
    fn done(&mut self) {
        self.visits.fetch_add(100, SeqCst);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_walk_that_pauses_itself_goes_on_only_when_it_is_resumed() {
    let stage = Stage::new();
    stage.draw("a>b b>c").await;
    let visits = Arc::new(AtomicUsize::new(0));
    let walk = stage.runtime.spawn(Stroller { visits: visits.clone() }).at(hamlet("a")).await.unwrap();
    let paused = async || walk.inspect().await.is_some_and(|walk| walk["waiting_for"] == "resume");
    for expected in 1..=3 {
        until(&paused).await;
        assert_eq!(visits.load(SeqCst), expected);
        tokio::time::sleep(Duration::from_millis(30)).await;
        assert_eq!(visits.load(SeqCst), expected, "it stands still");
        walk.resume();
    }
    within(walk.finish()).await.unwrap();
    assert_eq!(visits.load(SeqCst), 103);
}

/// Goes round for ever.
#[derive(Debug, Default)]
struct Runner {
    visits: Arc<AtomicUsize>,
}

#[walker(unique = "none")]
impl Runner {
    #[on_visit]
    fn node(&mut self, here: &Here, walk: &mut Walk) {
        self.visits.fetch_add(1, SeqCst);
        walk.visit(here.neighbours(Direction::Out));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_walk_is_paused_and_resumed_from_outside_and_can_be_cancelled_meanwhile() {
    let stage = Stage::with(|config| config.workers_count(1));
    stage.draw("a>b b>a").await;
    let visits = Arc::new(AtomicUsize::new(0));
    let walk = stage.runtime.spawn(Runner { visits: visits.clone() }).at(hamlet("a")).await.unwrap();
    for _ in 0..3 {
        until(async || visits.load(SeqCst) > 10).await;
        walk.pause();
        until(async || walk.inspect().await.is_some_and(|walk| walk["waiting_for"] == "resume")).await;
        let stood = visits.load(SeqCst);
        // Others have the worker for themselves.
        assert_eq!(stage.trail("a").await, "a b");
        assert_eq!(visits.load(SeqCst), stood);
        visits.store(0, SeqCst);
        walk.resume();
    }
    until(async || visits.load(SeqCst) > 10).await;
    assert!(stage.runtime.handle().pause(walk.id()).await);
    until(async || walk.inspect().await.is_some_and(|walk| walk["waiting_for"] == "resume")).await;
    walk.cancel();
    assert!(matches!(within(walk.finish()).await, Err(WalkError::Cancelled { .. })));
    assert!(!stage.runtime.handle().resume(walk.id()).await, "there is no such walk any more");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn budgets_are_kept_over_pauses_and_paused_time_does_not_count() {
    let stage = Stage::new();
    stage.draw("a>b b>a").await;
    let limits = Limits { visits: 5, wall: Duration::from_secs(3), ..Limits::default() };
    let visits = Arc::new(AtomicUsize::new(0));

    #[derive(Debug)]
    struct Halting(Arc<AtomicUsize>);

    #[walker(unique = "none")]
    impl Halting {
        #[on_visit]
        fn node(&mut self, here: &Here, walk: &mut Walk) {
            self.0.fetch_add(1, SeqCst);
            walk.visit(here.neighbours(Direction::Out));
            walk.pause();
        }
    }

    let walk = stage.runtime.spawn(Halting(visits.clone())).at(hamlet("a")).limits(limits).await.unwrap();
    for visit in 1..=5 {
        until(async || visits.load(SeqCst) == visit).await;
        until(async || walk.inspect().await.is_some_and(|walk| walk["waiting_for"] == "resume")).await;
        // In all, longer than the wall budget.
        tokio::time::sleep(Duration::from_millis(700)).await;
        walk.resume();
    }
    match within(walk.finish()).await {
        Err(WalkError::BudgetReached { budget: Budget::Visits, limit: 5, reached: 6, .. }) => {}
        other => panic!("{other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_walk_paused_before_it_has_begun_stands_still_from_the_start() {
    let stage = Stage::new();
    stage.draw("a>b").await;
    let walk = stage.runtime.spawn(Trail::default()).at(hamlet("a")).await.unwrap();
    walk.pause();
    walk.resume();
    walk.pause();
    walk.resume();
    assert_eq!(within(walk.finish()).await.unwrap().keys, ["a", "b"]);
    // One that has ended cannot be paused any more.
    walk.pause();
    walk.resume();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_runtime_with_paused_walks_stops_without_waiting_for_them() {
    let stage = Stage::with(|config| config.supervision_drain_timeout_ms(60_000));
    stage.draw("a>b").await;
    let walk = stage.runtime.spawn(Stroller::default()).at(hamlet("a")).await.unwrap();
    until(async || walk.inspect().await.is_some_and(|walk| walk["waiting_for"] == "resume")).await;
    within(stage.runtime.clone().shutdown()).await;
    assert!(matches!(within(walk.finish()).await, Err(WalkError::Stopped)));
}

/// Lets another walk go on, from its hook.
#[derive(Debug)]
struct Waker {
    walk: u64,
    found: Option<bool>,
}

#[walker]
impl Waker {
    #[on_visit]
    fn node(&mut self, _here: &Here, walk: &mut Walk) {
        self.found = Some(walk.resume_walk(self.walk));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hook_can_let_another_walk_go_on() {
    let stage = Stage::new();
    stage.draw("a").await;
    let walk = stage.runtime.spawn(Stroller::default()).at(hamlet("a")).await.unwrap();
    until(async || walk.inspect().await.is_some_and(|walk| walk["waiting_for"] == "resume")).await;
    let number = walk.id();
    for alive in [true, false] {
        let waker = stage.runtime.spawn(Waker { walk: number, found: None }).at(hamlet("a")).await.unwrap();
        assert_eq!(within(waker.finish()).await.unwrap().found, Some(alive));
        if alive {
            within(walk.finish()).await.unwrap();
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_deadline_of_its_own_ends_a_walk_and_keeps_the_other_budgets_of_the_settings() {
    let stage = Stage::with(|config| config.limits_visits(3));
    stage.draw("a>b b>a").await;
    let runner = stage.runtime.spawn(Runner::default()).at(hamlet("a")).deadline(Duration::from_secs(60));
    let ended = within(runner.await.unwrap().finish()).await;
    assert!(matches!(ended, Err(WalkError::BudgetReached { budget: Budget::Visits, limit: 3, .. })));

    let stage = Stage::new();
    stage.draw("a>b b>a").await;
    let runner = stage.runtime.spawn(Runner::default()).at(hamlet("a")).deadline(Duration::from_millis(30));
    let ended = within(runner.await.unwrap().finish()).await;
    match ended {
        Err(WalkError::BudgetReached { budget: Budget::WallMs, limit: 30, reached, .. }) => {
            assert!(reached >= 30, "{reached}");
        }
        other => panic!("{other:?}"),
    }
}

//! Budgets: each ends its walk with an error that names it, and nothing else.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::time::Duration;

use wayfare::{Budget, Direction, Here, Limits, Unique, Walk, WalkError, walker};

use super::stage::{Stage, Trail, hamlet, key, until, within};

/// The walk ended at a budget of this size.
#[track_caller]
fn assert_reached<T>(ended: Result<T, WalkError>, wanted: Budget, size: u64) {
    let figure = figure_reached(ended, wanted, size);
    // Time is told in whole milliseconds, by a clock that has run on.
    assert!(figure > size || (wanted == Budget::WallMs && figure == size), "{figure} of {size} {wanted}");
}

/// The figure at which it ended.
#[track_caller]
fn figure_reached<T>(ended: Result<T, WalkError>, wanted: Budget, size: u64) -> u64 {
    match ended {
        Err(WalkError::BudgetReached { budget, limit, reached, .. }) => {
            assert_eq!((budget, limit), (wanted, size));
            reached
        }
        Err(other) => panic!("ended with: {other}"),
        Ok(_) => panic!("ended well"),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_error_tells_the_figure_that_was_reached() {
    for turn in [256, 1] {
        let stage = Stage::with(|config| config.workers_turn_visits(turn));
        stage.draw("a>b a>c a>d a>e b>a b>f b>g").await;
        let visits = Limits { visits: 3, ..Limits::default() };
        assert_eq!(figure_reached(limited(&stage, Unique::Node, visits).await, Budget::Visits, 3), 4);
        let queue = Limits { queue: 2, ..Limits::default() };
        assert_eq!(figure_reached(limited(&stage, Unique::Node, queue).await, Budget::Queue, 2), 4);
        let later = Limits { queue: 4, ..Limits::default() };
        assert_eq!(figure_reached(limited(&stage, Unique::Node, later).await, Budget::Queue, 4), 5);
        let per_node = Limits { visits_per_node: 2, ..Limits::default() };
        let ended = limited(&stage, Unique::None, per_node).await;
        assert_eq!(figure_reached(ended, Budget::VisitsPerNode, 2), 3);
        let wall = Limits { wall: Duration::from_millis(50), ..WALL };
        assert!((50..10_000).contains(&figure_reached(
            limited(&stage, Unique::None, wall).await,
            Budget::WallMs,
            50
        )));
        let bytes = Limits { report_bytes: 7, ..Limits::default() };
        let walk = stage.runtime.spawn(ShortChronicler).at(hamlet("a")).limits(bytes).await.unwrap();
        // Three reports of a letter in quotes.
        assert_eq!(figure_reached(within(walk.finish()).await, Budget::ReportBytes, 7), 9);
    }
}

/// Ends trails from `a` with limits of their own.
async fn limited(stage: &Stage, unique: Unique, limits: Limits) -> Result<Vec<String>, WalkError> {
    let spawning = stage.runtime.spawn(Trail::default()).at(hamlet("a")).unique(unique).limits(limits);
    within(spawning.await.unwrap().finish()).await.map(|trail| trail.keys)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn visits() {
    let stage = Stage::new();
    stage.draw("a>b b>c").await;
    let visits = |visits| Limits { visits, ..Limits::default() };
    assert_eq!(limited(&stage, Unique::Node, visits(3)).await.unwrap(), ["a", "b", "c"]);
    assert_reached(limited(&stage, Unique::Node, visits(2)).await, Budget::Visits, 2);
}

/// Async hooks run in batches: the budget may lie inside one.
#[derive(Debug, Default)]
struct Stepper {
    keys: Vec<String>,
}

#[walker]
impl Stepper {
    #[on_visit]
    async fn node(&mut self, here: &Here<'_>, walk: &mut Walk) -> Result<(), WalkError> {
        self.keys.push(key(here.id()));
        walk.visit(here.neighbours(Direction::Out));
        walk.emit(&self.keys.len())
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn visits_of_async_hooks_are_all_made_up_to_the_budget() {
    let stage = Stage::new();
    stage.draw("a>b a>c a>d a>e a>f").await;
    for visits in [1, 3, 5] {
        let limits = Limits { visits, ..Limits::default() };
        let spawning = stage.runtime.spawn(Stepper::default()).at(hamlet("a")).limits(limits);
        let (walk, mut stream) = spawning.stream().await.unwrap();
        let mut made = 0;
        while let Some(value) = within(stream.next()).await {
            made = value.unwrap().as_u64().unwrap();
        }
        assert_reached(within(walk.finish()).await, Budget::Visits, visits);
        assert_eq!(made, visits);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn visits_per_node() {
    let stage = Stage::new();
    stage.draw("a>b b>a").await;
    let per_node = |visits_per_node| Limits { visits_per_node, ..Limits::default() };
    assert_reached(limited(&stage, Unique::None, per_node(3)).await, Budget::VisitsPerNode, 3);
    assert_eq!(limited(&stage, Unique::Node, per_node(1)).await.unwrap(), ["a", "b"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn queue() {
    let stage = Stage::new();
    stage.draw("a>b a>c a>d b>e b>f").await;
    let queue = |queue| Limits { queue, ..Limits::default() };
    assert_eq!(limited(&stage, Unique::Node, queue(4)).await.unwrap().len(), 6);
    assert_reached(limited(&stage, Unique::Node, queue(2)).await, Budget::Queue, 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn queue_counts_the_same_however_many_visits_are_made_in_a_turn() {
    // When the first of a hundred neighbours has been visited, 99 wait and a hundred are added.
    let near: String = (0..100).map(|number| format!("a>n{number} ")).collect();
    let far: String = (0..100).map(|number| format!("n0>f{number} ")).collect();
    for turn_visits in [1, 256] {
        let stage = Stage::with(|config| config.workers_turn_visits(turn_visits));
        stage.draw(&(near.clone() + &far)).await;
        for _ in 0..2 {
            let walk = stage.runtime.spawn(Trail::default()).at(hamlet("a")).await.unwrap();
            within(walk.finish()).await.unwrap();
            assert_eq!(walk.profile().longest_queue, 199, "{turn_visits} visits a turn");
            let queue = Limits { queue: 150, ..Limits::default() };
            assert_reached(limited(&stage, Unique::Node, queue).await, Budget::Queue, 150);
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn budgets_of_the_settings_hold_where_a_walk_sets_none() {
    let stage = Stage::with(|config| config.limits_visits(2));
    stage.draw("a>b b>c").await;
    let walk = stage.runtime.spawn(Trail::default()).at(hamlet("a")).await.unwrap();
    let error = within(walk.finish()).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "walk of `Trail` reached its budget of 2 visits (with 3): raise `[limits] visits` or set it for this walk"
    );
}

/// Reports at every node, in the way the crate's own result type suggests.
#[derive(Debug, Default)]
struct Chronicler;

#[walker]
impl Chronicler {
    #[on_visit]
    fn node(&mut self, here: &Here, walk: &mut Walk) -> wayfare::Result<()> {
        walk.visit(here.neighbours(Direction::Out));
        Ok(walk.report(&key(here.id()))?)
    }
}

/// The same with the walk's own error.
#[derive(Debug, Default)]
struct ShortChronicler;

#[walker]
impl ShortChronicler {
    #[on_visit]
    fn node(&mut self, here: &Here, walk: &mut Walk) -> Result<(), WalkError> {
        walk.visit(here.neighbours(Direction::Out));
        walk.report(&key(here.id()))
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn report_bytes() {
    let stage = Stage::with(|config| config.limits_report_bytes(7));
    stage.draw("a>b b>c").await;
    let walk = stage.runtime.spawn(ShortChronicler).at(hamlet("a")).await.unwrap();
    assert_reached(within(walk.finish()).await, Budget::ReportBytes, 7);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn report_bytes_of_a_hook_that_returns_the_error_of_the_crate() {
    let stage = Stage::with(|config| config.limits_report_bytes(7));
    stage.draw("a>b b>c").await;
    let walk = stage.runtime.spawn(Chronicler).at(hamlet("a")).await.unwrap();
    assert_reached(within(walk.finish()).await, Budget::ReportBytes, 7);
}

const WALL: Limits = Limits {
    visits: u64::MAX,
    visits_per_node: u64::MAX,
    queue: u64::MAX,
    wall: Duration::from_millis(200),
    report_bytes: u64::MAX,
};

#[derive(Debug, Default)]
struct Waiter;

#[walker]
impl Waiter {
    #[on_visit]
    async fn node(&mut self, _here: &Here<'_>) {
        std::future::pending::<()>().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn wall_of_an_async_hook_that_never_returns() {
    let stage = Stage::new();
    let walk = stage.runtime.spawn(Waiter).limits(WALL).await.unwrap();
    assert_reached(within(walk.finish()).await, Budget::WallMs, 200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn wall_of_a_walk_that_goes_round_for_ever() {
    let stage = Stage::new();
    stage.draw("a>b b>a").await;
    assert_reached(limited(&stage, Unique::None, WALL).await, Budget::WallMs, 200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn wall_of_a_walk_whose_stream_nobody_reads() {
    let stage = Stage::with(|config| config.limits_emit_buffer(1));
    stage.draw("a>b b>c c>d").await;
    let spawning = stage.runtime.spawn(Stepper::default()).at(hamlet("a")).limits(WALL);
    let (walk, _stream) = spawning.stream().await.unwrap();
    assert_reached(within(walk.finish()).await, Budget::WallMs, 200);
}

/// Lets hooks that hold their thread go when the test ends, however it ends.
#[derive(Debug)]
struct Release(Arc<AtomicBool>);

impl Drop for Release {
    fn drop(&mut self) {
        self.0.store(true, SeqCst);
    }
}

fn hold(release: &AtomicBool) {
    while !release.load(SeqCst) {
        std::thread::yield_now();
    }
}

/// Never gives its thread back.
#[derive(Debug)]
struct Holder {
    release: Arc<AtomicBool>,
    holds: Arc<AtomicBool>,
}

#[walker]
impl Holder {
    #[on_visit]
    fn node(&mut self, _here: &Here) {
        self.holds.store(true, SeqCst);
        hold(&self.release);
    }
}

/// The same after its first wait.
#[derive(Debug)]
struct LateHolder {
    release: Arc<AtomicBool>,
    holds: Arc<AtomicBool>,
}

#[walker]
impl LateHolder {
    #[on_visit]
    async fn node(&mut self, _here: &Here<'_>) {
        tokio::task::yield_now().await;
        self.holds.store(true, SeqCst);
        hold(&self.release);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn wall_of_a_hook_that_keeps_its_thread_while_the_runtime_goes_on() {
    let stage = Stage::with(|config| config.workers_count(1));
    stage.draw("a>b").await;
    let release = Release(Arc::default());
    let holder = Holder { release: Arc::clone(&release.0), holds: Arc::default() };
    let walk = stage.runtime.spawn(holder).limits(WALL).await.unwrap();
    assert_reached(within(walk.finish()).await, Budget::WallMs, 200);
    assert_eq!(stage.trail("a").await, "a b");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn wall_of_an_async_hook_that_keeps_its_thread_after_a_wait() {
    let stage = Stage::with(|config| config.workers_count(1));
    stage.draw("a>b").await;
    let release = Release(Arc::default());
    let holder = LateHolder { release: Arc::clone(&release.0), holds: Arc::default() };
    let walk = stage.runtime.spawn(holder).limits(WALL).await.unwrap();
    assert_reached(within(walk.finish()).await, Budget::WallMs, 200);
    assert_eq!(stage.trail("a").await, "a b");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn wall_of_a_hook_that_keeps_its_thread_longer_than_it_takes_to_call_it_stalled() {
    let stage = Stage::with(|config| config.workers_count(1).supervision_stall_ms(50));
    stage.draw("a>b").await;
    let release = Release(Arc::default());
    let holder = Holder { release: Arc::clone(&release.0), holds: Arc::default() };
    let walk = stage.runtime.spawn(holder).limits(WALL).await.unwrap();
    assert_reached(within(walk.finish()).await, Budget::WallMs, 200);
    assert_eq!(stage.trail("a").await, "a b");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn wall_of_walks_that_wait_behind_a_hook_which_keeps_their_thread() {
    let stage = Stage::with(|config| config.workers_count(1));
    stage.draw("a>b").await;
    let (release, holds) = (Release(Arc::default()), Arc::new(AtomicBool::new(false)));
    let holder = Holder { release: Arc::clone(&release.0), holds: Arc::clone(&holds) };
    // Long enough for the hook to begin on a busy machine.
    let [first, second] = [2, 3].map(|seconds| Limits { wall: Duration::from_secs(seconds), ..WALL });
    let waiter = stage.runtime.spawn(Waiter).limits(second).await.unwrap();
    let holder = stage.runtime.spawn(holder).limits(first).await.unwrap();
    until(async || holds.load(SeqCst)).await;
    assert_reached(within(holder.finish()).await, Budget::WallMs, 2_000);
    assert_reached(within(waiter.finish()).await, Budget::WallMs, 3_000);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn wall_of_a_walk_that_waits_for_a_write_to_become_durable() {
    let (stage, store) = Stage::on_trick_store(|config| config);
    stage.draw("a>b").await;
    stage.trail("a").await;
    store.applies.close();
    let graph = stage.graph();
    let before = store.applies.came();
    let update = tokio::spawn(async move {
        graph.update(hamlet("a"), |a: &mut super::stage::Hamlet| a.name = "A".into()).await
    });
    store.applies.wait_for(before + 1).await;
    let ended = limited(&stage, Unique::Node, WALL).await;
    store.applies.open();
    within(update).await.unwrap().unwrap();
    assert_reached(ended, Budget::WallMs, 200);
}

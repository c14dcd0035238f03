//! Cancelling, bad starts, and more walks than are allowed.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};

use tokio::sync::oneshot;
use wayfare::{Direction, Error, Here, Id, IdError, Unique, Walk, WalkError, walker};

use super::stage::{Stage, Trail, hamlet, until, within};
use super::waiting::Patient;

#[track_caller]
fn assert_cancelled<T>(ended: Result<T, WalkError>, name: &str) {
    match ended {
        Err(WalkError::Cancelled { walker }) => assert_eq!(walker, name),
        Err(other) => panic!("ended with: {other}"),
        Ok(_) => panic!("ended well"),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_walk_that_waits_in_a_hook_is_cancelled_at_once_and_its_future_dropped() {
    let stage = Stage::new();
    let (go, wait) = oneshot::channel();
    let walk = stage.runtime.spawn(Patient::new(wait)).await.unwrap();
    until(async || walk.inspect().await.is_some_and(|walk| walk["waiting_for"] == "hook")).await;
    walk.cancel();
    assert_cancelled(within(walk.finish()).await, "Patient");
    until(async || go.is_closed()).await;
    assert_eq!(walk.inspect().await, None);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_walk_that_runs_is_cancelled_between_visits() {
    let stage = Stage::new();
    stage.draw("a>b b>a").await;
    let spawning = stage.runtime.spawn(Trail::default()).at(hamlet("a")).unique(Unique::None);
    let walk = spawning.await.unwrap();
    until(async || walk.inspect().await.is_some_and(|walk| walk["profile"]["visits"].as_u64() > Some(0)))
        .await;
    walk.cancel();
    assert_cancelled(within(walk.finish()).await, "Trail");
}

/// Keeps its thread until the test lets it go.
#[derive(Debug)]
pub(super) struct Keeper {
    pub(super) keeps: Arc<AtomicBool>,
    pub(super) release: Arc<AtomicBool>,
}

#[walker]
impl Keeper {
    #[on_visit]
    fn node(&mut self, here: &Here, walk: &mut Walk) {
        self.keeps.store(true, SeqCst);
        while !self.release.load(SeqCst) {
            std::thread::yield_now();
        }
        walk.visit(here.neighbours(Direction::Out));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_walk_whose_hook_keeps_its_thread_is_cancelled_without_it() {
    let stage = Stage::with(|config| config.workers_count(1));
    stage.draw("a>b").await;
    let (keeps, release) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicBool::new(false)));
    let keeper = Keeper { keeps: Arc::clone(&keeps), release: Arc::clone(&release) };
    let walk = stage.runtime.spawn(keeper).at(hamlet("a")).await.unwrap();
    until(async || keeps.load(SeqCst)).await;
    walk.cancel();
    let ended = tokio::time::timeout(std::time::Duration::from_secs(10), walk.finish()).await;
    release.store(true, SeqCst);
    assert_cancelled(ended.expect("it ends though its hook does not"), "Keeper");
    assert_eq!(stage.trail("a").await, "a b");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_walk_that_waits_for_records_is_cancelled_and_the_records_disturb_nobody() {
    for local in [true, false] {
        let (stage, store) = Stage::on_trick_store(|config| config.workers_count(1));
        stage.draw("a>b b>c x>y").await;
        store.local.store(local, SeqCst);
        store.loads.close();
        let walk = stage.runtime.spawn(Trail::default()).at(hamlet("a")).await.unwrap();
        store.loads.wait_for(1).await;
        walk.cancel();
        assert_cancelled(within(walk.finish()).await, "Trail");
        // These take its place, and wait for records of their own.
        let other = stage.runtime.spawn(Trail::default()).at(hamlet("x")).await.unwrap();
        store.loads.wait_for(2).await;
        store.loads.fail(1);
        store.loads.admit(1);
        store.loads.wait_for_passed(1).await;
        store.loads.open();
        assert_eq!(within(other.finish()).await.unwrap().keys, ["x", "y"]);
        assert_eq!(stage.trail("a").await, "a b c");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_walk_is_cancelled_by_its_number() {
    let stage = Stage::new();
    let (_go, wait) = oneshot::channel();
    let walk = stage.runtime.spawn(Patient::new(wait)).await.unwrap();
    assert!(stage.runtime.handle().cancel(walk.id()).await);
    assert_cancelled(within(walk.finish()).await, "Patient");
    assert!(!stage.runtime.handle().cancel(walk.id()).await);
    assert!(!stage.runtime.handle().cancel(u64::MAX).await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn cancelling_a_walk_that_has_ended_does_nothing() {
    let stage = Stage::with(|config| config.workers_count(1));
    stage.draw("a>b").await;
    let walk = stage.runtime.spawn(Trail::default()).at(hamlet("a")).await.unwrap();
    within(walk.finish()).await.unwrap();
    // Its place may have been taken by another walk.
    let other = stage.runtime.spawn(Trail::default()).at(hamlet("a")).await.unwrap();
    walk.cancel();
    assert_eq!(within(other.finish()).await.unwrap().keys, ["a", "b"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_start_that_does_not_exist_ends_the_walk_with_its_id() {
    let stage = Stage::new();
    let walk = stage.runtime.spawn(Trail::default()).at("n.Hamlet.nowhere").await.unwrap();
    let error = within(walk.finish()).await.unwrap_err();
    assert!(matches!(&error, WalkError::UnknownStart { id, .. } if *id == hamlet("nowhere")));
    assert_eq!(error.to_string(), "walk of `Trail` cannot start: node `n.Hamlet.nowhere` does not exist");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_start_that_was_deleted_is_one_that_does_not_exist() {
    let stage = Stage::new();
    stage.draw("a>b").await;
    assert_eq!(stage.trail("a").await, "a b");
    stage.graph().delete(hamlet("a")).await.unwrap();
    let walk = stage.runtime.spawn(Trail::default()).at(hamlet("a")).await.unwrap();
    assert!(matches!(within(walk.finish()).await, Err(WalkError::UnknownStart { .. })));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_text_that_is_no_id_is_refused_before_anything_starts() {
    let stage = Stage::new();
    for text in ["", "n", "n.Hamlet", "x.Hamlet.a", "n..a", "n.Hamlet.", "n.Hamlet.a\u{0}"] {
        let refused = stage.runtime.spawn(Trail::default()).at(text).await.unwrap_err();
        assert!(matches!(refused, Error::Id(_)), "{text}: {refused}");
    }
    let shape = stage.runtime.spawn(Trail::default()).at("nowhere").await.unwrap_err();
    assert!(matches!(shape, Error::Id(IdError::Shape { .. })));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_walk_cannot_start_at_what_is_no_node() {
    let stage = Stage::new();
    stage.draw("a b").await;
    let lane = stage.graph().connect(hamlet("a"), hamlet("b"), super::stage::Lane {}).await.unwrap();
    for id in [lane.id().clone(), "o.Setting.x".parse::<Id>().unwrap()] {
        let walk = stage.runtime.spawn(Trail::default()).at(&id).await.unwrap();
        let ended = within(walk.finish()).await;
        assert!(matches!(ended, Err(WalkError::UnknownStart { .. })), "{id}: {ended:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_more_walks_than_allowed_are_alive_and_room_is_made_by_those_that_end() {
    let stage = Stage::with(|config| config.workers_max_walks(2).admission_queue(0));
    let (mut gos, mut walks) = (Vec::new(), Vec::new());
    for _ in 0..2 {
        let (go, wait) = oneshot::channel();
        walks.push(stage.runtime.spawn(Patient::new(wait)).await.unwrap());
        gos.push(go);
    }
    let refused = stage.runtime.spawn(Trail::default()).await.unwrap_err();
    assert!(matches!(refused, Error::Walk(WalkError::Overloaded { alive: 2, .. })), "{refused}");
    gos.into_iter().for_each(|go| go.send(()).unwrap());
    for walk in walks {
        within(walk.finish()).await.unwrap();
    }
    stage.runtime.spawn(Trail::default()).await.unwrap();
}

//! Exit hooks.

use std::sync::Arc;

use tokio::sync::Notify;
use wayfare::{Direction, Here, HookError, Walk, WalkError, walker};

use super::stage::{Stage, hamlet, key, until, within};

#[derive(Debug, Default)]
struct Leaver {
    called: Vec<String>,
}

#[walker]
impl Leaver {
    #[on_exit]
    fn first(&mut self, walk: &mut Walk) -> Result<(), WalkError> {
        self.called.push("first exit".into());
        walk.report(&self.called.len())
    }

    #[on_visit]
    fn node(&mut self, here: &Here, walk: &mut Walk) {
        self.called.push(key(here.id()));
        walk.visit(here.neighbours(Direction::Out));
    }

    #[on_exit]
    async fn second(&mut self) {
        tokio::task::yield_now().await;
        self.called.push("second exit".into());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn exit_hooks_run_once_after_the_last_visit_in_the_order_they_are_written() {
    let stage = Stage::new();
    stage.draw("a>b b>c").await;
    let walk = stage.runtime.spawn(Leaver::default()).at(hamlet("a")).await.unwrap();
    let called = within(walk.finish()).await.unwrap().called;
    assert_eq!(called, ["a", "b", "c", "first exit", "second exit"]);
    assert_eq!(walk.report(), [serde_json::json!(4)]);
}

/// Waits at its exit.
#[derive(Debug)]
struct Lingerer {
    go: Arc<Notify>,
    gone: bool,
}

#[walker]
impl Lingerer {
    #[on_exit]
    async fn done(&mut self) {
        self.go.notified().await;
        self.gone = true;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_exit_hook_can_wait() {
    let stage = Stage::new();
    let go = Arc::new(Notify::new());
    let walk = stage.runtime.spawn(Lingerer { go: Arc::clone(&go), gone: false }).await.unwrap();
    until(async || walk.inspect().await.is_some_and(|walk| walk["waiting_for"] == "hook")).await;
    go.notify_one();
    assert!(within(walk.finish()).await.unwrap().gone);
}

/// Fails at its second node, and would tell if its exit hook ran.
#[derive(Debug)]
struct Faller {
    exited: Arc<std::sync::atomic::AtomicBool>,
}

#[walker]
impl Faller {
    #[on_visit]
    fn node(&mut self, here: &Here, walk: &mut Walk) -> Result<(), HookError> {
        walk.visit(here.neighbours(Direction::Out));
        if walk.depth() == 1 { Err("fell".into()) } else { Ok(()) }
    }

    #[on_exit]
    fn done(&mut self) {
        self.exited.store(true, std::sync::atomic::Ordering::SeqCst);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn exit_hooks_do_not_run_when_a_hook_has_failed() {
    let stage = Stage::new();
    stage.draw("a>b").await;
    let exited = Arc::default();
    let walk = stage.runtime.spawn(Faller { exited: Arc::clone(&exited) }).at(hamlet("a")).await.unwrap();
    assert!(matches!(within(walk.finish()).await, Err(WalkError::HookFailed { .. })));
    assert!(!exited.load(std::sync::atomic::Ordering::SeqCst));
}

/// A walker without a hook for any node.
#[derive(Debug, Default)]
struct Idler {
    exited: bool,
}

#[walker]
impl Idler {
    #[on_exit]
    fn done(&mut self) {
        self.exited = true;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_walker_without_visit_hooks_visits_its_start_and_leaves() {
    let stage = Stage::new();
    let walk = stage.runtime.spawn(Idler::default()).await.unwrap();
    assert!(within(walk.finish()).await.unwrap().exited);
    assert_eq!(walk.profile().visits, 1);
}

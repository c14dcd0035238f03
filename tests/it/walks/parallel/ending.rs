//! Parallel walks that end before their time: an error, a panic, a cancel.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use wayfare::{Direction, Here, HookError, Walk, WalkError, walker};

use super::super::stage::{Hamlet, Lane, Stage, hamlet, until, within};
use super::star;

/// Fails at `3`.
#[derive(Debug, Default)]
struct Faulty {
    panics: bool,
    merged: Vec<String>,
}

#[walker(max_workers = 4)]
impl Faulty {
    #[on_visit]
    async fn node(&self, here: &Here<'_, Hamlet>, walk: &mut Walk) -> Result<String, HookError> {
        walk.visit(here.out::<Lane>());
        tokio::task::yield_now().await;
        assert!(!(self.panics && here.name == "3"), "burnt");
        if here.name == "3" { Err("fell".into()) } else { Ok(here.name.clone()) }
    }

    #[on_merge]
    fn merge(&mut self, name: String) {
        self.merged.push(name);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_error_or_a_panic_in_one_of_many_hooks_ends_the_walk_with_its_node() {
    for workers in [1, 2] {
        let stage = Stage::with(|config| config.workers_count(workers));
        stage.draw(&star(20)).await;
        let walk = stage.runtime.spawn(Faulty::default()).at(hamlet("r")).await.unwrap();
        let failed = within(walk.finish()).await.unwrap_err();
        assert!(
            matches!(&failed, WalkError::HookFailed { at, hook: "node", .. } if *at == hamlet("3")),
            "{failed}"
        );
        let faulty = Faulty { panics: true, ..Default::default() };
        let walk = stage.runtime.spawn(faulty).at(hamlet("r")).await.unwrap();
        let panicked = within(walk.finish()).await.unwrap_err();
        assert!(
            matches!(&panicked, WalkError::HookPanicked { at, message, .. }
                if *at == hamlet("3") && message == "burnt"),
            "{panicked}"
        );
        assert_eq!(stage.trail("3").await, "3", "the runtime goes on");
    }
}

/// Fails when it takes in `3`.
#[derive(Debug, Default)]
struct BadMerge {
    panics: bool,
}

#[walker(max_workers = 4)]
impl BadMerge {
    #[on_visit]
    fn node(&self, here: &Here<Hamlet>, walk: &mut Walk) -> String {
        walk.visit(here.out::<Lane>());
        here.name.clone()
    }

    #[on_merge]
    fn merge(&mut self, name: String) -> Result<(), HookError> {
        assert!(!(self.panics && name == "3"), "burnt");
        if name == "3" { Err("full".into()) } else { Ok(()) }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_error_or_a_panic_in_a_merge_ends_the_walk_with_the_node_of_the_output() {
    let stage = Stage::with(|config| config.workers_count(2));
    stage.draw(&star(20)).await;
    let walk = stage.runtime.spawn(BadMerge { panics: false }).at(hamlet("r")).await.unwrap();
    let failed = within(walk.finish()).await.unwrap_err();
    assert!(matches!(&failed, WalkError::HookFailed { at, .. } if *at == hamlet("3")), "{failed}");
    let walk = stage.runtime.spawn(BadMerge { panics: true }).at(hamlet("r")).await.unwrap();
    let panicked = within(walk.finish()).await.unwrap_err();
    assert!(matches!(&panicked, WalkError::HookPanicked { at, .. } if *at == hamlet("3")), "{panicked}");
}

#[derive(Debug, Default)]
struct Figures {
    begun: AtomicUsize,
    dropped: AtomicUsize,
}

struct Guard(Arc<Figures>);

impl Drop for Guard {
    fn drop(&mut self) {
        self.0.dropped.fetch_add(1, Ordering::SeqCst);
    }
}

/// Waits for ever at every leaf.
#[derive(Debug, Default)]
struct Sleeper {
    figures: Arc<Figures>,
}

#[walker(max_workers = 4)]
impl Sleeper {
    #[on_visit]
    async fn node(&self, here: &Here<'_>, walk: &mut Walk) {
        walk.visit(here.neighbours(Direction::Out));
        if walk.depth() > 0 {
            let _guard = Guard(Arc::clone(&self.figures));
            self.figures.begun.fetch_add(1, Ordering::SeqCst);
            std::future::pending::<()>().await;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn cancelling_drops_all_hooks_that_wait() {
    for workers in [1, 2, 3] {
        let stage = Stage::with(|config| config.workers_count(workers));
        stage.draw(&star(10)).await;
        let sleeper = Sleeper::default();
        let figures = Arc::clone(&sleeper.figures);
        let walk = stage.runtime.spawn(sleeper).at(hamlet("r")).await.unwrap();
        until(async || figures.begun.load(Ordering::SeqCst) == 4).await;
        walk.cancel();
        assert!(matches!(within(walk.finish()).await, Err(WalkError::Cancelled { .. })));
        until(async || figures.dropped.load(Ordering::SeqCst) == 4).await;
        until(async || Arc::strong_count(&figures) == 1).await;
        assert_eq!(figures.begun.load(Ordering::SeqCst), 4, "no further hook has begun");
    }
}

//! Hooks that panic or fail: their walk ends and says where, nothing else does.

use std::sync::Arc;

use wayfare::{Direction, Here, HookError, Id, Walk, WalkError, walker};

use super::stage::{Stage, hamlet, key, within};

/// The nodes at which these walkers break, of the star `a>b a>c a>d a>e`.
const STAR: &str = "a>b a>c a>d a>e";

#[derive(Debug, Default)]
struct Stumbler;

#[walker]
impl Stumbler {
    #[on_visit]
    fn node(&mut self, here: &Here, walk: &mut Walk) {
        walk.visit(here.neighbours(Direction::Out));
        assert!(key(here.id()) != "d", "stumbled at {}", key(here.id()));
    }
}

#[derive(Debug, Default)]
struct ReadyStumbler;

#[walker]
impl ReadyStumbler {
    #[on_visit]
    async fn node(&mut self, here: &Here<'_>, walk: &mut Walk) {
        walk.visit(here.neighbours(Direction::Out));
        assert!(key(here.id()) != "d", "stumbled at {}", key(here.id()));
    }
}

#[derive(Debug, Default)]
struct LateStumbler;

#[walker]
impl LateStumbler {
    #[on_visit]
    async fn node(&mut self, here: &Here<'_>, walk: &mut Walk) {
        tokio::task::yield_now().await;
        walk.visit(here.neighbours(Direction::Out));
        assert!(key(here.id()) != "d", "stumbled at {}", key(here.id()));
    }
}

#[track_caller]
fn assert_panicked<T>(ended: Result<T, WalkError>, name: &str, node: &Id, text: &str) {
    match ended {
        Err(WalkError::HookPanicked { walker, at, message }) => {
            assert_eq!((walker.as_str(), at, message.as_str()), (name, node.clone(), text));
        }
        Err(other) => panic!("ended with: {other}"),
        Ok(_) => panic!("ended well"),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_panic_in_a_sync_hook_ends_its_walk_and_no_other() {
    let stage = Stage::with(|config| config.workers_count(1));
    stage.draw(STAR).await;
    let walk = stage.runtime.spawn(Stumbler).at(hamlet("a")).await.unwrap();
    assert_panicked(within(walk.finish()).await, "Stumbler", &hamlet("d"), "stumbled at d");
    assert_eq!(stage.trail("a").await, "a b c d e");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_panic_in_an_async_hook_names_the_node_whether_it_had_to_wait_or_not() {
    let stage = Stage::with(|config| config.workers_count(1));
    stage.draw(STAR).await;
    // Cold, then resident, when visits run in batches.
    for _ in 0..2 {
        let walk = stage.runtime.spawn(ReadyStumbler).at(hamlet("a")).await.unwrap();
        assert_panicked(within(walk.finish()).await, "ReadyStumbler", &hamlet("d"), "stumbled at d");
        let walk = stage.runtime.spawn(LateStumbler).at(hamlet("a")).await.unwrap();
        assert_panicked(within(walk.finish()).await, "LateStumbler", &hamlet("d"), "stumbled at d");
    }
    assert_eq!(stage.trail("a").await, "a b c d e");
}

/// Panics at its exit, with a text that is made at run time.
#[derive(Debug, Default)]
struct ExitStumbler;

#[walker]
impl ExitStumbler {
    #[on_visit]
    fn node(&mut self, here: &Here, walk: &mut Walk) {
        walk.visit(here.neighbours(Direction::Out));
    }

    #[on_exit]
    fn done(&mut self) {
        panic!("stumbled {}", "out");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_panic_in_an_exit_hook_names_the_last_node() {
    let stage = Stage::with(|config| config.workers_count(1));
    stage.draw("a>b b>c").await;
    let walk = stage.runtime.spawn(ExitStumbler).at(hamlet("a")).await.unwrap();
    assert_panicked(within(walk.finish()).await, "ExitStumbler", &hamlet("c"), "stumbled out");
    assert_eq!(stage.trail("a").await, "a b c");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn hundreds_of_panics_leave_the_workers_as_they_were() {
    let stage = Stage::new();
    stage.draw(STAR).await;
    let mut walks = Vec::new();
    for number in 0..300 {
        let spawning = stage.runtime.spawn(Stumbler).at(hamlet(if number % 2 == 0 { "a" } else { "e" }));
        walks.push((number % 2 == 0, spawning.await.unwrap()));
    }
    for (panics, walk) in walks {
        assert_eq!(within(walk.finish()).await.is_err(), panics);
    }
    assert_eq!(stage.trail("a").await, "a b c d e");
    assert!(stage.runtime.handle().walks().await.is_empty());
}

/// Fails at `c`.
#[derive(Debug, Default)]
struct Refuser;

#[walker]
impl Refuser {
    #[on_visit]
    fn opens(&mut self, here: &Here, walk: &mut Walk) {
        walk.visit(here.neighbours(Direction::Out));
    }

    #[on_visit]
    async fn closes(&mut self, here: &Here<'_>) -> Result<(), std::num::ParseIntError> {
        if key(here.id()) == "c" { "c".parse::<u8>().map(drop) } else { Ok(()) }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_error_of_a_hook_ends_its_walk_with_the_hook_the_node_and_the_error() {
    let stage = Stage::new();
    stage.draw(STAR).await;
    for _ in 0..2 {
        let walk = stage.runtime.spawn(Refuser).at(hamlet("a")).await.unwrap();
        match within(walk.finish()).await {
            Err(WalkError::HookFailed { walker, hook, at, source }) => {
                assert_eq!((walker.as_str(), hook, at), ("Refuser", "closes", hamlet("c")));
                assert!(source.is::<std::num::ParseIntError>());
            }
            other => panic!("{other:?}"),
        }
    }
}

#[derive(Debug)]
struct ExitRefuser(Arc<str>);

#[walker]
impl ExitRefuser {
    #[on_exit]
    async fn done(&mut self) -> Result<(), HookError> {
        Err(self.0.to_string().into())
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_error_of_an_exit_hook_names_the_last_node() {
    let stage = Stage::new();
    stage.draw("a").await;
    let walk = stage.runtime.spawn(ExitRefuser("no".into())).at(hamlet("a")).await.unwrap();
    let error = within(walk.finish()).await.unwrap_err();
    assert_eq!(error.to_string(), "hook `ExitRefuser::done` failed at `n.Hamlet.a`: no");
}

/// Cannot be shown.
#[derive(Debug, Default)]
struct Shy {
    keys: Vec<String>,
}

impl serde::Serialize for Shy {
    fn serialize<S: serde::Serializer>(&self, _: S) -> Result<S::Ok, S::Error> {
        panic!("shy")
    }
}

#[walker]
impl Shy {
    #[on_visit]
    fn node(&mut self, here: &Here, walk: &mut Walk) -> Result<(), WalkError> {
        self.keys.push(key(here.id()));
        walk.visit(here.neighbours(Direction::Out));
        walk.emit(&self.keys.len())
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_state_that_panics_when_it_is_shown_does_not_stop_the_walk() {
    let stage = Stage::with(|config| config.workers_count(1).limits_emit_buffer(1));
    stage.draw("a>b b>c c>d d>e").await;
    let stage = stage.reopened_with(|config| config.workers_count(1).limits_emit_buffer(1)).await;
    let (walk, mut stream) = stage.runtime.spawn(Shy::default()).at(hamlet("a")).stream().await.unwrap();
    for expected in 1..=5 {
        // Whatever it answers, the walk goes on, and has records to load.
        let _ = walk.inspect().await;
        assert_eq!(within(stream.next()).await.unwrap().unwrap(), expected);
    }
    assert_eq!(within(walk.finish()).await.unwrap().keys.len(), 5);
    assert_eq!(stage.trail("a").await, "a b c d e");
}

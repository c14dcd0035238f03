//! What a walk gives its caller: reports at the end, and a bounded stream on the way.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};

use serde_json::{Value, json};
use wayfare::{Budget, Direction, Here, Walk, WalkError, walker};

use super::stage::{Stage, hamlet, key, until, within};

/// A chain `0>1>2>…`.
async fn chain(stage: &Stage, nodes: usize) {
    let edges: Vec<String> = (1..nodes).map(|to| format!("{}>{to}", to - 1)).collect();
    stage.draw(&edges.join(" ")).await;
}

#[derive(Debug, Default)]
struct Reporter;

#[walker]
impl Reporter {
    #[on_visit]
    fn node(&mut self, here: &Here, walk: &mut Walk) -> Result<(), WalkError> {
        walk.report(&key(here.id()))?;
        walk.report(&json!({"depth": walk.depth(), "list": [1, null]}))?;
        walk.visit(here.neighbours(Direction::Out));
        Ok(())
    }

    #[on_exit]
    fn done(&mut self, walk: &mut Walk) -> Result<(), WalkError> {
        walk.report(&2.5)
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn reports_are_json_values_in_the_order_in_which_they_were_made() {
    let stage = Stage::new();
    chain(&stage, 2).await;
    let walk = stage.runtime.spawn(Reporter).at(hamlet("0")).await.unwrap();
    assert!(walk.report().is_empty(), "before the end there is none");
    within(walk.finish()).await.unwrap();
    let expected = [
        json!("0"),
        json!({"depth": 0, "list": [1, null]}),
        json!("1"),
        json!({"depth": 1, "list": [1, null]}),
        json!(2.5),
    ];
    assert_eq!(walk.report(), expected);
}

/// Emits `each` values at every node of a chain, and counts them.
#[derive(Debug)]
struct Emitter {
    each: usize,
    emitted: Arc<AtomicUsize>,
}

#[walker]
impl Emitter {
    #[on_visit]
    fn node(&mut self, here: &Here, walk: &mut Walk) -> Result<(), WalkError> {
        for _ in 0..self.each {
            walk.emit(&self.emitted.fetch_add(1, SeqCst))?;
        }
        walk.visit(here.neighbours(Direction::Out));
        Ok(())
    }
}

/// The same in an async hook.
#[derive(Debug)]
struct AsyncEmitter {
    each: usize,
    emitted: Arc<AtomicUsize>,
}

#[walker]
impl AsyncEmitter {
    #[on_visit]
    async fn node(&mut self, here: &Here<'_>, walk: &mut Walk) -> Result<(), WalkError> {
        for _ in 0..self.each {
            walk.emit(&self.emitted.fetch_add(1, SeqCst))?;
        }
        walk.visit(here.neighbours(Direction::Out));
        Ok(())
    }
}

const BUFFER: usize = 4;

async fn slow_consumer_holds_up<W: wayfare::Walker>(each: usize, make: impl Fn(Arc<AtomicUsize>) -> W) {
    let stage = Stage::with(|config| config.limits_emit_buffer(BUFFER));
    chain(&stage, 60).await;
    let emitted = Arc::new(AtomicUsize::new(0));
    let spawning = stage.runtime.spawn(make(Arc::clone(&emitted))).at(hamlet("0"));
    let (walk, mut stream) = spawning.stream().await.unwrap();
    // Nobody takes anything: the walk stands.
    until(async || walk.inspect().await.is_some_and(|walk| walk["waiting_for"] == "stream")).await;
    let ahead = emitted.load(SeqCst);
    assert!((BUFFER + 1..=BUFFER + each).contains(&ahead), "{ahead} values were emitted");

    let mut taken = 0;
    while let Some(value) = within(stream.next()).await {
        assert_eq!(value.unwrap(), json!(taken));
        taken += 1;
        let ahead = emitted.load(SeqCst) - taken;
        assert!(ahead <= BUFFER + each, "{ahead} values are ahead of the consumer");
    }
    assert_eq!(taken, 60 * each);
    within(walk.finish()).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_slow_consumer_holds_the_walk_up() {
    slow_consumer_holds_up(1, |emitted| Emitter { each: 1, emitted }).await;
    slow_consumer_holds_up(3, |emitted| Emitter { each: 3, emitted }).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_slow_consumer_holds_a_walk_of_async_hooks_up() {
    slow_consumer_holds_up(1, |emitted| AsyncEmitter { each: 1, emitted }).await;
    slow_consumer_holds_up(3, |emitted| AsyncEmitter { each: 3, emitted }).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn emitted_values_come_as_a_stream_of_futures_too() {
    let stage = Stage::with(|config| config.limits_emit_buffer(BUFFER));
    chain(&stage, 60).await;
    let emitter = Emitter { each: 1, emitted: Arc::default() };
    let (walk, stream) = stage.runtime.spawn(emitter).at(hamlet("0")).stream().await.unwrap();
    let values: Vec<_> = within(futures_util::TryStreamExt::try_collect(stream.into_stream())).await.unwrap();
    assert_eq!(values.len(), 60, "{values:?}");
    within(walk.finish()).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn dropping_the_stream_ends_the_walk() {
    let stage = Stage::with(|config| config.limits_emit_buffer(BUFFER));
    chain(&stage, 60).await;
    for wait in [false, true] {
        let emitter = Emitter { each: 1, emitted: Arc::default() };
        let (walk, stream) = stage.runtime.spawn(emitter).at(hamlet("0")).stream().await.unwrap();
        if wait {
            until(async || walk.inspect().await.is_some_and(|walk| walk["waiting_for"] == "stream")).await;
        }
        drop(stream);
        let ended = within(walk.finish()).await;
        assert!(
            matches!(&ended, Err(WalkError::NobodyListens { walker }) if walker == "Emitter"),
            "{ended:?}"
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn emitting_without_a_stream_ends_the_walk() {
    let stage = Stage::new();
    chain(&stage, 2).await;
    let emitter = Emitter { each: 1, emitted: Arc::default() };
    let walk = stage.runtime.spawn(emitter).at(hamlet("0")).await.unwrap();
    assert!(matches!(within(walk.finish()).await, Err(WalkError::NobodyListens { .. })));
}

/// Emits at the end, more than the buffer holds.
#[derive(Debug, Default)]
struct Farewell;

#[walker]
impl Farewell {
    #[on_exit]
    fn done(&mut self, walk: &mut Walk) -> Result<(), WalkError> {
        (0..3 * BUFFER).try_for_each(|number| walk.emit(&number))
    }
}

#[derive(Debug, Default)]
struct SlowFarewell;

#[walker]
impl SlowFarewell {
    #[on_exit]
    async fn done(&mut self, walk: &mut Walk) -> Result<(), WalkError> {
        tokio::task::yield_now().await;
        (0..3 * BUFFER).try_for_each(|number| walk.emit(&number))
    }
}

async fn drained(mut stream: wayfare::EmitStream) -> Vec<Value> {
    let mut values = Vec::new();
    while let Some(value) = within(stream.next()).await {
        values.push(value.unwrap());
    }
    values
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_an_exit_hook_emits_arrives() {
    let stage = Stage::with(|config| config.limits_emit_buffer(BUFFER));
    let expected: Vec<Value> = (0..3 * BUFFER).map(Value::from).collect();
    let (walk, stream) = stage.runtime.spawn(Farewell).stream().await.unwrap();
    assert_eq!(drained(stream).await, expected);
    within(walk.finish()).await.unwrap();
    let (walk, stream) = stage.runtime.spawn(SlowFarewell).stream().await.unwrap();
    assert_eq!(drained(stream).await, expected);
    within(walk.finish()).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_largest_buffer_that_the_settings_allow_works() {
    let stage = Stage::with(|config| config.limits_emit_buffer(i64::MAX as usize));
    let (walk, stream) = stage.runtime.spawn(Farewell).stream().await.unwrap();
    assert_eq!(drained(stream).await.len(), 3 * BUFFER);
    within(walk.finish()).await.unwrap();
}

/// Does not look at what `report` says.
#[derive(Debug, Default)]
struct Careless;

#[walker]
impl Careless {
    #[on_visit]
    fn node(&mut self, here: &Here, walk: &mut Walk) {
        let _ = walk.report(&key(here.id()));
        walk.visit(here.neighbours(Direction::Out));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn reports_beyond_the_budget_end_the_walk_also_when_the_hook_does_not_look() {
    let stage = Stage::with(|config| config.limits_report_bytes(20));
    chain(&stage, 30).await;
    let walk = stage.runtime.spawn(Careless).at(hamlet("0")).await.unwrap();
    let ended = within(walk.finish()).await;
    assert!(
        matches!(&ended, Err(WalkError::BudgetReached { budget: Budget::ReportBytes, limit: 20, .. })),
        "{:?} with {} of 30 values reported",
        ended.map(|_| ()),
        walk.report().len()
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_finish_that_was_not_waited_out_can_be_waited_for_again() {
    let stage = Stage::new();
    chain(&stage, 2).await;
    let (go, wait) = tokio::sync::oneshot::channel();
    let walk = stage.runtime.spawn(super::waiting::Patient::new(wait)).at(hamlet("0")).await.unwrap();
    tokio::select! {
        biased;
        _ = walk.finish() => panic!("it waits"),
        () = tokio::task::yield_now() => {}
    }
    go.send(()).unwrap();
    within(walk.finish()).await.unwrap();
}

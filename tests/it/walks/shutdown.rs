//! Stopping: what runs is finished, what was written stays, and what comes later is told so.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::time::Duration;

use tokio::sync::oneshot;
use wayfare::{Error, Graph, Here, Runtime, Spawn, StoreError, Walk, WalkError, walker};

use super::cancelling::Keeper;
use super::stage::{Hamlet, Stage, Trail, config, hamlet, until, within};
use super::waiting::Patient;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn shutdown_lets_a_running_walk_finish_and_takes_no_new_one() {
    let stage = Stage::new();
    stage.draw("a>b").await;
    let (go, wait) = oneshot::channel();
    let walk = stage.runtime.spawn(Patient::new(wait)).at(hamlet("a")).await.unwrap();
    let other = stage.runtime.clone();
    let stopping = tokio::spawn(stage.runtime.clone().shutdown());
    // The walk waits, so the stop does; meanwhile nothing new is taken.
    until(async || matches!(other.spawn(Trail::default()).await, Err(Error::Walk(WalkError::Stopped)))).await;
    assert!(!stopping.is_finished());
    go.send(()).unwrap();
    within(stopping).await.unwrap();
    within(walk.finish()).await.unwrap();
    assert_eq!(walk.profile().visits, 2);
}

/// Waits until it is told to go on, and sends a child on.
#[derive(Debug)]
struct Parent {
    wait: Option<oneshot::Receiver<()>>,
    found: String,
}

#[walker(name = "ShutdownParent")]
impl Parent {
    #[on_visit]
    async fn hamlet(&mut self, here: &Here<'_, Hamlet>, walk: &mut Walk) -> Result<(), WalkError> {
        if let Some(wait) = self.wait.take() {
            let _ = wait.await;
        }
        self.found = walk.spawn(Trail::default(), here.id())?.finish().await?.keys.join("");
        Ok(())
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_walk_that_finishes_while_the_runtime_stops_may_still_send_children() {
    let stage = Stage::new();
    stage.draw("a>b").await;
    let (go, wait) = oneshot::channel();
    let parent = Parent { wait: Some(wait), found: String::new() };
    let walk = stage.runtime.spawn(parent).at(hamlet("a")).await.unwrap();
    let other = stage.runtime.clone();
    let stopping = tokio::spawn(stage.runtime.clone().shutdown());
    until(async || matches!(other.spawn(Trail::default()).await, Err(Error::Walk(WalkError::Stopped)))).await;
    go.send(()).unwrap();
    assert_eq!(within(walk.finish()).await.unwrap().found, "ab");
    within(stopping).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_walk_that_does_not_finish_in_time_is_told_that_the_runtime_has_stopped() {
    let stage = Stage::with(|config| config.supervision_drain_timeout_ms(100));
    let (_go, wait) = oneshot::channel();
    let walk = stage.runtime.spawn(Patient::new(wait)).await.unwrap();
    within(stage.runtime.clone().shutdown()).await;
    assert!(matches!(within(walk.finish()).await, Err(WalkError::Stopped)));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_longest_drain_that_the_settings_allow_works() {
    let stage = Stage::with(|config| config.supervision_drain_timeout_ms(i64::MAX as u64));
    within(stage.runtime.clone().shutdown()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn shutdown_does_not_wait_longer_than_it_may_for_a_hook_that_keeps_its_thread() {
    let stage = Stage::with(|config| config.supervision_drain_timeout_ms(100));
    let (keeps, release) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicBool::new(false)));
    let keeper = Keeper { keeps: Arc::clone(&keeps), release: Arc::clone(&release) };
    let walk = stage.runtime.spawn(keeper).await.unwrap();
    until(async || keeps.load(SeqCst)).await;
    let stopped = tokio::time::timeout(Duration::from_secs(10), stage.runtime.clone().shutdown()).await;
    release.store(true, SeqCst);
    assert!(matches!(within(walk.finish()).await, Err(WalkError::Stopped)));
    stopped.expect("it stops though a hook does not");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn shutdown_does_not_wait_longer_than_it_may_for_a_store_that_does_not_answer() {
    let (stage, store) = Stage::on_trick_store(|config| config.supervision_drain_timeout_ms(100));
    stage.draw("a").await;
    let came = store.applies.came();
    store.applies.close();
    let graph = stage.graph();
    let update =
        tokio::spawn(async move { graph.update(hamlet("a"), |a: &mut Hamlet| a.name.clear()).await });
    store.applies.wait_for(came + 1).await;
    let find = |graph: Graph| async move { graph.find::<Hamlet>(Hamlet::name().eq("a")).await };
    let graph = stage.graph();
    let read = tokio::spawn(find(graph));
    let stopped = tokio::time::timeout(Duration::from_secs(10), stage.runtime.clone().shutdown()).await;
    // What waits for that write to become durable waits in vain, and so does what comes later.
    for read in [within(read).await.unwrap(), within(find(stage.graph())).await] {
        assert!(matches!(read, Err(Error::Store(StoreError::Stopped))), "{read:?}");
    }
    store.applies.open();
    // Whether it was written is not known when the store answers after the end.
    let _ = within(update).await;
    stopped.expect("it stops though the store does not answer");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn shutdown_does_not_wait_longer_than_it_may_for_a_load_that_does_not_come_back() {
    for local in [true, false] {
        let (stage, store) = Stage::on_trick_store(|config| config.supervision_drain_timeout_ms(100));
        stage.draw("a>b").await;
        store.local.store(local, SeqCst);
        store.loads.close();
        let walk = stage.runtime.spawn(Trail::default()).at(hamlet("a")).await.unwrap();
        store.loads.wait_for(1).await;
        let stopped = tokio::time::timeout(Duration::from_secs(10), stage.runtime.clone().shutdown()).await;
        store.loads.open();
        assert!(matches!(within(walk.finish()).await, Err(WalkError::Stopped)));
        stopped.unwrap_or_else(|_| panic!("it stops though a load does not come back, local: {local}"));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn acknowledged_writes_are_there_when_the_store_is_opened_again() {
    let mut stage = Stage::new();
    stage.draw("a").await;
    for round in 0..10 {
        let renamed =
            stage.graph().update(hamlet("a"), |a: &mut Hamlet| a.name = format!("A{round}")).await.unwrap();
        stage.graph().create_as(&format!("b{round}"), Hamlet { name: "B".into() }).await.unwrap();
        stage = stage.reopened().await;
        let a = stage.graph().get::<Hamlet>(hamlet("a")).await.unwrap().unwrap();
        assert_eq!((a.name.as_str(), a.version()), (format!("A{round}").as_str(), renamed.version()));
        assert!(stage.graph().get::<Hamlet>(hamlet(&format!("b{round}"))).await.unwrap().is_some());
    }
}

#[test]
fn dropping_the_last_handle_drains_and_closes_the_store() {
    let folder = tempfile::tempdir().unwrap();
    // As patient as a program is, on a machine that is busy.
    let config = config(folder.path(), |config| config.supervision_drain_timeout_ms(30_000));
    let executor = tokio::runtime::Runtime::new().unwrap();
    for round in 0..20 {
        let runtime = Runtime::start(&config).unwrap_or_else(|error| panic!("round {round}: {error}"));
        let graph = runtime.graph();
        let (go, wait) = oneshot::channel();
        let walk = executor.block_on(async {
            graph.create_as(&format!("h{round}"), Hamlet { name: "H".into() }).await.unwrap();
            runtime.spawn(Patient::new(wait)).await.unwrap()
        });
        let other = runtime.clone();
        drop((runtime, graph));
        let sender = std::thread::spawn(move || go.send(()));
        drop(other);
        sender.join().unwrap().unwrap();
        executor.block_on(within(walk.finish())).unwrap();
    }
    let runtime = Runtime::start(&config).unwrap();
    let found = executor.block_on(runtime.graph().find::<Hamlet>(wayfare::Filter::all()).all()).unwrap();
    assert_eq!(found.len(), 20);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_store_is_closed_when_shutdown_returns() {
    let mut stage = Stage::new();
    stage.draw("a>b").await;
    for _ in 0..20 {
        assert_eq!(stage.trail("a").await, "a b");
        stage = stage.reopened().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_uses_a_runtime_that_has_stopped_is_told_so() {
    let stage = Stage::new();
    stage.draw("a>b").await;
    let (runtime, graph) = (stage.runtime.clone(), stage.graph());
    within(stage.runtime.clone().shutdown()).await;

    let refused = within(async { runtime.spawn(Trail::default()).await }).await.unwrap_err();
    assert!(matches!(refused, Error::Walk(WalkError::Stopped)), "{refused}");
    let spawn = Spawn {
        walker: "Reach".into(),
        args: serde_json::json!({}),
        at: hamlet("a"),
        key: None,
        admittance: Default::default(),
    };
    assert!(matches!(within(runtime.send(spawn)).await, Err(WalkError::Stopped)));
    let refused = within(graph.update(hamlet("a"), |a: &mut Hamlet| a.name.clear())).await.unwrap_err();
    assert!(refused.to_string().contains("the runtime has stopped"), "{refused}");
    let refused = within(graph.create(Hamlet { name: "C".into() })).await.unwrap_err();
    assert!(refused.to_string().contains("the runtime has stopped"), "{refused}");
    assert!(!refused.to_string().contains("since one failed"), "no write has failed: {refused}");
    assert!(!runtime.handle().cancel(1).await);
    assert!(runtime.handle().walks().await.is_empty());
    within(runtime.shutdown()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hook_may_hold_the_last_handle() {
    let stage = Stage::new();
    let (go, wait) = oneshot::channel();
    let (dropped, seen) = oneshot::channel();
    let holder = Holder { runtime: Some(stage.runtime.clone()), wait: Some(wait), dropped: Some(dropped) };
    let walk = stage.runtime.spawn(holder).await.unwrap();
    let folder = stage.into_folder();
    let config = config(folder.path(), |config| config);
    go.send(()).unwrap();
    within(seen).await.unwrap();
    within(walk.finish()).await.unwrap();
    until(async || Runtime::start(&config).is_ok()).await;
    drop(folder);
}

/// Drops a runtime inside a hook.
#[derive(Debug)]
struct Holder {
    runtime: Option<Runtime>,
    wait: Option<oneshot::Receiver<()>>,
    dropped: Option<oneshot::Sender<()>>,
}

#[wayfare::walker]
impl Holder {
    #[on_visit]
    async fn node(&mut self, _here: &wayfare::Here<'_>) {
        if let Some(wait) = self.wait.take() {
            let _ = wait.await;
        }
        self.runtime = None;
        if let Some(dropped) = self.dropped.take() {
            let _ = dropped.send(());
        }
    }
}

//! Health part by part, and readiness.

use std::sync::Arc;

use tokio::sync::Notify;
use wayfare::{HealthPart, HealthState, Here, Walk, walker};

use crate::walks::stage::{Stage, hamlet, until, within};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_runtime_at_rest_is_well_in_all_its_parts() {
    let stage = Stage::new();
    let health = stage.runtime.health().await.unwrap();
    assert_eq!(health.state, HealthState::Well, "{health:?}");
    let parts: Vec<HealthPart> = health.parts.iter().map(|part| part.part).collect();
    let all =
        [HealthPart::Store, HealthPart::Writer, HealthPart::Shards, HealthPart::Workers, HealthPart::Cache];
    assert_eq!(parts, all);
    assert!(stage.runtime.readiness().await.unwrap().ready);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_writer_whose_commit_has_failed_is_told_by_health_and_figures() {
    let (stage, store) = Stage::on_trick_store(|config| config);
    stage.draw("a").await;
    store.applies.fail(1);
    let name = |it: &mut crate::walks::stage::Hamlet| it.name.push('!');
    stage.graph().update(hamlet("a"), name).await.unwrap_err();
    let health = stage.runtime.health().await.unwrap();
    assert!(!health.is_up());
    let writer = health.part(HealthPart::Writer).unwrap();
    assert_eq!(writer.state, HealthState::Failed);
    assert!(writer.reason.as_ref().unwrap().contains("refused until the store is opened again"));
    let told = stage.runtime.metrics();
    assert_eq!(told.number("wayfare_writer_poisoned", None), Some(1.0));
    assert_eq!(told.number("wayfare_store_errors_total", Some("apply")), Some(1.0));
    assert_eq!(told.number("wayfare_writes_total", Some("failed")), Some(1.0));
}

/// Keeps its thread until it is let go.
struct Keeps(std::sync::mpsc::Receiver<()>);

#[walker]
impl Keeps {
    #[on_visit]
    fn node(&mut self, _here: &Here, _walk: &mut Walk) {
        let _ = self.0.recv();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hook_that_keeps_its_thread_impairs_the_workers_until_it_gives_it_back() {
    let stage = Stage::with(|config| config.workers_count(1).supervision_stall_ms(20));
    stage.draw("a").await;
    let (go, gone) = std::sync::mpsc::channel();
    let walk = stage.runtime.spawn(Keeps(gone)).at(hamlet("a")).await.unwrap();
    let stalled = || stage.runtime.metrics().number("wayfare_workers", Some("stalled"));
    until(async || {
        let health = stage.runtime.health().await.unwrap();
        stalled() == Some(1.0) && health.part(HealthPart::Workers).unwrap().state == HealthState::Impaired
    })
    .await;
    // Another worker has taken its place.
    until(async || stage.runtime.metrics().number("wayfare_restarts_total", Some("worker")) >= Some(1.0))
        .await;
    assert!(stage.runtime.health().await.unwrap().is_up());
    go.send(()).unwrap();
    within(walk.finish()).await.unwrap();
    until(async || stalled() == Some(0.0)).await;
}

/// Waits to be let go.
struct Lingers(Arc<Notify>);

#[walker]
impl Lingers {
    #[on_visit]
    async fn node(&mut self, _here: &Here<'_>, _walk: &mut Walk) {
        self.0.notified().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_runtime_that_drains_is_not_ready_and_one_that_has_stopped_says_so() {
    let stage = Stage::new();
    stage.draw("a").await;
    let go = Arc::new(Notify::new());
    let walk = stage.runtime.spawn(Lingers(Arc::clone(&go))).at(hamlet("a")).await.unwrap();
    until(async || stage.runtime.metrics().number("wayfare_walks", Some("hooking")) == Some(1.0)).await;
    let stopping = tokio::spawn(stage.runtime.clone().shutdown());
    until(async || {
        let readiness = stage.runtime.readiness().await.unwrap();
        !readiness.ready && !readiness.accepting && readiness.store
    })
    .await;
    assert_eq!(stage.runtime.metrics().number("wayfare_draining", None), Some(1.0));
    go.notify_one();
    within(walk.finish()).await.unwrap();
    within(stopping).await.unwrap();
    stage.runtime.health().await.unwrap_err();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_runtime_that_still_loads_what_is_to_be_warm_is_not_ready() {
    let (stage, store) = Stage::on_trick_store(|config| config);
    drop(stage);
    drop(store);
    let folder = tempfile::tempdir().unwrap();
    let config = crate::walks::stage::config(folder.path(), |config| config.cache_warm(["Hamlet"]));
    let inner = wayfare_stores::open(config.store.url.as_str(), &Default::default()).unwrap();
    let store = Arc::new(crate::walks::trick_store::TrickStore::new(inner, 1));
    store.scans.close();
    let held: Arc<dyn wayfare::Store> = Arc::clone(&store) as _;
    let runtime = wayfare::Runtime::with_store(held, wayfare::KeySource::system(), &config).unwrap();
    store.scans.wait_for(1).await;
    let readiness = runtime.readiness().await.unwrap();
    assert!(!readiness.ready && !readiness.warm && readiness.accepting, "{readiness:?}");
    store.scans.open();
    until(async || runtime.readiness().await.unwrap().ready).await;
}

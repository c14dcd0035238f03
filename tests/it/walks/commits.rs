//! Commits under way at once, on a store that takes several.

use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinHandle;
use wayfare::{Error, Stored, Version};

use super::stage::{Hamlet, Stage, hamlet, until, within};
use super::trick_store::TrickStore;

/// Long enough for a commit to begin that should not.
const A_WHILE: Duration = Duration::from_millis(100);

fn rename(stage: &Stage, key: &'static str, name: &'static str) -> JoinHandle<Result<Stored<Hamlet>, Error>> {
    let graph = stage.graph();
    tokio::spawn(async move { graph.update(hamlet(key), |a: &mut Hamlet| a.name = name.into()).await })
}

/// A stage whose store takes several commits at once, each of one write; its hamlets are resident.
async fn stage(writers: usize) -> (Stage, Arc<TrickStore>) {
    let (stage, store) = Stage::on_trick_store_of(writers, |config| config.writers_batch_size(1));
    stage.draw("a b c d").await;
    for key in ["a", "b", "c", "d"] {
        stage.trail(key).await;
    }
    (stage, store)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn writes_to_different_entities_are_under_way_at_once_as_far_as_the_store_takes_them() {
    let (stage, store) = stage(3).await;
    store.applies.close();
    let came = store.applies.came();
    let mut renames = Vec::new();
    for (before, key) in (0..).zip(["a", "b", "c"]) {
        renames.push(rename(&stage, key, "new"));
        store.applies.wait_for(came + before + 1).await;
    }
    renames.push(rename(&stage, "d", "new"));
    tokio::time::sleep(A_WHILE).await;
    assert_eq!(store.applies.came(), came + 3);
    store.applies.open();
    for rename in renames {
        assert_eq!(within(rename).await.unwrap().unwrap().version(), Version(2));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn writes_to_one_entity_reach_the_store_one_after_another() {
    let (stage, store) = stage(4).await;
    store.applies.close();
    let came = store.applies.came();
    let first = rename(&stage, "a", "first");
    store.applies.wait_for(came + 1).await;
    // It builds on the first, which is not durable yet.
    let second = rename(&stage, "a", "second");
    tokio::time::sleep(A_WHILE).await;
    assert_eq!(store.applies.came(), came + 1);
    store.applies.open();
    assert_eq!(within(first).await.unwrap().unwrap().version(), Version(2));
    assert_eq!(within(second).await.unwrap().unwrap().version(), Version(3));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_deletion_waits_for_what_is_under_way_and_holds_up_what_comes_after_it() {
    let (stage, store) = stage(4).await;
    store.applies.close();
    let came = store.applies.came();
    let first = rename(&stage, "a", "new");
    store.applies.wait_for(came + 1).await;
    let graph = stage.graph();
    let deletion = tokio::spawn(async move { graph.delete(hamlet("b")).await });
    // It is counted just before it is in the queue.
    until(async || stage.runtime.handle().writes_under_way() == 2).await;
    tokio::time::sleep(A_WHILE).await;
    let last = rename(&stage, "c", "new");
    until(async || stage.runtime.handle().writes_under_way() == 3).await;
    tokio::time::sleep(A_WHILE).await;
    assert_eq!(store.applies.came(), came + 1);
    store.applies.admit(1);
    store.applies.wait_for(came + 2).await;
    tokio::time::sleep(A_WHILE).await;
    assert_eq!(store.applies.came(), came + 2);
    store.applies.open();
    within(first).await.unwrap().unwrap();
    within(deletion).await.unwrap().unwrap();
    within(last).await.unwrap().unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_commit_that_fails_takes_back_its_own_writes_and_no_others() {
    let (stage, store) = stage(4).await;
    store.applies.close();
    let came = store.applies.came();
    let fails = rename(&stage, "a", "new");
    store.applies.wait_for(came + 1).await;
    let beside = rename(&stage, "b", "new");
    store.applies.wait_for(came + 2).await;
    store.applies.fail(1);
    store.applies.admit(1);
    assert!(within(fails).await.unwrap().is_err());
    store.applies.open();
    assert_eq!(within(beside).await.unwrap().unwrap().name, "new");
    // What is durable is not known any more.
    assert!(within(rename(&stage, "c", "new")).await.unwrap().is_err());
    let graph = stage.graph();
    assert_eq!(graph.get::<Hamlet>(hamlet("a")).await.unwrap().unwrap().version(), Version(1));
    assert_eq!(store.applies.came(), came + 2);
}

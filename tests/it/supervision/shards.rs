use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::SeqCst};

use wayfare::{ActorKind, Error, Id, StoreError, WalkError};

use crate::walks::trick_store::TrickStore;

use super::{Hamlet, Stage, Trail, eventually, hamlet, patient, within};

fn ids(count: usize) -> Vec<Id> {
    (0..count).map(|number| hamlet(&format!("h{number}"))).collect()
}

/// Stores hamlets of the form `h0 h1 …`, in a chain.
async fn chain(stage: &Stage, count: usize) {
    let text: Vec<String> = (1..count).map(|number| format!("h{}>h{number}", number - 1)).collect();
    stage.draw(&text.join(" ")).await;
}

/// Ends so many shards, by asking for nodes that are not there.
async fn end_shards(stage: &Stage, store: &TrickStore, shards: u64) {
    let before = stage.runtime.restarts(ActorKind::Shard);
    store.loads.panic(shards);
    let mut walks = Vec::new();
    for number in 0..20 {
        let spawning = stage.runtime.spawn(Trail::default()).at(hamlet(&format!("none{number}")));
        walks.push(spawning.await.unwrap());
    }
    eventually("shards end", async || stage.runtime.restarts(ActorKind::Shard) == before + shards).await;
    // Some wait for shards that are back only when the saves of the last ones are done.
    walks.iter().for_each(|walk| walk.cancel());
}

fn is_interrupted(error: &Error) -> bool {
    matches!(error, Error::Store(StoreError::Interrupted { .. }))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_walk_does_not_notice_that_shards_were_started_again() {
    let (stage, store) = Stage::on_trick_store(patient(100));
    chain(&stage, 60).await;
    let expected: Vec<String> = (0..60).map(|number| format!("h{number}")).collect();
    for round in 1..=20 {
        stage.graph().evict(&ids(60)).await;
        store.loads.panic(1);
        assert_eq!(stage.trail("h0").await, expected.join(" "), "{round}");
        assert_eq!(stage.runtime.restarts(ActorKind::Shard), round);
    }
    // What a store does on a thread of its own is no panic of the shard.
    store.local.store(false, SeqCst);
    stage.graph().evict(&ids(60)).await;
    store.loads.panic(1);
    let walk = stage.runtime.spawn(Trail::default()).at(hamlet("h0")).await.unwrap();
    let error = within(walk.finish()).await.unwrap_err();
    assert!(error.to_string().contains("told to panic"), "{error}");
    assert_eq!(stage.runtime.restarts(ActorKind::Shard), 20);
    assert_eq!(stage.runtime.degraded(), None);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_question_that_ends_every_shard_is_given_up_and_the_others_are_answered() {
    let (stage, store) = Stage::on_trick_store(patient(100));
    chain(&stage, 3).await;
    stage.graph().evict(&ids(3)).await;
    store.loads.panic(3);
    let walk = stage.runtime.spawn(Trail::default()).at(hamlet("h0")).await.unwrap();
    match within(walk.finish()).await {
        Err(WalkError::Store(error)) => {
            assert!(matches!(&*error, StoreError::Interrupted { .. }), "{error:?}");
        }
        other => panic!("{other:?}"),
    }
    eventually("it is noticed", async || stage.runtime.restarts(ActorKind::Shard) == 3).await;
    assert_eq!(stage.trail("h0").await, "h0 h1 h2");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn acknowledged_updates_are_neither_lost_nor_doubled_while_shards_end() {
    const WRITERS: usize = 8;
    const HAMLETS: usize = 6;
    let (stage, store) = Stage::on_trick_store(patient(1_000_000));
    chain(&stage, HAMLETS).await;
    let begun: Vec<u64> = versions(&stage, HAMLETS).await;
    let done = Arc::new(AtomicBool::new(false));
    let counts: Arc<Vec<[AtomicU64; 2]>> = Arc::new((0..HAMLETS).map(|_| Default::default()).collect());
    let writers: Vec<_> = (0..WRITERS)
        .map(|writer| {
            let (graph, done, counts) = (stage.graph(), Arc::clone(&done), Arc::clone(&counts));
            tokio::spawn(async move {
                let mut at = writer;
                while !done.load(SeqCst) {
                    at = (at + 1) % HAMLETS;
                    let id = hamlet(&format!("h{at}"));
                    match graph.update(&id, |hamlet: &mut Hamlet| hamlet.name.push('+')).await {
                        Ok(_) => counts[at][0].fetch_add(1, SeqCst),
                        Err(error) if is_interrupted(&error) => counts[at][1].fetch_add(1, SeqCst),
                        Err(error) => panic!("{error}"),
                    };
                }
            })
        })
        .collect();
    for round in 0..60 {
        let before = stage.runtime.restarts(ActorKind::Shard);
        // What is evicted is loaded by the next update, in its shard.
        store.loads.panic(1);
        stage.graph().evict(&ids(HAMLETS)).await;
        eventually("a shard ends", async || stage.runtime.restarts(ActorKind::Shard) > before).await;
        if round % 10 == 9 {
            let walked = stage.trail("h0").await;
            assert_eq!(walked.split(' ').count(), HAMLETS);
        }
    }
    // How many are acknowledged meanwhile is a matter of the disk.
    eventually("updates are acknowledged", async || {
        counts.iter().map(|[ok, _]| ok.load(SeqCst)).sum::<u64>() > 60
    })
    .await;
    done.store(true, SeqCst);
    for writer in writers {
        writer.await.unwrap();
    }
    let mut acknowledged = 0;
    for (at, (version, begun)) in versions(&stage, HAMLETS).await.into_iter().zip(begun).enumerate() {
        let [ok, unknown] = [0, 1].map(|what| counts[at][what].load(SeqCst));
        let written = version - begun;
        assert!(
            (ok..=ok + unknown).contains(&written),
            "h{at}: {ok} and {unknown} unknown, {written} written"
        );
        let hamlet = stage.graph().get::<Hamlet>(&hamlet(&format!("h{at}"))).await.unwrap().unwrap();
        assert_eq!(hamlet.name.matches('+').count() as u64, written, "h{at}");
        acknowledged += ok;
    }
    assert!(acknowledged > 60, "{acknowledged}");
}

async fn versions(stage: &Stage, count: usize) -> Vec<u64> {
    let mut versions = Vec::new();
    for id in ids(count) {
        versions.push(stage.graph().document(&id).await.unwrap().unwrap().version().0);
    }
    versions
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_save_under_way_is_told_its_outcome_though_its_shard_ends() {
    let (stage, store) = Stage::on_trick_store(patient(100));
    chain(&stage, 40).await;
    stage.trail("h0").await;
    store.applies.close();
    let came = store.applies.came();
    let saved: Vec<_> = ids(40)
        .into_iter()
        .map(|id| {
            let graph = stage.graph();
            tokio::spawn(
                async move { graph.update(&id, |hamlet: &mut Hamlet| hamlet.name = "new".into()).await },
            )
        })
        .collect();
    store.applies.wait_for(came + 1).await;
    eventually("all are under way", async || stage.runtime.handle().writes_under_way() == 40).await;
    // Both shards end while their saves wait for the store.
    end_shards(&stage, &store, 2).await;
    store.applies.open();
    let mut told = 0;
    for (id, saved) in ids(40).into_iter().zip(saved) {
        match within(saved).await.unwrap() {
            Ok(_) => {
                let hamlet = stage.graph().get::<Hamlet>(&id).await.unwrap().unwrap();
                assert_eq!(hamlet.name, "new");
                told += 1;
            }
            // The writer did not have it yet.
            Err(error) => assert!(is_interrupted(&error), "{error:?}"),
        }
    }
    assert!(told > 0);
    assert_eq!(within(async { stage.trail("h0").await }).await.split(' ').count(), 40);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_pinned_stays_pinned() {
    let (stage, store) = Stage::on_trick_store(patient(100));
    chain(&stage, 20).await;
    stage.graph().pin(&ids(20)).await.unwrap();
    end_shards(&stage, &store, 1).await;
    eventually("all are back", async || {
        let total = stage.runtime.resident_figures().await.total();
        total.pinned == 20 && total.records >= 20
    })
    .await;
    stage.graph().unpin(&ids(20)).await;
    assert_eq!(stage.runtime.resident_figures().await.total().pinned, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn where_shards_end_too_often_the_runtime_only_reads() {
    let (stage, store) = Stage::on_trick_store(patient(2));
    chain(&stage, 10).await;
    for _ in 0..3 {
        assert_eq!(stage.runtime.degraded(), None);
        stage.graph().evict(&ids(10)).await;
        store.loads.panic(1);
        assert_eq!(stage.trail("h0").await.split(' ').count(), 10);
    }
    let degraded = stage.runtime.degraded().expect("three are one too many");
    assert_eq!((degraded.kind, degraded.causes.len()), (ActorKind::Shard, 3));
    let told = degraded.to_string();
    assert_eq!(told.matches("it panicked: told to panic").count(), 3, "{told}");
    let refused = stage.graph().update(&hamlet("h0"), |hamlet: &mut Hamlet| hamlet.name.clear()).await;
    match refused.unwrap_err() {
        Error::Store(StoreError::ReadOnly { reason }) => assert_eq!(reason, told),
        other => panic!("{other:?}"),
    }
    // Reading goes on, and shards are started again for it.
    stage.graph().evict(&ids(10)).await;
    store.loads.panic(1);
    assert_eq!(stage.trail("h0").await.split(' ').count(), 10);
    assert_eq!(stage.runtime.restarts(ActorKind::Shard), 4);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn where_it_is_to_stop_then_it_does() {
    let (stage, store) =
        Stage::on_trick_store(|config| patient(0)(config).supervision_stop_when_exceeded(true));
    chain(&stage, 3).await;
    stage.graph().evict(&ids(3)).await;
    store.loads.panic(1);
    // It drains: what runs may end.
    assert_eq!(stage.trail("h0").await, "h0 h1 h2");
    eventually("it stops", async || {
        matches!(
            stage.runtime.spawn(Trail::default()).at(hamlet("h0")).await,
            Err(Error::Walk(WalkError::Stopped))
        )
    })
    .await;
    assert!(stage.runtime.degraded().is_some());
    within(stage.runtime.clone().shutdown()).await;
}

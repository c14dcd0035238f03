//! Versions: what was based on an old one is refused, or done again on the new one.

use std::sync::mpsc;

use serde_json::json;
use wayfare::{Error, Id, Version, Write, WriteError, object};

use super::stage::{Hamlet, Harbour, Lane, Stage, document, hamlet, within};

#[track_caller]
fn assert_conflict<T>(result: Result<T, Error>, of: &Id, based_on: u64, stored: u64) {
    match result {
        Err(Error::Write(WriteError::Conflict { id, expected, found })) => {
            assert_eq!((&id, expected, found), (of, Version(based_on), Version(stored)));
        }
        Err(other) => panic!("refused with: {other}"),
        Ok(_) => panic!("it was written"),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_save_over_an_old_version_is_a_conflict_and_changes_nothing() {
    let stage = Stage::new();
    stage.draw("a>b").await;
    let graph = stage.graph();
    for resident in [false, true] {
        if resident {
            stage.trail("a").await;
        }
        let mut mine = graph.get::<Hamlet>(hamlet("a")).await.unwrap().unwrap();
        let mut theirs = mine.clone();
        theirs.name = "theirs".into();
        let saved = graph.save(&mut theirs).await.unwrap();
        assert_eq!((saved, theirs.version()), (mine.version().next(), saved));

        mine.name = "mine".into();
        assert_conflict(graph.save(&mut mine).await, &hamlet("a"), saved.0 - 1, saved.0);
        assert_eq!(mine.version().0, saved.0 - 1, "it is still what was read");
        let stored = graph.get::<Hamlet>(hamlet("a")).await.unwrap().unwrap();
        assert_eq!((stored.name.as_str(), stored.version()), ("theirs", saved));
        // Its own next save goes on from what it saved.
        theirs.name = "theirs again".into();
        assert_eq!(graph.save(&mut theirs).await.unwrap(), saved.next());
    }
}

#[object]
#[derive(Debug, Clone)]
struct Ledger {
    total: u32,
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn objects_and_edges_are_checked_in_the_same_way() {
    let stage = Stage::new();
    stage.draw("a b").await;
    let graph = stage.graph();
    let mut ledger = graph.create_as("x", Ledger { total: 1 }).await.unwrap();
    let mut stale = ledger.clone();
    ledger.total = 2;
    assert_eq!(graph.save(&mut ledger).await.unwrap(), Version(2));
    assert_conflict(graph.save(&mut stale).await, ledger.id(), 1, 2);

    let lane = graph.connect(hamlet("a"), hamlet("b"), Lane {}).await.unwrap();
    graph.save_document(lane.document().clone()).await.unwrap();
    assert_conflict(graph.save_document(lane.document().clone()).await, lane.id(), 1, 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_document_without_a_version_counts_as_version_0() {
    let stage = Stage::new();
    let foreign = document(json!({"id": "n.Hamlet.a", "context": {"name": "a"}}));
    assert_eq!(foreign.version(), Version(0));
    stage.graph().write(Write::Create { document: foreign.clone(), multi: false }).await.unwrap();
    assert_conflict(stage.graph().save_document(foreign).await, &hamlet("a"), 0, 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_does_not_exist_cannot_be_saved_or_updated() {
    let stage = Stage::new();
    stage.draw("a").await;
    let graph = stage.graph();
    let mut a = graph.get::<Hamlet>(hamlet("a")).await.unwrap().unwrap();
    stage.trail("a").await;
    graph.delete(hamlet("a")).await.unwrap();
    let not_found = |result: Result<(), Error>| {
        assert!(matches!(result, Err(Error::Write(WriteError::NotFound { id })) if id == hamlet("a")));
    };
    not_found(graph.save(&mut a).await.map(drop));
    not_found(graph.update(hamlet("a"), |_: &mut Hamlet| ()).await.map(drop));
    not_found(graph.delete(hamlet("a")).await);
}

/// Updates a hamlet on a thread of its own, and lets another update in between its read and its write so many
/// times.
async fn update_contended(stage: &Stage, times: usize) -> (Result<String, Error>, usize) {
    let (reading, read) = mpsc::channel();
    let (written, go) = mpsc::channel();
    let graph = stage.graph();
    let executor = tokio::runtime::Handle::current();
    let slow = std::thread::spawn(move || {
        let mut attempts = 0;
        let update = graph.update(hamlet("a"), |a: &mut Hamlet| {
            attempts += 1;
            if attempts <= times {
                reading.send(()).unwrap();
                go.recv().unwrap();
            }
            a.name.push('s');
        });
        let name = executor.block_on(update).map(|a| a.name.clone());
        (name, attempts)
    });
    for _ in 0..times {
        let read = &read;
        if tokio::task::block_in_place(|| read.recv()).is_err() {
            break;
        }
        stage.graph().update(hamlet("a"), |a: &mut Hamlet| a.name.push('f')).await.unwrap();
        written.send(()).unwrap();
    }
    tokio::task::block_in_place(|| slow.join()).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_update_is_applied_again_to_what_others_left() {
    let stage = Stage::new();
    stage.draw("a").await;
    let (updated, attempts) = within(update_contended(&stage, 2)).await;
    assert_eq!((updated.unwrap().as_str(), attempts), ("affs", 3));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_update_that_meets_a_conflict_at_every_attempt_is_contended() {
    let stage = Stage::with(|config| config.updates_retries(2));
    stage.draw("a").await;
    let (updated, attempts) = within(update_contended(&stage, 2)).await;
    assert!(
        matches!(&updated, Err(Error::Contended { id, attempts: 2 }) if *id == hamlet("a")),
        "{updated:?}"
    );
    assert_eq!(attempts, 2);
    let a = stage.graph().get::<Hamlet>(hamlet("a")).await.unwrap().unwrap();
    assert_eq!((a.name.as_str(), a.version()), ("aff", Version(3)));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_update_of_many_at_once_is_lost() {
    let stage = Stage::with(|config| config.updates_retries(100_000));
    let kiel = Harbour { name: "Kiel".into(), berths: 0 };
    let kiel = stage.graph().create_as("kiel", kiel).await.unwrap().id().clone();
    let updates = (0..40).map(|_| {
        let (graph, kiel) = (stage.graph(), kiel.clone());
        tokio::spawn(async move {
            for _ in 0..10 {
                graph.update(&kiel, |kiel: &mut Harbour| kiel.berths += 1).await.unwrap();
            }
        })
    });
    for update in within(futures_util::future::join_all(updates)).await {
        update.unwrap();
    }
    let kiel = stage.graph().get::<Harbour>(kiel).await.unwrap().unwrap();
    assert_eq!((kiel.berths, kiel.version()), (400, Version(401)));
}

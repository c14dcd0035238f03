//! Several writers of one node at once.

use std::sync::Arc;

use tokio::sync::Barrier;
use wayfare::{Config, Error, Graph, Runtime, Version, WriteError};

use super::entities::{Counter, note};

fn open(folder: &std::path::Path, shards: usize) -> Runtime {
    let settings = Config::builder().store_url(format!("embedded:{}", folder.display()));
    Runtime::start(&settings.workers_count(2).shards_count(shards).build().unwrap()).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn eight_writers_of_one_node_lose_no_increment() {
    const WRITERS: u64 = 8;
    const INCREMENTS: u64 = 250;
    let folder = tempfile::tempdir().unwrap();
    let runtime = open(folder.path(), 2);
    let created = runtime.graph().create_as("one", Counter { value: 0, note: note(0) }).await.unwrap();
    let tasks: Vec<_> = (0..WRITERS)
        .map(|_| {
            let (graph, id) = (runtime.graph(), created.id().clone());
            tokio::spawn(async move {
                let mut seen = Vec::new();
                for _ in 0..INCREMENTS {
                    let counted =
                        graph.update(&id, |counter: &mut Counter| counter.value += 1).await.unwrap();
                    assert_eq!(counted.version(), Version(counted.value + 1));
                    seen.push(counted.value);
                }
                seen
            })
        })
        .collect();
    let mut seen = Vec::new();
    for task in tasks {
        let own = task.await.unwrap();
        assert!(own.is_sorted(), "a writer went back in time: {own:?}");
        seen.extend(own);
    }
    seen.sort_unstable();
    assert_eq!(seen, (1..=WRITERS * INCREMENTS).collect::<Vec<_>>(), "every increment is somebody's own");
    runtime.shutdown().await;

    let runtime = open(folder.path(), 1);
    let stored = runtime.graph().get::<Counter>(created.id()).await.unwrap().unwrap();
    assert_eq!((stored.value, stored.version()), (2_000, Version(2_001)));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_two_who_save_the_same_version_at_once_one_gets_a_conflict() {
    const ROUNDS: u64 = 100;
    let folder = tempfile::tempdir().unwrap();
    let runtime = open(folder.path(), 2);
    let graph = runtime.graph();
    graph.create_as("one", Counter { value: 0, note: note(0) }).await.unwrap();
    let start = Arc::new(Barrier::new(2));
    let mut wins = [0; 2];
    for round in 1..=ROUNDS {
        let tasks = [1, 2].map(|writer| tokio::spawn(save(graph.clone(), round, writer, Arc::clone(&start))));
        let mut results = Vec::new();
        for task in tasks {
            results.push(task.await.unwrap());
        }
        let winner = results.iter().position(Result::is_ok).expect("one of them is first");
        assert_eq!(results[winner].as_ref().unwrap(), &Version(round + 1));
        match &results[1 - winner] {
            Err(Error::Write(WriteError::Conflict { id, expected, found })) => {
                let said = (id.to_string(), *expected, *found);
                assert_eq!(said, ("n.CrashCounter.one".to_owned(), Version(round), Version(round + 1)));
            }
            other => panic!("round {round}: both wrote: {other:?}"),
        }
        let stored = graph.get::<Counter>("n.CrashCounter.one").await.unwrap().unwrap();
        assert_eq!((stored.value, stored.version()), (round * 10 + winner as u64 + 1, Version(round + 1)));
        wins[winner] += 1;
    }
    assert_eq!(wins[0] + wins[1], ROUNDS);
}

/// Reads, waits for the other to have read, and saves.
async fn save(graph: Graph, round: u64, writer: u64, start: Arc<Barrier>) -> Result<Version, Error> {
    let mut copy = graph.get::<Counter>("n.CrashCounter.one").await?.expect("it was made");
    assert_eq!(copy.version(), Version(round));
    copy.value = round * 10 + writer;
    start.wait().await;
    graph.save(&mut copy).await
}

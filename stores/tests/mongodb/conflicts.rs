use std::collections::BTreeSet;
use std::sync::{Arc, Barrier};

use serde_json::json;
use wayfare_graph::{Id, Version, WriteError, Written};

use crate::*;

#[test]
fn every_conflict_among_a_thousand_saves_is_told_and_the_rest_saved() {
    for url in [single_url(), replica_url()].into_iter().flatten() {
        let (store, other) = (open(&url), open(&url));
        block_on(async {
            let text = |n: usize| format!("n.City.{n:04}");
            given(&store, (0..1_000).map(|n| node(&text(n), json!({"n": n})))).await;
            // Others change some and delete some.
            let changed: BTreeSet<usize> = (0..1_000).filter(|n| n % 7 == 3).collect();
            let deleted: BTreeSet<usize> = (0..1_000).filter(|n| n % 97 == 5).collect();
            let by_others = changed.iter().map(|&n| save(node(&text(n), json!({"other": n})), 1));
            assert!(write(&other, by_others.collect()).await.iter().all(Result::is_ok));
            assert!(
                write(&other, deleted.iter().map(|&n| delete(&text(n))).collect())
                    .await
                    .iter()
                    .all(Result::is_ok)
            );
            let saves = (0..1_000).map(|n| save(node(&text(n), json!({"own": n})), 1));
            for (n, result) in write(&store, saves.collect()).await.into_iter().enumerate() {
                let id: Id = id(&text(n));
                let wanted = if deleted.contains(&n) {
                    Err(WriteError::NotFound { id })
                } else if changed.contains(&n) {
                    Err(WriteError::Conflict { id, expected: Version(1), found: Version(2) })
                } else {
                    Ok(Written::Changed { id, version: Version(2) })
                };
                assert_eq!(result, wanted);
            }
            let all = store.get_many(&(0..1_000).map(|n| id(&text(n))).collect::<Vec<_>>()).await.unwrap();
            for (n, document) in all.into_iter().enumerate() {
                let fields = document.map(|document| document.context().unwrap());
                let wanted = match (deleted.contains(&n), changed.contains(&n)) {
                    (true, _) => None,
                    (_, true) => Some(json!({"other": n})),
                    _ => Some(json!({"own": n})),
                };
                assert_eq!(fields.map(serde_json::Value::Object), wanted);
            }
        });
    }
}

#[test]
fn saves_of_two_processes_at_once_lose_no_update() {
    let Some(url) = replica_url() else { return };
    block_on(given(&open(&url), (0..50).map(|n| node(&format!("n.Counter.{n:02}"), json!({"n": 0})))));
    let ids: Vec<Id> = (0..50).map(|n| id(&format!("n.Counter.{n:02}"))).collect();
    let have_read = Arc::new(Barrier::new(3));
    let rounds = |url: &str| {
        let (store, ids, have_read) = (open(url), ids.clone(), Arc::clone(&have_read));
        std::thread::spawn(move || {
            let mut saved = 0_u64;
            for round in 0..20 {
                let read = block_on(store.get_many(&ids)).unwrap();
                // Once at least they all save what they read before anyone did.
                if round == 0 {
                    have_read.wait();
                }
                let counted = read.into_iter().flatten().map(|document| {
                    let n = document.context().unwrap()["n"].as_u64().unwrap() + 1;
                    let version = document.version().0;
                    save(node(&document.id().to_string(), json!({"n": n})), version)
                });
                saved +=
                    block_on(write(&store, counted.collect())).iter().filter(|result| result.is_ok()).count()
                        as u64;
            }
            saved
        })
    };
    let threads = [rounds(&url), rounds(&url), rounds(&url)];
    let saved: u64 = threads.into_iter().map(|thread| thread.join().unwrap()).sum();
    let counted: u64 = block_on(open(&url).get_many(&ids))
        .unwrap()
        .into_iter()
        .flatten()
        .map(|document| document.context().unwrap()["n"].as_u64().unwrap())
        .sum();
    assert_eq!(counted, saved);
    assert!(saved < 3_000, "they never met");
}

use serde_json::json;
use wayfare_graph::{Direction, Kind, Need, Query, Random, Store, Write, WriteError, Written};

use crate::*;

/// Makes edges between few nodes while the nodes are deleted and made again, from several clients.
fn race(url: &str) {
    block_on(given(&open(url), (0..4).map(|n| node(&format!("n.City.{n}"), json!({})))));
    let worker = |seed: u64| {
        let store = open(url);
        std::thread::spawn(move || {
            let mut random = Random::new(seed);
            for round in 0..60 {
                let mut city = || format!("n.City.{}", random.next_u64() % 4);
                let writes = match (seed + round) % 3 {
                    0 => vec![delete(&city())],
                    1 => vec![create(node(&city(), json!({}))), create(node(&city(), json!({})))],
                    _ => (0..5)
                        .map(|n| {
                            let document = edge(&format!("e.Road.{seed}-{round}-{n}"), &city(), &city());
                            Write::Create { document, multi: n % 2 == 0 }
                        })
                        .collect(),
                };
                for result in block_on(write(&store, writes)) {
                    assert!(
                        matches!(
                            result,
                            Ok(_)
                                | Err(WriteError::NotFound { .. }
                                    | WriteError::AlreadyExists { .. }
                                    | WriteError::UnknownEnd { .. })
                        ),
                        "{result:?}"
                    );
                }
            }
        })
    };
    let workers: Vec<_> = (0..4).map(worker).collect();
    workers.into_iter().for_each(|worker| worker.join().unwrap());
    let store = open(url);
    assert_eq!(block_on(store.check_up(false)).unwrap(), []);
}

#[test]
fn no_edge_is_left_without_its_nodes_on_a_single_server() {
    if let Some(url) = single_url() {
        race(&url);
    }
}

#[test]
fn no_edge_is_left_without_its_nodes_on_a_replica_set() {
    if let Some(url) = replica_url() {
        race(&url);
    }
}

#[test]
fn clients_that_connect_the_same_at_once_make_one_edge() {
    for url in [single_url(), replica_url()].into_iter().flatten() {
        block_on(given(&open(&url), (0..20).map(|n| node(&format!("n.City.{n:02}"), json!({})))));
        let worker = |name: usize| {
            let store = open(&url);
            std::thread::spawn(move || {
                let connect = |n: usize, parallel| {
                    let [from, to] = [n, n + 1].map(|n| format!("n.City.{n:02}"));
                    let edge = edge(&format!("e.Road.{name}-{n}-{parallel:?}"), &from, &to);
                    Write::Connect { edge, parallel }
                };
                let mut made = 0;
                for n in 0..19 {
                    let writes = vec![connect(n, None), connect(n, Some(1)), connect(n, Some(2))];
                    for result in block_on(write(&store, writes)) {
                        made += usize::from(matches!(result.unwrap(), Written::Created { .. }));
                    }
                }
                made
            })
        };
        let workers: Vec<_> = (0..3).map(worker).collect();
        let made: usize = workers.into_iter().map(|worker| worker.join().unwrap()).sum();
        let stored = block_on(open(&url).count(&Query::kind(Kind::Edge))).unwrap();
        assert_eq!((made, stored), (57, 57));
    }
}

#[test]
fn transactions_of_several_clients_keep_the_sum() {
    let Some(url) = replica_url() else { return };
    block_on(given(&open(&url), (0..5).map(|n| node(&format!("n.Account.{n}"), json!({"n": 100})))));
    let worker = |seed: u64| {
        let store = open(&url);
        std::thread::spawn(move || {
            let mut random = Random::new(seed);
            let mut done = 0;
            for _ in 0..30 {
                let from = random.next_u64() % 5;
                let to = (from + 1 + random.next_u64() % 4) % 5;
                let ids = [from, to].map(|n| id(&format!("n.Account.{n}")));
                let read = block_on(store.get_many(&ids)).unwrap();
                let moved = read.into_iter().flatten().zip([-1, 1]).map(|(account, by)| {
                    let n = account.context().unwrap()["n"].as_i64().unwrap() + by;
                    save(node(&account.id().to_string(), json!({"n": n})), account.version().0)
                });
                done += usize::from(block_on(write_all(&store, moved.collect())).iter().all(Result::is_ok));
            }
            done
        })
    };
    let workers: Vec<_> = (0..4).map(worker).collect();
    let done: usize = workers.into_iter().map(|worker| worker.join().unwrap()).sum();
    assert!(done > 10, "only {done} were done");
    let accounts = block_on(
        open(&url).find(&Query::entity(Kind::Node, wayfare_graph::EntityName::new("Account").unwrap())),
    )
    .unwrap();
    let sum: i64 = accounts.iter().map(|account| account.context().unwrap()["n"].as_i64().unwrap()).sum();
    assert_eq!(sum, 500);
}

#[test]
fn a_node_with_thousands_of_edges_goes_with_all_of_them() {
    for url in [single_url(), replica_url()].into_iter().flatten() {
        let store = open(&url);
        block_on(async {
            given(&store, (0..1_500).map(|n| node(&format!("n.City.{n}"), json!({})))).await;
            let roads = (1..1_500).map(|n| edge(&format!("e.Road.{n}"), "n.City.0", &format!("n.City.{n}")));
            given(&store, roads).await;
            match write(&store, vec![delete("n.City.0")]).await.remove(0) {
                Ok(Written::Deleted { edges, neighbours, .. }) => {
                    assert_eq!((edges.len(), neighbours.len()), (1_499, 1_499));
                }
                other => panic!("{other:?}"),
            }
            assert_eq!(store.count(&Query::kind(Kind::Edge)).await.unwrap(), 0);
            let loaded = store.load(&[id("n.City.1")], Need::DOCUMENT.links(Direction::Both)).await.unwrap();
            assert!(loaded.adjacency[2].links.is_empty());
        });
    }
}

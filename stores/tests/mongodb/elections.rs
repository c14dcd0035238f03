use serde_json::json;
use wayfare_graph::{Id, Kind, Query, Store, Version, Written};

use crate::*;

/// Everything that was acknowledged is there once, over the deaths of primaries.
#[test]
fn no_write_is_lost_or_done_twice_when_primaries_die() {
    let Some(replicas) = ReplicaSet::start(3) else { return };
    let url = replicas.url("shop");
    block_on(given(
        &open_patiently(&url),
        [node("n.Counter.a", json!({"n": 0})), node("n.Counter.hub", json!({}))],
    ));
    let counting = {
        let store = open_patiently(&url);
        move || {
            for n in 1..300 {
                let saved =
                    block_on(write(&store, vec![save(node("n.Counter.a", json!({"n": n})), n)])).remove(0);
                // Nobody else writes it: a conflict would be with itself.
                assert_eq!(saved, Ok(Written::Changed { id: id("n.Counter.a"), version: Version(n + 1) }));
            }
        }
    };
    let in_bulk = {
        let store = open_patiently(&url);
        move || {
            let ids: Vec<Id> = (0..300).map(|n| id(&format!("n.City.{n:03}"))).collect();
            block_on(given(&store, ids.iter().map(|id| node(&id.to_string(), json!({})))));
            for version in 1..20 {
                let saves = ids.iter().map(|id| save(node(&id.to_string(), json!({"at": version})), version));
                for result in block_on(write(&store, saves.collect())) {
                    assert!(matches!(result, Ok(Written::Changed { .. })), "{result:?}");
                }
            }
        }
    };
    let in_transactions = {
        let store = open_patiently(&url);
        move || {
            for n in 0..60 {
                let [city, road] = [format!("n.Town.{n}"), format!("e.Road.{n}")];
                let writes = vec![
                    create(node(&city, json!({}))),
                    create(edge(&road, &city, "n.Counter.hub")),
                    save(node("n.Counter.hub", json!({"n": n})), n + 1),
                ];
                for result in block_on(write_all(&store, writes)) {
                    result.unwrap();
                }
            }
        }
    };
    std::thread::scope(|scope| {
        let workers = [scope.spawn(counting), scope.spawn(in_bulk), scope.spawn(in_transactions)];
        let killed = replicas.kill_primary();
        replicas.primary();
        replicas.restart(killed);
        replicas.wait_until_healthy();
        replicas.kill_primary();
        workers.into_iter().for_each(|worker| worker.join().unwrap());
    });
    let store = open_patiently(&url);
    block_on(async {
        assert_eq!(get(&store, "n.Counter.a").await.unwrap().version(), Version(300));
        assert_eq!(get(&store, "n.Counter.hub").await.unwrap().version(), Version(61));
        assert_eq!(store.count(&Query::kind(Kind::Edge)).await.unwrap(), 60);
        let cities = wayfare_graph::Filter::parse(&json!({"_version": 20, "context.at": 19})).unwrap();
        let query = Query { filter: cities, ..Query::kind(Kind::Node) };
        assert_eq!(store.count(&query).await.unwrap(), 300);
    });
}

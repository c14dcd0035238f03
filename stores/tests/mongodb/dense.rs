use bson::doc;
use serde_json::json;
use wayfare_graph::{Write, Written};

use crate::*;

fn connect(key: &str, from: usize, to: usize) -> Write {
    let edge = edge(&format!("e.Road.{key}"), &format!("n.City.{from:03}"), &format!("n.City.{to:03}"));
    Write::Connect { edge, parallel: None }
}

/// Fetched documents and walked keys since the server began, as it counts them itself.
async fn examined(url: &str) -> (i64, i64) {
    let status = raw(url).await.run_command(doc! { "serverStatus": 1 }).await.unwrap();
    let executor = status.get_document("metrics").unwrap().get_document("queryExecutor").unwrap();
    (executor.get_i64("scannedObjects").unwrap(), executor.get_i64("scanned").unwrap())
}

/// Between 60 cities there are all roads; 60 of them are asked for.
#[test]
fn pairs_of_a_dense_graph_are_looked_at_by_themselves() {
    // A server of its own, of which nobody else has something counted.
    let Some(mongod) = Mongod::start() else { return };
    let url = mongod.url("shop");
    let store = open(&url);
    block_on(async {
        given(&store, (0..60).map(|n| node(&format!("n.City.{n:03}"), json!({})))).await;
        let all = (0..3_600).map(|n| connect(&n.to_string(), n / 60, n % 60));
        assert!(write(&store, all.collect()).await.iter().all(Result::is_ok));
        let before = examined(&url).await;
        let some = (0..60).map(|n| connect(&format!("new{n}"), n, (n + 7) % 60));
        let results = write(&store, some.collect()).await;
        assert!(results.iter().all(|result| matches!(result, Ok(Written::Unchanged { .. }))));
        let after = examined(&url).await;
        // Sixty edges and as many ends of them, with what the server does beside.
        assert!(after.0 - before.0 < 600, "{before:?} {after:?}");
        assert!(after.1 - before.1 < 1_200, "{before:?} {after:?}");
    });
}

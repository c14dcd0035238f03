use std::time::Duration;

use bson::doc;
use serde_json::json;
use wayfare_graph::{Store, StoreError};

use crate::between::{Answers, Between};
use crate::*;

#[test]
fn a_batch_waits_for_a_transaction_of_others_as_long_as_calls_are_tried_again() {
    let Some(url) = replica_url() else { return };
    let mut options = MongoOptions::default();
    options.retry_time = Duration::from_millis(500);
    let store = MongoStore::open(&url, options).unwrap();
    block_on(async {
        given(&store, [node("n.City.a", json!({}))]).await;
        let client = mongodb::Client::with_uri_str(&url).await.unwrap();
        let nodes = client.default_database().unwrap().collection::<BsonDocument>("node");
        let mut session = client.start_session().await.unwrap();
        session.start_transaction().await.unwrap();
        let touched = nodes.update_one(doc! { "_id": "n.City.a" }, doc! { "$set": { "touched": 1 } });
        touched.session(&mut session).await.unwrap();

        let batch = || wayfare_graph::WriteBatch {
            writes: vec![create(node("n.City.b", json!({}))), save(node("n.City.a", json!({"n": 1})), 1)],
            all_or_nothing: true,
        };
        let error = store.apply(&[batch()]).await.unwrap_err();
        assert!(error.is_passing() && error.to_string().contains("others hold"), "{error}");
        assert!(get(&store, "n.City.b").await.is_none());
        // Longer than a number of attempts would last: the batch is done while it still waits.
        let patient = open(&url);
        let release = async {
            tokio::time::sleep(Duration::from_secs(5)).await;
            session.abort_transaction().await.unwrap();
        };
        let batches = [batch()];
        let (done, ()) = futures_util::future::join(patient.apply(&batches), release).await;
        assert!(done.unwrap()[0].iter().all(Result::is_ok));
        assert_eq!(context(&store, "n.City.a").await, json!({"n": 1}));
    });
}

fn impatient() -> MongoOptions {
    let mut options = MongoOptions::default();
    // As long is waited for each answer that is lost; every other command has to be done in it.
    options.operation_timeout = Duration::from_secs(10);
    options.retry_time = Duration::from_secs(5);
    options.retries = 2;
    options.circuit_failures = 0;
    options
}

fn batch() -> Vec<Write> {
    vec![create(node("n.City.marked_a", json!({}))), create(node("n.City.marked_b", json!({})))]
}

#[test]
fn a_commit_whose_answer_is_lost_is_asked_for_again_and_nothing_else_is() {
    let Some(url) = replica_url() else { return };
    let between = Between::new(&url, &["commitTransaction", "marked_b"]);
    let database = url.split(['/', '?']).nth(3).unwrap();
    let store = MongoStore::open(&between.url(database), impatient()).unwrap();
    between.hold("commitTransaction", Answers::Lost(1));
    block_on(async {
        let done = write_all(&store, batch()).await;
        assert!(done.iter().all(Result::is_ok), "{done:?}");
        assert_eq!((between.count("commitTransaction"), between.count("marked_b")), (2, 1));
        assert!(get(&store, "n.City.marked_a").await.is_some());
    });
}

#[test]
fn a_commit_that_is_never_answered_is_unknown_and_its_writes_are_not_sent_again() {
    let Some(url) = replica_url() else { return };
    let between = Between::new(&url, &["commitTransaction", "marked_b"]);
    let database = url.split(['/', '?']).nth(3).unwrap();
    let store = MongoStore::open(&between.url(database), impatient()).unwrap();
    between.hold("commitTransaction", Answers::Lost(usize::MAX));
    block_on(async {
        let batches = [WriteBatch { writes: batch(), all_or_nothing: true }];
        let error = store.apply(&batches).await.unwrap_err();
        assert!(matches!(error, StoreError::Unreachable { .. }), "{error:?}");
        assert_eq!(between.count("marked_b"), 1);
        assert!(between.count("commitTransaction") >= 2);
        // It was done all the same, which nobody could know.
        assert!(get(&store, "n.City.marked_b").await.is_some());
    });
}

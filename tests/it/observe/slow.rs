//! What is told of slow hooks, queries and commits.

use std::time::Duration;

use serde_json::json;
use wayfare::{Body, Document, Here, Walk, Write, WriteBatch, walker};

use super::listening::listen;
use crate::walks::stage::{Hamlet, Stage, hamlet, within};

/// So long a hook may take here before it is slow, which none does only because the machine is busy.
const SLOW_MS: u64 = 500;
/// Longer than that.
const LONG: Duration = Duration::from_secs(2);

struct Dawdles;

#[walker]
impl Dawdles {
    #[on_visit]
    fn linger(&mut self, here: &Here<Hamlet>, walk: &mut Walk) {
        if here.name == "slow" {
            std::thread::sleep(LONG);
        }
        walk.visit(here.neighbours(wayfare::Direction::Out));
    }
}

struct DawdlesAsync;

#[walker]
impl DawdlesAsync {
    #[on_visit]
    async fn linger_long(&mut self, here: &Here<'_, Hamlet>, walk: &mut Walk) {
        tokio::task::yield_now().await;
        if here.name == "slow" {
            std::thread::sleep(LONG / 2);
            tokio::task::yield_now().await;
            std::thread::sleep(LONG / 2);
        }
        walk.visit(here.neighbours(wayfare::Direction::Out));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_slow_hook_is_told_with_its_walker_and_node_and_the_others_are_not() {
    let listening = listen();
    let stage = Stage::with(|config| config.observe_slow_hook_ms(SLOW_MS));
    stage.draw("a>slow slow>b").await;
    let walk = stage.runtime.spawn(Dawdles).at(hamlet("a")).await.unwrap();
    within(walk.finish()).await.unwrap();
    let told = listening.events("walker", "Dawdles");
    assert_eq!(told.len(), 1, "{told:?}");
    let fields = &told[0].fields;
    assert_eq!((fields["hook"].as_str(), fields["at"].as_str()), ("linger", "n.Hamlet.slow"));
    assert!((SLOW_MS..60_000).contains(&fields["took_ms"].parse::<u64>().unwrap()), "{fields:?}");
    assert_eq!(stage.runtime.metrics().number("wayfare_slow_total", Some("hook")), Some(1.0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_slow_hook_that_waits_is_told_too() {
    let listening = listen();
    let stage = Stage::with(|config| config.observe_slow_hook_ms(SLOW_MS));
    stage.draw("a>slow slow>b").await;
    let walk = stage.runtime.spawn(DawdlesAsync).at(hamlet("a")).await.unwrap();
    within(walk.finish()).await.unwrap();
    let told = listening.events("walker", "DawdlesAsync");
    assert_eq!(told.len(), 1, "{told:?}");
    let fields = &told[0].fields;
    assert_eq!((fields["hook"].as_str(), fields["at"].as_str()), ("linger_long", "n.Hamlet.slow"));
    assert!(stage.runtime.metrics().histogram("wayfare_hook_batch_seconds", None).unwrap().count > 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_slow_query_is_told_with_its_form_and_its_plan_and_no_value() {
    let listening = listen();
    let stage = Stage::with(|config| config.observe_slow_query_ms(1));
    let body = Body::encode(&json!({ "name": "x".repeat(100) })).unwrap();
    let nodes = (0..20_000).map(|node| Document::new(hamlet(&node.to_string()), body.clone()));
    let writes = nodes.map(|document| Write::Create { document, multi: false }).collect();
    stage.graph().write_batch(WriteBatch { writes, all_or_nothing: false }).await.unwrap();
    let filter = json!({ "context.name": { "$gt": "classified" }, "context.nowhere": 1 });
    assert!(stage.graph().find::<Hamlet>(filter).await.unwrap().is_empty());
    let told = listening.events("filter", r#"{"context.name":{"$gt":"?"},"context.nowhere":"?"}"#);
    assert_eq!(told.len(), 1, "{:?}", listening.events("call", "find"));
    let fields = &told[0].fields;
    assert_eq!((fields["kind"].as_str(), fields["entity"].as_str()), ("node", "Hamlet"));
    assert!(fields["plan"].contains(r#""path":"entity_scan""#), "{fields:?}");
    assert!(!format!("{fields:?}").contains("classified"));
    assert!(stage.runtime.metrics().number("wayfare_slow_total", Some("query")).unwrap() >= 1.0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_slow_commit_is_told_with_its_size_and_its_store() {
    let listening = listen();
    let (stage, store) = Stage::on_trick_store(|config| config.observe_slow_commit_ms(50));
    store.applies.close();
    let drawing = stage.draw("a b c");
    let letting = async {
        store.applies.wait_for(1).await;
        tokio::time::sleep(Duration::from_millis(60)).await;
        store.applies.open();
    };
    tokio::join!(drawing, letting);
    let store = wayfare::Store::describe(&*store);
    // Others may be slow too, where the disk is.
    let told = listening.events("store", &store);
    let ours: Vec<_> = told.iter().filter(|event| event.fields["writes"] == "3").collect();
    assert_eq!(ours.len(), 1, "{told:?}");
    assert_eq!(ours[0].fields["batches"], "1");
    let counted = stage.runtime.metrics().number("wayfare_slow_total", Some("commit"));
    assert_eq!(counted, Some(told.len() as f64));
}

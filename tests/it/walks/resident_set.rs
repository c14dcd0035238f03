//! What stays in memory: bounded, resistant to scans, pinned, loaded at the start.

use std::collections::HashSet;

use serde_json::json;
use wayfare::{
    Body, Config, Document, Ends, Error, Id, Kind, PinError, ShardFigures, Write, WriteBatch, node,
};

use super::stage::{Stage, Trail, until, within};

const BOUND: u64 = 1 << 20;

/// Of a node with its fields, links and all, which has no Rust type.
const NODE_BYTES: usize = 1_000;

fn boulder(number: usize) -> Id {
    Id::node("Boulder", &number.to_string()).unwrap()
}

/// Stores a tree of fan-out 10 whose nodes carry about a kilobyte each.
async fn pile(stage: &Stage, nodes: usize) {
    let graph = stage.graph();
    let body = Body::encode(&json!({ "text": "x".repeat(NODE_BYTES) })).unwrap();
    for chunk in (0..nodes).collect::<Vec<_>>().chunks(5_000) {
        let mut writes = Vec::new();
        for &number in chunk {
            let document = Document::new(boulder(number), body.clone());
            writes.push(Write::Create { document, multi: false });
            if number > 0 {
                let (source, target) = (boulder((number - 1) / 10), boulder(number));
                let edge = graph.new_id(Kind::Edge, "Slope").unwrap();
                let ends = Ends { source, target, bidirectional: false };
                let document = Document::edge(edge, ends, Body::empty());
                writes.push(Write::Create { document, multi: false });
            }
        }
        let results = graph.write_batch(WriteBatch { writes, all_or_nothing: true }).await.unwrap();
        assert!(results.iter().all(Result::is_ok));
    }
}

async fn total(stage: &Stage) -> ShardFigures {
    stage.runtime.resident_figures().await.total()
}

/// A type that owns what it holds, which no Rust type tells of itself.
#[node]
struct Scroll {
    text: String,
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_values_of_rust_types_own_counts_too() {
    const LONG: usize = 100_000;
    let stage = Stage::with(|config| config.cache_resident_bytes(BOUND).shards_count(1));
    let graph = stage.graph();
    let id = |number: usize| Id::node("Scroll", &number.to_string()).unwrap();
    let document =
        |number, bytes| Document::new(id(number), Body::encode(&Scroll { text: "x".repeat(bytes) }).unwrap());
    for (number, bytes) in (0..100).map(|number| (number, if number < 50 { LONG } else { 10 })) {
        graph.write(Write::Create { document: document(number, bytes), multi: false }).await.unwrap();
    }
    let visit = async |number: usize| {
        let only = Trail { hops: Some(0), ..Trail::default() };
        within(stage.runtime.spawn(only).at(id(number)).await.unwrap().finish()).await.unwrap();
        total(&stage).await
    };
    let mut figures = visit(0).await;
    for number in 1..50 {
        figures = visit(number).await;
        assert!(figures.bytes <= BOUND, "{figures:?}");
    }
    // Ten of them are nearly a MiB.
    assert!((5..=10).contains(&figures.records) && figures.bytes > BOUND / 2, "{figures:?}");
    graph.evict(&(0..50).map(id).collect::<Vec<_>>()).await;
    for number in 50..100 {
        figures = visit(number).await;
    }
    assert!(figures.records == 50 && figures.bytes < 50 * 400, "{figures:?}");
    // A new version is as large as it is, whatever the last one was.
    graph.update(id(99), |scroll: &mut Scroll| scroll.text = "y".repeat(LONG)).await.unwrap();
    let grown = visit(99).await;
    assert!(grown.records == 50 && grown.bytes > LONG as u64 + 49 * 100, "{grown:?}");
}

/// Visits everything.
async fn walk_all(stage: &Stage) -> Vec<String> {
    let walk = stage.runtime.spawn(Trail::default()).at(boulder(0)).await.unwrap();
    within(walk.finish()).await.unwrap().keys
}

/// Visits some nodes, each by a walk of its own; how many of them had to be loaded.
async fn look_at(stage: &Stage, numbers: impl IntoIterator<Item = usize>) -> u64 {
    let before = total(stage).await.misses;
    for number in numbers {
        let only = Trail { hops: Some(0), ..Trail::default() };
        let walk = stage.runtime.spawn(only).at(boulder(number)).await.unwrap();
        assert_eq!(within(walk.finish()).await.unwrap().keys, [number.to_string()]);
    }
    total(stage).await.misses - before
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_batch_larger_than_the_bound_is_visited_and_leaves_no_more_than_the_bound() {
    let stage = Stage::with(|config| config.cache_resident_bytes(BOUND).shards_count(1));
    pile(&stage, 3_000).await;
    assert_eq!(walk_all(&stage).await.len(), 3_000);
    let figures = total(&stage).await;
    assert!(figures.bytes <= BOUND && figures.bytes > BOUND / 2, "{figures:?}");
    assert_eq!(figures.bytes, figures.probation_bytes + figures.protected_bytes);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_walk_over_more_than_fits_leaves_what_is_asked_for_again_in_memory() {
    let stage = Stage::with(|config| config.cache_resident_bytes(BOUND).shards_count(2));
    pile(&stage, 10_000).await;
    walk_all(&stage).await;
    let hot = || (5_000..5_300).step_by(2);
    for _ in 0..4 {
        look_at(&stage, hot()).await;
        look_at(&stage, 7_000..7_100).await;
    }
    let evicted = total(&stage).await.evicted;
    walk_all(&stage).await;
    assert!(total(&stage).await.evicted > evicted + 8_000, "it was larger than what fits");
    let missed = look_at(&stage, hot()).await;
    assert!(missed <= 8, "{missed} of 150 were evicted");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_visit_is_a_miss_when_its_node_was_loaded_and_a_hit_when_it_was_there() {
    let stage = Stage::with(|config| config.shards_count(2));
    pile(&stage, 500).await;
    walk_all(&stage).await;
    let first = total(&stage).await;
    assert_eq!((first.records, first.hits, first.misses), (500, 0, 500));
    walk_all(&stage).await;
    let second = total(&stage).await;
    assert_eq!((second.records, second.hits, second.misses, second.evicted), (500, 500, 500, 0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pinned_entities_stay_until_they_are_unpinned() {
    let stage = Stage::with(|config| config.cache_resident_bytes(BOUND).shards_count(2));
    pile(&stage, 10_000).await;
    let ids: Vec<Id> = (4_000..4_200).map(boulder).collect();
    stage.graph().pin(&ids).await.unwrap();
    stage.graph().pin(&ids[..20]).await.unwrap();
    let figures = total(&stage).await;
    assert!(figures.pinned == 200 && figures.pinned_bytes > 200 * NODE_BYTES as u64, "{figures:?}");

    for _ in 0..3 {
        walk_all(&stage).await;
        // What others read again needs room too, and does not get theirs.
        look_at(&stage, (0..2_000).chain(0..1_000)).await;
    }
    assert_eq!(look_at(&stage, 4_000..4_200).await, 0);
    assert!(total(&stage).await.bytes <= BOUND);

    stage.graph().unpin(&ids).await;
    assert_eq!((total(&stage).await.pinned, total(&stage).await.pinned_bytes), (0, 0));
    for _ in 0..3 {
        look_at(&stage, (0..2_000).chain(0..1_000)).await;
    }
    assert!(look_at(&stage, 4_000..4_200).await > 100, "they go like others");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn to_pin_more_than_half_of_the_bound_or_what_is_not_there_is_refused_as_a_whole() {
    let stage =
        Stage::with(|config| config.cache_resident_bytes(BOUND).shards_count(2).shards_visit_batch(64));
    pile(&stage, 2_000).await;
    let graph = stage.graph();
    graph.pin(&[boulder(7)]).await.unwrap();

    let refused = graph.pin(&(0..2_000).map(boulder).collect::<Vec<_>>()).await.unwrap_err();
    let Error::Pin(PinError::OverBound { bytes, bound }) = &refused else { panic!("{refused:?}") };
    assert!(*bytes > BOUND / 4 && *bound == BOUND / 2, "{refused}");
    assert!(refused.to_string().contains("`[cache] resident_bytes`"), "{refused}");
    assert_eq!(total(&stage).await.pinned, 1, "none of them is pinned, but the one before");

    let refused = graph.pin(&[boulder(1), boulder(5_000)]).await.unwrap_err();
    assert!(matches!(&refused, Error::Pin(PinError::Missing { id }) if *id == boulder(5_000)), "{refused:?}");
    assert_eq!(total(&stage).await.pinned, 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_pinned_entity_that_was_changed_is_loaded_again_and_stays_pinned() {
    let stage = Stage::with(|config| config.cache_resident_bytes(BOUND).shards_count(2));
    pile(&stage, 3_000).await;
    stage.graph().pin(&[boulder(2_500)]).await.unwrap();
    let body = Body::encode(&json!({ "text": "short" })).unwrap();
    let write = Write::Upsert { document: Document::new(boulder(2_500), body) };
    stage.graph().write(write).await.unwrap();
    let dropped = total(&stage).await;
    assert_eq!((dropped.pinned, dropped.pinned_bytes), (1, 0));
    assert_eq!(look_at(&stage, [2_500]).await, 1);
    walk_all(&stage).await;
    look_at(&stage, (0..1_000).chain(0..1_000)).await;
    assert_eq!(look_at(&stage, [2_500]).await, 0);
    let pinned_bytes = total(&stage).await.pinned_bytes;
    assert!(pinned_bytes > 0 && pinned_bytes < NODE_BYTES as u64, "it is the new one: {pinned_bytes}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn entities_named_in_the_settings_are_loaded_at_the_start_and_found_by_walks() {
    let stage = Stage::new();
    pile(&stage, 500).await;
    let stage = stage.reopened_with(|config| config.cache_warm(["Nowhere", "Boulder"])).await;
    until(async || stage.runtime.resident_figures().await.warm.is_done).await;
    let figures = stage.runtime.resident_figures().await;
    assert_eq!((figures.warm.entities, figures.warm.nodes, figures.total().misses), (2, 500, 0));
    assert_eq!(walk_all(&stage).await.len(), 500);
    let walked = total(&stage).await;
    assert_eq!((walked.hits, walked.misses), (500, 0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn loading_at_the_start_uses_half_of_the_bound_while_walks_go_on() {
    let stage = Stage::new();
    pile(&stage, 5_000).await;
    let set = |config: wayfare::ConfigBuilder| {
        config.cache_warm(["Boulder"]).cache_resident_bytes(BOUND).shards_count(2).shards_visit_batch(50)
    };
    let stage = stage.reopened_with(set).await;
    assert_eq!(look_at(&stage, 0..20).await, total(&stage).await.misses);
    until(async || stage.runtime.resident_figures().await.warm.is_done).await;
    let figures = total(&stage).await;
    let page = 50 * (NODE_BYTES as u64 + 400);
    assert!(figures.bytes >= BOUND / 2 && figures.bytes < BOUND / 2 + page, "{figures:?}");
    assert_eq!(figures.evicted, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_entity_is_loaded_at_the_start_unless_it_is_named() {
    assert_eq!(Config::default().cache.warm.iter().count(), 0);
    let stage = Stage::new();
    until(async || stage.runtime.resident_figures().await.warm.is_done).await;
    assert_eq!(stage.runtime.resident_figures().await.warm.nodes, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn walks_that_would_read_ahead_of_what_fits_are_slowed_and_memory_stays_bounded() {
    const NODES: usize = 12_000;
    const WALKS: usize = 6;
    const BATCH: usize = 256;
    // Asked for in any case, by a walk that waits.
    const LEAST: usize = 32;
    let stage = Stage::with(|config| {
        config.cache_resident_bytes(BOUND).shards_count(2).workers_count(2).shards_visit_batch(BATCH)
    });
    pile(&stage, NODES).await;
    // A third of memory cannot be evicted.
    stage.graph().pin(&(0..300).map(boulder).collect::<Vec<_>>()).await.unwrap();
    let mut walks = Vec::new();
    for _ in 0..WALKS {
        walks.push(stage.runtime.spawn(Trail::default()).at(boulder(0)).await.unwrap());
    }
    let runtime = stage.runtime.clone();
    let (done, mut is_done) = tokio::sync::oneshot::channel::<()>();
    let watch = tokio::spawn(async move {
        let mut most = 0;
        while is_done.try_recv().is_err() {
            most = most.max(runtime.resident_figures().await.total().bytes);
            tokio::task::yield_now().await;
        }
        most
    });
    for walk in walks {
        let keys = within(walk.finish()).await.unwrap().keys;
        assert_eq!(keys.iter().collect::<HashSet<_>>().len(), NODES);
    }
    done.send(()).unwrap();
    let most = watch.await.unwrap();
    assert!(most <= BOUND && most > BOUND / 2, "{most}");
    let figures = stage.runtime.resident_figures().await;
    assert!(figures.read_ahead_slowed > 0, "{figures:?}");
    // Twice, because a walk that moves to another worker brings along what it has read ahead.
    assert!(figures.most_read_ahead <= (2 * BATCH + WALKS * LEAST) as u64, "{figures:?}");
    assert_eq!(figures.total().pinned, 300);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn saves_of_more_than_fits_leave_no_more_than_the_bound_once_they_are_durable() {
    let stage = Stage::with(|config| config.cache_resident_bytes(BOUND).shards_count(2));
    pile(&stage, 3_000).await;
    let ids: Vec<Id> = (0..3_000).map(boulder).collect();
    let body = Body::encode(&json!({ "text": "y".repeat(2 * NODE_BYTES) })).unwrap();
    let stored = stage.graph().documents(&ids).await.unwrap();
    let larger = stored.into_iter().map(|document| {
        let document = document.unwrap();
        Document::new(document.id().clone(), body.clone()).with_version(document.version())
    });
    let saved = stage.runtime.handle().save_nodes(larger.collect()).await.unwrap();
    assert!(saved.iter().all(Result::is_ok));
    let figures = total(&stage).await;
    assert!(figures.bytes <= BOUND && figures.unsettled_bytes == 0, "{figures:?}");
    assert_eq!(walk_all(&stage).await.len(), 3_000);
    assert!(total(&stage).await.bytes <= BOUND);
}

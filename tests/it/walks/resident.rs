//! Resident memory is bounded, and the graph may be larger.

use std::collections::HashSet;

use serde_json::json;
use wayfare::{
    Body, Direction, Document, Ends, Here, Kind, Order, Walk, WalkError, Write, WriteBatch, walker,
};

use super::stage::{Hamlet, Stage, Trail, hamlet, key, within};

const NODES: usize = 20_000;
const BOUND: u64 = 1 << 20;

/// A tree of fan-out 10 whose nodes carry 100 bytes each.
async fn grow(stage: &Stage) {
    let graph = stage.graph();
    let name = "x".repeat(100);
    for chunk in (0..NODES).collect::<Vec<_>>().chunks(5_000) {
        let mut writes = Vec::new();
        for &number in chunk {
            let body = Body::encode(&json!({ "name": name })).unwrap();
            writes.push(Write::Create {
                document: Document::new(hamlet(&number.to_string()), body),
                multi: false,
            });
            if number > 0 {
                let (source, target) =
                    (hamlet(&((number - 1) / 10).to_string()), hamlet(&number.to_string()));
                let ends = Ends { source, target, bidirectional: false };
                let id = graph.new_id(Kind::Edge, "Lane").unwrap();
                writes
                    .push(Write::Create { document: Document::edge(id, ends, Body::empty()), multi: false });
            }
        }
        let results = graph.write_batch(WriteBatch { writes, all_or_nothing: true }).await.unwrap();
        assert!(results.iter().all(Result::is_ok));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_walk_over_more_than_fits_in_memory_visits_everything_once_and_memory_stays_bounded() {
    let stage = Stage::with(|config| config.cache_resident_bytes(BOUND).shards_count(2));
    grow(&stage).await;
    for order in [Order::BreadthFirst, Order::DepthFirst, Order::BreadthFirst] {
        let walk = stage.runtime.spawn(Trail::default()).at(hamlet("0")).order(order).await.unwrap();
        let keys = within(walk.finish()).await.unwrap().keys;
        assert_eq!((keys.len(), keys.iter().collect::<HashSet<_>>().len()), (NODES, NODES), "{order:?}");
        assert_bounded(&stage).await;
    }
    let evicted: u64 = stage.runtime.handle().shard_figures().await.iter().map(|shard| shard.evicted).sum();
    assert!(evicted as usize > NODES, "{evicted} records were evicted");
}

async fn assert_bounded(stage: &Stage) {
    let figures = stage.runtime.handle().shard_figures().await;
    for shard in &figures {
        assert!(shard.bytes <= BOUND / 2, "{figures:?}");
        // An eighth is freed at a time, and a batch that was loaded may be half as large again.
        assert!(shard.bytes > BOUND / 4, "the room is used: {figures:?}");
        assert!(shard.records > 0 && shard.records < NODES as u64 / 2, "{figures:?}");
    }
}

/// Reads every node as a type, in async hooks.
#[derive(Debug, Default)]
struct Reader {
    keys: HashSet<String>,
    bytes: usize,
}

#[walker]
impl Reader {
    #[on_visit]
    async fn node(&mut self, here: &Here<'_, Hamlet>, walk: &mut Walk) -> Result<(), WalkError> {
        assert!(self.keys.insert(key(here.id())), "visited twice");
        self.bytes += here.name.len();
        walk.visit(here.neighbours(Direction::Out));
        Ok(())
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn several_walks_at_once_over_more_than_fits_each_visit_everything() {
    let stage = Stage::with(|config| config.cache_resident_bytes(BOUND).shards_count(2));
    grow(&stage).await;
    let mut walks = Vec::new();
    for _ in 0..4 {
        walks.push(stage.runtime.spawn(Reader::default()).at(hamlet("0")).await.unwrap());
    }
    for walk in walks {
        let reader = within(walk.finish()).await.unwrap();
        assert_eq!((reader.keys.len(), reader.bytes), (NODES, 100 * NODES));
    }
    assert_bounded(&stage).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_evicted_after_an_update_is_read_as_updated() {
    let stage = Stage::with(|config| config.cache_resident_bytes(BOUND).shards_count(2));
    grow(&stage).await;
    stage.graph().update(hamlet("7"), |hamlet: &mut Hamlet| hamlet.name = "renamed".into()).await.unwrap();
    stage.trail("0").await;
    let walk = stage.runtime.spawn(Reader::default()).at(hamlet("0")).await.unwrap();
    assert_eq!(within(walk.finish()).await.unwrap().bytes, 100 * NODES - 100 + "renamed".len());
}

//! Whoever begins a walk after a write was acknowledged sees it, whatever was resident.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering::SeqCst};
use std::time::Duration;

use serde_json::json;
use wayfare::{
    Direction, Document, Filter, Here, Id, Walk, WalkOptions, Write, WriteBatch, edge, object, walker,
};

use super::stage::{Ferry, Hamlet, Harbour, Lane, Stage, Trail, document, hamlet, until, within};

/// Reads the name at its start.
#[derive(Debug, Default)]
struct NameReader {
    name: String,
}

#[walker]
impl NameReader {
    #[on_visit]
    fn node(&mut self, here: &Here<Hamlet>) {
        self.name.clone_from(&here.name);
    }
}

async fn name_of(stage: &Stage, key: &str) -> String {
    let walk = stage.runtime.spawn(NameReader::default()).at(hamlet(key)).await.unwrap();
    within(walk.finish()).await.unwrap().name
}

fn renamed(key: &str, name: &str) -> Document {
    document(json!({"id": hamlet(key).to_string(), "context": {"name": name}}))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_changed_node_is_seen_however_it_was_changed() {
    let stage = Stage::new();
    stage.draw("a").await;
    let graph = stage.graph();
    assert_eq!(name_of(&stage, "a").await, "a");

    graph.update(hamlet("a"), |a: &mut Hamlet| a.name = "updated".into()).await.unwrap();
    assert_eq!(name_of(&stage, "a").await, "updated");

    let mut stored = graph.get::<Hamlet>(hamlet("a")).await.unwrap().unwrap();
    stored.name = "saved".into();
    graph.save(&mut stored).await.unwrap();
    assert_eq!(name_of(&stage, "a").await, "saved");

    graph.write(Write::Upsert { document: renamed("a", "upserted") }).await.unwrap();
    assert_eq!(name_of(&stage, "a").await, "upserted");

    let saves = WriteBatch {
        writes: vec![Write::Save { document: renamed("a", "in a batch").with_version(wayfare::Version(4)) }],
        all_or_nothing: true,
    };
    assert!(graph.write_batch(saves).await.unwrap()[0].is_ok());
    assert_eq!(name_of(&stage, "a").await, "in a batch");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_new_edge_is_seen_from_both_its_ends() {
    let stage = Stage::new();
    stage.draw("a b c").await;
    let inward = || Trail { direction: Direction::In, ..Trail::default() };
    for key in ["a", "b", "c"] {
        assert_eq!(stage.trail(key).await, key);
        assert_eq!(stage.trail_with(inward(), key, |spawning| spawning).await, key);
    }
    stage.graph().connect(hamlet("a"), hamlet("b"), Lane {}).await.unwrap();
    assert_eq!(stage.trail("a").await, "a b");
    assert_eq!(stage.trail_with(inward(), "b", |spawning| spawning).await, "b a");
    stage.graph().connect_both(hamlet("c"), hamlet("b"), Ferry {}).await.unwrap();
    assert_eq!(stage.trail("a").await, "a b c");
    assert_eq!(stage.trail_with(inward(), "c", |spawning| spawning).await, "c b a");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_deleted_edge_and_a_deleted_node_are_gone() {
    let stage = Stage::new();
    stage.draw("a b>c c>d").await;
    let lane = stage.graph().connect(hamlet("a"), hamlet("b"), Lane {}).await.unwrap();
    assert_eq!(stage.trail("a").await, "a b c d");
    stage.graph().delete(hamlet("c")).await.unwrap();
    assert_eq!(stage.trail("a").await, "a b");
    stage.graph().delete(lane.id()).await.unwrap();
    assert_eq!(stage.trail("a").await, "a");
    // Made again, it is a node without its old edges.
    stage.draw("c").await;
    assert_eq!(stage.trail("b").await, "b");
}

#[edge]
#[derive(Debug)]
struct Footpath {
    metres: u32,
}

/// Reads the edges at its start.
#[derive(Debug, Default)]
struct EdgeReader {
    metres: Vec<u64>,
}

#[walker(options = EdgeReader::options)]
impl EdgeReader {
    fn options(&self) -> WalkOptions {
        WalkOptions::default().edges(Direction::Out)
    }

    #[on_visit]
    fn node(&mut self, here: &Here) {
        let edges = here.edges(Direction::Out).unwrap_or_default();
        self.metres = edges.iter().filter_map(|edge| edge.edge.body().field("metres")?.as_u64()).collect();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_changed_edge_is_seen() {
    let stage = Stage::new();
    stage.draw("a b").await;
    let graph = stage.graph();
    let metres = async || {
        let walk = stage.runtime.spawn(EdgeReader::default()).at(hamlet("a")).await.unwrap();
        within(walk.finish()).await.unwrap().metres
    };
    let path = graph.connect(hamlet("a"), hamlet("b"), Footpath { metres: 5 }).await.unwrap();
    assert_eq!(metres().await, [5]);
    graph.update(path.id(), |path: &mut Footpath| path.metres = 6).await.unwrap();
    assert_eq!(metres().await, [6]);
    graph.connect(hamlet("a"), hamlet("b"), Footpath { metres: 7 }).await.unwrap();
    assert_eq!(metres().await, [7]);
    graph.delete(path.id()).await.unwrap();
    assert!(metres().await.is_empty());
}

/// Reads the berths at its start, and counts its neighbours.
#[derive(Debug, Default)]
struct Counter {
    berths: u32,
    neighbours: u32,
}

#[walker]
impl Counter {
    #[on_visit]
    fn harbour(&mut self, here: &Here<Harbour>, walk: &mut Walk) {
        self.berths = here.berths;
        walk.visit(here.out::<Lane>());
    }

    #[on_visit]
    fn hamlet(&mut self, _here: &Here<Hamlet>) {
        self.neighbours += 1;
    }
}

/// How much of what is counted was acknowledged.
#[derive(Debug, Default)]
struct Acknowledged {
    berths: AtomicU32,
    neighbours: AtomicU32,
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn walks_among_updates_and_new_edges_of_one_node_see_all_that_was_acknowledged_before() {
    let stage = Stage::with(|config| config.workers_count(2));
    let graph = stage.graph();
    let kiel =
        graph.create_as("kiel", Harbour { name: "Kiel".into(), berths: 0 }).await.unwrap().id().clone();
    let acknowledged = Arc::new(Acknowledged::default());
    let updates = tokio::spawn(keep_updating(stage.graph(), kiel.clone(), Arc::clone(&acknowledged)));
    let connects = tokio::spawn(keep_connecting(stage.graph(), kiel.clone(), Arc::clone(&acknowledged)));
    let mut walks = 0;
    while !updates.is_finished() || !connects.is_finished() {
        let berths = acknowledged.berths.load(SeqCst);
        let neighbours = acknowledged.neighbours.load(SeqCst);
        let walk = stage.runtime.spawn(Counter::default()).at(&kiel).await.unwrap();
        let seen = within(walk.finish()).await.unwrap();
        assert!(seen.berths >= berths, "{} berths were seen, {berths} acknowledged", seen.berths);
        assert!(seen.neighbours >= neighbours, "{} neighbours of {neighbours}", seen.neighbours);
        walks += 1;
    }
    within(updates).await.unwrap();
    within(connects).await.unwrap();
    assert!(walks > 10, "{walks} walks");
}

const ROUNDS: u32 = 200;

async fn keep_updating(graph: wayfare::Graph, id: Id, acknowledged: Arc<Acknowledged>) {
    for _ in 0..ROUNDS {
        let updated = graph.update(&id, |harbour: &mut Harbour| harbour.berths += 1).await.unwrap();
        acknowledged.berths.store(updated.berths, SeqCst);
    }
}

async fn keep_connecting(graph: wayfare::Graph, id: Id, acknowledged: Arc<Acknowledged>) {
    for round in 0..ROUNDS {
        let other = graph.create(Hamlet { name: "other".into() }).await.unwrap();
        graph.connect(&id, other.id(), Lane {}).await.unwrap();
        acknowledged.neighbours.store(round + 1, SeqCst);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_update_is_seen_though_an_edge_of_the_node_was_made_while_it_was_under_way() {
    let (stage, store) = Stage::on_trick_store(|config| config);
    stage.draw("a b").await;
    assert_eq!(name_of(&stage, "a").await, "a");
    let before = store.applies.came();
    store.applies.close();
    let graph = stage.graph();
    let connect = tokio::spawn(async move { graph.connect(hamlet("a"), hamlet("b"), Lane {}).await });
    store.applies.wait_for(before + 1).await;
    let graph = stage.graph();
    let update =
        tokio::spawn(async move { graph.update(hamlet("a"), |a: &mut Hamlet| a.name = "new".into()).await });
    // The update is published, and waits behind the commit of the edge.
    let published = async || {
        let shards = stage.runtime.handle().shard_figures().await;
        shards.iter().any(|shard| shard.unsettled_bytes > 0)
    };
    until(published).await;
    store.applies.admit(1);
    within(connect).await.unwrap().unwrap();
    store.applies.wait_for(before + 2).await;
    let early = stage.runtime.spawn(Trail::default()).at(hamlet("a")).await.unwrap();
    until(async || early.inspect().await.is_some_and(|walk| walk["waiting_for"] == "durability")).await;
    store.applies.open();
    within(update).await.unwrap().unwrap();
    assert_eq!(within(early.finish()).await.unwrap().keys, ["a", "b"]);
    assert_eq!(name_of(&stage, "a").await, "new");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_write_is_seen_though_two_loads_of_the_node_were_under_way() {
    let (stage, store) = Stage::on_trick_store(|config| config.shards_count(1));
    stage.draw("a").await;
    store.loads.close();
    let first = stage.runtime.spawn(NameReader::default()).at(hamlet("a")).await.unwrap();
    store.loads.wait_for(1).await;
    let second = stage.runtime.spawn(NameReader::default()).at(hamlet("a")).await.unwrap();
    store.loads.wait_for(2).await;
    // Both have read what is overwritten now.
    stage.graph().write(Write::Upsert { document: renamed("a", "new") }).await.unwrap();
    store.loads.admit(1);
    // What the first load brought is out of date, so it is loaded again; and so is the second.
    store.loads.wait_for(3).await;
    store.loads.open();
    within(second.finish()).await.unwrap();
    within(first.finish()).await.unwrap();
    assert_eq!(name_of(&stage, "a").await, "new");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_write_whose_caller_went_away_is_seen_like_any_other() {
    let (stage, store) = Stage::on_trick_store(|config| config);
    stage.draw("a").await;
    assert_eq!(name_of(&stage, "a").await, "a");
    let before = store.applies.came();
    store.applies.close();
    let graph = stage.graph();
    let write =
        tokio::spawn(async move { graph.write(Write::Upsert { document: renamed("a", "new") }).await });
    store.applies.wait_for(before + 1).await;
    write.abort();
    assert!(within(write).await.unwrap_err().is_cancelled());
    store.applies.open();
    let stored = Filter::parse(&json!({"context.name": "new"})).unwrap();
    until(async || stage.graph().find::<Hamlet>(stored.clone()).await.unwrap().len() == 1).await;
    // The store has it; so must walks, if not at once.
    until(async || name_of(&stage, "a").await == "new").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn writes_whose_callers_went_away_do_not_get_others_refused() {
    let (stage, store) = Stage::on_trick_store(|config| config.writers_queue(1));
    stage.draw("a").await;
    let before = store.applies.came();
    store.applies.close();
    for round in 1..=100 {
        let graph = stage.graph();
        let mut write = Box::pin(graph.write(Write::Upsert { document: renamed("a", &format!("{round}")) }));
        // Begun, and given up.
        tokio::select! {
            biased;
            done = &mut write => panic!("round {round}: {done:?} while the store is held up"),
            () = tokio::task::yield_now() => {}
        }
        store.applies.wait_for(before + 1).await;
    }
    store.applies.open();
    stage.graph().write(Write::Upsert { document: renamed("a", "last") }).await.unwrap();
    assert_eq!(name_of(&stage, "a").await, "last");
}

/// A node without a type, whose memory is counted by what is stored.
fn boulder(text: &str, version: u64) -> Document {
    document(json!({"id": "n.Boulder.b", "context": {"text": text}})).with_version(wayfare::Version(version))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_load_that_read_before_a_save_was_durable_brings_nothing_old_back() {
    let little = |config: wayfare::ConfigBuilder| config.shards_count(1).cache_resident_bytes(1_u64 << 20);
    let (stage, store) = Stage::on_trick_store(little);
    // Loads go on beside the shard, as those of any store that is not local.
    store.local.store(false, SeqCst);
    stage.draw("a>b").await;
    stage.graph().write(Write::Upsert { document: boulder("small", 1) }).await.unwrap();
    let are_resident = async |count| {
        until(async || stage.runtime.resident_figures().await.total().records == count).await;
    };
    let saves = store.applies.came();
    store.applies.close();
    // A save loads its node without the links that a walk wants. The node that is resident first goes first.
    let graph = stage.graph();
    let update = tokio::spawn(async move {
        graph.update(hamlet("a"), |hamlet: &mut Hamlet| hamlet.name = "new".into()).await
    });
    are_resident(1).await;
    let graph = stage.graph();
    let save = tokio::spawn(async move { graph.save_document(boulder("still small", 1)).await });
    are_resident(2).await;
    store.applies.wait_for(saves + 1).await;
    let loads = store.loads.came();
    store.loads.close();
    let walk = stage.runtime.spawn(Trail::default()).at(hamlet("a")).await.unwrap();
    // It has read what is stored by now, and is held up with that.
    store.loads.wait_for(loads + 1).await;
    store.applies.open();
    within(update).await.unwrap().unwrap();
    within(save).await.unwrap().unwrap();
    // For this one everything else has to go, and itself at last.
    within(stage.graph().save_document(boulder(&"large ".repeat(300_000), 2))).await.unwrap();
    are_resident(0).await;
    store.loads.open();
    within(walk.finish()).await.unwrap();
    assert_eq!(name_of(&stage, "a").await, "new");
}

#[object]
#[derive(Debug, Clone)]
struct Memo {
    text: String,
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_object_whose_writer_went_away_leaves_no_old_result_behind() {
    let (stage, store) = Stage::on_trick_store(|config| config);
    let graph = stage.graph();
    let id = graph.create(Memo { text: "old".into() }).await.unwrap().id().clone();
    let texts = async || {
        let memos = graph.query::<Memo>().cached(Duration::from_secs(300)).all().await.unwrap();
        memos.into_iter().map(|memo| memo.into_value().text).collect::<Vec<_>>()
    };
    assert_eq!(texts().await, ["old"]);
    let came = store.answers.came();
    store.answers.close();
    let writer = tokio::spawn({
        let graph = stage.graph();
        async move { graph.update(&id, |memo: &mut Memo| memo.text = "new".into()).await.map(drop) }
    });
    store.answers.wait_for(came + 1).await;
    writer.abort();
    assert!(writer.await.unwrap_err().is_cancelled());
    store.answers.open();
    until(async || texts().await == ["new"]).await;
}

//! Hooks that take several visits at once.

use wayfare::{Direction, Filter, Here, HookError, Limits, Random, Step, Walk, WalkError, node, walker};

use super::stage::{Hamlet, Harbour, Lane, Stage, hamlet, key, within};

/// A root with leaves: `r>0 r>1 …`.
fn star(leaves: usize) -> String {
    (0..leaves).map(|leaf| format!("r>{leaf}")).collect::<Vec<_>>().join(" ")
}

fn names(here: &[Here<'_, Hamlet>]) -> String {
    here.iter().map(|here| here.name.as_str()).collect::<Vec<_>>().join(" ")
}

#[derive(Debug, Default)]
struct Chunker {
    chunks: Vec<String>,
}

#[walker(chunk_size = 3)]
impl Chunker {
    #[on_visit]
    fn hamlets(&mut self, here: &[Here<Hamlet>], walk: &mut Walk) {
        self.chunks.push(names(here));
        for hamlet in here {
            walk.visit(hamlet.out::<Lane>());
        }
    }

    #[on_visit]
    fn harbours(&mut self, here: &[Here<Harbour>], walk: &mut Walk) {
        let names: Vec<_> = here.iter().map(|here| here.name.to_uppercase()).collect();
        self.chunks.push(names.join(" "));
        for harbour in here {
            walk.visit(harbour.out::<Lane>());
        }
    }
}

#[derive(Debug, Default)]
struct AsyncChunker {
    chunks: Vec<String>,
}

#[walker(chunk_size = 3)]
impl AsyncChunker {
    #[on_visit]
    async fn hamlets(&mut self, here: &[Here<'_, Hamlet>], walk: &mut Walk) {
        tokio::task::yield_now().await;
        self.chunks.push(names(here));
        for hamlet in here {
            walk.visit(hamlet.out::<Lane>());
        }
    }
}

#[derive(Debug, Default)]
struct ParallelChunker {
    chunks: Vec<String>,
}

#[walker(chunk_size = 3, max_workers = 4)]
impl ParallelChunker {
    #[on_visit]
    async fn hamlets(&self, here: &[Here<'_, Hamlet>], walk: &mut Walk) -> String {
        tokio::task::yield_now().await;
        for hamlet in here {
            walk.visit(hamlet.out::<Lane>());
        }
        names(here)
    }

    #[on_merge]
    fn merge(&mut self, chunk: String) {
        self.chunks.push(chunk);
    }
}

/// Runs all three, and checks that they are given the same.
async fn chunks(stage: &Stage, from: &str) -> Vec<String> {
    let walk = stage.runtime.spawn(Chunker::default()).at(hamlet(from)).await.unwrap();
    let sync = within(walk.finish()).await.unwrap().chunks;
    let walk = stage.runtime.spawn(AsyncChunker::default()).at(hamlet(from)).await.unwrap();
    assert_eq!(within(walk.finish()).await.unwrap().chunks, sync, "async");
    let walk = stage.runtime.spawn(ParallelChunker::default()).at(hamlet(from)).await.unwrap();
    assert_eq!(within(walk.finish()).await.unwrap().chunks, sync, "parallel");
    sync
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn chunks_are_full_except_where_depth_changes_or_the_queue_ends() {
    let stage = Stage::new();
    stage.draw(&format!("{} 0>x 0>y 6>z", star(7))).await;
    let expected = ["r", "0 1 2", "3 4 5", "6", "x y z"];
    assert_eq!(chunks(&stage, "r").await, expected);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_chunk_is_of_one_entity() {
    let stage = Stage::new();
    stage.draw("r").await;
    let graph = stage.graph();
    for name in ["a", "b", "C", "d", "e", "f", "g", "H", "I", "J", "K"] {
        let id = match name == name.to_lowercase() {
            true => graph.create_as(name, Hamlet { name: name.into() }).await.unwrap().id().clone(),
            false => {
                graph.create_as(name, Harbour { name: name.into(), berths: 0 }).await.unwrap().id().clone()
            }
        };
        graph.connect(hamlet("r"), &id, Lane {}).await.unwrap();
    }
    let expected = ["r", "a b", "C", "d e f", "g", "H I J", "K"];
    for stage in [&stage, &stage] {
        let walk = stage.runtime.spawn(Chunker::default()).at(hamlet("r")).await.unwrap();
        assert_eq!(within(walk.finish()).await.unwrap().chunks, expected);
    }
}

/// A random graph of hamlets, and the chunks of a walk through it.
fn random_graph(seed: u64, nodes: usize) -> (String, Vec<String>) {
    let mut random = Random::new(seed);
    let mut lanes = vec![Vec::new(); nodes];
    let mut text = "0".to_owned();
    for _ in 0..nodes * 3 {
        let (from, to) = (random.below(nodes as u64) as usize, random.below(nodes as u64) as usize);
        if !lanes[from].contains(&to) {
            lanes[from].push(to);
            text.push_str(&format!(" {from}>{to}"));
        }
    }
    let (mut seen, mut level, mut chunks) = (vec![false; nodes], vec![0], Vec::new());
    seen[0] = true;
    while !level.is_empty() {
        for chunk in level.chunks(3) {
            chunks.push(chunk.iter().map(usize::to_string).collect::<Vec<_>>().join(" "));
        }
        let next: Vec<usize> = level.iter().flat_map(|&node| lanes[node].clone()).collect();
        level = next.into_iter().filter(|&node| !std::mem::replace(&mut seen[node], true)).collect();
    }
    (text, chunks)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn chunks_are_the_same_cold_and_resident_and_however_few_visits_a_turn_has() {
    for seed in 0..3 {
        let (text, expected) = random_graph(seed, 80);
        let stage = Stage::new();
        stage.draw(&text).await;
        assert_eq!(chunks(&stage, "0").await, expected, "seed {seed}, resident");
        let stage = stage.reopened().await;
        assert_eq!(chunks(&stage, "0").await, expected, "seed {seed}, cold");
        for batch in [1, 2, 1024] {
            let stage = Stage::with(|config| config.workers_turn_visits(1).shards_visit_batch(batch));
            stage.draw(&text).await;
            assert_eq!(chunks(&stage, "0").await, expected, "seed {seed}, one visit a turn");
            let set = |config: wayfare::ConfigBuilder| {
                config.workers_turn_visits(1).shards_visit_batch(batch).workers_count(1)
            };
            let stage = stage.reopened_with(set).await;
            assert_eq!(chunks(&stage, "0").await, expected, "seed {seed}, cold, batches of {batch}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nodes_that_are_passed_over_do_not_break_a_chunk() {
    let odd =
        Filter::parse(&serde_json::json!({"context.name": {"$in": ["1", "3", "5", "7", "9"]}})).unwrap();
    for turn_visits in [1, 256] {
        let stage = Stage::with(|config| config.workers_turn_visits(turn_visits));
        stage.draw(&star(10)).await;
        for stage in [&stage, &stage] {
            let walk = stage.runtime.spawn(Chunker::default()).at(hamlet("r")).only(odd.clone());
            let walk = walk.await.unwrap();
            assert_eq!(within(walk.finish()).await.unwrap().chunks, ["r", "1 3 5", "7 9"], "{turn_visits}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_depth_first_walk_gives_its_hook_one_node_at_a_time() {
    let stage = Stage::new();
    stage.draw("a>b a>c b>d b>e").await;
    let spawning = stage.runtime.spawn(Chunker::default()).at(hamlet("a"));
    let walk = spawning.order(wayfare::Order::DepthFirst).await.unwrap();
    assert_eq!(within(walk.finish()).await.unwrap().chunks, ["a", "b", "d", "e", "c"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_budget_that_ends_within_a_chunk_is_told_after_the_visits_before_it() {
    let stage = Stage::new();
    stage.draw(&star(10)).await;
    let limits = Limits { visits: 6, ..Limits::default() };
    let walk = stage.runtime.spawn(Chunker::default()).at(hamlet("r")).limits(limits).await.unwrap();
    let reached = within(walk.finish()).await.unwrap_err();
    assert!(matches!(reached, WalkError::BudgetReached { limit: 6, reached: 7, .. }), "{reached}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn visits_of_a_node_are_counted_once_however_often_a_chunk_is_put_off() {
    let limits = Limits { visits_per_node: 1, ..Limits::default() };
    for turn_visits in [1, 256] {
        let mut stage = Stage::with(|config| config.workers_turn_visits(turn_visits));
        stage.draw(&format!("{} 0>x 3>y 6>z", star(10))).await;
        for _ in 0..2 {
            let spawning = stage.runtime.spawn(Chunker::default()).at(hamlet("r"));
            let walk = spawning.unique(wayfare::Unique::None).limits(limits.clone()).await.unwrap();
            let chunks = within(walk.finish()).await.unwrap().chunks;
            assert_eq!(chunks, ["r", "0 1 2", "3 4 5", "6 7 8", "9", "x y z"]);
            stage = stage.reopened_with(|config| config.workers_turn_visits(turn_visits)).await;
        }
    }
}

/// Has hooks for many, for one, and for any, some of which skip.
#[derive(Debug, Default)]
struct Mixed {
    called: Vec<String>,
    skip_at: Option<&'static str>,
    skip_chunk: bool,
}

#[walker(chunk_size = 3)]
impl Mixed {
    #[on_visit]
    fn many(&mut self, here: &[Here<Hamlet>], walk: &mut Walk) -> Step {
        self.called.push(format!("many {}", names(here)));
        here.iter().for_each(|here| walk.visit(here.out::<Lane>()));
        if self.skip_chunk { Step::Skip } else { Step::Continue }
    }

    #[on_visit]
    fn one(&mut self, here: &Here<Hamlet>) -> Step {
        self.called.push(format!("one {}", here.name));
        if self.skip_at == Some(&here.name) { Step::Skip } else { Step::Continue }
    }

    #[on_visit]
    async fn any(&mut self, here: &Here<'_>) {
        self.called.push(format!("any {}", key(here.id())));
    }

    #[on_visit]
    fn many_of_any(&mut self, here: &[Here]) {
        let keys: Vec<_> = here.iter().map(|here| key(here.id())).collect();
        self.called.push(format!("last {}", keys.join(" ")));
    }
}

async fn mixed(mixed: Mixed) -> Vec<String> {
    let stage = Stage::new();
    stage.draw("a=b a>c a>d").await;
    let walk = stage.runtime.spawn(mixed).at(hamlet("a")).await.unwrap();
    within(walk.finish()).await.unwrap().called[4..].to_vec()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn hooks_for_many_and_for_one_run_in_their_order_each_for_the_whole_chunk() {
    let called = mixed(Mixed::default()).await;
    let expected = ["many b c d", "one b", "one c", "one d", "any b", "any c", "any d", "last b c d"];
    assert_eq!(called, expected);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hook_for_one_that_skips_leaves_out_what_comes_after_it_at_its_node_only() {
    let called = mixed(Mixed { skip_at: Some("c"), ..Default::default() }).await;
    let expected = ["many b c d", "one b", "one c", "one d", "any b", "any d", "last b", "last d"];
    assert_eq!(called, expected);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hook_for_many_that_skips_leaves_out_what_comes_after_it_at_all_of_them() {
    let stage = Stage::new();
    stage.draw("a>b a>c a>d").await;
    let walker = Mixed { skip_chunk: true, ..Default::default() };
    let walk = stage.runtime.spawn(walker).at(hamlet("a")).await.unwrap();
    assert_eq!(within(walk.finish()).await.unwrap().called, ["many a", "many b c d"]);
}

/// Fails with a chunk.
#[derive(Debug, Default)]
struct BadChunk {
    how: &'static str,
}

#[walker(chunk_size = 3)]
impl BadChunk {
    #[on_visit]
    fn many(&mut self, here: &[Here<Hamlet>], walk: &mut Walk) -> Result<Step, HookError> {
        here.iter().for_each(|here| walk.visit(here.out::<Lane>()));
        let there = here.iter().any(|here| here.name == "4");
        match self.how {
            "error" if there => Err("bad".into()),
            "panic" if there => panic!("worse"),
            "end" if there => Ok(Step::Disengage),
            _ => Ok(Step::Continue),
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_error_or_a_panic_in_a_hook_for_many_names_the_first_node_of_its_chunk() {
    let stage = Stage::new();
    stage.draw(&star(10)).await;
    let walk = stage.runtime.spawn(BadChunk { how: "error" }).at(hamlet("r")).await.unwrap();
    let failed = within(walk.finish()).await.unwrap_err();
    assert!(
        matches!(&failed, WalkError::HookFailed { at, hook: "many", .. } if *at == hamlet("3")),
        "{failed}"
    );
    let walk = stage.runtime.spawn(BadChunk { how: "panic" }).at(hamlet("r")).await.unwrap();
    let panicked = within(walk.finish()).await.unwrap_err();
    assert!(matches!(&panicked, WalkError::HookPanicked { at, .. } if *at == hamlet("3")), "{panicked}");
    let walk = stage.runtime.spawn(BadChunk { how: "end" }).at(hamlet("r")).await.unwrap();
    within(walk.finish()).await.unwrap();
    assert_eq!(walk.profile().visits, 7);
}

/// Adds a berth to every harbour, a chunk at a time.
#[derive(Debug, Default)]
struct Builder {}

#[walker(chunk_size = 4)]
impl Builder {
    #[on_visit]
    fn harbours(&mut self, here: &[Here<Harbour>], walk: &mut Walk) {
        for harbour in here {
            harbour.update(|harbour| harbour.berths += 1);
        }
        walk.visit(here[0].out::<Lane>());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_hook_for_many_writes_is_stored_for_each() {
    let mut stage = Stage::new();
    let graph = stage.graph();
    let mut ids = Vec::new();
    for number in 0..11 {
        let harbour = Harbour { name: number.to_string(), berths: number };
        ids.push(graph.create_as(&number.to_string(), harbour).await.unwrap().id().clone());
    }
    for id in &ids[1..] {
        graph.connect(&ids[0], id, Lane {}).await.unwrap();
    }
    drop(graph);
    for round in 1..=2 {
        let walk = stage.runtime.spawn(Builder {}).at(&ids[0]).await.unwrap();
        within(walk.finish()).await.unwrap();
        for (number, id) in ids.iter().enumerate() {
            let harbour = stage.graph().get::<Harbour>(id).await.unwrap().unwrap();
            assert_eq!(harbour.berths, number as u32 + round, "{number} in round {round}");
        }
        stage = stage.reopened().await;
    }
}

/// What a chunk asks for comes from the visit that it asks it of.
#[derive(Debug, Default)]
struct Origins {
    from: Vec<String>,
}

#[walker(chunk_size = 3)]
impl Origins {
    #[on_visit]
    fn many(&mut self, here: &[Here<Hamlet>], walk: &mut Walk) {
        here.iter().rev().for_each(|here| walk.visit(here.out::<Lane>()));
    }

    #[on_visit]
    fn one(&mut self, here: &Here<Hamlet>, walk: &mut Walk) {
        let from = walk.from().map(|from| key(&from)).unwrap_or_default();
        self.from.push(format!("{from}>{} {}", here.name, walk.depth()));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_visit_that_a_chunk_asked_for_comes_from_the_node_it_was_asked_of() {
    let mut stage = Stage::new();
    stage.draw("a>b a>c a>d b>e c>f d>g").await;
    for _ in 0..2 {
        let walk = stage.runtime.spawn(Origins::default()).at(hamlet("a")).await.unwrap();
        let from = within(walk.finish()).await.unwrap().from;
        assert_eq!(from, [">a 0", "a>b 1", "a>c 1", "a>d 1", "d>g 2", "c>f 2", "b>e 2"]);
        stage = stage.reopened().await;
    }
}

#[node]
#[derive(Debug, Clone, PartialEq)]
struct User {
    score: i64,
}

/// The guide's batch processor.
#[derive(Debug, Default)]
struct BatchProcessor {
    batches: usize,
}

#[walker(chunk_size = 100)]
impl BatchProcessor {
    #[on_visit]
    fn users(&mut self, here: &[Here<User>]) {
        self.batches += 1;
        here.iter().for_each(|user| user.update(|user| user.score *= 2));
    }

    #[on_visit]
    fn start(&mut self, here: &Here<Hamlet>, walk: &mut Walk) {
        walk.visit(here.neighbours(Direction::Out));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_batch_processor_of_the_guide_changes_all_users_in_batches() {
    let stage = Stage::new();
    stage.draw("a").await;
    let graph = stage.graph();
    let mut ids = Vec::new();
    for score in 0..250 {
        let user = graph.create(User { score }).await.unwrap();
        graph.connect(hamlet("a"), user.id(), Lane {}).await.unwrap();
        ids.push(user.id().clone());
    }
    let walk = stage.runtime.spawn(BatchProcessor::default()).at(hamlet("a")).await.unwrap();
    assert_eq!(within(walk.finish()).await.unwrap().batches, 3);
    for (score, id) in ids.iter().enumerate() {
        assert_eq!(graph.get::<User>(id).await.unwrap().unwrap().score, 2 * score as i64);
    }
}

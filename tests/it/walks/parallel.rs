//! Walkers whose visits run at the same time.

mod ending;

use std::collections::HashSet;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::ThreadId;
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};
use serde_json::json;
use wayfare::{
    Budget, Direction, Durable, Error, Here, HookError, Limits, Step, Unique, Walk, WalkError, walker,
};

use super::stage::{Hamlet, Harbour, Lane, Stage, hamlet, key, within};

/// A root with leaves: `r>0 r>1 …`.
fn star(leaves: usize) -> String {
    (0..leaves).map(|leaf| format!("r>{leaf}")).collect::<Vec<_>>().join(" ")
}

/// The keys of a star in the order of visits.
fn star_keys(leaves: usize) -> Vec<String> {
    std::iter::once("r".to_owned()).chain((0..leaves).map(|leaf| leaf.to_string())).collect()
}

#[derive(Debug, Default)]
struct Census {
    merged: Vec<String>,
    stop_at: Option<&'static str>,
}

#[walker(max_workers = 4)]
impl Census {
    #[on_visit]
    async fn node(&self, here: &Here<'_, Hamlet>, walk: &mut Walk) -> Result<String, WalkError> {
        // The later ones end first.
        let number: u64 = here.name.parse().unwrap_or(0);
        for _ in 0..20_u64.saturating_sub(number) {
            tokio::task::yield_now().await;
        }
        walk.report(&here.name)?;
        walk.visit(here.out::<Lane>());
        Ok(here.name.clone())
    }

    #[on_visit]
    fn any(&self, here: &Here) -> Result<String, HookError> {
        Ok(format!("any {}", key(here.id())))
    }

    #[on_merge]
    fn merge(&mut self, output: String) -> Step {
        let stop = self.stop_at == Some(&output);
        self.merged.push(output);
        if stop { Step::Disengage } else { Step::Continue }
    }
}

fn merged(keys: &[String]) -> Vec<String> {
    keys.iter().flat_map(|key| [key.clone(), format!("any {key}")]).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn outputs_are_merged_in_the_order_of_the_visits_whoever_was_first() {
    let keys = star_keys(30);
    for workers in [1, 2, 3] {
        let mut stage = Stage::with(|config| config.workers_count(workers));
        stage.draw(&star(30)).await;
        for repetition in 0..20 {
            if repetition == 10 {
                stage = stage.reopened_with(|config| config.workers_count(workers)).await;
            }
            let walk = stage.runtime.spawn(Census::default()).at(hamlet("r")).await.unwrap();
            let census = within(walk.finish()).await.unwrap();
            assert_eq!(census.merged, merged(&keys), "{workers} workers, repetition {repetition}");
            assert_eq!(walk.report(), keys, "{workers} workers, repetition {repetition}");
            assert_eq!(walk.profile().visits, 31);
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_walk_of_fewer_nodes_than_workers_goes_as_well() {
    let stage = Stage::with(|config| config.workers_count(2));
    stage.draw("r").await;
    let walk = stage.runtime.spawn(Census::default()).at(hamlet("r")).await.unwrap();
    assert_eq!(within(walk.finish()).await.unwrap().merged, ["r", "any r"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_merge_may_end_the_walk_and_later_outputs_are_not_taken_in() {
    let stage = Stage::with(|config| config.workers_count(2));
    stage.draw(&star(20)).await;
    let census = Census { stop_at: Some("any 3"), ..Default::default() };
    let walk = stage.runtime.spawn(census).at(hamlet("r")).await.unwrap();
    let census = within(walk.finish()).await.unwrap();
    assert_eq!(census.merged, merged(&star_keys(4)));
    assert_eq!(walk.report(), star_keys(4));
}

/// Emits and visits from hooks that run at the same time.
#[derive(Debug, Default)]
struct Crier {}

#[walker(max_workers = 4)]
impl Crier {
    #[on_visit]
    async fn node(&self, here: &Here<'_>, walk: &mut Walk) -> Result<(), WalkError> {
        walk.emit(&key(here.id()))?;
        walk.visit(here.neighbours(Direction::Out));
        Ok(())
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_parallel_hooks_emit_comes_in_the_order_of_the_visits_through_a_narrow_stream() {
    let stage = Stage::with(|config| config.workers_count(2).limits_emit_buffer(2));
    stage.draw("a>b a>c a>d b>e c>f d>g e>h").await;
    for stage in [stage.reopened_with(|config| config.workers_count(2).limits_emit_buffer(2)).await] {
        let (walk, mut stream) = stage.runtime.spawn(Crier {}).at(hamlet("a")).stream().await.unwrap();
        let mut keys = Vec::new();
        while let Some(value) = within(stream.next()).await {
            keys.push(value.unwrap().as_str().unwrap().to_owned());
        }
        within(walk.finish()).await.unwrap();
        assert_eq!(keys.join(" "), "a b c d e f g h");
    }
}

/// Counts how many of its hooks run at once.
#[derive(Debug, Default)]
struct Overlap {
    running: AtomicUsize,
    most: AtomicUsize,
}

#[walker(max_workers = 4)]
impl Overlap {
    #[on_visit]
    async fn node(&self, here: &Here<'_>, walk: &mut Walk) {
        let running = self.running.fetch_add(1, Ordering::SeqCst) + 1;
        self.most.fetch_max(running, Ordering::SeqCst);
        tokio::time::sleep(Duration::from_millis(20)).await;
        self.running.fetch_sub(1, Ordering::SeqCst);
        walk.visit(here.neighbours(Direction::Out));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn hooks_that_wait_overlap_up_to_max_workers_and_no_further() {
    for workers in [1, 2] {
        let stage = Stage::with(|config| config.workers_count(workers));
        stage.draw(&star(24)).await;
        let walk = stage.runtime.spawn(Overlap::default()).at(hamlet("r")).await.unwrap();
        let walker = within(walk.finish()).await.unwrap();
        assert_eq!(walker.most.into_inner(), 4, "{workers} workers");
        assert_eq!(walk.profile().visits, 25);
    }
}

/// Keeps its thread busy, and tells which that was.
#[derive(Debug, Default)]
struct Busy {
    threads: HashSet<ThreadId>,
}

#[walker(max_workers = 4)]
impl Busy {
    #[on_visit]
    fn node(&self, here: &Here, walk: &mut Walk) -> ThreadId {
        walk.visit(here.neighbours(Direction::Out));
        let began = Instant::now();
        while began.elapsed() < Duration::from_millis(3) {
            std::hint::spin_loop();
        }
        std::thread::current().id()
    }

    #[on_merge]
    fn merge(&mut self, thread: ThreadId) {
        self.threads.insert(thread);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn hooks_that_compute_run_on_several_threads() {
    let stage = Stage::with(|config| config.workers_count(2));
    stage.draw(&star(40)).await;
    let walk = stage.runtime.spawn(Busy::default()).at(hamlet("r")).await.unwrap();
    assert_eq!(within(walk.finish()).await.unwrap().threads.len(), 2);
}

/// Adds a berth to every harbour.
#[derive(Debug, Default)]
struct Builder {}

#[walker(max_workers = 4)]
impl Builder {
    #[on_visit]
    async fn harbour(&self, here: &Here<'_, Harbour>, walk: &mut Walk) {
        tokio::task::yield_now().await;
        here.update(|harbour| harbour.berths += 1);
        walk.visit(here.out::<Lane>());
    }

    #[on_visit]
    fn again(&self, here: &Here<Harbour>, walk: &mut Walk) {
        walk.update::<Harbour>(here.id(), |harbour| harbour.berths += 10);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_parallel_hooks_write_is_stored_once_each() {
    let mut stage = Stage::with(|config| config.workers_count(2));
    let graph = stage.graph();
    let mut ids = Vec::new();
    for number in 0..50 {
        let harbour = Harbour { name: number.to_string(), berths: number };
        ids.push(graph.create_as(&number.to_string(), harbour).await.unwrap().id().clone());
    }
    for id in &ids[1..] {
        graph.connect(&ids[0], id, Lane {}).await.unwrap();
    }
    drop(graph);
    for round in 1..=4 {
        if round == 3 {
            stage = stage.reopened_with(|config| config.workers_count(2)).await;
        }
        let walk = stage.runtime.spawn(Builder {}).at(&ids[0]).await.unwrap();
        within(walk.finish()).await.unwrap();
        for (number, id) in ids.iter().enumerate() {
            let harbour = stage.graph().get::<Harbour>(id).await.unwrap().unwrap();
            assert_eq!(harbour.berths, number as u32 + round * 11, "{number} in round {round}");
        }
    }
}

/// Goes round in circles.
#[derive(Debug, Default)]
struct Circler {
    names: Vec<String>,
}

#[walker(max_workers = 4, unique = "none")]
impl Circler {
    #[on_visit]
    fn node(&self, here: &Here<Hamlet>, walk: &mut Walk) -> String {
        walk.visit(here.out::<Lane>());
        here.name.clone()
    }

    #[on_merge]
    fn merge(&mut self, name: String) {
        self.names.push(name);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn budgets_hold_for_visits_at_the_same_time() {
    let stage = Stage::with(|config| config.workers_count(2));
    stage.draw("a>b b>a b>c c>a").await;
    let spawn = async |limits| {
        let walk = stage.runtime.spawn(Circler::default()).at(hamlet("a")).limits(limits).await.unwrap();
        within(walk.finish()).await
    };
    let reached = spawn(Limits { visits: 100, ..Limits::default() }).await.unwrap_err();
    assert!(
        matches!(reached, WalkError::BudgetReached { budget: Budget::Visits, limit: 100, reached: 101, .. }),
        "{reached}"
    );
    let reached = spawn(Limits { visits_per_node: 7, ..Limits::default() }).await.unwrap_err();
    assert!(
        matches!(
            reached,
            WalkError::BudgetReached { budget: Budget::VisitsPerNode, limit: 7, reached: 8, .. }
        ),
        "{reached}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_that_is_reached_twice_is_visited_twice_where_nothing_is_unique() {
    let stage = Stage::with(|config| config.workers_count(2));
    stage.draw("a>b a>c b>d c>d d>e").await;
    let limits = Limits { visits_per_node: 2, ..Limits::default() };
    for stage in [&stage, &stage] {
        let spawning = stage.runtime.spawn(Circler::default()).at(hamlet("a")).limits(limits.clone());
        let walk = spawning.await.unwrap();
        assert_eq!(within(walk.finish()).await.unwrap().names.join(" "), "a b c d d e e");
    }
    let walk = stage.runtime.spawn(Circler::default()).at(hamlet("a")).unique(Unique::Edge).await.unwrap();
    assert_eq!(within(walk.finish()).await.unwrap().names.join(" "), "a b c d d e");
}

/// Could be durable but for its parallel visits.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Lasting {}

#[walker(max_workers = 2)]
impl Lasting {
    #[on_visit]
    fn node(&self, _here: &Here) {}
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_durable_walker_with_parallel_visits_is_refused() {
    let stage = Stage::new();
    let refused = stage.runtime.spawn(Lasting {}).durable(Durable::default()).await.unwrap_err();
    assert!(
        matches!(&refused, Error::Walk(WalkError::Unsuitable { walker, reason })
            if walker == "Lasting" && reason.contains("max_workers")),
        "{refused}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_detailed_profile_counts_parallel_hooks_and_visits() {
    let stage = Stage::with(|config| config.workers_count(2));
    stage.draw(&star(9)).await;
    let walk = stage.runtime.spawn(Census::default()).at(hamlet("r")).detailed().await.unwrap();
    within(walk.finish()).await.unwrap();
    let profile = walk.profile();
    let detail = profile.detail.unwrap();
    let count = |name: &str| detail.hooks.iter().find(|line| line.name == name).map(|line| line.count);
    assert_eq!((count("node"), count("any")), (Some(10), Some(10)));
    assert_eq!(detail.entities[0].count, 10);
    assert_eq!(detail.hot_nodes.len(), 10);
}

/// Makes the whole path of each node known.
#[derive(Debug, Default)]
struct Pathfinder {}

#[walker(max_workers = 3, trail = "all")]
impl Pathfinder {
    #[on_visit]
    fn node(&self, here: &Here<Hamlet>, walk: &mut Walk) -> Result<(), WalkError> {
        walk.report(&json!([here.name, walk.depth(), walk.from().map(|from| key(&from))]))?;
        walk.visit(here.out::<Lane>());
        Ok(())
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_parallel_hook_knows_its_depth_and_where_it_came_from() {
    let stage = Stage::with(|config| config.workers_count(2));
    stage.draw("a>b a>c b>d").await;
    let walk = stage.runtime.spawn(Pathfinder {}).at(hamlet("a")).await.unwrap();
    within(walk.finish()).await.unwrap();
    let expected = json!([["a", 0, null], ["b", 1, "a"], ["c", 1, "a"], ["d", 2, "b"]]);
    assert_eq!(json!(walk.report()), expected);
    assert_eq!(walk.trail().len(), 4);
}

/// Skips at `b`; its outputs are steps.
#[derive(Debug, Default)]
struct Skipper {}

#[walker(max_workers = 4)]
impl Skipper {
    #[on_visit]
    fn first(&self, here: &Here<Hamlet>, walk: &mut Walk) -> Step {
        walk.visit(here.out::<Lane>());
        if here.name == "b" { Step::Skip } else { Step::Continue }
    }

    #[on_visit]
    fn second(&self, here: &Here, walk: &mut Walk) -> Result<(), WalkError> {
        walk.report(&key(here.id()))
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_parallel_hook_that_skips_leaves_out_the_later_hooks_at_its_node() {
    let stage = Stage::with(|config| config.workers_count(2));
    stage.draw("a>b a>c b>d").await;
    let walk = stage.runtime.spawn(Skipper {}).at(hamlet("a")).await.unwrap();
    within(walk.finish()).await.unwrap();
    assert_eq!(walk.report_as::<String>().unwrap(), ["a", "c", "d"]);
}

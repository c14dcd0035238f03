//! What a walk tells of itself: while it goes, and when it has ended.

use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tokio::sync::Notify;
use wayfare::{Direction, Here, Id, Limits, Trail, Walk, WalkError, Walker, Walking, node, walker};

use super::stage::{Ferry, Hamlet, Harbour, Lane, Stage, hamlet, until, within};

/// Can be seen, and waits at `b`, where it has a child.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Seen {
    names: Vec<String>,
    #[serde(skip)]
    go: Arc<Notify>,
    children: bool,
    pauses: bool,
}

#[walker]
impl Seen {
    #[on_visit]
    async fn node(&mut self, here: &Here<'_, Hamlet>, walk: &mut Walk) -> Result<(), WalkError> {
        self.names.push(here.name.clone());
        walk.visit(here.out::<Lane>());
        walk.report("0123")?;
        if here.name == "b" {
            if self.pauses {
                walk.pause();
                return Ok(());
            }
            if self.children {
                let child = Seen { go: Arc::clone(&self.go), ..Default::default() };
                drop(walk.spawn(child, here.id())?);
            }
            self.go.notified().await;
        }
        Ok(())
    }
}

async fn paused(stage: &Stage, limits: Limits) -> Walking<Seen> {
    let seen = Seen { pauses: true, ..Default::default() };
    let spawning = stage.runtime.spawn(seen).at(hamlet("a")).limits(limits).trail(Trail::All);
    let walk = spawning.await.unwrap();
    until(async || walk.inspect().await.is_some_and(|walk| walk["waiting_for"] == "resume")).await;
    walk
}

/// Asks until the walk answers, which on a busy machine may not be at once.
pub(super) async fn told<W: Walker>(walk: &Walking<W>) -> Value {
    let mut told = None;
    until(async || {
        told = walk.inspect().await;
        told.is_some()
    })
    .await;
    told.unwrap()
}

/// A walk that tells nothing may as well be busy.
fn all_have_ended(stage: &Stage) -> bool {
    stage.runtime.metrics().number("wayfare_walks_alive", None).unwrap() == 0.0
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_walk_tells_its_state_queue_trail_and_budgets_while_it_stands_still() {
    let stage = Stage::new();
    stage.draw("a>b a>c b>d c>e").await;
    let limits = Limits { visits: 50, queue: 60, report_bytes: 1_000, ..Limits::default() };
    let walk = paused(&stage, limits).await;
    let told = told(&walk).await;
    assert_eq!((&told["walk"], &told["walker"]), (&json!(walk.id()), &json!("Seen")));
    assert_eq!(told["state"]["names"], json!(["a", "b"]));
    assert_eq!(told["queued"], 2);
    assert_eq!(told["queue"], json!(["n.Hamlet.c", "n.Hamlet.d"]));
    let trail: Vec<_> = told["trail"].as_array().unwrap().iter().map(|step| step["id"].clone()).collect();
    assert_eq!(trail, ["n.Hamlet.a", "n.Hamlet.b"], "{told:#}");
    let budgets = &told["budgets"];
    assert_eq!(budgets["visits"], json!({"reached": 2, "limit": 50}));
    assert_eq!(budgets["queue"], json!({"reached": 2, "limit": 60}));
    assert_eq!(budgets["report_bytes"], json!({"reached": 12, "limit": 1_000}));
    assert_eq!(budgets["wall_ms"]["limit"], 3_600_000);
    assert!(budgets["wall_ms"]["reached"].is_u64());
    assert_eq!(budgets["visits_per_node"]["limit"], 1_000_000);
    assert_eq!(told["children"], 0);
    assert_eq!(told["profile"]["visits"], 2);
    walk.resume();
    within(walk.finish()).await.unwrap();
    assert!(walk.inspect().await.is_none(), "it has ended");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_walk_whose_hook_waits_tells_how_much_is_queued_and_how_many_children_are_alive() {
    let stage = Stage::new();
    stage.draw("a>b a>c b>d").await;
    let seen = Seen { children: true, ..Default::default() };
    let go = Arc::clone(&seen.go);
    let walk = stage.runtime.spawn(seen).at(hamlet("a")).await.unwrap();
    until(async || walk.inspect().await.is_some_and(|walk| walk["children"] == 1)).await;
    let told = told(&walk).await;
    assert_eq!(told["waiting_for"], "hook");
    assert!(told["state"].is_null() && told["queue"].is_null(), "its hook has them: {told:#}");
    until(async || {
        go.notify_waiters();
        all_have_ended(&stage)
    })
    .await;
    within(walk.finish()).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_long_queue_is_told_in_part_and_counted_in_full() {
    let stage = Stage::new();
    let star: Vec<String> = (0..150).map(|leaf| format!("a>{leaf}")).collect();
    stage.draw(&format!("a>b {}", star.join(" "))).await;
    let walk = paused(&stage, Limits::default()).await;
    let told = told(&walk).await;
    assert_eq!(told["queued"], 150);
    assert_eq!(told["queue"].as_array().unwrap().len(), 100);
    walk.cancel();
    assert!(matches!(within(walk.finish()).await, Err(WalkError::Cancelled { .. })));
}

/// Cannot be seen.
#[derive(Debug, Default)]
struct Hidden {}

#[walker]
impl Hidden {
    #[on_visit]
    fn node(&mut self, _here: &Here, walk: &mut Walk) {
        walk.pause();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_walker_that_does_not_serialise_shows_no_state_and_the_rest() {
    let stage = Stage::new();
    let walk = stage.runtime.spawn(Hidden {}).await.unwrap();
    until(async || walk.inspect().await.is_some_and(|walk| walk["waiting_for"] == "resume")).await;
    let told = told(&walk).await;
    assert!(told["state"].is_null());
    assert_eq!(told["walker"], "Hidden");
    walk.resume();
    within(walk.finish()).await.unwrap();
}

/// Longer than any other visit takes, on a busy machine too.
const LONG: Duration = Duration::from_millis(300);

/// Counts its own calls.
#[derive(Debug, Default)]
struct Counter {
    slow_at: Option<&'static str>,
}

#[walker(profile)]
impl Counter {
    #[on_visit]
    fn hamlet(&mut self, here: &Here<Hamlet>) {
        if self.slow_at == Some(&here.name) {
            std::thread::sleep(LONG);
        }
    }

    #[on_visit]
    fn any(&mut self, here: &Here, walk: &mut Walk) {
        walk.visit(here.neighbours(Direction::Out));
    }

    #[on_exit]
    fn done(&mut self) {}
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_profile_tells_calls_by_hook_visits_by_entity_and_the_nodes_that_took_longest() {
    let stage = Stage::new();
    stage.draw("a>b a>c c>a").await;
    let graph = stage.graph();
    let kiel = graph.create_as("kiel", Harbour { name: "Kiel".into(), berths: 3 }).await.unwrap();
    graph.connect(hamlet("c"), kiel.id(), Ferry {}).await.unwrap();
    let walk = stage.runtime.spawn(Counter { slow_at: Some("c") }).at(hamlet("a")).await.unwrap();
    within(walk.finish()).await.unwrap();
    let detail = walk.profile().detail.unwrap();
    let count = |lines: &[wayfare::__private::Line], name: &str| {
        lines.iter().find(|line| line.name == name).map(|line| line.count)
    };
    assert_eq!(count(&detail.hooks, "hamlet"), Some(3));
    assert_eq!(count(&detail.hooks, "any"), Some(4));
    assert_eq!(count(&detail.hooks, "done"), Some(1));
    assert_eq!(count(&detail.entities, "Hamlet"), Some(3));
    assert_eq!(count(&detail.entities, "Harbour"), Some(1));
    assert_eq!((detail.hooks[0].name.as_str(), detail.entities[0].name.as_str()), ("hamlet", "Hamlet"));
    assert_eq!(detail.hot_nodes[0].name, "n.Hamlet.c");
    assert_eq!((detail.hot_nodes.len(), detail.hot_nodes[0].count), (4, 1));
    assert!(detail.hot_nodes[0].time >= LONG);
    let told = serde_json::to_value(walk.profile()).unwrap();
    assert!(told["detail"]["hooks"][0]["time_us"].as_u64().unwrap() >= LONG.as_micros() as u64, "{told:#}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_walk_that_is_not_asked_for_details_tells_none() {
    let stage = Stage::new();
    stage.draw("a").await;
    let walk = stage.runtime.spawn(Hidden {}).at(hamlet("a")).await.unwrap();
    walk.resume();
    until(async || {
        walk.resume();
        all_have_ended(&stage)
    })
    .await;
    within(walk.finish()).await.unwrap();
    assert!(walk.profile().detail.is_none());
}

#[node]
#[derive(Debug, Clone, PartialEq)]
struct Page {
    text: String,
}

/// Follows all lanes.
#[derive(Debug, Default)]
struct Reader {}

#[walker]
impl Reader {
    #[on_visit]
    async fn page(&mut self, here: &Here<'_, Page>, walk: &mut Walk) {
        walk.visit(here.out::<Lane>());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cold_walk_tells_what_it_loaded_and_a_warm_one_that_it_loaded_nothing() {
    let stage = Stage::new();
    let graph = stage.graph();
    let id = |number: u32| Id::node("Page", &number.to_string()).unwrap();
    for number in 0..100 {
        graph.create_as(&number.to_string(), Page { text: "x".repeat(100) }).await.unwrap();
    }
    for number in 1..100 {
        graph.connect(id(0), id(number), Lane {}).await.unwrap();
    }
    drop(graph);
    let stage = stage.reopened().await;
    let walk = stage.runtime.spawn(Reader {}).at(id(0)).detailed().await.unwrap();
    within(walk.finish()).await.unwrap();
    let cold = walk.profile();
    assert_eq!((cold.visits, cold.deepest), (100, 1));
    assert!((100..=101).contains(&cold.loaded), "{cold:?}");
    assert!(cold.messages >= 1 && cold.store_calls >= 1, "{cold:?}");
    assert!(cold.messages <= 100 && cold.store_calls <= cold.messages, "they go together: {cold:?}");
    // An estimate, which does not look into strings.
    assert!((1_000..1_000_000).contains(&cold.bytes), "{cold:?}");
    assert!((98..=99).contains(&cold.longest_queue), "{cold:?}");
    assert!(!cold.elapsed.is_zero());
    let detail = cold.detail.unwrap();
    assert_eq!((detail.hooks[0].count, detail.entities[0].count, detail.hot_nodes.len()), (100, 100, 10));

    let walk = stage.runtime.spawn(Reader {}).at(id(0)).await.unwrap();
    within(walk.finish()).await.unwrap();
    let warm = walk.profile();
    assert_eq!((warm.visits, warm.resident, warm.loaded), (100, 100, 0), "{warm:?}");
    assert_eq!((warm.store_calls, warm.bytes), (0, 0), "{warm:?}");
}

//! Hooks that wait, and many walks on few threads.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::time::Duration;

use tokio::sync::{Notify, Semaphore, oneshot};
use wayfare::{Direction, Document, Here, HookError, Id, Order, Step, Unique, Walk, walker};

use super::stage::{Stage, Trail, hamlet, until, within};

/// Waits at its first node until it is told to go on.
#[derive(Debug)]
pub(super) struct Patient {
    wait: Option<oneshot::Receiver<()>>,
}

#[walker]
impl Patient {
    pub(super) fn new(wait: oneshot::Receiver<()>) -> Self {
        Self { wait: Some(wait) }
    }

    #[on_visit]
    async fn node(&mut self, here: &Here<'_>, walk: &mut Walk) {
        if let Some(wait) = self.wait.take() {
            let _ = wait.await;
        }
        walk.visit(here.neighbours(Direction::Out));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hook_can_wait_for_what_another_runtime_sends() {
    let stage = Stage::new();
    stage.draw("a>b").await;
    let (go, wait) = oneshot::channel();
    let walk = stage.runtime.spawn(Patient::new(wait)).at(hamlet("a")).await.unwrap();
    until(async || walk.inspect().await.is_some_and(|walk| walk["waiting_for"] == "hook")).await;
    go.send(()).unwrap();
    within(walk.finish()).await.unwrap();
    assert_eq!(walk.profile().visits, 2);
}

#[derive(Debug, Default)]
struct Sleeper {
    slept: Duration,
}

#[walker]
impl Sleeper {
    #[on_visit]
    async fn node(&mut self, _here: &Here<'_>) {
        let began = std::time::Instant::now();
        tokio::time::sleep(Duration::from_millis(20)).await;
        self.slept = began.elapsed();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hook_can_use_the_timer_of_the_runtime() {
    let stage = Stage::new();
    let walk = stage.runtime.spawn(Sleeper::default()).await.unwrap();
    assert!(within(walk.finish()).await.unwrap().slept >= Duration::from_millis(20));
}

/// Reads many documents by id, and has work done on a thread that may wait.
#[derive(Debug, Default)]
struct Librarian {
    found: Vec<Option<String>>,
    worked: u64,
}

#[walker]
impl Librarian {
    #[on_visit]
    async fn node(&mut self, _here: &Here<'_>, walk: &mut Walk) -> Result<(), HookError> {
        self.worked = tokio::task::spawn_blocking(|| (1..=100_u64).sum()).await?;
        let ids: Vec<Id> = (0..100).rev().map(|number| hamlet(&number.to_string())).collect();
        let documents = walk.documents(&ids).await?;
        let name = |document: Document| {
            document.body().field("name").and_then(|name| name.as_str().map(str::to_owned))
        };
        self.found = documents.into_iter().map(|document| document.and_then(name)).collect();
        Ok(())
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hook_can_read_many_documents_by_id_and_hand_work_to_other_threads() {
    let stage = Stage::new();
    let even: Vec<String> = (0..100).step_by(2).map(|number| number.to_string()).collect();
    stage.draw(&even.join(" ")).await;
    let walk = stage.runtime.spawn(Librarian::default()).at(hamlet("0")).await.unwrap();
    let librarian = within(walk.finish()).await.unwrap();
    let expected = (0..100).rev().map(|number| (number % 2 == 0).then(|| number.to_string()));
    assert!(librarian.found.into_iter().eq(expected));
    assert_eq!(librarian.worked, 5_050);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_walk_that_waits_does_not_hold_up_another_on_the_same_worker() {
    let stage = Stage::with(|config| config.workers_count(1));
    stage.draw("a>b b>c").await;
    let (go, wait) = oneshot::channel();
    let patient = stage.runtime.spawn(Patient::new(wait)).at(hamlet("a")).await.unwrap();
    until(async || patient.inspect().await.is_some_and(|walk| walk["waiting_for"] == "hook")).await;
    assert_eq!(stage.trail("a").await, "a b c");
    go.send(()).unwrap();
    within(patient.finish()).await.unwrap();
}

/// Goes round in a circle until it is told to stop.
#[derive(Debug)]
struct Circler {
    stop: Arc<std::sync::atomic::AtomicBool>,
}

#[walker(unique = "none")]
impl Circler {
    #[on_visit]
    fn node(&mut self, here: &Here, walk: &mut Walk) -> Step {
        walk.visit(here.neighbours(Direction::Out));
        if self.stop.load(SeqCst) { Step::Disengage } else { Step::Continue }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_walk_without_end_does_not_starve_another_on_the_same_worker() {
    let stage = Stage::with(|config| config.workers_count(1).limits_visits_per_node(i64::MAX as u64));
    stage.draw("a>b b>c c>a").await;
    let stop = Arc::default();
    let endless = stage.runtime.spawn(Circler { stop: Arc::clone(&stop) }).at(hamlet("a")).await.unwrap();
    until(async || endless.inspect().await.is_some()).await;
    for _ in 0..20 {
        assert_eq!(stage.trail("a").await, "a b c");
    }
    // It goes on meanwhile.
    until(async || endless.inspect().await.is_some()).await;
    stop.store(true, SeqCst);
    within(endless.finish()).await.unwrap();
}

/// Counts itself in, then waits until it may go.
#[derive(Debug)]
struct Gatherer {
    here: Arc<AtomicUsize>,
    came: Arc<Notify>,
    gate: Arc<Semaphore>,
}

#[walker]
impl Gatherer {
    #[on_visit]
    async fn node(&mut self, here: &Here<'_>, walk: &mut Walk) {
        if walk.depth() == 0 {
            self.here.fetch_add(1, SeqCst);
            self.came.notify_one();
            let _ = self.gate.acquire().await;
        }
        walk.visit(here.neighbours(Direction::Out));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thousand_walks_are_under_way_at_once_and_all_end() {
    let stage = Stage::new();
    stage.draw("a>b b>c").await;
    let (here, came, gate) =
        (Arc::new(AtomicUsize::new(0)), Arc::new(Notify::new()), Arc::new(Semaphore::new(0)));
    let mut walks = Vec::new();
    for _ in 0..1_000 {
        let gatherer = Gatherer { here: Arc::clone(&here), came: Arc::clone(&came), gate: Arc::clone(&gate) };
        walks.push(stage.runtime.spawn(gatherer).at(hamlet("a")).await.unwrap());
    }
    within(async {
        while here.load(SeqCst) < 1_000 {
            came.notified().await;
        }
    })
    .await;
    gate.close();
    for walk in walks {
        within(walk.finish()).await.unwrap();
        assert_eq!(walk.profile().visits, 3);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn walks_that_come_and_go_by_the_thousand_each_keep_their_order() {
    let stage = Stage::with(|config| config.workers_count(1));
    // A comb: depth first, the teeth come between the nodes of the spine.
    let comb: String = (0..30).map(|n| format!("s{n}>t{n} s{n}>s{} t{n}>u{n} ", n + 1)).collect();
    stage.draw(&comb).await;
    let mut expected: Vec<String> = Vec::new();
    (0..30).for_each(|n| expected.extend([format!("s{n}"), format!("t{n}"), format!("u{n}")]));
    expected.push("s30".into());

    let mut wrong = Vec::new();
    for _ in 0..20 {
        let mut walks = Vec::new();
        // Short walks end while others begin, so that those take their places.
        for number in 0..150 {
            let hops = if number % 3 == 0 { Some(1) } else { None };
            let trail = Trail { hops, ..Trail::default() };
            let spawning = stage.runtime.spawn(trail).at(hamlet("s0")).order(Order::DepthFirst);
            walks.push((hops, spawning.await.unwrap()));
        }
        for (hops, walk) in walks {
            let keys = within(walk.finish()).await.unwrap().keys;
            if hops.is_none() && keys != expected {
                wrong.push(keys.join(" "));
            }
        }
    }
    assert!(wrong.is_empty(), "{} of 2,000 walks went another way, such as {}", wrong.len(), wrong[0]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_random_walk_of_a_message_and_walks_of_a_type_run_side_by_side() {
    let stage = Stage::new();
    stage.draw("a>b b>a").await;
    let typed = stage.runtime.spawn(Trail { hops: Some(9), ..Trail::default() }).at(hamlet("a"));
    let typed = typed.unique(Unique::None).await.unwrap();
    let spawn = wayfare::Spawn {
        walker: "RandomWalk".into(),
        args: serde_json::json!({"steps": 9, "seed": 1}),
        at: hamlet("a"),
        key: None,
        admittance: Default::default(),
    };
    let named = stage.runtime.send(spawn).await.unwrap();
    assert_eq!(within(typed.finish()).await.unwrap().keys.len(), 10);
    let state = within(named.finish()).await.unwrap().walker.state().unwrap();
    assert_eq!(state["path"].as_array().unwrap().len(), 10);
}

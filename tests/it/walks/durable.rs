//! Durable walks within a process, and over the orderly end of one. Kills are tested in `crash`.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::SeqCst};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::json;
use wayfare::{
    Budget, Direction, Durable, Here, HookError, Id, KeySource, Limits, Runtime, Spawn, Step, Store, Walk,
    WalkError, WalkStatus, walker,
};

use super::stage::{Hamlet, Stage, config, hamlet, key, within};

fn often() -> Durable {
    Durable { visits: 1, interval: Duration::from_millis(1) }
}

/// Marks every hamlet it visits, and fails at one while it is told to.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Marker {
    marked: Vec<String>,
    #[serde(default)]
    stumbles_at: Option<String>,
    #[serde(default)]
    panics: bool,
}

static MENDED: AtomicBool = AtomicBool::new(false);

#[walker(durable(visits = 1))]
impl Marker {
    #[on_visit]
    fn hamlet(&mut self, here: &Here<Hamlet>, walk: &mut Walk) -> Result<(), HookError> {
        here.update(|hamlet| hamlet.name.push('+'));
        self.marked.push(key(here.id()));
        walk.report(&key(here.id()))?;
        walk.visit(here.neighbours(Direction::Out));
        if self.stumbles_at.as_ref() == Some(&key(here.id())) && !MENDED.load(SeqCst) {
            assert!(!self.panics, "stumbled hard");
            return Err("stumbled".into());
        }
        Ok(())
    }
}

async fn names(stage: &Stage, keys: &str) -> String {
    let mut names = Vec::new();
    for key in keys.split(' ') {
        names.push(stage.graph().get::<Hamlet>(&hamlet(key)).await.unwrap().unwrap().name.clone());
    }
    names.join(" ")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_durable_walk_ends_like_any_other_and_leaves_nothing_behind() {
    let stage = Stage::new();
    stage.draw("a>b b>c a>c").await;
    let walk = stage.runtime.spawn(Marker::default()).at(hamlet("a")).await.unwrap();
    let marker = within(walk.finish()).await.unwrap();
    assert_eq!(marker.marked, ["a", "b", "c"]);
    assert_eq!(walk.report(), [json!("a"), json!("b"), json!("c")]);
    assert_eq!(names(&stage, "a b c").await, "a+ b+ c+");
    assert_eq!(stage.runtime.durable_walks().await.unwrap(), []);
    let stats = stage.graph().stats().await.unwrap();
    assert!(stats.entities.iter().all(|(kind, _, count)| *kind != wayfare::Kind::Walker || *count == 0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_durable_walk_with_a_key_is_kept_with_its_result_and_never_runs_again() {
    let mut stage = Stage::new();
    stage.draw("a>b").await;
    for again in [false, true] {
        let walk = stage.runtime.spawn(Marker::default()).at(hamlet("a")).key("once").await;
        if again {
            let refused = walk.unwrap_err().to_string();
            assert!(refused.contains("`once`"), "{refused}");
        } else {
            within(walk.unwrap().finish()).await.unwrap();
        }
        let id: Id = "w.Walk.once".parse().unwrap();
        let walk = within(stage.runtime.settled_walk(&id)).await.unwrap().unwrap();
        assert_eq!((walk.status, walk.report), (WalkStatus::Done, vec![json!("a"), json!("b")]));
        assert_eq!(walk.state["marked"], json!(["a", "b"]));
        stage = stage.reopened().await;
    }
    assert_eq!(names(&stage, "a b").await, "a+ b+");
    let id: Id = "w.Walk.once".parse().unwrap();
    assert!(stage.runtime.drop_walk(&id).await.unwrap());
    assert!(!stage.runtime.drop_walk(&id).await.unwrap());
    assert_eq!(stage.runtime.durable_walks().await.unwrap(), []);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_walk_that_fails_at_one_node_again_and_again_is_parked_retried_and_dropped() {
    for panics in [false, true] {
        MENDED.store(false, SeqCst);
        let stage = Stage::new();
        stage.draw("a>b b>c c>d").await;
        let marker = Marker { stumbles_at: Some("c".into()), panics, ..Marker::default() };
        let walk = stage.runtime.spawn(marker).at(hamlet("a")).await.unwrap();
        let error = within(walk.finish()).await.unwrap_err();
        let WalkError::Parked { id, source } = error else { panic!("{error:?}") };
        assert!(source.to_string().contains("stumbled"), "{source}");
        let letters = stage.runtime.dead_letters().await.unwrap();
        assert_eq!(letters.len(), 1);
        let letter = &letters[0];
        assert_eq!((&letter.id, letter.attempts, letter.visits), (&id, 3, 2));
        assert_eq!(letter.failed_at, Some(hamlet("c")));
        assert!(letter.error.as_ref().unwrap().contains("stumbled"));
        // What was committed before stands; the failed visits have left nothing.
        assert_eq!(names(&stage, "a b c d").await, "a+ b+ c d");

        // A letter survives, and is not taken up by itself.
        let stage = stage.reopened().await;
        assert_eq!(stage.runtime.dead_letters().await.unwrap(), letters);
        assert!(stage.runtime.retry_walk(&id).await.unwrap());
        let again = within(stage.runtime.settled_walk(&id)).await.unwrap().unwrap();
        assert_eq!((again.status, again.attempts), (WalkStatus::Parked, 3));
        MENDED.store(true, SeqCst);
        assert!(stage.runtime.retry_walk(&id).await.unwrap());
        assert_eq!(within(stage.runtime.settled_walk(&id)).await.unwrap(), None, "it has ended well");
        assert_eq!(names(&stage, "a b c d").await, "a+ b+ c+ d+");
        assert!(!stage.runtime.retry_walk(&id).await.unwrap());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_budget_that_is_spent_parks_a_durable_walk_at_once() {
    let stage = Stage::new();
    stage.draw("a>b b>c").await;
    let limits = Limits { visits: 2, ..Limits::default() };
    let walk = stage.runtime.spawn(Marker::default()).at(hamlet("a")).limits(limits).await.unwrap();
    match within(walk.finish()).await.unwrap_err() {
        WalkError::Parked { source, .. } => {
            assert!(matches!(*source, WalkError::BudgetReached { budget: Budget::Visits, reached: 3, .. }));
        }
        error => panic!("{error:?}"),
    }
    let letters = stage.runtime.dead_letters().await.unwrap();
    assert_eq!((letters.len(), letters[0].attempts), (1, 1));
    assert!(stage.runtime.drop_walk(&letters[0].id).await.unwrap());
    assert_eq!(names(&stage, "a b c").await, "a+ b+ c");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cancelled_durable_walk_is_forgotten() {
    let stage = Stage::new();
    stage.draw("a>b b>a").await;

    #[derive(Debug, Default, Serialize, Deserialize)]
    struct TirelessCircler;

    #[walker(durable(visits = 10), unique = "none")]
    impl TirelessCircler {
        #[on_visit]
        fn node(&mut self, here: &Here, walk: &mut Walk) {
            walk.visit(here.neighbours(Direction::Out));
        }
    }

    let walk = stage.runtime.spawn(TirelessCircler).at(hamlet("a")).await.unwrap();
    super::stage::until(async || {
        stage.runtime.durable_walks().await.unwrap().iter().any(|walk| walk.visits > 100)
    })
    .await;
    let id = stage.runtime.durable_walks().await.unwrap()[0].id.clone();
    assert!(matches!(stage.runtime.drop_walk(&id).await, Err(WalkError::Unsuitable { .. })));
    walk.cancel();
    assert!(matches!(within(walk.finish()).await, Err(WalkError::Cancelled { .. })));
    assert_eq!(stage.runtime.durable_walks().await.unwrap(), []);
}

/// Counts its visits over all processes, slowly.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Tortoise {
    visited: Vec<String>,
}

static STEPS: AtomicU64 = AtomicU64::new(0);

#[walker(durable(visits = 3, interval_ms = 60000), order = "depth_first", name = "SlowTortoise")]
impl Tortoise {
    #[on_visit]
    async fn node(&mut self, here: &Here<'_, Hamlet>, walk: &mut Walk) -> Step {
        STEPS.fetch_add(1, SeqCst);
        tokio::time::sleep(Duration::from_millis(2)).await;
        here.update(|hamlet| hamlet.name.push('+'));
        self.visited.push(key(here.id()));
        walk.visit(here.neighbours(Direction::Out));
        Step::Continue
    }

    #[on_exit]
    fn done(&mut self, walk: &mut Walk) -> Result<(), WalkError> {
        walk.report(&self.visited)
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_walk_goes_on_in_the_next_runtime_where_its_last_checkpoint_stood() {
    let mut stage = Stage::new();
    let chain: Vec<String> = (0..40).map(|n| format!("t{n}>t{} t{n}>u{n}", n + 1)).collect();
    stage.draw(&chain.join(" ")).await;
    let expected = stage.trail_with(Default::default(), "t0", |walk| walk.order(wayfare::Order::DepthFirst));
    let expected: Vec<String> = expected.await.split(' ').map(str::to_owned).collect();
    let id: Id = "w.Walk.tortoise".parse().unwrap();
    let walk = stage.runtime.spawn(Tortoise::default()).at(hamlet("t0")).key("tortoise").await.unwrap();
    drop(walk);
    let mut stops = 0;
    loop {
        let before = STEPS.load(SeqCst);
        super::stage::until(async || {
            let ended = stage.runtime.durable_walks().await.unwrap()[0].status != WalkStatus::Running;
            ended || STEPS.load(SeqCst) > before + 7
        })
        .await;
        if stage.runtime.durable_walks().await.unwrap()[0].status != WalkStatus::Running {
            break;
        }
        // Orderly, but in the middle of a visit: durable walks are not waited for.
        stage = stage.reopened().await;
        stops += 1;
        assert!(stops < 60, "it makes progress");
    }
    assert!(stops >= 3, "{stops}");
    let walk = within(stage.runtime.settled_walk(&id)).await.unwrap().unwrap();
    assert_eq!(walk.report, [json!(expected)]);
    for hamlet_key in &expected {
        assert_eq!(names(&stage, hamlet_key).await, format!("{hamlet_key}+"), "exactly once");
    }
}

/// Has another form than what was stored under its name.
#[derive(Debug, Serialize, Deserialize)]
struct Changed {
    needs: u32,
    #[serde(default)]
    gained: Vec<String>,
}

#[walker(durable)]
impl Changed {
    #[on_visit]
    fn node(&mut self, here: &Here) {
        self.gained.push(key(here.id()));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_walker_whose_struct_has_changed_goes_on_if_its_state_fits_and_is_parked_otherwise() {
    let stage = Stage::new();
    stage.draw("a").await;
    // As a release whose walker had other fields would have left them.
    let walk = stage.runtime.spawn(Changed { needs: 1, gained: vec![] }).at(hamlet("a")).key("x").await;
    within(walk.unwrap().finish()).await.unwrap();
    let done: Id = "w.Walk.x".parse().unwrap();
    let stored = stage.graph().document(&done).await.unwrap().unwrap().to_json().unwrap();
    for (key, state) in [("lost", json!({"gained": []})), ("fits", json!({"needs": 1, "old": true}))] {
        let mut document = stored.clone();
        document["id"] = json!(format!("w.Walk.{key}"));
        document["context"]["status"] = json!("running");
        document["context"]["state"] = state;
        let document = super::stage::document(document);
        stage.graph().write(wayfare::Write::Upsert { document }).await.unwrap();
    }
    let stage = stage.reopened().await;
    let settled = async |key: &str| {
        let id: Id = format!("w.Walk.{key}").parse().unwrap();
        within(stage.runtime.settled_walk(&id)).await.unwrap().unwrap()
    };
    let lost = settled("lost").await;
    assert_eq!(lost.status, WalkStatus::Parked);
    assert!(lost.error.as_ref().unwrap().contains("needs"), "{lost:?}");
    let fits = settled("fits").await;
    assert_eq!((fits.status, &fits.state["gained"]), (WalkStatus::Done, &json!(["a"])));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_cannot_be_durable_is_refused_before_it_begins() {
    #[derive(Debug, Default)]
    struct Shapeless;

    #[walker(durable)]
    impl Shapeless {
        #[on_exit]
        fn done(&mut self) {}
    }

    let stage = Stage::new();
    stage.draw("a").await;
    let refused = stage.runtime.spawn(Shapeless).at(hamlet("a")).await.unwrap_err().to_string();
    assert!(refused.contains("Serialize"), "{refused}");
    #[derive(Debug, Default, Serialize, Deserialize)]
    struct Twin;

    #[walker(durable)]
    impl Twin {
        #[on_exit]
        fn done(&mut self) {}
    }

    #[derive(Debug, Default, Serialize, Deserialize)]
    struct Namesake;

    #[walker(durable, name = "Twin")]
    impl Namesake {
        #[on_exit]
        fn done(&mut self) {}
    }

    // Whichever of the two the registry knows, the other could not be taken up again.
    let mut durable = 0;
    if let Ok(walk) = stage.runtime.spawn(Twin).at(hamlet("a")).await {
        within(walk.finish()).await.unwrap();
        durable += 1;
    }
    if let Ok(walk) = stage.runtime.spawn(Namesake).at(hamlet("a")).await {
        within(walk.finish()).await.unwrap();
        durable += 1;
    }
    assert_eq!(durable, 1);
    let refused = stage.runtime.spawn(Marker::default()).at(hamlet("a")).stream().await.map(drop);
    let refused = refused.unwrap_err().to_string();
    assert!(refused.contains("stream"), "{refused}");
    assert_eq!(stage.runtime.durable_walks().await.unwrap(), []);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_durable_walk_can_be_spawned_by_message_and_its_spawn_may_say_how_often_it_is_stored() {
    let stage = Stage::new();
    stage.draw("a>b").await;
    let args = json!({"marked": []});
    let spawn = Spawn {
        walker: "Marker".into(),
        args,
        at: hamlet("a"),
        key: Some("message".into()),
        admittance: Default::default(),
    };
    within(stage.runtime.send(spawn.clone()).await.unwrap().finish()).await.unwrap();
    assert!(matches!(stage.runtime.send(spawn).await, Err(WalkError::DuplicateKey { .. })));
    let walk = stage.runtime.spawn(Marker::default()).at(hamlet("a")).durable(often()).await.unwrap();
    within(walk.finish()).await.unwrap();
    assert_eq!(names(&stage, "a b").await, "a++ b++");
}

static RUNS: AtomicU64 = AtomicU64::new(0);
static GO: AtomicBool = AtomicBool::new(false);

/// Waits in its hook until it is told to go on.
#[derive(Default, Serialize, Deserialize)]
struct Stayer {}

#[walker(durable(visits = 1))]
impl Stayer {
    #[on_visit]
    async fn hamlet(&mut self, _here: &Here<Hamlet>) {
        RUNS.fetch_add(1, SeqCst);
        while !GO.load(SeqCst) {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_walk_that_is_spawned_while_those_left_behind_are_looked_for_is_not_one_of_them() {
    let (stage, store) = Stage::on_trick_store(|config| config);
    stage.draw("a").await;
    let came = store.scans.came();
    store.scans.close();
    stage.runtime.clone().shutdown().await;
    let again: Arc<dyn Store> = store.clone();
    let config = config(stage.path(), |config| config);
    let runtime = Runtime::with_store(again, KeySource::system(), &config).unwrap();
    store.scans.wait_for(came + 1).await;
    let walk = runtime.spawn(Stayer::default()).at(hamlet("a")).key("once").await.unwrap();
    store.scans.open();
    store.scans.wait_for_passed(came + 1).await;
    tokio::time::sleep(Duration::from_millis(100)).await;
    GO.store(true, SeqCst);
    within(walk.finish()).await.unwrap();
    assert_eq!(RUNS.load(SeqCst), 1);
}

static MAY_MARK: tokio::sync::Semaphore = tokio::sync::Semaphore::const_new(0);

/// Marks what it visits when it may, and stores that at its end only.
#[derive(Debug, Default, Serialize, Deserialize)]
struct HeldMarker {
    marked: Vec<String>,
}

#[walker(durable(visits = 1000, interval_ms = 60000))]
impl HeldMarker {
    #[on_visit]
    async fn hamlet(&mut self, here: &Here<'_, Hamlet>, walk: &mut Walk) -> Result<(), HookError> {
        let _ = MAY_MARK.acquire().await;
        here.update(|hamlet| hamlet.name.push('+'));
        self.marked.push(key(here.id()));
        walk.report(&key(here.id()))?;
        walk.visit(here.neighbours(Direction::Out));
        Ok(())
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_walk_whose_end_was_stored_though_its_answer_was_lost_does_nothing_twice() {
    let (stage, store) = Stage::on_trick_store(|config| config);
    stage.draw("a>b c>d").await;
    let keyed = stage.runtime.spawn(HeldMarker::default()).at(hamlet("a")).key("kept").await.unwrap();
    store.lost_answers.store(1, SeqCst);
    MAY_MARK.add_permits(1);
    assert_eq!(within(keyed.finish()).await.unwrap().marked, ["a", "b"]);
    assert_eq!(keyed.report(), [json!("a"), json!("b")]);
    MAY_MARK.forget_permits(1);
    let without = stage.runtime.spawn(HeldMarker::default()).at(hamlet("c")).await.unwrap();
    store.lost_answers.store(1, SeqCst);
    MAY_MARK.add_permits(1);
    // Its result was not kept for anybody, so nobody can tell how it ended.
    match within(without.finish()).await {
        Err(WalkError::Store(error)) => {
            assert!(matches!(*error, wayfare::StoreError::Unreachable { .. }), "{error}");
        }
        other => panic!("{other:?}"),
    }
    assert_eq!(names(&stage, "a b c d").await, "a+ b+ c+ d+");
    let walks = stage.runtime.durable_walks().await.unwrap();
    assert_eq!(walks.iter().map(|walk| walk.status).collect::<Vec<_>>(), [WalkStatus::Done]);
}

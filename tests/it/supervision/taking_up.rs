//! Durable walks when there is no room for them, and when those who asked for something do not wait for it.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::sync::Semaphore;
use wayfare::{Direction, Here, HookError, Walk, WalkError, WalkStatus, walker};

use super::{Hamlet, Stage, eventually, hamlet, within};

/// Waits at its node until it may go on, and marks it.
macro_rules! waiting {
    ($walker:ident, $open:ident, $came:ident) => {
        static $open: Semaphore = Semaphore::const_new(0);
        static $came: AtomicUsize = AtomicUsize::new(0);

        #[derive(Debug, Default, Serialize, Deserialize)]
        struct $walker {}

        #[walker(durable(visits = 1))]
        impl $walker {
            #[on_visit]
            async fn hamlet(&mut self, here: &Here<'_, Hamlet>) -> Result<(), HookError> {
                $came.fetch_add(1, SeqCst);
                $open.acquire().await?.forget();
                here.update(|hamlet| hamlet.name.push('+'));
                Ok(())
            }
        }
    };
}

async fn name(stage: &Stage) -> String {
    stage.graph().get::<Hamlet>(hamlet("a")).await.unwrap().unwrap().name.clone()
}

/// Sees the name of a hamlet as it is in memory.
#[derive(Debug, Default)]
struct Seer(String);

#[walker]
impl Seer {
    #[on_visit]
    fn hamlet(&mut self, here: &Here<Hamlet>) {
        self.0.clone_from(&here.name);
    }
}

async fn seen(stage: &Stage) -> String {
    let walk = stage.runtime.spawn(Seer::default()).at(hamlet("a")).await.unwrap();
    within(walk.finish()).await.unwrap().0
}

waiting!(LeftBehind, LEFT_BEHIND, LEFT_CAME);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn walks_left_behind_wait_for_room_and_none_of_them_is_parked() {
    let stage = Stage::new();
    stage.draw("a").await;
    for key in ["one", "two", "three"] {
        stage.runtime.spawn(LeftBehind {}).at(hamlet("a")).key(key).await.unwrap();
    }
    eventually("all are at their hooks", async || LEFT_CAME.load(SeqCst) == 3).await;
    // There is room for one, and nobody may wait in line.
    let stage = stage.reopened_with(|config| config.workers_max_walks(1).admission_queue(0)).await;
    eventually("one is taken up", async || LEFT_CAME.load(SeqCst) == 4).await;
    eventually("another was refused", async || stage.runtime.admission_figures().overloaded > 0).await;
    LEFT_BEHIND.add_permits(3);
    for key in ["one", "two", "three"] {
        let id = format!("w.Walk.{key}").parse().unwrap();
        let settled = within(stage.runtime.settled_walk(&id)).await.unwrap().unwrap();
        assert_eq!(settled.status, WalkStatus::Done, "{settled:?}");
    }
    assert_eq!(name(&stage).await, "a+++");
    assert_eq!(stage.runtime.metrics().number("wayfare_dead_letters_total", None), Some(0.0));
}

static FIRM: AtomicBool = AtomicBool::new(false);

/// Fails until it is firm.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Infirm {}

#[walker(durable(visits = 1))]
impl Infirm {
    #[on_visit]
    fn hamlet(&mut self, here: &Here<Hamlet>) -> Result<(), HookError> {
        if !FIRM.load(SeqCst) {
            return Err("not firm".into());
        }
        here.update(|hamlet| hamlet.name.push('!'));
        Ok(())
    }
}

waiting!(Occupant, OCCUPANT, OCCUPANT_CAME);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_walk_that_finds_no_room_for_its_retry_stays_parked_and_can_be_retried_again() {
    let stage = Stage::with(|config| config.durable_attempts(1).workers_max_walks(1).admission_queue(0));
    stage.draw("a").await;
    let walk = stage.runtime.spawn(Infirm {}).at(hamlet("a")).key("infirm").await.unwrap();
    let Err(WalkError::Parked { id, .. }) = within(walk.finish()).await else { panic!("it is parked") };
    FIRM.store(true, SeqCst);
    eventually("it has left", async || stage.runtime.admission_figures().alive == 0).await;
    let occupant = stage.runtime.spawn(Occupant {}).at(hamlet("a")).await.unwrap();
    let error = stage.runtime.retry_walk(&id).await.unwrap_err();
    assert!(matches!(error, WalkError::Overloaded { .. }), "{error:?}");
    let letters = stage.runtime.dead_letters().await.unwrap();
    assert_eq!(letters.iter().map(|letter| &letter.id).collect::<Vec<_>>(), [&id]);
    OCCUPANT.add_permits(1);
    within(occupant.finish()).await.unwrap();
    eventually("there is room", async || stage.runtime.admission_figures().alive == 0).await;
    assert!(stage.runtime.retry_walk(&id).await.unwrap());
    let settled = within(stage.runtime.settled_walk(&id)).await.unwrap().unwrap();
    assert_eq!(settled.status, WalkStatus::Done);
    assert_eq!(name(&stage).await, "a+!");
}

waiting!(Late, LATE, LATE_CAME);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_cancels_a_walk_whose_end_is_stored_hears_that_it_has_ended_well() {
    let (stage, store) = Stage::on_trick_store(|config| config);
    stage.draw("a").await;
    let walk = stage.runtime.spawn(Late {}).at(hamlet("a")).key("late").await.unwrap();
    eventually("it is at its hook", async || LATE_CAME.load(SeqCst) == 1).await;
    let came = store.answers.came();
    store.answers.close();
    LATE.add_permits(1);
    // The checkpoint after its visit, and the one after all.
    store.answers.wait_for(came + 1).await;
    store.answers.admit(1);
    store.answers.wait_for(came + 2).await;
    walk.cancel();
    within(walk.finish()).await.unwrap();
    store.answers.open();
    // Nobody waited for the answer, and what was in memory is out of date by then all the same.
    eventually("its change is seen", async || seen(&stage).await == "a+").await;
    let walks = stage.runtime.durable_walks().await.unwrap();
    assert_eq!(walks.iter().map(|walk| walk.status).collect::<Vec<_>>(), [WalkStatus::Done]);
    stage.runtime.spawn(Late {}).at(hamlet("a")).key("late").await.unwrap_err();
}

waiting!(Unwatched, UNWATCHED, UNWATCHED_CAME);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_durable_walk_begins_although_its_caller_does_not_wait_for_the_spawn() {
    let (stage, store) = Stage::on_trick_store(|config| config);
    stage.draw("a").await;
    let came = store.answers.came();
    store.answers.close();
    let runtime = stage.runtime.clone();
    let spawn =
        tokio::spawn(
            async move { runtime.spawn(Unwatched {}).at(hamlet("a")).key("unwatched").await.map(drop) },
        );
    store.answers.wait_for(came + 1).await;
    spawn.abort();
    assert!(spawn.await.unwrap_err().is_cancelled());
    store.answers.open();
    UNWATCHED.add_permits(1);
    let id = "w.Walk.unwatched".parse().unwrap();
    let settled = within(stage.runtime.settled_walk(&id)).await.unwrap().unwrap();
    assert_eq!(settled.status, WalkStatus::Done);
    assert_eq!(name(&stage).await, "a+");
}

static KEEPS: AtomicBool = AtomicBool::new(false);
static RELEASE: AtomicBool = AtomicBool::new(false);

/// Keeps its thread until it is released.
#[derive(Debug, Default, Serialize, Deserialize)]
struct DurableKeeper {}

#[walker(durable(visits = 1))]
impl DurableKeeper {
    #[on_visit]
    fn hamlet(&mut self, _here: &Here<Hamlet>) {
        KEEPS.store(true, SeqCst);
        while !RELEASE.load(SeqCst) {
            std::thread::yield_now();
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cancelled_durable_walk_is_forgotten_although_its_hook_keeps_the_thread() {
    let stage = Stage::with(|config| config.workers_count(1));
    stage.draw("a").await;
    let walk = stage.runtime.spawn(DurableKeeper {}).at(hamlet("a")).await.unwrap();
    eventually("it keeps its thread", async || KEEPS.load(SeqCst)).await;
    walk.cancel();
    let ended = within(walk.finish()).await;
    let stored = stage.runtime.durable_walks().await.unwrap();
    RELEASE.store(true, SeqCst);
    assert!(matches!(ended, Err(WalkError::Cancelled { .. })), "{:?}", ended.err());
    assert_eq!(stored, [], "the next process would take it up");
}

static VISITS: AtomicUsize = AtomicUsize::new(0);

/// Counts its visits outside of the graph, where nothing can be taken back.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Outsider {}

#[walker(durable(visits = 1_000_000, interval_ms = 1_000_000))]
impl Outsider {
    #[on_visit]
    fn hamlet(&mut self, here: &Here<Hamlet>, walk: &mut Walk) {
        VISITS.fetch_add(1, SeqCst);
        std::thread::sleep(Duration::from_millis(1));
        walk.visit(here.neighbours(Direction::Out));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_durable_walk_stores_how_far_it_is_when_its_runtime_stops() {
    const PLACES: usize = 400;
    let stage = Stage::new();
    let chain: Vec<String> = (1..PLACES).map(|place| format!("o{}>o{place}", place - 1)).collect();
    stage.draw(&chain.join(" ")).await;
    stage.runtime.spawn(Outsider {}).at(hamlet("o0")).key("outsider").await.unwrap();
    eventually("it is on its way", async || VISITS.load(SeqCst) > 20).await;
    let stage = stage.reopened().await;
    let id = "w.Walk.outsider".parse().unwrap();
    let settled = within(stage.runtime.settled_walk(&id)).await.unwrap().unwrap();
    assert_eq!((settled.status, settled.visits), (WalkStatus::Done, PLACES as u64));
    assert_eq!(VISITS.load(SeqCst), PLACES, "a visit was made twice");
}

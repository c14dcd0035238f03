use std::collections::HashSet;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::thread::ThreadId;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::sync::Semaphore;
use wayfare::{Direction, Here, HookError, Walk, WalkError, walker};

use super::{Hamlet, Stage, eventually, hamlet, patient, within};

/// Goes round a ring until it is told to stop, and notes on which threads.
#[derive(Debug, Default)]
struct Rounds {
    made: u64,
}

static STOP: AtomicBool = AtomicBool::new(false);

static THREADS: Mutex<Option<HashSet<ThreadId>>> = Mutex::new(None);

#[walker(unique = "none")]
impl Rounds {
    #[on_visit]
    fn hamlet(&mut self, here: &Here<Hamlet>, walk: &mut Walk) {
        self.made += 1;
        if self.made.is_multiple_of(64) {
            THREADS.lock().unwrap().get_or_insert_default().insert(std::thread::current().id());
        }
        if !STOP.load(SeqCst) {
            walk.visit(here.neighbours(Direction::Out));
        }
    }
}

fn threads_now() -> HashSet<ThreadId> {
    THREADS.lock().unwrap().take().unwrap_or_default()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_pool_is_scaled_while_walks_run_and_none_of_them_notices() {
    let stage = Stage::with(|config| patient(0)(config).workers_count(1));
    stage.draw("a>b b>c c>a").await;
    let mut walks = Vec::new();
    for _ in 0..12 {
        walks.push(stage.runtime.spawn(Rounds::default()).at(hamlet("a")).await.unwrap());
    }
    for (count, before) in [(4, 1), (2, 4), (3, 2), (1, 3)] {
        assert_eq!(stage.runtime.scale(count).await.unwrap(), before);
        assert_eq!(stage.runtime.workers(), count);
        threads_now();
        eventually("walks have spread", async || {
            let mut threads = THREADS.lock().unwrap();
            threads.get_or_insert_default().len() >= count.min(2)
        })
        .await;
    }
    // With one worker left all walks come together.
    eventually("they are on one thread", async || {
        threads_now();
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        threads_now().len() <= 1
    })
    .await;
    STOP.store(true, SeqCst);
    for walk in walks {
        let rounds = within(walk.finish()).await.unwrap();
        assert_eq!(rounds.made, walk.profile().visits);
    }
    assert_eq!(stage.runtime.scale(0).await.unwrap(), 1);
    assert_eq!(stage.runtime.workers(), 1);
    assert_eq!(stage.runtime.degraded(), None);
}

/// Notes the places it visits, one after the other.
#[derive(Debug, Default)]
struct Follower {
    places: Vec<u16>,
}

#[walker]
impl Follower {
    #[on_visit]
    fn hamlet(&mut self, here: &Here<Hamlet>, walk: &mut Walk) -> Result<(), HookError> {
        self.places.push(here.name.trim_start_matches('h').parse()?);
        // So long that the supervisor looks at them more than once.
        let until = std::time::Instant::now() + Duration::from_micros(20);
        while std::time::Instant::now() < until {}
        walk.visit(here.neighbours(Direction::Out));
        Ok(())
    }
}

/// More than take turns together, so that many wait while others are given away.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn walks_that_come_back_to_a_worker_visit_each_node_once() {
    const WALKS: u16 = 400;
    const PLACES: u16 = 250;
    let stage = Stage::with(|config| patient(0)(config).workers_count(1));
    let chain: Vec<String> = (1..PLACES).map(|place| format!("h{}>h{place}", place - 1)).collect();
    stage.draw(&chain.join(" ")).await;
    let mut walks = Vec::new();
    for number in 0..WALKS {
        // Not all of the same length, so that for a while only some are left.
        let start = PLACES / 5 * (number % 5);
        let walk = stage.runtime.spawn(Follower::default()).at(hamlet(&format!("h{start}"))).await.unwrap();
        walks.push((start, walk));
    }
    let mut scaled = 0;
    while stage.runtime.admission_figures().alive > 0 {
        stage.runtime.scale(1 + scaled % 2).await.unwrap();
        scaled += 1;
        tokio::time::sleep(Duration::from_millis(15)).await;
    }
    assert!(scaled > 4, "they were too quick");
    for (start, walk) in walks {
        let follower = within(walk.finish()).await.unwrap();
        assert!(follower.places.iter().copied().eq(start..PLACES), "{:?}", follower.places);
        assert_eq!(walk.profile().visits, u64::from(PLACES - start));
    }
}

/// Lets the hooks of quitters fail.
static FAIL: Semaphore = Semaphore::const_new(0);

/// Fails when it is told to.
#[derive(Debug, Default, Serialize, Deserialize)]
struct DurableQuitter {}

#[walker(durable)]
impl DurableQuitter {
    #[on_visit]
    async fn hamlet(&mut self, _here: &Here<'_, Hamlet>) -> Result<(), HookError> {
        let _ = FAIL.acquire().await;
        Err("it quits".into())
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_worker_that_is_too_many_stays_until_its_durable_walks_that_failed_are_decided_on() {
    let (stage, store) = Stage::on_trick_store(|config| patient(0)(config).durable_attempts(1));
    stage.draw("a>b").await;
    let mut walks = Vec::new();
    for _ in 0..8 {
        walks.push(stage.runtime.spawn(DurableQuitter {}).at(hamlet("a")).await.unwrap());
    }
    store.applies.close();
    FAIL.add_permits(1);
    // What becomes of them is stored, which is held up.
    eventually("all have failed", async || stage.runtime.handle().writes_under_way() == 8).await;
    stage.runtime.scale(1).await.unwrap();
    // Nothing tells that a thread goes on: this is as long as several looks of the supervisor take.
    tokio::time::sleep(Duration::from_millis(500)).await;
    store.applies.open();
    for walk in walks {
        assert!(matches!(within(walk.finish()).await, Err(WalkError::Parked { .. })));
    }
    eventually("all have left", async || stage.runtime.admission_figures().alive == 0).await;
    assert_eq!(stage.runtime.workers(), 1);
}

use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};
use wayfare::{ActorKind, Direction, Here, Step, Walk, WalkError, walker};

use super::{Hamlet, Stage, Trail, eventually, hamlet, patient, within};

/// Stops the arbiter on which it runs, as a program may do by mistake.
#[derive(Debug, Default)]
struct ArbiterStopper {}

#[walker]
impl ArbiterStopper {
    #[on_visit]
    fn hamlet(&mut self, _here: &Here<Hamlet>) {
        actix_rt::Arbiter::current().stop();
    }
}

/// Waits for ever.
#[derive(Debug, Default)]
struct Sleeper {}

#[walker]
impl Sleeper {
    #[on_visit]
    async fn hamlet(&mut self, _here: &Here<Hamlet>) {
        std::future::pending::<()>().await;
    }
}

/// Marks what it visits, and ends its worker once on the way.
#[derive(Debug, Default, Serialize, Deserialize)]
struct LoneMarker {
    marked: u64,
}

static ENDED: AtomicU64 = AtomicU64::new(0);

#[walker(durable(visits = 1))]
impl LoneMarker {
    #[on_visit]
    fn hamlet(&mut self, here: &Here<Hamlet>, walk: &mut Walk) -> Step {
        here.update(|hamlet| hamlet.name.push('+'));
        self.marked += 1;
        walk.visit(here.neighbours(Direction::Out));
        if self.marked == 3 && ENDED.fetch_add(1, SeqCst) == 0 {
            actix_rt::Arbiter::current().stop();
        }
        Step::Continue
    }
}

/// Goes round until somebody ends it.
#[derive(Debug, Default)]
struct Wheel {}

#[walker(unique = "none")]
impl Wheel {
    #[on_visit]
    fn hamlet(&mut self, here: &Here<Hamlet>, walk: &mut Walk) {
        walk.visit(here.neighbours(Direction::Out));
    }
}

/// Goes round once, and is taken up again when its worker ends.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Steady {
    passed: u64,
}

#[walker(durable(visits = 1))]
impl Steady {
    #[on_visit]
    fn hamlet(&mut self, here: &Here<Hamlet>, walk: &mut Walk) {
        self.passed += 1;
        walk.visit(here.neighbours(Direction::Out));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_worker_whose_thread_ends_takes_its_walks_along_and_is_replaced() {
    let stage = Stage::with(|config| patient(100)(config).workers_count(1));
    stage.draw("a>b").await;
    for round in 1..=5 {
        let sleeping = stage.runtime.spawn(Sleeper {}).at(hamlet("a")).await.unwrap();
        let stopper = stage.runtime.spawn(ArbiterStopper {}).at(hamlet("a")).await.unwrap();
        match within(sleeping.finish()).await {
            Err(WalkError::WorkerLost { walker, reason }) => {
                assert_eq!((&*walker, &*reason), ("Sleeper", "its thread ended"));
            }
            other => panic!("{other:?}"),
        }
        // It may have come to its end before its thread did.
        let _ = within(stopper.finish()).await;
        assert_eq!(stage.trail("a").await, "a b");
        assert_eq!((stage.runtime.restarts(ActorKind::Worker), stage.runtime.workers()), (round, 1));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_durable_walk_is_taken_up_by_another_worker() {
    let stage = Stage::with(patient(100));
    stage.draw("a>b b>c c>d d>e e>f").await;
    let walk = stage.runtime.spawn(LoneMarker::default()).at(hamlet("a")).await.unwrap();
    let marker = within(walk.finish()).await.unwrap();
    assert_eq!((marker.marked, stage.runtime.restarts(ActorKind::Worker)), (6, 1));
    for key in ["a", "b", "c", "d", "e", "f"] {
        let hamlet = stage.graph().get::<Hamlet>(&hamlet(key)).await.unwrap().unwrap();
        assert_eq!(hamlet.name, format!("{key}+"));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn workers_that_end_too_often_degrade_the_runtime_and_are_still_replaced() {
    let stage = Stage::with(patient(1));
    stage.draw("a>b").await;
    for round in 1..=2 {
        stage.runtime.spawn(ArbiterStopper {}).at(hamlet("a")).await.unwrap();
        eventually("a worker ends", async || stage.runtime.restarts(ActorKind::Worker) == round).await;
    }
    // It is counted first.
    eventually("the runtime is degraded", async || stage.runtime.degraded().is_some()).await;
    assert_eq!(stage.runtime.degraded().unwrap().kind, ActorKind::Worker);
    eventually("they are replaced", async || stage.runtime.workers() == 2).await;
    let walk = stage.runtime.spawn(Trail::default()).at(hamlet("a")).await.unwrap();
    assert_eq!(within(walk.finish()).await.unwrap().keys, ["a", "b"]);
}

/// Walks are spawned and ended, workers come, go and break off, all at once.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whatever_becomes_of_workers_each_walk_ends_and_none_is_left_with_one() {
    let stage = Stage::with(patient(1_000_000));
    stage.draw("a>b b>c c>a").await;
    let until = Instant::now() + Duration::from_secs(3);
    let spawning = |first: u64| {
        let runtime = stage.runtime.clone();
        tokio::spawn(async move {
            for n in (first..).take_while(|_| Instant::now() < until) {
                let wheel = runtime.spawn(Wheel {}).at(hamlet("a")).await.unwrap();
                if n % 7 == 0 {
                    runtime.spawn(ArbiterStopper {}).at(hamlet("a")).await.unwrap();
                }
                if n % 5 == 0 {
                    // Without a key nothing would be kept of one that ended when its worker did.
                    let spawning = runtime.spawn(Steady::default()).at(hamlet("a"));
                    let steady = spawning.key(format!("{first} {n}")).await.unwrap();
                    match within(steady.finish()).await {
                        Ok(steady) => assert_eq!(steady.passed, 3),
                        // Its workers ended too often.
                        Err(WalkError::Parked { .. }) => {}
                        Err(error) => panic!("{error:?}"),
                    }
                }
                if n % 3 == 0 {
                    tokio::time::sleep(Duration::from_micros(n * 97 % 2_000)).await;
                }
                wheel.cancel();
                match within(wheel.finish()).await {
                    Err(WalkError::Cancelled { .. } | WalkError::WorkerLost { .. }) => {}
                    other => panic!("{other:?}"),
                }
            }
        })
    };
    let clients: Vec<_> = (0..6).map(spawning).collect();
    for n in (0..).take_while(|_| Instant::now() < until) {
        stage.runtime.scale(1 + n * 5 % 4).await.unwrap();
        tokio::time::sleep(Duration::from_millis(n as u64 % 3)).await;
    }
    for client in clients {
        client.await.unwrap();
    }
    let number = |name: &str| stage.runtime.metrics().number(name, None).unwrap();
    for none in ["wayfare_walks_alive", "wayfare_walks"] {
        eventually(none, async || number(none) == 0.0).await;
    }
    // The last one is forgotten before it is counted.
    eventually("as many end as start", async || {
        number("wayfare_walks_started_total") == number("wayfare_walks_ended_total")
    })
    .await;
}

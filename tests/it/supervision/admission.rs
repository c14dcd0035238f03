use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::time::Duration;

use tokio::sync::Semaphore;
use wayfare::{Error, Here, WalkError, walker};

use super::{Hamlet, Stage, Trail, eventually, hamlet, within};

/// Waits until it is let on, and counts how many do at once.
#[derive(Debug)]
struct Held {
    gate: Arc<Semaphore>,
    alive: Arc<AtomicUsize>,
    most: Arc<AtomicUsize>,
}

#[walker]
impl Held {
    #[on_visit]
    async fn hamlet(&mut self, _here: &Here<Hamlet>) {
        let alive = self.alive.fetch_add(1, SeqCst) + 1;
        self.most.fetch_max(alive, SeqCst);
        if let Ok(permit) = self.gate.acquire().await {
            permit.forget();
        }
        self.alive.fetch_sub(1, SeqCst);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn walks_beyond_the_most_wait_and_all_of_them_have_their_turn() {
    let stage = Stage::with(|config| config.workers_max_walks(4).admission_queue(100));
    stage.draw("a>b").await;
    let gate = Arc::new(Semaphore::new(0));
    let (alive, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let spawned: Vec<_> = (0..40)
        .map(|number| {
            let held = Held { gate: Arc::clone(&gate), alive: Arc::clone(&alive), most: Arc::clone(&most) };
            let runtime = stage.runtime.clone();
            tokio::spawn(async move {
                let spawning = runtime.spawn(held).at(hamlet("a"));
                let walk = spawning.caller(if number % 2 == 0 { "even" } else { "odd" }).await?;
                walk.finish().await.map(drop).map_err(Error::Walk)
            })
        })
        .collect();
    eventually("the others wait", async || stage.runtime.admission_figures().waiting == 36).await;
    assert_eq!(stage.runtime.admission_figures().alive, 4);
    eventually("four are at it", async || alive.load(SeqCst) == 4).await;
    gate.add_permits(40);
    for walk in spawned {
        within(walk).await.unwrap().unwrap();
    }
    assert_eq!(most.load(SeqCst), 4);
    let figures = stage.runtime.admission_figures();
    assert_eq!((figures.alive, figures.waiting, figures.waited, figures.overloaded), (0, 0, 36, 0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn beyond_the_line_and_after_its_time_callers_are_told_when_to_come_again() {
    let stage = Stage::with(|config| config.workers_max_walks(1).admission_queue(1).admission_wait_ms(5_000));
    stage.draw("a>b").await;
    let gate = Arc::new(Semaphore::new(0));
    let counter = Arc::<AtomicUsize>::default();
    let held = Held { gate: Arc::clone(&gate), alive: Arc::clone(&counter), most: Arc::clone(&counter) };
    let walk = stage.runtime.spawn(held).at(hamlet("a")).await.unwrap();
    let runtime = stage.runtime.clone();
    let waiting =
        tokio::spawn(async move { runtime.spawn(Trail::default()).at(hamlet("a")).await.map(drop) });
    eventually("one waits", async || stage.runtime.admission_figures().waiting == 1).await;
    let refused = [
        stage.runtime.spawn(Trail::default()).at(hamlet("a")).await.map(drop),
        within(waiting).await.unwrap(),
    ];
    for refused in refused {
        match refused {
            Err(Error::Walk(WalkError::Overloaded {
                alive: 1, memory_is_short: false, retry_after, ..
            })) => {
                assert!(retry_after >= Duration::from_millis(10));
            }
            other => panic!("{other:?}"),
        }
    }
    gate.add_permits(1);
    within(walk.finish()).await.unwrap();
    assert_eq!(stage.trail("a").await, "a b");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn while_the_machine_is_short_of_memory_nobody_enters() {
    let stage = Stage::with(|config| config.admission_reserve_bytes(u64::MAX / 4).admission_wait_ms(100));
    if !std::path::Path::new("/proc/meminfo").exists() {
        eprintln!("skipped: this machine does not say how much memory it has");
        return;
    }
    stage.draw("a>b").await;
    eventually("memory is looked at", async || stage.runtime.admission_figures().memory_is_short).await;
    match stage.runtime.spawn(Trail::default()).at(hamlet("a")).await {
        Err(Error::Walk(WalkError::Overloaded { memory_is_short, .. })) => assert!(memory_is_short),
        other => panic!("{other:?}"),
    }
}

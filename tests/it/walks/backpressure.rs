//! Everything has a bound; whoever meets one waits or is told, and nothing is lost.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::time::Duration;

use tokio::sync::{Semaphore, oneshot};
use tokio::task::JoinHandle;
use wayfare::{ConfigBuilder, Direction, Error, Here, Runtime, Spawn, Walk, WalkError, walker};

use super::cancelling::Keeper;
use super::stage::{Hamlet, Stage, Trail, hamlet, until, within};
use super::waiting::Patient;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn with_every_bound_at_its_least_walks_and_writes_still_get_done() {
    let stage = Stage::with(|config| {
        let config = config.workers_count(2).workers_mailbox(1).workers_turn_visits(1);
        let config = config.shards_count(2).shards_mailbox(1).shards_visit_batch(1);
        config.writers_queue(1).writers_batch_size(1).limits_emit_buffer(1).cache_resident_bytes(1_u64 << 20)
    });
    stage.draw("a>b a>c b>d c>e d>f").await;
    let writes = (0..20).map(|_| {
        let graph = stage.graph();
        tokio::spawn(async move { graph.update(hamlet("f"), |f: &mut Hamlet| f.name.push('!')).await })
    });
    let writes: Vec<_> = writes.collect();
    let mut walks = Vec::new();
    for _ in 0..200 {
        walks.push(
            within(async { stage.runtime.spawn(Trail::default()).at(hamlet("a")).await }).await.unwrap(),
        );
    }
    for walk in walks {
        assert_eq!(within(walk.finish()).await.unwrap().keys, ["a", "b", "c", "d", "e", "f"]);
    }
    for write in writes {
        within(write).await.unwrap().unwrap();
    }
    assert_eq!(stage.graph().get::<Hamlet>(hamlet("f")).await.unwrap().unwrap().name.len(), 21);
}

/// Counts how many of it are alive.
#[derive(Debug)]
struct Alive {
    alive: Arc<AtomicUsize>,
    most: Arc<AtomicUsize>,
    gate: Arc<Semaphore>,
}

#[walker]
impl Alive {
    #[on_visit]
    async fn node(&mut self, _here: &Here<'_>) {
        let alive = self.alive.fetch_add(1, SeqCst) + 1;
        self.most.fetch_max(alive, SeqCst);
        let _ = self.gate.acquire().await;
        self.alive.fetch_sub(1, SeqCst);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn spawns_at_once_do_not_pass_the_bound_on_walks() {
    let stage = Stage::with(|config| config.workers_max_walks(10).admission_queue(0));
    let gate = Arc::new(Semaphore::new(0));
    let (alive, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let spawns = (0..200).map(|_| {
        let walker = Alive { alive: Arc::clone(&alive), most: Arc::clone(&most), gate: Arc::clone(&gate) };
        let runtime = stage.runtime.clone();
        tokio::spawn(async move { runtime.spawn(walker).await })
    });
    let spawned = futures_util::future::join_all(spawns.collect::<Vec<_>>()).await;
    let (walks, refused): (Vec<_>, Vec<_>) = spawned.into_iter().map(Result::unwrap).partition(Result::is_ok);
    assert!(refused.iter().all(|refused| matches!(refused, Err(Error::Walk(WalkError::Overloaded { .. })))));
    assert_eq!(walks.len(), 10);
    gate.close();
    for walk in walks {
        within(walk.unwrap().finish()).await.unwrap();
    }
    assert!(most.load(SeqCst) <= 10);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_spawn_that_is_given_up_while_it_waits_for_room_leaves_nothing_behind() {
    let narrow = |config: ConfigBuilder| config.workers_count(1).workers_mailbox(1).workers_max_walks(8);
    let stage = Stage::with(|config| narrow(config).supervision_drain_timeout_ms(3_600_000));
    stage.draw("a>b").await;
    let (keeps, release) = (Arc::default(), Arc::default());
    let keeper = Keeper { keeps: Arc::clone(&keeps), release: Arc::clone(&release) };
    let keeper = stage.runtime.spawn(keeper).at(hamlet("a")).await.unwrap();
    until(async || keeps.load(SeqCst)).await;
    // The worker takes nothing in now, so most of these wait for a place in its mailbox.
    for _ in 0..7 {
        let mut spawning = Box::pin(async { stage.runtime.spawn(Trail::default()).at(hamlet("a")).await });
        tokio::select! {
            biased;
            _ = &mut spawning => {}
            () = tokio::task::yield_now() => {}
        }
    }
    release.store(true, SeqCst);
    within(keeper.finish()).await.unwrap();
    // All eight places are free again, sooner or later.
    until(async || stage.runtime.handle().walks().await.is_empty()).await;
    let mut walks = Vec::new();
    for _ in 0..8 {
        walks.push(stage.runtime.spawn(Trail::default()).at(hamlet("a")).await.unwrap());
    }
    for walk in walks {
        assert_eq!(within(walk.finish()).await.unwrap().keys, ["a", "b"]);
    }
    // It does not wait for a walk that never was.
    within(stage.runtime.clone().shutdown()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn spawns_wait_while_the_mailbox_of_their_worker_is_full() {
    let stage = Stage::with(|config| config.workers_count(1).workers_mailbox(2));
    stage.draw("a>b").await;
    let (keeps, release) = (Arc::default(), Arc::default());
    let keeper = Keeper { keeps: Arc::clone(&keeps), release: Arc::clone(&release) };
    let keeper = stage.runtime.spawn(keeper).at(hamlet("a")).await.unwrap();
    until(async || keeps.load(SeqCst)).await;
    let mut spawns: Vec<_> = (0..6)
        .map(|_| {
            let runtime = stage.runtime.clone();
            tokio::spawn(async move { runtime.spawn(Trail::default()).at(hamlet("a")).await.unwrap() })
        })
        .collect();
    let begun = |spawns: &[JoinHandle<_>]| spawns.iter().filter(|spawn| spawn.is_finished()).count();
    until(async || begun(&spawns) == 2).await;
    // No more come in, as long as the worker takes none of them up.
    for _ in 0..50 {
        tokio::time::sleep(Duration::from_millis(1)).await;
        assert_eq!(begun(&spawns), 2);
    }
    release.store(true, SeqCst);
    within(keeper.finish()).await.unwrap();
    for spawn in spawns.drain(..) {
        assert_eq!(within(within(spawn).await.unwrap().finish()).await.unwrap().keys, ["a", "b"]);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_overview_of_walks_does_not_wait_for_a_hook_that_keeps_its_thread() {
    let stage = Stage::with(|config| config.workers_count(2));
    let (keeps, release) = (Arc::default(), Arc::default());
    let keeper = Keeper { keeps: Arc::clone(&keeps), release: Arc::clone(&release) };
    let keeper = stage.runtime.spawn(keeper).await.unwrap();
    until(async || keeps.load(SeqCst)).await;
    let (go, wait) = oneshot::channel();
    let patient = stage.runtime.spawn(Patient::new(wait)).await.unwrap();
    let overview = tokio::time::timeout(Duration::from_secs(10), stage.runtime.handle().walks()).await;
    let one = tokio::time::timeout(Duration::from_secs(10), keeper.inspect()).await;
    release.store(true, SeqCst);
    go.send(()).unwrap();
    within(patient.finish()).await.unwrap();
    within(keeper.finish()).await.unwrap();
    let overview = overview.expect("it answers though one walk does not");
    assert!(overview.iter().any(|walk| walk["walker"] == "Patient"), "{overview:?}");
    one.expect("it answers though the walk does not");
}

/// Spawns a walk of its own and waits for it.
#[derive(Debug)]
struct Parent {
    runtime: Runtime,
    keys: Vec<String>,
}

#[walker]
impl Parent {
    #[on_visit]
    async fn node(&mut self, here: &Here<'_>, walk: &mut Walk) -> Result<(), Error> {
        let child =
            self.runtime.spawn(Trail { direction: Direction::Out, ..Trail::default() }).at(here.id()).await?;
        self.keys.extend(child.finish().await?.keys);
        let spawn = Spawn {
            walker: "Trail".into(),
            args: serde_json::json!({}),
            at: here.id().clone(),
            key: None,
            admittance: Default::default(),
        };
        let named = self.runtime.send(spawn).await?.finish().await?;
        walk.report(&named.walker.state())?;
        Ok(())
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hook_can_spawn_walks_and_wait_for_them_on_one_worker() {
    let stage = Stage::with(|config| config.workers_count(1).workers_mailbox(1));
    stage.draw("a>b").await;
    let parent = Parent { runtime: stage.runtime.clone(), keys: Vec::new() };
    let walk = stage.runtime.spawn(parent).at(hamlet("a")).await.unwrap();
    assert_eq!(within(walk.finish()).await.unwrap().keys, ["a", "b"]);
    assert_eq!(walk.report()[0]["keys"], serde_json::json!(["a", "b"]));
}

/// Panics when it is dropped.
#[derive(Debug)]
struct Bomb {
    wait: Option<oneshot::Receiver<()>>,
}

impl Drop for Bomb {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            panic!("dropped");
        }
    }
}

#[walker]
impl Bomb {
    #[on_visit]
    async fn node(&mut self, _here: &Here<'_>) -> Result<(), wayfare::HookError> {
        match self.wait.take() {
            Some(wait) => drop(wait.await),
            None => return Err("no fuse".into()),
        }
        Ok(())
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_walker_that_panics_when_it_is_dropped_ends_its_walk_and_no_other() {
    let stage = Stage::with(|config| config.workers_count(1));
    stage.draw("a>b").await;
    let (go, wait) = oneshot::channel();
    let patient = stage.runtime.spawn(Patient::new(wait)).at(hamlet("a")).await.unwrap();
    // One fails in its hook, one is cancelled where it waits, one runs out of time there.
    let failing = stage.runtime.spawn(Bomb { wait: None }).await.unwrap();
    assert!(within(failing.finish()).await.is_err());
    let (_fuse, wait) = oneshot::channel();
    let cancelled = stage.runtime.spawn(Bomb { wait: Some(wait) }).await.unwrap();
    until(async || cancelled.inspect().await.is_some_and(|walk| walk["waiting_for"] == "hook")).await;
    cancelled.cancel();
    assert!(within(cancelled.finish()).await.is_err());
    let (_fuse, wait) = oneshot::channel();
    let limits = wayfare::Limits { wall: Duration::from_millis(100), ..wayfare::Limits::default() };
    let late = stage.runtime.spawn(Bomb { wait: Some(wait) }).limits(limits).await.unwrap();
    assert!(within(late.finish()).await.is_err());

    go.send(()).unwrap();
    within(patient.finish()).await.unwrap();
    for _ in 0..10 {
        assert_eq!(stage.trail("a").await, "a b");
    }
}

//! What goes on when a store is back that was away for longer than calls are tried again.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};

use serde::{Deserialize, Serialize};
use tokio::sync::Semaphore;
use wayfare::{
    Config, ConfigBuilder, Direction, Here, HookError, Id, KeySource, Runtime, Store, Walk, WalkError,
    WalkStatus, walker,
};
use wayfare_testkit::{Mongod, unique_database};

use super::{Hamlet, Stage, eventually, hamlet, within};
use crate::walks::stage;
use crate::walks::trick_store::TrickStore;

/// Says how many hooks wait at `c`, and lets them go on there.
struct Gate {
    waiting: AtomicUsize,
    open: Semaphore,
}

impl Gate {
    const fn new() -> Self {
        Self { waiting: AtomicUsize::new(0), open: Semaphore::const_new(0) }
    }

    async fn pass(&self) {
        self.waiting.fetch_add(1, SeqCst);
        if let Ok(permit) = self.open.acquire().await {
            permit.forget();
        }
    }
}

/// Marks each hamlet, and waits at `c` before it does.
macro_rules! marking {
    ($walker:ident, $gate:ident) => {
        static $gate: Gate = Gate::new();

        #[derive(Debug, Default, Serialize, Deserialize)]
        struct $walker {
            marked: String,
        }

        #[walker(durable(visits = 1))]
        impl $walker {
            #[on_visit]
            async fn hamlet(&mut self, here: &Here<'_, Hamlet>, walk: &mut Walk) -> Result<(), HookError> {
                if here.name == "c" {
                    $gate.pass().await;
                }
                here.update(|hamlet| hamlet.name.push('+'));
                self.marked.push_str(&here.name);
                walk.visit(here.neighbours(Direction::Out));
                Ok(())
            }
        }
    };
}

/// A server, and a stage on it whose calls are given up soon.
fn on_server(mongod: &Mongod) -> (Stage, impl FnOnce(ConfigBuilder) -> ConfigBuilder + Clone + use<>) {
    let url = mongod.url(&unique_database("outage"));
    let impatient = move |config: ConfigBuilder| {
        let config = config.store_url(url.as_str()).pool_retries(1).pool_retry_ms(500);
        config.pool_server_timeout_ms(500).pool_circuit_failures(2).pool_circuit_open_ms(100)
    };
    (Stage::with(impatient.clone()), impatient)
}

/// Waits until a commit has failed for want of a server.
async fn it_has_failed(stage: &Stage) {
    let failed = || stage.runtime.metrics().number("wayfare_store_errors_total", Some("apply"));
    eventually("a commit has failed", async || failed() > Some(0.0)).await;
    let walks = async || stage.runtime.handle().walks().await;
    eventually("it waits", async || walks().await.iter().any(|walk| walk["waiting_for"] == "its store"))
        .await;
}

async fn names(runtime: &Runtime) -> String {
    let mut names = String::new();
    for key in ["a", "b", "c", "d"] {
        names += &runtime.graph().get::<Hamlet>(hamlet(key)).await.unwrap().unwrap().name;
    }
    names
}

marking!(GoesOn, GOES_ON);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_durable_walk_waits_for_a_store_that_is_away_and_goes_on() {
    let Some(mongod) = Mongod::start() else { return };
    let (stage, _) = on_server(&mongod);
    stage.draw("a>b b>c c>d").await;
    let walk = stage.runtime.spawn(GoesOn::default()).at(hamlet("a")).await.unwrap();
    eventually("it is at c", async || GOES_ON.waiting.load(SeqCst) == 1).await;
    mongod.kill();
    GOES_ON.open.add_permits(2);
    it_has_failed(&stage).await;
    mongod.restart();
    assert_eq!(within(walk.finish()).await.unwrap().marked, "abcd");
    assert_eq!(names(&stage.runtime).await, "a+b+c+d+");
    assert_eq!(stage.runtime.durable_walks().await.unwrap(), []);
}

marking!(Ends, ENDS);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_durable_walk_that_is_cancelled_while_its_store_is_away_is_gone_when_it_is_back() {
    let Some(mongod) = Mongod::start() else { return };
    let (stage, _) = on_server(&mongod);
    stage.draw("a>b b>c c>d").await;
    let walk = stage.runtime.spawn(Ends::default()).at(hamlet("a")).await.unwrap();
    eventually("it is at c", async || ENDS.waiting.load(SeqCst) == 1).await;
    mongod.kill();
    ENDS.open.add_permits(1);
    it_has_failed(&stage).await;
    walk.cancel();
    mongod.restart();
    assert!(matches!(within(walk.finish()).await, Err(WalkError::Cancelled { .. })));
    assert_eq!(names(&stage.runtime).await, "a+b+cd");
    assert_eq!(stage.runtime.durable_walks().await.unwrap(), []);
}

marking!(Outlives, OUTLIVES);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_runtime_stops_while_its_store_is_away_and_the_next_one_takes_the_walk_up() {
    let Some(mongod) = Mongod::start() else { return };
    let (stage, impatient) = on_server(&mongod);
    stage.draw("a>b b>c c>d").await;
    let walk = stage.runtime.spawn(Outlives::default()).at(hamlet("a")).key("kept").await.unwrap();
    eventually("it is at c", async || OUTLIVES.waiting.load(SeqCst) == 1).await;
    mongod.kill();
    OUTLIVES.open.add_permits(2);
    it_has_failed(&stage).await;
    within(stage.runtime.clone().shutdown()).await;
    assert!(matches!(within(walk.finish()).await, Err(WalkError::Stopped)));
    mongod.restart();
    let config: Config = impatient(Config::builder()).build().unwrap();
    let runtime = Runtime::start(&config).unwrap();
    let id: Id = "w.Walk.kept".parse().unwrap();
    let settled = within(runtime.settled_walk(&id)).await.unwrap().unwrap();
    assert_eq!(settled.status, WalkStatus::Done);
    assert_eq!(settled.state["marked"], "abcd");
    assert_eq!(names(&runtime).await, "a+b+c+d+");
}

static STEADY: AtomicBool = AtomicBool::new(false);

/// Stumbles until it is steady.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Unsteady {}

#[walker(durable(visits = 1))]
impl Unsteady {
    #[on_visit]
    fn hamlet(&mut self, here: &Here<Hamlet>, walk: &mut Walk) -> Result<(), HookError> {
        if !STEADY.load(SeqCst) {
            return Err("stumbled".into());
        }
        here.update(|hamlet| hamlet.name.push('+'));
        walk.visit(here.neighbours(Direction::Out));
        Ok(())
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_parked_walk_goes_on_although_the_answer_to_its_retry_was_lost() {
    let (stage, store) = Stage::on_trick_store(|config| config.durable_attempts(1));
    stage.draw("a>b b>c c>d").await;
    let walk = stage.runtime.spawn(Unsteady::default()).at(hamlet("a")).key("unsteady").await.unwrap();
    let Err(WalkError::Parked { id, .. }) = within(walk.finish()).await else { panic!("it is parked") };
    STEADY.store(true, SeqCst);
    store.lost_answers.store(1, SeqCst);
    let error = stage.runtime.retry_walk(&id).await.unwrap_err();
    assert!(matches!(error, WalkError::Store(_)), "{error:?}");
    let settled = within(stage.runtime.settled_walk(&id)).await.unwrap().unwrap();
    assert_eq!(settled.status, WalkStatus::Done);
    assert_eq!(names(&stage.runtime).await, "a+b+c+d+");
}

/// Reads the name of a hamlet where it is in memory.
#[derive(Debug, Default)]
struct Names(String);

#[walker]
impl Names {
    #[on_visit]
    fn hamlet(&mut self, here: &Here<Hamlet>) {
        self.0.clone_from(&here.name);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_others_change_is_followed_although_the_store_was_away_at_the_start() {
    let folder = tempfile::tempdir().unwrap();
    let files = folder.path().join("files");
    let config = stage::config(folder.path(), |config| config.store_url(format!("json:{}", files.display())));
    let inner = wayfare_stores::open(config.store.url.as_str(), &Default::default()).unwrap();
    let store = Arc::new(TrickStore::new(inner, 1));
    store.away_for_feeds.store(2, SeqCst);
    let runtime =
        Runtime::with_store(Arc::clone(&store) as Arc<dyn Store>, KeySource::system(), &config).unwrap();
    let graph = runtime.graph();
    graph.create_as("a", Hamlet { name: "old".into() }).await.unwrap();
    graph.flush().await.unwrap();
    let name = async || {
        let walk = runtime.spawn(Names::default()).at(hamlet("a")).await.unwrap();
        within(walk.finish()).await.unwrap().0
    };
    eventually("the feed is asked for again", async || store.away_for_feeds.load(SeqCst) == 0).await;
    assert_eq!(name().await, "old");
    let file = files.join("node/n.Hamlet.a.json");
    let text = std::fs::read_to_string(&file).unwrap();
    std::fs::write(&file, text.replace("\"old\"", "\"new\"")).unwrap();
    eventually("the change of another is seen", async || name().await == "new").await;
}

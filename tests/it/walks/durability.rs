//! What was reported or acknowledged is durable, and a store that fails is told from one that works.

use std::sync::Arc;
use std::sync::atomic::Ordering::SeqCst;

use futures_util::FutureExt;
use tokio::sync::Notify;
use tokio::task::JoinHandle;
use wayfare::{Direction, Error, Graph, Here, StoreError, Stored, Walk, WalkError, WriteError, node, walker};

use super::stage::{Hamlet, Lane, Stage, hamlet, key, until, within};
use super::trick_store::TrickStore;

/// Reports and, if it may, emits the names it reads.
#[derive(Debug, Default)]
struct Reporter {
    emits: bool,
    names: Vec<String>,
}

#[walker]
impl Reporter {
    #[on_visit]
    fn node(&mut self, here: &Here<Hamlet>, walk: &mut Walk) -> Result<(), WalkError> {
        self.names.push(here.name.clone());
        walk.visit(here.neighbours(Direction::Out));
        if self.emits { walk.emit(&here.name) } else { walk.report(&here.name) }
    }
}

async fn names(stage: &Stage, from: &str) -> Vec<String> {
    let walk = stage.runtime.spawn(Reporter::default()).at(hamlet(from)).await.unwrap();
    within(walk.finish()).await.unwrap().names
}

/// Renames a resident hamlet; returns when the new record is published and its commit is held up.
async fn rename_held_up(
    stage: &Stage,
    store: &TrickStore,
    from: &'static str,
    to: &'static str,
) -> JoinHandle<Result<Stored<Hamlet>, Error>> {
    let came = store.applies.came();
    store.applies.close();
    let graph = stage.graph();
    let rename =
        tokio::spawn(async move { graph.update(hamlet(from), |a: &mut Hamlet| a.name = to.into()).await });
    store.applies.wait_for(came + 1).await;
    rename
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_walk_is_not_finished_before_what_it_read_is_durable() {
    let (stage, store) = Stage::on_trick_store(|config| config);
    stage.draw("a>b").await;
    names(&stage, "a").await;
    let rename = rename_held_up(&stage, &store, "a", "A").await;
    let walk = stage.runtime.spawn(Reporter::default()).at(hamlet("a")).await.unwrap();
    until(async || walk.inspect().await.is_some_and(|walk| walk["waiting_for"] == "durability")).await;
    assert!(!rename.is_finished());
    store.applies.open();
    assert_eq!(within(walk.finish()).await.unwrap().names, ["A", "b"]);
    within(rename).await.unwrap().unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_emitted_value_is_not_given_before_what_it_rests_on_is_durable() {
    let (stage, store) = Stage::on_trick_store(|config| config);
    stage.draw("a").await;
    names(&stage, "a").await;
    let rename = rename_held_up(&stage, &store, "a", "A").await;
    let emitter = Reporter { emits: true, ..Reporter::default() };
    let (walk, mut stream) = stage.runtime.spawn(emitter).at(hamlet("a")).stream().await.unwrap();
    until(async || walk.inspect().await.is_some_and(|walk| walk["waiting_for"] == "durability")).await;
    let mut next = Box::pin(stream.next());
    tokio::select! {
        biased;
        value = &mut next => panic!("{value:?} is not durable yet"),
        () = tokio::task::yield_now() => {}
    }
    store.applies.open();
    assert_eq!(within(next).await.unwrap().unwrap(), "A");
    within(walk.finish()).await.unwrap();
    within(rename).await.unwrap().unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_failed_commit_is_told_to_the_writer_and_its_record_rolled_back_while_reads_go_on() {
    let (stage, store) = Stage::on_trick_store(|config| config);
    stage.draw("a>b").await;
    assert_eq!(names(&stage, "a").await, ["a", "b"]);
    store.applies.fail(1);
    let failed = within(stage.graph().update(hamlet("a"), |a: &mut Hamlet| a.name = "A".into())).await;
    assert!(matches!(failed, Err(Error::Store(StoreError::Io { .. }))), "{failed:?}");
    assert_eq!(names(&stage, "a").await, ["a", "b"]);
    let a = stage.graph().get::<Hamlet>(hamlet("a")).await.unwrap().unwrap();
    assert_eq!((a.name.as_str(), a.version().0), ("a", 1));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn writes_are_refused_after_one_failed_until_the_store_is_opened_again() {
    let (stage, store) = Stage::on_trick_store(|config| config);
    stage.draw("a>b").await;
    names(&stage, "a").await;
    store.applies.fail(1);
    let graph = stage.graph();
    let rename = async |name: &str| graph.update(hamlet("a"), |a: &mut Hamlet| a.name = name.into()).await;
    within(rename("A")).await.unwrap_err();
    let came = store.applies.came();
    for name in ["B", "C"] {
        let refused = within(rename(name)).await;
        assert!(matches!(refused, Err(Error::Store(StoreError::Poisoned { .. }))), "{refused:?}");
    }
    let refused = within(graph.create(Hamlet { name: "c".into() })).await;
    assert!(matches!(refused, Err(Error::Store(StoreError::Poisoned { .. }))), "{refused:?}");
    assert_eq!(store.applies.came(), came, "the store is not even asked");
    assert_eq!(names(&stage, "a").await, ["a", "b"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_store_elsewhere_says_itself_what_it_can_write_after_a_commit_that_failed() {
    let (stage, store) = Stage::on_trick_store(|config| config);
    stage.draw("a>b").await;
    store.local.store(false, SeqCst);
    store.applies.fail(1);
    let rename = async |name: &str| {
        stage.graph().update(hamlet("a"), |a: &mut Hamlet| a.name = name.into()).await.map(drop)
    };
    assert!(matches!(within(rename("A")).await, Err(Error::Store(StoreError::Io { .. }))));
    within(rename("B")).await.unwrap();
    assert_eq!(names(&stage, "a").await, ["B", "b"]);
    assert_eq!(stage.runtime.metrics().number("wayfare_writer_poisoned", None), Some(0.0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_writer_that_is_started_again_knows_of_the_commit_that_failed_before() {
    let (stage, store) = Stage::on_trick_store_of(2, |config| {
        config.writers_batch_size(1).writer_restarts_backoff_ms(1).writer_restarts_max_backoff_ms(1)
    });
    stage.draw("a b c").await;
    let rename = |key: &str| {
        let (graph, id) = (stage.graph(), hamlet(key));
        let rename = async move { graph.update(&id, |hamlet: &mut Hamlet| hamlet.name.push('+')).await };
        tokio::spawn(rename.map(|renamed| renamed.map(drop)))
    };
    let came = store.applies.came();
    store.applies.close();
    let first = rename("a");
    store.applies.wait_for(came + 1).await;
    let second = rename("b");
    store.applies.wait_for(came + 2).await;
    store.applies.fail(1);
    store.applies.admit(1);
    assert!(matches!(within(first).await.unwrap(), Err(Error::Store(StoreError::Io { .. }))));
    store.applies.panic(1);
    store.applies.admit(1);
    assert!(matches!(within(second).await.unwrap(), Err(Error::Store(StoreError::Interrupted { .. }))));
    store.applies.open();
    assert!(matches!(within(rename("c")).await.unwrap(), Err(Error::Store(StoreError::Poisoned { .. }))));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_walk_that_waits_for_a_commit_which_fails_ends_with_an_error() {
    let (stage, store) = Stage::on_trick_store(|config| config);
    stage.draw("a").await;
    names(&stage, "a").await;
    let rename = rename_held_up(&stage, &store, "a", "A").await;
    let walk = stage.runtime.spawn(Reporter::default()).at(hamlet("a")).await.unwrap();
    until(async || walk.inspect().await.is_some_and(|walk| walk["waiting_for"] == "durability")).await;
    store.applies.fail(1);
    store.applies.open();
    within(rename).await.unwrap().unwrap_err();
    let ended = within(walk.finish()).await;
    assert!(matches!(ended, Err(WalkError::Retracted { .. })), "{ended:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_walk_that_read_a_failing_update_beside_a_new_edge_ends_with_an_error() {
    let (stage, store) = Stage::on_trick_store(|config| config);
    stage.draw("a b").await;
    names(&stage, "a").await;
    let came = store.applies.came();
    store.applies.close();
    let graph = stage.graph();
    let connect = tokio::spawn(async move { graph.connect(hamlet("a"), hamlet("b"), Lane {}).await });
    store.applies.wait_for(came + 1).await;
    let graph = stage.graph();
    let rename =
        tokio::spawn(async move { graph.update(hamlet("a"), |a: &mut Hamlet| a.name = "A".into()).await });
    let published = async || {
        let shards = stage.runtime.handle().shard_figures().await;
        shards.iter().any(|shard| shard.unsettled_bytes > 0)
    };
    until(published).await;
    // The edge is committed, so the links of the node are read anew; its new name waits for its commit.
    store.applies.admit(1);
    within(connect).await.unwrap().unwrap();
    store.applies.wait_for(came + 2).await;
    let walk = stage.runtime.spawn(Reporter::default()).at(hamlet("a")).await.unwrap();
    until(async || walk.inspect().await.is_some_and(|walk| walk["waiting_for"] == "durability")).await;
    store.applies.fail(1);
    store.applies.open();
    within(rename).await.unwrap().unwrap_err();
    let ended = within(walk.finish()).await.map(|reporter| reporter.names);
    assert!(ended.is_err(), "reported {ended:?}, which was never durable");
    assert_eq!(names(&stage, "a").await, ["a", "b"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_emitted_value_that_rests_on_a_commit_which_fails_is_not_given() {
    let (stage, store) = Stage::on_trick_store(|config| config);
    stage.draw("a").await;
    names(&stage, "a").await;
    let rename = rename_held_up(&stage, &store, "a", "A").await;
    let emitter = Reporter { emits: true, ..Reporter::default() };
    let (walk, mut stream) = stage.runtime.spawn(emitter).at(hamlet("a")).stream().await.unwrap();
    until(async || walk.inspect().await.is_some_and(|walk| walk["waiting_for"] == "durability")).await;
    store.applies.fail(1);
    store.applies.open();
    within(rename).await.unwrap().unwrap_err();
    assert!(
        matches!(within(stream.next()).await, Some(Err(WalkError::Retracted { id })) if id == hamlet("a"))
    );
    assert!(within(stream.next()).await.is_none());
    assert!(matches!(within(walk.finish()).await, Err(WalkError::Retracted { id }) if id == hamlet("a")));
}

/// Reads its start, then waits before it goes on.
#[derive(Debug)]
struct Ponderer {
    read: Arc<Notify>,
    go: Arc<Notify>,
    names: Vec<String>,
}

#[walker]
impl Ponderer {
    #[on_visit]
    async fn node(&mut self, here: &Here<'_, Hamlet>) {
        self.names.push(here.name.clone());
        self.read.notify_one();
        self.go.notified().await;
    }
}

async fn ponder(stage: &Stage) -> (wayfare::Walking<Ponderer>, Arc<Notify>) {
    let (read, go) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let ponderer = Ponderer { read: Arc::clone(&read), go: Arc::clone(&go), names: Vec::new() };
    let walk = stage.runtime.spawn(ponderer).at(hamlet("a")).await.unwrap();
    within(read.notified()).await;
    (walk, go)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_walk_that_read_what_failed_before_it_ended_ends_with_an_error() {
    let (stage, store) = Stage::on_trick_store(|config| config);
    stage.draw("a").await;
    names(&stage, "a").await;
    let rename = rename_held_up(&stage, &store, "a", "A").await;
    let (walk, go) = ponder(&stage).await;
    store.applies.fail(1);
    store.applies.open();
    within(rename).await.unwrap().unwrap_err();
    go.notify_one();
    let ended = within(walk.finish()).await.map(|ponderer| ponderer.names);
    assert!(ended.is_err(), "reported {ended:?}, which was never durable");
}

#[node]
#[derive(Debug)]
struct Parish {
    #[field(unique)]
    code: String,
}

#[derive(Debug, Default)]
struct CodeReader {
    codes: Vec<String>,
}

#[walker]
impl CodeReader {
    #[on_visit]
    fn parish(&mut self, here: &Here<Parish>) {
        self.codes.push(here.code.clone());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_walk_that_read_a_change_which_the_store_refused_does_not_report_it() {
    let (stage, store) = Stage::on_trick_store(|config| config);
    let graph = stage.graph();
    graph.create_as("x", Parish { code: "X".into() }).await.unwrap();
    let y = graph.create_as("y", Parish { code: "Y".into() }).await.unwrap().id().clone();
    let read = async || {
        let walk = stage.runtime.spawn(CodeReader::default()).at(&y).await.unwrap();
        within(walk.finish()).await.map(|reader| reader.codes)
    };
    assert_eq!(read().await.unwrap(), ["Y"]);

    let came = store.applies.came();
    store.applies.close();
    let (writing, id) = (stage.graph(), y.clone());
    let update = tokio::spawn(async move { writing.update(id, |y: &mut Parish| y.code = "X".into()).await });
    store.applies.wait_for(came + 1).await;
    let walk = stage.runtime.spawn(CodeReader::default()).at(&y).await.unwrap();
    until(async || walk.inspect().await.is_some_and(|walk| walk["waiting_for"] == "durability")).await;
    store.applies.open();
    let refused = within(update).await.unwrap();
    assert!(matches!(refused, Err(Error::Write(WriteError::UniqueViolation { .. }))), "{refused:?}");
    if let Ok(reader) = within(walk.finish()).await {
        assert_eq!(reader.codes, ["Y"], "the change was never stored");
    }
    assert_eq!(read().await.unwrap(), ["Y"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn updates_begun_while_one_is_under_way_that_the_store_refuses_are_applied_to_what_is_stored() {
    let (stage, store) = Stage::on_trick_store(|config| config);
    let graph = stage.graph();
    graph.create_as("x", Parish { code: "X".into() }).await.unwrap();
    let y = graph.create_as("y", Parish { code: "Y".into() }).await.unwrap().id().clone();
    let came = store.applies.came();
    store.applies.close();
    let update = |to: &'static str| {
        let (graph, id) = (stage.graph(), y.clone());
        Box::pin(async move { graph.update(id, move |parish: &mut Parish| parish.code = to.into()).await })
    };
    let (graph, id) = (stage.graph(), y.clone());
    let refused = tokio::spawn(async move { graph.update(id, |y: &mut Parish| y.code = "X".into()).await });
    store.applies.wait_for(came + 1).await;
    let (mut first, mut second) = (update("a"), update("b"));
    // They wait for what they are to be based on.
    assert!((&mut first).now_or_never().is_none() && (&mut second).now_or_never().is_none());
    store.applies.open();
    assert!(matches!(within(refused).await.unwrap(), Err(Error::Write(WriteError::UniqueViolation { .. }))));
    let (first, second) = tokio::join!(within(first), within(second));
    let versions = [first.unwrap(), second.unwrap()];
    let mut versions = versions.map(|parish| parish.version().0);
    versions.sort_unstable();
    assert_eq!(versions, [2, 3]);
    let stored = stage.graph().get::<Parish>(&y).await.unwrap().unwrap();
    assert_eq!(stored.version().0, 3);
    assert_eq!(stage.runtime.handle().newest(&y).await.unwrap().unwrap(), *stored.document());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_load_that_fails_ends_the_walk_and_the_next_one_works() {
    let (stage, store) = Stage::on_trick_store(|config| config);
    stage.draw("a>b").await;
    for local in [true, false] {
        store.local.store(local, std::sync::atomic::Ordering::SeqCst);
        store.loads.fail(1);
        let walk = stage.runtime.spawn(Reporter::default()).at(hamlet("a")).await.unwrap();
        match within(walk.finish()).await {
            Err(WalkError::Store(error)) => assert!(error.to_string().contains("told to fail"), "{error}"),
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(names(&stage, "a").await, ["a", "b"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_update_whose_entity_cannot_be_loaded_gets_the_error_and_writes_go_on() {
    let (stage, store) = Stage::on_trick_store(|config| config);
    stage.draw("a").await;
    store.loads.fail(1);
    let graph = stage.graph();
    let failed = within(graph.update(hamlet("a"), |a: &mut Hamlet| a.name = "A".into())).await;
    assert!(matches!(failed, Err(Error::Store(StoreError::Io { .. }))), "{failed:?}");
    within(graph.update(hamlet("a"), |a: &mut Hamlet| a.name = "A".into())).await.unwrap();
    assert_eq!(names(&stage, "a").await, ["A"]);
}

/// Writes what it visits.
#[derive(Debug)]
struct Renamer {
    graph: Graph,
}

#[walker]
impl Renamer {
    #[on_visit]
    async fn node(&mut self, here: &Here<'_>, walk: &mut Walk) -> Result<(), Error> {
        let name = format!("{} by a hook", key(here.id()));
        self.graph.update(here.id(), |hamlet: &mut Hamlet| hamlet.name.clone_from(&name)).await?;
        walk.visit(here.neighbours(Direction::Out));
        Ok(())
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hook_can_write_to_the_graph() {
    let stage = Stage::with(|config| config.workers_count(1).shards_count(1));
    stage.draw("a>b b>c").await;
    let walk = stage.runtime.spawn(Renamer { graph: stage.graph() }).at(hamlet("a")).await.unwrap();
    drop(within(walk.finish()).await.unwrap());
    assert_eq!(names(&stage, "a").await, ["a by a hook", "b by a hook", "c by a hook"]);
}

/// Marks every hamlet that it visits.
#[derive(Debug, Default)]
struct Stamper {}

#[walker]
impl Stamper {
    #[on_visit]
    fn hamlet(&mut self, here: &Here<Hamlet>, walk: &mut Walk) {
        here.update(|hamlet: &mut Hamlet| hamlet.name.push('+'));
        walk.visit(here.neighbours(Direction::Out));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn writes_of_a_walk_whose_answer_was_lost_are_not_made_again() {
    let (stage, store) = Stage::on_trick_store(|config| config);
    stage.draw("a>b").await;
    store.lost_answers.store(1, std::sync::atomic::Ordering::SeqCst);
    let walk = stage.runtime.spawn(Stamper {}).at(hamlet("a")).await.unwrap();
    match within(walk.finish()).await {
        Err(WalkError::Store(error)) => assert!(matches!(*error, StoreError::Unreachable { .. }), "{error}"),
        other => panic!("{other:?}"),
    }
    let name = async |key| stage.graph().get::<Hamlet>(hamlet(key)).await.unwrap().unwrap().name.clone();
    assert_eq!(name("a").await, "a+");
    // On a slow machine the first goes alone, and the walk ends before the second is written.
    let second = name("b").await;
    assert!(["b", "b+"].contains(&&*second), "{second}");
}

//! A walk is one trace, with all that other actors do for it.

use std::collections::HashMap;

use tracing::Instrument;
use wayfare::{Here, Id, Spawn, Walk, walker};

use super::listening::{Told, listen};
use crate::walks::stage::{Hamlet, Stage, Trail, hamlet, until, within};

/// The spans of a name, with their numbers.
fn named<'a>(trace: &'a HashMap<u64, Told>, name: &str) -> Vec<(u64, &'a Told)> {
    trace.iter().filter(|(_, told)| told.name == name).map(|(&id, told)| (id, told)).collect()
}

/// The one span of a name.
fn only<'a>(trace: &'a HashMap<u64, Told>, name: &str) -> (u64, &'a Told) {
    let found = named(trace, name);
    assert_eq!(found.len(), 1, "{name}: {found:?}");
    found[0]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_walk_is_a_child_of_its_caller_and_its_loads_are_children_of_it() {
    let listening = listen();
    let stage = Stage::new();
    stage.draw("a>b b>c").await;
    // More than is loaded in place, so that the store is called on another thread.
    let many: Vec<String> = (0..100).map(|node| format!("c>{node}")).collect();
    stage.draw(&many.join(" ")).await;
    let stage = stage.reopened().await;
    let caller = tracing::info_span!("caller");
    stage.trail("a").instrument(caller.clone()).await;
    until(async || only(&listening.trace_of(&caller), "walk").1.is_closed).await;
    let trace = listening.trace_of(&caller);
    let (walk, told) = only(&trace, "walk");
    assert_eq!(told.parent, caller.id().map(|id| id.into_u64()));
    assert_eq!((told.fields["walker"].as_str(), told.fields["outcome"].as_str()), ("Trail", "finished"));
    assert_eq!(told.fields["at"], "n.Hamlet.a");
    let loads = named(&trace, "store");
    assert!(!loads.is_empty());
    for (_, load) in &loads {
        assert_eq!((load.parent, load.fields["call"].as_str()), (Some(walk), "load"));
    }
    // One for each time the walk could go on, and together they hold all visits.
    let visits = named(&trace, "visits");
    assert!(visits.iter().all(|(_, told)| told.parent == Some(walk)));
    let made: u64 = visits
        .iter()
        .filter_map(|(_, told)| told.fields.get("visits"))
        .map(|n| n.parse::<u64>().unwrap())
        .sum();
    assert_eq!(made, 103, "{visits:?}");
    assert!(visits.len() > 1);
}

/// Writes at every node, starts a child at the first, and says so.
#[derive(Default)]
struct Busy;

#[walker]
impl Busy {
    #[on_visit]
    async fn node(
        &mut self,
        here: &Here<'_, Hamlet>,
        walk: &mut Walk,
    ) -> wayfare::Result<(), wayfare::HookError> {
        here.update(|hamlet| hamlet.name.push('!'));
        tokio::task::yield_now().await;
        tracing::info!(busy_at = %here.id(), "here");
        let child = walk.spawn(Trail::default(), here.id())?;
        child.finish().await?;
        Ok(())
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn commits_children_and_what_hooks_say_are_in_the_trace_of_the_walk() {
    let listening = listen();
    let stage = Stage::new();
    stage.draw("busy").await;
    let caller = tracing::info_span!("caller");
    async {
        let walk = stage.runtime.spawn(Busy).at(hamlet("busy")).await.unwrap();
        within(walk.finish()).await.unwrap();
    }
    .instrument(caller.clone())
    .await;
    until(async || named(&listening.trace_of(&caller), "walk").iter().all(|(_, told)| told.is_closed)).await;
    let trace = listening.trace_of(&caller);
    let walks = named(&trace, "walk");
    let (busy, _) = *walks.iter().find(|(_, told)| told.fields["walker"] == "Busy").unwrap();
    let (_, child) = walks.iter().find(|(_, told)| told.fields["walker"] == "Trail").unwrap();
    // The child was started within a visit of its parent.
    assert_eq!(trace[&child.parent.unwrap()].parent, Some(busy));
    let (commit, told) = only(&trace, "commit");
    assert_eq!((told.parent, told.fields["writes"].as_str()), (Some(busy), "1"));
    let applies: Vec<_> =
        named(&trace, "store").into_iter().filter(|(_, told)| told.fields["call"] == "apply").collect();
    assert!(applies.iter().all(|(_, told)| told.parent == Some(commit)) && applies.len() == 1, "{applies:?}");
    let said = listening.events("busy_at", "n.Hamlet.busy");
    assert_eq!(said.len(), 1);
    assert!(trace.contains_key(&said[0].parent.unwrap()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_walk_that_is_spawned_by_message_and_a_query_are_in_the_trace_of_their_caller() {
    let listening = listen();
    let stage = Stage::new();
    stage.draw("a>b").await;
    let caller = tracing::info_span!("caller");
    async {
        let spawn = Spawn {
            walker: "Trail".into(),
            args: serde_json::json!({}),
            at: hamlet("a"),
            key: None,
            admittance: Default::default(),
        };
        let walk = stage.runtime.send(spawn).await.unwrap();
        within(walk.finish()).await.unwrap();
        stage.graph().find::<Hamlet>(serde_json::json!({})).await.unwrap();
        let missing: Id = hamlet("b");
        stage.graph().delete(missing).await.unwrap();
    }
    .instrument(caller.clone())
    .await;
    let root = caller.id().map(|id| id.into_u64());
    until(async || only(&listening.trace_of(&caller), "walk").1.is_closed).await;
    let trace = listening.trace_of(&caller);
    assert_eq!(only(&trace, "walk").1.parent, root);
    let finds: Vec<_> =
        named(&trace, "store").into_iter().filter(|(_, told)| told.fields["call"] == "find").collect();
    assert!(finds.len() == 1 && finds[0].1.parent == root, "{finds:?}");
    assert_eq!(only(&trace, "commit").1.parent, root);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn walks_that_are_not_sampled_leave_no_spans_and_the_others_do() {
    let listening = listen();
    for (sample, expected) in [(0.0, 0..=0), (0.25, 4..=6), (1.0, 20..=20)] {
        let stage = Stage::with(|config| config.observe_sample(wayfare::Fraction::new(sample).unwrap()));
        stage.draw("a>b").await;
        let caller = tracing::info_span!("caller");
        for _ in 0..20 {
            stage.trail("a").instrument(caller.clone()).await;
        }
        let walks = named(&listening.trace_of(&caller), "walk").len();
        assert!(expected.contains(&walks), "{walks} of 20 at {sample}");
    }
}

//! Figures: the table is what a runtime exposes, and work is counted where it belongs.

use wayfare::{MetricKind, MetricValue, MetricsSnapshot, Runtime, Walk, WalkError, metrics_table, walker};

use crate::walks::stage::{Stage, Trail, hamlet, until, within};

/// Draws `1>2 2>3 …`, so that every turn has one visit where turns are of one.
async fn chain(stage: &Stage, nodes: usize) {
    let edges: Vec<String> = (1..nodes).map(|node| format!("{node}>{}", node + 1)).collect();
    stage.draw(&edges.join(" ")).await;
}

fn number(snapshot: &MetricsSnapshot, name: &str, label: &str) -> f64 {
    snapshot.number(name, (!label.is_empty()).then_some(label)).unwrap_or_else(|| panic!("{name} {label}"))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_runtime_exposes_the_table_with_every_value_of_every_label() {
    let stage = Stage::new();
    stage.draw("a>b").await;
    stage.trail("a").await;
    let snapshot = stage.runtime.metrics();
    let names: Vec<&str> = snapshot.families.iter().map(|family| family.name).collect();
    let table: Vec<&str> = metrics_table().iter().map(|spec| spec.name).collect();
    assert_eq!(names, table);
    for (family, spec) in snapshot.families.iter().zip(metrics_table()) {
        assert_eq!((family.kind, family.unit, family.help), (spec.kind, spec.unit, spec.help));
        // An embedded store has no pool.
        if family.name.starts_with("wayfare_pool_") {
            assert!(family.samples.is_empty(), "{}", family.name);
            continue;
        }
        let labels: Vec<_> = family.samples.iter().map(|sample| sample.label.clone()).collect();
        match spec.label {
            None => assert_eq!(labels, [None], "{}", family.name),
            Some(label) if label.values.is_empty() => {
                assert_eq!(labels.len(), 1, "{}", family.name);
                assert_eq!(labels[0].as_ref().unwrap().0, label.name);
            }
            Some(label) => {
                let expected: Vec<_> =
                    label.values.iter().map(|&value| Some((label.name, value.to_owned()))).collect();
                assert_eq!(labels, expected, "{}", family.name);
            }
        }
        let is_histogram = spec.kind == MetricKind::Histogram;
        for sample in &family.samples {
            assert_eq!(matches!(sample.value, MetricValue::Distribution(_)), is_histogram, "{}", family.name);
        }
    }
    let text = snapshot.to_prometheus();
    let typed: Vec<&str> = text.lines().filter_map(|line| line.strip_prefix("# TYPE ")).collect();
    let expected: Vec<String> =
        metrics_table().iter().map(|spec| format!("{} {}", spec.name, spec.kind.name())).collect();
    assert_eq!(typed, expected);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn visits_walks_and_hooks_are_counted_by_the_time_a_walk_has_ended() {
    let stage = Stage::with(|config| config.workers_count(1).workers_turn_visits(1));
    chain(&stage, 200).await;
    for _ in 0..2 {
        stage.trail("1").await;
    }
    let told = stage.runtime.metrics();
    assert_eq!(number(&told, "wayfare_visits_total", ""), 400.0);
    assert_eq!(number(&told, "wayfare_walks_started_total", ""), 2.0);
    assert_eq!(number(&told, "wayfare_walks_ended_total", "finished"), 2.0);
    assert_eq!(number(&told, "wayfare_admissions_total", "admitted"), 2.0);
    assert_eq!(told.histogram("wayfare_walk_seconds", None).unwrap().count, 2);
    // One turn in 61 has its hooks timed, of which it has one; turns that only load may come between the 400.
    let hooks = told.histogram("wayfare_hook_seconds", None).unwrap();
    assert!((6..=20).contains(&hooks.count), "{hooks:?}");
    assert!(told.histogram("wayfare_mailbox_wait_seconds", Some("worker")).unwrap().count == 2);
    // The first walk had everything loaded, the second found it.
    assert!(number(&told, "wayfare_cache_misses_total", "resident") > 0.0);
    assert!(number(&told, "wayfare_cache_hits_total", "resident") >= 200.0);
    assert!(told.histogram("wayfare_store_seconds", Some("load")).unwrap().count > 0);
    assert!(number(&told, "wayfare_resident_bytes", "") > 0.0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn walks_are_counted_by_what_they_wait_for_until_they_are_gone() {
    let stage = Stage::new();
    stage.draw("a>b").await;
    let walk = stage.runtime.spawn(Waits).at(hamlet("a")).await.unwrap();
    let state = |name: &str| stage.runtime.metrics().number("wayfare_walks", Some(name)).unwrap();
    until(async || state("hooking") == 1.0).await;
    assert_eq!(stage.runtime.metrics().number("wayfare_walks_alive", None), Some(1.0));
    walk.cancel();
    assert!(matches!(within(walk.finish()).await, Err(WalkError::Cancelled { .. })));
    until(async || stage.runtime.metrics().number("wayfare_walks", None) == Some(0.0)).await;
    let told = stage.runtime.metrics();
    assert_eq!(number(&told, "wayfare_walks_ended_total", "cancelled"), 1.0);

    let walk = stage.runtime.spawn(Trail::default()).at(hamlet("a")).await.unwrap();
    walk.pause();
    until(async || state("paused") == 1.0 || walk.inspect().await.is_none()).await;
    walk.resume();
    within(walk.finish()).await.unwrap();
    until(async || stage.runtime.metrics().number("wayfare_walks", None) == Some(0.0)).await;
}

#[derive(Debug, Default)]
struct Waits;

#[walker]
impl Waits {
    #[on_visit]
    async fn node(&mut self, _here: &wayfare::Here<'_>, _walk: &mut Walk) {
        std::future::pending::<()>().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn commits_writes_and_conflicts_are_counted() {
    let (stage, store) = Stage::on_trick_store(|config| config);
    stage.draw("a b").await;
    let graph = stage.graph();
    let mut one = graph.get::<crate::walks::stage::Hamlet>(hamlet("a")).await.unwrap().unwrap();
    let mut two = graph.get::<crate::walks::stage::Hamlet>(hamlet("a")).await.unwrap().unwrap();
    one.name = "one".into();
    graph.save(&mut one).await.unwrap();
    two.name = "two".into();
    graph.save(&mut two).await.unwrap_err();
    let told = stage.runtime.metrics();
    assert_eq!(number(&told, "wayfare_conflicts_total", ""), 1.0);
    assert_eq!(number(&told, "wayfare_writes_total", "written"), 3.0);
    let commits = told.histogram("wayfare_commit_writes", None).unwrap();
    assert_eq!((commits.count, commits.sum), (2, 3.0));
    assert_eq!(told.histogram("wayfare_commit_seconds", None).unwrap().count, 2);
    assert_eq!(told.histogram("wayfare_flush_lag_seconds", None).unwrap().count, 2);
    assert_eq!(told.histogram("wayfare_mailbox_wait_seconds", Some("writer")).unwrap().count, 2);

    // While one commit is held up, what comes after it waits in the mailbox of the writer, under way.
    store.applies.close();
    let writing = {
        let graph = graph.clone();
        tokio::spawn(async move {
            graph.update::<crate::walks::stage::Hamlet>(hamlet("b"), |it| it.name.push('!')).await
        })
    };
    store.applies.wait_for(3).await;
    assert_eq!(number(&stage.runtime.metrics(), "wayfare_writes_under_way", ""), 1.0);
    store.applies.open();
    within(writing).await.unwrap().unwrap();
    until(async || number(&stage.runtime.metrics(), "wayfare_writes_under_way", "") == 0.0).await;
    assert_eq!(number(&stage.runtime.metrics(), "wayfare_mailbox_depth", ""), 0.0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn spawns_without_room_are_counted_as_refused() {
    let stage = Stage::with(|config| config.workers_max_walks(1));
    stage.draw("a").await;
    let walk = stage.runtime.spawn(Waits).at(hamlet("a")).await.unwrap();
    stage.runtime.spawn(Waits).at(hamlet("a")).await.unwrap_err();
    let told = stage.runtime.metrics();
    assert_eq!(number(&told, "wayfare_admissions_total", "overloaded"), 1.0);
    assert_eq!(number(&told, "wayfare_walks_max", ""), 1.0);
    walk.cancel();
    within(walk.finish()).await.unwrap_err();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_metrics_nothing_is_timed_and_what_costs_nothing_is_still_counted() {
    let off = |stage: &Runtime| {
        let told = stage.metrics();
        let waits = told.family("wayfare_mailbox_wait_seconds").unwrap().samples.iter();
        let waits = waits.filter(|it| matches!(&it.value, MetricValue::Distribution(told) if told.count > 0));
        (told.histogram("wayfare_hook_seconds", None).unwrap().count, waits.count())
    };
    let stage = Stage::with(|config| config.observe_metrics(false).workers_turn_visits(1).workers_count(1));
    chain(&stage, 200).await;
    stage.trail("1").await;
    assert_eq!(off(&stage.runtime), (0, 0));
    assert_eq!(number(&stage.runtime.metrics(), "wayfare_visits_total", ""), 200.0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn figures_belong_to_their_runtime() {
    let (one, other) = (Stage::new(), Stage::new());
    one.draw("a>b").await;
    one.trail("a").await;
    assert_eq!(number(&one.runtime.metrics(), "wayfare_visits_total", ""), 2.0);
    assert_eq!(number(&other.runtime.metrics(), "wayfare_visits_total", ""), 0.0);
}

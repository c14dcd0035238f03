//! Lazy neighbour expressions, and what narrows them: fields of edges, entities of nodes, order, number, cost.

use serde_json::json;
use wayfare::{Direction, Filter, Graph, Id, Order, Random, Unique, WalkError, WalkOptions, edge};

use super::script::{Outcome, Scene, Script};
use super::stage::{Ferry, Hamlet, Harbour, Stage, hamlet, key};

/// A way with a length.
#[edge(multi)]
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Passage {
    pub(super) km: f64,
}

/// The id of a place: keys in capitals are harbours.
pub(super) fn place(key: &str) -> Id {
    let entity = if key.starts_with(char::is_uppercase) { "Harbour" } else { "Hamlet" };
    Id::node(entity, key).unwrap()
}

/// Stores places and passages, such as `a>B:2 B=c:1.5`, in the order of the text; `~` is a ferry.
pub(super) async fn chart(text: &str) -> Scene {
    let stage = Stage::new();
    let graph = stage.graph();
    for token in text.split_whitespace() {
        let sign = token.find(['>', '=', '~']).unwrap();
        let (from, rest) = token.split_at(sign);
        let (to, km) = rest[1..].split_once(':').unwrap_or((&rest[1..], "0"));
        for key in [from, to] {
            found_or_made(&graph, key).await;
        }
        let (from, to, km) = (place(from), place(to), km.parse().unwrap());
        match &rest[..1] {
            "~" => drop(graph.connect(from, to, Ferry {}).await.unwrap()),
            ">" => drop(graph.connect(from, to, Passage { km }).await.unwrap()),
            _ => drop(graph.connect_both(from, to, Passage { km }).await.unwrap()),
        }
    }
    Scene::of(stage)
}

async fn found_or_made(graph: &Graph, key: &str) {
    let name = key.to_owned();
    if graph.document(&place(key)).await.unwrap().is_some() {
        return;
    }
    if place(key).entity().as_str() == "Harbour" {
        graph.create_as(key, Harbour { name, berths: 1 }).await.unwrap();
    } else {
        graph.create_as(key, Hamlet { name }).await.unwrap();
    }
}

/// From `a`, out: `b` 5 km, `C` 2 km, `d` 9 km, `E` 2 km, `f` 7 km, and a ferry to `G`; in: `C` 1 km, `h` 3 km;
/// both ways: `i` 4 km.
const CHART: &str = "a>b:5 a>C:2 a>d:9 C>a:1 a>E:2 a=i:4 a~G a>f:7 h>a:3";

async fn names(script: Script) -> String {
    chart(CHART).await.names(&hamlet("a"), WalkOptions::default(), script).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_filter_keeps_edges_by_their_fields_in_any_direction() {
    let out: Script = |here, walk| {
        walk.visit(here.out::<Passage>().filter(|passage: &Passage| passage.km < 5.0));
        Ok(())
    };
    // `C` leads back to `a`, and `i` as well.
    assert_eq!(names(out).await, "a C E i");
    let into: Script = |here, walk| {
        if walk.depth() == 0 {
            walk.visit(here.in_::<Passage>().filter(|passage: &Passage| passage.km > 1.0));
        }
        Ok(())
    };
    assert_eq!(names(into).await, "a i h");
    let both: Script = |here, walk| {
        if walk.depth() == 0 {
            walk.visit(here.both::<Passage>().filter(|passage: &Passage| passage.km < 4.5));
        }
        Ok(())
    };
    assert_eq!(names(both).await, "a C E i h");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_filter_has_to_be_passed_and_edges_of_another_entity_pass_none() {
    let script: Script = |here, walk| {
        if walk.depth() == 0 {
            let near = here.neighbours(Direction::Out).filter(|passage: &Passage| passage.km < 8.0);
            walk.visit(near.filter(|passage: &Passage| passage.km > 2.0));
        }
        Ok(())
    };
    assert_eq!(names(script).await, "a b i f");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn to_keeps_nodes_of_an_entity_whatever_the_edge() {
    let script: Script = |here, walk| {
        walk.visit(here.neighbours(Direction::Out).to::<Harbour>());
        Ok(())
    };
    assert_eq!(names(script).await, "a C E G");
    let filtered: Script = |here, walk| {
        if walk.depth() == 0 {
            walk.visit(here.both::<Passage>().to::<Harbour>().filter(|passage: &Passage| passage.km < 2.0));
        }
        Ok(())
    };
    assert_eq!(names(filtered).await, "a C");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn limit_takes_the_first_of_what_is_left_wherever_it_is_written() {
    let script: Script = |here, walk| {
        if walk.depth() == 0 {
            walk.visit(here.out::<Passage>().limit(2).to::<Harbour>());
            walk.visit(here.out::<Passage>().limit(2).filter(|passage: &Passage| passage.km > 4.0));
            walk.visit(here.out::<Passage>().limit(0));
        }
        Ok(())
    };
    assert_eq!(names(script).await, "a C E b d");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sorted_by_orders_by_fields_and_equals_by_age() {
    let script: Script = |here, walk| {
        if walk.depth() == 0 {
            walk.visit(here.out::<Passage>().sorted_by(|a: &Passage, b: &Passage| a.km.total_cmp(&b.km)));
        }
        Ok(())
    };
    assert_eq!(names(script).await, "a C E i b f d");
    let few: Script = |here, walk| {
        if walk.depth() == 0 {
            let farthest = |a: &Passage, b: &Passage| b.km.total_cmp(&a.km);
            walk.visit(here.neighbours(Direction::Both).limit(3).sorted_by(farthest));
        }
        Ok(())
    };
    assert_eq!(names(few).await, "a d f b");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn matching_keeps_edges_that_satisfy_a_filter() {
    let script: Script = |here, walk| {
        if walk.depth() == 0 {
            let filter = Filter::parse(&json!({"context.km": {"$gte": 2, "$lt": 5}})).unwrap();
            walk.visit(here.neighbours(Direction::Both).matching(filter));
        }
        Ok(())
    };
    assert_eq!(names(script).await, "a C E i h");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_of_chooses_among_what_is_left() {
    let script: Script = |here, walk| {
        for seed in 0..20 {
            walk.visit(here.out::<Passage>().to::<Harbour>().one_of(&mut Random::new(seed)));
            let far = here.out::<Passage>().filter(|passage: &Passage| passage.km > 6.0);
            walk.visit(far.one_of(&mut Random::new(seed)));
        }
        Ok(())
    };
    let options = WalkOptions::default().unique(Unique::None);
    let mut scene = chart("a>b:5 a>C:2 a>d:9 a>E:2 a>f:7").await;
    let names = scene.names(&hamlet("a"), options, script).await;
    let counts =
        ["a", "b", "C", "d", "E", "f"].map(|one| names.split(' ').filter(|name| *name == one).count());
    assert_eq!(
        (counts[0], counts[1], counts[2] + counts[4], counts[3] + counts[5]),
        (1, 0, 20, 20),
        "{names}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn expressions_of_edges_can_be_prepended_and_inserted() {
    let script: Script = |here, walk| {
        if key(here.id()) == "a" {
            walk.visit(here.out::<Passage>().filter(|passage: &Passage| passage.km > 4.0));
            walk.prepend(here.in_::<Passage>().sorted_by(|a: &Passage, b: &Passage| b.km.total_cmp(&a.km)));
            walk.insert_after(&hamlet("d"), here.out::<Passage>().to::<Harbour>().limit(2))?;
        }
        Ok(())
    };
    // `C` was prepended and is moved behind `d`.
    assert_eq!(names(script).await, "a i h b d C E f");
}

fn cheapest() -> WalkOptions {
    WalkOptions::default().order(Order::LeastCost)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn at_cost_adds_the_weight_of_the_edge_to_the_cost_of_the_visit() {
    let script: Script = |here, walk| {
        walk.report(&(key(here.id()), walk.cost()))?;
        walk.visit(here.out::<Passage>().at_cost(|passage: &Passage| passage.km));
        Ok(())
    };
    let mut scene = chart("a>b:5 a>c:1 c>b:2 b>d:1.5 c>d:4 d>e:0 a~e e>f:1").await;
    let (_, report) = scene.run(&hamlet("a"), cheapest(), script).await.unwrap();
    let expected = [("a", 0.0), ("c", 1.0), ("b", 3.0), ("d", 4.5), ("e", 4.5), ("f", 5.5)];
    assert_eq!(report, expected.map(|visit| json!(visit)));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn at_cost_leaves_out_edges_of_another_entity_and_minds_what_narrows() {
    let script: Script = |here, walk| {
        let near = here.neighbours(Direction::Out).filter(|passage: &Passage| passage.km < 6.0);
        walk.visit(near.at_cost(|passage: &Passage| passage.km).to::<Harbour>());
        Ok(())
    };
    let mut scene = chart("a>B:5 a>C:1 a>D:8 a~E a>f:1").await;
    assert_eq!(scene.names(&hamlet("a"), cheapest(), script).await, "a C B");
}

#[track_caller]
fn bad_weight(outcome: Outcome) -> (Id, String) {
    match outcome {
        Err(WalkError::BadWeight { at, reason }) => (at, reason),
        other => panic!("{other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_weight_that_is_not_a_number_ends_the_walk_with_the_edge() {
    let script: Script = |here, walk| {
        walk.visit(here.out::<Passage>().at_cost(|passage: &Passage| (passage.km - 2.0).sqrt()));
        Ok(())
    };
    let mut scene = chart("a>b:3 a>c:1").await;
    let (at, reason) = bad_weight(scene.run(&hamlet("a"), cheapest(), script).await);
    assert_eq!((at.entity().as_str(), reason.as_str()), ("Passage", "its weight is not a number"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cost_or_an_estimate_that_is_not_a_number_is_refused() {
    let scripts: [Script; 3] = [
        |_, walk| walk.visit_at(f64::NAN, walk.slot_of(&hamlet("b"))),
        |_, walk| walk.visit_toward(1.0, f64::NAN, walk.slot_of(&hamlet("b"))),
        |_, walk| walk.visit_toward(f64::INFINITY, f64::NEG_INFINITY, walk.slot_of(&hamlet("b"))),
    ];
    let mut scene = chart("a>b:3").await;
    for script in scripts {
        assert_eq!(bad_weight(scene.run(&hamlet("a"), cheapest(), script).await).0, hamlet("b"));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn edges_that_do_not_fit_their_type_end_the_walk_with_their_id() {
    let stage = Stage::new();
    let graph = stage.graph();
    for key in ["a", "b", "c"] {
        found_or_made(&graph, key).await;
    }
    graph.connect(hamlet("a"), hamlet("b"), Passage { km: 1.0 }).await.unwrap();
    let json = json!({
        "id": "e.Passage.bad", "entity": "Passage", "context": {"km": "far"},
        "source": "n.Hamlet.a", "target": "n.Hamlet.c", "bidirectional": false,
    });
    let document = super::stage::document(json);
    let bad = document.id().clone();
    graph.write(wayfare::Write::Create { document, multi: true }).await.unwrap();
    drop(graph);
    let mut scene = Scene::of(stage);
    let scripts: [Script; 2] = [
        |here, walk| {
            walk.visit(here.out::<Passage>().filter(|passage: &Passage| passage.km < 2.0));
            Ok(())
        },
        |here, walk| {
            walk.visit(here.out::<Passage>().sorted_by(|a: &Passage, b: &Passage| a.km.total_cmp(&b.km)));
            Ok(())
        },
    ];
    for (number, script) in scripts.into_iter().enumerate() {
        match scene.run(&hamlet("a"), WalkOptions::default(), script).await {
            Err(WalkError::Unreadable { id, .. }) => assert_eq!(id, bad, "{number}"),
            other => panic!("{number}: {other:?}"),
        }
    }
}

use std::collections::BTreeSet;

use serde_json::json;
use wayfare_graph::{Direction, Id, KeySource, Kind, Need, Query, Random, Store, Written};

use crate::harness::*;

fn pairs(links: &[(&str, &str)]) -> Vec<(String, String)> {
    links.iter().map(|&(edge, other)| (edge.to_owned(), other.to_owned())).collect()
}

pub async fn neighbours_come_in_the_order_of_their_edges_ids(store: &dyn Store) {
    given_nodes(store, &["n.City.hub", "n.City.x"]).await;
    let source = KeySource::system();
    let generated: Vec<String> =
        (0..50).map(|_| source.next_id(Kind::Edge, name("Road")).to_string()).collect();
    // Made backwards: the order is that of the ids, which is that of creation only for generated ones.
    let edges = generated.iter().rev().map(|id| edge(id, "n.City.hub", "n.City.x"));
    given(store, edges).await;
    let given_keys = ["e.Road.z", "e.Rail.0", "e.Rail.zz", "e.Road.00", "e.Road.f"];
    given(store, given_keys.map(|id| edge(id, "n.City.hub", "n.City.x"))).await;
    let mut wanted: Vec<_> = generated.iter().map(String::as_str).chain(given_keys).map(id).collect();
    wanted.sort_by(wayfare_graph::Id::cmp_by_key);
    for (node, direction) in
        [("n.City.hub", Direction::Out), ("n.City.x", Direction::In), ("n.City.x", Direction::Both)]
    {
        let edges: Vec<_> =
            links(store, node, direction).await.into_iter().map(|(edge, _)| id(&edge)).collect();
        assert_eq!(edges, wanted, "{node} {direction}");
    }
}

pub async fn directions_are_told_apart(store: &dyn Store) {
    given_nodes(store, &["n.City.a", "n.City.b", "n.City.c", "n.City.d"]).await;
    given(
        store,
        [
            edge("e.Road.1", "n.City.b", "n.City.a"),
            road("e.Road.2", "n.City.a", "n.City.c"),
            edge("e.Road.3", "n.City.a", "n.City.d"),
            road("e.Road.4", "n.City.d", "n.City.a"),
            edge("e.Road.5", "n.City.b", "n.City.c"),
        ],
    )
    .await;
    let (one, two, three, four) = (
        ("e.Road.1", "n.City.b"),
        ("e.Road.2", "n.City.c"),
        ("e.Road.3", "n.City.d"),
        ("e.Road.4", "n.City.d"),
    );
    assert_eq!(links(store, "n.City.a", Direction::Out).await, pairs(&[two, three, four]));
    assert_eq!(links(store, "n.City.a", Direction::In).await, pairs(&[one, two, four]));
    assert_eq!(links(store, "n.City.a", Direction::Both).await, pairs(&[one, two, three, four]));
    assert_eq!(links(store, "n.City.c", Direction::Out).await, pairs(&[("e.Road.2", "n.City.a")]));
}

pub async fn self_loops_are_listed_as_promised(store: &dyn Store) {
    given_nodes(store, &["n.City.a", "n.City.b"]).await;
    given(
        store,
        [
            edge("e.Road.1", "n.City.a", "n.City.a"),
            road("e.Road.2", "n.City.a", "n.City.a"),
            edge("e.Road.3", "n.City.a", "n.City.b"),
        ],
    )
    .await;
    let (one, two, three) = (("e.Road.1", "n.City.a"), ("e.Road.2", "n.City.a"), ("e.Road.3", "n.City.b"));
    assert_eq!(links(store, "n.City.a", Direction::Out).await, pairs(&[one, two, three]));
    assert_eq!(links(store, "n.City.a", Direction::In).await, pairs(&[one, two]));
    assert_eq!(links(store, "n.City.a", Direction::Both).await, pairs(&[one, one, two, three]));
}

pub async fn only_what_is_needed_is_loaded(store: &dyn Store) {
    given_nodes(store, &["n.City.a", "n.City.b"]).await;
    given(store, [edge("e.Road.1", "n.City.a", "n.City.b")]).await;
    let loaded = store.load(&[id("n.City.a")], Need::DOCUMENT).await.unwrap();
    assert!(loaded.documents[0].is_some());
    assert!(loaded.adjacency.iter().all(|adjacency| adjacency.ends.is_empty() && adjacency.links.is_empty()));
    let loaded = store.load(&[id("n.City.a")], Need::DOCUMENT.links(Direction::Out)).await.unwrap();
    assert_eq!(loaded.adjacency[0].links.len(), 1);
    assert!(loaded.adjacency[0].edges.is_empty());
    assert!(loaded.adjacency[1].ends.is_empty() && loaded.adjacency[2].ends.is_empty());
    let loaded = store.load(&[], Need::DOCUMENT.edges(Direction::Both)).await.unwrap();
    assert!(loaded.documents.is_empty());
}

pub async fn nodes_that_do_not_exist_have_no_neighbours(store: &dyn Store) {
    given_nodes(store, &["n.City.a", "n.City.b"]).await;
    given(store, [edge("e.Road.1", "n.City.a", "n.City.b")]).await;
    let ids = [id("n.City.none"), id("n.City.a"), id("n.Never.seen"), id("n.City.a")];
    let loaded = store.load(&ids, Need::DOCUMENT.links(Direction::Out)).await.unwrap();
    let there: Vec<bool> = loaded.documents.iter().map(Option::is_some).collect();
    assert_eq!(there, [false, true, false, true]);
    assert_eq!(loaded.adjacency[0].ends, [0, 1, 1, 2]);
    assert_eq!(loaded.adjacency[0].range(3), 1..2);
}

pub async fn every_need_brings_its_part(store: &dyn Store) {
    given_nodes(store, &["n.City.a", "n.City.b"]).await;
    let json =
        json!({"id": "e.Road.2", "source": "n.City.b", "target": "n.City.a", "context": {"km": 7}, "tag": 1});
    given(store, [document(json), edge("e.Road.1", "n.City.a", "n.City.b")]).await;
    let need =
        Need::DOCUMENT.links(Direction::Out).and(Need::DOCUMENT.edges(Direction::In)).edges(Direction::Both);
    let loaded = store.load(&[id("n.City.b"), id("n.City.a")], need).await.unwrap();
    let [out, into, both] = &loaded.adjacency;
    assert_eq!(
        (out.ends.as_slice(), into.ends.as_slice(), both.ends.as_slice()),
        (&[1, 2][..], &[1, 2][..], &[2, 4][..])
    );
    assert!(out.edges.is_empty());
    let ids = |documents: &[wayfare_graph::Document]| {
        documents.iter().map(|edge| edge.id().to_string()).collect::<Vec<_>>()
    };
    assert_eq!(ids(&into.edges), ["e.Road.1", "e.Road.2"]);
    assert_eq!(ids(&both.edges), ["e.Road.1", "e.Road.2", "e.Road.1", "e.Road.2"]);
    assert_eq!(Some(into.edges[1].clone()), get(store, "e.Road.2").await);
    for adjacency in [into, both] {
        for (link, edge) in adjacency.links.iter().zip(&adjacency.edges) {
            assert_eq!(link.edge, *edge.id());
        }
    }
}

pub async fn edges_with_one_key_order_by_entity(store: &dyn Store) {
    given_nodes(store, &["n.City.a", "n.City.b"]).await;
    // The entities are stored for the first time against the order of their names.
    for key in ["d400618fa5094d6b9c223223", "same"] {
        let entities = ["Zebra", "Middle", "Ant"];
        given(store, entities.map(|entity| edge(&format!("e.{entity}.{key}"), "n.City.a", "n.City.b"))).await;
    }
    let edges: Vec<String> =
        links(store, "n.City.a", Direction::Out).await.into_iter().map(|(edge, _)| edge).collect();
    let wanted = ["d400618fa5094d6b9c223223", "same"]
        .iter()
        .flat_map(|key| ["Ant", "Middle", "Zebra"].map(|entity| format!("e.{entity}.{key}")));
    assert_eq!(edges, wanted.collect::<Vec<_>>());
}

pub async fn a_node_may_have_thousands_of_neighbours(store: &dyn Store) {
    let seed = 11;
    println!("seed {seed}");
    let mut random = Random::new(seed);
    given_nodes(store, &["n.City.hub", "n.City.before", "n.City.x", "n.Town.a-town-with-a-long-name"]).await;
    let mut there = BTreeSet::new();
    for round in 0..6 {
        let mut writes = Vec::new();
        for _ in 0..800 {
            let n = random.next_u64() % 2_000;
            let text = match n % 3 {
                0 => format!("e.Road.{n:024x}"),
                1 => format!("e.Road.{}{n}", "k".repeat(n as usize % 100)),
                _ => format!("e.Rail.{n:024x}"),
            };
            // More is added at first and more is removed in the end.
            if random.next_u64() % 6 >= round {
                if there.insert(id(&text)) {
                    let other =
                        if n.is_multiple_of(2) { "n.City.x" } else { "n.Town.a-town-with-a-long-name" };
                    let document = if n.is_multiple_of(5) {
                        road(&text, "n.City.hub", other)
                    } else {
                        edge(&text, "n.City.hub", other)
                    };
                    writes.push(create_multi(document));
                }
            } else if there.remove(&id(&text)) {
                writes.push(delete(&text));
            }
        }
        assert!(write(store, writes).await.iter().all(Result::is_ok));
        let mut wanted: Vec<&Id> = there.iter().collect();
        wanted.sort_by(|a, b| a.cmp_by_key(b));
        let wanted: Vec<String> = wanted.into_iter().map(ToString::to_string).collect();
        for direction in [Direction::Out, Direction::Both] {
            let listed: Vec<String> =
                links(store, "n.City.hub", direction).await.into_iter().map(|(edge, _)| edge).collect();
            assert_eq!(listed, wanted, "round {round}");
        }
        let entering = links(store, "n.City.x", Direction::In).await.len()
            + links(store, "n.Town.a-town-with-a-long-name", Direction::In).await.len();
        assert_eq!(entering, wanted.len());
        assert!(round > 2 || wanted.len() > 500);
    }
    match one(store, delete("n.City.hub")).await {
        Ok(Written::Deleted { edges, .. }) => assert_eq!(edges.into_iter().collect::<BTreeSet<_>>(), there),
        other => panic!("{other:?}"),
    }
    assert_eq!(links(store, "n.City.x", Direction::Both).await, []);
    assert_eq!(
        store.count(&Query { entity: None, ..query(Kind::Edge, "Road", json!({})) }).await.unwrap(),
        0
    );
}

pub async fn documents_of_every_kind_are_got_in_the_order_asked_for(store: &dyn Store) {
    given_nodes(store, &["n.City.a", "n.City.b"]).await;
    given(store, [edge("e.Road.a", "n.City.a", "n.City.b"), node("o.City.a", json!({}))]).await;
    given(store, [node("w.City.a", json!({}))]).await;
    let texts = [
        "o.City.a",
        "n.City.none",
        "e.Road.a",
        "n.City.b",
        "w.City.a",
        "w.City.none",
        "n.City.a",
        "n.City.b",
    ];
    let got = store.get_many(&texts.map(id)).await.unwrap();
    let got: Vec<_> =
        got.iter().map(|document| document.as_ref().map(|document| document.id().to_string())).collect();
    let wanted = texts.map(|text| (!text.ends_with("none")).then(|| text.to_owned()));
    assert_eq!(got, wanted);
}

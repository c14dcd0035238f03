use serde_json::json;
use wayfare_graph::{Direction, Document, Store, WriteError};

use crate::harness::*;

fn with_km(id: &str, km: u32) -> Document {
    document(json!({"id": id, "source": "n.City.a", "target": "n.City.b", "context": {"km": km}}))
}

pub async fn connecting_twice_finds_the_same_edge(store: &dyn Store) {
    given_nodes(store, &["n.City.a", "n.City.b"]).await;
    assert_eq!(
        one(store, connect(edge("e.Road.r", "n.City.a", "n.City.b"), None)).await,
        created("e.Road.r")
    );
    assert_eq!(
        one(store, connect(edge("e.Road.s", "n.City.a", "n.City.b"), None)).await,
        unchanged("e.Road.r", 1)
    );
    assert_eq!(get(store, "e.Road.s").await, None);
    // The other way, another entity, and a self loop are other pairs.
    for (other, source, target) in [
        ("e.Road.back", "n.City.b", "n.City.a"),
        ("e.Rail.r", "n.City.a", "n.City.b"),
        ("e.Road.loop", "n.City.a", "n.City.a"),
    ] {
        assert_eq!(one(store, connect(edge(other, source, target), None)).await, created(other));
    }
    assert_eq!(links(store, "n.City.a", Direction::Out).await.len(), 3);
}

pub async fn fields_are_written_over_those_that_are_stored(store: &dyn Store) {
    given_nodes(store, &["n.City.a", "n.City.b"]).await;
    let first = json!({"id": "e.Road.r", "source": "n.City.a", "target": "n.City.b", "context": {"km": 1, "name": "R"}});
    given(store, [document(first)]).await;
    assert_eq!(one(store, connect(with_km("e.Road.x", 2), None)).await, changed("e.Road.r", 2));
    assert_eq!(context(store, "e.Road.r").await, json!({"km": 2, "name": "R"}));
    assert_eq!(one(store, connect(with_km("e.Road.x", 2), None)).await, unchanged("e.Road.r", 2));
}

pub async fn the_nth_parallel_edge_is_found_or_created(store: &dyn Store) {
    given_nodes(store, &["n.City.a", "n.City.b"]).await;
    let results = write(
        store,
        [
            connect(with_km("e.Road.1", 1), Some(0)),
            connect(with_km("e.Road.2", 2), Some(1)),
            connect(with_km("e.Road.3", 3), Some(7)),
            connect(with_km("e.Road.x", 9), Some(1)),
            connect(with_km("e.Road.x", 3), Some(2)),
            connect(with_km("e.Road.1", 5), Some(3)),
            connect(with_km("e.Road.x", 1), None),
        ],
    );
    let wanted = [
        created("e.Road.1"),
        created("e.Road.2"),
        created("e.Road.3"),
        changed("e.Road.2", 2),
        unchanged("e.Road.3", 1),
        exists("e.Road.1"),
        unchanged("e.Road.1", 1),
    ];
    assert_eq!(results.await, wanted);
    assert_eq!(context(store, "e.Road.2").await, json!({"km": 9}));
    assert_eq!(links(store, "n.City.a", Direction::Out).await.len(), 3);
}

pub async fn parallel_edges_count_in_the_order_of_their_ids(store: &dyn Store) {
    given_nodes(store, &["n.City.a", "n.City.b"]).await;
    // Given and generated keys, created in another order than that of their texts.
    let ids = [
        "e.Road.z",
        "e.Road.d400618fa5094d6b9c223223",
        "e.Road.a",
        "e.Road.e",
        "e.Road.000000000000000000000001",
    ];
    given(store, ids.map(|id| with_km(id, 1))).await;
    let mut sorted = ids;
    sorted.sort_unstable();
    for (nth, text) in (0..).zip(sorted) {
        assert_eq!(one(store, connect(with_km("e.Road.x", 1), Some(nth))).await, unchanged(text, 1));
    }
}

pub async fn what_cannot_be_connected_is_refused(store: &dyn Store) {
    given_nodes(store, &["n.City.a", "n.City.b"]).await;
    assert!(is_unsuitable(&one(store, connect(node("n.City.c", json!({})), None)).await));
    let missing = one(store, connect(edge("e.Road.r", "n.City.none", "n.City.b"), Some(0))).await;
    assert!(matches!(missing, Err(WriteError::UnknownEnd { missing, .. }) if missing == id("n.City.none")));
    given(store, [edge("e.Road.r", "n.City.a", "n.City.b")]).await;
    // The id belongs to an edge between other nodes.
    assert_eq!(one(store, connect(edge("e.Road.r", "n.City.b", "n.City.a"), None)).await, exists("e.Road.r"));
    // The edge that was found is no road in both directions, and cannot become one.
    assert!(is_unsuitable(&one(store, connect(road("e.Road.s", "n.City.a", "n.City.b"), None)).await));
}

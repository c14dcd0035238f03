use serde_json::{Value, json};
use wayfare_graph::{Kind, Query, SortKey, Store};

use crate::harness::*;

async fn given_cities(store: &dyn Store) {
    given(
        store,
        [
            node("n.City.a", json!({"name": "Ulm", "country": "DE", "size": 126})),
            node("n.City.b", json!({"name": "Bern", "country": "CH", "size": 134})),
            node("n.City.c", json!({"name": "Graz", "country": "AT", "size": 291})),
            node("n.City.d", json!({"name": "Basel", "country": "CH", "size": 178})),
            node("n.City.e", json!({"name": "Nowhere"})),
            node("n.Town.f", json!({"name": "Zug", "country": "CH", "size": 30})),
            node("o.City.g", json!({"name": "Object", "country": "CH"})),
        ],
    )
    .await;
}

fn by(path: &str, descending: bool) -> SortKey {
    SortKey { path: path.to_owned(), descending }
}

fn sorted(sort: &[(&str, bool)]) -> Query {
    let sort = sort.iter().map(|&(path, descending)| by(path, descending)).collect();
    Query { sort, ..Query::entity(Kind::Node, name("City")) }
}

pub async fn documents_are_found_by_filter(store: &dyn Store) {
    given_cities(store).await;
    for (condition, wanted) in [
        (json!({}), &["a", "b", "c", "d", "e"][..]),
        (json!({"context.country": "CH"}), &["b", "d"]),
        (json!({"context.size": {"$gt": 126, "$lte": 178}}), &["b", "d"]),
        (json!({"context.size": {"$exists": false}}), &["e"]),
        (json!({"context.name": {"$regex": "^B"}}), &["b", "d"]),
        (json!({"context.country": "FR"}), &[]),
        (json!({"entity": "Town"}), &[]),
    ] {
        assert_eq!(found(store, &query(Kind::Node, "City", condition.clone())).await, wanted, "{condition}");
    }
    let everywhere = Query { entity: None, ..query(Kind::Node, "City", json!({"context.country": "CH"})) };
    let mut all = found(store, &everywhere).await;
    all.sort();
    assert_eq!(all, ["b", "d", "f"]);
    assert_eq!(found(store, &query(Kind::Object, "City", json!({"context.country": "CH"}))).await, ["g"]);
}

pub async fn skip_and_limit_follow_the_filter(store: &dyn Store) {
    given_cities(store).await;
    let sized = || query(Kind::Node, "City", json!({"context.size": {"$gt": 0}}));
    for sort in [vec![], vec![by("context.size", false)], vec![by("context.size", true)]] {
        let whole = found(store, &Query { sort: sort.clone(), ..sized() }).await;
        assert_eq!(whole.len(), 4);
        for skip in 0..6 {
            for limit in [None, Some(0), Some(1), Some(3), Some(9)] {
                let part = found(store, &Query { sort: sort.clone(), skip, limit, ..sized() }).await;
                let wanted: Vec<_> =
                    whole.iter().skip(skip).take(limit.unwrap_or(usize::MAX)).cloned().collect();
                assert_eq!(part, wanted, "skip {skip} limit {limit:?}");
            }
        }
    }
}

pub async fn a_sort_orders_as_mongodb_does(store: &dyn Store) {
    given_cities(store).await;
    assert_eq!(found(store, &sorted(&[("context.size", false)])).await, ["e", "a", "b", "d", "c"]);
    assert_eq!(found(store, &sorted(&[("context.size", true)])).await, ["c", "d", "b", "a", "e"]);
    let by_country = sorted(&[("context.country", false), ("context.name", true)]);
    assert_eq!(found(store, &by_country).await, ["e", "c", "b", "d", "a"]);
    assert_eq!(found(store, &sorted(&[("context.country", true)])).await, ["a", "b", "d", "c", "e"]);
    assert_eq!(found(store, &sorted(&[("id", true)])).await, ["e", "d", "c", "b", "a"]);

    let values = [
        json!([]),
        Value::Null,
        json!(-1.5),
        json!(9_007_199_254_740_992_i64),
        json!(9_007_199_254_740_993_i64),
        json!(""),
        json!("Z"),
        json!("a"),
        json!({}),
        json!({"a": 1}),
        json!([[]]),
        json!(false),
        json!(true),
    ];
    // Stored from the last to the first, so that the order of ids is no help.
    let documents = values
        .iter()
        .enumerate()
        .map(|(n, value)| node(&format!("n.Value.{:02}", 20 - n), json!({"v": value})));
    given(store, documents).await;
    let ascending = Query { entity: Some(name("Value")), ..sorted(&[("context.v", false)]) };
    let wanted: Vec<String> = (0..values.len()).map(|n| format!("{:02}", 20 - n)).collect();
    assert_eq!(found(store, &ascending).await, wanted);
    let descending = Query { entity: Some(name("Value")), ..sorted(&[("context.v", true)]) };
    assert_eq!(found(store, &descending).await, wanted.iter().rev().cloned().collect::<Vec<_>>());

    // A list counts by its smallest member on the way up and by its largest on the way down.
    given(
        store,
        [
            node("n.List.a", json!({"v": [1, 9]})),
            node("n.List.b", json!({"v": 5})),
            node("n.List.c", json!({"v": [{"x": 1}, 7]})),
        ],
    )
    .await;
    let lists = |descending| Query { entity: Some(name("List")), ..sorted(&[("context.v", descending)]) };
    assert_eq!(found(store, &lists(false)).await, ["a", "b", "c"]);
    assert_eq!(found(store, &lists(true)).await, ["c", "a", "b"]);
}

pub async fn a_limited_sort_is_the_beginning_of_the_whole(store: &dyn Store) {
    let documents = (0..5_000_u32)
        .map(|n| node(&format!("n.City.{n:04}"), json!({"v": n.wrapping_mul(2_654_435_761) % 100})));
    given(store, documents).await;
    let whole = found(store, &sorted(&[("context.v", false)])).await;
    assert_eq!(whole.len(), 5_000);
    // Equal documents stay in the order of their ids.
    assert!(whole[..50].is_sorted());
    for (skip, limit) in [(0, 1), (0, 70), (10, 7), (4_990, 20), (5_001, 1)] {
        let part = found(store, &Query { skip, limit: Some(limit), ..sorted(&[("context.v", false)]) }).await;
        assert_eq!(part, whole.iter().skip(skip).take(limit).cloned().collect::<Vec<_>>());
    }
}

pub async fn a_projection_keeps_only_its_paths(store: &dyn Store) {
    given(
        store,
        [
            node("n.City.a", json!({"name": "A", "at": {"x": 1, "y": 2}, "tags": ["t"]})),
            document(json!({"id": "n.City.b", "context": {"at": 3}, "owner": {"name": "O", "age": 1}})),
        ],
    )
    .await;
    given(store, [document(json!({"id": "e.Road.r", "source": "n.City.a", "target": "n.City.b", "context": {"km": 1, "n": 2}}))]).await;
    let projected = |paths: &[&str]| Query {
        projection: Some(paths.iter().map(|&path| path.to_owned()).collect()),
        ..Query::entity(Kind::Node, name("City"))
    };
    let contexts = async |paths: &[&str]| {
        let documents = store.find(&projected(paths)).await.unwrap();
        documents.iter().map(|document| Value::Object(document.context().unwrap())).collect::<Value>()
    };
    assert_eq!(contexts(&["context.name"]).await, json!([{"name": "A"}, {}]));
    assert_eq!(contexts(&["name", "context.at.y"]).await, json!([{"name": "A", "at": {"y": 2}}, {}]));
    assert_eq!(contexts(&["id"]).await, json!([{}, {}]));
    assert_eq!(contexts(&["context"]).await[0]["tags"], json!(["t"]));
    let owners = store.find(&projected(&["owner.name"])).await.unwrap();
    assert_eq!(owners[1].to_json().unwrap()["owner"], json!({"name": "O"}));
    assert_eq!((owners[1].id(), owners[1].version().0), (&id("n.City.b"), 1));
    // The filter and the sort see what the projection leaves out.
    let hidden = Query {
        filter: filter(json!({"context.tags": "t"})),
        sort: vec![by("context.at.x", true)],
        ..projected(&["name"])
    };
    assert_eq!(found(store, &hidden).await, ["a"]);
    let roads = Query { projection: Some(vec!["km".into()]), ..Query::entity(Kind::Edge, name("Road")) };
    let road = store.find(&roads).await.unwrap().remove(0);
    assert_eq!(Value::Object(road.context().unwrap()), json!({"km": 1}));
    assert_eq!(road.ends().unwrap().target, id("n.City.b"));
}

pub async fn ids_and_ends_are_found(store: &dyn Store) {
    given_nodes(store, &["n.City.a", "n.City.b", "n.City.c"]).await;
    given(
        store,
        [
            edge("e.Road.1", "n.City.a", "n.City.b"),
            road("e.Road.2", "n.City.b", "n.City.a"),
            edge("e.Rail.3", "n.City.a", "n.City.c"),
            edge("e.Road.4", "n.City.a", "n.City.a"),
        ],
    )
    .await;
    let nodes = |condition| query(Kind::Node, "City", condition);
    assert_eq!(found(store, &nodes(json!({"id": "n.City.b"}))).await, ["b"]);
    assert_eq!(
        found(store, &nodes(json!({"_id": {"$in": ["n.City.c", "n.Town.a", "no id", "n.City.a"]}}))).await,
        ["a", "c"]
    );
    assert_eq!(found(store, &nodes(json!({"id": "e.Road.1"}))).await, [""; 0]);
    let roads = |condition| query(Kind::Edge, "Road", condition);
    assert_eq!(found(store, &roads(json!({"source": "n.City.a"}))).await, ["1", "4"]);
    assert_eq!(found(store, &roads(json!({"target": "n.City.a"}))).await, ["2", "4"]);
    assert_eq!(found(store, &roads(json!({"source": "n.City.b", "bidirectional": true}))).await, ["2"]);
    assert_eq!(found(store, &roads(json!({"source": {"$in": ["n.City.b", "o.City.a", 3]}}))).await, ["2"]);
    let any = Query { entity: None, ..roads(json!({"source": "n.City.a", "target": "n.City.c"})) };
    assert_eq!(found(store, &any).await, ["3"]);
}

pub async fn counts_ignore_all_but_the_filter(store: &dyn Store) {
    given_cities(store).await;
    let part = |entity: Option<&str>, condition| Query {
        entity: entity.map(name),
        skip: 2,
        limit: Some(1),
        sort: vec![by("context.name", false)],
        projection: Some(vec!["name".into()]),
        ..query(Kind::Node, "City", condition)
    };
    assert_eq!(store.count(&part(Some("City"), json!({}))).await.unwrap(), 5);
    assert_eq!(store.count(&part(Some("City"), json!({"context.country": "CH"}))).await.unwrap(), 2);
    // Six nodes were given, and there is the root.
    assert_eq!(store.count(&part(None, json!({}))).await.unwrap(), 7);
    assert_eq!(store.count(&part(None, json!({"context.country": "CH"}))).await.unwrap(), 3);
}

pub async fn what_was_never_stored_is_not_found(store: &dyn Store) {
    for kind in [Kind::Node, Kind::Edge, Kind::Object, Kind::Walker] {
        for condition in
            [json!({}), json!({"context.x": 1}), json!({"id": "n.Never.x"}), json!({"source": "n.Never.x"})]
        {
            let query = query(kind, "Never", condition);
            assert_eq!(found(store, &query).await, [""; 0]);
            assert_eq!(store.count(&query).await.unwrap(), 0);
        }
    }
}

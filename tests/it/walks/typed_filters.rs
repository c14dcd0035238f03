//! Finding by conditions on the fields of an entity type.

use serde_json::json;
use wayfare::{
    AccessPath, EdgeEntity, Entity, Error, Filter, FilterError, Graph, Index, Query, SortKey, Stored, Where,
    edge, node,
};

use super::stage::Stage;

#[node]
struct Lodger {
    city: String,
    age: u32,
    #[serde(default, rename = "nick", skip_serializing_if = "Option::is_none")]
    nickname: Option<String>,
    rating: f64,
}

#[edge]
struct Likes {
    much: bool,
}

fn lodger(city: &str, age: u32, nickname: Option<&str>) -> Lodger {
    Lodger { city: city.into(), age, nickname: nickname.map(Into::into), rating: f64::from(age) / 10.0 }
}

async fn lodgers(graph: &Graph) {
    for (key, lodger) in [
        ("ada", lodger("Oslo", 36, Some("Countess"))),
        ("bo", lodger("Oslo", 17, None)),
        ("cy", lodger("Bergen", 36, None)),
    ] {
        graph.create_as(key, lodger).await.unwrap();
    }
}

fn ages(found: &[Stored<Lodger>]) -> Vec<(&str, u32)> {
    found.iter().map(|lodger| (lodger.city.as_str(), lodger.age)).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_condition_on_fields_finds_what_the_same_json_finds() {
    let stage = Stage::new();
    let graph = stage.graph();
    lodgers(&graph).await;
    let adults = Lodger::city().eq("Oslo").and(Lodger::age().gte(18));
    let found = graph.find::<Lodger>(adults.clone()).await.unwrap();
    assert_eq!(ages(&found), [("Oslo", 36)]);
    // The entity follows from the condition.
    assert_eq!(ages(&graph.find(adults).await.unwrap()), [("Oslo", 36)]);
    let by_hand = json!({"context.city": "Oslo", "context.age": {"$gte": 18}});
    assert_eq!(ages(&graph.find::<Lodger>(by_hand.clone()).await.unwrap()), [("Oslo", 36)]);
    assert_eq!(ages(&graph.find(Filter::parse(&by_hand).unwrap()).await.unwrap()), [("Oslo", 36)]);
    // Renamed, and not stored where it is `None`.
    let named = graph.find(Lodger::nickname().regex("^Count").or(Lodger::rating().lt(2.0))).await.unwrap();
    assert_eq!(ages(&named), [("Oslo", 36), ("Oslo", 17)]);
    assert_eq!(graph.find(Lodger::nickname().eq(None)).await.unwrap().len(), 2);
    assert_eq!(graph.find(Where::<Lodger>::all()).await.unwrap().len(), 3);
    let refused = graph.find(Lodger::rating().gt(f64::NAN)).await;
    assert!(matches!(refused, Err(Error::Filter(FilterError::NoStoredForm { .. }))));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_condition_on_indexed_fields_is_answered_by_the_index() {
    let stage = Stage::new();
    let graph = stage.graph();
    lodgers(&graph).await;
    let index = Index::new(Lodger::KIND, Lodger::entity_name(), ["city", "age"]);
    graph.make_index(index).await.unwrap();
    let filter =
        Filter::try_from(Lodger::city().eq("Oslo").and(Lodger::age().gt(10).and(Lodger::age().lt(20))));
    let sort: Vec<SortKey> = vec![Lodger::age().descending()];
    let query = Query { filter: filter.unwrap(), sort, ..Query::entity(Lodger::KIND, Lodger::entity_name()) };
    let explanation = graph.explain(query.clone()).await.unwrap();
    assert!(
        matches!(&explanation.access, AccessPath::Index { equal_fields: 1, range: true, .. }),
        "{explanation:?}"
    );
    assert_eq!(graph.find_documents(query).await.unwrap().len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_condition_on_the_ends_of_edges_is_answered_by_their_nodes() {
    let stage = Stage::new();
    let graph = stage.graph();
    lodgers(&graph).await;
    for (from, to, much) in [("ada", "bo", true), ("ada", "cy", false), ("cy", "bo", true)] {
        let [from, to] = [from, to].map(|key| format!("n.Lodger.{key}"));
        graph.connect(from, to, Likes { much }).await.unwrap();
    }
    let condition = Likes::source_id().eq("n.Lodger.ada").and(Likes::much().eq(true));
    let found = graph.find::<Likes>(condition.clone()).await.unwrap();
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].document().ends().unwrap().target.to_string(), "n.Lodger.bo");
    let filter = Filter::try_from(condition).unwrap();
    let query = Query { filter, ..Query::entity(Likes::KIND, Likes::entity_name()) };
    let explanation = graph.explain(query).await.unwrap();
    assert!(matches!(explanation.access, AccessPath::EdgesOf { .. }), "{explanation:?}");
}

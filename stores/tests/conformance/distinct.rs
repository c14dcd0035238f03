use serde_json::{Value, json};
use wayfare_graph::{Kind, Query, Store};

use crate::harness::*;

async fn distinct(store: &dyn Store, condition: Value, path: &str) -> Vec<Value> {
    store.distinct(&query(Kind::Node, "City", condition), path).await.unwrap()
}

pub async fn different_values_come_once_and_in_order(store: &dyn Store) {
    given(
        store,
        [
            node("n.City.a", json!({"country": "DE", "tags": ["x", "y"], "place": {"lat": 1}})),
            node("n.City.b", json!({"country": "CH", "tags": [], "place": {"lat": 2.5}})),
            node(
                "n.City.c",
                json!({"country": "DE", "tags": ["y", 3], "place": [{"lat": 2.5}, {"long": 1}]}),
            ),
            node("n.City.d", json!({"country": null, "tags": "x", "place": 7})),
            node("n.City.e", json!({})),
            node("n.Town.f", json!({"country": "FR"})),
        ],
    )
    .await;
    assert_eq!(distinct(store, json!({}), "context.country").await, [json!(null), json!("CH"), json!("DE")]);
    assert_eq!(distinct(store, json!({}), "context.tags").await, [json!(3), json!("x"), json!("y")]);
    assert_eq!(distinct(store, json!({}), "context.place.lat").await, [json!(1), json!(2.5)]);
    assert_eq!(distinct(store, json!({"context.tags": "y"}), "context.country").await, [json!("DE")]);
    assert_eq!(distinct(store, json!({}), "context.never").await, Vec::<Value>::new());
    let everywhere = Query { entity: None, ..query(Kind::Node, "City", json!({})) };
    let entities = store.distinct(&everywhere, "entity").await.unwrap();
    assert_eq!(entities, [json!("City"), json!("Root"), json!("Town")]);
}

pub async fn many_documents_are_looked_at(store: &dyn Store) {
    given(store, (0..2_500).map(|n| node(&format!("n.City.{n:05}"), json!({"n": n % 7})))).await;
    let wanted: Vec<Value> = (0..7).map(Value::from).collect();
    assert_eq!(distinct(store, json!({}), "context.n").await, wanted);
}

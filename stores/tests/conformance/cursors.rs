use serde_json::{Value, json};
use wayfare_graph::{Kind, Query, SortKey, SortPosition, Store};

use crate::harness::*;

/// Values of every type, some of them twice, lists among them, and documents without the field.
fn values() -> Vec<Option<Value>> {
    let some = [
        json!(null),
        json!([]),
        json!(-1),
        json!(2.5),
        json!(2.5),
        json!(7),
        json!("a"),
        json!("b"),
        json!({"x": 1}),
        json!({"x": 2}),
        json!([1, 9]),
        json!(["a", 3]),
        json!([[1]]),
        json!([null, "z"]),
        json!(false),
        json!(true),
        json!([true, -5]),
    ];
    let mut values: Vec<Option<Value>> = some.into_iter().map(Some).collect();
    values.extend([None, None]);
    values
}

async fn given_values(store: &dyn Store) {
    let documents = values().into_iter().enumerate().map(|(n, value)| {
        let mut context = json!({"group": n % 3});
        if let Some(value) = value {
            context["v"] = value;
        }
        // Not in the order of the values.
        node(&format!("n.City.{:02}", n * 7 % 19), context)
    });
    given(store, documents).await;
}

fn by(path: &str, descending: bool) -> SortKey {
    SortKey { path: path.to_owned(), descending }
}

/// Pages of `limit`, each begun after the last document of the one before.
async fn paged(store: &dyn Store, query: &Query, limit: usize) -> Vec<String> {
    let mut all = Vec::new();
    let mut page = Query { limit: Some(limit), ..query.clone() };
    loop {
        let documents = store.find(&page).await.unwrap();
        assert!(documents.len() <= limit);
        all.extend(keys(&documents));
        let Some(last) = documents.last().filter(|_| documents.len() == limit) else { return all };
        page.after = Some(SortPosition::of(last, &query.sort));
    }
}

pub async fn pages_by_cursor_add_up_whatever_the_sort(store: &dyn Store) {
    given_values(store).await;
    for sort in [
        vec![],
        vec![by("context.v", false)],
        vec![by("context.v", true)],
        vec![by("context.group", false), by("context.v", true)],
        vec![by("context.group", true), by("context.v", false)],
        vec![by("id", true)],
    ] {
        let query = Query { sort, ..Query::entity(Kind::Node, name("City")) };
        let whole = found(store, &query).await;
        assert_eq!(whole.len(), values().len());
        for limit in [1, 2, 5] {
            assert_eq!(paged(store, &query, limit).await, whole, "{:?} by {limit}", query.sort);
        }
    }
}

pub async fn a_cursor_holds_while_documents_come_and_go(store: &dyn Store) {
    given(store, (0..6).map(|n| node(&format!("n.City.{n}"), json!({"v": n * 10})))).await;
    let sort = vec![by("context.v", false)];
    let query = Query { sort, limit: Some(3), ..Query::entity(Kind::Node, name("City")) };
    let first = store.find(&query).await.unwrap();
    let after = Some(SortPosition::of(first.last().unwrap(), &query.sort));
    one(store, delete("n.City.2")).await.unwrap();
    given(store, [node("n.City.x", json!({"v": 5})), node("n.City.y", json!({"v": 25}))]).await;
    assert_eq!(found(store, &Query { after, ..query }).await, ["y", "3", "4"]);
}

pub async fn a_cursor_goes_with_filter_skip_and_index(store: &dyn Store) {
    store.create_index(&index("City", &["country"], false)).await.unwrap();
    let city =
        |n: usize| node(&format!("n.City.{n:02}"), json!({"country": (["CH", "DE"][n % 2]), "size": n % 5}));
    given(store, (0..20).map(city)).await;
    let sort = vec![by("context.size", true)];
    let query = Query { sort, ..query(Kind::Node, "City", json!({"context.country": "CH"})) };
    let whole = found(store, &query).await;
    assert_eq!(whole.len(), 10);
    assert_eq!(paged(store, &query, 3).await, whole);
    let unsorted = Query { sort: vec![], ..query.clone() };
    assert_eq!(paged(store, &unsorted, 4).await, found(store, &unsorted).await);
    let fourth = get(store, &format!("n.City.{}", whole[3])).await.unwrap();
    let after = Some(SortPosition::of(&fourth, &query.sort));
    assert_eq!(found(store, &Query { after, skip: 2, limit: Some(2), ..query }).await, whole[6..8]);
}

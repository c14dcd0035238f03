use std::collections::BTreeSet;

use serde_json::json;
use wayfare_graph::{EntityName, Id, KeySource, Kind, Query, Store};

use crate::harness::*;

async fn pages(store: &dyn Store, kind: Kind, entity: Option<EntityName>, limit: usize) -> Vec<Id> {
    let mut ids = Vec::new();
    let mut after = None;
    loop {
        let page = store.scan(kind, entity, after.as_ref(), limit).await.unwrap();
        assert!(page.documents.len() <= limit);
        ids.extend(page.documents.iter().map(|document| document.id().clone()));
        after = page.next;
        if after.is_none() {
            return ids;
        }
        assert_eq!(page.documents.len(), limit, "only the last page may be short");
    }
}

pub async fn pages_add_up_to_all_documents(store: &dyn Store) {
    let source = KeySource::system();
    let mut all = BTreeSet::from([Id::root()]);
    for entity in ["Zebra", "Ant", "Middle"] {
        let mut texts: Vec<String> = (0..7).map(|n| format!("n.{entity}.given-{n}")).collect();
        texts.extend((0..8).map(|_| source.next_id(Kind::Node, name(entity)).to_string()));
        given(store, texts.iter().map(|text| node(text, json!({})))).await;
        all.extend(texts.iter().map(|text| id(text)));
    }
    given(store, [edge("e.Road.r", "n.Ant.given-0", "n.Ant.given-1"), node("o.Ant.x", json!({}))]).await;
    let whole = pages(store, Kind::Node, None, 1000).await;
    assert_eq!(whole.iter().cloned().collect::<BTreeSet<_>>(), all);
    assert_eq!(whole.len(), all.len());
    let ants = pages(store, Kind::Node, Some(name("Ant")), 1000).await;
    assert_eq!(ants, whole.iter().filter(|id| id.entity() == name("Ant")).cloned().collect::<Vec<_>>());
    for limit in [1, 2, 5, 15, 46, 47] {
        assert_eq!(pages(store, Kind::Node, None, limit).await, whole);
        assert_eq!(pages(store, Kind::Node, Some(name("Ant")), limit).await, ants);
    }
    // A query without a sort has the same order.
    let found = store.find(&Query { entity: None, ..Query::entity(Kind::Node, name("Ant")) }).await.unwrap();
    assert_eq!(found.iter().map(|document| document.id().clone()).collect::<Vec<_>>(), whole);
    // Within an entity, keys of one form come in the order of their texts.
    let generated: Vec<Id> = ants.iter().filter(|id| id.key_bits().is_some()).cloned().collect();
    assert!(generated.is_sorted() && generated.len() == 8);
    assert!(ants.iter().filter(|id| id.key_bits().is_none()).is_sorted());
    assert_eq!(pages(store, Kind::Edge, None, 5).await, [id("e.Road.r")]);
    assert_eq!(pages(store, Kind::Node, Some(name("Never")), 5).await, []);
    assert_eq!(pages(store, Kind::Walker, None, 5).await, []);
}

pub async fn a_scan_goes_on_after_a_document_that_was_deleted(store: &dyn Store) {
    given_nodes(store, &["n.City.a", "n.City.b", "n.City.c", "n.City.d"]).await;
    let city = Some(name("City"));
    let first = store.scan(Kind::Node, city, None, 2).await.unwrap();
    assert_eq!(
        (keys(&first.documents), &first.next),
        (vec!["a".to_owned(), "b".to_owned()], &Some(id("n.City.b")))
    );
    one(store, delete("n.City.b")).await.unwrap();
    let second = store.scan(Kind::Node, city, first.next.as_ref(), 2).await.unwrap();
    assert_eq!((keys(&second.documents), second.next), (vec!["c".to_owned(), "d".to_owned()], None));
}

pub async fn stats_count_documents_by_entity(store: &dyn Store) {
    given_nodes(store, &["n.City.a", "n.City.b", "n.Airport.x"]).await;
    given(store, [edge("e.Road.r", "n.City.a", "n.City.b"), node("o.City.x", json!({}))]).await;
    given(store, [node("w.Reach.x", json!({})), node("w.Reach.y", json!({})), node("w.Gone.z", json!({}))])
        .await;
    one(store, delete("w.Gone.z")).await.unwrap();
    store.create_index(&index("City", &["name"], false)).await.unwrap();
    one(store, delete("n.City.b")).await.unwrap();
    let stats = store.stats().await.unwrap();
    let mut wanted = vec![
        (Kind::Object, name("City"), 1),
        (Kind::Node, name("Airport"), 1),
        (Kind::Node, name("City"), 1),
        (Kind::Node, name("Root"), 1),
        (Kind::Walker, name("Reach"), 2),
    ];
    wanted.sort();
    assert_eq!(stats.entities, wanted);
    assert_eq!(stats.indexes, [index("City", &["name"], false)]);
    assert!(stats.used_bytes > 0 && stats.file_bytes >= stats.used_bytes);
}

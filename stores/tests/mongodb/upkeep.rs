use bson::{Bson, doc};
use serde_json::json;
use wayfare_graph::{Finding, Kind, Store, Version};

use crate::*;

#[test]
fn versions_are_added_in_pages_that_can_be_taken_up() {
    let Some(url) = single_url() else { return };
    let store = open(&url);
    block_on(async {
        let database = raw(&url).await;
        let nodes = database.collection::<BsonDocument>("node");
        let old = (0..25).map(|n| {
            let text = format!("n.City.{n:02}");
            doc! { "_id": &text, "id": &text, "entity": "City", "context": { "n": n } }
        });
        nodes.insert_many(old).await.unwrap();
        given(&store, [node("n.City.05x", json!({}))]).await;
        let first = store.add_versions(Kind::Node, None, 10).await.unwrap();
        assert_eq!((first.examined, first.changed, first.next.clone()), (10, 9, Some(id("n.City.08"))));
        // Somebody saves one in between.
        assert!(write(&store, vec![save(node("n.City.20", json!({})), 0)]).await[0].is_ok());
        let mut after = first.next;
        let mut changed = first.changed;
        while let Some(last) = after {
            let page = store.add_versions(Kind::Node, Some(&last), 10).await.unwrap();
            changed += page.changed;
            after = page.next;
        }
        assert_eq!(changed, 24);
        let stored = raw_one(&database, "node", "n.City.11").await.unwrap();
        assert_eq!(stored.get("_version"), Some(&Bson::Int32(0)));
        assert_eq!(get(&store, "n.City.20").await.unwrap().version(), Version(1));
        let again = store.add_versions(Kind::Node, None, 1_000).await.unwrap();
        assert_eq!((again.examined, again.changed, again.next), (27, 0, None));
    });
}

fn places(findings: &[Finding]) -> Vec<String> {
    let place = |finding: &Finding| match finding {
        Finding::BadDocument { place, .. } => place.clone(),
        other => panic!("{other:?}"),
    };
    findings.iter().map(place).collect()
}

#[test]
fn what_is_no_document_is_told_and_put_aside() {
    let Some(url) = single_url() else { return };
    let store = open(&url);
    block_on(async {
        given(&store, [node("n.City.a", json!({})), node("n.City.b", json!({}))]).await;
        given(&store, [edge("e.Road.r", "n.City.a", "n.City.b")]).await;
        let database = raw(&url).await;
        let nodes = database.collection::<BsonDocument>("node");
        let bad = [
            doc! { "_id": bson::oid::ObjectId::from_bytes([1; 12]), "x": 1 },
            doc! { "_id": 5 },
            doc! { "_id": "n.City.other", "entity": "Town", "context": {} },
            doc! { "_id": "n.City.list", "entity": "City", "context": [] },
            doc! { "_id": "o.City.here", "entity": "City", "context": {} },
        ];
        nodes.insert_many(bad).await.unwrap();
        // A document all the same: that it leads nowhere is for whoever looks at the graph.
        let orphan = doc! {
            "_id": "e.Road.orphan", "entity": "Road", "context": {}, "source": "n.City.a", "target": "n.City.gone",
        };
        database.collection("edge").insert_one(orphan).await.unwrap();
        let mut wanted = [
            "node: 5",
            "node: n.City.list",
            "node: n.City.other",
            "node: o.City.here",
            "node: ObjectId(\"010101010101010101010101\")",
        ];
        wanted.sort_unstable();
        let findings = store.check_up(false).await.unwrap();
        let mut told = places(&findings);
        told.sort();
        assert_eq!(told, wanted);
        assert!(findings.iter().all(|finding| !finding.is_repaired()));
        // What is no document at all does not disturb a scan.
        assert_eq!(store.scan(Kind::Edge, None, None, 10).await.unwrap().documents.len(), 2);
        let findings = store.check_up(true).await.unwrap();
        assert!(findings.len() == 5 && findings.iter().all(Finding::is_repaired));
        assert_eq!(store.check_up(true).await.unwrap(), []);
        let aside = database.collection::<BsonDocument>("wayfare_set_aside");
        assert_eq!(aside.count_documents(doc! {}).await.unwrap(), 5);
        let kept = aside.find_one(doc! { "_id.id": "n.City.other" }).await.unwrap().unwrap();
        assert_eq!(kept.get_document("document").unwrap().get_str("entity").unwrap(), "Town");
        assert!(get(&store, "e.Road.r").await.is_some());
    });
}

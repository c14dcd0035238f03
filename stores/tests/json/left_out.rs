//! What the journal knows and whose file cannot be read: left out of queries, and never touched.

use serde_json::json;
use wayfare_graph::{
    Direction, Filter, Kind, Need, Query, SortKey, SortPosition, Store, Write, WriteBatch, WriteError,
};

use crate::*;

fn ids(documents: &[Document]) -> Vec<String> {
    let key = |document: &Document| document.id().to_string().rsplit('.').next().unwrap().to_owned();
    documents.iter().map(key).collect()
}

fn check_queries(store: &JsonStore) {
    let all = Query::kind(Kind::Node);
    let cities = Query::entity(Kind::Node, id("n.City.x").entity());
    let query = |filter: Value| Query { filter: Filter::parse(&filter).unwrap(), ..cities.clone() };
    assert_eq!(ids(&now(store.find(&cities)).unwrap()), ["a", "c", "d"]);
    assert_eq!(now(store.count(&cities)).unwrap(), 3);
    assert_eq!(now(store.count(&all)).unwrap(), 4);
    assert_eq!(now(store.count(&query(json!({"context.n": {"$lt": 3}})))).unwrap(), 1);
    assert_eq!(now(store.count(&query(json!({"$and": [{"id": "n.City.b"}]})))).unwrap(), 0);
    assert_eq!(now(store.distinct(&cities, "context.n")).unwrap(), [json!(1), json!(3), json!(4)]);
    let sort = vec![SortKey { path: "context.n".into(), descending: true }];
    let first = Query { sort: sort.clone(), limit: Some(2), ..cities.clone() };
    let found = now(store.find(&first)).unwrap();
    assert_eq!(ids(&found), ["d", "c"]);
    let after = Some(SortPosition::of(&found[1], &sort));
    assert_eq!(ids(&now(store.find(&Query { after, ..first })).unwrap()), ["a"]);
    // All may have to be looked at before one is found.
    let explained = now(store.explain(&Query { limit: Some(1), ..cities })).unwrap();
    assert_eq!(explained.examined, Some(4));
    let mut after = None;
    let mut pages = Vec::new();
    loop {
        let page = now(store.scan(Kind::Node, Some(id("n.City.x").entity()), after.as_ref(), 1)).unwrap();
        pages.push(ids(&page.documents).concat());
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    assert_eq!(pages, ["a", "", "c", "d"]);
}

#[test]
fn a_document_whose_file_went_bad_is_left_out_of_every_query() {
    let files = Files::new();
    let store = open(files.path()).unwrap();
    let numbered = [("a", 1), ("b", 2), ("c", 3), ("d", 4)];
    write(&store, numbered.map(|(key, n)| create(city(key, json!({"n": n})))).into());
    write(&store, vec![create(road("r", "a", "b")), create(road("s", "a", "c"))]);
    now(store.flush()).unwrap();
    for bad in ["node/n.City.b.json", "edge/e.Road.r.json"] {
        fs::write(files.file(bad), "{").unwrap();
    }
    check_queries(&store);
    drop(store);
    let store = open(files.path()).unwrap();
    check_queries(&store);
    assert_eq!(fault(&store, "n.City.b").0, "node/n.City.b.json");
    // What `wayfare doctor` reads: nodes as they are scanned, and their links.
    let edges = now(store.scan(Kind::Edge, None, None, 100)).unwrap().documents;
    assert_eq!(ids(&edges), ["s"]);
    let nodes = now(store.scan(Kind::Node, None, None, 100)).unwrap().documents;
    let nodes: Vec<Id> = nodes.iter().map(|node| node.id().clone()).collect();
    let loaded = now(store.load(&nodes, Need::DOCUMENT.links(Direction::Out))).unwrap();
    assert_eq!(loaded.adjacency[Direction::Out as usize].links.len(), 2);
    assert_eq!(places(&store), ["edge/e.Road.r.json", "node/n.City.b.json"]);
    files.put("node/n.City.b.json", &city("b", json!({"n": 2})));
    assert_eq!(now(store.count(&Query::kind(Kind::Node))).unwrap(), 5);
}

#[test]
fn a_bad_file_of_an_edge_is_not_touched_by_the_way() {
    let files = Files::new();
    let store = open(files.path()).unwrap();
    write(&store, ["a", "b", "c"].map(|key| create(city(key, json!({})))).into());
    write(&store, vec![create(road("r", "a", "b")), create(road("s", "b", "c"))]);
    now(store.flush()).unwrap();
    fs::write(files.file("edge/e.Road.r.json"), "{").unwrap();
    let file = "e.Road.r.json";
    let delete = |text: &str| Write::Delete { id: id(text), expected: None };
    let connect = |key: &str, source: &str, target: &str| {
        let mut edge = road(key, source, target);
        edge["context"] = json!({"km": 1});
        Write::Connect { edge: document(edge), parallel: None }
    };
    let results = write(
        &store,
        vec![
            delete("n.City.a"),
            delete("n.City.b"),
            connect("new", "a", "b"),
            create(road("new", "a", "b")),
            Write::Upsert { document: document(road("new", "a", "b")) },
            delete("e.Road.r"),
            connect("back", "b", "a"),
            connect("other", "b", "c"),
            delete("n.City.c"),
        ],
    );
    for (at, refused) in results[..6].iter().enumerate() {
        assert!(is_refused_for(refused, file), "{at}: {refused:?}");
    }
    assert!(results[6..].iter().all(Result::is_ok), "{results:?}");
    let writes = vec![create(city("d", json!({}))), delete("n.City.b")];
    let results = now(store.apply(&[WriteBatch { writes, all_or_nothing: true }])).unwrap().remove(0);
    assert_eq!(results[0], Err(WriteError::BatchRefused { position: 1 }));
    assert!(is_refused_for(&results[1], file));
    // Also where the journal is the first to see that the edge is in the way.
    let writes = vec![create(city("d", json!({}))), create(road("new", "a", "b"))];
    let results = now(store.apply(&[WriteBatch { writes, all_or_nothing: true }])).unwrap().remove(0);
    assert_eq!(results[0], Err(WriteError::BatchRefused { position: 1 }));
    assert!(is_refused_for(&results[1], file));
    now(store.flush()).unwrap();
    assert_eq!(fs::read_to_string(files.file("edge/e.Road.r.json")).unwrap(), "{");
    assert_eq!(files.names("edge"), ["e.Road.back.json", "e.Road.r.json"]);
}

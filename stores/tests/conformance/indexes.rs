use serde_json::{Value, json};
use wayfare_graph::{Id, Index, Kind, Random, Store, StoreError, Version, WriteError, WriteResult};

use crate::harness::*;

fn violation(fields: &[&str], values: Value, holder: &str) -> WriteResult {
    let fields = fields.iter().map(|field| (*field).to_owned()).collect();
    Err(WriteError::UniqueViolation { entity: name("City"), fields, values, holder: id(holder) })
}

pub async fn a_unique_index_refuses_every_sort_of_write(store: &dyn Store) {
    store.create_index(&index("City", &["code"], true)).await.unwrap();
    given(store, [node("n.City.a", json!({"code": "A"})), node("n.City.b", json!({"code": "B"}))]).await;
    let taken = || violation(&["code"], json!(["A"]), "n.City.a");
    assert_eq!(one(store, create(node("n.City.c", json!({"code": "A"})))).await, taken());
    assert_eq!(
        one(store, save(node("n.City.b", json!({"code": "A"})).with_version(Version(1)))).await,
        taken()
    );
    assert_eq!(one(store, upsert(node("n.City.b", json!({"code": "A"})))).await, taken());
    assert_eq!(one(store, upsert(node("n.City.c", json!({"code": "A"})))).await, taken());
    assert_eq!(context(store, "n.City.b").await, json!({"code": "B"}));
    assert_eq!(get(store, "n.City.c").await, None);
    // Its own values are no hindrance, nor are those of another entity or kind.
    assert_eq!(
        one(store, save(node("n.City.a", json!({"code": "A", "n": 1})).with_version(Version(1)))).await,
        changed("n.City.a", 2)
    );
    assert_eq!(one(store, create(node("n.Town.a", json!({"code": "A"})))).await, created("n.Town.a"));
    assert_eq!(one(store, create(node("o.City.a", json!({"code": "A"})))).await, created("o.City.a"));

    let roads = Index::new(Kind::Edge, name("Road"), ["sign"]).unique(true);
    store.create_index(&roads).await.unwrap();
    let signed = |id: &str, source: &str, target: &str| {
        document(json!({"id": id, "source": source, "target": target, "context": {"sign": 1}}))
    };
    assert_eq!(
        one(store, connect(signed("e.Road.1", "n.City.a", "n.City.b"), None)).await,
        created("e.Road.1")
    );
    let refused = one(store, connect(signed("e.Road.2", "n.City.b", "n.City.a"), None)).await;
    assert!(matches!(refused, Err(WriteError::UniqueViolation { holder, .. }) if holder == id("e.Road.1")));
    assert_eq!(links(store, "n.City.b", wayfare_graph::Direction::Out).await, []);
}

pub async fn values_are_free_again_after_a_change_and_a_deletion(store: &dyn Store) {
    store.create_index(&index("City", &["code"], true)).await.unwrap();
    given(store, [node("n.City.a", json!({"code": 1}))]).await;
    assert_eq!(
        one(store, save(node("n.City.a", json!({"code": 2})).with_version(Version(1)))).await,
        changed("n.City.a", 2)
    );
    assert_eq!(one(store, create(node("n.City.b", json!({"code": 1})))).await, created("n.City.b"));
    one(store, delete("n.City.a")).await.unwrap();
    assert_eq!(one(store, create(node("n.City.c", json!({"code": 2})))).await, created("n.City.c"));
    assert_eq!(one(store, upsert(node("n.City.c", json!({"code": 3})))).await, changed("n.City.c", 2));
    // Within one batch, too.
    let results = write(store, [delete("n.City.c"), create(node("n.City.d", json!({"code": 3})))]).await;
    assert_eq!(results[1], created("n.City.d"));
    assert_eq!(
        one(store, create(node("n.City.e", json!({"code": 3})))).await,
        violation(&["code"], json!([3]), "n.City.d")
    );
}

pub async fn documents_without_any_of_the_fields_are_free(store: &dyn Store) {
    store.create_index(&index("City", &["code", "country"], true)).await.unwrap();
    given(store, [node("n.City.a", json!({})), node("n.City.b", json!({"name": "B"}))]).await;
    given(store, [node("n.City.c", json!({"code": null, "country": null}))]).await;
    let refused = one(store, create(node("n.City.d", json!({"code": null})))).await;
    assert_eq!(refused, violation(&["code", "country"], json!([null, null]), "n.City.c"));
    given(store, [node("n.City.d", json!({}))]).await;
}

pub async fn a_compound_unique_index_looks_at_all_fields(store: &dyn Store) {
    store.create_index(&index("City", &["name", "at.state"], true)).await.unwrap();
    given(
        store,
        [
            node("n.City.a", json!({"name": "Springfield", "at": {"state": "IL"}})),
            node("n.City.b", json!({"name": "Springfield", "at": {"state": "MO"}})),
            node("n.City.c", json!({"name": "Springfield"})),
        ],
    )
    .await;
    let again = node("n.City.d", json!({"name": "Springfield", "at": {"state": "MO"}}));
    let refused = one(store, create(again)).await;
    assert_eq!(refused, violation(&["name", "at.state"], json!(["Springfield", "MO"]), "n.City.b"));
    let refused = one(store, create(node("n.City.d", json!({"name": "Springfield", "at": 3})))).await;
    assert_eq!(refused, violation(&["name", "at.state"], json!(["Springfield", null]), "n.City.c"));
}

pub async fn lists_are_unique_by_member(store: &dyn Store) {
    store.create_index(&index("City", &["names"], true)).await.unwrap();
    given(
        store,
        [node("n.City.a", json!({"names": ["x", "y", "x"]})), node("n.City.b", json!({"names": ["z"]}))],
    )
    .await;
    let refused = one(store, create(node("n.City.c", json!({"names": "y"})))).await;
    assert_eq!(refused, violation(&["names"], json!(["y"]), "n.City.a"));
    let refused = one(store, upsert(node("n.City.b", json!({"names": ["z", "y"]})))).await;
    assert_eq!(refused, violation(&["names"], json!(["y"]), "n.City.a"));
    assert_eq!(one(store, upsert(node("n.City.a", json!({"names": ["x"]})))).await, changed("n.City.a", 2));
    assert_eq!(
        one(store, upsert(node("n.City.b", json!({"names": ["z", "y"]})))).await,
        changed("n.City.b", 2)
    );
}

pub async fn long_and_large_values_are_compared_in_full(store: &dyn Store) {
    store.create_index(&index("City", &["code"], true)).await.unwrap();
    let long = "x".repeat(2000);
    let values = [
        json!(format!("{long}a")),
        json!(format!("{long}b")),
        json!(long),
        json!([[1, long.as_str()]]),
        json!({"deep": [long.as_str(), 1]}),
        json!({"deep": [long.as_str(), 2]}),
        json!(9_007_199_254_740_992_i64),
        json!(9_007_199_254_740_993_i64),
        json!(u64::MAX),
        json!(u64::MAX - 1),
        json!("a\u{0}"),
        json!("a"),
        json!(""),
    ];
    for (n, value) in values.iter().enumerate() {
        let text = format!("n.City.{n}");
        assert_eq!(one(store, create(node(&text, json!({"code": value})))).await, created(&text));
    }
    for (n, value) in values.iter().enumerate() {
        let refused = one(store, create(node("n.City.again", json!({"code": value})))).await;
        assert!(
            matches!(&refused, Err(WriteError::UniqueViolation { holder, .. }) if *holder == id(&format!("n.City.{n}"))),
            "{value} {refused:?}"
        );
    }
    // A long value may change where its beginning stays.
    let changes = format!("{long}c");
    assert_eq!(one(store, upsert(node("n.City.0", json!({"code": changes})))).await, changed("n.City.0", 2));
    let refused = one(store, upsert(node("n.City.0", json!({"code": format!("{long}b")})))).await;
    assert!(matches!(refused, Err(WriteError::UniqueViolation { holder, .. }) if holder == id("n.City.1")));
    assert_eq!(
        one(store, create(node("n.City.free", json!({"code": format!("{long}a")})))).await,
        created("n.City.free")
    );
    // Equal numbers are equal whatever their type.
    given(store, [node("n.City.one", json!({"code": 1}))]).await;
    assert_eq!(
        one(store, create(node("n.City.x", json!({"code": 1.0})))).await,
        violation(&["code"], json!([1.0]), "n.City.one")
    );
    let by_code = query(Kind::Node, "City", json!({"context.code": format!("{long}b")}));
    assert_eq!(found(store, &by_code).await, ["1"]);
}

pub async fn lists_that_come_after_the_index_are_found(store: &dyn Store) {
    store.create_index(&index("City", &["n"], false)).await.unwrap();
    // No single member lies between, but one is above and one is below.
    let between = query(Kind::Node, "City", json!({"context.n": {"$gt": 1, "$lt": 5}}));
    given(store, [node("n.City.a", json!({"n": 3})), node("n.City.b", json!({"n": 9}))]).await;
    assert_eq!(found(store, &between).await, ["a"]);
    given(store, [node("n.City.c", json!({"n": [0, 9]}))]).await;
    assert_eq!(found(store, &between).await, ["a", "c"]);
}

pub async fn ranges_of_long_values_are_exact(store: &dyn Store) {
    store.create_index(&index("City", &["t"], false)).await.unwrap();
    let long = "x".repeat(2000);
    let ascending = [
        "x".to_owned(),
        format!("{}w", "x".repeat(1000)),
        long.clone(),
        format!("{long}a"),
        format!("{long}b"),
    ];
    let documents =
        ascending.iter().enumerate().map(|(n, text)| node(&format!("n.City.{n}"), json!({"t": text})));
    given(store, documents).await;
    for (n, text) in ascending.iter().enumerate() {
        for (operator, range) in [("$lt", 0..n), ("$lte", 0..n + 1), ("$gt", n + 1..5), ("$gte", n..5)] {
            let wanted: Vec<String> = range.map(|n| n.to_string()).collect();
            let query = query(Kind::Node, "City", json!({"context.t": {operator: text}}));
            assert_eq!(found(store, &query).await, wanted, "{operator} {n}");
        }
    }
}

pub async fn an_index_over_violating_documents_is_refused(store: &dyn Store) {
    given(
        store,
        [
            node("n.City.a", json!({"code": 1, "name": "x"})),
            node("n.City.b", json!({"code": 2, "name": "x"})),
            node("n.City.c", json!({"code": 1, "name": "y"})),
        ],
    )
    .await;
    match store.create_index(&index("City", &["code"], true)).await {
        Err(StoreError::IndexViolated { entity, fields, first, second, values }) => {
            assert_eq!((entity, fields, values), (name("City"), vec!["code".to_owned()], json!([1])));
            let mut both = [first, second];
            both.sort();
            assert_eq!(both, [id("n.City.a"), id("n.City.c")]);
        }
        other => panic!("{other:?}"),
    }
    assert_eq!(store.stats().await.unwrap().indexes, []);
    // Nothing of it is left, and the store goes on.
    given(store, [node("n.City.d", json!({"code": 1}))]).await;
    store.create_index(&index("City", &["code", "name"], true)).await.unwrap();
    assert_eq!(store.stats().await.unwrap().indexes, [index("City", &["code", "name"], true)]);
}

pub async fn an_index_may_be_made_again(store: &dyn Store) {
    given(store, [node("n.City.a", json!({"code": 1})), node("n.City.b", json!({"code": 1}))]).await;
    let (plain, unique) = (index("City", &["code"], false), index("City", &["code"], true));
    store.create_index(&plain).await.unwrap();
    store.create_index(&plain).await.unwrap();
    assert_eq!(store.stats().await.unwrap().indexes, std::slice::from_ref(&plain));
    assert!(matches!(store.create_index(&unique).await, Err(StoreError::IndexViolated { .. })));
    let ones = query(Kind::Node, "City", json!({"context.code": 1}));
    assert_eq!(found(store, &ones).await, ["a", "b"]);
    one(store, upsert(node("n.City.b", json!({"code": 2})))).await.unwrap();
    store.create_index(&unique).await.unwrap();
    assert_eq!(store.stats().await.unwrap().indexes, std::slice::from_ref(&unique));
    assert_eq!(found(store, &ones).await, ["a"]);
    assert_eq!(
        one(store, upsert(node("n.City.b", json!({"code": 1})))).await,
        violation(&["code"], json!([1]), "n.City.a")
    );
    store.create_index(&plain).await.unwrap();
    assert_eq!(one(store, upsert(node("n.City.b", json!({"code": 1})))).await, changed("n.City.b", 3));
    assert_eq!(found(store, &ones).await, ["a", "b"]);
    // An entity that no document has yet.
    store.create_index(&index("Later", &["x"], true)).await.unwrap();
    given(store, [node("n.Later.a", json!({"x": 1}))]).await;
    assert!(one(store, create(node("n.Later.b", json!({"x": 1})))).await.is_err());
}

pub async fn all_or_nothing_takes_index_entries_back(store: &dyn Store) {
    store.create_index(&index("City", &["code"], true)).await.unwrap();
    given(store, [node("n.City.a", json!({"code": 1}))]).await;
    let results = write_all(
        store,
        [
            upsert(node("n.City.a", json!({"code": [2, 3]}))),
            create(node("n.City.b", json!({"code": 1}))),
            create(node("n.City.a", json!({}))),
        ],
    );
    assert_eq!(results.await[2], exists("n.City.a"));
    assert_eq!(
        one(store, create(node("n.City.c", json!({"code": 1})))).await,
        violation(&["code"], json!([1]), "n.City.a")
    );
    assert_eq!(one(store, create(node("n.City.c", json!({"code": 2})))).await, created("n.City.c"));
    assert_eq!(
        found(store, &query(Kind::Node, "City", json!({"context.code": {"$gte": 1, "$lt": 3}}))).await,
        ["a", "c"]
    );
}

/// A value of any type, few enough for equal ones to meet.
fn value(random: &mut Random, depth: u32) -> Value {
    let mut below = |n: u64| random.next_u64() % n;
    match below(if depth == 0 { 6 } else { 9 }) {
        0 => Value::Null,
        1 => json!(below(2) == 0),
        2 | 3 => json!(below(7) as i64 - 3),
        4 => json!((below(9) as f64 - 4.0) / 2.0),
        5 => json!(
            ["", "a", "a\u{0}", "ab", "b", "é", &"x".repeat(600), &format!("{}y", "x".repeat(600))]
                [below(8) as usize]
        ),
        6 | 7 => (0..below(4)).map(|_| value(random, depth - 1)).collect(),
        _ => json!({"x": value(random, depth - 1), "y": value(random, depth - 1)}),
    }
}

fn fields(random: &mut Random) -> Value {
    let mut fields = serde_json::Map::new();
    for name in ["a", "b", "o"] {
        if !random.next_u64().is_multiple_of(5) {
            fields.insert(name.to_owned(), value(random, 2));
        }
    }
    Value::Object(fields)
}

fn scalar(random: &mut Random) -> Value {
    loop {
        let value = value(random, 0);
        if !value.is_null() {
            return value;
        }
    }
}

fn condition(random: &mut Random) -> Value {
    let pick = |random: &mut Random, from: &[&str]| from[random.next_u64() as usize % from.len()].to_owned();
    let test = |random: &mut Random| match random.next_u64() % 6 {
        0 | 1 => scalar(random),
        2 => json!({"$in": [scalar(random), scalar(random), scalar(random)]}),
        3 => json!({pick(random, &["$gt", "$gte", "$lt", "$lte"]): scalar(random)}),
        4 => {
            json!({pick(random, &["$gt", "$gte"]): scalar(random), pick(random, &["$lt", "$lte"]): scalar(random)})
        }
        _ => json!({"$elemMatch": {"$gte": scalar(random), "$lte": scalar(random)}}),
    };
    let paths = ["context.a", "context.b", "context.o.x", "context.o", "context.a.1"];
    let mut condition = serde_json::Map::new();
    for _ in 0..=random.next_u64() % 5 / 3 {
        condition.insert(pick(random, &paths), test(random));
    }
    Value::Object(condition)
}

/// Asks many questions and holds each answer against all documents.
async fn ask(store: &dyn Store, random: &mut Random, matched: &mut usize) {
    let everything = store.scan(Kind::Node, Some(name("City")), None, usize::MAX).await.unwrap().documents;
    for _ in 0..150 {
        let json = condition(random);
        let query = query(Kind::Node, "City", json.clone());
        let wanted: Vec<_> =
            everything.iter().filter(|document| query.filter.matches(document)).cloned().collect();
        *matched += wanted.len();
        assert_eq!(keys(&store.find(&query).await.unwrap()), keys(&wanted), "{json}");
        assert_eq!(store.count(&query).await.unwrap(), wanted.len() as u64, "{json}");
    }
}

pub async fn an_index_changes_no_answer(store: &dyn Store) {
    let seed = 7;
    println!("seed {seed}");
    let mut random = Random::new(seed);
    let ids: Vec<String> = (0..150).map(|n| format!("n.City.{n:03}")).collect();
    given(store, ids.iter().map(|id| node(id, fields(&mut random)))).await;
    given(store, [node("n.Town.other", json!({"a": 1, "b": 1}))]).await;
    let mut matched = 0;
    let sets: [&[&str]; 6] = [&["a"], &["o.x"], &["b"], &["a", "b"], &["b", "o.x", "a"], &["a.1"]];
    for round in 0..=sets.len() {
        ask(store, &mut random, &mut matched).await;
        let writes: Vec<_> = (0..40)
            .map(|_| {
                let text = &ids[random.next_u64() as usize % ids.len()];
                if random.next_u64().is_multiple_of(3) {
                    delete(text)
                } else {
                    upsert(node(text, fields(&mut random)))
                }
            })
            .collect();
        write(store, writes).await;
        if let Some(fields) = sets.get(round) {
            match store.create_index(&index("City", fields, false)).await {
                Ok(()) => {}
                // MongoDB has none over two lists of one document, and has to say so.
                Err(StoreError::Index { reason, .. }) if fields.len() > 1 => {
                    assert!(reason.contains("two lists"), "{reason}");
                }
                Err(other) => panic!("{other:?}"),
            }
        }
    }
    let id_set = json!({"$in": ids[..9]});
    let by_id = query(Kind::Node, "City", json!({"id": id_set, "context.a": {"$exists": true}}));
    let there = store.get_many(&ids[..9].iter().map(|text| id(text)).collect::<Vec<Id>>()).await.unwrap();
    let there = there.into_iter().flatten().filter(|document| document.body().field("a").is_some()).count();
    assert_eq!(store.find(&by_id).await.unwrap().len(), there);
    assert!(matched > 3_000, "the questions are too narrow: {matched} answers");
}

//! Typed queries: order, pages, streams, parts, counts.

use std::collections::BTreeSet;

use futures_util::{StreamExt, TryStreamExt};
use serde::Deserialize;
use serde_json::json;
use wayfare::{AccessPath, Cursor, CursorError, Error, Filter, Query, SortKey};

use super::people::{Knows, Person, Town, id, person};

fn filter(value: serde_json::Value) -> Filter {
    Filter::parse(&value).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn queries_filter_sort_skip_and_limit() {
    let town = Town::new();
    town.people(30).await;
    let query = || town.graph.query::<Person>();
    let oldest = query().sort_descending("age").sort("name").skip(1).limit(3).all().await.unwrap();
    let names: Vec<&str> = oldest.iter().map(|person| person.name.as_str()).collect();
    assert_eq!(names, ["P29", "P9", "P18"]);
    let both =
        query().filter(filter(json!({"context.age": 25}))).filter(filter(json!({"context.name": "P5"})));
    assert_eq!(both.all().await.unwrap()[0].id(), &id("p5"));
    let key = SortKey { path: "context.email".into(), descending: true };
    assert_eq!(query().sort(key).one().await.unwrap().unwrap().name, "P9");
    assert!(query().filter(filter(json!({"context.age": 99}))).one().await.unwrap().is_none());
    assert!(query().limit(0).one().await.unwrap().is_none());
    assert!(query().limit(0).all().await.unwrap().is_empty());
    // What was found can be changed and saved.
    let mut first = query().sort("id").one().await.unwrap().unwrap();
    first.age = 77;
    town.graph.save(&mut first).await.unwrap();
    assert_eq!(query().filter(filter(json!({"context.age": 77}))).count().await.unwrap(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pages_follow_each_other_through_a_text_and_give_everything_once() {
    let town = Town::new();
    town.people(25).await;
    let query = || town.graph.query::<Person>().sort("age").limit(4);
    let mut seen = Vec::new();
    let mut sizes = Vec::new();
    let mut cursor: Option<String> = None;
    loop {
        let parsed = cursor.map(|text| text.parse::<Cursor>().unwrap());
        let page = query().page(parsed.as_ref()).await.unwrap();
        sizes.push(page.items.len());
        seen.extend(page.items.iter().map(|person| (person.age, person.id().clone())));
        let Some(next) = page.next else { break };
        cursor = Some(next.to_string());
        // Whatever is written before the place of the cursor does not move what comes after it.
        if sizes.len() == 2 {
            let early = Person { age: 1, ..person(900) };
            town.graph.create_as("early", early).await.unwrap();
        }
    }
    assert_eq!(sizes, [4, 4, 4, 4, 4, 4, 1]);
    assert!(seen.is_sorted(), "{seen:?}");
    assert_eq!(seen.iter().collect::<BTreeSet<_>>().len(), 25);
    let whole = query().limit(26).page(None).await.unwrap();
    assert_eq!((whole.items.len(), whole.next), (26, None), "a page that is just full is the last");
    let skipped = query().skip(24).page(None).await.unwrap();
    assert_eq!(skipped.items.len(), 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cursor_of_another_query_is_refused() {
    let town = Town::new();
    town.people(9).await;
    let cursor = town.graph.query::<Person>().sort("age").limit(2).page(None).await.unwrap().next.unwrap();
    let refused = |error: Error| match error {
        Error::Cursor(CursorError::OtherQuery { what, .. }) => what,
        other => panic!("{other}"),
    };
    let query = || town.graph.query::<Person>();
    let other = query().sort("name").page(Some(&cursor)).await.unwrap_err();
    let told = other.to_string();
    assert!(told.contains("another sort (`context.age:1`, not `context.name:1`)"), "{told}");
    assert_eq!(refused(other), "sort");
    let narrower = query().sort("age").filter(filter(json!({"context.age": {"$gt": 3}})));
    assert_eq!(refused(narrower.page(Some(&cursor)).await.unwrap_err()), "filter");
    assert_eq!(refused(town.graph.query::<Knows>().page(Some(&cursor)).await.unwrap_err()), "kind");
    // Another size, and another part of the entities, are no other query.
    assert_eq!(query().sort("age").limit(3).page(Some(&cursor)).await.unwrap().items[0].age, 22);
    assert!(matches!("abc".parse::<Cursor>(), Err(CursorError::Malformed { .. })));
}

#[derive(Debug, Deserialize, PartialEq)]
struct Contact {
    name: String,
    email: String,
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn parts_of_entities_are_read_as_a_smaller_type_and_page_by_a_field_outside_of_it() {
    let town = Town::new();
    town.people(12).await;
    let query = || town.graph.query::<Person>().sort_descending("age").sort("tags").limit(5);
    let page = query().project::<Contact>().page(None).await.unwrap();
    assert_eq!(page.items[0].email, "p9@example.com");
    let next = query().project::<Contact>().page(page.next.as_ref()).await.unwrap();
    assert_eq!(next.items[0].name, "P4");
    let contact = query().project::<Contact>().one().await.unwrap().unwrap();
    assert_eq!((contact.id(), contact.version().0), (&id("p9"), 1));
    assert_eq!(contact.into_value(), Contact { name: "P9".into(), email: "p9@example.com".into() });

    let documents = query().fields(["name", "id"]).page(None).await.unwrap().items;
    let context = serde_json::Value::Object(documents[0].context().unwrap());
    assert_eq!(context, json!({"name": "P9"}), "the fields of the sort are taken off again");
    let streamed: Vec<_> = query().fields(["name"]).stream().try_collect().await.unwrap();
    assert_eq!(streamed, documents);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stream_reads_page_by_page_and_ends_at_the_limit() {
    let town = Town::with(|config| config.store_page_size(7));
    town.people(40).await;
    let query = || town.graph.query::<Person>().sort("age");
    for (skip, limit, expected) in
        [(0, None, 40), (0, Some(14), 14), (0, Some(15), 15), (38, None, 2), (3, Some(9), 9)]
    {
        let mut query = query().skip(skip);
        if let Some(limit) = limit {
            query = query.limit(limit);
        }
        let people: Vec<_> = query.stream().try_collect().await.unwrap();
        assert_eq!(people.len(), expected, "skip {skip}, limit {limit:?}");
        assert!(people.is_sorted_by_key(|person| person.age));
        assert_eq!(people.iter().map(|person| person.id()).collect::<BTreeSet<_>>().len(), expected);
    }
    assert_eq!(query().page(None).await.unwrap().items.len(), 7);
    // A person whose fields do not fit ends the stream where they stand.
    let odd = wayfare::Document::from_json(json!({"id": "n.Person.p00", "context": {"age": 20}})).unwrap();
    town.graph.write(wayfare::Write::Create { document: odd, multi: false }).await.unwrap();
    let items: Vec<_> = town.graph.query::<Person>().sort("id").stream().collect().await;
    let last = items.last().unwrap();
    assert!(matches!(last, Err(Error::Body(_))), "{last:?}");
    assert_eq!(items.iter().filter(|item| item.is_err()).count(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn distinct_values_come_in_order_and_lists_give_their_members() {
    let town = Town::new();
    town.people(20).await;
    let young = town.graph.query::<Person>().filter(filter(json!({"context.age": {"$lt": 23}})));
    assert_eq!(young.distinct("age").await.unwrap(), [json!(20), json!(21), json!(22)]);
    let tags = town.graph.query::<Person>().distinct("context.tags").await.unwrap();
    assert_eq!(tags, [json!("even"), json!("t0"), json!("t1"), json!("t2")]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn explain_names_the_index_that_answers() {
    let town = Town::new();
    town.people(5).await;
    let by_email = town.graph.query::<Person>().filter(filter(json!({"context.email": "p1@example.com"})));
    match by_email.explain().await.unwrap().access {
        AccessPath::Index { entity, fields, .. } => {
            assert_eq!((entity.as_str(), fields), ("Person", vec!["email".to_owned()]));
        }
        other => panic!("{other:?}"),
    }
    let by_age = town.graph.query::<Person>().sort("age").explain().await.unwrap();
    assert!(by_age.sorts_in_memory && !matches!(by_age.access, AccessPath::Index { .. }));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_slip_in_a_field_is_told_with_the_nearest_name() {
    let town = Town::new();
    let query = || town.graph.query::<Person>();
    let faults = [
        query().sort("agge").all().await.map(drop).unwrap_err(),
        query().sort_descending("agge").count().await.map(drop).unwrap_err(),
        query().fields(["agge"]).page(None).await.map(drop).unwrap_err(),
        query().distinct("agge").await.map(drop).unwrap_err(),
        query().sort("agge").stream().try_next().await.map(drop).unwrap_err(),
    ];
    for fault in faults {
        assert_eq!(fault.to_string(), "Person has no field `agge`: did you mean `age`?");
    }
    // A whole path is taken as it is: documents may have more than the type.
    assert!(query().sort("context.legacy").all().await.unwrap().is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn untyped_queries_have_pages_and_streams_too() {
    let town = Town::with(|config| config.store_page_size(2));
    town.people(5).await;
    let query = Query { limit: None, ..Query::kind(wayfare::Kind::Node) };
    let all: Vec<_> = town.graph.find_stream(query.clone()).try_collect().await.unwrap();
    assert_eq!(all.len(), 6, "the root is a node too");
    let first = town.graph.find_page(query.clone(), None).await.unwrap();
    let second = town.graph.find_page(query, first.next.as_ref()).await.unwrap();
    assert_eq!([first.items, second.items].concat(), all[..4]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fields_of_the_type_make_the_filter_and_the_order() {
    let town = Town::new();
    town.people(30).await;
    let query = || {
        town.graph
            .query::<Person>()
            .filter(Person::age().gte(28))
            .filter(r#"{"context.name": {"$ne": "P8"}}"#)
    };
    let found =
        query().sort(Person::age().descending()).sort(Person::name().ascending()).all().await.unwrap();
    let names: Vec<&str> = found.iter().map(|person| person.name.as_str()).collect();
    assert_eq!(names, ["P19", "P29", "P9", "P18", "P28"]);
    assert_eq!(query().distinct(Person::age().path()).await.unwrap(), [json!(28), json!(29)]);
    let broken = town.graph.query::<Person>().filter(r#"{"context.age": {"$gtt": 1}}"#);
    assert!(matches!(broken.count().await, Err(Error::Filter(_))));
}

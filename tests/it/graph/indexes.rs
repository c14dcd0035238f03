//! Indexes by call.

use serde_json::json;
use wayfare::{AccessPath, Document, Error, Filter, StoreError, Write, WriteBatch, WriteError};

use super::people::{Note, Person, Town, person};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_index_is_made_by_call_and_used_renamed_and_dropped() {
    let town = Town::new();
    town.people(50).await;
    let query = || town.graph.query::<Person>().filter(Filter::parse(&json!({"context.age": 25})).unwrap());
    let index = town.graph.create_index::<Person>().keys([("age", 1), ("name", -1)]).await.unwrap();
    assert_eq!(index.name(), "context.age_1_context.name_-1");
    assert!(matches!(query().explain().await.unwrap().access, AccessPath::Index { .. }));
    assert_eq!(query().count().await.unwrap(), 5);
    assert!(town.graph.index_progress().await.unwrap().is_empty());

    let names = async || {
        let mut names: Vec<String> =
            town.graph.indexes::<Person>().await.unwrap().iter().map(|index| index.name()).collect();
        names.sort();
        names
    };
    assert_eq!(names().await, ["context.age_1_context.name_-1", "context.email_1"]);
    assert!(town.graph.rename_index::<Person>(&index.name(), "by_age").await.unwrap());
    assert!(!town.graph.rename_index::<Person>(&index.name(), "by_age").await.unwrap());
    assert_eq!(names().await, ["by_age", "context.email_1"]);
    assert!(town.graph.drop_index::<Person>("by_age").await.unwrap());
    assert!(!town.graph.drop_index::<Person>("by_age").await.unwrap());
    assert!(!matches!(query().explain().await.unwrap().access, AccessPath::Index { .. }));
    assert_eq!(query().count().await.unwrap(), 5);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_unique_index_by_call_binds_only_what_its_filter_lets_in() {
    let town = Town::new();
    town.people(3).await;
    let adults = Filter::parse(&json!({"context.age": {"$gte": 21}})).unwrap();
    let index =
        town.graph.create_index::<Person>().keys(["name"]).unique().partial(adults).named("adults").await;
    assert_eq!(index.unwrap().name(), "adults");
    let namesake = |age, email: &str| Person { name: "P1".into(), email: email.into(), age, ..person(0) };
    town.graph.create(namesake(20, "a@x")).await.unwrap();
    let refused = town.graph.create(namesake(30, "b@x")).await.unwrap_err();
    assert!(matches!(refused, Error::Write(WriteError::UniqueViolation { .. })), "{refused}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_index_that_documents_break_leaves_nothing_behind() {
    let town = Town::new();
    town.people(12).await;
    let building = town.graph.create_index::<Person>().keys(["age"]).unique().start().unwrap();
    assert_eq!(building.index().name(), "context.age_1");
    assert!(matches!(building.await, Err(Error::Store(StoreError::IndexViolated { .. }))));
    assert_eq!(town.graph.indexes::<Person>().await.unwrap().len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_index_that_is_not_awaited_is_made_all_the_same() {
    let town = Town::new();
    town.people(100).await;
    drop(town.graph.create_index::<Person>().keys(["age"]).start().unwrap());
    tokio::time::timeout(std::time::Duration::from_secs(30), async {
        while town.graph.indexes::<Person>().await.unwrap().len() < 2 {
            tokio::task::yield_now().await;
        }
    })
    .await
    .unwrap();
}

/// Notes whose texts go round, written as fast as they can be.
async fn notes(town: &Town, numbers: std::ops::Range<u64>) {
    let writes = |numbers: &[u64]| {
        let note = |number: &u64| {
            let context = json!({"text": format!("T{}", number % 100)});
            let document =
                Document::from_json(json!({"id": format!("o.Note.n{number}"), "context": context}));
            Write::Create { document: document.unwrap(), multi: false }
        };
        numbers.iter().map(note).collect()
    };
    for numbers in numbers.collect::<Vec<_>>().chunks(10_000) {
        let batch = WriteBatch { writes: writes(numbers), all_or_nothing: false };
        assert!(town.graph.write_batch(batch).await.unwrap().iter().all(Result::is_ok));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_index_that_is_being_built_tells_how_far_it_is() {
    let town = Town::new();
    let mut total = 0;
    // A machine that is fast, or busy with something else, may have it built between two looks: then with more.
    for more in [50_000, 50_000, 100_000, 200_000] {
        notes(&town, total..total + more).await;
        total += more;
        let building = town.graph.create_index::<Note>().keys(["text"]).start().unwrap();
        let mut seen: Vec<u64> = Vec::new();
        while !building.is_finished() {
            for progress in town.graph.index_progress().await.unwrap() {
                assert_eq!((&progress.index, progress.total), (building.index(), total));
                seen.push(progress.done);
            }
        }
        let name = building.await.unwrap().name();
        assert!(seen.is_sorted() && seen.iter().all(|done| *done <= total), "of {total}: {seen:?}");
        assert!(town.graph.index_progress().await.unwrap().is_empty());
        // All of them are in it in the end.
        let query =
            || town.graph.query::<Note>().filter(Filter::parse(&json!({"context.text": "T7"})).unwrap());
        assert!(matches!(query().explain().await.unwrap().access, AccessPath::Index { .. }));
        assert_eq!(query().count().await.unwrap(), total / 100);
        seen.dedup();
        // One between none and all of them, and another after it.
        if seen.len() > 2 {
            return;
        }
        assert!(town.graph.drop_index::<Note>(&name).await.unwrap());
    }
    panic!("the progress of no build was seen");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn keys_that_cannot_be_are_refused_before_anything_is_done() {
    let town = Town::new();
    let create = || town.graph.create_index::<Person>();
    let told = [
        create().keys(["emial"]).await,
        create().keys([("email", 2)]).await,
        create().keys([("email", 0)]).await,
        create().keys(["age", "email", "age"]).await,
        create().await,
        create().keys([""]).await,
    ]
    .map(|result| result.unwrap_err().to_string());
    assert_eq!(told[0], "Person has no field `emial`: did you mean `email`?");
    assert!(told[1].contains("the order of `email` is 2: 1 and -1 are allowed"), "{}", told[1]);
    assert!(told[2].contains("the order of `email` is 0"), "{}", told[2]);
    assert!(told[3].contains("`age` is in it twice"), "{}", told[3]);
    assert!(told[4].contains("it has no keys"), "{}", told[4]);
    assert!(told[5].contains("has no field ``"), "{}", told[5]);
    assert_eq!(town.graph.indexes::<Person>().await.unwrap().len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn declared_indexes_are_made_at_the_start_unless_the_setting_says_otherwise() {
    let town = Town::with(|config| config.store_create_indexes(false));
    assert!(town.graph.indexes::<Person>().await.unwrap().is_empty());
    town.graph.flush().await.unwrap();
    assert!(town.runtime.health().await.unwrap().is_up());
    assert!(town.runtime.pool().is_none() && town.graph.pool().is_none());
    let town = town.reopened_with(|config| config).await;
    assert_eq!(town.graph.indexes::<Person>().await.unwrap()[0].fields, ["email"]);
    assert!(town.folder.path().exists());
}

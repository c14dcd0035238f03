//! Thousands of random queries: the embedded and the JSON store must answer like a real MongoDB, to the letter.

#![cfg(feature = "mongodb")]
#![allow(clippy::unwrap_used)]

#[path = "differential/conditions.rs"]
mod conditions;
#[path = "differential/values.rs"]
mod values;

use std::io::Write as _;
use std::sync::Arc;

use serde_json::{Map, Value, json};
use wayfare_graph::{
    Document, EntityName, Filter, Index, Kind, Query, Random, SortKey, SortPosition, Store, Write,
    WriteBatch, compare_values,
};
use wayfare_stores::{OpenOptions, open};
use wayfare_testkit::{Mongod, unique_database};

/// Documents, and queries over them.
const DOCUMENTS: usize = 2_000;
const QUERIES: usize = 2_000;

/// After so many queries there are indexes, so that the others are answered from them.
const INDEXED_AFTER: usize = 800;

/// One query in so many is asked again page by page, and for its distinct values.
const PAGED: u64 = 8;

/// Another seed, or `random` for one that nobody has tried. By default a run is the same each time: it asks what a server
/// does, and is to fail for a change of ours only.
const SEED: &str = "WAYFARE_DIFFERENTIAL_SEED";
const DEFAULT_SEED: u64 = 685_960;

#[test]
fn queries_are_answered_like_mongodb_does() {
    let Some(mongod) = Mongod::shared() else { return };
    let seed = match std::env::var(SEED).as_deref() {
        Err(_) => DEFAULT_SEED,
        Ok("random") => random_seed(),
        Ok(seed) => seed.parse().unwrap(),
    };
    // Past the capture, so that a run that hangs has told it.
    let _ = writeln!(std::io::stderr(), "differential test: {SEED}={seed}");
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name).display().to_string();
    let urls = [
        mongod.url(&unique_database("differential")),
        format!("embedded:{}", at("e")),
        format!("json:{}", at("j")),
    ];
    let stores: Vec<Arc<dyn Store>> =
        urls.iter().map(|url| open(url, &OpenOptions::default()).unwrap()).collect();
    let executor = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let mut random = Random::new(seed);
    executor.block_on(async {
        given_documents(&stores, &mut random).await;
        let mut matched = 0;
        for number in 0..QUERIES {
            if number == INDEXED_AFTER {
                given_indexes(&stores).await;
            }
            let query = random_query(&mut random);
            let paged = random.below(PAGED) == 0;
            matched += compare(&stores, &query, paged, &format!("seed {seed}, query {number}")).await;
        }
        // A test in which nothing is ever found compares nothing.
        let _ = writeln!(std::io::stderr(), "differential test: {matched} documents in {QUERIES} answers");
        assert!(matched > 20 * QUERIES, "only {matched} documents were found in all");
    });
}

fn random_seed() -> u64 {
    use std::hash::{BuildHasher, RandomState};
    // Short, because it is to be typed again.
    RandomState::new().hash_one(0) % 1_000_000
}

fn entity() -> EntityName {
    EntityName::new("Thing").unwrap()
}

async fn given_documents(stores: &[Arc<dyn Store>], random: &mut Random) {
    let documents: Vec<Document> = (0..DOCUMENTS)
        .map(|n| {
            let context = Value::Object(values::fields(random));
            let json =
                json!({"id": format!("n.Thing.{n:024x}"), "context": context, "_version": random.below(4)});
            Document::from_json(json).unwrap()
        })
        .collect();
    for store in stores {
        for documents in documents.chunks(500) {
            let writes = documents.iter().map(|document| Write::Put { document: document.clone() }).collect();
            let results = store.apply(&[WriteBatch { writes, all_or_nothing: false }]).await.unwrap();
            for result in results.into_iter().flatten() {
                result.unwrap();
            }
        }
    }
}

async fn given_indexes(stores: &[Arc<dyn Store>]) {
    let indexes = [&["a"][..], &["b", "c"], &["d.x"], &["e"], &["f", "g"], &["g.x", "-f"], &["f", "-a"]];
    for fields in indexes {
        let names = fields.iter().map(|field| field.trim_start_matches('-'));
        let mut index = Index::new(Kind::Node, entity(), names);
        index.descending = fields.iter().filter_map(|field| Some(field.strip_prefix('-')?.into())).collect();
        // MongoDB has no index over two lists of one document, as there are here.
        let stores = stores.iter().filter(|store| fields != ["b", "c"] || store.is_local());
        for store in stores {
            store.create_index(&index).await.unwrap();
        }
    }
}

fn random_query(random: &mut Random) -> Query {
    let filter = Filter::parse(&conditions::filter(random)).unwrap();
    let mut query = Query { filter, sort: random_sort(random), ..Query::entity(Kind::Node, entity()) };
    if random.below(3) == 0 {
        query.skip = random.below(40) as usize;
    }
    if random.below(2) == 0 {
        query.limit = Some(random.below(60) as usize);
    }
    if random.below(2) == 0 {
        let paths = (0..1 + random.below(3)).map(|_| values::path(random)).collect();
        query.projection = Some(paths);
    }
    query
}

/// Up to three keys. Two lists at once cannot be sorted by in MongoDB, so one of the keys may be a list, wherever it
/// stands among them.
fn random_sort(random: &mut Random) -> Vec<SortKey> {
    let keys = random.below(4);
    let any = random.below(keys.max(1));
    let mut sort: Vec<SortKey> = Vec::new();
    for place in 0..keys {
        let path = if place == any { values::path(random) } else { values::flat_path(random) };
        if sort.iter().all(|key| !overlap(&key.path, &path)) {
            sort.push(SortKey { path, descending: random.below(2) == 0 });
        }
    }
    sort
}

fn overlap(one: &str, other: &str) -> bool {
    one.starts_with(other) || other.starts_with(one)
}

/// Asks all stores the same, and tells how many documents the first found.
async fn compare(stores: &[Arc<dyn Store>], query: &Query, paged: bool, what: &str) -> usize {
    let (expected, counted) = answer(&*stores[0], query).await;
    for store in &stores[1..] {
        let (found, count) = answer(&**store, query).await;
        let name = store.describe();
        assert_eq!(count, counted, "{what}: count of {name}, {query:?}");
        if found != expected {
            let at = found.iter().zip(&expected).take_while(|(found, expected)| found == expected).count();
            let mut shown = String::new();
            for document in [found.get(at), expected.get(at)].into_iter().flatten() {
                let id = document["id"].as_str().unwrap().parse().unwrap();
                let whole = stores[0].get_many(&[id]).await.unwrap().remove(0).unwrap();
                shown += &format!("\n{document}, of\n{}", whole.to_json().unwrap());
            }
            panic!(
                "{what}: {name} has at {at} the first of these in place of the second: {shown}\n{query:?}"
            );
        }
    }
    if paged {
        compare_pages(stores, query, what).await;
    }
    expected.len()
}

async fn answer(store: &dyn Store, query: &Query) -> (Vec<Value>, u64) {
    let found =
        store.find(query).await.unwrap_or_else(|error| panic!("{}: {error}, {query:?}", store.describe()));
    let json = found.iter().map(|document| document.to_json().unwrap()).collect();
    (json, store.count(query).await.unwrap())
}

/// The same in pages, each begun where the last one ended; and distinct values.
async fn compare_pages(stores: &[Arc<dyn Store>], query: &Query, what: &str) {
    let whole = Query { skip: 0, limit: None, projection: None, ..query.clone() };
    let expected: Vec<String> = ids(&answer(&*stores[0], &whole).await.0);
    let page = expected.len().div_ceil(4).max(1);
    let path = whole.sort.first().map_or("context.a", |key| key.path.as_str());
    let distinct = stores[0].distinct(&whole, path).await.unwrap();
    for store in stores {
        let mut all = Vec::new();
        let mut query = Query { limit: Some(page), ..whole.clone() };
        loop {
            let documents = store.find(&query).await.unwrap();
            all.extend(documents.iter().map(|document| document.id().to_string()));
            let Some(last) = documents.last() else { break };
            query.after = Some(SortPosition::of(last, &query.sort));
            assert!(
                all.len() <= expected.len(),
                "{what}: pages of {} do not end, {query:?}",
                store.describe()
            );
        }
        assert_eq!(all, expected, "{what}: pages of {}, {query:?}", store.describe());
        let found = store.distinct(&whole, path).await.unwrap();
        // Of values that are equal, such as 0 and 0.0, either may be told.
        let same = |(a, b)| compare_values(a, b).is_eq();
        let agree = found.len() == distinct.len() && found.iter().zip(&distinct).all(same);
        assert!(
            agree,
            "{what}: distinct {path} of {}: {found:?}, not {distinct:?}, {query:?}",
            store.describe()
        );
    }
}

fn ids(documents: &[Value]) -> Vec<String> {
    documents.iter().map(|document| document["id"].to_string().trim_matches('"').to_owned()).collect()
}

#[test]
fn documents_are_made_of_every_type() {
    let mut random = Random::new(1);
    let all: Vec<Map<String, Value>> = (0..500).map(|_| values::fields(&mut random)).collect();
    let has = |test: fn(&Value) -> bool| all.iter().flat_map(Map::values).any(test);
    assert!(has(Value::is_null) && has(Value::is_boolean) && has(Value::is_i64) && has(Value::is_f64));
    assert!(has(Value::is_string) && has(Value::is_array) && has(Value::is_object));
}

#[test]
fn sorts_are_by_up_to_three_keys_of_which_one_may_be_a_list() {
    fn has_list(value: &Value) -> bool {
        value.is_array() || value.as_object().is_some_and(|members| members.values().any(has_list))
    }
    let mut random = Random::new(1);
    let is_flat = |path: &str| {
        !path.starts_with("context.") || path.starts_with("context.f") || path.starts_with("context.g")
    };
    let mut of_keys = [0; 4];
    for _ in 0..500 {
        let sort = random_sort(&mut random);
        of_keys[sort.len()] += 1;
        assert!(sort.iter().filter(|key| !is_flat(&key.path)).count() <= 1, "{sort:?}");
        let fields = values::fields(&mut random);
        assert!(!["f", "g"].iter().filter_map(|name| fields.get(*name)).any(has_list), "{fields:?}");
    }
    assert!(of_keys.iter().all(|sorts| *sorts > 50), "{of_keys:?}");
}

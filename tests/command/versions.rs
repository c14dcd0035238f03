//! `wayfare migrate versions` on a MongoDB that an application of jvspatial has filled, and goes on using.

use std::collections::BTreeMap;
use std::process::{Child, Command};

use futures_util::TryStreamExt as _;
use mongodb::bson::{Bson, Document, doc};
use mongodb::{Client, Collection};
use serde_json::{Value, json};
use tokio::runtime::Runtime;
use wayfare::{Id, Random, Store, Write, WriteBatch, Written};
use wayfare_testkit::{Mongod, unique_database};

use crate::harness::{Place, Ran};
use crate::processes::signal;

/// A database as the driver sees it, past Wayfare.
struct Database {
    url: String,
    executor: Runtime,
    database: mongodb::Database,
}

impl Database {
    /// `None`, said aloud, without a MongoDB.
    fn new() -> Option<Self> {
        let name = unique_database("versions");
        let url = Mongod::shared()?.url(&name);
        let executor = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build();
        let executor = executor.unwrap();
        let client = executor.block_on(Client::with_uri_str(&url)).unwrap();
        Some(Self { url, executor, database: client.database(&name) })
    }

    fn collection(&self, kind: &str) -> Collection<Document> {
        self.database.collection(kind)
    }

    fn insert(&self, kind: &str, documents: impl IntoIterator<Item = Document>) {
        self.executor.block_on(self.collection(kind).insert_many(documents).into_future()).unwrap();
    }

    /// The documents of a kind by their ids.
    fn all(&self, kind: &str) -> BTreeMap<String, Document> {
        let found: Vec<Document> = self
            .executor
            .block_on(async { self.collection(kind).find(doc! {}).await.unwrap().try_collect().await })
            .unwrap();
        found.into_iter().map(|found| (found.get_str("_id").unwrap().to_owned(), found)).collect()
    }

    /// How many documents of a kind have no version.
    fn bare(&self, kind: &str) -> u64 {
        let (collection, without) = (self.collection(kind), doc! { "_version": Bson::Null });
        self.executor.block_on(collection.count_documents(without).into_future()).unwrap()
    }

    fn migrate(&self, place: &Place, more: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_wayfare"));
        command.args(["migrate", "versions", "--store", &self.url]).args(more);
        place.here(command)
    }

    fn migrated(&self, place: &Place, more: &[&str]) -> Value {
        Ran::from(self.migrate(place, more).output().unwrap()).ended_with(0).silently().json()
    }
}

/// A node as jvspatial stores it, without a version.
fn city(number: usize) -> Document {
    let id = format!("n.City.{number:05}");
    doc! { "_id": &id, "id": &id, "entity": "City", "context": { "n": 0, "name": format!("C{number}"), "mayor": null } }
}

fn with(mut document: Document, name: &str, value: impl Into<Bson>) -> Document {
    document.insert(name, value);
    document
}

/// What the report says of a kind: examined and changed.
fn figures(report: &Value, kind: &str) -> [u64; 2] {
    let kinds = report["kinds"].as_array().unwrap();
    let row = kinds.iter().find(|row| row["kind"] == kind).unwrap();
    ["examined", "changed"].map(|figure| row[figure].as_u64().unwrap())
}

#[test]
fn documents_without_a_version_get_one_in_mongodb_and_nothing_else_changes() {
    let Some(database) = Database::new() else { return };
    let place = Place::new();
    let founded = mongodb::bson::DateTime::from_millis(1_577_934_245_000);
    database.insert(
        "node",
        (0..1_000).map(|number| match number % 5 {
            0 => with(city(number), "founded", founded),
            1 => with(city(number), "_version", Bson::Null),
            2 => with(city(number), "_version", 0),
            3 => with(city(number), "_version", 4),
            _ => with(city(number), "_version", 1_i64 << 40),
        }),
    );
    let end = |number: usize| format!("n.City.{:05}", number % 1_000);
    let road = |number: usize| {
        let id = format!("e.Road.{number:05}");
        doc! { "_id": &id, "id": &id, "entity": "Road", "context": {}, "source": end(number), "target": end(number + 1),
        "bidirectional": number.is_multiple_of(2) }
    };
    database.insert("edge", (0..150).map(road));
    database.insert("object", [doc! { "_id": "o.Setting.s", "id": "o.Setting.s", "entity": "Setting" }]);
    database.insert("walker_trail", [doc! { "_id": "t1", "entity": "WalkerTrail" }]);
    let kinds = ["node", "edge", "object", "walker_trail"];
    let before = kinds.map(|kind| database.all(kind));

    let report = database.migrated(&place, &["--batch", "70"]);
    // Opening the database has made a root, which has a version.
    assert_eq!(figures(&report, "node"), [1_001, 400], "{report}");
    assert_eq!(figures(&report, "edge"), [150, 150], "{report}");
    assert_eq!(figures(&report, "object"), [1, 1], "{report}");
    assert_eq!(figures(&report, "walker"), [0, 0], "{report}");
    assert_eq!((&report["examined"], &report["changed"]), (&json!(1_152), &json!(551)));
    for (kind, before) in kinds.into_iter().zip(before) {
        let after = database.all(kind);
        for (id, mut expected) in before {
            if kind != "walker_trail" && expected.get("_version").is_none_or(|version| *version == Bson::Null)
            {
                expected.insert("_version", 0);
            }
            assert_eq!(after[&id], expected);
        }
    }
    let again = database.migrated(&place, &["--batch", "70"]);
    assert_eq!((&again["examined"], &again["changed"]), (&json!(1_152), &json!(0)), "{again}");
}

/// A migration of nodes in batches of a size, which has done some.
fn under_way(database: &Database, place: &Place, batch: &str) -> Child {
    let bare = database.bare("node");
    let mut child = database.migrate(place, &["--batch", batch]).spawn().unwrap();
    while database.bare("node") + 20 > bare {
        assert!(child.try_wait().unwrap().is_none(), "it ended by itself");
    }
    child
}

#[test]
fn a_migration_that_is_killed_or_told_to_end_is_taken_up_by_the_same_command() {
    const CITIES: usize = 3_000;
    let Some(database) = Database::new() else { return };
    let place = Place::new();
    database.insert("node", (0..CITIES).map(city));
    // Batches of one take a round trip for each document, so that all of this comes in its midst.
    // Killed: what was done stays, and no document is half done.
    let mut child = under_way(&database, &place, "1");
    child.kill().unwrap();
    child.wait().unwrap();
    // Told to end, with too little time for the rest.
    place.file("config.toml", "[supervision]\ndrain_timeout_ms = 50\n");
    let child = under_way(&database, &place, "1");
    signal(&child, "TERM");
    let ran = Ran::from(child.wait_with_output().unwrap()).ended_with(143);
    assert_eq!(ran.out, "", "a migration that was broken off has no report");
    ran.says(&["SIGTERM: has 50 ms", "ended by SIGTERM before it was done"]);
    let left = database.bare("node");
    assert!((1..CITIES as u64 - 40).contains(&left), "{left} of {CITIES} are left");
    // Told to end, with time enough, on a busy machine too.
    place.file("config.toml", "[supervision]\ndrain_timeout_ms = 600_000\n");
    let child = under_way(&database, &place, "1");
    signal(&child, "TERM");
    let ran = Ran::from(child.wait_with_output().unwrap()).ended_with(0).says(&["SIGTERM: has 600000 ms"]);
    let [examined, changed] = figures(&ran.json(), "node");
    assert_eq!(examined, CITIES as u64 + 1);
    // A write of the one before may have been under way when those that were left were counted.
    assert!((left - 1..=left).contains(&changed), "{changed} of {left} that were left");
    let after = database.all("node");
    for number in 0..CITIES {
        let expected = with(city(number), "_version", 0);
        assert_eq!(after[expected.get_str("_id").unwrap()], expected);
    }
}

/// What a city must be when all is done.
#[derive(Debug, Clone, Default, PartialEq)]
struct Expected {
    n: i64,
    version: i64,
}

/// Saves a city through Wayfare, over the version that was read.
async fn save(store: &dyn Store, id: &str, expected: &mut Expected) {
    let ids: [Id; 1] = [id.parse().unwrap()];
    let found = store.get_many(&ids).await.unwrap().remove(0).unwrap();
    let mut json = found.to_json().unwrap();
    assert_eq!(json["context"]["n"], expected.n, "{json}");
    (expected.n, expected.version) = (expected.n + 1, expected.version + 1);
    json["context"]["n"] = expected.n.into();
    let document = wayfare::Document::from_json(json).unwrap();
    let batch = WriteBatch { writes: vec![Write::Save { document }], all_or_nothing: false };
    let written = store.apply(&[batch]).await.unwrap().concat().remove(0).unwrap();
    assert!(matches!(written, Written::Changed { version, .. } if version.0 == expected.version as u64));
}

/// The number of the first city from one on that has no version: where the migration is, as long as nobody writes
/// documents without one there.
async fn front(cities: &Collection<Document>, from: usize) -> Option<usize> {
    let bare = doc! { "_id": { "$gte": city(from).get_str("_id").unwrap() }, "_version": Bson::Null };
    let found = cities.find_one(bare).sort(doc! { "_id": 1 }).await.unwrap()?;
    found.get_str("_id").unwrap().rsplit('.').next().unwrap().parse().ok()
}

/// Writes a city in one of three ways.
async fn write(
    store: &dyn Store,
    cities: &Collection<Document>,
    number: usize,
    way: usize,
    to: &mut Expected,
) {
    let city = city(number);
    let id = city.get_str("_id").unwrap();
    if way == 0 {
        return save(store, id, to).await;
    }
    to.n += 1;
    let of_city = doc! { "_id": id };
    let modified = if way == 1 {
        // One field, as an application writes it without reading the rest.
        let done = cities.update_one(of_city, doc! { "$inc": { "context.n": 1 } }).await;
        done.unwrap().modified_count
    } else {
        // The whole document, as jvspatial saves it: the version is gone with that.
        to.version = 0;
        let mut whole = city.clone();
        whole.get_document_mut("context").unwrap().insert("n", to.n);
        cities.replace_one(of_city, whole).await.unwrap().modified_count
    };
    assert_eq!(modified, 1, "{id}");
}

#[test]
fn what_others_write_during_a_migration_is_neither_lost_nor_undone() {
    const CITIES: usize = 12_000;
    const BATCH: usize = 200;
    let Some(database) = Database::new() else { return };
    let place = Place::new();
    database.insert("node", (0..CITIES).map(city));
    let mut expected = vec![Expected::default(); CITIES];
    let store = place.open(&database.url);
    let cities = database.collection("node");
    let mut random = Random::new(7);
    let (mut rounds, mut at) = (0, 0);
    let mut child = under_way(&database, &place, &BATCH.to_string());
    while child.try_wait().unwrap().is_none() {
        database.executor.block_on(async {
            // Two batches on from where it is: one is read and about to be written, the other comes next.
            at = front(&cities, at).await.unwrap_or(CITIES - 1);
            for way in 0..3 {
                let number = (at + random.below(2 * BATCH as u64) as usize).min(CITIES - 1);
                write(&*store, &cities, number, way, &mut expected[number]).await;
            }
            rounds += 1;
        });
    }
    let report = Ran::from(child.wait_with_output().unwrap()).ended_with(0).silently().json();
    assert!(rounds > 10, "only {rounds} writes of each sort in its time");
    assert_eq!(figures(&report, "node")[0], CITIES as u64 + 1);

    let left = database.bare("node");
    assert_eq!(figures(&database.migrated(&place, &[]), "node"), [CITIES as u64 + 1, left]);
    let after = database.all("node");
    for (number, expected) in expected.iter().enumerate() {
        let stored = &after[city(number).get_str("_id").unwrap()];
        let n = whole(stored.get_document("context").unwrap().get("n"));
        assert_eq!(
            (n, whole(stored.get("_version"))),
            (Some(expected.n), Some(expected.version)),
            "{stored}"
        );
    }
}

/// A whole number, however MongoDB has it.
fn whole(value: Option<&Bson>) -> Option<i64> {
    let value = value?;
    value.as_i32().map(i64::from).or_else(|| value.as_i64())
}

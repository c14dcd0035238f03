//! Copying stores, of every sort that there is.

use serde_json::{Value, json};
use wayfare_testkit::{Mongod, unique_database};

use crate::harness::{Place, Ran};

fn copy(place: &Place, from: &str, to: &str, more: &[&str]) -> Ran {
    place.run(&[&["copy", "--from", from, "--to", to][..], more].concat())
}

fn entity<'a>(report: &'a Value, name: &str) -> &'a Value {
    report["entities"].as_array().unwrap().iter().find(|row| row["entity"] == name).unwrap()
}

/// The documents of a store, versions included.
fn everything(place: &Place, url: &str) -> Vec<Value> {
    let mut all = Vec::new();
    for entity in ["City", "Road", "Root"] {
        let find = [&["find", entity][..], &["--store", url]].concat();
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_wayfare"));
        command.args(find);
        let ran = Ran::from(place.here(command).output().unwrap()).ended_with(0);
        all.extend(ran.json().as_array().unwrap().clone());
    }
    all
}

#[test]
fn a_copy_holds_the_same_documents_versions_and_indexes_and_comes_back_the_same() {
    let place = Place::with_cities();
    // Something at a version above 1, with members that nobody knows.
    place.put(
        "embedded:store",
        [json!({"id": "n.City.e", "context": {"x": [1, 2.5, null]}, "_version": 7, "owner": {"a": 1}})],
    );
    place.run(&["index", "create", "City", "--keys", "size:-1,name", "--name", "by_size"]).ended_with(0);
    for (from, to) in
        [("embedded:store", "json:files"), ("json:files", "embedded:back"), ("json:files", "json:more")]
    {
        let report = copy(&place, from, to, &[]).ended_with(0).silently().json();
        assert_eq!(report["verified"], true, "{report}");
        assert_eq!(report["indexes"], 1);
        let city = entity(&report, "City");
        assert_eq!(
            (&city["documents"], &city["written"], &city["unchanged"]),
            (&json!(5), &json!(5), &json!(0))
        );
        assert_eq!((&city["target_documents"], &city["target_checksum"]), (&json!(5), &city["checksum"]));
        assert_eq!(entity(&report, "Road")["written"], 2);
        assert_eq!(everything(&place, to), everything(&place, "embedded:store"));
    }
    let mut list = std::process::Command::new(env!("CARGO_BIN_EXE_wayfare"));
    list.args(["index", "list", "--store", "embedded:back"]);
    let indexes = Ran::from(place.here(list).output().unwrap()).ended_with(0).json();
    assert_eq!((&indexes[0]["name"], &indexes[0]["keys"]), (&json!("by_size"), &json!("size:-1,name:1")));
}

#[test]
fn a_copy_that_was_broken_off_is_taken_up_by_the_same_command() {
    let place = Place::with_cities();
    copy(&place, "embedded:store", "embedded:half", &[]).ended_with(0);
    // As after a copy that came no farther: some are missing.
    let mut delete = std::process::Command::new(env!("CARGO_BIN_EXE_wayfare"));
    delete.args(["delete", "n.City.b", "n.City.d", "--store", "embedded:half"]);
    Ran::from(place.here(delete).output().unwrap()).ended_with(0);
    let report = copy(&place, "embedded:store", "embedded:half", &[]).ended_with(0).json();
    let city = entity(&report, "City");
    assert_eq!((&city["written"], &city["unchanged"]), (&json!(2), &json!(2)));
    assert_eq!((&entity(&report, "Road")["written"], &report["verified"]), (&json!(2), &json!(true)));
    let again = copy(&place, "embedded:store", "embedded:half", &[]).ended_with(0).json();
    assert_eq!(
        (&entity(&again, "City")["written"], &entity(&again, "City")["unchanged"]),
        (&json!(0), &json!(4))
    );
}

#[test]
fn a_store_is_not_copied_onto_itself_nor_from_nowhere() {
    let place = Place::with_cities();
    let same = ["embedded:store", "embedded:./store", "embedded:store/../store"];
    for to in same {
        copy(&place, "embedded:store", to, &[]).ended_with(2).says(&["name the same store"]);
    }
    copy(&place, "embedded:sotre", "embedded:new", &[])
        .ended_with(2)
        .says(&["`embedded:sotre` does not exist"]);
    assert!(!place.path().join("new").exists() && !place.path().join("sotre").exists());
    copy(&place, "embedded:store", "embedded:new", &["--verify-only"])
        .ended_with(2)
        .says(&["does not exist"]);
    copy(&place, "embedded:store", "postgres:x", &[]).ended_with(2).says(&["`postgres:x` is no store"]);
}

#[test]
fn a_target_with_documents_of_its_own_is_left_alone_unless_merging() {
    let place = Place::with_cities();
    place.put("embedded:other", [json!({"id": "n.City.z", "context": {"name": "Zz"}, "_version": 3})]);
    let refused = copy(&place, "embedded:store", "embedded:other", &[]).ended_with(2);
    refused.says(&["holds `n.City.z`, which the source does not have", "--merge"]);
    place.put("embedded:changed", [json!({"id": "n.City.a", "context": {"name": "mine"}, "_version": 1})]);
    let refused = copy(&place, "embedded:store", "embedded:changed", &[]).ended_with(2);
    refused.says(&["holds `n.City.a`, in another version or with other fields"]);

    let report = copy(&place, "embedded:store", "embedded:other", &["--merge"]).ended_with(0).json();
    assert_eq!((&report["verified"], &entity(&report, "City")["written"]), (&json!(true), &json!(4)));
    let cities = everything(&place, "embedded:other");
    assert!(cities.iter().any(|city| city["id"] == "n.City.z" && city["_version"] == 3));
    copy(&place, "embedded:store", "embedded:changed", &["--merge"]).ended_with(0);
    assert_eq!(everything(&place, "embedded:changed"), everything(&place, "embedded:store"));
}

#[test]
fn verifying_names_what_is_missing_differs_or_is_only_there() {
    let place = Place::with_cities();
    copy(&place, "embedded:store", "json:files", &[]).ended_with(0);
    let verify = |more: &[&str]| {
        copy(&place, "embedded:store", "json:files", &[&["--verify-only"][..], more].concat())
    };
    assert_eq!(verify(&[]).ended_with(0).json()["verified"], true);
    place.put(
        "json:files",
        [
            json!({"id": "n.City.a", "context": {"code": "a", "name": "Aa", "size": 11}, "_version": 1}),
            json!({"id": "n.City.y", "context": {}, "_version": 1}),
            json!({"id": "o.Note.y", "context": {}, "_version": 1}),
        ],
    );
    let mut delete = std::process::Command::new(env!("CARGO_BIN_EXE_wayfare"));
    delete.args(["delete", "n.City.d", "--store", "json:files"]);
    Ran::from(place.here(delete).output().unwrap()).ended_with(0);
    let ran = verify(&[]).ended_with(5);
    let report = ran.json();
    assert_eq!((&report["verified"], &entity(&report, "Road")["verified"]), (&json!(false), &json!(true)));
    let ran = ran.says(&[
        "`n.City.a` differs",
        "`n.City.d` is missing in the target",
        "`n.City.y` is only in the target",
    ]);
    ran.says(&[
        "nodes of entity City (4 in the source, 4 in the target)",
        "`o.Note.y` is only in the target",
    ]);
    // A target that is to hold more than the source is only asked for what the source has.
    let merged = verify(&["--merge"]).ended_with(5);
    assert!(!merged.err.contains("n.City.y"), "{}", merged.err);
}

#[test]
fn documents_that_the_target_does_not_take_are_named() {
    let place = Place::with_cities();
    let edge = |source: &str| json!({"id": "e.Road.fixed", "context": {}, "source": source, "target": "n.City.b", "_version": 1});
    place.put("embedded:store", [edge("n.City.a")]);
    place.put("embedded:other", [edge("n.City.c")]);
    let ran = copy(&place, "embedded:store", "embedded:other", &["--merge"]).ended_with(5);
    assert_eq!(entity(&ran.json(), "Road")["refused"], 1);
    ran.says(&["`e.Road.fixed` was refused", "`e.Road.fixed` differs"]);
}

/// Airports and routes as published, imported; `None`, said aloud, without the folder of data sets.
fn with_air_routes() -> Option<Place> {
    let Some(data) = std::env::var_os("WAYFARE_DATA") else {
        eprintln!("SKIPPED air routes: WAYFARE_DATA is not set");
        return None;
    };
    let folder = std::path::PathBuf::from(data).join("quickstart");
    let file = |name: &str| folder.join(name).display().to_string();
    let (nodes, edges) = (file("airports.csv"), file("flights-airport.csv"));
    let place = Place::new();
    let nodes = ["import", "--nodes", &nodes, "--entity", "Airport", "--key", "iata"];
    let edges =
        ["--edges", &edges, "--entity", "Route", "--from", "origin=Airport", "--to", "destination=Airport"];
    place.run(&[&nodes[..], &edges].concat()).ended_with(0);
    Some(place)
}

#[test]
fn a_copy_of_real_data_that_is_killed_is_taken_up_and_is_the_same_then() {
    let Some(place) = with_air_routes() else { return };
    for (target, file) in [("embedded:target", "target/data.mdb"), ("json:files", "files/node")] {
        let mut child = place.command(&["copy", "--from", "embedded:store", "--to", target]).spawn().unwrap();
        // As soon as there is something of the target.
        while !place.path().join(file).exists() && child.try_wait().unwrap().is_none() {
            std::thread::yield_now();
        }
        child.kill().unwrap();
        child.wait().unwrap();
        let report = copy(&place, "embedded:store", target, &[]).ended_with(0).json();
        assert_eq!(report["verified"], true, "{report}");
        let (airports, routes) = (entity(&report, "Airport"), entity(&report, "Route"));
        assert_eq!(
            (&airports["target_documents"], &routes["target_documents"]),
            (&json!(3_376), &json!(5_366))
        );
        let mut doctor = std::process::Command::new(env!("CARGO_BIN_EXE_wayfare"));
        doctor.args(["doctor", "--single", "Route", "--store", target]);
        Ran::from(place.here(doctor).output().unwrap()).ended_with(0);
    }
}

#[test]
fn a_copy_through_mongodb_comes_back_the_same_and_its_doctor_finds_nothing() {
    let Some(mongod) = Mongod::shared() else { return };
    let place = Place::with_cities();
    place.run(&["index", "create", "City", "--keys", "size:-1,name", "--name", "by_size"]).ended_with(0);
    let url = mongod.url(&unique_database("copy"));
    for (from, to) in [("embedded:store", url.as_str()), (&url, "embedded:back")] {
        let report = copy(&place, from, to, &[]).ended_with(0).json();
        assert_eq!((&report["verified"], &report["indexes"]), (&json!(true), &json!(1)), "{report}");
    }
    assert_eq!(everything(&place, "embedded:back"), everything(&place, "embedded:store"));
    let again = copy(&place, "embedded:store", &url, &[]).ended_with(0).json();
    assert_eq!(entity(&again, "City")["unchanged"], 4);
    place.put(&url, [json!({"id": "e.Road.lost", "context": {}, "source": "n.City.a", "target": "n.City.gone", "_version": 1})]);
    let doctor = |more: &[&str]| {
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_wayfare"));
        command.arg("doctor").args(more).args(["--store", &url]);
        Ran::from(place.here(command).output().unwrap())
    };
    let sick = doctor(&[]).ended_with(5).json();
    assert_eq!(sick["left"], 1, "{sick}");
    assert_eq!(doctor(&["--repair"]).ended_with(0).json()["repaired"], 1);
    doctor(&[]).ended_with(0);
}

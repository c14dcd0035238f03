//! Finding what is wrong with a store, and repairing it.

use std::fs;

use serde_json::{Value, json};

use crate::harness::Place;

fn row<'a>(report: &'a Value, fault: &str) -> &'a Value {
    let rows = report["found"].as_array().unwrap();
    rows.iter().find(|row| row["fault"] == fault).unwrap_or(&Value::Null)
}

fn edge(entity: &str, key: &str, source: &str, target: &str) -> Value {
    let (source, target) = (format!("n.City.{source}"), format!("n.City.{target}"));
    json!({"id": format!("e.{entity}.{key}"), "context": {"k": key}, "source": source, "target": target, "_version": 1})
}

#[test]
fn a_clean_store_has_no_faults() {
    let place = Place::with_cities();
    for arguments in [&["doctor"][..], &["doctor", "--repair"], &["doctor", "--single", "Road"]] {
        let report = place.run(arguments).ended_with(0).silently().json();
        assert_eq!(
            (&report["faults"], &report["left"], &report["found"]),
            (&json!(0), &json!(0), &json!([]))
        );
        assert_eq!(report["edges_examined"], 2);
    }
    Place::new().run(&["doctor"]).ended_with(2).says(&["does not exist"]);
}

#[test]
fn orphan_edges_are_found_and_deleted() {
    for url in ["embedded:store", "json:files"] {
        let place = Place::with_cities();
        place.run(&["copy", "--from", "embedded:store", "--to", "json:files"]).ended_with(0);
        place.put(
            url,
            [
                edge("Road", "x1", "a", "gone"),
                edge("Road", "x2", "gone", "gone"),
                edge("Road", "ok", "a", "d"),
            ],
        );
        let doctor = |more: &[&str]| {
            let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_wayfare"));
            command.arg("doctor").args(more).args(["--store", url]);
            crate::harness::Ran::from(place.here(command).output().unwrap())
        };
        let ran = doctor(&[]).ended_with(5);
        let report = ran.json();
        assert_eq!(
            (&report["faults"], &report["repaired"], &report["left"]),
            (&json!(2), &json!(0), &json!(2)),
            "{url}"
        );
        assert_eq!(row(&report, "orphan_edge")["first"], json!(["e.Road.x1", "e.Road.x2"]));
        ran.says(&["2 faults are left", "--repair"]);
        let report = doctor(&["--repair"]).ended_with(0).json();
        assert_eq!((&report["repaired"], &report["left"]), (&json!(2), &json!(0)));
        assert_eq!(doctor(&[]).ended_with(0).json()["edges_examined"], 3);
    }
}

#[test]
fn of_duplicate_edges_the_oldest_is_kept_where_one_is_the_rule() {
    let place = Place::with_cities();
    place.put(
        "embedded:store",
        [edge("Tie", "2", "a", "b"), edge("Tie", "1", "a", "b"), edge("Tie", "3", "b", "a")],
    );
    // Nobody has said that there may be one only.
    let report = place.run(&["doctor", "--repair"]).ended_with(0).json();
    assert_eq!((&report["faults"], &row(&report, "parallel_edges")["count"]), (&json!(0), &json!(1)));
    assert_eq!(place.count("Tie"), 3);
    let ran = place.run(&["doctor", "--single", "Tie"]).ended_with(5).says(&["1 fault is left"]);
    assert_eq!(row(&ran.json(), "duplicate_edge")["first"], json!(["e.Tie.2"]));
    place.run(&["doctor", "--single", "Tie", "--repair"]).ended_with(0);
    assert_eq!(place.count("Tie"), 2);
    place.run(&["get", "e.Tie.1", "e.Tie.3"]).ended_with(0);
}

#[test]
fn files_that_are_no_documents_are_told_and_put_aside() {
    let place = Place::with_cities();
    place.run(&["copy", "--from", "embedded:store", "--to", "json:files"]).ended_with(0);
    fs::write(place.path().join("files/node/n.City.bad.json"), "{ not json").unwrap();
    let doctor = |more: &[&str]| {
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_wayfare"));
        command.arg("doctor").args(more).args(["--store", "json:files"]);
        crate::harness::Ran::from(place.here(command).output().unwrap())
    };
    let report = doctor(&[]).ended_with(5).json();
    let first = row(&report, "bad_document")["first"][0].as_str().unwrap().to_owned();
    assert!(first.contains("n.City.bad"), "{first}");
    assert_eq!(doctor(&["--repair"]).ended_with(0).json()["repaired"], 1);
    doctor(&[]).ended_with(0);
}

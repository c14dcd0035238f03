//! What is exported comes back the same, byte for byte.

use std::io::Read;

use serde_json::{Value, json};

use crate::harness::Place;

/// A graph with everything that is hard to keep: parallel, undirected and self edges, objects, an entity that is a
/// node and an edge, generated and given keys, fields of every type, members beside the fields.
fn rich() -> Place {
    let place = Place::with_cities();
    place.file("multi.csv", "s,t,n\na,b,1\na,b,2\nb,b,3\n");
    place
        .run(&[
            "import",
            "--edges",
            "multi.csv",
            "--entity",
            "Zig",
            "--from",
            "s=City",
            "--to",
            "t=City",
            "--multi",
            "--undirected",
        ])
        .ended_with(0);
    let lines = [
        json!({"id": "n.Thing.ä/ö .x", "context": {"z": 1, "a": [1, 2.0, -0.5, 1e300, null, true], "big": u64::MAX}}),
        json!({"id": "n.Alpha.d400618fa5094d6b9c223223", "context": {"text": "line\nbreak \u{1f600} \"quoted\""}}),
        json!({"id": "e.Thing.own", "source": "n.City.a", "target": "n.Thing.ä/ö .x", "context": {}, "owner": {"b": 1, "a": 2}}),
        json!({"id": "o.Note.1", "context": {"deep": {"deeper": [[], {}]}}}),
    ];
    place.file("more.jsonl", lines.map(|line| line.to_string()).join("\n"));
    place.run(&["import", "--nodes", "more.jsonl"]).ended_with(0);
    // Another version than the first, which the copy will have.
    place.file("cities.csv", "code,size\na,11\n");
    place.run(&["import", "--nodes", "cities.csv", "--entity", "City", "--key", "code"]).ended_with(0);
    place
}

#[test]
fn an_export_imported_elsewhere_exports_the_same_bytes() {
    let place = rich();
    let first = place.run(&["export"]).ended_with(0).silently().out;
    assert_eq!(first.lines().count(), 6 + 6 + 1, "{first}");
    let copy = Place::new();
    copy.file("all.jsonl", &first);
    copy.run(&["import", "--nodes", "all.jsonl"]).ended_with(0).silently();
    assert_eq!(copy.run(&["export"]).ended_with(0).out, first);
    // Piped from one command to the other, and over what is there.
    let ran = copy.run_with_input(&["import", "--nodes", "-"], first.as_bytes()).ended_with(0);
    assert_eq!(ran.file(0)["unchanged"], 13);
    assert_eq!(copy.run(&["export"]).ended_with(0).out, first);
}

#[test]
fn nodes_come_before_edges_before_objects_and_entities_by_name() {
    let place = rich();
    let out = place.run(&["export"]).ended_with(0).out;
    let lines: Vec<Value> = out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let heads: Vec<String> = lines
        .iter()
        .map(|line| line["id"].as_str().unwrap().rsplit_once('.').unwrap().0[..3].into())
        .collect();
    let expected =
        ["n.A", "n.C", "n.C", "n.C", "n.C", "n.T", "e.R", "e.R", "e.T", "e.Z", "e.Z", "e.Z", "o.N"];
    assert_eq!(heads, expected);
    assert!(lines.iter().all(|line| line.get("_version").is_none()));
    assert!(!out.contains("n.Root.root"), "the bare root is in every store");
}

#[test]
fn a_part_can_be_exported() {
    let place = rich();
    let export = |arguments: &[&str]| {
        place.run(&[&["export"][..], arguments].concat()).ended_with(0).out.lines().count()
    };
    assert_eq!(export(&["--nodes-only"]), 6);
    assert_eq!(export(&["--edges-only"]), 6);
    assert_eq!(export(&["--entity", "City", "--entity", "Note"]), 5);
    assert_eq!(export(&["--entity", "Thing", "--edges-only"]), 1);
    place.run(&["export", "--nodes-only", "--edges-only"]).ended_with(2);
}

#[test]
fn a_file_ends_gzipped_where_its_name_says_so_and_the_numbers_are_told() {
    let place = rich();
    let plain = place.run(&["export"]).ended_with(0).out;
    for name in ["out.jsonl", "out.jsonl.gz"] {
        let ran = place.run(&["export", "--output", name]).ended_with(0);
        assert_eq!(ran.json(), json!({"file": name, "nodes": 6, "edges": 6, "objects": 1}));
    }
    assert_eq!(std::fs::read_to_string(place.path().join("out.jsonl")).unwrap(), plain);
    let zipped = std::fs::read(place.path().join("out.jsonl.gz")).unwrap();
    let mut unzipped = String::new();
    flate2::read::GzDecoder::new(&zipped[..]).read_to_string(&mut unzipped).unwrap();
    assert_eq!(unzipped, plain);
    place
        .run(&["export", "--output", "no/such/folder"])
        .ended_with(2)
        .says(&["cannot write `no/such/folder`"]);
    place
        .run(&["export", "--output", "/dev/full"])
        .ended_with(1)
        .says(&["cannot write `/dev/full`", "incomplete"]);
}

#[test]
fn a_root_with_fields_is_exported() {
    let place = Place::with_cities();
    place.file("root.jsonl", r#"{"id": "n.Root.root", "context": {"name": "top"}}"#);
    place.run(&["import", "--nodes", "root.jsonl"]).ended_with(0);
    assert!(
        place
            .run(&["export"])
            .out
            .contains(r#"{"id":"n.Root.root","entity":"Root","context":{"name":"top"}}"#)
    );
}

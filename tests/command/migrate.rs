//! Bringing stored documents up to date.

use std::fs;

use serde_json::{Value, json};

use crate::harness::{Place, Ran};

/// A folder as jvspatial leaves it: no versions.
fn with_files_of_jvspatial(place: &Place) {
    for (folder, id, more) in [
        ("node", "n.City.a", json!({})),
        ("node", "n.City.b", json!({"_version": 4})),
        ("object", "o.Setting.s", json!({})),
        ("edge", "e.Road.r", json!({"source": "n.City.a", "target": "n.City.b", "bidirectional": false})),
    ] {
        let entity = id.split('.').nth(1).unwrap();
        let mut document = json!({"id": id, "entity": entity, "context": {"name": id}});
        document.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let folder = place.path().join("files").join(folder);
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join(format!("{id}.json")), document.to_string()).unwrap();
    }
}

fn on_files(place: &Place, arguments: &[&str]) -> Ran {
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_wayfare"));
    command.args(arguments).args(["--store", "json:files"]);
    Ran::from(place.here(command).output().unwrap())
}

fn file(place: &Place, name: &str) -> Value {
    serde_json::from_str(&fs::read_to_string(place.path().join("files").join(name)).unwrap()).unwrap()
}

#[test]
fn documents_without_a_version_get_one_in_batches_and_a_second_time_there_is_nothing_to_do() {
    let place = Place::new();
    with_files_of_jvspatial(&place);
    let report = on_files(&place, &["migrate", "versions", "--batch", "1"]).ended_with(0).json();
    assert_eq!(report["changed"], 3, "{report}");
    assert_eq!(file(&place, "node/n.City.a.json")["_version"], 0);
    assert_eq!(file(&place, "node/n.City.b.json")["_version"], 4);
    assert_eq!(file(&place, "edge/e.Road.r.json")["_version"], 0);
    let again = on_files(&place, &["migrate", "versions"]).ended_with(0).json();
    assert_eq!(again["changed"], 0, "{again}");
}

#[test]
fn a_store_that_keeps_versions_anyway_has_nothing_to_do() {
    let place = Place::with_cities();
    let ran = place.run(&["migrate", "versions"]).ended_with(0).says(&["nothing to do"]);
    assert_eq!(ran.json()["changed"], 0);
    place.run(&["migrate", "versions", "--batch", "0"]).ended_with(2).says(&["--batch"]);
    Place::new().run(&["migrate", "versions"]).ended_with(2).says(&["does not exist"]);
}

#[test]
fn the_plain_command_counts_schemas_and_says_where_upgrades_come_from() {
    let place = Place::with_cities();
    place.put("embedded:store", [json!({"id": "n.City.e", "context": {}, "_version": 1, "_v": 4})]);
    let ran = place.run(&["migrate", "schema"]).ended_with(0).says(&["wayfare::run_command"]);
    let city = ran.json()["entities"][0].clone();
    assert_eq!(
        (&city["entity"], &city["schema"], &city["upgraded"]),
        (&json!("City"), &json!(null), &json!(0))
    );
    assert_eq!(city["found"], r#"{"1":4,"4":1}"#);
    place.run(&["migrate", "schema", "--batch", "0"]).ended_with(2);
    Place::new().run(&["migrate", "schema"]).ended_with(2).says(&["does not exist"]);
}

//! Pages and distinct values by command.

use serde_json::json;

use crate::harness::Place;

#[test]
fn pages_follow_each_other_through_their_cursor() {
    let place = Place::with_cities();
    let find = |more: &[&str]| {
        place.run(&[&["find", "City", "--sort", "size:-1", "--project", "name"][..], more].concat())
    };
    let first = find(&["--page", "--limit", "3"]).ended_with(0).silently().json();
    let names = |page: &serde_json::Value| {
        let documents = page["documents"].as_array().unwrap().iter();
        documents.map(|city| city["context"]["name"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(names(&first), ["Cc", "Bb", "Aa"]);
    assert_eq!(first["documents"][0]["context"], json!({"name": "Cc"}), "the sort leaves no trace");
    let next = first["next"].as_str().unwrap();
    let second = find(&["--after", next, "--limit", "3"]).ended_with(0).json();
    assert_eq!((names(&second), &second["next"]), (vec!["Dd".to_owned()], &json!(null)));

    let other = place.run(&["find", "City", "--after", next, "--sort", "size:1"]).ended_with(2);
    other.says(&["another sort (`context.size:-1`, not `context.size:1`)"]);
    place.run(&["find", "Road", "--after", next, "--sort", "size:-1"]).ended_with(2).says(&["another kind"]);
    find(&["--after", "xyz"]).ended_with(2).says(&["not a cursor"]);
    find(&["--after", next, "--skip", "1"]).ended_with(2);
    let table = find(&["--page", "--limit", "1", "--format", "table"]).ended_with(0).out;
    assert!(table.starts_with("next  ") && table.contains("\ndocuments\n"), "{table}");
}

#[test]
fn distinct_values_of_a_field_come_in_order() {
    let place = Place::with_cities();
    let distinct = |more: &[&str]| place.run(&[&["find", "City"][..], more].concat());
    let sizes = distinct(&["--distinct", "size"]).ended_with(0).json();
    assert_eq!(sizes, json!([{"value": 10}, {"value": 20}, {"value": 40}]));
    let some = distinct(&["--distinct", "size", "--filter", r#"{"context.size": {"$lt": 30}}"#]).json();
    assert_eq!(some.as_array().unwrap().len(), 2);
    assert_eq!(distinct(&["--distinct", "nothing"]).ended_with(0).json(), json!([]));
    distinct(&["--distinct", ""]).ended_with(2).says(&["--distinct"]);
    distinct(&["--distinct", "size", "--sort", "size"]).ended_with(2);
}

//! Indexes by command.

use serde_json::json;

use crate::harness::Place;

#[test]
fn indexes_are_made_listed_used_renamed_and_dropped() {
    let place = Place::with_cities();
    assert_eq!(place.run(&["index", "list"]).ended_with(0).json(), json!([]));
    let made = place
        .run(&["index", "create", "City", "--keys", "size:-1", "--unique"])
        .ended_with(0)
        .silently()
        .json();
    let by_size = json!({"kind": "node", "entity": "City", "name": "context.size_-1", "keys": "size:-1", "unique": true, "partial": null});
    assert_eq!(made, by_size);
    place.run(&["index", "create", "City", "--keys", "size:-1", "--unique"]).ended_with(0);
    assert_eq!(place.run(&["index", "list", "City"]).ended_with(0).json(), json!([by_size]));
    let explained = place.run(&["find", "City", "--filter", r#"{"context.size": 20}"#, "--explain"]).json();
    assert_eq!(explained["access"]["path"], "index");

    let partial = [
        "index",
        "create",
        "Road",
        "--keys",
        "km",
        "--partial",
        r#"{"context.km": {"$gt": 2}}"#,
        "--name",
        "long",
    ];
    place.run(&partial).ended_with(0);
    let listed = place.run(&["index", "list", "Road"]).ended_with(0).json();
    assert_eq!(
        (&listed[0]["kind"], &listed[0]["partial"]),
        (&json!("edge"), &json!(r#"{"context.km":{"$gt":2}}"#))
    );

    place.run(&["index", "rename", "City", "context.size_-1", "sizes"]).ended_with(0);
    let slip = place.run(&["index", "drop", "City", "size"]).ended_with(4);
    slip.says(&["City has no index `size`: did you mean `sizes`?"]);
    place.run(&["index", "drop", "City", "sizes"]).ended_with(0);
    place.run(&["index", "drop", "City", "sizes"]).ended_with(4);
    assert_eq!(place.run(&["index", "list"]).json().as_array().unwrap().len(), 1);
}

#[test]
fn what_cannot_be_an_index_is_refused() {
    let place = Place::with_cities();
    place.run(&["index", "create", "Citty", "--keys", "x"]).ended_with(4).says(&["did you mean `City`?"]);
    place.run(&["index", "create", "City", "--keys", "size:3"]).ended_with(2).says(&["FIELD:-1"]);
    place.run(&["index", "create", "City", "--keys", ""]).ended_with(2).says(&["field's name is missing"]);
    place.run(&["index", "create", "City"]).ended_with(2).says(&["--keys"]);
    place.put("embedded:store", [json!({"id": "n.City.e", "context": {"size": 20}, "_version": 1})]);
    let refused = place.run(&["index", "create", "City", "--keys", "size", "--unique"]).ended_with(1);
    refused.says(&["`n.City.b` and `n.City.e` share [20]"]);
    assert_eq!(place.run(&["index", "list"]).json(), json!([]));
    // An entity of which there is nothing yet.
    place.run(&["index", "create", "Later", "--keys", "x", "--kind", "object"]).ended_with(0);
    assert_eq!(place.run(&["index", "list", "Later"]).json()[0]["kind"], "object");
}

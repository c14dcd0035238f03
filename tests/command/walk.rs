//! The built-in walkers on a graph small enough to check by hand.

use serde_json::{Value, json};

use crate::harness::Place;

/// `a` leads to `b` and `c`, both lead to `d`, and `d` to `e`; a slow `Rail` leads from `a` to `e`, a road without
/// length from `a` to `d`. Tags are lists, `e` has none.
fn graph() -> Place {
    let place = Place::new();
    place.file(
        "n.csv",
        "id,size,tags,land\na,1,\"[\"\"x\"\"]\",NO\nb,2,\"[\"\"x\"\",\"\"y\"\"]\",NO\nc,3.5,[],SE\nd,4,\"[\"\"y\"\"]\",SE\ne,,,DK\n",
    );
    place.file("road.csv", "s,t,km\na,b,1\na,c,2\nb,d,5\nc,d,1\nd,e,1\n");
    place.file("rail.csv", "s,t,km\na,e,7.5\n");
    place.file("path.csv", "s,t\na,d\n");
    let ends = ["--from", "s=Place", "--to", "t=Place"];
    let edges = |file, entity| [&["--edges", file, "--entity", entity][..], &ends].concat();
    let nodes = ["import", "--nodes", "n.csv", "--entity", "Place", "--key", "id", "--types", "tags=json"];
    place
        .run(
            &[
                &nodes[..],
                &edges("road.csv", "Road"),
                &edges("rail.csv", "Rail"),
                &edges("path.csv", "Footpath"),
            ]
            .concat(),
        )
        .ended_with(0);
    place
}

fn walk(place: &Place, arguments: &[&str]) -> Value {
    let result = place.run(&[&["walk"][..], arguments].concat()).ended_with(0).silently().json();
    assert!(result["elapsed_ms"].as_f64().is_some_and(|ms| ms > 0.0), "{result}");
    result
}

fn named(ids: &Value) -> String {
    ids.as_array().unwrap().iter().map(|id| id.as_str().unwrap().trim_start_matches("n.Place.")).collect()
}

#[test]
fn reach_counts_level_by_level_along_in_direction_and_where() {
    let place = graph();
    let reach = |arguments: &[&str]| {
        walk(&place, &[&["reach", "--from", "n.Place.a", "--ids"][..], arguments].concat())
    };
    let all = reach(&[]);
    assert_eq!((&all["visited"], &all["levels"]), (&json!(5), &json!([1, 4])));
    assert_eq!(all["profile"]["visits"], 5);
    let roads = reach(&["--along", "Road"]);
    assert_eq!((roads["levels"].clone(), named(&roads["ids"])), (json!([1, 2, 1, 1]), "abcde".into()));
    assert_eq!(named(&reach(&["--along", "Rail", "--along", "Footpath"])["ids"]), "aed");
    assert_eq!(named(&reach(&["--along", "Road", "--hops", "1"])["ids"]), "abc");
    assert_eq!(reach(&["--direction", "in"])["levels"], json!([1]));
    assert_eq!(walk(&place, &["reach", "--from", "n.Place.d", "--direction", "in"])["levels"], json!([1, 3]));
    assert_eq!(walk(&place, &["reach", "--from", "n.Place.d", "--direction", "both"])["visited"], 5);
    let swedish = reach(&["--where", r#"{"context.land": "SE"}"#]);
    assert_eq!(named(&swedish["ids"]), "acd", "the start is exempt, and what fails is not passed");
    assert!(walk(&place, &["reach", "--from", "n.Place.a"]).get("ids").is_none());
}

#[test]
fn depth_first_order_visits_a_subtree_before_the_next_neighbour() {
    let place = graph();
    let from = ["reach", "--from", "n.Place.a", "--along", "Road", "--ids", "--order", "dfs"];
    let deep = walk(&place, &from);
    assert_eq!((named(&deep["ids"]), &deep["levels"]), ("abdec".into(), &json!([1, 2, 1, 1])));
    let near = walk(&place, &[&from[..], &["--hops", "2"]].concat());
    assert_eq!(named(&near["ids"]), "abdc");
}

#[test]
fn the_answer_does_not_depend_on_the_number_of_workers() {
    let place = graph();
    let one = walk(&place, &["reach", "--from", "n.Place.a", "--ids", "--workers", "1"]);
    let three = walk(&place, &["reach", "--from", "n.Place.a", "--ids", "--workers", "3"]);
    assert_eq!(one["ids"], three["ids"]);
    place
        .run(&["walk", "reach", "--from", "n.Place.a", "--workers", "0"])
        .ended_with(2)
        .says(&["workers.count", "1..=256"]);
}

#[test]
fn a_path_has_fewest_hops_or_least_weight() {
    let place = graph();
    let path = |arguments: &[&str]| {
        walk(&place, &[&["path", "--from", "n.Place.a", "--to", "n.Place.e"][..], arguments].concat())
    };
    let hops = path(&[]);
    assert_eq!((&hops["found"], &hops["hops"], &hops["cost"]), (&json!(true), &json!(1), &json!(1)));
    let light = path(&["--weight", "km"]);
    assert_eq!(
        (&light["hops"], light["cost"].as_f64(), named(&light["path"])),
        (&json!(3), Some(4.0), "acde".into())
    );
    let rail = path(&["--weight", "km", "--along", "Rail"]);
    assert_eq!((&rail["hops"], &rail["cost"]), (&json!(1), &json!(7.5)));
    let around = path(&["--along", "Road", "--where", r#"{"id": {"$ne": "n.Place.c"}}"#]);
    assert_eq!(named(&around["path"]), "abde");
    let itself = walk(&place, &["path", "--from", "n.Place.a", "--to", "n.Place.a"]);
    assert_eq!(
        (&itself["found"], &itself["hops"], &itself["path"]),
        (&json!(true), &json!(0), &json!(["n.Place.a"]))
    );
}

#[test]
fn no_path_is_an_answer() {
    let place = graph();
    let none = walk(&place, &["path", "--from", "n.Place.e", "--to", "n.Place.a"]);
    assert_eq!(none["found"], false);
    assert!(none.get("path").is_none() && none.get("hops").is_none());
}

#[test]
fn aggregates_leave_the_start_out_and_count_lists_by_value() {
    let place = graph();
    let aggregate = |field, op, hops| {
        walk(
            &place,
            &[
                "aggregate",
                "--from",
                "n.Place.a",
                "--along",
                "Road",
                "--hops",
                hops,
                "--field",
                field,
                "--op",
                op,
            ],
        )
    };
    let mean = aggregate("context.size", "mean", "9");
    assert_eq!((&mean["op"], &mean["value"]), (&json!("mean"), &json!(9.5 / 3.0)));
    assert_eq!((&mean["nodes"], &mean["with_field"], &mean["count"]), (&json!(4), &json!(3), &json!(3)));
    assert_eq!((&mean["sum"], &mean["min"], &mean["max"]), (&json!(9.5), &json!(2), &json!(4)));
    for (op, value) in [("count", json!(3)), ("sum", json!(9.5)), ("min", json!(2)), ("max", json!(4))] {
        assert_eq!(aggregate("size", op, "9")["value"], value, "{op}");
    }
    assert_eq!(aggregate("size", "max", "1")["value"], json!(3.5));
    let groups = aggregate("tags", "groups", "9");
    assert_eq!(groups["value"], json!({"x": 1, "y": 2}));
    assert_eq!(aggregate("land", "count", "9")["value"], 4, "text counts as a field, not as a number");
    assert_eq!(aggregate("nothing", "mean", "9")["value"], json!(null));
}

#[test]
fn samples_repeat_with_their_seed_and_follow_edges() {
    let place = graph();
    let sample = |seed, workers| {
        walk(
            &place,
            &[
                "sample",
                "--from",
                "n.Place.a",
                "--walks",
                "50",
                "--steps",
                "3",
                "--seed",
                seed,
                "--along",
                "Road",
                "--ids",
                "--workers",
                workers,
            ],
        )
    };
    let (one, again, other) = (sample("7", "1"), sample("7", "2"), sample("8", "1"));
    assert_eq!(one["paths"], again["paths"]);
    assert_ne!(one["paths"], other["paths"]);
    assert_eq!((&one["walks"], &one["steps"], &one["stuck"]), (&json!(50), &json!(150), &json!(0)));
    assert_eq!(one["most_visited"][0], json!(["n.Place.a", 50]));
    let paths: Vec<String> = one["paths"].as_array().unwrap().iter().map(named).collect();
    assert!(paths.iter().all(|path| path == "abde" || path == "acde"), "{paths:?}");
    assert!(paths.iter().any(|path| path == "abde") && paths.iter().any(|path| path == "acde"));
    let longer = walk(&place, &["sample", "--from", "n.Place.d", "--walks", "2", "--steps", "3"]);
    assert_eq!((&longer["steps"], &longer["stuck"]), (&json!(2), &json!(2)));
    assert!(longer.get("paths").is_none());
}

//! `--profile` and `--explain`: what a walk cost, and what a walk or a query is going to read.

use serde_json::{Value, json};

use crate::harness::{Place, Ran};

fn walk(place: &Place, arguments: &[&str]) -> Ran {
    place.run(&[&["walk"][..], arguments].concat()).ended_with(0)
}

/// A result without what differs from run to run: times, and who was faster, the walk or its shards.
fn steady(ran: &Ran) -> Value {
    let mut result = ran.json();
    let members = result.as_object_mut().unwrap();
    members.shift_remove("elapsed_ms");
    let profile = members["profile"].as_object_mut().unwrap();
    for figure in ["elapsed_us", "resident", "loaded", "messages", "store_calls", "bytes"] {
        assert!(profile.shift_remove(figure).is_some(), "{figure}");
    }
    result
}

/// The first cell of each line under a heading, up to the next empty line.
fn under<'a>(text: &'a str, heading: &str) -> Vec<Vec<&'a str>> {
    let lines = text.lines().skip_while(|line| *line != heading).skip(2);
    lines.take_while(|line| !line.is_empty()).map(|line| line.split_whitespace().collect()).collect()
}

#[test]
fn a_profile_is_a_table_on_standard_error_and_leaves_the_result_alone() {
    let place = Place::with_cities();
    for arguments in [
        &["reach", "--from", "n.City.a"][..],
        &["reach", "--from", "n.City.a", "--order", "dfs"],
        &["path", "--from", "n.City.a", "--to", "n.City.c"],
        &["path", "--from", "n.City.a", "--to", "n.City.c", "--bidirectional"],
        &["path", "--from", "n.City.a", "--to", "n.City.c", "--weight", "km"],
        &["aggregate", "--from", "n.City.a", "--field", "size", "--op", "sum"],
        &["sample", "--from", "n.City.a", "--walks", "3", "--steps", "2", "--ids"],
    ] {
        let plain = walk(&place, arguments).silently();
        let profiled = walk(&place, &[arguments, &["--profile"]].concat());
        assert_eq!(steady(&plain), steady(&profiled), "{arguments:?}");
        let visits = plain.json()["profile"]["visits"].as_u64().unwrap();
        for figure in ["resident", "loaded", "store_calls", "messages", "bytes", "longest_queue"] {
            assert!(profiled.err.lines().any(|line| line.starts_with(figure)), "{figure}: {}", profiled.err);
        }
        assert_eq!(
            profiled.err.lines().next().unwrap().split_whitespace().collect::<Vec<_>>(),
            ["visits".to_owned(), visits.to_string()]
        );
        let hooks = under(&profiled.err, "by hook");
        assert!(hooks.iter().any(|hook| hook[..2] == ["node", &visits.to_string()]), "{}", profiled.err);
        assert_eq!(under(&profiled.err, "by entity")[0][..2], ["City", &visits.to_string()], "{arguments:?}");
        let hot: Vec<&str> = under(&profiled.err, "hot nodes").iter().map(|line| line[0]).collect();
        assert_eq!(hot.len(), 3, "{}", profiled.err);
        assert!(["n.City.a", "n.City.b", "n.City.c"].iter().all(|city| hot.contains(city)), "{hot:?}");
    }
}

#[test]
fn a_profile_is_told_to_those_who_asked_for_quiet_too() {
    let place = Place::with_cities();
    walk(&place, &["reach", "--from", "n.City.a", "--profile", "--quiet"]).says(&["by hook", "hot nodes"]);
}

#[test]
fn an_explanation_says_what_is_read_before_the_walk() {
    let place = Place::with_cities();
    let explained = |arguments: &[&str]| walk(&place, &[arguments, &["--explain"]].concat());
    let plain = walk(&place, &["reach", "--from", "n.City.a"]);
    let reach = explained(&["reach", "--from", "n.City.a"]);
    assert_eq!(steady(&plain), steady(&reach));
    reach.says(&[
        "walker   Reach",
        "start    n.City.a, found by its id; documents looked at: 1",
        "links    out, along edges of every entity",
        "reads    nodes with their links; no fields of edges",
        "filter   none",
        "order    breadth first",
        "unique   no node twice",
        "visits 1000000000, visits_per_node",
        "hops     as far as there are edges",
    ]);
    let narrow = ["--along", "Road", "--direction", "in", "--where", r#"{"context.size": {"$gt": 5}}"#];
    explained(&[&["reach", "--from", "n.City.c", "--hops", "1", "--max-visits", "7"][..], &narrow].concat())
        .says(&[
            "in, along edges of Road",
            r#"{"context.size":{"$gt":5}}, tested at each node but the start, when its turn comes; fields are decoded"#,
            "at most 1 from the start",
            "visits 7,",
        ]);
    explained(&["reach", "--from", "n.City.a", "--where", r#"{"entity": "City"}"#])
        .says(&["no field is decoded for it"]);
    explained(&["path", "--from", "n.City.a", "--to", "n.City.c", "--weight", "km"]).says(&[
        "nodes, and their edges with all fields",
        "least cost first",
        "`km` of each edge",
        "n.City.c, found by its id",
    ]);
    explained(&["path", "--from", "n.City.a", "--to", "n.City.c", "--bidirectional"])
        .says(&["TwoEndedPath", "out from the start, in from the end"]);
    explained(&["aggregate", "--from", "n.City.a", "--field", "size", "--op", "sum"])
        .says(&["Aggregate", "field    size"]);
    let sample = ["sample", "--from", "n.City.a", "--walks", "2", "--steps", "4", "--seed", "9"];
    explained(&[&sample[..], &["--where", r#"{"context.size": {"$gt": 5}}"#]].concat()).says(&[
        "RandomWalk",
        "anything again",
        "tested at all neighbours of each step",
        "seed     9",
    ]);
}

#[test]
fn an_explained_walk_that_cannot_start_says_why_as_ever() {
    let place = Place::with_cities();
    place
        .run(&["walk", "reach", "--from", "n.City.x", "--explain"])
        .ended_with(4)
        .says(&["node `n.City.x` does not exist"]);
}

#[test]
fn a_query_is_explained_instead_of_answered() {
    let place = Place::with_cities();
    let explain =
        |arguments: &[&str]| place.run(&[&["find"][..], arguments, &["--explain"]].concat()).ended_with(0);
    let scan = explain(&["City", "--filter", r#"{"context.size": 10}"#, "--sort", "size"]).silently().json();
    assert_eq!(
        scan,
        json!({"access": {"path": "entity_scan", "entity": "City"},
            "decodes_fields": true, "sorts_in_memory": true, "examined": 4})
    );
    let ids = explain(&["City", "--filter", r#"{"id": "n.City.a"}"#]).json();
    assert_eq!((&ids["access"], &ids["decodes_fields"]), (&json!({"path": "ids", "ids": 1}), &json!(false)));
    let edges = explain(&["Road", "--filter", r#"{"source": "n.City.a"}"#]).json();
    assert_eq!(edges["access"], json!({"path": "edges_of", "nodes": 1, "direction": "out"}));
    place.run(&["find", "Cities", "--explain"]).ended_with(4).says(&["Cities"]);
}

#[test]
fn random_order_repeats_with_its_seed_and_visits_the_same_nodes() {
    let place = Place::new();
    let nodes: Vec<String> = (0..40).map(|at| at.to_string()).collect();
    place.file("n.csv", format!("id\n{}\n", nodes.join("\n")));
    let edges: Vec<String> = (1..40).map(|at| format!("{},{at}", (at - 1) / 6)).collect();
    place.file("e.csv", format!("s,t\n{}\n", edges.join("\n")));
    let nodes = ["import", "--nodes", "n.csv", "--entity", "Spot", "--key", "id"];
    let edges = ["--edges", "e.csv", "--entity", "Way", "--from", "s=Spot", "--to", "t=Spot"];
    place.run(&[&nodes[..], &edges].concat()).ended_with(0);
    let reach = |more: &[&str]| {
        walk(&place, &[&["reach", "--from", "n.Spot.0", "--ids"][..], more].concat()).silently().json()
    };
    let random =
        |seed: &str, workers: &str| reach(&["--order", "random", "--seed", seed, "--workers", workers]);
    let (one, again, other, level) = (random("1", "1"), random("1", "3"), random("2", "1"), reach(&[]));
    assert_eq!(one["ids"], again["ids"]);
    assert_ne!(one["ids"], other["ids"]);
    assert_ne!(one["ids"], level["ids"]);
    assert_eq!(one["levels"], level["levels"], "levels are by fewest hops in any order");
    let sorted = |ids: &Value| {
        let mut ids: Vec<String> = serde_json::from_value(ids.clone()).unwrap();
        ids.sort();
        ids
    };
    assert_eq!(sorted(&one["ids"]), sorted(&level["ids"]));
    let near = reach(&["--order", "random", "--hops", "1"]);
    assert_eq!((&near["visited"], &near["levels"]), (&json!(7), &json!([1, 6])));
    place
        .run(&["walk", "reach", "--from", "n.Spot.0", "--seed", "1"])
        .ended_with(2)
        .says(&["--order random"]);
}

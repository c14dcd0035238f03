//! `wayfare bench`, at a size at which it takes a moment.

use serde_json::{Value, json};

use crate::harness::Place;

#[test]
fn all_lines_are_measured_with_finite_numbers_and_nothing_is_left() {
    let place = Place::new();
    let ran =
        place.run(&["bench", "--nodes", "2000", "--runs", "2", "--folder", ".", "--json"]).ended_with(0);
    let told = ran.json();
    assert_eq!((&told["nodes"], &told["runs"]), (&json!(2_000), &json!(2)));
    let lines = told["lines"].as_array().unwrap();
    let work = lines.iter().map(|line| line["work"].as_str().unwrap()).collect::<Vec<_>>();
    assert_eq!(
        work,
        [
            "breadth-first, 2 k nodes, 16 k edges",
            "the same, async hook (rival: sync hook)",
            "breadth-first, 2 workers",
            "chain of 2 k nodes, a visit",
            "2 k walkers of 100 random steps, a step",
            "spawn to first visit, idle, median",
            "2 k durable updates (rival: the store itself)",
        ]
    );
    for line in lines {
        for figure in ["rival", "ours", "ratio"] {
            // Null would be what JSON makes of a number that is none.
            assert!(line[figure].as_f64().is_some_and(|value| value > 0.0), "{figure}: {line}");
        }
        let has_budget = line["budget"].is_number();
        let verdict = line["verdict"].as_str();
        assert!(has_budget == verdict.is_some_and(|it| it == "met" || it == "missed"), "{line}");
    }
    assert_eq!(lines.iter().filter(|line| line["budget"] == Value::Null).count(), 1);
    assert_eq!(std::fs::read_dir(place.path()).unwrap().count(), 0);
}

#[test]
fn a_debug_build_says_that_it_measures_nothing() {
    let place = Place::new();
    let run = |quiet: &[&str]| {
        let arguments = [&["bench", "--nodes", "100", "--runs", "1", "--folder", "."], quiet].concat();
        place.run(&arguments).ended_with(0)
    };
    let ran = run(&[]);
    let is_debug = ran.json()["debug_build"] == true;
    assert_eq!(ran.err.contains("warning: this is a debug build"), is_debug, "{}", ran.err);
    ran.says(&["the budgets are those of a million nodes"]);
    run(&["--quiet"]).silently();
}

#[test]
fn what_cannot_be_measured_is_refused() {
    let place = Place::new();
    place.run(&["bench", "--nodes", "99"]).ended_with(2).says(&["99", "100..=10000000"]);
    place.run(&["bench", "--runs", "0"]).ended_with(2);
    let ran = place.run(&["bench", "--nodes", "100", "--runs", "1", "--folder", "gone"]).ended_with(1);
    ran.says(&["gone/wayfare-bench-", "No such file"]);
}

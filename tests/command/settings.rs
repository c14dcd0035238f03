//! Settings from the file, the environment and the command line.

use serde_json::{Value, json};

use crate::harness::{Place, Ran};

fn setting<'a>(all: &'a Value, key: &str) -> &'a Value {
    all.as_array().unwrap().iter().find(|row| row["setting"] == key).unwrap()
}

#[test]
fn config_shows_every_setting_and_where_it_was_set() {
    let place = Place::new();
    place.file("config.toml", "[workers]\nturn_visits = 64\n[limits]\nvisits = 5\n");
    let mut command = place.command(&["config"]);
    let ran = Ran::from(command.env("WAYFARE_LIMITS__VISITS", "77").output().unwrap()).ended_with(0);
    let all = ran.json();
    let seen = |key| (setting(&all, key)["value"].clone(), setting(&all, key)["set_by"].clone());
    assert_eq!(seen("workers.turn_visits"), (json!(64), json!("config.toml")));
    assert_eq!(seen("limits.visits"), (json!(77), json!("WAYFARE_LIMITS__VISITS")));
    assert_eq!(seen("store.url"), (json!("embedded:store"), json!("--store")));
    assert_eq!(seen("limits.queue"), (json!(100_000_000), json!(null)));
    assert_eq!(setting(&all, "workers.turn_visits")["default"], 256);
    assert!(!place.path().join("store").exists(), "looking at settings makes no store");
}

#[test]
fn a_password_in_the_store_url_is_not_shown() {
    let place = Place::new();
    place.file("config.toml", "[store]\nurl = \"mongodb://ann:hush@host/db\"\n");
    let mut command = place.here(std::process::Command::new(env!("CARGO_BIN_EXE_wayfare")));
    let ran = Ran::from(command.arg("config").output().unwrap()).ended_with(0);
    assert!(ran.out.contains("mongodb://ann:***@host/db") && !ran.out.contains("hush"), "{}", ran.out);
}

#[test]
fn unknown_and_out_of_range_settings_are_refused_with_what_is_allowed() {
    let place = Place::with_cities();
    for (text, parts) in [
        (
            "[workers]\ncuont = 2\n",
            &["`workers.cuont`", "config.toml:2", "did you mean `workers.count`?"][..],
        ),
        ("[workers]\ncount = 9000\n", &["`workers.count` is `9000`", "1..=256"]),
        ("[workers]\ncount = \"two\"\n", &["`workers.count` is `two`", "whole number"]),
        ("[workers\n", &["is not TOML"]),
    ] {
        place.file("config.toml", text);
        place.run(&["count"]).ended_with(2).says(parts);
    }
    place.file("config.toml", "");
    let mut command = place.command(&["count"]);
    let ran = Ran::from(command.env("WAYFARE_WORKERS__CUONT", "2").output().unwrap()).ended_with(2);
    ran.says(&["WAYFARE_WORKERS__CUONT", "did you mean `WAYFARE_WORKERS__COUNT`?"]);
    place.run(&["count", "--config", "gone.toml"]).ended_with(2).says(&["settings file `gone.toml`"]);
}

#[test]
fn the_store_and_the_budgets_come_from_the_settings_file() {
    let place = Place::with_cities();
    place.file("mine.toml", "[store]\nurl = \"embedded:store\"\n[limits]\nvisits = 2\n");
    let run = |arguments: &[&str]| {
        let mut command = place.here(std::process::Command::new(env!("CARGO_BIN_EXE_wayfare")));
        Ran::from(command.args(arguments).args(["--config", "mine.toml"]).output().unwrap())
    };
    assert_eq!(run(&["count", "City"]).ended_with(0).json()["count"], 4);
    run(&["walk", "reach", "--from", "n.City.a"]).ended_with(1).says(&["budget of 2 visits"]);
    run(&["walk", "reach", "--from", "n.City.a", "--max-visits", "10"]).ended_with(0);
}

//! A crate is a floor and uses lower floors only.

use std::process::Command;

use serde_json::Value;

/// The floor of each crate of the workspace. `wayfare-macros` stands beside `wayfare-graph`: neither uses the other.
const FLOORS: &[(&str, u8)] = &[
    ("wayfare-graph", 0),
    ("wayfare-macros", 0),
    ("wayfare-stores", 1),
    ("wayfare-actors", 2),
    ("wayfare", 3),
    ("wayfare-service", 4),
    // The program that fuzzes the parsers of all of them.
    ("wayfare-fuzz", 5),
];

/// The crate of chores: it uses no other crate of the workspace, and none uses it.
const CHORES: &str = "xtask";

/// The kit of the tests: it uses no other crate of the workspace, and only those with a floor use it, for their tests.
const TESTKIT: &str = "wayfare-testkit";

#[test]
fn every_crate_uses_lower_floors_only() {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version", "1", "--no-deps", "--offline"])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .expect("cargo runs this test, so it can be started");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let metadata: Value = serde_json::from_slice(&output.stdout).expect("cargo metadata is JSON");

    let crates: Vec<&str> = packages(&metadata).filter_map(|package| package["name"].as_str()).collect();
    for (name, _) in FLOORS.iter().filter(|(name, _)| *name != "wayfare-service") {
        assert!(crates.contains(name), "`{name}` is not among the crates {crates:?}");
    }
    let faults = faults(&metadata);
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn an_arrow_up_or_sideways_is_reported_whatever_its_kind() {
    for kind in [Value::Null, "dev".into(), "build".into()] {
        let arrow = |from: &str, to: &str| faults(&made_up(&[from, to], from, to, &kind));
        assert_eq!(arrow("wayfare-stores", "wayfare-graph"), [""; 0]);
        assert_eq!(arrow("wayfare", "wayfare-stores"), [""; 0]);
        assert_eq!(
            arrow("wayfare-graph", "wayfare-actors"),
            ["`wayfare-graph` (floor 0) depends on `wayfare-actors` (floor 2): use lower floors only"]
        );
        assert_eq!(arrow("wayfare-graph", "wayfare-macros").len(), 1);
        assert_eq!(arrow("wayfare-actors", "wayfare").len(), 1);
        assert_eq!(arrow("xtask", "wayfare-graph").len(), 1);
        assert_eq!(arrow("wayfare", "xtask").len(), 1);
        assert_eq!(arrow("wayfare", "serde"), ["`serde` has no floor: give it one in tests/floors.rs"]);
    }
}

#[test]
fn dependencies_from_outside_of_the_workspace_are_no_arrows() {
    let metadata = made_up(&["wayfare-graph"], "wayfare-graph", "serde", &Value::Null);
    assert_eq!(faults(&metadata), [""; 0]);
}

#[test]
fn the_kit_of_the_tests_is_for_tests_only() {
    let arrow = |from: &str, to: &str, kind: Value| faults(&made_up(&[from, to], from, to, &kind));
    assert_eq!(arrow("wayfare-stores", "wayfare-testkit", "dev".into()), [""; 0]);
    assert_eq!(
        arrow("wayfare-stores", "wayfare-testkit", Value::Null),
        ["`wayfare-stores` depends on `wayfare-testkit`: it is for tests, make it a dev-dependency"]
    );
    assert_eq!(arrow("wayfare-stores", "wayfare-testkit", "build".into()).len(), 1);
    for kind in [Value::Null, "dev".into(), "build".into()] {
        let apart =
            "`wayfare-testkit` depends on `wayfare-graph`: `wayfare-testkit` stands apart from the floors";
        assert_eq!(arrow("wayfare-testkit", "wayfare-graph", kind.clone()), [apart]);
        assert_eq!(arrow("wayfare-testkit", "xtask", kind.clone()).len(), 1);
        assert_eq!(arrow("xtask", "wayfare-testkit", kind).len(), 1);
    }
}

/// What `cargo metadata` would say of a workspace of `crates` with one arrow.
fn made_up(crates: &[&str], from: &str, to: &str, kind: &Value) -> Value {
    let package = |name: &&str| {
        let arrow = serde_json::json!({ "name": to, "kind": kind });
        let dependencies = if *name == from { vec![arrow] } else { vec![] };
        serde_json::json!({ "name": name, "dependencies": dependencies })
    };
    serde_json::json!({ "packages": crates.iter().map(package).collect::<Vec<_>>() })
}

/// Every arrow that does not lead to a lower floor, and every crate without a floor.
fn faults(metadata: &Value) -> Vec<String> {
    let names: Vec<&str> = packages(metadata).filter_map(|package| package["name"].as_str()).collect();
    let mut faults = Vec::new();
    for package in packages(metadata) {
        let name = package["name"].as_str().unwrap_or_default();
        if name != CHORES && name != TESTKIT && floor(name).is_none() {
            faults.push(format!("`{name}` has no floor: give it one in tests/floors.rs"));
        }
        for dependency in package["dependencies"].as_array().into_iter().flatten() {
            let used = dependency["name"].as_str().filter(|used| names.contains(used));
            // A crate names itself to have its own features in its tests.
            let used = used.filter(|used| *used != name || dependency["kind"] != "dev");
            faults.extend(used.and_then(|used| fault(name, used, &dependency["kind"])));
        }
    }
    faults
}

/// What is wrong with one arrow within the workspace.
fn fault(name: &str, used: &str, kind: &Value) -> Option<String> {
    match (floor(name), floor(used)) {
        (Some(own), Some(other)) if other < own => None,
        (Some(own), Some(other)) => {
            Some(format!("`{name}` (floor {own}) depends on `{used}` (floor {other}): use lower floors only"))
        }
        (Some(_), None) if used == TESTKIT => (kind != "dev")
            .then(|| format!("`{name}` depends on `{used}`: it is for tests, make it a dev-dependency")),
        _ => {
            let apart = [CHORES, TESTKIT].into_iter().find(|apart| [name, used].contains(apart));
            // A crate without a floor is a fault of its own, told once.
            apart.map(|apart| format!("`{name}` depends on `{used}`: `{apart}` stands apart from the floors"))
        }
    }
}

fn floor(name: &str) -> Option<u8> {
    FLOORS.iter().find(|(known, _)| *known == name).map(|(_, floor)| *floor)
}

fn packages(metadata: &Value) -> impl Iterator<Item = &Value> {
    metadata["packages"].as_array().into_iter().flatten()
}

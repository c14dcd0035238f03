//! The validation graphs of LDBC Graphalytics: BFS, SSSP and WCC against the outputs that the benchmark expects.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::Path;

use serde_json::{Value, json};
use wayfare::{Direction, Id, Runtime};

use super::breadth_first::{ids_of, levels_of};
use super::command::Command;
use super::data;
use super::loading::{Records, node};
use super::walkers::{Costs, Survey, reach_all};

/// What the benchmark writes for a vertex that is not reached breadth first.
const UNREACHED: &str = "9223372036854775807";

/// Relative tolerance of distances, which the benchmark prints with 16 digits.
const TOLERANCE: f64 = 1e-8;

#[tokio::test]
async fn ldbc_graphalytics() {
    let Some(folder) = data::folder_of("ldbc-graphalytics") else { return };
    let cases = data::json(&folder, "cases.json");
    let mut measured = Vec::new();
    for case in cases["cases"].as_array().expect("a list of cases") {
        let algorithm = case["algorithm"].as_str().expect("the case names its algorithm");
        if !["bfs", "sssp", "wcc"].contains(&algorithm) {
            // Not walks: these iterate over the whole graph.
            continue;
        }
        let expected = values(&data::text(&folder, case["expected_file"].as_str().expect("a file")));
        let name = case["name"].as_str().expect("a name");
        measure(&folder, case, algorithm, name, &expected).await;
        measured.push(name.to_owned());
    }
    assert_eq!(measured.len(), 6, "{measured:?}");
}

/// Brings a case into a store and computes it, through the library and through the command.
async fn measure(folder: &Path, case: &Value, algorithm: &str, name: &str, expected: &Values) {
    let scratch = tempfile::tempdir().unwrap();
    let store = scratch.path().join("store");
    let command = Command::on(&store);
    if case["vertex_file"].is_string() {
        import(&command, folder, case, expected.len());
    }
    let runtime = Runtime::open(&format!("embedded:{}", store.display())).unwrap();
    if case["adjacency_file"].is_string() {
        adjacency(folder, case).write_to(&runtime.graph(), case["directed"] == false).await;
    }
    match algorithm {
        "bfs" => assert_eq!(depths(&runtime, case, expected).await, *expected, "{name}"),
        "sssp" => compare_distances(name, &distances(&runtime, case).await, expected),
        _ => assert_eq!(components(&runtime, expected).await, partition(expected), "{name}"),
    }
    runtime.shutdown().await;
    let from = source(case).to_string();
    match algorithm {
        "bfs" => {
            let found = command.run(&["walk", "reach", "--from", &from, "--ids"]);
            let ids = ids_of(&found["ids"]);
            let met = super::breadth_first::depths(&levels_of(&found), &ids).into_iter();
            assert_eq!(with_unreached(expected, met), *expected, "{name} by the command");
        }
        "sssp" => {
            let mut costs = HashMap::new();
            for vertex in expected.keys() {
                let to = node("vertex", vertex).to_string();
                let found =
                    command.run(&["walk", "path", "--from", &from, "--to", &to, "--weight", "weight"]);
                costs.extend(found["cost"].as_f64().map(|cost| (*vertex, cost)));
            }
            compare_distances(name, &costs, expected);
        }
        // The command walks from a node, it has no walk over all of them.
        _ => {}
    }
}

/// Lines of a vertex, and lines of two vertices and a weight.
fn import(command: &Command, folder: &Path, case: &Value, vertices: usize) {
    let file = |name: &str| folder.join(case[name].as_str().expect("a file")).display().to_string();
    let (nodes, edges) = (file("vertex_file"), file("edge_file"));
    let nodes = ["import", "--nodes", &nodes, "--entity", "vertex", "--key", "id", "--columns", "id"];
    let ends =
        ["--from", "from=vertex", "--to", "to=vertex", "--columns", "from,to,weight", "--delimiter", "space"];
    let report = command.run(&[&nodes[..], &["--edges", &edges, "--entity", "edge"], &ends].concat());
    assert_eq!(report["files"][0]["new"], vertices);
}

type Values = BTreeMap<u64, String>;

/// Lines of a vertex and a value.
fn values(text: &str) -> Values {
    let pairs = text.lines().filter_map(|line| line.split_once(' '));
    pairs.map(|(vertex, value)| (vertex.parse().unwrap(), value.trim().to_owned())).collect()
}

/// Lines of a vertex and those its edges lead to.
fn adjacency(folder: &Path, case: &Value) -> Records {
    let text = data::text(folder, case["adjacency_file"].as_str().expect("a file"));
    let rows: Vec<Vec<&str>> = text.lines().map(|line| line.split_whitespace().collect()).collect();
    let mut records = Records::default();
    // A vertex without edges of its own has no row.
    for vertex in rows.iter().flatten().collect::<BTreeSet<_>>() {
        records.node(node("vertex", vertex), json!({}));
    }
    for (source, target) in rows.iter().flat_map(|row| row.iter().skip(1).map(|target| (row[0], target))) {
        records.edge("edge", &node("vertex", source), &node("vertex", target), json!({}));
    }
    records
}

fn source(case: &Value) -> Id {
    node("vertex", &case["parameters"]["source"])
}

fn number(id: &Id) -> u64 {
    id.with_key(|key| key.parse().unwrap())
}

async fn depths(runtime: &Runtime, case: &Value, vertices: &Values) -> Values {
    let walk = runtime.spawn(Survey::default()).at(source(case)).await.unwrap();
    let met = walk.finish().await.unwrap().met;
    with_unreached(vertices, met.iter().map(|(id, depth)| (id, *depth as usize)))
}

fn with_unreached<'a>(vertices: &Values, met: impl Iterator<Item = (&'a Id, usize)>) -> Values {
    let mut found: Values = vertices.keys().map(|&vertex| (vertex, UNREACHED.to_owned())).collect();
    found.extend(met.map(|(id, depth)| (number(id), depth.to_string())));
    found
}

async fn distances(runtime: &Runtime, case: &Value) -> HashMap<u64, f64> {
    let costs = Costs { weight: "weight".into(), direction: Direction::Out, met: Vec::new() };
    let met = runtime.spawn(costs).at(source(case)).await.unwrap().finish().await.unwrap().met;
    met.iter().map(|(id, cost)| (number(id), *cost)).collect()
}

fn compare_distances(name: &str, found: &HashMap<u64, f64>, expected: &Values) {
    assert!(found.keys().all(|vertex| expected.contains_key(vertex)), "{name}: {found:?}");
    for (vertex, expected) in expected {
        let found = found.get(vertex).copied().unwrap_or(f64::INFINITY);
        let expected: f64 = expected.parse().unwrap();
        let is_close = found == expected || (found - expected).abs() <= TOLERANCE * expected.abs();
        assert!(is_close, "{name}: vertex {vertex}: expected {expected}, found {found}");
    }
}

/// The vertices that have one label, whatever it is.
fn partition(labels: &Values) -> BTreeSet<BTreeSet<u64>> {
    let mut parts: HashMap<&str, BTreeSet<u64>> = HashMap::new();
    for (&vertex, label) in labels {
        parts.entry(label).or_default().insert(vertex);
    }
    parts.into_values().collect()
}

async fn components(runtime: &Runtime, vertices: &Values) -> BTreeSet<BTreeSet<u64>> {
    let mut parts: BTreeSet<BTreeSet<u64>> = BTreeSet::new();
    for vertex in vertices.keys() {
        let walk = runtime.spawn(reach_all(Direction::Both)).at(node("vertex", vertex)).await.unwrap();
        parts.insert(walk.finish().await.unwrap().ids.iter().map(number).collect());
    }
    parts
}

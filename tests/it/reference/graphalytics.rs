//! The validation graphs of LDBC Graphalytics: BFS, SSSP and WCC against the outputs that the benchmark expects.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::Path;

use serde_json::{Value, json};
use wayfare::{Direction, Id, Runtime};

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
        let store = tempfile::tempdir().unwrap();
        let runtime = Runtime::open(&format!("embedded:{}", store.path().display())).unwrap();
        records(&folder, case).write_to(&runtime.graph(), case["directed"] == false).await;
        let expected = values(&data::text(&folder, case["expected_file"].as_str().expect("a file")));
        let name = case["name"].as_str().expect("a name");
        match algorithm {
            "bfs" => assert_eq!(depths(&runtime, case, &expected).await, expected, "{name}"),
            "sssp" => compare_distances(name, &distances(&runtime, case).await, &expected),
            _ => assert_eq!(components(&runtime, &expected).await, partition(&expected), "{name}"),
        }
        measured.push(name.to_owned());
        runtime.shutdown().await;
    }
    assert_eq!(measured.len(), 6, "{measured:?}");
}

type Values = BTreeMap<u64, String>;

/// Lines of a vertex and a value.
fn values(text: &str) -> Values {
    let pairs = text.lines().filter_map(|line| line.split_once(' '));
    pairs.map(|(vertex, value)| (vertex.parse().unwrap(), value.trim().to_owned())).collect()
}

fn records(folder: &Path, case: &Value) -> Records {
    let lines = |name: &str| {
        let text = data::text(folder, case[name].as_str().expect("a file"));
        let words = text.lines().map(|line| line.split_whitespace().map(str::to_owned).collect::<Vec<_>>());
        words.filter(|words| !words.is_empty()).collect::<Vec<_>>()
    };
    let mut records = Records::default();
    if case["adjacency_file"].is_string() {
        let rows = lines("adjacency_file");
        // A vertex without edges of its own has no row.
        for vertex in rows.iter().flatten().collect::<BTreeSet<_>>() {
            records.node(node("vertex", vertex), json!({}));
        }
        for (source, target) in
            rows.iter().flat_map(|row| row[1..].iter().map(move |target| (&row[0], target)))
        {
            records.edge("edge", &node("vertex", source), &node("vertex", target), json!({}));
        }
        return records;
    }
    for row in lines("vertex_file") {
        records.node(node("vertex", &row[0]), json!({}));
    }
    for row in lines("edge_file") {
        let fields = row.get(2).map_or(json!({}), |weight| json!({"weight": weight.parse::<f64>().unwrap()}));
        records.edge("edge", &node("vertex", &row[0]), &node("vertex", &row[1]), fields);
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
    let mut found: Values = vertices.keys().map(|&vertex| (vertex, UNREACHED.to_owned())).collect();
    found.extend(met.iter().map(|(id, depth)| (number(id), depth.to_string())));
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

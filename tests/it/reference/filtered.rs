//! Walks that follow some edges and pass some nodes: `filtered_bfs`.

use serde_json::{Value, json};
use wayfare::{Along, Filter, Id, Runtime};

use super::breadth_first::{depths, ids_of, levels_of};
use super::check::Check;
use super::command::Command;
use super::subject::{Subject, direction};
use super::walkers::{Survey, reach_all};

const FAMILY: &str = "filtered_bfs";

pub async fn through_library(subject: &Subject, runtime: &Runtime, check: &mut Check) {
    for spec in subject.reference[FAMILY].as_array().into_iter().flatten() {
        if spec["mode"] == "emit" {
            emit(subject, runtime, check, spec).await;
        } else if spec["edge_where"].is_null() {
            barrier(subject, runtime, check, spec).await;
        } else {
            edges(subject, runtime, check, spec).await;
        }
    }
}

/// The command knows barriers on nodes; what it has no option for is left to the library.
pub fn through_command(subject: &Subject, command: &Command, rows: usize, check: &mut Check) {
    let specs = subject.reference[FAMILY].as_array().into_iter().flatten();
    for spec in specs.filter(|spec| spec["mode"] == "barrier" && spec["edge_where"].is_null()) {
        let mut options = vec!["--ids".to_owned(), "--direction".to_owned(), direction(spec).to_string()];
        for entity in spec["edge_types"].as_array().into_iter().flatten() {
            options.extend(["--along".to_owned(), entity.as_str().expect("a name").to_owned()]);
        }
        if let Some(hops) = spec["max_depth"].as_u64() {
            options.extend(["--hops".to_owned(), hops.to_string()]);
        }
        if let Some(test) = spec.get("node_where") {
            options.extend(["--where".to_owned(), filter_json(test).to_string()]);
        }
        for row in rows_of(spec).take(rows) {
            let start =
                ["walk", "reach", "--from", &subject.id(&row["source"]).to_string()].map(str::to_owned);
            let found = command.run(&[&start, options.as_slice()].concat());
            let ids = ids_of(&found["ids"]);
            compare(subject, check, spec, row, &depths(&levels_of(&found), &ids), ids.len() as u64);
        }
    }
}

async fn barrier(subject: &Subject, runtime: &Runtime, check: &mut Check, spec: &Value) {
    let mut reach = reach_all(direction(spec));
    reach.hops = spec["max_depth"].as_u64().map(|hops| u32::try_from(hops).unwrap());
    reach.along = along(spec);
    let only = spec.get("node_where").map(filter);
    let asked = rows_of(spec).map(|row| (reach.clone(), subject.id(&row["source"]), only.clone())).collect();
    for (row, reach) in rows_of(spec).zip(subject.walk(runtime, asked).await) {
        compare(subject, check, spec, row, &depths(&reach.levels, &reach.ids), reach.ids.len() as u64);
    }
}

async fn edges(subject: &Subject, runtime: &Runtime, check: &mut Check, spec: &Value) {
    let only = spec.get("node_where").map(filter);
    let survey = || Survey { edges: Some(filter(&spec["edge_where"])), ..survey(spec) };
    let asked = rows_of(spec).map(|row| (survey(), subject.id(&row["source"]), only.clone())).collect();
    compare_surveys(subject, runtime, check, spec, asked).await;
}

async fn emit(subject: &Subject, runtime: &Runtime, check: &mut Check, spec: &Value) {
    let edges = spec.get("edge_where").map(filter);
    let survey = || Survey { edges: edges.clone(), emit: Some(filter(&spec["node_where"])), ..survey(spec) };
    let asked = rows_of(spec).map(|row| (survey(), subject.id(&row["source"]), None)).collect();
    compare_surveys(subject, runtime, check, spec, asked).await;
}

async fn compare_surveys(
    subject: &Subject,
    runtime: &Runtime,
    check: &mut Check,
    spec: &Value,
    asked: Vec<(Survey, Id, Option<Filter>)>,
) {
    for (row, survey) in rows_of(spec).zip(subject.walk(runtime, asked).await) {
        let met: Vec<(&Id, usize)> = survey.met.iter().map(|(id, depth)| (id, *depth as usize)).collect();
        compare(subject, check, spec, row, &met, survey.visited);
        if !row["emitted"].is_null() {
            check.same(FAMILY, what(spec, row), "emitted", &row["emitted"], &json!(met.len()));
        }
    }
}

fn compare(
    subject: &Subject,
    check: &mut Check,
    spec: &Value,
    row: &Value,
    met: &[(&Id, usize)],
    visited: u64,
) {
    let mut levels = vec![0_u64; met.iter().map(|(_, depth)| depth + 1).max().unwrap_or(0)];
    for (_, depth) in met {
        levels[*depth] += 1;
    }
    check.same(FAMILY, what(spec, row), "levels", &row["levels"], &json!(levels));
    check.same(FAMILY, what(spec, row), "visited", &row["visited"], &json!(visited));
    let digest = subject.digest(met.iter().copied());
    check.same(FAMILY, what(spec, row), "sha256", &row["sha256"], &json!(digest));
}

fn rows_of(spec: &Value) -> impl Iterator<Item = &Value> + Clone {
    spec["rows"].as_array().into_iter().flatten()
}

fn what(spec: &Value, row: &Value) -> String {
    format!("{} from {}", spec["name"], row["source"])
}

fn survey(spec: &Value) -> Survey {
    let hops = spec["max_depth"].as_u64();
    Survey { hops, along: along(spec), direction: direction(spec), ..Survey::default() }
}

fn along(spec: &Value) -> Along {
    let names = spec["edge_types"].as_array().into_iter().flatten();
    let names: Vec<&str> = names.map(|name| name.as_str().expect("a name is text")).collect();
    Along::names(&names).unwrap()
}

fn filter(test: &Value) -> Filter {
    Filter::parse(&filter_json(test)).unwrap()
}

/// A test of the reference in MongoDB's language. A property that is absent fails every test.
fn filter_json(test: &Value) -> Value {
    if let Some(all) = test["all"].as_array() {
        return json!({"$and": all.iter().map(filter_json).collect::<Vec<_>>()});
    }
    let path = match test["attr"].as_str().expect("the test names a property") {
        "@type" => "entity".to_owned(),
        name => format!("context.{name}"),
    };
    let value = &test["value"];
    let condition = match test["op"].as_str().expect("the test has an operator") {
        // A list that holds the value satisfies an equality too.
        "==" | "contains" => json!({"$eq": value}),
        "!=" => json!({"$ne": value, "$exists": true}),
        ">" => json!({"$gt": value}),
        ">=" => json!({"$gte": value}),
        "<" => json!({"$lt": value}),
        "<=" => json!({"$lte": value}),
        other => panic!("unknown operator {other}"),
    };
    json!({path: condition})
}

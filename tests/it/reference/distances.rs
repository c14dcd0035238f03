//! Cheapest ways: `sssp` and `pair_distance`.

use serde_json::{Value, json};
use wayfare::walkers::{Found, Path};
use wayfare::{Direction, Id, Runtime};

use super::breadth_first::{ids_of, what};
use super::check::Check;
use super::command::Command;
use super::subject::{Subject, direction};
use super::walkers::{Costs, Look};

/// Paths whose edges are looked at one by one.
const RETRACED: usize = 10;

pub async fn through_library(subject: &Subject, runtime: &Runtime, check: &mut Check) {
    let rows = subject.rows("sssp");
    let costs = |row: &Value| {
        let weight = row["weight"].as_str().expect("the row names its weight").to_owned();
        Costs { weight, direction: direction(row), met: Vec::new() }
    };
    let asked = rows.clone().map(|row| (costs(row), subject.id(&row["source"]), None)).collect();
    for (row, costs) in rows.zip(subject.walk(runtime, asked).await) {
        compare_sssp(subject, check, row, costs.met);
    }
    let Some((weight, way)) = weighed(subject) else { return };
    let rows = subject.rows("pair_distance");
    let path = |row: &Value| {
        let mut path = Path::to(subject.id(&row["to"]));
        (path.direction, path.weight) = (way, Some(weight.clone()));
        path
    };
    let asked = rows.clone().map(|row| (path(row), subject.id(&row["from"]), None)).collect();
    let mut retraced = 0;
    for (row, path) in rows.zip(subject.walk(runtime, asked).await) {
        let cost = path.found.as_ref().map(|found| &found.cost);
        check.number("pair_distance", pair(row), "distance", &row["distance"], &json!(cost));
        if let Some(found) = path.found.filter(|_| retraced < RETRACED) {
            retraced += 1;
            retrace(subject, runtime, check, row, &weight, way, &found).await;
        }
    }
}

pub fn through_command(subject: &Subject, command: &Command, rows: usize, check: &mut Check) {
    let Some((weight, way)) = weighed(subject) else { return };
    for row in subject.rows("pair_distance").take(rows) {
        let (from, to) = (subject.id(&row["from"]).to_string(), subject.id(&row["to"]).to_string());
        let way = way.to_string();
        let arguments =
            ["walk", "path", "--from", &from, "--to", &to, "--direction", &way, "--weight", &weight];
        let found = command.run(&arguments);
        check.number("pair_distance", pair(row), "distance", &row["distance"], &found["cost"]);
        check.same(
            "pair_distance",
            pair(row),
            "found",
            &!row["distance"].is_null(),
            &(found["found"] == true),
        );
        if found["found"] == true {
            let ids = ids_of(&found["path"]);
            let ends = [ids.first(), ids.last()].map(|end| end.map(|id| json!(subject.name_of(id))));
            check.same(
                "pair_distance",
                pair(row),
                "ends",
                &[Some(row["from"].clone()), Some(row["to"].clone())],
                &ends,
            );
        }
    }
}

/// The weight and direction of a graph that has weights.
fn weighed(subject: &Subject) -> Option<(String, Direction)> {
    let row = subject.rows("sssp").next()?;
    Some((row["weight"].as_str()?.to_owned(), direction(row)))
}

fn pair(row: &Value) -> String {
    format!("from {} to {}", row["from"], row["to"])
}

fn compare_sssp(subject: &Subject, check: &mut Check, row: &Value, mut met: Vec<(Id, f64)>) {
    const FAMILY: &str = "sssp";
    check.same(FAMILY, what(row), "reached", &row["reached"], &json!(met.len()));
    check.same(FAMILY, what(row), "order of visits", &true, &met.is_sorted_by(|(_, a), (_, b)| a <= b));
    let sum: f64 = met.iter().map(|(_, cost)| cost).sum();
    check.number(FAMILY, what(row), "sum", &row["sum"], &json!(sum));
    let most = met.iter().map(|(_, cost)| *cost).fold(0.0, f64::max);
    check.number(FAMILY, what(row), "max", &row["max"], &json!(most));
    // Only whole distances have a digest.
    if !row["sha256"].is_null() {
        let digest = subject.digest(met.iter().map(|(id, cost)| (id, *cost as u64)));
        check.same(FAMILY, what(row), "sha256", &row["sha256"], &json!(digest));
    }
    met.sort_by(|(a, x), (b, y)| x.total_cmp(y).then_with(|| subject.rank(a).cmp(&subject.rank(b))));
    compare_ends(subject, check, row, "nearest20", met.iter().skip(1).take(20));
    met.sort_by(|(a, x), (b, y)| y.total_cmp(x).then_with(|| subject.rank(a).cmp(&subject.rank(b))));
    compare_ends(subject, check, row, "farthest10", met.iter().take(10));
}

fn compare_ends<'a>(
    subject: &Subject,
    check: &mut Check,
    row: &Value,
    part: &str,
    met: impl Iterator<Item = &'a (Id, f64)> + Clone,
) {
    let expected = row[part].as_array().expect("the row lists them");
    check.same("sssp", what(row), part, &expected.len(), &met.clone().count());
    for (expected, (id, cost)) in expected.iter().zip(met) {
        check.same("sssp", what(row), part, &expected[0], &json!(subject.name_of(id)));
        check.number("sssp", what(row), part, &expected[1], &json!(cost));
    }
}

/// Goes along a path, taking the cheapest edge at each step, and adds up.
async fn retrace(
    subject: &Subject,
    runtime: &Runtime,
    check: &mut Check,
    row: &Value,
    weight: &str,
    way: Direction,
    found: &Found,
) {
    let look = |id: &Id| (Look { direction: way, edges: Vec::new() }, id.clone(), None);
    let looks = subject.walk(runtime, found.path.iter().map(look).collect()).await;
    let mut total = 0.0;
    for (look, next) in looks.iter().zip(&found.path[1..]) {
        let weights = look.edges.iter().filter(|(other, _, _)| other == next);
        let weights = weights.filter_map(|(_, _, fields)| fields[weight].as_f64());
        total += weights.reduce(f64::min).unwrap_or(f64::INFINITY);
    }
    check.number("pair_distance", pair(row), "total along the path", &json!(found.cost), &json!(total));
    check.same("pair_distance", pair(row), "hops of the path", &(found.hops + 1), &found.path.len());
}

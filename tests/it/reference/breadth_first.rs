//! Levels, neighbourhoods and fewest hops: `bfs`, `k_hop`, `pair_hops`.

use serde_json::{Value, json};
use wayfare::walkers::{Path, Reach};
use wayfare::{Direction, Id, Runtime};

use super::check::Check;
use super::command::Command;
use super::subject::{Subject, direction, whole};
use super::walkers::{Survey, reach_all};

/// Everything that `bfs`, `k_hop` and `pair_hops` state.
pub async fn through_library(subject: &Subject, runtime: &Runtime, check: &mut Check) {
    bfs(subject, runtime, check).await;
    k_hop(subject, runtime, check).await;
    pair_hops(subject, runtime, check).await;
}

async fn bfs(subject: &Subject, runtime: &Runtime, check: &mut Check) {
    let rows = subject.rows("bfs");
    let asked =
        rows.clone().map(|row| (reach_all(direction(row)), subject.id(&row["source"]), None)).collect();
    for (row, reach) in rows.clone().zip(subject.walk(runtime, asked).await) {
        compare_bfs(subject, check, row, &reach.levels, &reach.ids);
    }
    let survey = |row| Survey { direction: direction(row), ..Survey::default() };
    let asked = rows.clone().map(|row| (survey(row), subject.id(&row["source"]), None)).collect();
    for (row, survey) in rows.zip(subject.walk(runtime, asked).await) {
        let digest = subject.digest(survey.met.iter().map(|(id, depth)| (id, depth)));
        check.same("bfs", what(row), "depths told to hooks", &row["sha256"], &json!(digest));
    }
}

async fn k_hop(subject: &Subject, runtime: &Runtime, check: &mut Check) {
    let rows = subject.rows("k_hop");
    let reach = |row| {
        let mut reach = Reach::default();
        (reach.direction, reach.hops) = (direction(row), Some(3));
        reach
    };
    let asked = rows.clone().map(|row| (reach(row), subject.id(&row["source"]), None)).collect();
    for (row, reach) in rows.zip(subject.walk(runtime, asked).await) {
        compare_k_hop(check, row, &reach.levels);
    }
}

async fn pair_hops(subject: &Subject, runtime: &Runtime, check: &mut Check) {
    for way in ways(subject) {
        let rows = subject.rows("pair_hops");
        let path = |row: &Value| {
            let mut path = Path::to(subject.id(&row["to"]));
            path.direction = way;
            path
        };
        let asked = rows.clone().map(|row| (path(row), subject.id(&row["from"]), None)).collect();
        for (row, path) in rows.zip(subject.walk(runtime, asked).await) {
            let found = path.found.map(|found| (found.hops as u64, found.path));
            compare_pair(subject, check, row, way, found);
        }
    }
}

/// The same through the command.
pub fn through_command(subject: &Subject, command: &Command, rows: usize, check: &mut Check) {
    for row in subject.rows("bfs").take(rows) {
        let found = command.walk("reach", subject, row, &["--ids"]);
        compare_bfs(subject, check, row, &levels_of(&found), &ids_of(&found["ids"]));
    }
    for row in subject.rows("k_hop").take(rows) {
        let found = command.walk("reach", subject, row, &["--hops", "3"]);
        compare_k_hop(check, row, &levels_of(&found));
    }
    for row in subject.rows("pair_hops").take(rows) {
        for way in ways(subject) {
            let (from, to) = (subject.id(&row["from"]).to_string(), subject.id(&row["to"]).to_string());
            let direction = way.to_string();
            let found =
                command.run(&["walk", "path", "--from", &from, "--to", &to, "--direction", &direction]);
            compare_pair(subject, check, row, way, path_of(&found));
        }
    }
}

/// The ways in which a graph states pairs.
fn ways(subject: &Subject) -> Vec<Direction> {
    if subject.is_directed() { vec![Direction::Out, Direction::Both] } else { vec![Direction::Both] }
}

pub fn what(row: &Value) -> String {
    format!("from {} {}", row["source"], row["direction"].as_str().unwrap_or_default())
}

/// The visited nodes with their depths, as levels and ids in the order of visits tell them.
pub fn depths<'a>(levels: &[u64], ids: &'a [Id]) -> Vec<(&'a Id, usize)> {
    let depths = levels.iter().enumerate().flat_map(|(depth, &count)| vec![depth; count as usize]);
    ids.iter().zip(depths).collect()
}

fn compare_bfs(subject: &Subject, check: &mut Check, row: &Value, levels: &[u64], ids: &[Id]) {
    check.same("bfs", what(row), "levels", &row["levels"], &json!(levels));
    check.same("bfs", what(row), "reached", &row["reached"], &json!(ids.len()));
    check.same("bfs", what(row), "eccentricity", &row["eccentricity"], &json!(levels.len() - 1));
    check.same("bfs", what(row), "sha256", &row["sha256"], &json!(subject.digest(depths(levels, ids))));
}

fn compare_k_hop(check: &mut Check, row: &Value, levels: &[u64]) {
    let within = [1, 2, 3].map(|hops| levels.iter().skip(1).take(hops).sum::<u64>());
    check.same("k_hop", what(row), "within_1_2_3", &row["within_1_2_3"], &json!(within));
}

fn compare_pair(
    subject: &Subject,
    check: &mut Check,
    row: &Value,
    way: Direction,
    found: Option<(u64, Vec<Id>)>,
) {
    let what = format!("from {} to {} {way}", row["from"], row["to"]);
    let hops = found.as_ref().map(|(hops, _)| *hops);
    check.same("pair_hops", &what, "hops", &row[way.to_string()], &json!(hops));
    let Some((hops, path)) = found else { return };
    check.same("pair_hops", &what, "number of nodes on the path", &(hops + 1), &(path.len() as u64));
    let ends = [path.first(), path.last()].map(|end| end.map(|id| json!(subject.name_of(id))));
    check.same("pair_hops", &what, "ends", &[Some(row["from"].clone()), Some(row["to"].clone())], &ends);
}

pub fn levels_of(found: &Value) -> Vec<u64> {
    found["levels"].as_array().expect("a walk tells its levels").iter().map(whole).collect()
}

pub fn ids_of(found: &Value) -> Vec<Id> {
    let ids = found.as_array().expect("ids were asked for").iter();
    ids.map(|id| id.as_str().expect("an id is text").parse().unwrap()).collect()
}

fn path_of(found: &Value) -> Option<(u64, Vec<Id>)> {
    (found["found"] == true).then(|| (whole(&found["hops"]), ids_of(&found["path"])))
}

//! Depth-first order: `dfs_preorder`, with neighbours in the order of the records and by id.

use std::collections::HashMap;
use std::sync::Arc;

use serde_json::{Value, json};
use wayfare::{Id, Order, Runtime};

use super::breadth_first::{ids_of, what};
use super::check::Check;
use super::command::Command;
use super::subject::{Subject, direction};
use super::walkers::{Ordered, reach_all};

pub async fn through_library(subject: &Subject, runtime: &Runtime, check: &mut Check) {
    let rows = in_order(subject, "record");
    let reach = |row| {
        let mut reach = reach_all(direction(row));
        reach.order = Order::DepthFirst;
        reach
    };
    let asked = rows.iter().map(|row| (reach(row), subject.id(&row["source"]), None)).collect();
    for (row, reach) in rows.iter().zip(subject.walk(runtime, asked).await) {
        compare(subject, check, row, &reach.ids);
    }
    let rows = in_order(subject, "id");
    let ranks: HashMap<Id, usize> = subject.nodes().map(|id| (id.clone(), subject.rank(id))).collect();
    let ranks = Arc::new(ranks);
    let ordered = |row| Ordered { direction: direction(row), ranks: Arc::clone(&ranks), met: Vec::new() };
    let asked = rows.iter().map(|row| (ordered(row), subject.id(&row["source"]), None)).collect();
    for (row, ordered) in rows.iter().zip(subject.walk(runtime, asked).await) {
        compare(subject, check, row, &ordered.met);
    }
}

/// The command visits neighbours in the order of the records only.
pub fn through_command(subject: &Subject, command: &Command, rows: usize, check: &mut Check) {
    for row in in_order(subject, "record").into_iter().take(rows) {
        let found = command.walk("reach", subject, row, &["--order", "dfs", "--ids"]);
        compare(subject, check, row, &ids_of(&found["ids"]));
    }
}

fn in_order<'a>(subject: &'a Subject, order: &str) -> Vec<&'a Value> {
    subject.rows("dfs_preorder").filter(|row| row["neighbour_order"] == order).collect()
}

fn compare(subject: &Subject, check: &mut Check, row: &Value, ids: &[Id]) {
    let what = format!("{} by {}", what(row), row["neighbour_order"]);
    check.same("dfs_preorder", &what, "visited", &row["visited"], &json!(ids.len()));
    let first: Vec<&str> = ids.iter().take(30).map(|id| subject.name_of(id)).collect();
    check.same("dfs_preorder", &what, "first30", &row["first30"], &json!(first));
    let digest = subject.digest_in_order(ids);
    check.same("dfs_preorder", &what, "sha256", &row["sha256_in_visit_order"], &json!(digest));
}

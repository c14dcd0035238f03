//! Always the most promising node next: `best_first`.

use std::collections::HashMap;
use std::sync::Arc;

use serde_json::{Value, json};
use wayfare::{Document, Id, Kind, Runtime, compare_values};

use super::breadth_first::what;
use super::check::Check;
use super::subject::{Subject, direction};
use super::walkers::Best;

const FAMILY: &str = "best_first";

/// Nodes that a row lists.
const LISTED: usize = 60;

pub async fn through_library(subject: &Subject, runtime: &Runtime, check: &mut Check) {
    let rows: Vec<&Value> = subject.rows(FAMILY).collect();
    let mut by_field: HashMap<&str, Arc<HashMap<Id, usize>>> = HashMap::new();
    let mut asked = Vec::new();
    for row in &rows {
        let field = row["attr"].as_str().expect("the row names a property");
        if !by_field.contains_key(field) {
            by_field.insert(field, Arc::new(ranks(subject, runtime, field).await));
        }
        let ranks = Arc::clone(&by_field[field]);
        let best = Best { direction: direction(row), ranks, most: LISTED, met: Vec::new() };
        asked.push((best, subject.id(&row["source"]), None));
    }
    for (row, best) in rows.iter().zip(subject.walk(runtime, asked).await) {
        let met: Vec<&str> = best.met.iter().map(|id| subject.name_of(id)).collect();
        check.same(
            FAMILY,
            format!("of {} {}", row["attr"], what(row)),
            "first60",
            &row["first60"],
            &json!(met),
        );
    }
}

/// The place of each node: the highest value first, nodes without one last, ties by id.
async fn ranks(subject: &Subject, runtime: &Runtime, field: &str) -> HashMap<Id, usize> {
    let mut nodes: Vec<(Option<Value>, Id)> = Vec::new();
    let mut after = None;
    loop {
        let page = runtime.graph().scan(Kind::Node, None, after, 10_000).await.unwrap();
        let is_subject = |document: &&Document| *document.id() != Id::root();
        let entry = |document: &Document| (document.body().field(field), document.id().clone());
        nodes.extend(page.documents.iter().filter(is_subject).map(entry));
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    nodes.sort_by(|(x, a), (y, b)| {
        let by_value = match (x, y) {
            (Some(x), Some(y)) => compare_values(y, x),
            (x, y) => y.is_some().cmp(&x.is_some()),
        };
        by_value.then_with(|| subject.rank(a).cmp(&subject.rank(b)))
    });
    nodes.into_iter().enumerate().map(|(rank, (_, id))| (id, rank)).collect()
}

//! Who hangs together: `weak_components`, `strong_components`.

use std::collections::{BTreeMap, HashSet};

use serde_json::{Value, json};
use wayfare::{Direction, Id, Runtime};

use super::check::Check;
use super::subject::{Subject, whole};
use super::walkers::reach_all;

/// A largest component of less than this part of the nodes is not looked for: no source of a row lies in it.
const WORTH_LOOKING_FOR: u64 = 100;

/// Most strong components that are all found; of more, the largest alone.
const MOST_STRONG: u64 = 350;

pub async fn through_library(subject: &Subject, runtime: &Runtime, check: &mut Check) {
    weak(subject, runtime, check).await;
    let expected = &subject.reference["strong_components"];
    if expected.is_null() {
        return;
    }
    let largest = whole(&expected["top20_sizes"][0]);
    if whole(&expected["count"]) <= MOST_STRONG {
        strong(subject, runtime, check, expected).await;
    } else if largest * WORTH_LOOKING_FOR >= subject.nodes().count() as u64 {
        largest_strong(subject, runtime, check, expected).await;
    }
}

async fn reached(subject: &Subject, runtime: &Runtime, from: &Id, direction: Direction) -> Vec<Id> {
    let mut walked = subject.walk(runtime, vec![(reach_all(direction), from.clone(), None)]).await;
    walked.pop().expect("one walk was asked for").ids
}

async fn weak(subject: &Subject, runtime: &Runtime, check: &mut Check) {
    let mut met: HashSet<Id> = HashSet::new();
    let mut sizes = Vec::new();
    for node in subject.nodes() {
        if met.contains(node) {
            continue;
        }
        let component = reached(subject, runtime, node, Direction::Both).await;
        sizes.push(component.len() as u64);
        met.extend(component);
    }
    sizes.sort_unstable_by(|a, b| b.cmp(a));
    // No node in two of them, and every node in one.
    let nodes = subject.nodes().count() as u64;
    check.same("weak_components", "", "sum of the sizes", &nodes, &sizes.iter().sum());
    check.same("weak_components", "", "nodes met", &nodes, &(met.len() as u64));
    let expected = &subject.reference["weak_components"];
    check.same("weak_components", "", "count", &expected["count"], &json!(sizes.len()));
    let top: Vec<u64> = sizes.iter().copied().take(20).collect();
    check.same("weak_components", "", "top20_sizes", &expected["top20_sizes"], &json!(top));
    let mut histogram: BTreeMap<u64, u64> = BTreeMap::new();
    sizes.iter().for_each(|&size| *histogram.entry(size).or_default() += 1);
    let histogram: Vec<(u64, u64)> = histogram.into_iter().rev().take(60).collect();
    check.same("weak_components", "", "size_histogram", &expected["size_histogram"], &json!(histogram));
}

/// All of them: a node's own is what it reaches and is reached from.
async fn strong(subject: &Subject, runtime: &Runtime, check: &mut Check, expected: &Value) {
    let mut met: HashSet<Id> = HashSet::new();
    let mut sizes = Vec::new();
    for node in subject.nodes() {
        if met.contains(node) {
            continue;
        }
        let component = strong_of(subject, runtime, node).await;
        sizes.push(component.len());
        met.extend(component);
    }
    sizes.sort_unstable_by(|a, b| b.cmp(a));
    check.same("strong_components", "", "count", &expected["count"], &json!(sizes.len()));
    sizes.truncate(20);
    check.same("strong_components", "", "top20_sizes", &expected["top20_sizes"], &json!(sizes));
}

/// The one of the node from which most is reached: it lies in the largest, or reaches into it.
async fn largest_strong(subject: &Subject, runtime: &Runtime, check: &mut Check, expected: &Value) {
    let mut most = 0;
    for row in subject.rows("bfs").filter(|row| row["direction"] == "out") {
        let component = strong_of(subject, runtime, &subject.id(&row["source"])).await;
        most = most.max(component.len());
    }
    check.same("strong_components", "", "size of the largest", &expected["top20_sizes"][0], &json!(most));
}

async fn strong_of(subject: &Subject, runtime: &Runtime, node: &Id) -> HashSet<Id> {
    let from: HashSet<Id> = reached(subject, runtime, node, Direction::In).await.into_iter().collect();
    reached(subject, runtime, node, Direction::Out).await.into_iter().filter(|id| from.contains(id)).collect()
}

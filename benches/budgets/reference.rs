//! Updates against jvspatial's, on the same disk and the same server.

use std::process::Command;

use wayfare::{Graph, Id, Runtime};
use wayfare_testkit::{ReplicaSet, jvspatial_python, unique_database};

use crate::measure::{Line, median, timed};
use crate::resident::block_on;
use crate::stored::{Account, make_accounts};

const RUNS: usize = 5;

/// Its updates take milliseconds.
const THEIRS: usize = 500;
const SINGLE: usize = 500;
const BULK: u64 = 10_000;

pub fn lines() -> Vec<Line> {
    let folder = tempfile::tempdir().unwrap();
    let (theirs, own) = (folder.path().join("theirs"), folder.path().join("own"));
    let Some(theirs) = update_with_jvspatial(&format!("json:{}", theirs.display())) else {
        return Vec::new();
    };
    let (single, bulk) = update(&format!("json:{}", own.display()));
    let mut lines = vec![
        Line::compared("JSON, get, change, save (rival: jvspatial)", theirs, single, "us"),
        Line::compared("the same in bulk, until files are written", theirs, bulk, "us"),
    ];
    let Some(set) = ReplicaSet::shared_single() else { return lines };
    let Some(theirs) = update_with_jvspatial(&set.url(&unique_database("theirs"))) else { return lines };
    let (single, bulk) = update(&set.url(&unique_database("own")));
    lines.push(Line::compared("MongoDB, get, change, save (rival: jvspatial)", theirs, single, "us"));
    lines.push(Line::compared("the same in bulk", theirs, bulk, "us"));
    lines
}

/// Microseconds an update, the median of some runs; `None`, said aloud, where there is no jvspatial.
fn update_with_jvspatial(url: &str) -> Option<f64> {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/benches/budgets/reference.py");
    let (runs, updates) = (RUNS.to_string(), THEIRS.to_string());
    let done = Command::new(jvspatial_python()?).args([script, url, &runs, &updates]).output().unwrap();
    let said = String::from_utf8_lossy(&done.stderr);
    assert!(done.status.success(), "{url}: {said}");
    let seconds: Vec<f64> = serde_json::from_slice(&done.stdout).unwrap();
    Some(per_update(seconds, THEIRS))
}

/// Nanoseconds of a hit in the memory cache of jvspatial; `None`, said aloud, where there is none.
pub fn cache_hit_of_jvspatial() -> Option<f64> {
    const HITS: usize = 100_000;
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/benches/budgets/reference_cache.py");
    let (runs, hits) = (RUNS.to_string(), HITS.to_string());
    let done = Command::new(jvspatial_python()?).args([script, &runs, &hits]).output().unwrap();
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    let seconds: Vec<f64> = serde_json::from_slice(&done.stdout).unwrap();
    Some(per_update(seconds, HITS) * 1e3)
}

/// The same of Wayfare: one after another, and in bulk.
fn update(url: &str) -> (f64, f64) {
    let runtime = Runtime::open(url).unwrap();
    let graph = runtime.graph();
    let ids = make_accounts(&graph, BULK);
    block_on(graph.flush()).unwrap();
    let single = (0..RUNS).map(|_| update_singly(&graph, &ids[..SINGLE])).collect();
    block_on(graph.flush()).unwrap();
    let bulk = (0..RUNS).map(|_| update_in_bulk(&graph, &ids)).collect();
    (per_update(single, SINGLE), per_update(bulk, BULK as usize))
}

fn per_update(mut seconds: Vec<f64>, updates: usize) -> f64 {
    median(&mut seconds) / updates as f64 * 1e6
}

/// Reads each, changes it and saves it, and then does so with the next.
fn update_singly(graph: &Graph, ids: &[Id]) -> f64 {
    let update = async |id: &Id| {
        let mut account = graph.get::<Account>(id).await.unwrap().unwrap();
        account.balance += 1;
        graph.save(&mut account).await.unwrap();
    };
    let (_, elapsed) = timed(|| {
        block_on(async {
            for id in ids {
                update(id).await;
            }
        });
    });
    elapsed.as_secs_f64()
}

fn update_in_bulk(graph: &Graph, ids: &[Id]) -> f64 {
    let (updated, elapsed) = timed(|| {
        block_on(async {
            let updated = graph.update_many(ids, |account: &mut Account| account.balance += 1).await.unwrap();
            graph.flush().await.unwrap();
            updated
        })
    });
    assert!(updated.iter().all(Result::is_ok));
    elapsed.as_secs_f64()
}

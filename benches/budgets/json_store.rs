//! Budgets over the store of JSON files. The rival writes one file a document by hand: no journal, so each file has to be
//! on the disk before the next.

use std::fs::{self, File};
use std::io::Write as _;
use std::path::Path;
use std::time::Duration;

use futures_util::stream::{self, StreamExt};
use serde_json::{Value, json};
use wayfare::{Graph, Id, Runtime};

use crate::measure::{Line, all_in_turn, timed};
use crate::resident::block_on;
use crate::stored::{Account, make_accounts};

const RUNS: usize = 5;
const UPDATES: u64 = 10_000;

/// By hand an update takes a millisecond.
const UPDATES_BY_HAND: u64 = 500;

pub fn updates() -> Vec<Line> {
    let folder = tempfile::tempdir().unwrap();
    let runtime = Runtime::open(&format!("json:{}", folder.path().display())).unwrap();
    let graph = runtime.graph();
    let ids = make_accounts(&graph, UPDATES);
    block_on(graph.flush()).unwrap();
    let hand_folder = tempfile::tempdir().unwrap();
    make_by_hand(hand_folder.path());

    let mut round = 0;
    let mut by_hand = || {
        round += 1;
        timed(|| update_by_hand(hand_folder.path(), round)).1
    };
    let mut until_written = Vec::new();
    let mut acknowledged = || {
        let (acknowledged, written) = update_in_bulk(&graph, &ids);
        until_written.push(written.as_secs_f64());
        acknowledged
    };
    let mut single = || update_singly(&graph, &ids);
    let [theirs, bulk, single] = all_in_turn(RUNS, [&mut by_hand, &mut acknowledged, &mut single]);
    let written = crate::measure::median(&mut until_written);
    let stored = block_on(graph.get::<Account>(&ids[7])).unwrap().unwrap();
    assert_eq!(stored.balance, 2 * RUNS as i64);

    let each = |seconds: f64| seconds / UPDATES as f64 * 1e6;
    let theirs = theirs / UPDATES_BY_HAND as f64 * 1e6;
    vec![
        Line::bound("JSON, 10,000 versioned durable updates", 1.0, bulk, "s"),
        Line::bound("the same, each a call of its own", 1.0, single, "s"),
        Line::compared("the same in bulk, each (rival: files by hand)", theirs, each(bulk), "us"),
        Line::compared("the same until all files are written", theirs, each(written), "us"),
    ]
}

/// Changes all and gives the times until all is acknowledged, and until all is in the files.
fn update_in_bulk(graph: &Graph, ids: &[Id]) -> (Duration, Duration) {
    let (acknowledged, whole) = timed(|| {
        let (updated, acknowledged) =
            timed(|| block_on(graph.update_many(ids, |account: &mut Account| account.balance += 1)).unwrap());
        assert!(updated.iter().all(Result::is_ok));
        block_on(graph.flush()).unwrap();
        acknowledged
    });
    (acknowledged, whole)
}

fn update_singly(graph: &Graph, ids: &[Id]) -> Duration {
    let (_, elapsed) = timed(|| {
        block_on(async {
            let calls =
                ids.iter().map(|id| graph.update(id.clone(), |account: &mut Account| account.balance += 1));
            let mut updates = stream::iter(calls).buffer_unordered(2_000);
            while let Some(updated) = updates.next().await {
                updated.unwrap();
            }
        });
    });
    // The next run begins with files that are written.
    block_on(graph.flush()).unwrap();
    elapsed
}

fn make_by_hand(folder: &Path) {
    for n in 0..UPDATES_BY_HAND {
        let context = json!({"name": format!("account {n}"), "balance": 0, "note": "x".repeat(250)});
        let id = format!("n.Account.{n:024}");
        let document = json!({"id": id, "entity": "Account", "context": context, "_version": 1});
        fs::write(folder.join(format!("{n}.json")), document.to_string()).unwrap();
    }
}

/// Reads each file, checks and counts up its version, and replaces the file as a whole.
fn update_by_hand(folder: &Path, expected: u64) {
    let directory = File::open(folder).unwrap();
    for n in 0..UPDATES_BY_HAND {
        let path = folder.join(format!("{n}.json"));
        let mut document: Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
        assert_eq!(document["_version"], expected);
        document["_version"] = json!(expected + 1);
        document["context"]["balance"] = json!(expected);
        let new = folder.join(format!("{n}.new"));
        let mut file = File::create(&new).unwrap();
        file.write_all(document.to_string().as_bytes()).unwrap();
        file.sync_all().unwrap();
        fs::rename(&new, &path).unwrap();
        directory.sync_all().unwrap();
    }
}

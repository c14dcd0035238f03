//! Budgets over the embedded store. The rival is LMDB used by hand: the same engine without a runtime.

use std::path::Path;
use std::process::Command;

use futures_util::stream::{self, StreamExt};
use heed::types::Bytes;
use heed::{Database, Env, EnvOpenOptions, WithoutTls};
use wayfare::{Body, Config, Document, Ends, EntityName, Id, Kind, Random, Runtime, Write, WriteBatch, node};

use crate::City;
use crate::measure::{Line, in_turn, timed};
use crate::resident::{Everywhere, block_on};

const RUNS: usize = 5;

/// The n-th id of a kind and entity, with a key such as generated ones are.
pub fn id(kind: Kind, entity: &str, n: u64) -> Id {
    let mut key = [0; 12];
    key[4..].copy_from_slice(&n.to_be_bytes());
    Id::generated(kind, EntityName::new(entity).unwrap(), key)
}

pub fn open(folder: &Path) -> Runtime {
    let config = Config::builder()
        .store_url(format!("embedded:{}", folder.display()))
        .store_map_bytes(8 << 30)
        .cache_resident_bytes(4 << 30)
        .build()
        .unwrap();
    Runtime::start(&config).unwrap()
}

type Table = Database<Bytes, Bytes>;

fn engine(folder: &Path) -> Env<WithoutTls> {
    let mut options = EnvOpenOptions::new().read_txn_without_tls();
    options.map_size(8 << 30).max_dbs(16);
    // SAFETY: the folder is this bench's own, and no store has it open at the same time.
    unsafe { options.open(folder).unwrap() }
}

fn table(env: &Env<WithoutTls>, name: &str) -> Table {
    let txn = env.read_txn().unwrap();
    let table = env.open_database(&txn, Some(name)).unwrap().unwrap();
    txn.commit().unwrap();
    table
}

/// Opens a store's file by hand, reads a row and writes it once more, durably.
pub fn touch_by_hand(folder: &Path) {
    let env = engine(folder);
    let nodes = table(&env, "node");
    let mut txn = env.write_txn().unwrap();
    let (key, row) = nodes.first(&txn).unwrap().map(|(key, row)| (key.to_vec(), row.to_vec())).unwrap();
    nodes.put(&mut txn, &key, &row).unwrap();
    txn.commit().unwrap();
}

pub fn cold() -> Vec<Line> {
    const NODES: u64 = 100_000;
    const DEGREE: u64 = 8;
    let folder = tempfile::tempdir().unwrap();
    let runtime = open(folder.path());
    block_on(build(&runtime, NODES, DEGREE));
    drop(runtime);

    let by_hand = || {
        let env = engine(folder.path());
        let nodes = table(&env, "node");
        let mut order: Vec<Vec<u8>> = {
            let txn = env.read_txn().unwrap();
            let keys = nodes.iter(&txn).unwrap().map(|row| row.unwrap().0.to_vec());
            // A document's row: entity, a generated key, section 1.
            keys.filter(|key| key.len() == 16 && key[2] == 0 && key[15] == 1).collect()
        };
        let mut random = Random::new(3);
        for at in (1..order.len()).rev() {
            order.swap(at, random.below(at as u64 + 1) as usize);
        }
        assert_eq!(order.len() as u64, NODES);
        let (bytes, elapsed) = timed(|| {
            let mut bytes = 0;
            for batch in order.chunks(1_024) {
                let txn = env.read_txn().unwrap();
                for key in batch {
                    // Sections 0 to 2, side by side: edges that leave the node, the document, edges both ways.
                    let (mut first, mut end) = ([0; 16], [0; 16]);
                    first.copy_from_slice(key);
                    end.copy_from_slice(key);
                    (first[15], end[15]) = (0, 3);
                    let rows = (std::ops::Bound::Included(&first[..]), std::ops::Bound::Excluded(&end[..]));
                    for row in nodes.range(&txn, &rows).unwrap() {
                        let (link, value) = row.unwrap();
                        bytes += link.len() + value.len();
                    }
                }
            }
            bytes
        });
        assert!(bytes as u64 > NODES * DEGREE);
        elapsed
    };
    let ours = || {
        let runtime = open(folder.path());
        let ((visits, loaded), elapsed) = timed(|| {
            block_on(async {
                let walk = runtime.spawn(Everywhere::default()).at(id(Kind::Node, "City", 0)).await.unwrap();
                let walker = walk.finish().await.unwrap();
                (walker.visits(), walk.profile().loaded + walk.profile().resident)
            })
        });
        assert!(visits > NODES * 99 / 100 && loaded == visits, "{visits} of {NODES}");
        elapsed
    };
    let (theirs, own) = in_turn(RUNS, by_hand, ours);
    let per_node = |seconds: f64| seconds / NODES as f64 * 1e6;
    vec![Line::times(
        "cold walk, 100 k nodes, 800 k edges, a node",
        per_node(theirs),
        per_node(own),
        3.0,
        "us",
    )]
}

pub async fn build(runtime: &Runtime, nodes: u64, degree: u64) {
    let graph = runtime.graph();
    let writes = (0..nodes).map(|n| Write::Create {
        document: Document::new(
            id(Kind::Node, "City", n),
            Body::encode(&City { name: format!("city {n}") }).unwrap(),
        ),
        multi: false,
    });
    write_all(&graph, writes).await;
    let edges = (0..nodes).flat_map(|n| {
        let mut random = Random::stream(42, n);
        (0..degree).map(move |at| {
            let target = random.below(nodes);
            let ends = Ends {
                source: id(Kind::Node, "City", n),
                target: id(Kind::Node, "City", target),
                bidirectional: false,
            };
            let document = Document::edge(id(Kind::Edge, "Road", n * degree + at), ends, Body::empty());
            Write::Create { document, multi: true }
        })
    });
    write_all(&graph, edges).await;
}

pub async fn write_all(graph: &wayfare::Graph, writes: impl Iterator<Item = Write>) {
    let mut writes = writes.peekable();
    while writes.peek().is_some() {
        let batch = WriteBatch { writes: writes.by_ref().take(20_000).collect(), all_or_nothing: false };
        for result in graph.write_batch(batch).await.unwrap() {
            result.unwrap();
        }
    }
}

/// About 300 bytes, as the documents behind the budget have.
#[node]
pub struct Account {
    pub name: String,
    pub balance: i64,
    pub note: String,
}

/// Makes accounts from number 0 on, and gives their ids.
pub fn make_accounts(graph: &wayfare::Graph, number: u64) -> Vec<Id> {
    let account = |n: u64| Account { name: format!("account {n}"), balance: 0, note: "x".repeat(250) };
    let ids: Vec<Id> = (0..number).map(|n| id(Kind::Node, "Account", n)).collect();
    let documents = (0..).zip(&ids).map(|(n, id)| {
        let body = Body::encode(&account(n)).unwrap();
        Write::Create { document: Document::new(id.clone(), body), multi: false }
    });
    block_on(write_all(graph, documents));
    ids
}

pub fn updates() -> Vec<Line> {
    const UPDATES: u64 = 10_000;
    let folder = tempfile::tempdir().unwrap();
    let runtime = open(folder.path());
    let ids = make_accounts(&runtime.graph(), UPDATES);
    let body = block_on(runtime.graph().document(&ids[0])).unwrap().unwrap().body().clone();
    let hand_folder = tempfile::tempdir().unwrap();
    let env = engine(hand_folder.path());
    let hand = hand_table(&env, UPDATES, &body);

    let mut round = 0;
    let mut by_hand = || {
        round += 1;
        timed(|| update_by_hand(&env, hand, UPDATES, round)).1
    };
    let ours = || {
        let graph = runtime.graph();
        timed(|| {
            block_on(async {
                let calls = (0..UPDATES).map(|n| {
                    graph.update(id(Kind::Node, "Account", n), |account: &mut Account| account.balance += 1)
                });
                let mut updates = stream::iter(calls).buffer_unordered(2_000);
                while let Some(updated) = updates.next().await {
                    updated.unwrap();
                }
            });
        })
        .1
    };
    let bulk = || {
        let graph = runtime.graph();
        let (updated, elapsed) = timed(|| {
            block_on(graph.update_many(&ids, |account: &mut Account| account.balance += 1)).unwrap()
        });
        assert!(updated.iter().all(Result::is_ok));
        elapsed
    };
    let (theirs, own) = in_turn(RUNS, &mut by_hand, bulk);
    let bulk = Line::times("10,000 versioned durable updates", theirs * 1e3, own * 1e3, 1.5, "ms");
    let (theirs, own) = in_turn(RUNS, &mut by_hand, ours);
    let stored = block_on(runtime.graph().get::<Account>(id(Kind::Node, "Account", 7))).unwrap().unwrap();
    assert_eq!((stored.balance, stored.version().0), (2 * RUNS as i64, 2 * RUNS as u64 + 1));
    vec![bulk, Line::times("the same, each a call of its own", theirs * 1e3, own * 1e3, 1.5, "ms")]
}

fn hand_table(env: &Env<WithoutTls>, rows: u64, body: &Body) -> Table {
    let mut txn = env.write_txn().unwrap();
    let table: Table = env.create_database(&mut txn, Some("node")).unwrap();
    for n in 0..rows {
        table.put(&mut txn, &hand_key(n), &hand_row(1, body.as_bytes())).unwrap();
    }
    txn.commit().unwrap();
    table
}

fn hand_key(n: u64) -> [u8; 15] {
    let mut key = [0; 15];
    key[7..].copy_from_slice(&n.to_be_bytes());
    key
}

fn hand_row(version: u64, body: &[u8]) -> Vec<u8> {
    [&version.to_be_bytes()[..], body].concat()
}

/// Checks each version, counts it up, commits every thousand.
fn update_by_hand(env: &Env<WithoutTls>, table: Table, rows: u64, expected: u64) {
    for start in (0..rows).step_by(1_000) {
        let mut txn = env.write_txn().unwrap();
        for n in start..start + 1_000 {
            let row = table.get(&txn, &hand_key(n)).unwrap().unwrap();
            let (version, body) = row.split_at(8);
            assert_eq!(u64::from_be_bytes(version.try_into().unwrap()), expected);
            let row = hand_row(expected + 1, body);
            table.put(&mut txn, &hand_key(n), &row).unwrap();
        }
        txn.commit().unwrap();
    }
}

pub fn import() -> Vec<Line> {
    const NODES: u64 = 50_000;
    const EDGES: u64 = 200_000;
    let files = tempfile::tempdir().unwrap();
    let (nodes, edges) = (files.path().join("nodes.csv"), files.path().join("edges.csv"));
    let mut random = Random::new(5);
    let rows: String = (0..NODES).map(|n| format!("c{n:07},city {n},{}\n", n * 7 % 100_000)).collect();
    std::fs::write(&nodes, format!("code,name,people\n{rows}")).unwrap();
    let ends: Vec<(u64, u64)> = (0..EDGES).map(|_| (random.below(NODES), random.below(NODES))).collect();
    let rows: String = ends.iter().map(|(a, b)| format!("c{a:07},c{b:07},{}\n", (a + b) % 900)).collect();
    std::fs::write(&edges, format!("from,to,km\n{rows}")).unwrap();

    let by_hand = || {
        let folder = tempfile::tempdir().unwrap();
        timed(|| import_by_hand(folder.path(), &nodes, &edges)).1
    };
    let ours = || {
        let folder = tempfile::tempdir().unwrap();
        let (output, elapsed) = timed(|| {
            Command::new(env!("CARGO_BIN_EXE_wayfare"))
                .arg("--store")
                .arg(format!("embedded:{}", folder.path().display()))
                .args(["--format", "json", "import", "--nodes"])
                .arg(&nodes)
                .args(["--entity", "City", "--key", "code", "--edges"])
                .arg(&edges)
                .args(["--entity", "Road", "--from", "from=City", "--to", "to=City"])
                .output()
                .unwrap()
        });
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        elapsed
    };
    let (theirs, own): (f64, f64) = in_turn(3, by_hand, ours);
    let rows = (NODES + EDGES) as f64;
    vec![Line::times(
        "import of 250 k CSV rows, a row (no budget set)",
        theirs / rows * 1e6,
        own / rows * 1e6,
        4.0,
        "us",
    )]
}

/// The same rows in the same tables, with no check but that of the ends, committed every 10,000.
fn import_by_hand(folder: &Path, nodes: &Path, edges: &Path) {
    let env = engine(folder);
    let mut txn = env.write_txn().unwrap();
    let mut make = |name: &str| -> Table { env.create_database(&mut txn, Some(name)).unwrap() };
    let (node, edge, adjacency, pair) = (make("node"), make("edge"), make("adjacency"), make("pair"));
    let key = |code: &str| [&[0, 0, 1], code.as_bytes()].concat();
    let mut written = 0;
    let mut reader = csv::Reader::from_path(nodes).unwrap();
    for record in reader.records() {
        let record = record.unwrap();
        let body = serde_json::json!({"code": &record[0], "name": &record[1], "people": record[2].parse::<i64>().unwrap()});
        node.put(&mut txn, &key(&record[0]), Body::encode(&body).unwrap().as_bytes()).unwrap();
    }
    let mut reader = csv::Reader::from_path(edges).unwrap();
    for (n, record) in reader.records().enumerate() {
        let record = record.unwrap();
        let (from, to) = (key(&record[0]), key(&record[1]));
        let pair_key = [from.as_slice(), &to].concat();
        let known = pair.get(&txn, &pair_key).unwrap().is_some();
        let ends = node.get(&txn, &from).unwrap().is_some() && node.get(&txn, &to).unwrap().is_some();
        if known || !ends {
            continue;
        }
        let number = (n as u64).to_be_bytes();
        let body = Body::encode(&serde_json::json!({"km": record[2].parse::<i64>().unwrap()})).unwrap();
        edge.put(&mut txn, &number, &[&pair_key, body.as_bytes()].concat()).unwrap();
        adjacency.put(&mut txn, &[from.as_slice(), &[0], &number].concat(), &to).unwrap();
        adjacency.put(&mut txn, &[to.as_slice(), &[2], &number].concat(), &from).unwrap();
        pair.put(&mut txn, &pair_key, &number).unwrap();
        written += 1;
        if written % 10_000 == 0 {
            txn.commit().unwrap();
            txn = env.write_txn().unwrap();
        }
    }
    txn.commit().unwrap();
}

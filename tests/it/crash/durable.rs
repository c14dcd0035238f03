//! Durable walks in processes that are killed at random moments: the effect of each visit is there exactly once.

mod child;
mod walkers;

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::Child;
use std::sync::mpsc::channel;
use std::time::Duration;

use tempfile::TempDir;
use wayfare::{Body, Document, Ends, Entity, Filter, Id, Kind, Query, Random, Runtime, Write, WriteBatch};

use self::child::{Plan, start};
use self::walkers::{Pointer, Tally};
use super::{random_seed, tell};

/// Times that a process is killed while it counts on every node, in all.
const KILLS: usize = 300;

/// The same while several count on one node.
const KILLS_TOGETHER: usize = 50;

/// When it is killed, in microseconds after it has said that its walks are under way.
const KILLED_AFTER_US: u64 = 60_000;

/// Nodes that are counted on.
const NODES: usize = 10_000;

/// Walkers that count on one node, and how often each does.
const WALKERS: u64 = 8;
const ROUNDS: u64 = 1_000;

/// What a process says when its walks are under way, and when they have ended.
const UNDER_WAY: &str = "walks are under way";
const ALL_DONE: &str = "all is done";

/// How long it has to say so.
const PATIENCE: Duration = Duration::from_secs(60);

/// A seed in place of a random one, to repeat the choices of a run.
const SEED: &str = "WAYFARE_DURABLE_CRASH_SEED";

fn seed() -> u64 {
    let seed = std::env::var(SEED).map_or_else(|_| random_seed(), |seed| seed.parse().unwrap());
    tell(&format!("durable crash test: {SEED}={seed}"));
    seed
}

/// A store with a hub and tallies around it, and the processes that work on it.
struct Site {
    _folder: TempDir,
    store: PathBuf,
}

impl Site {
    fn new(tallies: usize) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let site = Self { store: folder.path().join("store"), _folder: folder };
        site.visit(async |runtime| {
            let graph = runtime.graph();
            let tally = |key: usize| Id::node("Tally", &key.to_string()).unwrap();
            let body = Body::encode(&Tally { count: 0 }).unwrap();
            let mut writes: Vec<Write> = Vec::new();
            for key in 0..tallies {
                writes
                    .push(Write::Create { document: Document::new(tally(key), body.clone()), multi: false });
            }
            for key in 1..tallies {
                // Ten below each, so that the queue grows and shrinks.
                let ends = Ends { source: tally((key - 1) / 10), target: tally(key), bidirectional: false };
                let id = graph.new_id(Kind::Edge, Pointer::NAME).unwrap();
                let document = Document::edge(id, ends, Body::empty());
                writes.push(Write::Create { document, multi: false });
            }
            let results = graph.write_batch(WriteBatch { writes, all_or_nothing: true }).await.unwrap();
            results.into_iter().for_each(|result| drop(result.unwrap()));
        });
        site
    }

    /// Opens the store in this process, where nothing is taken up.
    fn visit<T>(&self, work: impl AsyncFnOnce(&Runtime) -> T) -> T {
        let config = wayfare::Config::builder()
            .store_url(format!("embedded:{}", self.store.display()))
            .durable_resume(false)
            .workers_count(2)
            .shards_count(2)
            .build()
            .unwrap();
        let executor = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        executor.block_on(async {
            let runtime = Runtime::start(&config).unwrap();
            let done = work(&runtime).await;
            runtime.shutdown().await;
            done
        })
    }

    /// Runs a process on the store and kills it at a random moment, one in eight before it has begun to walk;
    /// `true` when it had said before that it is done. It gets longer for its work the more were `killed_here`:
    /// on a slow disk too a walk comes to a checkpoint before it is parked for having been taken up too often.
    fn killed(&self, plan: Plan, random: &mut Random, killed_here: u64) -> bool {
        let mut child = Killed(start(&self.store, plan, random.next_u64()));
        let out = child.0.stdout.take().expect("the output is piped");
        let (heard, lines) = channel();
        let reader = std::thread::spawn(move || {
            for line in BufReader::new(out).lines().map_while(Result::ok) {
                let _ = heard.send(line);
            }
        });
        let hear = |word: &str, wait: Duration| loop {
            match lines.recv_timeout(wait) {
                Ok(line) if line.contains(word) => return true,
                Ok(_) => {}
                Err(_) => return false,
            }
        };
        let mut after_us = KILLED_AFTER_US;
        if random.below(8) > 0 {
            after_us *= 1 + killed_here / 10;
            assert!(hear(UNDER_WAY, PATIENCE), "the process says that it walks");
        }
        std::thread::sleep(Duration::from_micros(random.below(after_us)));
        let ended = child.0.try_wait().unwrap();
        drop(child);
        reader.join().unwrap();
        let done = hear(ALL_DONE, Duration::ZERO);
        assert!(ended.is_none(), "the process ended by itself: {ended:?}");
        done
    }

    /// Every count, by how often it occurs.
    fn counts(&self) -> std::collections::BTreeMap<u64, usize> {
        self.visit(async |runtime| {
            let mut counts = std::collections::BTreeMap::new();
            let query = Query { filter: Filter::all(), ..Query::entity(Kind::Node, Tally::entity_name()) };
            for document in runtime.graph().find_documents(query).await.unwrap() {
                *counts.entry(document.decode::<Tally>().unwrap().count).or_default() += 1;
            }
            counts
        })
    }
}

/// A process that does not outlive its owner.
struct Killed(Child);

impl Drop for Killed {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn each_of_ten_thousand_nodes_is_counted_exactly_once_whenever_the_process_is_killed() {
    let mut random = Random::new(seed());
    let (mut kills, mut rounds) = (0, 0);
    while kills < KILLS {
        let site = Site::new(NODES);
        for killed_here in 0.. {
            if site.killed(Plan::CountOnce, &mut random, killed_here) {
                break;
            }
            kills += 1;
            assert!(kills < 20 * KILLS, "the walk makes progress");
        }
        rounds += 1;
        let counts: Vec<(u64, usize)> = site.counts().into_iter().collect();
        assert_eq!(counts, [(1, NODES)], "round {rounds}");
    }
    tell(&format!("durable crash test: {kills} kills, {rounds} walks over {NODES} nodes"));
}

#[test]
fn no_increment_of_eight_walkers_is_lost_or_done_twice_whenever_the_process_is_killed() {
    let mut random = Random::new(seed() ^ 1);
    let (mut kills, mut rounds) = (0, 0);
    while kills < KILLS_TOGETHER {
        let site = Site::new(1);
        for killed_here in 0.. {
            if site.killed(Plan::CountTogether, &mut random, killed_here) {
                break;
            }
            kills += 1;
            assert!(kills < 50 * KILLS_TOGETHER, "the walks make progress");
        }
        rounds += 1;
        let counts: Vec<(u64, usize)> = site.counts().into_iter().collect();
        assert_eq!(counts, [(WALKERS * ROUNDS, 1)], "round {rounds}");
    }
    tell(&format!("durable crash test: {kills} kills, {rounds} times {WALKERS} walkers on one node"));
}

fn keep(path: &Path) -> String {
    format!("embedded:{}", path.display())
}

//! Budgets of the cache of results. The rivals are the libraries used by hand, in the same run.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use quick_cache::sync::Cache as Library;
use redis::AsyncCommands;
use wayfare::cache::{Cache, memory, redis as redis_layer};
use wayfare::{Error, Random};
use wayfare_testkit::{Redis, unique_prefix};

use crate::measure::{Line, in_turn, timed};
use crate::reference::cache_hit_of_jvspatial;
use crate::resident::block_on;
use crate::trace::{Lru, zipf};

const RUNS: usize = 7;
const HOUR: Duration = Duration::from_secs(3_600);

/// Keys that are all in memory.
const KEYS: usize = 10_000;
const HITS: usize = 1_000_000;

/// Of a trace, and how many of them there is room for.
const TRACE_KEYS: u64 = 100_000;
const ROOM: usize = 10_000;
const READS: usize = 400_000;
const SCANS: usize = 4;

const REMOTE_HITS: usize = 4_000;
const IN_FLIGHT: usize = 32;

fn key(number: usize) -> String {
    format!("analysis:n.Member.{number:024x}")
}

/// Keys in an order that no processor foresees.
fn mixed(keys: &[String], reads: usize) -> Vec<&str> {
    let mut random = Random::new(7);
    (0..reads).map(|_| keys[random.below(keys.len() as u64) as usize].as_str()).collect()
}

pub fn hits() -> Vec<Line> {
    let keys: Vec<String> = (0..KEYS).map(key).collect();
    let reads = mixed(&keys, HITS);
    let library = Library::<Box<str>, Arc<u64>>::new(2 * KEYS);
    let cache = Cache::layered([memory(2 * KEYS as u64)]).unwrap();
    block_on(async {
        for (number, key) in keys.iter().enumerate() {
            library.insert(key.as_str().into(), Arc::new(number as u64));
            cache.set(key, number as u64, HOUR).await.unwrap();
        }
    });
    let rival = || timed(|| reads.iter().map(|key| *library.get(*key).unwrap()).sum::<u64>()).1;
    let ours = || {
        timed(|| {
            block_on(async {
                let mut sum = 0;
                for key in &reads {
                    sum += *cache.get::<u64>(key).await.unwrap().unwrap();
                }
                sum
            })
        })
        .1
    };
    let (theirs, own) = in_turn(RUNS, rival, ours);
    let ns = |seconds: f64| seconds * 1e9 / HITS as f64;
    let mut lines =
        vec![Line::times("cache hit in memory (rival: quick_cache)", ns(theirs), ns(own), 1.5, "ns")];
    if let Some(theirs) = cache_hit_of_jvspatial() {
        lines.push(Line::compared("the same (rival: jvspatial's cache)", theirs, ns(own), "ns"));
    }
    lines
}

/// What is missed of a trace, with room for a tenth of the keys.
pub fn traces() -> Vec<Line> {
    let traces =
        [(0, "misses, Zipf trace (rival: plain LRU)"), (SCANS, "the same, four scans of all keys between")];
    traces.map(|(scans, work)| misses(scans, work)).into()
}

fn misses(scans: usize, work: &'static str) -> Line {
    let mut random = Random::new(11);
    let reads: Vec<u32> = (0..READS).map(|_| zipf(&mut random, TRACE_KEYS)).collect();
    let cache = Cache::layered([memory(ROOM as u64)]).unwrap();
    let mut list = Lru::with_room(ROOM);
    let (mut theirs, mut own) = (0, 0);
    block_on(async {
        let read = async |number: u64| {
            let mut missed = false;
            let compute = async || {
                missed = true;
                Ok::<_, Error>(number)
            };
            cache.get_or_compute(&key(number as usize), HOUR, compute).await.unwrap();
            missed
        };
        for part in reads.chunks(READS / scans.max(1)) {
            for &number in part {
                own += u32::from(read(u64::from(number)).await);
                theirs += u32::from(!list.read(u64::from(number)));
            }
            if scans > 0 {
                for number in 0..TRACE_KEYS {
                    read(number).await;
                    list.read(number);
                }
            }
        }
    });
    let percent = |misses: u32| f64::from(misses) / READS as f64 * 100.0;
    Line::compared(work, percent(theirs), percent(own), "%")
}

pub fn redis_hits() -> Vec<Line> {
    let Some(server) = Redis::shared() else { return Vec::new() };
    // Two threads, as programs have, on which both connections live.
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let _within = runtime.enter();
    let cache = Cache::layered([redis_layer(server.url()).prefix(unique_prefix("bench"))]).unwrap();
    let client = redis::Client::open(server.url()).unwrap();
    let connection = runtime.block_on(client.get_multiplexed_async_connection()).unwrap();
    let value = "x".repeat(100);
    // A key for each reader: those who want the same one would share its answer.
    let keys: Arc<[(String, String)]> =
        (0..IN_FLIGHT).map(|number| (format!("by hand {number}"), key(number))).collect();
    runtime.block_on(async {
        for (by_hand, own) in &*keys {
            cache.set(own, value.clone(), HOUR).await.unwrap();
            connection.clone().set::<_, _, ()>(by_hand, &value).await.unwrap();
        }
    });
    let mut lines = Vec::new();
    for (in_flight, work) in
        [(1, "hit in Redis, one at a time (rival: its client)"), (IN_FLIGHT, "the same, 32 in flight")]
    {
        let each = REMOTE_HITS / in_flight;
        let rival = || {
            let readers = (0..in_flight).map(|reader| {
                let (mut connection, keys) = (connection.clone(), Arc::clone(&keys));
                tokio::spawn(async move {
                    for _ in 0..each {
                        assert_eq!(connection.get::<_, String>(&keys[reader].0).await.unwrap().len(), 100);
                    }
                })
            });
            timed(|| runtime.block_on(async { join_all(readers.collect::<Vec<_>>()).await })).1
        };
        let ours = || {
            let readers = (0..in_flight).map(|reader| {
                let (cache, keys) = (cache.clone(), Arc::clone(&keys));
                tokio::spawn(async move {
                    for _ in 0..each {
                        assert_eq!(cache.get::<String>(&keys[reader].1).await.unwrap().unwrap().len(), 100);
                    }
                })
            });
            timed(|| runtime.block_on(async { join_all(readers.collect::<Vec<_>>()).await })).1
        };
        let (theirs, own) = in_turn(RUNS, rival, ours);
        let us = |seconds: f64| seconds * 1e6 / REMOTE_HITS as f64;
        lines.push(Line::times(work, us(theirs), us(own), 1.2, "us"));
    }
    lines
}

/// A thousand tasks that want one key at once, which takes a millisecond to compute.
pub fn stampede() -> Vec<Line> {
    const TASKS: usize = 1_000;
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let cache = Cache::layered([memory(1_000)]).unwrap();
    let compute = async || {
        tokio::time::sleep(Duration::from_millis(1)).await;
        Ok::<_, Error>(7_u64)
    };
    let rival = || {
        let cell = Arc::new(tokio::sync::OnceCell::new());
        timed(|| {
            runtime.block_on(async {
                let wants = (0..TASKS).map(|_| {
                    let cell = Arc::clone(&cell);
                    tokio::spawn(async move { *cell.get_or_try_init(compute).await.unwrap() })
                });
                join_all(wants.collect::<Vec<_>>()).await
            })
        })
        .1
    };
    let ours = || {
        block_on(cache.clear());
        timed(|| {
            runtime.block_on(async {
                let wants = (0..TASKS).map(|_| {
                    let cache = cache.clone();
                    tokio::spawn(async move { *cache.get_or_compute("k", HOUR, compute).await.unwrap() })
                });
                join_all(wants.collect::<Vec<_>>()).await
            })
        })
        .1
    };
    let before = cache.figures().computed;
    let (theirs, own) = in_turn(RUNS, rival, ours);
    assert_eq!(cache.figures().computed - before, RUNS as u64);
    vec![Line::compared("stampede of 1,000 (rival: a OnceCell)", theirs * 1e3, own * 1e3, "ms")]
}

//! The process that is killed: it works until then.

use std::process::{Child, Command, Stdio};

use wayfare::{Config, Random, Runtime};

use super::said::Said;
use super::work::Work;

const STORE: &str = "WAYFARE_CRASH_STORE";
const ROUND: &str = "WAYFARE_CRASH_ROUND";
const CHOICES: &str = "WAYFARE_CRASH_CHOICES";

/// Starts a child on a store. `choices` seeds what it does; `round` is in the stamps of its batches.
pub fn start(store: &str, choices: u64, round: u64) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "crash::child::works_until_it_is_killed", "--nocapture", "--test-threads=1"])
        .env(STORE, store)
        .env(CHOICES, choices.to_string())
        .env(ROUND, round.to_string())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
}

/// Not a test by itself: what a child does.
#[test]
fn works_until_it_is_killed() {
    let Ok(store) = std::env::var(STORE) else { return };
    let number = |name| std::env::var(name).unwrap().parse::<u64>().unwrap();
    let (choices, round) = (number(CHOICES), number(ROUND));
    let executor =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let ended = executor.block_on(async {
        let runtime = Runtime::start(&settings(&store, choices)).unwrap();
        Work::new(runtime, choices, round).go_on().await
    });
    Said::Failed { what: ended }.say();
    std::process::exit(1);
}

/// Settings that differ from child to child, because no promise may hang on them.
fn settings(store: &str, choices: u64) -> Config {
    let mut random = Random::stream(choices, u64::MAX);
    let mut one_of = |values: [u64; 3]| values[random.below(3) as usize];
    let settings = Config::builder()
        .store_url(store)
        // Small at first, so that it grows while it is written.
        .store_map_bytes(1 << 20)
        .workers_count(one_of([1, 2, 3]) as usize)
        .shards_count(one_of([1, 2, 4]) as usize)
        .writers_batch_size(one_of([1, 10, 1000]) as usize)
        .writers_flush_interval_ms(one_of([0, 0, 2]));
    settings.build().unwrap()
}

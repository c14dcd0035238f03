//! The process that is killed.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use wayfare::{Config, Durable, Id, Random, Runtime, WalkError, WalkStatus};

use super::walkers::{TallyCounter, TallyRepeater};
use super::{ALL_DONE, ROUNDS, UNDER_WAY, WALKERS, keep};

const STORE: &str = "WAYFARE_DURABLE_STORE";
const PLAN: &str = "WAYFARE_DURABLE_PLAN";
const CHOICES: &str = "WAYFARE_DURABLE_CHOICES";

/// What a process is to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Plan {
    /// One walk counts on every node.
    CountOnce,
    /// Many walks count on one node.
    CountTogether,
}

/// Starts a process on a store. `choices` seeds its settings.
pub(super) fn start(store: &Path, plan: Plan, choices: u64) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "crash::durable::child::walks_until_it_is_killed", "--nocapture"])
        .env(STORE, store)
        .env(PLAN, format!("{plan:?}"))
        .env(CHOICES, choices.to_string())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::inherit())
        .spawn()
        .unwrap()
}

/// Not a test by itself: what a process does.
#[test]
fn walks_until_it_is_killed() {
    let Some(store) = std::env::var_os(STORE).map(PathBuf::from) else { return };
    let choices: u64 = std::env::var(CHOICES).unwrap().parse().unwrap();
    let together = std::env::var(PLAN).unwrap() == format!("{:?}", Plan::CountTogether);
    let executor =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    executor.block_on(async {
        let runtime = Runtime::start(&settings(&store, choices)).unwrap();
        let keys: Vec<String> =
            (0..if together { WALKERS } else { 1 }).map(|n| format!("walk-{n}")).collect();
        for key in &keys {
            spawn(&runtime, together, key, choices).await;
        }
        // Those that a process before has left behind are taken up beside this.
        while runtime.handle().walks().await.is_empty()
            && runtime.durable_walks().await.unwrap().iter().any(|walk| walk.status == WalkStatus::Running)
        {
            tokio::task::yield_now().await;
        }
        println!("{UNDER_WAY}");
        for key in &keys {
            let id: Id = format!("w.Walk.{key}").parse().unwrap();
            let walk = runtime.settled_walk(&id).await.unwrap().unwrap();
            assert_eq!(walk.status, WalkStatus::Done, "{walk:?}");
        }
        println!("{ALL_DONE}");
        // To be killed like the others.
        std::future::pending::<()>().await;
    });
}

/// Starts a walk, unless a process before has done so.
async fn spawn(runtime: &Runtime, together: bool, key: &str, choices: u64) {
    let at = "n.Tally.0";
    // Some store their state after every few visits, most in groups.
    let visits = [3, 100, 100][Random::stream(choices, 1).below(3) as usize];
    let durable = Durable { visits, interval: Duration::from_millis(10) };
    let spawned = if together {
        let walker = TallyRepeater { rounds: ROUNDS };
        runtime.spawn(walker).at(at).durable(durable).key(key).await.map(drop)
    } else {
        runtime.spawn(TallyCounter::default()).at(at).durable(durable).key(key).await.map(drop)
    };
    match spawned {
        Ok(()) | Err(wayfare::Error::Walk(WalkError::DuplicateKey { .. })) => {}
        Err(error) => panic!("{error}"),
    }
}

/// Settings that differ from process to process, because no promise may hang on them.
fn settings(store: &Path, choices: u64) -> Config {
    let mut random = Random::new(choices);
    let mut one_of = |values: [u64; 3]| values[random.below(3) as usize];
    Config::builder()
        .store_url(keep(store))
        .workers_count(one_of([1, 2, 3]) as usize)
        .shards_count(one_of([1, 2, 4]) as usize)
        .workers_turn_visits(one_of([1, 16, 256]) as usize)
        .writers_batch_size(one_of([1, 10, 1000]) as usize)
        .build()
        .unwrap()
}

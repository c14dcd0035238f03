//! Two real processes over one Redis.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

use wayfare::cache::{Cache, memory, redis};
use wayfare_testkit::Redis;

use super::stage::{Fleet, LONG, MINUTE, until};

/// Tells the other process which Redis and which prefix.
const URL: &str = "WAYFARE_TEST_CACHE_URL";
const PREFIX: &str = "WAYFARE_TEST_CACHE_PREFIX";

/// So long somebody may be without news of a change at most.
const STATED: Duration = Duration::from_millis(1_500);
const PATIENCE: Duration = Duration::from_secs(30);

/// The other process: the same test binary, which does what it is told line by line.
struct Other {
    process: Child,
    orders: ChildStdin,
    answers: BufReader<ChildStdout>,
}

impl Other {
    fn start(url: &str, prefix: &str) -> Self {
        let mut process = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "cache::coherence::the_other_process", "--nocapture", "--include-ignored"])
            .env(URL, url)
            .env(PREFIX, prefix)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let (orders, answers) = (process.stdin.take().unwrap(), process.stdout.take().unwrap());
        Self { process, orders, answers: BufReader::new(answers) }
    }

    fn ask(&mut self, order: &str) -> String {
        writeln!(self.orders, "{order}").unwrap();
        loop {
            let mut line = String::new();
            assert!(self.answers.read_line(&mut line).unwrap() > 0, "the other process is gone");
            // The test harness talks in between.
            if let Some(answer) = line.trim_end().split("=> ").nth(1) {
                return answer.to_owned();
            }
        }
    }
}

impl Drop for Other {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "run by the tests of this file, as the other process"]
async fn the_other_process() {
    let (Ok(url), Ok(prefix)) = (std::env::var(URL), std::env::var(PREFIX)) else { return };
    let cache = Cache::layered([memory(10_000), redis(url).prefix(prefix).timeout(LONG)]).unwrap();
    for line in std::io::stdin().lines() {
        let line = line.unwrap();
        let words: Vec<&str> = line.split(' ').collect();
        let answer = match words.as_slice() {
            ["get", key] => format!("{:?}", cache.get::<u32>(key).await.unwrap().as_deref()),
            ["set", key, value] => {
                cache.set(key, value.parse::<u32>().unwrap(), MINUTE).tags(["t"]).await.unwrap();
                "done".to_owned()
            }
            ["invalidate", tag] => {
                cache.invalidate_tag(tag).await.unwrap();
                "done".to_owned()
            }
            other => panic!("{other:?}"),
        };
        println!("=> {answer}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_one_process_writes_leaves_the_memory_of_another_within_the_stated_time() {
    let Some(redis) = Redis::shared() else { return };
    let prefix = wayfare_testkit::unique_prefix("two");
    let layer = wayfare::cache::redis(redis.url()).prefix(&prefix).timeout(LONG);
    let ours = Cache::layered([memory(10_000), layer]).unwrap();
    let mut other = Other::start(&redis.url(), &prefix);
    let mut took = Vec::new();
    for number in 0..200_u32 {
        assert_eq!(other.ask(&format!("set k {number}")), "done");
        // What they have in memory, and we too.
        let ours_first = ours.get::<u32>("k").await.unwrap();
        assert_eq!(ours_first.as_deref(), Some(&number));
        let (newer, answer) = (number + 1_000, format!("Some({})", number + 1_000));
        ours.set("k", newer, MINUTE).tags(["t"]).await.unwrap();
        let since = Instant::now();
        while other.ask("get k") != answer {
            assert!(since.elapsed() < PATIENCE, "the other process was not told");
        }
        took.push(since.elapsed());
        match number % 2 {
            0 => assert_eq!(other.ask("invalidate t"), "done"),
            _ => ours.invalidate_tag("t").await.unwrap(),
        }
        let since = Instant::now();
        while ours.get::<u32>("k").await.unwrap().is_some() || other.ask("get k") != "None" {
            assert!(since.elapsed() < PATIENCE, "somebody was not told");
        }
        took.push(since.elapsed());
    }
    took.sort_unstable();
    println!("longest time until another process was told: {:?}", took[took.len() - 1]);
    // The rest is for a machine that is busy with other tests.
    assert!(took[took.len() * 9 / 10] < STATED, "{took:?}");
}

/// Readers never see a value older than one that they have seen, nor, once all is quiet, one that is not the last.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn memories_of_a_fleet_converge_under_load() {
    let Some(fleet) = Fleet::shared() else { return };
    let caches: Vec<Cache> = (0..3).map(|_| fleet.member()).collect();
    let mut tasks = Vec::new();
    for (number, cache) in caches.iter().enumerate() {
        let cache = cache.clone();
        tasks.push(tokio::spawn(async move {
            for round in 0..2_000_u32 {
                let key = format!("k{}", round % 7);
                match (round as usize + number) % 5 {
                    0 => cache.set(&key, round * 10 + number as u32, MINUTE).tags(["t"]).await.unwrap(),
                    1 if round % 50 == 1 => cache.invalidate_tag("t").await.unwrap(),
                    2 if round % 20 == 2 => cache.delete(&key).await.unwrap(),
                    _ => drop(cache.get::<u32>(&key).await.unwrap()),
                }
            }
        }));
    }
    for task in tasks {
        task.await.unwrap();
    }
    let truth = fleet.forgetful();
    for key in (0..7).map(|number| format!("k{number}")) {
        let expected = truth.get::<u32>(&key).await.unwrap();
        for cache in &caches {
            let converged = async || cache.get::<u32>(&key).await.unwrap() == expected;
            until(&format!("{key} is {expected:?}"), converged).await;
        }
    }
}

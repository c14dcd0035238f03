//! The process that reads and saves until it is killed.

use std::io::Write as _;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use serde_json::json;
use wayfare_graph::{Body, Document, Id, Random, Store, Version, Write, WriteBatch, WriteError, Written};
use wayfare_stores::{OpenOptions, open};

use crate::event::{Event, MARK, Outcome};

const STORE: &str = "WAYFARE_LINEARIZABILITY_STORE";
const NUMBER: &str = "WAYFARE_LINEARIZABILITY_CLIENT";

/// Documents that all clients change.
pub const KEYS: usize = 4;

/// Tasks of one client.
const TASKS: u64 = 4;

/// The id of a document.
pub fn id(key: usize) -> Id {
    Id::node("Register", &key.to_string()).unwrap()
}

/// A document with a value.
pub fn document(key: usize, value: u64, version: u64) -> Document {
    Document::new(id(key), Body::encode(&json!({"value": value})).unwrap()).with_version(Version(version))
}

/// The value of a document.
pub fn value_of(document: &Document) -> u64 {
    document.body().field("value").unwrap().as_u64().unwrap()
}

/// Starts a client; its number is in every value that it saves.
pub fn start(store: &str, number: usize) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "client::works_until_it_is_killed", "--nocapture", "--test-threads=1"])
        .env(STORE, store)
        .env(NUMBER, number.to_string())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::inherit())
        .spawn()
        .unwrap()
}

/// Not a test by itself: what a client does.
#[test]
fn works_until_it_is_killed() {
    let Ok(url) = std::env::var(STORE) else { return };
    let number: u64 = std::env::var(NUMBER).unwrap().parse().unwrap();
    let store = open(&url, &OpenOptions::default()).unwrap();
    let calls = Arc::new(AtomicU64::new(0));
    let executor = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let tasks: Vec<_> = (0..TASKS)
        .map(|task| {
            let work = Task {
                store: Arc::clone(&store),
                random: Random::stream(number, task),
                calls: Arc::clone(&calls),
                client: number,
            };
            executor.spawn(work.go_on())
        })
        .collect();
    executor.block_on(async {
        for task in tasks {
            task.await.unwrap();
        }
    });
}

struct Task {
    store: Arc<dyn Store>,
    random: Random,
    calls: Arc<AtomicU64>,
    client: u64,
}

impl Task {
    async fn go_on(mut self) {
        loop {
            let key = self.random.below(KEYS as u64) as usize;
            let Some((version, _)) = self.read(key).await else { continue };
            if self.random.below(4) > 0 {
                self.save(key, version).await;
            }
        }
    }

    async fn read(&self, key: usize) -> Option<(u64, u64)> {
        let call = self.calls.fetch_add(1, Ordering::Relaxed);
        say(Event::Reading { call, at: now(), key });
        let found = self.store.get_many(&[id(key)]).await.ok()?.remove(0).expect("it is never removed");
        let (version, value) = (found.version().0, value_of(&found));
        say(Event::Ended { call, at: now(), outcome: Outcome::Read { version, value } });
        Some((version, value))
    }

    async fn save(&self, key: usize, expected: u64) {
        let call = self.calls.fetch_add(1, Ordering::Relaxed);
        // Never the same twice, in all clients together.
        let value = self.client << 40 | call;
        say(Event::Saving { call, at: now(), key, expected, value });
        let batch = WriteBatch {
            writes: vec![Write::Save { document: document(key, value, expected) }],
            all_or_nothing: false,
        };
        let outcome = match self.store.apply(&[batch]).await.map(|results| results[0][0].clone()) {
            Ok(Ok(Written::Changed { version, .. })) => Outcome::Saved { version: version.0 },
            Ok(Err(WriteError::Conflict { found, .. })) => Outcome::Conflict { found: found.0 },
            Err(_) => Outcome::Unknown,
            other => panic!("{other:?}"),
        };
        say(Event::Ended { call, at: now(), outcome });
    }
}

/// Says a line at once: it is in the pipe when this returns.
fn say(event: Event) {
    let mut out = std::io::stdout().lock();
    if out.write_all(format!("\n{MARK} {event}\n").as_bytes()).and_then(|()| out.flush()).is_err() {
        // Nobody listens: the parent is gone.
        std::process::exit(1);
    }
}

/// Nanoseconds on the clock that all processes of a machine share and nobody sets.
fn now() -> u64 {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::Monotonic);
    time.tv_sec as u64 * 1_000_000_000 + time.tv_nsec as u64
}

//! The cache in Redis, against a real server.

#![allow(clippy::unwrap_used)]

#[path = "redis/entries.rs"]
mod entries;
#[path = "redis/failure.rs"]
mod failure;
#[path = "redis/gather.rs"]
mod gather;
#[path = "redis/opening.rs"]
mod opening;
#[path = "redis/order.rs"]
mod order;
#[path = "redis/patterns.rs"]
mod patterns;
#[path = "redis/tags.rs"]
mod tags;
#[path = "redis/tickets.rs"]
mod tickets;

use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use wayfare_graph::{LookUp, LookedUp, RemoteCache, RemoteChange, RemoteEntry, RemotePut, Ticket};
use wayfare_stores::{RedisCache, RedisOptions};
use wayfare_testkit::{Redis, unique_prefix};

const HOUR: Duration = Duration::from_secs(3_600);

/// Longest wait for what has to happen.
const PATIENCE: Duration = Duration::from_secs(20);

fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(future)
}

/// Options that give a busy machine time to answer.
fn options(prefix: &str) -> RedisOptions {
    let mut options = RedisOptions::default();
    options.prefix = prefix.to_owned();
    options.call_timeout = Duration::from_secs(10);
    options.connect_timeout = Duration::from_secs(10);
    options
}

/// A cache of its own on the server that the tests share; `None`, said aloud, where there is none.
fn cache() -> Option<(RedisCache, String)> {
    let prefix = unique_prefix("cache");
    Some((open(Redis::shared()?, &prefix), prefix))
}

/// Two caches of one prefix, as two processes have them.
fn two() -> Option<(RedisCache, RedisCache)> {
    let (one, prefix) = cache()?;
    Some((one, open(Redis::shared()?, &prefix)))
}

fn open(redis: &Redis, prefix: &str) -> RedisCache {
    RedisCache::open(&redis.url(), options(prefix)).unwrap()
}

/// A connection to the server by hand.
fn by_hand(redis: &Redis) -> redis::Connection {
    redis::Client::open(redis.url()).unwrap().get_connection().unwrap()
}

fn put(key: &str, value: &str, tags: &[&str]) -> RemotePut {
    let tags = tags.iter().map(|&tag| tag.to_owned()).collect();
    RemotePut { key: key.into(), value: value.as_bytes().into(), ttl: HOUR, tags }
}

fn names(names: &[&str]) -> Vec<String> {
    names.iter().map(|&name| name.to_owned()).collect()
}

async fn set(cache: &dyn RemoteCache, key: &str, value: &str, tags: &[&str]) {
    cache.put(&[put(key, value, tags)]).await.unwrap();
}

async fn look(cache: &dyn RemoteCache, key: &str, tags: &[&str]) -> LookedUp {
    cache.look_up(&[LookUp { key: key.into(), tags: names(tags) }]).await.unwrap().remove(0)
}

async fn entry(cache: &dyn RemoteCache, key: &str) -> Option<RemoteEntry> {
    look(cache, key, &[]).await.entry
}

/// The value of a key as text.
async fn value(cache: &dyn RemoteCache, key: &str) -> Option<String> {
    entry(cache, key).await.map(|entry| String::from_utf8(entry.value.to_vec()).unwrap())
}

async fn ticket(cache: &dyn RemoteCache, key: &str, tags: &[&str]) -> Ticket {
    look(cache, key, tags).await.ticket
}

/// What a cache is told, one change after another.
struct Heard(Receiver<RemoteChange>);

fn heard(cache: &dyn RemoteCache) -> Heard {
    let (tx, rx) = channel();
    let tx = Mutex::new(tx);
    cache.listen(Arc::new(move |change: &RemoteChange| _ = tx.lock().unwrap().send(change.clone())));
    Heard(rx)
}

impl Heard {
    fn next(&self) -> RemoteChange {
        self.0.recv_timeout(PATIENCE).unwrap()
    }

    /// Waits for a change, whatever comes before it.
    fn until(&self, wanted: &RemoteChange) {
        while self.next() != *wanted {}
    }

    fn all(&self) -> Vec<RemoteChange> {
        self.0.try_iter().collect()
    }
}

fn key(key: &str) -> RemoteChange {
    RemoteChange::Key(key.into())
}

/// Asks again and again until it is so.
async fn eventually(what: &str, mut is_so: impl AsyncFnMut() -> bool) {
    let begun = Instant::now();
    while !is_so().await {
        assert!(begun.elapsed() < PATIENCE, "{what}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

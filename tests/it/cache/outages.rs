//! A Redis that is away, slow, or none.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::time::{Duration, Instant};

use wayfare::cache::{Cache, memory, redis};
use wayfare::{CacheError, Config, Error, Result, Runtime};
use wayfare_testkit::Redis;

use super::stage::{Fleet, MINUTE, ok, until};

async fn got(cache: &Cache, key: &str) -> Option<u32> {
    cache.get::<u32>(key).await.unwrap().as_deref().copied()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_redis_the_memory_goes_on_and_it_comes_back_by_itself() {
    let Some(server) = Redis::start() else { return };
    let fleet = Fleet::on(&server);
    let (ours, theirs) = (fleet.member(), fleet.member());
    ours.set("before", 1_u32, MINUTE).await.unwrap();
    server.kill();
    until("the loss is noticed", async || ours.figures().remote.unwrap().lost == 1).await;
    // What came from there cannot be trusted any more.
    assert_eq!(got(&ours, "before").await, None);
    let since = Instant::now();
    for number in 0..1_000_u32 {
        let key = format!("k{}", number % 10);
        ours.get_or_compute(&key, MINUTE, async || ok(number)).await.unwrap();
        ours.set("set", number, MINUTE).await.unwrap();
        assert_eq!(got(&ours, "set").await, Some(number));
    }
    // Were every call to wait for an answer, it would be half an hour.
    assert!(since.elapsed() < Duration::from_secs(60), "it waits for what is away: {:?}", since.elapsed());
    assert!(ours.figures().remote.unwrap().errors > 0);
    server.restart();
    until("it is back", async || ours.health().await.is_ok() && theirs.health().await.is_ok()).await;
    until("all is delivered", async || ours.figures().remote.unwrap().undelivered == 0).await;
    // What was kept meanwhile is not: others may have changed it.
    assert_eq!(got(&ours, "set").await, None);
    ours.set("after", 2_u32, MINUTE).await.unwrap();
    assert_eq!(got(&theirs, "after").await, Some(2));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn invalidations_made_while_redis_hangs_are_delivered_before_its_values_are_believed() {
    let Some(server) = Redis::start() else { return };
    let fleet = Fleet::on(&server);
    let (ours, theirs) = (fleet.member(), fleet.member());
    for key in ["by key", "by tag", "by set", "left"] {
        let tags = if key == "by tag" { &["t"][..] } else { &[] };
        ours.set(key, 1_u32, MINUTE).tags(tags.iter().copied()).await.unwrap();
    }
    server.suspend();
    until("the loss is noticed", async || ours.figures().remote.unwrap().lost == 1).await;
    ours.delete("by key").await.unwrap();
    ours.invalidate_tag("t").await.unwrap();
    ours.set("by set", 2_u32, MINUTE).await.unwrap();
    assert_eq!(got(&ours, "by set").await, Some(2));
    assert_eq!(ours.figures().remote.unwrap().undelivered, 3);
    server.resume();
    until("it is back", async || ours.health().await.is_ok()).await;
    for key in ["by key", "by tag", "by set"] {
        assert_ne!(got(&ours, key).await, Some(1), "{key}");
    }
    until("all is delivered", async || ours.figures().remote.unwrap().undelivered == 0).await;
    until("others are back", async || theirs.health().await.is_ok()).await;
    for (key, expected) in [("by key", None), ("by tag", None), ("by set", None), ("left", Some(1))] {
        assert_eq!((got(&ours, key).await, got(&theirs, key).await), (expected, expected), "{key}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_redis_that_hangs_is_noticed_within_the_stated_time_and_fails_no_read() {
    let Some(server) = Redis::start() else { return };
    let fleet = Fleet::on(&server);
    let cache = fleet.member();
    cache.set("k", 1_u32, MINUTE).await.unwrap();
    assert_eq!(got(&cache, "k").await, Some(1));
    server.suspend();
    let since = Instant::now();
    // Nobody calls it; the cache itself asks for signs of life.
    until("the loss is noticed", async || cache.figures().remote.unwrap().lost == 1).await;
    // The stated time, and as much again as a machine may take that is busy with other tests.
    assert!(
        since.elapsed() < Duration::from_millis(1_500) + Duration::from_secs(10),
        "{:?}",
        since.elapsed()
    );
    assert_eq!(got(&cache, "k").await, None);
    server.resume();
    until("it is back", async || cache.health().await.is_ok()).await;
    assert_eq!(got(&cache, "k").await, Some(1));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn kills_under_load_fail_no_call_and_leave_no_old_value() {
    let Some(server) = Redis::start() else { return };
    let fleet = Fleet::on(&server);
    let caches = [fleet.member(), fleet.member()];
    let stop = std::sync::Arc::new(std::sync::atomic::AtomicBool::new(false));
    let tasks: Vec<_> = caches
        .iter()
        .cloned()
        .map(|cache| {
            let stop = std::sync::Arc::clone(&stop);
            tokio::spawn(async move {
                let mut round = 0_u32;
                while !stop.load(std::sync::atomic::Ordering::Relaxed) {
                    round += 1;
                    let key = format!("k{}", round % 5);
                    match round % 3 {
                        0 => cache.set(&key, round, MINUTE).tags(["t"]).await.unwrap(),
                        1 if round % 30 == 1 => cache.invalidate_tag("t").await.unwrap(),
                        _ => {
                            drop(cache.get_or_compute(&key, MINUTE, async || ok(round)).await.unwrap());
                        }
                    }
                }
            })
        })
        .collect();
    for _ in 0..4 {
        tokio::time::sleep(Duration::from_millis(150)).await;
        server.kill();
        tokio::time::sleep(Duration::from_millis(150)).await;
        server.restart();
        until("they are back", async || caches[0].health().await.is_ok()).await;
    }
    stop.store(true, std::sync::atomic::Ordering::Relaxed);
    for task in tasks {
        task.await.unwrap();
    }
    for cache in &caches {
        until("it is back", async || cache.health().await.is_ok()).await;
        until("all is delivered", async || cache.figures().remote.unwrap().undelivered == 0).await;
    }
    let truth = fleet.forgetful();
    for key in (0..5).map(|number| format!("k{number}")) {
        let expected = got(&truth, &key).await;
        for cache in &caches {
            until(&format!("{key} is {expected:?}"), async || got(cache, &key).await == expected).await;
        }
    }
}

fn refused(result: Result<Cache>) -> CacheError {
    match result {
        Err(Error::Cache(error)) => error,
        other => panic!("{other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_no_redis_is_refused_at_the_start_without_its_secrets() {
    let nobody = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let url = format!("redis://user:hush@{nobody}");
    for wrong in ["", "localhost", "http://localhost", "redis://", "redis://host:port", url.as_str()] {
        let error = refused(Cache::layered([memory(10), redis(wrong)]));
        assert!(matches!(error, CacheError::Remote(_)), "{wrong}: {error}");
        assert!(!error.to_string().contains("hush"), "{error}");
    }
    // One that may be away may not have a wrong URL.
    refused(Cache::layered([memory(10), redis("http://localhost").optional()]));
    let cache = Cache::layered([memory(10), redis(url.as_str()).optional()]).unwrap();
    cache.set("k", 1_u32, MINUTE).await.unwrap();
    assert_eq!(got(&cache, "k").await, Some(1));
    assert!(cache.health().await.is_err());
    assert!(!format!("{cache:?} {:?}", cache.figures()).contains("hush"));
    if let Some(server) = Redis::start_with_password("hush") {
        let wrong = refused(Cache::layered([memory(10), redis(server.url_with("guess"))]));
        assert!(!wrong.to_string().contains("guess"), "{wrong}");
        Cache::layered([memory(10), redis(server.url())]).unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_answers_garbage_is_an_error_in_time() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let Ok(mut stream) = stream else { return };
            std::thread::spawn(move || {
                let mut asked = [0_u8; 1_024];
                while stream.read(&mut asked).is_ok_and(|read| read > 0) {
                    if stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\nwhat?").is_err() {
                        return;
                    }
                }
            });
        }
    });
    let since = Instant::now();
    let error = refused(Cache::layered([memory(10), redis(format!("redis://{address}"))]));
    assert!(matches!(error, CacheError::Remote(_)), "{error}");
    assert!(since.elapsed() < Duration::from_secs(20));
}

#[test]
fn a_runtime_takes_its_cache_from_the_settings() {
    let folder = tempfile::tempdir().unwrap();
    let url = format!("embedded:{}", folder.path().join("store").display());
    let start = |redis: &str, optional: bool| {
        let config = Config::builder().store_url(url.as_str()).cache_redis(redis).cache_optional(optional);
        Runtime::start(&config.build().unwrap())
    };
    let nobody = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let nobody = format!("redis://{nobody}");
    assert!(matches!(start(&nobody, false), Err(Error::Cache(CacheError::Remote(_)))));
    drop(start(&nobody, true).unwrap());
    assert!(start("none", false).unwrap().cache().figures().remote.is_none());
}

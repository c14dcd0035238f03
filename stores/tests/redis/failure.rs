use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use wayfare_graph::RemoteError;

use super::*;

/// A bound on what fails at once, on a machine that has much else to do; were each call to wait, it would take longer.
const AT_ONCE: Duration = Duration::from_secs(10);

fn in_haste() -> RedisOptions {
    let mut options = RedisOptions::default();
    options.prefix = "p".into();
    options.max_retry_pause = Duration::from_millis(200);
    options.connect_timeout = Duration::from_secs(10);
    options
}

async fn is_away(cache: &dyn RemoteCache) -> bool {
    matches!(cache.health().await, Err(RemoteError::Away { .. }))
}

#[test]
fn a_server_that_is_killed_is_lost_and_back_when_it_is_there_again() {
    let Some(redis) = Redis::start() else { return };
    let one = open(&redis, "p");
    let heard = heard(&one);
    assert_eq!(heard.next(), RemoteChange::Back);
    let is_over = AtomicBool::new(false);
    let failed = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        // Load that never stops.
        for worker in 0..2 {
            let (one, is_over, failed) = (&one, &is_over, &failed);
            scope.spawn(move || {
                block_on(async {
                    while !is_over.load(Ordering::SeqCst) {
                        let name = format!("k{worker}");
                        let found = one.look_up(&[LookUp { key: name.clone(), tags: names(&["t"]) }]).await;
                        let done = match found {
                            Ok(found) => one.fill(&put(&name, "1", &["t"]), &found[0].ticket).await.map(drop),
                            Err(error) => Err(error),
                        };
                        if let Err(error) = done {
                            assert!(matches!(error, RemoteError::Away { .. }), "{error:?}");
                            failed.fetch_add(1, Ordering::SeqCst);
                            tokio::time::sleep(Duration::from_millis(1)).await;
                        }
                    }
                });
            });
        }
        block_on(async {
            for _ in 0..3 {
                redis.kill();
                heard.until(&RemoteChange::Lost);
                let begun = Instant::now();
                for _ in 0..100 {
                    assert!(is_away(&one).await);
                }
                assert!(begun.elapsed() < AT_ONCE, "{:?}", begun.elapsed());
                redis.restart();
                heard.until(&RemoteChange::Back);
                eventually("it works again", async || one.put(&[put("a", "1", &[])]).await.is_ok()).await;
            }
        });
        is_over.store(true, Ordering::SeqCst);
    });
    assert!(failed.load(Ordering::SeqCst) > 0);
}

#[test]
fn a_ticket_does_not_outlive_its_connection() {
    let Some(redis) = Redis::start() else { return };
    let one = open(&redis, "p");
    let heard = heard(&one);
    block_on(async {
        let given = ticket(&one, "a", &[]).await;
        // Somebody deletes the key, and the server forgets it.
        redis.kill();
        redis.restart();
        heard.until(&RemoteChange::Lost);
        heard.until(&RemoteChange::Back);
        assert!(!one.fill(&put("a", "old", &[]), &given).await.unwrap());
        assert_eq!(entry(&one, "a").await, None);
    });
}

#[test]
fn a_server_that_falls_silent_is_noticed_without_a_call() {
    let Some(redis) = Redis::start() else { return };
    let options = in_haste();
    let bound = options.ping_interval + options.call_timeout;
    let one = RedisCache::open(&redis.url(), options).unwrap();
    let heard = heard(&one);
    assert_eq!(heard.next(), RemoteChange::Back);
    redis.suspend();
    let begun = Instant::now();
    assert_eq!(heard.next(), RemoteChange::Lost);
    assert!(begun.elapsed() < bound + AT_ONCE, "{:?}", begun.elapsed());
    assert!(block_on(is_away(&one)));
    redis.resume();
    assert_eq!(heard.next(), RemoteChange::Back);
    block_on(eventually("it works again", async || one.put(&[put("a", "", &[])]).await.is_ok()));
}

#[test]
fn calls_that_get_no_answer_end_in_time_and_after_some_the_connection_is_given_up() {
    let Some(redis) = Redis::start() else { return };
    let mut options = in_haste();
    options.call_timeout = Duration::from_millis(100);
    options.circuit_failures = 3;
    options.ping_interval = Duration::from_secs(3_600);
    let one = RedisCache::open(&redis.url(), options).unwrap();
    let heard = heard(&one);
    assert_eq!(heard.next(), RemoteChange::Back);
    redis.suspend();
    block_on(async {
        for calls in 1..=3 {
            let begun = Instant::now();
            assert!(is_away(&one).await);
            let waited = begun.elapsed();
            assert!((Duration::from_millis(100)..AT_ONCE).contains(&waited), "{waited:?}");
            assert_eq!(heard.all().len(), usize::from(calls == 3));
        }
        let begun = Instant::now();
        for _ in 0..200 {
            assert!(is_away(&one).await);
        }
        assert!(begun.elapsed() < AT_ONCE, "{:?}", begun.elapsed());
        redis.resume();
        assert_eq!(heard.next(), RemoteChange::Back);
        eventually("it is well", async || one.health().await.is_ok()).await;
    });
}

#[test]
fn a_server_that_is_full_refuses_and_stays_connected() {
    let Some(redis) = Redis::start() else { return };
    let one = open(&redis, "p");
    let mut hand = by_hand(&redis);
    block_on(async {
        let given = ticket(&one, "a", &["t"]).await;
        redis::cmd("CONFIG").arg("SET").arg("maxmemory").arg(1).query::<()>(&mut hand).unwrap();
        let error = one.put(&[put("a", "1", &["t"])]).await.unwrap_err();
        assert!(matches!(&error, RemoteError::Refused { reason, .. } if reason.contains("OOM")), "{error:?}");
        let error = one.fill(&put("a", "1", &["t"]), &given).await.unwrap_err();
        assert!(matches!(&error, RemoteError::Refused { reason, .. } if reason.contains("OOM")), "{error:?}");
        one.health().await.unwrap();
        redis::cmd("CONFIG").arg("SET").arg("maxmemory").arg(0).query::<()>(&mut hand).unwrap();
        assert!(one.fill(&put("a", "1", &["t"]), &given).await.unwrap());
    });
}

#[test]
fn a_connection_that_others_kill_is_made_again() {
    let Some(redis) = Redis::start() else { return };
    let one = open(&redis, "p");
    let heard = heard(&one);
    let mut hand = by_hand(&redis);
    block_on(async {
        for _ in 0..5 {
            heard.until(&RemoteChange::Back);
            redis::cmd("CLIENT").arg("KILL").arg("TYPE").arg("normal").query::<()>(&mut hand).unwrap();
            heard.until(&RemoteChange::Lost);
        }
        heard.until(&RemoteChange::Back);
        set(&one, "a", "", &[]).await;
    });
}

#[test]
fn removing_needs_room_for_guards_and_says_so() {
    let Some(redis) = Redis::start() else { return };
    let one = open(&redis, "p");
    let mut hand = by_hand(&redis);
    block_on(async {
        set(&one, "a", "1", &["t"]).await;
        redis::cmd("CONFIG").arg("SET").arg("maxmemory").arg(1).query::<()>(&mut hand).unwrap();
        for refused in [
            one.delete(&names(&["a"])).await.err(),
            one.invalidate(&names(&["t"])).await.err(),
            one.delete_matching("*").await.err(),
            one.clear().await.err(),
        ] {
            assert!(matches!(refused, Some(RemoteError::Refused { .. })), "{refused:?}");
        }
    });
}

use futures_util::future::join_all;
use redis::Commands;
use wayfare_graph::RemoteError;

use super::*;

/// What each of some reads of single keys, all under way at once, comes to.
async fn peeked(cache: &dyn RemoteCache, keys: &[String]) -> Vec<Result<Option<String>, RemoteError>> {
    let reads = keys.iter().map(|key| async move {
        let entry = cache.peek(&[key]).await?.remove(0);
        Ok(entry.map(|entry| String::from_utf8(entry.value.to_vec()).unwrap()))
    });
    join_all(reads).await
}

/// How many commands of a name the server was sent.
fn commands(by_hand: &mut redis::Connection, name: &str) -> u64 {
    let told: String = redis::cmd("INFO").arg("commandstats").query(by_hand).unwrap();
    let of_name = told.lines().find_map(|line| line.strip_prefix(&format!("cmdstat_{name}:calls=")));
    of_name.map_or(0, |rest| rest.split(',').next().unwrap().parse().unwrap())
}

#[test]
fn reads_at_once_share_commands_and_each_gets_its_own_entry() {
    let Some(redis) = Redis::start() else { return };
    let one = open(&redis, "gather");
    let mut by_hand = by_hand(&redis);
    let keys: Vec<String> = (0..500).map(|number| format!("k{}", number % 400)).collect();
    block_on(async {
        // Every third is missing.
        let there = (0..400).filter(|number| number % 3 != 0);
        let puts: Vec<_> = there.map(|number| put(&format!("k{number}"), &number.to_string(), &[])).collect();
        one.put(&puts).await.unwrap();
        // No answer comes before the last read has begun, however the threads take turns. Polled without tokio's bound,
        // which would put off some reads.
        let mut reads = Box::pin(tokio::task::unconstrained(peeked(&one, &keys)));
        redis.suspend();
        assert!(futures_util::poll!(&mut reads).is_pending());
        redis.resume();
        for (at, read) in reads.await.into_iter().enumerate() {
            let number = at % 400;
            assert_eq!(read.unwrap(), (number % 3 != 0).then(|| number.to_string()), "{at}");
        }
    });
    // Two by themselves, the other 498 by the hundred.
    assert_eq!(commands(&mut by_hand, "get"), 2);
    assert!((1..=10).contains(&commands(&mut by_hand, "mget")), "{}", commands(&mut by_hand, "mget"));
    // Who reads one after another is not put off, once the tasks that asked for those who waited have ended.
    block_on(eventually("each is read by itself", async || {
        let before = commands(&mut by_hand, "get");
        for key in &keys[..10] {
            peeked(&one, std::slice::from_ref(key)).await.remove(0).unwrap();
        }
        commands(&mut by_hand, "get") == before + 10
    }));
    by_hand.set::<_, _, ()>("gather:v:k1", "no entry").unwrap();
    let read = block_on(peeked(&one, &["k1".into(), "k1".into(), "k1".into(), "k2".into()]));
    assert_eq!(read, [Ok(None), Ok(None), Ok(None), Ok(Some("2".into()))]);
}

#[test]
fn who_waits_for_a_command_waits_no_longer_than_a_call_may_take() {
    let Some(redis) = Redis::start() else { return };
    let mut options = options("gather");
    options.call_timeout = Duration::from_secs(10);
    options.circuit_failures = 1_000;
    options.ping_interval = HOUR;
    let one = RedisCache::open(&redis.url(), options).unwrap();
    let keys: Vec<String> = (0..300).map(|number| format!("k{number}")).collect();
    redis.suspend();
    block_on(async {
        let begun = Instant::now();
        let reads = peeked(&one, &keys).await;
        let waited = begun.elapsed();
        assert!(reads.iter().all(|read| matches!(read, Err(RemoteError::Away { .. }))), "{reads:?}");
        // Three commands one after another would be given up after 30 s.
        assert!((Duration::from_secs(10)..Duration::from_secs(25)).contains(&waited), "{waited:?}");
        redis.resume();
        eventually("it answers again", async || {
            peeked(&one, &keys).await.into_iter().all(|read| read == Ok(None))
        })
        .await;
    });
}

#[test]
fn reads_that_are_dropped_keep_nobody_waiting() {
    let Some((one, _)) = cache() else { return };
    block_on(async {
        set(&one, "a", "1", &[]).await;
        for round in 0..50 {
            // The first two are sent, the others wait for them, unless the answer is quicker than this thread.
            let mut reads = Vec::new();
            for _ in 0..20 {
                let mut read = one.peek(&["a"]);
                if futures_util::poll!(&mut read).is_pending() {
                    reads.push(read);
                }
            }
            let Some(last) = reads.pop() else { continue };
            let places = reads.len().max(1);
            reads.rotate_left(round % places);
            drop(reads);
            assert_eq!(last.await.unwrap().remove(0).map(|entry| entry.value.to_vec()), Some(b"1".to_vec()));
        }
    });
}

#[test]
fn who_waits_when_the_threads_of_the_connection_end_is_told() {
    let Some(redis) = Redis::start() else { return };
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let one = runtime.block_on(async { open(&redis, "gather") });
    redis.suspend();
    let keys: Vec<String> = (0..20).map(|number| format!("k{number}")).collect();
    block_on(async {
        let mut reads = Box::pin(peeked(&one, &keys));
        assert!(futures_util::poll!(&mut reads).is_pending());
        runtime.shutdown_background();
        let told = reads.await;
        assert!(told.iter().all(|read| matches!(read, Err(RemoteError::Away { .. }))), "{told:?}");
    });
    redis.resume();
    block_on(eventually("it is back", async || {
        peeked(&one, &keys).await.into_iter().all(|read| read == Ok(None))
    }));
}

//! Of those who want a value at once, one computes it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering::SeqCst};
use std::time::Duration;

use futures_util::future::join_all;
use tokio::sync::Notify;
use wayfare::Result;

use super::stage::{MINUTE, in_memory, ok};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thousand_misses_of_one_key_compute_once() {
    let (cache, _) = in_memory(100);
    let computed = Arc::new(AtomicU32::new(0));
    let wants = (0..1_000).map(|_| {
        let (cache, computed) = (cache.clone(), Arc::clone(&computed));
        tokio::spawn(async move {
            let compute = async || {
                tokio::time::sleep(Duration::from_millis(20)).await;
                ok(computed.fetch_add(1, SeqCst))
            };
            *cache.get_or_compute("k", MINUTE, compute).await.unwrap()
        })
    });
    for value in join_all(wants).await {
        assert_eq!(value.unwrap(), 0);
    }
    assert_eq!(computed.load(SeqCst), 1);
    let figures = cache.figures();
    assert_eq!(figures.computed, 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn when_who_computes_is_cancelled_or_panics_the_next_one_does_it() {
    let (cache, _) = in_memory(100);
    let begun = Arc::new(Notify::new());
    let cancelled = {
        let (cache, begun) = (cache.clone(), Arc::clone(&begun));
        tokio::spawn(async move {
            let compute = async || {
                begun.notify_one();
                std::future::pending::<Result<u32>>().await
            };
            cache.get_or_compute("k", MINUTE, compute).await.map(drop)
        })
    };
    begun.notified().await;
    let gate = Arc::new(Notify::new());
    let panics = {
        let (cache, begun, gate) = (cache.clone(), Arc::clone(&begun), Arc::clone(&gate));
        tokio::spawn(async move {
            let compute = async || {
                begun.notify_one();
                gate.notified().await;
                panic!("told to");
                #[allow(unreachable_code)]
                ok(1_u32)
            };
            cache.get_or_compute("k", MINUTE, compute).await.map(drop)
        })
    };
    let misses = async |number| {
        while cache.figures().memory.unwrap().misses < number {
            tokio::task::yield_now().await;
        }
    };
    misses(2).await;
    cancelled.abort();
    begun.notified().await;
    let waits = {
        let cache = cache.clone();
        tokio::spawn(async move { cache.get_or_compute("k", MINUTE, async || ok(3_u32)).await })
    };
    misses(3).await;
    gate.notify_one();
    assert!(panics.await.unwrap_err().is_panic());
    assert_eq!(*waits.await.unwrap().unwrap(), 3);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_error_goes_to_who_computed_and_the_next_one_tries() {
    let (cache, _) = in_memory(100);
    let tries = Arc::new(AtomicU32::new(0));
    let wants = (0..10).map(|_| {
        let (cache, tries) = (cache.clone(), Arc::clone(&tries));
        tokio::spawn(async move {
            let compute = async || {
                tokio::time::sleep(Duration::from_millis(5)).await;
                match tries.fetch_add(1, SeqCst) {
                    0..3 => Err(wayfare::Error::from(wayfare::CacheError::Closed)),
                    number => ok(number),
                }
            };
            cache.get_or_compute("k", MINUTE, compute).await.map(|value| *value)
        })
    });
    let outcomes = join_all(wants).await.into_iter().map(std::result::Result::unwrap).collect::<Vec<_>>();
    assert_eq!(outcomes.iter().filter(|outcome| outcome.is_err()).count(), 3);
    assert!(outcomes.iter().flatten().all(|&value| value == 3));
    assert_eq!(tries.load(SeqCst), 4);
}

/// What is computed while its key or tag is invalidated is given out and not kept.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_fill_that_raced_with_an_invalidation_is_not_kept() {
    let (cache, _) = in_memory(100);
    for what in ["key", "tag", "pattern", "clear", "set"] {
        let compute = async || {
            match what {
                "key" => cache.delete("k").await?,
                "tag" => cache.invalidate_tag("t").await?,
                "pattern" => cache.invalidate_matching("k*").await?,
                "clear" => cache.clear().await,
                _ => cache.set("k", 2_u32, MINUTE).await?,
            }
            ok(1_u32)
        };
        let given = cache.entry("k", MINUTE).tags(["t"]).or_compute(compute).await.unwrap();
        assert_eq!(*given, 1, "{what}");
        let kept = cache.get::<u32>("k").await.unwrap();
        assert_eq!(kept.as_deref(), (what == "set").then_some(&2), "{what}");
        cache.delete("k").await.unwrap();
    }
    assert_eq!(cache.figures().fills_refused, 5);
    // A key shares what is counted with one of a thousand others, by chance; not with each of these.
    let mut kept = 0;
    for another in ["a", "b", "c", "d", "e", "f"] {
        let compute = async || {
            cache.delete(another).await?;
            cache.invalidate_tag("other").await?;
            ok(1_u32)
        };
        cache.entry("k", MINUTE).tags(["t"]).or_compute(compute).await.unwrap();
        kept += u32::from(cache.get::<u32>("k").await.unwrap().is_some());
        cache.delete("k").await.unwrap();
    }
    assert!(kept > 0);
}

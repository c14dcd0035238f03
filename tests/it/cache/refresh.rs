//! Values that are computed anew in the background.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering::SeqCst};

use wayfare::cache::{Cache, RefreshedEntry};

use super::stage::{MINUTE, in_memory, ok, until};

/// Counts how often it computes, and gives that.
#[derive(Clone, Default)]
struct Computer(Arc<AtomicU32>);

impl Computer {
    async fn value(&self, entry: RefreshedEntry) -> u32 {
        let counter = Arc::clone(&self.0);
        let compute = move || async move { ok(counter.fetch_add(1, SeqCst) + 1) };
        *entry.or_compute(compute).await.unwrap()
    }
}

async fn kept(cache: &Cache) -> Option<u32> {
    cache.get::<u32>("k").await.unwrap().as_deref().copied()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stale_value_is_given_out_while_it_is_computed_anew() {
    let (cache, clock) = in_memory(100);
    let computer = Computer::default();
    let value = async || computer.value(cache.entry("k", MINUTE).stale_for(MINUTE)).await;
    assert_eq!(value().await, 1);
    clock.set_ms(1_060_000);
    // For others it is out of date.
    assert_eq!(kept(&cache).await, None);
    assert_eq!(value().await, 1);
    until("it is computed anew", async || kept(&cache).await == Some(2)).await;
    assert_eq!(value().await, 2);
    // Beyond that time it is not given out any more.
    clock.set_ms(1_060_000 + 120_000);
    assert_eq!(value().await, 3);
    assert_eq!(cache.figures().refreshes, 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_value_whose_time_is_nearly_over_is_computed_anew_by_one_of_all_that_ask() {
    let (cache, clock) = in_memory(100);
    let computer = Computer::default();
    let value = async || computer.value(cache.entry("k", MINUTE).refresh_before(MINUTE / 6)).await;
    assert_eq!(value().await, 1);
    clock.set_ms(1_049_999);
    assert_eq!(value().await, 1);
    assert_eq!(cache.figures().refreshes, 0);
    clock.set_ms(1_050_000);
    for _ in 0..100 {
        assert!(value().await <= 2);
    }
    until("it is computed anew", async || kept(&cache).await == Some(2)).await;
    assert_eq!(value().await, 2);
    assert_eq!(computer.0.load(SeqCst), 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_error_in_the_background_leaves_the_value_and_the_next_one_tries() {
    let (cache, clock) = in_memory(100);
    cache.entry("k", MINUTE).stale_for(MINUTE).or_compute(|| async { ok(1_u32) }).await.unwrap();
    clock.set_ms(1_060_000);
    let tried = Arc::new(AtomicU32::new(0));
    let fails = || {
        let tried = Arc::clone(&tried);
        move || async move {
            if tried.fetch_add(1, SeqCst) == 0 {
                panic!("told to");
            }
            Err::<u32, wayfare::Error>(wayfare::CacheError::Closed.into())
        }
    };
    // The turn goes back a moment after a try; until then who asks is given the value and tries
    // nothing.
    for times in [1, 2] {
        until("it was tried", async || {
            let entry = cache.entry("k", MINUTE).stale_for(MINUTE);
            assert_eq!(*entry.or_compute(fails()).await.unwrap(), 1);
            tried.load(SeqCst) >= times
        })
        .await;
    }
}

//! The layer in memory, and what every cache refuses.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use wayfare::cache::{Cache, memory, memory_bytes, redis};
use wayfare::{CacheError, Error, Result};

use super::stage::{MINUTE, in_bytes, in_memory, never, ok};

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Analysis {
    score: f64,
    words: Vec<String>,
}

fn refused<T: std::fmt::Debug>(result: Result<T>) -> CacheError {
    match result {
        Err(Error::Cache(error)) => error,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_value_is_there_until_its_time_is_over() {
    let (cache, clock) = in_memory(100);
    let analysis = Analysis { score: 0.5, words: vec!["a".into()] };
    cache.set("k", analysis.clone(), MINUTE).await.unwrap();
    assert_eq!(*cache.get::<Analysis>("k").await.unwrap().unwrap(), analysis);
    assert!(cache.exists("k").await.unwrap());
    clock.set_ms(1_000_000 + 59_999);
    assert!(cache.get::<Analysis>("k").await.unwrap().is_some());
    clock.set_ms(1_000_000 + 60_000);
    assert!(cache.get::<Analysis>("k").await.unwrap().is_none());
    assert!(!cache.exists("k").await.unwrap());
    let figures = cache.figures().memory.unwrap();
    assert_eq!((figures.hits, figures.misses), (2, 1));
}

#[tokio::test]
async fn a_value_of_another_type_is_a_miss() {
    let (cache, _) = in_memory(100);
    cache.set("k", 7_u32, MINUTE).await.unwrap();
    assert!(cache.get::<String>("k").await.unwrap().is_none());
    assert_eq!(cache.get::<u32>("k").await.unwrap().as_deref(), Some(&7));
    let text = cache.get_or_compute("k", MINUTE, async || ok("seven".to_owned())).await.unwrap();
    assert_eq!(*text, "seven");
    assert!(cache.get::<u32>("k").await.unwrap().is_none());
}

#[tokio::test]
async fn keys_tags_and_patterns_remove_what_they_name_and_nothing_else() {
    let (cache, _) = in_memory(100);
    let set = async |key: &str, tags: &[&str]| {
        cache.set(key, key.to_owned(), MINUTE).tags(tags.iter().copied()).await.unwrap();
    };
    let left = async || {
        let keys = ["user:1", "user:2", "user:[1]", "order:1"];
        let found = cache.get_many::<String>(&keys).await.unwrap();
        keys.into_iter()
            .zip(found)
            .filter(|(_, found)| found.is_some())
            .map(|(key, _)| key)
            .collect::<Vec<_>>()
    };
    let all = async || {
        set("user:1", &["users", "eu"]).await;
        set("user:2", &["users"]).await;
        set("user:[1]", &[]).await;
        set("order:1", &["eu"]).await;
    };
    all().await;
    cache.delete("user:1").await.unwrap();
    assert_eq!(left().await, ["user:2", "user:[1]", "order:1"]);
    all().await;
    cache.invalidate_tag("users").await.unwrap();
    assert_eq!(left().await, ["user:[1]", "order:1"]);
    all().await;
    cache.invalidate_tags(&["eu", "nobody"]).await.unwrap();
    assert_eq!(left().await, ["user:2", "user:[1]"]);
    all().await;
    cache.invalidate_matching("user:?").await.unwrap();
    assert_eq!(left().await, ["user:[1]", "order:1"]);
    all().await;
    cache.invalidate_matching("*[1]").await.unwrap();
    assert_eq!(left().await, ["user:1", "user:2", "order:1"]);
    cache.clear().await;
    assert!(left().await.is_empty());
}

#[tokio::test]
async fn a_missing_value_is_remembered_for_its_own_time() {
    let (cache, clock) = in_memory(100);
    let find = async |found: Option<u32>| {
        cache.entry("k", MINUTE).missing_for(MINUTE / 6).or_find(async || ok(found)).await.unwrap()
    };
    assert_eq!(find(None).await, None);
    assert_eq!(find(Some(1)).await, None);
    assert!(!cache.exists("k").await.unwrap());
    // Who must have a value is not content with that.
    assert_eq!(*cache.get_or_compute("k", MINUTE, async || ok(2_u32)).await.unwrap(), 2);
    assert_eq!(find(None).await.as_deref(), Some(&2));
    cache.delete("k").await.unwrap();
    find(None).await;
    clock.set_ms(1_010_000);
    assert_eq!(find(Some(3)).await.as_deref(), Some(&3));
    // Without a time for it, nothing is remembered.
    let none = cache.entry("other", MINUTE).or_find(async || ok(None::<u32>)).await.unwrap();
    assert_eq!(none, None);
    let found = cache.entry("other", MINUTE).or_find(async || ok(Some(1_u32))).await.unwrap();
    assert_eq!(found.as_deref(), Some(&1));
}

#[tokio::test]
async fn memory_holds_no_more_than_its_bound() {
    let cache = in_bytes(100_000);
    for number in 0..2_000 {
        cache.set(&format!("key {number}"), "x".repeat(1_000), MINUTE).await.unwrap();
    }
    let figures = cache.figures().memory.unwrap();
    assert!(figures.bytes.unwrap() <= 100_000 && figures.entries > 50, "{figures:?}");
    let (cache, _) = in_memory(50);
    for number in 0..2_000 {
        cache.set(&format!("key {number}"), number, MINUTE).await.unwrap();
    }
    assert!(cache.figures().memory.unwrap().entries <= 50);
}

/// However many cores there are, among which the room is divided.
#[tokio::test]
async fn a_value_of_the_largest_size_is_kept_in_memory_where_that_has_room() {
    let cache = in_bytes(64 << 20);
    let large = "x".repeat((8 << 20) - 16);
    for number in 0..4 {
        let key = format!("large {number}");
        cache.set(&key, large.clone(), MINUTE).await.unwrap();
        assert_eq!(cache.get::<String>(&key).await.unwrap().as_deref(), Some(&large), "{key}");
    }
}

#[tokio::test]
async fn what_a_cache_cannot_take_is_refused_and_named() {
    let (cache, _) = in_memory(100);
    let long = "k".repeat(513);
    assert!(matches!(refused(cache.get::<u32>("").await), CacheError::Key { bytes: 0, .. }));
    assert!(matches!(refused(cache.set(&long, 1, MINUTE).await), CacheError::Key { bytes: 513, .. }));
    assert!(matches!(refused(cache.delete(&long).await), CacheError::Key { .. }));
    assert!(matches!(refused(cache.set("k", 1, Duration::ZERO).await), CacheError::Ttl { .. }));
    assert!(matches!(refused(cache.set("k", 1, Duration::MAX).await), CacheError::Ttl { .. }));
    assert!(matches!(refused(cache.invalidate_tag("").await), CacheError::Tag { .. }));
    assert!(matches!(refused(cache.invalidate_tag("wayfare:n.User").await), CacheError::Tag { .. }));
    assert!(matches!(refused(cache.set("k", 1, MINUTE).tags([long.as_str()]).await), CacheError::Tag { .. }));
    let huge = "x".repeat((8 << 20) + 1);
    match refused(cache.set("huge", huge.clone(), MINUTE).await) {
        CacheError::TooLarge { key, bytes, max } => assert_eq!((key.as_str(), bytes > max), ("huge", true)),
        other => panic!("{other}"),
    }
    // What was computed is given out, and not kept.
    let given = cache.get_or_compute("huge", MINUTE, async || ok(huge.clone())).await.unwrap();
    assert_eq!(given.len(), huge.len());
    assert!(!cache.exists("huge").await.unwrap());
    assert_eq!(cache.figures().too_large, 2);
}

#[tokio::test]
async fn a_value_that_does_not_serialise_is_an_error() {
    #[derive(Debug, Deserialize)]
    struct Stubborn;
    impl Serialize for Stubborn {
        fn serialize<S: serde::Serializer>(&self, _: S) -> std::result::Result<S::Ok, S::Error> {
            Err(serde::ser::Error::custom("it will not"))
        }
    }
    let (cache, _) = in_memory(100);
    match refused(cache.set("k", Stubborn, MINUTE).await) {
        CacheError::Encode { key, reason } => {
            assert_eq!((key.as_str(), reason.as_str()), ("k", "it will not"))
        }
        other => panic!("{other}"),
    }
}

#[test]
fn layers_that_do_not_go_together_are_refused() {
    assert!(matches!(refused(Cache::layered([])), CacheError::Layers { .. }));
    assert!(matches!(refused(Cache::layered([memory(0)])), CacheError::Layers { .. }));
    assert!(matches!(refused(Cache::layered([memory_bytes(0)])), CacheError::Layers { .. }));
    assert!(matches!(refused(Cache::layered([memory(1), memory(1)])), CacheError::Layers { .. }));
    let backwards = [redis("redis://127.0.0.1:1"), memory(1)];
    assert!(matches!(refused(Cache::layered(backwards)), CacheError::Layers { .. }));
}

#[tokio::test]
async fn a_hit_does_not_compute() {
    let (cache, _) = in_memory(100);
    cache.set("k", 1_u32, MINUTE).await.unwrap();
    assert_eq!(*cache.get_or_compute("k", MINUTE, async || never::<u32>().await).await.unwrap(), 1);
}

//! A layer in Redis before which there is a memory, or none.

use std::time::Duration;

use wayfare::cache::Cache;

use super::stage::{Fleet, MINUTE, never, ok, until};

async fn got(cache: &Cache, key: &str) -> Option<u32> {
    cache.get::<u32>(key).await.unwrap().as_deref().copied()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_one_process_keeps_another_finds_with_the_time_that_is_left() {
    let Some(fleet) = Fleet::shared() else { return };
    let (ours, theirs) = (fleet.member(), fleet.member());
    let time = Duration::from_secs(8);
    ours.set("k", 7_u32, time).await.unwrap();
    let set = tokio::time::Instant::now();
    assert_eq!(got(&theirs, "k").await, Some(7));
    // From memory, as soon as they have been told of the write, and not longer for that.
    until("it is in memory", async || {
        assert_eq!(got(&theirs, "k").await, Some(7));
        theirs.figures().memory.unwrap().hits > 0
    })
    .await;
    tokio::time::sleep_until(set + time + Duration::from_millis(50)).await;
    assert_eq!((got(&theirs, "k").await, got(&ours, "k").await), (None, None));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_computed_value_is_there_for_all_and_a_missing_one_is_missing_for_all() {
    let Some(fleet) = Fleet::shared() else { return };
    let (ours, theirs) = (fleet.member(), fleet.forgetful());
    assert_eq!(*ours.get_or_compute("k", MINUTE, async || ok(1_u32)).await.unwrap(), 1);
    assert_eq!(*theirs.get_or_compute("k", MINUTE, async || never::<u32>().await).await.unwrap(), 1);
    let nothing = async || ok(None::<u32>);
    assert_eq!(ours.entry("none", MINUTE).missing_for(MINUTE).or_find(nothing).await.unwrap(), None);
    let found = theirs.entry("none", MINUTE).or_find(async || never::<Option<u32>>().await).await.unwrap();
    assert_eq!(found, None);
    assert!(!theirs.exists("none").await.unwrap() && theirs.exists("k").await.unwrap());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_keys_take_one_question() {
    let Some(fleet) = Fleet::shared() else { return };
    let (ours, theirs) = (fleet.member(), fleet.member());
    let keys: Vec<String> = (0..500).map(|number| format!("k{number}")).collect();
    for (number, key) in keys.iter().enumerate().filter(|(number, _)| number % 2 == 0) {
        ours.set(key, number as u32, MINUTE).await.unwrap();
    }
    let keys: Vec<&str> = keys.iter().map(String::as_str).collect();
    let found = theirs.get_many::<u32>(&keys).await.unwrap();
    for (number, found) in found.iter().enumerate() {
        assert_eq!(found.as_deref().copied(), (number % 2 == 0).then_some(number as u32));
    }
    assert_eq!(theirs.figures().remote.unwrap().hits, 250);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn caches_of_one_prefix_and_different_types_are_misses_to_each_other() {
    let Some(fleet) = Fleet::shared() else { return };
    let (ours, theirs) = (fleet.member(), fleet.member());
    ours.set("k", 7_u32, MINUTE).await.unwrap();
    assert!(theirs.get::<String>("k").await.unwrap().is_none());
    let text = theirs.get_or_compute("k", MINUTE, async || ok("x".to_owned())).await.unwrap();
    assert_eq!(*text, "x");
    until("the other type is told", async || got(&ours, "k").await.is_none()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tags_and_patterns_reach_what_others_keep() {
    let Some(fleet) = Fleet::shared() else { return };
    let (ours, theirs) = (fleet.member(), fleet.member());
    for round in 0..50 {
        ours.set("user:[1]", 1_u32, MINUTE).tags(["users"]).await.unwrap();
        ours.set("user:2", 2_u32, MINUTE).await.unwrap();
        assert_eq!((got(&theirs, "user:[1]").await, got(&theirs, "user:2").await), (Some(1), Some(2)));
        match round % 4 {
            0 => ours.invalidate_tag("users").await.unwrap(),
            1 => ours.invalidate_matching("*[1]").await.unwrap(),
            2 => ours.delete("user:[1]").await.unwrap(),
            _ => ours.clear().await,
        }
        until("it is told", async || got(&theirs, "user:[1]").await.is_none()).await;
        assert_eq!(got(&ours, "user:[1]").await, None);
        assert_eq!(got(&ours, "user:2").await, (round % 4 != 3).then_some(2));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_fill_that_raced_with_another_process_is_not_kept() {
    let Some(fleet) = Fleet::shared() else { return };
    let (ours, theirs) = (fleet.member(), fleet.member());
    for what in ["delete", "tag", "pattern", "clear", "set"] {
        let compute = async || {
            match what {
                "delete" => theirs.delete("k").await?,
                "tag" => theirs.invalidate_tag("t").await?,
                "pattern" => theirs.invalidate_matching("k*").await?,
                "clear" => theirs.clear().await,
                _ => theirs.set("k", 2_u32, MINUTE).await?,
            }
            ok(1_u32)
        };
        assert_eq!(*ours.entry("k", MINUTE).tags(["t"]).or_compute(compute).await.unwrap(), 1, "{what}");
        let expected = (what == "set").then_some(2);
        assert_eq!((got(&ours, "k").await, got(&theirs, "k").await), (expected, expected), "{what}");
        ours.clear().await;
    }
}

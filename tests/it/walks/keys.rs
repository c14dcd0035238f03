//! Walks that are spawned under a key, so that they are spawned once.

use serde::{Deserialize, Serialize};
use serde_json::json;
use wayfare::{Error, Here, Spawn, Walk, WalkError, walker};

use super::stage::{Stage, hamlet, key, within};

#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default)]
struct Once {
    keys: Vec<String>,
}

#[walker(name = "KeysOnce")]
impl Once {
    #[on_visit]
    fn node(&mut self, here: &Here, walk: &mut Walk) -> Result<(), WalkError> {
        self.keys.push(key(here.id()));
        walk.report(&self.keys)
    }
}

fn is_duplicate(error: &WalkError, expected: &str) -> bool {
    matches!(error, WalkError::DuplicateKey { key } if key == expected)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_second_walk_under_a_key_is_refused_also_after_a_restart() {
    let stage = Stage::new();
    stage.draw("a").await;
    let walk = stage.runtime.spawn(Once::default()).at(hamlet("a")).key("k").await.unwrap();
    assert_eq!(within(walk.finish()).await.unwrap().keys, ["a"]);
    let refused = stage.runtime.spawn(Once::default()).at(hamlet("a")).key("k").await.unwrap_err();
    assert!(matches!(&refused, Error::Walk(error) if is_duplicate(error, "k")), "{refused}");
    let stage = stage.reopened().await;
    let refused = stage.runtime.spawn(Once::default()).at(hamlet("a")).key("k").await.unwrap_err();
    assert!(matches!(&refused, Error::Walk(error) if is_duplicate(error, "k")), "{refused}");
    let walk = stage.runtime.spawn(Once::default()).at(hamlet("a")).key("l").await.unwrap();
    assert_eq!(within(walk.finish()).await.unwrap().keys, ["a"]);
}

fn message(key: Option<&str>) -> Spawn {
    Spawn {
        walker: "KeysOnce".into(),
        args: json!({}),
        at: hamlet("a"),
        key: key.map(str::to_owned),
        admittance: Default::default(),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_second_message_with_a_key_is_refused_also_after_a_restart() {
    let stage = Stage::new();
    stage.draw("a").await;
    let walk = stage.runtime.send(message(Some("k"))).await.unwrap();
    assert_eq!(within(walk.finish()).await.unwrap().report, [json!(["a"])]);
    let refused = stage.runtime.send(message(Some("k"))).await.unwrap_err();
    assert!(is_duplicate(&refused, "k"), "{refused}");
    let stage = stage.reopened().await;
    let refused = stage.runtime.send(message(Some("k"))).await.unwrap_err();
    assert!(is_duplicate(&refused, "k"), "{refused}");
    let refused = stage.runtime.spawn(Once::default()).at(hamlet("a")).key("k").await.unwrap_err();
    assert!(matches!(&refused, Error::Walk(error) if is_duplicate(error, "k")), "{refused}");
    for _ in 0..2 {
        let walk = stage.runtime.send(message(None)).await.unwrap();
        within(walk.finish()).await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_many_who_spawn_under_one_key_at_once_one_does() {
    let stage = Stage::new();
    stage.draw("a").await;
    let spawns = (0..20).map(|_| {
        let runtime = stage.runtime.clone();
        tokio::spawn(async move { runtime.send(message(Some("k"))).await })
    });
    let mut spawned = 0;
    for spawn in spawns.collect::<Vec<_>>() {
        match within(spawn).await.unwrap() {
            Ok(walk) => {
                within(walk.finish()).await.unwrap();
                spawned += 1;
            }
            Err(error) => assert!(is_duplicate(&error, "k"), "{error}"),
        }
    }
    assert_eq!(spawned, 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_that_cannot_be_one_is_refused_and_nothing_is_spawned() {
    let stage = Stage::new();
    stage.draw("a").await;
    for bad in [String::new(), "k".repeat(10_000), "a\0b".into()] {
        let refused = stage.runtime.spawn(Once::default()).at(hamlet("a")).key(&bad).await.unwrap_err();
        assert!(
            matches!(&refused, Error::Walk(WalkError::BadArguments { walker, reason })
                if walker == "KeysOnce" && reason.contains("key")),
            "{refused}"
        );
        let refused = stage.runtime.send(message(Some(&bad))).await.unwrap_err();
        assert!(matches!(&refused, WalkError::BadArguments { .. }), "{refused}");
    }
    assert!(stage.runtime.durable_walks().await.unwrap().is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_walk_that_does_not_start_leaves_its_key_for_another_try() {
    let stage = Stage::new();
    let bad = Spawn { args: json!({"keys": 3}), ..message(Some("k")) };
    let refused = stage.runtime.send(bad).await.unwrap_err();
    assert!(matches!(&refused, WalkError::BadArguments { .. }), "{refused}");
    stage.draw("a").await;
    let walk = stage.runtime.send(message(Some("k"))).await.unwrap();
    within(walk.finish()).await.unwrap();
}

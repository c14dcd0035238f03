//! Clients that walk.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use serde_json::json;
use wayfare::{Error, Random, Spawn, WalkError};

use super::super::ground::{ACRES, acre, stored_walk};
use super::super::ledger::Fate;
use super::super::ledger::fate;
use super::super::scene::{Stint, one_more};
use super::super::walkers::{Dawdler, Measure, Napper, Roamer, Tiller, Wheel};

/// One walk in so many goes over all acres.
const WHOLE: u64 = 6;

pub(super) async fn roam(stint: &Stint, random: &mut Random) {
    let hops = (random.below(WHOLE) > 0).then(|| 2 + random.below(6) as u32);
    let roamer = Roamer { hops, measure: Some(Measure::now(&stint.scene.ledger)), ..Roamer::default() };
    match stint.walk(stint.runtime.spawn(roamer).at(acre(random.below(ACRES)))).await {
        Ok(Roamer { wrong: Some(wrong), .. }) => stint.scene.trouble(wrong),
        Ok(Roamer { visited, .. }) if hops.is_none() && visited != ACRES => {
            stint.scene.trouble(format!("a walk over all acres visited {visited} of {ACRES}"));
        }
        Ok(_) => {}
        Err(error) => stint.bear("roaming", &error),
    }
}

pub(super) async fn dawdle(stint: &Stint, random: &mut Random) {
    let measure = Measure::now(&stint.scene.ledger);
    let dawdler = Dawdler { hops: 1 + random.below(4) as u32, visited: 0, measure, wrong: None };
    match stint.walk(stint.runtime.spawn(dawdler).at(acre(random.below(ACRES)))).await {
        Ok(Dawdler { wrong: Some(wrong), .. }) => stint.scene.trouble(wrong),
        Ok(_) => {}
        Err(error) => stint.bear("dawdling", &error),
    }
}

pub(super) async fn till(stint: &Stint, random: &mut Random) {
    let ledger = Arc::clone(&stint.scene.ledger);
    let tiller = Tiller { hops: 1 + random.below(4) as u32, ledger, slip: None, raised: Vec::new() };
    match stint.walk(stint.runtime.spawn(tiller).at(acre(random.below(ACRES)))).await {
        Ok(tiller) => {
            for meter in tiller.raised {
                stint.scene.note_write(Some(&stint.scene.ledger.meters[meter]), Ok(&()));
            }
        }
        // What hooks had asked for by then is written or not: all of it stays unknown.
        Err(error) => stint.bear("tilling", &error),
    }
}

/// Spawns by message under a key, sees that the key is taken, and frees it.
pub(super) async fn message(stint: &Stint, random: &mut Random) {
    let key = stint.scene.new_key("message");
    let spawn = Spawn {
        walker: "Roamer".into(),
        args: json!({ "hops": 2 }),
        at: acre(random.below(ACRES)),
        key: Some(key.clone()),
        admittance: Default::default(),
    };
    one_more(&stint.tally().spawns);
    match stint.runtime.send(spawn.clone()).await {
        Ok(walk) => {
            one_more(&stint.tally().spawned);
            let ended = walk.finish().await;
            stint.note_end(ended.is_ok(), ended.as_ref().map_or(0, |finished| finished.profile.visits));
            if let Err(error) = ended {
                stint.bear_walk("a walk by message", &error);
            }
            one_more(&stint.tally().spawns);
            match stint.runtime.send(spawn).await {
                Err(WalkError::DuplicateKey { .. }) => {}
                Err(error) => stint.bear_walk("a second walk under a key", &error),
                Ok(_) => stint.scene.trouble(format!("two walks began under the key `{key}`")),
            }
        }
        Err(WalkError::Overloaded { .. }) => return one_more(&stint.tally().overloaded),
        Err(error) => stint.bear_walk("spawning by message", &error),
    }
    // Where that fails, it is done when nothing goes wrong any more.
    if stint.runtime.drop_walk(&stored_walk(&key)).await.is_err() {
        stint.scene.ledger.keys.lock().unwrap().push(key);
    }
}

/// Pauses, looks, resumes, and cancels, or lets the deadline do it.
pub(super) async fn control(stint: &Stint, random: &mut Random) {
    let deadline = Duration::from_millis(100 + random.below(2_000));
    one_more(&stint.tally().spawns);
    let spawning = stint.runtime.spawn(Wheel::default()).at(acre(random.below(ACRES)));
    let walk = match spawning.deadline(deadline).await {
        Ok(walk) => walk,
        Err(error) => return stint.bear("spawning a wheel", &error),
    };
    one_more(&stint.tally().spawned);
    let mut a_while = async || tokio::time::sleep(Duration::from_millis(random.below(60))).await;
    a_while().await;
    walk.pause();
    a_while().await;
    let _ = walk.inspect().await;
    walk.resume();
    a_while().await;
    if random.below(4) > 0 {
        walk.cancel();
    }
    if random.below(4) == 0 {
        // It ends without anybody who waits for it.
        return drop(walk);
    }
    match walk.finish().await {
        Err(WalkError::Cancelled { .. }) => one_more(&stint.tally().cancelled),
        Err(WalkError::BudgetReached { .. }) => {}
        Err(error) => stint.bear_walk("a wheel", &error),
        Ok(wheel) => stint.scene.trouble(format!("an endless walk ended after {} turns", wheel.turns)),
    }
    one_more(&stint.tally().ended_badly);
}

/// Spawns more at once than is let in and may wait.
pub(super) async fn crowd(stint: &Stint, random: &mut Random) {
    let callers = ["ann", "bob", "cid"];
    let naps = (0..48).map(|number| {
        let napper = Napper { nap: Duration::from_millis(10 + random.below(40)) };
        let spawning = stint.runtime.spawn(napper).at(acre(random.below(ACRES)));
        let spawning = spawning.priority(random.below(3) as i8).caller(callers[number % callers.len()]);
        stint.walk(spawning)
    });
    for ended in join_all(naps.collect::<Vec<_>>()).await {
        match ended {
            Ok(_) => {}
            Err(error @ Error::Walk(WalkError::Overloaded { .. })) if fate(&error) == Fate::Refused => {
                one_more(&stint.tally().overloaded);
            }
            Err(error) => stint.bear("napping", &error),
        }
    }
    // Between crowds the others are to come in.
    tokio::time::sleep(Duration::from_millis(300 + random.below(700))).await;
}

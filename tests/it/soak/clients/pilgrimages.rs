//! Clients whose walks are durable.

use std::sync::atomic::Ordering::SeqCst;
use std::time::Duration;

use serde_json::{Value, json};
use wayfare::{Error, Id, Random, Runtime, WalkError, WalkStatus};

use super::super::fault::Fault;
use super::super::ground::{CHAIN, CHAINS, milestone, stored_walk};
use super::super::scene::{Scene, Stint, one_more};
use super::super::walkers::{Pilgrim, STONES};

/// Times that a parked walk is retried by its client; what is open after that is settled at the next opening.
const RETRIES: u64 = 20;

/// One walk in so many finds a stone in its way, and all until one was parked for that.
const STONE: u64 = 6;

/// How long a walk may take that has been retried. It may have been left behind by a failure of the store.
const PATIENCE: Duration = Duration::from_secs(5);

/// What a pilgrim reports.
pub(crate) fn expected_report() -> Vec<Value> {
    (0..CHAIN).map(|position| json!(position)).collect()
}

pub(super) async fn go(stint: &Stint, first: usize, random: &mut Random) {
    let chain = first + 2 * random.below(CHAINS as u64 / 2) as usize;
    let chains = &stint.scene.ledger.chains;
    // One at a time: what one has left open may still go on.
    if !chains[chain].lock().unwrap().open.is_empty() {
        return;
    }
    let key = stint.scene.new_key("pilgrim");
    let was_parked = stint.scene.faults().of(Fault::WalkParked) > 0;
    STONES[chain].store(random.below(STONE) == 0 || !was_parked, SeqCst);
    chains[chain].lock().unwrap().open.push(key.clone());
    one_more(&stint.tally().spawns);
    let spawning = stint.runtime.spawn(Pilgrim { chain, ..Pilgrim::default() });
    let walk = match spawning.at(milestone(chain, 0)).key(&key).await {
        Ok(walk) => walk,
        Err(error) => {
            STONES[chain].store(false, SeqCst);
            if matches!(error, Error::Walk(WalkError::Overloaded { .. })) {
                chains[chain].lock().unwrap().open.clear();
            }
            return stint.bear("spawning a pilgrim", &error);
        }
    };
    one_more(&stint.tally().spawned);
    let ended = walk.finish().await;
    stint.note_end(ended.is_ok(), walk.profile().visits);
    match ended {
        Ok(pilgrim) => {
            if walk.report() != expected_report() || !pilgrim.passed.iter().copied().eq(0..CHAIN) {
                stint.scene.trouble(format!("`{key}` reported {:?}, passed {pilgrim:?}", walk.report()));
            }
            close(&stint.scene, &stint.runtime, chain, &key).await;
        }
        Err(WalkError::Parked { id, .. }) => {
            stint.scene.faults().happened(Fault::WalkParked);
            STONES[chain].store(false, SeqCst);
            if retry(stint, &id).await {
                close(&stint.scene, &stint.runtime, chain, &key).await;
            }
        }
        Err(error) => stint.bear_walk("a pilgrim", &error),
    }
    STONES[chain].store(false, SeqCst);
}

/// Retries a dead letter until it is done; `false` where that is left to the next runtime.
async fn retry(stint: &Stint, id: &Id) -> bool {
    for _ in 0..RETRIES {
        match stint.runtime.retry_walk(id).await {
            Ok(true) => one_more(&stint.tally().retried),
            // It is no longer parked: another attempt of ours was done after all.
            Ok(false) => {}
            Err(error) => stint.bear_walk("retrying a dead letter", &error),
        }
        let settled = tokio::time::timeout(PATIENCE, stint.runtime.settled_walk(id)).await;
        match settled {
            Ok(Ok(Some(walk))) if walk.status == WalkStatus::Done => {
                if walk.report != expected_report() {
                    stint.scene.trouble(format!("`{id}` was retried and reported {:?}", walk.report));
                }
                return true;
            }
            Ok(Ok(Some(_))) => {}
            Ok(Ok(None)) => {
                stint.scene.trouble(format!("the dead letter `{id}` is gone"));
                return false;
            }
            Ok(Err(error)) => stint.bear_walk("settling a dead letter", &error),
            Err(_) => return false,
        }
        if stint.is_over() {
            return false;
        }
    }
    false
}

/// A walk has ended well: its chain was gone through once more, and its key can be had again.
pub(crate) async fn close(scene: &Scene, runtime: &Runtime, chain: usize, key: &str) {
    one_more(&scene.tally.pilgrims);
    {
        let mut chain = scene.ledger.chains[chain].lock().unwrap();
        chain.done += 1;
        chain.open.retain(|open| open != key);
    }
    if runtime.drop_walk(&stored_walk(key)).await.is_err() {
        scene.ledger.keys.lock().unwrap().push(key.to_owned());
    }
}

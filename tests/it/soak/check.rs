//! Holds the graph against the ledger, while nobody writes.

use std::time::{Duration, Instant};

use wayfare::{Direction, Graph, Id, Kind, Result, Runtime, WalkStatus};

use super::clients::{close, expected_report};
use super::ground::{Acre, Bond, CHAIN, METERS, Milestone, acre, meter, milestone, slip, stored_walk};
use super::ledger::{SlipState, There};
use super::scene::{Scene, one_more};

/// Reads of one call.
const PART: usize = 500;

/// How long a durable walk may take that was taken up or retried.
const PATIENCE: Duration = Duration::from_secs(30);

/// Times that a dead letter is retried when nothing goes wrong any more.
const RETRIES: u32 = 5;

/// How much is certain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Certainty {
    /// Durable walks may be left over for the next runtime.
    Open,
    /// Every durable walk has been settled: chains have to be right to the last milestone.
    Settled,
}

/// Holds everything against the ledger, and takes over what is there where nobody knew.
pub(crate) async fn check(scene: &Scene, graph: &Graph, when: &str, certainty: Certainty) -> Result<()> {
    check_meters(scene, graph, when).await?;
    for set in &scene.ledger.slips {
        let mut slips = set.lock().unwrap().clone();
        check_slips(scene, graph, when, &mut slips).await?;
        *set.lock().unwrap() = slips;
    }
    check_chains(scene, graph, when, certainty).await
}

async fn check_meters(scene: &Scene, graph: &Graph, when: &str) -> Result<()> {
    let ids: Vec<Id> = (0..METERS).map(meter).collect();
    for (part, ids) in ids.chunks(PART).enumerate() {
        for (at, stored) in graph.get_many::<Acre>(ids).await?.into_iter().enumerate() {
            let at = part * PART + at;
            let account = &scene.ledger.meters[at];
            let Some(stored) = stored else {
                scene.trouble(format!("{when}: meter {at} is gone"));
                continue;
            };
            let (floor, ceiling) = (account.floor(), account.ceiling());
            if !(floor..=ceiling).contains(&stored.count) {
                let count = stored.count;
                scene.trouble(format!("{when}: meter {at} is {count}, by the ledger {floor} to {ceiling}"));
            }
            account.settle(stored.count);
        }
    }
    Ok(())
}

async fn check_slips(scene: &Scene, graph: &Graph, when: &str, slips: &mut [SlipState]) -> Result<()> {
    let ids: Vec<Id> = slips.iter().map(|state| slip(&state.key)).collect();
    let nodes = graph.documents(&ids).await?;
    let bonds = graph.neighbours_of::<Bond>(&ids, Direction::Out).await?;
    for ((state, node), bonds) in slips.iter_mut().zip(nodes).zip(bonds) {
        let found = [node.is_some(), !bonds.is_empty()];
        for (what, expected, found) in [("node", state.node, found[0]), ("edge", state.bond, found[1])] {
            if expected != There::Unknown && found != (expected == There::Yes) {
                let key = &state.key;
                scene.trouble(format!("{when}: {what} of slip `{key}` found: {found}, told: {expected:?}"));
            }
        }
        if bonds.len() > 1 || bonds.iter().any(|bond| bond.node != acre(state.acre)) {
            scene.trouble(format!("{when}: the edges of slip `{}` are {bonds:?}", state.key));
        }
        let there = |found: bool| if found { There::Yes } else { There::No };
        (state.node, state.bond) = (there(found[0]), there(found[1]));
        state.edge = bonds.first().map(|bond| bond.edge.id().clone());
    }
    Ok(())
}

async fn check_chains(scene: &Scene, graph: &Graph, when: &str, certainty: Certainty) -> Result<()> {
    for (number, chain) in scene.ledger.chains.iter().enumerate() {
        let ids: Vec<Id> = (0..CHAIN).map(|position| milestone(number, position)).collect();
        let stored = graph.get_many::<Milestone>(&ids).await?;
        let counts: Vec<u64> = stored.into_iter().flatten().map(|stored| stored.count).collect();
        let (done, open) = {
            let chain = chain.lock().unwrap();
            (chain.done, chain.open.len() as u64)
        };
        let most = done + if certainty == Certainty::Settled { 0 } else { open };
        if counts.len() as u64 != CHAIN || counts.iter().any(|count| !(done..=most).contains(count)) {
            let told = format!("{done} walks went through chain {number}, {open} may have");
            scene.trouble(format!("{when}: {told}, its milestones are {counts:?}"));
        }
    }
    Ok(())
}

/// Sees every durable walk that was left open to its end, and removes what keeps keys, so that nothing is stored of
/// walks any more.
pub(crate) async fn settle_walks(scene: &Scene, runtime: &Runtime) -> Result<()> {
    for chain in 0..scene.ledger.chains.len() {
        let open = scene.ledger.chains[chain].lock().unwrap().open.clone();
        for key in open {
            settle(scene, runtime, chain, &key).await?;
        }
    }
    let keys = std::mem::take(&mut *scene.ledger.keys.lock().unwrap());
    for key in keys {
        runtime.drop_walk(&stored_walk(&key)).await?;
    }
    let left = runtime.durable_walks().await?;
    if let Some(walk) = left.first() {
        scene.trouble(format!("{} walks are stored that nobody knows, such as {walk:?}", left.len()));
    }
    let stats = runtime.graph().stats().await?;
    for (kind, entity, count) in stats.entities {
        if kind == Kind::Walker && count > 0 {
            scene.trouble(format!("{count} documents `{entity}` are left of walks that have ended"));
        }
    }
    Ok(())
}

async fn settle(scene: &Scene, runtime: &Runtime, chain: usize, key: &str) -> Result<()> {
    let id = stored_walk(key);
    for _ in 0..RETRIES {
        let settled = tokio::time::timeout(PATIENCE, runtime.settled_walk(&id)).await;
        let Ok(settled) = settled else {
            scene.trouble(format!("`{key}` was not settled within {PATIENCE:?}"));
            return Ok(());
        };
        match settled? {
            // It never began.
            None => {
                scene.ledger.chains[chain].lock().unwrap().open.retain(|open| open != key);
                return Ok(());
            }
            Some(walk) if walk.status == WalkStatus::Done => {
                if walk.report != expected_report() {
                    scene.trouble(format!(
                        "`{key}` went on in the next runtime and reported {:?}",
                        walk.report
                    ));
                }
                close(scene, runtime, chain, key).await;
                return Ok(());
            }
            Some(_) => {
                runtime.retry_walk(&id).await?;
                one_more(&scene.tally.retried);
            }
        }
    }
    scene.trouble(format!("`{key}` is parked again and again though nothing goes wrong"));
    Ok(())
}

/// Waits until nothing is under way: no walk, no write, no message.
pub(crate) async fn come_to_rest(scene: &Scene, runtime: &Runtime) {
    let until = Instant::now() + PATIENCE;
    loop {
        let admission = runtime.admission_figures();
        let writes = runtime.handle().writes_under_way();
        let metrics = runtime.metrics();
        let messages = metrics.number("wayfare_mailbox_depth", None).unwrap_or(0.0);
        let undelivered = metrics.number("wayfare_cache_undelivered", None).unwrap_or(0.0);
        // One that was ended while a hook kept its thread is hosted until the hook is back.
        let hosted = metrics.number("wayfare_walks", None).unwrap_or(0.0);
        let busy = messages + undelivered + hosted;
        if (admission.alive, admission.waiting, writes) == (0, 0, 0) && busy == 0.0 {
            return;
        }
        if Instant::now() > until {
            scene.trouble(format!(
                "it does not come to rest: {admission:?}, {hosted} walks hosted, {writes} writes, {messages} \
                 messages, {undelivered} invalidations; {:#?}; {:?}, {:?}",
                runtime.handle().walks().await,
                metrics.family("wayfare_walks"),
                metrics.family("wayfare_workers"),
            ));
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

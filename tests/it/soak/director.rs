//! Makes faults happen: each kind once in a random order, then any at random.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
use std::time::Duration;

use wayfare::{ActorKind, Error, Random, WalkError};

use super::fault::Fault;
use super::ground::{ACRES, acre};
use super::scene::Stint;
use super::walkers::{Roamer, Vandal};

/// How often a fault is tried that did not come to pass, as when there was no room for the walk that does it.
const ATTEMPTS: u32 = 20;

/// The longest pause between two faults, in milliseconds.
const PAUSE_MS: u64 = 700;

/// Goes on until the stint is over.
pub(crate) async fn direct(stint: Arc<Stint>) {
    let mut random = Random::stream(stint.scene.seed, u64::MAX - 2 - stint.number);
    while !stint.is_over() {
        let due = stint.scene.due.lock().unwrap().last().copied();
        let fault = due.unwrap_or_else(|| any_fault(&stint, &mut random));
        let happened = {
            let _busy = stint.scene.watch.begin("director");
            bring_about(&stint, fault, &mut random).await
        };
        if happened && due.is_some() {
            stint.scene.due.lock().unwrap().pop();
        }
        tokio::time::sleep(Duration::from_millis(50 + random.below(PAUSE_MS))).await;
    }
}

fn any_fault(stint: &Stint, random: &mut Random) -> Fault {
    loop {
        let (fault, _) = Fault::ALL[random.below(Fault::ALL.len() as u64) as usize];
        match fault {
            Fault::StoreFull | Fault::FutureDropped | Fault::WalkParked => {}
            fault if fault.is_of_redis() && stint.scene.redis.is_none() => {}
            fault => return fault,
        }
    }
}

/// Whether it came to pass.
async fn bring_about(stint: &Arc<Stint>, fault: Fault, random: &mut Random) -> bool {
    let mischief = &stint.scene.mischief;
    match fault {
        Fault::HookPanics | Fault::HookFails | Fault::HookBlocks | Fault::WorkerEnds => {
            vandalise(stint, fault, random).await
        }
        Fault::ShardPanics => end_actor(stint, fault, ActorKind::Shard, &mischief.load_panics, random).await,
        Fault::WriterPanics => {
            end_actor(stint, fault, ActorKind::Writer, &mischief.commit_panics, random).await
        }
        Fault::LoadFails => in_store(stint, fault, &mischief.load_failures, 1 + random.below(4)).await,
        Fault::ReadFails => in_store(stint, fault, &mischief.read_failures, 1 + random.below(4)).await,
        Fault::CommitRefused => in_store(stint, fault, &mischief.refusals, 1 + random.below(3)).await,
        Fault::CommitUnknown => {
            let way = [&mischief.lost_answers, &mischief.lost_questions][random.below(2) as usize];
            in_store(stint, fault, way, 1 + random.below(3)).await
        }
        Fault::StoreIsSlow => {
            mischief.slow_ms.store(5 + random.below(60), SeqCst);
            in_store(stint, fault, &mischief.slow_calls, 1 + random.below(30)).await
        }
        Fault::RedisKilled | Fault::RedisHangs => {
            let (stint, away) = (Arc::clone(stint), Duration::from_millis(100 + random.below(900)));
            // What waits for a process would keep a thread of all clients.
            tokio::task::spawn_blocking(move || take_redis_away(&stint, fault, away)).await.unwrap()
        }
        Fault::StoreFull | Fault::FutureDropped | Fault::WalkParked => unreachable!("it comes by itself"),
    }
}

/// Sends a walk that does harm.
async fn vandalise(stint: &Stint, fault: Fault, random: &mut Random) -> bool {
    let before = stint.runtime.restarts(ActorKind::Worker);
    for _ in 0..ATTEMPTS {
        let vandal = Vandal { fault, visits_left: random.below(40) };
        let ended = stint.walk(stint.runtime.spawn(vandal).at(acre(random.below(ACRES)))).await;
        let came = match (fault, &ended) {
            (Fault::HookPanics, Err(Error::Walk(WalkError::HookPanicked { .. }))) => true,
            (Fault::HookFails, Err(Error::Walk(WalkError::HookFailed { .. }))) => true,
            (Fault::HookBlocks, Ok(_)) => true,
            (_, ended) => {
                if let Err(error) = ended {
                    stint.bear("a vandal", error);
                }
                fault == Fault::WorkerEnds && waits_for_restart(stint, ActorKind::Worker, before).await
            }
        };
        if came {
            stint.scene.faults().happened(fault);
            return true;
        }
        if stint.is_over() {
            return false;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    false
}

/// Whether an actor has ended within two seconds.
async fn waits_for_restart(stint: &Stint, kind: ActorKind, before: u64) -> bool {
    for _ in 0..400 {
        if stint.runtime.restarts(kind) > before {
            return true;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    false
}

/// Makes a call to the store panic in the actor that makes it.
async fn end_actor(
    stint: &Stint,
    fault: Fault,
    kind: ActorKind,
    panics: &AtomicU64,
    random: &mut Random,
) -> bool {
    let before = stint.runtime.restarts(kind);
    for _ in 0..ATTEMPTS {
        panics.store(1, SeqCst);
        // The load is around, and reads all the time; this is so that one comes soon.
        let at = acre(random.below(ACRES));
        stint.graph().evict(std::slice::from_ref(&at)).await;
        let roamer = Roamer { hops: Some(0), ..Roamer::default() };
        if let Err(error) = stint.walk(stint.runtime.spawn(roamer).at(at)).await {
            stint.bear("a short walk", &error);
        }
        if waits_for_restart(stint, kind, before).await {
            stint.scene.faults().happened(fault);
            return true;
        }
        if stint.is_over() {
            break;
        }
    }
    panics.store(0, SeqCst);
    false
}

/// Has calls to the store go wrong, and waits until one has.
async fn in_store(stint: &Stint, fault: Fault, left: &AtomicU64, calls: u64) -> bool {
    let before = stint.scene.faults().of(fault);
    left.store(calls, SeqCst);
    for _ in 0..400 {
        if left.load(SeqCst) == 0 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    stint.scene.faults().of(fault) > before
}

fn take_redis_away(stint: &Stint, fault: Fault, away: Duration) -> bool {
    let Some(redis) = &stint.scene.redis else { return false };
    if fault == Fault::RedisKilled {
        redis.kill();
        std::thread::sleep(away);
        redis.restart();
    } else {
        redis.suspend();
        std::thread::sleep(away);
        redis.resume();
    }
    stint.scene.faults().happened(fault);
    true
}

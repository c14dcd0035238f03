//! Clients that write from outside of walks.

use std::sync::Arc;
use std::time::Duration;

use wayfare::{Error, Id, Random, WalkError, WriteError};

use super::super::fault::Fault;
use super::super::ground::{ACRES, Acre, Bond, Slip, acre, meter, slip};
use super::super::ledger::{Account, Fate, SlipState, There, fate};
use super::super::scene::{Stint, one_more};
use super::super::walkers::Tiller;
use super::any_meter;

fn account(stint: &Stint, meter: usize) -> &Account {
    &stint.scene.ledger.meters[meter]
}

pub(super) async fn raise(stint: &Stint, random: &mut Random) {
    let at = any_meter(random);
    let floor = account(stint, at).floor();
    account(stint, at).begin();
    let raised = stint.graph().update(meter(at), |acre: &mut Acre| acre.count += 1).await;
    stint.scene.note_write(Some(account(stint, at)), raised.as_ref());
    match raised {
        Ok(stored) if stored.count <= floor => {
            stint.scene.trouble(format!("meter {at} was raised to {}, it was {floor} before", stored.count));
        }
        Ok(_) => {}
        Err(error) => stint.bear("an update", &error),
    }
}

/// Reads some meters and saves them all, or updates them all.
pub(super) async fn bulk(stint: &Stint, random: &mut Random) {
    let mut meters: Vec<usize> = (0..2 + random.below(80)).map(|_| any_meter(random)).collect();
    meters.sort_unstable();
    meters.dedup();
    let ids: Vec<Id> = meters.iter().map(|&at| meter(at)).collect();
    match random.below(2) {
        0 => save_many(stint, &meters, &ids).await,
        _ => update_many(stint, &meters, &ids).await,
    }
}

async fn save_many(stint: &Stint, meters: &[usize], ids: &[Id]) {
    let read = match stint.graph().get_many::<Acre>(ids).await {
        Ok(read) => read,
        Err(error) => return stint.bear("reading many", &error),
    };
    let mut acres: Vec<_> = read.into_iter().flatten().collect();
    if acres.len() != ids.len() {
        return stint.scene.trouble(format!("{} of {} meters are gone", ids.len() - acres.len(), ids.len()));
    }
    acres.iter_mut().for_each(|acre| acre.count += 1);
    let versions: Vec<_> = acres.iter().map(|acre| acre.version()).collect();
    meters.iter().for_each(|&at| account(stint, at).begin());
    match stint.graph().save_many(&mut acres).await {
        Ok(outcome) => {
            for (&at, id) in meters.iter().zip(ids) {
                // What is in neither list was refused with a reason.
                match outcome.saved.iter().any(|(saved, _)| saved == id) {
                    true => stint.scene.note_write(Some(account(stint, at)), Ok(&())),
                    false => {
                        one_more(&stint.tally().refused);
                        account(stint, at).failed(Fate::Refused);
                    }
                }
            }
            if let Some(refused) = outcome.refused.first() {
                stint.scene.trouble(format!("a save was refused: {}", refused.error));
            }
        }
        Err(error) => {
            for ((&at, acre), before) in meters.iter().zip(&acres).zip(versions) {
                let outcome = if acre.version() > before { Ok(&()) } else { Err(&error) };
                stint.scene.note_write(Some(account(stint, at)), outcome);
            }
            stint.bear("saving many", &error);
        }
    }
}

async fn update_many(stint: &Stint, meters: &[usize], ids: &[Id]) {
    meters.iter().for_each(|&at| account(stint, at).begin());
    match stint.graph().update_many(ids, |acre: &mut Acre| acre.count += 1).await {
        Ok(outcomes) => {
            for (&at, outcome) in meters.iter().zip(&outcomes) {
                stint.scene.note_write(Some(account(stint, at)), outcome.as_ref());
                if let Err(error) = outcome {
                    stint.bear("one of many updates", error);
                }
            }
        }
        Err(error) => {
            // Of those that were repeated some had been done: only what none of them got is told by it.
            for &at in meters {
                one_more(&stint.tally().unknown);
                account(stint, at).failed(Fate::Unknown);
            }
            stint.bear("updating many", &error);
        }
    }
}

/// Begins a write or a walk and does not wait for what becomes of it.
pub(super) async fn leave(stint: &Stint, random: &mut Random) {
    let patience = Duration::from_micros(random.below(3_000));
    let at = any_meter(random);
    match random.below(3) {
        0 => {
            account(stint, at).begin();
            let graph = stint.graph();
            let raising = graph.update(meter(at), |acre: &mut Acre| acre.count += 1);
            // Boxed, so that it can be dropped where it is.
            match tokio::time::timeout(patience, Box::pin(raising)).await {
                Ok(raised) => stint.scene.note_write(Some(account(stint, at)), raised.as_ref()),
                Err(_) => {
                    one_more(&stint.tally().unknown);
                    stint.scene.faults().happened(Fault::FutureDropped);
                }
            }
        }
        1 => {
            let ledger = Arc::clone(&stint.scene.ledger);
            let tiller = Tiller { hops: 2, ledger, slip: None, raised: Vec::new() };
            let walking = stint.walk(stint.runtime.spawn(tiller).at(acre(random.below(ACRES))));
            match tokio::time::timeout(patience, Box::pin(walking)).await {
                Ok(Ok(tiller)) => {
                    tiller
                        .raised
                        .iter()
                        .for_each(|&at| stint.scene.note_write(Some(account(stint, at)), Ok(&())));
                }
                Ok(Err(error)) => stint.bear("a short walk", &error),
                Err(_) => stint.scene.faults().happened(Fault::FutureDropped),
            }
        }
        _ => {
            let reading = stint.graph().find::<Acre>(Acre::parcel().lt(random.below(20)));
            match tokio::time::timeout(patience, reading.all()).await {
                Ok(Ok(_)) => {}
                Ok(Err(error)) => stint.bear("a long query", &error),
                Err(_) => stint.scene.faults().happened(Fault::FutureDropped),
            }
        }
    }
}

/// Makes a slip that is not there, or joins or deletes one that is. The set belongs to one client, so nobody comes
/// between what it was told and what it does next.
pub(super) async fn churn(stint: &Stint, set: usize, random: &mut Random) {
    let slips = &stint.scene.ledger.slips[set];
    let at = {
        let slips = slips.lock().unwrap();
        let at = random.below(slips.len() as u64) as usize;
        let slip = &slips[at];
        // What nobody knows rests until it is looked at.
        if slip.node == There::Unknown || slip.bond == There::Unknown {
            return;
        }
        at
    };
    let mut slip = slips.lock().unwrap()[at].clone();
    match (slip.node, slip.bond) {
        (There::No, _) if set == 2 => make_by_walk(stint, &mut slip).await,
        (There::No, _) => make(stint, &mut slip).await,
        (_, There::No) => join(stint, &mut slip).await,
        _ if random.below(3) == 0 => part(stint, &mut slip).await,
        _ => remove(stint, &mut slip).await,
    }
    slips.lock().unwrap()[at] = slip;
}

/// What is known when a write of something that was `before` has failed.
fn left(before: There, error: &Error) -> There {
    if fate(error) == Fate::Refused { before } else { There::Unknown }
}

async fn make(stint: &Stint, state: &mut SlipState) {
    let made = stint.graph().create_as(&state.key, Slip { acre: state.acre }).await;
    stint.scene.note_write(None, made.as_ref());
    match made {
        Ok(_) => state.node = There::Yes,
        Err(error) => {
            state.node = left(There::No, &error);
            stint.bear("making a slip that was deleted", &error);
        }
    }
}

async fn make_by_walk(stint: &Stint, state: &mut SlipState) {
    let ledger = Arc::clone(&stint.scene.ledger);
    let tiller = Tiller { hops: 0, ledger, slip: Some(state.key.clone()), raised: Vec::new() };
    let walked = stint.walk(stint.runtime.spawn(tiller).at(acre(state.acre))).await;
    match walked {
        Ok(tiller) => {
            tiller.raised.iter().for_each(|&at| stint.scene.note_write(Some(account(stint, at)), Ok(&())));
            (state.node, state.bond, state.edge) = (There::Yes, There::Yes, None);
        }
        Err(error) => {
            // Refused before it began, it has written nothing; else parts of it may be there.
            if !matches!(error, Error::Walk(WalkError::Overloaded { .. })) {
                (state.node, state.bond) = (There::Unknown, There::Unknown);
            }
            stint.bear("making a slip by a walk", &error);
        }
    }
}

async fn join(stint: &Stint, state: &mut SlipState) {
    let joined = stint.graph().connect(slip(&state.key), acre(state.acre), Bond {}).await;
    stint.scene.note_write(None, joined.as_ref());
    match joined {
        Ok(edge) => (state.bond, state.edge) = (There::Yes, Some(edge.id().clone())),
        Err(error) => {
            state.bond = left(There::No, &error);
            stint.bear("joining a slip", &error);
        }
    }
}

/// Takes the edge away.
async fn part(stint: &Stint, state: &mut SlipState) {
    let Some(edge) = state.edge.clone() else { return remove(stint, state).await };
    let parted = stint.graph().delete(edge).await;
    stint.scene.note_write(None, parted.as_ref());
    match parted {
        Ok(()) => (state.bond, state.edge) = (There::No, None),
        Err(error) => {
            state.bond = left(There::Yes, &error);
            stint.bear("deleting an edge", &error);
        }
    }
}

/// Takes the node away, and with it the edge.
async fn remove(stint: &Stint, state: &mut SlipState) {
    let removed = stint.graph().delete(slip(&state.key)).await;
    stint.scene.note_write(None, removed.as_ref());
    match removed {
        Ok(()) => (state.node, state.bond, state.edge) = (There::No, There::No, None),
        Err(error) => {
            (state.node, state.bond) = (left(There::Yes, &error), left(There::Yes, &error));
            if let Error::Write(WriteError::NotFound { id }) = &error {
                return stint.scene.trouble(format!("`{id}` was acknowledged and is not there"));
            }
            stint.bear("deleting a slip", &error);
        }
    }
}

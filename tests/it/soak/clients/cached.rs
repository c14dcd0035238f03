//! Clients that ask: by queries, and through the cache of results.

use std::sync::atomic::Ordering::SeqCst;
use std::time::Duration;

use wayfare::{Error, Random, Result};

use super::super::ground::{ACRES, Acre, PARCELS, meter};
use super::super::scene::{SOURCES, Stint, one_more};
use super::any_meter;

/// Longer than a stint: what is dropped from the cache is dropped because it changed.
const TTL: Duration = Duration::from_secs(600);

pub(super) async fn ask(stint: &Stint, random: &mut Random) {
    one_more(&stint.tally().queries);
    let parcel = random.below(PARCELS);
    let asked: Result<u64> = match random.below(3) {
        0 => stint.graph().find::<Acre>(Acre::parcel().eq(parcel)).count().await,
        1 => stint.graph().find::<Acre>(Acre::parcel().eq(parcel)).all().await.map(|all| all.len() as u64),
        _ => {
            let found = stint.graph().find::<Acre>(Acre::parcel().eq(parcel)).cached(TTL).all().await;
            found.map(|all| all.len() as u64)
        }
    };
    match asked {
        Ok(found) if found != ACRES / PARCELS => {
            stint.scene.trouble(format!("a query found {found} acres in a parcel of {}", ACRES / PARCELS));
        }
        Ok(_) => {}
        Err(error) => stint.bear("a query", &error),
    }
}

pub(super) async fn look_up(stint: &Stint, random: &mut Random) {
    one_more(&stint.tally().lookups);
    let at = random.below(SOURCES as u64) as usize;
    match random.below(8) {
        0 => change(stint, at).await,
        1 | 2 => look_up_meter(stint, any_meter(random)).await,
        _ => look_up_source(stint, at).await,
    }
}

/// Changes a source and tells the cache of it.
async fn change(stint: &Stint, at: usize) {
    let source = &stint.scene.sources[at];
    let now = source.now.fetch_add(1, SeqCst) + 1;
    match stint.runtime.cache().invalidate_tag(&format!("source-{at}")).await {
        Ok(()) => drop(source.told.fetch_max(now, SeqCst)),
        Err(error) => stint.scene.trouble(format!("an invalidation failed: {error}")),
    }
}

async fn look_up_source(stint: &Stint, at: usize) {
    let source = &stint.scene.sources[at];
    let told = source.told.load(SeqCst);
    let entry = stint.runtime.cache().entry(&format!("key-{at}"), TTL).tags([format!("source-{at}")]);
    let value = entry.or_compute(async || Ok::<_, Error>(source.now.load(SeqCst))).await;
    match value {
        Ok(value) if *value < told => {
            stint
                .scene
                .trouble(format!("the cache gave {value} for source {at}, which was told to be {told}"));
        }
        Ok(_) => {}
        // No read fails because Redis does.
        Err(error) => stint.scene.trouble(format!("a look-up failed: {error}")),
    }
}

/// A result that hangs on entities of the graph: no old one is given after a write was acknowledged.
async fn look_up_meter(stint: &Stint, at: usize) {
    let account = &stint.scene.ledger.meters[at];
    let floor = account.floor();
    let entry = stint.runtime.cache().entry(&format!("meter-{at}"), TTL).depends_on::<Acre>();
    let compute = async || Ok::<_, Error>(stint.graph().get::<Acre>(meter(at)).await?.map(|acre| acre.count));
    match entry.or_compute(compute).await {
        Ok(count) if count.is_none_or(|count| !(floor..=account.ceiling()).contains(&count)) => {
            let ceiling = account.ceiling();
            stint
                .scene
                .trouble(format!("the cache gave {count:?} for meter {at}, it is {floor} to {ceiling}"));
        }
        Ok(_) => {}
        Err(error) => stint.bear("a look-up of a meter", &error),
    }
}

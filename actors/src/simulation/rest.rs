//! What has to be true when nothing is under way any more.

use std::collections::BTreeMap;

use wayfare_graph::{Direction, EntityName, Links, SharedRecord, Slot, Visited};

use super::clients::Clients;
use super::disk::{Disk, Mark};
use crate::core::Core;
use crate::shard::bytes_of;

/// What is wrong with a runtime at rest.
pub(super) async fn faults_at_rest(clients: &Clients, only_reads: bool) -> Vec<String> {
    let mut faults = Vec::new();
    let core = &clients.core;
    for open in clients.open() {
        faults.push(format!("never answered: {open}"));
    }
    if !core.durability.is_settled() {
        faults.push("writes were published and never settled".into());
    }
    let permits = core.write_permits.available_permits();
    if permits != core.settings.write_queue {
        faults.push(format!("{permits} of {} permits came back", core.settings.write_queue));
    }
    if core.walks.len() > 0 && clients.open().is_empty() {
        faults.push(format!("{} walks are still known", core.walks.len()));
    }
    for id in clients.pinned() {
        // What is changed past its shard is dropped, pinned or not, and comes back when it is asked for.
        if only_reads && core.directory.known(&id).and_then(|slot| core.resident(slot)).is_none() {
            faults.push(format!("{id} is pinned, but not resident"));
        }
    }
    let figures = core.shard_figures().await;
    let disk = clients.world.lock().disk.clone();
    for (shard, slab) in core.slabs.iter().enumerate() {
        let records: BTreeMap<Slot, SharedRecord> = slab
            .read()
            .iter()
            .enumerate()
            .filter_map(|(place, record)| Some((core.directory.slot_at(shard, place), record.clone()?)))
            .collect();
        for (slot, record) in &records {
            faults.extend(fault_of(core, &disk, *slot, record));
        }
        let bytes: u64 = records.values().map(|record| bytes_of(record)).sum();
        let Some(told) = figures.get(shard) else { continue };
        if told.records != records.len() as u64 || told.bytes != bytes {
            let (counted, has) = ((told.records, told.bytes), (records.len(), bytes));
            faults.push(format!("shard {shard} counts {counted:?} records and bytes, but has {has:?}"));
        }
        if told.unsettled_bytes != 0 {
            faults.push(format!("shard {shard} holds {} bytes of no save", told.unsettled_bytes));
        }
        let bound = core.settings.resident_bytes / core.settings.shards as u64;
        if bytes > bound / 32 * 30 && bytes > told.pinned_bytes {
            faults
                .push(format!("shard {shard} holds {bytes} bytes of {bound}, {} pinned", told.pinned_bytes));
        }
    }
    faults
}

fn fault_of(core: &Core, disk: &Disk, slot: Slot, record: &SharedRecord) -> Option<String> {
    let document = Visited::new(slot, SharedRecord::clone(record)).document().ok()?;
    let id = document.id();
    let told = |document: &wayfare_graph::Document| (document.version(), Mark::of(document).token);
    let stored = disk.get(id).map(told);
    if stored != Some(told(&document)) {
        return Some(format!("{id} is resident as {:?}, but stored as {stored:?}", told(&document)));
    }
    if !record.head.is_settled() {
        return Some(format!("{id} is not settled"));
    }
    Direction::ALL.into_iter().find_map(|direction| {
        let resident = slots_of(record.head.links(direction)?);
        let links = disk.links(id, direction);
        let entity = |link: &wayfare_graph::Link| link.edge.entity();
        let stored = links.iter().map(|link| (entity(link), core.directory.slot_of(&link.other)));
        let stored: Vec<(EntityName, Slot)> = stored.collect();
        (resident != stored)
            .then(|| format!("{id} has links {direction:?} {resident:?}, but stored are {stored:?}"))
    })
}

fn slots_of(links: &Links) -> Vec<(EntityName, Slot)> {
    links
        .runs()
        .flat_map(|(code, run)| {
            run.iter().filter_map(move |&slot| Some((EntityName::from_code(code)?, Slot(slot))))
        })
        .collect()
}

//! A shard: one partition of the resident entities.
//!
//! - Owns: the records of its slots; it alone publishes, replaces and evicts them.
//! - Accepts: `Visit` (a batch), `Apply` (saves), `Evict`, `Pin`, `Unpin`, `InspectShard`.
//! - Sends: `Records` to walkers, batches to the writer.
//! - Dies when: the runtime stops. Its state is rebuilt from the store.

mod eviction;
mod pins;
mod residents;
mod saves;

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;

use actix::prelude::*;
use futures_util::FutureExt;
use rustc_hash::FxHashMap;
use wayfare_graph::{Need, SharedRecord, Slot, StoreError};

use crate::cache::LayeredCache;
use crate::directory::Directory;
use crate::durability::Durability;
use crate::loader::{Loader, satisfies};
use crate::messages::{Apply, Evict, Found, InspectShard, Records, Save, Visit, VisitReply};
use crate::resident_figures::ShardFigures;
use crate::shard::eviction::Eviction;
use crate::shard::saves::Unsettled;
#[cfg(test)]
use crate::simulation::{Bug, is_planted};
use crate::slab::Slab;
use crate::tasks;
use crate::writer::WriterHandle;

pub(crate) use self::pins::eager_need;
#[cfg(test)]
pub(crate) use self::residents::bytes_of;

/// Loads of up to this many nodes from a local store are done in place: they take less than the
/// half millisecond that a handler may, and less than a trip to another thread.
const IN_PLACE_LOADS: usize = 32;

/// What a shard is made of.
pub(crate) struct ShardParts {
    pub(crate) index: usize,
    pub(crate) slab: Arc<Slab>,
    pub(crate) loader: Loader,
    pub(crate) durability: Arc<Durability>,
    pub(crate) writer: WriterHandle,
    /// Told of what becomes durable.
    pub(crate) cache: Arc<LayeredCache>,
    pub(crate) resident_bytes: u64,
    pub(crate) mailbox: usize,
}

/// The actor.
pub(crate) struct ShardActor {
    state: Rc<RefCell<Shard>>,
    mailbox: usize,
}

impl ShardActor {
    pub(crate) fn new(parts: ShardParts) -> Self {
        let mailbox = parts.mailbox;
        Self { state: Rc::new(RefCell::new(Shard::new(parts))), mailbox }
    }
}

impl Actor for ShardActor {
    type Context = Context<Self>;

    fn started(&mut self, cx: &mut Context<Self>) {
        cx.set_mailbox_capacity(self.mailbox);
    }
}

impl Handler<Visit> for ShardActor {
    type Result = ();

    fn handle(&mut self, visit: Visit, _: &mut Context<Self>) {
        let (mut found, missing) = self.state.borrow().look_up(&visit.slots, visit.need);
        if !matches!(visit.reply, VisitReply::WarmUp(_)) {
            self.state.borrow_mut().count(found.len(), missing.len());
        }
        if missing.is_empty() {
            return answer(visit.reply, Records { result: Ok(found), store_calls: 0 });
        }
        let state = Rc::clone(&self.state);
        let need = visit.need;
        let mut load = Box::pin(async move {
            Shard::load(&state, missing, need).await.map(|loaded| {
                found.extend(loaded);
                found
            })
        });
        // Small local loads are ready at once, without a task of their own.
        match load.as_mut().now_or_never() {
            Some(result) => answer(visit.reply, Records { result, store_calls: 1 }),
            None => drop(actix_rt::spawn(async move {
                let result = load.await;
                answer(visit.reply, Records { result, store_calls: 1 });
            })),
        }
    }
}

fn answer(reply: VisitReply, records: Records) {
    match reply {
        VisitReply::Caller(reply) | VisitReply::WarmUp(reply) => drop(reply.send(records)),
        VisitReply::Walker(walker) => {
            // A walker asks no more than its mailbox has places, so this waits only if it was
            // sent control messages by the hundred; a walker that is gone needs no answer.
            if let Err(SendError::Full(records)) = walker.try_send(records) {
                actix_rt::spawn(async move {
                    let _ = walker.send(records).await;
                });
            }
        }
    }
}

impl Handler<Apply> for ShardActor {
    type Result = ();

    fn handle(&mut self, apply: Apply, _: &mut Context<Self>) {
        Shard::save_all(&self.state, apply.saves);
    }
}

impl Handler<Evict> for ShardActor {
    type Result = ResponseFuture<()>;

    fn handle(&mut self, evict: Evict, _: &mut Context<Self>) -> Self::Result {
        let (ahead, clean): (Vec<Slot>, Vec<Slot>) = {
            let shard = self.state.borrow();
            evict.slots.into_iter().partition(|slot| shard.unsettled.contains_key(slot))
        };
        self.state.borrow_mut().forget(&clean);
        #[cfg(test)]
        let ahead = if is_planted(Bug::KeepLinksOfUnsettled) { Vec::new() } else { ahead };
        if ahead.is_empty() {
            return Box::pin(std::future::ready(()));
        }
        let state = Rc::clone(&self.state);
        Box::pin(async move {
            let loader = state.borrow().parts.loader.clone();
            let stored = read(&loader, ahead.clone(), Need::DOCUMENT).await;
            state.borrow_mut().reconcile(&ahead, stored);
        })
    }
}

impl Handler<InspectShard> for ShardActor {
    type Result = ShardFigures;

    fn handle(&mut self, _: InspectShard, _: &mut Context<Self>) -> ShardFigures {
        self.state.borrow().figures()
    }
}

struct Shard {
    parts: ShardParts,
    /// Resident records.
    records: u64,
    /// Which of them go first, and the bytes they take.
    eviction: Eviction,
    /// Entities that stay, with the bytes of those that are resident.
    pinned: FxHashMap<Slot, u64>,
    pinned_bytes: u64,
    /// Visits for which a record had to be loaded.
    misses: u64,
    /// Saves not yet durable, by slot; such records are not evicted.
    unsettled: FxHashMap<Slot, Unsettled>,
    unsettled_bytes: u64,
    /// Loads under way.
    loads: usize,
    /// Counts changes, to tell whether one came after a load had begun.
    changes: u64,
    /// When slots changed last, while loads are under way: what a load that began before found of them
    /// may be out of date.
    changed: FxHashMap<Slot, u64>,
    /// Records published a second time, without links, before their save was durable; each after the one that was
    /// published for the save itself. Their versions do not tell them apart.
    reissued: Vec<(SharedRecord, SharedRecord)>,
    /// Saves published and not yet handed to the writer.
    staged: Vec<Save>,
    flushing: bool,
    /// Saves of entities that are being loaded, in order.
    parked: FxHashMap<Slot, Vec<Save>>,
}

impl Shard {
    fn new(parts: ShardParts) -> Self {
        Self {
            parts,
            records: 0,
            eviction: Eviction::default(),
            pinned: FxHashMap::default(),
            pinned_bytes: 0,
            misses: 0,
            unsettled: FxHashMap::default(),
            unsettled_bytes: 0,
            loads: 0,
            changes: 0,
            changed: FxHashMap::default(),
            reissued: Vec::new(),
            staged: Vec::new(),
            flushing: false,
            parked: FxHashMap::default(),
        }
    }

    fn directory(&self) -> &Directory {
        &self.parts.loader.directory
    }

    /// Counts what was asked for: what had become resident meanwhile, and what has to be loaded.
    fn count(&mut self, resident: usize, missing: usize) {
        self.misses += missing as u64;
        if resident > 0 {
            self.parts.slab.tally.add_hits(resident as u64);
        }
    }

    /// What is resident with all that is needed, and what has to be loaded.
    fn look_up(&self, slots: &[Slot], need: Need) -> (Vec<(Slot, Found)>, Vec<Slot>) {
        let slab = self.parts.slab.read();
        let (mut found, mut missing) = (Vec::with_capacity(slots.len()), Vec::new());
        for &slot in slots {
            match slab.get(self.directory().place_of(slot)) {
                Some(Some(record)) if satisfies(&record.head, need) => {
                    found.push((slot, Found::Record(Arc::clone(record))));
                }
                _ => missing.push(slot),
            }
        }
        (found, missing)
    }

    /// Loads slots and publishes what is still true of them.
    async fn load(
        state: &Rc<RefCell<Self>>,
        slots: Vec<Slot>,
        need: Need,
    ) -> Result<Vec<(Slot, Found)>, Arc<StoreError>> {
        let loader = state.borrow().parts.loader.clone();
        let mut all = Vec::with_capacity(slots.len());
        let mut wanted = slots;
        while !wanted.is_empty() {
            let began = {
                let mut shard = state.borrow_mut();
                shard.loads += 1;
                shard.changes
            };
            let loaded = read(&loader, wanted, need).await;
            let mut shard = state.borrow_mut();
            #[cfg(test)]
            let began = if is_planted(Bug::PublishOldLoad) { u64::MAX } else { began };
            let stale = |slot: &Slot| shard.changed.get(slot).is_some_and(|&change| change > began);
            let parted = loaded.map(|loaded| loaded.into_iter().partition(|(slot, _)| !stale(slot)));
            shard.end_load();
            let (true_still, again): (Vec<_>, Vec<_>) = parted?;
            all.extend(shard.publish(true_still));
            wanted = again.into_iter().map(|(slot, _): (Slot, Found)| slot).collect();
        }
        Ok(all)
    }

    fn end_load(&mut self) {
        self.loads -= 1;
        if self.loads == 0 {
            self.changed.clear();
        }
    }

    /// Notes that what a load under way finds of a slot may be out of date.
    fn note_change(&mut self, slot: Slot) {
        if self.loads > 0 {
            self.changes += 1;
            self.changed.insert(slot, self.changes);
        }
    }
}

/// Reads in place where that is quick, else on a thread that may wait.
async fn read(loader: &Loader, slots: Vec<Slot>, need: Need) -> Result<Vec<(Slot, Found)>, Arc<StoreError>> {
    if loader.store.is_local() && slots.len() <= IN_PLACE_LOADS {
        return loader.load(slots, need).await;
    }
    let loader = loader.clone();
    let runtime = tokio::runtime::Handle::current();
    let load = tasks::off_thread(&runtime, async move { loader.load(slots, need).await });
    load.await.unwrap_or_else(|error| {
        Err(Arc::new(StoreError::Damaged { what: "a load".into(), reason: error.to_string() }))
    })
}

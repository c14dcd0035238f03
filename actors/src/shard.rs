//! A shard: one partition of the resident entities.
//!
//! - Owns: the records of its slots; it alone publishes, replaces and evicts them.
//! - Accepts: `Visit` (a batch), `Apply` (saves), `Evict`, `Pin`, `Unpin`, `InspectShard`.
//! - Sends: `Records` to walkers, batches to the writer.
//! - Dies when: the runtime stops, or anything in it panics; then another takes its place, and loads from the store.

mod eviction;
mod life;
mod pins;
mod residents;
mod saves;

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::{Arc, Weak};

use actix::prelude::*;
use futures_util::FutureExt;
use parking_lot::Mutex;
use rustc_hash::{FxHashMap, FxHashSet};
use tracing::{Instrument, Span};
use wayfare_graph::{Need, SharedRecord, Slot, StoreError};

use crate::cache::LayeredCache;
use crate::core::Core;
use crate::directory::Directory;
use crate::durability::Durability;
use crate::loader::{Loader, satisfies};
use crate::messages::{Apply, Bury, Evict, Found, InspectShard, Records, Save, Visit};
use crate::resident_figures::ShardFigures;
use crate::shard::eviction::Eviction;
use crate::shard::life::Life;
use crate::shard::saves::Unsettled;
#[cfg(test)]
use crate::simulation::{Bug, is_planted};
use crate::slab::Slab;
use crate::tasks;
use crate::trace;
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
    /// What is pinned, whichever shard owns it.
    pub(crate) pins: Arc<Mutex<FxHashSet<Slot>>>,
    /// Told when it ends.
    pub(crate) core: Weak<Core>,
}

impl ShardParts {
    pub(crate) fn of(core: &Arc<Core>, index: usize) -> Option<Self> {
        let settings = &core.settings;
        Some(Self {
            index,
            slab: Arc::clone(&core.slabs[index]),
            loader: Loader { store: Arc::clone(&core.store), directory: Arc::clone(&core.directory) },
            durability: Arc::clone(&core.durability),
            writer: core.writer.get()?.clone(),
            cache: Arc::clone(&core.cache),
            resident_bytes: settings.resident_bytes / settings.shards as u64,
            mailbox: settings.shard_mailbox,
            pins: Arc::clone(&core.pins[index]),
            core: core.weak(),
        })
    }
}

/// The actor.
pub(crate) struct ShardActor {
    state: Rc<RefCell<Shard>>,
    life: Life,
    mailbox: usize,
}

impl ShardActor {
    pub(crate) fn new(parts: ShardParts) -> Self {
        let mailbox = parts.mailbox;
        let shard = Shard::new(parts);
        let life = shard.life.clone();
        Self { state: Rc::new(RefCell::new(shard)), life, mailbox }
    }

    /// Ends with the shard: what waits in the mailbox goes to the next one, and who waits for a save that the writer does
    /// not have is told.
    fn end_if_dead(&self, cx: &mut Context<Self>) {
        if self.life.has_ended() {
            let mut shard = self.state.borrow_mut();
            let (staged, parked) = (std::mem::take(&mut shard.staged), std::mem::take(&mut shard.parked));
            drop(shard);
            drop((staged, parked));
            cx.terminate();
        }
    }
}

impl Actor for ShardActor {
    type Context = Context<Self>;

    fn started(&mut self, cx: &mut Context<Self>) {
        cx.set_mailbox_capacity(self.mailbox);
        self.life.within(|| Shard::restore_pins(&self.state));
        self.end_if_dead(cx);
    }
}

impl Handler<Visit> for ShardActor {
    type Result = ();

    fn handle(&mut self, mut visit: Visit, cx: &mut Context<Self>) {
        visit.posted.taken();
        // Lost with the shard it goes to the next one.
        self.life.within(|| Shard::answer(&self.state, visit));
        self.end_if_dead(cx);
    }
}

impl Handler<Apply> for ShardActor {
    type Result = ();

    fn handle(&mut self, mut apply: Apply, cx: &mut Context<Self>) {
        apply.posted.taken();
        self.life.within(|| Shard::save_all(&self.state, apply.begin()));
        self.end_if_dead(cx);
    }
}

impl Handler<Evict> for ShardActor {
    type Result = ResponseFuture<()>;

    fn handle(&mut self, evict: Evict, _: &mut Context<Self>) -> Self::Result {
        let (life, state) = (self.life.clone(), Rc::clone(&self.state));
        Box::pin(async move {
            // A shard that has ended holds nothing that could be out of date.
            life.while_alive(Shard::drop_changed(&state, evict.slots)).await;
        })
    }
}

impl Handler<Bury> for ShardActor {
    type Result = ();

    fn handle(&mut self, _: Bury, cx: &mut Context<Self>) {
        self.end_if_dead(cx);
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
    life: Life,
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
        let life = Life::new(parts.index, Weak::clone(&parts.core), Arc::clone(&parts.slab));
        Self {
            parts,
            life,
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

    /// Answers a visit, or begins to.
    fn answer(state: &Rc<RefCell<Self>>, mut visit: Visit) {
        let is_warm_up = visit.is_warm_up();
        let (slots, need) = visit.begin();
        let (mut found, missing) = state.borrow().look_up(slots, need);
        if !is_warm_up {
            state.borrow_mut().count(found.len(), missing.len());
        }
        if missing.is_empty() {
            return visit.answer(Records { result: Ok(found), store_calls: 0 });
        }
        let (loading, span) = (Rc::clone(state), trace::within(visit.span.take()));
        let mut answer = Box::pin(async move {
            let load = Self::load(&loading, missing, need).instrument(span);
            let result = load.await.map(|loaded| {
                found.extend(loaded);
                found
            });
            visit.answer(Records { result, store_calls: 1 });
        });
        // Small local loads are ready at once, without a task of their own.
        if answer.as_mut().now_or_never().is_none() {
            let life = state.borrow().life.clone();
            life.spawn("load of a shard", answer);
        }
    }

    /// Drops records that were changed past the shard, but for those that are ahead of the store.
    async fn drop_changed(state: &Rc<RefCell<Self>>, slots: Vec<Slot>) {
        let (ahead, clean): (Vec<Slot>, Vec<Slot>) = {
            let shard = state.borrow();
            slots.into_iter().partition(|slot| shard.unsettled.contains_key(slot))
        };
        state.borrow_mut().forget(&clean);
        #[cfg(test)]
        let ahead = if is_planted(Bug::KeepLinksOfUnsettled) { Vec::new() } else { ahead };
        if ahead.is_empty() {
            return;
        }
        let loader = state.borrow().parts.loader.clone();
        let stored = read(&loader, ahead.clone(), Need::DOCUMENT).await;
        state.borrow_mut().reconcile(&ahead, stored);
    }

    fn directory(&self) -> &Directory {
        &self.parts.loader.directory
    }

    /// Counts what was asked for: what had become resident meanwhile, and what has to be loaded.
    fn count(&mut self, resident: usize, missing: usize) {
        self.misses += missing as u64;
        self.parts.slab.tally.add_misses(missing as u64);
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
    let loading = async move { loader.load(slots, need).await }.instrument(Span::current());
    let load = tasks::off_thread(&runtime, loading);
    load.await.unwrap_or_else(|error| {
        Err(Arc::new(StoreError::Damaged { what: "a load".into(), reason: error.to_string() }))
    })
}

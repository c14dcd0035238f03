//! A shard: one partition of the resident entities.
//!
//! - Owns: the records of its slots; it alone publishes, replaces and evicts them.
//! - Accepts: `Visit` (a batch), `Apply` (saves), `Evict`, `InspectShard`.
//! - Sends: `Records` to walkers, batches to the writer.
//! - Dies when: the runtime stops. Its state is rebuilt from the store.

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;

use actix::prelude::*;
use futures_util::FutureExt;
use rustc_hash::{FxHashMap, FxHashSet};
use wayfare_graph::{
    Need, Record, SharedRecord, Slot, StoreError, Write, WriteBatch, WriteError, Written,
    record_with,
};

use crate::directory::Directory;
use crate::durability::Durability;
use crate::loader::{Loader, satisfies};
use crate::messages::{
    Apply, Evict, Found, InspectShard, Records, Save, ShardFigures, Visit, VisitReply, conflict,
};
use crate::slab::Slab;
use crate::writer::WriterHandle;

/// Loads of up to this many nodes from a local store are done in place: they take less than the
/// half millisecond that a handler may, and less than a trip to another thread.
const IN_PLACE_LOADS: usize = 32;

/// Bytes that a record takes beside its payload and links: its allocation and its place in the slab.
const RECORD_BYTES: usize = 120;

/// What a shard is made of.
pub(crate) struct ShardParts {
    pub(crate) index: usize,
    pub(crate) slab: Arc<Slab>,
    pub(crate) loader: Loader,
    pub(crate) durability: Arc<Durability>,
    pub(crate) writer: WriterHandle,
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
        if missing.is_empty() {
            return answer(visit.reply, Records { result: Ok(found) });
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
            Some(result) => answer(visit.reply, Records { result }),
            None => drop(actix_rt::spawn(async move {
                let result = load.await;
                answer(visit.reply, Records { result });
            })),
        }
    }
}

fn answer(reply: VisitReply, records: Records) {
    match reply {
        VisitReply::Caller(reply) => drop(reply.send(records)),
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
        for save in apply.saves {
            Shard::save(&self.state, save);
        }
        Shard::schedule_flush(&self.state);
    }
}

impl Handler<Evict> for ShardActor {
    type Result = ();

    fn handle(&mut self, evict: Evict, _: &mut Context<Self>) {
        self.state.borrow_mut().forget(&evict.slots);
    }
}

impl Handler<InspectShard> for ShardActor {
    type Result = ShardFigures;

    fn handle(&mut self, _: InspectShard, _: &mut Context<Self>) -> ShardFigures {
        self.state.borrow().figures
    }
}

struct Shard {
    parts: ShardParts,
    figures: ShardFigures,
    /// Where the clock hand stands, in places of the slab.
    hand: usize,
    /// Saves not yet durable, by slot; such records are not evicted.
    unsettled: FxHashMap<Slot, u32>,
    /// Loads under way.
    loads: usize,
    /// Slots that changed while a load was under way: what the load found of them is out of date.
    changed: FxHashSet<Slot>,
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
            figures: ShardFigures::default(),
            hand: 0,
            unsettled: FxHashMap::default(),
            loads: 0,
            changed: FxHashSet::default(),
            staged: Vec::new(),
            flushing: false,
            parked: FxHashMap::default(),
        }
    }

    fn directory(&self) -> &Directory {
        &self.parts.loader.directory
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
            state.borrow_mut().loads += 1;
            let loaded = read(&loader, wanted, need).await;
            let mut shard = state.borrow_mut();
            shard.loads -= 1;
            let (settled, again) = match loaded {
                Ok(loaded) => loaded.into_iter().partition(|(slot, _)| !shard.changed.contains(slot)),
                Err(error) => {
                    shard.end_loads();
                    return Err(error);
                }
            };
            all.extend(shard.publish(settled));
            wanted = again.into_iter().map(|(slot, _): (Slot, Found)| slot).collect();
            for slot in &wanted {
                shard.changed.remove(slot);
            }
            shard.end_loads();
        }
        Ok(all)
    }

    fn end_loads(&mut self) {
        if self.loads == 0 {
            self.changed.clear();
        }
    }

    /// Publishes loaded records, except where a newer one is resident: that one gets the links.
    fn publish(&mut self, loaded: Vec<(Slot, Found)>) -> Vec<(Slot, Found)> {
        let mut added = 0;
        let slab = Arc::clone(&self.parts.slab);
        let published = slab.write(|records| {
            loaded
                .into_iter()
                .map(|(slot, found)| {
                    let Found::Record(record) = found else { return (slot, found) };
                    let place = self.directory().place_of(slot);
                    if records.len() <= place {
                        records.resize(place + 1, None);
                    }
                    let record = match &records[place] {
                        Some(resident) => {
                            added += link_growth(resident, &record);
                            Arc::clone(resident)
                        }
                        None => {
                            added += bytes_of(&record);
                            self.figures.records += 1;
                            records[place] = Some(Arc::clone(&record));
                            record
                        }
                    };
                    (slot, Found::Record(record))
                })
                .collect()
        });
        self.figures.bytes += added as u64;
        self.evict_cold();
        published
    }

    /// Publishes a new version and stages it for the writer, or refuses it.
    fn save(state: &Rc<RefCell<Self>>, save: Save) {
        let mut shard = state.borrow_mut();
        if let Some(waiting) = shard.parked.get_mut(&save.slot) {
            return waiting.push(save);
        }
        let place = shard.directory().place_of(save.slot);
        match shard.parts.slab.get(place) {
            Some(record) => shard.replace(save, &record),
            None => {
                let slot = save.slot;
                shard.parked.insert(slot, vec![save]);
                drop(shard);
                let state = Rc::clone(state);
                let mut load = Box::pin(async move {
                    let loaded = Self::load(&state, vec![slot], Need::DOCUMENT).await;
                    state.borrow_mut().unpark(slot, loaded);
                    Self::schedule_flush(&state);
                });
                if load.as_mut().now_or_never().is_none() {
                    actix_rt::spawn(load);
                }
            }
        }
    }

    /// Goes on with the saves that waited for their entity to be loaded.
    fn unpark(&mut self, slot: Slot, loaded: Result<Vec<(Slot, Found)>, Arc<StoreError>>) {
        let waiting = self.parked.remove(&slot).unwrap_or_default();
        let found = loaded.map(|found| found.into_iter().next().map(|(_, found)| found));
        for save in waiting {
            match &found {
                Ok(Some(Found::Record(loaded))) => {
                    let place = self.directory().place_of(slot);
                    let current = self.parts.slab.get(place).unwrap_or_else(|| Arc::clone(loaded));
                    self.replace(save, &current);
                }
                Ok(Some(Found::Unreadable(_))) => {
                    // The store knows the version; what the type cannot read it can still replace.
                    self.stage(save);
                }
                Ok(_) => {
                    let id = save.document.id().clone();
                    save.reply.send(Ok(Err(WriteError::NotFound { id })));
                }
                Err(error) => save.reply.send(Err(Arc::clone(error))),
            }
        }
    }

    fn replace(&mut self, save: Save, current: &SharedRecord) {
        let found = current.head.version();
        if found != save.document.version() {
            let refusal = conflict(save.document.id(), &save.document, found);
            save.reply.send(Ok(Err(refusal)));
            return;
        }
        let next = match record_with(current.head.succeed(found.next()), save.document.body().clone()) {
            Ok(next) => next,
            Err(error) => {
                let refusal = WriteError::Unsuitable { id: save.document.id().clone(), reason: error.to_string() };
                save.reply.send(Ok(Err(refusal)));
                return;
            }
        };
        let grown = bytes_of(&next) as u64;
        let place = self.directory().place_of(save.slot);
        self.parts.durability.published(self.parts.index);
        let replaced = self.parts.slab.write(|records| {
            if records.len() <= place {
                records.resize(place + 1, None);
            }
            records[place].replace(next)
        });
        self.figures.records += u64::from(replaced.is_none());
        let shrunk = replaced.map_or(0, |old| bytes_of(&old) as u64);
        self.figures.bytes = (self.figures.bytes + grown).saturating_sub(shrunk);
        *self.unsettled.entry(save.slot).or_default() += 1;
        if self.loads > 0 {
            self.changed.insert(save.slot);
        }
        self.staged.push(save);
    }

    /// Stages a save without a record to publish.
    fn stage(&mut self, save: Save) {
        self.parts.durability.published(self.parts.index);
        *self.unsettled.entry(save.slot).or_default() += 1;
        if self.loads > 0 {
            self.changed.insert(save.slot);
        }
        self.staged.push(save);
    }

    /// Hands the staged saves to the writer once the messages that are here have been handled, so
    /// that saves which arrive together travel together.
    fn schedule_flush(state: &Rc<RefCell<Self>>) {
        let mut shard = state.borrow_mut();
        if shard.flushing || shard.staged.is_empty() {
            return;
        }
        shard.flushing = true;
        drop(shard);
        let state = Rc::clone(state);
        actix_rt::spawn(async move {
            tokio::task::yield_now().await;
            let (staged, outcome) = {
                let mut shard = state.borrow_mut();
                shard.flushing = false;
                let staged = std::mem::take(&mut shard.staged);
                let writes =
                    staged.iter().map(|save| Write::Save { document: save.document.clone() }).collect();
                let outcome = shard.parts.writer.persist(WriteBatch { writes, all_or_nothing: false });
                (staged, outcome)
            };
            let outcome = outcome.await.unwrap_or_else(|_| {
                Err(Arc::new(StoreError::Poisoned { reason: "the writer has stopped".into() }))
            });
            state.borrow_mut().settle(staged, outcome);
        });
    }

    /// Tells who waits what became of their saves; takes back what was refused.
    fn settle(&mut self, staged: Vec<Save>, outcome: crate::writer::Persisted) {
        let count = staged.len() as u64;
        let results: Vec<crate::messages::Saved> = match outcome {
            Ok(results) => results.into_iter().map(Ok).collect(),
            Err(error) => staged.iter().map(|_| Err(Arc::clone(&error))).collect(),
        };
        let refused: Vec<Slot> = staged
            .iter()
            .zip(&results)
            .filter(|(_, result)| !matches!(result, Ok(Ok(Written::Changed { .. }))))
            .map(|(save, _)| save.slot)
            .collect();
        for save in &staged {
            if let Some(left) = self.unsettled.get_mut(&save.slot) {
                *left -= 1;
                if *left == 0 {
                    self.unsettled.remove(&save.slot);
                }
            }
        }
        if !refused.is_empty() {
            self.forget(&refused);
        }
        if results.first().is_some_and(Result::is_err) {
            self.parts.durability.failed(self.parts.index, count);
        } else {
            self.parts.durability.settled(self.parts.index, count);
        }
        for (save, result) in staged.into_iter().zip(results) {
            save.reply.send(result);
        }
    }

    /// Drops records whose truth lies in the store.
    fn forget(&mut self, slots: &[Slot]) {
        let slab = Arc::clone(&self.parts.slab);
        let mut freed = 0;
        let mut dropped = 0;
        slab.write(|records| {
            for &slot in slots {
                let place = self.directory().place_of(slot);
                if let Some(record) = records.get_mut(place).and_then(Option::take) {
                    freed += bytes_of(&record);
                    dropped += 1;
                }
            }
        });
        self.figures.records -= dropped;
        self.figures.bytes = self.figures.bytes.saturating_sub(freed as u64);
        if self.loads > 0 {
            self.changed.extend(slots);
        }
    }

    /// Evicts what was not read since the hand passed last, until the shard is within its bound
    /// (second chance: Corbató, "A paging experiment with the Multics system", 1968).
    fn evict_cold(&mut self) {
        let limit = self.parts.resident_bytes;
        if self.figures.bytes <= limit {
            return;
        }
        let slab = Arc::clone(&self.parts.slab);
        // An eighth below the bound, so that not every load has to come here.
        let goal = limit - limit / 8;
        slab.write(|records| {
            let shard_bits = self.directory().shards().trailing_zeros();
            // Two rounds clear every mark; what is left then is not yet durable.
            for _ in 0..2 * records.len() {
                if self.figures.bytes <= goal {
                    break;
                }
                self.hand = (self.hand + 1) % records.len();
                let Some(record) = &records[self.hand] else { continue };
                let slot = Slot((self.hand as u32) << shard_bits | self.parts.index as u32);
                if record.head.take_touched() || self.unsettled.contains_key(&slot) {
                    continue;
                }
                self.figures.bytes = self.figures.bytes.saturating_sub(bytes_of(record) as u64);
                self.figures.records -= 1;
                self.figures.evicted += 1;
                records[self.hand] = None;
            }
        });
    }
}

/// Reads in place where that is quick, else on a thread that may wait.
async fn read(loader: &Loader, slots: Vec<Slot>, need: Need) -> Result<Vec<(Slot, Found)>, Arc<StoreError>> {
    if loader.store.is_local() && slots.len() <= IN_PLACE_LOADS {
        return loader.load(slots, need).await;
    }
    let loader = loader.clone();
    let runtime = tokio::runtime::Handle::current();
    let load = tokio::task::spawn_blocking(move || runtime.block_on(loader.load(slots, need)));
    load.await.unwrap_or_else(|error| {
        Err(Arc::new(StoreError::Damaged { what: "a load".into(), reason: error.to_string() }))
    })
}

fn bytes_of(record: &Record<dyn wayfare_graph::Payload>) -> usize {
    RECORD_BYTES + record.payload.heap_bytes() + record.head.link_bytes()
}

/// Gives a resident record the links that a load brought; returns by how much it grew.
fn link_growth(resident: &SharedRecord, loaded: &SharedRecord) -> usize {
    let before = resident.head.link_bytes();
    for direction in wayfare_graph::Direction::ALL {
        if let Some(links) = loaded.head.links(direction) {
            resident.head.set_links(direction, links.clone());
        }
        if let Some(edges) = loaded.head.edges(direction) {
            resident.head.set_edges(direction, edges.clone());
        }
    }
    resident.head.link_bytes() - before
}


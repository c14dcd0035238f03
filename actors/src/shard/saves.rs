//! New versions: published at once, staged for the writer, taken back when they are refused.

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;

use futures_util::FutureExt;
use rustc_hash::{FxHashMap, FxHashSet};
use wayfare_graph::{
    EntityKey, Kind, Need, SharedRecord, Slot, StoreError, Write, WriteBatch, WriteError, Written,
    record_with,
};

use super::Shard;
use super::residents::{bytes_of, is_same};
#[cfg(test)]
use crate::messages::SaveReply;
use crate::messages::{Found, Save, Saved, conflict};
#[cfg(test)]
use crate::simulation::{Bug, is_planted};
use crate::tasks;
use crate::writer::Persisted;

/// The saves of one entity that are under way.
#[derive(Debug, Default)]
pub(super) struct Unsettled {
    saves: u32,
    /// What its newest record takes.
    bytes: u64,
}

impl Shard {
    /// Publishes new versions and stages them for the writer, or refuses them. Entities that are not resident are
    /// loaded first, all in one call.
    pub(super) fn save_all(state: &Rc<RefCell<Self>>, saves: Vec<Save>) {
        let mut wanted = Vec::new();
        let mut shard = state.borrow_mut();
        for save in saves {
            if let Some(waiting) = shard.parked.get_mut(&save.slot) {
                waiting.push(save);
                continue;
            }
            let place = shard.directory().place_of(save.slot);
            match shard.parts.slab.get(place) {
                Some(record) => shard.replace(save, &record),
                None => {
                    wanted.push(save.slot);
                    shard.parked.insert(save.slot, vec![save]);
                }
            }
        }
        shard.evict_cold();
        drop(shard);
        Self::schedule_flush(state);
        if wanted.is_empty() {
            return;
        }
        let state = Rc::clone(state);
        let mut load = Box::pin(async move {
            let loaded = Self::load(&state, wanted.clone(), Need::DOCUMENT).await;
            let mut found: FxHashMap<Slot, Found> = match loaded {
                Ok(loaded) => loaded.into_iter().collect(),
                Err(error) => return state.borrow_mut().refuse_parked(&wanted, &error),
            };
            for slot in wanted {
                state.borrow_mut().unpark(slot, found.remove(&slot));
            }
            Self::schedule_flush(&state);
        });
        if load.as_mut().now_or_never().is_none() {
            actix_rt::spawn(load);
        }
    }

    /// Goes on with the saves that waited for their entity to be loaded.
    fn unpark(&mut self, slot: Slot, found: Option<Found>) {
        for save in self.parked.remove(&slot).unwrap_or_default() {
            match &found {
                Some(Found::Record(loaded)) => {
                    let place = self.directory().place_of(slot);
                    let current = self.parts.slab.get(place).unwrap_or_else(|| Arc::clone(loaded));
                    self.replace(save, &current);
                }
                _ => {
                    let id = save.document.id().clone();
                    save.reply.send(Ok(Err(WriteError::NotFound { id })));
                }
            }
        }
    }

    fn refuse_parked(&mut self, slots: &[Slot], error: &Arc<StoreError>) {
        #[cfg(test)]
        if is_planted(Bug::DropParked) {
            return;
        }
        let waiting = slots.iter().filter_map(|slot| self.parked.remove(slot)).flatten();
        for save in waiting.collect::<Vec<_>>() {
            save.reply.send(Err(Arc::clone(error)));
        }
    }

    pub(super) fn replace(&mut self, mut save: Save, current: &SharedRecord) {
        let found = current.head.version();
        if found != save.document.version() {
            let refusal = conflict(save.document.id(), &save.document, found);
            save.reply.send(Ok(Err(refusal)));
            return;
        }
        let (body, extra) = (save.document.body().clone(), save.document.extra().cloned());
        let next = record_with(current.head.succeed(found.next()), body, extra);
        next.head.mark_unsettled();
        save.published = Some(Arc::clone(&next));
        let grown = bytes_of(&next);
        let place = self.directory().place_of(save.slot);
        self.parts.durability.published(self.parts.index);
        let replaced = self.parts.slab.write(|records| {
            if records.len() <= place {
                records.resize(place + 1, None);
            }
            records[place].replace(next)
        });
        match replaced {
            Some(old) => self.resized(save.slot, bytes_of(&old), grown),
            None => self.admitted(save.slot, grown),
        }
        let unsettled = self.unsettled.entry(save.slot).or_default();
        unsettled.saves += 1;
        self.unsettled_bytes = self.unsettled_bytes - unsettled.bytes + grown;
        unsettled.bytes = grown;
        self.note_change(save.slot);
        self.staged.push(save);
    }

    /// Hands the staged saves to the writer once the messages that are here have been handled, so
    /// that saves which arrive together travel together.
    pub(super) fn schedule_flush(state: &Rc<RefCell<Self>>) {
        let mut shard = state.borrow_mut();
        if shard.flushing || shard.staged.is_empty() {
            return;
        }
        shard.flushing = true;
        drop(shard);
        let state = Rc::clone(state);
        tasks::spawn_local("flush of a shard", async move {
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
            #[cfg(test)]
            if is_planted(Bug::AcknowledgeBeforeCommit) {
                let done = |save: &Save| {
                    let version = save.document.version().next();
                    Ok(Written::Changed { id: save.document.id().clone(), version })
                };
                let results = staged.iter().map(done).collect();
                return state.borrow_mut().settle(staged, Ok(results));
            }
            let outcome = outcome.await.unwrap_or_else(|_| Err(Arc::new(StoreError::Stopped)));
            state.borrow_mut().settle(staged, outcome);
        });
    }

    /// Tells who waits what became of their saves; takes back what was refused.
    pub(super) fn settle(&mut self, staged: Vec<Save>, outcome: Persisted) {
        let count = staged.len() as u64;
        let results: Vec<Saved> = match outcome {
            Ok(results) => results.into_iter().map(Ok).collect(),
            Err(error) => staged.iter().map(|_| Err(Arc::clone(&error))).collect(),
        };
        let refused: Vec<Slot> = staged
            .iter()
            .zip(&results)
            .filter(|(_, result)| !matches!(result, Ok(Ok(Written::Changed { .. }))))
            .map(|(save, _)| save.slot)
            .collect();
        for (save, result) in staged.iter().zip(&results) {
            let Some(published) = &save.published else { continue };
            let durable = matches!(result, Ok(Ok(Written::Changed { .. })));
            #[cfg(test)]
            let durable = durable || (is_planted(Bug::SettleFailedCommit) && result.is_err());
            if durable {
                published.head.settle();
            }
            self.reissued.retain(|(first, bare)| {
                let same = is_same(first, published);
                if same && durable {
                    bare.head.settle();
                }
                !same
            });
            if let Some(left) = self.unsettled.get_mut(&save.slot) {
                left.saves -= 1;
                if left.saves == 0 {
                    self.unsettled_bytes -= left.bytes;
                    self.unsettled.remove(&save.slot);
                }
            }
        }
        #[cfg(test)]
        let refused = match () {
            () if is_planted(Bug::KeepRefused) => Vec::new(),
            () if is_planted(Bug::SettleFailedCommit) && results.iter().all(Result::is_err) => Vec::new(),
            () => refused,
        };
        let behind = self.behind(&staged, &results);
        #[cfg(test)]
        let behind = if is_planted(Bug::StayBehind) { Vec::new() } else { behind };
        let stale: Vec<Slot> = refused.into_iter().chain(behind).collect();
        if !stale.is_empty() {
            self.forget(&stale);
        }
        // Before anybody is told: who knows of a save sees no result that is older. What was taken back was seen too.
        let changed: FxHashSet<EntityKey> =
            staged.iter().map(|save| (Kind::Node, save.document.id().entity())).collect();
        self.parts.cache.entities_changed(changed);
        self.evict_cold();
        self.parts.durability.settled(self.parts.index, count);
        for (save, result) in staged.into_iter().zip(results) {
            #[cfg(test)]
            if is_planted(Bug::LeakPermit)
                && !matches!(result, Ok(Ok(_)))
                && let SaveReply::One(reply, permit) = save.reply
            {
                permit.forget();
                drop(reply.send(result));
                continue;
            }
            save.reply.send(result);
        }
    }

    /// Entities of which older versions are resident than those that have become durable, or are being loaded. Their
    /// records were dropped while the saves were under way: with an earlier save that was refused, or because the store
    /// did not tell whether they were ahead of it.
    fn behind(&self, staged: &[Save], results: &[Saved]) -> Vec<Slot> {
        let records = self.parts.slab.read();
        let is_behind = |(save, result): (&Save, &Saved)| {
            let Ok(Ok(Written::Changed { version, .. })) = result else { return None };
            let resident = records.get(self.directory().place_of(save.slot)).and_then(Option::as_ref);
            resident.is_none_or(|record| record.head.version() < *version).then_some(save.slot)
        };
        staged.iter().zip(results).filter_map(is_behind).collect()
    }
}

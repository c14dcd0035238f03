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

use tokio::sync::oneshot;

use super::Shard;
use super::residents::{bytes_of, is_same};
use crate::cache::LayeredCache;
use crate::messages::{Found, Save, Saved, conflict};
#[cfg(test)]
use crate::simulation::{Bug, is_planted};
use crate::tasks;
use crate::trace;
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
        let life = state.borrow().life.clone();
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
            life.spawn("load for saves", load);
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
            self.parts.slab.tally.add_conflict();
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
        let life = shard.life.clone();
        drop(shard);
        let state = Rc::clone(state);
        tasks::spawn_local("flush of a shard", async move {
            tokio::task::yield_now().await;
            let Some((staged, outcome)) = life.within(|| state.borrow_mut().flush()) else { return };
            #[cfg(test)]
            if is_planted(Bug::AcknowledgeBeforeCommit) {
                let done = |save: &Save| {
                    let version = save.document.version().next();
                    Ok(Written::Changed { id: save.document.id().clone(), version })
                };
                let results = staged.iter().map(done).collect();
                return state.borrow_mut().settle(staged, Ok(results));
            }
            let outcome = outcome.await.unwrap_or_else(|_| Err(Arc::new(unheard())));
            let mut told = Some((staged, outcome));
            life.within(|| {
                if let Some((staged, outcome)) = told.take() {
                    state.borrow_mut().settle(staged, outcome);
                }
            });
            // The shard has ended meanwhile. What became of its saves is known all the same.
            if let Some((staged, outcome)) = told {
                let cache = Arc::clone(&state.borrow().parts.cache);
                tell_of_the_dead(&cache, staged, outcome);
            }
        });
    }

    /// Hands what is staged to the writer.
    fn flush(&mut self) -> (Vec<Save>, oneshot::Receiver<Persisted>) {
        self.flushing = false;
        let staged = std::mem::take(&mut self.staged);
        let writes = staged.iter().map(|save| Write::Save { document: save.document.clone() }).collect();
        let span = trace::within(staged.iter().find_map(|save| save.span.clone()));
        let batch = WriteBatch { writes, all_or_nothing: false };
        let outcome = span.in_scope(|| self.parts.writer.persist(batch));
        (staged, outcome)
    }

    /// Tells who waits what became of their saves; takes back what was refused.
    pub(super) fn settle(&mut self, staged: Vec<Save>, outcome: Persisted) {
        let count = staged.len() as u64;
        let results = results_of(&staged, outcome);
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
            // A load that began before may have read what was stored until now, and may be back when this is evicted.
            self.note_change(save.slot);
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
            if is_planted(Bug::LeakPermit) && !matches!(result, Ok(Ok(_))) {
                save.reply.send_and_leak(result);
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

fn results_of(staged: &[Save], outcome: Persisted) -> Vec<Saved> {
    match outcome {
        Ok(results) => results.into_iter().map(Ok).collect(),
        Err(error) => staged.iter().map(|_| Err(Arc::clone(&error))).collect(),
    }
}

/// Tells who waits what became of saves whose shard has ended. Nothing of it is in memory any more.
fn tell_of_the_dead(cache: &LayeredCache, staged: Vec<Save>, outcome: Persisted) {
    let results = results_of(&staged, outcome);
    let changed: FxHashSet<EntityKey> =
        staged.iter().map(|save| (Kind::Node, save.document.id().entity())).collect();
    cache.entities_changed(changed);
    for (save, result) in staged.into_iter().zip(results) {
        if let (Some(published), Ok(Ok(Written::Changed { .. }))) = (&save.published, &result) {
            // For walks that have read it.
            published.head.settle();
        }
        save.reply.send(result);
    }
}

/// The writer was lost with the saves.
fn unheard() -> StoreError {
    StoreError::Interrupted { part: "writer".into() }
}

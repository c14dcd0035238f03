//! Publishing, dropping and evicting resident records.

use std::sync::Arc;

use rustc_hash::FxHashMap;
use wayfare_graph::{Direction, Head, Payload, Record, SharedRecord, Slot, StoreError, record_with};

use super::eviction::{Fate, Judged};
use super::saves::Unsettled;
use super::{Shard, ShardParts};
use crate::messages::Found;
use crate::resident_figures::ShardFigures;
#[cfg(test)]
use crate::simulation::{Bug, is_planted};

/// Bytes that a record takes beside its payload and links: its allocation, its place in the slab and in the order of
/// eviction.
const RECORD_BYTES: usize = 128;

impl Shard {
    /// Publishes loaded records, except where a newer one is resident: that one gets the links.
    pub(super) fn publish(&mut self, loaded: Vec<(Slot, Found)>) -> Vec<(Slot, Found)> {
        let slab = Arc::clone(&self.parts.slab);
        let published = slab.write(|records| {
            let published = loaded
                .into_iter()
                .map(|(slot, found)| {
                    let Found::Record(record) = found else { return (slot, found) };
                    let place = self.directory().place_of(slot);
                    if records.len() <= place {
                        records.resize(place + 1, None);
                    }
                    let record = match &records[place] {
                        Some(resident) => {
                            let (before, after) = grow_links(resident, &record);
                            self.resized(slot, before, after);
                            Arc::clone(resident)
                        }
                        None => {
                            self.admitted(slot, bytes_of(&record));
                            records[place] = Some(Arc::clone(&record));
                            record
                        }
                    };
                    (slot, Found::Record(record))
                })
                .collect();
            let mut view = View::of(&self.parts, &self.pinned, &self.unsettled, records);
            self.eviction.season(&mut view);
            published
        });
        self.evict_cold();
        published
    }

    /// Counts a record that has become resident.
    pub(super) fn admitted(&mut self, slot: Slot, bytes: u64) {
        let place = self.directory().place_of(slot);
        self.eviction.admit(place, bytes, self.records);
        self.records += 1;
        self.repin(slot, bytes);
    }

    /// Counts a resident record that has become larger or smaller.
    pub(super) fn resized(&mut self, slot: Slot, before: u64, after: u64) {
        self.eviction.resize(self.directory().place_of(slot), before, after);
        self.repin(slot, after);
    }

    /// Notes how many bytes a record takes that may be pinned.
    fn repin(&mut self, slot: Slot, bytes: u64) {
        if let Some(pinned) = self.pinned.get_mut(&slot) {
            self.pinned_bytes = self.pinned_bytes - *pinned + bytes;
            *pinned = bytes;
        }
    }

    /// Drops records whose truth lies in the store.
    pub(super) fn forget(&mut self, slots: &[Slot]) {
        let slab = Arc::clone(&self.parts.slab);
        let dropped: Vec<(Slot, SharedRecord)> = slab.write(|records| {
            let take = |&slot: &Slot| {
                let place = self.directory().place_of(slot);
                Some((slot, records.get_mut(place).and_then(Option::take)?))
            };
            slots.iter().filter_map(take).collect()
        });
        for (slot, record) in dropped {
            self.resized(slot, bytes_of(&record), 0);
            self.records -= 1;
        }
        #[cfg(test)]
        if is_planted(Bug::ForgetQuietly) {
            return self.tell();
        }
        for &slot in slots {
            self.note_change(slot);
        }
        self.tell();
    }

    /// Drops records with saves under way, unless they are ahead of the store: then the fields stay, and
    /// only the links go.
    pub(super) fn reconcile(&mut self, slots: &[Slot], stored: Result<Vec<(Slot, Found)>, Arc<StoreError>>) {
        let stored = stored.unwrap_or_default();
        for &slot in slots {
            let in_store = stored.iter().find(|(found, _)| *found == slot).map(|(_, found)| found);
            let place = self.directory().place_of(slot);
            let Some(resident) = self.parts.slab.get(place) else { continue };
            // While the store was read the saves may have become durable.
            let is_under_way = self.unsettled.contains_key(&slot);
            #[cfg(test)]
            let is_under_way = is_under_way || is_planted(Bug::ReissueSettled);
            let ahead = match in_store {
                Some(Found::Record(record)) => record.head.version() < resident.head.version(),
                // It is gone, and the saves under way will be refused; or the store did not tell.
                _ => false,
            };
            let head = Head::new(resident.head.id.clone(), resident.head.version());
            let extra = resident.payload.extra().cloned();
            match resident.payload.body().map(|body| record_with(head, body, extra)) {
                Ok(bare) if ahead && is_under_way => {
                    bare.head.mark_unsettled();
                    let again = self.reissued.iter().find(|(_, bare)| is_same(bare, &resident));
                    let first = again.map_or_else(|| Arc::clone(&resident), |(first, _)| Arc::clone(first));
                    self.reissued.push((first, Arc::clone(&bare)));
                    self.resized(slot, bytes_of(&resident), bytes_of(&bare));
                    self.parts.slab.write(|records| records[place] = Some(bare));
                    self.note_change(slot);
                }
                _ => self.forget(&[slot]),
            }
        }
        self.tell();
    }

    /// Evicts records until the shard is within its bound, as far as they may be evicted.
    pub(super) fn evict_cold(&mut self) {
        let slab = Arc::clone(&self.parts.slab);
        let bound = self.parts.resident_bytes;
        // Given back after the guard: their memory is not freed while readers wait.
        let evicted = slab.write(|records| {
            let mut view = View::of(&self.parts, &self.pinned, &self.unsettled, records);
            self.eviction.evict(bound, &mut view);
            view.evicted
        });
        self.records -= evicted.len() as u64;
        self.tell();
    }

    /// Tells workers how full the shard is.
    pub(super) fn tell(&self) {
        let held = self.pinned_bytes + self.unsettled_bytes;
        self.parts.slab.tally.set(self.records, self.eviction.bytes(), held);
    }

    pub(super) fn figures(&self) -> ShardFigures {
        ShardFigures {
            records: self.records,
            bytes: self.eviction.bytes(),
            probation_bytes: self.eviction.probation_bytes(),
            protected_bytes: self.eviction.protected_bytes(),
            unsettled_bytes: self.unsettled_bytes,
            pinned: self.pinned.len() as u64,
            pinned_bytes: self.pinned_bytes,
            hits: self.parts.slab.tally.hits(),
            misses: self.misses,
            evicted: self.eviction.evicted(),
        }
    }
}

/// The records of a slab as they are judged.
struct View<'s> {
    parts: &'s ShardParts,
    pinned: &'s FxHashMap<Slot, u64>,
    unsettled: &'s FxHashMap<Slot, Unsettled>,
    records: &'s mut Vec<Option<SharedRecord>>,
    evicted: Vec<SharedRecord>,
}

impl<'s> View<'s> {
    fn of(
        parts: &'s ShardParts,
        pinned: &'s FxHashMap<Slot, u64>,
        unsettled: &'s FxHashMap<Slot, Unsettled>,
        records: &'s mut Vec<Option<SharedRecord>>,
    ) -> Self {
        Self { parts, pinned, unsettled, records, evicted: Vec::new() }
    }
}

impl Judged for View<'_> {
    fn judge(&mut self, place: usize) -> Option<(Fate, u64)> {
        let record = self.records.get(place)?.as_ref()?;
        let slot = self.parts.loader.directory.slot_at(self.parts.index, place);
        let read = record.head.take_touched();
        #[cfg(test)]
        if is_planted(Bug::EvictPinned) && self.pinned.contains_key(&slot) {
            return Some((Fate::Idle, bytes_of(record)));
        }
        let fate = if self.pinned.contains_key(&slot) {
            Fate::Pinned
        } else if self.unsettled.contains_key(&slot) {
            Fate::Unsettled
        } else if read {
            Fate::Read
        } else {
            Fate::Idle
        };
        Some((fate, bytes_of(record)))
    }

    fn clear_mark(&mut self, place: usize) {
        if let Some(Some(record)) = self.records.get(place) {
            record.head.take_touched();
        }
    }

    fn evict(&mut self, place: usize) {
        self.evicted.extend(self.records.get_mut(place).and_then(Option::take));
    }
}

pub(crate) fn bytes_of(record: &Record<dyn Payload>) -> u64 {
    (RECORD_BYTES + record.payload.heap_bytes() + record.head.link_bytes()) as u64
}

/// Whether two records are one.
pub(super) fn is_same(one: &SharedRecord, other: &SharedRecord) -> bool {
    std::ptr::addr_eq(Arc::as_ptr(one), Arc::as_ptr(other))
}

/// Gives a resident record the links that a load brought; its bytes before and after.
fn grow_links(resident: &SharedRecord, loaded: &SharedRecord) -> (u64, u64) {
    let before = bytes_of(resident);
    for direction in Direction::ALL {
        if let Some(links) = loaded.head.links(direction) {
            resident.head.set_links(direction, links.clone());
        }
        if let Some(edges) = loaded.head.edges(direction) {
            resident.head.set_edges(direction, edges.clone());
        }
    }
    (before, bytes_of(resident))
}

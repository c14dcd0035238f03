//! Publishing, dropping and evicting resident records.

use std::sync::Arc;

use wayfare_graph::{Direction, Head, Payload, Record, SharedRecord, Slot, StoreError, record_with};

use super::Shard;
use crate::messages::Found;

/// Bytes that a record takes beside its payload and links: its allocation and its place in the slab.
const RECORD_BYTES: usize = 120;

impl Shard {
    /// Publishes loaded records, except where a newer one is resident: that one gets the links.
    pub(super) fn publish(&mut self, loaded: Vec<(Slot, Found)>) -> Vec<(Slot, Found)> {
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

    /// Drops records whose truth lies in the store.
    pub(super) fn forget(&mut self, slots: &[Slot]) {
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
        for &slot in slots {
            self.note_change(slot);
        }
    }

    /// Drops records with saves under way, unless they are ahead of the store: then the fields stay, and
    /// only the links go.
    pub(super) fn reconcile(&mut self, slots: &[Slot], stored: Result<Vec<(Slot, Found)>, Arc<StoreError>>) {
        let stored = stored.unwrap_or_default();
        for &slot in slots {
            let in_store = stored.iter().find(|(found, _)| *found == slot).map(|(_, found)| found);
            let place = self.directory().place_of(slot);
            let Some(resident) = self.parts.slab.get(place) else { continue };
            let ahead = match in_store {
                Some(Found::Record(record)) => record.head.version() < resident.head.version(),
                // It is gone, and the saves under way will be refused.
                _ => false,
            };
            let head = Head::new(resident.head.id.clone(), resident.head.version());
            let extra = resident.payload.extra().cloned();
            match resident.payload.body().map(|body| record_with(head, body, extra)) {
                Ok(bare) if ahead => {
                    bare.head.mark_unsettled();
                    self.reissued.push((slot, Arc::clone(&bare)));
                    let (grown, shrunk) = (bytes_of(&bare) as u64, bytes_of(&resident) as u64);
                    self.figures.bytes = (self.figures.bytes + grown).saturating_sub(shrunk);
                    self.parts.slab.write(|records| records[place] = Some(bare));
                    self.note_change(slot);
                }
                _ => self.forget(&[slot]),
            }
        }
    }

    /// Evicts what was not read since the hand passed last, until the shard is within its bound
    /// (second chance: Corbató, "A paging experiment with the Multics system", 1968).
    pub(super) fn evict_cold(&mut self) {
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

pub(super) fn bytes_of(record: &Record<dyn Payload>) -> usize {
    RECORD_BYTES + record.payload.heap_bytes() + record.head.link_bytes()
}

/// Gives a resident record the links that a load brought; returns by how much it grew.
fn link_growth(resident: &SharedRecord, loaded: &SharedRecord) -> usize {
    let before = resident.head.link_bytes();
    for direction in Direction::ALL {
        if let Some(links) = loaded.head.links(direction) {
            resident.head.set_links(direction, links.clone());
        }
        if let Some(edges) = loaded.head.edges(direction) {
            resident.head.set_edges(direction, edges.clone());
        }
    }
    resident.head.link_bytes() - before
}

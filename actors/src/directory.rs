//! The directory: which slot an id has, which id a slot, and which shard owns it.

use std::hash::BuildHasher;

use dashmap::DashMap;
use foldhash::fast::SeedableRandomState;
use wayfare_graph::{Id, Slot};

/// Translates between ids and slots. Slots are given out once and never taken back, so a slot in an
/// adjacency list or a walk's visited set means the same id for as long as the runtime lives.
///
/// A slot's low bits are its shard, the others its place in the shard's slab.
#[derive(Debug)]
pub(crate) struct Directory {
    slots: DashMap<Id, Slot, SeedableRandomState>,
    names: Box<[boxcar::Vec<Id>]>,
    shard_bits: u32,
}

impl Directory {
    /// A directory for a number of shards, which is a power of two.
    pub(crate) fn new(shards: usize) -> Self {
        #[cfg(not(test))]
        let hasher = SeedableRandomState::random();
        // A test that is repeated finds every id in the same shard.
        #[cfg(test)]
        let hasher = SeedableRandomState::fixed();
        Self {
            slots: DashMap::with_hasher(hasher),
            names: (0..shards).map(|_| boxcar::Vec::new()).collect(),
            shard_bits: shards.trailing_zeros(),
        }
    }

    /// The slot of an id; a new one where it has none.
    pub(crate) fn slot_of(&self, id: &Id) -> Slot {
        if let Some(slot) = self.slots.get(id) {
            return *slot;
        }
        *self.slots.entry(id.clone()).or_insert_with(|| {
            // Neither the lowest bits of the hash nor the highest: the map spends those on its own buckets.
            let shard = (self.hash_of(id) >> 40) as usize & (self.names.len() - 1);
            let place = self.names[shard].push(id.clone());
            let place = u32::try_from(place).ok().filter(|place| *place < u32::MAX >> self.shard_bits);
            // Four thousand million entities of 24 bytes in the map alone: memory ends first.
            let place = place.expect("fewer than 2^32 entities fit in memory");
            Slot(place << self.shard_bits | shard as u32)
        })
    }

    #[cfg(not(test))]
    fn hash_of(&self, id: &Id) -> u64 {
        self.slots.hasher().hash_one(id)
    }

    /// Of an id's text: the hash of an id knows its entity by the number that it has in this process, and a schedule that is
    /// simulated has to be the same in all.
    #[cfg(test)]
    fn hash_of(&self, id: &Id) -> u64 {
        self.slots.hasher().hash_one(id.to_string())
    }

    /// The slot of an id that has one.
    pub(crate) fn known(&self, id: &Id) -> Option<Slot> {
        self.slots.get(id).map(|slot| *slot)
    }

    /// The id of a slot that was given out.
    pub(crate) fn id_of(&self, slot: Slot) -> Option<&Id> {
        self.names[self.shard_of(slot)].get(self.place_of(slot))
    }

    /// All slots that were given out.
    pub(crate) fn slots(&self) -> impl Iterator<Item = Slot> + '_ {
        let in_shard = move |(shard, names): (usize, &boxcar::Vec<Id>)| {
            (0..names.count()).map(move |place| self.slot_at(shard, place))
        };
        self.names.iter().enumerate().flat_map(in_shard)
    }

    /// The shard that owns a slot.
    #[inline]
    pub(crate) fn shard_of(&self, slot: Slot) -> usize {
        (slot.0 & ((1 << self.shard_bits) - 1)) as usize
    }

    /// A slot's place in its shard's slab.
    #[inline]
    pub(crate) fn place_of(&self, slot: Slot) -> usize {
        (slot.0 >> self.shard_bits) as usize
    }

    /// The slot at a place in a shard's slab.
    #[inline]
    pub(crate) fn slot_at(&self, shard: usize, place: usize) -> Slot {
        Slot((place as u32) << self.shard_bits | shard as u32)
    }

    /// How many ids have a slot.
    #[cfg(test)]
    pub(crate) fn len(&self) -> usize {
        self.slots.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;

    #[test]
    fn an_id_has_one_slot_from_whatever_thread_it_is_asked() {
        let directory = Arc::new(Directory::new(4));
        let ask = |directory: &Directory| -> Vec<Slot> {
            (0..5_000).map(|n| directory.slot_of(&Id::node("City", &format!("c{n}")).unwrap())).collect()
        };
        let threads: Vec<_> = (0..4)
            .map(|_| {
                let directory = Arc::clone(&directory);
                std::thread::spawn(move || ask(&directory))
            })
            .collect();
        let answers: Vec<Vec<Slot>> = threads.into_iter().map(|thread| thread.join().unwrap()).collect();
        assert!(answers.iter().all(|answer| *answer == answers[0]));
        assert_eq!(directory.len(), 5_000);
        for (n, &slot) in answers[0].iter().enumerate() {
            assert_eq!(directory.id_of(slot).unwrap().to_string(), format!("n.City.c{n}"));
        }
        let per_shard = |shard| answers[0].iter().filter(|&&slot| directory.shard_of(slot) == shard).count();
        assert!((0..4).all(|shard| per_shard(shard) > 1_000), "ids spread over the shards");
    }
}

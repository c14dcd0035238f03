//! The layer in memory: bounded, with times to live, and never newer than what it may know.
//!
//! What is computed or read elsewhere is put in under a [`Hold`] that was taken before: the state of its key, its tags
//! and the whole layer. If any of them was invalidated since, nothing is put in.

use std::any::TypeId;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use foldhash::fast::RandomState;
use parking_lot::Mutex;
use quick_cache::sync::{Cache, DefaultLifecycle};
use quick_cache::{OptionsBuilder, Weighter};
use wayfare_graph::AnyValue;

use super::tags::{Tagged, Tags};

/// Bytes that an entry takes beside its key and its value.
const ENTRY_BYTES: u64 = 160;

/// Keys share these; a key that is deleted refuses the fills of those it shares with, which costs them a miss.
const LANES: usize = 1_024;

/// How much a memory layer holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MemoryBound {
    /// So many entries.
    Entries(u64),
    /// So many bytes of keys and encoded values, with what an entry takes beside.
    Bytes(u64),
}

/// What is kept under a key. Times are those of the layer's clock, in milliseconds.
///
/// A lookup copies it, so it is small, and counts one reference up or two.
#[derive(Debug, Clone)]
struct Entry {
    /// `None` when the value is known to be missing.
    value: Option<AnyValue>,
    /// From then on it is not plainly fresh.
    plain_until: u64,
    /// Of the encoded value.
    bytes: u32,
    /// Of the layer, when its value was begun.
    epoch: u32,
    /// `None` for a value without tags that is gone when it is not fresh.
    more: Option<Arc<More>>,
}

const _: () = assert!(size_of::<Entry>() <= 40);

/// What not every entry has.
#[derive(Debug)]
struct More {
    /// Of a missing value, which has none itself.
    type_id: TypeId,
    fresh_until: u64,
    kept_until: u64,
    /// As they were when its value was begun.
    tags: Box<[Tagged]>,
}

/// What a value depends on, as it was when it was begun.
#[derive(Debug, Clone)]
pub(super) struct Hold {
    epoch: u32,
    lane: u64,
    /// How many tags had been invalidated.
    invalidations: u64,
    tags: Box<[Tagged]>,
}

/// When the value of an entry is to be had.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Age {
    Fresh,
    /// Fresh, but worth computing anew.
    Due,
    /// Only for those who take it while it is computed anew.
    Stale,
}

/// Values to be put in.
pub(super) struct New {
    pub(super) value: Option<AnyValue>,
    pub(super) type_id: TypeId,
    pub(super) refresh_from: u64,
    pub(super) fresh_until: u64,
    pub(super) kept_until: u64,
    pub(super) bytes: u64,
}

#[derive(Debug, Clone)]
struct Weigh {
    counts_bytes: bool,
}

impl Weighter<Box<str>, Entry> for Weigh {
    fn weight(&self, key: &Box<str>, entry: &Entry) -> u64 {
        if self.counts_bytes { key.len() as u64 + u64::from(entry.bytes) + ENTRY_BYTES } else { 1 }
    }
}

/// In how many parts, each with a lock and a share of the room, so many bytes are divided: as many as threads could
/// want at once, but each has room for the largest value.
fn parts_of(bytes: u64, value_bytes: usize) -> usize {
    let wanted = std::thread::available_parallelism().map_or(4, usize::from).saturating_mul(4);
    // A part lets no entry in that takes more than 97 % of it.
    let largest = (value_bytes as u64).saturating_add(value_bytes as u64 / 16).saturating_add(1 << 10);
    let with_room = usize::try_from(bytes / largest).unwrap_or(usize::MAX).max(1);
    // It makes of others the next power of two.
    if with_room >= wanted { wanted } else { 1 << with_room.ilog2() }
}

/// The layer.
pub(super) struct Memory {
    entries: Cache<Box<str>, Entry, Weigh, RandomState>,
    bound: MemoryBound,
    pub(super) tags: Tags,
    /// Counts what made all entries out of date.
    epoch: AtomicU32,
    /// Count deletions of keys; held while an entry is put in, so that none comes between.
    lanes: Box<[Mutex<u64>]>,
    hasher: RandomState,
}

impl Memory {
    /// A layer that keeps any value of up to so many bytes, where it has that much room in all.
    pub(super) fn new(bound: MemoryBound, value_bytes: usize) -> Self {
        let (counts_bytes, weight, items) = match bound {
            MemoryBound::Entries(entries) => (false, entries, entries),
            MemoryBound::Bytes(bytes) => (true, bytes, bytes / 512),
        };
        let items = usize::try_from(items).unwrap_or(usize::MAX).clamp(1, 1 << 20);
        let mut options = OptionsBuilder::new();
        options.estimated_items_capacity(items).weight_capacity(weight);
        if counts_bytes {
            options.shards(parts_of(weight, value_bytes));
        }
        // It is only refused without a capacity.
        let options = options.build().expect("both capacities are set");
        Self {
            entries: Cache::with_options(
                options,
                Weigh { counts_bytes },
                RandomState::default(),
                DefaultLifecycle::default(),
            ),
            bound,
            tags: Tags::default(),
            epoch: AtomicU32::new(0),
            lanes: (0..LANES).map(|_| Mutex::default()).collect(),
            hasher: RandomState::default(),
        }
    }

    /// What is there of a type at a time.
    #[inline]
    pub(super) fn get(&self, key: &str, type_id: TypeId, now: u64) -> Option<(Option<AnyValue>, Age)> {
        let Entry { value, plain_until, epoch, more, .. } = self.entries.get(key)?;
        if !self.is_of(epoch) {
            return None;
        }
        let Some(more) = more else {
            let is_hit =
                now < plain_until && value.as_ref().is_some_and(|value| (**value).type_id() == type_id);
            return is_hit.then_some((value, Age::Fresh));
        };
        let found = value.as_ref().map_or(more.type_id, |value| (**value).type_id());
        if found != type_id || !more.tags.iter().all(Tagged::is_current) {
            return None;
        }
        let age = match now {
            now if now < plain_until => Age::Fresh,
            now if now < more.fresh_until => Age::Due,
            now if now < more.kept_until => Age::Stale,
            _ => return None,
        };
        Some((value, age))
    }

    /// Whether there is a value of any type, if that is known.
    pub(super) fn has(&self, key: &str, now: u64) -> Option<bool> {
        let Entry { value, plain_until, epoch, more, .. } = self.entries.get(key)?;
        let is_current = more.as_ref().is_none_or(|more| more.tags.iter().all(Tagged::is_current));
        let fresh_until = more.map_or(plain_until, |more| more.fresh_until);
        (self.is_of(epoch) && is_current && now < fresh_until).then_some(value.is_some())
    }

    /// Whether an epoch is the present one.
    #[inline]
    fn is_of(&self, epoch: u32) -> bool {
        // Acquire pairs with the Release in `clear`.
        epoch == self.epoch.load(Ordering::Acquire)
    }

    /// Takes hold of a key and tags, before their value is computed or asked for.
    pub(super) fn hold(&self, key: &str, tags: &[String]) -> Hold {
        Hold {
            epoch: self.epoch.load(Ordering::Acquire),
            lane: *self.lane(key).lock(),
            invalidations: self.tags.invalidations(),
            tags: self.held(tags),
        }
    }

    /// The same hold with tags that turned out later; `None` when one of them may have been invalidated since.
    pub(super) fn with_tags(&self, hold: Hold, tags: &[String]) -> Option<Hold> {
        if tags.is_empty() {
            return Some(hold);
        }
        // Held before they are looked for, so that none is invalidated unseen in between.
        let held = self.held(tags);
        (!self.tags.any_invalidated_since(hold.invalidations, tags)).then_some(Hold { tags: held, ..hold })
    }

    fn held(&self, tags: &[String]) -> Box<[Tagged]> {
        tags.iter().map(|tag| self.tags.hold(tag)).collect()
    }

    /// Puts a value in, unless something that is held was invalidated since.
    pub(super) fn put(&self, key: &str, new: New, hold: Hold) -> bool {
        let Hold { epoch, lane: held_lane, tags, .. } = hold;
        let lane = self.lane(key).lock();
        if *lane != held_lane || !self.is_of(epoch) || !tags.iter().all(Tagged::is_current) {
            return false;
        }
        let New { value, type_id, refresh_from, fresh_until, kept_until, bytes } = new;
        let is_plain = value.is_some() && tags.is_empty() && refresh_from == kept_until;
        let more = (!is_plain).then(|| Arc::new(More { type_id, fresh_until, kept_until, tags }));
        let bytes = u32::try_from(bytes).unwrap_or(u32::MAX);
        self.entries.insert(key.into(), Entry { value, plain_until: refresh_from, bytes, epoch, more });
        true
    }

    /// Removes a key; what is held of it may not be put in any more.
    pub(super) fn remove(&self, key: &str) {
        let mut lane = self.lane(key).lock();
        *lane += 1;
        self.entries.remove(key);
    }

    /// Removes the keys that satisfy a condition; nothing that is held may be put in any more.
    pub(super) fn remove_where(&self, is_meant: impl Fn(&str) -> bool) {
        for lane in &self.lanes {
            *lane.lock() += 1;
        }
        let meant: Vec<Box<str>> =
            self.entries.iter().map(|(key, _)| key).filter(|key| is_meant(key)).collect();
        for key in meant {
            self.entries.remove(&*key);
        }
    }

    /// Removes everything; nothing that is held may be put in any more.
    pub(super) fn clear(&self) {
        self.epoch.fetch_add(1, Ordering::Release);
        self.entries.clear();
    }

    fn lane(&self, key: &str) -> &Mutex<u64> {
        use std::hash::BuildHasher;
        let hash = self.hasher.hash_one(key);
        &self.lanes[hash as usize % LANES]
    }

    pub(super) fn len(&self) -> u64 {
        self.entries.len() as u64
    }

    /// Bytes in use, where they are counted.
    pub(super) fn bytes(&self) -> Option<u64> {
        matches!(self.bound, MemoryBound::Bytes(_)).then(|| self.entries.weight())
    }
}

//! How far the walks of a worker read ahead, in all.
//!
//! What they have asked for and not yet visited is in memory too, beside what shards keep. It may take what shards
//! leave free of the bound, shared by the workers, and in any case one batch for each worker.

use crate::engine::Engine;
use crate::hosted::Hosted;

/// One of so many parts of the memory that can be evicted is left free by shards: see `shard/eviction.rs`.
const FREE_PART: u64 = 16;

impl Engine {
    /// How many more visits may be asked for ahead.
    pub(super) fn room_ahead(&self) -> usize {
        let settings = &self.core.settings;
        let (mut records, mut bytes, mut held) = (0, 0, 0);
        for tally in self.core.slabs.iter().map(|slab| &slab.tally) {
            records += tally.records();
            bytes += tally.bytes();
            held += tally.held();
        }
        let mean_bytes = (bytes / records.max(1)).max(1);
        let free = settings.resident_bytes.saturating_sub(held) / FREE_PART;
        let share = free / mean_bytes / self.core.live.pool() as u64;
        let most = usize::try_from(share).unwrap_or(usize::MAX).max(settings.visit_batch);
        most.saturating_sub(self.read_ahead)
    }

    /// Takes account of what a walk has asked for or visited since it was counted last.
    #[inline]
    pub(super) fn count_ahead(&mut self, hosted: &mut Hosted) {
        let ahead = hosted.asked.len() as u32;
        if ahead != hosted.counted_ahead {
            let others = self.read_ahead.saturating_sub(hosted.counted_ahead as usize);
            self.read_ahead = others + ahead as usize;
            hosted.counted_ahead = ahead;
        }
    }

    /// Tells what was counted here, and the shards how many visits found their records.
    pub(super) fn tell_figures(&mut self) {
        self.tally.tell();
        for (slab, hits) in self.core.slabs.iter().zip(&mut self.hits) {
            if *hits > 0 {
                slab.tally.add_hits(std::mem::take(hits));
            }
        }
    }
}

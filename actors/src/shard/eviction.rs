//! Which resident records of a shard go first.
//!
//! A record that is loaded is on probation: it goes first unless it is asked for again. One that is goes to the
//! protected part, as does one that returns soon after it was evicted, of which a ghost is kept. So a walk over a graph
//! larger than memory passes through probation and leaves the protected part alone.
//!
//! The parts and the ghosts are those of S3-FIFO (Yang et al., "FIFO queues are all you need for cache eviction",
//! SOSP 2023): a small queue and a large one, and marks that readers set instead of moving entries. Two things are taken
//! from elsewhere. What is read right after its load does not count, as in the correlated reference period of 2Q
//! (Johnson and Shasha, VLDB 1994): marks are cleared half-way through probation. And what is loaded before memory is
//! full for the first time is protected at once, as in LIRS (Jiang and Zhang, SIGMETRICS 2002): else a walk that is
//! repeated over too large a graph would find nothing.

use std::collections::VecDeque;

/// Of 32 parts of the bound, where eviction begins. Above it is room for what walks have asked for ahead.
const LIMIT_PARTS: u64 = 30;

/// Of 32 parts of the bound, where eviction ends. The gap is so that not every load has to come here.
const GOAL_PARTS: u64 = 29;

/// Of 32 parts of the bound, what is protected at most. The rest is for records on probation: about a tenth, as in
/// S3-FIFO; with more of it Zipf reads find less.
const PROTECTED_PARTS: u64 = 27;

/// What a shard knows of one of its records when it looks for some to evict.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fate {
    /// It was asked for again.
    Read,
    /// It was not.
    Idle,
    /// It has to stay where it is: a save of it is under way.
    Unsettled,
    /// It has to stay for as long as somebody wants it to.
    Pinned,
}

/// The records that are judged.
pub(super) trait Judged {
    /// What is to become of the record at a place, and its bytes; clears its mark. `None` where there is none.
    fn judge(&mut self, place: usize) -> Option<(Fate, u64)>;

    /// Clears the mark of the record at a place.
    fn clear_mark(&mut self, place: usize);

    /// Drops the record at a place.
    fn evict(&mut self, place: usize);
}

/// One of the two parts: places in the order in which they came, and the bytes of the records that are there.
#[derive(Debug, Default)]
struct Part {
    queue: VecDeque<u32>,
    bytes: u64,
}

/// Where a place stands, in a word: in no queue, in one of the two, or evicted so many evictions after the start.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Standing(u32);

impl Standing {
    const OUT: Self = Self(0);
    const ON_PROBATION: Self = Self(1);
    const PROTECTED: Self = Self(2);
    /// Ghosts are this and above.
    const GHOSTS: u32 = 3;

    /// The ghost of a record that was the n-th to be evicted. After 2^32 of them old ghosts may look young, which
    /// protects a few records that need it not.
    fn ghost(evictions: u32) -> Self {
        Self(evictions.max(Self::GHOSTS))
    }

    fn is_ghost(self) -> bool {
        self.0 >= Self::GHOSTS
    }
}

/// The order in which the records of one shard are evicted.
#[derive(Debug, Default)]
pub(super) struct Eviction {
    /// By place in the slab. A place whose record was dropped for another reason keeps its place in the queue.
    standing: Vec<u32>,
    probation: Part,
    protected: Part,
    /// How many places at the front of probation have had their marks cleared half-way.
    tried: usize,
    /// Whether memory has been full.
    filled: bool,
    /// Records evicted, and what of them ghosts count by.
    evicted: u64,
}

impl Eviction {
    /// Bytes of records on probation.
    pub(super) fn probation_bytes(&self) -> u64 {
        self.probation.bytes
    }

    /// Bytes of protected records.
    pub(super) fn protected_bytes(&self) -> u64 {
        self.protected.bytes
    }

    /// Records evicted since the start.
    pub(super) fn evicted(&self) -> u64 {
        self.evicted
    }

    /// All bytes.
    pub(super) fn bytes(&self) -> u64 {
        self.probation.bytes + self.protected.bytes
    }

    fn standing(&self, place: usize) -> Standing {
        self.standing.get(place).map_or(Standing::OUT, |&standing| Standing(standing))
    }

    fn stand(&mut self, place: usize, standing: Standing) {
        if self.standing.len() <= place {
            self.standing.resize(place + 1, Standing::OUT.0);
        }
        self.standing[place] = standing.0;
    }

    /// Takes in the record of a place that had none; `records` are resident already.
    pub(super) fn admit(&mut self, place: usize, bytes: u64, records: u64) {
        let standing = self.standing(place);
        let queued = standing == Standing::ON_PROBATION || standing == Standing::PROTECTED;
        let protect = match standing {
            Standing::ON_PROBATION => false,
            Standing::PROTECTED => true,
            ghost => !self.filled || (ghost.is_ghost() && self.is_young(ghost, records)),
        };
        let (part, standing) = match protect {
            true => (&mut self.protected, Standing::PROTECTED),
            false => (&mut self.probation, Standing::ON_PROBATION),
        };
        part.bytes += bytes;
        if !queued {
            // A place is a slot without its shard, and fits where a slot does.
            part.queue.push_back(place as u32);
            self.stand(place, standing);
        }
    }

    /// Whether a ghost is so young that twice the memory would have kept its record. Where ghosts live longer, walks
    /// that are repeated over twice what fits push out what they would find.
    fn is_young(&self, ghost: Standing, records: u64) -> bool {
        u64::from((self.evicted as u32).wrapping_sub(ghost.0)) < records
    }

    /// Notes that the record of a place grew or shrank, or is gone when `after` is 0.
    pub(super) fn resize(&mut self, place: usize, before: u64, after: u64) {
        let part = match self.standing(place) {
            Standing::PROTECTED => &mut self.protected,
            _ => &mut self.probation,
        };
        part.bytes = (part.bytes + after).saturating_sub(before);
    }

    /// Clears the marks of records that are half-way through probation: what counts is what is read from now on.
    pub(super) fn season(&mut self, records: &mut impl Judged) {
        while self.tried < self.probation.queue.len() / 2 {
            records.clear_mark(self.probation.queue[self.tried] as usize);
            self.tried += 1;
        }
    }

    /// Evicts until the shard is within its bound, as far as records may be evicted.
    pub(super) fn evict(&mut self, bound: u64, records: &mut impl Judged) {
        if self.bytes() <= parts(bound, LIMIT_PARTS) {
            // After most of it was dropped at once, it fills up again as at the start.
            self.filled &= self.bytes() > bound / 2;
            return;
        }
        self.filled = true;
        let (goal, protected) = (parts(bound, GOAL_PARTS), parts(bound, PROTECTED_PARTS));
        // Of the protected, how many in a row had to stay. When it is all of them, they take more than their part
        // however often they are judged, and what can go is on probation.
        let mut staying = 0;
        // Two rounds clear every mark, and a third one finds what the second has moved; what is left has to stay.
        for _ in 0..3 * (self.probation.queue.len() + self.protected.queue.len()) {
            if self.bytes() <= goal {
                return;
            }
            let can_go = staying < self.protected.queue.len();
            if (self.protected.bytes > protected && can_go) || self.probation.queue.is_empty() {
                match self.judge_protected(records) {
                    Some(Fate::Pinned | Fate::Unsettled) => staying += 1,
                    _ => staying = 0,
                }
            } else {
                self.judge_probation(records);
            }
        }
    }

    /// Judges the oldest on probation.
    fn judge_probation(&mut self, records: &mut impl Judged) {
        let Some(next) = self.probation.queue.pop_front() else { return };
        self.tried = self.tried.saturating_sub(1);
        let place = next as usize;
        match records.judge(place) {
            None => self.stand(place, Standing::OUT),
            Some((Fate::Unsettled, _)) => self.probation.queue.push_back(next),
            Some((Fate::Read | Fate::Pinned, bytes)) => {
                self.probation.bytes = self.probation.bytes.saturating_sub(bytes);
                self.protected.bytes += bytes;
                self.protected.queue.push_back(next);
                self.stand(place, Standing::PROTECTED);
            }
            Some((Fate::Idle, bytes)) => {
                self.probation.bytes = self.probation.bytes.saturating_sub(bytes);
                records.evict(place);
                self.evicted += 1;
                self.stand(place, Standing::ghost(self.evicted as u32));
            }
        }
    }

    /// Judges the protected record that was judged longest ago; what was found of it, if there is one.
    fn judge_protected(&mut self, records: &mut impl Judged) -> Option<Fate> {
        let next = self.protected.queue.pop_front()?;
        let place = next as usize;
        let judged = records.judge(place);
        match judged {
            None => self.stand(place, Standing::OUT),
            Some((Fate::Read | Fate::Pinned | Fate::Unsettled, _)) => self.protected.queue.push_back(next),
            Some((Fate::Idle, bytes)) => {
                self.protected.bytes = self.protected.bytes.saturating_sub(bytes);
                records.evict(place);
                self.evicted += 1;
                // No ghost: it was given time enough to be read.
                self.stand(place, Standing::OUT);
            }
        }
        judged.map(|(fate, _)| fate)
    }
}

fn parts(bound: u64, parts: u64) -> u64 {
    bound / 32 * parts
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashMap;

    use wayfare_graph::Random;

    const BYTES: u64 = 16;

    /// Records of equal size.
    #[derive(Default)]
    struct Marks {
        marks: HashMap<usize, bool>,
        unsettled: Vec<usize>,
        pinned: Vec<usize>,
    }

    impl Judged for Marks {
        fn judge(&mut self, place: usize) -> Option<(Fate, u64)> {
            let mark = self.marks.get_mut(&place)?;
            let read = std::mem::take(mark);
            let fate = match read {
                _ if self.pinned.contains(&place) => Fate::Pinned,
                _ if self.unsettled.contains(&place) => Fate::Unsettled,
                true => Fate::Read,
                false => Fate::Idle,
            };
            Some((fate, BYTES))
        }

        fn clear_mark(&mut self, place: usize) {
            if let Some(mark) = self.marks.get_mut(&place) {
                *mark = false;
            }
        }

        fn evict(&mut self, place: usize) {
            self.marks.remove(&place);
        }
    }

    struct Cache {
        bound: u64,
        eviction: Eviction,
        records: Marks,
    }

    impl Cache {
        fn of(records: u64) -> Self {
            Self { bound: records * BYTES, eviction: Eviction::default(), records: Marks::default() }
        }

        /// Reads a record; whether it was there.
        fn read(&mut self, place: usize) -> bool {
            if let Some(mark) = self.records.marks.get_mut(&place) {
                *mark = true;
                return true;
            }
            self.eviction.admit(place, BYTES, self.records.marks.len() as u64);
            self.records.marks.insert(place, false);
            self.eviction.season(&mut self.records);
            self.eviction.evict(self.bound, &mut self.records);
            assert!(self.eviction.bytes() <= self.bound);
            assert_eq!(self.eviction.bytes(), self.records.marks.len() as u64 * BYTES);
            false
        }

        fn hits(&mut self, places: impl IntoIterator<Item = usize>) -> usize {
            places.into_iter().filter(|&place| self.read(place)).count()
        }
    }

    #[test]
    fn a_scan_leaves_what_was_read_again_where_it_is() {
        let mut cache = Cache::of(1_000);
        // Junk first, so that the hot set has to win its place.
        cache.hits(100_000..102_000);
        for _ in 0..10 {
            cache.hits(0..500);
            cache.hits(200_000..200_300);
        }
        let evicted = cache.eviction.evicted();
        assert_eq!(cache.hits(10_000..30_000), 0);
        assert!(cache.eviction.evicted() > evicted + 19_000);
        assert!(cache.hits(0..500) > 490);
    }

    #[test]
    fn what_is_read_right_after_its_load_only_is_not_protected() {
        let mut cache = Cache::of(1_000);
        cache.hits(0..2_000);
        let protected = cache.eviction.protected_bytes();
        for place in 10_000..20_000 {
            cache.read(place);
            cache.read(place);
            cache.read(place);
        }
        assert_eq!(cache.eviction.protected_bytes(), protected);
    }

    #[test]
    fn what_returns_soon_after_its_eviction_is_protected_at_once() {
        let mut cache = Cache::of(1_000);
        cache.hits(0..2_000);
        cache.hits(5_000..5_400);
        assert!(!cache.records.marks.contains_key(&5_000), "it was evicted");
        cache.read(5_000);
        assert_eq!(cache.eviction.standing(5_000), Standing::PROTECTED);
        cache.hits(10_000..20_000);
        assert!(cache.records.marks.contains_key(&5_000));
    }

    #[test]
    fn a_walk_repeated_over_twice_the_room_finds_what_was_there_first() {
        let mut cache = Cache::of(1_000);
        cache.hits(0..2_000);
        for _ in 0..20 {
            let hits = cache.hits(0..2_000);
            assert!(hits > 700, "{hits} of 2,000");
        }
    }

    #[test]
    fn what_has_to_stay_stays_and_what_is_dropped_otherwise_is_not_counted_twice() {
        let mut cache = Cache::of(1_000);
        cache.hits(0..900);
        cache.records.pinned = vec![3];
        cache.records.unsettled = vec![4];
        cache.records.marks.remove(&5);
        cache.eviction.resize(5, BYTES, 0);
        for _ in 0..4 {
            cache.hits(5_000_usize..9_000);
            // Reads of others push the protected out.
            cache.hits((5_000_usize..9_000).flat_map(|place| [place, place.saturating_sub(300)]));
        }
        assert!(cache.records.marks.contains_key(&3) && cache.records.marks.contains_key(&4));
        cache.records.pinned.clear();
        for round in 0..8 {
            cache.hits((5_000_usize..9_000).flat_map(|place| [place + round, place.saturating_sub(300)]));
        }
        assert!(!cache.records.marks.contains_key(&3), "nobody wants it any more");
        assert!(cache.eviction.probation.queue.len() + cache.eviction.protected.queue.len() <= 1_001);
    }

    #[test]
    fn when_nearly_all_has_to_stay_the_rest_is_still_bounded() {
        let mut cache = Cache::of(1_000);
        cache.hits(0..900);
        cache.records.unsettled = (0..900).collect();
        // Each read asserts the bound.
        cache.hits((5_000..8_000).flat_map(|place| [place, place]));
        assert!((0..900).all(|place| cache.records.marks.contains_key(&place)));
        cache.records.unsettled.clear();
        cache.hits(10_000..12_000);
        assert!(cache.records.marks.len() <= 1_000);
    }

    #[test]
    fn on_zipf_reads_with_scans_between_it_finds_more_than_lru() {
        let mut random = Random::new(11);
        let mut trace = Vec::new();
        for round in 0..10 {
            trace.extend((0..20_000).map(|_| zipf(&mut random, 10_000)));
            trace.extend(if round % 2 == 0 { 0..10_000 } else { 0..0 });
        }
        let mut cache = Cache::of(1_000);
        let (ours, lru) = (cache.hits(trace.iter().copied()), lru_hits(1_000, &trace));
        assert!(ours > lru * 107 / 100, "{ours} against {lru} of {}", trace.len());
    }

    /// Numbers below `n`, the k-th about as often as 1 / k.
    fn zipf(random: &mut Random, n: u64) -> usize {
        let uniform = random.below(1 << 32) as f64 / (1_u64 << 32) as f64;
        (n as f64).powf(uniform) as usize - 1
    }

    fn lru_hits(room: usize, trace: &[usize]) -> usize {
        let (mut last, mut order) = (HashMap::new(), std::collections::BTreeMap::new());
        let mut hits = 0;
        for (now, &place) in trace.iter().enumerate() {
            if let Some(before) = last.insert(place, now) {
                order.remove(&before);
                hits += 1;
            } else if order.len() == room
                && let Some((_, coldest)) = order.pop_first()
            {
                last.remove(&coldest);
            }
            order.insert(now, place);
        }
        hits
    }
}

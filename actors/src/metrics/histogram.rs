//! Distributions, in buckets whose bounds double.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use super::snapshot::{Bucket, Distribution};

/// What the buckets of a histogram reach up to.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Bounds {
    /// The upper bound of the first bucket; each further one has twice the bound of the one before.
    first: u64,
    buckets: usize,
    /// What one is, in the unit that is shown.
    one: f64,
}

impl Bounds {
    /// Times of hooks: 0.25 microseconds to 4 seconds, in nanoseconds.
    pub(crate) const HOOK: Self = Self { first: 250, buckets: 25, one: 1e-9 };
    /// Times of everything else: 16 microseconds to 67 seconds, in nanoseconds.
    pub(crate) const TIME: Self = Self { first: 16_000, buckets: 23, one: 1e-9 };
    /// Sizes of commits: 1 to 131,072 writes.
    pub(crate) const WRITES: Self = Self { first: 1, buckets: 18, one: 1.0 };
}

/// A distribution that many threads add to. All orderings are relaxed: each number stands for itself, and one that is read
/// while others are added to may be a value ahead of them.
#[derive(Debug)]
pub(crate) struct Histogram {
    bounds: Bounds,
    /// One for each bucket, and one for what is larger than all bounds.
    counts: Box<[AtomicU64]>,
    sum: AtomicU64,
}

impl Histogram {
    pub(crate) fn new(bounds: Bounds) -> Self {
        let counts = (0..=bounds.buckets).map(|_| AtomicU64::new(0)).collect();
        Self { bounds, counts, sum: AtomicU64::new(0) }
    }

    pub(crate) fn time(&self, time: Duration) {
        self.add(nanos(time), 1);
    }

    /// Counts a value so many times.
    pub(crate) fn add(&self, value: u64, times: u64) {
        // The first bucket whose bound is not below the value.
        let doublings = value.div_ceil(self.bounds.first).max(1).next_power_of_two().trailing_zeros();
        let bucket = (doublings as usize).min(self.bounds.buckets);
        self.counts[bucket].fetch_add(times, Ordering::Relaxed);
        self.sum.fetch_add(value.saturating_mul(times), Ordering::Relaxed);
    }

    pub(crate) fn told(&self) -> Distribution {
        let Bounds { first, buckets, one } = self.bounds;
        let mut count = 0;
        let mut told = Vec::with_capacity(buckets);
        for (at, counted) in self.counts.iter().enumerate() {
            count += counted.load(Ordering::Relaxed);
            if at < buckets {
                told.push(Bucket { up_to: scaled(first << at, one), count });
            }
        }
        Distribution { count, sum: scaled(self.sum.load(Ordering::Relaxed), one), buckets: told }
    }
}

/// Whole numbers divided by a power of ten, so that a bound of 16 microseconds reads 0.000016 and not its neighbour.
#[expect(clippy::cast_precision_loss, reason = "figures are shown, not reckoned with")]
fn scaled(value: u64, one: f64) -> f64 {
    value as f64 / (1.0 / one).round()
}

fn nanos(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_counted_in_every_bucket_that_reaches_up_to_it() {
        let histogram = Histogram::new(Bounds::WRITES);
        for value in [0, 1, 2, 3, 4, 5, 131_072, 131_073] {
            histogram.add(value, 1);
        }
        let told = histogram.told();
        let counts: Vec<(f64, u64)> =
            told.buckets.iter().map(|bucket| (bucket.up_to, bucket.count)).collect();
        assert_eq!(counts[..4], [(1.0, 2), (2.0, 3), (4.0, 5), (8.0, 6)]);
        assert_eq!(counts.last(), Some(&(131_072.0, 7)));
        assert_eq!((told.count, told.sum), (8, 262_160.0));
    }

    #[test]
    fn times_are_told_in_seconds_and_none_is_lost() {
        let histogram = Histogram::new(Bounds::TIME);
        histogram.time(Duration::from_micros(17));
        histogram.time(Duration::from_secs(1_000));
        let told = histogram.told();
        assert_eq!((told.buckets[0].up_to, told.buckets[0].count), (0.000_016, 0));
        assert_eq!((told.buckets[1].up_to, told.buckets[1].count), (0.000_032, 1));
        assert_eq!((told.buckets[22].count, told.count), (1, 2));
        assert!((told.sum - 1_000.000_017).abs() < 1e-9);
    }
}

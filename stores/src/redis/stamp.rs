//! Values that no two writes share, by which they are told apart.

use std::hash::{BuildHasher, RandomState};
use std::sync::atomic::{AtomicU32, Ordering};

/// How long a stamp is.
pub(super) const STAMP_BYTES: usize = 12;

/// A value that no other write has.
pub(super) type Stamp = [u8; STAMP_BYTES];

/// Makes stamps: eight random bytes for the cache, and a count.
#[derive(Debug)]
pub(super) struct Stamps {
    origin: u64,
    /// Comes to the same number again after four billion writes, when no ticket of the first is good any more.
    next: AtomicU32,
}

impl Stamps {
    pub(super) fn new() -> Self {
        Self { origin: random(), next: AtomicU32::new(0) }
    }

    pub(super) fn next(&self) -> Stamp {
        // Relaxed: only that the numbers differ matters.
        let count = self.next.fetch_add(1, Ordering::Relaxed);
        let mut stamp = [0; STAMP_BYTES];
        stamp[..8].copy_from_slice(&self.origin.to_be_bytes());
        stamp[8..].copy_from_slice(&count.to_be_bytes());
        stamp
    }
}

/// A random number: keys of hashers are random and counted on.
fn random() -> u64 {
    RandomState::new().hash_one(0)
}

/// A random number from 0 to 1.
pub(super) fn fraction() -> f64 {
    (random() >> 11) as f64 / (1_u64 << 53) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stamps_differ_within_a_cache_and_between_caches() {
        let (one, other) = (Stamps::new(), Stamps::new());
        let mut stamps = vec![one.next(), one.next(), other.next(), other.next()];
        stamps.sort_unstable();
        stamps.dedup();
        assert_eq!(stamps.len(), 4);
    }
}

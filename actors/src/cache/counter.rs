//! Counters that many threads count up at once.

use std::cell::Cell;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

const STRIPES: usize = 16;

/// A part of a counter with a line of the processor's cache to itself, or pairs of them, which are fetched together.
#[derive(Debug, Default)]
#[repr(align(128))]
struct Stripe(AtomicU64);

/// A counter in parts: a thread always counts on the same one.
#[derive(Debug, Default)]
pub(super) struct Counter([Stripe; STRIPES]);

impl Counter {
    #[inline]
    pub(super) fn add(&self, by: u64) {
        // Nothing hangs on the order of counts.
        self.0[own_stripe()].0.fetch_add(by, Ordering::Relaxed);
    }

    pub(super) fn get(&self) -> u64 {
        self.0.iter().map(|stripe| stripe.0.load(Ordering::Relaxed)).sum()
    }
}

#[inline]
fn own_stripe() -> usize {
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    thread_local!(static OWN: Cell<usize> = const { Cell::new(usize::MAX) });
    // A thread that is ending counts on the first.
    OWN.try_with(|own| {
        if own.get() == usize::MAX {
            own.set(NEXT.fetch_add(1, Ordering::Relaxed) % STRIPES);
        }
        own.get()
    })
    .unwrap_or_default()
}

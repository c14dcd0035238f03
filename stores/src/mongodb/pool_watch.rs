//! Figures of the driver's pools of connections, added up from its events.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use mongodb::event::cmap::CmapEvent;
use mongodb::options::ServerAddress;
use parking_lot::Mutex;
use wayfare_graph::PoolFigures;

/// Counts what happens to connections.
///
/// The counters are read one after another while others count on, so they agree only when nothing happens: relaxed
/// order is enough.
#[derive(Debug, Default)]
pub(super) struct PoolWatch {
    created: AtomicU64,
    closed: AtomicU64,
    asked: AtomicU64,
    given: AtomicU64,
    refused: AtomicU64,
    returned: AtomicU64,
    waited_us: AtomicU64,
    retries: AtomicU64,
    /// Counts on whenever another server may answer than before.
    epoch: AtomicU64,
    /// The server that was last talked to.
    last: Mutex<Option<ServerAddress>>,
}

impl PoolWatch {
    pub(super) fn heed(&self, event: &CmapEvent) {
        match event {
            CmapEvent::PoolCleared(_) => self.moved(),
            // Told before the command is sent.
            CmapEvent::ConnectionCheckedOut(event) => self.talked_to(&event.address),
            _ => {}
        }
        let (counter, waited) = match event {
            CmapEvent::ConnectionCreated(_) => (&self.created, None),
            CmapEvent::ConnectionClosed(_) => (&self.closed, None),
            CmapEvent::ConnectionCheckoutStarted(_) => (&self.asked, None),
            CmapEvent::ConnectionCheckoutFailed(event) => (&self.refused, Some(event.duration)),
            CmapEvent::ConnectionCheckedOut(event) => (&self.given, Some(event.duration)),
            CmapEvent::ConnectionCheckedIn(_) => (&self.returned, None),
            _ => return,
        };
        counter.fetch_add(1, Ordering::Relaxed);
        if let Some(waited) = waited {
            let waited_us = u64::try_from(waited.as_micros()).unwrap_or(u64::MAX);
            self.waited_us.fetch_add(waited_us, Ordering::Relaxed);
        }
    }

    fn talked_to(&self, address: &ServerAddress) {
        let mut last = self.last.lock();
        if last.as_ref() != Some(address) {
            *last = Some(address.clone());
            self.moved();
        }
    }

    /// Another server may answer from now on, or the same one after an election.
    pub(super) fn moved(&self) {
        // Read again after an answer, which comes after this by the channels that carry it.
        self.epoch.fetch_add(1, Ordering::SeqCst);
    }

    /// Counts how often another server may have begun to answer.
    pub(super) fn epoch(&self) -> u64 {
        self.epoch.load(Ordering::SeqCst)
    }

    pub(super) fn retried(&self) {
        self.retries.fetch_add(1, Ordering::Relaxed);
    }

    /// The figures, without what is a setting.
    pub(super) fn figures(&self) -> PoolFigures {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        // What is taken away is read first, so that no difference is below what it was at some moment.
        let (returned, closed) = (read(&self.returned), read(&self.closed));
        let (given, refused) = (read(&self.given), read(&self.refused));
        let small = |count: u64| u32::try_from(count).unwrap_or(u32::MAX);
        let mut figures = PoolFigures::default();
        figures.created = read(&self.created);
        figures.closed = closed;
        figures.checkouts = given;
        figures.waited = Duration::from_micros(read(&self.waited_us));
        figures.waiting = small(read(&self.asked).saturating_sub(given + refused));
        figures.in_use = small(given.saturating_sub(returned));
        figures.idle = small(figures.created.saturating_sub(closed + u64::from(figures.in_use)));
        figures.retries = read(&self.retries);
        figures
    }
}

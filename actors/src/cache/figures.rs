//! What a cache holds and did, layer by layer.

use serde::Serialize;
use wayfare_graph::{RemoteCache, RemoteError};

use super::counter::Counter;
use super::memory::Memory;

/// What a cache holds and did since it was made.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct CacheFigures {
    /// The layer in memory; `None` where there is none.
    pub memory: Option<MemoryFigures>,
    /// The remote layer; `None` where there is none.
    pub remote: Option<RemoteFigures>,
    /// Values that somebody had to compute.
    pub computed: u64,
    /// Times that somebody waited for a value that another was computing.
    pub waited: u64,
    /// Values that were computed anew in the background.
    pub refreshes: u64,
    /// Computed values that were not kept, because something they depend on had changed.
    pub fills_refused: u64,
    /// Values that were too large to be kept.
    pub too_large: u64,
}

/// What the layer in memory holds and did.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct MemoryFigures {
    /// Entries, those among them that are out of date and not yet gone.
    pub entries: u64,
    /// Bytes, where the layer is bounded by them.
    pub bytes: Option<u64>,
    /// Lookups that found something.
    pub hits: u64,
    /// Lookups that did not.
    pub misses: u64,
}

/// What the remote layer did.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct RemoteFigures {
    /// Where it is, without secrets.
    pub url: String,
    /// Lookups that found something of use.
    pub hits: u64,
    /// Lookups that did not.
    pub misses: u64,
    /// Calls that failed, those among them that were not tried because it is known to be away.
    pub errors: u64,
    /// How often the connection was lost.
    pub lost: u64,
    /// Keys and tags that other processes invalidated.
    pub invalidated_by_others: u64,
    /// Invalidations that wait to be delivered.
    pub undelivered: u64,
}

/// The counters behind the figures.
#[derive(Debug, Default)]
pub(super) struct Counts {
    pub(super) memory_hits: Counter,
    pub(super) memory_misses: Counter,
    pub(super) remote_hits: Counter,
    pub(super) remote_misses: Counter,
    pub(super) remote_errors: Counter,
    pub(super) lost: Counter,
    pub(super) invalidated_by_others: Counter,
    pub(super) computed: Counter,
    pub(super) waited: Counter,
    pub(super) refreshes: Counter,
    pub(super) fills_refused: Counter,
    pub(super) too_large: Counter,
}

impl Counts {
    pub(super) fn remote_failed(&self, error: &RemoteError) {
        self.remote_errors.add(1);
        // What is away is told once, by who keeps the connection.
        if !matches!(error, RemoteError::Away { .. }) {
            tracing::warn!(%error, "the remote layer of the cache is done without");
        }
    }

    pub(super) fn figures(
        &self,
        memory: Option<&Memory>,
        remote: Option<&dyn RemoteCache>,
        undelivered: usize,
    ) -> CacheFigures {
        CacheFigures {
            memory: memory.map(|memory| MemoryFigures {
                entries: memory.len(),
                bytes: memory.bytes(),
                hits: self.memory_hits.get(),
                misses: self.memory_misses.get(),
            }),
            remote: remote.map(|remote| RemoteFigures {
                url: remote.describe(),
                hits: self.remote_hits.get(),
                misses: self.remote_misses.get(),
                errors: self.remote_errors.get(),
                lost: self.lost.get(),
                invalidated_by_others: self.invalidated_by_others.get(),
                undelivered: undelivered as u64,
            }),
            computed: self.computed.get(),
            waited: self.waited.get(),
            refreshes: self.refreshes.get(),
            fills_refused: self.fills_refused.get(),
            too_large: self.too_large.get(),
        }
    }
}

//! A turn to compute a value, and what becomes of the value.

use std::sync::Arc;
use std::time::Duration;

use wayfare_graph::{
    AnyValue, Begun, CacheError, CacheFuture, CacheType, Filling, RemotePut, Ticket, Wanted,
};

use super::flights::Flight;
use super::memory::{Hold, New};
use super::{LayeredCache, form, millis};

/// What became of a fill of the remote layer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Filled {
    Kept,
    /// Something that it depends on has changed.
    Refused,
    /// The remote layer does not answer.
    Away,
}

/// The turn. Others who want the key wait until it is given back or dropped.
pub(super) struct Turn {
    cache: Arc<LayeredCache>,
    wanted: Wanted,
    tags: Vec<String>,
    hold: Option<Hold>,
    ticket: Option<Ticket>,
    _flight: Flight,
}

/// A value that is ready to be kept.
pub(super) struct Encoded {
    /// Of the value alone.
    pub(super) bytes: Vec<u8>,
}

impl Turn {
    pub(super) fn begin(
        cache: Arc<LayeredCache>,
        wanted: Wanted,
        tags: Vec<String>,
        hold: Option<Hold>,
        ticket: Option<Ticket>,
        flight: Flight,
    ) -> Begun {
        cache.counts.computed.add(1);
        Begun::Fill(Box::new(Self { cache, wanted, tags, hold, ticket, _flight: flight }))
    }

    async fn keep(self, value: Option<AnyValue>) -> Result<(), CacheError> {
        let Self { cache, wanted, tags, hold, ticket, _flight } = self;
        let (ttl, stale_for) = match (&value, wanted.absent_ttl) {
            (Some(_), _) => (wanted.ttl, wanted.stale_for),
            (None, Some(absent_ttl)) => (absent_ttl, Duration::ZERO),
            (None, None) => return Ok(()),
        };
        let encoded = match cache.encode(&wanted.key, &wanted.value_type, value.as_ref()) {
            // It was computed, so it is given out.
            Err(error @ CacheError::TooLarge { .. }) => {
                tracing::warn!(%error, "a value is computed anew each time");
                return Ok(());
            }
            encoded => encoded?,
        };
        let filled = match (&cache.remote, ticket) {
            (None, _) => Filled::Kept,
            (Some(_), None) => Filled::Away,
            (Some(_), Some(ticket)) => {
                let bytes = encoded.as_ref().map(|encoded| encoded.bytes.as_slice());
                let put = RemotePut {
                    key: wanted.key.clone(),
                    value: form::encode(&wanted.value_type, bytes, stale_for),
                    ttl: ttl + stale_for,
                    tags,
                };
                cache.home().fill(put, ticket).await
            }
        };
        match filled {
            Filled::Kept => {}
            Filled::Refused => {
                cache.counts.fills_refused.add(1);
                return Ok(());
            }
            Filled::Away if cache.may_hold_alone() => {}
            Filled::Away => return Ok(()),
        }
        if let (Some(memory), Some(hold)) = (&cache.memory, hold) {
            let new =
                cache.new_entry(&wanted.value_type, value, ttl, stale_for, wanted.refresh_before, &encoded);
            if !memory.put(&wanted.key, new, hold) {
                cache.counts.fills_refused.add(1);
            }
        }
        Ok(())
    }
}

impl Filling for Turn {
    fn finish(self: Box<Self>, value: Option<AnyValue>) -> CacheFuture<'static, ()> {
        Box::pin(self.keep(value))
    }
}

impl LayeredCache {
    /// A value in the form in which it is kept; `None` for a missing one.
    pub(super) fn encode(
        &self,
        key: &str,
        value_type: &CacheType,
        value: Option<&AnyValue>,
    ) -> Result<Option<Encoded>, CacheError> {
        let Some(value) = value else { return Ok(None) };
        let refused = |reason| CacheError::Encode { key: key.to_owned(), reason };
        let bytes = value_type.encode(value).map_err(refused)?;
        if bytes.len() > self.value_bytes {
            self.counts.too_large.add(1);
            let (key, max) = (key.to_owned(), self.value_bytes);
            return Err(CacheError::TooLarge { key, bytes: bytes.len(), max });
        }
        Ok(Some(Encoded { bytes }))
    }

    /// An entry for memory, from now on.
    pub(super) fn new_entry(
        &self,
        value_type: &CacheType,
        value: Option<AnyValue>,
        ttl: Duration,
        stale_for: Duration,
        refresh_before: Duration,
        encoded: &Option<Encoded>,
    ) -> New {
        let fresh_until = self.now().saturating_add(millis(ttl));
        New {
            value,
            type_id: value_type.type_id(),
            refresh_from: fresh_until.saturating_sub(millis(refresh_before)),
            fresh_until,
            kept_until: fresh_until.saturating_add(millis(stale_for)),
            bytes: encoded.as_ref().map_or(0, |encoded| encoded.bytes.len() as u64),
        }
    }
}

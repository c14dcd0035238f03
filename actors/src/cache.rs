//! The layered cache of results: a layer in memory, a remote one that processes share, or both.
//!
//! A hit in memory is a lookup and no message. What has to reach the remote layer goes through the cache actor: fills,
//! invalidations, and what is computed anew in the background.

mod actor;
mod clock;
mod counter;
mod figures;
mod flights;
mod form;
#[cfg(any(test, fuzzing))]
pub(crate) mod fuzzing;
mod memory;
mod outbox;
mod tags;
#[cfg(test)]
mod tests;
mod turn;
mod writes;

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock, Weak};
use std::time::Duration;

use parking_lot::RwLock;
use rustc_hash::FxHashMap;
use tracing::Instrument;
use wayfare_graph::{
    AnyValue, Begun, CacheError, CacheFuture, CacheType, Clock, EntityKey, LookUp, RemoteCache, RemoteChange,
    RemoteEntry, ResultCache, Ticket, Wanted, check_cache_key, entity_tag,
};

use self::actor::Home;
pub use self::actor::Recompute;
pub use self::clock::TickingClock;
use self::figures::Counts;
pub use self::figures::{CacheFigures, MemoryFigures, RemoteFigures};
use self::flights::{Flight, Flights};
pub use self::memory::MemoryBound;
use self::memory::{Age, Hold, Memory, New};
use self::outbox::Outbox;
use self::turn::Turn;
use crate::metrics::Mailbox;
use crate::supervision::{ActorEnd, ActorKind, RestartPolicy, Supervision};
use crate::trace;

/// What a cache is made of.
#[derive(Debug, Clone)]
pub struct CacheParts {
    /// How much the layer in memory holds; `None` for none.
    pub memory: Option<MemoryBound>,
    /// The remote layer.
    pub remote: Option<Arc<dyn RemoteCache>>,
    /// Largest value, encoded, in bytes.
    pub value_bytes: usize,
    /// The time by which entries live; it must not go backwards.
    pub clock: Arc<dyn Clock>,
}

/// The layers. Dropping it ends its actor and its connection.
pub struct LayeredCache {
    me: Weak<Self>,
    memory: Option<Memory>,
    remote: Option<Arc<dyn RemoteCache>>,
    value_bytes: usize,
    clock: Arc<dyn Clock>,
    flights: Arc<Flights>,
    outbox: Outbox,
    /// Whether the remote layer tells of changes.
    hears: AtomicBool,
    home: Home,
    /// Told when the actor ends.
    supervision: OnceLock<Arc<Supervision>>,
    counts: Counts,
    mailbox: Arc<Mailbox>,
    entity_tags: RwLock<FxHashMap<EntityKey, Arc<str>>>,
}

/// A remote entry that can be used.
struct Usable {
    value: Option<AnyValue>,
    age: Age,
}

impl LayeredCache {
    /// Puts layers together.
    ///
    /// # Errors
    /// [`CacheError::Layers`] when there are none, or one holds nothing.
    pub fn new(parts: CacheParts) -> Result<Arc<Self>, CacheError> {
        let CacheParts { memory, remote, value_bytes, clock } = parts;
        let refused = |reason: &str| Err(CacheError::Layers { reason: reason.to_owned() });
        if memory.is_none() && remote.is_none() {
            return refused("a cache has at least one layer: give it one in memory, a remote one, or both");
        }
        if matches!(memory, Some(MemoryBound::Entries(0) | MemoryBound::Bytes(0))) {
            return refused("a layer in memory holds at least one entry");
        }
        let mailbox: Arc<Mailbox> = Arc::default();
        let cache = Arc::new_cyclic(|me| Self {
            me: Weak::clone(me),
            memory: memory.map(|bound| Memory::new(bound, value_bytes)),
            remote,
            value_bytes,
            clock,
            flights: Arc::default(),
            outbox: Outbox::default(),
            hears: AtomicBool::new(false),
            home: Home::new(Weak::clone(me), Arc::clone(&mailbox)),
            supervision: OnceLock::new(),
            counts: Counts::default(),
            mailbox,
            entity_tags: RwLock::default(),
        });
        if let Some(remote) = &cache.remote {
            let listening = Arc::downgrade(&cache);
            remote.listen(Arc::new(move |change| {
                if let Some(cache) = listening.upgrade() {
                    cache.changed_remotely(change);
                }
            }));
        }
        Ok(cache)
    }

    fn now(&self) -> u64 {
        self.clock.now_ms()
    }

    /// The value that the remote layer has of a key, for who has looked into memory: `Some(None)` when it is known to
    /// be missing.
    ///
    /// # Errors
    /// [`CacheError::Key`]. A remote layer that is away is as good as one that has nothing.
    pub async fn get_remotely(
        &self,
        key: &str,
        value_type: &CacheType,
    ) -> Result<Option<Option<AnyValue>>, CacheError> {
        check_cache_key(key)?;
        Ok(self.look_up_remotely(&[key], value_type).await.pop().flatten())
    }

    /// The values of keys, in order, in one round trip to the remote layer at most.
    ///
    /// # Errors
    /// [`CacheError::Key`].
    pub async fn get_many(
        &self,
        keys: &[&str],
        value_type: &CacheType,
    ) -> Result<Vec<Option<Option<AnyValue>>>, CacheError> {
        keys.iter().try_for_each(|key| check_cache_key(key))?;
        let mut values: Vec<_> = keys.iter().map(|key| self.hit(key, value_type)).collect();
        let missing: Vec<usize> = (0..keys.len()).filter(|&at| values[at].is_none()).collect();
        let wanted: Vec<&str> = missing.iter().map(|&at| keys[at]).collect();
        for (at, found) in missing.into_iter().zip(self.look_up_remotely(&wanted, value_type).await) {
            values[at] = found;
        }
        Ok(values)
    }

    /// What the remote layer has of some keys that is fresh; it is in memory then too.
    async fn look_up_remotely(&self, keys: &[&str], value_type: &CacheType) -> Vec<Option<Option<AnyValue>>> {
        let nothing = || keys.iter().map(|_| None).collect();
        let Some(remote) = self.remote.as_ref().filter(|_| !keys.is_empty()) else { return nothing() };
        let holds: Vec<Option<Hold>> =
            keys.iter().map(|key| self.memory.as_ref().map(|memory| memory.hold(key, &[]))).collect();
        let span = trace::child(|| tracing::info_span!("cache", call = "peek"));
        let entries = match remote.peek(keys).instrument(span).await {
            Ok(entries) => entries,
            Err(error) => {
                self.counts.remote_failed(&error);
                return nothing();
            }
        };
        let usable = keys.iter().zip(entries).zip(holds).map(|((key, entry), hold)| {
            let Some(entry) = entry else {
                self.counts.remote_misses.add(1);
                return None;
            };
            let usable = self.promote(key, value_type, entry, hold, Duration::ZERO)?;
            (usable.age != Age::Stale).then_some(usable.value)
        });
        usable.collect()
    }

    /// Takes over what the remote layer holds, if it can be believed and is of the type.
    fn promote(
        &self,
        key: &str,
        value_type: &CacheType,
        entry: RemoteEntry,
        hold: Option<Hold>,
        refresh_before: Duration,
    ) -> Option<Usable> {
        if self.outbox.concerns(key, &entry.tags) {
            self.counts.remote_misses.add(1);
            return None;
        }
        let Some(read) = form::decode(value_type, &entry.value) else {
            self.counts.remote_misses.add(1);
            return None;
        };
        let now = self.now();
        let kept_until = now.saturating_add(millis(entry.left));
        let fresh_until = kept_until.saturating_sub(millis(read.stale_for));
        let refresh_from = fresh_until.saturating_sub(millis(refresh_before));
        let age = match now {
            now if now < refresh_from => Age::Fresh,
            now if now < fresh_until => Age::Due,
            _ => Age::Stale,
        };
        if let (Some(memory), Some(hold)) = (&self.memory, hold) {
            let Some(hold) = memory.with_tags(hold, &entry.tags) else {
                self.counts.remote_misses.add(1);
                return None;
            };
            let (value, type_id) = (read.value.clone(), value_type.type_id());
            let new = New { value, type_id, refresh_from, fresh_until, kept_until, bytes: read.bytes };
            memory.put(key, new, hold);
        }
        self.counts.remote_hits.add(1);
        Some(Usable { value: read.value, age })
    }

    /// What memory has for a request, as far as it may be used for it.
    fn in_memory(&self, wanted: &Wanted) -> Option<Begun> {
        let memory = self.memory.as_ref()?;
        let (value, age) = memory.get(&wanted.key, wanted.value_type.type_id(), self.now())?;
        self.begun(wanted, value, age)
    }

    fn begun(&self, wanted: &Wanted, value: Option<AnyValue>, age: Age) -> Option<Begun> {
        match age {
            Age::Fresh => Some(Begun::Hit(value)),
            Age::Due if wanted.refresh_before.is_zero() => Some(Begun::Hit(value)),
            Age::Due => Some(Begun::Stale(value)),
            // Who does not say so does not take what is out of date.
            Age::Stale => (!wanted.stale_for.is_zero()).then_some(Begun::Stale(value)),
        }
    }

    async fn begin_arc(self: Arc<Self>, wanted: Wanted) -> Result<Begun, CacheError> {
        wanted.check()?;
        if let Some(begun) = self.in_memory(&wanted) {
            self.counts.memory_hits.add(1);
            return Ok(begun);
        }
        self.counts.memory_misses.add(1);
        let flight = self.flights.turn(&wanted.key).await;
        // Whoever had the turn before may have done it.
        if let Some(begun) = self.in_memory(&wanted) {
            self.counts.waited.add(1);
            return Ok(begun);
        }
        Ok(self.begin_with(wanted, flight, false).await)
    }

    /// Goes on with the turn at a key: to the remote layer, and back with its value or the turn to compute it.
    async fn begin_with(self: Arc<Self>, wanted: Wanted, flight: Flight, fresh_only: bool) -> Begun {
        let tags = wanted.all_tags();
        let hold = self.memory.as_ref().map(|memory| memory.hold(&wanted.key, &tags));
        let mut ticket: Option<Ticket> = None;
        if let Some(remote) = &self.remote {
            let asked = [LookUp { key: wanted.key.clone(), tags: tags.clone() }];
            let span = trace::child(|| tracing::info_span!("cache", call = "look_up"));
            match remote.look_up(&asked).instrument(span).await {
                Ok(looked_up) => {
                    let Some(looked_up) = looked_up.into_iter().next() else {
                        return Turn::begin(self, wanted, tags, hold, ticket, flight);
                    };
                    ticket = Some(looked_up.ticket);
                    let usable = looked_up.entry.and_then(|entry| {
                        self.promote(
                            &wanted.key,
                            &wanted.value_type,
                            entry,
                            hold.clone(),
                            wanted.refresh_before,
                        )
                    });
                    if let Some(usable) = usable
                        && (usable.age == Age::Fresh || !fresh_only)
                        && let Some(begun) = self.begun(&wanted, usable.value, usable.age)
                    {
                        return begun;
                    }
                }
                Err(error) => self.counts.remote_failed(&error),
            }
        }
        Turn::begin(self, wanted, tags, hold, ticket, flight)
    }

    /// Computes a value in the background, unless that is being done already.
    pub fn refresh(&self, wanted: Wanted, recompute: Recompute) {
        let Some(cache) = self.me.upgrade() else { return };
        let Some(flight) = self.flights.try_turn(&wanted.key) else { return };
        self.counts.refreshes.add(1);
        self.home().refresh(Box::pin(async move {
            let filling = match cache.begin_with(wanted, flight, true).await {
                Begun::Fill(filling) => filling,
                // Another process has done it.
                Begun::Hit(_) | Begun::Stale(_) => return,
            };
            if let Some(value) = recompute().await
                && let Err(error) = filling.finish(value).await
            {
                tracing::warn!(%error, "what was computed anew is not kept");
            }
        }));
    }

    /// What others did to the remote layer. Called in the order in which it happened.
    fn changed_remotely(&self, change: &RemoteChange) {
        // Before memory is emptied: what goes by how it was before is refused then.
        match change {
            RemoteChange::Back => self.hears.store(true, Ordering::SeqCst),
            RemoteChange::Lost => self.hears.store(false, Ordering::SeqCst),
            _ => {}
        }
        if let Some(memory) = &self.memory {
            match change {
                RemoteChange::Key(key) => memory.remove(key),
                RemoteChange::Tag(tag) => memory.tags.invalidate(tag),
                // What is missed from now on, or was missed until now, may concern anything.
                RemoteChange::Everything | RemoteChange::Lost | RemoteChange::Back => memory.clear(),
                _ => memory.clear(),
            }
        }
        match change {
            RemoteChange::Lost => self.counts.lost.add(1),
            RemoteChange::Back => {
                self.outbox.unblock();
                if self.outbox.len() > 0 {
                    self.home().deliver();
                }
            }
            _ => self.counts.invalidated_by_others.add(1),
        }
    }

    /// Whether memory may hold what the remote layer does not have.
    ///
    /// While there is a connection it may not: whoever deletes the key would not be told here. Without one it may, until
    /// the connection is back.
    fn may_hold_alone(&self) -> bool {
        self.remote.is_none() || !self.hears.load(Ordering::SeqCst)
    }

    /// The mailbox of its actor, for the figures of a runtime.
    pub(crate) fn mailbox(&self) -> Arc<Mailbox> {
        Arc::clone(&self.mailbox)
    }

    fn home(&self) -> &Home {
        &self.home
    }

    /// Has a runtime told when the actor ends.
    pub(crate) fn supervised_by(&self, supervision: &Arc<Supervision>) {
        let _ = self.supervision.set(Arc::clone(supervision));
    }

    /// Notes that the actor has ended; how long to wait before it goes on.
    fn actor_ended(&self, end: ActorEnd) -> Duration {
        match self.supervision.get() {
            Some(supervision) => supervision.ended(ActorKind::Cache, 0, end),
            None => {
                tracing::error!(%end, "the actor of a cache ended");
                RestartPolicy::default().max_backoff
            }
        }
    }

    /// The name of the tag of an entity type.
    fn tag_of(&self, entity: EntityKey) -> Arc<str> {
        if let Some(tag) = self.entity_tags.read().get(&entity) {
            return Arc::clone(tag);
        }
        let tag: Arc<str> = entity_tag(entity).into();
        Arc::clone(self.entity_tags.write().entry(entity).or_insert(tag))
    }

    /// What the layers hold and did.
    #[must_use]
    pub fn figures(&self) -> CacheFigures {
        self.counts.figures(self.memory.as_ref(), self.remote.as_deref(), self.outbox.len())
    }

    /// Whether all layers answer.
    ///
    /// # Errors
    /// [`CacheError::Remote`].
    pub async fn health(&self) -> Result<(), CacheError> {
        match &self.remote {
            Some(remote) => Ok(remote.health().await?),
            None => Ok(()),
        }
    }
}

impl ResultCache for LayeredCache {
    #[inline]
    fn hit(&self, key: &str, value_type: &CacheType) -> Option<Option<AnyValue>> {
        let memory = self.memory.as_ref()?;
        let found = memory.get(key, value_type.type_id(), self.now());
        match found {
            Some((value, age)) if age != Age::Stale => {
                self.counts.memory_hits.add(1);
                Some(value)
            }
            _ => {
                self.counts.memory_misses.add(1);
                None
            }
        }
    }

    fn begin(&self, wanted: Wanted) -> CacheFuture<'_, Begun> {
        let me = Weak::clone(&self.me);
        Box::pin(async move { me.upgrade().ok_or(CacheError::Closed)?.begin_arc(wanted).await })
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

impl std::fmt::Debug for LayeredCache {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let remote = self.remote.as_ref().map(|remote| remote.describe());
        f.debug_struct("LayeredCache").field("remote", &remote).finish_non_exhaustive()
    }
}

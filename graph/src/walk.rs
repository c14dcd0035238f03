//! What a hook sees of its walk, and what it asks of it.

mod expand;
mod history;
mod queue;
mod results;
mod runtime_side;
mod writing;

use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

pub use self::runtime_side::WalkSetup;

use crate::cache::{AnyValue, Begun, CacheError, CacheType, Wanted};
use crate::child::Child;
use crate::document::Document;
use crate::event::{Event, EventSource, Published};
use crate::frontier::{Frontier, Position};
use crate::id::{Id, Kind};
use crate::need::Need;
use crate::neighbours::Neighbours;
use crate::profile_detail::ProfileDetail;
use crate::record::Slot;
use crate::target::Request;
use crate::trail::Footprints;
use crate::walk_error::WalkError;
use crate::walk_services::WalkServices;
use crate::walker::Walker;
use crate::write_buffer::WriteBuffer;

/// The walk as its hooks see it.
///
/// What a hook asks of the queue and of the graph is done in order when all hooks of the visit have
/// returned, so a hook that fails has asked for nothing.
pub struct Walk {
    position: Position,
    frontier: Frontier,
    requests: Vec<Request>,
    report: Vec<Value>,
    outbox: Vec<Value>,
    result_bytes: u64,
    result_limit: u64,
    queue_limit: u64,
    /// Why the walk has to end, whatever its hook makes of the error it was given.
    fault: Option<Box<WalkError>>,
    walker: &'static str,
    number: u64,
    services: Arc<dyn WalkServices>,
    listened: bool,
    /// Whether neighbours are followed by their edges, because the walk has to know them.
    by_edges: bool,
    /// Whether no edge is crossed twice.
    crosses_once: bool,
    paused: bool,
    /// Whether a hook asked for something that makes what was fetched ahead worthless.
    edited: bool,
    /// Whether the visit is of an edge.
    at_edge: bool,
    rare: Option<Box<Rare>>,
}

/// What few walks have.
#[derive(Default)]
struct Rare {
    trail: Option<Footprints>,
    writes: WriteBuffer,
    detail: Option<ProfileDetail>,
    /// The visits of the chunk whose hook runs.
    chunk: Vec<Position>,
    needed: Need,
}

impl Walk {
    /// Steps from the start, which is 0. An edge is as far as the node it leads to.
    #[must_use]
    #[inline]
    pub fn depth(&self) -> u32 {
        self.position.depth
    }

    /// The cost at which this node was queued with [`visit_at`](Self::visit_at) or
    /// [`Neighbours::at_cost`], 0 for a start.
    #[must_use]
    pub fn cost(&self) -> f64 {
        self.position.cost
    }

    /// The address of the node or edge whose hook sent the walk here, `None` at the start.
    #[must_use]
    pub fn from_slot(&self) -> Option<Slot> {
        (self.position.depth > 0).then_some(self.position.from)
    }

    /// The node or edge whose hook sent the walk here, `None` at the start.
    #[must_use]
    pub fn from(&self) -> Option<Id> {
        self.from_slot().and_then(|slot| self.id_of(slot))
    }

    /// The edge that led here, where the walk knows it: it visited the edge, keeps a trail, or visits no
    /// edge twice.
    #[must_use]
    pub fn edge(&self) -> Option<Id> {
        self.edge_before().and_then(|slot| self.id_of(slot))
    }

    /// The edge that led here: one that was crossed, or visited just before.
    fn edge_before(&self) -> Option<Slot> {
        let visited = || self.from_slot().filter(|&slot| self.is_edge(slot));
        self.position.via.filter(|&via| via != self.position.slot).or_else(visited)
    }

    fn is_edge(&self, slot: Slot) -> bool {
        self.services.id_of(slot).is_some_and(|id| id.kind() == Kind::Edge)
    }

    /// The number of the walk, unique in its runtime.
    #[must_use]
    pub fn number(&self) -> u64 {
        self.number
    }

    /// The id behind an address.
    #[must_use]
    pub fn id_of(&self, slot: Slot) -> Option<Id> {
        self.services.id_of(slot)
    }

    /// The address of an id, whether or not there is such an entity.
    #[must_use]
    pub fn slot_of(&self, id: &Id) -> Slot {
        self.services.slot_of(id)
    }

    /// Stops the walk after this visit, until it is resumed from outside. What waits is kept, and the time
    /// until then does not count.
    pub fn pause(&mut self) {
        self.paused = true;
    }

    /// Pauses another walk by its number, as its own handle would; `false` when there is none.
    pub fn pause_walk(&self, number: u64) -> bool {
        self.services.set_paused(number, true)
    }

    /// Lets another walk go on that was paused; `false` when there is none.
    pub fn resume_walk(&self, number: u64) -> bool {
        self.services.set_paused(number, false)
    }

    /// Documents by id, in order, `None` for one that does not exist; in one call to the store.
    ///
    /// # Errors
    /// [`WalkError::Store`].
    pub async fn documents(&self, ids: &[Id]) -> Result<Vec<Option<Document>>, WalkError> {
        Ok(self.services.documents(ids).await?)
    }

    /// The addresses that a neighbour expression stands for, in the order of the edges. What narrows it
    /// beside the entities of edges does not count.
    ///
    /// # Errors
    /// [`WalkError::Store`].
    pub async fn neighbours(&self, of: &Neighbours) -> Result<Vec<Slot>, WalkError> {
        Ok(self.services.neighbours(of).await?)
    }

    /// A result under a key, kept in the cache of the runtime for `ttl`, and computed where there is none: by one of
    /// all walks that want it at once, while the others wait.
    ///
    /// ```ignore
    /// let score = walk.cached(&format!("score:{}", here.id()), HOUR, async || score(&here).await).await?;
    /// ```
    ///
    /// An error is not kept.
    ///
    /// # Errors
    /// Those of `compute`; [`CacheError`] for a bad key or time to live.
    pub async fn cached<T, E>(
        &self,
        key: &str,
        ttl: Duration,
        compute: impl AsyncFnOnce() -> Result<T, E>,
    ) -> Result<Arc<T>, E>
    where
        T: Serialize + DeserializeOwned + Send + Sync + 'static,
        E: From<CacheError>,
    {
        let (cache, value_type) = (self.services.cache(), CacheType::of::<T>());
        if let Some(Some(value)) = cache.hit(key, &value_type)
            && let Ok(value) = value.downcast()
        {
            return Ok(value);
        }
        match cache.begin(Wanted::new(key, value_type, ttl)).await? {
            Begun::Fill(filling) => {
                let value = Arc::new(compute().await?);
                filling.finish(Some(Arc::clone(&value) as AnyValue)).await?;
                Ok(value)
            }
            Begun::Hit(value) | Begun::Stale(value) => match value.map(|value| value.downcast()) {
                Some(Ok(value)) => Ok(value),
                // Somebody remembers that it was missing, which is no answer here.
                _ => Ok(Arc::new(compute().await?)),
            },
        }
    }

    /// Starts another walk as a child of this one, with its own budgets, at a node.
    ///
    /// # Errors
    /// [`WalkError::Overloaded`] when too many walks are alive, [`WalkError::Stopped`].
    pub fn spawn<W: Walker>(&mut self, child: W, at: &Id) -> Result<Child<W>, WalkError> {
        let (number, outcome) = self.services.spawn_child(self.number, Box::new(child), at.clone())?;
        Ok(Child::new(number, outcome))
    }

    /// Publishes an event to all who have subscribed to its name; returns how many these are. An event that
    /// nobody listens to is gone.
    pub fn publish<E: Event>(&self, event: E) -> usize {
        self.services.publish(Published::new(event))
    }

    /// Subscribes to the events of a type, from now on; for async hooks that wait for one. Hooks marked
    /// with `#[on_event]` need no subscription.
    #[must_use]
    pub fn subscribe<E: Event>(&self) -> Box<dyn EventSource> {
        self.services.subscribe(E::NAME)
    }

    fn rare(&mut self) -> &mut Rare {
        self.rare.get_or_insert_default()
    }

    fn end_with(&mut self, error: WalkError) -> WalkError {
        self.fault = Some(Box::new(error.clone()));
        error
    }
}

impl std::fmt::Debug for Walk {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Walk").field("walker", &self.walker).field("position", &self.position).finish()
    }
}

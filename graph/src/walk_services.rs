//! What the runtime does for walks; implemented by the floor above.

use std::pin::Pin;
use std::time::Instant;

use crate::cache::ResultCache;
use crate::document::Document;
use crate::entity_name::EntityName;
use crate::event::{EventSource, Published};
use crate::finished::Outcome;
use crate::id::{Id, Kind};
use crate::need::Need;
use crate::neighbours::Neighbours;
use crate::record::{SharedRecord, Slot};
use crate::store::StoreFuture;
use crate::walk_error::WalkError;
use crate::walker::ErasedWalker;
use crate::write::{WriteBatch, WriteResult};

/// How a child ended.
pub type ChildOutcome = Pin<Box<dyn Future<Output = Outcome> + Send>>;

/// Work that runs beside a walk on another thread.
pub type SideWork = Pin<Box<dyn Future<Output = ()> + Send>>;

/// What the runtime does for walks.
pub trait WalkServices: Send + Sync {
    /// The id of a slot that this runtime has given out.
    fn id_of(&self, slot: Slot) -> Option<Id>;

    /// The slot of an id; made when it is new, whether or not the entity exists.
    fn slot_of(&self, id: &Id) -> Slot;

    /// The resident record of a slot.
    fn resident(&self, slot: Slot) -> Option<SharedRecord>;

    /// A node or edge with what is needed of it, from memory or the store; `None` when there is none.
    fn load(&self, slot: Slot, need: Need) -> StoreFuture<'_, Option<SharedRecord>>;

    /// A new id, which orders after all that were given out before.
    fn new_id(&self, kind: Kind, entity: EntityName) -> Id;

    /// Documents by id, as a [`Store`](crate::Store) gives them, with writes not yet durable.
    fn documents<'a>(&'a self, ids: &'a [Id]) -> StoreFuture<'a, Vec<Option<Document>>>;

    /// The newest versions of entities, once they are durable: what updates are based on.
    fn newest<'a>(&'a self, ids: &'a [Id]) -> StoreFuture<'a, Vec<Option<Document>>>;

    /// Waits until everything published so far is durable or taken back.
    fn settled(&self) -> StoreFuture<'_, ()>;

    /// The addresses that a neighbour expression stands for, in order.
    fn neighbours<'a>(&'a self, of: &'a Neighbours) -> StoreFuture<'a, Vec<Slot>>;

    /// Writes a batch; when it returns, what was written is durable and every reader sees it.
    fn apply(&self, batch: WriteBatch) -> StoreFuture<'_, Vec<WriteResult>>;

    /// The time by which writes wait for company.
    fn now(&self) -> Instant {
        Instant::now()
    }

    /// The cache of results.
    fn cache(&self) -> &dyn ResultCache;

    /// Tells all subscribers; returns how many there are.
    fn publish(&self, event: Published) -> usize;

    /// Subscribes to the events of a name.
    fn subscribe(&self, name: &'static str) -> Box<dyn EventSource>;

    /// Pauses or resumes a walk by its number; `false` when there is none.
    fn set_paused(&self, walk: u64, paused: bool) -> bool;

    /// Starts a child of a walk.
    ///
    /// # Errors
    /// [`WalkError::Overloaded`], [`WalkError::Stopped`].
    fn spawn_child(
        &self,
        parent: u64,
        walker: Box<dyn ErasedWalker>,
        at: Id,
    ) -> Result<(u64, ChildOutcome), WalkError>;

    /// Runs work of a walk on the threads of the runtime, the `n`-th piece on the `n`-th of them.
    fn run_beside(&self, walk: u64, n: usize, work: SideWork);
}

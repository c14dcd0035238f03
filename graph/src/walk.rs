//! What a hook sees of its walk, and what it asks of it.

use std::sync::Arc;

use serde::Serialize;
use serde_json::Value;

use crate::document::Document;
use crate::id::{Id, IdError};
use crate::limits::Budget;
use crate::neighbours::Neighbours;
use crate::record::Slot;
use crate::store::StoreFuture;
use crate::walk_error::WalkError;

/// What the runtime does for walks; implemented by the floor above.
pub trait WalkServices: Send + Sync {
    /// The id of a slot that this runtime has given out.
    fn id_of(&self, slot: Slot) -> Option<Id>;

    /// The slot of an id; made when it is new, whether or not the entity exists.
    fn slot_of(&self, id: &Id) -> Slot;

    /// Documents by id, as a [`Store`](crate::Store) gives them, with writes not yet durable.
    fn documents<'a>(&'a self, ids: &'a [Id]) -> StoreFuture<'a, Vec<Option<Document>>>;

    /// The ids that a neighbour expression stands for, in order.
    fn neighbours<'a>(&'a self, of: &'a Neighbours) -> StoreFuture<'a, Vec<Slot>>;
}

/// Where a walk can be sent.
#[derive(Debug, Clone)]
pub enum Target {
    /// The neighbours of a node.
    Neighbours(Neighbours),
    /// A node by its address.
    Slot(Slot),
    /// A node by its address, at a cost.
    Costed(Slot, f64),
}

impl From<Neighbours> for Target {
    fn from(neighbours: Neighbours) -> Self {
        Self::Neighbours(neighbours)
    }
}

impl From<Slot> for Target {
    fn from(slot: Slot) -> Self {
        Self::Slot(slot)
    }
}

/// Where the walk stands.
#[derive(Debug, Clone, Copy)]
pub struct Position {
    /// The node.
    pub slot: Slot,
    /// The node whose hook sent the walk here; the node itself at the start.
    pub from: Slot,
    /// Steps from the start.
    pub depth: u32,
    /// The cost at which the node was queued, 0 where costs are not used.
    pub cost: f64,
}

/// The walk as its hooks see it.
pub struct Walk {
    position: Position,
    requests: Vec<Target>,
    report: Vec<Value>,
    outbox: Vec<Value>,
    result_bytes: u64,
    result_limit: u64,
    listened: bool,
    /// Why the walk has to end, whatever its hook makes of the error it was given.
    fault: Option<Box<WalkError>>,
    walker: &'static str,
    services: Arc<dyn WalkServices>,
}

impl Walk {
    /// Steps from the start, which is 0.
    #[must_use]
    #[inline]
    pub fn depth(&self) -> u32 {
        self.position.depth
    }

    /// The cost at which this node was queued with [`visit_at`](Self::visit_at), 0 for a start.
    #[must_use]
    pub fn cost(&self) -> f64 {
        self.position.cost
    }

    /// The address of the node whose hook sent the walk here, `None` at the start.
    #[must_use]
    pub fn from_slot(&self) -> Option<Slot> {
        (self.position.depth > 0).then_some(self.position.from)
    }

    /// The id behind an address.
    #[must_use]
    pub fn id_of(&self, slot: Slot) -> Option<Id> {
        self.services.id_of(slot)
    }

    /// Queues nodes: a neighbour expression, or the address of a node.
    ///
    /// They are looked up when the hook has returned. Which of them are visited, and when, is for the
    /// walk's order and uniqueness to say.
    #[inline]
    pub fn visit(&mut self, target: impl Into<Target>) {
        self.requests.push(target.into());
    }

    /// Queues a node by id. A node that does not exist is passed over when its turn comes.
    ///
    /// # Errors
    /// [`IdError`] when the text is no id.
    pub fn visit_id<I>(&mut self, id: I) -> Result<(), IdError>
    where
        I: TryInto<Id>,
        IdError: From<I::Error>,
    {
        let slot = self.services.slot_of(&id.try_into()?);
        self.requests.push(Target::Slot(slot));
        Ok(())
    }

    /// Queues a node at a cost, for walks in the order of least cost.
    ///
    /// # Errors
    /// [`WalkError::BadWeight`] when the cost is not a number.
    pub fn visit_at(&mut self, cost: f64, slot: Slot) -> Result<(), WalkError> {
        if cost.is_nan() {
            let at = self.services.id_of(slot).unwrap_or_else(Id::root);
            return Err(WalkError::BadWeight { at, reason: "its cost is not a number".into() });
        }
        self.requests.push(Target::Costed(slot, cost));
        Ok(())
    }

    /// Adds a value to the walk's report, which the caller gets when the walk has ended.
    ///
    /// # Errors
    /// [`WalkError::BudgetReached`] beyond `[limits] report_bytes`; [`WalkError::BadArguments`] when
    /// the value cannot be written as JSON.
    pub fn report<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), WalkError> {
        let value = self.account(value)?;
        self.report.push(value);
        Ok(())
    }

    /// Sends a value to the caller's stream at once.
    ///
    /// The hook goes on; the walk waits before its next visit until the stream has room, so that at
    /// most `[limits] emit_buffer` values and those of one hook are held.
    ///
    /// # Errors
    /// [`WalkError::NobodyListens`] when the stream was dropped; as [`report`](Self::report) besides.
    pub fn emit<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), WalkError> {
        if !self.listened {
            return Err(self.end_with(WalkError::NobodyListens { walker: self.walker.into() }));
        }
        let value = self.account(value)?;
        self.outbox.push(value);
        Ok(())
    }

    fn end_with(&mut self, error: WalkError) -> WalkError {
        self.fault = Some(Box::new(error.clone()));
        error
    }

    fn account<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<Value, WalkError> {
        let value = serde_json::to_value(value).map_err(|error| WalkError::BadArguments {
            walker: self.walker.into(),
            reason: format!("a reported value cannot be written as JSON: {error}"),
        })?;
        self.result_bytes += json_bytes(&value);
        if self.result_bytes > self.result_limit {
            return Err(self.end_with(WalkError::BudgetReached {
                walker: self.walker.into(),
                budget: Budget::ReportBytes,
                limit: self.result_limit,
            }));
        }
        Ok(value)
    }

    /// Documents by id, in order, `None` for one that does not exist; in one call to the store.
    ///
    /// # Errors
    /// [`WalkError::Store`].
    pub async fn documents(&self, ids: &[Id]) -> Result<Vec<Option<Document>>, WalkError> {
        Ok(self.services.documents(ids).await?)
    }

    /// The addresses that a neighbour expression stands for, in the order of the edges.
    ///
    /// # Errors
    /// [`WalkError::Store`].
    pub async fn neighbours(&self, of: &Neighbours) -> Result<Vec<Slot>, WalkError> {
        Ok(self.services.neighbours(of).await?)
    }
}

impl std::fmt::Debug for Walk {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Walk").field("walker", &self.walker).field("position", &self.position).finish()
    }
}

/// About how many bytes a value takes as JSON.
fn json_bytes(value: &Value) -> u64 {
    match value {
        Value::Null | Value::Bool(_) => 5,
        Value::Number(_) => 8,
        Value::String(text) => text.len() as u64 + 2,
        Value::Array(items) => 2 + items.iter().map(|item| json_bytes(item) + 1).sum::<u64>(),
        Value::Object(fields) => {
            2 + fields.iter().map(|(name, item)| name.len() as u64 + 4 + json_bytes(item)).sum::<u64>()
        }
    }
}

/// The runtime's side of [`Walk`]; not for hooks.
#[doc(hidden)]
impl Walk {
    #[must_use]
    pub fn new(
        walker: &'static str,
        services: Arc<dyn WalkServices>,
        result_limit: u64,
        listened: bool,
    ) -> Self {
        Self {
            position: Position { slot: Slot(0), from: Slot(0), depth: 0, cost: 0.0 },
            // Most hooks ask for one thing; the room that a vector takes by itself would be four times that.
            requests: Vec::with_capacity(1),
            report: Vec::new(),
            outbox: Vec::new(),
            result_bytes: 0,
            result_limit,
            listened,
            fault: None,
            walker,
            services,
        }
    }

    #[inline]
    pub fn set_position(&mut self, position: Position) {
        self.position = position;
    }

    #[must_use]
    #[inline]
    pub fn position(&self) -> Position {
        self.position
    }

    #[must_use]
    #[inline]
    pub fn requests(&mut self) -> &mut Vec<Target> {
        &mut self.requests
    }

    /// Values waiting for the stream; taking them frees their share of the budget.
    #[must_use]
    pub fn take_outbox(&mut self) -> Vec<Value> {
        let freed: u64 = self.outbox.iter().map(json_bytes).sum();
        self.result_bytes -= freed;
        std::mem::take(&mut self.outbox)
    }

    #[must_use]
    #[inline]
    pub fn has_outbox(&self) -> bool {
        !self.outbox.is_empty()
    }

    #[inline]
    #[must_use]
    pub fn take_fault(&mut self) -> Option<WalkError> {
        self.fault.take().map(|fault| *fault)
    }

    #[must_use]
    pub fn take_report(&mut self) -> Vec<Value> {
        std::mem::take(&mut self.report)
    }
}

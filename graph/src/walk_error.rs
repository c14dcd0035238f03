//! Why a walk ended before its time.

use std::sync::Arc;

use crate::id::Id;
use crate::limits::Budget;
use crate::step::HookError;
use crate::store_error::{StoreError, WriteError};

/// Why a walk did not start, or ended with an error.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum WalkError {
    /// The node to start at does not exist.
    #[error("walk of `{walker}` cannot start: node `{id}` does not exist")]
    UnknownStart {
        /// The walker.
        walker: String,
        /// The start.
        id: Id,
    },
    /// A hook returned an error.
    #[error("hook `{walker}::{hook}` failed at `{at}`: {source}")]
    HookFailed {
        /// The walker.
        walker: String,
        /// The hook.
        hook: &'static str,
        /// The node.
        at: Id,
        /// What the hook returned.
        source: Arc<HookError>,
    },
    /// A hook panicked.
    #[error("hook of `{walker}` panicked at `{at}`: {message}")]
    HookPanicked {
        /// The walker.
        walker: String,
        /// The node.
        at: Id,
        /// The panic's message.
        message: String,
    },
    /// A budget was reached.
    #[error(
        "walk of `{walker}` reached its budget of {limit} {budget} (with {reached}): raise `[limits] {budget}` or set it for this walk"
    )]
    BudgetReached {
        /// The walker.
        walker: String,
        /// Which budget.
        budget: Budget,
        /// Its size.
        limit: u64,
        /// The figure that was reached.
        reached: u64,
    },
    /// A node was named to queue before or after it, and it does not wait.
    #[error("`{id}` does not wait in the queue of `{walker}`: nothing can be put before or after it")]
    NotQueued {
        /// The walker.
        walker: String,
        /// The node.
        id: Id,
    },
    /// A question about the walk's past that it does not keep.
    #[error("walk of `{walker}` does not know where it has been: give it `trail = \"all\"`")]
    NoTrail {
        /// The walker.
        walker: String,
    },
    /// A value that a hook wants to write cannot be written.
    #[error("walk of `{walker}` cannot write this: {reason}")]
    BadValue {
        /// The walker.
        walker: String,
        /// Why.
        reason: String,
    },
    /// The store refused what a hook asked to be written.
    #[error("a write of the walk was refused: {source}")]
    WriteRefused {
        /// The store's own reason.
        source: WriteError,
    },
    /// Others changed an entity at every attempt to change it.
    #[error("`{id}` was changed by others at each of {attempts} attempts to change it: try again later")]
    Contended {
        /// The entity.
        id: Id,
        /// How often it was tried.
        attempts: u32,
    },
    /// A child of the walk failed, and nobody had waited for it.
    #[error("child {child} failed: {source}")]
    ChildFailed {
        /// The number of the child.
        child: u64,
        /// Why.
        source: Box<WalkError>,
    },
    /// A durable walk failed at one node again and again. Its last checkpoint is kept.
    #[error("durable walk `{id}` is parked: {source}; retry or drop it")]
    Parked {
        /// The stored walk.
        id: Id,
        /// Why it failed last.
        source: Box<WalkError>,
    },
    /// What the walk is asked to be does not go together.
    #[error("walk of `{walker}`: {reason}")]
    Unsuitable {
        /// The walker.
        walker: String,
        /// What does not go together, and what does.
        reason: String,
    },
    /// A node's stored fields do not fit the type that a hook wants.
    #[error("`{id}` cannot be read as the hook wants it: {reason}")]
    Unreadable {
        /// The node.
        id: Id,
        /// Why.
        reason: String,
    },
    /// A priority or weight that is no number, or not a usable one.
    #[error("`{at}`: {reason}")]
    BadWeight {
        /// The node or edge.
        at: Id,
        /// What is wrong with it.
        reason: String,
    },
    /// The walk was cancelled.
    #[error("walk of `{walker}` was cancelled")]
    Cancelled {
        /// The walker.
        walker: String,
    },
    /// The worker that hosted the walk ended, and the walk is not durable.
    #[error("walk of `{walker}` was lost with its worker: {reason}")]
    WorkerLost {
        /// The walker.
        walker: String,
        /// Why the worker ended.
        reason: String,
    },
    /// The stream of emitted values was dropped before its end, or never taken.
    #[error(
        "walk of `{walker}` emitted a value and nobody listens: take `stream()` before `finish()`, and keep it"
    )]
    NobodyListens {
        /// The walker.
        walker: String,
    },
    /// There is too much to do: as many walks are alive as `[workers] max_walks` allows, or the machine is short of
    /// memory, and as many wait as `[admission]` allows, or this one has waited as long.
    #[error(
        "overloaded{}: {alive} walks are alive and {waiting} wait; try again in {} ms",
        if *memory_is_short { " and short of memory" } else { "" },
        retry_after.as_millis()
    )]
    Overloaded {
        /// How many walks are alive.
        alive: u64,
        /// How many wait to be admitted.
        waiting: u64,
        /// Whether the machine is short of memory.
        memory_is_short: bool,
        /// When to try again: as long as those who wait will take, at the pace of late.
        retry_after: std::time::Duration,
    },
    /// No walker has this name.
    #[error("no walker is called `{name}`{}", nearest.as_ref().map(|n| format!(": did you mean `{n}`?")).unwrap_or_default())]
    UnknownWalker {
        /// The name asked for.
        name: String,
        /// The nearest name there is.
        nearest: Option<String>,
    },
    /// The arguments of a message do not make the walker.
    #[error("arguments do not make a `{walker}`: {reason}")]
    BadArguments {
        /// The walker.
        walker: String,
        /// The deserialiser's own words, which name the field.
        reason: String,
    },
    /// A walk with this key was spawned before.
    #[error("a walk with key `{key}` was spawned already")]
    DuplicateKey {
        /// The key.
        key: String,
    },
    /// The walk had read a change that was then refused, or that the store failed to take.
    #[error("what the walk read of `{id}` never became durable: walk again")]
    Retracted {
        /// The entity.
        id: Id,
    },
    /// The store failed.
    #[error("the walk could not go on: {0}")]
    Store(Arc<StoreError>),
    /// The runtime stopped, or the thread that hosted the walk is gone.
    #[error("the runtime has stopped")]
    Stopped,
}

impl From<StoreError> for WalkError {
    fn from(error: StoreError) -> Self {
        Self::Store(Arc::new(error))
    }
}

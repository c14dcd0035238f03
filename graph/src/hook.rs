//! Hooks: when each of them runs, what it is given, and what it came to.

use std::any::Any;

use crate::body::BodyError;
use crate::entity_name::EntityName;
use crate::event::EventKey;
use crate::here::Visited;
use crate::id::Kind;
use crate::step::{HookError, Step};

/// Entities at which a hook runs.
#[derive(Debug, Clone, Copy)]
pub enum At {
    /// Nodes and edges of any entity.
    Any,
    /// Nodes or edges of these.
    Entities(&'static [fn() -> (Kind, EntityName)]),
}

/// When a hook runs.
#[derive(Debug, Clone, Copy)]
pub enum HookTarget {
    /// Once, before the first visit.
    Enter,
    /// At a visit.
    Visit(At),
    /// When everything below a node has been visited; depth first only.
    Leave(At),
    /// Between visits, when an event has come.
    Event(fn() -> EventKey),
    /// Once, when nothing waits any more.
    Exit,
}

/// One hook of a walker.
#[derive(Debug, Clone, Copy)]
pub struct HookSpec {
    /// The name of the method.
    pub name: &'static str,
    /// When it runs.
    pub target: HookTarget,
    /// Whether it is an `async fn`.
    pub is_async: bool,
    /// Whether it takes several visits at once, as a slice.
    pub takes_many: bool,
}

/// What a hook is called with.
#[derive(Debug, Clone, Copy)]
pub enum Occasion<'a> {
    /// Nothing: the walk begins or ends.
    Alone,
    /// One visit.
    At(&'a Visited),
    /// Several visits of one entity, of a hook that takes many.
    Many(&'a [Visited]),
    /// An event of the type that the hook is for.
    Event(&'a (dyn Any + Send + Sync)),
}

/// Why a hook did not end well.
#[derive(Debug)]
pub enum HookFault {
    /// It returned an error.
    Failed(HookError),
    /// The node could not be read as the hook wants it.
    Unreadable(BodyError),
    /// It panicked beside the walk's own thread; what it panicked with.
    Panicked(Box<dyn Any + Send>),
}

impl From<BodyError> for HookFault {
    fn from(error: BodyError) -> Self {
        Self::Unreadable(error)
    }
}

/// What a hook came to.
pub type HookResult = Result<Step, HookFault>;

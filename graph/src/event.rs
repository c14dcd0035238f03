//! Events: named, typed values that walkers and services send to whoever has subscribed.

use std::any::{Any, TypeId};
use std::pin::Pin;
use std::sync::Arc;

use serde::Serialize;
use serde_json::Value;

/// A value that can be published. Implemented by `#[event]`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not an event",
    label = "not an event type",
    note = "put `#[event]` on the struct"
)]
pub trait Event: Serialize + Send + Sync + 'static {
    /// The name under which it is published, by default that of the type.
    const NAME: &'static str;
}

/// What a hook for events has subscribed to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EventKey {
    /// [`Event::NAME`].
    pub name: &'static str,
    /// The Rust type: events of the same name and another type do not reach the hook.
    pub type_id: TypeId,
}

impl EventKey {
    /// The key of an event type.
    #[must_use]
    pub fn of<E: Event>() -> Self {
        Self { name: E::NAME, type_id: TypeId::of::<E>() }
    }
}

/// An event under way, shared by all who get it.
#[derive(Clone)]
pub struct Published {
    name: &'static str,
    value: Arc<dyn Any + Send + Sync>,
    as_json: fn(&(dyn Any + Send + Sync)) -> Value,
}

impl Published {
    /// Wraps an event.
    #[must_use]
    pub fn new<E: Event>(event: E) -> Self {
        Self { name: E::NAME, value: Arc::new(event), as_json: as_json::<E> }
    }

    /// [`Event::NAME`].
    #[must_use]
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// The event, if it is of this type.
    #[must_use]
    pub fn get<E: Event>(&self) -> Option<&E> {
        self.value.downcast_ref()
    }

    /// The event without its type.
    #[must_use]
    pub fn value(&self) -> &(dyn Any + Send + Sync) {
        &*self.value
    }

    /// The event as JSON; null where it cannot be written.
    #[must_use]
    pub fn to_json(&self) -> Value {
        (self.as_json)(&*self.value)
    }
}

impl std::fmt::Debug for Published {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Published").field(&self.name).finish()
    }
}

fn as_json<E: Event>(value: &(dyn Any + Send + Sync)) -> Value {
    value.downcast_ref::<E>().and_then(|event| serde_json::to_value(event).ok()).unwrap_or_default()
}

/// A subscriber was too slow: so many events were dropped before the next one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "{missed} events came faster than they were taken and are lost: raise `[events] buffer` or take them sooner"
)]
pub struct Lagged {
    /// How many were lost.
    pub missed: u64,
}

/// The next event, when it comes; `None` when the runtime has stopped.
pub type NextEvent<'a> = Pin<Box<dyn Future<Output = Option<Result<Published, Lagged>>> + Send + 'a>>;

/// Where a subscriber takes events from, in the order in which they were published.
pub trait EventSource: Send {
    /// The next event, waiting for it; `None` when the runtime has stopped.
    fn next(&mut self) -> NextEvent<'_>;

    /// The next event if there is one already.
    fn try_next(&mut self) -> Option<Result<Published, Lagged>>;
}

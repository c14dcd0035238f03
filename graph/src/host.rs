//! Hooks of an entity, which answer a visitor after the walker's own hooks.

use std::any::{Any, TypeId};
use std::pin::Pin;

use crate::entity_name::EntityName;
use crate::here::Visited;
use crate::hook::HookResult;
use crate::id::Kind;
use crate::walk::Walk;

/// The future of an async hook of an entity.
pub type HostFuture<'a> = Pin<Box<dyn Future<Output = HookResult> + Send + 'a>>;

/// How a hook of an entity is called: with the visit, the visitor, and its walk.
#[derive(Clone, Copy)]
pub enum HostCall {
    /// A plain method.
    Sync(fn(&Visited, &mut (dyn Any + Send), &mut Walk) -> HookResult),
    /// An `async fn`.
    Async(for<'a> fn(&'a Visited, &'a mut (dyn Any + Send), &'a mut Walk) -> HostFuture<'a>),
}

impl std::fmt::Debug for HostCall {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(if self.is_async() { "Async" } else { "Sync" })
    }
}

impl HostCall {
    /// Whether it is an `async fn`.
    #[must_use]
    pub fn is_async(&self) -> bool {
        matches!(self, Self::Async(_))
    }
}

/// A hook of an entity for one type of visitor. Registered by `#[hosts]`.
#[derive(Debug, Clone, Copy)]
pub struct HostHook {
    /// The name of the method.
    pub name: &'static str,
    /// The entity.
    pub entity: fn() -> (Kind, EntityName),
    /// The type of the visitor.
    pub visitor: fn() -> TypeId,
    /// The method.
    pub call: HostCall,
}

inventory::collect!(HostHook);

impl HostHook {
    /// All hooks that answer a type of visitor, by name, because the order of registration is the linker's.
    #[must_use]
    pub fn of(visitor: TypeId) -> Vec<&'static Self> {
        let mut hooks: Vec<_> =
            inventory::iter::<Self>.into_iter().filter(|hook| (hook.visitor)() == visitor).collect();
        hooks.sort_by_key(|hook| ((hook.entity)().1.as_str(), hook.name));
        hooks
    }
}

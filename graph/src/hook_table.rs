//! The hooks of one walker type, looked up by the entity of a visit.

use std::any::TypeId;
use std::sync::Arc;

use crate::entity_name::EntityName;
use crate::hook::{At, HookSpec, HookTarget};
use crate::host::HostHook;
use crate::id::Kind;

/// The hooks of one walker type and those with which entities answer it.
///
/// A hook is known by its number: the walker's own by their place among its hooks, those of entities
/// after them.
#[derive(Debug)]
pub struct HookTable {
    walker: TypeId,
    specs: &'static [HookSpec],
    hosts: Vec<&'static HostHook>,
    visits: ByEntity,
    leaves: ByEntity,
    enters: Arc<[u16]>,
    exits: Arc<[u16]>,
    events: Arc<[u16]>,
    waits: bool,
    takes_many: bool,
    leaves_any: bool,
}

/// The hooks of one occasion: for one entity, then those for any, then the entity's own, each in the order
/// of declaration.
#[derive(Debug)]
struct ByEntity {
    /// By the code of the entity twice over: nodes, then edges.
    lists: Vec<Arc<[u16]>>,
    any: Arc<[u16]>,
}

impl ByEntity {
    #[inline]
    fn at(&self, kind: Kind, entity: EntityName) -> &Arc<[u16]> {
        self.lists.get(place(kind, entity)).unwrap_or(&self.any)
    }
}

#[inline]
fn place(kind: Kind, entity: EntityName) -> usize {
    usize::from(entity.code()) << 1 | usize::from(kind == Kind::Edge)
}

impl HookTable {
    /// Sorts the hooks of a walker type.
    #[must_use]
    pub fn new(walker: TypeId, specs: &'static [HookSpec]) -> Self {
        let hosts = HostHook::of(walker);
        let matching = |wanted: &dyn Fn(&HookTarget) -> bool| -> Arc<[u16]> {
            let positions = specs.iter().enumerate().filter(|(_, spec)| wanted(&spec.target));
            positions.filter_map(|(at, _)| u16::try_from(at).ok()).collect()
        };
        let visits = by_entity(specs, &hosts, |target| match target {
            HookTarget::Visit(at) => Some(*at),
            _ => None,
        });
        let leaves = by_entity(specs, &[], |target| match target {
            HookTarget::Leave(at) => Some(*at),
            _ => None,
        });
        let alone = |target: &HookTarget| matches!(target, HookTarget::Enter | HookTarget::Exit);
        // Hooks that need a future of their own: async ones, and those that take many visits.
        let waits = specs.iter().any(|spec| (spec.is_async || spec.takes_many) && !alone(&spec.target))
            || hosts.iter().any(|host| host.call.is_async());
        let leaves_any = specs.iter().any(|spec| matches!(spec.target, HookTarget::Leave(_)));
        Self {
            walker,
            specs,
            visits,
            leaves,
            enters: matching(&|target| matches!(target, HookTarget::Enter)),
            exits: matching(&|target| matches!(target, HookTarget::Exit)),
            events: matching(&|target| matches!(target, HookTarget::Event(_))),
            hosts,
            waits,
            takes_many: specs.iter().any(|spec| spec.takes_many),
            leaves_any,
        }
    }

    /// The hooks that run at visits of an entity, in order.
    #[inline]
    #[must_use]
    pub fn at(&self, kind: Kind, entity: EntityName) -> &Arc<[u16]> {
        self.visits.at(kind, entity)
    }

    /// The hooks that run when everything below a node has been visited, in order.
    #[must_use]
    pub fn leaving(&self, kind: Kind, entity: EntityName) -> &Arc<[u16]> {
        self.leaves.at(kind, entity)
    }

    /// Whether there are such hooks.
    #[must_use]
    pub fn leaves(&self) -> bool {
        self.leaves_any
    }

    /// The hooks that run before the first visit.
    #[must_use]
    pub fn enters(&self) -> &Arc<[u16]> {
        &self.enters
    }

    /// The hooks that run when the walk ends.
    #[must_use]
    pub fn exits(&self) -> &Arc<[u16]> {
        &self.exits
    }

    /// The hooks that run at events.
    #[must_use]
    pub fn events(&self) -> &Arc<[u16]> {
        &self.events
    }

    /// Whether visits need a future, because a hook is an `async fn` or takes many of them.
    #[must_use]
    pub fn waits(&self) -> bool {
        self.waits
    }

    /// Whether a hook takes many visits at once.
    #[must_use]
    pub fn takes_many(&self) -> bool {
        self.takes_many
    }

    /// A hook of the walker itself.
    #[must_use]
    pub fn spec(&self, hook: u16) -> Option<&'static HookSpec> {
        self.specs.get(usize::from(hook))
    }

    /// A hook of an entity.
    #[inline]
    #[must_use]
    pub fn host(&self, hook: u16) -> Option<&'static HostHook> {
        self.hosts.get(usize::from(hook).checked_sub(self.specs.len())?).copied()
    }

    /// The name of a hook.
    #[must_use]
    pub fn name(&self, hook: u16) -> &'static str {
        match (self.spec(hook), self.host(hook)) {
            (Some(spec), _) => spec.name,
            (None, Some(host)) => host.name,
            (None, None) => "",
        }
    }

    /// The walker type, to find its table again.
    #[must_use]
    pub fn walker(&self) -> TypeId {
        self.walker
    }
}

fn by_entity(
    specs: &'static [HookSpec],
    hosts: &[&'static HostHook],
    at: impl Fn(&HookTarget) -> Option<At>,
) -> ByEntity {
    let own = |wanted: &dyn Fn(At) -> bool| -> Vec<u16> {
        let positions = specs.iter().enumerate().filter(|(_, spec)| at(&spec.target).is_some_and(wanted));
        positions.filter_map(|(at, _)| u16::try_from(at).ok()).collect()
    };
    let any = own(&|at| matches!(at, At::Any));
    let named = specs.iter().filter_map(|spec| match at(&spec.target) {
        Some(At::Entities(names)) => Some(names),
        _ => None,
    });
    let mut entities: Vec<(Kind, EntityName)> = named.flatten().map(|name| name()).collect();
    entities.extend(hosts.iter().map(|host| (host.entity)()));
    let places = entities.iter().map(|&(kind, entity)| place(kind, entity) + 1).max();
    let mut lists = vec![Arc::from(any.as_slice()); places.unwrap_or(0)];
    for entity in entities {
        let mut hooks = own(&|at| match at {
            At::Entities(names) => names.iter().any(|name| name() == entity),
            At::Any => false,
        });
        hooks.extend(&any);
        let answers = hosts.iter().enumerate().filter(|(_, host)| (host.entity)() == entity);
        hooks.extend(answers.filter_map(|(at, _)| u16::try_from(specs.len() + at).ok()));
        lists[place(entity.0, entity.1)] = hooks.into();
    }
    ByEntity { lists, any: any.into() }
}

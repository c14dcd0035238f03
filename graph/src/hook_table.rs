//! Which hooks of a walker run at which entity.

use std::sync::Arc;

use crate::walker::{HookSpec, HookTarget};

/// The hooks of one walker type, looked up by the code of an entity name.
#[derive(Debug)]
pub struct HookTable {
    specs: &'static [HookSpec],
    any_async: bool,
    /// Hooks for one entity, then those for any, in the order of declaration.
    by_code: Vec<Arc<[u16]>>,
    any: Arc<[u16]>,
    exits: Arc<[u16]>,
}

impl HookTable {
    /// Sorts the hooks of a walker.
    #[must_use]
    pub fn new(specs: &'static [HookSpec]) -> Self {
        let matching = |wanted: &dyn Fn(&HookTarget) -> bool| -> Vec<u16> {
            let positions = specs.iter().enumerate().filter(|(_, spec)| wanted(&spec.target));
            positions.filter_map(|(at, _)| u16::try_from(at).ok()).collect()
        };
        let any: Arc<[u16]> = matching(&|target| matches!(target, HookTarget::Any)).into();
        let named = specs.iter().flat_map(|spec| match spec.target {
            HookTarget::Entities(names) => names,
            _ => &[],
        });
        let codes: Vec<u16> = named.map(|name| name().code()).collect();
        let mut by_code = vec![Arc::clone(&any); codes.iter().max().map_or(0, |&max| usize::from(max) + 1)];
        for code in codes {
            let mut hooks = matching(&|target| match target {
                HookTarget::Entities(names) => names.iter().any(|name| name().code() == code),
                _ => false,
            });
            hooks.extend(&*any);
            by_code[usize::from(code)] = hooks.into();
        }
        let exits = matching(&|target| matches!(target, HookTarget::Exit)).into();
        let any_async = specs.iter().any(|spec| spec.is_async && !matches!(spec.target, HookTarget::Exit));
        Self { specs, any_async, by_code, any, exits }
    }

    /// The hooks that run at nodes of an entity, in order.
    #[inline]
    #[must_use]
    pub fn at(&self, code: u16) -> &Arc<[u16]> {
        self.by_code.get(usize::from(code)).unwrap_or(&self.any)
    }

    /// The hooks that run when the walk ends.
    #[must_use]
    pub fn exits(&self) -> &Arc<[u16]> {
        &self.exits
    }

    /// Whether a hook at a node is an `async fn`.
    #[must_use]
    pub fn any_async(&self) -> bool {
        self.any_async
    }

    /// A hook.
    #[inline]
    #[must_use]
    pub fn spec(&self, hook: u16) -> &'static HookSpec {
        &self.specs[usize::from(hook)]
    }

    /// The hooks this table was made of, to find the table of a walker type again.
    #[must_use]
    pub fn specs(&self) -> &'static [HookSpec] {
        self.specs
    }
}

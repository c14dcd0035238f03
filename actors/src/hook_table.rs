//! Which hooks of a walker run at which entity.

use std::rc::Rc;

use wayfare_graph::{HookSpec, HookTarget};

/// The hooks of one walker type, looked up by the code of an entity name.
pub(crate) struct HookTable {
    specs: &'static [HookSpec],
    /// Hooks for one entity, then those for any, in the order of declaration.
    by_code: Vec<Rc<[u16]>>,
    any: Rc<[u16]>,
    exits: Rc<[u16]>,
}

impl HookTable {
    pub(crate) fn new(specs: &'static [HookSpec]) -> Self {
        let matching = |wanted: &dyn Fn(&HookTarget) -> bool| -> Vec<u16> {
            let positions = specs.iter().enumerate().filter(|(_, spec)| wanted(&spec.target));
            positions.filter_map(|(at, _)| u16::try_from(at).ok()).collect()
        };
        let any: Rc<[u16]> = matching(&|target| matches!(target, HookTarget::Any)).into();
        let named = specs.iter().flat_map(|spec| match spec.target {
            HookTarget::Entities(names) => names,
            _ => &[],
        });
        let codes: Vec<u16> = named.map(|name| name().code()).collect();
        let mut by_code = vec![Rc::clone(&any); codes.iter().max().map_or(0, |&max| usize::from(max) + 1)];
        for code in codes {
            let mut hooks = matching(&|target| match target {
                HookTarget::Entities(names) => names.iter().any(|name| name().code() == code),
                _ => false,
            });
            hooks.extend(&*any);
            by_code[usize::from(code)] = hooks.into();
        }
        let exits = matching(&|target| matches!(target, HookTarget::Exit)).into();
        Self { specs, by_code, any, exits }
    }

    /// The hooks that run at nodes of an entity, in order.
    #[inline]
    pub(crate) fn at(&self, code: u16) -> &Rc<[u16]> {
        self.by_code.get(usize::from(code)).unwrap_or(&self.any)
    }

    /// The hooks that run when the walk ends.
    pub(crate) fn exits(&self) -> &Rc<[u16]> {
        &self.exits
    }

    /// A hook.
    #[inline]
    pub(crate) fn spec(&self, hook: u16) -> &'static HookSpec {
        &self.specs[usize::from(hook)]
    }

    /// The hooks this table was made of, to find the table of a walker type again.
    pub(crate) fn specs(&self) -> &'static [HookSpec] {
        self.specs
    }
}

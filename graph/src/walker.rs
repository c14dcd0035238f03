//! Walkers and their hooks: what `#[walker]` implements and the runtime calls.

use std::any::{Any, TypeId};
use std::sync::OnceLock;

use rustc_hash::FxHashMap;
use serde_json::Value;

use crate::drive::Drive;
use crate::hook::{HookResult, HookSpec, Occasion};
use crate::parallel::Parallel;
use crate::visit_batch::VisitBatch;
use crate::walk::Walk;
use crate::walk_options::WalkOptions;

/// A struct with hooks. Implemented by `#[walker]` on an `impl` block.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a walker",
    label = "not a walker",
    note = "put `#[walker]` on an impl block of the struct that holds its hooks"
)]
pub trait Walker: Send + Sized + 'static {
    /// The name under which it can be spawned by message, by default that of the type.
    const NAME: &'static str;

    /// All hooks, in the order in which they run at a node.
    fn hooks() -> &'static [HookSpec];

    /// How its walks go, unless the spawn says otherwise.
    fn options(&self) -> WalkOptions {
        WalkOptions::default()
    }

    /// Runs a sync hook on an occasion of its kind.
    ///
    /// # Errors
    /// What the hook returned, or why the node could not be read.
    fn call(&mut self, hook: usize, occasion: Occasion<'_>, walk: &mut Walk) -> HookResult;

    /// Runs a hook of either kind.
    ///
    /// # Errors
    /// As [`call`](Self::call).
    fn call_async<'a>(
        &'a mut self,
        hook: usize,
        occasion: Occasion<'a>,
        walk: &'a mut Walk,
    ) -> impl Future<Output = HookResult> + Send + 'a;

    /// How visits run at the same time, of a walker whose hooks take `&self`; `None` one after another.
    #[must_use]
    fn parallel() -> Option<Parallel<Self>> {
        None
    }

    /// The state as JSON, where the type serialises.
    fn state(&self) -> Option<Value> {
        None
    }
}

/// A [`Walker`] without its type, as the runtime hosts it.
pub trait ErasedWalker: Send {
    /// [`Walker::NAME`].
    fn name(&self) -> &'static str;
    /// [`Walker::hooks`].
    fn hooks(&self) -> &'static [HookSpec];
    /// [`Walker::options`].
    fn options(&self) -> WalkOptions;
    /// [`Walker::call`].
    ///
    /// # Errors
    /// As there.
    fn call(&mut self, hook: usize, occasion: Occasion<'_>, walk: &mut Walk) -> HookResult;
    /// Runs what a batch holds in one future: one after another, or at the same time where the walker
    /// allows it.
    fn drive(self: Box<Self>, batch: Box<VisitBatch>, walk: Box<Walk>) -> Drive;
    /// How many visits may run at the same time; `None` one after another.
    fn max_workers(&self) -> Option<usize>;
    /// The walker as the hosts of its visits know it.
    fn as_visitor(&mut self) -> &mut (dyn Any + Send);
    /// The type of the walker.
    fn walker_type(&self) -> TypeId;
    /// [`Walker::state`].
    fn state(&self) -> Option<Value>;
    /// The walker itself.
    fn into_any(self: Box<Self>) -> Box<dyn Any + Send>;
}

impl<W: Walker> ErasedWalker for W {
    fn name(&self) -> &'static str {
        W::NAME
    }

    fn hooks(&self) -> &'static [HookSpec] {
        W::hooks()
    }

    fn options(&self) -> WalkOptions {
        Walker::options(self)
    }

    #[inline]
    fn call(&mut self, hook: usize, occasion: Occasion<'_>, walk: &mut Walk) -> HookResult {
        Walker::call(self, hook, occasion, walk)
    }

    fn drive(self: Box<Self>, batch: Box<VisitBatch>, walk: Box<Walk>) -> Drive {
        match W::parallel() {
            Some(parallel) if batch.is_of_visits() => (parallel.drive)(self, batch, walk),
            _ => Box::pin(crate::drive::drive(self, batch, walk)),
        }
    }

    fn max_workers(&self) -> Option<usize> {
        W::parallel().map(|parallel| parallel.max_workers)
    }

    fn as_visitor(&mut self) -> &mut (dyn Any + Send) {
        self
    }

    fn walker_type(&self) -> TypeId {
        TypeId::of::<W>()
    }

    fn state(&self) -> Option<Value> {
        Walker::state(self)
    }

    fn into_any(self: Box<Self>) -> Box<dyn Any + Send> {
        self
    }
}

/// Makes a walker of JSON arguments; the error is the deserialiser's own text.
pub type MakeWalker = fn(Value) -> Result<Box<dyn ErasedWalker>, String>;

/// What the runtime knows of a registered walker type.
#[derive(Debug, Clone, Copy)]
pub struct WalkerType {
    /// [`Walker::NAME`].
    pub name: &'static str,
    /// How to make one of JSON arguments; `None` for a type that does not deserialise.
    pub make: fn() -> Option<MakeWalker>,
}

inventory::collect!(WalkerType);

impl WalkerType {
    /// The walker type of a name, if this process has one.
    #[must_use]
    pub fn find(name: &str) -> Option<&'static Self> {
        Self::registry().get(name).copied()
    }

    /// The names of all registered walkers that can be made of arguments, sorted.
    #[must_use]
    pub fn names() -> Vec<&'static str> {
        let mut names: Vec<_> = Self::registry()
            .values()
            .filter(|walker| (walker.make)().is_some())
            .map(|walker| walker.name)
            .collect();
        names.sort_unstable();
        names
    }

    fn registry() -> &'static FxHashMap<&'static str, &'static Self> {
        static REGISTRY: OnceLock<FxHashMap<&'static str, &'static WalkerType>> = OnceLock::new();
        REGISTRY
            .get_or_init(|| inventory::iter::<Self>.into_iter().map(|walker| (walker.name, walker)).collect())
    }
}

//! Walkers and their hooks: what `#[walker]` implements and the runtime calls.

use std::any::Any;
use std::sync::OnceLock;

use rustc_hash::FxHashMap;
use serde_json::Value;

use crate::body::BodyError;
use crate::direction::Direction;
use crate::drive::{Drive, VisitBatch};
use crate::entity_name::EntityName;
use crate::filter::Filter;
use crate::frontier::{Order, Unique};
use crate::here::Visited;
use crate::limits::Limits;
use crate::step::{HookError, Step};
use crate::store::Need;
use crate::walk::Walk;

/// How a walk goes, apart from its hooks.
#[derive(Debug, Clone, Default)]
pub struct WalkOptions {
    /// The order of visits; breadth first by default.
    pub order: Order,
    /// What is not visited twice; nodes by default.
    pub unique: Unique,
    /// Nodes that do not satisfy it are neither visited nor passed through. The start is exempt.
    pub only: Option<Filter>,
    /// Budgets; `None` takes those of `[limits]`.
    pub limits: Option<Limits>,
    /// What to read of every node beside its document.
    pub need: Need,
}

impl WalkOptions {
    /// Sets the order of visits.
    #[must_use]
    pub fn order(mut self, order: Order) -> Self {
        self.order = order;
        self
    }

    /// Sets what is not visited twice.
    #[must_use]
    pub fn unique(mut self, unique: Unique) -> Self {
        self.unique = unique;
        self
    }

    /// Reads edges in a direction with their fields, for [`Here::edges`](crate::Here::edges).
    #[must_use]
    pub fn edges(mut self, direction: Direction) -> Self {
        self.need = self.need.edges(direction);
        self
    }

    /// Reads neighbours in a direction together with the nodes. Without it, a walk that asks for
    /// neighbours learns at its first node that it should have.
    #[must_use]
    pub fn links(mut self, direction: Direction) -> Self {
        self.need = self.need.links(direction);
        self
    }
}

/// Which entities a hook runs at.
#[derive(Debug, Clone, Copy)]
pub enum HookTarget {
    /// Nodes of any entity.
    Any,
    /// Nodes of these entities.
    Entities(&'static [fn() -> EntityName]),
    /// No node: it runs when the walk ends.
    Exit,
}

/// One hook of a walker.
#[derive(Debug, Clone, Copy)]
pub struct HookSpec {
    /// The name of the method.
    pub name: &'static str,
    /// Where it runs.
    pub target: HookTarget,
    /// Whether it is an `async fn`.
    pub is_async: bool,
}

/// Why a hook did not end well.
#[derive(Debug)]
pub enum HookFault {
    /// It returned an error.
    Failed(HookError),
    /// The node could not be read as the hook wants it.
    Unreadable(BodyError),
}

impl From<BodyError> for HookFault {
    fn from(error: BodyError) -> Self {
        Self::Unreadable(error)
    }
}

/// What a hook came to.
pub type HookResult = Result<Step, HookFault>;

/// A struct with hooks. Implemented by `#[walker]` on an `impl` block.
pub trait Walker: Send + Sized + 'static {
    /// The name under which it can be spawned by message, by default that of the type.
    const NAME: &'static str;

    /// All hooks, in the order in which they run at a node.
    fn hooks() -> &'static [HookSpec];

    /// How its walks go, unless the spawn says otherwise.
    fn options(&self) -> WalkOptions {
        WalkOptions::default()
    }

    /// Runs a sync hook; `visited` is `None` for exit hooks.
    ///
    /// # Errors
    /// What the hook returned, or why the node could not be read.
    fn call(&mut self, hook: usize, visited: Option<&Visited>, walk: &mut Walk) -> HookResult;

    /// Runs a hook of either kind; `visited` is `None` for exit hooks.
    ///
    /// # Errors
    /// As [`call`](Self::call).
    fn call_async<'a>(
        &'a mut self,
        hook: usize,
        visited: Option<&'a Visited>,
        walk: &'a mut Walk,
    ) -> impl Future<Output = HookResult> + Send + 'a;

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
    fn call(&mut self, hook: usize, visited: Option<&Visited>, walk: &mut Walk) -> HookResult;
    /// Runs the hooks of a batch of visits, or the exit hooks, one after another in one future.
    fn drive(self: Box<Self>, batch: Box<VisitBatch>, walk: Box<Walk>) -> Drive;
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
    fn call(&mut self, hook: usize, visited: Option<&Visited>, walk: &mut Walk) -> HookResult {
        Walker::call(self, hook, visited, walk)
    }

    fn drive(self: Box<Self>, batch: Box<VisitBatch>, walk: Box<Walk>) -> Drive {
        Box::pin(crate::drive::drive(self, batch, walk))
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

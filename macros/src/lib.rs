//! The attribute macros of Wayfare: [`macro@node`], [`macro@edge`] and [`macro@object`] make a struct an
//! entity, [`macro@walker`] makes an `impl` block a walker.
//!
//! Users have them from the `wayfare` crate, whose hidden module `__private` holds every name that the
//! generated code needs. Misuse is an error on the user's own line that says what to write instead.

use proc_macro::TokenStream;

use crate::entity_args::EntityKind;
use crate::hooks::Marker;

mod entity;
mod entity_args;
mod entity_code;
mod errors;
mod fields;
mod hooks;
mod name;
mod serde_attrs;
mod serde_code;
mod signature;
mod walker;
mod walker_args;
mod walker_code;

/// Makes a struct with named fields a node entity.
///
/// The struct gets `Entity` and `NodeEntity`, is registered under its name, and serialises:
/// `serde::Serialize` and `serde::Deserialize` are derived unless the struct derives them itself.
/// Write the attribute above the derives; it cannot see those above it. The struct may carry
/// `#[serde(…)]` attributes. A unit struct is stored as a map without fields.
///
/// | argument | meaning |
/// | --- | --- |
/// | `name = "Airport"` | the entity name, by default that of the type |
/// | `schema = 3` | the schema version, 1 by default |
/// | `index(keys = ["email", "active"])` | an index over several fields, most significant first; repeatable |
/// | `index(keys = […], unique)` | one whose values two documents may not share |
///
/// | on a field | meaning |
/// | --- | --- |
/// | `#[field(index)]` | an index |
/// | `#[field(unique)]` | an index whose value two documents may not share |
///
/// Indexes name fields as they are in the struct, and follow `#[serde(rename)]` and
/// `#[serde(rename_all)]`.
///
/// ```ignore
/// use wayfare::node;
///
/// #[node(schema = 2, index(keys = ["country", "name"]))]
/// #[derive(Debug, Clone, PartialEq)]
/// struct City {
///     #[field(unique)]
///     code: String,
///     #[field(index)]
///     country: String,
///     name: String,
///     #[serde(default)]
///     people: u64,
/// }
/// ```
#[proc_macro_attribute]
pub fn node(args: TokenStream, item: TokenStream) -> TokenStream {
    entity::expand(EntityKind::Node, args.into(), item.into()).into()
}

/// Makes a struct an edge entity.
///
/// Takes what [`macro@node`] takes, and `multi`: two nodes may then be joined by several edges of the
/// entity. The two ends of an edge are no fields of its struct.
///
/// ```ignore
/// use wayfare::edge;
///
/// #[edge]
/// struct Knows;
///
/// #[edge(multi)]
/// struct Flight {
///     number: String,
///     minutes: u32,
/// }
/// ```
#[proc_macro_attribute]
pub fn edge(args: TokenStream, item: TokenStream) -> TokenStream {
    entity::expand(EntityKind::Edge, args.into(), item.into()).into()
}

/// Makes a struct an object entity: a document outside the graph.
///
/// Takes what [`macro@node`] takes.
///
/// ```ignore
/// use wayfare::object;
///
/// #[object]
/// struct Account {
///     #[field(unique)]
///     email: String,
///     active: bool,
/// }
/// ```
#[proc_macro_attribute]
pub fn object(args: TokenStream, item: TokenStream) -> TokenStream {
    entity::expand(EntityKind::Object, args.into(), item.into()).into()
}

/// Makes a struct a walker, by the hooks in one of its own `impl` blocks.
///
/// A hook is a method marked `#[on_visit]` or `#[on_exit]`, sync or async, taking `&mut self` (or
/// `&self`). Hooks run in the order in which they are written. They return nothing, a `Step`, or a
/// `Result` of either; an error ends the walk. Methods without a marker stay what they are.
///
/// | hook | runs |
/// | --- | --- |
/// | `#[on_visit] fn f(&mut self, here: &Here<City>, walk: &mut Walk)` | at every `City` |
/// | `#[on_visit] fn f(&mut self, here: &Here, walk: &mut Walk)` | at every node |
/// | `#[on_visit(City, Airport)] fn f(&mut self, here: &Here, walk: &mut Walk)` | at nodes of these entities |
/// | `#[on_exit] fn f(&mut self, walk: &mut Walk)` | once, when the walk ends |
///
/// The `walk` may be left out. The future of an async hook must be `Send`, because its walk may go on
/// in another thread.
///
/// | argument | meaning |
/// | --- | --- |
/// | `name = "Reach"` | the name by which messages spawn it, by default that of the type |
/// | `order = "depth_first"` | the order of visits; also `"breadth_first"`, the default, and `"least_cost"` |
/// | `unique = "none"` | nodes may be visited again; `"node"` is the default |
/// | `options = path::to::function` | a `fn(&Self) -> WalkOptions` that decides all of this |
///
/// A walker that derives `serde::Deserialize` can be spawned by message, one that derives
/// `serde::Serialize` shows its state. A generic walker is neither registered nor shown: implement it
/// for one type, `impl Reach<u32>`, to have both.
///
/// ```ignore
/// use wayfare::{Here, Result, Step, Walk, walker};
///
/// #[derive(Default)]
/// struct Reach {
///     hops: u32,
///     found: Vec<String>,
/// }
///
/// #[walker(order = "breadth_first")]
/// impl Reach {
///     #[on_visit]
///     fn airport(&mut self, here: &Here<Airport>, walk: &mut Walk) -> Step {
///         self.found.push(here.iata.clone());
///         if walk.depth() < self.hops {
///             walk.visit(here.out::<Route>());
///         }
///         Step::Continue
///     }
///
///     #[on_exit]
///     async fn done(&mut self, walk: &mut Walk) -> Result<()> {
///         Ok(walk.report(&self.found)?)
///     }
/// }
/// ```
#[proc_macro_attribute]
pub fn walker(args: TokenStream, item: TokenStream) -> TokenStream {
    walker::expand(args.into(), item.into()).into()
}

/// Marks a visit hook in an `impl` block under [`macro@walker`], which see; an error anywhere else.
///
/// ```ignore
/// #[walker]
/// impl Census {
///     #[on_visit]
///     fn city(&mut self, here: &Here<City>) {
///         self.people += here.people;
///     }
/// }
/// ```
#[proc_macro_attribute]
pub fn on_visit(_args: TokenStream, item: TokenStream) -> TokenStream {
    hooks::misplaced(Marker::OnVisit, item.into()).into()
}

/// Marks an exit hook in an `impl` block under [`macro@walker`], which see; an error anywhere else.
///
/// ```ignore
/// #[walker]
/// impl Census {
///     #[on_exit]
///     fn done(&mut self, walk: &mut Walk) -> Result<(), WalkError> {
///         walk.report(&self.people)
///     }
/// }
/// ```
#[proc_macro_attribute]
pub fn on_exit(_args: TokenStream, item: TokenStream) -> TokenStream {
    hooks::misplaced(Marker::OnExit, item.into()).into()
}

//! The attribute macros of Wayfare: [`macro@node`], [`macro@edge`] and [`macro@object`] make a struct an
//! entity, [`macro@walker`] makes an `impl` block a walker, [`macro@hosts`] lets an entity answer its
//! visitors, and [`macro@event`] makes a struct an event.
//!
//! Users have them from the `wayfare` crate, whose hidden module `__private` holds every name that the
//! generated code needs. Misuse is an error on the user's own line that says what to write instead.

use proc_macro::TokenStream;

use crate::entity_args::EntityKind;
use crate::marker::Marker;

mod cached_query;
mod call_code;
mod entity;
mod entity_args;
mod entity_code;
mod errors;
mod event;
mod fields;
mod filter_code;
mod here;
mod hooks;
mod hosts;
mod hosts_code;
mod impl_block;
mod marker;
mod merge;
mod name;
mod options_args;
mod parallel_code;
mod serde_attrs;
mod serde_code;
mod signature;
mod struct_item;
mod upgrade;
mod values;
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
/// | `no_filters` | no functions for filters |
///
/// | on a field | meaning |
/// | --- | --- |
/// | `#[field(index)]` | an index |
/// | `#[field(unique)]` | an index whose value two documents may not share |
/// | `#[field(no_filter)]` | no function for filters |
///
/// Indexes name fields as they are in the struct, and follow `#[serde(rename)]` and
/// `#[serde(rename_all)]`.
///
/// For filters, each stored field has an associated function of its name and visibility that returns it
/// as a `Field`: `graph.find(City::people().gt(1_000_000))`. Where such a name is wanted for a function of
/// your own, turn it off. A field that serde stores `with` a form of its own is an untyped one. Fields
/// that are skipped or flattened have none, nor those whose stored name holds a dot or hangs on a
/// `cfg_attr`, nor any of a struct that serde stores as something else (`into`, `transparent`).
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

/// Makes a struct an event, which walkers and services publish and subscribe to.
///
/// The struct serialises: `serde::Serialize` and `serde::Deserialize` are derived unless it derives them
/// itself. It owns its fields and has no parameters. `name = "price"` is the name under which it is
/// published, by default that of the type; a subscriber gets events of the same name and type.
///
/// ```ignore
/// use wayfare::event;
///
/// #[event(name = "price")]
/// struct PriceChanged {
///     cents: u64,
/// }
/// ```
#[proc_macro_attribute]
pub fn event(args: TokenStream, item: TokenStream) -> TokenStream {
    event::expand(args.into(), item.into()).into()
}

/// Keeps the results of an async function or method in a cache.
///
/// | argument | meaning |
/// | --- | --- |
/// | `ttl = "5m"` | how long a result is kept: `ms`, `s`, `m`, `h`, `d`, or a number of seconds |
/// | `invalidate_on(User, Follows)` | entity types: a result is dropped as soon as an entity of one of them changes |
/// | `tags = ["users"]` | tags by which results are invalidated by hand; expressions, in which arguments can be used |
/// | `key = format!("{page}")` | what tells results apart, in place of the arguments |
/// | `cache = self.graph` | where the cache is: a `Graph`, `Runtime`, `Cache`, or what implements `CacheSource` |
///
/// Without `cache`, it is that of the first argument, or of `self` in a method. The key is the path of the function, or
/// the type of `self` and the name of the method, with all other arguments, which must serialise; `self` itself is no
/// part of it.
///
/// The function returns a `Result` whose value serialises and can be cloned, and whose error can be made of a
/// `wayfare::Error`. Errors are never kept. Of those who call it with the same arguments at once one runs it, and the
/// others wait.
///
/// ```ignore
/// use wayfare::{Graph, Result, cached_query};
///
/// #[cached_query(ttl = "5m", invalidate_on(User))]
/// async fn active_users(graph: &Graph, min_age: u32) -> Result<Vec<User>> {
///     let users = graph.find(User::active().eq(true).and(User::age().gte(min_age))).await?;
///     Ok(users.into_iter().map(|user| user.into_value()).collect())
/// }
/// ```
#[proc_macro_attribute]
pub fn cached_query(args: TokenStream, item: TokenStream) -> TokenStream {
    cached_query::expand(args.into(), item.into()).into()
}

/// Registers a function that upgrades the fields of an entity from one schema version to the next.
///
/// It is given the stored fields of a document of version `from`, in the order in which they are stored, and leaves
/// them as the next version has them. It may return a `Result<(), E>` with any error; a document whose upgrade
/// fails is not read as its type. Every read of an older document as the type runs it, and so does
/// `migrate schema`; what is stored changes with the next save. It must not count on running once.
///
/// Filters, sorts and indexes see what is stored, and not what an upgrade makes of it.
///
/// Every step from 1 to the type's `schema` needs a function; a missing one is told when a document needs it.
///
/// ```ignore
/// use wayfare::{Fields, node, upgrade};
///
/// #[node(schema = 2)]
/// struct User {
///     first_name: String,
///     last_name: String,
/// }
///
/// #[upgrade(User, from = 1)]
/// fn split_name(fields: &mut Fields) -> Result<(), String> {
///     let name = fields.shift_remove("name").ok_or("a user without a name")?;
///     let name = name.as_str().ok_or("a name that is no text")?;
///     let (first, last) = name.split_once(' ').unwrap_or((name, ""));
///     fields.insert("first_name".into(), first.into());
///     fields.insert("last_name".into(), last.into());
///     Ok(())
/// }
/// ```
#[proc_macro_attribute]
pub fn upgrade(args: TokenStream, item: TokenStream) -> TokenStream {
    upgrade::expand(args.into(), item.into()).into()
}

/// Lets an entity answer its visitors, by the hooks in an `impl` block of its struct.
///
/// A hook is a method marked `#[on_visit]`, sync or async. It takes `&self`, the walker that it answers,
/// and `walk: &mut Walk` where it wants to; it returns what the hooks of a walker return. It runs at every
/// visit of such a walker at such an entity, after the walker's own hooks. The entity itself is only read:
/// a hook writes through the walk. Methods without a marker stay what they are.
///
/// ```ignore
/// use wayfare::{Step, Walk, hosts, node};
///
/// #[node]
/// struct City {
///     name: String,
/// }
///
/// #[hosts]
/// impl City {
///     #[on_visit]
///     fn welcome(&self, visitor: &mut Tourist, walk: &mut Walk) -> Step {
///         visitor.stamps.push(self.name.clone());
///         Step::Continue
///     }
/// }
/// ```
#[proc_macro_attribute]
pub fn hosts(args: TokenStream, item: TokenStream) -> TokenStream {
    hosts::expand(args.into(), item.into()).into()
}

/// Makes a struct a walker, by the hooks in one of its own `impl` blocks.
///
/// A hook is a marked method, sync or async, taking `&mut self` (or `&self`). Hooks run in the order in
/// which they are written. They return nothing, a `Step`, or a `Result` of either; an error ends the walk.
/// Methods without a marker stay what they are.
///
/// | hook | runs |
/// | --- | --- |
/// | `#[on_enter] fn f(&mut self, walk: &mut Walk)` | once, before the first visit |
/// | `#[on_visit] fn f(&mut self, here: &Here<City>, walk: &mut Walk)` | at every `City` |
/// | `#[on_visit] fn f(&mut self, here: &Here, walk: &mut Walk)` | at every node and edge |
/// | `#[on_visit(City, Route)] fn f(&mut self, here: &Here, walk: &mut Walk)` | at these entities |
/// | `#[on_visit] fn f(&mut self, here: &[Here<City>], walk: &mut Walk)` | at several of them at once |
/// | `#[on_leave] fn f(&mut self, here: &Here<City>, walk: &mut Walk)` | after all below it; depth first only |
/// | `#[on_event] fn f(&mut self, event: &PriceChanged, walk: &mut Walk)` | between visits, when it has come |
/// | `#[on_exit] fn f(&mut self, walk: &mut Walk)` | once, when the walk ends |
///
/// The `walk` may be left out. The future of an async hook must be `Send`, because its walk may go on
/// in another thread. `#[on_leave]` takes `&Here` and lists as `#[on_visit]` does.
///
/// | argument | meaning |
/// | --- | --- |
/// | `name = "Reach"` | the name by which messages spawn it, by default that of the type |
/// | `order = "depth_first"` | the order of visits; also `"breadth_first"`, the default, `"least_cost"` and `"random"` |
/// | `seed = 7` | the seed of the random order, 0 by default |
/// | `unique = "none"` | what is not visited twice; also `"node"`, the default, `"edge"` and `"path"` |
/// | `trail = 20` | keeps the last 20 visits; also `"all"`, and `"off"`, the default |
/// | `chunk_size = 50` | the most visits in a slice, 100 by default |
/// | `durable` | walks survive their process; also `durable(visits = 500, interval_ms = 50)` |
/// | `profile` | the profile tells visits and time by entity, hook and node |
/// | `blocking` | hooks run on a thread for work that blocks, and hold up no other walk |
/// | `options = path::to::function` | a `fn(&Self) -> WalkOptions` that decides all of this but the name |
/// | `max_workers = 4` | up to so many visits at the same time, 1 to 4096 |
///
/// The hooks of a `blocking` walker run where `tokio::task::spawn_local` and what else belongs to the thread of a worker
/// are not to be had.
///
/// A number may be a constant, as `chunk_size = Self::CHUNK`.
///
/// With `max_workers` the visit hooks take `&self`, and what they return is taken in by one method,
/// `#[on_merge] fn f(&mut self, output: T, walk: &mut Walk)`, in the order of the visits, so the result
/// does not depend on which of them was first. Visit hooks then return `T` or a `Result` of it. Without
/// such a method they return what other hooks return. The other hooks have the walker to themselves.
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

/// Marks a hook before the first visit in an `impl` block under [`macro@walker`], which see; an error
/// anywhere else.
///
/// ```ignore
/// #[walker]
/// impl Census {
///     #[on_enter]
///     fn begin(&mut self) {
///         self.people = 0;
///     }
/// }
/// ```
#[proc_macro_attribute]
pub fn on_enter(_args: TokenStream, item: TokenStream) -> TokenStream {
    marker::misplaced(Marker::Enter, item.into()).into()
}

/// Marks a visit hook in an `impl` block under [`macro@walker`] or [`macro@hosts`], which see; an error
/// anywhere else.
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
    marker::misplaced(Marker::Visit, item.into()).into()
}

/// Marks a hook for leaving nodes in an `impl` block under [`macro@walker`], which see; an error anywhere
/// else.
///
/// ```ignore
/// #[walker(order = "depth_first")]
/// impl Census {
///     #[on_leave]
///     fn left(&mut self, here: &Here<Country>) {
///         self.sums.push((here.name.clone(), std::mem::take(&mut self.people)));
///     }
/// }
/// ```
#[proc_macro_attribute]
pub fn on_leave(_args: TokenStream, item: TokenStream) -> TokenStream {
    marker::misplaced(Marker::Leave, item.into()).into()
}

/// Marks a hook for events in an `impl` block under [`macro@walker`], which see; an error anywhere else.
///
/// ```ignore
/// #[walker]
/// impl Census {
///     #[on_event]
///     fn moved(&mut self, event: &Moved) {
///         self.people += event.people;
///     }
/// }
/// ```
#[proc_macro_attribute]
pub fn on_event(_args: TokenStream, item: TokenStream) -> TokenStream {
    marker::misplaced(Marker::Event, item.into()).into()
}

/// Marks what takes in the outputs of visits that run at the same time, in an `impl` block under
/// [`macro@walker`] with `max_workers`, which see; an error anywhere else.
///
/// ```ignore
/// #[walker(max_workers = 4)]
/// impl Census {
///     #[on_visit]
///     fn city(&self, here: &Here<City>) -> u64 {
///         here.people
///     }
///
///     #[on_merge]
///     fn add(&mut self, people: u64) {
///         self.people += people;
///     }
/// }
/// ```
#[proc_macro_attribute]
pub fn on_merge(_args: TokenStream, item: TokenStream) -> TokenStream {
    marker::misplaced(Marker::Merge, item.into()).into()
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
    marker::misplaced(Marker::Exit, item.into()).into()
}

//! Rust types as entities: what `#[node]` and `#[edge]` implement, and the registry of such types.

use std::sync::{Arc, OnceLock};

use rustc_hash::FxHashMap;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::body::{Body, BodyError};
use crate::document::Document;
use crate::entity_name::EntityName;
use crate::field::Field;
use crate::id::{Id, Kind};
use crate::index::IndexSpec;
use crate::record::{Head, Record, SMALL_BODY, SharedRecord, Typed, TypedLarge, TypedOver, Untyped};
use crate::upgrade;

/// A Rust type whose values are stored as documents of one entity.
///
/// Implemented by `#[node]` and `#[edge]`; implement it by hand only where a macro cannot go.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not an entity",
    label = "not an entity type",
    note = "put `#[node]`, `#[edge]` or `#[object]` on the struct; for any node take `&Here`"
)]
pub trait Entity: Serialize + DeserializeOwned + Send + Sync + 'static {
    /// The entity name, by default the name of the type.
    const NAME: &'static str;
    /// Node, edge or object.
    const KIND: Kind;
    /// The schema version of the type, 1 unless declared.
    const SCHEMA: u32 = 1;
    /// The names under which all fields are stored, where they are known without running serde.
    ///
    /// `None` makes the runtime keep the stored bytes beside the value, so that fields which the
    /// type does not know survive; `Some` lets it drop them when there are no such fields.
    const FIELDS: Option<&'static [&'static str]> = None;
    /// Whether two nodes may be joined by several edges of this entity.
    const MULTI: bool = false;

    /// The interned [`NAME`](Self::NAME).
    fn entity_name() -> EntityName;

    /// An address that a hook is likely to read, outside the value itself: the runtime asks the processor
    /// to fetch it ahead of the hook. It is never read through; null where there is none.
    #[inline]
    fn heap_address(&self) -> *const u8 {
        std::ptr::null()
    }

    /// Indexes declared on the type.
    fn indexes() -> &'static [IndexSpec] {
        &[]
    }
}

/// The kind and name of an entity type, for lists of them.
#[must_use]
pub fn entity_of<T: Entity>() -> (Kind, EntityName) {
    (T::KIND, T::entity_name())
}

/// An [`Entity`] whose kind is [`Kind::Node`].
pub trait NodeEntity: Entity {}

/// An [`Entity`] whose kind is [`Kind::Edge`].
pub trait EdgeEntity: Entity {
    /// The node that the edge leaves, for filters: `Road::source_id().eq("n.City.oslo")`.
    fn source_id() -> Field<Self, Id> {
        Field::new("source")
    }

    /// The node that the edge enters, for filters.
    fn target_id() -> Field<Self, Id> {
        Field::new("target")
    }
}

/// What the runtime knows of a registered entity type.
#[derive(Debug, Clone, Copy)]
pub struct EntityType {
    /// [`Entity::NAME`].
    pub name: &'static str,
    /// [`Entity::KIND`].
    pub kind: Kind,
    /// [`Entity::MULTI`].
    pub multi: bool,
    /// [`Entity::SCHEMA`].
    pub schema: u32,
    /// [`Entity::indexes`].
    pub indexes: fn() -> &'static [IndexSpec],
    /// Makes a resident record of the type of fields that fit it, an untyped one of others.
    pub record: fn(Head, Body, Option<Body>) -> SharedRecord,
    /// A document in the type's schema, and whether it had another: an error where it cannot be brought there, or
    /// its fields do not fit the type then.
    pub current: fn(&Document) -> Result<(Document, bool), BodyError>,
}

impl EntityType {
    /// The registration of `T`.
    #[must_use]
    pub const fn of<T: Entity>() -> Self {
        Self {
            name: T::NAME,
            kind: T::KIND,
            multi: T::MULTI,
            schema: T::SCHEMA,
            indexes: T::indexes,
            record: typed_record::<T>,
            current: upgrade::current::<T>,
        }
    }

    /// The type registered under a kind and name, if this process has one.
    #[must_use]
    pub fn find(kind: Kind, name: EntityName) -> Option<&'static Self> {
        registry().get(&(kind, name.as_str())).copied()
    }

    /// The same by code, for hot loops: indexed by [`EntityName::code`], nodes only.
    #[must_use]
    pub fn find_node(name: EntityName) -> Option<&'static Self> {
        Self::find(Kind::Node, name)
    }

    /// All registered types, in no order.
    pub fn all() -> impl Iterator<Item = &'static Self> {
        registry().values().copied()
    }
}

inventory::collect!(EntityType);

fn registry() -> &'static FxHashMap<(Kind, &'static str), &'static EntityType> {
    static REGISTRY: OnceLock<FxHashMap<(Kind, &'static str), &'static EntityType>> = OnceLock::new();
    // Two types with one name: which of them the runtime decodes into does not matter, because a
    // hook for the other decodes from the stored fields.
    REGISTRY.get_or_init(|| {
        inventory::iter::<EntityType>.into_iter().map(|entity| ((entity.kind, entity.name), entity)).collect()
    })
}

fn typed_record<T: Entity>(head: Head, body: Body, extra: Option<Body>) -> SharedRecord {
    let (body, extra) = match upgrade::upgraded::<T>(&head.id, &body, extra.as_ref()) {
        Ok(upgraded) => upgraded.unwrap_or((body, extra)),
        // As it is stored: a hook that wants it as its type is told why it cannot be.
        Err(_) => return Arc::new(Record { head, payload: Untyped { body, extra } }),
    };
    match body.decode::<T>() {
        Ok(value)
            if extra.as_ref() == upgrade::plain_extra::<T>()
                && T::FIELDS.is_some_and(|known| body.has_only(known)) =>
        {
            let stored = body.as_bytes().len();
            if stored <= SMALL_BODY || !std::mem::needs_drop::<T>() {
                return Arc::new(Record { head, payload: Typed(value) });
            }
            let stored = u32::try_from(stored).unwrap_or(u32::MAX);
            Arc::new(Record { head, payload: TypedLarge { value, stored } })
        }
        Ok(value) => Arc::new(Record { head, payload: TypedOver { value, raw: body, extra } }),
        Err(_) => Arc::new(Record { head, payload: Untyped { body, extra } }),
    }
}

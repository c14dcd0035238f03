//! The node that a hook runs at.

use std::marker::PhantomData;
use std::ops::Deref;
use std::sync::{Arc, OnceLock};

use parking_lot::Mutex;
use serde_json::Value;

use crate::body::BodyError;
use crate::change::Change;
use crate::direction::Direction;
use crate::document::{Document, Version};
use crate::entity::{EdgeEntity, Entity};
use crate::filter::Filter;
use crate::id::Id;
use crate::neighbours::Neighbours;
use crate::record::{EdgeLink, SharedRecord, Slot, Typed, TypedLarge, TypedOver, Untyped};
use crate::upgrade;

/// A record on which hooks run. Holding it keeps the record, not the shard.
#[derive(Debug)]
pub struct Visited {
    /// The record's slot.
    pub slot: Slot,
    /// The record.
    pub record: SharedRecord,
    /// What hooks asked to be written here. Few visits write, so there is room only once one does.
    changes: OnceLock<Box<Mutex<Vec<Change>>>>,
}

impl Visited {
    /// A visit of a record.
    #[must_use]
    #[inline]
    pub fn new(slot: Slot, record: SharedRecord) -> Self {
        Self { slot, record, changes: OnceLock::new() }
    }

    pub(crate) fn ask(&self, change: Change) {
        self.changes.get_or_init(Box::default).lock().push(change);
    }

    /// What hooks asked to be written, in order.
    #[inline]
    pub fn changes(&self) -> Option<Vec<Change>> {
        self.changes.get().map(|changes| std::mem::take(&mut *changes.lock()))
    }

    /// The document, with fields that the registered type does not know.
    ///
    /// # Errors
    /// [`BodyError::Encode`] when a typed value no longer serialises.
    pub fn document(&self) -> Result<Document, BodyError> {
        let head = &self.record.head;
        let (id, body) = (head.id.clone(), self.record.payload.body()?);
        let document = match head.ends() {
            Some(ends) => Document::edge(id, ends.clone(), body),
            None => Document::new(id, body),
        };
        let document = document.with_version(head.version()).with_extra(self.record.payload.extra().cloned());
        // A record has what its version has in the store, or will have once it is settled.
        Ok(document.with_all_members())
    }

    /// Whether the record satisfies a filter.
    ///
    /// # Errors
    /// As [`document`](Self::document).
    pub fn satisfies(&self, filter: &Filter) -> Result<bool, BodyError> {
        Ok(filter.is_all() || filter.matches(&self.document()?))
    }
}

/// What `&Here<T>` may be taken of: an entity type, or [`Document`] for any.
pub trait HereTarget: Sized + 'static {
    /// How the payload is held while the hook runs.
    type View<'a>;

    /// Prepares the view.
    ///
    /// # Errors
    /// [`BodyError::Decode`] when the stored fields do not fit the type.
    fn view(visited: &Visited) -> Result<Self::View<'_>, BodyError>;
}

/// A payload of type `T`: the resident one, or one decoded for this visit because the resident
/// record has another Rust type.
#[derive(Debug)]
pub enum PayloadView<'a, T> {
    /// Read in place.
    Resident(&'a T),
    /// Decoded.
    Decoded(Box<T>),
}

impl<T: Entity> HereTarget for T {
    type View<'a> = PayloadView<'a, T>;

    #[inline]
    fn view(visited: &Visited) -> Result<PayloadView<'_, T>, BodyError> {
        let payload: &dyn std::any::Any = &visited.record.payload;
        if let Some(Typed(value)) = payload.downcast_ref() {
            return Ok(PayloadView::Resident(value));
        }
        if let Some(TypedLarge { value, .. }) = payload.downcast_ref() {
            return Ok(PayloadView::Resident(value));
        }
        match payload.downcast_ref() {
            Some(TypedOver { value, .. }) => Ok(PayloadView::Resident(value)),
            None => {
                let (head, payload) = (&visited.record.head, &visited.record.payload);
                let value = upgrade::decoded(&head.id, &payload.body()?, payload.extra())?;
                Ok(PayloadView::Decoded(Box::new(value)))
            }
        }
    }
}

impl HereTarget for Document {
    type View<'a> = PhantomData<&'a ()>;

    #[inline]
    fn view(_visited: &Visited) -> Result<PhantomData<&()>, BodyError> {
        Ok(PhantomData)
    }
}

/// The node that a hook runs at, as a `T`.
///
/// `Here<City>` derefs to the `City`; `Here<Document>` (or plain `Here`) is any node, whose fields
/// are looked up with [`get`](Here::get) or decoded with [`document`](Here::document).
pub struct Here<'a, T: HereTarget = Document> {
    visited: &'a Visited,
    view: T::View<'a>,
}

impl<'a, T: HereTarget> Here<'a, T> {
    /// Views a visited record as a `T`.
    ///
    /// # Errors
    /// [`BodyError::Decode`] when its stored fields do not fit.
    #[inline]
    pub fn of(visited: &'a Visited) -> Result<Self, BodyError> {
        Ok(Self { visited, view: T::view(visited)? })
    }

    /// Views many visited records as a `T` each.
    ///
    /// # Errors
    /// [`BodyError::Decode`] when the stored fields of one do not fit.
    pub fn many(visited: &'a [Visited]) -> Result<Vec<Self>, BodyError> {
        visited.iter().map(Self::of).collect()
    }

    /// The id.
    #[must_use]
    pub fn id(&self) -> &'a Id {
        &self.visited.record.head.id
    }

    /// The version.
    #[must_use]
    pub fn version(&self) -> Version {
        self.visited.record.head.version()
    }

    /// The compact address, valid within this runtime.
    #[must_use]
    pub fn slot(&self) -> Slot {
        self.visited.slot
    }

    /// The document: decoded or copied at each call.
    ///
    /// # Errors
    /// [`BodyError::Encode`] when a typed value no longer serialises.
    pub fn document(&self) -> Result<Document, BodyError> {
        self.visited.document()
    }

    /// What a dotted path such as `context.name` names, `None` where there is nothing.
    ///
    /// Decodes one field, not the document.
    #[must_use]
    pub fn get(&self, path: &str) -> Option<Value> {
        let segments: Vec<String> = path.split('.').map(str::to_owned).collect();
        let (mut value, used) = match (segments.as_slice(), any_payload(self.visited)) {
            ([first, name, ..], Some(Untyped { body, .. })) if first == "context" => (body.field(name)?, 2),
            _ => self.visited.document().ok()?.peek(&segments)?,
        };
        for segment in &segments[used..] {
            value = match value {
                Value::Object(mut fields) => fields.remove(segment)?,
                Value::Array(mut items) => {
                    let at: usize = segment.parse().ok()?;
                    if at >= items.len() {
                        return None;
                    }
                    items.swap_remove(at)
                }
                _ => return None,
            };
        }
        Some(value)
    }

    /// Neighbours along out-edges of entity `E`.
    #[must_use]
    #[inline]
    pub fn out<E: EdgeEntity>(&self) -> Neighbours {
        Neighbours::along_one(self.visited.slot, Direction::Out, E::entity_name())
    }

    /// Neighbours along in-edges of entity `E`.
    #[must_use]
    pub fn in_<E: EdgeEntity>(&self) -> Neighbours {
        Neighbours::along_one(self.visited.slot, Direction::In, E::entity_name())
    }

    /// Neighbours along edges of entity `E`, either way.
    #[must_use]
    pub fn both<E: EdgeEntity>(&self) -> Neighbours {
        Neighbours::along_one(self.visited.slot, Direction::Both, E::entity_name())
    }

    /// Neighbours along edges of every entity; narrow it with [`Neighbours::along`].
    #[must_use]
    #[inline]
    pub fn neighbours(&self, direction: Direction) -> Neighbours {
        Neighbours::of(self.visited.slot, direction)
    }

    /// The addresses that an expression stands for, where this node's neighbours were read with it: the walk
    /// asked for them with [`WalkOptions::links`](crate::WalkOptions::links), or has gone that way before.
    /// What narrows it beside the entities of edges does not count.
    #[must_use]
    pub fn resident(&self, neighbours: &Neighbours) -> Option<Vec<Slot>> {
        let links = self.visited.record.head.links(neighbours.direction())?;
        let mut slots = Vec::new();
        neighbours.resolve(links, |run| slots.extend(run.iter().map(|&slot| Slot(slot))));
        Some(slots)
    }

    /// The edges in a direction with their documents, in the order of their ids.
    ///
    /// `None` unless the walk asked for them with [`WalkOptions::edges`](crate::WalkOptions::edges).
    #[must_use]
    pub fn edges(&self, direction: Direction) -> Option<&'a [EdgeLink]> {
        self.visited.record.head.edges(direction).map(|links| &*links.0)
    }
}

impl<T: Entity> Here<'_, T> {
    /// Changes the entity when the hooks of this visit have returned.
    ///
    /// `change` is applied to what is stored then, and again if somebody else was faster, so it may run
    /// more than once and must not count on doing so only once. Later visits of the same walk see the
    /// change; other walks see it once it is written, with others of this walk.
    pub fn update(&self, change: impl Fn(&mut T) + Send + Sync + 'static) {
        self.visited.ask(Change::update::<T>(self.id().clone(), change));
    }

    /// Writes a value over the version that this visit has read.
    ///
    /// If somebody else has changed the entity since, the walk ends with
    /// [`WalkError::WriteRefused`](crate::WalkError::WriteRefused), which names both versions; use
    /// [`update`](Self::update) where the change can be made again.
    pub fn save(&self, value: T) {
        let version = self.version();
        self.visited.ask(Change::Update {
            id: self.id().clone(),
            only: Some(version),
            apply: Arc::new(move |document: &Document| document.written_over(&value)),
        });
    }
}

impl Here<'_, Document> {
    /// The same as for a typed entity, on the document.
    pub fn update(&self, change: impl Fn(&Document) -> Result<Document, BodyError> + Send + Sync + 'static) {
        let apply = Arc::new(change);
        self.visited.ask(Change::Update { id: self.id().clone(), only: None, apply });
    }
}

fn any_payload(visited: &Visited) -> Option<&Untyped> {
    (&visited.record.payload as &dyn std::any::Any).downcast_ref()
}

impl<T: Entity> Deref for Here<'_, T> {
    type Target = T;

    #[inline]
    fn deref(&self) -> &T {
        match &self.view {
            PayloadView::Resident(value) => value,
            PayloadView::Decoded(value) => value,
        }
    }
}

impl<T: HereTarget> std::fmt::Debug for Here<'_, T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Here").field(self.id()).finish()
    }
}

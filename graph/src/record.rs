//! Resident records: entities in memory, published for reading by the shard that owns them.

use std::any::Any;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

use crate::body::{Body, BodyError};
use crate::direction::Direction;
use crate::document::{Document, Ends, Version};
use crate::entity::Entity;
use crate::entity_name::EntityName;
use crate::id::Id;
use crate::upgrade::plain_extra;

/// The compact address of an entity in one running runtime.
///
/// A slot belongs to one id for as long as the runtime lives; another run gives other slots.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Slot(pub u32);

/// A record that can be read from any thread.
pub type SharedRecord = Arc<Record<dyn Payload>>;

/// An entity in memory.
#[derive(Debug)]
pub struct Record<P: ?Sized> {
    /// What every record has.
    pub head: Head,
    /// The user's fields, as a Rust value or as bytes.
    pub payload: P,
}

/// The part of a record that does not depend on its type.
#[derive(Debug)]
pub struct Head {
    /// The id.
    pub id: Id,
    /// The version of the payload, and two flags in its lowest bits: words of their own would cost eight
    /// bytes in every record. See [`TOUCHED`] and [`UNSETTLED`].
    version: AtomicU64,
    /// Out-links, the most walked; the other directions and edges with fields lie in `more`.
    out: OnceLock<Links>,
    more: OnceLock<Box<MoreLinks>>,
}

/// Set when a record is asked for again after its load, cleared by its shard, which looks for what may go.
const TOUCHED: u64 = 1;

/// Set while what a record holds is not durable.
const UNSETTLED: u64 = 2;

/// How many bits the flags take.
const FLAGS: u32 = 2;

#[derive(Debug, Default)]
struct MoreLinks {
    inward: OnceLock<Links>,
    both: OnceLock<Links>,
    edges: [OnceLock<EdgeLinks>; 3],
    /// The ends, of an edge.
    ends: OnceLock<Ends>,
}

impl Head {
    /// A head without links. That it was loaded does not count as a read.
    #[must_use]
    pub fn new(id: Id, version: Version) -> Self {
        let version = AtomicU64::new(version.0 << FLAGS);
        Self { id, version, out: OnceLock::new(), more: OnceLock::new() }
    }

    /// The version of the payload.
    #[must_use]
    #[inline]
    pub fn version(&self) -> Version {
        // The version itself never changes; only the flags beside it do.
        Version(self.version.load(Ordering::Relaxed) >> FLAGS)
    }

    /// Notes, before the record is published, that what it holds is not durable yet.
    pub fn mark_unsettled(&self) {
        self.version.fetch_or(UNSETTLED, Ordering::Relaxed);
    }

    /// Notes that what it holds is durable. A record whose write was refused is never settled.
    pub fn settle(&self) {
        // Release: whoever sees it settled sees the commit before it.
        self.version.fetch_and(!UNSETTLED, Ordering::Release);
    }

    /// Whether what it holds is durable.
    #[must_use]
    #[inline]
    pub fn is_settled(&self) -> bool {
        self.version.load(Ordering::Acquire) & UNSETTLED == 0
    }

    /// The head of the next version of the same entity, with the links known so far.
    #[must_use]
    pub fn succeed(&self, version: Version) -> Self {
        let next = Self::new(self.id.clone(), version);
        // To be written is not to be read: a walk that updates everything is a scan too.
        next.version.fetch_or(self.version.load(Ordering::Relaxed) & TOUCHED, Ordering::Relaxed);
        for direction in Direction::ALL {
            if let Some(links) = self.links(direction) {
                next.set_links(direction, links.clone());
            }
            if let Some(edges) = self.edges(direction) {
                next.set_edges(direction, edges.clone());
            }
        }
        next
    }

    /// The links in a direction, if they are resident.
    #[must_use]
    #[inline]
    pub fn links(&self, direction: Direction) -> Option<&Links> {
        match direction {
            Direction::Out => self.out.get(),
            Direction::In => self.more.get()?.inward.get(),
            Direction::Both => self.more.get()?.both.get(),
        }
    }

    /// The edges in a direction with their fields, if they are resident.
    #[must_use]
    pub fn edges(&self, direction: Direction) -> Option<&EdgeLinks> {
        self.more.get()?.edges[direction as usize].get()
    }

    /// Adds links that were loaded later than the record. The first to be set stay.
    pub fn set_links(&self, direction: Direction, links: Links) {
        let place = match direction {
            Direction::Out => &self.out,
            Direction::In => &self.more().inward,
            Direction::Both => &self.more().both,
        };
        let _ = place.set(links);
    }

    /// Adds edges with their fields. The first to be set stay.
    pub fn set_edges(&self, direction: Direction, edges: EdgeLinks) {
        let _ = self.more().edges[direction as usize].set(edges);
    }

    /// The ends, if this is an edge.
    #[must_use]
    pub fn ends(&self) -> Option<&Ends> {
        self.more.get()?.ends.get()
    }

    fn more(&self) -> &MoreLinks {
        self.more.get_or_init(Box::default)
    }

    /// Notes that the record was read.
    #[inline]
    pub fn touch(&self) {
        // A hint for eviction: a lost update costs nothing, so the weakest ordering will do. The
        // test spares a write to the line of a record that is already marked.
        if self.version.load(Ordering::Relaxed) & TOUCHED == 0 {
            self.version.fetch_or(TOUCHED, Ordering::Relaxed);
        }
    }

    /// Whether the record was read since the last call.
    pub fn take_touched(&self) -> bool {
        self.version.fetch_and(!TOUCHED, Ordering::Relaxed) & TOUCHED != 0
    }

    /// Heap bytes of the links.
    #[must_use]
    pub fn link_bytes(&self) -> usize {
        let links: usize = Direction::ALL.iter().filter_map(|&d| self.links(d)).map(Links::bytes).sum();
        let edges: usize = Direction::ALL.iter().filter_map(|&d| self.edges(d)).map(EdgeLinks::bytes).sum();
        links + edges + if self.more.get().is_some() { size_of::<MoreLinks>() } else { 0 }
    }
}

/// The neighbours of a node in one direction, in the order of their edges, grouped into runs of
/// one edge entity: a word with the entity's code and the length, then so many slots.
#[derive(Debug, Clone)]
pub struct Links(Box<[u32]>);

impl Links {
    /// Packs neighbours.
    #[must_use]
    pub fn pack(neighbours: impl IntoIterator<Item = (EntityName, Slot)>) -> Self {
        let mut words: Vec<u32> = Vec::with_capacity(16);
        let mut header = 0;
        for (entity, slot) in neighbours {
            let code = u32::from(entity.code());
            let open = words.get(header).is_some_and(|word| word >> 16 == code && word & 0xffff < 0xffff);
            if !open {
                header = words.len();
                words.push(code << 16);
            }
            words[header] += 1;
            words.push(slot.0);
        }
        Self(words.into())
    }

    /// The runs: an edge entity's code and the slots that follow it.
    #[inline]
    pub fn runs(&self) -> impl Iterator<Item = (u16, &[u32])> {
        let mut rest: &[u32] = &self.0;
        std::iter::from_fn(move || {
            let (&header, tail) = rest.split_first()?;
            let (run, after) = tail.split_at((header & 0xffff) as usize);
            rest = after;
            Some(((header >> 16) as u16, run))
        })
    }

    /// The address of the first word, for prefetching.
    #[must_use]
    pub fn as_ptr(&self) -> *const u32 {
        self.0.as_ptr()
    }

    /// Heap bytes.
    #[must_use]
    pub fn bytes(&self) -> usize {
        size_of_val(&*self.0)
    }
}

/// The edges of a node in one direction, with their documents.
#[derive(Debug, Clone)]
pub struct EdgeLinks(pub Arc<[EdgeLink]>);

/// One edge of a node.
#[derive(Debug, Clone)]
pub struct EdgeLink {
    /// The edge.
    pub edge: Document,
    /// The node at its other end.
    pub other: Slot,
}

impl EdgeLinks {
    fn bytes(&self) -> usize {
        size_of_val(&*self.0)
            + self.0.iter().map(|link| link.edge.body().as_bytes().len() + 16).sum::<usize>()
    }
}

/// The fields of a resident entity.
pub trait Payload: Any + Send + Sync + std::fmt::Debug {
    /// The encoded fields, those included that the Rust type does not know.
    ///
    /// # Errors
    /// [`BodyError::Encode`] when the value no longer serialises.
    fn body(&self) -> Result<Body, BodyError>;

    /// Members of the document beside its fields, which Wayfare does not know.
    fn extra(&self) -> Option<&Body> {
        None
    }

    /// As [`Entity::heap_address`].
    fn heap_address(&self) -> *const u8;

    /// Bytes of memory beside the record itself, estimated where a type owns heap memory.
    fn heap_bytes(&self) -> usize;
}

/// Fields of an entity without a registered type, or that do not fit it.
#[derive(Debug)]
pub struct Untyped {
    /// The stored fields.
    pub body: Body,
    /// Members beside them.
    pub extra: Option<Body>,
}

impl Payload for Untyped {
    fn body(&self) -> Result<Body, BodyError> {
        Ok(self.body.clone())
    }

    fn extra(&self) -> Option<&Body> {
        self.extra.as_ref()
    }

    fn heap_address(&self) -> *const u8 {
        self.body.as_bytes().as_ptr()
    }

    fn heap_bytes(&self) -> usize {
        self.body.as_bytes().len() + 48
    }
}

/// A value of a registered type whose stored fields are all known to it; beside them there is nothing but the
/// schema of the type.
pub struct Typed<T>(pub T);

/// The same where the stored form says that it owns more than most.
pub struct TypedLarge<T> {
    /// The value.
    pub value: T,
    /// Bytes of its stored form.
    pub stored: u32,
}
/// A value of a registered type whose stored fields hold more than it knows.
pub struct TypedOver<T> {
    /// The value.
    pub value: T,
    /// The stored fields.
    pub raw: Body,
    /// Members beside them.
    pub extra: Option<Body>,
}

impl<T> std::fmt::Debug for Typed<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(std::any::type_name::<T>())
    }
}

impl<T> std::fmt::Debug for TypedLarge<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(std::any::type_name::<T>())
    }
}

/// What a value owns cannot be asked for; most types own about a string.
const OWNED_BYTES: usize = 32;

/// The longest stored form of a value that is taken to own so much, and no more: room for the length costs eight bytes,
/// which small records do without.
pub(crate) const SMALL_BODY: usize = 2 * OWNED_BYTES;

impl<T: Entity> Payload for Typed<T> {
    fn body(&self) -> Result<Body, BodyError> {
        Body::encode(&self.0)
    }

    fn extra(&self) -> Option<&Body> {
        plain_extra::<T>()
    }

    fn heap_address(&self) -> *const u8 {
        self.0.heap_address()
    }

    fn heap_bytes(&self) -> usize {
        size_of::<T>() + OWNED_BYTES
    }
}

impl<T: Entity> Payload for TypedLarge<T> {
    fn body(&self) -> Result<Body, BodyError> {
        Body::encode(&self.value)
    }

    fn extra(&self) -> Option<&Body> {
        plain_extra::<T>()
    }

    fn heap_address(&self) -> *const u8 {
        self.value.heap_address()
    }

    fn heap_bytes(&self) -> usize {
        // Texts and lists, which make a form long, take as much in memory as in there.
        size_of::<T>() + self.stored as usize
    }
}

impl<T> std::fmt::Debug for TypedOver<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(std::any::type_name::<T>())
    }
}

impl<T: Entity> Payload for TypedOver<T> {
    fn body(&self) -> Result<Body, BodyError> {
        Ok(self.raw.clone())
    }

    fn extra(&self) -> Option<&Body> {
        self.extra.as_ref()
    }

    fn heap_address(&self) -> *const u8 {
        self.value.heap_address()
    }

    fn heap_bytes(&self) -> usize {
        size_of::<T>() + 2 * self.raw.as_bytes().len() + 16
    }
}

/// Makes the record of a document: typed where its entity is registered and its fields fit, else untyped.
///
/// What is stored in an older schema is upgraded, in memory only. Fields that do not fit, or are of a newer schema,
/// are told by the hook that wants them as its type; hooks for any document, and
/// walks that only pass, are not kept from the node.
#[must_use]
pub fn record_of(document: Document) -> SharedRecord {
    let head = Head::new(document.id().clone(), document.version());
    if let Some(ends) = document.ends() {
        let _ = head.more().ends.set(ends.clone());
    }
    record_with(head, document.body().clone(), document.extra().cloned())
}

/// The same with a head that is made already.
#[must_use]
pub fn record_with(head: Head, body: Body, extra: Option<Body>) -> SharedRecord {
    match crate::entity::EntityType::find(head.id.kind(), head.id.entity()) {
        Some(entity) => (entity.record)(head, body, extra),
        None => Arc::new(Record { head, payload: Untyped { body, extra } }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_keep_order_and_entities_through_packing() {
        let (road, rail) = (EntityName::new("LinkRoad").unwrap(), EntityName::new("LinkRail").unwrap());
        let given: Vec<(EntityName, Slot)> =
            [(road, 5), (road, 1), (rail, 9), (road, 5), (road, 0)].map(|(e, s)| (e, Slot(s))).to_vec();
        let links = Links::pack(given.clone());
        let back: Vec<(EntityName, Slot)> = links
            .runs()
            .flat_map(|(code, run)| run.iter().map(move |&s| (EntityName::from_code(code).unwrap(), Slot(s))))
            .collect();
        assert_eq!(back, given);
    }

    #[test]
    fn a_run_of_more_than_a_header_can_count_is_split() {
        let road = EntityName::new("LinkRoad").unwrap();
        let links = Links::pack((0..200_000).map(|slot| (road, Slot(slot))));
        let back: Vec<u32> = links.runs().flat_map(|(_, run)| run.iter().copied()).collect();
        assert!(back.iter().copied().eq(0..200_000));
    }
}

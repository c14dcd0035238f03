//! What a walk has asked to be written and has not written yet.
//!
//! A walk writes in groups: one commit for many visits. Until then it reads its own writes from here, so
//! every visit sees what the visits before it have done.

use std::sync::Arc;
use std::time::{Duration, Instant};

use rustc_hash::{FxHashMap, FxHashSet};

use crate::change::{Apply, Change};
use crate::direction::Direction;
use crate::document::{Document, Version};
use crate::here::Visited;
use crate::id::{Id, Kind};
use crate::record::{EdgeLink, EdgeLinks, Links, SharedRecord, Slot, record_of, record_with};
use crate::store_error::{StoreError, WriteError};
use crate::walk_error::WalkError;
use crate::walk_services::WalkServices;
use crate::write::{Write, WriteBatch, WriteResult};

/// Writes after which a walk that is not durable commits.
const DUE_WRITES: usize = 1_000;

/// How long a write of a walk that is not durable waits for company.
const DUE_AFTER: Duration = Duration::from_millis(10);

/// How often a batch is made again on what others left. At each attempt somebody's writes succeed.
const ATTEMPTS: u32 = 1_000;

/// What a walk sees of an entity that it has changed and not written yet.
#[derive(Debug, Clone)]
pub enum Overlaid {
    /// The changed entity.
    Record(SharedRecord),
    /// It removed the entity.
    Gone,
}

/// One write that is due.
enum Pending {
    /// A new version of an entity, and how it was made of the stored one. `only`: of no other version. `base`: what it
    /// was made of, where that was not durable then.
    Save {
        document: Document,
        applies: Vec<Apply>,
        only: Option<Version>,
        base: Option<SharedRecord>,
    },
    /// The same of an entity that has to be read first.
    Unread {
        id: Id,
        applies: Vec<Apply>,
        only: Option<Version>,
    },
    Create {
        document: Document,
        multi: bool,
    },
    Connect {
        edge: Document,
    },
    Delete {
        id: Id,
    },
}

/// The writes of one walk.
#[derive(Default)]
pub struct WriteBuffer {
    durable: bool,
    /// By hooks through their walk, not taken over yet.
    asked: Vec<Change>,
    pending: Vec<Pending>,
    /// Where the write of an entity stands among those pending.
    places: FxHashMap<Id, usize>,
    overlay: FxHashMap<Slot, Overlaid>,
    /// Nodes with edges that are due.
    stale: FxHashSet<Slot>,
    /// Whether later visits cannot be told the truth before these writes are done.
    urgent: bool,
    since: Option<Instant>,
}

impl WriteBuffer {
    /// A buffer whose writes are done together with the state of its walk.
    #[must_use]
    pub fn durable() -> Self {
        Self { durable: true, ..Self::default() }
    }

    pub(crate) fn is_durable(&self) -> bool {
        self.durable
    }

    pub(crate) fn ask(&mut self, change: Change) {
        self.asked.push(change);
    }

    pub(crate) fn take_asked(&mut self, other: &mut Self) {
        self.asked.append(&mut other.asked);
    }

    pub(crate) fn has_asked(&self) -> bool {
        !self.asked.is_empty()
    }

    /// Forgets what a hook asked for that did not end well.
    pub fn forget_asked(&mut self) {
        self.asked.clear();
    }

    /// Whether nothing is due.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.pending.is_empty()
    }

    /// Whether the walk may not go on before it has written.
    #[must_use]
    pub fn is_urgent(&self) -> bool {
        self.urgent
    }

    /// Whether it is time to write.
    #[must_use]
    pub fn is_due(&self, services: &dyn WalkServices) -> bool {
        let waits_long = |since| services.now().saturating_duration_since(since) >= DUE_AFTER;
        self.urgent
            || (!self.durable && (self.pending.len() >= DUE_WRITES || self.since.is_some_and(waits_long)))
    }

    /// What the walk sees of an entity that it has changed.
    #[must_use]
    pub fn overlaid(&self, slot: Slot) -> Option<&Overlaid> {
        if self.overlay.is_empty() { None } else { self.overlay.get(&slot) }
    }

    /// The edges of a node, in a direction, that are due.
    pub(crate) fn edges_of(
        &self,
        origin: Slot,
        direction: Direction,
        services: &dyn WalkServices,
    ) -> Vec<EdgeLink> {
        let edges = self.pending.iter().filter_map(|pending| match pending {
            Pending::Connect { edge } => Some(edge),
            Pending::Create { document, .. } if document.id().kind() == Kind::Edge => Some(document),
            _ => None,
        });
        let followed = |edge: &Document| {
            let ends = edge.ends()?;
            let (source, target) = (services.slot_of(&ends.source), services.slot_of(&ends.target));
            let out = direction != Direction::In || ends.bidirectional;
            let inward = direction != Direction::Out || ends.bidirectional;
            let other = match () {
                () if source == origin && out => target,
                () if target == origin && inward => source,
                () => return None,
            };
            Some(EdgeLink { edge: edge.clone(), other })
        };
        edges.filter_map(followed).collect()
    }

    /// Whether the neighbours of a node are not only those that are resident.
    #[must_use]
    pub fn is_stale(&self, slot: Slot) -> bool {
        !self.stale.is_empty() && self.stale.contains(&slot)
    }

    pub(crate) fn note_asked(&mut self, services: &dyn WalkServices) -> Result<(), WalkError> {
        for change in std::mem::take(&mut self.asked) {
            self.note(change, None, services)?;
        }
        Ok(())
    }

    /// Takes in a change; `visited` is the visit whose hooks asked for it.
    ///
    /// # Errors
    /// [`WalkError::Unreadable`] when the change cannot be made to what the visit has read.
    pub(crate) fn note(
        &mut self,
        change: Change,
        visited: Option<&Visited>,
        services: &dyn WalkServices,
    ) -> Result<(), WalkError> {
        self.since.get_or_insert_with(|| services.now());
        match change {
            Change::Update { id, only, apply } => self.note_update(id, only, apply, visited, services),
            Change::Create { document, multi } => {
                self.note_create(document, multi, services);
                Ok(())
            }
            Change::Connect { edge } => {
                self.note_ends(&edge, services);
                self.pending.push(Pending::Connect { edge });
                Ok(())
            }
            Change::Delete { id } => {
                self.overlay.insert(services.slot_of(&id), Overlaid::Gone);
                // Its neighbours have links to it, and who they are only the store knows.
                self.urgent = true;
                self.places.insert(id.clone(), self.pending.len());
                self.pending.push(Pending::Delete { id });
                Ok(())
            }
        }
    }

    fn note_create(&mut self, document: Document, multi: bool, services: &dyn WalkServices) {
        let id = document.id().clone();
        if id.kind() == Kind::Edge {
            self.note_ends(&document, services);
        }
        let record = record_of(document.clone().with_version(Version::FIRST));
        if id.kind() == Kind::Node {
            for direction in Direction::ALL {
                record.head.set_links(direction, Links::pack([]));
                record.head.set_edges(direction, EdgeLinks(Arc::new([])));
            }
            self.overlay.insert(services.slot_of(&id), Overlaid::Record(record));
        }
        self.places.insert(id, self.pending.len());
        self.pending.push(Pending::Create { document, multi });
    }

    fn note_ends(&mut self, edge: &Document, services: &dyn WalkServices) {
        if let Some(ends) = edge.ends() {
            self.stale.extend([services.slot_of(&ends.source), services.slot_of(&ends.target)]);
        }
    }

    fn note_update(
        &mut self,
        id: Id,
        only: Option<Version>,
        apply: Apply,
        visited: Option<&Visited>,
        services: &dyn WalkServices,
    ) -> Result<(), WalkError> {
        let made = |document: &Document| {
            let made = apply(document).map_err(|error| unreadable(document.id(), &error))?;
            Ok::<Document, WalkError>(made.with_version(document.version()))
        };
        let place = self.places.get(&id).copied();
        let changed = match place.map(|place| &mut self.pending[place]) {
            Some(Pending::Save { document, applies, .. }) => {
                *document = made(document)?;
                applies.push(apply);
                Some(document.clone())
            }
            Some(Pending::Create { document, .. }) => {
                *document = made(document)?;
                Some(document.clone().with_version(Version::FIRST))
            }
            Some(Pending::Unread { applies, .. }) => {
                applies.push(apply);
                None
            }
            Some(Pending::Delete { .. }) => {
                return Err(WalkError::WriteRefused { source: WriteError::NotFound { id } });
            }
            Some(Pending::Connect { .. }) | None => {
                let read = visited.filter(|visited| visited.record.head.id == id);
                let read = read.map(|visited| visited.document().map_err(|error| unreadable(&id, &error)));
                let document = read.transpose()?.map(|document| made(&document)).transpose()?;
                let base = visited.map(|visited| &visited.record).filter(|record| !record.head.is_settled());
                self.places.insert(id.clone(), self.pending.len());
                self.pending.push(match &document {
                    Some(document) => {
                        let (document, base) = (document.clone(), base.cloned());
                        Pending::Save { document, applies: vec![apply], only, base }
                    }
                    None => Pending::Unread { id: id.clone(), applies: vec![apply], only },
                });
                document
            }
        };
        match changed {
            Some(document) => self.show(&id, document, visited, services),
            // What it will be is known when it has been read.
            None => self.urgent = true,
        }
        Ok(())
    }

    /// Lets later visits see a changed entity, with the links of the one that was read.
    fn show(&mut self, id: &Id, document: Document, visited: Option<&Visited>, services: &dyn WalkServices) {
        let slot = services.slot_of(id);
        let before = match self.overlay.get(&slot) {
            Some(Overlaid::Record(record)) => Some(Arc::clone(record)),
            _ => visited.filter(|visited| visited.slot == slot).map(|visited| Arc::clone(&visited.record)),
        };
        let record = match before {
            Some(before) => record_with(
                before.head.succeed(document.version()),
                document.body().clone(),
                document.extra().cloned(),
            ),
            None => record_of(document),
        };
        self.overlay.insert(slot, Overlaid::Record(record));
    }

    /// Writes everything, and `extra` in the same commit; durable when it returns.
    ///
    /// Updates that others were faster with are made again on what they left.
    ///
    /// # Errors
    /// [`WalkError::WriteRefused`], [`WalkError::Contended`], [`WalkError::Store`]; [`WalkError::Retracted`] when
    /// a value was to be written over a version that was taken back.
    pub async fn flush(
        &mut self,
        services: &dyn WalkServices,
        mut extra: Vec<Write>,
    ) -> Result<(), WalkError> {
        let mut contended = None;
        self.settle_bases(services).await?;
        for _ in 0..ATTEMPTS {
            self.read(services, |pending| matches!(pending, Pending::Unread { .. })).await?;
            let mut writes: Vec<Write> = self.pending.iter().filter_map(Pending::write).collect();
            writes.extend(extra.iter().cloned());
            if writes.is_empty() {
                self.done();
                return Ok(());
            }
            let batch = WriteBatch { writes, all_or_nothing: self.durable };
            let results = match services.apply(batch).await {
                Ok(results) => results,
                Err(error) => {
                    // Nobody knows whether it was done. Written again, an update that was would be made twice.
                    if matches!(error, StoreError::Unreachable { .. } | StoreError::Interrupted { .. }) {
                        self.done();
                    }
                    return Err(error.into());
                }
            };
            let again = match self.repeatable(&results) {
                Ok(again) => again,
                Err(error) => {
                    self.forget_done(&results);
                    return Err(error);
                }
            };
            let Some(&first) = again.first() else {
                self.done();
                return Ok(());
            };
            contended = Some(self.pending[first].id().clone());
            if self.durable {
                // Nothing of the batch was done, and only the first conflict is told.
                self.read(services, |pending| matches!(pending, Pending::Save { .. })).await?;
                continue;
            }
            extra.clear();
            let mut at = 0..;
            self.pending.retain(|_| at.next().is_some_and(|at| again.binary_search(&at).is_ok()));
            self.read(services, |_| true).await?;
        }
        Err(WalkError::Contended { id: contended.unwrap_or_else(Id::root), attempts: ATTEMPTS })
    }

    fn done(&mut self) {
        *self = Self { durable: self.durable, ..Self::default() };
    }

    /// Keeps what was refused, of a batch that is not all or nothing: the rest must not be written twice.
    fn forget_done(&mut self, results: &[WriteResult]) {
        if !self.durable {
            let mut results = results.iter();
            self.pending.retain(|_| results.next().is_none_or(Result::is_err));
        }
    }

    /// Makes updates again whose ground was taken back. By its version the store could not tell: what somebody else
    /// has stored meanwhile may have the same.
    async fn settle_bases(&mut self, services: &dyn WalkServices) -> Result<(), WalkError> {
        let has_base = |pending: &Pending| matches!(pending, Pending::Save { base: Some(_), .. });
        if !self.pending.iter().any(has_base) {
            return Ok(());
        }
        services.settled().await?;
        for pending in &mut self.pending {
            let Pending::Save { document, applies, only, base } = pending else { continue };
            if base.take().is_none_or(|base| base.head.is_settled()) {
                continue;
            }
            let id = document.id().clone();
            if only.is_some() {
                return Err(WalkError::Retracted { id });
            }
            *pending = Pending::Unread { id, applies: std::mem::take(applies), only: None };
        }
        Ok(())
    }

    /// Makes the updates of some entities on what is stored now.
    async fn read(
        &mut self,
        services: &dyn WalkServices,
        wanted: impl Fn(&Pending) -> bool,
    ) -> Result<(), WalkError> {
        let places: Vec<usize> = (0..self.pending.len()).filter(|&at| wanted(&self.pending[at])).collect();
        if places.is_empty() {
            return Ok(());
        }
        let ids: Vec<Id> = places.iter().map(|&at| self.pending[at].id().clone()).collect();
        let newest = services.newest(&ids).await?;
        for ((at, id), document) in places.into_iter().zip(ids).zip(newest) {
            self.pending[at].make_on(id, document)?;
        }
        Ok(())
    }

    /// Which writes lost against somebody else's and can be made again.
    fn repeatable(&self, results: &[WriteResult]) -> Result<Vec<usize>, WalkError> {
        let mut again = Vec::new();
        for (at, result) in results.iter().enumerate() {
            match result {
                Ok(_) | Err(WriteError::BatchRefused { .. }) => {}
                Err(WriteError::Conflict { .. })
                    if matches!(self.pending.get(at), Some(Pending::Save { only: None, .. })) =>
                {
                    again.push(at);
                }
                Err(error) => return Err(WalkError::WriteRefused { source: error.clone() }),
            }
        }
        Ok(again)
    }
}

impl Pending {
    fn id(&self) -> &Id {
        match self {
            Self::Save { document, .. } | Self::Create { document, .. } => document.id(),
            Self::Connect { edge } => edge.id(),
            Self::Unread { id, .. } | Self::Delete { id } => id,
        }
    }

    fn write(&self) -> Option<Write> {
        Some(match self {
            Self::Save { document, .. } => Write::Save { document: document.clone() },
            Self::Create { document, multi } => Write::Create { document: document.clone(), multi: *multi },
            Self::Connect { edge } => Write::Connect { edge: edge.clone(), parallel: None },
            Self::Delete { id } => Write::Delete { id: id.clone(), expected: None },
            Self::Unread { .. } => return None,
        })
    }

    /// Makes an update on what is stored.
    fn make_on(&mut self, id: Id, stored: Option<Document>) -> Result<(), WalkError> {
        let (applies, only) = match self {
            Self::Save { applies, only, .. } | Self::Unread { applies, only, .. } => {
                (std::mem::take(applies), *only)
            }
            _ => return Ok(()),
        };
        let refused = |source| WalkError::WriteRefused { source };
        let stored = stored.ok_or_else(|| refused(WriteError::NotFound { id: id.clone() }))?;
        if let Some(expected) = only.filter(|&only| only != stored.version()) {
            return Err(refused(WriteError::Conflict { id, expected, found: stored.version() }));
        }
        let version = stored.version();
        let mut document = stored;
        for apply in &applies {
            document = apply(&document).map_err(|error| unreadable(&id, &error))?.with_version(version);
        }
        *self = Self::Save { document, applies, only, base: None };
        Ok(())
    }
}

fn unreadable(id: &Id, error: &crate::body::BodyError) -> WalkError {
    WalkError::Unreadable { id: id.clone(), reason: error.to_string() }
}

impl std::fmt::Debug for WriteBuffer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("WriteBuffer").field("pending", &self.pending.len()).finish_non_exhaustive()
    }
}

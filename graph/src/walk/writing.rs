//! What a hook asks of the graph.

use super::Walk;
use crate::change::Change;
use crate::document::{Document, Ends};
use crate::entity::{EdgeEntity, Entity};
use crate::here::Visited;
use crate::id::{Id, Kind};
use crate::key::Key;
use crate::walk_error::WalkError;

impl Walk {
    /// Stores a new node or object under a generated key, when the hooks of this visit have returned, and
    /// gives its id. Later visits of this walk see it at once, other walks when it is written.
    ///
    /// # Errors
    /// [`WalkError::BadValue`] when the value does not serialise.
    pub fn create<T: Entity>(&mut self, value: &T) -> Result<Id, WalkError> {
        let id = self.services.new_id(T::KIND, T::entity_name());
        self.create_at(id, value)
    }

    /// The same under a key. If there is an entity with that key, the walk ends with
    /// [`WalkError::WriteRefused`].
    ///
    /// # Errors
    /// [`WalkError::BadValue`] for a bad key, or a value that does not serialise.
    pub fn create_as<T: Entity>(&mut self, key: &str, value: &T) -> Result<Id, WalkError> {
        let key = Key::new(key).map_err(|error| self.bad_value(&error.to_string()))?;
        self.create_at(Id::new(T::KIND, T::entity_name(), &key), value)
    }

    fn create_at<T: Entity>(&mut self, id: Id, value: &T) -> Result<Id, WalkError> {
        let document = Document::of(id.clone(), value).map_err(|error| self.bad_value(&error.to_string()))?;
        self.ask(Change::Create { document, multi: T::MULTI });
        Ok(id)
    }

    /// Joins two nodes by an edge, when the hooks of this visit have returned. If there is an edge of this
    /// entity from `source` to `target` already, that one gets the fields of `value`, unless the entity is
    /// declared `multi`. If an end does not exist, the walk ends with [`WalkError::WriteRefused`].
    ///
    /// # Errors
    /// [`WalkError::BadValue`] when the value does not serialise.
    pub fn connect<E: EdgeEntity>(&mut self, source: &Id, target: &Id, value: &E) -> Result<(), WalkError> {
        self.connect_with(source, target, value, false)
    }

    /// Joins two nodes by an edge that can be followed from either end; as [`connect`](Self::connect)
    /// besides.
    ///
    /// # Errors
    /// As [`connect`](Self::connect).
    pub fn connect_both<E: EdgeEntity>(
        &mut self,
        source: &Id,
        target: &Id,
        value: &E,
    ) -> Result<(), WalkError> {
        self.connect_with(source, target, value, true)
    }

    fn connect_with<E: EdgeEntity>(
        &mut self,
        source: &Id,
        target: &Id,
        value: &E,
        bidirectional: bool,
    ) -> Result<(), WalkError> {
        let id = self.services.new_id(Kind::Edge, E::entity_name());
        let ends = Ends { source: source.clone(), target: target.clone(), bidirectional };
        let edge = Document::edge_of(id, ends, value).map_err(|error| self.bad_value(&error.to_string()))?;
        self.ask(match E::MULTI {
            true => Change::Create { document: edge, multi: true },
            false => Change::Connect { edge },
        });
        Ok(())
    }

    /// Changes an entity by its id, when the hooks of this visit have returned; as
    /// [`Here::update`](crate::Here::update) besides. If there is none, the walk ends with
    /// [`WalkError::WriteRefused`].
    pub fn update<T: Entity>(&mut self, id: &Id, change: impl Fn(&mut T) + Send + Sync + 'static) {
        self.ask(Change::update::<T>(id.clone(), change));
    }

    /// Removes an entity, when the hooks of this visit have returned; a node takes its edges with it. If
    /// there is none, the walk ends with [`WalkError::WriteRefused`].
    pub fn delete(&mut self, id: &Id) {
        self.ask(Change::Delete { id: id.clone() });
    }

    /// Writes everything that the walk has asked for, what this hook asked through `walk` included, and
    /// waits until it is durable. A walk also writes by itself: in groups, before it reads what depends on
    /// it, and before it ends.
    ///
    /// In a durable walk it does nothing, because there the writes go with the state of the walk.
    ///
    /// # Errors
    /// [`WalkError::WriteRefused`], [`WalkError::Store`].
    pub async fn flush(&mut self) -> Result<(), WalkError> {
        let services = std::sync::Arc::clone(&self.services);
        let Some(rare) = &mut self.rare else { return Ok(()) };
        if rare.writes.is_durable() {
            return Ok(());
        }
        let noted = rare.writes.note_asked(&*services);
        let done = match noted {
            Ok(()) => rare.writes.flush(&*services, Vec::new()).await,
            Err(error) => Err(error),
        };
        done.map_err(|error| self.end_with(error))
    }

    fn ask(&mut self, change: Change) {
        self.rare().writes.ask(change);
    }

    fn bad_value(&self, reason: &str) -> WalkError {
        WalkError::BadValue { walker: self.walker.into(), reason: reason.into() }
    }

    /// Takes over what the hooks of a visit asked to be written.
    #[inline]
    pub(super) fn note_changes(&mut self, visited: &Visited) -> Result<(), WalkError> {
        let asked = self.rare.as_ref().is_some_and(|rare| rare.writes.has_asked());
        let here = visited.changes();
        if !asked && here.is_none() {
            return Ok(());
        }
        self.note_all(visited, here.unwrap_or_default())
    }

    /// Takes over what hooks asked for through the walk.
    pub(crate) fn note_asked(&mut self) -> Result<(), WalkError> {
        let services = std::sync::Arc::clone(&self.services);
        match &mut self.rare {
            Some(rare) if rare.writes.has_asked() => rare.writes.note_asked(&*services),
            _ => Ok(()),
        }
    }

    /// Takes over what the hooks of several visits asked to be written.
    pub(crate) fn note_of(&mut self, visits: &[Visited]) -> Result<(), WalkError> {
        visits.iter().try_for_each(|visited| self.note_changes(visited))
    }

    #[cold]
    fn note_all(&mut self, visited: &Visited, here: Vec<Change>) -> Result<(), WalkError> {
        let services = std::sync::Arc::clone(&self.services);
        let writes = &mut self.rare().writes;
        for change in here {
            writes.note(change, Some(visited), &*services)?;
        }
        writes.note_asked(&*services)
    }
}

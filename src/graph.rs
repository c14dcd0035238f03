//! Reading and writing the graph.

mod bulk;
mod finding;
mod indexes;
mod neighbours;
mod pins;

use std::sync::Arc;

use futures_util::stream::{self, StreamExt};
use wayfare_actors::RuntimeHandle;
use wayfare_graph::{
    Document, EdgeEntity, Ends, Entity, EntityName, Id, IntoFilter, Key, Kind, NodeEntity, PoolFigures,
    StoreStats, Version, Write, WriteBatch, WriteError, WriteResult, Written,
};

use crate::cache::Cache;
use crate::error::{Error, Result};
use crate::reload::Running;
use crate::selection::Selection;
use crate::stored::Stored;

use self::bulk::connecting;
pub use self::bulk::{Conflict, Deleted, Refused, Saved};
pub use self::finding::FoundPage;
pub use self::indexes::{IndexBuilding, IndexKey, NewIndex};
pub use self::neighbours::Neighbour;

/// Nodes that one part of [`Graph::update_many`] changes: one message to each shard, and about a commit.
const UPDATE_PART: usize = 1_000;

/// Parts of [`Graph::update_many`] under way at once.
const UPDATE_PARTS: usize = 4;

/// The graph of a runtime: typed and untyped access to its entities.
///
/// Every write is acknowledged when it is durable. Clones share the runtime.
#[derive(Debug, Clone)]
pub struct Graph {
    handle: RuntimeHandle,
    running: Arc<Running>,
}

impl Graph {
    pub(crate) fn new(handle: RuntimeHandle, running: Arc<Running>) -> Self {
        Self { handle, running }
    }

    /// The cache of results of the runtime.
    #[must_use]
    pub fn cache(&self) -> Cache {
        Cache::of(self.handle.cache())
    }

    /// Stores a new node or object under a generated key.
    ///
    /// # Errors
    /// [`Error::Write`] when a unique index refuses it, [`Error::Body`] when it does not serialise.
    pub async fn create<T: Entity>(&self, value: T) -> Result<Stored<T>> {
        let id = self.handle.keys().next_id(T::KIND, T::entity_name());
        self.create_at(id, value).await
    }

    /// Stores a new node or object under a key.
    ///
    /// # Errors
    /// [`Error::Write`] when there is one with that key, [`Error::Id`] for a bad key; as
    /// [`create`](Self::create) besides.
    pub async fn create_as<T: Entity>(&self, key: &str, value: T) -> Result<Stored<T>> {
        let id = Id::new(T::KIND, T::entity_name(), &Key::new(key)?);
        self.create_at(id, value).await
    }

    async fn create_at<T: Entity>(&self, id: Id, value: T) -> Result<Stored<T>> {
        let document = Document::of(id, &value)?;
        self.write(Write::Create { document: document.clone(), multi: false }).await?;
        Ok(Stored::new(document.with_version(Version::FIRST), value))
    }

    /// Joins two nodes by an edge. If there is an edge of this entity from `source` to `target` already,
    /// that one gets the fields of `value`, unless the entity is declared `multi`.
    ///
    /// # Errors
    /// [`Error::Write`] when an end does not exist, [`Error::Id`] for a text that is no id.
    pub async fn connect<E: EdgeEntity>(
        &self,
        source: impl TryInto<Id, Error: Into<Error>>,
        target: impl TryInto<Id, Error: Into<Error>>,
        value: E,
    ) -> Result<Stored<E>> {
        self.connect_with(source, target, value, false).await
    }

    /// Joins two nodes by an edge that can be followed from either end; as [`connect`](Self::connect) besides.
    ///
    /// # Errors
    /// As [`connect`](Self::connect).
    pub async fn connect_both<E: EdgeEntity>(
        &self,
        source: impl TryInto<Id, Error: Into<Error>>,
        target: impl TryInto<Id, Error: Into<Error>>,
        value: E,
    ) -> Result<Stored<E>> {
        self.connect_with(source, target, value, true).await
    }

    async fn connect_with<E: EdgeEntity>(
        &self,
        source: impl TryInto<Id, Error: Into<Error>>,
        target: impl TryInto<Id, Error: Into<Error>>,
        value: E,
        bidirectional: bool,
    ) -> Result<Stored<E>> {
        let ends = Ends {
            source: source.try_into().map_err(Into::into)?,
            target: target.try_into().map_err(Into::into)?,
            bidirectional,
        };
        let edge = self.new_edge(ends, &value)?;
        match self.write(connecting::<E>(edge.clone())).await? {
            Written::Created { .. } => Ok(Stored::new(edge.with_version(Version::FIRST), value)),
            written => {
                let found = self.document(written.id()).await?;
                let document = found.ok_or_else(|| WriteError::NotFound { id: written.id().clone() })?;
                Ok(Stored::from_document(document)?)
            }
        }
    }

    /// An entity by id; `None` when there is none.
    ///
    /// # Errors
    /// [`Error::WrongEntity`] when the id is that of another entity, [`Error::Body`] when its fields do not
    /// fit, [`Error::Store`].
    pub async fn get<T: Entity>(
        &self,
        id: impl TryInto<Id, Error: Into<Error>>,
    ) -> Result<Option<Stored<T>>> {
        let id = of_type::<T>(id.try_into().map_err(Into::into)?)?;
        let document = self.document(&id).await?;
        Ok(document.map(Stored::from_document).transpose()?)
    }

    /// Entities by id, in the order of the ids, `None` for each that does not exist. One call to the store.
    ///
    /// # Errors
    /// As [`get`](Self::get).
    pub async fn get_many<T: Entity>(&self, ids: &[Id]) -> Result<Vec<Option<Stored<T>>>> {
        for id in ids {
            of_type::<T>(id.clone())?;
        }
        let documents = self.documents(ids).await?;
        let decoded = documents.into_iter().map(|document| document.map(Stored::from_document).transpose());
        Ok(decoded.collect::<Result<_, _>>()?)
    }

    /// Saves a changed value over the version that was read; fields it does not know stay.
    ///
    /// # Errors
    /// [`WriteError::Conflict`] when somebody else has changed it since: nothing is written then.
    pub async fn save<T: Entity>(&self, stored: &mut Stored<T>) -> Result<Version> {
        let document = stored.to_save()?;
        let version = self.save_document(document.clone()).await?;
        stored.saved(document.with_version(version));
        Ok(version)
    }

    /// Changes an entity. When somebody else changes it at the same time, reads it again and applies
    /// `change` to what they left, up to `[updates] retries` times; so `change` may run more than once.
    ///
    /// # Errors
    /// [`WriteError::NotFound`], [`Error::Contended`], [`Error::WrongEntity`]; as [`save`](Self::save) besides.
    pub async fn update<T: Entity>(
        &self,
        id: impl TryInto<Id, Error: Into<Error>>,
        mut change: impl FnMut(&mut T),
    ) -> Result<Stored<T>> {
        let id = of_type::<T>(id.try_into().map_err(Into::into)?)?;
        let mut turn = self.running.turns.wait_behind_others(&id).await;
        let mut newest = self.handle.newest(&id).await?;
        let attempts = self.running.update_retries();
        for _ in 0..attempts {
            let document = newest.ok_or_else(|| WriteError::NotFound { id: id.clone() })?;
            let mut value: T = document.decode_entity()?;
            change(&mut value);
            let changed = document.written_over(&value)?;
            match self.handle.save(changed.clone()).await? {
                Ok(written) => {
                    let version = version_of(&written, document.version().next());
                    return Ok(Stored::new(changed.with_version(version), value));
                }
                Err(WriteError::Conflict { .. }) => {
                    if turn.is_none() {
                        turn = self.running.turns.wait(&id).await;
                    }
                    newest = self.handle.newest(&id).await?;
                }
                Err(error) => return Err(error.into()),
            }
        }
        Err(Error::Contended { id, attempts })
    }

    /// Changes many nodes; as [`update`](Self::update) for each, in far fewer messages. The results are in
    /// the order of the ids.
    ///
    /// # Errors
    /// [`Error::Store`] when nodes could not be read: some may be updated then. The inner results are those of the
    /// nodes, with [`Error::Store`] for each that the store failed to save.
    pub async fn update_many<T: NodeEntity>(
        &self,
        ids: &[Id],
        change: impl Fn(&mut T),
    ) -> Result<Vec<Result<Stored<T>>>> {
        // While one part is on its way to the disk, the next ones are read and changed.
        // They are made ahead, since a closure that is kept in the stream would keep the call out of tasks that are spawned.
        let parts: Vec<_> = ids.chunks(UPDATE_PART).map(|part| self.update_part(part, &change)).collect();
        let mut parts = stream::iter(parts).buffered(UPDATE_PARTS);
        let mut results = Vec::with_capacity(ids.len());
        while let Some(part) = parts.next().await {
            results.extend(part?);
        }
        drop(parts);
        Ok(results)
    }

    /// Those that somebody else was faster with are read again and repeated, all together.
    async fn update_part<T: NodeEntity>(
        &self,
        ids: &[Id],
        change: &impl Fn(&mut T),
    ) -> Result<Vec<Result<Stored<T>>>> {
        let mut results: Vec<Option<Result<Stored<T>>>> = ids.iter().map(|_| None).collect();
        let mut left: Vec<usize> = (0..ids.len()).collect();
        let attempts = self.running.update_retries();
        for _ in 0..attempts {
            let wanted: Vec<Id> = left.iter().map(|&at| ids[at].clone()).collect();
            let newest = self.handle.newest_many(&wanted).await?;
            let mut changed = Vec::with_capacity(left.len());
            for (at, document) in left.drain(..).zip(newest) {
                match changed_of(&ids[at], document, change) {
                    Ok(stored) => changed.push((at, stored)),
                    Err(error) => results[at] = Some(Err(error)),
                }
            }
            let documents = changed.iter().map(|(_, stored)| stored.document().clone()).collect();
            let saved = self.handle.save_each(documents).await?;
            for ((at, stored), saved) in changed.into_iter().zip(saved) {
                results[at] = match saved {
                    Err(error) => Some(Err(error.into())),
                    Ok(Ok(written)) => {
                        let version = version_of(&written, stored.version().next());
                        Some(Ok(stored.saved_as(version)))
                    }
                    Ok(Err(WriteError::Conflict { .. })) => {
                        left.push(at);
                        None
                    }
                    Ok(Err(error)) => Some(Err(error.into())),
                };
            }
            if left.is_empty() {
                break;
            }
        }
        let contended = |at: usize| Error::Contended { id: ids[at].clone(), attempts };
        Ok(results
            .into_iter()
            .enumerate()
            .map(|(at, done)| done.unwrap_or_else(|| Err(contended(at))))
            .collect())
    }

    /// Removes an entity, whatever its version; a node takes its edges with it.
    ///
    /// # Errors
    /// [`WriteError::NotFound`].
    pub async fn delete(&self, id: impl TryInto<Id, Error: Into<Error>>) -> Result<()> {
        let id = id.try_into().map_err(Into::into)?;
        self.write(Write::Delete { id, expected: None }).await?;
        Ok(())
    }

    /// All entities of a type that satisfy a filter, in the order of the store: a condition on fields of the
    /// type, as `User::age().gt(30)`, or a filter in JSON. [`query`](Self::query) can do more.
    ///
    /// Await it for all of them, or go on with what [`query`](Self::query) gives: `.cached(ttl)`, `.limit(10)`.
    ///
    /// # Errors
    /// Awaited: [`Error::Filter`], [`Error::Store`], [`Error::Body`].
    pub fn find<T: Entity>(&self, filter: impl IntoFilter<T>) -> Selection<T> {
        self.query::<T>().filter(filter)
    }

    /// A document by id; `None` when there is none.
    ///
    /// # Errors
    /// [`Error::Store`].
    pub async fn document(&self, id: &Id) -> Result<Option<Document>> {
        Ok(self.documents(std::slice::from_ref(id)).await?.pop().flatten())
    }

    /// Documents by id, in order, `None` for each that does not exist. One call to the store.
    ///
    /// # Errors
    /// [`Error::Store`].
    pub async fn documents(&self, ids: &[Id]) -> Result<Vec<Option<Document>>> {
        Ok(self.handle.get_many(ids).await?)
    }

    /// Saves a document over the version it carries, and gives the new version.
    ///
    /// # Errors
    /// [`WriteError::Conflict`] when that is no longer the stored version, [`WriteError::NotFound`].
    pub async fn save_document(&self, document: Document) -> Result<Version> {
        let next = document.version().next();
        Ok(version_of(&self.handle.save(document).await??, next))
    }

    /// Does one write, durably.
    ///
    /// # Errors
    /// [`Error::Write`] when it was refused.
    pub async fn write(&self, write: Write) -> Result<Written> {
        let mut results = self.write_batch(WriteBatch { writes: vec![write], all_or_nothing: false }).await?;
        let result = results.pop().ok_or(wayfare_graph::StoreError::Damaged {
            what: "a batch of one write".into(),
            reason: "the store gave no result for it".into(),
        })?;
        Ok(result?)
    }

    /// Does many writes in one durable commit; the results are in the order of the writes.
    ///
    /// # Errors
    /// [`Error::Store`] when none of them was done.
    pub async fn write_batch(&self, batch: WriteBatch) -> Result<Vec<WriteResult>> {
        Ok(self.handle.apply(batch).await?)
    }

    /// A new id with a generated key, which orders after all that were generated before.
    ///
    /// # Errors
    /// [`Error::Id`] for a bad entity name.
    pub fn new_id(&self, kind: Kind, entity: &str) -> Result<Id> {
        let entity = EntityName::new(entity)?;
        Ok(self.handle.keys().next_id(kind, entity))
    }

    /// Waits until everything that was written before is where others read it.
    ///
    /// What was acknowledged is durable in any case; this is for stores whose files follow their journal.
    ///
    /// # Errors
    /// [`Error::Store`].
    pub async fn flush(&self) -> Result<()> {
        Ok(self.handle.flush().await?)
    }

    /// The store's pool of connections as it is now, `None` where the store has none.
    #[must_use]
    pub fn pool(&self) -> Option<PoolFigures> {
        self.handle.pool()
    }

    /// What the store holds.
    ///
    /// # Errors
    /// [`Error::Store`].
    pub async fn stats(&self) -> Result<StoreStats> {
        Ok(self.handle.stats().await?)
    }
}

fn of_type<T: Entity>(id: Id) -> Result<Id> {
    if id.kind() == T::KIND && id.entity() == T::entity_name() {
        return Ok(id);
    }
    let kind = T::KIND.collection();
    Err(Error::WrongEntity { id, wanted: format!("{kind} of entity `{}`", T::NAME) })
}

fn version_of(written: &Written, next: Version) -> Version {
    match written {
        Written::Changed { version, .. } | Written::Unchanged { version, .. } => *version,
        _ => next,
    }
}

/// What a change makes of a document.
fn changed_of<T: NodeEntity>(
    id: &Id,
    document: Option<Document>,
    change: &impl Fn(&mut T),
) -> Result<Stored<T>> {
    let id = of_type::<T>(id.clone())?;
    let document = document.ok_or(WriteError::NotFound { id })?;
    let mut value: T = document.decode_entity()?;
    change(&mut value);
    Ok(Stored::new(document.written_over(&value)?, value))
}

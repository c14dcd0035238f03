//! Many writes in few messages: what was done, and what became of the rest.

use std::fmt;

use futures_util::stream::{self, StreamExt};
use wayfare_graph::{
    Document, EdgeEntity, Ends, Entity, Id, Kind, StoreError, Version, Write, WriteBatch, WriteError,
    WriteResult, Written,
};

use super::{Graph, version_of};
use crate::error::{Error, Result};
use crate::stored::Stored;

/// Writes of one part of a bulk call: about a commit.
const PART: usize = 1_000;

/// Parts of a bulk call under way at once: while one is on its way to the disk, the next are prepared.
const PARTS: usize = 4;

/// A write that lost against somebody else's.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Conflict {
    /// The entity.
    pub id: Id,
    /// The version that the write was based on.
    pub expected: Version,
    /// The stored version.
    pub found: Version,
}

/// A write that was refused for another reason than a conflict.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Refused {
    /// The entity.
    pub id: Id,
    /// Why.
    pub error: WriteError,
}

/// What became of a [`Graph::save_many`]: every entity is in exactly one of the lists, which are in the order
/// of the call.
#[derive(Debug, Clone, Default, PartialEq)]
#[must_use = "it tells what was not saved"]
#[non_exhaustive]
pub struct Saved {
    /// Those that were saved, with their new versions.
    pub saved: Vec<(Id, Version)>,
    /// Those that somebody else has changed since they were read. They are as the other left them.
    pub conflicts: Vec<Conflict>,
    /// Those that were refused for another reason, such as a unique index or because they are gone.
    pub refused: Vec<Refused>,
}

impl Saved {
    /// Whether all were saved.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.conflicts.is_empty() && self.refused.is_empty()
    }

    /// The saved ones when all were; else the first that was not, as an error.
    ///
    /// # Errors
    /// [`Error::Write`] with the first conflict, or with the first refusal when there is none.
    pub fn all_saved(self) -> Result<Vec<(Id, Version)>> {
        if let Some(Conflict { id, expected, found }) = self.conflicts.into_iter().next() {
            return Err(WriteError::Conflict { id, expected, found }.into());
        }
        match self.refused.into_iter().next() {
            Some(Refused { error, .. }) => Err(error.into()),
            None => Ok(self.saved),
        }
    }

    fn note(&mut self, id: &Id, result: WriteResult, next: Version) -> Option<Version> {
        match result {
            Ok(written) => {
                let version = version_of(&written, next);
                self.saved.push((id.clone(), version));
                return Some(version);
            }
            Err(WriteError::Conflict { id, expected, found }) => {
                self.conflicts.push(Conflict { id, expected, found });
            }
            Err(error) => self.refused.push(Refused { id: id.clone(), error }),
        }
        None
    }
}

impl fmt::Display for Saved {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { saved, conflicts, refused } = self;
        write!(f, "{} saved, {} in conflict, {} refused", saved.len(), conflicts.len(), refused.len())
    }
}

/// What became of a [`Graph::delete_many`].
#[derive(Debug, Clone, Default, PartialEq)]
#[must_use = "it tells what was not deleted"]
#[non_exhaustive]
pub struct Deleted {
    /// Those that were deleted, each once, in the order of the call.
    pub deleted: Vec<Id>,
    /// Those that did not exist.
    pub missing: Vec<Id>,
    /// Those that cannot be deleted, such as the root.
    pub refused: Vec<Refused>,
    /// The edges that went with their nodes, those among them that were asked for too.
    pub edges: Vec<Id>,
}

impl Graph {
    /// Saves changed values over the versions that were read; as [`save`](Self::save) for each, in far fewer
    /// messages and commits. Those that were saved carry their new versions afterwards, so that they can be
    /// changed and saved again; the others are as they were.
    ///
    /// ```
    /// # use wayfare::{Runtime, node};
    /// # #[node] struct City { name: String }
    /// # #[tokio::main]
    /// # async fn main() -> wayfare::Result<()> {
    /// # let folder = tempfile::tempdir().expect("a folder for the example");
    /// # let runtime = Runtime::open(&format!("embedded:{}", folder.path().display()))?;
    /// # let graph = runtime.graph();
    /// # let mut cities = vec![graph.create(City { name: "Oslo".into() }).await?];
    /// for city in &mut cities {
    ///     city.name.make_ascii_uppercase();
    /// }
    /// let outcome = graph.save_many(&mut cities).await?;
    /// for conflict in &outcome.conflicts {
    ///     println!("{} was changed by somebody else, up to version {}", conflict.id, conflict.found);
    /// }
    /// # assert!(outcome.is_complete());
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Error::Body`] when a value does not serialise: nothing was saved then. [`Error::Store`] when the store
    /// failed: those that were saved carry their new versions, and the error is what is known of all others. Where
    /// of some it is not known whether they were saved, it is an error that says so.
    pub async fn save_many<'a, T: Entity>(
        &self,
        entities: impl IntoIterator<Item = &'a mut Stored<T>>,
    ) -> Result<Saved> {
        let mut entities: Vec<&mut Stored<T>> = entities.into_iter().collect();
        let documents = entities.iter().map(|stored| stored.to_save()).collect::<Result<Vec<_>, _>>()?;
        // Made ahead: a closure that is kept in the stream would keep the call out of tasks that are spawned.
        let parts: Vec<_> = documents.chunks(PART).map(|part| self.save_part(T::KIND, part)).collect();
        let mut parts = stream::iter(parts).buffered(PARTS);
        let (mut outcome, mut failure) = (Saved::default(), None);
        let mut both = entities.iter_mut().zip(&documents);
        // To the end, whatever fails: what is under way is saved or not, and has to be told.
        while let Some(results) = parts.next().await {
            match results {
                Ok(results) => {
                    for (result, (stored, document)) in results.into_iter().zip(&mut both) {
                        let result = match result {
                            Ok(result) => result,
                            Err(error) => {
                                failure = Some(the_less_certain(failure, error));
                                continue;
                            }
                        };
                        let next = document.version().next();
                        if let Some(version) = outcome.note(document.id(), result, next) {
                            stored.saved(document.clone().with_version(version));
                        }
                    }
                }
                Err(error) => {
                    failure = Some(the_less_certain(failure, error));
                    both.by_ref().take(PART).for_each(drop);
                }
            }
        }
        failure.map_or(Ok(outcome), |failure| Err(failure.into()))
    }

    async fn save_part(
        &self,
        kind: Kind,
        documents: &[Document],
    ) -> Result<Vec<Result<WriteResult, StoreError>>, StoreError> {
        if kind == Kind::Node {
            return self.handle.save_each(documents.to_vec()).await;
        }
        let writes = documents.iter().map(|document| Write::Save { document: document.clone() }).collect();
        let results = self.handle.apply(WriteBatch { writes, all_or_nothing: false }).await?;
        Ok(results.into_iter().map(Ok).collect())
    }

    /// Removes entities of any kind, whatever their versions; nodes take their edges with them. An id that is
    /// given twice counts once.
    ///
    /// # Errors
    /// [`Error::Store`] when the store failed as a whole; of many ids the first may be deleted by then.
    pub async fn delete_many(&self, ids: &[Id]) -> Result<Deleted> {
        let mut seen = rustc_hash::FxHashSet::default();
        let ids: Vec<&Id> = ids.iter().filter(|id| seen.insert(*id)).collect();
        let mut outcome = Deleted::default();
        let mut absent: Vec<Id> = Vec::new();
        // One part after another: an edge must not be said to be missing before the node is gone that took it.
        for part in ids.chunks(PART) {
            let writes = part.iter().map(|&id| Write::Delete { id: id.clone(), expected: None }).collect();
            let results = self.handle.apply(WriteBatch { writes, all_or_nothing: false }).await?;
            for (&id, result) in part.iter().zip(results) {
                match result {
                    Ok(Written::Deleted { edges, .. }) => {
                        outcome.deleted.push(id.clone());
                        outcome.edges.extend(edges);
                    }
                    Ok(_) => outcome.deleted.push(id.clone()),
                    Err(WriteError::NotFound { .. }) => absent.push(id.clone()),
                    Err(error) => outcome.refused.push(Refused { id: id.clone(), error }),
                }
            }
        }
        let went: rustc_hash::FxHashSet<&Id> = outcome.edges.iter().collect();
        let (went, missing): (Vec<Id>, Vec<Id>) = absent.into_iter().partition(|id| went.contains(id));
        outcome.deleted.extend(went);
        outcome.missing = missing;
        Ok(outcome)
    }

    /// Joins pairs of nodes by edges; as [`connect`](Self::connect) for each `(source, target, value)`, in far
    /// fewer messages and commits. The results are in the order of the call.
    ///
    /// # Errors
    /// [`Error::Store`] when the store failed as a whole. The inner results are those of the edges:
    /// [`Error::Write`] when an end does not exist, [`Error::Id`] for a text that is no id, [`Error::Body`].
    pub async fn connect_many<E, S, T>(
        &self,
        edges: impl IntoIterator<Item = (S, T, E)>,
    ) -> Result<Vec<Result<Stored<E>>>>
    where
        E: EdgeEntity,
        S: TryInto<Id, Error: Into<Error>>,
        T: TryInto<Id, Error: Into<Error>>,
    {
        let prepared: Vec<Result<(Document, E)>> = edges
            .into_iter()
            .map(|(source, target, value)| {
                let source = source.try_into().map_err(Into::into)?;
                let target = target.try_into().map_err(Into::into)?;
                Ok((self.new_edge(Ends { source, target, bidirectional: false }, &value)?, value))
            })
            .collect();
        let documents: Vec<&Document> = prepared.iter().flatten().map(|(edge, _)| edge).collect();
        // As in `save_many`.
        let parts: Vec<_> = documents.chunks(PART).map(|part| self.connect_part::<E>(part)).collect();
        let mut parts = stream::iter(parts).buffered(PARTS);
        let mut results = Vec::with_capacity(documents.len());
        while let Some(part) = parts.next().await {
            results.extend(part?);
        }
        drop(parts);
        let mut results = results.into_iter();
        let joined = prepared.into_iter().map(|prepared| {
            let (edge, value) = prepared?;
            match results.next() {
                Some(Ok(None)) => Ok(Stored::new(edge.with_version(Version::FIRST), value)),
                Some(Ok(Some(found))) => Ok(Stored::from_document(found)?),
                Some(Err(error)) => Err(error.into()),
                None => Err(WriteError::NotFound { id: edge.id().clone() }.into()),
            }
        });
        Ok(joined.collect())
    }

    /// Connects; gives the stored document for those that were there already, as they are after all of the part.
    async fn connect_part<E: EdgeEntity>(
        &self,
        edges: &[&Document],
    ) -> Result<Vec<Result<Option<Document>, WriteError>>, StoreError> {
        let writes = edges.iter().map(|edge| connecting::<E>((*edge).clone())).collect();
        let results = self.handle.apply(WriteBatch { writes, all_or_nothing: false }).await?;
        let there = |result: &WriteResult| match result {
            Ok(Written::Created { .. }) | Err(_) => None,
            Ok(written) => Some(written.id().clone()),
        };
        let ids: Vec<Id> = results.iter().filter_map(there).collect();
        let mut found = match ids.is_empty() {
            true => Vec::new(),
            false => self.handle.get_many(&ids).await?,
        }
        .into_iter();
        let results = results.into_iter().map(|result| match result? {
            Written::Created { .. } => Ok(None),
            written => match found.next().flatten() {
                Some(document) => Ok(Some(document)),
                None => Err(WriteError::NotFound { id: written.id().clone() }),
            },
        });
        Ok(results.collect())
    }

    /// A new edge of a type, not yet stored.
    pub(super) fn new_edge<E: EdgeEntity>(&self, ends: Ends, value: &E) -> Result<Document> {
        let id = self.handle.keys().next_id(Kind::Edge, E::entity_name());
        Ok(Document::edge_of(id, ends, value)?)
    }
}

/// Of two failures the one that speaks for both: when nothing is known of some, that is to be told.
fn the_less_certain(first: Option<StoreError>, second: StoreError) -> StoreError {
    let is_doubt =
        |error: &StoreError| matches!(error, StoreError::Unreachable { .. } | StoreError::Interrupted { .. });
    match first {
        Some(first) if is_doubt(&first) || !is_doubt(&second) => first,
        _ => second,
    }
}

/// The write that joins two nodes by an edge of a type.
pub(super) fn connecting<E: EdgeEntity>(edge: Document) -> Write {
    if E::MULTI {
        return Write::Create { document: edge, multi: true };
    }
    Write::Connect { edge, parallel: None }
}

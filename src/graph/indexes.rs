//! Indexes by call: making, watching, renaming, dropping.

use std::fmt;
use std::marker::PhantomData;
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::task::JoinHandle;
use wayfare_graph::{Entity, Filter, FilterError, Index, IndexProgress, IntoFilter, StoreError};

use super::Graph;
use crate::error::Result;
use crate::field_names::check_field;

/// A key of an index: a field of `context` and its order, made of `"email"` or of `("age", -1)`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IndexKey {
    field: String,
    order: i64,
}

impl From<&str> for IndexKey {
    fn from(field: &str) -> Self {
        (field, 1).into()
    }
}

impl From<String> for IndexKey {
    fn from(field: String) -> Self {
        Self { field, order: 1 }
    }
}

impl From<(&str, i64)> for IndexKey {
    fn from((field, order): (&str, i64)) -> Self {
        Self { field: field.to_owned(), order }
    }
}

/// An index that is about to be made: say of which keys, then await it, or [`start`](Self::start) it.
#[must_use = "no index is made until it is awaited or started"]
pub struct NewIndex<T> {
    graph: Graph,
    keys: Vec<IndexKey>,
    unique: bool,
    partial: Result<Filter, FilterError>,
    name: Option<String>,
    of: PhantomData<fn() -> T>,
}

impl<T: Entity> NewIndex<T> {
    /// The fields, most significant first, each with 1 for smallest first or -1 for largest first. A dotted name
    /// leads into a field.
    pub fn keys<K: Into<IndexKey>>(mut self, keys: impl IntoIterator<Item = K>) -> Self {
        self.keys.extend(keys.into_iter().map(Into::into));
        self
    }

    /// Two documents may not share the values of all keys.
    pub fn unique(mut self) -> Self {
        self.unique = true;
        self
    }

    /// Only documents that satisfy a filter, as `User::active().eq(true)` or in JSON, are in the index, and bound
    /// by its uniqueness.
    pub fn partial(mut self, filter: impl IntoFilter<T>) -> Self {
        self.partial = filter.into_filter();
        self
    }

    /// A name of its own, instead of the one that follows from the keys, such as `context.email_1`.
    pub fn named(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// Begins to make the index and returns at once. It is made whether or not what this gives is awaited;
    /// [`Graph::index_progress`] tells how far it is.
    ///
    /// # Errors
    /// [`Error::Filter`](crate::Error::Filter) for a filter that is none,
    /// [`Error::UnknownField`](crate::Error::UnknownField) for a key that `T` does not have, [`Error::Store`](crate::Error::Store) with [`StoreError::Index`] for
    /// keys that cannot be.
    pub fn start(self) -> Result<IndexBuilding> {
        let graph = self.graph.clone();
        let index = self.index()?;
        let task = graph.handle.create_index(index.clone())?;
        Ok(IndexBuilding { index, task })
    }

    fn index(self) -> Result<Index> {
        let mut seen: Vec<&str> = Vec::new();
        for IndexKey { field, order } in &self.keys {
            let refused = |reason: String| {
                let fields = self.keys.iter().map(|key| key.field.clone()).collect();
                StoreError::Index { entity: T::entity_name(), fields, reason }
            };
            if ![1, -1].contains(order) {
                return Err(
                    refused(format!("the order of `{field}` is {order}: 1 and -1 are allowed")).into()
                );
            }
            if seen.contains(&field.as_str()) {
                return Err(refused(format!("`{field}` is in it twice")).into());
            }
            check_field::<T>(field)?;
            seen.push(field);
        }
        if self.keys.is_empty() {
            let reason = "it has no keys: name at least one field".to_owned();
            return Err(StoreError::Index { entity: T::entity_name(), fields: Vec::new(), reason }.into());
        }
        let fields = self.keys.iter().map(|key| key.field.as_str());
        let mut index = Index::new(T::KIND, T::entity_name(), fields).unique(self.unique);
        let descending = self.keys.iter().filter(|key| key.order < 0);
        index.descending = descending.map(|key| key.field.clone()).collect();
        index.partial = self.partial?;
        index.name = self.name;
        Ok(index)
    }
}

impl<T> fmt::Debug for NewIndex<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { keys, unique, partial, name, .. } = self;
        f.debug_struct("NewIndex")
            .field("keys", keys)
            .field("unique", unique)
            .field("partial", partial)
            .field("name", name)
            .finish_non_exhaustive()
    }
}

/// Waits until the index is whole and gives it, with its name.
///
/// # Errors
/// As [`NewIndex::start`], and [`StoreError::IndexViolated`] when existing documents break a unique index.
impl<T: Entity> IntoFuture for NewIndex<T> {
    type Output = Result<Index>;
    type IntoFuture = Pin<Box<dyn Future<Output = Result<Index>> + Send>>;

    fn into_future(self) -> Self::IntoFuture {
        let started = self.start();
        Box::pin(async move { started?.await })
    }
}

/// An index that is being made. Awaiting it gives the index when it is whole; dropping it does not stop it.
#[derive(Debug)]
pub struct IndexBuilding {
    index: Index,
    task: JoinHandle<Result<(), StoreError>>,
}

impl IndexBuilding {
    /// The index as it will be.
    #[must_use]
    pub fn index(&self) -> &Index {
        &self.index
    }

    /// Whether it is whole, or has failed.
    #[must_use]
    pub fn is_finished(&self) -> bool {
        self.task.is_finished()
    }
}

impl Future for IndexBuilding {
    type Output = Result<Index>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<Index>> {
        Pin::new(&mut self.task).poll(cx).map(|built| {
            // The task is lost only with the runtime's own threads.
            built.unwrap_or(Err(StoreError::Stopped))?;
            Ok(self.index.clone())
        })
    }
}

impl Graph {
    /// Prepares an index on a type's entity: say of which keys, then await it. Does nothing where it exists;
    /// where it exists with another rule of uniqueness or another name, it is changed. Reads and writes go on
    /// while it is built.
    ///
    /// ```
    /// # use wayfare::{Runtime, node};
    /// # #[node] struct User { email: String, active: bool }
    /// # #[tokio::main]
    /// # async fn main() -> wayfare::Result<()> {
    /// # let folder = tempfile::tempdir().expect("a folder for the example");
    /// # let runtime = Runtime::open(&format!("embedded:{}", folder.path().display()))?;
    /// # let graph = runtime.graph();
    /// let index = graph.create_index::<User>().keys([("email", 1), ("active", 1)]).unique().await?;
    /// assert_eq!(index.name(), "context.email_1_context.active_1");
    /// # Ok(())
    /// # }
    /// ```
    pub fn create_index<T: Entity>(&self) -> NewIndex<T> {
        let (partial, of) = (Ok(Filter::all()), PhantomData);
        NewIndex { graph: self.clone(), keys: Vec::new(), unique: false, partial, name: None, of }
    }

    /// The same for an index of any entity, without a type: makes it and waits until it is whole.
    ///
    /// # Errors
    /// [`StoreError::IndexViolated`] when existing documents break a unique index, [`StoreError::Index`].
    pub async fn make_index(&self, index: Index) -> Result<()> {
        let task = self.handle.create_index(index)?;
        Ok(task.await.unwrap_or(Err(StoreError::Stopped))?)
    }

    /// The indexes of a type's entity, whoever has made them.
    ///
    /// # Errors
    /// [`Error::Store`](crate::Error::Store).
    pub async fn indexes<T: Entity>(&self) -> Result<Vec<Index>> {
        let mut indexes = self.handle.stats().await?.indexes;
        indexes.retain(|index| (index.kind, index.entity) == (T::KIND, T::entity_name()));
        Ok(indexes)
    }

    /// The indexes that are being built now, with how far they are.
    ///
    /// # Errors
    /// [`Error::Store`](crate::Error::Store).
    pub async fn index_progress(&self) -> Result<Vec<IndexProgress>> {
        Ok(self.handle.index_progress().await?)
    }

    /// Removes an index of a type's entity by its name; `false` when there is none. One that a type declares is
    /// made again at the next start, unless `[store] create_indexes` is `false`.
    ///
    /// # Errors
    /// [`Error::Store`](crate::Error::Store).
    pub async fn drop_index<T: Entity>(&self, name: &str) -> Result<bool> {
        Ok(self.handle.drop_index(T::KIND, T::entity_name(), name.to_owned()).await?)
    }

    /// Gives an index of a type's entity another name; `false` when there is none of the old one.
    ///
    /// # Errors
    /// [`Error::Store`](crate::Error::Store) with [`StoreError::Index`] when another index has the name.
    pub async fn rename_index<T: Entity>(&self, from: &str, to: &str) -> Result<bool> {
        let (from, to) = (from.to_owned(), to.to_owned());
        Ok(self.handle.rename_index(T::KIND, T::entity_name(), from, to).await?)
    }
}

//! A typed query, put together step by step.

use std::fmt;
use std::future::{Future, IntoFuture};
use std::marker::PhantomData;
use std::ops::Deref;
use std::pin::Pin;

use futures_util::stream::{self, Stream, StreamExt};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use wayfare_graph::{
    BodyError, Document, Entity, Explanation, Filter, Id, IntoFilter, Query, SortKey, Version,
};

use crate::cursor::Cursor;
use crate::error::{Error, Result};
use crate::field_names::{fields_of, path_of};
use crate::graph::{FoundPage, Graph};
use crate::stored::Stored;

/// What an entity is sorted by: a field by its name, smallest first, or a whole [`SortKey`].
#[derive(Debug, Clone)]
pub enum SortBy {
    /// A field by its name, or a whole path such as `context.name` or `id`.
    Name(String),
    /// A path and its order.
    Key(SortKey),
}

impl From<&str> for SortBy {
    fn from(name: &str) -> Self {
        Self::Name(name.to_owned())
    }
}

impl From<SortKey> for SortBy {
    fn from(key: SortKey) -> Self {
        Self::Key(key)
    }
}

/// A part of an entity, as [`Selection::project`] gives it: a value that lacks the other fields, so it cannot be
/// saved. Derefs to the value.
#[derive(Debug, Clone, PartialEq)]
pub struct Part<P> {
    id: Id,
    version: Version,
    value: P,
}

impl<P: DeserializeOwned> Part<P> {
    fn from_document<T: Entity>(document: Document) -> Result<Self, BodyError> {
        // Of an entity with a schema above 1 the whole document was read, so that it can be upgraded.
        let document = if T::SCHEMA == 1 { document } else { document.upgraded::<T>()? };
        Ok(Self { id: document.id().clone(), version: document.version(), value: document.decode()? })
    }
}

impl<P> Part<P> {
    /// The id of the entity.
    #[must_use]
    pub fn id(&self) -> &Id {
        &self.id
    }

    /// The version that was read.
    #[must_use]
    pub fn version(&self) -> Version {
        self.version
    }

    /// The value alone.
    #[must_use]
    pub fn into_value(self) -> P {
        self.value
    }
}

impl<P> Deref for Part<P> {
    type Target = P;

    fn deref(&self) -> &P {
        &self.value
    }
}

/// Entities of a type that are about to be looked for; made by [`Graph::query`].
///
/// `I` is what is found: a [`Stored`] of the type, a [`Part`] after [`project`](Self::project), a [`Document`]
/// after [`fields`](Self::fields). A mistake in a name or a filter is told when the query is run.
#[must_use = "nothing is looked for until the query is run"]
pub struct Selection<T, I = Stored<T>> {
    graph: Graph,
    query: Query,
    decode: fn(Document) -> Result<I, BodyError>,
    /// The first mistake, told when the query is run.
    fault: Option<Error>,
    of: PhantomData<fn() -> T>,
}

impl Graph {
    /// Prepares a query for the entities of a type.
    ///
    /// ```
    /// # use wayfare::{Runtime, node};
    /// use serde::Deserialize;
    ///
    /// #[node]
    /// struct User { name: String, email: String, age: u32, active: bool }
    ///
    /// #[derive(Deserialize)]
    /// struct Contact { name: String, email: String }
    ///
    /// # #[tokio::main]
    /// # async fn main() -> wayfare::Result<()> {
    /// # let folder = tempfile::tempdir().expect("a folder for the example");
    /// # let runtime = Runtime::open(&format!("embedded:{}", folder.path().display()))?;
    /// # let graph = runtime.graph();
    /// # let user = User { name: "Ann".into(), email: "ann@example.com".into(), age: 40, active: true };
    /// # graph.create(user).await?;
    /// let active = || graph.query::<User>().filter(User::active().eq(true));
    /// let oldest = active().sort_descending("age").limit(10).all().await?;
    /// assert_eq!(oldest[0].age, 40);
    /// assert_eq!(active().count().await?, 1);
    ///
    /// // Only two fields are read.
    /// let contacts = active().project::<Contact>().all().await?;
    /// println!("{} <{}>", contacts[0].name, contacts[0].email);
    ///
    /// // Page by page: the cursor may go to a browser and come back.
    /// let page = active().sort("name").limit(20).page(None).await?;
    /// assert!(page.next.is_none());
    /// # Ok(())
    /// # }
    /// ```
    pub fn query<T: Entity>(&self) -> Selection<T> {
        Selection {
            graph: self.clone(),
            query: Query::entity(T::KIND, T::entity_name()),
            decode: Stored::from_document,
            fault: None,
            of: PhantomData,
        }
    }
}

impl<T: Entity, I> Selection<T, I> {
    /// Only entities that satisfy a filter, as `User::age().gt(30)` or in JSON; of several filters, all.
    pub fn filter(mut self, filter: impl IntoFilter<T>) -> Self {
        let filter = match filter.into_filter() {
            Ok(filter) => filter,
            Err(error) => return self.failed(error.into()),
        };
        self.query.filter = if self.query.filter.is_all() {
            filter
        } else {
            let both = json!({"$and": [self.query.filter.to_value(), filter.to_value()]});
            match Filter::parse(&both) {
                Ok(both) => both,
                Err(error) => return self.failed(error.into()),
            }
        };
        self
    }

    /// Smallest first by a field, or in the order of a [`SortKey`]; of several, the first counts most. Equal
    /// entities, and all without this, come in the order of their ids.
    pub fn sort(self, by: impl Into<SortBy>) -> Self {
        match by.into() {
            SortBy::Name(name) => self.sort_by(&name, false),
            SortBy::Key(key) => self.sorted(key),
        }
    }

    /// Largest first by a field.
    pub fn sort_descending(self, field: &str) -> Self {
        self.sort_by(field, true)
    }

    fn sort_by(self, name: &str, descending: bool) -> Self {
        match path_of::<T>(name) {
            Ok(path) => self.sorted(SortKey { path, descending }),
            Err(error) => self.failed(error),
        }
    }

    fn sorted(mut self, key: SortKey) -> Self {
        self.query.sort.push(key);
        self
    }

    /// Leaves out so many of the first. The store still has to look at them: use a [`page`](Self::page)'s cursor
    /// to get far.
    pub fn skip(mut self, documents: usize) -> Self {
        self.query.skip = documents;
        self
    }

    /// Gives at most so many; of a [`page`](Self::page), its size.
    pub fn limit(mut self, documents: usize) -> Self {
        self.query.limit = Some(documents);
        self
    }

    /// Reads only the fields that `P` has, and gives them as a `P`. Its names are those that are stored.
    ///
    /// Where serde cannot tell them before reading, as with `#[serde(flatten)]`, all fields are read. So they
    /// are of an entity with a schema above 1, because old documents are upgraded as a whole.
    pub fn project<P: DeserializeOwned>(self) -> Selection<T, Part<P>> {
        let paths = fields_of::<P>().filter(|_| T::SCHEMA == 1);
        let paths = paths.map(|fields| fields.iter().map(|field| format!("context.{field}")).collect());
        self.decoded_by(paths, Part::from_document::<T>)
    }

    /// Reads only some fields, named as in [`sort`](Self::sort), and gives them as documents, as they are stored.
    pub fn fields<S: AsRef<str>>(self, names: impl IntoIterator<Item = S>) -> Selection<T, Document> {
        let paths: Result<Vec<String>> = names.into_iter().map(|name| path_of::<T>(name.as_ref())).collect();
        match paths {
            Ok(paths) => self.decoded_by(Some(paths), Ok),
            Err(error) => self.decoded_by(None, Ok).failed(error),
        }
    }

    fn decoded_by<J>(
        self,
        projection: Option<Vec<String>>,
        decode: fn(Document) -> Result<J, BodyError>,
    ) -> Selection<T, J> {
        let Self { graph, query, fault, of, .. } = self;
        Selection { graph, query: Query { projection, ..query }, decode, fault, of }
    }

    pub(crate) fn graph(&self) -> &Graph {
        &self.graph
    }

    pub(crate) fn decode(&self) -> fn(Document) -> Result<I, BodyError> {
        self.decode
    }

    fn failed(mut self, error: Error) -> Self {
        self.fault = Some(self.fault.unwrap_or(error));
        self
    }

    /// The query as a store is asked it.
    ///
    /// # Errors
    /// [`Error::UnknownField`] and [`Error::Filter`] for a mistake made on the way.
    pub fn into_query(self) -> Result<Query> {
        self.fault.map_or(Ok(self.query), Err)
    }

    fn checked(&mut self) -> Result<()> {
        self.fault.take().map_or(Ok(()), Err)
    }

    /// All that match, in memory at once.
    ///
    /// # Errors
    /// [`Error::UnknownField`] and [`Error::Filter`] for a mistake in the query, [`Error::Body`] when stored
    /// fields do not fit the type, [`Error::Store`].
    pub async fn all(mut self) -> Result<Vec<I>> {
        self.checked()?;
        let documents = self.graph.find_documents(self.query).await?;
        Ok(documents.into_iter().map(self.decode).collect::<Result<_, _>>()?)
    }

    /// The first that matches.
    ///
    /// # Errors
    /// As [`all`](Self::all).
    pub async fn one(self) -> Result<Option<I>> {
        let limit = self.query.limit.unwrap_or(1).min(1);
        Ok(self.limit(limit).all().await?.pop())
    }

    /// How many match; sort, skip and limit do not count. No document is brought here.
    ///
    /// # Errors
    /// [`Error::Filter`], [`Error::Store`].
    pub async fn count(mut self) -> Result<u64> {
        self.checked()?;
        self.graph.count(self.query).await
    }

    /// The different values of a field, named as in [`sort`](Self::sort), in MongoDB's order of values; of a list
    /// its members. Sort, skip and limit do not count.
    ///
    /// # Errors
    /// [`Error::UnknownField`], [`Error::Filter`], [`Error::Store`].
    pub async fn distinct(mut self, field: &str) -> Result<Vec<Value>> {
        self.checked()?;
        let path = path_of::<T>(field)?;
        self.graph.distinct(self.query, &path).await
    }

    /// One page: what comes after the cursor of the page before, or the first. Its size is the
    /// [`limit`](Self::limit), `[store] page_size` without one. Skip counts for the first page only.
    ///
    /// # Errors
    /// [`Error::Cursor`] for the cursor of another query; as [`all`](Self::all) besides.
    pub async fn page(mut self, cursor: Option<&Cursor>) -> Result<FoundPage<I>> {
        self.checked()?;
        let FoundPage { items, next } = self.graph.find_page(self.query, cursor).await?;
        let items = items.into_iter().map(self.decode).collect::<Result<_, _>>()?;
        Ok(FoundPage { items, next })
    }

    /// All that match, as they are read: `[store] page_size` at a time are in memory. The stream ends after an
    /// error.
    ///
    /// Each page is read as the store is then: what is written meanwhile is seen if it comes later in the order.
    pub fn stream(mut self) -> impl Stream<Item = Result<I>> + Send + Unpin + use<T, I>
    where
        I: Send + 'static,
    {
        let decode = self.decode;
        match self.checked() {
            Ok(()) => {
                let documents = self.graph.find_stream(self.query);
                let mut failed = false;
                let items = documents.map(move |document| Ok(decode(document?)?));
                let items = items.take_while(move |item| {
                    let ended = failed;
                    failed = item.is_err();
                    std::future::ready(!ended)
                });
                items.boxed()
            }
            Err(error) => stream::once(std::future::ready(Err(error))).boxed(),
        }
    }

    /// How the store would find them now, without looking: by which index, and what it would have to sort.
    ///
    /// # Errors
    /// [`Error::UnknownField`], [`Error::Filter`], [`Error::Store`].
    pub async fn explain(mut self) -> Result<Explanation> {
        self.checked()?;
        self.graph.explain(self.query).await
    }
}

/// Awaited, it gives all that match.
impl<T: Entity, I: Send + 'static> IntoFuture for Selection<T, I> {
    type Output = Result<Vec<I>>;
    type IntoFuture = Pin<Box<dyn Future<Output = Self::Output> + Send>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.all())
    }
}

impl<T, I> fmt::Debug for Selection<T, I> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Selection")
            .field("query", &self.query)
            .field("fault", &self.fault)
            .finish_non_exhaustive()
    }
}

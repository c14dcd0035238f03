//! Spawning walkers and waiting for them.

use std::marker::PhantomData;
use std::pin::Pin;
use std::sync::OnceLock;
use std::time::Duration;

use serde::de::DeserializeOwned;
use serde_json::Value;
use wayfare_actors::{Admittance, EmitStream, RuntimeHandle, SpawnHow, Spawned};
use wayfare_graph::{
    Durable, Filter, Finished, Id, IdError, Limits, Order, Profile, Trail, TrailStep, Unique, WalkError,
    WalkOptions, Walker,
};

use crate::error::Error;

/// A walker that is about to be spawned: say where with [`at`](Self::at), then await it.
#[must_use = "nothing is spawned until it is awaited"]
#[derive(Debug)]
pub struct Spawning<W> {
    handle: RuntimeHandle,
    walker: W,
    at: Result<Id, IdError>,
    options: WalkOptions,
    key: Option<String>,
    admittance: Admittance,
}

impl<W: Walker> Spawning<W> {
    pub(crate) fn new(handle: RuntimeHandle, walker: W) -> Self {
        let options = walker.options();
        Self { handle, walker, at: Ok(Id::root()), options, key: None, admittance: Admittance::default() }
    }

    /// The node to start at; the root node unless said.
    pub fn at<I>(mut self, id: I) -> Self
    where
        I: TryInto<Id>,
        IdError: From<I::Error>,
    {
        self.at = id.try_into().map_err(IdError::from);
        self
    }

    /// The order of visits, instead of the walker's own.
    pub fn order(mut self, order: Order) -> Self {
        self.options.order = order;
        self
    }

    /// What is not visited twice, instead of the walker's own.
    pub fn unique(mut self, unique: Unique) -> Self {
        self.options.unique = unique;
        self
    }

    /// Visits and passes only nodes that satisfy a filter; the start is exempt.
    pub fn only(mut self, filter: Filter) -> Self {
        self.options.only = Some(filter);
        self
    }

    /// Budgets of this walk, instead of `[limits]`.
    pub fn limits(mut self, limits: Limits) -> Self {
        self.options.limits = Some(limits);
        self
    }

    /// The most time this walk may take from its spawn to its end, pauses aside; the other budgets are those
    /// set before, or those of `[limits]`.
    pub fn deadline(mut self, wall: Duration) -> Self {
        let limits = self.options.limits.take().unwrap_or_else(|| Limits::clone(&self.handle.limits()));
        self.options.limits = Some(Limits { wall, ..limits });
        self
    }

    /// What is kept of the visits made, instead of the walker's own.
    pub fn trail(mut self, trail: Trail) -> Self {
        self.options.trail = trail;
        self
    }

    /// Makes the walk survive its process; the walker has to serialise and deserialise.
    pub fn durable(mut self, durable: Durable) -> Self {
        self.options.durable = Some(durable);
        self
    }

    /// Tells visits and time by entity, hook and node in the profile.
    pub fn detailed(mut self) -> Self {
        self.options.detailed = true;
        self
    }

    /// Runs the hooks on a thread for work that blocks; see [`WalkOptions::blocking`].
    pub fn blocking(mut self) -> Self {
        self.options.blocking = true;
        self
    }

    /// Spawns once only on this store, also after a crash: a second spawn under the same key is refused with
    /// [`WalkError::DuplicateKey`].
    pub fn key(mut self, key: impl Into<String>) -> Self {
        self.key = Some(key.into());
        self
    }

    /// Where walks wait to be admitted the higher priority goes first; 0 unless said.
    pub fn priority(mut self, priority: i8) -> Self {
        self.admittance.priority = priority;
        self
    }

    /// On whose behalf: where walks of one priority wait to be admitted, callers take turns.
    pub fn caller(mut self, caller: &str) -> Self {
        self.admittance.caller = Some(caller.into());
        self
    }

    /// Streams what the walker emits; awaiting gives the walk and the stream.
    pub fn stream(self) -> StreamSpawning<W> {
        StreamSpawning(self)
    }
}

impl<W: Walker> IntoFuture for Spawning<W> {
    type Output = Result<Walking<W>, Error>;
    type IntoFuture = Pin<Box<dyn Future<Output = Self::Output> + Send>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(async move {
            let how = SpawnHow { options: Some(self.options), key: self.key, admittance: self.admittance };
            Ok(Walking::new(self.handle.spawn(Box::new(self.walker), self.at?, how).await?))
        })
    }
}

/// A [`Spawning`] with a stream.
#[must_use = "nothing is spawned until it is awaited"]
#[derive(Debug)]
pub struct StreamSpawning<W>(Spawning<W>);

impl<W: Walker> IntoFuture for StreamSpawning<W> {
    type Output = Result<(Walking<W>, EmitStream), Error>;
    type IntoFuture = Pin<Box<dyn Future<Output = Self::Output> + Send>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(async move {
            let Spawning { handle, walker, at, options, key, admittance } = self.0;
            if let Some(key) = key {
                let reason = format!("a stream cannot be had once only: spawn without the key `{key}`");
                return Err(WalkError::Unsuitable { walker: W::NAME.into(), reason }.into());
            }
            let how = SpawnHow { options: Some(options), key: None, admittance };
            let (spawned, stream) = handle.spawn_streaming(Box::new(walker), at?, how).await?;
            Ok((Walking::new(spawned), stream))
        })
    }
}

/// A walk under way. Dropping it lets the walk go on; what it reports is lost to the caller then.
#[derive(Debug)]
pub struct Walking<W> {
    spawned: Spawned,
    /// Boxed, because a caller may hold many walks that have not ended.
    results: OnceLock<Box<Results>>,
    walker: PhantomData<fn() -> W>,
}

/// What a walk left beside its walker.
#[derive(Debug)]
struct Results {
    report: Vec<Value>,
    profile: Profile,
    trail: Vec<TrailStep>,
}

impl<W: Walker> Walking<W> {
    fn new(spawned: Spawned) -> Self {
        Self { spawned, results: OnceLock::new(), walker: PhantomData }
    }

    /// The number of the walk, unique in its runtime.
    #[must_use]
    pub fn id(&self) -> u64 {
        self.spawned.id()
    }

    /// Waits for the end and gives the walker back, with its state.
    ///
    /// It comes when everything the walk wrote, and everything it read that others wrote, is durable.
    /// The walker is given once; later calls get [`WalkError::Stopped`].
    ///
    /// # Errors
    /// Why the walk ended before its time.
    pub async fn finish(&self) -> Result<W, WalkError> {
        let Finished { walker, report, profile, trail } = *self.spawned.finish().await?;
        let walker = walker.into_any().downcast::<W>();
        let _ = self.results.set(Box::new(Results { report, profile, trail }));
        walker.map(|walker| *walker).map_err(|_| WalkError::Stopped)
    }

    /// What the walker reported, in order; empty until [`finish`](Self::finish) has returned it.
    #[must_use]
    pub fn report(&self) -> &[Value] {
        self.results.get().map_or(&[], |results| &results.report)
    }

    /// What the walker reported, as values of a type.
    ///
    /// # Errors
    /// [`WalkError::BadValue`] for the first value that does not fit.
    pub fn report_as<T: DeserializeOwned>(&self) -> Result<Vec<T>, WalkError> {
        let read = |value: &Value| T::deserialize(value);
        self.report().iter().map(read).collect::<Result<_, _>>().map_err(|error| WalkError::BadValue {
            walker: W::NAME.into(),
            reason: format!("a reported value does not fit: {error}"),
        })
    }

    /// The visits that the walk made, as far as it kept them; empty until [`finish`](Self::finish) has
    /// returned.
    #[must_use]
    pub fn trail(&self) -> &[TrailStep] {
        self.results.get().map_or(&[], |results| &results.trail)
    }

    /// What the walk cost; all zero until [`finish`](Self::finish) has returned.
    #[must_use]
    pub fn profile(&self) -> Profile {
        self.results.get().map(|results| results.profile.clone()).unwrap_or_default()
    }

    /// Ends the walk with [`WalkError::Cancelled`] as soon as its present sync hook has returned; an async
    /// hook is dropped where it waits.
    pub fn cancel(&self) {
        self.spawned.cancel();
    }

    /// Stops the walk before its next visit, or when its present batch of async hooks is back. What waits is
    /// kept, and the time until it is resumed does not count against its budget.
    pub fn pause(&self) {
        self.spawned.pause();
    }

    /// Lets a paused walk go on.
    pub fn resume(&self) {
        self.spawned.resume();
    }

    /// What the walk is doing, as JSON: state, queue, trail, budgets; `None` when it has ended.
    pub async fn inspect(&self) -> Option<Value> {
        self.spawned.inspect().await
    }
}

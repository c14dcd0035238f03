//! Durable walks: their state, queue, visited set, budgets and writes are committed together, so that after
//! a crash each of them goes on where its last commit stood.
//!
//! A walk is one document of kind walker, `w.Walk.KEY`, that is written again at each checkpoint, and
//! parts `w.WalkPart.KEY` that hold what has happened to the queue between two of them.

mod checkpoint;
#[cfg(any(test, fuzzing))]
pub(crate) mod fuzzing;
mod letters;
mod names;
mod stored;
mod take_up;

use std::time::Instant;

use wayfare_graph::{
    Durable, ErasedWalker, Id, Key, Kind, Trail, Unique, Version, WalkError, WalkOptions, WalkerType, Write,
    WriteBatch, WriteError,
};

pub use self::letters::DurableWalk;
pub(crate) use self::letters::{forget_ended, list, retry};
pub use self::stored::WalkStatus;
pub(crate) use self::stored::{StoredWalk, walk_entity};
pub(crate) use self::take_up::{Restored, TakenUp, failed, resume_all};

use crate::core::Core;

/// Parts after which they are put together in one, so that taking a walk up does not take the longer the
/// longer it has gone.
const MOST_PARTS: u32 = 64;

/// How a durable walk under way is stored.
pub(crate) struct DurableState {
    id: Id,
    options: Durable,
    stored: StoredWalk,
    /// The version of its document: a checkpoint of a walk that was taken up elsewhere meanwhile is refused.
    version: Version,
    /// Values of the report that are stored.
    reported: usize,
    visits: u64,
    last: Instant,
    done: bool,
    /// Whether the checkpoint under way holds everything.
    whole: bool,
}

impl DurableState {
    fn new(id: Id, options: Durable, stored: StoredWalk, version: Version) -> Self {
        let visits = stored.visits;
        Self {
            id,
            options,
            stored,
            version,
            reported: 0,
            visits,
            last: Instant::now(),
            done: false,
            whole: false,
        }
    }

    /// Whether it is time for a checkpoint.
    pub(crate) fn is_due(&self, visits: u64) -> bool {
        let made = visits.saturating_sub(self.visits);
        made >= u64::from(self.options.visits) || (made > 0 && self.last.elapsed() >= self.options.interval)
    }

    /// Whether it has made visits since its last checkpoint.
    pub(crate) fn has_come_on(&self, visits: u64) -> bool {
        visits > self.visits
    }

    /// Notes that a checkpoint is stored; `last` when the walk has ended with it.
    pub(crate) fn stored(&mut self, visits: u64, last: bool) {
        self.stored.progressed(self.whole);
        self.version = self.version.next();
        (self.visits, self.last, self.done) = (visits, Instant::now(), last);
    }

    pub(crate) fn id(&self) -> &Id {
        &self.id
    }

    pub(crate) fn into_id(self) -> Id {
        self.id
    }

    /// Whether its end is stored.
    pub(crate) fn is_done(&self) -> bool {
        self.done
    }
}

/// Whether the numbers by which entries know where they came from are branches of the tree.
fn is_tracked(options: &WalkOptions) -> bool {
    options.trail != Trail::Off || options.unique == Unique::Path
}

/// A durable walk that is to be stored before it begins.
pub(crate) struct Begun {
    id: Id,
    stored: StoredWalk,
    options: Durable,
    key: Option<String>,
}

impl Begun {
    /// # Errors
    /// [`WalkError::Unsuitable`] for a walker that cannot be stored, [`WalkError::BadArguments`] for a text
    /// that cannot be a key.
    pub(crate) fn new(
        core: &Core,
        walker: &dyn ErasedWalker,
        at: &Id,
        options: &WalkOptions,
        key: Option<String>,
        streamed: bool,
    ) -> Result<Self, WalkError> {
        let unsuitable =
            |reason: &str| WalkError::Unsuitable { walker: walker.name().into(), reason: reason.into() };
        if streamed {
            return Err(unsuitable("a stream does not survive its process: report instead of emitting"));
        }
        if walker.max_workers().is_some() {
            return Err(unsuitable("a walker with `max_workers` cannot be durable"));
        }
        let make = WalkerType::find(walker.name()).and_then(|known| (known.make)());
        let (Some(make), Some(state)) = (make, checkpoint::state_of(walker)?) else {
            return Err(unsuitable(
                "a durable walker is stored: derive `Serialize` and `Deserialize` for it",
            ));
        };
        // As it would be taken up after a crash: what does not come back is told now.
        let again = take_up::made(make, walker.name(), state.clone())?;
        if again.walker_type() != walker.walker_type() {
            return Err(unsuitable("another walker has the same name: give one of them `name = \"…\"`"));
        }
        let parts_key = core.keys.next_id(Kind::Walker, walk_entity()).with_key(str::to_owned);
        let id = walk_id(walker.name(), key.as_deref().unwrap_or(&parts_key))?;
        let stored = StoredWalk::running(walker.name(), at, state, options, parts_key, key.is_some());
        Ok(Self { id, stored, options: options.durable.unwrap_or_default(), key })
    }

    /// Stores it.
    ///
    /// # Errors
    /// [`WalkError::DuplicateKey`], [`WalkError::Store`].
    pub(crate) async fn store(self, core: &Core) -> Result<Restored, WalkError> {
        let Self { id, stored, options, key } = self;
        core.note_begun(&stored.parts_key);
        create(core, &id, &stored, key).await?;
        Ok(Restored::fresh(DurableState::new(id, options, stored, Version::FIRST)))
    }
}

/// Notes that a walk with a key was spawned, so that no second one is.
///
/// # Errors
/// [`WalkError::DuplicateKey`], [`WalkError::BadArguments`] for a text that cannot be a key,
/// [`WalkError::Store`].
pub(crate) async fn reserve(core: &Core, walker: &str, at: &Id, key: String) -> Result<(), WalkError> {
    let id = walk_id(walker, &key)?;
    create(core, &id, &StoredWalk::started(walker, at), Some(key)).await
}

fn walk_id(walker: &str, key: &str) -> Result<Id, WalkError> {
    let bad = |error: wayfare_graph::IdError| WalkError::BadArguments {
        walker: walker.into(),
        reason: format!("its key: {error}"),
    };
    let key = Key::new(key).map_err(bad)?;
    Ok(Id::new(Kind::Walker, walk_entity(), &key))
}

async fn create(core: &Core, id: &Id, stored: &StoredWalk, key: Option<String>) -> Result<(), WalkError> {
    let document = stored.document(id.clone())?;
    let writes = vec![Write::Create { document, multi: false }];
    let results = core.apply(WriteBatch { writes, all_or_nothing: true }).await?;
    match results.into_iter().next() {
        Some(Err(WriteError::AlreadyExists { id })) => {
            Err(WalkError::DuplicateKey { key: key.unwrap_or_else(|| id.to_string()) })
        }
        Some(Err(source)) => Err(WalkError::WriteRefused { source }),
        Some(Ok(_)) | None => Ok(()),
    }
}

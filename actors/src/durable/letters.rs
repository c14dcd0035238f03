//! Looking at stored walks from outside: those under way, those parked, those done.

use std::sync::{Arc, Weak};

use serde::Serialize;
use serde_json::Value;
use wayfare_graph::{Id, Kind, StoreError, Version, WalkError, Write, WriteBatch, WriteError};

use super::stored::{StoredWalk, WalkStatus, walk_entity};
use super::take_up::{Place, read, save, take_up, take_up_left_behind};
use crate::admission::Admittance;
use crate::core::Core;
use crate::patience::{is_passing, patiently};
use crate::spawn::{admit, host_left_behind};

/// Walks read at once.
const PAGE: usize = 100;

/// A walk that the store knows: a durable one, or one that was spawned under a key.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct DurableWalk {
    /// Its id, `w.Walk.KEY`.
    pub id: Id,
    /// The walker.
    pub walker: String,
    /// How far it is.
    pub status: WalkStatus,
    /// The node it started at.
    pub start: Id,
    /// Visits up to its last checkpoint.
    pub visits: u64,
    /// The walker at its last checkpoint; null for a walk that is not durable.
    pub state: Value,
    /// What it reported, once it is done.
    pub report: Vec<Value>,
    /// Why it failed last, since its last checkpoint.
    pub error: Option<String>,
    /// The node at which it failed.
    pub failed_at: Option<Id>,
    /// How often it failed there.
    pub attempts: u32,
}

impl DurableWalk {
    fn of(id: Id, stored: StoredWalk) -> Self {
        let (error, failed_at, attempts) = match stored.failure {
            Some(failure) => (Some(failure.error), failure.at, failure.attempts),
            None => (None, None, 0),
        };
        Self {
            id,
            walker: stored.walker,
            status: stored.status,
            start: stored.start,
            visits: stored.visits,
            state: stored.state,
            report: stored.report,
            error,
            failed_at,
            attempts,
        }
    }
}

/// All walks that the store knows, by key, without those that cannot be read.
pub(crate) async fn list(core: &Arc<Core>) -> Result<Vec<DurableWalk>, WalkError> {
    let (mut walks, mut after) = (Vec::new(), None);
    loop {
        let page = core.scan(Kind::Walker, Some(walk_entity()), after, PAGE).await?;
        for document in page.documents {
            match StoredWalk::read(&document) {
                Ok(stored) => walks.push(DurableWalk::of(document.id().clone(), stored)),
                // The others are told all the same.
                Err(error) => tracing::warn!(walk = %document.id(), %error, "left out what is no walk"),
            }
        }
        match page.next {
            Some(next) => after = Some(next),
            None => return Ok(walks),
        }
    }
}

/// Lets a parked walk go on from its last checkpoint; `false` when there is no such parked walk. One that cannot go on
/// stays parked.
pub(crate) async fn retry(core: &Arc<Core>, id: &Id) -> Result<bool, WalkError> {
    check(id)?;
    let parked = read(core, id).await?.filter(|(stored, _)| stored.status == WalkStatus::Parked);
    let Some((mut stored, version)) = parked else { return Ok(false) };
    (stored.status, stored.failure, stored.taken_up) = (WalkStatus::Running, None, 0);
    // Whatever may keep it from going on comes before it is stored as under way: nobody would go on with it then.
    let ticket = admit(core, Admittance::default()).await?;
    let taken_up = take_up(core, id, stored.clone(), version.next()).await?;
    core.note_begun(&stored.parts_key);
    let again = match save(core, id, &stored, version).await {
        Ok(None) => Ok(false),
        Ok(Some(_)) => host_left_behind(core, taken_up, ticket).await.map(|()| true),
        Err(error) => {
            if let (true, Some(runtime)) = (is_passing(&error), core.runtime.get()) {
                // It may be stored as under way by now.
                let place = Place::new(ticket);
                runtime.spawn(take_up_later(core.weak(), id.clone(), version.next(), place));
            }
            Err(error)
        }
    };
    core.durable_news.notify_waiters();
    again
}

/// Takes a walk up as soon as the store is back, if it is stored as under way at a version.
async fn take_up_later(core: Weak<Core>, id: Id, version: Version, place: Place) {
    let taken_up = patiently(&core, &id, |core| Box::pin(take_up_at(core, &id, version, &place)));
    if let Err(error) = taken_up.await {
        tracing::error!(walk = %id, %error, "a durable walk that was to be retried cannot go on");
    }
}

async fn take_up_at(core: Arc<Core>, id: &Id, version: Version, place: &Place) -> Result<(), WalkError> {
    match read(&core, id).await? {
        Some((stored, found)) if stored.status == WalkStatus::Running && found == version => {
            take_up_left_behind(&core, id, stored, version, place).await
        }
        _ => Ok(()),
    }
}

/// Removes a stored walk that is not under way; `false` when there is none.
pub(crate) async fn forget_ended(core: &Arc<Core>, id: &Id) -> Result<bool, WalkError> {
    check(id)?;
    let stored = read(core, id).await?;
    if let Some((StoredWalk { status: WalkStatus::Running, walker, .. }, _)) = stored {
        let reason = format!("`{id}` is under way: cancel it instead");
        return Err(WalkError::Unsuitable { walker, reason });
    }
    forget(core, id).await
}

/// Removes a stored walk; `false` when there is none.
pub(crate) async fn forget(core: &Arc<Core>, id: &Id) -> Result<bool, WalkError> {
    while let Some((stored, version)) = read(core, id).await? {
        if remove(core, id, &stored, version).await? {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Removes a stored walk, unless it has ended well by now: then it stays, and is given.
pub(super) async fn forget_unless_done(core: &Arc<Core>, id: &Id) -> Result<Option<StoredWalk>, WalkError> {
    while let Some((stored, version)) = read(core, id).await? {
        if stored.status == WalkStatus::Done {
            return Ok(Some(stored));
        }
        if remove(core, id, &stored, version).await? {
            return Ok(None);
        }
    }
    Ok(None)
}

/// Removes a walk as it was read; `false` when a checkpoint came first, or somebody else has removed it.
async fn remove(core: &Core, id: &Id, stored: &StoredWalk, version: Version) -> Result<bool, WalkError> {
    let parts = stored.part_ids().into_iter().map(|id| Write::Delete { id, expected: None });
    let walk = Write::Delete { id: id.clone(), expected: Some(version) };
    let writes = parts.chain([walk]).collect();
    let results = core.apply(WriteBatch { writes, all_or_nothing: true }).await?;
    let refused = results.into_iter().filter_map(Result::err);
    match refused.into_iter().find(|error| !matches!(error, WriteError::BatchRefused { .. })) {
        Some(WriteError::Conflict { .. } | WriteError::NotFound { .. }) => Ok(false),
        Some(source) => Err(WalkError::WriteRefused { source }),
        None => {
            core.durable_news.notify_waiters();
            Ok(true)
        }
    }
}

fn check(id: &Id) -> Result<(), WalkError> {
    if id.kind() == Kind::Walker && id.entity() == walk_entity() {
        return Ok(());
    }
    let reason = format!("`{id}` is not the id of a stored walk, such as `w.Walk.KEY`");
    let error = StoreError::Damaged { what: "an id".into(), reason };
    Err(WalkError::Store(Arc::new(error)))
}

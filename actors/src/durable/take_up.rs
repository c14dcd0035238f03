//! Taking up durable walks again: after an error, and after the end of a process.

use std::panic::catch_unwind;
use std::sync::{Arc, Weak};
use std::time::Duration;

use parking_lot::Mutex;
use rustc_hash::FxHashMap;
use serde_json::Value;
use wayfare_graph::{
    Document, ErasedWalker, Finished, Frontier, FrontierFlags, FrontierState, HookTable, Id, Kind,
    MakeWalker, Outcome, Page, Profile, Slot, StoreError, Trail, Version, WalkError, WalkOptions, WalkerType,
    Write, WriteBatch, WriteError,
};

use super::letters::forget_unless_done;
use super::names::to_slots;
use super::stored::{StoredFailure, StoredPart, StoredWalk, WalkStatus, damaged, walk_entity};
use super::{DurableState, is_tracked};
use crate::admission::Ticket;
use crate::core::Core;
use crate::hosted::Phase;
use crate::panic_text::panic_text;
use crate::patience::{admitted_patiently, is_away, patiently};
use crate::spawn::{host_again, host_left_behind};
use crate::walk_shared::WalkShared;

/// How often a walk is taken up after the end of its process without having reached another checkpoint:
/// one that ends its process each time must not do so for ever.
const MOST_TAKEN_UP: u32 = 50;

/// How long it takes until walks that could not be read are looked for again.
const LOOK_AGAIN: Duration = Duration::from_secs(5);

/// Walks read at once while they are taken up.
const PAGE: usize = 100;

/// Where a durable walk goes on.
pub(crate) struct Restored {
    pub(crate) durable: Box<DurableState>,
    /// `None` at the beginning.
    pub(crate) frontier: Option<Frontier>,
    pub(crate) phase: Phase,
    pub(crate) visits: u64,
    pub(crate) per_node: FxHashMap<Slot, u64>,
    pub(crate) taken: Duration,
    pub(crate) report: Vec<Value>,
}

impl Restored {
    pub(super) fn fresh(state: DurableState) -> Self {
        Self {
            durable: Box::new(state),
            frontier: None,
            phase: Phase::Entering,
            visits: 0,
            per_node: FxHashMap::default(),
            taken: Duration::ZERO,
            report: Vec::new(),
        }
    }
}

/// A walk as its last checkpoint left it.
pub(crate) struct TakenUp {
    pub(crate) walker: Box<dyn ErasedWalker>,
    pub(crate) start: Slot,
    pub(crate) options: WalkOptions,
    pub(crate) restored: Restored,
}

/// A place among the walks that are alive, until the walk is hosted for which it is kept.
pub(super) struct Place(Mutex<Option<Ticket>>);

impl Place {
    pub(super) fn new(ticket: Ticket) -> Self {
        Self(Mutex::new(Some(ticket)))
    }

    fn take(&self) -> Result<Ticket, WalkError> {
        // Only what is hosted takes it, and that is the end of it.
        self.0.lock().take().ok_or(WalkError::Stopped)
    }
}

/// Reads a walk as its last checkpoint left it.
pub(super) async fn take_up(
    core: &Core,
    id: &Id,
    stored: StoredWalk,
    version: Version,
) -> Result<TakenUp, WalkError> {
    let walker = make(&stored)?;
    let options = stored.options.clone().ok_or_else(|| damaged(id, "it has no options"))?;
    let table = HookTable::new(walker.walker_type(), walker.hooks());
    let (frontier, report) = read_parts(core, &stored, &options, &table).await?;
    let directory = &core.directory;
    let per_node = stored.per_node.iter().map(|(id, visits)| (directory.slot_of(id), *visits)).collect();
    let phase = if stored.entered { Phase::Walking } else { Phase::Entering };
    let (visits, taken) = (stored.visits, Duration::from_micros(stored.taken_us));
    let start = directory.slot_of(&stored.start);
    let mut durable = DurableState::new(id.clone(), options.durable.unwrap_or_default(), stored, version);
    durable.reported = report.len();
    let durable = Box::new(durable);
    let restored = Restored { durable, frontier, phase, visits, per_node, taken, report };
    Ok(TakenUp { walker, start, options, restored })
}

fn make(stored: &StoredWalk) -> Result<Box<dyn ErasedWalker>, WalkError> {
    let known = WalkerType::find(&stored.walker).and_then(|walker| (walker.make)());
    let make =
        known.ok_or_else(|| WalkError::UnknownWalker { name: stored.walker.clone(), nearest: None })?;
    made(make, &stored.walker, stored.state.clone())
}

/// A walker made of its stored state. What makes it is its author's code.
pub(super) fn made(make: MakeWalker, walker: &str, state: Value) -> Result<Box<dyn ErasedWalker>, WalkError> {
    let made = catch_unwind(|| make(state));
    made.unwrap_or_else(|panic| Err(format!("it panicked while it was made: {}", panic_text(&*panic))))
        .map_err(|reason| WalkError::BadArguments { walker: walker.into(), reason })
}

async fn read_parts(
    core: &Core,
    stored: &StoredWalk,
    options: &WalkOptions,
    table: &HookTable,
) -> Result<(Option<Frontier>, Vec<Value>), WalkError> {
    if stored.first_part == stored.parts {
        return Ok((None, Vec::new()));
    }
    let ids = stored.part_ids();
    let (mut state, mut report) = (FrontierState::default(), Vec::new());
    let tracked = is_tracked(options);
    for (id, document) in ids.iter().zip(core.get_many(&ids).await?) {
        let document = document.ok_or_else(|| damaged(id, "it is missing"))?;
        let part: StoredPart = document.decode().map_err(|error| damaged(id, &error.to_string()))?;
        let StoredPart { names, mut delta, report: values } = part;
        if !to_slots(&mut delta, tracked, &names, &core.directory) {
            return Err(damaged(id, "it names an entity that it does not hold"));
        }
        state.apply(delta);
        if !state.is_sound(tracked) {
            return Err(damaged(id, "what led to a visit comes after it"));
        }
        report.extend(values);
    }
    let traced = options.trail != Trail::Off;
    let flags = FrontierFlags { track: tracked, leave: table.leaves(), remember: traced, log: true };
    Ok((Some(Frontier::restore(options.order, options.unique, flags, state)), report))
}

/// Decides what becomes of a durable walk that has failed: it is taken up again, parked, or forgotten.
///
/// While its store is away it waits for that, however long it takes.
pub(crate) async fn failed(core: Arc<Core>, shared: Arc<WalkShared>, id: Id, error: WalkError) {
    let weak = core.weak();
    drop(core);
    let decision = patiently(&weak, &id, |core| Box::pin(decide(core, &id, &error))).await;
    let end = match decision {
        Ok(Decision::Again(stored, version)) => {
            let again = patiently(&weak, &id, |core| {
                Box::pin(go_on(core, Arc::clone(&shared), &id, StoredWalk::clone(&stored), version))
            });
            again.await.err().map(Err)
        }
        Ok(Decision::Done(stored)) => Some(finished(*stored)),
        Ok(Decision::Gone) => Some(Err(error)),
        Ok(Decision::Parked) => Some(Err(WalkError::Parked { id, source: Box::new(error) })),
        Err(worse) => Some(Err(worse)),
    };
    let core = weak.upgrade();
    if let Some(end) = end {
        core.iter().for_each(|core| core.walks.remove(shared.id));
        shared.end(end);
    }
    core.iter().for_each(|core| core.durable_news.notify_waiters());
}

async fn decide(core: Arc<Core>, id: &Id, error: &WalkError) -> Result<Decision, WalkError> {
    match error {
        // Who cancels a walk whose last checkpoint is stored comes too late.
        WalkError::Cancelled { .. } => Ok(match forget_unless_done(&core, id).await? {
            Some(done) => Decision::Done(Box::new(done)),
            None => Decision::Gone,
        }),
        _ => note_failure(&core, id, error).await,
    }
}

/// Lets a walk go on that has failed.
async fn go_on(
    core: Arc<Core>,
    shared: Arc<WalkShared>,
    id: &Id,
    stored: StoredWalk,
    version: Version,
) -> Result<(), WalkError> {
    let mut taken_up = take_up(&core, id, stored, version).await?;
    // Its clock has run all the time.
    taken_up.restored.taken = Duration::ZERO;
    host_again(&core, shared, taken_up).await
}

/// What becomes of a durable walk that has failed.
enum Decision {
    /// It is taken up again.
    Again(Box<StoredWalk>, Version),
    Parked,
    /// Its last checkpoint was stored though nobody heard of it, as when its worker was lost by then or the answer of
    /// the store was: the walk has ended well, and taken up again it would do everything twice.
    Done(Box<StoredWalk>),
    /// It is not stored any more: it was cancelled, or has ended well without a key by which its result would be kept.
    Gone,
}

/// The result of a walk as its last checkpoint has it. What it cost besides its visits is not stored.
fn finished(stored: StoredWalk) -> Outcome {
    let profile = Profile { visits: stored.visits, ..Profile::default() };
    let walker = make(&stored)?;
    Ok(Box::new(Finished { walker, report: stored.report, profile, trail: Vec::new() }))
}

/// Stores why a walk failed.
async fn note_failure(core: &Core, id: &Id, error: &WalkError) -> Result<Decision, WalkError> {
    loop {
        let Some((mut stored, version)) = read(core, id).await? else { return Ok(Decision::Gone) };
        if stored.status == WalkStatus::Done {
            return Ok(Decision::Done(Box::new(stored)));
        }
        let at = place_of(error);
        let before = stored.failure.as_ref().filter(|before| before.at == at);
        // That the store was away is nothing the walk could do better at the next attempt.
        let counts = u32::from(!is_away(error));
        let attempts = before.map_or(0, |before| before.attempts).saturating_add(counts);
        stored.failure = Some(StoredFailure { error: error.to_string(), at, attempts });
        // A budget is as spent at the next attempt.
        let hopeless = matches!(error, WalkError::BudgetReached { .. });
        let parked = hopeless || attempts >= core.live.durable_attempts();
        if parked {
            stored.status = WalkStatus::Parked;
        }
        // A checkpoint that was on its way may have come first.
        if let Some(version) = save(core, id, &stored, version).await? {
            if !parked {
                return Ok(Decision::Again(Box::new(stored), version));
            }
            core.metrics.parked();
            return Ok(Decision::Parked);
        }
    }
}

/// The node at which a walk failed.
fn place_of(error: &WalkError) -> Option<Id> {
    match error {
        WalkError::HookFailed { at, .. }
        | WalkError::HookPanicked { at, .. }
        | WalkError::BadWeight { at, .. } => Some(at.clone()),
        WalkError::Unreadable { id, .. } => Some(id.clone()),
        _ => None,
    }
}

/// The stored form of a walk, and its version.
pub(super) async fn read(core: &Core, id: &Id) -> Result<Option<(StoredWalk, Version)>, WalkError> {
    let document = core.get_many(std::slice::from_ref(id)).await?.pop().flatten();
    let read = |document: Document| Ok((StoredWalk::read(&document)?, document.version()));
    document.map(read).transpose()
}

/// Stores a walk over a version of it, and gives the next; `None` when somebody was faster.
pub(super) async fn save(
    core: &Core,
    id: &Id,
    stored: &StoredWalk,
    version: Version,
) -> Result<Option<Version>, WalkError> {
    let writes = vec![Write::Save { document: stored.document(id.clone())?.with_version(version) }];
    let results = core.apply(WriteBatch { writes, all_or_nothing: true }).await?;
    match results.into_iter().next() {
        Some(Err(WriteError::Conflict { .. })) => Ok(None),
        Some(Err(source)) => Err(WalkError::WriteRefused { source }),
        _ => Ok(Some(version.next())),
    }
}

/// Takes up all walks that a process has left behind.
pub(crate) async fn resume_all(core: Arc<Core>) {
    let weak = core.weak();
    drop(core);
    resume_pages(&weak).await;
    let Some(core) = weak.upgrade() else { return };
    core.forget_begun();
    core.durable_news.notify_waiters();
}

async fn resume_pages(core: &Weak<Core>) {
    let mut after: Option<Id> = None;
    loop {
        let page =
            patiently(core, &"walks that were left behind", |core| Box::pin(scan(core, after.clone())));
        let page = match page.await {
            Ok(page) => page,
            Err(WalkError::Stopped) => return,
            Err(error) => {
                // Where that is for good, they are left to the next process.
                tracing::error!(%error, "durable walks cannot be read, they are looked for again");
                tokio::time::sleep(LOOK_AGAIN).await;
                continue;
            }
        };
        for document in &page.documents {
            match resume_patiently(core, document).await {
                Ok(()) => {}
                Err(WalkError::Stopped) => return,
                Err(error) => {
                    tracing::error!(walk = %document.id(), %error, "a durable walk cannot go on");
                }
            }
        }
        match page.next {
            Some(next) => after = Some(next),
            None => return,
        }
    }
}

async fn scan(core: Arc<Core>, after: Option<Id>) -> Result<Page, WalkError> {
    Ok(core.scan(Kind::Walker, Some(walk_entity()), after, PAGE).await?)
}

/// Takes up a walk that was left behind, as soon as there is room for it and while the store is away again and again.
async fn resume_patiently(core: &Weak<Core>, document: &Document) -> Result<(), WalkError> {
    if !is_left_behind(
        &*core.upgrade().ok_or(WalkError::Stopped)?,
        &StoredWalk::read(document)?,
        document.id(),
    ) {
        return Ok(());
    }
    let id = document.id();
    // First of all: a walk for which there is no room has not been taken up.
    let place = Place::new(admitted_patiently(core).await?);
    let scanned = Mutex::new(Some(document));
    patiently(core, id, |core| Box::pin(resume_as_stored(core, id, scanned.lock().take(), &place))).await
}

async fn resume_as_stored(
    core: Arc<Core>,
    id: &Id,
    scanned: Option<&Document>,
    place: &Place,
) -> Result<(), WalkError> {
    if let Some(document) = scanned {
        return resume(&core, document, place).await;
    }
    // What was written last may have been stored, or not.
    match core.get_many(std::slice::from_ref(id)).await?.pop().flatten() {
        Some(document) => resume(&core, &document, place).await,
        None => Ok(()),
    }
}

/// Whether a process has left a walk behind that this one can take up.
fn is_left_behind(core: &Core, stored: &StoredWalk, id: &Id) -> bool {
    // What was spawned since the runtime started runs here already.
    if stored.status != WalkStatus::Running || core.has_begun(&stored.parts_key) {
        return false;
    }
    let is_known = WalkerType::find(&stored.walker).is_some();
    if !is_known {
        tracing::warn!(walk = %id, walker = stored.walker, "this program has no such walker");
    }
    is_known
}

/// Takes up a walk if it is one that was left behind; parks it if it cannot be.
async fn resume(core: &Arc<Core>, document: &Document, place: &Place) -> Result<(), WalkError> {
    let mut stored = StoredWalk::read(document)?;
    if !is_left_behind(core, &stored, document.id()) {
        return Ok(());
    }
    stored.taken_up = stored.taken_up.saturating_add(1);
    let (id, version) = (document.id(), document.version());
    if stored.taken_up <= MOST_TAKEN_UP {
        let Some(version) = save(core, id, &stored, version).await? else { return Ok(()) };
        match take_up_left_behind(core, id, stored.clone(), version, place).await {
            Err(error) if is_its_own(&error) => park(core, id, stored, version, error.to_string()).await,
            done => done,
        }
    } else {
        let times = stored.taken_up - 1;
        let error = format!("its process ended {times} times before it had made progress");
        park(core, id, stored, version, error).await
    }
}

/// Whether a walk cannot be taken up for what it is, and not for what the runtime and its store are at the moment.
fn is_its_own(error: &WalkError) -> bool {
    match error {
        WalkError::Store(error) => matches!(**error, StoreError::Damaged { .. }),
        WalkError::Stopped | WalkError::Overloaded { .. } => false,
        _ => true,
    }
}

async fn park(
    core: &Core,
    id: &Id,
    mut stored: StoredWalk,
    version: Version,
    error: String,
) -> Result<(), WalkError> {
    stored.status = WalkStatus::Parked;
    stored.failure = Some(StoredFailure { error, at: None, attempts: stored.taken_up });
    if save(core, id, &stored, version).await?.is_some() {
        core.metrics.parked();
    }
    Ok(())
}

pub(super) async fn take_up_left_behind(
    core: &Arc<Core>,
    id: &Id,
    stored: StoredWalk,
    version: Version,
    place: &Place,
) -> Result<(), WalkError> {
    let taken_up = take_up(core, id, stored, version).await?;
    host_left_behind(core, taken_up, place.take()?).await
}

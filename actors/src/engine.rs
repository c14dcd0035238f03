//! The engine of a worker: hosts many walks on one thread and interleaves their visits.
//!
//! A turn takes a few visits of each of a group of walks, fetches their records together so that the
//! waits for memory overlap, then runs the hooks one after another. Walks of a group take turns for
//! a while before the next group comes, so that their own state stays in the processor's cache
//! (interleaving as in Sun et al., "ThunderRW: an in-memory graph random walk engine", VLDB 2021).

mod ask;
mod batch;
mod batch_watch;
mod control;
mod emit;
mod fetch;
mod finish;
mod hooks;
mod host;
mod moving;
mod read_ahead;
mod run;
mod tally;
mod write;

use std::cell::RefCell;
use std::collections::VecDeque;
use std::num::NonZeroU64;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::{Rc, Weak};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use tokio::sync::Notify;
// That of the system, but in a simulation, where how far a slice goes must not hang on the machine.
use tokio::time::Instant as SliceInstant;
use wayfare_graph::{HookTable, SharedRecord, WalkError};

use crate::core::Core;
use crate::engine::fetch::Pick;
use crate::engine::tally::Tally;
use crate::hosted::{Hosted, State};
use crate::messages::{Found, Records};
use crate::panic_text::panic_text;
use crate::supervision::ActorEnd;
use crate::tasks;
use crate::worker::Vitals;

/// Most walks that take turns together. Their state is about 1 KiB each, so a group of this size
/// stays in a second-level cache; larger groups and smaller ones were slower.
const GROUP: usize = 96;

/// Turns that a group has before the next one comes.
const GROUP_TURNS: u32 = 64;

/// How long the engine runs before it lets the thread handle messages.
const SLICE: Duration = Duration::from_micros(200);

/// A place among those that take turns. Seats are given again, to the same walk too when it comes back from another
/// worker; so a place has a number of its own, and the walk at its seat knows which one is its place.
#[derive(Debug, Clone, Copy)]
struct Place {
    seat: usize,
    number: NonZeroU64,
}

/// Walks hosted by one worker.
pub(crate) struct Engine {
    pub(crate) core: Arc<Core>,
    vitals: Arc<Vitals>,
    /// The engine itself, for the actors and tasks it starts.
    this: Weak<RefCell<Engine>>,
    seats: Vec<Option<Box<Hosted>>>,
    free: Vec<usize>,
    /// Walks that can go on and are not in the group.
    ready: VecDeque<Place>,
    group: Vec<Place>,
    group_turns: u32,
    /// The number of the last place that was given out.
    last_place: NonZeroU64,
    picks: Vec<Pick>,
    /// Records of this turn's visits, given back together.
    visited: Vec<SharedRecord>,
    tables: Vec<Arc<HookTable>>,
    wake: Rc<Notify>,
    /// Seats to ask shards for, at the end of the turn.
    asking: Vec<usize>,
    /// Visits since they were told that found their record resident, by shard: an atomic for each would cost more than
    /// the visit.
    hits: Box<[u64]>,
    /// Visits that all walks have asked for ahead, or got and not yet made.
    read_ahead: usize,
    tally: Tally,
}

impl Engine {
    /// Makes an engine and starts the task that turns it, on the present thread's arbiter.
    pub(crate) fn start(core: Arc<Core>, vitals: Arc<Vitals>) -> Rc<RefCell<Self>> {
        core.metrics.watch(&vitals);
        let wake = Rc::new(Notify::new());
        let engine = Rc::new_cyclic(|this| {
            RefCell::new(Self {
                hits: vec![0; core.settings.shards].into(),
                read_ahead: 0,
                tally: Tally::new(&core.metrics),
                core,
                vitals,
                this: this.clone(),
                seats: Vec::new(),
                free: Vec::new(),
                ready: VecDeque::new(),
                group: Vec::new(),
                group_turns: 0,
                last_place: NonZeroU64::MIN,
                picks: Vec::new(),
                visited: Vec::new(),
                tables: Vec::new(),
                wake: Rc::clone(&wake),
                asking: Vec::new(),
            })
        });
        let this = Rc::downgrade(&engine);
        tasks::spawn_local("worker", async move {
            while let Some(engine) = this.upgrade() {
                let busy = within(&this, Self::slice);
                drop(engine);
                let Some(busy) = busy else { return };
                if busy {
                    // Lets the messages and tasks of this thread run; a message to oneself would
                    // starve them.
                    tokio::task::yield_now().await;
                } else {
                    wake.notified().await;
                }
            }
        });
        engine
    }

    /// Runs turns for a slice of time; `false` when no walk can go on.
    fn slice(&mut self) -> bool {
        let until = SliceInstant::now() + SLICE;
        let mut busy = true;
        while busy && SliceInstant::now() < until {
            busy = self.turn();
        }
        self.tell_figures();
        // Relaxed: a figure by which walks are spread.
        self.vitals.ready.store(self.ready.len() + self.group.len(), Ordering::Relaxed);
        busy
    }

    fn turn(&mut self) -> bool {
        self.regroup();
        if self.group.is_empty() {
            return false;
        }
        self.vitals.beat();
        self.tally.begin_turn();
        self.pick();
        self.fetch();
        self.run();
        self.ask_all();
        true
    }

    /// Keeps the group full, and lets another group come when this one has had its turns.
    fn regroup(&mut self) {
        let seats = &mut self.seats;
        let mut stays = |place: Place| {
            let at_seat = seats[place.seat].as_mut();
            let Some(hosted) = at_seat.filter(|hosted| hosted.place == Some(place.number)) else {
                return false;
            };
            hosted.place = hosted.place.filter(|_| hosted.state == State::Ready);
            hosted.place.is_some()
        };
        self.group.retain(|&place| stays(place));
        self.group_turns += 1;
        if self.group_turns > GROUP_TURNS {
            self.group_turns = 0;
            self.ready.extend(self.group.drain(..));
        }
        while self.group.len() < GROUP {
            let Some(place) = self.ready.pop_front() else { break };
            if stays(place) {
                self.group.push(place);
            }
        }
    }

    /// Lets a walk go on.
    fn make_ready(&mut self, seat: usize) {
        if let Some(hosted) = &mut self.seats[seat] {
            hosted.state = State::Ready;
            self.tally.see(hosted);
            if hosted.place.is_none() {
                self.last_place = self.last_place.saturating_add(1);
                hosted.place = Some(self.last_place);
                self.ready.push_back(Place { seat, number: self.last_place });
                self.wake.notify_one();
            }
        }
    }

    /// Takes in a shard's answer.
    pub(crate) fn arrive(&mut self, seat: usize, walk: u64, records: Records) {
        let Some(hosted) = self.seat_of(seat, walk) else { return };
        hosted.outstanding = hosted.outstanding.saturating_sub(1);
        hosted.profile.store_calls += u64::from(records.store_calls);
        match records.result {
            Ok(found) => {
                for (slot, found) in found {
                    if let Found::Record(record) = &found {
                        let bytes = record.payload.heap_bytes() + record.head.link_bytes();
                        hosted.profile.bytes += bytes as u64;
                    }
                    // It may have been visited already: it was published before this message came.
                    if let Some(answer) = hosted.asked.get_mut(&slot) {
                        *answer = Some(found);
                    }
                }
            }
            Err(error) => {
                let error = WalkError::Store(error);
                return self.doom(seat, error);
            }
        }
        if hosted.state == State::Loading {
            self.make_ready(seat);
        }
    }

    /// A walk by its seat, unless the seat has been given to another walk since.
    fn seat_of(&mut self, seat: usize, walk: u64) -> Option<&mut Hosted> {
        let hosted = self.seats.get_mut(seat)?.as_deref_mut()?;
        (hosted.id == walk).then_some(hosted)
    }
}

/// Lets a task or a message do something with an engine; `None` when it has ended, before or by this.
///
/// Hooks are caught one by one: a panic here is a fault of the engine, whose walks cannot be trusted to go on. The
/// supervisor ends them and puts another worker in its place.
pub(crate) fn within<T>(engine: &Weak<RefCell<Engine>>, work: impl FnOnce(&mut Engine) -> T) -> Option<T> {
    let engine = engine.upgrade()?;
    let vitals = Arc::clone(&engine.borrow().vitals);
    if vitals.end().is_some() {
        return None;
    }
    match catch_unwind(AssertUnwindSafe(|| work(&mut engine.borrow_mut()))) {
        Ok(done) => Some(done),
        Err(panic) => {
            vitals.leave();
            vitals.has_failed(ActorEnd::Panicked { message: panic_text(&*panic) });
            engine.borrow().core.supervision.news.notify_one();
            None
        }
    }
}

impl Hosted {
    /// Why the walk may not go on, if it may not.
    fn overdue(&self, now: Instant) -> Option<WalkError> {
        if self.shared.is_cancelled() {
            return Some(WalkError::Cancelled { walker: self.shared.walker.into() });
        }
        self.shared.is_late(now).then(|| self.shared.wall_reached())
    }
}
